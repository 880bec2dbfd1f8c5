/* SPDX-License-Identifier: MIT */
/* tokenize.c - bert/tokenizer.h: texts to encodings, counts and cuts. */
#include <bert/tokenizer.h>

#include "lib/api/options.h"
#include "lib/api/tokenize.h"
#include "lib/base/error.h"
#include "lib/base/thread.h"
#include "tokenizer/encoding.h"

/* ---- Checks ------------------------------------------------------------------- */

static bert_status check_text(const bert_text *text, const char *name, bert_error *err)
{
    if (text->data != NULL || text->size == 0)
        return BERT_OK;
    return bert__fail(err, BERT_EINVAL, "%s.data is NULL and its size is %zu", name, text->size);
}

static bert_status check_words(const bert_text *words, size_t n, const char *name, bert_error *err)
{
    if (words == NULL && n > 0)
        return bert__fail(err, BERT_EINVAL, "%s is NULL", name);
    if (n > INT32_MAX)
        return bert__fail(err, BERT_ERANGE, "%s has %zu words; at most %ld are taken", name, n,
                          (long)INT32_MAX);
    for (size_t i = 0; i < n; i++) {
        if (words[i].data == NULL && words[i].size > 0)
            return bert__fail(err, BERT_EINVAL, "%s[%zu].data is NULL and its size is %zu", name, i,
                              words[i].size);
    }
    return BERT_OK;
}

static bert_status read_options(bert_tokenize_options *o, const bert_tokenize_options *options,
                                bert_error *err)
{
    bert_status status = bert__options_read(o, sizeof *o, options, "bert_tokenize_options", err);

    if (status == BERT_OK)
        status = bert__options_enum(o->no_special, 2, "no_special", err);
    if (status == BERT_OK)
        status = bert__options_enum(o->overflow, 2, "overflow", err);
    if (status == BERT_OK)
        status = bert__options_enum(o->strategy, 3, "strategy", err);
    if (status == BERT_OK)
        status = bert__options_enum(o->side, 2, "side", err);
    if (status == BERT_OK)
        status = bert__options_enum(o->offset_unit, 2, "offset_unit", err);
    if (status == BERT_OK)
        status = bert__options_enum(o->stop_early, 2, "stop_early", err);
    return status;
}

static bert_status check_pointers(const char *what, const bert_tokenizer *tokenizer,
                                  const void *out, bert_error *err)
{
    if (out == NULL)
        return bert__fail(err, BERT_EINVAL, "%s: out is NULL", what);
    if (tokenizer == NULL)
        return bert__fail(err, BERT_EINVAL, "%s: tokenizer is NULL", what);
    return BERT_OK;
}

static bert_status check(const char *what, const bert_tokenizer *tokenizer, const void *out,
                         const bert_text *text, const bert_text *pair, bert_error *err)
{
    bert_status status = check_pointers(what, tokenizer, out, err);

    if (status == BERT_OK)
        status = check_text(text, "text", err);
    return status == BERT_OK && pair != NULL ? check_text(pair, "pair", err) : status;
}

/* The options' own in `room`, begun; NULL: there is none. */
static struct bert__watch *watch_of(const bert_tokenize_options *o, struct bert__watch *room)
{
    if (o->cancel == NULL)
        return NULL;
    bert__watch_start(room, o->cancel, o->cancel_context);
    return room;
}

/* ---- One ----------------------------------------------------------------------- */

bert_status bert__tokenize(const bert_tokenizer *tokenizer, struct bert__watch *watch,
                           bert_text text, const bert_text *pair,
                           const bert_tokenize_options *options, bert_encoding **out,
                           bert_error *err)
{
    struct bert__input in = {&text, 1, false}, second = {pair, 1, false};
    struct bert__watch own = {.cancel = NULL};
    bert_tokenize_options o;
    bert_status status;

    if (out != NULL)
        *out = NULL;
    status = check("bert_tokenize", tokenizer, out, &text, pair, err);
    if (status == BERT_OK)
        status = read_options(&o, options, err);
    if (status != BERT_OK)
        return status;
    if (watch == NULL)
        watch = watch_of(&o, &own);
    return bert__encode(tokenizer, watch, &in, pair != NULL ? &second : NULL, &o, out, err);
}

