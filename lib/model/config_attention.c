/* SPDX-License-Identifier: MIT */
/* config_attention.c - heads, biases, rotary angles and local windows of a config.json. */
#include <math.h>
#include <string.h>

#include "lib/base/error.h"
#include "lib/base/size.h"
#include "lib/model/config_parts.h"

enum {
    MAX_HEAD = 1 << 12,
    MAX_WINDOW = 1 << 24,
    MAX_BUCKETS = 1 << 16,
    MAX_GROUPS = 1 << 12,
    MAX_CONV = 1 << 12,
    MAX_LANDMARKS = 1 << 12
};

/* ---- Heads ----------------------------------------------------------------------------- */

static const char *name_of(const char *key, const char *otherwise)
{
    return key ? key : otherwise;
}

static bert_status read_heads(struct bert__config *c, bert_error *err)
{
    const struct bert__config_keys *k = &c->keys;
    bert_status status = BERT_OK;

    c->kv_heads = 0;
    if (k->head_size)
        status =
            bert__json_read_u32(c->json, c->path, k->head_size, 1, MAX_HEAD, &c->head_size, err);
    if (!status && k->kv_heads)
        status = bert__json_read_u32(c->json, c->path, k->kv_heads, 1, c->heads, &c->kv_heads, err);
    if (status)
        return status;
    if (c->head_size == 0 && c->layer_size % c->heads != 0)
        return bert__fail(
            err, BERT_EFORMAT, "%s: \"%s\" %u is not a multiple of \"%s\" %u", c->path,
            c->bottleneck ? k->bottleneck_size : name_of(k->hidden_size, "hidden size"),
            c->layer_size, name_of(k->heads, "heads"), c->heads);
    if (c->head_size == 0)
        c->head_size = c->layer_size / c->heads;
    if (c->kv_heads == 0)
        c->kv_heads = c->heads;
    if (c->heads % c->kv_heads != 0)
        return bert__fail(err, BERT_EFORMAT, "%s: \"%s\" %u is not a multiple of \"%s\" %u",
                          c->path, name_of(k->heads, "heads"), c->heads, k->kv_heads, c->kv_heads);
    return BERT_OK;
}

/* ---- Biases ------------------------------------------------------------------------------ */

static bert_status read_biases(struct bert__config *c, bert_error *err)
{
    const struct bert__config_keys *k = &c->keys;
    const struct bert__config_defaults *d = &c->arch->defaults;
    const struct {
        const char *key;
        bool none;
        bool *out;
    } biases[] = {
        {k->attention_bias, d->no_attention_bias, &c->attention_bias},
        {k->ffn_bias, d->no_ffn_bias, &c->ffn_bias},
        {k->norm_bias, d->no_norm_bias, &c->norm_bias},
        {k->embedding_norm, d->no_embedding_norm, &c->embedding_norm},
    };

    for (size_t i = 0; i < sizeof(biases) / sizeof(*biases); i++) {
        bert_status status = BERT_OK;

        *biases[i].out = !biases[i].none;
        if (biases[i].key)
            status = bert__json_read_bool(c->json, c->path, biases[i].key, biases[i].out, err);
        if (status)
            return status;
    }
    return BERT_OK;
}

/* ---- Linear layers in groups --------------------------------------------------------------- */

static bert_status read_groups(struct bert__config *c, bert_error *err)
{
    uint32_t context = c->heads * c->head_size, inner = c->intermediate_size;
    const uint32_t widths[BERT__GROUPED_COUNT][2] = {
        {context, c->hidden_size}, {context, c->hidden_size}, {context, c->hidden_size},
        {context, c->hidden_size}, {inner, c->hidden_size},   {inner, c->hidden_size},
    };

    for (int i = 0; i < BERT__GROUPED_COUNT; i++) {
        const char *key = c->keys.linear_groups[i];
        uint32_t standard = c->arch->defaults.linear_groups[i], n;
        bert_status status =
            bert__config_size(c, key, standard ? standard : 1, MAX_GROUPS, &n, err);

        if (status)
            return status;
        if (widths[i][0] % n != 0 || widths[i][1] % n != 0)
            return bert__fail(err, BERT_EFORMAT,
                              "%s: \"%s\" %u does not divide the widths %u and %u", c->path,
                              name_of(key, "groups"), n, widths[i][0], widths[i][1]);
        c->linear_groups[i] = n;
    }
    return BERT_OK;
}

/* ---- Attention by landmarks ------------------------------------------------------------------ */

/* Landmarks are means of length / landmarks tokens, rounded down; the reference takes nothing but
 * texts that they cover. */
