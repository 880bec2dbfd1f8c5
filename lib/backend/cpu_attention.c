/* SPDX-License-Identifier: MIT */
/* cpu_attention.c - the CPU backend's attention: a task is one head of one sequence. */
#include <string.h>

#include "lib/backend/cpu.h"
#include "lib/base/size.h"

static uint32_t at_most(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* ---- Scratch ------------------------------------------------------------------------- */

/* *at moves past n floats, to the next multiple of 16; *out is where they start. */
static bool take(size_t *at, size_t n, size_t *out)
{
    *out = *at;
    return bert__size_add(*at, n, at) && bert__size_align(*at, 16, at);
}

bool bert__attention_scratch_layout(const struct bert__kernels *k,
                                    const struct bert__stream_options *o,
                                    struct bert__attention_scratch *s)
{
    size_t at = 0, kv, columns, by_query, nr = k->gemm[BERT__F32].nr;
    bool relative = o->relative_rows > 0;

    if (!take(&at, k->attention_kv_floats(o->max_length, o->head_size), &kv)
        || !take(&at, k->attention_scratch_floats(o->max_length, o->head_size), &s->scores)
        || !bert__size_add(o->relative_rows, 2 * nr, &columns)
        || !bert__size_mul(columns, o->max_length, &by_query))
        return false;
    if (!take(&at, relative ? by_query : 0, &s->by_query)
        || !take(&at, relative ? columns * BERT__ATTENTION_BLOCK : 0, &s->by_key)
        || !take(&at, relative ? (size_t)o->max_length * BERT__ATTENTION_BLOCK : 0, &s->bias)
        || !take(&at, bert__landmark_floats(o), &s->landmarks))
        return false;
    s->worker = at;
    return true;
}

/* ---- Tasks ---------------------------------------------------------------------------- */

struct attention_job {
    struct bert__stream *s;
    const struct bert__attention_op *op;
};

/* One head of one sequence. */
struct task {
    const struct bert__attention_op *op;
    const struct bert__kernels *k;
    const struct bert__attention_scratch *layout;
    float *scratch;
    uint32_t n, h;
    uint32_t n_keys;       /* of the n tokens, the first */
    const float *q, *keys; /* of its first token */
    size_t ld;
};

/* The keys, of n, that the queries from `first` on see together. */
static void see(struct bert__attention_block *b, uint32_t first, uint32_t n_q, uint32_t n,
                uint32_t window)
{
    uint32_t from = first > window ? first - window : 0;
    uint32_t end = n > first + n_q && n - first - n_q > window ? first + n_q + window : n;

    b->first = from;
    b->count = end - from;
    b->n_q = n_q;
}

/* ---- Disentangled attention -------------------------------------------------------------- */

/* The rows that distances within the sequence lead to, and their panels. */
struct reach {
    const uint32_t *rows; /* by distance */
    uint32_t nr, first_panel, end_panel, first_row;
    size_t columns;
};

static struct reach reach_of(const struct task *t)
{
    const struct bert__relative_op *r = t->op->relative;
    struct reach reach = {.rows = r->rows_by_distance + t->op->reach,
                          .nr = t->k->gemm[BERT__F32].nr};
    uint32_t last = reach.rows[t->n - 1];

    reach.first_panel = reach.rows[-(ptrdiff_t)(t->n - 1)] / reach.nr;
    reach.end_panel = last / reach.nr + 1;
    reach.first_row = reach.first_panel * reach.nr;
    reach.columns = (size_t)(reach.end_panel - reach.first_panel) * reach.nr;
    return reach;
}

/* y[rows][columns] = x W^T for the panels of the reach. */
static void meet(const struct reach *reach, const struct bert__matrix *m, const float *x,
                 size_t ldx, uint32_t rows, float *y)
{
    static const struct bert__epilogue plain;

    for (uint32_t p = reach->first_panel; p < reach->end_panel; p++) {
        size_t col = (size_t)p * reach->nr;

        m->gemm->run(y + col - reach->first_row, reach->columns, x, ldx,
                     m->panels + p * m->panel_bytes, rows,
                     m->n_out - col < reach->nr ? m->n_out - col : reach->nr, m->k, &plain);
    }
}

/* bias[i][j] of the queries from `first` on. */
static void fill_bias(const struct task *t, const struct reach *reach, uint32_t first, uint32_t n_q)
{
    const struct bert__relative_op *r = t->op->relative;
    const float *by_key = t->scratch + t->layout->by_key;
    const float *by_query = t->scratch + t->layout->by_query;
    float *bias = t->scratch + t->layout->bias;

    for (uint32_t i = 0; i < n_q; i++) {
        const uint32_t *rows = reach->rows + first + i;

        for (uint32_t j = 0; j < t->n; j++) {
            size_t row = rows[-(ptrdiff_t)j] - reach->first_row;
            float sum = r->keys != NULL ? by_key[i * reach->columns + row] : 0.0f;

            if (r->queries != NULL)
                sum += by_query[j * reach->columns + row];
            bias[(size_t)i * t->n + j] = t->op->scale * sum;
        }
    }
}

/* The bias of a block of queries. */
static const float *relative_bias(const struct task *t, const struct reach *reach, uint32_t first,
                                  uint32_t n_q)
{
    const struct bert__relative_op *r = t->op->relative;

    if (r->keys != NULL)
        meet(reach, r->keys[t->h], t->q + first * t->ld, t->ld, n_q,
             t->scratch + t->layout->by_key);
    fill_bias(t, reach, first, n_q);
    return t->scratch + t->layout->bias;
}

/* ---- The whole ---------------------------------------------------------------------------- */

static void run_blocks(const struct task *t, float *out, float *probs)
{
    const struct bert__attention_op *op = t->op;
    const struct bert__relative_op *relative = op->relative;
    struct bert__attention_block b = {.ldo = op->ld_out,
                                      .ldq = t->ld,
                                      .kv = t->scratch,
                                      .n_kv = t->n_keys,
                                      .head = op->head,
                                      .scale = op->scale,
                                      .ldb = relative != NULL ? (ptrdiff_t)t->n : -1,
                                      .scratch = t->scratch + t->layout->scores,
                                      .ldp = t->n};
    struct reach reach = {NULL, 0, 0, 0, 0, 0};

    if (relative != NULL) {
        reach = reach_of(t);
        if (relative->queries != NULL)
            meet(&reach, relative->queries[t->h], t->keys, t->ld, t->n,
                 t->scratch + t->layout->by_query);
    }
    for (uint32_t i = 0; i < t->n; i += BERT__ATTENTION_BLOCK) {
        see(&b, i, at_most(t->n - i, BERT__ATTENTION_BLOCK), t->n_keys, op->window);
        b.out = out + i * op->ld_out;
        b.q = t->q + i * t->ld;
        if (relative != NULL)
            b.bias = relative_bias(t, &reach, i, (uint32_t)b.n_q);
        else if (op->by_distance != NULL)
            b.bias =
                op->by_distance + t->h * op->by_distance_stride + (op->reach + b.first - (size_t)i);
        b.probs = probs != NULL ? probs + (size_t)i * t->n + b.first : NULL;
        t->k->attention(&b);
    }
}

static void attention_task(void *context, uint32_t index, uint32_t worker)
{
    const struct attention_job *job = context;
    struct bert__stream *s = job->s;
    const struct bert__attention_op *op = job->op;
    uint32_t seq = index / op->heads, h = index % op->heads;
    uint32_t kv_head = h / (op->heads / op->kv_heads);
    uint32_t first = s->batch->offsets[seq], n = s->batch->offsets[seq + 1] - first;
    uint32_t n_keys = s->batch->attended != NULL ? s->batch->attended[seq] : n;
    size_t width = (size_t)op->heads * op->head, kv_width = (size_t)op->kv_heads * op->head;
    size_t ld = op->ld_qkv;
    float *probs = op->probs != NULL ? op->probs[seq] + (size_t)h * n * n : NULL;
    struct task t = {.op = op,
                     .k = s->device->kernels,
                     .layout = &s->layout,
                     .scratch = s->scratch + worker * s->layout.worker,
                     .n = n,
                     .h = h,
                     .n_keys = n_keys,
                     .q = op->qkv + first * ld + (size_t)h * op->head,
                     .keys = op->qkv + first * ld + width + (size_t)kv_head * op->head,
                     .ld = ld};

    t.k->attention_prepare(t.scratch, t.keys, t.keys + kv_width, ld, n_keys, op->head);
    if (probs != NULL && (op->window < n || n_keys < n))
        memset(probs, 0, (size_t)n * n * sizeof *probs);
    run_blocks(&t, op->out + first * op->ld_out + (size_t)h * op->head, probs);
}

bert_status bert__cpu_attention(struct bert__stream *s, const struct bert__attention_op *op,
                                bert_error *err)
{
    struct attention_job job = {s, op};

    (void)err;
    if (op->landmarks > 0)
        bert__cpu_landmarks(s, op);
    else
        bert__team_run(s->team, s->batch->n_sequences * op->heads, attention_task, &job);
    return BERT_OK;
}
