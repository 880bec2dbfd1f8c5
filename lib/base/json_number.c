/* SPDX-License-Identifier: MIT */
/*
 * json_number.c - decimal text to the nearest double, in integers only.
 *
 * Not strtod: that reads the process's locale and rounding mode, neither of which
 * is ours.  Up to 19 digits with a power of ten up to 27 are one 128-bit
 * multiplication or division, exact since 5^27 < 2^63; that covers nearly every
 * number of a model's files.  The rest is exact long arithmetic.
 */
#include <string.h>

#include "lib/base/json_parts.h"

__extension__ typedef unsigned __int128 u128;

enum {
    FAST_DIGITS = 19, /* 10^19 - 1 fits 64 bits */
    FAST_POWER = 27,
    /* A double's halfway point has at most 767 significant digits; behind
     * this many, all that matters is whether anything is not zero. */
    MAX_DIGITS = 800,
    LIMBS = 64,      /* 4096 bits; 10^801 has 2661, 5^1130 has 2624 */
    MAX_POWER = 309, /* 10^309 is past the largest double */
    MIN_POWER = -326 /* 10^-325 is less than half of the smallest */
};

static const uint64_t power_of_5[FAST_POWER + 1] = {
    1u,
    5u,
    25u,
    125u,
    625u,
    3125u,
    15625u,
    78125u,
    390625u,
    1953125u,
    9765625u,
    48828125u,
    244140625u,
    1220703125u,
    6103515625u,
    30517578125u,
    152587890625u,
    762939453125u,
    3814697265625u,
    19073486328125u,
    95367431640625u,
    476837158203125u,
    2384185791015625u,
    11920928955078125u,
    59604644775390625u,
    298023223876953125u,
    1490116119384765625u,
    7450580596923828125u,
};

struct decimal {
    bool negative;
    const char *digits; /* from the first significant one; may hold a '.' */
    const char *end;
    size_t count;     /* significant digits in [digits, end) */
    int64_t power;    /* value = all digits as an integer * 10^power */
    uint64_t leading; /* the first FAST_DIGITS of them */
};

/* ---- From 64 bits and a binary exponent to a double -------------------------- */

/* m * 2^e (plus something below one unit of m if sticky), m with its top bit set. */
static double assemble(uint64_t m, int e, bool sticky)
{
    int exponent = e + 63; /* of the leading bit */
    unsigned drop = 11;
    uint64_t bits, half, rest;
    double value;

    if (exponent > 1023)
        exponent = 1024;
    if (exponent < -1022)
        drop = exponent < -1022 - 60 ? 71 : 11 + (unsigned)(-1022 - exponent);
    bits = drop < 64 ? m >> drop : 0;
    half = drop <= 64 ? (m >> (drop - 1)) & 1 : 0;
    rest = (drop <= 64 ? m & (((uint64_t)1 << (drop - 1)) - 1) : m) | (uint64_t)sticky;
    if (exponent == 1024)
        bits = (uint64_t)2047 << 52;
    else {
        if (half && (rest || (bits & 1)))
            bits++; /* a carry runs into the exponent as it should */
        if (exponent >= -1022)
            bits += (uint64_t)(exponent + 1022) << 52;
    }
    memcpy(&value, &bits, sizeof(value));
    return value;
}

static double assemble_wide(u128 n, int e, bool sticky)
{
    uint64_t high = (uint64_t)(n >> 64), low = (uint64_t)n;
    int shift;

    if (!high) {
        shift = __builtin_clzll(low);
        return assemble(low << shift, e - shift, sticky);
    }
    shift = __builtin_clzll(high);
    n <<= shift;
    return assemble((uint64_t)(n >> 64), e + 64 - shift, sticky || (uint64_t)n != 0);
}

static double fast(uint64_t w, int power)
{
    int shift;
    u128 n, d;

    if (power >= 0)
        return assemble_wide((u128)w * power_of_5[power], power, false);
    shift = __builtin_clzll(w);
    n = (u128)(w << shift) << 64;
    d = power_of_5[-power];
    return assemble_wide(n / d, power - 64 - shift, n % d != 0);
}

/* ---- Long arithmetic ----------------------------------------------------------- */

struct big {
    uint64_t limb[LIMBS]; /* least first */
    size_t count;
};

static void big_mul_add(struct big *b, uint64_t factor, uint64_t add)
{
    uint64_t carry = add;

    for (size_t i = 0; i < b->count; i++) {
        u128 t = (u128)b->limb[i] * factor + carry;

        b->limb[i] = (uint64_t)t;
        carry = (uint64_t)(t >> 64);
    }
    if (carry && b->count < LIMBS)
        b->limb[b->count++] = carry;
}

static void big_mul_power_of_5(struct big *b, unsigned power)
{
    for (; power > FAST_POWER; power -= FAST_POWER)
        big_mul_add(b, power_of_5[FAST_POWER], 0);
    big_mul_add(b, power_of_5[power], 0);
}

static unsigned big_bits(const struct big *b)
{
    return (unsigned)b->count * 64 - (unsigned)__builtin_clzll(b->limb[b->count - 1]);
}

