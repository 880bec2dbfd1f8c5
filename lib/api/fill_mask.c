/* SPDX-License-Identifier: MIT */
/* fill_mask.c - bert/tasks.h, masked language model. */
#include <bert/tasks.h>
#include <math.h>
#include <string.h>

#include "lib/api/options.h"
#include "lib/api/slices.h"
#include "lib/api/task_texts.h"
#include "lib/api/tokenize.h"
#include "lib/base/error.h"
#include "lib/head/scores.h"

enum { DEFAULT_TOP = 5 };

struct bert_fills {
    struct bert__records records; /* items: bert_fill, `top` for each mask */
    struct bert__arena strings;
    uint32_t top;
};

struct job {
    struct bert__task_run run;
    struct bert__task_texts texts;
    int32_t mask, pad;
    uint32_t vocab;
    uint32_t top;
    uint32_t *targets; /* ids, ascending, each once; NULL: any */
    uint32_t n_targets;
    float *logits;  /* [targets]: of a mask */
    uint32_t *best; /* [top] */
    int32_t *ids;   /* [max_length]: of a text with a token in the mask's place */
    char *text;     /* a decoded one */
    size_t text_cap;
    bert_fills *out;
};

/* ---- Targets --------------------------------------------------------------------------- */

/* The id that a target stands for; -1: none. */
static bert_status target_id(const struct job *job, bert_text target, int32_t *id, bert_error *err)
{
    bert_tokenize_options o = BERT_TOKENIZE_OPTIONS_INIT;
    bert_encoding *encoding;
    bert_status st;

    *id = bert_tokenizer_id(job->run.tokenizer, target);
    if (*id >= 0)
        return BERT_OK;
    o.no_special = 1;
    o.max_length = o.stop_early = 1; /* its first token */
    st = bert__tokenize(job->run.tokenizer, &job->run.session->watch, target, NULL, &o, &encoding,
                        err);
    if (st == BERT_OK && bert_encoding_size(encoding) > 0)
        *id = bert_encoding_ids(encoding)[0];
    bert_encoding_free(encoding);
    return st;
}

/* Mark the ids of the targets. */
static bert_status mark_targets(const struct job *job, const bert_fill_options *o, uint8_t *marks,
                                bert_error *err)
{
    bert_status st = BERT_OK;

    for (uint32_t i = 0; st == BERT_OK && i < o->n_targets; i++) {
        int32_t id = -1;

        if (o->targets[i].data == NULL && o->targets[i].size > 0)
            return bert__fail(err, BERT_EINVAL, "targets[%lu].data is NULL", (unsigned long)i);
        st = target_id(job, o->targets[i], &id, err);
        if (st == BERT_OK && id >= 0 && (uint32_t)id >= job->vocab)
            st = bert__fail(err, BERT_EINVAL, "targets[%lu] has the id %ld; the model has %lu",
                            (unsigned long)i, (long)id, (unsigned long)job->vocab);
        if (st == BERT_OK && id >= 0)
            marks[id] = 1;
    }
    return st;
}

static bert_status find_targets(struct job *job, const bert_fill_options *o, bert_error *err)
{
    struct bert__alloc *alloc = job->run.session->alloc;
    uint8_t *marks = bert__alloc_array(alloc, job->vocab, 1);
    bert_status st;

    job->targets = bert__alloc_items(alloc, o->n_targets, sizeof *job->targets);
    if (marks == NULL || job->targets == NULL)
        st = bert__alloc_fail(alloc, "the targets", err);
    else
        st = mark_targets(job, o, marks, err);
    for (uint32_t id = 0; st == BERT_OK && id < job->vocab; id++) {
        if (marks[id])
            job->targets[job->n_targets++] = id;
    }
    bert__alloc_free(alloc, marks);
    if (st == BERT_OK && job->n_targets == 0)
        st = bert__fail(err, BERT_EINVAL, "none of the targets has a token");
    return st;
}

/* ---- Texts --------------------------------------------------------------------------------- */

static bert_status look(void *context, size_t i, const int32_t *ids, uint32_t n, bert_error *err)
{
    const struct job *job = context;

    (void)i;
    for (uint32_t k = 0; k < n; k++) {
        if (ids[k] == job->mask)
            return BERT_OK;
    }
    return bert__fail(err, BERT_EINVAL, "the text has no mask");
}

/* Decode into job->text, which grows to the longest. */
static bert_status decode_buffer(struct job *job, const int32_t *ids, uint32_t n, int keep_special,
                                 size_t *size, bert_error *err)
{
    struct bert__alloc *alloc = job->run.session->alloc;
    bert_status st =
        bert_decode(job->run.tokenizer, ids, n, keep_special, job->text, job->text_cap, size, err);

    if (st != BERT_ERANGE || *size <= job->text_cap)
        return st;
    bert__alloc_free(alloc, job->text);
    job->text_cap = 0;
    job->text = bert__alloc(alloc, *size);
    if (job->text == NULL)
        return bert__alloc_fail(alloc, "a text with a token in its mask", err);
    job->text_cap = *size;
    return bert_decode(job->run.tokenizer, ids, n, keep_special, job->text, job->text_cap, size,
                       err);
}