static bert_status read_landmarks(struct bert__config *c, bert_error *err)
{
    const struct bert__config_keys *k = &c->keys;
    uint32_t standard = c->arch->defaults.landmarks, n, length;
    bert_status status;

    if (!k->landmarks)
        return BERT_OK;
    status = bert__config_size(c, k->landmarks, standard, MAX_LANDMARKS, &n, err);
    if (!status)
        status = bert__config_size(c, k->landmark_length, standard, MAX_WINDOW, &length, err);
    if (!status && !bert__json_is(bert__json_get(c->json, k->value_conv), BERT__JSON_NULL))
        status = bert__config_odd(c, k->value_conv, c->arch->defaults.value_conv, MAX_CONV,
                                  &c->value_conv, err);
    if (status || n == length)
        return status;
    c->landmarks = n;
    c->only_length = length / n * n;
    if (c->only_length == 0 || c->only_length > c->max_positions)
        return bert__fail(err, BERT_EFORMAT,
                          "%s: \"%s\" %u and \"%s\" %u take no text of at most \"%s\" %u tokens",
                          c->path, k->landmarks, n, k->landmark_length, length, k->max_positions,
                          c->max_positions);
    return BERT_OK;
}

/* ---- Rotary angles ------------------------------------------------------------------------ */

/* A block of the reference's rope parameters: only the plain kind. */
static bert_status read_rope(const struct bert__config *c, const struct bert__json *block,
                             const char *what, double *theta, bert_error *err)
{
    const struct bert__json *type = bert__json_find(block, "rope_type");
    char name[84];

    if (!type)
        type = bert__json_find(block, "type");
    if (type && !bert__json_equals(type, "default"))
        return bert__fail(err, BERT_EUNSUPPORTED,
                          "%s: \"%s\": rope_type \"%s\" is not handled; \"default\" is", c->path,
                          what,
                          type->type == BERT__JSON_STRING
                              ? bert__printable(name, type->u.string.data, type->u.string.size)
                              : "...");
    return bert__json_read_double(block, c->path, "rope_theta", theta, err);
}

/* rope_parameters: one block, or one for each kind of layer. */
static bert_status read_rope_parameters(struct bert__config *c, bert_error *err)
{
    static const char *const kinds[2] = {"full_attention", "sliding_attention"};
    const struct bert__json *all;
    bert_status status = bert__json_read_container(c->json, c->path, "rope_parameters",
                                                   BERT__JSON_OBJECT, &all, err);

    if (status || !all)
        return status;
    if (!c->keys.local_theta)
        return read_rope(c, all, "rope_parameters", &c->rotary_theta[0], err);
    for (int i = 0; i < 2 && !status; i++)
        status = read_rope(c, bert__json_find(all, kinds[i]), "rope_parameters",
                           &c->rotary_theta[i], err);
    return status;
}

/*
 * The older rope_scaling, which is merged into rope_parameters.  "ntk" is of the code that
 * came with the models of type "new": base * factor, and every frequency / factor^(2 / head).
 */
static bert_status read_rope_scaling(struct bert__config *c, bert_error *err)
{
    const struct bert__json *block, *type;
    bert_status status =
        bert__json_read_container(c->json, c->path, "rope_scaling", BERT__JSON_OBJECT, &block, err);

    if (status || !block)
        return status;
    type = bert__json_find(block, "rope_type");
    if (!type)
        type = bert__json_find(block, "type");
    if (!c->arch->rotary_ntk || !bert__json_equals(type, "ntk"))
        return read_rope(c, block, "rope_scaling", &c->rotary_theta[0], err);
    c->rotary_ntk = 1;
    status = bert__json_read_double(block, c->path, "factor", &c->rotary_ntk, err);
    if (!status && (!(c->rotary_ntk > 0) || !isfinite(c->rotary_ntk)))
        status = bert__fail(err, BERT_EFORMAT,
                            "%s: \"rope_scaling\": \"factor\" is %g; expected a number above 0",
                            c->path, c->rotary_ntk);
    return status;
}

static bert_status check_theta(const struct bert__config *c, bert_error *err)
{
    for (int i = 0; i < 2; i++)
        if (!(c->rotary_theta[i] > 0) || !isfinite(c->rotary_theta[i]))
            return bert__fail(err, BERT_EFORMAT,
                              "%s: the base of the rotary angles is %g; expected a number above 0",
                              c->path, c->rotary_theta[i]);
    return BERT_OK;
}

