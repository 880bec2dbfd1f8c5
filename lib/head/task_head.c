/* SPDX-License-Identifier: MIT */
/* task_head.c - heads found by the row's names, checked and packed. */
#include "lib/head/task_head.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/error.h"
#include "lib/base/json.h"
#include "lib/graph/names.h"
#include "lib/graph/pack.h"

enum {
    DEFAULT_LABELS = 2, /* transformers' PretrainedConfig.num_labels */
    MAX_WIDTH = 1 << 17 /* as of config.c */
};

/* A head being loaded. */
struct load {
    struct bert__network *net;
    struct bert__weights *weights;
    const struct bert__head_row *row;
    char weight[BERT__NAME_BYTES], bias[BERT__NAME_BYTES]; /* of the decoder */
    bool has_dense, dense_bias, decoder_bias;
    uint32_t width;              /* of dense, where the config says it */
    char rest[BERT__NAME_BYTES]; /* the decoder's second weight; empty: it has none */
    bool complete;
    bert_error *missing;
    bert_error *err;
};

/* ---- Which heads ------------------------------------------------------------------- */

static bool names_architecture(const struct bert__config *c, const char *architecture)
{
    const struct bert__json *list = bert__json_find(c->json, "architectures");

    if (!bert__json_is(list, BERT__JSON_ARRAY) || list->u.array.count == 0)
        return false;
    return bert__json_equals(&list->u.array.items[0], architecture);
}

/* Is this a row for such configs? */
static bool is_meant(const struct bert__config *c, const struct bert__head_row *row)
{
    const struct bert__json *value;

    if (row->when_key == NULL)
        return true;
    value = bert__json_find(c->json, row->when_key);
    return value != NULL ? bert__config_is(value, row->when) : row->when_absent;
}

static uint32_t decoder_rows(const struct bert__config *c, enum bert__head_output output)
{
    switch (output) {
    case BERT__HEAD_LABELS:
        return c->n_labels > 0 ? c->n_labels : DEFAULT_LABELS;
    case BERT__HEAD_CHOICE:
    case BERT__HEAD_REPLACED:
        return 1;
    case BERT__HEAD_SPAN:
    case BERT__HEAD_NEXT:
    case BERT__HEAD_RELATION:
    case BERT__HEAD_ORDER:
        return 2;
    case BERT__HEAD_VOCABULARY:
    case BERT__HEAD_PREDICTION:
        return c->vocab_size;
    }
    return 0;
}

/* ---- What is missing --------------------------------------------------------------- */

static void append(bert_error *list, const char *tensor)
{
    size_t at = strlen(list->message);

    snprintf(list->message + at, sizeof list->message - at, ", %s", tensor);
}

/* Note a tensor that the file lacks. */
static void need(struct load *l, const char *tensor)
{
    if (bert__weights_find(l->weights, tensor) != NULL)
        return;
    l->complete = false;
    if (l->missing->code == BERT_OK)
        bert__fail(l->missing, BERT_EUNSUPPORTED, "%s: the head of %s lacks %s",
                   bert__weights_path(l->weights), l->row->architecture, tensor);
    else
        append(l->missing, tensor);
}

static bert_status need_layer(struct load *l, const char *name, bool has_bias)
{
    char weight[BERT__NAME_BYTES], bias[BERT__NAME_BYTES];
    bert_status st;

    if (name == NULL)
        return BERT_OK;
    st = bert__name_join(weight, name, ".weight", l->err);
    if (st == BERT_OK)
        st = bert__name_join(bias, name, ".bias", l->err);
    if (st == BERT_OK)
        need(l, weight);
    if (st == BERT_OK && has_bias)
        need(l, bias);
    return st;
}

/* The encoder lost the pooler that the head reads. */
static bert_status need_pooler(struct load *l)
{
    char name[BERT__NAME_BYTES];
    bert_status st;

    if (l->row->input != BERT__HEAD_POOLED || l->net->pooler.matrix != NULL
        || l->net->config->pooler_is_first)
        return BERT_OK;
    st = bert__name_join(name, l->net->prefix, l->net->names->pooler, l->err);
    return st == BERT_OK ? need_layer(l, name, true) : st;
}

/*
 * Where the decoder's weight and bias lie.  As the reference ties them: an own weight wins over
 * the word embedding, an own bias over the old name's; neither stands in where
 * tie_word_embeddings is false.
 */
static bert_status find_decoder(struct load *l)
{
    const struct bert__config *c = l->net->config;
    bool tied = !l->row->untied;
    bert_status st = bert__name_join(l->weight, l->row->decoder, ".weight", l->err);

    if (st == BERT_OK)
        st = bert__name_join(l->bias, l->row->decoder, ".bias", l->err);
    if (st == BERT_OK && l->row->decoder_bias != NULL)
        st = bert__name_join(l->bias, l->row->decoder_bias, "", l->err);
    if (st != BERT_OK || l->row->tied_bias == NULL)
        return st;
    st = bert__json_read_bool(c->json, c->path, "tie_word_embeddings", &tied, l->err);
    if (st != BERT_OK || !tied)
        return st;
    if (bert__weights_find(l->weights, l->bias) == NULL)
        st = bert__name_join(l->bias, l->row->tied_bias, "", l->err);
    if (st == BERT_OK && bert__weights_find(l->weights, l->weight) == NULL) {
        char word[BERT__NAME_BYTES];

        st = bert__name_join(word, l->net->prefix, l->net->names->word, l->err);
        if (st == BERT_OK)
            st = bert__name_join(l->weight, word, ".weight", l->err);
    }
    return st;
}

