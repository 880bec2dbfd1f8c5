/* SPDX-License-Identifier: MIT */
/* config.c - config.json through a family's row. */
#include "lib/model/config.h"

#include <float.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/error.h"
#include "lib/base/json_file.h"
#include "lib/base/size.h"
#include "lib/model/config_parts.h"

/* What no encoder comes near; past these a file is wrong, or wants to use up memory. */
enum {
    MAX_WIDTH = 1 << 17,
    MAX_HEADS = 1 << 12,
    MAX_INNER = 1 << 20,
    MAX_VOCAB = 1 << 24,
    MAX_POSITIONS = 1 << 24,
    MAX_TYPES = 1 << 16,
    MAX_LABELS = 1 << 20,
    DEFAULT_MAX_LAYERS = 1024,
    MAX_DEPTH = 1 << 16
};

/* ---- The family ---------------------------------------------------------------------- */

/* The class of the config that the model's own code brings: the end of auto_map's AutoConfig. */
static bert_text remote_class(const struct bert__config *c)
{
    const struct bert__json *value =
        bert__json_find(bert__json_find(c->json, "auto_map"), "AutoConfig");
    bert_text name = {NULL, 0};

    if (!bert__json_is(value, BERT__JSON_STRING))
        return name;
    name = value->u.string;
    for (size_t i = name.size; i > 0; i--)
        if (name.data[i - 1] == '.') {
            name.data += i;
            name.size -= i;
            break;
        }
    return name;
}

/* Keys that the file has, where a family's configs come with two sets of names. */
static void choose_keys(struct bert__config *c)
{
    const struct bert__config_keys *other = c->arch->other_keys;

    c->keys = c->arch->keys;
#define CHOOSE(key)                                                                                \
    if (other != NULL && other->key != NULL                                                        \
        && (c->keys.key == NULL || bert__json_find(c->json, c->keys.key) == NULL)                  \
        && bert__json_find(c->json, other->key) != NULL)                                           \
    c->keys.key = other->key
    CHOOSE(hidden_size);
    CHOOSE(layers);
    CHOOSE(heads);
    CHOOSE(intermediate_size);
    CHOOSE(max_positions);
    CHOOSE(norm_eps);
    CHOOSE(activation);
    CHOOSE(rotary_theta);
    CHOOSE(local_theta);
    CHOOSE(rotary_fraction);
#undef CHOOSE
}

static bert_status read_family(struct bert__config *c, bert_error *err)
{
    const struct bert__json *value = bert__json_find(c->json, "model_type");
    bert_text remote = remote_class(c);
    char name[84];

    if (!value)
        return bert__fail(err, BERT_EUNSUPPORTED,
                          "%s: \"model_type\" is missing, so the family of the model is not known",
                          c->path);
    if (value->type != BERT__JSON_STRING)
        return bert__fail(err, BERT_EFORMAT, "%s: \"model_type\" is %s; expected a string", c->path,
                          bert__json_type_name(value));
    if (remote.data)
        c->arch =
            bert__arch_find(value->u.string.data, value->u.string.size, remote.data, remote.size);
    if (!c->arch)
        c->arch = bert__arch_find(value->u.string.data, value->u.string.size, NULL, 0);
    if (!c->arch)
        return bert__fail(err, BERT_EUNSUPPORTED,
                          "%s: \"model_type\" is \"%s\", which is not handled", c->path,
                          bert__printable(name, value->u.string.data, value->u.string.size));
    choose_keys(c);
    return BERT_OK;
}

/* ---- What changes the meaning of everything else ----------------------------------------- */

/*
 * Code that comes with the model may compute anything under a known model_type (some
 * say "bert" and mean ALiBi).  Only an own tokenizer leaves the encoder alone, and code
 * that the row says it stands for.
 */
