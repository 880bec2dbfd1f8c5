/* SPDX-License-Identifier: MIT */
/* task_run.c - batches through the encoder and a task head. */
#include "lib/api/task_run.h"

#include <string.h>

#include "lib/base/error.h"
#include "lib/base/size.h"
#include "lib/head/head_rows.h"

enum { PART_BYTES = 4 << 20 }; /* of logits, where rows may come in parts */

/* ---- Memory ------------------------------------------------------------------------ */

static bert_status room(const struct bert__task_run *r, float **items, size_t *cap, size_t rows,
                        size_t width, bert_error *err)
{
    struct bert__alloc *alloc = r->session->alloc;
    size_t n;

    if (!bert__size_mul(rows, width, &n))
        return bert__fail(err, BERT_ERANGE, "%zu rows of %zu don't fit into memory", rows, width);
    if (n <= *cap)
        return BERT_OK;
    bert__alloc_free(alloc, *items);
    *cap = 0;
    *items = bert__alloc_items(alloc, n, sizeof **items);
    if (*items == NULL)
        return bert__alloc_fail(alloc, "the task head's rows", err);
    *cap = n;
    return BERT_OK;
}

static bert_status input_room(struct bert__task_run *r, size_t rows, bert_error *err)
{
    return room(r, &r->rows, &r->rows_cap, rows, r->session->model->config.hidden_size, err);
}

/* ---- The rows that the head reads ----------------------------------------------------- */

static bool is_wanted(const struct bert__task_run *r, int32_t id)
{
    return r->only_id == NULL || id == *r->only_id;
}

static uint32_t count_wanted(const struct bert__task_run *r, const struct bert__batch *batch,
                             uint32_t from, uint32_t to)
{
    uint32_t n = 0;

    if (r->only_id == NULL)
        return to - from;
    for (uint32_t i = from; i < to; i++)
        n += is_wanted(r, batch->ids[i]);
    return n;
}

static bert_status keep_tokens(struct bert__task_run *r, const struct bert__batch *batch,
                               const float *hidden, bert_error *err)
{
    size_t width = r->session->model->config.hidden_size, n = 0;
    bert_status st = input_room(r, count_wanted(r, batch, 0, batch->n_tokens), err);

    for (uint32_t i = 0; st == BERT_OK && i < batch->n_tokens; i++) {
        if (is_wanted(r, batch->ids[i]))
            memcpy(r->rows + n++ * width, hidden + i * width, width * sizeof *hidden);
    }
    return st;
}

static bert_status keep_rows(struct bert__task_run *r, const struct bert__batch *batch,
                             const float *hidden, bert_error *err)
{
    enum bert__head_input input = r->head->row->input;
    const bert_model *model = r->session->model;
    bert_status st;

    if (input == BERT__HEAD_TOKENS)
        return keep_tokens(r, batch, hidden, err);
    st = input_room(r, bert__head_rows_count(input, batch), err);
    if (st != BERT_OK)
        return st;
    return bert__head_rows(r->session->exec, bert__model_kernels(model), batch, input, hidden,
                           model->config.hidden_size, r->rows, err);
}

/* ---- The head --------------------------------------------------------------------------- */

static bert_status run_head(struct bert__task_run *r, size_t first, uint32_t n, bert_error *err)
{
    struct bert__exec_head layers = bert__task_head_layers(r->head);
    bert_session *s = r->session;
    bert_status st = room(r, &r->values, &r->values_cap, n, r->head->decoder.n_out, err);

    if (st != BERT_OK)
        return st;
    return bert__exec_head(s->exec, &layers, &s->watch,
                           r->rows + first * s->model->config.hidden_size, n, r->values, err);
}

static struct bert__task_logits logits_of(const struct bert__task_run *r,
                                          const struct bert__batch *batch, uint32_t i)
{
    return (struct bert__task_logits){.owner = r->session->texts.owner[i],
                                      .width = r->head->decoder.n_out,
                                      .ids = batch->ids + batch->offsets[i],
                                      .n_ids = batch->offsets[i + 1] - batch->offsets[i]};
}

