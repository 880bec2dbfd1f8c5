/* SPDX-License-Identifier: MIT */
/*
 * mask_email.c - e-mail addresses: at each '@', what can be a local part before it and a domain
 * with a point after it.
 */
#include <string.h>

#include "lib/serve/mask_view.h"

enum { QUOTED = 68 /* characters that are looked through for a quoted local part */ };

/* Of RFC 5322's atext, these separate addresses from what is around them more often than they are
 * in one: & / ? { | } ` */
static bool of_local(uint32_t c, bool wide)
{
    enum bert__mask_class class = bert__mask_class(c);

    return class == BERT__MASK_WORD || (wide && class == BERT__MASK_UNSPACED)
           || (c != 0 && c < 0x80 && strchr(".-+%!#$'*=^~", (int)c) != NULL);
}

/* The quote that begins a quoted local part whose closing quote is before `at`; else `at`. */
static size_t quoted_start(const struct bert__mask_view *v, size_t at)
{
    size_t i, end;
    uint32_t c = bert__mask_before(v, at, &end);

    i = end;
    for (int k = 0; c == '"' && k < QUOTED && i > v->lo; k++) {
        uint32_t d = bert__mask_before(v, i, &i);
        size_t before;

        if (d < 0x20)
            break;
        if (d == '"' && bert__mask_before(v, i, &before) != '\\')
            return i + 1 < end ? i : at;
    }
    return at;
}

/* "email=" is a key, not part of the address; "bounce+ada=" is part of it. */
static size_t after_key(const struct bert__mask_view *v, size_t start, size_t at)
{
    size_t len;

    for (size_t i = start; i < at; i += len) {
        uint32_t c = bert__mask_at(v, i, &len);

        if (c == '=')
            return i + len;
        if (!bert__mask_letter(c) && c != '_' && c != '-')
            break;
    }
    return start;
}

/* Where the local part before `at` begins; `at` if there is none. */
static size_t local_start(const struct bert__mask_view *v, size_t at, bool wide)
{
    size_t start = quoted_start(v, at), before, len;

    if (start < at)
        return start;
    while (of_local(bert__mask_before(v, start, &before), wide))
        start = before;
    for (int twice = 0; twice < 2; twice++) {
        while (start < at && bert__mask_class(bert__mask_at(v, start, &len)) == BERT__MASK_OTHER)
            start += len;
        start = twice == 0 ? after_key(v, start, at) : start;
    }
    return start;
}

/* "[192.0.2.1]", "[IPv6:2001:db8::1]": its end, or 0. */
static size_t literal_end(const struct bert__mask_view *v, size_t i)
{
    struct bert__mask_run run;
    unsigned char ip[16];
    size_t len, skip;

    bert__mask_take(v, i + 1, "0123456789abcdefABCDEF:.IPv", 52, &run);
    skip = run.n > 5 && memcmp(run.c, "IPv6:", 5) == 0 ? 5 : 0;
    if (bert__mask_read_ip(run.c + skip, run.n - skip, ip, NULL) == 0
        || bert__mask_at(v, run.at[run.n], &len) != ']' || len == 0)
        return 0;
    return run.at[run.n] + len;
}

struct label {
    size_t end; /* after its last character that isn't '-' */
    size_t n;   /* characters */
    bool letters, coded;
};

static bool of_label(uint32_t c, bool wide)
{
    enum bert__mask_class class = bert__mask_class(c);

    return (class == BERT__MASK_WORD && c != '_') || c == '-'
           || (wide && class == BERT__MASK_UNSPACED);
}

static struct label read_label(const struct bert__mask_view *v, size_t i, bool wide)
{
    struct label label = {i, 0, true, false};
    char begin[4] = "";
    size_t len;

    for (;; i += len) {
        uint32_t c = bert__mask_at(v, i, &len);

        if (len == 0 || !of_label(c, wide) || (label.n == 0 && c == '-'))
            break;
        if (label.n < 4)
            begin[label.n] = c < 0x80 ? bert__mask_lower((char)c) : '?';
        label.letters &= c != '-' && !bert__mask_digit(c);
        label.n++;
        if (c != '-')
            label.end = i + len;
    }
    label.coded = label.n > 4 && memcmp(begin, "xn--", 4) == 0;
    return label;
}

/* The end of the domain at i, after its last label that can be a top-level one; 0: none. */
static size_t domain_end(const struct bert__mask_view *v, size_t i, bool wide)
{
    size_t good = 0, len;

    if (bert__mask_at(v, i, &len) == '[')
        return len > 0 ? literal_end(v, i) : 0;
    for (int labels = 1;; labels = 2) {
        struct label label = read_label(v, i, wide);

        if (label.n == 0)
            return good;
        if (labels > 1 && ((label.letters && label.end - i > 1) || label.coded))
            good = label.end;
        if (bert__mask_at(v, label.end, &len) != '.')
            return good;
        i = label.end + len;
    }
}

bool bert__mask_email(const struct bert__mask_view *v, bert_span *out)
{
    for (size_t i = v->lo; i < v->hi; i++) {
        size_t len, after;
        uint32_t c;
        bool wide;

        if (v->s[i] != '@' && v->s[i] != '\xEF')
            continue;
        if (bert__mask_at(v, i, &len) != '@')
            continue;
        c = bert__mask_at(v, i + len, &after);
        wide = bert__mask_class(c) == BERT__MASK_UNSPACED;
        out->start = local_start(v, i, wide);
        out->end = out->start < i ? domain_end(v, i + len, wide) : 0;
        if (out->end > 0)
            return true;
    }
    return false;
}