static bool known_code(const struct bert__config *c)
{
    bert_text remote = remote_class(c);
    const char *known = c->arch->remote_config;

    return known && remote.data && strlen(known) == remote.size
           && memcmp(known, remote.data, remote.size) == 0;
}

static bert_status refuse_remote_code(const struct bert__config *c, bert_error *err)
{
    const struct bert__json *map = bert__json_find(c->json, "auto_map");
    char key[84], name[84];

    if (!map || known_code(c))
        return BERT_OK;
    if (map->type != BERT__JSON_OBJECT)
        return bert__fail(err, BERT_EFORMAT, "%s: \"auto_map\" is %s; expected an object", c->path,
                          bert__json_type_name(map));
    for (size_t i = 0; i < map->u.object.count; i++) {
        const struct bert__json_member *m = &map->u.object.members[i];
        bool string = m->value.type == BERT__JSON_STRING;

        if (m->key.size == 13 && memcmp(m->key.data, "AutoTokenizer", 13) == 0)
            continue;
        return bert__fail(
            err, BERT_EUNSUPPORTED,
            "%s: \"auto_map\": \"%s\" is \"%s\": the model brings its own code, which "
            "is never run",
            c->path, bert__printable(key, m->key.data, m->key.size),
            string ? bert__printable(name, m->value.u.string.data, m->value.u.string.size) : "...");
    }
    return BERT_OK;
}

static bert_status refuse_quantised(const struct bert__config *c, bert_error *err)
{
    const struct bert__json *value = bert__json_find(c->json, "quantization_config");
    const struct bert__json *method = bert__json_find(value, "quant_method");
    char name[84] = "?";

    if (!value)
        return BERT_OK;
    if (bert__json_is(method, BERT__JSON_STRING))
        bert__printable(name, method->u.string.data, method->u.string.size);
    return bert__fail(
        err, BERT_EUNSUPPORTED,
        "%s: \"quantization_config\" (quant_method \"%s\"): quantised checkpoints are "
        "not handled; use the F32, F16 or BF16 one",
        c->path, name);
}

/* Weights beside the model's own: of PEFT, of the adapters library, of a model's own code. */
static bert_status refuse_adapters(const struct bert__config *c, bert_error *err)
{
    const struct bert__json *values[] = {
        bert__json_get(c->json, "peft_type"),
        bert__json_get(c->json, "lora_adaptations"),
        bert__json_find(bert__json_find(c->json, "adapters"), "adapters"),
    };
    static const char *const keys[] = {"peft_type", "lora_adaptations", "adapters"};

    for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
        const struct bert__json *v = values[i];

        if (!v || v->type == BERT__JSON_NULL
            || (v->type == BERT__JSON_ARRAY && v->u.array.count == 0)
            || (v->type == BERT__JSON_OBJECT && v->u.object.count == 0))
            continue;
        return bert__fail(err, BERT_EUNSUPPORTED,
                          "%s: \"%s\": adapters are not handled; merge them into the model",
                          c->path, keys[i]);
    }
    return BERT_OK;
}

/* The reference applies what it finds there. */
static bert_status refuse_adapter_file(struct bert__source *source, struct bert__arena *arena,
                                       const char *directory, bert_error *err)
{
    const char *name = bert__join_name(arena, directory, "adapter_config.json");
    struct bert__file *file;
    bert_status status;

    if (!name)
        return bert__alloc_fail(arena->alloc, "a name", err);
    status = bert__source_open(source, name, 1, &file, err);
    if (status || !file)
        return status;
    status =
        bert__fail(err, BERT_EUNSUPPORTED,
                   "%s: an adapter (LoRA and the like); they are not handled: merge it into its "
                   "model and save that",
                   bert__file_path(file));
    bert__file_close(file);
    return status;
}

static bert_status refuse_flag(const struct bert__config *c, const char *key, const char *why,
                               bert_error *err)
{
    bool set = false;
    bert_status status = bert__json_read_bool(c->json, c->path, key, &set, err);

    if (status || !set)
        return status;
    return bert__fail(err, BERT_EUNSUPPORTED, "%s: \"%s\" is true: %s", c->path, key, why);
}