bert_status bert_tokenize(const bert_tokenizer *tokenizer, bert_text text, const bert_text *pair,
                          const bert_tokenize_options *options, bert_encoding **out,
                          bert_error *err)
{
    return bert__tokenize(tokenizer, NULL, text, pair, options, out, err);
}

bert_status bert_tokenize_words(const bert_tokenizer *tokenizer, const bert_text *words,
                                size_t n_words, const bert_text *pair, size_t n_pair,
                                const bert_tokenize_options *options, bert_encoding **out,
                                bert_error *err)
{
    struct bert__input in = {words, n_words, true}, second = {pair, n_pair, true};
    struct bert__watch own = {.cancel = NULL};
    bert_tokenize_options o;
    bert_status status;

    if (out != NULL)
        *out = NULL;
    status = check_pointers("bert_tokenize_words", tokenizer, out, err);
    if (status == BERT_OK)
        status = check_words(words, n_words, "words", err);
    if (status == BERT_OK)
        status = check_words(pair, n_pair, "pair", err);
    if (status == BERT_OK)
        status = read_options(&o, options, err);
    if (status != BERT_OK)
        return status;
    return bert__encode(tokenizer, watch_of(&o, &own), &in, pair != NULL ? &second : NULL, &o, out,
                        err);
}

bert_status bert_count_tokens(const bert_tokenizer *tokenizer, bert_text text,
                              const bert_text *pair, const bert_tokenize_options *options,
                              size_t *out, bert_error *err)
{
    struct bert__input in = {&text, 1, false}, second = {pair, 1, false};
    struct bert__watch own = {.cancel = NULL};
    bert_tokenize_options o;
    bert_status status;

    if (out != NULL)
        *out = 0;
    status = check("bert_count_tokens", tokenizer, out, &text, pair, err);
    if (status == BERT_OK)
        status = read_options(&o, options, err);
    if (status != BERT_OK)
        return status;
    return bert__count(tokenizer, watch_of(&o, &own), &in, pair != NULL ? &second : NULL, &o, out,
                       err);
}

bert_status bert_cut_text(const bert_tokenizer *tokenizer, bert_text text, size_t n_tokens,
                          bert_truncation_side side, size_t *at, bert_error *err)
{
    bert_status status;

    if (at != NULL)
        *at = 0;
    status = check("bert_cut_text", tokenizer, at, &text, NULL, err);
    if (status == BERT_OK)
        status = bert__options_enum((uint32_t)side, 2, "side", err);
    if (status != BERT_OK)
        return status;
    return bert__cut(tokenizer, text, n_tokens, side == BERT_TRUNCATE_LEFT, at, err);
}

/* ---- Many ---------------------------------------------------------------------- */

enum { MAX_THREADS = 1024, BLOCK = 64 }; /* texts that a thread claims at a time */

struct tokenize_job {
    const bert_tokenizer *tokenizer;
    const bert_text *texts, *pairs;
    size_t n, block;
    const bert_tokenize_options *options;
    bert_encoding **out;
    bert_status *statuses;                /* of each block, its first that isn't BERT_OK */
    struct bert__token_scratch **scratch; /* of each worker */
    struct bert__watch *watch;            /* NULL: none */
};

static bert_status tokenize_at(const struct tokenize_job *job, struct bert__token_scratch *scratch,
                               size_t i, bert_error *err)
{
    struct bert__input in = {&job->texts[i], 1, false}, pair = {NULL, 1, false};

    if (job->pairs != NULL)
        pair.texts = &job->pairs[i];
    return bert__encode_with(job->tokenizer, scratch, &in, job->pairs != NULL ? &pair : NULL,
                             job->options, &job->out[i], err);
}

static void tokenize_block(void *context, uint32_t block, uint32_t worker)
{
    const struct tokenize_job *job = context;
    size_t begin = block * job->block, end = job->n - begin;

    end = begin + (end < job->block ? end : job->block);
    for (size_t i = begin; i < end; i++) {
        bert_status status = tokenize_at(job, job->scratch[worker], i, NULL);

        if (job->statuses[block] == BERT_OK)
            job->statuses[block] = status;
    }
}