static bert_status read_biases(struct load *l)
{
    const struct bert__config *c = l->net->config;
    bert_status st = BERT_OK;

    l->dense_bias = l->row->dense_bias_key == NULL;
    l->decoder_bias = !l->row->no_decoder_bias;
    if (l->row->dense_bias_key != NULL)
        st = bert__json_read_bool(c->json, c->path, l->row->dense_bias_key, &l->dense_bias, l->err);
    if (st == BERT_OK && l->row->decoder_bias_key != NULL)
        st = bert__json_read_bool(c->json, c->path, l->row->decoder_bias_key, &l->decoder_bias,
                                  l->err);
    return st;
}

/* Where the embedding is as wide as the hidden states, nothing is left for it. */
static bert_status need_rest(struct load *l)
{
    const struct bert__config *c = l->net->config;
    bert_status st;

    l->rest[0] = '\0';
    if (l->row->decoder_rest == NULL || c->embedding_size == c->hidden_size)
        return BERT_OK;
    if (c->embedding_size > c->hidden_size)
        return bert__fail(l->err, BERT_EFORMAT, "%s: \"%s\" %u is above \"%s\" %u", c->path,
                          c->keys.embedding_size, c->embedding_size, c->keys.hidden_size,
                          c->hidden_size);
    st = bert__name_join(l->rest, l->row->decoder_rest, ".weight", l->err);
    if (st == BERT_OK)
        need(l, l->rest);
    return st;
}

static bert_status check(struct load *l)
{
    const struct bert__config *c = l->net->config;
    bert_status st = read_biases(l);

    l->width = l->row->width;
    l->has_dense = l->row->dense != NULL && l->row->dense_key == NULL;
    if (st == BERT_OK && l->row->dense_key != NULL)
        st = bert__json_read_bool(c->json, c->path, l->row->dense_key, &l->has_dense, l->err);
    if (st == BERT_OK && l->row->width_key != NULL)
        st = bert__json_read_u32(c->json, c->path, l->row->width_key, 1, MAX_WIDTH, &l->width,
                                 l->err);
    if (st == BERT_OK)
        st = need_pooler(l);
    if (st == BERT_OK)
        st = need_layer(l, l->has_dense ? l->row->dense : NULL, l->dense_bias);
    if (st == BERT_OK)
        st = need_layer(l, l->row->norm, l->net->config->norm_bias);
    if (st == BERT_OK)
        st = find_decoder(l);
    if (st == BERT_OK)
        need(l, l->weight);
    if (st == BERT_OK)
        st = need_rest(l);
    if (st == BERT_OK && l->decoder_bias)
        need(l, l->bias);
    return st;
}

/* ---- Loading ----------------------------------------------------------------------- */

static uint32_t decoder_width(const struct load *l)
{
    const struct bert__config *c = l->net->config;

    if (l->row->width_key != NULL)
        return l->width;
    return l->row->narrow ? c->embedding_size : c->hidden_size;
}

/* The row's, unless the config names another. */
static bert_status choose_activation(const struct load *l, enum bert__act *act)
{
    const struct bert__head_row *row = l->row;
    const struct bert__config *c = l->net->config;
    bert_text given = {NULL, 0};
    char name[84];
    bert_status st = BERT_OK;

    *act = l->net->act;
    if (row->activation_key != NULL)
        st = bert__json_read_string(c->json, c->path, row->activation_key, &given, l->err);
    if (st != BERT_OK)
        return st;
    if (given.data == NULL && row->activation == NULL)
        return BERT_OK;
    if (given.data == NULL)
        snprintf(name, sizeof name, "%s", row->activation);
    else
        bert__printable(name, given.data, given.size);
    if (!bert__act_named(name, act))
        return bert__fail(l->err, BERT_EUNSUPPORTED, "%s: \"%s\" \"%s\" is not supported", c->path,
                          row->activation_key != NULL ? row->activation_key : "activation", name);
    return BERT_OK;
}

static bert_status load_dense(struct load *l, struct bert__task_head *head)
{
    const struct bert__head_row *row = l->row;
    uint32_t hidden = l->net->config->hidden_size, width = decoder_width(l);
    bert_status st;

    if (row->dense == NULL)
        return BERT_OK;
    st = choose_activation(l, &head->act);
    if (st != BERT_OK)
        return st;
    if (!l->has_dense && head->act != BERT__ACT_NONE)
        return bert__fail(l->err, BERT_EUNSUPPORTED, "%s: \"%s\" without \"%s\" is not handled",
                          l->net->config->path, row->activation_key, row->dense_key);
    if (!l->has_dense)
        return BERT_OK;
    st = bert__linear_load(l->net, l->weights, row->dense, width, hidden, l->dense_bias, false,
                           &head->dense, l->err);
    if (st == BERT_OK && row->norm != NULL)
        st = bert__norm_load(l->net, l->weights, row->norm, width, &head->norm, l->err);
    return st;
}

