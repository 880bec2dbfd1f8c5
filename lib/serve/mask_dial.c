/* SPDX-License-Identifier: MIT */
/*
 * mask_dial.c - is it a phone number?  With "+" or "00" by E.164's country codes and the lengths
 * that countries use; without, by a leading 0 or by the way in which some countries group theirs;
 * after a word for phones, by its length alone.
 */
#include <string.h>

#include "lib/serve/mask_phone.h"

/* ---- Country codes ---------------------------------------------------------------------- */

/* Digits after the code, from and to, where they are narrower than 4 to 12.  Codes of one and two
 * digits are all here; those of three begin as `three` says. */
static const struct {
    const char *code;
    unsigned char shortest, longest;
} codes[] = {
    {"1", 10, 10},  {"7", 10, 10},  {"20", 8, 10},  {"27", 5, 9},   {"30", 10, 10}, {"31", 7, 10},
    {"32", 8, 9},   {"33", 9, 9},   {"34", 9, 9},   {"36", 8, 9},   {"39", 6, 11},  {"40", 9, 9},
    {"41", 9, 9},   {"43", 4, 13},  {"44", 7, 10},  {"45", 8, 8},   {"46", 7, 10},  {"47", 5, 8},
    {"48", 9, 9},   {"49", 5, 13},  {"51", 8, 9},   {"52", 10, 11}, {"53", 6, 8},   {"54", 10, 11},
    {"55", 10, 11}, {"56", 9, 9},   {"57", 8, 10},  {"58", 10, 10}, {"60", 8, 10},  {"61", 6, 10},
    {"62", 7, 12},  {"63", 8, 10},  {"64", 7, 10},  {"65", 8, 8},   {"66", 8, 9},   {"81", 9, 10},
    {"82", 8, 11},  {"84", 9, 10},  {"86", 9, 11},  {"90", 10, 10}, {"91", 10, 10}, {"92", 9, 10},
    {"93", 9, 9},   {"94", 9, 9},   {"95", 6, 10},  {"98", 10, 10}, {"212", 9, 9},  {"213", 8, 9},
    {"216", 8, 8},  {"218", 9, 9},  {"234", 8, 10}, {"254", 7, 10}, {"351", 9, 9},  {"353", 7, 10},
    {"354", 7, 9},  {"356", 8, 8},  {"357", 8, 8},  {"370", 8, 8},  {"371", 8, 8},  {"372", 7, 8},
    {"375", 9, 9},  {"380", 9, 9},  {"385", 8, 9},  {"420", 9, 9},  {"421", 9, 9},  {"852", 8, 8},
    {"853", 8, 8},  {"886", 8, 10}, {"961", 7, 8},  {"962", 8, 9},  {"963", 8, 9},  {"965", 7, 8},
    {"966", 9, 10}, {"971", 7, 9},  {"972", 8, 10}, {"974", 7, 8},  {"995", 9, 9},
};

/* The second digits with which codes of three digits begin, by the first. */
static const char *const three[10] = {
    ['2' - '0'] = "1234569", ['3' - '0'] = "578",  ['4' - '0'] = "2",   ['5' - '0'] = "09",
    ['6' - '0'] = "789",     ['8' - '0'] = "0578", ['9' - '0'] = "679",
};

/* Are these n digits a country code and as many more as belong to it?  A 0 that is dialled only
 * within the country may be among them. */
static bool abroad(const char *digits, size_t n)
{
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        size_t code = strlen(codes[i].code);

        if (n > code && memcmp(digits, codes[i].code, code) == 0) {
            size_t zero = digits[code] == '0' && n - code > codes[i].longest;

            return n - code >= codes[i].shortest && n - code - zero <= codes[i].longest;
        }
    }
    return n >= 7 && n <= 15 && digits[0] != '0' && three[digits[0] - '0'] != NULL
           && strchr(three[digits[0] - '0'], digits[1]) != NULL;
}

/* ---- Dates ------------------------------------------------------------------------------ */

static unsigned number(const struct bert__dial *d, size_t g)
{
    unsigned value = 0;

    for (size_t i = 0; i < d->group[g].n && i < 8; i++)
        value = value * 10 + (unsigned)(d->digit[d->group[g].first + i] - '0');
    return value;
}

static bool is_year(const struct bert__dial *d, size_t g)
{
    return d->group[g].n == 4 && number(d, g) >= 1900 && number(d, g) <= 2099;
}

static bool day_and_month(const struct bert__dial *d, size_t g)
{
    unsigned a = number(d, g), b = number(d, g + 1);

    return d->group[g].n <= 2 && d->group[g + 1].n <= 2 && a >= 1 && b >= 1
           && ((a <= 31 && b <= 12) || (a <= 12 && b <= 31));
}

/* "31.12.2024", "2024-12-31", "12/31/24", "31.12. 2024" at group g. */
static bool is_date(const struct bert__dial *d, size_t g)
{
    const struct bert__dial_group *p = &d->group[g];

    if (g + 3 > d->groups || p[1].gap == ' ' || p[2].gap != p[1].gap)
        return false;
    return (day_and_month(d, g)
            && (is_year(d, g + 2) || (p[2].n == 2 && d->digit[p->first] != '0')))
           || (is_year(d, g) && day_and_month(d, g + 1));
}

size_t bert__dial_most(const struct bert__dial *d)
{
    for (size_t g = 0; g < d->groups; g++) {
        if (is_date(d, g) && (g == 0 || d->group[g].gap == ' '))
            return g;
    }
    return d->groups;
}

