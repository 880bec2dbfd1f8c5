/* SPDX-License-Identifier: MIT */
/* layer_parts.c - what few families have in their layers. */
#include "lib/graph/layer_parts.h"

#include "lib/base/error.h"

/* ---- Names --------------------------------------------------------------------------------- */

bert_status bert__layer_name(const struct bert__network *net, const char *pattern, uint32_t layer,
                             char out[BERT__NAME_BYTES], bert_error *err)
{
    return bert__name_layer(out, net->prefix, pattern, layer, net->config->inner_layers, err);
}

bert_status bert__part_name(const struct bert__network *net, const char *pattern, uint32_t layer,
                            bool has_bias, struct bert__part_names *names, struct bert__part *part,
                            bert_error *err)
{
    char name[BERT__NAME_BYTES];
    bert_status st = bert__layer_name(net, pattern, layer, name, err);

    if (st == BERT_OK)
        st = bert__name_join(names->weight, name, ".weight", err);
    if (st == BERT_OK)
        st = bert__name_join(names->bias, name, ".bias", err);
    part->weight = names->weight;
    part->bias = has_bias ? names->bias : NULL;
    return st;
}

bert_status bert__layer_norm(struct bert__network *net, struct bert__weights *weights,
                             const char *pattern, uint32_t layer, uint32_t n,
                             struct bert__norm *out, bert_error *err)
{
    char name[BERT__NAME_BYTES];
    bert_status st = bert__layer_name(net, pattern, layer, name, err);

    out->plain = net->config->plain_norms;
    return st == BERT_OK ? bert__norm_load(net, weights, name, n, out, err) : st;
}

static bert_status load_linear(struct bert__network *net, struct bert__weights *weights,
                               const char *pattern, uint32_t layer, uint32_t n_out, uint32_t n_in,
                               struct bert__linear *out, bert_error *err)
{
    char name[BERT__NAME_BYTES];
    bert_status st = bert__layer_name(net, pattern, layer, name, err);

    return st == BERT_OK ? bert__linear_load(net, weights, name, n_out, n_in, true, false, out, err)
                         : st;
}

/* ---- Convolutions beside attention ----------------------------------------------------------- */

/* A depthwise kernel [channels][1][places](, 1) of the file as [places][channels * repeat]. */
static bert_status load_depthwise(struct bert__network *net, struct bert__weights *weights,
                                  const char *pattern, uint32_t layer, uint32_t rank,
                                  uint32_t channels, uint32_t places, uint32_t repeat,
                                  struct bert__table *table, bert_error *err)
{
    uint64_t shape[4] = {channels, 1, places, 1};
    size_t n = (size_t)channels * repeat;
    struct bert__table read = {.owned = NULL};
    const struct bert__tensor *tensor;
    char name[BERT__NAME_BYTES], full[BERT__NAME_BYTES];
    bert_status st = bert__layer_name(net, pattern, layer, name, err);

    if (st == BERT_OK)
        st = bert__name_join(full, name, ".weight", err);
    if (st == BERT_OK)
        st = bert__weights_need(weights, full, rank, shape, &tensor, err);
    if (st != BERT_OK)
        return st;
    read.count = tensor->count;
    net->parameters += tensor->count;
    st = bert__table_read(net, weights, tensor, &read, err);
    table->count = places * n;
    if (st == BERT_OK)
        table->owned = bert__alloc_array(net->alloc, table->count, sizeof *table->owned);
    if (st == BERT_OK && table->owned == NULL)
        st = bert__alloc_fail(net->alloc, full, err);
    for (size_t i = 0; st == BERT_OK && i < table->count; i++)
        table->owned[i] = read.owned[i % n / repeat * places + i / n];
    bert__table_free(net, &read);
    return st == BERT_OK ? bert__table_give(net, table, err) : st;
}

/* Mixed attention but for what qkv has of it. */
static bert_status load_mixed(struct bert__network *net, struct bert__weights *weights, uint32_t i,
                              bert_error *err)
{
    const struct bert__config *c = net->config;
    const struct bert__tensor_names *names = net->names;
    struct bert__layer *layer = &net->layers[i];
    uint32_t n = c->heads * c->head_size;
    struct bert__part_names own;
    struct bert__part part = {
        .tensor_rows = n, .n_out = n, .is_conv = true, .bias_is_own = true, .bias_is_column = true};
    bert_status st = load_depthwise(net, weights, names->mix_depth, i, 3, c->hidden_size,
                                    c->mix_size, 1, &layer->mix_depth, err);

    if (st == BERT_OK)
        st = bert__part_name(net, names->mix_point, i, true, &own, &part, err);
    if (st == BERT_OK)
        st = bert__layer_name(net, names->mix_bias, i, own.bias, err);
    if (st == BERT_OK)
        st =
            bert__linear_load_parts(net, weights, &part, 1, c->hidden_size, &layer->mix_point, err);
    return st == BERT_OK ? load_linear(net, weights, names->mix_kernel, i, c->heads * c->mix_size,
                                       n, &layer->mix_kernel, err)
                         : st;
}

/* ---- Layers that are narrower inside ----------------------------------------------------------
 */

