/* SPDX-License-Identifier: MIT */
/* packer.c - sequences to batches. */
#include "lib/api/packer.h"

#include <string.h>

#include "lib/base/error.h"

int32_t *bert__packer_ids(const struct bert__packer *p)
{
    return p->session->texts.ids + p->n_tokens;
}

int32_t *bert__packer_type_ids(const struct bert__packer *p)
{
    return p->session->texts.type_ids + p->n_tokens;
}

/* A tokenizer's template may give a pair types that the model isn't given, or doesn't have: a
 * model of one type has no other. */
bert_status bert__fit_types(const bert_model *model, bool no_types, int32_t *types, uint32_t n,
                            bert_error *err)
{
    uint32_t known = model->config.type_vocab_size;

    if (known <= 1 || no_types) {
        memset(types, 0, n * sizeof *types);
        return BERT_OK;
    }
    for (uint32_t i = 0; i < n; i++) {
        if (types[i] < 0 || (uint32_t)types[i] >= known)
            return bert__fail(err, BERT_EINVAL,
                              "the tokenizer gives type id %ld; the model has %lu types",
                              (long)types[i], (unsigned long)known);
    }
    return BERT_OK;
}

bert_status bert__packer_check(const struct bert__packer *p, uint32_t n, bert_error *err)
{
    const bert_session *s = p->session;
    bert_status st;

    if (n > s->max_tokens)
        return bert__fail(err, BERT_ERANGE,
                          "the text has %lu tokens; the session holds max_tokens = %lu",
                          (unsigned long)n, (unsigned long)s->max_tokens);
    st = bert__fit_types(s->model, p->no_types, bert__packer_type_ids(p), n, err);
    return st == BERT_OK ? bert__session_check_ids(s, bert__packer_ids(p), n, err) : st;
}

bert_status bert__packer_flush(struct bert__packer *p, bert_error *err)
{
    struct bert__text_scratch *t = &p->session->texts;
    struct bert__batch batch = {t->ids,         t->type_ids, t->offsets,
                                p->n_sequences, p->n_tokens, p->widens ? t->attended : NULL};

    uint64_t start;
    bert_status st;

    p->n_sequences = 0;
    p->n_tokens = 0;
    if (batch.n_sequences == 0)
        return BERT_OK;
    start = bert__sys()->now_ns();
    st = p->run(p->context, &batch, err);
    p->session->stats.compute_ns += bert__sys()->now_ns() - start;
    return st;
}

static void count(bert_session *s, const int32_t *ids, uint32_t n)
{
    s->stats.tokens += n;
    for (uint32_t i = 0; i < n; i++)
        s->stats.unknown += ids[i] == s->unknown_id;
}

bert_status bert__packer_take(struct bert__packer *p, size_t owner, uint32_t n,
                              uint32_t prompt_tokens, bert_error *err)
{
    bert_session *s = p->session;
    struct bert__text_scratch *t = &s->texts;
    uint32_t at = p->n_tokens;

    if (p->n_sequences == s->max_sequences || at + n > s->max_tokens) {
        bert_status st = bert__packer_flush(p, err);

        if (st != BERT_OK)
            return st;
        memmove(t->ids, t->ids + at, n * sizeof *t->ids);
        memmove(t->type_ids, t->type_ids + at, n * sizeof *t->type_ids);
    }
    t->owner[p->n_sequences] = owner;
    t->prompt_tokens[p->n_sequences] = prompt_tokens;
    t->attended[p->n_sequences] = p->attended > 0 && p->attended < n ? p->attended : n;
    t->offsets[p->n_sequences++] = p->n_tokens;
    count(s, t->ids + p->n_tokens, n);
    p->n_tokens += n;
    t->offsets[p->n_sequences] = p->n_tokens;
    return BERT_OK;
}

bool bert__status_is_of_call(bert_status st)
{
    return st == BERT_ECANCELED || st == BERT_ETIMEDOUT;
}

bool bert__status_is_of_text(bert_status st)
{
    return st == BERT_ERANGE || st == BERT_EINVAL || st == BERT_ELIMIT;
}
