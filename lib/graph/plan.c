/* SPDX-License-Identifier: MIT */
/* plan.c - a row and a config become steps. */
#include "lib/graph/plan.h"

#include <string.h>

#include "lib/base/error.h"
#include "lib/base/size.h"
#include "lib/graph/network.h"

enum { STEPS_AROUND = 9, STEPS_PER_LAYER = 20, STEPS_PER_FFN = 3 };

static struct bert__step *add(struct bert__plan *plan, enum bert__step_kind kind,
                              enum bert__buffer in, enum bert__buffer out)
{
    struct bert__step *step = &plan->steps[plan->n_steps++];

    step->kind = kind;
    step->in = in;
    step->out = out;
    step->residual = BERT__BUFFER_NONE;
    step->state = -1;
    return step;
}

static struct bert__step *add_linear(struct bert__plan *plan, enum bert__buffer in,
                                     enum bert__buffer out, const struct bert__linear *linear)
{
    struct bert__step *step = add(plan, BERT__STEP_LINEAR, in, out);

    step->linear = linear;
    return step;
}

static struct bert__step *add_norm(struct bert__plan *plan, enum bert__buffer in,
                                   enum bert__buffer out, const struct bert__norm *norm)
{
    struct bert__step *step = add(plan, BERT__STEP_NORM, in, out);

    step->norm = norm;
    return step;
}

static void add_unfold(struct bert__plan *plan, enum bert__buffer in, uint32_t size, bool backwards)
{
    struct bert__step *step = add(plan, BERT__STEP_UNFOLD, in, BERT__BUFFER_UNFOLDED);

    step->size = size;
    step->backwards = backwards;
}

/* The convolutions of mixed attention, from `in` to the second half of CONTEXT, by way of its first
 * and MIDDLE. */
static void add_mixed(struct bert__plan *plan, const struct bert__layer *layer, uint32_t depth,
                      enum bert__buffer in)
{
    add(plan, BERT__STEP_DEPTHWISE, in, BERT__BUFFER_MIDDLE)->layer = depth;
    add_linear(plan, BERT__BUFFER_MIDDLE, BERT__BUFFER_CONTEXT, &layer->mix_point);
    add(plan, BERT__STEP_MULTIPLY, BERT__BUFFER_QKV, BERT__BUFFER_CONTEXT);
    add_linear(plan, BERT__BUFFER_CONTEXT, BERT__BUFFER_CHOICES, &layer->mix_kernel);
    add(plan, BERT__STEP_MIX, BERT__BUFFER_QKV, BERT__BUFFER_CONTEXT);
}

/* Queries, keys and values. */
static void add_qkv(struct bert__plan *plan, const struct bert__network *network,
                    const struct bert__layer *layer, enum bert__buffer in)
{
    if (layer->value.matrix != NULL) {
        /* CONTEXT is free until attention writes it */
        add_linear(plan, in, BERT__BUFFER_CONTEXT, &layer->narrow_attention);
        add_norm(plan, BERT__BUFFER_CONTEXT, BERT__BUFFER_CONTEXT, &layer->narrow_attention_norm);
        add_linear(plan, in, BERT__BUFFER_QKV, &layer->value)->column = layer->qkv.n_out;
        in = BERT__BUFFER_CONTEXT;
    } else if (network->config->bottleneck == BERT__BOTTLENECK_ALL) {
        in = BERT__BUFFER_MIDDLE;
    }
    add_linear(plan, in, BERT__BUFFER_QKV, &layer->qkv);
}

