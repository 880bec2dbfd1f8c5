/* SPDX-License-Identifier: MIT */
/*
 * mask_ip.c - IPv4 and IPv6 addresses: each longest run of hexadecimal digits, ':' and '.' is one,
 * or is none, but that an IPv4 address may stand beside a ':'.
 */
#include <string.h>

#include "lib/serve/mask_view.h"

/* ---- Reading ---------------------------------------------------------------------------- */

/* "192.0.2.1"; leading zeros are let through. */
static bool read_v4(const char *s, size_t size, unsigned char out[4])
{
    size_t i = 0;

    for (int part = 0; part < 4; part++) {
        unsigned value = 0;
        size_t from = i;

        while (i < size && i - from < 3 && bert__mask_digit((unsigned char)s[i]))
            value = value * 10 + (unsigned)(s[i++] - '0');
        if (i == from || value > 255)
            return false;
        out[part] = (unsigned char)value;
        if (part < 3 && (i == size || s[i++] != '.'))
            return false;
    }
    return i == size;
}

/* The bytes of groups up to the end or to "::"; false if one of them is none. */
static bool read_groups(const char *s, size_t size, unsigned char *out, size_t *n)
{
    size_t i = 0;

    *n = 0;
    while (i < size) {
        size_t from = i;
        unsigned value = 0;

        while (i < size && bert__mask_hex((unsigned char)s[i])) {
            unsigned c = (unsigned char)s[i++] | 0x20u;

            value = value << 4 | (c >= 'a' ? c - 'a' + 10 : c - '0');
        }
        if (i < size && s[i] == '.') {
            *n += 4;
            return *n <= 16 && read_v4(s + from, size - from, out + *n - 4);
        }
        if (i == from || i - from > 4 || *n > 14)
            return false;
        out[*n] = (unsigned char)(value >> 8);
        out[*n + 1] = (unsigned char)value;
        *n += 2;
        if (i < size && (s[i++] != ':' || i == size))
            return false;
    }
    return true;
}

static bool read_v6(const char *s, size_t size, unsigned char out[16])
{
    const char *gap = NULL;
    unsigned char head[16], tail[16];
    size_t n_head, n_tail = 0, first;
    bool digits = false;

    for (size_t i = 0; i < size; i++) {
        digits |= s[i] != ':';
        if (gap == NULL && i + 1 < size && s[i] == ':' && s[i + 1] == ':')
            gap = s + i;
    }
    first = gap != NULL ? (size_t)(gap - s) : size;
    if (!digits || size > 45 || !read_groups(s, first, head, &n_head)
        || (gap != NULL && memchr(s, '.', first) != NULL)
        || (gap != NULL && !read_groups(gap + 2, size - first - 2, tail, &n_tail))
        || (gap != NULL ? n_head + n_tail > 14 : n_head != 16))
        return false;
    memset(out, 0, 16);
    memcpy(out, head, n_head);
    memcpy(out + 16 - n_tail, tail, n_tail);
    return true;
}

size_t bert__mask_read_ip(const char *s, size_t size, unsigned char out[16], size_t *zone)
{
    const char *percent = size > 0 ? memchr(s, '%', size) : NULL;
    size_t n = percent != NULL ? (size_t)(percent - s) : size;

    if (zone != NULL)
        *zone = n;
    if (n == size && read_v4(s, n, out))
        return 4;
    return read_v6(s, n, out) ? 16 : 0;
}

/* ---- Finding ---------------------------------------------------------------------------- */

/* A run of [0-9A-Fa-f:.], without the punctuation around it. */
struct run {
    struct bert__mask_run chars;
    size_t end;    /* of the whole run */
    bool enclosed; /* a ':' was before it, which separates it from a word */
    bool point;    /* '.' behind it */
    bool colon;    /* ':' behind it */
};

static size_t run_end(const struct bert__mask_view *v, size_t i)
{
    size_t len;
    uint32_t c;

    while (c = bert__mask_at(v, i, &len), len > 0 && (bert__mask_hex(c) || c == ':' || c == '.'))
        i += len;
    return i;
}

/* False where it is too long to be an address. */
static bool read_run(const struct bert__mask_view *v, size_t i, struct run *r)
{
    size_t at, len, end = run_end(v, i);
    uint32_t c;

    *r = (struct run){.end = end};
    while (i < end && bert__mask_at(v, i, &len) == '.')
        i += len;
    if (i < end && bert__mask_at(v, i, &len) == ':' && bert__mask_at(v, i + len, &at) != ':') {
        r->enclosed = true;
        i += len;
    }
    while (end > i && bert__mask_before(v, end, &at) == '.') {
        r->point = true;
        end = at;
    }
    if (end > i && bert__mask_before(v, end, &at) == ':') {
        size_t before;

        c = bert__mask_before(v, at, &before);
        if (c != ':' || before < i) {
            r->colon = true;
            end = at;
        }
    }
    if (end - i > 3 * (BERT__MASK_RUN - 1))
        return false;
    bert__mask_take(v, i, "0123456789abcdefABCDEF:.", BERT__MASK_RUN - 1, &r->chars);
    while (r->chars.n > 0 && r->chars.at[r->chars.n] > end)
        r->chars.n--;
    return r->chars.n > 2 && r->chars.at[r->chars.n] == end;
}