static bert_status read_fraction(struct bert__config *c, bert_error *err)
{
    const char *key = c->keys.rotary_fraction;
    double fraction = 1;
    bert_status status =
        key ? bert__json_read_double(c->json, c->path, key, &fraction, err) : BERT_OK;

    if (status)
        return status;
    if (!(fraction > 0 && fraction <= 1))
        return bert__fail(err, BERT_EFORMAT, "%s: \"%s\" is %g; expected a share of a head",
                          c->path, key, fraction);
    c->rotary_size = (uint32_t)(fraction * c->head_size);
    if (c->rotary_size == 0 || c->rotary_size % 2 != 0)
        return bert__fail(err, BERT_EFORMAT,
                          "%s: %u values of a head of %u can't turn: rotary positions need pairs",
                          c->path, c->rotary_size, c->head_size);
    return BERT_OK;
}

static bert_status read_rotary(struct bert__config *c, bert_error *err)
{
    const struct bert__config_defaults *d = &c->arch->defaults;
    bert_status status = BERT_OK;

    if (c->distance != BERT__DISTANCE_ROTARY)
        return BERT_OK;
    if (c->keys.rotary_value)
        status =
            bert__json_read_bool(c->json, c->path, c->keys.rotary_value, &c->rotary_value, err);
    c->rotary_theta[0] = d->rotary_theta;
    c->rotary_theta[1] = d->local_theta != 0 ? d->local_theta : d->rotary_theta;
    if (!status && c->keys.rotary_theta)
        status = bert__json_read_double(c->json, c->path, c->keys.rotary_theta, &c->rotary_theta[0],
                                        err);
    if (!status && c->keys.local_theta)
        status =
            bert__json_read_double(c->json, c->path, c->keys.local_theta, &c->rotary_theta[1], err);
    if (!status)
        status = read_rope_scaling(c, err);
    if (!status)
        status = read_rope_parameters(c, err);
    if (!status)
        status = check_theta(c, err);
    return status ? status : read_fraction(c, err);
}

/* ---- Local layers ---------------------------------------------------------------------------- */

/* layer_types, a name for each layer. */
static bert_status read_layer_types(const struct bert__config *c, const struct bert__json *types,
                                    bool *local, bert_error *err)
{
    if (types->u.array.count != c->layers)
        return bert__fail(err, BERT_EFORMAT, "%s: \"layer_types\" has %zu entries for %u layers",
                          c->path, types->u.array.count, c->layers);
    for (uint32_t i = 0; i < c->layers; i++) {
        const struct bert__json *type = &types->u.array.items[i];

        local[i] = bert__json_equals(type, "sliding_attention");
        if (!local[i] && !bert__json_equals(type, "full_attention"))
            return bert__fail(err, BERT_EUNSUPPORTED,
                              "%s: \"layer_types\": entry %u is neither \"full_attention\" nor "
                              "\"sliding_attention\"",
                              c->path, i);
    }
    return BERT_OK;
}

static bert_status read_local(struct bert__config *c, struct bert__arena *arena, bert_error *err)
{
    const struct bert__config_defaults *d = &c->arch->defaults;
    const struct bert__json *types;
    uint32_t window = d->window, every = d->global_every;
    bool *local;
    bert_status status;

    if (!c->keys.window)
        return BERT_OK;
    status = bert__json_read_u32(c->json, c->path, c->keys.window, 0, MAX_WINDOW, &window, err);
    if (!status)
        status =
            bert__json_read_u32(c->json, c->path, c->keys.global_every, 1, MAX_WINDOW, &every, err);
    if (!status)
        status = bert__json_read_container(c->json, c->path, "layer_types", BERT__JSON_ARRAY,
                                           &types, err);
    if (status)
        return status;
    c->window = window / 2;
    c->local = local = bert__arena_get(arena, c->layers * sizeof(*local));
    if (!local)
        return bert__alloc_fail(arena->alloc, c->path, err);
    for (uint32_t i = 0; i < c->layers; i++)
        local[i] = i % every != 0;
    return types ? read_layer_types(c, types, local, err) : BERT_OK;
}

/* ---- Places ---------------------------------------------------------------------------------- */

/*
 * A key that the reference (transformers 5.23) reads past, "relative_key" and all, but for some
 * families; a value that no version ever had means another model.
 */
