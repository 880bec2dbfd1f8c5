/* SPDX-License-Identifier: MIT */
/*
 * mask_phone.c - where a phone number may stand: groups of digits are read, and the longest of
 * their beginnings that mask_dial.c takes for a number, and that ends where a number may, is one.
 */
#include "lib/serve/mask_phone.h"

#include <string.h>

#include "lib/serve/mask_view.h"

/* ---- Reading groups --------------------------------------------------------------------- */

/* What separates two groups: one mark, with a space on either side or none; nothing after ')'. */
static bool read_gap(const struct bert__mask_run *run, size_t *i, char *gap)
{
    size_t k = *i, spaces = 0;

    *gap = ' ';
    for (; k < run->n && !bert__mask_digit((unsigned char)run->c[k]) && run->c[k] != '('; k++) {
        if (run->c[k] == ' ')
            spaces++;
        else if (*gap != ' ' || strchr("-./", run->c[k]) == NULL)
            return false;
        else
            *gap = run->c[k];
    }
    if (k == run->n || spaces > 2 || (*gap == ' ' && spaces > 1))
        return false;
    *i = k;
    return true;
}

static bool read_group(const struct bert__mask_run *run, size_t *i, struct bert__dial *d)
{
    struct bert__dial_group *g = &d->group[d->groups];
    size_t k = *i;
    bool plus = d->groups == 0 && k + 1 < run->n && run->c[k] == '(' && run->c[k + 1] == '+';

    *g = (struct bert__dial_group){.enclosed = run->c[k] == '('};
    k += g->enclosed;
    if (plus || (d->groups == 0 && run->c[k] == '+')) {
        d->plus = true;
        k++;
    }
    g->first = d->digits;
    while (k < run->n && bert__mask_digit((unsigned char)run->c[k])
           && d->digits < BERT__DIAL_DIGITS)
        d->digit[d->digits++] = run->c[k++];
    g->n = d->digits - g->first;
    if (g->enclosed && (k == run->n || run->c[k++] != ')'))
        return false;
    if (g->n == 0 || (!g->enclosed && k < run->n && bert__mask_digit((unsigned char)run->c[k])))
        return false;
    g->end = run->at[k];
    *i = k;
    d->groups++;
    return true;
}

static void read_dial(const struct bert__mask_run *run, struct bert__dial *d)
{
    size_t i = 0;
    char gap = ' ';

    *d = (struct bert__dial){0};
    while (i < run->n && d->groups < BERT__DIAL_GROUPS) {
        if (!read_group(run, &i, d))
            return;
        d->group[d->groups - 1].gap = gap;
        if (i < run->n && !read_gap(run, &i, &gap))
            return;
    }
}

/* ---- Where it stands -------------------------------------------------------------------- */

static const char *const phone_words[] = {
    "tel",           "telephone",   "phone",     "phones",   "telefon", "telefono",  "telefone",
    "telefoon",      "téléphone",   "tél",       "teléfono", "tlf",     "tlfno",     "telf",
    "telefonnummer", "telefonszám", "telefonas", "telefón",  "tfno",    "fono",      "fone",
    "tfn",           "puh",         "puhelin",   "mobile",   "mobil",   "mob",       "mobiel",
    "móvil",         "movil",       "celular",   "cel",      "cell",    "cellulare", "cellular",
    "handy",         "handynummer", "portable",  "gsm",      "fax",     "telefax",   "faks",
    "hotline",       "call",        "calling",   "dial",     "ring",    "sms",       "whatsapp",
    "anrufen",       "rufnummer",   "durchwahl", "appeler",  "appelez", "llamar",    "llame",
    "llámame",       "chiamare",    "ligar",     "bellen",   "komórka", "kom",       "cep",
    "тел",           "телефон",     "телефону",  "телефона", "моб",     "мобильный", "факс",
    "звоните",       "τηλ",         "τηλέφωνο",  "κινητό",   "फोन",     "मोबाइल",    "号码",
    "號碼",          "番号",        "电话",      "手机",     "電話",    "手機",      "携帯",
    "전화",          "휴대폰",      "핸드폰",    "โทร",      "هاتف",    "جوال",      "تلفن",
    "موبايل",        "تليفون",      "טלפון",     "נייד",     NULL};

static const char *const other_words[] = {"id",
                                          "ids",
                                          "isbn",
                                          "issn",
                                          "ean",
                                          "gtin",
                                          "upc",
                                          "sku",
                                          "pmid",
                                          "doi",
                                          "order",
                                          "invoice",
                                          "ticket",
                                          "case",
                                          "ref",
                                          "reference",
                                          "article",
                                          "part",
                                          "serial",
                                          "sn",
                                          "imei",
                                          "vat",
                                          "account",
                                          "acct",
                                          "konto",
                                          "kontonummer",
                                          "rechnung",
                                          "rechnungsnummer",
                                          "bestellung",
                                          "bestellnummer",
                                          "kundennummer",
                                          "steuernummer",
                                          "artikelnummer",
                                          "siren",
                                          "siret",
                                          "facture",
                                          "commande",
                                          "pedido",
                                          "factura",
                                          "ordine",
                                          "fattura",
                                          "version",
                                          "ver",
                                          "tracking",
                                          "item",
                                          "code",
                                          "pin",
                                          "zip",
                                          "plz",
                                          "инн",
                                          "заказ",
                                          "订单",
                                          "订单号",
                                          "注文番号",
                                          NULL};

/* May a number begin at i: no; yes; only after a word for phones? */
enum start { NOWHERE, HERE, AFTER_WORD };

