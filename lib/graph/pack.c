/* SPDX-License-Identifier: MIT */
/* pack.c - tables, norms and linear layers from a checkpoint's tensors. */
#include "lib/graph/pack.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/error.h"
#include "lib/base/size.h"
#include "lib/graph/matrix.h"
#include "lib/graph/names.h"

/* ---- Tables and norms ----------------------------------------------------- */

void bert__table_free(struct bert__network *net, struct bert__table *table)
{
    if (table->device != NULL)
        net->backend->table_free(net->device, table->device);
    bert__alloc_free(net->alloc, table->owned);
    memset(table, 0, sizeof *table);
}

bert_status bert__table_read(struct bert__network *net, struct bert__weights *weights,
                             const struct bert__tensor *tensor, struct bert__table *table,
                             bert_error *err)
{
    size_t bytes;

    if (bert__size_mul(table->count, sizeof(float), &bytes))
        table->owned = bert__alloc(net->alloc, bytes);
    if (table->owned == NULL)
        return bert__alloc_fail(net->alloc, tensor->name, err);
    return bert__weights_read(weights, tensor, 0, table->count, table->owned, err);
}

/* A tensor as floats, in place where the file is mapped and allows it. */
static bert_status load_table(struct bert__network *net, struct bert__weights *weights,
                              const struct bert__tensor *tensor, struct bert__table *table,
                              bert_error *err)
{
    const float *host = NULL;
    bert_status st = bert__weights_borrow(weights, tensor, &host, err);

    if (st != BERT_OK)
        return st;
    table->count = tensor->count;
    net->parameters += tensor->count;
    if (host == NULL) {
        st = bert__table_read(net, weights, tensor, table, err);
        host = table->owned;
    }
    if (st == BERT_OK)
        st = net->backend->table_create(net->device, &table->device, host, table->count, err);
    return st;
}

bert_status bert__table_load(struct bert__network *net, struct bert__weights *weights,
                             const char *name, const char *ending, uint32_t rank,
                             const uint64_t *shape, struct bert__table *table, bert_error *err)
{
    const struct bert__tensor *tensor;
    char full[BERT__NAME_BYTES];
    bert_status st = bert__name_join(full, name, ending, err);

    if (st == BERT_OK)
        st = bert__weights_need(weights, full, rank, shape, &tensor, err);
    if (st == BERT_OK)
        st = load_table(net, weights, tensor, table, err);
    return st;
}

/* A table of this network's own making. */
bert_status bert__table_give(struct bert__network *net, struct bert__table *table, bert_error *err)
{
    return net->backend->table_create(net->device, &table->device, table->owned, table->count, err);
}

/* Zeros where the family's norms have no shift of their own. */
static bert_status no_shift(struct bert__network *net, uint32_t width, struct bert__table *beta,
                            bert_error *err)
{
    beta->count = width;
    beta->owned = bert__alloc_array(net->alloc, width, sizeof *beta->owned);
    if (beta->owned == NULL)
        return bert__alloc_fail(net->alloc, "a norm", err);
    return bert__table_give(net, beta, err);
}

bert_status bert__norm_load(struct bert__network *net, struct bert__weights *weights,
                            const char *name, uint32_t width, struct bert__norm *norm,
                            bert_error *err)
{
    uint64_t n = width;
    bert_status st = bert__table_load(net, weights, name, ".weight", 1, &n, &norm->gamma, err);

    norm->eps = net->config->norm_eps;
    if (st != BERT_OK || net->config->arch->rms_norm)
        return st;
    if (!net->config->norm_bias)
        return no_shift(net, width, &norm->beta, err);
    return bert__table_load(net, weights, name, ".bias", 1, &n, &norm->beta, err);
}

void bert__norm_free(struct bert__network *net, struct bert__norm *norm)
{
    bert__table_free(net, &norm->gamma);
    bert__table_free(net, &norm->beta);
}

/* ---- Linear layers --------------------------------------------------------- */

/* The row of its tensor that is row i of a part. */
static uint32_t tensor_row(const struct bert__part *part, uint32_t i)
{
    uint32_t head = part->head, half = head / 2;

    switch (part->order) {
    case BERT__ROWS_PLAIN:
        break;
    case BERT__ROWS_BY_HEAD:
        return i / head * 3 * head + part->first + i % head;
    case BERT__ROWS_INTERLEAVED:
        return part->first + i / head * head
               + (i % head < half ? 2 * (i % head) : 2 * (i % head - half) + 1);
    }
    return part->first + i;
}

