/* SPDX-License-Identifier: MIT */
/*
 * relative.c - disentangled attention: the learned vectors of distances go through each layer's
 * projections once, at load, since no text changes them.
 */
#include "lib/graph/relative.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/error.h"
#include "lib/base/size.h"
#include "lib/graph/matrix.h"
#include "lib/graph/names.h"
#include "lib/graph/pack.h"

/* ---- Which row a distance has --------------------------------------------------------------- */

/* transformers, make_log_bucket_position(): single distances to the middle, then logarithmic.
 * The reference computes in float. */
static int64_t bucket_of(const struct bert__relative *r, int64_t distance)
{
    uint32_t middle = r->buckets / 2;
    int64_t size = distance < 0 ? -distance : distance;
    float share, last, bucket;

    if (r->buckets == 0 || size <= (int64_t)middle)
        return distance;
    share = (float)log((double)((float)size / (float)middle));
    last = (float)log((double)(float)((double)(r->farthest - 1) / (double)middle));
    bucket = ceilf(share / last * (float)(middle - 1)) + (float)middle;
    return distance < 0 ? -(int64_t)bucket : (int64_t)bucket;
}

static bert_status make_rows(struct bert__network *net, bert_error *err)
{
    const struct bert__relative *r = &net->config->relative;
    struct bert__distances *d = &net->distance;
    int64_t span = r->span;
    size_t count = 2 * (size_t)d->reach + 1;

    d->rows = bert__alloc_array(net->alloc, count, sizeof *d->rows);
    if (d->rows == NULL)
        return bert__alloc_fail(net->alloc, "a table of distances", err);
    for (size_t i = 0; i < count; i++) {
        int64_t row = bucket_of(r, (int64_t)i - d->reach) + span;

        d->rows[i] = (uint32_t)(row < 0 ? 0 : row >= 2 * span ? 2 * span - 1 : row);
    }
    return BERT_OK;
}

/* ---- The learned vectors -----------------------------------------------------------------------
 */

/* What is done once for all layers. */
struct distances {
    struct bert__network *net;
    struct bert__weights *weights;
    const struct bert__kernels *k;
    float *table;     /* [rows][hidden], and rows that a GEMM may read */
    float *projected; /* [rows][heads * head] */
    uint32_t rows, hidden, width;
};

static bert_status read_table(struct distances *d, bert_error *err)
{
    struct bert__network *net = d->net;
    uint64_t shape[2] = {d->rows, d->hidden};
    const struct bert__tensor *tensor;
    char name[BERT__NAME_BYTES], full[BERT__NAME_BYTES];
    size_t n;
    bert_status st = bert__name_join(name, net->prefix, net->names->distance_table, err);

    if (st == BERT_OK)
        st = bert__name_join(full, name, ".weight", err);
    if (st == BERT_OK)
        st = bert__weights_need(d->weights, full, 2, shape, &tensor, err);
    if (st != BERT_OK)
        return st;
    net->parameters += tensor->count;
    if (bert__size_mul((size_t)d->rows + BERT__ROW_SLACK, d->hidden, &n))
        d->table = bert__alloc_array(net->alloc, n, sizeof *d->table);
    if (bert__size_mul(d->rows, d->width, &n))
        d->projected = bert__alloc_array(net->alloc, n, sizeof *d->projected);
    if (d->table == NULL || d->projected == NULL)
        return bert__alloc_fail(net->alloc, "a table of distances", err);
    return bert__weights_read(d->weights, tensor, 0, tensor->count, d->table, err);
}

/* The n values of "NAME" "ENDING". */
static bert_status read_vector(const struct distances *d, const char *name, const char *ending,
                               uint32_t n, float *out, bert_error *err)
{
    uint64_t shape = n;
    const struct bert__tensor *tensor;
    char full[BERT__NAME_BYTES];
    bert_status st = bert__name_join(full, name, ending, err);

    if (st == BERT_OK)
        st = bert__weights_need(d->weights, full, 1, &shape, &tensor, err);
    return st == BERT_OK ? bert__weights_read(d->weights, tensor, 0, n, out, err) : st;
}

