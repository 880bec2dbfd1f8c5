/* SPDX-License-Identifier: MIT */
/*
 * cpu_stream.c - the CPU backend's session half: each step is cut into tasks that the
 * team claims one by one.  A task's arithmetic does not depend on the cut.
 */
#include <string.h>

#include "lib/backend/cpu.h"
#include "lib/base/error.h"
#include "lib/base/size.h"

/* ---- Memory -------------------------------------------------------------- */

/* What a stream needs for matrices that convert their input; in bytes and floats. */
struct input_room {
    size_t rows, ranged, outliers;
};

/* False if it doesn't fit an address space. */
static bool input_room(const struct bert__device *device, const struct bert__stream_options *o,
                       struct input_room *out)
{
    size_t rows = (size_t)o->max_tokens + BERT__ROW_SLACK;

    return bert__size_mul(rows, device->row_bytes, &out->rows)
           && bert__size_mul(o->threads, device->ranged_k, &out->ranged)
           && bert__size_mul(rows, device->most_outliers, &out->outliers);
}

bert_status bert__cpu_stream_bytes(struct bert__device *device,
                                   const struct bert__stream_options *o, size_t buffers,
                                   uint64_t *out, bert_error *err)
{
    struct bert__attention_scratch scratch;
    struct input_room room;
    size_t floats, bytes;

    if (!bert__attention_scratch_layout(device, o, &scratch) || !input_room(device, o, &room)
        || !bert__size_mul_add(scratch.worker, o->threads, buffers, &floats)
        || !bert__size_add(floats, bert__landmark_sums(o), &floats)
        || !bert__size_add(floats, room.ranged, &floats)
        || !bert__size_add(floats, room.outliers, &floats)
        || !bert__size_mul_add(floats, sizeof(float), sizeof(struct bert__stream), &bytes)
        || !bert__size_add(bytes, room.rows, &bytes))
        return bert__fail(err, BERT_ERANGE, "the session's scratch does not fit an address space");
    *out = bytes;
    return BERT_OK;
}

static bool input_alloc(struct bert__stream *s, const struct bert__stream_options *o)
{
    struct input_room room;

    if (!input_room(s->device, o, &room))
        return false;
    if (room.rows > 0)
        s->rows = bert__alloc(s->alloc, room.rows);
    if (room.ranged > 0)
        s->ranged = bert__alloc_items(s->alloc, room.ranged, sizeof *s->ranged);
    if (room.outliers > 0)
        s->outliers = bert__alloc_items(s->alloc, room.outliers, sizeof *s->outliers);
    return (room.rows == 0 || s->rows != NULL) && (room.ranged == 0 || s->ranged != NULL)
           && (room.outliers == 0 || s->outliers != NULL);
}

bert_status bert__cpu_stream_create(struct bert__device *device, struct bert__stream **out,
                                    struct bert__alloc *alloc, const struct bert__stream_options *o,
                                    bert_error *err)
{
    struct bert__stream *s = bert__alloc_array(alloc, 1, sizeof *s);
    size_t floats, bytes;
    bert_status st;

    *out = NULL;
    if (s == NULL)
        return bert__alloc_fail(alloc, "the stream", err);
    s->device = device;
    s->alloc = alloc;
    st = bert__team_create(&s->team, alloc, o->threads, err);
    if (st != BERT_OK) {
        bert__cpu_stream_destroy(s);
        return st;
    }
    if (bert__attention_scratch_layout(device, o, &s->layout)
        && bert__size_mul(s->layout.worker, o->threads, &floats)
        && bert__size_mul(floats, sizeof(float), &bytes))
        s->scratch = bert__alloc(alloc, bytes);
    if (o->landmarks > 0)
        s->largest = bert__alloc_items(alloc, bert__landmark_sums(o), sizeof *s->largest);
    s->n_rows = o->max_tokens;
    if (s->scratch == NULL || (o->landmarks > 0 && s->largest == NULL) || !input_alloc(s, o)) {
        bert__cpu_stream_destroy(s);
        return bert__alloc_fail(alloc, "the session's scratch", err);
    }
    *out = s;
    return BERT_OK;
}