/* Rows from i on, at most n, that lie end to end in the tensor as well. */
static uint32_t run_length(const struct bert__part *part, uint32_t i, uint32_t n)
{
    uint32_t left = part->n_out - i, in_head;

    if (part->order == BERT__ROWS_INTERLEAVED)
        return 1;
    if (part->order == BERT__ROWS_BY_HEAD) {
        in_head = part->head - i % part->head;
        left = left < in_head ? left : in_head;
    }
    return left < n ? left : n;
}

/* Parts that read the same input, one below the other. */
struct stacked {
    struct bert__weights *weights;
    const struct bert__part *parts;
    const struct bert__tensor *tensors[BERT__MAX_PARTS], *rest[BERT__MAX_PARTS];
    uint32_t k;
};

/* To the order that BERT__ROWS_INTERLEAVED gave the rows of the layer before. */
static void reorder_columns(float *row, uint32_t n, uint32_t head)
{
    float pairs[BERT__ATTENTION_HEAD_MAX];

    for (; n >= head; row += head, n -= head) {
        memcpy(pairs, row, head * sizeof *row);
        for (uint32_t i = 0; i < head / 2; i++) {
            row[i] = pairs[2 * i];
            row[head / 2 + i] = pairs[2 * i + 1];
        }
    }
}

/* n rows of a matrix that the tensor holds the other way around, [columns][stride], from `at`. */
static bert_status read_across(const struct stacked *s, const struct bert__tensor *tensor,
                               uint64_t at, uint32_t stride, uint32_t columns, uint32_t n,
                               float *out, bert_error *err)
{
    float run[64];

    for (uint32_t i = 0; i < n; i += 64) {
        uint32_t take = n - i < 64 ? n - i : 64;

        for (uint32_t c = 0; c < columns; c++) {
            bert_status st = bert__weights_read(s->weights, tensor, at + i + (uint64_t)c * stride,
                                                take, run, err);

            if (st != BERT_OK)
                return st;
            for (uint32_t r = 0; r < take; r++)
                out[(size_t)(i + r) * s->k + c] = run[r];
        }
    }
    return BERT_OK;
}

/* Rows of a layer in groups: what a row doesn't read has weights of zero. */
static bert_status grouped_rows(const struct stacked *s, uint32_t p, uint32_t first, uint32_t n,
                                float *out, bert_error *err)
{
    const struct bert__part *part = &s->parts[p];
    uint32_t width = s->k / part->groups, rows = part->n_out / part->groups;

    memset(out, 0, (size_t)n * s->k * sizeof *out);
    for (uint32_t i = 0, take = 1; i < n; i += take) {
        uint32_t group = (first + i) / rows, at = (first + i) % rows;
        float *to = out + (size_t)i * s->k + (size_t)group * width;
        bert_status st;

        if (part->stacked) {
            take = n - i < rows - at ? n - i : rows - at;
            st = read_across(s, s->tensors[p], (uint64_t)group * width * rows + at, rows, width,
                             take, to, err);
        } else {
            st = bert__weights_read(s->weights, s->tensors[p], (uint64_t)(first + i) * width, width,
                                    to, err);
        }
        if (st != BERT_OK)
            return st;
    }
    return BERT_OK;
}

/* Rows whose columns come from two tensors. */
static bert_status wide_rows(const struct stacked *s, uint32_t p, uint32_t first, uint32_t n,
                             float *out, bert_error *err)
{
    uint32_t own = s->parts[p].own_columns;
    bert_status st = BERT_OK;

    for (uint32_t i = 0; i < n && st == BERT_OK; i++)
        st = bert__weights_read(s->weights, s->tensors[p], (uint64_t)(first + i) * own, own,
                                out + (size_t)i * s->k, err);
    if (st != BERT_OK || own == s->k)
        return st;
    return read_across(s, s->rest[p], first, s->parts[p].n_out, s->k - own, n, out + own, err);
}

