/* SPDX-License-Identifier: MIT */
/*
 * multi.c - the settings of a ColBERT model against its tokenizer and its encoder, as
 * sentence-transformers 6.2 follows them (base/modules/transformer.py, preprocess();
 * multi_vector_encoder/modules/multi_vector_mask.py).
 */
#include "lib/api/multi.h"

#include <bert/tasks.h>
#include <string.h>

#include "lib/base/error.h"

struct resolve {
    struct bert__multi_plan *plan;
    const struct bert__multi *multi;
    const struct bert__config *config;
    bert_tokenizer *tokenizer;
    struct bert__arena *arena;
    bert_error *err;
};

/* ---- Markers ----------------------------------------------------------------------------- */

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bert_text first_word(bert_text text)
{
    bert_text word;

    while (text.size > 0 && is_space(*text.data))
        text = (bert_text){text.data + 1, text.size - 1};
    word = (bert_text){text.data, 0};
    while (word.size < text.size && !is_space(word.data[word.size]))
        word.size++;
    return word;
}

/* Does the tokenizer make this one token of it? */
static bert_status is_whole(const struct resolve *r, bert_text word, int32_t id, bool *out)
{
    bert_tokenize_options o = BERT_TOKENIZE_OPTIONS_INIT;
    bert_encoding *encoding;
    bert_status st;

    o.no_special = 1;
    st = bert_tokenize(r->tokenizer, word, NULL, &o, &encoding, r->err);
    if (st != BERT_OK)
        return st;
    *out = bert_encoding_size(encoding) == 1 && bert_encoding_ids(encoding)[0] == id;
    bert_encoding_free(encoding);
    return BERT_OK;
}

/* The whole of a prefix, else its first word, becomes one token where the vocabulary has it. */
static bert_status mark(const struct resolve *r, bert_text prefix)
{
    bert_text words[2] = {prefix, first_word(prefix)};

    for (size_t i = 0; i < 2 && words[1].size > 0; i++) {
        int32_t id = bert_tokenizer_id(r->tokenizer, words[i]);
        bool whole;
        bert_status st;

        if (id < 0)
            continue;
        st = is_whole(r, words[i], id, &whole);
        if (st == BERT_OK && !whole)
            st = bert__tokenizer_add_special(r->tokenizer, words[i], r->err);
        return st;
    }
    return BERT_OK;
}

/* ---- Widening ----------------------------------------------------------------------------- */

static bert_status find_token(const struct resolve *r, int32_t *id)
{
    bert_text token = r->multi->expansion.token;
    char name[84];

    if (token.data != NULL) {
        *id = bert_tokenizer_id(r->tokenizer, token);
        if (*id >= 0)
            return BERT_OK;
        return bert__fail(r->err, BERT_EUNSUPPORTED,
                          "queries are widened by the token \"%s\", which the vocabulary lacks",
                          bert__printable(name, token.data, token.size));
    }
    *id = bert__tokenizer_named(r->tokenizer, BERT__NAMED_MASK);
    if (*id < 0)
        *id = bert__tokenizer_named(r->tokenizer, BERT__NAMED_EOS);
    return *id >= 0 ? BERT_OK
                    : bert__fail(r->err, BERT_EUNSUPPORTED,
                                 "queries are widened by masks; the tokenizer has no mask");
}

/*
 * Tokens that are there and not attended to: fine where only attention sees the other tokens.  Such
 * families as scale or clear the embeddings of what is masked, or convolve, are left out; and a
 * local window must reach from the last one back to a token that is seen.
 */
static bert_status check_unattended(const struct resolve *r)
{
    const struct bert__config *c = r->config;
    const char *what = NULL;

    if (c->relative.span > 0)
        what = "disentangled attention";
    else if (c->conv_size > 0 || c->value_conv > 0)
        what = "a convolution";
    else if (c->token_dropout || c->arch->keys.token_dropout != NULL)
        what = "embeddings scaled by the mask";
    else if (c->local != NULL && r->multi->expansion.length > c->window + 1)
        what = "a local window that is shorter than they";
    if (what == NULL)
        return BERT_OK;
    return bert__fail(
        r->err, BERT_EUNSUPPORTED,
        "queries are widened by tokens that are not attended to, which is not handled "
        "with %s",
        what);
}

