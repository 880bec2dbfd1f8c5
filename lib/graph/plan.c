/* SPDX-License-Identifier: MIT */
/* plan.c - a row and a config become steps. */
#include "lib/graph/plan.h"

#include <string.h>

#include "lib/base/error.h"
#include "lib/base/size.h"
#include "lib/graph/network.h"

enum { STEPS_BEFORE = 2, STEPS_PER_LAYER = 7 };

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

static struct bert__step *add_norm(struct bert__plan *plan, enum bert__buffer buffer,
                                   const struct bert__norm *norm)
{
    struct bert__step *step = add(plan, BERT__STEP_NORM, buffer, buffer);

    step->norm = norm;
    return step;
}

/* Norms after the residuals, as in the original BERT. */
static void add_post_norm_layer(struct bert__plan *plan, const struct bert__network *network,
                                uint32_t i)
{
    const struct bert__layer *layer = &network->layers[i];

    add_linear(plan, BERT__BUFFER_HIDDEN, BERT__BUFFER_QKV, &layer->qkv);
    add(plan, BERT__STEP_ATTENTION, BERT__BUFFER_QKV, BERT__BUFFER_CONTEXT)->layer = i;
    add_linear(plan, BERT__BUFFER_CONTEXT, BERT__BUFFER_MIDDLE, &layer->attention_output)
        ->residual = BERT__BUFFER_HIDDEN;
    add_norm(plan, BERT__BUFFER_MIDDLE, &layer->attention_norm);
    add_linear(plan, BERT__BUFFER_MIDDLE, BERT__BUFFER_FFN, &layer->ffn_up)->act = network->act;
    add_linear(plan, BERT__BUFFER_FFN, BERT__BUFFER_HIDDEN, &layer->ffn_down)->residual =
        BERT__BUFFER_MIDDLE;
    add_norm(plan, BERT__BUFFER_HIDDEN, &layer->ffn_norm)->state = (int32_t)i + 1;
}

/* Widths were bounded by the config's checks: their sums fit. */
static void lay_out_buffers(struct bert__plan *plan, const struct bert__config *config)
{
    uint32_t hidden = config->hidden_size, ffn = config->intermediate_size;
    uint32_t *width = plan->width, *offset = plan->offset;

    width[BERT__BUFFER_HIDDEN] = width[BERT__BUFFER_MIDDLE] = hidden;
    width[BERT__BUFFER_QKV] = 3 * hidden;
    width[BERT__BUFFER_CONTEXT] = hidden;
    width[BERT__BUFFER_FFN] = ffn;
    offset[BERT__BUFFER_HIDDEN] = 0;
    offset[BERT__BUFFER_MIDDLE] = hidden;
    offset[BERT__BUFFER_QKV] = offset[BERT__BUFFER_FFN] = 2 * hidden;
    offset[BERT__BUFFER_CONTEXT] = 5 * hidden;
    plan->row_floats = 2 * hidden + (4 * hidden > ffn ? 4 * hidden : ffn);
}

bert_status bert__plan_build(struct bert__plan *plan, const struct bert__network *network,
                             bert_error *err)
{
    const struct bert__config *config = network->config;
    size_t steps;

    memset(plan, 0, sizeof *plan);
    if (bert__size_mul_add(config->layers, STEPS_PER_LAYER, STEPS_BEFORE, &steps))
        plan->steps = bert__alloc_array(network->alloc, steps, sizeof *plan->steps);
    if (plan->steps == NULL)
        return bert__alloc_fail(network->alloc, "the plan", err);
    lay_out_buffers(plan, config);
    add(plan, BERT__STEP_EMBED, BERT__BUFFER_NONE, BERT__BUFFER_HIDDEN);
    add_norm(plan, BERT__BUFFER_HIDDEN, &network->embedding_norm)->state = 0;
    for (uint32_t i = 0; i < config->layers; i++)
        add_post_norm_layer(plan, network, i);
    return BERT_OK;
}

void bert__plan_free(struct bert__plan *plan, struct bert__alloc *alloc)
{
    bert__alloc_free(alloc, plan->steps);
    memset(plan, 0, sizeof *plan);
}