static void big_shift(struct big *b, unsigned shift)
{
    size_t limbs = shift / 64;
    unsigned bits = shift % 64;
    size_t count = b->count + limbs + 1;

    if (count > LIMBS)
        count = LIMBS;
    for (size_t i = count; i-- > 0;) {
        uint64_t high = i >= limbs && i - limbs < b->count ? b->limb[i - limbs] : 0;
        uint64_t low = i >= limbs + 1 && i - limbs - 1 < b->count ? b->limb[i - limbs - 1] : 0;

        b->limb[i] = bits ? high << bits | low >> (64 - bits) : high;
    }
    while (count > 0 && b->limb[count - 1] == 0)
        count--;
    b->count = count;
}

static bool big_less(const struct big *a, const struct big *b)
{
    if (a->count != b->count)
        return a->count < b->count;
    for (size_t i = a->count; i-- > 0;)
        if (a->limb[i] != b->limb[i])
            return a->limb[i] < b->limb[i];
    return false;
}

/* a -= b, a >= b */
static void big_sub(struct big *a, const struct big *b)
{
    uint64_t borrow = 0;

    for (size_t i = 0; i < a->count; i++) {
        u128 t = (u128)a->limb[i] - (i < b->count ? b->limb[i] : 0) - borrow;

        a->limb[i] = (uint64_t)t;
        borrow = (uint64_t)(t >> 64) & 1;
    }
    while (a->count > 0 && a->limb[a->count - 1] == 0)
        a->count--;
}

/* The digits as an integer; those past MAX_DIGITS become one digit 1 if any is not
 * zero, which lies on the same side of every halfway point.  Returns the power left. */
static int big_digits(struct big *b, const struct decimal *d)
{
    size_t taken = 0;
    bool rest = false;

    b->count = 0;
    for (const char *p = d->digits; p < d->end; p++) {
        if (*p == '.')
            continue;
        if (taken < MAX_DIGITS)
            big_mul_add(b, 10, (uint64_t)(*p - '0'));
        else if (*p != '0')
            rest = true;
        taken++;
    }
    if (taken <= MAX_DIGITS)
        return (int)d->power;
    big_mul_add(b, 10, rest);
    return (int)(d->power + (int64_t)(taken - MAX_DIGITS) - 1);
}

/* num / den * 2^e, by 65 steps of long division. */
static double big_divide(struct big *num, struct big *den, int e)
{
    int shift = (int)big_bits(num) - (int)big_bits(den);
    u128 q = 0;

    if (shift > 0)
        big_shift(den, (unsigned)shift);
    else
        big_shift(num, (unsigned)-shift);
    for (int i = 0; i <= 64; i++) { /* num < 2 * den all along */
        q <<= 1;
        if (!big_less(num, den)) {
            big_sub(num, den);
            q |= 1;
        }
        big_shift(num, 1);
    }
    return assemble_wide(q, e + shift - 64, num->count != 0);
}

static double slow(const struct decimal *d)
{
    struct big num, den = {{1}, 1};
    int power;

    /* the value lies in [10^(n - 1), 10^n) */
    if ((int64_t)d->count + d->power > MAX_POWER + 1)
        return __builtin_inf();
    if ((int64_t)d->count + d->power < MIN_POWER)
        return 0;
    power = big_digits(&num, d);
    if (power >= 0)
        big_mul_power_of_5(&num, (unsigned)power);
    else
        big_mul_power_of_5(&den, (unsigned)-power);
    return big_divide(&num, &den, power);
}

/* ---- Reading the text ------------------------------------------------------------- */

static int64_t read_exponent(const char *p, const char *end)
{
    int64_t e = 0;
    bool negative = *p == '-';

    if (*p == '-' || *p == '+')
        p++;
    for (; p < end; p++)
        if (e < INT64_C(1000000000000000)) /* more than any count of digits makes up for */
            e = e * 10 + (*p - '0');
    return negative ? -e : e;
}

static void read_digits(struct decimal *d, const char *p, const char *end)
{
    bool fraction = false;

    d->digits = d->end = NULL;
    d->count = 0;
    d->power = 0;
    d->leading = 0;
    for (; p < end && *p != 'e' && *p != 'E'; p++) {
        if (*p == '.') {
            fraction = true;
            continue;
        }
        d->power -= fraction;
        if (*p == '0' && !d->count)
            continue;
        if (!d->count)
            d->digits = p;
        if (d->count < FAST_DIGITS)
            d->leading = d->leading * 10 + (uint64_t)(*p - '0');
        d->count++;
        d->end = p + 1;
    }
    if (p < end)
        d->power += read_exponent(p + 1, end);
}

double bert__json_double(const char *text, size_t size)
{
    const char *end = text + size;
    bool negative = *text == '-';
    struct decimal d;
    double value;

    read_digits(&d, text + negative, end);
    if (!d.count)
        value = 0;
    else if (d.count <= FAST_DIGITS && d.power >= -FAST_POWER && d.power <= FAST_POWER)
        value = fast(d.leading, (int)d.power);
    else
        value = slow(&d);
    return negative ? -value : value;
}

double bert__json_spelt(const char *text)
{
    return bert__json_double(text, strspn(text, "+-.0123456789Ee"));
}
