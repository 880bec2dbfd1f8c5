/* SPDX-License-Identifier: MIT */
/* decode.c - ids back to text. */
#include "lib/base/error.h"
#include "tokenizer/pipeline.h"

/* Where the text goes: counted in full, written as far as there is room. */
struct writer {
    char *out;
    size_t capacity;
    size_t size;
};

static void append(struct writer *w, const char *data, size_t n)
{
    if (w->size < w->capacity) {
        size_t room = w->capacity - w->size;

        memcpy(w->out + w->size, data, n < room ? n : room);
    }
    w->size += n;
}

/* Replace every `from` in s by `to`, which is no longer; returns the new size. */
static size_t replace(char *s, size_t n, const char *from, const char *to)
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

/* The reference's clean-up, of one token and not of the joined text. */
static size_t clean_up(char *s, size_t n)
{
    static const char *const rules[][2] = {
        {" .", "."},   {" ?", "?"},     {" !", "!"},     {" ,", ","},
        {" ' ", "'"},  {" n't", "n't"}, {" 'm", "'m"},   {" do not", " don't"},
        {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"},
    };

    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        n = replace(s, n, rules[i][0], rules[i][1]);
    return n;
}

/* A token with its space, cleaned up; `buffer` holds one byte more than the token. */
static void append_clean(struct writer *w, bool space, bert_text token, char *buffer)
{
    size_t n = 0;

    if (space)
        buffer[n++] = ' ';
    memcpy(buffer + n, token.data, token.size);
    append(w, buffer, clean_up(buffer, n + token.size));
}

static bert_status append_wordpiece(const bert_tokenizer *tok, struct writer *w, bool first,
                                    bert_text token, bert_error *err)
{
    const struct bert__decoder *d = &tok->decoder;
    bool space = !first;
    char small[256], *buffer = small;

    if (!first && token.size >= d->prefix.size
        && memcmp(token.data, d->prefix.data, d->prefix.size) == 0) {
        token.data += d->prefix.size;
        token.size -= d->prefix.size;
        space = false;
    }
    if (!d->cleanup
        || (!space && (token.size == 0 || memchr(token.data, ' ', token.size) == NULL))) {
        if (space)
            append(w, " ", 1);
        append(w, token.data, token.size);
        return BERT_OK;
    }
    if (token.size >= sizeof small) {
        buffer = bert__alloc(tok->alloc, token.size + 1);
        if (buffer == NULL)
            return bert__alloc_fail(tok->alloc, "decoding a token", err);
    }
    append_clean(w, space, token, buffer);
    if (buffer != small)
        bert__alloc_free(tok->alloc, buffer);
    return BERT_OK;
}

static bert_status append_token(const bert_tokenizer *tok, struct writer *w, bool first,
                                bert_text token, bert_error *err)
{
    if (tok->decoder.kind == BERT__DECODER_WORDPIECE)
        return append_wordpiece(tok, w, first, token, err);
    if (!first)
        append(w, " ", 1);
    append(w, token.data, token.size);
    return BERT_OK;
}

/* Specials are known by their text, as the reference knows them. */
static bool is_special(const bert_tokenizer *tok, bert_text token)
{
    const struct bert__added_token *added = bert__added_by_content(&tok->added, token);

    return added != NULL && added->special;
}

static bert_status decode(const bert_tokenizer *tok, const int32_t *ids, size_t n_ids,
                          bool keep_special, struct writer *w, bert_error *err)
{
    bool first = true;

    for (size_t i = 0; i < n_ids; i++) {
        bert_text token = bert__tokenizer_text(tok, ids[i]);
        bert_status status;

        if (token.data == NULL || (!keep_special && is_special(tok, token)))
            continue;
        status = append_token(tok, w, first, token, err);
        if (status != BERT_OK)
            return status;
        first = false;
    }
    return BERT_OK;
}

bert_status bert__decode(const bert_tokenizer *tok, const int32_t *ids, size_t n_ids,
                         bool keep_special, char *out, size_t capacity, size_t *out_size,
                         bert_error *err)
{
    struct writer counted = {NULL, 0, 0}, w = {out, capacity, 0};
    bert_status status = decode(tok, ids, n_ids, keep_special, &counted, err);

    if (status != BERT_OK)
        return status;
    *out_size = counted.size;
    if (counted.size > capacity)
        return bert__fail(err, BERT_ERANGE, "the text takes %zu bytes; the buffer has %zu",
                          counted.size, capacity);
    return decode(tok, ids, n_ids, keep_special, &w, err);
}
