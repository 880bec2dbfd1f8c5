/* SPDX-License-Identifier: MIT */
/*
 * cpu_linear.c - linear steps on the CPU: rows converted for the type, blocks of them times groups
 * of panels as tasks, and the columns of int8 that stay in fp32.
 */
#include <math.h>
#include <string.h>

#include "lib/backend/cpu.h"
#include "lib/base/error.h"

enum {
    ROWS_LEAST = 128, /* rows of a task's block: as many as fit in much of an L2, ... */
    ROWS_MOST = 512,  /* since the whole weight is read once for each block */
    ROWS_BYTES = 768 << 10,
    TASK_US = 20,        /* long beside a claim, short beside a step */
    TASKS_PER_THREAD = 4 /* at least, so that a slow thread can be helped out */
};

/* ---- Products ---- */

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
    uint32_t end = bert__at_most(panel + job->panel_group, m->n_panels);
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
    linear_panels(job, row, bert__at_most(job->rows - row, job->row_block), panel);
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
    uint32_t row_blocks = bert__ceil_div(job->rows, rows_of_block(m));
    uint64_t panel_flops, task_flops = (uint64_t)m->gemm->speed * 1000 * TASK_US;
    uint32_t group, most;

    job->team = bert__team_size(s->team);
    job->row_block =
        bert__ceil_div(bert__ceil_div(job->rows, row_blocks), m->gemm->mr) * m->gemm->mr;
    row_blocks = bert__ceil_div(job->rows, job->row_block);
    panel_flops = 2ull * job->row_block * m->gemm->nr * m->k;
    group = (uint32_t)(task_flops / panel_flops) + 1;
    most = bert__ceil_div(m->n_panels, bert__ceil_div(TASKS_PER_THREAD * job->team, row_blocks));
    job->panel_group = bert__at_most(group, most);
    job->n_groups = bert__ceil_div(m->n_panels, job->panel_group);
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
                               bert__at_most(job->rows - first, job->per_task), job->matrix->k);
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
    uint32_t first = task * job->per_task, end = bert__at_most(first + job->per_task, job->rows);
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
    struct convert_job job = {s,       m,    op->x + first * op->ldx,
                              op->ldx, rows, BERT__CPU_TASK_FLOATS / m->k + 1};

    bert__team_run(s->team, bert__ceil_div(rows, job.per_task),
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
        job.rows = converted ? bert__at_most(op->rows - first, s->n_rows) : op->rows;
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
