/* SPDX-License-Identifier: MIT */
/*
 * cpu_attention.c - the CPU backend's attention: a task is one head of one sequence, or where
 * these are few, some of its queries.
 */
#include <string.h>

#include "lib/backend/cpu.h"
#include "lib/base/size.h"

enum {
    TASKS_PER_THREAD = 4, /* at least, so that a slow thread can be helped out */
    PART_BLOCKS = 8,      /* of queries in a part of a head: each prepares the keys for itself */
    ASK_PAIRS = 1 << 20   /* of a query and a key between two looks at the watch */
};

/* ---- Scratch ------------------------------------------------------------------------- */

/* *at moves past n floats, to the next multiple of 16; *out is where they start. */
static bool take(size_t *at, size_t n, size_t *out)
{
    *out = *at;
    return bert__size_add(*at, n, at) && bert__size_align(*at, 16, at);
}

/* What sequences of any length up to the longest need; attention by landmarks is always on
 * floats. */
static bool floats_of(const struct bert__device *device, const struct bert__stream_options *o,
                      size_t *kv, size_t *scratch)
{
    enum bert__dtype dtype = o->landmarks > 0 ? BERT__F32 : device->dtype;
    const struct bert__attention *one = bert__kernels_attention(device->kernels, dtype, 0);
    const struct bert__attention *other =
        bert__kernels_attention(device->kernels, dtype, o->max_length);
    size_t most = one == other ? o->max_length : other->least;
    size_t kv_one = one->kv_floats(most, o->head_size);
    size_t kv_other = other->kv_floats(o->max_length, o->head_size);
    size_t scratch_one = one->scratch_floats(o->head_size);
    size_t scratch_other = other->scratch_floats(o->head_size);

    *kv = kv_one > kv_other ? kv_one : kv_other;
    *scratch = scratch_one > scratch_other ? scratch_one : scratch_other;
    return kv_one > 0 && kv_other > 0 && scratch_one > 0 && scratch_other > 0;
}

bool bert__attention_scratch_layout(const struct bert__device *device,
                                    const struct bert__stream_options *o,
                                    struct bert__attention_scratch *s)
{
    size_t at = 0, n_kv, n_scratch, kv, columns, by_query;
    size_t nr = device->kernels->gemm[BERT__F32].nr;
    bool relative = o->relative_rows > 0;

    if (!floats_of(device, o, &n_kv, &n_scratch) || !take(&at, n_kv, &kv)
        || !take(&at, n_scratch, &s->scores) || !bert__size_add(o->relative_rows, 2 * nr, &columns)
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
    uint32_t parts; /* of each head of a sequence */
};

/* Queries of one head of one sequence. */
struct task {
    const struct bert__attention_op *op;
    const struct bert__kernels *k;
    const struct bert__attention *attention;
    const struct bert__attention_scratch *layout;
    struct bert__team *team;
    float *scratch;
    uint32_t n, h;
    uint32_t from, end;    /* its queries, of n */
    uint32_t n_keys;       /* of the n tokens, the first */
    const float *q, *keys; /* of its first token */
    size_t ld;
    float *out;   /* of its first token, too */
    float *probs; /* [n][n], or NULL */
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

static void enter(const struct bert__attention *attention)
{
    if (attention->enter != NULL)
        attention->enter();
}

static void leave(const struct bert__attention *attention)
{
    if (attention->leave != NULL)
        attention->leave();
}

/* A long sequence's task is a long one.  The host may run kernels of its own while it is asked. */
static bool goes_on(const struct task *t, uint64_t *pairs)
{
    bool so;

    if (*pairs < ASK_PAIRS)
        return true;
    *pairs = 0;
    leave(t->attention);
    so = bert__team_goes_on(t->team);
    enter(t->attention);
    return so;
}

static void run_blocks(const struct task *t)
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
    uint64_t pairs = 0;

