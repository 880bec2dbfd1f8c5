/* SPDX-License-Identifier: MIT */
/*
 * cpu_stream.c - the CPU backend's session half: each step is cut into tasks that the
 * team claims one by one.  A task's arithmetic does not depend on the cut.
 */
#include <math.h>
#include <string.h>

#include "lib/backend/cpu.h"
#include "lib/base/error.h"
#include "lib/base/size.h"

enum {
    ROWS_LEAST = 128, /* rows of a linear task's block: as many as fit in much of an L2, ... */
    ROWS_MOST = 512,  /* since the whole weight is read once for each block */
    ROWS_BYTES = 768 << 10,
    TASK_US = 20,         /* long beside a claim, short beside a step */
    TASKS_PER_THREAD = 4, /* at least, so that a slow thread can be helped out */
    TASK_FLOATS = 8192    /* of a task that streams through rows */
};

static uint32_t ceil_div(uint32_t a, uint32_t b)
{
    return (a + b - 1) / b;
}

static uint32_t at_most(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

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
    job->rows(job->s, job->op, first, at_most(first + job->per_task, job->n_rows));
}

void bert__cpu_rows(struct bert__stream *s, const void *op, uint32_t n_rows, uint32_t width,
                    void (*rows)(struct bert__stream *, const void *, uint32_t, uint32_t))
{
    struct rows_job job = {s, op, rows, n_rows, TASK_FLOATS / width + 1};

    bert__team_run(s->team, ceil_div(n_rows, job.per_task), rows_task, &job);
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

/* ---- Linear --------------------------------------------------------------- */

/* What linear_rows() computes: `rows` of x, converted where the type wants it. */
struct linear_job {
    const struct bert__linear_op *op;
    const void *x;
    size_t ldx, x_size; /* elements between rows, bytes of one */
    float *y;
    const float *residual;
    uint32_t rows;
    uint32_t row_block;
    uint32_t panel_group;
    uint32_t n_groups;
    uint32_t team;
    bool onto; /* what is in y is part of the sums */
};

/* The panel that this thread will read after number `panel`: its task's next, or the first of the
 * task that is its turn if the threads keep step; NULL if there is none. */
static const char *next_panel(const struct linear_job *job, uint32_t panel)
{
    const struct bert__matrix *m = job->op->matrix;
    uint32_t next = panel + 1;

    if (next % job->panel_group == 0)
        next += (job->team - 1) * job->panel_group;
    return next < m->n_panels ? m->panels + next * m->panel_bytes : NULL;
}

static void linear_panels(const struct linear_job *job, uint32_t row, uint32_t rows, uint32_t panel)
{
    const struct bert__linear_op *op = job->op;
    const struct bert__matrix *m = op->matrix;
    uint32_t end = at_most(panel + job->panel_group, m->n_panels);
    const char *x = (const char *)job->x + row * job->ldx * job->x_size;

    for (; panel < end; panel++) {
        size_t col = (size_t)panel * m->gemm->nr;
        struct bert__epilogue ep = {
            .bias = op->bias != NULL ? op->bias + col : NULL,
            .residual = job->residual != NULL ? job->residual + row * op->ldr + col : NULL,
            .ldr = op->ldr,
            .act = op->act,
            .onto = job->onto,
            .next = next_panel(job, panel),
        };

        m->gemm->run(job->y + row * op->ldy + col, op->ldy, x, job->ldx,
                     m->panels + panel * m->panel_bytes, rows,
                     m->n_out - col < m->gemm->nr ? m->n_out - col : m->gemm->nr, m->k, &ep);
    }
}

static void linear_task(void *context, uint32_t task, uint32_t worker)
{
    const struct linear_job *job = context;
    const struct bert__gemm *gemm = job->op->matrix->gemm;
    uint32_t row = task / job->n_groups * job->row_block;
    uint32_t panel = task % job->n_groups * job->panel_group;

    (void)worker;
    if (gemm->enter != NULL)
        gemm->enter();
    linear_panels(job, row, at_most(job->rows - row, job->row_block), panel);
    if (gemm->leave != NULL)
        gemm->leave();
}

static uint32_t rows_of_block(const struct bert__matrix *m)
{
    size_t fit = ROWS_BYTES / ((size_t)m->k * m->gemm->a_size);

    return fit < ROWS_LEAST ? ROWS_LEAST : fit > ROWS_MOST ? ROWS_MOST : (uint32_t)fit;
}

/* Cut into tasks: blocks of rows times groups of panels. */
static void linear_rows(struct bert__stream *s, struct linear_job *job)
{
    const struct bert__matrix *m = job->op->matrix;
    uint32_t row_blocks = ceil_div(job->rows, rows_of_block(m));
    uint64_t panel_flops, task_flops = (uint64_t)m->gemm->speed * 1000 * TASK_US;
    uint32_t group, most;

    job->team = bert__team_size(s->team);
    job->row_block = ceil_div(ceil_div(job->rows, row_blocks), m->gemm->mr) * m->gemm->mr;
    row_blocks = ceil_div(job->rows, job->row_block);
    panel_flops = 2ull * job->row_block * m->gemm->nr * m->k;
    group = (uint32_t)(task_flops / panel_flops) + 1;
    most = ceil_div(m->n_panels, ceil_div(TASKS_PER_THREAD * job->team, row_blocks));
    job->panel_group = at_most(group, most);
    job->n_groups = ceil_div(m->n_panels, job->panel_group);
    bert__team_run(s->team, row_blocks * job->n_groups, linear_task, job);
}

/* ---- Converted rows ---- */

/* Rows of a linear step's input on their way into a stream's `rows`. */
struct convert_job {
    struct bert__stream *s;
    const struct bert__matrix *matrix;
    const float *x;
    size_t ldx;
    uint32_t rows, per_task;
};

static void convert_task(void *context, uint32_t task, uint32_t worker)
{
    const struct convert_job *job = context;
    uint32_t first = task * job->per_task;

    (void)worker;
    job->matrix->gemm->prepare(job->s->rows, first, job->x + first * job->ldx, job->ldx,
                               at_most(job->rows - first, job->per_task), job->matrix->k);
}

/* to = x clipped, without its outliers, which go to `aside`. */
static void split_row(const struct bert__matrix *m, const float *x, float *to, float *aside)
{
    memcpy(to, x, m->k * sizeof *to);
    for (uint32_t i = 0; !isinf(m->clip) && i < m->k; i++)
        to[i] = x[i] > m->clip ? m->clip : x[i] < -m->clip ? -m->clip : x[i];
    for (uint32_t j = 0; j < m->n_outliers; j++) {
        aside[j] = x[m->outliers[j]];
        to[m->outliers[j]] = 0;
    }
}

static void convert_ranged_task(void *context, uint32_t task, uint32_t worker)
{
    const struct convert_job *job = context;
    const struct bert__matrix *m = job->matrix;
    uint32_t first = task * job->per_task, end = at_most(first + job->per_task, job->rows);
    float *row = job->s->ranged + (size_t)worker * job->s->device->ranged_k;

    for (uint32_t i = first; i < end; i++) {
        split_row(m, job->x + i * job->ldx, row,
                  m->n_outliers > 0 ? job->s->outliers + (size_t)i * m->n_outliers : NULL);
        m->gemm->prepare(job->s->rows, i, row, m->k, 1, m->k);
    }
}

static void convert_rows(struct bert__stream *s, const struct bert__linear_op *op, uint32_t first,
                         uint32_t rows)
{
    const struct bert__matrix *m = op->matrix;
    struct convert_job job = {s, m, op->x + first * op->ldx, op->ldx, rows, TASK_FLOATS / m->k + 1};

    bert__team_run(s->team, ceil_div(rows, job.per_task),
                   m->clip > 0 ? convert_ranged_task : convert_task, &job);
}

/* ---- Outliers ---- */

/* Their products, in y or added to it. */
static void outlier_rows(struct bert__stream *s, const struct linear_job *all, bool onto)
{
    const struct bert__matrix *exact = all->op->matrix->exact;
    struct bert__linear_op op = *all->op;
    struct linear_job job = {.op = &op,
                             .x = s->outliers,
                             .ldx = exact->k,
                             .x_size = exact->gemm->a_size,
                             .y = all->y,
                             .rows = all->rows,
                             .onto = onto};

    op.matrix = exact;
    op.bias = NULL;
    op.act = BERT__ACT_NONE;
    linear_rows(s, &job);
}

/* Before the others' where an activation follows; then there is no residual, which may be y. */
static void with_outliers(struct bert__stream *s, const struct linear_job *all)
{
    struct linear_job job = *all;

    job.onto = all->op->act != BERT__ACT_NONE;
    if (job.onto)
        outlier_rows(s, all, false);
    linear_rows(s, &job);
    if (!job.onto)
        outlier_rows(s, all, true);
}

bert_status bert__cpu_linear(struct bert__stream *s, const struct bert__linear_op *op,
                             bert_error *err)
{
    const struct bert__gemm *gemm = op->matrix->gemm;
    bool converted = gemm->prepare != NULL;
    struct linear_job job = {.op = op,
                             .ldx = converted ? gemm->row_elements(op->matrix->k) : op->ldx,
                             .x_size = gemm->a_size};

    if (op->matrix->exact != NULL && op->act != BERT__ACT_NONE && op->residual != NULL)
        return bert__fail(err, BERT_EINTERNAL, "outliers of a layer with activation and residual");
    for (uint32_t first = 0; first < op->rows; first += job.rows) {
        job.rows = converted ? at_most(op->rows - first, s->n_rows) : op->rows;
        if (converted)
            convert_rows(s, op, first, job.rows);
        job.x = converted ? (const void *)s->rows : op->x;
        job.y = op->y + first * op->ldy;
        job.residual = op->residual != NULL ? op->residual + first * op->ldr : NULL;
        if (op->matrix->exact != NULL)
            with_outliers(s, &job);
        else
            linear_rows(s, &job);
    }
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
