/* SPDX-License-Identifier: MIT */
/* config_relative.c - disentangled attention, and the convolution that comes with it. */
#include <string.h>

#include "lib/base/error.h"
#include "lib/model/config_parts.h"

enum { MAX_SPAN = 1 << 20, MAX_CONV = 1 << 8 };

/* The word, without spaces around it and in lower case if `fold`, is `name`. */
static bool is_word(const char *word, size_t size, const char *name, bool fold)
{
    while (size > 0 && word[0] == ' ') {
        word++;
        size--;
    }
    while (size > 0 && word[size - 1] == ' ')
        size--;
    if (strlen(name) != size)
        return false;
    for (size_t i = 0; i < size; i++) {
        char c = word[i];

        if (fold && c >= 'A' && c <= 'Z')
            c = (char)(c - 'A' + 'a');
        if (c != name[i])
            return false;
    }
    return true;
}

/* Is `name` among what "|" parts?  *count: how many there are. */
static bool among(bert_text list, const char *name, uint32_t *count)
{
    bool found = false;
    size_t start = 0;

    *count = 0;
    for (size_t i = 0; i <= list.size; i++) {
        if (i < list.size && list.data[i] != '|')
            continue;
        found = is_word(list.data + start, i - start, name, true) || found;
        start = i + 1;
        ++*count;
    }
    return found;
}

static bool in_array(const struct bert__json *list, const char *name)
{
    for (size_t i = 0; i < list->u.array.count; i++)
        if (bert__json_equals(&list->u.array.items[i], name))
            return true;
    return false;
}

/* As the reference: a string is parted at "|", a list is taken as it is. */
static bert_status read_terms(struct bert__config *c, bert_error *err)
{
    const struct bert__json *terms = bert__json_find(c->json, c->keys.relative_terms);
    struct bert__relative *r = &c->relative;
    uint32_t count = 0;

    if (bert__json_is(terms, BERT__JSON_STRING)) {
        r->keys = among(terms->u.string, "c2p", &count);
        r->queries = among(terms->u.string, "p2c", &count);
    } else if (bert__json_is(terms, BERT__JSON_ARRAY)) {
        r->keys = in_array(terms, "c2p");
        r->queries = in_array(terms, "p2c");
        count = (uint32_t)(terms->u.array.count < MAX_CONV ? terms->u.array.count : MAX_CONV);
    } else if (terms) {
        return bert__fail(err, BERT_EFORMAT, "%s: \"%s\" is %s; expected a list or a string",
                          c->path, c->keys.relative_terms, bert__json_type_name(terms));
    }
    c->score_terms = 1 + (c->arch->counts_all_terms ? count : (uint32_t)r->keys + r->queries);
    return BERT_OK;
}

/* A number that may be -1, or anything else below 1, for none. */
static bert_status read_optional(const struct bert__config *c, const char *key, uint32_t *out,
                                 bert_error *err)
{
    const struct bert__json *value = key ? bert__json_find(c->json, key) : NULL;

    *out = 0;
    if (bert__json_is(value, BERT__JSON_NUMBER) && value->is_integer && value->u.integer < 1)
        return BERT_OK;
    return value ? bert__config_size(c, key, 0, MAX_SPAN, out, err) : BERT_OK;
}

static bert_status read_distances(struct bert__config *c, bert_error *err)
{
    struct bert__relative *r = &c->relative;
    bert_status status = read_optional(c, c->keys.relative_positions, &r->farthest, err);

    if (!status)
        status = read_optional(c, c->keys.relative_buckets, &r->buckets, err);
    if (!status && r->farthest == 0)
        r->farthest = c->max_positions;
    r->span = r->buckets > 0 ? r->buckets : r->farthest;
    /* the logarithmic scale starts at half of the buckets */
    if (!status && r->buckets > 0 && (r->buckets == 1 || r->farthest <= r->buckets / 2 + 1))
        status = bert__fail(err, BERT_EUNSUPPORTED, "%s: \"%s\" %u is no scale for distances to %u",
                            c->path, c->keys.relative_buckets, r->buckets, r->farthest);
    return status;
}

static bert_status read_norm(struct bert__config *c, bert_error *err)
{
    bert_text list = {NULL, 0};
    uint32_t count;
    bert_status status = BERT_OK;

    if (c->keys.relative_norm)
        status = bert__json_read_string(c->json, c->path, c->keys.relative_norm, &list, err);
    c->relative.normed = !status && list.data && among(list, "layer_norm", &count);
    return status;
}

static bert_status read_conv(struct bert__config *c, struct bert__arena *arena, bert_error *err)
{
    bert_status status;

    if (!c->keys.conv_size)
        return BERT_OK;
    status = read_optional(c, c->keys.conv_size, &c->conv_size, err);
    if (!status)
        status = bert__config_size(c, c->keys.conv_groups, 1, MAX_SPAN, &c->conv_groups, err);
    if (!status)
        status =
            bert__config_name(c, arena, c->keys.conv_activation, "tanh", &c->conv_activation, err);
    if (!status && (c->conv_size > MAX_CONV || (c->conv_size > 0 && c->conv_size % 2 == 0)))
        status = bert__fail(err, BERT_EUNSUPPORTED, "%s: \"%s\" is %u; odd sizes to %d are handled",
                            c->path, c->keys.conv_size, c->conv_size, MAX_CONV);
    if (!status && c->hidden_size % c->conv_groups != 0)
        status = bert__fail(err, BERT_EFORMAT, "%s: \"%s\" %u doesn't divide the hidden size %u",
                            c->path, c->keys.conv_groups, c->conv_groups, c->hidden_size);
    return status;
}

bert_status bert__config_relative(struct bert__config *c, struct bert__arena *arena,
                                  bert_error *err)
{
    bool on = false;
    bert_status status;

    c->score_terms = 1;
    if (c->arch->distance != BERT__DISTANCE_DISENTANGLED)
        return BERT_OK;
    status = read_terms(c, err);
    if (!status)
        status = bert__json_read_bool(c->json, c->path, c->keys.relative, &on, err);
    if (!status && on)
        status = read_distances(c, err);
    if (!status && c->keys.relative_shared)
        status = bert__json_read_bool(c->json, c->path, c->keys.relative_shared,
                                      &c->relative.shared, err);
    if (!status)
        status = read_norm(c, err);
    return status ? status : read_conv(c, arena, err);
}