static bert_status load_narrow(struct bert__network *net, struct bert__weights *weights, uint32_t i,
                               bert_error *err)
{
    const struct bert__config *c = net->config;
    const struct bert__tensor_names *names = net->names;
    struct bert__layer *l = &net->layers[i];
    uint32_t wide = c->hidden_size, n = c->layer_size;
    bert_status st = load_linear(net, weights, names->narrow, i, n, wide, &l->narrow, err);

    if (st == BERT_OK)
        st = bert__layer_norm(net, weights, names->narrow_norm, i, n, &l->narrow_norm, err);
    if (st == BERT_OK)
        st = load_linear(net, weights, names->widen, i, wide, n, &l->widen, err);
    if (st == BERT_OK)
        st = bert__layer_norm(net, weights, names->widen_norm, i, wide, &l->widen_norm, err);
    if (st != BERT_OK || c->bottleneck != BERT__BOTTLENECK_KEYS)
        return st;
    st = load_linear(net, weights, names->narrow_attention, i, n, wide, &l->narrow_attention, err);
    if (st == BERT_OK)
        st = bert__layer_norm(net, weights, names->narrow_attention_norm, i, n,
                              &l->narrow_attention_norm, err);
    return st == BERT_OK ? load_linear(net, weights, names->value, i, n, wide, &l->value, err) : st;
}

/* The pattern with its "%j" replaced. */
static bert_status name_more(char out[BERT__NAME_BYTES], const char *pattern, uint32_t j,
                             bert_error *err)
{
    const char *at = strstr(pattern, "%j");

    return bert__name_check(snprintf(out, BERT__NAME_BYTES, "%.*s%lu%s", (int)(at - pattern),
                                     pattern, (unsigned long)j, at + 2),
                            pattern, err);
}

static bert_status load_more(struct bert__network *net, struct bert__weights *weights, uint32_t i,
                             uint32_t j, bert_error *err)
{
    const struct bert__config *c = net->config;
    struct bert__more_ffn *more = &net->layers[i].more[j];
    uint32_t n = c->layer_size, inner = c->intermediate_size;
    char pattern[BERT__NAME_BYTES];
    bert_status st = name_more(pattern, net->names->more_up, j, err);

    if (st == BERT_OK)
        st = load_linear(net, weights, pattern, i, inner, n, &more->up, err);
    if (st == BERT_OK)
        st = name_more(pattern, net->names->more_down, j, err);
    if (st == BERT_OK)
        st = load_linear(net, weights, pattern, i, n, inner, &more->down, err);
    if (st == BERT_OK)
        st = name_more(pattern, net->names->more_norm, j, err);
    return st == BERT_OK ? bert__layer_norm(net, weights, pattern, i, n, &more->norm, err) : st;
}

static bert_status load_all_more(struct bert__network *net, struct bert__weights *weights,
                                 uint32_t i, bert_error *err)
{
    uint32_t count = net->config->ffn_count - 1;
    struct bert__layer *layer = &net->layers[i];
    bert_status st = BERT_OK;

    layer->more = bert__alloc_array(net->alloc, count, sizeof *layer->more);
    if (layer->more == NULL)
        return bert__alloc_fail(net->alloc, "the layers", err);
    for (uint32_t j = 0; j < count && st == BERT_OK; j++)
        st = load_more(net, weights, i, j, err);
    return st;
}

/* ---- The whole ---------------------------------------------------------------------------------
 */

static bert_status load_norms(struct bert__network *net, struct bert__weights *weights, uint32_t i,
                              bert_error *err)
{
    struct bert__layer *layer = &net->layers[i];
    const struct bert__config *c = net->config;
    struct {
        const char *pattern;
        uint32_t n;
        struct bert__norm *norm;
    } norms[] = {
        {net->names->query_norm, c->heads * c->head_size, &layer->query_norm},
        {net->names->key_norm, c->kv_heads * c->head_size, &layer->key_norm},
        {net->names->second_norm, c->hidden_size, &layer->second_norm},
    };
    bert_status st = BERT_OK;

    for (size_t k = 0; k < sizeof norms / sizeof norms[0] && st == BERT_OK; k++)
        if (norms[k].pattern != NULL)
            st =
                bert__layer_norm(net, weights, norms[k].pattern, i, norms[k].n, norms[k].norm, err);
    return st;
}

bert_status bert__layer_parts_load(struct bert__network *net, struct bert__weights *weights,
                                   uint32_t i, bert_error *err)
{
    const struct bert__config *c = net->config;
    bert_status st = load_norms(net, weights, i, err);

    if (st == BERT_OK && c->value_conv > 0)
        st = load_depthwise(net, weights, net->names->value_conv, i, 4, c->heads, c->value_conv,
                            c->head_size, &net->layers[i].value_conv, err);
    if (st == BERT_OK && c->mix_size > 0)
        st = load_mixed(net, weights, i, err);
    if (st == BERT_OK && c->bottleneck != BERT__BOTTLENECK_NONE)
        st = load_narrow(net, weights, i, err);
    return st == BERT_OK && c->ffn_count > 1 ? load_all_more(net, weights, i, err) : st;
}

void bert__layer_parts_free(struct bert__network *net, struct bert__layer *layer)
{
    for (uint32_t j = 0; layer->more != NULL && j + 1 < net->config->ffn_count; j++) {
        bert__linear_free(net, &layer->more[j].up);
        bert__linear_free(net, &layer->more[j].down);
        bert__norm_free(net, &layer->more[j].norm);
    }
    bert__alloc_free(net->alloc, layer->more);
    bert__linear_free(net, &layer->value);
    bert__linear_free(net, &layer->narrow);
    bert__linear_free(net, &layer->narrow_attention);
    bert__linear_free(net, &layer->widen);
    bert__norm_free(net, &layer->narrow_norm);
    bert__norm_free(net, &layer->narrow_attention_norm);
    bert__norm_free(net, &layer->widen_norm);
    bert__table_free(net, &layer->mix_depth);
    bert__linear_free(net, &layer->mix_point);
    bert__linear_free(net, &layer->mix_kernel);
    bert__table_free(net, &layer->value_conv);
    bert__norm_free(net, &layer->query_norm);
    bert__norm_free(net, &layer->key_norm);
    bert__norm_free(net, &layer->second_norm);
}