/*
 * Read past on purpose, since the reference (transformers 5.23) reads past them too:
 * chunk_size_feed_forward, pruned_heads, dropouts, dtype.
 */
static bert_status refuse_unhandled(const struct bert__config *c, bert_error *err)
{
    const struct bert__json *per_layer = bert__json_find(c->json, "per_layer_config");
    bert_status status = refuse_remote_code(c, err);

    if (!status)
        status = refuse_quantised(c, err);
    if (!status)
        status = refuse_adapters(c, err);
    if (!status)
        status = refuse_flag(c, "is_decoder", "a decoder, not an encoder", err);
    if (!status)
        status = refuse_flag(c, "add_cross_attention", "a decoder, not an encoder", err);
    if (!status && per_layer
        && !(per_layer->type == BERT__JSON_OBJECT && per_layer->u.object.count == 0))
        status = bert__fail(err, BERT_EUNSUPPORTED,
                            "%s: \"per_layer_config\": layers of different shapes are not handled",
                            c->path);
    return status;
}

/* ---- Numbers ------------------------------------------------------------------------------- */

/* As bert__json_read_u32 from 1, but a whole number that is only too large is BERT_ELIMIT,
 * and null is no number: the reference refuses it. */
bert_status bert__config_size(const struct bert__config *c, const char *key, uint32_t standard,
                              uint32_t max, uint32_t *out, bert_error *err)
{
    const struct bert__json *value = key ? bert__json_get(c->json, key) : NULL;

    *out = standard;
    if (!value)
        return BERT_OK;
    if (value->type == BERT__JSON_NULL)
        return bert__fail(err, BERT_EFORMAT, "%s: \"%s\" is null; expected a whole number", c->path,
                          key);
    if (value->type == BERT__JSON_NUMBER && value->is_integer && value->u.integer > max)
        return bert__fail(err, BERT_ELIMIT, "%s: \"%s\" is %lld; at most %lu is handled", c->path,
                          key, (long long)value->u.integer, (unsigned long)max);
    return bert__json_read_u32(c->json, c->path, key, 1, max, out, err);
}

/* 0: the family may do without. */
static bool has_no_types(const struct bert__config *c)
{
    const struct bert__json *types = bert__json_find(c->json, "type_vocab_size");

    return c->arch->types_may_be_none && bert__json_is(types, BERT__JSON_NUMBER)
           && types->is_integer && types->u.integer == 0;
}

static bert_status read_sizes(struct bert__config *c, uint32_t max_layers, bert_error *err)
{
    const struct bert__config_keys *k = &c->keys;
    const struct bert__config_defaults *d = &c->arch->defaults;
    const struct {
        const char *key;
        uint32_t standard, max;
        uint32_t *out;
    } sizes[] = {
        {k->hidden_size, d->hidden_size, MAX_WIDTH, &c->hidden_size},
        {k->layers, d->layers, max_layers ? max_layers : DEFAULT_MAX_LAYERS, &c->layers},
        {k->heads, d->heads, MAX_HEADS, &c->heads},
        {k->intermediate_size, d->intermediate_size, MAX_INNER, &c->intermediate_size},
        {k->vocab_size, d->vocab_size, MAX_VOCAB, &c->vocab_size},
        {k->max_positions, d->max_positions, MAX_POSITIONS, &c->max_positions},
        {k->type_vocab_size, d->type_vocab_size, MAX_TYPES, &c->type_vocab_size},
        {k->embedding_size, d->embedding_size, MAX_WIDTH, &c->embedding_size},
        {k->layer_groups, d->layer_groups, DEFAULT_MAX_LAYERS, &c->groups},
        {k->inner_layers, d->inner_layers, DEFAULT_MAX_LAYERS, &c->inner_layers},
    };

    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        bert_status status;

        if (sizes[i].out == &c->type_vocab_size && has_no_types(c))
            continue;
        status =
            bert__config_size(c, sizes[i].key, sizes[i].standard, sizes[i].max, sizes[i].out, err);

        if (status)
            return status;
    }
    if (c->embedding_size == 0)
        c->embedding_size = c->hidden_size;
    return BERT_OK;
}