static bert_status norm_table(struct distances *d, bert_error *err)
{
    struct bert__network *net = d->net;
    char name[BERT__NAME_BYTES];
    float *norm = bert__alloc_array(net->alloc, 2 * (size_t)d->hidden, sizeof *norm);
    bert_status st = bert__name_join(name, net->prefix, net->names->distance_norm, err);

    if (norm == NULL)
        return bert__alloc_fail(net->alloc, "a norm", err);
    if (st == BERT_OK)
        st = read_vector(d, name, ".weight", d->hidden, norm, err);
    if (st == BERT_OK)
        st = read_vector(d, name, ".bias", d->hidden, norm + d->hidden, err);
    for (uint32_t i = 0; st == BERT_OK && i < d->rows; i++) {
        float *row = d->table + (size_t)i * d->hidden;

        d->k->layernorm(row, row, norm, norm + d->hidden, d->hidden, net->config->norm_eps);
    }
    bert__alloc_free(net->alloc, norm);
    return st;
}

/* ---- One layer
 * ------------------------------------------------------------------------------------ */

/* projected = table W^T + bias, a panel of W at a time; `rows` and `panel` hold one. */
static bert_status project_panels(struct distances *d, const struct bert__tensor *weight,
                                  const float *bias, float *rows, void *panel, bert_error *err)
{
    const struct bert__gemm *gemm = &d->k->gemm[BERT__F32];

    if (bert__weights_bundle(d->weights) != NULL)
        return BERT_OK; /* what comes of it is there, packed */
    for (uint32_t first = 0; first < d->width; first += gemm->nr) {
        uint32_t n = d->width - first < gemm->nr ? d->width - first : gemm->nr;
        struct bert__epilogue ep = {.bias = bias + first};
        bert_status st = bert__weights_read(d->weights, weight, (uint64_t)first * d->hidden,
                                            (size_t)n * d->hidden, rows, err);

        if (st != BERT_OK)
            return st;
        gemm->pack(panel, rows, d->hidden, n, d->hidden);
        gemm->run(d->projected + first, d->width, d->table, d->hidden, panel, d->rows, n, d->hidden,
                  &ep);
    }
    return BERT_OK;
}

static bert_status project(struct distances *d, const char *name, bool has_bias, bert_error *err)
{
    const struct bert__gemm *gemm = &d->k->gemm[BERT__F32];
    struct bert__alloc *alloc = d->net->alloc;
    uint64_t shape[2] = {d->width, d->hidden};
    const struct bert__tensor *weight;
    char full[BERT__NAME_BYTES];
    float *rows = bert__alloc_array(alloc, (size_t)gemm->nr * d->hidden, sizeof *rows);
    float *bias = bert__alloc_array(alloc, d->width, sizeof *bias); /* zeros */
    void *panel = bert__alloc(alloc, gemm->panel_bytes(d->hidden));
    bert_status st = bert__name_join(full, name, ".weight", err);

    if (rows == NULL || bias == NULL || panel == NULL)
        st = bert__alloc_fail(alloc, "a table of distances", err);
    if (st == BERT_OK)
        st = bert__weights_need(d->weights, full, 2, shape, &weight, err);
    if (st == BERT_OK && has_bias)
        st = read_vector(d, name, ".bias", d->width, bias, err);
    bert__weights_for_matrix(d->weights, true);
    if (st == BERT_OK)
        st = project_panels(d, weight, bias, rows, panel, err);
    bert__weights_for_matrix(d->weights, false);
    bert__alloc_free(alloc, rows);
    bert__alloc_free(alloc, bias);
    bert__alloc_free(alloc, panel);
    return st;
}

/* Rows of one head of what was projected. */
struct head_rows {
    const struct distances *d;
    uint32_t first, head;
};

