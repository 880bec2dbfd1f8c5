/* SPDX-License-Identifier: MIT */
/* decode_steps.c - each decoder, from a list of tokens to another. */
#include "lib/base/utf8.h"
#include "tokenizer/bpe_merge.h"
#include "tokenizer/decode.h"
#include "tokenizer/work.h"

static const char replacement[] = "\xEF\xBF\xBD";

/* ---- Lists ------------------------------------------------------------------ */

bool bert__pieces_write(struct bert__pieces *p, const char *data, size_t size)
{
    size_t need;

    if (size == 0)
        return true;
    if (!bert__size_add(p->size, size, &need)
        || !bert__reserve(p->alloc, &p->bytes, &p->cap, need, 1))
        return false;
    memcpy(p->bytes + p->size, data, size);
    p->size = need;
    return true;
}

bool bert__pieces_end(struct bert__pieces *p)
{
    if (!bert__reserve(p->alloc, &p->ends, &p->ends_cap, p->n + 1, sizeof *p->ends))
        return false;
    p->ends[p->n++] = p->size;
    return true;
}

static bert_text piece(const struct bert__pieces *p, size_t i)
{
    size_t begin = i > 0 ? p->ends[i - 1] : 0;

    return (bert_text){p->bytes != NULL ? p->bytes + begin : "", p->ends[i] - begin};
}

static bool equal(bert_text a, bert_text b)
{
    return a.size == b.size && memcmp(a.data, b.data, a.size) == 0;
}

static bool starts_with(const char *s, size_t n, bert_text with)
{
    return n >= with.size && (with.size == 0 || memcmp(s, with.data, with.size) == 0);
}

/* ---- Replacing -------------------------------------------------------------- */

/* Text with every `from` (not empty) replaced, left to right. */
static bool write_replaced(struct bert__pieces *out, bert_text t, bert_text from, bert_text to)
{
    size_t done = 0;

    for (size_t i = 0; i < t.size;) {
        const char *hit = memchr(t.data + i, from.data[0], t.size - i);

        if (hit == NULL)
            break;
        i = (size_t)(hit - t.data);
        if (!starts_with(hit, t.size - i, from)) {
            i++;
            continue;
        }
        if (!bert__pieces_write(out, t.data + done, i - done)
            || !bert__pieces_write(out, to.data, to.size))
            return false;
        done = i += from.size;
    }
    return bert__pieces_write(out, t.data + done, t.size - done);
}

/* `to` at every place between characters, at both ends too. */
static bool write_spread(struct bert__pieces *out, bert_text t, bert_text to)
{
    size_t len;

    for (size_t i = 0; i < t.size; i += len) {
        bert__utf8_next(t.data + i, t.size - i, &len);
        if (!bert__pieces_write(out, to.data, to.size) || !bert__pieces_write(out, t.data + i, len))
            return false;
    }
    return bert__pieces_write(out, to.data, to.size);
}

/* Text with every match replaced, by the content as it stands. */
static bool write_matches(struct bert__pieces *out, bert_text t, const struct bert__pattern *regex,
                          bert_text to)
{
    struct bert__found f;
    size_t done = 0;

    while (bert__pattern_find(regex, t.data, done, t.size, &f)) {
        if (!bert__pieces_write(out, t.data + done, f.begin - done)
            || !bert__pieces_write(out, to.data, to.size))
            return false;
        done = f.end;
    }
    return bert__pieces_write(out, t.data + done, t.size - done);
}

static bool replace(const struct bert__decode_step *s, const struct bert__pieces *in,
                    struct bert__pieces *out)
{
    for (size_t i = 0; i < in->n; i++) {
        bert_text t = piece(in, i);
        bool ok = true;

        if (s->regex != NULL)
            ok = write_matches(out, t, s->regex, s->content);
        else if (s->pattern.size > 0)
            ok = write_replaced(out, t, s->pattern, s->content);
        else if (t.size > 0) /* nothing is found in an empty token, not even nothing */
            ok = write_spread(out, t, s->content);
        if (!ok || !bert__pieces_end(out))
            return false;
    }
    return true;
}

/* A word's end to a space, but for the last. */
static bool bpe(const struct bert__decode_step *s, const struct bert__pieces *in,
                struct bert__pieces *out)
{
    for (size_t i = 0; i < in->n; i++) {
        bert_text t = piece(in, i), space = {" ", i + 1 < in->n};
        bool ok = s->pattern.size > 0 ? write_replaced(out, t, s->pattern, space)
                                      : write_spread(out, t, space);

        if (!ok || !bert__pieces_end(out))
            return false;
    }
    return true;
}

