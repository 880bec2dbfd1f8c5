/* SPDX-License-Identifier: MIT */
/*
 * mask_iban.c - IBANs: a country of the registry, its length, and ISO 7064's check digits.
 * Together, or with a space or dash after each four characters; all in digits, in any groups of two
 * and more.
 */
#include <string.h>

#include "lib/serve/mask_view.h"

enum { LONGEST = 33 };

/* Lengths as SWIFT's registry of IBAN formats lists them, and some countries that use IBANs
 * without being in it. */
static const char countries[][5] = {
    "AD24", "AE23", "AL28", "AO25", "AT20", "AZ28", "BA20", "BE16", "BF28", "BG22", "BH22", "BI27",
    "BJ28", "BR29", "BY28", "CF27", "CG27", "CH21", "CI28", "CM27", "CR22", "CV25", "CY28", "CZ24",
    "DE22", "DJ27", "DK18", "DO28", "DZ26", "EE20", "EG29", "ES24", "FI18", "FK18", "FO18", "FR27",
    "GA27", "GB22", "GE22", "GI23", "GL18", "GQ27", "GR27", "GT28", "GW25", "HN28", "HR21", "HU28",
    "IE22", "IL23", "IQ23", "IR26", "IS26", "IT27", "JO30", "KM27", "KW30", "KZ20", "LB28", "LC32",
    "LI21", "LT20", "LU20", "LV21", "LY25", "MA28", "MC27", "MD24", "ME22", "MG27", "MK19", "ML28",
    "MN20", "MR27", "MT31", "MU30", "MZ25", "NE28", "NI28", "NL18", "NO15", "OM23", "PK24", "PL28",
    "PS29", "PT25", "QA29", "RO24", "RS22", "RU33", "SA24", "SC31", "SD18", "SE24", "SI19", "SK24",
    "SM27", "SN28", "SO23", "ST25", "SV28", "TD27", "TG28", "TL23", "TN24", "TR26", "UA29", "VA22",
    "VG24", "XK20", "YE30",
};

static size_t length_of(const char *iban)
{
    for (size_t i = 0; i < sizeof countries / sizeof countries[0]; i++) {
        if (memcmp(countries[i], iban, 2) == 0)
            return (size_t)(countries[i][2] - '0') * 10 + (size_t)(countries[i][3] - '0');
    }
    return 0;
}

static bool checks(const char *iban, size_t n)
{
    unsigned rest = 0;

    for (size_t k = 0; k < n; k++) {
        char c = iban[(k + 4) % n];

        rest = bert__mask_digit((unsigned char)c) ? rest * 10 + (unsigned)(c - '0')
                                                  : rest * 100 + (unsigned)(c - 'A') + 10;
        rest %= 97;
    }
    return rest == 1;
}

struct reading {
    char c[LONGEST]; /* upper case */
    size_t n;
    size_t group;  /* characters since the last separator */
    bool by_fours; /* separators only where they are printed */
    bool digits;   /* nothing else after the first four */
    bool short_group;
};

static bool add(struct reading *r, uint32_t c)
{
    if (!bert__mask_letter(c) && !bert__mask_digit(c))
        return false;
    if (bert__mask_letter(c))
        c &= ~0x20u;
    if ((r->n < 2) != bert__mask_letter(c) && r->n < 4)
        return false;
    r->digits &= r->n < 4 || bert__mask_digit(c);
    r->c[r->n++] = (char)c;
    r->group++;
    return true;
}

/* The end of the IBAN at i; 0: there is none. */
static size_t iban_end(const struct bert__mask_view *v, size_t i)
{
    struct reading r = {.by_fours = true, .digits = true};
    size_t len, want = LONGEST, next;

    while (r.n < want) {
        uint32_t c = bert__mask_at(v, i, &len);

        if ((c == ' ' || c == '-') && r.group > 0) {
            r.by_fours &= r.n % 4 == 0;
            r.short_group |= r.group < 2;
            r.group = 0;
            i += len;
            continue;
        }
        if (!add(&r, c))
            return 0;
        i += len;
        if (r.n == 2)
            want = length_of(r.c);
    }
    if (want == 0 || !(r.by_fours || (r.digits && !r.short_group)) || !checks(r.c, r.n)
        || bert__mask_class(bert__mask_at(v, i, &next)) == BERT__MASK_WORD)
        return 0;
    return i;
}

bool bert__mask_iban(const struct bert__mask_view *v, bert_span *out)
{
    size_t i = v->lo, len, at;

    while (i < v->hi) {
        uint32_t c = bert__mask_at(v, i, &len);

        if (bert__mask_letter(c)
            && bert__mask_class(bert__mask_before(v, i, &at)) != BERT__MASK_WORD) {
            out->start = i;
            out->end = iban_end(v, i);
            if (out->end > 0)
                return true;
        }
        i += len;
    }
    return false;
}