static bert_status head_rows(void *context, uint32_t first, uint32_t n, float *out, bert_error *err)
{
    const struct head_rows *h = context;

    (void)err;
    for (uint32_t i = 0; i < n; i++)
        memcpy(out + (size_t)i * h->head,
               h->d->projected + (size_t)(first + i) * h->d->width + h->first,
               h->head * sizeof *out);
    return BERT_OK;
}

static bert_status pack_heads(struct distances *d, const char *projection,
                              struct bert__matrix ***out, bert_error *err)
{
    char name[BERT__NAME_BYTES + 32];
    struct bert__network *net = d->net;
    uint32_t heads = net->config->heads, head = net->config->head_size;
    bert_status st = BERT_OK;

    *out = bert__alloc_array(net->alloc, heads, sizeof **out);
    if (*out == NULL)
        return bert__alloc_fail(net->alloc, "the layers", err);
    for (uint32_t h = 0; h < heads && st == BERT_OK; h++) {
        struct head_rows rows = {d, h * head, head};

        snprintf(name, sizeof name, "%s distances %lu", projection, (unsigned long)h);
        st = bert__matrix_load(net, d->weights, name, BERT__F32, d->rows, head, head_rows, &rows,
                               NULL, &(*out)[h], err);
    }
    return st;
}

/* One of a layer's two terms, through the projection of this name. */
static bert_status load_term(struct distances *d, uint32_t layer, const char *own,
                             const char *shared, bool has_bias, struct bert__matrix ***out,
                             bert_error *err)
{
    struct bert__network *net = d->net;
    const char *pattern = net->config->relative.shared ? shared : own;
    char name[BERT__NAME_BYTES];
    bert_status st =
        bert__name_layer(name, net->prefix, pattern, layer, net->config->inner_layers, err);

    if (st == BERT_OK && !net->config->relative.shared)
        net->parameters += (uint64_t)d->width * d->hidden + (has_bias ? d->width : 0);
    if (st == BERT_OK)
        st = project(d, name, has_bias, err);
    return st == BERT_OK ? pack_heads(d, name, out, err) : st;
}

static bert_status load_layer(struct distances *d, uint32_t i, bert_error *err)
{
    const struct bert__network *net = d->net;
    const struct bert__relative *r = &net->config->relative;
    struct bert__layer *layer = &net->layers[i];
    bool key_bias = r->shared || !net->config->arch->distance_key_has_no_bias;
    bert_status st = BERT_OK;

    if (r->keys)
        st = load_term(d, i, net->names->distance_key, net->names->key, key_bias,
                       &layer->distance_keys, err);
    if (st == BERT_OK && r->queries)
        st = load_term(d, i, net->names->distance_query, net->names->query, true,
                       &layer->distance_queries, err);
    return st;
}

bert_status bert__relative_load(struct bert__network *net, struct bert__weights *weights,
                                bert_error *err)
{
    const struct bert__config *c = net->config;
    struct distances d = {.net = net,
                          .weights = weights,
                          .k = net->backend->host_kernels(net->device),
                          .rows = 2 * c->relative.span,
                          .hidden = c->hidden_size,
                          .width = c->heads * c->head_size};
    bert_status st;

    if (c->relative.span == 0)
        return BERT_OK;
    st = make_rows(net, err);
    if (st == BERT_OK)
        st = read_table(&d, err);
    if (st == BERT_OK && c->relative.normed) {
        net->parameters += 2 * (uint64_t)d.hidden;
        st = norm_table(&d, err);
    }
    for (uint32_t i = 0; st == BERT_OK && i < bert__config_layers(c); i++)
        st = load_layer(&d, i, err);
    bert__alloc_free(net->alloc, d.table);
    bert__alloc_free(net->alloc, d.projected);
    return st;
}