/* From `in` to CONTEXT. */
static void add_attention(struct bert__plan *plan, const struct bert__network *network,
                          const struct bert__layer *layer, uint32_t depth, enum bert__buffer in)
{
    add_qkv(plan, network, layer, in);
    if (layer->mix_depth.count > 0)
        add_mixed(plan, layer, depth, in);
    if (layer->query_norm.gamma.count > 0)
        add_norm(plan, BERT__BUFFER_QKV, BERT__BUFFER_QKV, &layer->query_norm);
    if (layer->key_norm.gamma.count > 0)
        add_norm(plan, BERT__BUFFER_QKV, BERT__BUFFER_QKV, &layer->key_norm)->column =
            network->config->heads * network->config->head_size;
    if (network->config->rotary_size > 0)
        add(plan, BERT__STEP_ROTATE, BERT__BUFFER_QKV, BERT__BUFFER_QKV)->layer = depth;
    add(plan, BERT__STEP_ATTENTION, BERT__BUFFER_QKV, BERT__BUFFER_CONTEXT)->layer = depth;
    if (layer->value_conv.count > 0)
        add(plan, BERT__STEP_CONVOLVE, BERT__BUFFER_QKV, BERT__BUFFER_CONTEXT)->layer = depth;
}

/* From MIDDLE to FFN. */
static void add_ffn_up(struct bert__plan *plan, const struct bert__network *network,
                       const struct bert__layer *layer)
{
    struct bert__step *step =
        add_linear(plan, BERT__BUFFER_MIDDLE, BERT__BUFFER_FFN, &layer->ffn_up);

    if (network->ffn != BERT__FFN_PLAIN)
        step = add(plan, BERT__STEP_GATE, BERT__BUFFER_FFN, BERT__BUFFER_FFN);
    step->act = network->ffn_act;
}

/* The FFNs before the last, in MIDDLE. */
static void add_more(struct bert__plan *plan, const struct bert__network *network,
                     const struct bert__layer *layer)
{
    for (uint32_t j = 0; layer->more != NULL && j + 1 < network->config->ffn_count; j++) {
        const struct bert__more_ffn *more = &layer->more[j];

        add_linear(plan, BERT__BUFFER_MIDDLE, BERT__BUFFER_FFN, &more->up)->act = network->ffn_act;
        add_linear(plan, BERT__BUFFER_FFN, BERT__BUFFER_MIDDLE, &more->down)->residual =
            BERT__BUFFER_MIDDLE;
        add_norm(plan, BERT__BUFFER_MIDDLE, BERT__BUFFER_MIDDLE, &more->norm);
    }
}

/* The last FFN of a layer: to HIDDEN, by way of MIDDLE where the layer is narrower inside. */
static void add_post_norm_ffn(struct bert__plan *plan, const struct bert__network *network,
                              const struct bert__layer *layer)
{
    bool narrow = layer->narrow.matrix != NULL;
    enum bert__buffer to = narrow ? BERT__BUFFER_MIDDLE : BERT__BUFFER_HIDDEN;

    add_ffn_up(plan, network, layer);
    add_linear(plan, BERT__BUFFER_FFN, to, &layer->ffn_down)->residual = BERT__BUFFER_MIDDLE;
    add_norm(plan, to, to, &layer->ffn_norm);
    if (!narrow)
        return;
    add_linear(plan, to, BERT__BUFFER_HIDDEN, &layer->widen)->residual = BERT__BUFFER_HIDDEN;
    add_norm(plan, BERT__BUFFER_HIDDEN, BERT__BUFFER_HIDDEN, &layer->widen_norm);
}

/* Norms after the residuals, as in the original BERT. */
static void add_post_norm_layer(struct bert__plan *plan, const struct bert__network *network,
                                const struct bert__layer *layer, uint32_t depth)
{
    enum bert__buffer residual = BERT__BUFFER_HIDDEN;

    if (layer->narrow.matrix != NULL) {
        residual = BERT__BUFFER_MIDDLE;
        add_linear(plan, BERT__BUFFER_HIDDEN, residual, &layer->narrow);
        add_norm(plan, residual, residual, &layer->narrow_norm);
    }
    add_attention(plan, network, layer, depth, BERT__BUFFER_HIDDEN);
    add_linear(plan, BERT__BUFFER_CONTEXT, BERT__BUFFER_MIDDLE, &layer->attention_output)
        ->residual = residual;
    add_norm(plan, BERT__BUFFER_MIDDLE, BERT__BUFFER_MIDDLE, &layer->attention_norm);
    if (layer->second_norm.gamma.count > 0)
        add_norm(plan, BERT__BUFFER_MIDDLE, BERT__BUFFER_MIDDLE, &layer->second_norm)->residual =
            BERT__BUFFER_HIDDEN;
    add_more(plan, network, layer);
    add_post_norm_ffn(plan, network, layer);
    plan->steps[plan->n_steps - 1].state = (int32_t)depth + 1;
}