/* ids decoded, in the result's memory. */
static bert_status decode(struct job *job, const int32_t *ids, uint32_t n, int keep_special,
                          bert_text *out, bert_error *err)
{
    size_t size;
    bert_status st = decode_buffer(job, ids, n, keep_special, &size, err);

    if (st != BERT_OK)
        return st;
    out->size = bert__tokenizer_clean(job->run.tokenizer, job->text, size);
    out->data = bert__arena_string(&job->out->strings, job->text, out->size);
    return out->data != NULL ? BERT_OK : bert__fail_nomem(err, "the result");
}

/* The text with id `id` in place `at`; padding ids are left out, the reference's way. */
static bert_status decode_text(struct job *job, const struct bert__task_logits *l, uint32_t at,
                               bool single, bert_fill *fill, bert_error *err)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < l->n_ids; i++) {
        int32_t id = i == at ? fill->id : l->ids[i];

        if (id != job->pad)
            job->ids[n++] = id;
    }
    return decode(job, job->ids, n, !single, &fill->text, err);
}

/* ---- Masks ----------------------------------------------------------------------------------- */

/* Of the whole vocabulary: the largest logit, and the sum of exp(logit - largest). */
static double partition(const float *logits, uint32_t n, float *max)
{
    double sum = 0;

    *max = logits[0];
    for (uint32_t i = 1; i < n; i++)
        *max = logits[i] > *max ? logits[i] : *max;
    for (uint32_t i = 0; i < n; i++)
        sum += exp((double)logits[i] - (double)*max);
    return sum;
}

static void choose(const struct job *job, const float *logits)
{
    for (uint32_t i = 0; i < job->n_targets; i++)
        job->logits[i] = logits[job->targets[i]];
    if (job->targets == NULL)
        bert__best(logits, job->vocab, job->top, job->best);
    else
        bert__best(job->logits, job->n_targets, job->top, job->best);
    for (uint32_t i = 0; job->targets != NULL && i < job->top; i++)
        job->best[i] = job->targets[job->best[i]];
}

/* The tokens for the mask in place `at`. */
static bert_status answer_mask(struct job *job, const struct bert__task_logits *l,
                               const float *logits, uint32_t at, bool single, bert_error *err)
{
    struct bert__records *records = &job->out->records;
    size_t first = records->list[l->owner].count;
    float max;
    double sum = partition(logits, job->vocab, &max);
    bert_status st = BERT_OK;

    if (bert__records_add(records, l->owner, job->top) == NULL)
        return bert__fail_nomem(err, "the result");
    choose(job, logits);
    for (uint32_t i = 0; st == BERT_OK && i < job->top; i++) {
        bert_fill *fill = bert__records_item(records, l->owner, first + i);

        fill->id = (int32_t)job->best[i];
        fill->score = (float)(exp((double)logits[job->best[i]] - (double)max) / sum);
        st = decode(job, &fill->id, 1, 1, &fill->token, err);
        if (st == BERT_OK)
            st = decode_text(job, l, at, single, fill, err);
    }
    return st;
}

static bert_status answer(void *context, const struct bert__task_logits *l, bert_error *err)
{
    struct job *job = context;
    uint32_t masks = 0, row = 0;
    bert_status st = BERT_OK;

    if (job->out->records.list[l->owner].status != BERT_OK)
        return BERT_OK;
    if (!bert__finite(l->values, (size_t)l->n * l->width))
        return bert__records_fail_nonfinite(&job->out->records, l->owner, err);
    for (uint32_t i = 0; i < l->n_ids; i++)
        masks += l->ids[i] == job->mask;
    for (uint32_t i = 0; st == BERT_OK && i < l->n_ids; i++) {
        if (l->ids[i] != job->mask)
            continue;
        if (row >= l->row && row - l->row < l->n)
            st = answer_mask(job, l, l->values + (size_t)(row - l->row) * l->width, i, masks == 1,
                             err);
        row++;
    }
    return st;
}

/* ---- The call
 * ------------------------------------------------------------------------------------ */

static bert_status read_options(struct job *job, bert_fill_options *o,
                                const bert_fill_options *options, bert_error *err)
{
    bert_status st = bert__options_read(o, sizeof *o, options, "bert_fill_options", err);

    if (st == BERT_OK && o->targets == NULL && o->n_targets > 0)
        st = bert__fail(err, BERT_EINVAL, "targets is NULL");
    if (st != BERT_OK)
        return st;
    job->top = o->top > 0 ? o->top : DEFAULT_TOP;
    job->texts.overlong = o->overlong;
    st = bert__task_texts_check(&job->texts, err);
    return st != BERT_OK ? st
                         : bert__task_length(job->run.session->model, o->max_length, false,
                                             &job->texts.max_length, err);
}