static bert_status check_position_type(const struct bert__config *c, bert_error *err)
{
    static const char key[] = "position_embedding_type";
    static const struct {
        const char *value;
        enum bert__distance distance; /* NONE: of any family */
    } known[] = {
        {"absolute", BERT__DISTANCE_NONE},
        {"relative_key", BERT__DISTANCE_NONE},
        {"relative_key_query", BERT__DISTANCE_NONE},
        {"rotary", BERT__DISTANCE_ROTARY},
        {"rope", BERT__DISTANCE_ROTARY},
        {"alibi", BERT__DISTANCE_ALIBI},
    };
    const struct bert__json *type = bert__json_get(c->json, key);
    char name[84];

    if (!type || type->type == BERT__JSON_NULL)
        return BERT_OK;
    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
        if (bert__json_equals(type, known[i].value)
            && (known[i].distance == BERT__DISTANCE_NONE || known[i].distance == c->distance))
            return BERT_OK;
    return bert__fail(err, BERT_EUNSUPPORTED, "%s: \"%s\" \"%s\" is not handled for type %s",
                      c->path, key,
                      type->type == BERT__JSON_STRING
                          ? bert__printable(name, type->u.string.data, type->u.string.size)
                          : bert__json_type_name(type),
                      c->arch->model_type);
}

static bert_status read_position_type(struct bert__config *c, bert_error *err)
{
    const char *key = c->keys.position_type;
    const struct bert__json *type = key ? bert__json_get(c->json, key) : NULL;
    char name[84];

    c->position = c->arch->position;
    c->distance = c->arch->distance;
    if (!key)
        return check_position_type(c, err);
    if (!type || bert__json_equals(type, "absolute"))
        return BERT_OK;
    if (!bert__json_equals(type, "rotary"))
        return bert__fail(err, BERT_EUNSUPPORTED,
                          "%s: \"%s\" \"%s\" is not handled; \"absolute\" and \"rotary\" are",
                          c->path, key,
                          type->type == BERT__JSON_STRING
                              ? bert__printable(name, type->u.string.data, type->u.string.size)
                              : bert__json_type_name(type));
    c->position = BERT__POSITION_NONE;
    c->distance = BERT__DISTANCE_ROTARY;
    return BERT_OK;
}

static bert_status read_token_dropout(struct bert__config *c, bert_error *err)
{
    const struct bert__config_keys *k = &c->keys;
    bert_status status = BERT_OK;

    if (k->token_dropout)
        status = bert__json_read_bool(c->json, c->path, k->token_dropout, &c->token_dropout, err);
    if (status || !c->token_dropout)
        return status;
    c->mask_token_id = UINT32_MAX;
    status = bert__json_read_u32(c->json, c->path, k->mask_token_id, 0, UINT32_MAX - 1,
                                 &c->mask_token_id, err);
    if (!status && c->mask_token_id == UINT32_MAX)
        status = bert__fail(err, BERT_EFORMAT, "%s: \"%s\" needs \"%s\", which is missing", c->path,
                            k->token_dropout, k->mask_token_id);
    return status;
}

/* ---- What a row takes for granted ---------------------------------------------------------------
 */

bool bert__config_is(const struct bert__json *value, const char *expected)
{
    switch (value->type) {
    case BERT__JSON_NULL:
        return strcmp(expected, "null") == 0;
    case BERT__JSON_FALSE:
        return strcmp(expected, "false") == 0;
    case BERT__JSON_TRUE:
        return strcmp(expected, "true") == 0;
    case BERT__JSON_STRING:
        return bert__json_equals(value, expected);
    case BERT__JSON_NUMBER:
    case BERT__JSON_ARRAY:
    case BERT__JSON_OBJECT:
        break;
    }
    return false;
}

static bert_status check_fixed(const struct bert__config *c, bert_error *err)
{
    const struct bert__config_fixed *f = c->arch->fixed;

    for (; f && f->key; f++) {
        const struct bert__json *value = bert__json_find(c->json, f->key);

        if (value && !bert__config_is(value, f->expected))
            return bert__fail(err, BERT_EUNSUPPORTED,
                              "%s: \"%s\" is not %s: such models of type %s are not handled",
                              c->path, f->key, f->expected, c->arch->model_type);
    }
    return BERT_OK;
}

bert_status bert__config_attention(struct bert__config *c, struct bert__arena *arena,
                                   bert_error *err)
{
    bert_status status = check_fixed(c, err);

    if (!status)
        status = read_position_type(c, err);
    if (!status)
        status = read_token_dropout(c, err);
    if (!status)
        status = read_heads(c, err);
    if (!status)
        status = read_groups(c, err);
    if (!status)
        status = read_landmarks(c, err);
    if (!status)
        status = read_biases(c, err);
    if (!status)
        status = bert__config_size(c, c->keys.distance_buckets, c->arch->defaults.distance_buckets,
                                   MAX_BUCKETS, &c->distance_buckets, err);
    if (!status)
        status = read_rotary(c, err);
    if (!status)
        status = bert__config_relative(c, arena, err);
    return status ? status : read_local(c, arena, err);
}