/* Norms before each half; HIDDEN is the residual stream. */
static void add_pre_norm_layer(struct bert__plan *plan, const struct bert__network *network,
                               const struct bert__layer *layer, uint32_t depth)
{
    bool normed = layer->attention_norm.gamma.count > 0;

    if (normed)
        add_norm(plan, BERT__BUFFER_HIDDEN, BERT__BUFFER_MIDDLE, &layer->attention_norm);
    add_attention(plan, network, layer, depth, normed ? BERT__BUFFER_MIDDLE : BERT__BUFFER_HIDDEN);
    add_linear(plan, BERT__BUFFER_CONTEXT, BERT__BUFFER_HIDDEN, &layer->attention_output)
        ->residual = BERT__BUFFER_HIDDEN;
    add_norm(plan, BERT__BUFFER_HIDDEN, BERT__BUFFER_MIDDLE, &layer->ffn_norm);
    add_ffn_up(plan, network, layer);
    add_linear(plan, BERT__BUFFER_FFN, BERT__BUFFER_HIDDEN, &layer->ffn_down)->residual =
        BERT__BUFFER_HIDDEN;
    plan->steps[plan->n_steps - 1].state = (int32_t)depth + 1;
}

/* Up to the first layer's input, which is hidden state 0. */
static void add_embeddings(struct bert__plan *plan, const struct bert__network *network)
{
    bool project = network->embedding_project.matrix != NULL;
    enum bert__buffer to = project ? BERT__BUFFER_EMBEDDING : BERT__BUFFER_HIDDEN;

    bool late = network->config->arch->norm_after_project;
    uint32_t places = network->config->embedding_places;

    add(plan, BERT__STEP_EMBED, BERT__BUFFER_NONE, to);
    if (places > 1)
        add_unfold(plan, to, places, true);
    if (project && late)
        add_linear(plan, places > 1 ? BERT__BUFFER_UNFOLDED : to, BERT__BUFFER_HIDDEN,
                   &network->embedding_project);
    if (network->config->arch->places_after_project)
        add(plan, BERT__STEP_PLACES, BERT__BUFFER_HIDDEN, BERT__BUFFER_HIDDEN);
    if (network->embedding_norm.gamma.count > 0 && late)
        to = BERT__BUFFER_HIDDEN;
    if (network->embedding_norm.gamma.count > 0)
        add_norm(plan, to, to, &network->embedding_norm);
    if (project && !late)
        add_linear(plan, to, BERT__BUFFER_HIDDEN, &network->embedding_project);
    plan->steps[plan->n_steps - 1].state = 0;
    if (network->conv.matrix != NULL)
        add_unfold(plan, BERT__BUFFER_HIDDEN, network->config->conv_size, false);
}

/* Beside layer 0, from the embeddings: norm(layer 0 + act(conv)) is hidden state 1. */
static void add_conv(struct bert__plan *plan, const struct bert__network *network)
{
    struct bert__step *step;

    plan->steps[plan->n_steps - 1].state = -1;
    step = add_linear(plan, BERT__BUFFER_UNFOLDED, BERT__BUFFER_MIDDLE, &network->conv);
    step->act = network->conv_act;
    step->residual = BERT__BUFFER_HIDDEN;
    add_norm(plan, BERT__BUFFER_MIDDLE, BERT__BUFFER_HIDDEN, &network->conv_norm)->state = 1;
}