static bool metaspace(const struct bert__decode_step *s, const struct bert__pieces *in,
                      struct bert__pieces *out)
{
    for (size_t i = 0; i < in->n; i++) {
        bert_text space = {" ", !(i == 0 && s->flag)};

        if (!write_replaced(out, piece(in, i), s->letter, space) || !bert__pieces_end(out))
            return false;
    }
    return true;
}

/* ---- Clean-up --------------------------------------------------------------- */

/* Replace every `from` in s by `to`, which is no longer; returns the new size. */
static size_t shorten(char *s, size_t n, const char *from, const char *to)
{
    size_t k = strlen(from), m = strlen(to), out = 0;

    for (size_t i = 0; i < n;) {
        if (n - i >= k && memcmp(s + i, from, k) == 0) {
            memcpy(s + out, to, m);
            out += m;
            i += k;
        } else {
            s[out++] = s[i++];
        }
    }
    return out;
}

size_t bert__clean_up_spaces(char *text, size_t n, bool classes)
{
    static const struct {
        const char *from, *to;
        bool of_decoders;
    } rules[] = {
        {" .", ".", false},     {" ?", "?", false},          {" !", "!", false},
        {" ,", ",", false},     {" ' ", "'", false},         {" n't", "n't", false},
        {" 'm", "'m", false},   {" do not", " don't", true}, {" 's", "'s", false},
        {" 've", "'ve", false}, {" 're", "'re", false},
    };

    if (n == 0 || memchr(text, ' ', n) == NULL) /* all that is looked for has one */
        return n;
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        if (!classes || !rules[i].of_decoders)
            n = shorten(text, n, rules[i].from, rules[i].to);
    }
    return n;
}

/* The piece being written. */
static void clean_up(struct bert__pieces *p)
{
    size_t begin = p->n > 0 ? p->ends[p->n - 1] : 0;

    p->size = begin + bert__clean_up_spaces(p->bytes + begin, p->size - begin, false);
}

static bool wordpiece(const struct bert__decode_step *s, const struct bert__pieces *in,
                      struct bert__pieces *out)
{
    for (size_t i = 0; i < in->n; i++) {
        bert_text t = piece(in, i);

        if (i > 0 && starts_with(t.data, t.size, s->pattern)) {
            t.data += s->pattern.size;
            t.size -= s->pattern.size;
        } else if (i > 0 && !bert__pieces_write(out, " ", 1)) {
            return false;
        }
        if (!bert__pieces_write(out, t.data, t.size))
            return false;
        if (s->flag)
            clean_up(out);
        if (!bert__pieces_end(out))
            return false;
    }
    return true;
}

/* The piece being written, with `from` replaced. */
static bool replace_last(struct bert__pieces *out, bert_text from, bert_text to)
{
    struct bert__pieces copy = {.alloc = out->alloc};
    size_t begin = out->n > 0 ? out->ends[out->n - 1] : 0;
    bert_text text = {out->bytes != NULL ? out->bytes + begin : "", out->size - begin};
    bool ok = from.size > 0 ? write_replaced(&copy, text, from, to) : write_spread(&copy, text, to);

    out->size = begin;
    ok = ok && bert__pieces_write(out, copy.bytes, copy.size);
    bert__alloc_free(copy.alloc, copy.bytes);
    return ok;
}

/* Repeated tokens are one, pads none. */
static bool ctc(const struct bert__decode_step *s, const struct bert__pieces *in,
                struct bert__pieces *out)
{
    bert_text none = {"", 0}, space = {" ", 1};

    for (size_t i = 0; i < in->n; i++) {
        bert_text t = piece(in, i);
        size_t begin = out->size;

        if (i > 0 && equal(t, piece(in, i - 1)))
            continue;
        if (s->pattern.size > 0 ? !write_replaced(out, t, s->pattern, none)
                                : !bert__pieces_write(out, t.data, t.size))
            return false;
        if (s->flag)
            clean_up(out);
        if (s->flag && !replace_last(out, s->content, space))
            return false;
        if (out->size > begin && !bert__pieces_end(out))
            return false;
    }
    return true;
}

/* ---- Bytes ------------------------------------------------------------------ */

/* The bytes that a token of the byte alphabet stands for; any other is its own bytes. */
static bool write_bytes(struct bert__pieces *out, bert_text t)
{
    size_t begin = out->size, len;

    for (size_t i = 0; i < t.size; i += len) {
        int byte = bert__alphabet_to_byte(bert__utf8_next(t.data + i, t.size - i, &len));
        char c = (char)byte;

        if (byte < 0) {
            out->size = begin;
            return bert__pieces_write(out, t.data, t.size);
        }
        if (!bert__pieces_write(out, &c, 1))
            return false;
    }
    return true;
}

