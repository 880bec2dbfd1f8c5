/* SPDX-License-Identifier: MIT */
/*
 * cpu_landmarks.c - the CPU backend's attention by landmarks, Nystrom's approximation: see
 * bert__attention_op.  Two rounds of tasks, each one head of one sequence: the first finds the
 * sums that all heads of a sequence need.
 */
#include <string.h>

#include "lib/backend/cpu.h"
#include "lib/base/size.h"

enum { STEPS = 6 };

/* Scratch of one worker: means of queries and keys, and the new values, [landmarks][head] each; the
 * rest [landmarks][landmarks]. */
struct room {
    float *queries, *keys, *values;
    float *mixed; /* the inverse, times the new values: as these */
    float *kernel, *inverse, *a, *b, *c;
};

enum { NARROW = 4, SQUARE = 5 };

size_t bert__landmark_floats(const struct bert__stream_options *o)
{
    size_t one;

    if (!bert__size_mul_add(SQUARE, o->landmarks, NARROW * (size_t)o->head_size, &one)
        || !bert__size_mul(one, o->landmarks, &one))
        return SIZE_MAX;
    return one;
}

size_t bert__landmark_sums(const struct bert__stream_options *o)
{
    return o->landmarks > 0 ? (size_t)(o->max_tokens / o->only_length + 1) * o->heads : 0;
}

struct job {
    struct bert__stream *s;
    const struct bert__attention_op *op;
};

/* One head of one sequence. */
struct task {
    const struct bert__attention_op *op;
    const struct bert__kernels *k;
    const struct bert__attention *attention;
    float *scratch, *scores;
    struct room room;
    uint32_t sequence, head, first, n, landmarks;
    uint32_t n_keys; /* of the n tokens, the first: the landmarks are of all */
    const float *q, *keys, *values;
};

static struct task task_of(const struct job *job, uint32_t index, uint32_t worker)
{
    struct bert__stream *s = job->s;
    const struct bert__attention_op *op = job->op;
    uint32_t seq = index / op->heads, h = index % op->heads;
    size_t width = (size_t)op->heads * op->head, m = op->landmarks, narrow = m * op->head;
    struct task t = {.op = op,
                     .k = s->device->kernels,
                     .attention = &s->device->kernels->attention[BERT__F32],
                     .sequence = seq,
                     .head = h,
                     .landmarks = op->landmarks,
                     .first = s->batch->offsets[seq]};
    float *at;

    t.n = s->batch->offsets[seq + 1] - t.first;
    t.n_keys = s->batch->attended != NULL ? s->batch->attended[seq] : t.n;
    t.scratch = s->scratch + worker * s->layout.worker;
    t.scores = t.scratch + s->layout.scores;
    t.q = op->qkv + t.first * op->ld_qkv + (size_t)h * op->head;
    t.keys = t.q + width;
    t.values = t.keys + width;
    at = t.scratch + s->layout.landmarks;
    t.room = (struct room){.queries = at,
                           .keys = at + narrow,
                           .values = at + 2 * narrow,
                           .mixed = at + 3 * narrow,
                           .kernel = at + 4 * narrow,
                           .inverse = at + 4 * narrow + m * m,
                           .a = at + 4 * narrow + 2 * m * m,
                           .b = at + 4 * narrow + 3 * m * m,
                           .c = at + 4 * narrow + 4 * m * m};
    return t;
}

/* ---- Attention between landmarks and tokens -------------------------------------------------- */

static void means(const struct task *t, const float *rows, float *out)
{
    uint32_t each = t->n / t->landmarks, head = t->op->head;

    for (uint32_t i = 0; i < t->landmarks; i++, out += head) {
        const float *x = rows + (size_t)i * each * t->op->ld_qkv;

        memcpy(out, x, head * sizeof *out);
        for (uint32_t j = 1; j < each; j++)
            t->k->add(out, out, x + j * t->op->ld_qkv, NULL, head);
        t->k->scale(out, out, 1.0f / (float)each, head);
    }
}

/* out = softmax(scale * q k) v, for the keys and values in t->scratch. */
static void attend(const struct task *t, const float *q, size_t ldq, uint32_t rows, uint32_t n_kv,
                   float *out, size_t ldo, float *probs)
{
    struct bert__attention_block b = {.ldo = ldo,
                                      .ldq = ldq,
                                      .kv = t->scratch,
                                      .n_kv = n_kv,
                                      .head = t->op->head,
                                      .count = n_kv,
                                      .scale = t->op->scale,
                                      .scratch = t->scores,
                                      .ldp = n_kv};

    for (uint32_t i = 0; i < rows; i += BERT__ATTENTION_BLOCK) {
        b.n_q = rows - i < BERT__ATTENTION_BLOCK ? rows - i : BERT__ATTENTION_BLOCK;
        b.q = q + i * ldq;
        b.out = out + i * ldo;
        b.probs = probs != NULL ? probs + (size_t)i * n_kv : NULL;
        t->attention->run(&b);
    }
}