/* How many positions the table leaves for tokens. */
static bert_status read_positions(struct bert__config *c, bert_error *err)
{
    const struct bert__config_keys *k = &c->keys;
    bert_status status = BERT_OK;

    bool added = c->arch->position != BERT__POSITION_NONE;

    if (c->keys.absolute_too)
        status = bert__json_read_bool(c->json, c->path, c->keys.absolute_too, &added, err);
    if (status)
        return status;
    c->position_rows = added ? c->max_positions + c->arch->defaults.first_position : 0;
    c->pad_token_id = c->arch->defaults.pad_token_id;
    if (k->pad_token_id)
        status = bert__json_read_u32(c->json, c->path, k->pad_token_id, 0, MAX_VOCAB,
                                     &c->pad_token_id, err);
    if (c->position == BERT__POSITION_NONE)
        c->position_rows = 0;
    if (c->only_length > 0)
        c->max_positions = c->only_length;
    if (status || c->position != BERT__POSITION_AFTER_PADDING)
        return status;
    if (c->position_rows <= c->pad_token_id + 1)
        return bert__fail(err, BERT_EFORMAT,
                          "%s: \"%s\" %u leaves no position after the padding id %u", c->path,
                          k->max_positions, c->position_rows, c->pad_token_id);
    c->max_positions = c->position_rows - c->pad_token_id - 1;
    return BERT_OK;
}

/* ---- Layers that share weights --------------------------------------------------------------- */

static bert_status read_sharing(struct bert__config *c, bert_error *err)
{
    if (c->inner_layers == 0)
        c->inner_layers = 1;
    if (c->inner_layers > MAX_DEPTH / c->layers)
        return bert__fail(err, BERT_ELIMIT, "%s: %u layers of %u inside are too many", c->path,
                          c->layers, c->inner_layers);
    c->depth = c->layers * c->inner_layers;
    return BERT_OK;
}

static bert_status read_task_types(struct bert__config *c, bert_error *err)
{
    const struct bert__config_keys *k = &c->keys;
    bool used = false;
    bert_status status = BERT_OK;

    if (!k->use_task_types)
        return BERT_OK;
    status = bert__json_read_bool(c->json, c->path, k->use_task_types, &used, err);
    if (status || !used)
        return status;
    return bert__config_size(c, k->task_types, c->arch->defaults.task_types, MAX_TYPES,
                             &c->task_types, err);
}

uint32_t bert__config_layers(const struct bert__config *c)
{
    return c->groups == 0 ? c->layers : c->groups * c->inner_layers;
}

/* The group of layer i as the reference finds it: int(i / (layers / groups)), in double
 * also where it doesn't divide (transformers, AlbertTransformer.forward). */
uint32_t bert__config_layer_at(const struct bert__config *c, uint32_t depth)
{
    double per_group;

    if (c->groups == 0)
        return depth;
    per_group = (double)c->layers / (double)c->groups;
    return (uint32_t)((double)(depth / c->inner_layers) / per_group) * c->inner_layers
           + depth % c->inner_layers;
}

static bert_status read_eps(struct bert__config *c, bert_error *err)
{
    const char *key = c->keys.norm_eps;
    double eps = c->arch->defaults.norm_eps;
    bert_status status = BERT_OK;

    if (bert__json_is(key ? bert__json_get(c->json, key) : NULL, BERT__JSON_NULL))
        return bert__fail(err, BERT_EFORMAT, "%s: \"%s\" is null; expected a number", c->path, key);
    if (key)
        status = bert__json_read_double(c->json, c->path, key, &eps, err);
    if (status)
        return status;
    if (!(eps >= 0) || eps > FLT_MAX)
        return bert__fail(err, BERT_EFORMAT, "%s: \"%s\" is %g; expected a number from 0 on",
                          c->path, key, eps);
    c->norm_eps = (float)eps;
    return BERT_OK;
}

