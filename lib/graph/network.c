/* SPDX-License-Identifier: MIT */
/* network.c - the encoder's tensors, found by the row's names, checked and packed. */
#include "lib/graph/network.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/error.h"
#include "lib/base/size.h"
#include "lib/graph/names.h"

/* ---- Tables and norms ----------------------------------------------------- */

static void table_free(struct bert__network *net, struct bert__table *table)
{
    if (table->device != NULL)
        net->backend->table_free(net->device, table->device);
    bert__alloc_free(net->alloc, table->owned);
    memset(table, 0, sizeof *table);
}

static bert_status table_read(struct bert__network *net, struct bert__weights *weights,
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
static bert_status table_load(struct bert__network *net, struct bert__weights *weights,
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
        st = table_read(net, weights, tensor, table, err);
        host = table->owned;
    }
    if (st == BERT_OK)
        st = net->backend->table_create(net->device, &table->device, host, table->count, err);
    return st;
}

static bert_status named_table(struct bert__network *net, struct bert__weights *weights,
                               const char *name, const char *ending, uint32_t rank,
                               const uint64_t *shape, struct bert__table *table, bert_error *err)
{
    const struct bert__tensor *tensor;
    char full[BERT__NAME_BYTES];
    bert_status st = bert__name_join(full, name, ending, err);

    if (st == BERT_OK)
        st = bert__weights_need(weights, full, rank, shape, &tensor, err);
    if (st == BERT_OK)
        st = table_load(net, weights, tensor, table, err);
    return st;
}

bert_status bert__norm_load(struct bert__network *net, struct bert__weights *weights,
                            const char *name, uint32_t width, struct bert__norm *norm,
                            bert_error *err)
{
    uint64_t n = width;
    bert_status st = named_table(net, weights, name, ".weight", 1, &n, &norm->gamma, err);

    norm->eps = net->config->norm_eps;
    return st != BERT_OK ? st : named_table(net, weights, name, ".bias", 1, &n, &norm->beta, err);
}

void bert__norm_free(struct bert__network *net, struct bert__norm *norm)
{
    table_free(net, &norm->gamma);
    table_free(net, &norm->beta);
}

/* ---- Linear layers --------------------------------------------------------- */

enum { MAX_FUSED = 3 };

/* Weights of the same shape, one below the other. */
struct stacked {
    struct bert__weights *weights;
    const struct bert__tensor *tensors[MAX_FUSED];
    uint32_t n_out, k; /* of one */
};

static bert_status stacked_rows(void *context, uint32_t first, uint32_t n, float *out,
                                bert_error *err)
{
    const struct stacked *s = context;

    while (n > 0) {
        uint32_t row = first % s->n_out;
        uint32_t take = s->n_out - row < n ? s->n_out - row : n;
        bert_status st = bert__weights_read(s->weights, s->tensors[first / s->n_out],
                                            (uint64_t)row * s->k, (size_t)take * s->k, out, err);

        if (st != BERT_OK)
            return st;
        out += (size_t)take * s->k;
        first += take;
        n -= take;
    }
    return BERT_OK;
}

/* The biases of stacked weights end to end. */
static bert_status stacked_bias(struct bert__network *net, struct bert__weights *weights,
                                const char *const *names, uint32_t count, uint32_t n_out,
                                struct bert__table *bias, bert_error *err)
{
    uint64_t shape = n_out;

    bias->count = (size_t)count * n_out;
    bias->owned = bert__alloc_array(net->alloc, bias->count, sizeof *bias->owned);
    if (bias->owned == NULL)
        return bert__alloc_fail(net->alloc, "a bias", err);
    for (uint32_t i = 0; i < count; i++) {
        const struct bert__tensor *tensor;
        bert_status st = bert__weights_need(weights, names[i], 1, &shape, &tensor, err);

        if (st == BERT_OK)
            st =
                bert__weights_read(weights, tensor, 0, n_out, bias->owned + (size_t)i * n_out, err);
        if (st != BERT_OK)
            return st;
    }
    net->parameters += bias->count;
    return net->backend->table_create(net->device, &bias->device, bias->owned, bias->count, err);
}

