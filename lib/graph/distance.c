/* SPDX-License-Identifier: MIT */
/* distance.c - tables by which the distance of two tokens enters attention, made at load. */
#include "lib/graph/distance.h"

#include <math.h>
#include <string.h>

#include "lib/base/error.h"
#include "lib/base/size.h"
#include "lib/graph/names.h"
#include "lib/graph/pack.h"

static bert_status reserve(struct bert__network *net, struct bert__table *table, size_t rows,
                           size_t columns, bert_error *err)
{
    if (bert__size_mul(rows, columns, &table->count))
        table->owned = bert__alloc_array(net->alloc, table->count, sizeof *table->owned);
    return table->owned != NULL ? BERT_OK
                                : bert__alloc_fail(net->alloc, "a table of distances", err);
}

/* ---- A learned bias for each bucket of distances ----------------------------------------- */

/* T5's buckets, these whatever the config says (transformers, relative_position_bucket()): half of
 * them for each direction, in each a half for single distances and the rest for a logarithmic
 * scale. */
enum { BUCKETS = 32, SIDE = BUCKETS / 2, EXACT = SIDE / 2 };
#define FARTHEST 128.0

static uint32_t bucket_of(int64_t distance)
{
    uint32_t side = distance > 0 ? SIDE : 0;
    uint64_t n = (uint64_t)(distance < 0 ? -distance : distance);
    float scaled; /* the reference computes in float */

    if (n < EXACT)
        return side + (uint32_t)n;
    scaled = (float)log((double)((float)n / (float)EXACT));
    scaled = scaled / (float)log(FARTHEST / EXACT) * (float)(SIDE - EXACT);
    return side + (scaled < (float)(SIDE - EXACT - 1) ? EXACT + (uint32_t)scaled : SIDE - 1);
}

/* [buckets][heads] of the file as [heads][2 reach + 1] by distance. */
static bert_status load_buckets(struct bert__network *net, struct bert__weights *weights,
                                bert_error *err)
{
    struct bert__distances *d = &net->distance;
    uint32_t heads = net->config->heads;
    uint64_t shape[2] = {net->config->distance_buckets, heads};
    struct bert__table learned = {.owned = NULL};
    const struct bert__tensor *tensor;
    char name[BERT__NAME_BYTES], full[BERT__NAME_BYTES];
    bert_status st = bert__name_join(name, net->prefix, net->names->distance_bias, err);

    if (shape[0] < BUCKETS)
        return bert__fail(err, BERT_EUNSUPPORTED, "%s: \"%s\" is %lu; at least %d are needed",
                          net->config->path, net->config->keys.distance_buckets,
                          (unsigned long)shape[0], BUCKETS);
    if (st == BERT_OK)
        st = bert__name_join(full, name, ".weight", err);
    if (st == BERT_OK)
        st = bert__weights_need(weights, full, 2, shape, &tensor, err);
    if (st == BERT_OK) {
        learned.count = tensor->count;
        net->parameters += tensor->count;
        st = bert__table_read(net, weights, tensor, &learned, err);
    }
    d->stride = 2 * (size_t)d->reach + 1;
    if (st == BERT_OK)
        st = reserve(net, &d->bias, heads, d->stride, err);
    for (size_t i = 0; st == BERT_OK && i < d->stride; i++) {
        uint32_t bucket = bucket_of((int64_t)i - d->reach);

        for (uint32_t h = 0; h < heads; h++)
            d->bias.owned[h * d->stride + i] = learned.owned[bucket * heads + h];
    }
    bert__table_free(net, &learned);
    return st == BERT_OK ? bert__table_give(net, &d->bias, err) : st;
}

/* ---- A slope for each head ------------------------------------------------------------------ */

/* ALiBi (Press et al. 2022): 2^(-8/n), its square, ... for n = 2^k heads; for others those of the
 * next smaller 2^k, then every other of the next larger.  Exact in double. */
static double slope_of(uint32_t head, uint32_t heads)
{
    uint32_t whole = 1;

    while (whole <= heads / 2)
        whole *= 2;
    if (head < whole)
        return exp2(-8.0 * (head + 1) / whole);
    return exp2(-4.0 * (2 * (head - whole) + 1) / whole);
}