bert_status bert__config_name(const struct bert__config *c, struct bert__arena *arena,
                              const char *key, const char *standard, const char **out,
                              bert_error *err)
{
    const struct bert__json *value = key ? bert__json_get(c->json, key) : NULL;

    *out = standard;
    if (!value)
        return BERT_OK;
    if (value->type != BERT__JSON_STRING)
        return bert__fail(err, BERT_EFORMAT, "%s: \"%s\" is %s; expected a string", c->path, key,
                          bert__json_type_name(value));
    if (memchr(value->u.string.data, 0, value->u.string.size))
        return bert__fail(err, BERT_EFORMAT, "%s: \"%s\" holds a NUL", c->path, key);
    *out = bert__arena_string(arena, value->u.string.data, value->u.string.size);
    return *out ? BERT_OK : bert__alloc_fail(arena->alloc, c->path, err);
}

static bert_status read_ffn_activation(struct bert__config *c, bert_error *err)
{
    const struct bert__activation_name *known = c->arch->ffn_activations;
    bert_text given = {NULL, 0};
    char name[84];
    bert_status status;

    c->ffn_activation = c->activation;
    if (!known)
        return BERT_OK;
    status = bert__json_read_string(c->json, c->path, c->keys.ffn_activation, &given, err);
    if (status)
        return status;
    if (!given.data)
        return bert__fail(err, BERT_EFORMAT, "%s: \"%s\" is missing", c->path,
                          c->keys.ffn_activation);
    for (; known->value; known++)
        if (strlen(known->value) == given.size && !memcmp(known->value, given.data, given.size)) {
            c->ffn_activation = known->activation;
            return BERT_OK;
        }
    return bert__fail(err, BERT_EUNSUPPORTED, "%s: \"%s\" \"%s\" is not supported", c->path,
                      c->keys.ffn_activation, bert__printable(name, given.data, given.size));
}

/* ---- Labels ---------------------------------------------------------------------------------- */

/* Decimal, without sign or leading zeros, below n. */
static bool read_id(const bert_text *key, uint32_t n, uint32_t *out)
{
    uint64_t id = 0;

    if (!key->size || key->size > 7 || (key->data[0] == '0' && key->size > 1))
        return false;
    for (size_t i = 0; i < key->size; i++) {
        if (key->data[i] < '0' || key->data[i] > '9')
            return false;
        id = id * 10 + (uint64_t)(key->data[i] - '0');
    }
    *out = (uint32_t)id;
    return id < n;
}

/* A number is taken for its digits, as Python would show it. */
static const char *label_text(struct bert__arena *arena, const struct bert__json *value)
{
    char digits[24];
    int n;

    if (value->type == BERT__JSON_STRING)
        return bert__arena_string(arena, value->u.string.data, value->u.string.size);
    n = snprintf(digits, sizeof(digits), "%lld", (long long)value->u.integer);
    return bert__arena_string(arena, digits, (size_t)n);
}