/* `count` layers of [n_out][n_in] that read the same input, as one; biases NULL: none. */
static bert_status load_stacked(struct bert__network *net, struct bert__weights *weights,
                                const char *const *names, const char *const *biases, uint32_t count,
                                uint32_t n_out, uint32_t n_in, struct bert__linear *out,
                                bert_error *err)
{
    struct stacked s = {.weights = weights, .n_out = n_out, .k = n_in};
    uint64_t shape[2] = {n_out, n_in};
    bert_status st = BERT_OK;

    out->n_in = n_in;
    out->n_out = count * n_out;
    for (uint32_t i = 0; i < count && st == BERT_OK; i++) {
        const struct bert__tensor *found = bert__weights_find(weights, names[i]);

        if (found == NULL || !found->used) /* tied weights count once */
            net->parameters += (uint64_t)n_out * n_in;
        st = bert__weights_need(weights, names[i], 2, shape, &s.tensors[i], err);
    }
    if (st == BERT_OK)
        st = net->backend->matrix_create(net->device, &out->matrix, net->dtype, out->n_out, n_in,
                                         stacked_rows, &s, err);
    if (st == BERT_OK && biases != NULL)
        st = stacked_bias(net, weights, biases, count, n_out, &out->bias, err);
    return st;
}

/* The tensors of layers called names[i]. */
static bert_status load_layers_named(struct bert__network *net, struct bert__weights *weights,
                                     const char *const *names, uint32_t count, uint32_t n_out,
                                     uint32_t n_in, bool has_bias, struct bert__linear *out,
                                     bert_error *err)
{
    char weight[MAX_FUSED][BERT__NAME_BYTES], bias[MAX_FUSED][BERT__NAME_BYTES];
    const char *weights_at[MAX_FUSED], *biases_at[MAX_FUSED];

    for (uint32_t i = 0; i < count; i++) {
        bert_status st = bert__name_join(weight[i], names[i], ".weight", err);

        if (st == BERT_OK)
            st = bert__name_join(bias[i], names[i], ".bias", err);
        if (st != BERT_OK)
            return st;
        weights_at[i] = weight[i];
        biases_at[i] = bias[i];
    }
    return load_stacked(net, weights, weights_at, has_bias ? biases_at : NULL, count, n_out, n_in,
                        out, err);
}

bert_status bert__linear_load_tensors(struct bert__network *net, struct bert__weights *weights,
                                      const char *weight, const char *bias, uint32_t n_out,
                                      uint32_t n_in, struct bert__linear *out, bert_error *err)
{
    return load_stacked(net, weights, &weight, bias != NULL ? &bias : NULL, 1, n_out, n_in, out,
                        err);
}

bert_status bert__linear_load(struct bert__network *net, struct bert__weights *weights,
                              const char *name, uint32_t n_out, uint32_t n_in, bool has_bias,
                              struct bert__linear *out, bert_error *err)
{
    return load_layers_named(net, weights, &name, 1, n_out, n_in, has_bias, out, err);
}

void bert__linear_free(struct bert__network *net, struct bert__linear *linear)
{
    if (linear->matrix != NULL)
        net->backend->matrix_free(net->device, linear->matrix);
    table_free(net, &linear->bias);
    memset(linear, 0, sizeof *linear);
}

/* ---- The parts of an encoder ----------------------------------------------- */

static bert_status weight_name(char out[BERT__NAME_BYTES], const char *prefix, const char *name,
                               bert_error *err)
{
    char full[BERT__NAME_BYTES];
    bert_status st = bert__name_join(full, prefix, name, err);

    return st != BERT_OK ? st : bert__name_join(out, full, ".weight", err);
}

/* The token types, and in each row the row of task 0: every text is of that task. */
static bert_status load_types_of_task(struct bert__network *net, struct bert__weights *weights,
                                      bert_error *err)
{
    const struct bert__tensor_names *names = &net->config->arch->tensors;
    const struct bert__kernels *k = net->backend->host_kernels(net->device);
    uint32_t n = net->config->embedding_size, types = net->config->type_vocab_size;
    uint64_t shape[2] = {types, n}, task_shape[2] = {net->config->task_types, n};
    const struct bert__tensor *tensor;
    char type[BERT__NAME_BYTES], task[BERT__NAME_BYTES];
    float *row = bert__alloc_array(net->alloc, n, sizeof *row);
    bert_status st = row != NULL ? BERT_OK : bert__alloc_fail(net->alloc, "the task types", err);

    if (st == BERT_OK)
        st = weight_name(type, net->prefix, names->type, err);
    if (st == BERT_OK)
        st = weight_name(task, net->prefix, names->task, err);
    if (st == BERT_OK)
        st = bert__weights_need(weights, task, 2, task_shape, &tensor, err);
    if (st == BERT_OK)
        st = bert__weights_read(weights, tensor, 0, n, row, err);
    if (st == BERT_OK)
        st = bert__weights_need(weights, type, 2, shape, &tensor, err);
    if (st == BERT_OK) {
        net->type.count = tensor->count;
        net->parameters += tensor->count + n;
        st = table_read(net, weights, tensor, &net->type, err);
    }
    for (uint32_t i = 0; i < types && st == BERT_OK; i++)
        k->add(net->type.owned + (size_t)i * n, net->type.owned + (size_t)i * n, row, NULL, n);
    bert__alloc_free(net->alloc, row);
    if (st != BERT_OK)
        return st;
    return net->backend->table_create(net->device, &net->type.device, net->type.owned,
                                      net->type.count, err);
}