/* The landmarks, and the kernel between them. */
static void meet(const struct task *t)
{
    uint32_t m = t->landmarks, head = t->op->head;

    means(t, t->q, t->room.queries);
    means(t, t->keys, t->room.keys);
    t->attention->prepare(t->scratch, t->room.keys, t->room.keys, head, m, head);
    attend(t, t->room.queries, head, m, m, t->room.values, head, t->room.kernel);
}

/* ---- The inverse ------------------------------------------------------------------------------
 */

static void product(const struct task *t, float *out, const float *x, const float *y, size_t rows,
                    size_t columns)
{
    size_t m = t->landmarks;

    memset(out, 0, rows * columns * sizeof *out);
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < m; j++)
            t->k->axpy(out + i * columns, y + j * columns, x[i * m + j], columns);
}

/* x = d I - x */
static void from_diagonal(const struct task *t, float *x, float d)
{
    size_t m = t->landmarks;

    t->k->scale(x, x, -1.0f, m * m);
    for (size_t i = 0; i < m; i++)
        x[i * m + i] += d;
}

static void invert(struct task *t, float largest)
{
    struct room *r = &t->room;
    size_t m = t->landmarks;

    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < m; j++)
            r->inverse[i * m + j] = 1.0f / largest * r->kernel[j * m + i];
    for (int step = 0; step < STEPS; step++) {
        float *next = r->a;

        product(t, r->a, r->kernel, r->inverse, m, m);
        memcpy(r->b, r->a, m * m * sizeof *r->b);
        from_diagonal(t, r->b, 7);
        product(t, r->c, r->a, r->b, m, m);
        from_diagonal(t, r->c, 15);
        product(t, r->b, r->a, r->c, m, m);
        from_diagonal(t, r->b, 13);
        product(t, next, r->inverse, r->b, m, m);
        t->k->scale(next, next, 0.25f, m * m);
        r->a = r->inverse;
        r->inverse = next;
    }
}

/* ---- The tasks --------------------------------------------------------------------------------
 */

static void sum_task(void *context, uint32_t index, uint32_t worker)
{
    const struct job *job = context;
    struct task t = task_of(job, index, worker);
    uint32_t m = t.landmarks;
    float *sums = t.room.a;

    meet(&t);
    memcpy(sums, t.room.kernel, m * sizeof *sums);
    for (uint32_t i = 1; i < m; i++)
        t.k->add(sums, sums, t.room.kernel + (size_t)i * m, NULL, m);
    for (uint32_t i = 1; i < m; i++)
        sums[0] = sums[i] > sums[0] ? sums[i] : sums[0];
    job->s->largest[index] = sums[0];
}

/* Rows of what the queries see of the landmarks become what they see through the inverse. */
static void see_through(const struct task *t, float *probs)
{
    uint32_t m = t->landmarks;

    for (uint32_t i = 0; i < t->n; i++) {
        memcpy(t->room.b, probs + (size_t)i * m, m * sizeof *probs);
        product(t, probs + (size_t)i * m, t->room.b, t->room.inverse, 1, m);
    }
}

static void head_task(void *context, uint32_t index, uint32_t worker)
{
    const struct job *job = context;
    struct task t = task_of(job, index, worker);
    const struct bert__attention_op *op = t.op;
    const float *largest = job->s->largest + (size_t)t.sequence * op->heads;
    float most = largest[0], *out = op->out + t.first * op->ld_out + (size_t)t.head * op->head;
    uint32_t m = t.landmarks, head = op->head;
    float *probs = op->probs != NULL ? op->probs[t.sequence] + (size_t)t.head * t.n * m : NULL;

    for (uint32_t h = 1; h < op->heads; h++)
        most = largest[h] > most ? largest[h] : most;
    meet(&t);
    invert(&t, most);
    t.attention->prepare(t.scratch, t.keys, t.values, op->ld_qkv, t.n_keys, head);
    attend(&t, t.room.queries, head, m, t.n_keys, t.room.values, head, NULL);
    product(&t, t.room.mixed, t.room.inverse, t.room.values, m, head);
    t.attention->prepare(t.scratch, t.room.keys, t.room.mixed, head, m, head);
    attend(&t, t.q, op->ld_qkv, t.n, m, out, op->ld_out, probs);
    if (probs != NULL)
        see_through(&t, probs);
}

void bert__cpu_landmarks(struct bert__stream *s, const struct bert__attention_op *op)
{
    struct job job = {s, op};
    uint32_t tasks = s->batch->n_sequences * op->heads;

    bert__team_run(s->team, tasks, sum_task, &job);
    bert__team_run(s->team, tasks, head_task, &job);
}