/* Minus the distance times the slope. */
static bert_status make_alibi(struct bert__network *net, bert_error *err)
{
    struct bert__distances *d = &net->distance;
    uint32_t heads = net->config->heads;
    bert_status st;

    d->stride = 2 * (size_t)d->reach + 1;
    st = reserve(net, &d->bias, heads, d->stride, err);
    for (uint32_t h = 0; st == BERT_OK && h < heads; h++) {
        float slope = (float)slope_of(h, heads);

        for (size_t i = 0; i < d->stride; i++) {
            size_t far = i < d->reach ? d->reach - i : i - d->reach;

            d->bias.owned[h * d->stride + i] = -slope * (float)far;
        }
    }
    return st == BERT_OK ? bert__table_give(net, &d->bias, err) : st;
}

/* ---- Local windows --------------------------------------------------------------------------- */

static bert_status make_mask(struct bert__network *net, bert_error *err)
{
    struct bert__distances *d = &net->distance;
    uint32_t window = net->config->window;
    bert_status st = reserve(net, &d->mask, 1, 2 * (size_t)d->reach + 1, err);

    for (size_t i = 0; st == BERT_OK && i < d->mask.count; i++) {
        size_t far = i < d->reach ? d->reach - i : i - d->reach;

        d->mask.owned[i] = far <= window ? 0.0f : -INFINITY;
    }
    return st == BERT_OK ? bert__table_give(net, &d->mask, err) : st;
}

/* ---- Rotary angles ------------------------------------------------------------------------------
 */

/* Of pair i, rounded where the reference rounds. */
static float frequency(const struct bert__config *c, uint32_t kind, uint32_t i)
{
    double base = c->rotary_theta[kind] * (c->rotary_ntk != 0 ? c->rotary_ntk : 1);
    float exponent = (float)(2 * i) / (float)c->rotary_size;
    float inverse = 1.0f / (float)pow((double)(float)base, (double)exponent);

    if (c->rotary_ntk != 0)
        inverse /= (float)pow(c->rotary_ntk, 2.0 / (double)c->rotary_size);
    return inverse;
}

/* By the config's base, or by the given angles of one step. */
static bert_status make_angles(struct bert__network *net, uint32_t kind, const float *inverse,
                               bert_error *err)
{
    const struct bert__config *c = net->config;
    struct bert__table *cosines = &net->distance.cosines[kind], *sines = &net->distance.sines[kind];
    uint32_t half = c->rotary_size / 2;
    bert_status st = reserve(net, cosines, c->max_positions, half, err);

    if (st == BERT_OK)
        st = reserve(net, sines, c->max_positions, half, err);
    for (uint32_t i = 0; st == BERT_OK && i < half; i++) {
        float turn = inverse != NULL ? inverse[i] : frequency(c, kind, i);

        for (uint32_t place = 0; place < c->max_positions; place++) {
            float angle = (float)place * turn;

            cosines->owned[(size_t)place * half + i] = (float)cos((double)angle);
            sines->owned[(size_t)place * half + i] = (float)sin((double)angle);
        }
    }
    if (st == BERT_OK)
        st = bert__table_give(net, cosines, err);
    return st == BERT_OK ? bert__table_give(net, sines, err) : st;
}

/* The angles of one step that the file has, if any. */
static bert_status read_inverse(struct bert__network *net, struct bert__weights *weights,
                                float **out, bert_error *err)
{
    const char *const *names = net->names->rotary_inverse;
    uint64_t half = net->config->rotary_size / 2;
    const struct bert__tensor *tensor;
    char full[BERT__NAME_BYTES];
    bert_status st;

    for (; names != NULL && *names != NULL; names++) {
        st = bert__name_join(full, net->prefix, *names, err);
        if (st != BERT_OK)
            return st;
        if (bert__weights_find(weights, full) == NULL)
            continue;
        st = bert__weights_need(weights, full, 1, &half, &tensor, err);
        if (st == BERT_OK)
            *out = bert__alloc_array(net->alloc, half, sizeof **out);
        if (st == BERT_OK && *out == NULL)
            return bert__alloc_fail(net->alloc, full, err);
        return st == BERT_OK ? bert__weights_read(weights, tensor, 0, half, *out, err) : st;
    }
    return BERT_OK;
}