/* "-rc1" and the like, which make it a version. */
static bool version_follows(const struct bert__mask_view *v, size_t i)
{
    static const char *const words[] = {"rc",      "alpha", "beta",  "dev",   "pre", "snapshot",
                                        "release", "final", "patch", "build", "el",  "ubuntu"};
    struct bert__mask_run run;
    size_t len;

    if (bert__mask_at(v, i, &len) != '-' || len == 0)
        return false;
    bert__mask_take(v, i + len, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", 12, &run);
    for (size_t k = 0; k < run.n; k++)
        run.c[k] = bert__mask_lower(run.c[k]);
    for (size_t k = 0; k < sizeof words / sizeof words[0]; k++) {
        if (strlen(words[k]) == run.n && memcmp(words[k], run.c, run.n) == 0)
            return true;
    }
    return false;
}

/* Letters that adjoin make it a name; so does a name and a '-' before it. */
static bool borders(const struct bert__mask_view *v, const struct run *r)
{
    size_t at, len;
    uint32_t c = bert__mask_before(v, r->chars.at[0], &at), d;

    if (!r->enclosed && r->chars.at[0] > at) {
        if (bert__mask_class(c) == BERT__MASK_WORD)
            return false;
        d = bert__mask_before(v, at, &at);
        if (c == '-' && bert__mask_class(d) == BERT__MASK_WORD && !bert__mask_digit(d))
            return false;
    }
    if (bert__mask_class(bert__mask_at(v, r->end, &len)) == BERT__MASK_WORD)
        return r->colon;
    return !version_follows(v, r->end);
}

static bool of_version(const struct bert__mask_view *v, size_t start)
{
    static const char *const words[] = {"v",        "ver",     "version",  "versions", "versión",
                                        "versione", "release", "firmware", "build",    "rev",
                                        "revision", "section", "chapter",  NULL};
    size_t at = start, before = start;
    uint32_t c = 0;

    for (int k = 0; k < 4; k++) {
        at = before;
        c = bert__mask_before(v, at, &before);
        if (c == 0 || c >= 0x80 || strchr(" :=.-(", (int)c) == NULL)
            break;
    }
    return bert__mask_class(c) != BERT__MASK_OTHER && !bert__mask_digit(c)
           && bert__mask_follows(v, at, 1, words);
}

/* "fe80::1%eth0": the end of its zone. */
static size_t zone_end(const struct bert__mask_view *v, size_t end)
{
    struct bert__mask_run run;
    size_t len;

    if (bert__mask_at(v, end, &len) != '%' || len == 0)
        return end;
    bert__mask_take(v, end + len,
                    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ%_-", 32, &run);
    return run.n > 0 ? run.at[run.n] : end;
}

static void widen(const struct bert__mask_view *v, bert_span *out)
{
    size_t before, len;

    out->end = zone_end(v, out->end);
    if (bert__mask_before(v, out->start, &before) == '[' && before < out->start
        && bert__mask_at(v, out->end, &len) == ']' && len > 0) {
        out->start = before;
        out->end += len;
    }
}

/* An IPv4 address between ':' in a run that is no IPv6 address. */
static bool find_piece(const struct bert__mask_run *r, size_t *from, size_t *to)
{
    size_t colons = 0, begin = 0;
    unsigned char ip[4];

    for (size_t i = 0; i < r->n; i++) {
        colons += r->c[i] == ':';
        if (colons > 6 || (r->c[i] == ':' && i > 0 && r->c[i - 1] == ':'))
            return false;
    }
    for (size_t i = 0; i <= r->n; i++) {
        if (i < r->n && r->c[i] != ':')
            continue;
        if (read_v4(r->c + begin, i - begin, ip)) {
            *from = begin;
            *to = i;
            return true;
        }
        begin = i + 1;
    }
    return false;
}

/* Beside a tag, ':' or '.' may have joined it to the number that the tag stands for. */
static bool cut_off(const struct bert__mask_view *v, size_t start, const struct run *r)
{
    size_t at, len;
    uint32_t first = bert__mask_at(v, start, &len);

    return ((first == ':' || first == '.') && bert__mask_before(v, start, &at) == ']')
           || (bert__mask_before(v, r->end, &at) == ':' && bert__mask_at(v, r->end, &len) == '[');
}

static bool judge(const struct bert__mask_view *v, size_t start, const struct run *r,
                  bert_span *out)
{
    const struct bert__mask_run *run = &r->chars;
    unsigned char ip[16];
    size_t from = 0, to = run->n;

    if (memchr(run->c, ':', run->n) == NULL && memchr(run->c, '.', run->n) == NULL)
        return false;
    if (!borders(v, r))
        return false;
    if (read_v6(run->c, run->n, ip)) {
        if (cut_off(v, start, r))
            return false;
        *out = (bert_span){run->at[0], run->at[run->n]};
        widen(v, out);
        return true;
    }
    if (!find_piece(run, &from, &to) || (from == 0 && of_version(v, run->at[0])))
        return false;
    *out = (bert_span){run->at[from], run->at[to]};
    widen(v, out);
    return true;
}

bool bert__mask_ip(const struct bert__mask_view *v, bert_span *out)
{
    size_t i = v->lo, len;

    while (i < v->hi) {
        uint32_t c = bert__mask_at(v, i, &len);
        struct run r;

        if (!bert__mask_hex(c) && c != ':' && c != '.') {
            i += len;
            continue;
        }
        if (read_run(v, i, &r) && judge(v, i, &r, out))
            return true;
        i = r.end;
    }
    return false;
}