/* A longer number whose parts a space separates doesn't begin in its middle. */
static bool in_middle(const struct bert__mask_view *v, size_t i)
{
    size_t digits = 0;

    while (digits < 3 && bert__mask_digit(bert__mask_before(v, i, &i)))
        digits++;
    return digits == 3;
}

static enum start start_of(const struct bert__mask_view *v, size_t i, bool plus)
{
    size_t at, beyond;
    uint32_t c = bert__mask_before(v, i, &at);
    uint32_t d = at < i ? bert__mask_before(v, at, &beyond) : BERT__MASK_END;

    if (bert__mask_class(c) == BERT__MASK_WORD || c == '+' || c == '@'
        || bert__mask_goes_back(v, i, ".,-/:"))
        return NOWHERE;
    if (plus)
        return HERE;
    if (c == '#' || c == '$' || c == 0x20AC || c == 0xA3 || c == 0xA5 || c == '\\' || c == '^')
        return NOWHERE;
    if (c == '=' || c == '&' || c == '%' || c == '~'
        || ((c == '-' || c == '/') && bert__mask_class(d) == BERT__MASK_WORD)
        || (c == ' ' && in_middle(v, at)))
        return AFTER_WORD;
    return HERE;
}

/* May a number end there? */
static bool ends(const struct bert__mask_view *v, size_t end)
{
    size_t len, next;
    uint32_t c = bert__mask_at(v, end, &len), d = bert__mask_at(v, end + len, &next);

    if (c == '/' && (d == '0' || d == '+'))
        return true; /* another number */
    if (bert__mask_class(c) == BERT__MASK_WORD || c == '@' || c == '%'
        || bert__mask_goes_on(v, end, ".,-/:"))
        return false;
    c = c == ' ' ? d : c;
    return c != 0x20AC && c != '$' && c != 0xA3 && c != 0xA5 && c != '%';
}

/* ", ext. 123", " x12": its end, or `end`. */
static size_t extension(const struct bert__mask_view *v, size_t end)
{
    static const char *const words[] = {"extension", "ext", "x", "durchwahl", "dw", "#"};
    struct bert__mask_run run;
    size_t i = 0, from;

    bert__mask_take(v, end, " ,.#0123456789abcdefghijklmnopqrstuvwxyzEXTDW", 24, &run);
    while (i < run.n && (run.c[i] == ' ' || run.c[i] == ','))
        i++;
    for (size_t k = 0, n; k < sizeof words / sizeof words[0]; k++) {
        for (n = 0; i + n < run.n && words[k][n] == bert__mask_lower(run.c[i + n]); n++)
            ;
        if (words[k][n] != '\0' || n == 0 || i > 2)
            continue;
        for (i += n; i < run.n && (run.c[i] == ' ' || run.c[i] == '.') && i < n + 4; i++)
            ;
        for (from = i; i < run.n && bert__mask_digit((unsigned char)run.c[i]); i++)
            ;
        return i > from && i - from < 7 && ends(v, run.at[i]) ? run.at[i] : end;
    }
    return end;
}

/* ---- Finding ---------------------------------------------------------------------------- */

/* What is known of the words before a number, asked for only where it matters. */
static enum bert__dial_context context_of(const struct bert__mask_view *v, size_t i)
{
    size_t at;

    if (bert__mask_follows(v, i, 3, phone_words))
        return BERT__DIAL_PHONE;
    if (bert__mask_follows(v, i, 2, other_words))
        return BERT__DIAL_OTHER;
    while (at = i, bert__mask_before(v, i, &at) == ' ' || bert__mask_before(v, i, &at) == ':')
        i = at;
    return bert__mask_class(bert__mask_before(v, i, &at)) == BERT__MASK_UNSPACED
               ? BERT__DIAL_UNSPACED
               : BERT__DIAL_PLAIN;
}

static bool find_at(const struct bert__mask_view *v, size_t i, bert_span *out)
{
    struct bert__mask_run run;
    struct bert__dial d;
    enum bert__dial_context context = BERT__DIAL_PHONE; /* which takes the most for numbers */
    bool asked = false;
    enum start start;

    bert__mask_take(v, i, "0123456789()+-./ ", 40, &run);
    read_dial(&run, &d);
    if (d.groups == 0 || (!d.plus && d.digits < 6))
        return false;
    start = start_of(v, i, d.plus);
    for (size_t k = start != NOWHERE ? bert__dial_most(&d) : 0; k > 0; k--) {
        size_t end = d.group[k - 1].end;

        if (!bert__dial_is_phone(&d, k, context) || !ends(v, end))
            continue;
        if (!d.plus && !asked) {
            asked = true;
            context = context_of(v, i);
            if (start == AFTER_WORD && context != BERT__DIAL_PHONE)
                return false;
            if (!bert__dial_is_phone(&d, k, context))
                continue;
        }
        *out = (bert_span){i, extension(v, end)};
        return true;
    }
    return false;
}

bool bert__mask_phone(const struct bert__mask_view *v, bert_span *out)
{
    size_t i = v->lo, len;

    while (i < v->hi) {
        uint32_t c = bert__mask_at(v, i, &len);

        if (!bert__mask_digit(c) && c != '+' && c != '(') {
            i += len;
            continue;
        }
        if (find_at(v, i, out))
            return true;
        do {
            i += len;
            c = bert__mask_at(v, i, &len);
        } while (len > 0 && bert__mask_digit(c));
    }
    return false;
}