/* sin and cos of place * 10000^(-2i / head), as the file has them or as the reference fills the
 * table when it makes one (RoFormerSinusoidalPositionalEmbedding). */
static bert_status load_angle_table(struct bert__network *net, struct bert__weights *weights,
                                    bool *found, bert_error *err)
{
    struct bert__table *cosines = &net->distance.cosines[0], *sines = &net->distance.sines[0];
    uint32_t rows = net->config->max_positions, half = net->config->rotary_size / 2;
    uint64_t shape[2] = {rows, 2 * (uint64_t)half};
    const struct bert__tensor *tensor = NULL;
    char full[BERT__NAME_BYTES];
    bert_status st;

    *found = net->names->rotary_table != NULL;
    if (!*found)
        return BERT_OK;
    st = bert__name_join(full, net->prefix, net->names->rotary_table, err);
    if (st == BERT_OK && bert__weights_find(weights, full) != NULL)
        st = bert__weights_need(weights, full, 2, shape, &tensor, err);
    if (st == BERT_OK)
        st = reserve(net, cosines, rows, half, err);
    if (st == BERT_OK)
        st = reserve(net, sines, rows, half, err);
    for (size_t row = 0; st == BERT_OK && row < rows; row++) {
        float *s = sines->owned + row * half, *c = cosines->owned + row * half;

        if (tensor == NULL) {
            for (uint32_t i = 0; i < half; i++) {
                double angle = (double)row / pow(10000, (double)i / (double)half);

                s[i] = (float)sin(angle);
                c[i] = (float)cos(angle);
            }
            continue;
        }
        st = bert__weights_read(weights, tensor, row * 2 * half, half, s, err);
        if (st == BERT_OK)
            st = bert__weights_read(weights, tensor, (row * 2 + 1) * half, half, c, err);
    }
    if (st == BERT_OK)
        st = bert__table_give(net, cosines, err);
    return st == BERT_OK ? bert__table_give(net, sines, err) : st;
}

static bert_status load_rotary(struct bert__network *net, struct bert__weights *weights,
                               bert_error *err)
{
    float *inverse = NULL;
    bool found = false;
    bert_status st = load_angle_table(net, weights, &found, err);

    if (st != BERT_OK || found)
        return st;
    st = read_inverse(net, weights, &inverse, err);
    if (st == BERT_OK)
        st = make_angles(net, 0, inverse, err);
    bert__alloc_free(net->alloc, inverse);

    return st == BERT_OK && net->config->local != NULL ? make_angles(net, 1, NULL, err) : st;
}

/* ---- The whole
 * ------------------------------------------------------------------------------------ */

bert_status bert__distance_load(struct bert__network *net, struct bert__weights *weights,
                                bert_error *err)
{
    const struct bert__config *c = net->config;
    bert_status st = BERT_OK;

    net->distance.reach = c->max_positions - 1;
    switch (c->distance) {
    case BERT__DISTANCE_NONE:
    case BERT__DISTANCE_DISENTANGLED: /* behind the layers: relative.c */
        break;
    case BERT__DISTANCE_BUCKETS:
        st = load_buckets(net, weights, err);
        break;
    case BERT__DISTANCE_ALIBI:
        st = make_alibi(net, err);
        break;
    case BERT__DISTANCE_ROTARY:
        st = load_rotary(net, weights, err);
        break;
    }
    return st == BERT_OK && c->local != NULL ? make_mask(net, err) : st;
}

void bert__distance_free(struct bert__network *net)
{
    bert__table_free(net, &net->distance.bias);
    bert__table_free(net, &net->distance.mask);
    bert__alloc_free(net->alloc, net->distance.rows);
    for (int i = 0; i < 2; i++) {
        bert__table_free(net, &net->distance.cosines[i]);
        bert__table_free(net, &net->distance.sines[i]);
    }
}