static bert_status prepare(struct job *job, const bert_fill_options *options, bert_error *err)
{
    struct bert__alloc *alloc = job->run.session->alloc;
    bert_fill_options o;
    bert_status st = read_options(job, &o, options, err);
    uint32_t most;

    job->vocab = job->run.head->decoder.n_out;
    job->pad = bert__tokenizer_named(job->run.tokenizer, BERT__NAMED_PAD);
    if (st == BERT_OK && o.targets != NULL)
        st = find_targets(job, &o, err);
    if (st != BERT_OK)
        return st;
    most = job->targets != NULL ? job->n_targets : job->vocab;
    job->top = job->top < most ? job->top : most;
    job->logits = bert__alloc_items(alloc, job->n_targets, sizeof *job->logits);
    job->best = bert__alloc_items(alloc, job->top, sizeof *job->best);
    job->ids = bert__alloc_items(alloc, job->texts.max_length, sizeof *job->ids);
    return job->logits != NULL && job->best != NULL && job->ids != NULL
               ? BERT_OK
               : bert__alloc_fail(alloc, "the masks' tokens", err);
}

static bert_status run(struct job *job, const bert_fill_options *options, bert_error *err)
{
    struct bert__alloc *alloc = job->run.session->alloc;
    bert_status st = prepare(job, options, err);

    if (st == BERT_OK)
        st = bert__records_create(&job->out, sizeof *job->out, job->run.session, job->texts.n,
                                  sizeof(bert_fill), err);
    if (st == BERT_OK) {
        job->out->top = job->top;
        bert__arena_init(&job->out->strings, job->out->records.alloc);
        st = bert__task_texts_run(&job->run, &job->texts, &job->out->records, err);
    }
    bert__alloc_free(alloc, job->targets);
    bert__alloc_free(alloc, job->logits);
    bert__alloc_free(alloc, job->best);
    bert__alloc_free(alloc, job->ids);
    bert__alloc_free(alloc, job->text);
    return st;
}

/* The mask's id, which the run asks for. */
static bert_status begin(struct job *job, bert_error *err)
{
    bert_status st = bert__task_run_begin(&job->run, err);

    if (st != BERT_OK)
        return st;
    job->mask = bert__tokenizer_named(job->run.tokenizer, BERT__NAMED_MASK);
    job->run.only_id = &job->mask;
    if (job->mask >= 0)
        return BERT_OK;
    bert__task_run_end(&job->run);
    return bert__fail(err, BERT_EUNSUPPORTED, "the model's tokenizer has no mask token");
}

bert_status bert_fill_mask(bert_session *s, const bert_text *texts, size_t n,
                           const bert_fill_options *options, bert_fills **out, bert_error *err)
{
    struct job job = {
        .run = {.session = s, .task = BERT__TASK_FILL, .done = answer, .context = &job},
        .texts = {.texts = texts, .n = n, .look = look}};
    bert_status st;

    if (out == NULL)
        return bert__fail(err, BERT_EINVAL, "out is NULL");
    *out = NULL;
    if (s == NULL)
        return bert__fail(err, BERT_EINVAL, "session is NULL");
    st = begin(&job, err);
    if (st != BERT_OK)
        return st;
    st = run(&job, options, err);
    bert__task_run_end(&job.run);
    if (st == BERT_OK)
        *out = job.out;
    else
        bert_fills_free(job.out);
    return st;
}

/* ---- Reading
 * ------------------------------------------------------------------------------------- */

void bert_fills_free(bert_fills *r)
{
    if (r != NULL)
        r = bert__records_drop(&r->records);
    if (r == NULL)
        return;
    bert__arena_free(&r->strings);
    bert__records_free(&r->records);
}

bert_status bert__fills_slice(bert_fills **out, bert_fills *whole, size_t first, size_t n,
                              bert_error *err)
{
    return bert__records_slice(out, sizeof **out, &whole->records, first, n, err);
}

size_t bert_fills_size(const bert_fills *r)
{
    return r->records.n;
}

bert_status bert_fills_status(const bert_fills *r, size_t i)
{
    return bert__records_status(&r->records, i);
}

const char *bert_fills_message(const bert_fills *r, size_t i)
{
    return bert__records_message(&r->records, i);
}

size_t bert_fills_masks(const bert_fills *r, size_t i)
{
    return bert__records_count(&r->records, i) / r->top;
}

const bert_fill *bert_fills_best(const bert_fills *r, size_t i, size_t mask, size_t *count)
{
    bool known = mask < bert_fills_masks(r, i);

    if (count != NULL)
        *count = known ? r->top : 0;
    return known ? bert__records_item(&r->records, i, mask * r->top) : NULL;
}

uint64_t bert_fills_truncated(const bert_fills *r, size_t i)
{
    return bert__records_truncated(&r->records, i);
}
