/* SPDX-License-Identifier: MIT */
/* network.c - the encoder's tensors, found by the row's names, checked and packed. */
#include "lib/graph/network.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/error.h"
#include "lib/base/size.h"
#include "lib/graph/distance.h"
#include "lib/graph/layer_parts.h"
#include "lib/graph/names.h"
#include "lib/graph/pack.h"
#include "lib/graph/relative.h"

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
    const struct bert__tensor_names *names = net->names;
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
        st = bert__table_read(net, weights, tensor, &net->type, err);
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
    const struct bert__tensor_names *names = net->names;
    uint32_t width = c->embedding_size;
    uint32_t places = c->arch->places_after_project ? c->hidden_size : width;
    struct {
        const char *name;
        uint32_t rows, width;
        struct bert__table *table;
    } tables[] = {
        {names->word, c->vocab_size, width, &net->word},
        {names->position, c->position_rows, places, &net->position},
        {c->task_types == 0 ? names->type : NULL, c->type_vocab_size, places, &net->type},
    };

    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        uint64_t shape[2] = {tables[i].rows, tables[i].width};
        char name[BERT__NAME_BYTES];
        bert_status st;

        if (tables[i].name == NULL || tables[i].rows == 0)
            continue;
        st = bert__name_join(name, net->prefix, tables[i].name, err);
        if (st == BERT_OK)
            st = bert__table_load(net, weights, name, ".weight", 2, shape, tables[i].table, err);
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
    norm->plain = net->config->plain_norms;
    return st != BERT_OK ? st : bert__norm_load(net, weights, full, n, norm, err);
}

static bert_status load_embeddings(struct bert__network *net, struct bert__weights *weights,
                                   bert_error *err)
{
    const struct bert__config *c = net->config;
    const struct bert__tensor_names *names = net->names;
    char name[BERT__NAME_BYTES];
    uint32_t normed = c->arch->norm_after_project ? c->hidden_size : c->embedding_size;
    bool project =
        c->arch->project_always || c->embedding_size != c->hidden_size || c->embedding_places > 1;
    bool biased = !c->arch->norm_after_project || c->arch->places_after_project;
    bert_status st = load_tables(net, weights, err);

    if (st == BERT_OK && c->embedding_norm)
        st = load_norm(net, weights, names->embedding_norm, normed, &net->embedding_norm, err);
    if (c->arch->defaults.embedding_norm_eps != 0)
        net->embedding_norm.eps = (float)c->arch->defaults.embedding_norm_eps;
    if (st != BERT_OK || names->embedding_project == NULL || !project)
        return st;
    st = bert__name_join(name, net->prefix, names->embedding_project, err);
    return st != BERT_OK ? st
                         : bert__linear_load(net, weights, name, c->hidden_size,
                                             c->embedding_places * c->embedding_size, biased, false,
                                             &net->embedding_project, err);
}

static bert_status load_qkv(struct bert__network *net, struct bert__weights *weights,
                            uint32_t layer, bert_error *err)
{
    const struct bert__config *c = net->config;
    bool fused = net->qkv != BERT__QKV_SEPARATE, by_head = net->qkv == BERT__QKV_BY_HEAD;
    const char *patterns[] = {net->names->query, net->names->key, net->names->value,
                              net->names->mix_value};
    const char *own_biases[] = {net->names->query_bias, NULL, net->names->value_bias, NULL};
    const uint32_t heads[] = {c->heads, c->kv_heads, c->kv_heads, c->heads};
    struct bert__part_names names[BERT__MAX_PARTS];
    struct bert__part parts[BERT__MAX_PARTS] = {{.weight = NULL}};
    uint32_t all = (c->heads + 2 * c->kv_heads) * c->head_size, first = 0;
    uint32_t count = c->mix_size > 0 ? 4 : c->bottleneck == BERT__BOTTLENECK_KEYS ? 2 : 3;

    for (uint32_t i = 0; i < count; i++) {
        bert_status st = bert__part_name(net, fused ? net->names->qkv : patterns[i], layer,
                                         c->attention_bias && !by_head, &names[i], &parts[i], err);

        if (st == BERT_OK && by_head && own_biases[i] != NULL) {
            st = bert__layer_name(net, own_biases[i], layer, names[i].bias, err);
            parts[i].bias = names[i].bias;
            parts[i].bias_is_own = true;
        }
        if (st != BERT_OK)
            return st;
        parts[i].n_out = heads[i] * c->head_size;
        parts[i].tensor_rows = fused ? all : parts[i].n_out;
        parts[i].groups = i < 3 ? c->linear_groups[BERT__GROUPED_QUERY + i] : 1;
        parts[i].is_conv = c->arch->linear_is_conv;
        parts[i].first = fused ? first : 0;
        parts[i].head = c->head_size;
        parts[i].order = c->arch->rotary_interleaved && (i < 2 || c->rotary_value)
                             ? BERT__ROWS_INTERLEAVED
                             : BERT__ROWS_PLAIN;
        if (by_head)
            parts[i].order = BERT__ROWS_BY_HEAD;
        first += by_head ? c->head_size : parts[i].n_out;
    }
    return bert__linear_load_parts(net, weights, parts, count,
                                   c->bottleneck != BERT__BOTTLENECK_NONE ? c->layer_size
                                                                          : c->hidden_size,
                                   &net->layers[layer].qkv, err);
}