static bert_status read_label(struct bert__config *c, struct bert__arena *arena,
                              const struct bert__json_member *m, bert_error *err)
{
    char key[84];
    uint32_t id;

    bert__printable(key, m->key.data, m->key.size);
    if (!read_id(&m->key, c->n_labels, &id))
        return bert__fail(err, BERT_EFORMAT,
                          "%s: \"id2label\": \"%s\" is no id; expected 0 to %u without gaps",
                          c->path, key, c->n_labels - 1);
    if (m->value.type != BERT__JSON_STRING
        && !(m->value.type == BERT__JSON_NUMBER && m->value.is_integer))
        return bert__fail(err, BERT_EFORMAT, "%s: \"id2label\": \"%s\" is %s; expected a string",
                          c->path, key, bert__json_type_name(&m->value));
    if (m->value.type == BERT__JSON_STRING
        && memchr(m->value.u.string.data, 0, m->value.u.string.size))
        return bert__fail(err, BERT_EFORMAT, "%s: \"id2label\": \"%s\" holds a NUL", c->path, key);
    c->labels[id] = label_text(arena, &m->value);
    return c->labels[id] ? BERT_OK : bert__alloc_fail(arena->alloc, c->path, err);
}

static bert_status make_label(struct bert__config *c, struct bert__arena *arena, uint32_t id,
                              bert_error *err)
{
    char text[24];
    int n = snprintf(text, sizeof(text), "LABEL_%u", id);

    c->labels[id] = bert__arena_string(arena, text, (size_t)n);
    return c->labels[id] ? BERT_OK : bert__alloc_fail(arena->alloc, c->path, err);
}

/* id2label; a num_labels that differs from its length wins and names them LABEL_0 ...,
 * as in the reference.  Ids are unique and below the count, so there is no gap. */
static bert_status read_labels(struct bert__config *c, struct bert__arena *arena, bert_error *err)
{
    const struct bert__json *map;
    uint32_t count = 0;
    size_t bytes;
    bool named;
    bert_status status =
        bert__json_read_container(c->json, c->path, "id2label", BERT__JSON_OBJECT, &map, err);

    if (status)
        return status;
    if (map && map->u.object.count > MAX_LABELS)
        return bert__fail(err, BERT_ELIMIT,
                          "%s: \"id2label\" has %zu labels; at most %d are handled", c->path,
                          map->u.object.count, MAX_LABELS);
    if (map)
        count = (uint32_t)map->u.object.count;
    status = bert__json_read_u32(c->json, c->path, "num_labels", 0, MAX_LABELS, &count, err);
    if (status || !count)
        return status;
    named = map && count == map->u.object.count;
    if (!bert__size_mul(count, sizeof(*c->labels), &bytes)
        || !(c->labels = bert__arena_get(arena, bytes)))
        return bert__alloc_fail(arena->alloc, c->path, err);
    c->n_labels = count;
    for (uint32_t i = 0; i < count && !status; i++)
        status = named ? read_label(c, arena, &map->u.object.members[i], err)
                       : make_label(c, arena, i, err);
    return status;
}

bert_status bert__config_load(struct bert__config *config, struct bert__arena *arena,
                              struct bert__source *source, const char *directory,
                              uint32_t max_layers, bert_error *err)
{
    struct bert__json_file file;
    bert_status status;

    memset(config, 0, sizeof(*config));
    status = refuse_adapter_file(source, arena, directory, err);
    if (status)
        return status;
    status = bert__json_file(&file, arena, source, directory, "config.json", 0, BERT__CONFIG_BYTES,
                             BERT__JSON_OBJECT, err);
    config->json = file.root;
    config->path = file.path;
    if (!status)
        status = read_family(config, err);
    if (!status)
        status = refuse_unhandled(config, err);
    if (!status)
        status = read_sizes(config, max_layers, err);
    if (!status)
        status = bert__config_inside(config, arena, err);
    if (!status)
        status = bert__config_attention(config, arena, err);
    if (!status)
        status = read_positions(config, err);
    if (!status)
        status = read_sharing(config, err);
    if (!status)
        status = read_task_types(config, err);
    if (!status)
        status = read_eps(config, err);
    if (!status)
        status = bert__config_name(config, arena, config->keys.activation,
                                   config->arch->defaults.activation, &config->activation, err);
    if (!status)
        status = read_ffn_activation(config, err);
    if (!status)
        status = read_labels(config, arena, err);
    return status;
}
