/* SPDX-License-Identifier: MIT */
/* logits.c - what task heads give, as raw outputs. */
#include <string.h>

#include "lib/api/outputs.h"
#include "lib/base/error.h"
#include "lib/base/size.h"
#include "lib/head/head_rows.h"

/* ---- Bits ------------------------------------------------------------------------ */

static uint32_t bits_of(enum bert__head_output output)
{
    switch (output) {
    case BERT__HEAD_SPAN:
        return (uint32_t)BERT_OUTPUT_START_LOGITS | (uint32_t)BERT_OUTPUT_END_LOGITS;
    case BERT__HEAD_PREDICTION:
        return BERT_OUTPUT_PREDICTION_LOGITS;
    case BERT__HEAD_RELATION:
        return BERT_OUTPUT_SEQ_RELATIONSHIP_LOGITS;
    case BERT__HEAD_ORDER:
        return BERT_OUTPUT_SOP_LOGITS;
    case BERT__HEAD_LABELS:
    case BERT__HEAD_CHOICE:
    case BERT__HEAD_REPLACED:
    case BERT__HEAD_VOCABULARY:
    case BERT__HEAD_NEXT:
        return BERT_OUTPUT_LOGITS;
    }
    return 0;
}

uint32_t bert__logits_outputs(const bert_model *model)
{
    uint32_t bits = 0;

    for (uint32_t i = 0; i < model->heads.n; i++)
        bits |= bits_of(model->heads.items[i].row->output);
    return bits;
}

uint32_t bert_model_outputs(const bert_model *model)
{
    uint32_t bits = (uint32_t)BERT_OUTPUT_LAST_HIDDEN_STATE | (uint32_t)BERT_OUTPUT_HIDDEN_STATES
                    | (uint32_t)BERT_OUTPUT_ATTENTIONS | bert__logits_outputs(model);

    return bert_model_has_pooler(model) ? bits | (uint32_t)BERT_OUTPUT_POOLER : bits;
}

const char *bert_model_head_missing(const bert_model *model)
{
    return model->heads_missing.code != BERT_OK ? model->heads_missing.message : NULL;
}

/* ---- Memory ------------------------------------------------------------------------ */

static uint32_t rows_of(const bert_outputs *o, const struct bert__logits *l)
{
    return l->by_token ? o->offsets[o->n_sequences] : o->n_sequences;
}

static bool reserve(bert_outputs *o, struct bert__logits *l)
{
    size_t rows = rows_of(o, l), n;

    if (!bert__size_mul(rows, l->width, &n))
        return false;
    l->values = bert__alloc_array(o->alloc, n, sizeof *l->values);
    if (l->values == NULL)
        return false;
    if ((l->which & ((uint32_t)BERT_OUTPUT_START_LOGITS | (uint32_t)BERT_OUTPUT_END_LOGITS)) == 0)
        return true;
    for (int i = 0; i < 2; i++) {
        l->halves[i] = bert__alloc_array(o->alloc, rows, sizeof *l->halves[i]);
        if (l->halves[i] == NULL)
            return false;
    }
    return true;
}

bool bert__logits_reserve(bert_outputs *o, const bert_model *model)
{
    for (uint32_t i = 0; i < model->heads.n; i++) {
        const struct bert__task_head *head = &model->heads.items[i];
        struct bert__logits *l = &o->logits[i];

        l->which = o->which & bits_of(head->row->output);
        l->by_token = head->row->input == BERT__HEAD_TOKENS;
        l->averaged = head->row->mean_of_logits;
        l->flat = head->row->output == BERT__HEAD_REPLACED;
        l->width = head->decoder.n_out;
        if (l->which != 0 && !reserve(o, l))
            return false;
    }
    return true;
}

void bert__logits_free(bert_outputs *o)
{
    for (uint32_t i = 0; i < BERT__MAX_HEADS; i++) {
        bert__alloc_free(o->alloc, o->logits[i].values);
        bert__alloc_free(o->alloc, o->logits[i].halves[0]);
        bert__alloc_free(o->alloc, o->logits[i].halves[1]);
    }
}