static bert_status load_attention_output(struct bert__network *net, struct bert__weights *weights,
                                         uint32_t layer, bert_error *err)
{
    const struct bert__config *c = net->config;
    struct bert__part_names names;
    uint32_t context = (c->mix_size > 0 ? 2 : 1) * c->heads * c->head_size;
    struct bert__part part = {.n_out = c->layer_size,
                              .tensor_rows = c->layer_size,
                              .is_conv = c->arch->linear_is_conv,
                              .groups = c->linear_groups[BERT__GROUPED_ATTENTION_OUTPUT]};
    bert_status st = bert__part_name(net, net->names->attention_output, layer, c->attention_bias,
                                     &names, &part, err);

    if (c->arch->rotary_interleaved && c->rotary_value)
        part.column_head = c->head_size;
    return st != BERT_OK ? st
                         : bert__linear_load_parts(net, weights, &part, 1, context,
                                                   &net->layers[layer].attention_output, err);
}

/* Up; where gated, the gate's rows above. */
static bert_status load_ffn_up(struct bert__network *net, struct bert__weights *weights,
                               uint32_t layer, bert_error *err)
{
    const struct bert__config *c = net->config;
    bool has_bias = c->ffn_bias && !c->arch->ffn_up_has_no_bias;
    uint32_t n = c->intermediate_size, count = net->ffn == BERT__FFN_PLAIN ? 1 : 2;
    bool fused = net->ffn == BERT__FFN_GATE_FIRST || net->ffn == BERT__FFN_GATE_LAST;
    const char *patterns[2] = {net->names->ffn_up, net->names->ffn_up};
    struct bert__part_names names[2];
    struct bert__part parts[2] = {{.weight = NULL}};

    if (net->ffn == BERT__FFN_GATED)
        patterns[0] = net->names->ffn_gate;
    for (uint32_t i = 0; i < count; i++) {
        bert_status st =
            bert__part_name(net, patterns[i], layer, has_bias, &names[i], &parts[i], err);

        if (st != BERT_OK)
            return st;
        parts[i].n_out = n;
        parts[i].tensor_rows = fused ? 2 * n : n;
        parts[i].groups = c->linear_groups[BERT__GROUPED_FFN_UP];
        parts[i].stacked = c->arch->groups_are_stacked;
        parts[i].is_conv = c->arch->linear_is_conv;
        parts[i].first = fused && (i == 1) == (net->ffn == BERT__FFN_GATE_FIRST) ? n : 0;
    }
    return bert__linear_load_parts(net, weights, parts, count, c->layer_size,
                                   &net->layers[layer].ffn_up, err);
}

static bert_status load_ffn_down(struct bert__network *net, struct bert__weights *weights,
                                 uint32_t layer, bert_error *err)
{
    const struct bert__config *c = net->config;
    struct bert__part_names names;
    struct bert__part part = {.n_out = c->layer_size,
                              .tensor_rows = c->layer_size,
                              .is_conv = c->arch->linear_is_conv,
                              .stacked = c->arch->groups_are_stacked,
                              .groups = c->linear_groups[BERT__GROUPED_FFN_DOWN]};
    bert_status st =
        bert__part_name(net, net->names->ffn_down, layer, c->ffn_bias, &names, &part, err);

    return st != BERT_OK ? st
                         : bert__linear_load_parts(net, weights, &part, 1, c->intermediate_size,
                                                   &net->layers[layer].ffn_down, err);
}

