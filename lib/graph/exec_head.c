/* SPDX-License-Identifier: MIT */
/* exec_head.c - what follows a run: the pooler, and the layers of heads on host rows. */
#include <string.h>

#include "lib/graph/exec_parts.h"

static bert_status linear_rows(struct bert__exec *x, const struct bert__linear *linear,
                               enum bert__act act, const float *in, float *out, uint32_t rows,
                               bert_error *err)
{
    struct bert__linear_op op = {
        .y = out,
        .x = in,
        .ldy = linear->n_out,
        .ldx = linear->n_in,
        .rows = rows,
        .matrix = linear->matrix,
        .bias = linear->bias.device,
        .act = act,
    };

    return x->backend->linear(x->stream, &op, err);
}

/* to = from (+ add) */
static void copy_out(const struct bert__exec *x, float *to, const float *from, const float *add,
                     size_t n)
{
    if (add == NULL)
        memcpy(to, from, n * sizeof *to);
    else
        x->backend->host_kernels(x->network->device)->add(to, from, add, NULL, n);
}

/* The first tokens' rows of n sequences from number `first` on, into `to`. */
static bert_status gather_firsts(struct bert__exec *x, float *to, uint32_t first, uint32_t n,
                                 bert_error *err)
{
    uint32_t hidden = x->network->config->hidden_size;

    for (uint32_t i = 0; i < n; i++)
        x->firsts[i] = x->batch->offsets[first + i];
    return x->backend->gather(x->stream, to, bert__exec_buffer(x, BERT__BUFFER_HIDDEN), hidden,
                              x->firsts, n, hidden, err);
}

/* out[n][hidden] from the first tokens of so many sequences, through the pooler unless NULL. */
static bert_status pool_firsts(struct bert__exec *x, const struct bert__linear *pooler,
                               uint32_t first, uint32_t n, float *out, bert_error *err)
{
    size_t hidden = x->network->config->hidden_size;
    float *in = x->memory + x->room.hidden, *pooled = in;
    const float *host;
    bert_status st = gather_firsts(x, in, first, n, err);

    if (st == BERT_OK && pooler != NULL) {
        pooled = in + (n + BERT__ROW_SLACK) * hidden;
        st = linear_rows(x, pooler, BERT__ACT_TANH, in, pooled, n, err);
    }
    if (st == BERT_OK)
        st = x->backend->host_view(x->stream, &host, pooled, n * hidden, err);
    if (st == BERT_OK)
        copy_out(x, out, host, NULL, n * hidden);
    return st;
}

/* As many sequences at a time as have room behind the hidden states. */
static bert_status pool_all(struct bert__exec *x, const struct bert__linear *pooler, float *out,
                            bert_error *err)
{
    size_t hidden = x->network->config->hidden_size;
    size_t room = (x->room.floats - x->room.hidden) / (2 * hidden) - BERT__ROW_SLACK;
    uint32_t all = x->batch->n_sequences, fit = room < all ? (uint32_t)room : all;

    for (uint32_t first = 0; first < all; first += fit) {
        uint32_t n = all - first < fit ? all - first : fit;
        bert_status st = pool_firsts(x, pooler, first, n, out + first * hidden, err);

        if (st != BERT_OK)
            return st;
    }
    return BERT_OK;
}

bert_status bert__exec_firsts(struct bert__exec *x, float *out, bert_error *err)
{
    return pool_all(x, NULL, out, err);
}

bert_status bert__exec_pooler(struct bert__exec *x, float *out, bert_error *err)
{
    const struct bert__network *net = x->network;

    return pool_all(x, net->config->pooler_is_first ? NULL : &net->pooler, out, err);
}

uint32_t bert__exec_head_width(const struct bert__exec_head *head)
{
    uint32_t width = head->decoder->n_in + head->decoder->n_out;

    return head->dense != NULL ? width + head->dense->n_in : width;
}

/* n rows in x->memory; *out is where the decoder's lie. */
static bert_status run_head(struct bert__exec *x, const struct bert__exec_head *head, uint32_t n,
                            float **out, bert_error *err)
{
    float *in = x->memory;
    bert_status st = BERT_OK;

    if (head->dense != NULL) {
        float *hidden = in + (size_t)(n + BERT__ROW_SLACK) * head->dense->n_in;

        st = linear_rows(x, head->dense, head->act, in, hidden, n, err);
        in = hidden;
    }
    if (st == BERT_OK && head->norm != NULL) {
        struct bert__norm_op op = {.y = in,
                                   .x = in,
                                   .rows = n,
                                   .n = head->decoder->n_in,
                                   .ld = head->decoder->n_in,
                                   .gamma = head->norm->gamma.device,
                                   .beta = head->norm->beta.device,
                                   .eps = head->norm->eps};

        st = x->backend->norm(x->stream, &op, err);
    }
    *out = in + (size_t)(n + BERT__ROW_SLACK) * head->decoder->n_in;
    if (st == BERT_OK)
        st = linear_rows(x, head->decoder, head->decoder_act, in, *out, n, err);
    return st;
}

/* As many rows at a time as fit; watch NULL: to the end. */
static bert_status run_rows(struct bert__exec *x, const struct bert__exec_head *head,
                            struct bert__watch *watch, const float *in, uint32_t rows, float *y,
                            const float *add, bert_error *err)
{
    size_t n_in = head->dense != NULL ? head->dense->n_in : head->decoder->n_in;
    size_t n_out = head->decoder->n_out;
    size_t room = x->room.floats / bert__exec_head_width(head) - BERT__ROW_SLACK;
    uint32_t fit = room < rows ? (uint32_t)room : rows;

    for (uint32_t first = 0; first < rows; first += fit) {
        uint32_t n = rows - first < fit ? rows - first : fit;
        const float *host;
        float *out;
        bert_status st = bert__watch_poll(watch, err);

        if (st == BERT_OK)
            st = x->backend->upload(x->stream, x->memory, in + first * n_in, n * n_in, err);
        if (st == BERT_OK)
            st = run_head(x, head, n, &out, err);
        if (st == BERT_OK)
            st = bert__watch_ended(watch, err);
        if (st == BERT_OK)
            st = x->backend->host_view(x->stream, &host, out, n * n_out, err);
        if (st != BERT_OK)
            return st;
        copy_out(x, y + first * n_out, host, add != NULL ? add + first * n_out : NULL, n * n_out);
    }
    return BERT_OK;
}

bert_status bert__exec_linear(struct bert__exec *x, const struct bert__linear *linear,
                              enum bert__act act, const float *in, uint32_t rows, float *y,
                              const float *add, bert_error *err)
{
    struct bert__exec_head head = {.decoder = linear, .decoder_act = act};

    return run_rows(x, &head, NULL, in, rows, y, add, err);
}

bert_status bert__exec_head(struct bert__exec *x, const struct bert__exec_head *head,
                            struct bert__watch *watch, const float *in, uint32_t rows, float *y,
                            bert_error *err)
{
    bert_status st;

    bert__exec_watch(x, watch);
    st = run_rows(x, head, watch, in, rows, y, NULL, err);
    bert__exec_watch(x, NULL);
    return st;
}