/* ---- Running ----------------------------------------------------------------------- */

/* [rows][2] as two columns. */
static void part(struct bert__logits *l, uint32_t rows)
{
    for (size_t i = 0; i < rows; i++) {
        l->halves[0][i] = l->values[2 * i];
        l->halves[1][i] = l->values[2 * i + 1];
    }
}

/* What heads read, kept while they use the buffers that it lay in. */
struct input {
    float *rows[BERT__HEAD_POOLED + 1]; /* by bert__head_input; NULL: not asked for */
};

static bert_status run_head(bert_outputs *o, bert_session *s, uint32_t i, const struct input *in,
                            bert_error *err)
{
    const struct bert__task_head *head = &s->model->heads.items[i];
    struct bert__exec_head layers = bert__task_head_layers(head);
    struct bert__logits *l = &o->logits[i];
    uint32_t rows = rows_of(o, l);
    bert_status st = bert__exec_head(s->exec, &layers, &s->watch, in->rows[head->row->input], rows,
                                     l->values, err);

    if (st == BERT_OK && l->averaged)
        bert__mean_rows(bert__model_kernels(s->model), o->offsets, o->n_sequences, l->values,
                        l->width, l->values);
    if (st == BERT_OK && l->halves[0] != NULL)
        part(l, rows);
    return st;
}

static bert_status keep_input(const bert_outputs *o, bert_session *s,
                              const struct bert__batch *batch, const float *hidden,
                              enum bert__head_input which, float **rows, bert_error *err)
{
    size_t n;

    if (*rows != NULL)
        return BERT_OK;
    if (bert__size_mul(bert__head_rows_count(which, batch), o->hidden, &n))
        *rows = bert__alloc_array(o->alloc, n, sizeof **rows);
    if (*rows == NULL)
        return bert__fail_nomem(err, "the head's input");
    return bert__head_rows(s->exec, bert__model_kernels(s->model), batch, which, hidden, o->hidden,
                           *rows, err);
}

bert_status bert__logits_run(bert_outputs *o, bert_session *s, const struct bert__batch *batch,
                             const float *hidden, bert_error *err)
{
    struct input in = {{NULL}};
    bert_status st = BERT_OK;

    /* all inputs first: heads run over them */
    for (uint32_t i = 0; i < s->model->heads.n && st == BERT_OK; i++) {
        enum bert__head_input which = s->model->heads.items[i].row->input;

        if (o->logits[i].which != 0)
            st = keep_input(o, s, batch, hidden, which, &in.rows[which], err);
    }
    for (uint32_t i = 0; i < s->model->heads.n && st == BERT_OK; i++) {
        if (o->logits[i].which != 0)
            st = run_head(o, s, i, &in, err);
    }
    for (size_t i = 0; i < sizeof in.rows / sizeof *in.rows; i++)
        bert__alloc_free(o->alloc, in.rows[i]);
    return st;
}

/* ---- Reading ----------------------------------------------------------------------- */

static const struct bert__logits *find(const bert_outputs *o, uint32_t which)
{
    for (uint32_t i = 0; i < BERT__MAX_HEADS; i++) {
        if ((o->logits[i].which & which) != 0)
            return &o->logits[i];
    }
    return NULL;
}

const float *bert__logits_get(const bert_outputs *o, uint32_t which, uint32_t sequence,
                              uint32_t shape[2], uint32_t *rank)
{
    const struct bert__logits *l = find(o, which);
    uint32_t first, n;

    if (l == NULL)
        return NULL;
    first = o->offsets[sequence];
    n = o->offsets[sequence + 1] - first;
    *rank = 1;
    if (l->halves[0] != NULL) {
        shape[0] = n;
        return l->halves[which == (uint32_t)BERT_OUTPUT_END_LOGITS] + first;
    }
    if (!l->by_token || l->averaged) {
        shape[0] = l->width;
        return l->values + (size_t)sequence * l->width;
    }
    *rank = l->flat ? 1 : 2;
    shape[0] = n;
    shape[1] = l->width;
    return l->values + (size_t)first * l->width;
}