void bert__relative_free(struct bert__network *net, struct bert__layer *layer)
{
    struct bert__matrix **terms[] = {layer->distance_keys, layer->distance_queries};

    for (size_t t = 0; t < sizeof terms / sizeof *terms; t++) {
        for (uint32_t h = 0; terms[t] != NULL && h < net->config->heads; h++)
            if (terms[t][h] != NULL)
                net->backend->matrix_free(net->device, terms[t][h]);
        bert__alloc_free(net->alloc, terms[t]);
    }
}

/* ---- The convolution
 * ---------------------------------------------------------------------------------- */

/* [out][in / groups][size] of the file as rows [size][in]: a linear layer on what it sees. */
struct conv_rows {
    struct bert__alloc *alloc;
    struct bert__weights *weights;
    const struct bert__tensor *tensor;
    uint32_t hidden, size, groups;
};

static bert_status conv_rows(void *context, uint32_t first, uint32_t n, float *out, bert_error *err)
{
    const struct conv_rows *c = context;
    uint32_t in = c->hidden / c->groups;
    size_t wide = (size_t)c->size * c->hidden, stored = (size_t)c->size * in;
    float *row = bert__alloc_items(c->alloc, stored, sizeof *row); /* of the file */
    bert_status st = row != NULL ? BERT_OK : bert__alloc_fail(c->alloc, "a convolution", err);

    memset(out, 0, n * wide * sizeof *out);
    for (uint32_t o = first; o < first + n && st == BERT_OK; o++, out += wide) {
        uint32_t group = o / in; /* as many come out of a group as go in */

        st = bert__weights_read(c->weights, c->tensor, o * stored, stored, row, err);
        for (uint32_t i = 0; i < in && st == BERT_OK; i++)
            for (uint32_t s = 0; s < c->size; s++)
                out[(size_t)s * c->hidden + group * in + i] = row[(size_t)i * c->size + s];
    }
    bert__alloc_free(c->alloc, row);
    return st;
}

static bert_status load_kernel(struct bert__network *net, struct bert__weights *weights,
                               const char *name, bert_error *err)
{
    const struct bert__config *c = net->config;
    struct conv_rows rows = {.alloc = net->alloc,
                             .weights = weights,
                             .hidden = c->hidden_size,
                             .size = c->conv_size,
                             .groups = c->conv_groups};
    uint64_t shape[3] = {c->hidden_size, c->hidden_size / c->conv_groups, c->conv_size};
    uint64_t hidden = c->hidden_size;
    char full[BERT__NAME_BYTES];
    bert_status st = bert__name_join(full, name, ".weight", err);

    if (st == BERT_OK)
        st = bert__weights_need(weights, full, 3, shape, &rows.tensor, err);
    if (st != BERT_OK)
        return st;
    net->parameters += rows.tensor->count;
    net->conv.n_in = c->conv_size * c->hidden_size;
    net->conv.n_out = c->hidden_size;
    st = bert__matrix_load(net, weights, full, net->dtype, net->conv.n_out, net->conv.n_in,
                           conv_rows, &rows, NULL, &net->conv.matrix, err);
    return st == BERT_OK
               ? bert__table_load(net, weights, name, ".bias", 1, &hidden, &net->conv.bias, err)
               : st;
}

bert_status bert__conv_load(struct bert__network *net, struct bert__weights *weights,
                            bert_error *err)
{
    const struct bert__config *c = net->config;
    char name[BERT__NAME_BYTES];
    bert_status st;

    if (c->conv_size == 0)
        return BERT_OK;
    if (!bert__act_named(c->conv_activation, &net->conv_act))
        return bert__fail(err, BERT_EUNSUPPORTED, "%s: \"%s\" \"%s\" is not supported", c->path,
                          c->keys.conv_activation, c->conv_activation);
    st = bert__name_join(name, net->prefix, net->names->conv, err);
    if (st == BERT_OK)
        st = load_kernel(net, weights, name, err);
    if (st == BERT_OK)
        st = bert__name_join(name, net->prefix, net->names->conv_norm, err);
    return st == BERT_OK ? bert__norm_load(net, weights, name, c->hidden_size, &net->conv_norm, err)
                         : st;
}