struct bert__exec_head bert__task_head_layers(const struct bert__task_head *head)
{
    return (struct bert__exec_head){
        .dense = head->dense.matrix != NULL ? &head->dense : NULL,
        .act = head->act,
        .norm = head->norm.gamma.count > 0 ? &head->norm : NULL,
        .decoder = &head->decoder,
    };
}

/* A decoder of fewer outputs stays fp32 in every precision: it costs nothing, and it decides. */
enum { FEW_LABELS = 64 };

static bert_status load_decoder(struct load *l, uint32_t rows, struct bert__linear *out)
{
    struct bert__part part = {.weight = l->weight,
                              .bias = l->decoder_bias ? l->bias : NULL,
                              .tensor_rows = rows,
                              .n_out = rows,
                              .exact = rows < FEW_LABELS,
                              .rest = l->rest[0] != '\0' ? l->rest : NULL,
                              .own_columns = l->net->config->embedding_size};

    return bert__linear_load_parts(l->net, l->weights, &part, 1, decoder_width(l), out, l->err);
}

static bert_status load_head(struct load *l, struct bert__task_heads *heads)
{
    struct bert__task_head *head = &heads->items[heads->n_all];
    uint32_t rows = decoder_rows(l->net->config, l->row->output), width;
    struct bert__exec_head layers;
    bert_status st;

    heads->n_all++; /* half-built is freed too */
    head->row = l->row;
    st = load_dense(l, head);
    if (st == BERT_OK)
        st = load_decoder(l, rows, &head->decoder);
    layers = bert__task_head_layers(head);
    width = bert__exec_head_width(&layers);
    if (heads->head_width < width)
        heads->head_width = width;
    return st;
}

/* The row's head, if its tensors are all there. */
static bert_status try_row(struct load *l, const struct bert__head_row *row,
                           struct bert__task_heads *heads)
{
    bert_status st;

    l->row = row;
    l->complete = true;
    st = check(l);
    return st == BERT_OK && l->complete ? load_head(l, heads) : st;
}

static bool gives_next(const struct bert__head_row *row)
{
    return row->output == BERT__HEAD_NEXT || row->output == BERT__HEAD_RELATION;
}

/* The head for the next sentence beside a masked LM. */
static bert_status load_next(struct load *l, struct bert__task_heads *heads)
{
    const struct bert__head_row *row = l->net->config->arch->heads;
    bert_error unused;

    for (uint32_t i = 0; i < heads->n; i++) {
        if (gives_next(heads->items[i].row))
            return BERT_OK;
    }
    if (heads->n == 0 || heads->items[0].row->output != BERT__HEAD_VOCABULARY)
        return BERT_OK;
    l->missing = &unused;
    memset(&unused, 0, sizeof unused);
    for (; row->architecture != NULL; row++) {
        if (row->output == BERT__HEAD_NEXT)
            return try_row(l, row, heads);
    }
    return BERT_OK;
}

/* For messages: a head that isn't looked for is not one that is absent. */
static bert_status note_unnamed(const struct load *l, const struct bert__head_row *row,
                                struct bert__task_heads *heads)
{
    size_t i = (size_t)(row - l->net->config->arch->heads);
    char weight[BERT__NAME_BYTES];
    bert_status st = /* a decoder may be tied */
        bert__name_join(weight, row->dense != NULL ? row->dense : row->decoder, ".weight", l->err);

    if (st == BERT_OK && i < 64 && bert__weights_find(l->weights, weight) != NULL)
        heads->unnamed |= UINT64_C(1) << i;
    return st;
}

bert_status bert__task_heads_load(struct bert__task_heads *heads, struct bert__network *net,
                                  struct bert__weights *weights, bert_error *missing,
                                  bert_error *err)
{
    const struct bert__head_row *row = net->config->arch->heads;
    struct load l = {.net = net, .weights = weights, .missing = missing, .err = err};
    bert_status st = BERT_OK;

    memset(missing, 0, sizeof *missing);
    for (; row != NULL && row->architecture != NULL && st == BERT_OK; row++) {
        if (!names_architecture(net->config, row->architecture))
            st = note_unnamed(&l, row, heads);
        else if (is_meant(net->config, row) && heads->n_all < BERT__MAX_HEADS)
            st = try_row(&l, row, heads);
        heads->n = heads->n_all;
    }
    return st == BERT_OK ? load_next(&l, heads) : st;
}

void bert__task_heads_free(struct bert__task_heads *heads, struct bert__network *net)
{
    for (uint32_t i = 0; i < heads->n_all; i++) {
        bert__linear_free(net, &heads->items[i].dense);
        bert__norm_free(net, &heads->items[i].norm);
        bert__linear_free(net, &heads->items[i].decoder);
    }
    memset(heads, 0, sizeof *heads);
}