static bert_status load_layer_norms(struct bert__network *net, struct bert__weights *weights,
                                    uint32_t i, bert_error *err)
{
    struct bert__layer *layer = &net->layers[i];
    const struct bert__config_defaults *d = &net->config->arch->defaults;
    uint32_t n = net->config->layer_size;
    bert_status st = BERT_OK;

    if (i > 0 || !net->config->arch->first_norm_is_none)
        st = bert__layer_norm(net, weights, net->names->attention_norm, i, n,
                              &layer->attention_norm, err);
    if (st == BERT_OK)
        st = bert__layer_norm(net, weights, net->names->ffn_norm, i, n, &layer->ffn_norm, err);
    if (d->layer_norm_eps != 0)
        layer->attention_norm.eps = layer->ffn_norm.eps = (float)d->layer_norm_eps;
    if (d->ffn_norm_eps != 0)
        layer->ffn_norm.eps = (float)d->ffn_norm_eps;
    return st;
}

static bert_status load_layer(struct bert__network *net, struct bert__weights *weights, uint32_t i,
                              bert_error *err)
{
    bert_status st = load_qkv(net, weights, i, err);

    if (st == BERT_OK)
        st = load_attention_output(net, weights, i, err);
    if (st == BERT_OK)
        st = load_ffn_up(net, weights, i, err);
    if (st == BERT_OK)
        st = load_ffn_down(net, weights, i, err);
    if (st == BERT_OK)
        st = load_layer_norms(net, weights, i, err);
    return st == BERT_OK ? bert__layer_parts_load(net, weights, i, err) : st;
}

static bert_status load_pooler(struct bert__network *net, struct bert__weights *weights,
                               const char *prefix, bert_error *err)
{
    const char *part = net->names->pooler;
    uint32_t hidden = net->config->hidden_size;
    char name[BERT__NAME_BYTES], weight[BERT__NAME_BYTES];
    bert_status st;

    if (part == NULL || net->config->pooler_is_first)
        return BERT_OK;
    st = bert__name_join(name, prefix, part, err);
    if (st == BERT_OK)
        st = bert__name_join(weight, name, ".weight", err);
    if (st != BERT_OK || bert__weights_find(weights, weight) == NULL)
        return st;
    return bert__linear_load(net, weights, name, hidden, hidden, true, true, &net->pooler, err);
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
    net->repack = options->repack;
    st = bert__backend_find(&net->backend, options->backend, err);
    if (st == BERT_OK)
        st = net->backend->device_open(&net->device, alloc, options->cpu, net->dtype, err);
    if (st != BERT_OK) {
        bert__network_destroy(net);
        return st;
    }
    *out = net;
    return BERT_OK;
}

static bert_status has_tensor(struct bert__weights *weights, const char *prefix, const char *name,
                              bool *out, bert_error *err)
{
    char weight[BERT__NAME_BYTES];
    bert_status st = weight_name(weight, prefix, name, err);

    *out = st == BERT_OK && bert__weights_find(weights, weight) != NULL;
    return st;
}

static bert_status has_in_layer_0(struct bert__weights *weights, const char *prefix,
                                  const char *pattern, bool *out, bert_error *err)
{
    char name[BERT__NAME_BYTES];
    bert_status st = bert__name_layer(name, "", pattern, 0, 1, err);

    return st == BERT_OK ? has_tensor(weights, prefix, name, out, err) : st;
}

/* Has layer 0 the row's other names?  Either of two tensors tells, if one is missing. */
static bert_status has_other_names(const struct bert__arch *arch, struct bert__weights *weights,
                                   const char *prefix, bool *out, bert_error *err)
{
    const struct bert__tensor_names *names = &arch->tensors, *other = arch->other_tensors;
    bool first = false, second = false;
    bert_status st;

    *out = false;
    if (other == NULL)
        return BERT_OK;
    st = has_in_layer_0(weights, prefix, other->ffn_up, out, err);
    if (st != BERT_OK || *out || strcmp(names->attention_output, other->attention_output) == 0)
        return st;
    st = has_in_layer_0(weights, prefix, names->ffn_up, &first, err);
    if (st == BERT_OK)
        st = has_in_layer_0(weights, prefix, other->attention_output, &second, err);
    *out = !first && second;
    return st;
}

/* Which naming the file has below this prefix, where the word embedding is. */
static bert_status find_names(struct bert__network *net, struct bert__weights *weights,
                              const char *prefix, bool *found, bert_error *err)
{
    const struct bert__arch *arch = net->config->arch;
    bool other;
    bert_status st = has_tensor(weights, prefix, arch->tensors.word, found, err);

    if (st != BERT_OK || !*found)
        return st;
    net->prefix = prefix;
    bert__weights_prefixes(weights, prefix, arch->prefixes);
    st = has_other_names(arch, weights, prefix, &other, err);
    net->names = other ? arch->other_tensors : &arch->tensors;
    net->qkv = other ? arch->other_qkv : arch->qkv;
    net->ffn = other ? arch->other_ffn : arch->ffn;
    return st;
}