static bert_status load_tables(struct bert__network *net, struct bert__weights *weights,
                               bert_error *err)
{
    const struct bert__config *c = net->config;
    const struct bert__tensor_names *names = &c->arch->tensors;
    struct {
        const char *name;
        uint32_t rows;
        struct bert__table *table;
    } tables[] = {
        {names->word, c->vocab_size, &net->word},
        {names->position, c->position_rows, &net->position},
        {c->task_types == 0 ? names->type : NULL, c->type_vocab_size, &net->type},
    };

    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        uint64_t shape[2] = {tables[i].rows, c->embedding_size};
        char name[BERT__NAME_BYTES];
        bert_status st;

        if (tables[i].name == NULL || tables[i].rows == 0)
            continue;
        st = bert__name_join(name, net->prefix, tables[i].name, err);
        if (st == BERT_OK)
            st = named_table(net, weights, name, ".weight", 2, shape, tables[i].table, err);
        if (st != BERT_OK)
            return st;
    }
    return c->task_types > 0 ? load_types_of_task(net, weights, err) : BERT_OK;
}

static bert_status load_norm(struct bert__network *net, struct bert__weights *weights,
                             const char *name, uint32_t n, struct bert__norm *norm, bert_error *err)
{
    char full[BERT__NAME_BYTES];
    bert_status st;

    if (name == NULL)
        return BERT_OK;
    st = bert__name_join(full, net->prefix, name, err);
    return st != BERT_OK ? st : bert__norm_load(net, weights, full, n, norm, err);
}

static bert_status load_embeddings(struct bert__network *net, struct bert__weights *weights,
                                   bert_error *err)
{
    const struct bert__config *c = net->config;
    const struct bert__tensor_names *names = &c->arch->tensors;
    char name[BERT__NAME_BYTES];
    bert_status st = load_tables(net, weights, err);

    if (st == BERT_OK)
        st = load_norm(net, weights, names->embedding_norm, c->embedding_size, &net->embedding_norm,
                       err);
    if (st != BERT_OK || names->embedding_project == NULL
        || (c->embedding_size == c->hidden_size && !c->arch->project_always))
        return st;
    st = bert__name_join(name, net->prefix, names->embedding_project, err);
    return st != BERT_OK ? st
                         : bert__linear_load(net, weights, name, c->hidden_size, c->embedding_size,
                                             true, &net->embedding_project, err);
}

static bert_status load_qkv(struct bert__network *net, struct bert__weights *weights,
                            const char *prefix, uint32_t layer, bert_error *err)
{
    const struct bert__tensor_names *names = &net->config->arch->tensors;
    const char *parts[MAX_FUSED] = {names->query, names->key, names->value};
    char full[MAX_FUSED][BERT__NAME_BYTES];
    const char *pointers[MAX_FUSED];
    uint32_t hidden = net->config->hidden_size;

    for (int i = 0; i < MAX_FUSED; i++) {
        bert_status st =
            bert__name_layer(full[i], prefix, parts[i], layer, net->config->inner_layers, err);

        if (st != BERT_OK)
            return st;
        pointers[i] = full[i];
    }
    return load_layers_named(net, weights, pointers, MAX_FUSED, hidden, hidden, true,
                             &net->layers[layer].qkv, err);
}