void bert__cpu_stream_destroy(struct bert__stream *s)
{
    if (s == NULL)
        return;
    bert__team_destroy(s->team);
    bert__alloc_free(s->alloc, s->scratch);
    bert__alloc_free(s->alloc, s->largest);
    bert__alloc_free(s->alloc, s->rows);
    bert__alloc_free(s->alloc, s->ranged);
    bert__alloc_free(s->alloc, s->outliers);
    bert__alloc_free(s->alloc, s);
}

bert_status bert__cpu_buffer_create(struct bert__stream *s, float **out, size_t n, bert_error *err)
{
    size_t bytes;

    *out = NULL;
    if (bert__size_mul(n, sizeof(float), &bytes))
        *out = bert__alloc(s->alloc, bytes);
    return *out != NULL ? BERT_OK : bert__alloc_fail(s->alloc, "the session's scratch", err);
}

void bert__cpu_buffer_free(struct bert__stream *s, float *buffer)
{
    bert__alloc_free(s->alloc, buffer);
}

/* ---- A forward ----------------------------------------------------------- */

bert_status bert__cpu_begin(struct bert__stream *s, const struct bert__batch *batch,
                            bert_error *err)
{
    (void)err;
    s->batch = batch;
    bert__team_start(s->team);
    return BERT_OK;
}

void bert__cpu_end(struct bert__stream *s)
{
    s->batch = NULL;
}

void bert__cpu_watch(struct bert__stream *s, struct bert__watch *watch)
{
    bert__team_watch(s->team, watch);
}

void bert__cpu_parallel(struct bert__stream *s, uint32_t n_tasks, bert__task_fn fn, void *context)
{
    bert__team_run(s->team, n_tasks, fn, context);
}

/* ---- Steps over rows ------------------------------------------------------ */

/* What a step over rows runs on one task's rows. */
struct rows_job {
    struct bert__stream *s;
    const void *op;
    void (*rows)(struct bert__stream *s, const void *op, uint32_t first, uint32_t end);
    uint32_t n_rows, per_task;
};

static void rows_task(void *context, uint32_t task, uint32_t worker)
{
    const struct rows_job *job = context;
    uint32_t first = task * job->per_task;

    (void)worker;
    job->rows(job->s, job->op, first, bert__at_most(first + job->per_task, job->n_rows));
}

void bert__cpu_rows(struct bert__stream *s, const void *op, uint32_t n_rows, uint32_t width,
                    void (*rows)(struct bert__stream *, const void *, uint32_t, uint32_t))
{
    struct rows_job job = {s, op, rows, n_rows, BERT__CPU_TASK_FLOATS / width + 1};

    bert__team_run(s->team, bert__ceil_div(n_rows, job.per_task), rows_task, &job);
}

static void embed_rows(struct bert__stream *s, const void *arg, uint32_t first, uint32_t end)
{
    const struct bert__embed_op *op = arg;
    const struct bert__batch *b = s->batch;
    const struct bert__kernels *k = s->device->kernels;

    for (uint32_t row = first; row < end; row++) {
        size_t type = b->type_ids != NULL ? (size_t)b->type_ids[row] : 0;
        float *y = op->y + (size_t)row * op->n;
        const float *word = op->word != NULL ? op->word + (size_t)b->ids[row] * op->n : y;

        /* the reference's order: (word + type) + position */
        if (op->scales != NULL && op->word != NULL) {
            k->scale(y, word, op->scales[row], op->n);
            word = y;
        }
        if (op->type != NULL)
            k->add(y, word, op->type + type * op->n, NULL, op->n);
        else if (word != y)
            memcpy(y, word, op->n * sizeof *y);
        if (op->position != NULL)
            k->add(y, y, op->position + (size_t)op->positions[row] * op->n, NULL, op->n);
    }
}

