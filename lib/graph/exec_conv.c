/* SPDX-License-Identifier: MIT */
/* exec_conv.c - the steps of convolutions, beside attention and before the layers. */
#include "lib/graph/exec_parts.h"

bert_status bert__exec_convolve(struct bert__exec *x, const struct bert__step *step,
                                bert_error *err)
{
    const struct bert__config *c = x->network->config;
    const uint32_t *width = x->network->plan.width;
    const struct bert__layer *layer = &x->network->layers[bert__config_layer_at(c, step->layer)];
    bool values = step->kind == BERT__STEP_CONVOLVE;
    struct bert__convolve_op op = {
        .y = bert__exec_buffer(x, step->out),
        .x =
            bert__exec_buffer(x, step->in) + (values ? (c->heads + c->kv_heads) * c->head_size : 0),
        .ldy = width[step->out],
        .ldx = width[step->in],
        .n = width[step->out],
        .size = values ? c->value_conv : c->mix_size,
        .weights = values ? layer->value_conv.device : layer->mix_depth.device,
        .afresh = !values,
    };

    return x->backend->convolve(x->stream, &op, err);
}

bert_status bert__exec_multiply(struct bert__exec *x, const struct bert__step *step,
                                bert_error *err)
{
    const struct bert__config *c = x->network->config;
    const uint32_t *width = x->network->plan.width;
    struct bert__multiply_op op = {
        .y = bert__exec_buffer(x, step->out),
        .x = bert__exec_buffer(x, step->in),
        .ldy = width[step->out],
        .ldx = width[step->in],
        .rows = x->batch->n_tokens,
        .n = c->heads * c->head_size,
    };

    return x->backend->multiply(x->stream, &op, err);
}

bert_status bert__exec_mix(struct bert__exec *x, const struct bert__step *step, bert_error *err)
{
    const struct bert__config *c = x->network->config;
    const uint32_t *width = x->network->plan.width;
    uint32_t n = c->heads * c->head_size;
    struct bert__mix_op op = {
        .y = bert__exec_buffer(x, step->out) + n,
        .x = bert__exec_buffer(x, step->in) + n + 2 * c->kv_heads * c->head_size,
        .scores = bert__exec_buffer(x, BERT__BUFFER_CHOICES),
        .ldy = width[step->out],
        .ldx = width[step->in],
        .lds = width[BERT__BUFFER_CHOICES],
        .heads = c->heads,
        .head = c->head_size,
        .size = c->mix_size,
    };

    return x->backend->mix(x->stream, &op, err);
}

bert_status bert__exec_unfold(struct bert__exec *x, const struct bert__step *step, bert_error *err)
{
    const uint32_t *width = x->network->plan.width;
    struct bert__unfold_op op = {
        .y = bert__exec_buffer(x, step->out),
        .x = bert__exec_buffer(x, step->in),
        .ldy = width[step->out],
        .n = width[step->in],
        .size = step->size,
        .backwards = step->backwards,
    };

    return x->backend->unfold(x->stream, &op, err);
}