static bert_status load_layer(struct bert__network *net, struct bert__weights *weights,
                              const char *prefix, uint32_t i, bert_error *err)
{
    const struct bert__tensor_names *names = &net->config->arch->tensors;
    struct bert__layer *layer = &net->layers[i];
    uint32_t hidden = net->config->hidden_size, ffn = net->config->intermediate_size;
    uint32_t inner = net->config->inner_layers;
    struct {
        const char *name;
        uint32_t n_out, n_in;
        struct bert__linear *linear;
    } linears[] = {
        {names->attention_output, hidden, hidden, &layer->attention_output},
        {names->ffn_up, ffn, hidden, &layer->ffn_up},
        {names->ffn_down, hidden, ffn, &layer->ffn_down},
    };
    char name[BERT__NAME_BYTES];
    bert_status st = load_qkv(net, weights, prefix, i, err);

    for (size_t j = 0; j < sizeof linears / sizeof linears[0] && st == BERT_OK; j++) {
        st = bert__name_layer(name, prefix, linears[j].name, i, inner, err);
        if (st == BERT_OK)
            st = bert__linear_load(net, weights, name, linears[j].n_out, linears[j].n_in, true,
                                   linears[j].linear, err);
    }
    if (st == BERT_OK)
        st = bert__name_layer(name, prefix, names->attention_norm, i, inner, err);
    if (st == BERT_OK)
        st = bert__norm_load(net, weights, name, hidden, &layer->attention_norm, err);
    if (st == BERT_OK)
        st = bert__name_layer(name, prefix, names->ffn_norm, i, inner, err);
    if (st == BERT_OK)
        st = bert__norm_load(net, weights, name, hidden, &layer->ffn_norm, err);
    return st;
}

static bert_status load_pooler(struct bert__network *net, struct bert__weights *weights,
                               const char *prefix, bert_error *err)
{
    const char *part = net->config->arch->tensors.pooler;
    uint32_t hidden = net->config->hidden_size;
    char name[BERT__NAME_BYTES], weight[BERT__NAME_BYTES];
    bert_status st;

    if (part == NULL)
        return BERT_OK;
    st = bert__name_join(name, prefix, part, err);
    if (st == BERT_OK)
        st = bert__name_join(weight, name, ".weight", err);
    if (st != BERT_OK || bert__weights_find(weights, weight) == NULL)
        return st;
    return bert__linear_load(net, weights, name, hidden, hidden, true, &net->pooler, err);
}

/* ---- The whole ------------------------------------------------------------- */

bool bert__act_named(const char *name, enum bert__act *out)
{
    static const struct {
        const char *name;
        enum bert__act act;
    } acts[] = {
        /* transformers/activations.py, ACT2FN */
        {"gelu", BERT__ACT_GELU},
        {"gelu_python", BERT__ACT_GELU},
        {"gelu_new", BERT__ACT_GELU_TANH},
        {"gelu_fast", BERT__ACT_GELU_TANH},
        {"gelu_accurate", BERT__ACT_GELU_TANH},
        {"gelu_pytorch_tanh", BERT__ACT_GELU_TANH},
        {"gelu_python_tanh", BERT__ACT_GELU_TANH},
        {"gelu_10", BERT__ACT_GELU_10},
        {"quick_gelu", BERT__ACT_QUICK_GELU},
        {"relu", BERT__ACT_RELU},
        {"relu2", BERT__ACT_RELU2},
        {"silu", BERT__ACT_SILU},
        {"swish", BERT__ACT_SILU},
        {"tanh", BERT__ACT_TANH},
        {"sigmoid", BERT__ACT_SIGMOID},
        {"linear", BERT__ACT_NONE},
        {"identity", BERT__ACT_NONE},
    };

    for (size_t i = 0; i < sizeof acts / sizeof acts[0]; i++) {
        if (strcmp(acts[i].name, name) == 0) {
            *out = acts[i].act;
            return true;
        }
    }
    return false;
}

bert_status bert__network_create(struct bert__network **out, struct bert__alloc *alloc,
                                 const struct bert__network_options *options, bert_error *err)
{
    struct bert__network *net = bert__alloc_array(alloc, 1, sizeof *net);
    bert_status st;

    *out = NULL;
    if (net == NULL)
        return bert__alloc_fail(alloc, "the network", err);
    net->alloc = alloc;
    net->dtype = options->dtype;
    st = bert__backend_find(&net->backend, options->backend, err);
    if (st == BERT_OK)
        st = net->backend->device_open(&net->device, alloc, options->cpu, err);
    if (st != BERT_OK) {
        bert__network_destroy(net);
        return st;
    }
    *out = net;
    return BERT_OK;
}