    if (relative != NULL) {
        reach = reach_of(t);
        if (relative->queries != NULL)
            meet(&reach, relative->queries[t->h], t->keys, t->ld, t->n,
                 t->scratch + t->layout->by_query);
    }
    for (uint32_t i = t->from; i < t->end && goes_on(t, &pairs); i += BERT__ATTENTION_BLOCK) {
        see(&b, i, bert__at_most(t->end - i, BERT__ATTENTION_BLOCK), t->n_keys, op->window);
        b.out = t->out + i * op->ld_out;
        b.q = t->q + i * t->ld;
        if (relative != NULL)
            b.bias = relative_bias(t, &reach, i, (uint32_t)b.n_q);
        else if (op->by_distance != NULL)
            b.bias =
                op->by_distance + t->h * op->by_distance_stride + (op->reach + b.first - (size_t)i);
        b.probs = t->probs != NULL ? t->probs + (size_t)i * t->n + b.first : NULL;
        t->attention->run(&b);
        pairs += (uint64_t)b.n_q * b.count;
    }
}

/* The part-th of `parts` parts, of whole blocks: which blocks there are depends on n alone. */
static void take_part(struct task *t, uint32_t part, uint32_t parts)
{
    uint32_t blocks = (t->n - 1) / BERT__ATTENTION_BLOCK + 1, each = (blocks - 1) / parts + 1;

    if (each < PART_BLOCKS)
        each = PART_BLOCKS;
    t->from = bert__at_most(part * each, blocks) * BERT__ATTENTION_BLOCK;
    t->end = bert__at_most(t->from + each * BERT__ATTENTION_BLOCK, t->n);
}

static struct task task_of(const struct attention_job *job, uint32_t index, uint32_t worker)
{
    struct bert__stream *s = job->s;
    const struct bert__attention_op *op = job->op;
    uint32_t seq = index / job->parts / op->heads, h = index / job->parts % op->heads;
    uint32_t kv_head = h / (op->heads / op->kv_heads);
    uint32_t first = s->batch->offsets[seq];
    const float *rows = op->qkv + first * op->ld_qkv;
    struct task t = {.op = op,
                     .k = s->device->kernels,
                     .layout = &s->layout,
                     .team = s->team,
                     .scratch = s->scratch + worker * s->layout.worker,
                     .n = s->batch->offsets[seq + 1] - first,
                     .h = h,
                     .q = rows + (size_t)h * op->head,
                     .keys = rows + ((size_t)op->heads + kv_head) * op->head,
                     .ld = op->ld_qkv};

    t.n_keys = s->batch->attended != NULL ? s->batch->attended[seq] : t.n;
    t.attention = bert__kernels_attention(t.k, s->device->dtype, t.n_keys);
    t.out = op->out + first * op->ld_out + (size_t)h * op->head;
    t.probs = op->probs != NULL ? op->probs[seq] + (size_t)h * t.n * t.n : NULL;
    take_part(&t, index % job->parts, job->parts);
    return t;
}

static void attention_task(void *context, uint32_t index, uint32_t worker)
{
    const struct attention_job *job = context;
    const struct bert__attention_op *op = job->op;
    const struct task t = task_of(job, index, worker);

    if (t.from >= t.end)
        return;
    if (t.probs != NULL && (op->window < t.n || t.n_keys < t.n))
        memset(t.probs + (size_t)t.from * t.n, 0, (size_t)(t.end - t.from) * t.n * sizeof *t.probs);
    enter(t.attention);
    t.attention->prepare(t.scratch, t.keys, t.keys + (size_t)op->kv_heads * op->head, t.ld,
                         t.n_keys, op->head);
    run_blocks(&t);
    leave(t.attention);
}

/* Disentangled attention begins with more than the keys: it is not split. */
static uint32_t parts_of(const struct bert__stream *s, const struct bert__attention_op *op)
{
    uint32_t tasks = s->batch->n_sequences * op->heads;
    uint32_t wanted = TASKS_PER_THREAD * bert__team_size(s->team);

    return op->relative != NULL || tasks >= wanted ? 1 : (wanted - 1) / tasks + 1;
}

bert_status bert__cpu_attention(struct bert__stream *s, const struct bert__attention_op *op,
                                bert_error *err)
{
    struct attention_job job = {s, op, parts_of(s, op)};

    (void)err;
    if (op->landmarks > 0)
        bert__cpu_landmarks(s, op);
    else
        bert__team_run(s->team, s->batch->n_sequences * op->heads * job.parts, attention_task,
                       &job);
    return BERT_OK;
}