/* ---- In a country ----------------------------------------------------------------------- */

/* Lengths of the groups, as characters. */
static bool shaped(const struct bert__dial *d, size_t k, const char *shape)
{
    for (size_t g = 0; g < k; g++) {
        if (shape[g] == '\0' || d->group[g].n != (size_t)(shape[g] - '0'))
            return false;
    }
    return shape[k] == '\0';
}

/* One mark between all groups from the second on. */
static bool uniform(const struct bert__dial *d, size_t k)
{
    for (size_t g = 2; g < k; g++) {
        if (d->group[g].gap != d->group[1].gap && !d->group[g - 1].enclosed)
            return false;
    }
    return true;
}

/* 030 123456, 01 23 45 67 89, 044.123.45.67, (0)30 123456, 01701234567 */
static bool with_zero(const struct bert__dial *d, size_t k, size_t digits)
{
    bool grouped = k > 1;

    if (d->digit[0] != '0' || d->digit[1] == '0')
        return false;
    if (d->group[0].n == 1 && !d->group[0].enclosed)
        return false;
    for (size_t g = 1; g < k; g++) {
        if (d->group[g].n == 1 && k > 2)
            return false;
    }
    return grouped ? digits >= 9 && digits <= 12 : digits == 10 || digits == 11;
}

/* (212) 555-0123, (11) 91234-5678, 8 (916) 123-45-67 */
static bool with_area(const struct bert__dial *d, size_t k, size_t digits)
{
    size_t area = d->group[0].enclosed ? 0 : 1;

    if (area == 1 && (d->group[0].n != 1 || strchr("18", d->digit[0]) == NULL))
        return false;
    return k > area + 1 && d->group[area].enclosed && d->group[area].n > 1 && d->group[area].n < 6
           && !is_year(d, area) && digits >= 7 + area && digits <= 12 && d->group[area + 1].n > 1;
}

/* Groups that are written so in a country, and seldom otherwise. */
static bool by_shape(const struct bert__dial *d, size_t k)
{
    static const struct {
        const char *shape, *first; /* first digits that go with it */
        bool dash;                 /* a '-' before the last group */
    } shapes[] = {
        {"334", "23456789", false},   /* United States, Canada; Italy's mobiles */
        {"1334", "1", false},         /* with the 1 */
        {"13322", "8", false},        /* Russia, Kazakhstan */
        {"137", "8", false},          /* */
        {"3322", "23456789", false},  /* Turkey, Ukraine, Russia */
        {"3222", "6789", false},      /* Spain */
        {"2322", "123456789", false}, /* Spain, Poland */
        {"254", "123456789", true},   /* Brazil */
        {"244", "1", true},           /* Brazil */
        {"244", "23456789", false},   /* Mexico, Chile, Brazil */
        {"37", "3", false},           /* Italy's and Colombia's mobiles */
        {"55", "6789", false},        /* India */
        {"344", "1", false},          /* China's mobiles */
        {"433", "1", false},          /* Australia's 1300 and 1800 */
    };

    if (!uniform(d, k) && !(k == 3 && d->group[2].gap == '-'))
        return false;
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        if (shaped(d, k, shapes[i].shape) && strchr(shapes[i].first, d->digit[0]) != NULL
            && (!shapes[i].dash || d->group[k - 1].gap == '-') && d->group[1].gap != '/')
            return true;
    }
    return false;
}

static bool china_mobile(const struct bert__dial *d, size_t k, size_t digits)
{
    return k == 1 && digits == 11 && d->digit[0] == '1' && d->digit[1] > '2';
}

static bool at_home(const struct bert__dial *d, size_t k, size_t digits,
                    enum bert__dial_context context)
{
    if (context == BERT__DIAL_PHONE)
        return digits >= 6 && digits <= 13 && k < 7 && digits + 1 >= 2 * k
               && !(k == 1 && digits < 7);
    if (context == BERT__DIAL_OTHER)
        return false;
    if (context == BERT__DIAL_UNSPACED && china_mobile(d, k, digits))
        return true;
    return with_zero(d, k, digits) || with_area(d, k, digits) || by_shape(d, k);
}

/* The digits of the first k groups but for a "(0)" behind the country code. */
static size_t dialled(const struct bert__dial *d, size_t k, char out[BERT__DIAL_DIGITS])
{
    size_t n = 0;

    for (size_t g = 0; g < k; g++) {
        const struct bert__dial_group *p = &d->group[g];

        if (g > 0 && p->enclosed && p->n == 1 && d->digit[p->first] == '0')
            continue;
        memcpy(out + n, d->digit + p->first, p->n);
        n += p->n;
    }
    return n;
}

bool bert__dial_is_phone(const struct bert__dial *d, size_t k, enum bert__dial_context context)
{
    char digits[BERT__DIAL_DIGITS];
    size_t n = dialled(d, k, digits);

    if (d->plus)
        return n >= 7 && n <= 15 && abroad(digits, n);
    if (n < 6)
        return false;
    if (digits[0] == '0' && digits[1] == '0')
        return context != BERT__DIAL_OTHER && n >= 9 && n <= 17 && digits[2] != '0'
               && abroad(digits + 2, n - 2);
    if (memcmp(digits, "011", 3) == 0 && k > 2 && n >= 11 && abroad(digits + 3, n - 3))
        return context != BERT__DIAL_OTHER;
    return at_home(d, k, n, context);
}