/* The first of the row's prefixes under which the word embedding is found. */
static bert_status find_prefix(struct bert__network *net, struct bert__weights *weights,
                               bert_error *err)
{
    const struct bert__arch *arch = net->config->arch;
    char name[BERT__NAME_BYTES], full[BERT__NAME_BYTES];

    for (size_t i = 0; arch->prefixes[i] != NULL; i++) {
        bert_status st = bert__name_join(name, arch->prefixes[i], arch->tensors.word, err);

        if (st == BERT_OK)
            st = bert__name_join(full, name, ".weight", err);
        if (st != BERT_OK)
            return st;
        if (bert__weights_find(weights, full) != NULL) {
            net->prefix = arch->prefixes[i];
            return BERT_OK;
        }
    }
    return bert__fail(err, BERT_EFORMAT,
                      "%s: tensor %s.weight is missing, under every prefix of %s",
                      bert__weights_path(weights), arch->tensors.word, arch->model_type);
}

static bert_status load_layers(struct bert__network *net, struct bert__weights *weights,
                               const char *prefix, const struct bert__network_options *options,
                               bert_error *err)
{
    uint32_t count = bert__config_layers(net->config);

    net->layers = bert__alloc_array(net->alloc, count, sizeof *net->layers);
    if (net->layers == NULL)
        return bert__alloc_fail(net->alloc, "the layers", err);
    for (uint32_t i = 0; i < count; i++) {
        bert_status st;

        if (options->cancel != NULL && options->cancel(options->cancel_context) != 0)
            return bert__fail(err, BERT_ECANCELED, "the load was canceled");
        st = load_layer(net, weights, prefix, i, err);
        if (st != BERT_OK)
            return st;
    }
    return BERT_OK;
}

bert_status bert__network_load(struct bert__network *net, const struct bert__config *config,
                               struct bert__weights *weights,
                               const struct bert__network_options *options, bert_error *err)
{
    bert_status st;

    net->config = config;
    if (!bert__act_named(config->activation, &net->act))
        return bert__fail(err, BERT_EUNSUPPORTED, "%s: %s \"%s\" is not supported", config->path,
                          config->arch->keys.activation, config->activation);
    if (config->head_size > BERT__ATTENTION_HEAD_MAX)
        return bert__fail(err, BERT_EUNSUPPORTED,
                          "%s: heads of %lu values; at most %d are supported", config->path,
                          (unsigned long)config->head_size, BERT__ATTENTION_HEAD_MAX);
    st = find_prefix(net, weights, err);
    if (st == BERT_OK)
        st = load_embeddings(net, weights, err);
    if (st == BERT_OK)
        st = load_layers(net, weights, net->prefix, options, err);
    if (st == BERT_OK)
        st = load_norm(net, weights, config->arch->tensors.final_norm, config->hidden_size,
                       &net->final_norm, err);
    if (st == BERT_OK)
        st = load_pooler(net, weights, net->prefix, err);
    if (st == BERT_OK)
        st = bert__plan_build(&net->plan, net, err);
    return st;
}

static void layer_free(struct bert__network *net, struct bert__layer *layer)
{
    bert__linear_free(net, &layer->qkv);
    bert__linear_free(net, &layer->attention_output);
    bert__linear_free(net, &layer->ffn_up);
    bert__linear_free(net, &layer->ffn_down);
    bert__norm_free(net, &layer->attention_norm);
    bert__norm_free(net, &layer->ffn_norm);
}

void bert__network_destroy(struct bert__network *net)
{
    if (net == NULL)
        return;
    bert__plan_free(&net->plan, net->alloc);
    for (uint32_t i = 0; net->layers != NULL && i < bert__config_layers(net->config); i++)
        layer_free(net, &net->layers[i]);
    bert__alloc_free(net->alloc, net->layers);
    if (net->device != NULL) {
        bert__linear_free(net, &net->pooler);
        bert__norm_free(net, &net->embedding_norm);
        bert__norm_free(net, &net->final_norm);
        bert__linear_free(net, &net->embedding_project);
        table_free(net, &net->word);
        table_free(net, &net->position);
        table_free(net, &net->type);
        net->backend->device_close(net->device);
    }
    bert__alloc_free(net->alloc, net);
}
