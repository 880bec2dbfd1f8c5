/* SPDX-License-Identifier: MIT */
/* config_layers.c - layers that aren't BERT's: narrower inside, of several FFNs, with heads that
 * are convolutions; and what goes into and out of them. */
#include <string.h>

#include "lib/base/error.h"
#include "lib/model/config_parts.h"

enum { MAX_INSIDE = 1 << 17, MAX_RATIO = 1 << 12, MAX_FFNS = 1 << 10, MAX_PLACES = 1 << 12 };

bert_status bert__config_odd(const struct bert__config *c, const char *key, uint32_t standard,
                             uint32_t max, uint32_t *out, bert_error *err)
{
    bert_status status = bert__config_size(c, key, standard, max, out, err);

    if (!status && *out % 2 == 0)
        status = bert__fail(err, BERT_EFORMAT, "%s: \"%s\" is %u; expected an odd number", c->path,
                            key, *out);
    return status;
}

/* The half of the heads that stays, each of half the width that it would have. */
static bert_status read_mixed(struct bert__config *c, bert_error *err)
{
    const struct bert__config_keys *k = &c->keys;
    uint32_t heads = c->heads, ratio;
    bert_status status;

    if (!k->head_ratio)
        return BERT_OK;
    status =
        bert__config_size(c, k->head_ratio, c->arch->defaults.head_ratio, MAX_RATIO, &ratio, err);
    if (!status)
        status = bert__config_odd(c, k->mix_size, c->arch->defaults.mix_size, MAX_PLACES,
                                  &c->mix_size, err);
    if (status)
        return status;
    c->heads = heads / ratio > 0 ? heads / ratio : 1;
    if (c->hidden_size % (2 * c->heads) != 0)
        return bert__fail(err, BERT_EFORMAT,
                          "%s: \"%s\" %u is not a multiple of twice the %u heads that \"%s\" %u "
                          "leaves of \"%s\" %u",
                          c->path, k->hidden_size, c->hidden_size, c->heads, k->head_ratio, ratio,
                          k->heads, heads);
    c->head_size = c->hidden_size / (2 * c->heads);
    return BERT_OK;
}

static bert_status read_flag(const struct bert__config *c, const char *key, bool standard,
                             bool *out, bert_error *err)
{
    *out = standard;
    return key ? bert__json_read_bool(c->json, c->path, key, out, err) : BERT_OK;
}

static bert_status read_bottleneck(struct bert__config *c, bert_error *err)
{
    const struct bert__config_keys *k = &c->keys;
    const struct bert__config_defaults *d = &c->arch->defaults;
    bool narrow, attention, shared;
    bert_status status = read_flag(c, k->bottleneck, d->bottleneck, &narrow, err);

    c->layer_size = c->hidden_size;
    if (status || !narrow)
        return status;
    status = bert__config_size(c, k->bottleneck_size, d->bottleneck_size, MAX_INSIDE,
                               &c->layer_size, err);
    if (!status)
        status = read_flag(c, k->bottleneck_attention, false, &attention, err);
    if (!status)
        status = read_flag(c, k->bottleneck_shared, d->bottleneck_shared, &shared, err);
    if (status)
        return status;
    c->bottleneck = attention ? BERT__BOTTLENECK_ALL
                    : shared  ? BERT__BOTTLENECK_KEYS
                              : BERT__BOTTLENECK_RESIDUAL;
    if (c->bottleneck == BERT__BOTTLENECK_RESIDUAL && c->layer_size != c->hidden_size)
        return bert__fail(err, BERT_EFORMAT,
                          "%s: without \"%s\" and \"%s\", queries and keys of \"%s\" %u can't read "
                          "\"%s\" %u",
                          c->path, k->bottleneck_attention, k->bottleneck_shared,
                          k->bottleneck_size, c->layer_size, k->hidden_size, c->hidden_size);
    return BERT_OK;
}

static bert_status read_norm_type(struct bert__config *c, struct bert__arena *arena,
                                  bert_error *err)
{
    const char *key = c->keys.norm_type, *type;
    bert_status status;

    if (!key)
        return BERT_OK;
    status = bert__config_name(c, arena, key, c->arch->defaults.norm_type, &type, err);
    if (status)
        return status;
    c->plain_norms = strcmp(type, "no_norm") == 0;
    if (!c->plain_norms && strcmp(type, "layer_norm") != 0)
        return bert__fail(err, BERT_EUNSUPPORTED,
                          "%s: \"%s\" \"%s\" is not supported; \"layer_norm\" and \"no_norm\" are",
                          c->path, key, type);
    return BERT_OK;
}

bert_status bert__config_inside(struct bert__config *c, struct bert__arena *arena, bert_error *err)
{
    const struct bert__config_keys *k = &c->keys;
    const struct bert__config_defaults *d = &c->arch->defaults;
    bool trigrams, dense = true;
    bert_status status = read_bottleneck(c, err);

    if (!status)
        status = read_mixed(c, err);
    if (!status)
        status = bert__config_size(c, k->ffn_count, d->ffn_count > 0 ? d->ffn_count : 1, MAX_FFNS,
                                   &c->ffn_count, err);
    if (!status)
        status = read_norm_type(c, arena, err);
    if (!status)
        status = read_flag(c, k->trigrams, d->trigrams, &trigrams, err);
    if (!status)
        status = read_flag(c, k->pooler_dense, true, &dense, err);
    if (status)
        return status;
    c->embedding_places = trigrams ? 3 : 1;
    c->pooler_is_first = !dense;
    return BERT_OK;
}