static bert_status stacked_rows(void *context, uint32_t first, uint32_t n, float *out,
                                bert_error *err)
{
    const struct stacked *s = context;
    uint32_t p = 0;

    while (n > 0) {
        const struct bert__part *part = &s->parts[p];
        uint32_t take;
        bert_status st;

        if (first >= part->n_out) {
            first -= part->n_out;
            p++;
            continue;
        }
        take = run_length(part, first, n);
        if (part->groups > 1)
            st = grouped_rows(s, p, first, take, out, err);
        else if (part->rest != NULL)
            st = wide_rows(s, p, first, take, out, err);
        else
            st = bert__weights_read(s->weights, s->tensors[p],
                                    (uint64_t)tensor_row(part, first) * s->k, (size_t)take * s->k,
                                    out, err);
        if (st != BERT_OK)
            return st;
        for (uint32_t i = 0; i < take && part->column_head != 0; i++)
            reorder_columns(out + (size_t)i * s->k, s->k, part->column_head);
        out += (size_t)take * s->k;
        first += take;
        n -= take;
    }
    return BERT_OK;
}

/* One part's share of a bias. */
static bert_status part_bias(struct bert__weights *weights, const struct bert__part *part,
                             float *out, bert_error *err)
{
    uint64_t shape[2] = {part->bias_is_own ? part->n_out : part->tensor_rows, 1};
    const struct bert__tensor *tensor;
    bert_status st =
        bert__weights_need(weights, part->bias, part->bias_is_column ? 2 : 1, shape, &tensor, err);

    if (st == BERT_OK && part->bias_is_own)
        return bert__weights_read(weights, tensor, 0, part->n_out, out, err);
    for (uint32_t i = 0; i < part->n_out && st == BERT_OK;) {
        uint32_t take = run_length(part, i, part->n_out - i);

        st = bert__weights_read(weights, tensor, tensor_row(part, i), take, out + i, err);
        i += take;
    }
    return st;
}

/* The biases end to end, zeros where a part has none. */
static bert_status stacked_bias(struct bert__network *net, struct bert__weights *weights,
                                const struct bert__part *parts, uint32_t count, uint32_t n_out,
                                struct bert__table *bias, bert_error *err)
{
    float *out;

    bias->count = n_out;
    bias->owned = bert__alloc_array(net->alloc, bias->count, sizeof *bias->owned);
    if (bias->owned == NULL)
        return bert__alloc_fail(net->alloc, "a bias", err);
    out = bias->owned;
    for (uint32_t i = 0; i < count; out += parts[i].n_out, i++) {
        bert_status st = BERT_OK;

        if (parts[i].bias != NULL) {
            st = part_bias(weights, &parts[i], out, err);
            net->parameters += parts[i].n_out;
        }
        if (st != BERT_OK)
            return st;
    }
    return bert__table_give(net, bias, err);
}

static bert_status find_tensor(struct bert__network *net, struct bert__weights *weights,
                               const char *name, uint32_t rank, const uint64_t *shape,
                               const struct bert__tensor **out, bert_error *err)
{
    const struct bert__tensor *found = bert__weights_find(weights, name);
    bool counted = found != NULL && found->used; /* it is tied, or holds several parts */
    bert_status st = bert__weights_need(weights, name, rank, shape, out, err);

    if (st == BERT_OK && !counted)
        net->parameters += (*out)->count;
    return st;
}

/* The tensors of part i, with their shapes checked. */
static bert_status find_part(struct bert__network *net, struct stacked *s, uint32_t i,
                             uint32_t n_in, bert_error *err)
{
    const struct bert__part *part = &s->parts[i];
    bool grouped = part->groups > 1, stacked = grouped && part->stacked;
    uint32_t width = grouped ? n_in / part->groups : part->rest != NULL ? part->own_columns : n_in;
    uint64_t shape[3] = {part->tensor_rows, width, 1};
    uint64_t stack[3] = {part->groups, width, grouped ? part->tensor_rows / part->groups : 0};
    uint64_t rest[2] = {n_in - width, part->n_out};
    bert_status st = find_tensor(net, s->weights, part->weight, part->is_conv || stacked ? 3 : 2,
                                 stacked ? stack : shape, &s->tensors[i], err);

    if (st != BERT_OK || part->rest == NULL || width == n_in)
        return st;
    return find_tensor(net, s->weights, part->rest, 2, rest, &s->rest[i], err);
}