/* The prefix that the file's other tensors have: the word embedding's name in a message. */
static const char *likely_prefix(const struct bert__arch *arch, struct bert__weights *weights)
{
    size_t i = 0;

    for (; arch->prefixes[i + 1] != NULL; i++) {
        const struct bert__tensor *t;

        for (size_t k = 0; (t = bert__weights_at(weights, k)) != NULL; k++)
            if (strncmp(t->name, arch->prefixes[i], strlen(arch->prefixes[i])) == 0)
                return arch->prefixes[i];
    }
    return arch->prefixes[i];
}

/* The first of the row's prefixes under which the word embedding is found. */
static bert_status find_prefix(struct bert__network *net, struct bert__weights *weights,
                               bert_error *err)
{
    const struct bert__arch *arch = net->config->arch;

    for (size_t i = 0; arch->prefixes[i] != NULL; i++) {
        bool found;
        bert_status st = find_names(net, weights, arch->prefixes[i], &found, err);

        if (st != BERT_OK || found)
            return st;
    }
    return bert__fail(err, BERT_EFORMAT,
                      "%s: tensor \"%s%s.weight\" is missing, under every prefix of %s",
                      bert__weights_path(weights), likely_prefix(arch, weights), arch->tensors.word,
                      arch->model_type);
}

static bert_status load_layers(struct bert__network *net, struct bert__weights *weights,
                               bert_error *err)
{
    uint32_t count = bert__config_layers(net->config);

    net->layers = bert__alloc_array(net->alloc, count, sizeof *net->layers);
    if (net->layers == NULL)
        return bert__alloc_fail(net->alloc, "the layers", err);
    for (uint32_t i = 0; i < count; i++) {
        bert_status st = bert__watch_poll(bert__alloc_watched(net->alloc), err);

        if (st == BERT_OK)
            st = load_layer(net, weights, i, err);
        if (st != BERT_OK)
            return st;
        if (i == 0 && net->backend->device_layers != NULL)
            net->backend->device_layers(net->device, count - 1);
    }
    return BERT_OK;
}

bert_status bert__network_load(struct bert__network *net, const struct bert__config *config,
                               struct bert__weights *weights,
                               const struct bert__network_options *options, bert_error *err)
{
    bert_status st;

    net->config = config;
    net->calibration = options->calibration;
    if (!bert__act_named(config->activation, &net->act)
        || !bert__act_named(config->ffn_activation, &net->ffn_act))
        return bert__fail(err, BERT_EUNSUPPORTED, "%s: %s \"%s\" is not supported", config->path,
                          config->keys.activation, config->activation);
    if (config->head_size > BERT__ATTENTION_HEAD_MAX)
        return bert__fail(err, BERT_EUNSUPPORTED,
                          "%s: heads of %lu values; at most %d are supported", config->path,
                          (unsigned long)config->head_size, BERT__ATTENTION_HEAD_MAX);
    st = find_prefix(net, weights, err);
    if (st == BERT_OK)
        st = load_embeddings(net, weights, err);
    if (st == BERT_OK)
        st = bert__distance_load(net, weights, err);
    if (st == BERT_OK)
        st = load_layers(net, weights, err);
    if (st == BERT_OK)
        st = bert__relative_load(net, weights, err);
    if (st == BERT_OK)
        st = bert__conv_load(net, weights, err);
    if (st == BERT_OK)
        st = load_norm(net, weights, net->names->final_norm, config->hidden_size, &net->final_norm,
                       err);
    if (st == BERT_OK)
        st = load_pooler(net, weights, net->prefix, err);
    if (st == BERT_OK)
        st = bert__plan_build(&net->plan, net, err);
    net->calibration = NULL;
    if (st == BERT_OK && options->calibration != NULL)
        st = bert__calibration_check_used(options->calibration, err);
    return st;
}

static void layer_free(struct bert__network *net, struct bert__layer *layer)
{
    bert__relative_free(net, layer);
    bert__linear_free(net, &layer->qkv);
    bert__linear_free(net, &layer->attention_output);
    bert__linear_free(net, &layer->ffn_up);
    bert__linear_free(net, &layer->ffn_down);
    bert__norm_free(net, &layer->attention_norm);
    bert__norm_free(net, &layer->ffn_norm);
    bert__layer_parts_free(net, layer);
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
        bert__distance_free(net);
        bert__linear_free(net, &net->conv);
        bert__norm_free(net, &net->conv_norm);
        bert__linear_free(net, &net->embedding_project);
        bert__table_free(net, &net->word);
        bert__table_free(net, &net->position);
        bert__table_free(net, &net->type);
        net->backend->device_close(net->device);
    }
    bert__alloc_free(net->alloc, net);
}
