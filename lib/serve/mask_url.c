/* SPDX-License-Identifier: MIT */
/*
 * mask_url.c - URLs: a scheme and "://", or "www.", and what follows up to a space, a quote, an
 * angle bracket, a bracket that closes what the URL didn't open, or punctuation that ends a
 * sentence.
 */
#include <string.h>

#include "lib/serve/mask_view.h"

/* The scheme before the ':' at `at`; `at` if there is none. */
static size_t scheme_start(const struct bert__mask_view *v, size_t at)
{
    size_t i = at;

    while (i > v->lo && v->s[i - 1] != '\0' && (unsigned char)v->s[i - 1] < 0x80
           && (bert__mask_letter((unsigned char)v->s[i - 1])
               || bert__mask_digit((unsigned char)v->s[i - 1])
               || strchr("+-.", v->s[i - 1]) != NULL))
        i--;
    while (i < at && !bert__mask_letter((unsigned char)v->s[i]))
        i++;
    return i;
}

/* "[2001:db8::1]", not some other bracket, is what can begin a host. */
static bool bracket_is_host(const struct bert__mask_view *v, size_t i)
{
    struct bert__mask_run run;
    unsigned char ip[16];

    bert__mask_take(v, i + 1, "0123456789abcdefABCDEF:.", 46, &run);
    return bert__mask_read_ip(run.c, run.n, ip, NULL) == 16;
}

struct tail {
    size_t round, square; /* brackets that are open */
    bool path;            /* past the host */
    bool wide;            /* letters of unspaced scripts belong to it */
};

/* Does the character, as it stands, belong to the URL? */
static bool of_url(struct tail *t, uint32_t raw)
{
    if (raw >= 0x80) {
        enum bert__mask_class class = raw >= BERT__MASK_END         ? BERT__MASK_OTHER
                                      : bert__mask_fold(raw) < 0x80 ? BERT__MASK_OTHER
                                                                    : bert__mask_class(raw);

        return class == BERT__MASK_WORD || (class == BERT__MASK_UNSPACED && t->wide);
    }
    if (raw <= 0x20 || raw == 0x7f || strchr("<>\"`{}|^\\", (int)raw) != NULL)
        return false;
    if ((raw == ')' && t->round == 0) || (raw == ']' && t->square == 0))
        return false;
    t->round = t->round + (raw == '(') - (raw == ')');
    t->square = t->square + (raw == '[') - (raw == ']');
    if (strchr("/?#", (int)raw) != NULL)
        t->path = t->wide = true;
    return true;
}

/* Punctuation at the end is the sentence's; so is a bracket that was opened last. */
static size_t trim(const struct bert__mask_view *v, size_t start, size_t end)
{
    while (end > start && strchr(".,;:!?'*_~-([", v->s[end - 1]) != NULL && v->s[end - 1] != '\0')
        end--;
    return end;
}

/* The end of a URL whose host begins at i; i if nothing follows. */
static size_t url_end(const struct bert__mask_view *v, size_t i)
{
    struct tail t = {0};
    size_t at = i, len;

    if (i < v->hi && v->s[i] == '[' && !bracket_is_host(v, i))
        return i;
    t.wide = bert__mask_class(bert__mask_at(v, i, &len)) == BERT__MASK_UNSPACED;
    while (at < v->hi) {
        uint32_t raw = bert__utf8_next(v->s + at, v->hi - at, &len);

        if (!of_url(&t, raw))
            break;
        at += len;
    }
    return trim(v, i, at);
}

static bool is_www(const struct bert__mask_view *v, size_t i, bert_span *out)
{
    size_t at, len;
    uint32_t c = bert__mask_before(v, i, &at);

    if (v->hi - i < 5 || (v->s[i + 1] | 0x20) != 'w' || (v->s[i + 2] | 0x20) != 'w'
        || v->s[i + 3] != '.' || bert__mask_class(c) == BERT__MASK_WORD || c == '.' || c == '-'
        || c == '@' || bert__mask_class(bert__mask_at(v, i + 4, &len)) == BERT__MASK_OTHER)
        return false;
    out->start = i;
    out->end = url_end(v, i + 4);
    return out->end > i + 4;
}

bool bert__mask_url(const struct bert__mask_view *v, bert_span *out)
{
    for (size_t i = v->lo; i < v->hi; i++) {
        if (v->s[i] == ':' && v->hi - i > 3 && v->s[i + 1] == '/' && v->s[i + 2] == '/') {
            out->start = scheme_start(v, i);
            out->end = out->start < i ? url_end(v, i + 3) : 0;
            if (out->end > i + 3)
                return true;
            i += 2;
        } else if ((v->s[i] | 0x20) == 'w' && is_www(v, i, out)) {
            return true;
        }
    }
    return false;
}