/* All that the rows depend on but the tensors' values: the name of a matrix of these parts. */
static bert_status name_parts(const struct bert__part *parts, uint32_t count,
                              char out[BERT__MATRIX_NAME], bert_error *err)
{
    size_t used = 0;

    for (uint32_t i = 0; i < count; i++) {
        const struct bert__part *p = &parts[i];
        int n = snprintf(out + used, BERT__MATRIX_NAME - used,
                         "%s%s[%lu+%lu,%d,%lu,%lu,%lu,%d,%lu]%s%s", i > 0 ? " " : "", p->weight,
                         (unsigned long)p->first, (unsigned long)p->n_out, (int)p->order,
                         (unsigned long)p->head, (unsigned long)p->column_head,
                         (unsigned long)p->groups, p->stacked, (unsigned long)p->own_columns,
                         p->rest != NULL ? p->rest : "", p->exact ? " exact" : "");

        if (n < 0 || (size_t)n >= BERT__MATRIX_NAME - used)
            return bert__fail(err, BERT_EFORMAT, "the name of tensor \"%s\" is too long",
                              p->weight);
        used += (size_t)n;
    }
    return BERT_OK;
}

/* *own is `range` where the layer is calibrated. */
static bert_status find_range(const struct bert__network *net, const char *layer, uint32_t n_in,
                              struct bert__input_range *range, struct bert__input_range **own,
                              bert_error *err)
{
    const struct bert__calibrated *c;
    bert_status st = bert__calibration_of(net->calibration, layer, n_in, &c, err);

    if (st == BERT_OK && c != NULL && (c->n_outliers > 0 || !isinf(c->clip))) {
        *range = (struct bert__input_range){c->clip, c->outliers, c->n_outliers};
        *own = range;
    }
    return st;
}

static bert_status keep_name(const struct bert__network *net, const char *name,
                             struct bert__linear *out, bert_error *err)
{
    size_t size = strlen(name) + 1;

    out->name = bert__alloc(net->alloc, size);
    if (out->name == NULL)
        return bert__alloc_fail(net->alloc, "the layers", err);
    memcpy(out->name, name, size);
    return BERT_OK;
}

bert_status bert__linear_load_parts(struct bert__network *net, struct bert__weights *weights,
                                    const struct bert__part *parts, uint32_t count, uint32_t n_in,
                                    struct bert__linear *out, bert_error *err)
{
    struct stacked s = {.weights = weights, .parts = parts, .k = n_in};
    struct bert__input_range range, *own = NULL;
    char name[BERT__MATRIX_NAME] = "";
    bool biased = false;
    bert_status st = name_parts(parts, count, name, err);

    out->n_in = n_in;
    out->n_out = 0;
    for (uint32_t i = 0; i < count && st == BERT_OK; i++) {
        out->n_out += parts[i].n_out;
        biased = biased || parts[i].bias != NULL;
        st = find_part(net, &s, i, n_in, err);
    }
    if (st == BERT_OK && net->calibration != NULL && !parts[0].exact)
        st = find_range(net, parts[0].weight, n_in, &range, &own, err);
    if (st == BERT_OK)
        st = bert__matrix_load(net, weights, name, parts[0].exact ? BERT__F32 : net->dtype,
                               out->n_out, n_in, stacked_rows, &s, own, &out->matrix, err);
    if (st == BERT_OK)
        st = keep_name(net, parts[0].weight, out, err);
    if (st == BERT_OK && biased)
        st = stacked_bias(net, weights, parts, count, out->n_out, &out->bias, err);
    return st;
}

bert_status bert__linear_load_tensors(struct bert__network *net, struct bert__weights *weights,
                                      const char *weight, const char *bias, uint32_t n_out,
                                      uint32_t n_in, bool exact, struct bert__linear *out,
                                      bert_error *err)
{
    struct bert__part part = {
        .weight = weight, .bias = bias, .tensor_rows = n_out, .n_out = n_out, .exact = exact};

    return bert__linear_load_parts(net, weights, &part, 1, n_in, out, err);
}

bert_status bert__linear_load(struct bert__network *net, struct bert__weights *weights,
                              const char *name, uint32_t n_out, uint32_t n_in, bool has_bias,
                              bool exact, struct bert__linear *out, bert_error *err)
{
    char weight[BERT__NAME_BYTES], bias[BERT__NAME_BYTES];
    bert_status st = bert__name_join(weight, name, ".weight", err);

    if (st == BERT_OK)
        st = bert__name_join(bias, name, ".bias", err);
    return st != BERT_OK ? st
                         : bert__linear_load_tensors(net, weights, weight, has_bias ? bias : NULL,
                                                     n_out, n_in, exact, out, err);
}

void bert__linear_free(struct bert__network *net, struct bert__linear *linear)
{
    if (linear->matrix != NULL)
        net->backend->matrix_free(net->device, linear->matrix);
    bert__table_free(net, &linear->bias);
    bert__alloc_free(net->alloc, linear->name);
    memset(linear, 0, sizeof *linear);
}