/* The first failure again, for its message. */
static bert_status explain(const struct tokenize_job *job, uint32_t n_blocks, bert_error *err)
{
    bert_error own;

    for (uint32_t b = 0; b < n_blocks; b++) {
        for (size_t i = b * job->block; i < job->n && job->statuses[b] != BERT_OK; i++) {
            if (job->out[i] == NULL && tokenize_at(job, job->scratch[0], i, &own) != BERT_OK)
                return bert__fail(err, own.code, "text %zu: %s", i, own.message);
        }
    }
    return BERT_OK; /* what failed, for want of memory, was made now */
}

static bert_status run_batch(struct tokenize_job *job, struct bert__team *team, uint32_t n_blocks,
                             bert_error *err)
{
    struct bert__alloc *alloc = job->tokenizer->alloc;
    uint32_t workers = bert__team_size(team), i = 0;
    bert_status status = BERT_OK;

    job->statuses = bert__alloc_array(alloc, n_blocks, sizeof *job->statuses);
    job->scratch = bert__alloc_array(alloc, workers, sizeof(void *));
    if (job->statuses == NULL || job->scratch == NULL)
        status = bert__alloc_fail(alloc, "a batch of texts", err);
    for (; status == BERT_OK && i < workers; i++) {
        status = bert__tokenizer_take(job->tokenizer, &job->scratch[i], err);
        if (status == BERT_OK)
            bert__token_scratch_watch(job->scratch[i], job->watch);
    }
    if (status == BERT_OK) {
        if (n_blocks > 1)
            bert__team_start(team);
        bert__team_watch(team, job->watch);
        bert__team_run(team, n_blocks, tokenize_block, job);
        status = bert__watch_ended(job->watch, err);
        if (status == BERT_OK)
            status = explain(job, n_blocks, err);
    }
    for (uint32_t k = 0; job->scratch != NULL && k < workers; k++) {
        if (job->scratch[k] == NULL)
            continue;
        bert__token_scratch_watch(job->scratch[k], NULL);
        bert__tokenizer_give(job->tokenizer, job->scratch[k]);
    }
    bert__alloc_free(alloc, job->scratch);
    bert__alloc_free(alloc, job->statuses);
    return status;
}

bert_status bert_tokenize_batch(const bert_tokenizer *tokenizer, const bert_text *texts,
                                const bert_text *pairs, size_t n,
                                const bert_tokenize_options *options, bert_encoding **out,
                                bert_error *err)
{
    bert_tokenize_options o;
    struct tokenize_job job = {.tokenizer = tokenizer,
                               .texts = texts,
                               .pairs = pairs,
                               .n = n,
                               .block = BLOCK,
                               .options = &o,
                               .out = out};
    struct bert__watch own = {.cancel = NULL};
    struct bert__team *team;
    bert_status status;
    size_t n_blocks;

    for (size_t i = 0; out != NULL && i < n; i++)
        out[i] = NULL;
    status = n > 0 ? check_pointers("bert_tokenize_batch", tokenizer, out, err) : BERT_OK;
    if (status == BERT_OK)
        status = check_words(texts, n, "texts", err);
    if (status == BERT_OK && pairs != NULL)
        status = check_words(pairs, n, "pairs", err);
    if (status == BERT_OK)
        status = read_options(&o, options, err);
    if (status != BERT_OK || n == 0)
        return status;
    if (o.threads > MAX_THREADS)
        return bert__fail(err, BERT_EINVAL, "threads is %lu; at most %d are made",
                          (unsigned long)o.threads, MAX_THREADS);
    while (job.block > 1 && n / job.block < 4 * (size_t)o.threads)
        job.block /= 2;
    n_blocks = (n + job.block - 1) / job.block;
    status = bert__team_create(&team, tokenizer->alloc, o.threads > 1 ? o.threads : 1, err);
    if (status != BERT_OK)
        return status;
    job.watch = watch_of(&o, &own);
    status = run_batch(&job, team, (uint32_t)n_blocks, err);
    bert__team_destroy(team);
    return status;
}