/* Well-formed text of bytes: U+FFFD for each maximal ill-formed part. */
static bool write_lossy(struct bert__pieces *out, const char *s, size_t n)
{
    size_t done = 0, len;

    for (size_t i = 0; i < n; i += len) {
        if (bert__utf8_next(s + i, n - i, &len) != BERT__UTF8_BAD)
            continue;
        if (!bert__pieces_write(out, s + done, i - done)
            || !bert__pieces_write(out, replacement, 3))
            return false;
        done = i + len;
    }
    return bert__pieces_write(out, s + done, n - done);
}

static bool byte_level(const struct bert__pieces *in, struct bert__pieces *out)
{
    struct bert__pieces raw = {.alloc = out->alloc};
    bool ok = true;

    for (size_t i = 0; i < in->n && ok; i++)
        ok = write_bytes(&raw, piece(in, i));
    ok = ok && write_lossy(out, raw.bytes, raw.size) && bert__pieces_end(out);
    bert__alloc_free(raw.alloc, raw.bytes);
    return ok;
}

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte of <0xE4>; -1: another token.  A sign may stand for the first digit. */
static int fallback_byte(bert_text t)
{
    int high, low;

    if (t.size != 6 || memcmp(t.data, "<0x", 3) != 0 || t.data[5] != '>')
        return -1;
    high = t.data[3] == '+' ? 0 : hex(t.data[3]);
    low = hex(t.data[4]);
    return high < 0 || low < 0 ? -1 : high << 4 | low;
}

static bool is_well_formed(const char *s, size_t n)
{
    size_t len;

    for (size_t i = 0; i < n; i += len) {
        if (bert__utf8_next(s + i, n - i, &len) == BERT__UTF8_BAD)
            return false;
    }
    return true;
}

/* A run of bytes as one token, or if that is no text as one U+FFFD for each byte. */
static bool end_run(struct bert__pieces *out, size_t begin)
{
    size_t n = out->size - begin;

    if (n == 0)
        return true;
    if (is_well_formed(out->bytes + begin, n))
        return bert__pieces_end(out);
    out->size = begin;
    for (; n > 0; n--) {
        if (!bert__pieces_write(out, replacement, 3) || !bert__pieces_end(out))
            return false;
    }
    return true;
}

static bool byte_fallback(const struct bert__pieces *in, struct bert__pieces *out)
{
    size_t begin = 0; /* of the run of bytes */

    for (size_t i = 0; i < in->n; i++) {
        bert_text t = piece(in, i);
        int byte = fallback_byte(t);
        char c = (char)byte;

        if (byte >= 0) {
            if (!bert__pieces_write(out, &c, 1))
                return false;
            continue;
        }
        if (!end_run(out, begin) || !bert__pieces_write(out, t.data, t.size)
            || !bert__pieces_end(out))
            return false;
        begin = out->size;
    }
    return end_run(out, begin);
}

/* ---- Whole tokens ----------------------------------------------------------- */

static bool fuse(const struct bert__pieces *in, struct bert__pieces *out)
{
    return bert__pieces_write(out, in->bytes, in->size) && bert__pieces_end(out);
}

/* The reference panics where both ends meet; here what is gone is gone. */
static bool strip(const struct bert__decode_step *s, const struct bert__pieces *in,
                  struct bert__pieces *out)
{
    size_t k = s->letter.size;

    for (size_t i = 0; i < in->n; i++) {
        bert_text t = piece(in, i);

        for (uint64_t n = s->front; n > 0 && starts_with(t.data, t.size, s->letter); n--) {
            t.data += k;
            t.size -= k;
        }
        for (uint64_t n = s->back;
             n > 0 && t.size >= k && memcmp(t.data + t.size - k, s->letter.data, k) == 0; n--)
            t.size -= k;
        if (!bert__pieces_write(out, t.data, t.size) || !bert__pieces_end(out))
            return false;
    }
    return true;
}

bool bert__decode_run(const struct bert__decode_step *step, const struct bert__pieces *in,
                      struct bert__pieces *out)
{
    out->size = out->n = 0;
    switch (step->kind) {
    case BERT__DECODE_WORDPIECE:
        return wordpiece(step, in, out);
    case BERT__DECODE_BPE:
        return bpe(step, in, out);
    case BERT__DECODE_BYTE_LEVEL:
        return byte_level(in, out);
    case BERT__DECODE_METASPACE:
        return metaspace(step, in, out);
    case BERT__DECODE_BYTE_FALLBACK:
        return byte_fallback(in, out);
    case BERT__DECODE_FUSE:
        return fuse(in, out);
    case BERT__DECODE_STRIP:
        return strip(step, in, out);
    case BERT__DECODE_REPLACE:
        return replace(step, in, out);
    case BERT__DECODE_CTC:
        return ctc(step, in, out);
    }
    return false;
}