static bert_status widen(const struct resolve *r)
{
    const struct bert__multi *multi = r->multi;
    uint32_t length = multi->expansion.length;
    bert_status st;

    if (length == 0 || !(multi->scores_expansion || multi->expansion.attend))
        return BERT_OK;
    if (length > r->config->max_positions)
        return bert__fail(r->err, BERT_EUNSUPPORTED,
                          "queries are widened to %lu tokens; the model has %lu positions",
                          (unsigned long)length, (unsigned long)r->config->max_positions);
    st = find_token(r, &r->plan->widen_id);
    if (st == BERT_OK && (uint32_t)r->plan->widen_id >= r->config->vocab_size)
        st = bert__fail(r->err, BERT_EUNSUPPORTED,
                        "queries are widened by id %ld; the model has %lu", (long)r->plan->widen_id,
                        (unsigned long)r->config->vocab_size);
    if (st == BERT_OK && !multi->expansion.attend)
        st = check_unattended(r);
    r->plan->widen_to = length;
    r->plan->attend = multi->expansion.attend;
    return st;
}

/* ---- Lengths -------------------------------------------------------------------------------- */

static uint32_t at_most(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static bert_status set_limits(const struct resolve *r, uint32_t limit)
{
    const struct bert__multi *multi = r->multi;
    uint32_t positions = r->config->max_positions, length = multi->expansion.length;
    uint32_t *limits = r->plan->limits;

    for (int i = 0; i < BERT__ROLES; i++)
        limits[i] = limit;
    if (multi->document_length > 0)
        limits[BERT_ROLE_DOCUMENT] = at_most(multi->document_length, positions);
    if (multi->query_length > 0)
        limits[BERT_ROLE_QUERY] = at_most(multi->query_length, positions);
    if (length > 0 && multi->expansion.fixed)
        limits[BERT_ROLE_QUERY] = at_most(length, positions);
    if (multi->query_length == 0 || multi->query_length >= length)
        return BERT_OK;
    return bert__fail(r->err, BERT_EUNSUPPORTED,
                      "query_length is %lu, and queries are widened to %lu tokens",
                      (unsigned long)multi->query_length, (unsigned long)length);
}

/* ---- Which tokens ---------------------------------------------------------------------------- */

static bert_status set_rules(const struct resolve *r)
{
    const struct bert__multi *multi = r->multi;
    uint32_t n = bert_tokenizer_vocab_size(r->tokenizer);
    uint8_t *flags;

    if (multi->n_skip == 0 && multi->keep == NULL)
        return BERT_OK;
    flags = bert__arena_get(r->arena, n > 0 ? n : 1);
    if (flags == NULL)
        return bert__alloc_fail(r->arena->alloc, "the skiplist", r->err);
    memset(flags, 0, n);
    for (uint32_t i = 0; i < multi->n_skip; i++) { /* what the vocabulary lacks is passed over */
        int32_t id = bert_tokenizer_id(r->tokenizer, multi->skip[i]);

        if (id >= 0 && (uint32_t)id < n)
            flags[id] |= BERT__VECTOR_SKIP;
    }
    for (uint32_t i = 0; i < multi->n_keep; i++) {
        if ((uint32_t)multi->keep[i] < n)
            flags[multi->keep[i]] |= BERT__VECTOR_KEEP;
    }
    for (int i = 0; i < BERT__ROLES; i++)
        r->plan->rules[i] = (struct bert__vector_rule){
            .flags = flags,
            .n_ids = n,
            .skips = i == BERT_ROLE_QUERY ? multi->skip_queries : multi->skip_documents,
            .keeps = i != BERT_ROLE_QUERY && multi->keep != NULL};
    return BERT_OK;
}

bert_status bert__multi_resolve(struct bert__multi_plan *plan, const struct bert__multi *multi,
                                const struct bert__config *config, bert_tokenizer *tokenizer,
                                uint32_t limit, struct bert__arena *arena, bert_error *err)
{
    struct resolve r = {plan, multi, config, tokenizer, arena, err};
    bert_status st = set_limits(&r, limit);

    for (int i = 0; i < 2 && st == BERT_OK; i++)
        st = mark(&r, multi->markers[i]);
    if (st == BERT_OK)
        st = widen(&r);
    return st == BERT_OK ? set_rules(&r) : st;
}