bert_status bert__cpu_embed(struct bert__stream *s, const struct bert__embed_op *op,
                            bert_error *err)
{
    (void)err;
    bert__cpu_rows(s, op, s->batch->n_tokens, op->n, embed_rows);
    return BERT_OK;
}

static void norm_rows(struct bert__stream *s, const void *arg, uint32_t first, uint32_t end)
{
    const struct bert__norm_op *op = arg;
    const struct bert__kernels *k = s->device->kernels;

    for (uint32_t row = first; row < end; row++) {
        size_t at = (size_t)row * op->ld;
        const float *x = op->x + at;

        if (op->residual != NULL) {
            k->add(op->y + at, x, op->residual + at, NULL, op->n);
            x = op->y + at;
        }
        if (op->plain) {
            k->mul(op->y + at, x, op->gamma, op->n);
            k->add(op->y + at, op->y + at, op->beta, NULL, op->n);
        } else if (op->beta != NULL)
            k->layernorm(op->y + at, x, op->gamma, op->beta, op->n, op->eps);
        else
            k->rmsnorm(op->y + at, x, op->gamma, op->n, op->eps);
    }
}

bert_status bert__cpu_norm(struct bert__stream *s, const struct bert__norm_op *op, bert_error *err)
{
    (void)err;
    bert__cpu_rows(s, op, op->rows, op->n, norm_rows);
    return BERT_OK;
}

static void gate_rows(struct bert__stream *s, const void *arg, uint32_t first, uint32_t end)
{
    const struct bert__gate_op *op = arg;
    const struct bert__kernels *k = s->device->kernels;

    for (uint32_t row = first; row < end; row++) {
        float *x = op->x + (size_t)row * 2 * op->n;

        k->activate(x, x, op->n, op->act);
        k->mul(x, x, x + op->n, op->n);
    }
}

bert_status bert__cpu_gate(struct bert__stream *s, const struct bert__gate_op *op, bert_error *err)
{
    (void)err;
    bert__cpu_rows(s, op, op->rows, 2 * op->n, gate_rows);
    return BERT_OK;
}

static void rotate_rows(struct bert__stream *s, const void *arg, uint32_t first, uint32_t end)
{
    const struct bert__rotate_op *op = arg;
    const struct bert__kernels *k = s->device->kernels;

    for (uint32_t row = first; row < end; row++) {
        size_t at = (size_t)op->positions[row] * op->half;
        float *x = op->x + (size_t)row * op->ldx;

        for (uint32_t h = 0; h < op->heads; h++)
            k->rotate(x + (size_t)h * op->head, op->cosines + at, op->sines + at, op->half);
    }
}

bert_status bert__cpu_rotate(struct bert__stream *s, const struct bert__rotate_op *op,
                             bert_error *err)
{
    (void)err;
    bert__cpu_rows(s, op, s->batch->n_tokens, op->heads * op->head, rotate_rows);
    return BERT_OK;
}

/* ---- Moving rows ---------------------------------------------------------- */

bert_status bert__cpu_gather(struct bert__stream *s, float *y, const float *x, size_t ldx,
                             const uint32_t *rows, uint32_t n_rows, uint32_t n, bert_error *err)
{
    (void)s;
    (void)err;
    for (uint32_t i = 0; i < n_rows; i++)
        memcpy(y + (size_t)i * n, x + rows[i] * ldx, n * sizeof *y);
    return BERT_OK;
}

bert_status bert__cpu_upload(struct bert__stream *s, float *y, const float *host, size_t n,
                             bert_error *err)
{
    (void)s;
    (void)err;
    memcpy(y, host, n * sizeof *y);
    return BERT_OK;
}

bert_status bert__cpu_host_view(struct bert__stream *s, const float **out, const float *x, size_t n,
                                bert_error *err)
{
    (void)s;
    (void)n;
    (void)err;
    *out = x;
    return BERT_OK;
}
