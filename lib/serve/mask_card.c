/* SPDX-License-Identifier: MIT */
/*
 * mask_card.c - numbers of payment cards: a network's first digits and length, and Luhn's check.
 * The digits stand together, or in groups of at least three but for the last.
 */
#include "lib/serve/mask_view.h"

enum { LONGEST = 19 };

/* First digits, as numbers of `digits` of them, and the lengths that go with them. */
static const struct network {
    uint32_t first, last;
    uint8_t digits, shortest, longest;
} networks[] = {
    {4, 4, 1, 13, 19},       /* Visa; 13 and 16 mostly */
    {51, 55, 2, 16, 16},     /* Mastercard */
    {2221, 2720, 4, 16, 16}, /* Mastercard */
    {34, 34, 2, 15, 15},     /* American Express */
    {37, 37, 2, 15, 15},     /* American Express */
    {300, 305, 3, 14, 19},   /* Diners Club */
    {3095, 3095, 4, 14, 19}, /* Diners Club */
    {36, 36, 2, 14, 19},     /* Diners Club */
    {38, 39, 2, 14, 19},     /* Diners Club */
    {6011, 6011, 4, 16, 19}, /* Discover */
    {644, 649, 3, 16, 19},   /* Discover */
    {65, 65, 2, 16, 19},     /* Discover, RuPay, Elo */
    {3528, 3589, 4, 16, 19}, /* JCB */
    {62, 62, 2, 16, 19},     /* UnionPay */
    {81, 82, 2, 16, 19},     /* UnionPay, RuPay */
    {2200, 2204, 4, 16, 19}, /* Mir */
    {50, 50, 2, 13, 19},     /* Maestro, Verve, RuPay, Elo, Dankort */
    {56, 58, 2, 13, 19},     /* Maestro */
    {60, 60, 2, 13, 19},     /* RuPay, Maestro */
    {63, 63, 2, 13, 19},     /* Maestro, Elo, InstaPayment */
    {67, 69, 2, 13, 19},     /* Maestro */
    {9792, 9792, 4, 16, 16}, /* Troy */
};

static bool known(const char *digits, size_t n)
{
    for (size_t i = 0; i < sizeof networks / sizeof networks[0]; i++) {
        uint32_t first = 0;

        for (size_t k = 0; k < networks[i].digits; k++)
            first = first * 10 + (uint32_t)(digits[k] - '0');
        if (first >= networks[i].first && first <= networks[i].last && n >= networks[i].shortest
            && n <= networks[i].longest)
            return true;
    }
    return false;
}

static bool luhn(const char *digits, size_t n)
{
    unsigned sum = 0;

    for (size_t i = 0; i < n; i++) {
        unsigned d = (unsigned)(digits[n - 1 - i] - '0') << (i % 2);

        sum += d > 9 ? d - 9 : d;
    }
    return sum % 10 == 0;
}

/* May the number end there? */
static bool ends(const struct bert__mask_view *v, size_t end)
{
    size_t len;
    uint32_t c = bert__mask_at(v, end, &len);

    return bert__mask_class(c) != BERT__MASK_WORD && c != '%' && !bert__mask_goes_on(v, end, ".");
}

/* The end of the longest card that begins at `start`; 0: none does.  *next: where to look on. */
static size_t card_end(const struct bert__mask_view *v, size_t start, size_t *next)
{
    char digits[LONGEST];
    size_t n = 0, group = 0, len, gap, i = start, good = 0;

    *next = 0;
    for (;; i += len) {
        uint32_t c = bert__mask_at(v, i, &len);

        if (bert__mask_digit(c)) {
            group++;
            if (n < LONGEST)
                digits[n] = (char)c;
            n++;
            continue;
        }
        *next = *next == 0 ? i : *next;
        if (n >= 13 && n <= LONGEST && known(digits, n) && luhn(digits, n) && ends(v, i))
            good = i;
        if (n >= LONGEST || group < 3 || (c != ' ' && c != '-')
            || !bert__mask_digit(bert__mask_at(v, i + len, &gap)))
            return good;
        group = 0;
    }
}

bool bert__mask_card(const struct bert__mask_view *v, bert_span *out)
{
    size_t i = v->lo, len, at;

    while (i < v->hi) {
        uint32_t c = bert__mask_at(v, i, &len), before;
        size_t next;

        if (!bert__mask_digit(c)) {
            i += len;
            continue;
        }
        before = bert__mask_before(v, i, &at);
        out->start = i;
        out->end = card_end(v, i, &next);
        if (out->end > 0 && bert__mask_class(before) != BERT__MASK_WORD && before != '+'
            && !bert__mask_goes_back(v, i, "."))
            return true;
        i = next;
    }
    return false;
}