static void add_layers(struct bert__plan *plan, const struct bert__network *network)
{
    const struct bert__config *config = network->config;

    for (uint32_t i = 0; i < config->depth; i++) {
        const struct bert__layer *layer = &network->layers[bert__config_layer_at(config, i)];

        if (config->arch->norm_place == BERT__NORM_PRE)
            add_pre_norm_layer(plan, network, layer, i);
        else
            add_post_norm_layer(plan, network, layer, i);
        if (i == 0 && network->conv.matrix != NULL)
            add_conv(plan, network);
    }
}

static uint32_t larger(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

/* Widths were bounded by the config's checks: their sums fit. */
static void lay_out_buffers(struct bert__plan *plan, const struct bert__network *network)
{
    const struct bert__config *config = network->config;
    uint32_t hidden = config->hidden_size, context = config->heads * config->head_size;
    uint32_t *width = plan->width, *offset = plan->offset;
    uint32_t mixed = config->mix_size > 0 ? context : 0;
    uint32_t attention, shared, layers;

    width[BERT__BUFFER_HIDDEN] = hidden;
    width[BERT__BUFFER_MIDDLE] = config->layer_size;
    width[BERT__BUFFER_QKV] = context + 2 * config->kv_heads * config->head_size + mixed;
    width[BERT__BUFFER_CONTEXT] = context + mixed;
    width[BERT__BUFFER_FFN] = config->intermediate_size * (network->ffn == BERT__FFN_PLAIN ? 1 : 2);
    width[BERT__BUFFER_EMBEDDING] = config->embedding_size;
    offset[BERT__BUFFER_HIDDEN] = 0;
    offset[BERT__BUFFER_MIDDLE] = hidden;
    /* the pooler's input lies in MIDDLE, its output behind it */
    layers = hidden + larger(hidden, config->layer_size);
    offset[BERT__BUFFER_QKV] = offset[BERT__BUFFER_FFN] = offset[BERT__BUFFER_EMBEDDING] = layers;
    offset[BERT__BUFFER_CONTEXT] = layers + width[BERT__BUFFER_QKV];
    attention = width[BERT__BUFFER_QKV] + width[BERT__BUFFER_CONTEXT];
    shared = larger(width[BERT__BUFFER_FFN], config->embedding_size);
    plan->row_floats = layers + larger(larger(attention, hidden), shared);
    width[BERT__BUFFER_UNFOLDED] = larger(
        config->conv_size * hidden,
        config->embedding_places > 1 ? config->embedding_places * config->embedding_size : 0);
    offset[BERT__BUFFER_UNFOLDED] = plan->row_floats;
    plan->row_floats += width[BERT__BUFFER_UNFOLDED];
    width[BERT__BUFFER_CHOICES] = config->heads * config->mix_size;
    offset[BERT__BUFFER_CHOICES] = plan->row_floats;
    plan->row_floats += width[BERT__BUFFER_CHOICES];
}

bert_status bert__plan_build(struct bert__plan *plan, const struct bert__network *network,
                             bert_error *err)
{
    const struct bert__config *config = network->config;
    size_t per_layer = STEPS_PER_LAYER + (size_t)STEPS_PER_FFN * config->ffn_count, steps;

    memset(plan, 0, sizeof *plan);
    if (bert__size_mul_add(config->depth, per_layer, STEPS_AROUND, &steps))
        plan->steps = bert__alloc_array(network->alloc, steps, sizeof *plan->steps);
    if (plan->steps == NULL)
        return bert__alloc_fail(network->alloc, "the plan", err);
    lay_out_buffers(plan, network);
    add_embeddings(plan, network);
    add_layers(plan, network);
    if (network->final_norm.gamma.count > 0) {
        /* the last state is listed behind the norm */
        plan->steps[plan->n_steps - 1].state = -1;
        add_norm(plan, BERT__BUFFER_HIDDEN, BERT__BUFFER_HIDDEN, &network->final_norm)->state =
            (int32_t)config->depth;
    }
    return BERT_OK;
}

void bert__plan_free(struct bert__plan *plan, struct bert__alloc *alloc)
{
    bert__alloc_free(alloc, plan->steps);
    memset(plan, 0, sizeof *plan);
}