/* All rows at once: those of a sequence follow one another. */
static bert_status give_whole(struct bert__task_run *r, const struct bert__batch *batch,
                              bert_error *err)
{
    bool by_token = r->head->row->input == BERT__HEAD_TOKENS;
    uint32_t width = r->head->decoder.n_out;
    bert_status st = run_head(r, 0, by_token ? batch->n_tokens : batch->n_sequences, err);

    if (st == BERT_OK && r->head->row->mean_of_logits) {
        bert__mean_rows(bert__model_kernels(r->session->model), batch->offsets, batch->n_sequences,
                        r->values, width, r->values);
        by_token = false;
    }
    for (uint32_t i = 0; st == BERT_OK && i < batch->n_sequences; i++) {
        struct bert__task_logits l = logits_of(r, batch, i);

        l.n = by_token ? l.n_ids : 1;
        l.values = r->values + (size_t)(by_token ? batch->offsets[i] : i) * width;
        st = r->done(r->context, &l, err);
    }
    return st;
}

/* Rows of one sequence in parts: a row may be as wide as the vocabulary. */
static bert_status give_parts(struct bert__task_run *r, const struct bert__batch *batch,
                              bert_error *err)
{
    uint32_t width = r->head->decoder.n_out;
    uint32_t most = PART_BYTES / (uint32_t)sizeof(float) / width + 1;
    size_t first = 0;
    bert_status st = BERT_OK;

    for (uint32_t i = 0; st == BERT_OK && i < batch->n_sequences; i++) {
        uint32_t n = count_wanted(r, batch, batch->offsets[i], batch->offsets[i + 1]);

        for (uint32_t row = 0, k; st == BERT_OK && row < n; row += k) {
            k = n - row < most ? n - row : most;
            st = run_head(r, first + row, k, err);
            if (st == BERT_OK) {
                struct bert__task_logits l = logits_of(r, batch, i);

                l.row = row;
                l.n = k;
                l.values = r->values;
                st = r->done(r->context, &l, err);
            }
        }
        first += n;
    }
    return st;
}

static bert_status run_batch(void *context, const struct bert__batch *batch, bert_error *err)
{
    struct bert__task_run *r = context;
    bert_session *s = r->session;
    const float *hidden;
    bert_status st = bert__exec_run(s->exec, batch, &s->watch, NULL, &hidden, err);

    if (st != BERT_OK)
        return st;
    st = keep_rows(r, batch, hidden, err);
    if (st == BERT_OK)
        st = r->only_id == NULL ? give_whole(r, batch, err) : give_parts(r, batch, err);
    bert__exec_finish(s->exec);
    return st;
}

/* ---- Sequences ---------------------------------------------------------------------------- */

bert_status bert__task_run_begin(struct bert__task_run *r, bert_error *err)
{
    const bert_model *model = r->session->model;
    bert_status st = bert__task_head_find(&r->head, &model->heads, &model->config, r->task,
                                          &model->heads_missing, err);

    if (st == BERT_OK)
        st = bert_model_tokenizer(model, &r->tokenizer, err);
    if (st != BERT_OK)
        return st;
    r->packer = (struct bert__packer){.session = r->session, .run = run_batch, .context = r};
    /* question answering is that of an older release */
    r->packer.no_types = !bert__tokenizer_gives_types(r->tokenizer, r->task == BERT__TASK_ANSWER);
    return bert__session_enter(r->session, err);
}

bert_status bert__task_run_take(struct bert__task_run *r, size_t owner, uint32_t n, bert_error *err)
{
    return bert__packer_take(&r->packer, owner, n, 0, err);
}

bert_status bert__task_run_take_ids(struct bert__task_run *r, size_t owner, const int32_t *ids,
                                    const int32_t *type_ids, size_t n, bert_error *err)
{
    uint32_t most = r->session->model->max_length;
    bert_status st;

    if (n > most)
        return bert__fail(err, BERT_ERANGE, "the text has %zu tokens; the model takes %lu", n,
                          (unsigned long)most);
    memcpy(bert__packer_ids(&r->packer), ids, n * sizeof *ids);
    memcpy(bert__packer_type_ids(&r->packer), type_ids, n * sizeof *type_ids);
    st = bert__packer_check(&r->packer, (uint32_t)n, err);
    return st == BERT_OK ? bert__task_run_take(r, owner, (uint32_t)n, err) : st;
}

bert_status bert__task_run_flush(struct bert__task_run *r, bert_error *err)
{
    return bert__packer_flush(&r->packer, err);
}

void bert__task_run_end(struct bert__task_run *r)
{
    bert__alloc_free(r->session->alloc, r->rows);
    bert__alloc_free(r->session->alloc, r->values);
    bert__session_leave(r->session);
}
