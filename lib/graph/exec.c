/* SPDX-License-Identifier: MIT */
/* exec.c - one loop over a plan's steps, one switch. */
#include "lib/graph/exec_parts.h"

#include <math.h>
#include <string.h>

#include "lib/base/size.h"

enum { MARGIN_BYTES = 8192 }; /* small structs and their bookkeeping, in estimates */

/* ---- Memory ---------------------------------------------------------------- */

/* Tokens of a wave: what the backend wants to have at once, but a whole sequence at least. */
static uint32_t wave_tokens(const struct bert__network *network, const struct bert__exec_options *o,
                            uint32_t longest)
{
    size_t row = (size_t)network->plan.row_floats * sizeof(float);
    size_t fit = network->backend->wave_bytes / row * o->threads;

    if (network->backend->wave_bytes == 0 || fit >= o->max_tokens)
        return o->max_tokens;
    return fit > longest ? (uint32_t)fit : longest;
}

static struct bert__stream_options stream_options(const struct bert__network *network,
                                                  const struct bert__exec_options *o)
{
    const struct bert__config *c = network->config;
    uint32_t longest = o->max_tokens < c->max_positions ? o->max_tokens : c->max_positions;

    return (struct bert__stream_options){.threads = o->threads,
                                         .max_tokens = wave_tokens(network, o, longest),
                                         .max_length = longest,
                                         .heads = c->heads,
                                         .landmarks = c->landmarks,
                                         .only_length = c->only_length,
                                         .head_size = c->head_size,
                                         .relative_rows = 2 * c->relative.span};
}

/* How memory is laid out: hidden states of all tokens, then the other buffers of a wave's. */
static bool lay_out(const struct bert__network *network, const struct bert__exec_options *o,
                    uint32_t wave, struct bert__exec_room *room)
{
    size_t hidden = network->config->hidden_size, rest = network->plan.row_floats - hidden;
    size_t pooler, head;

    if (!bert__size_add(wave, BERT__ROW_SLACK, &room->wave_rows)
        || !bert__size_mul((size_t)o->max_tokens + BERT__ROW_SLACK, hidden, &room->hidden)
        || !bert__size_mul_add(room->wave_rows, rest, room->hidden, &room->floats)
        || !bert__size_mul_add(hidden, 2 * (BERT__ROW_SLACK + 1), room->hidden, &pooler)
        || !bert__size_mul(o->head_width, BERT__ROW_SLACK + 1, &head))
        return false;
    if (room->floats < pooler)
        room->floats = pooler;
    if (room->floats < head)
        room->floats = head;
    return true;
}

static bert_status no_room(const struct bert__exec_options *o, bert_error *err)
{
    return bert__fail(err, BERT_ERANGE, "max_tokens %lu needs more memory than there can be",
                      (unsigned long)o->max_tokens);
}

bert_status bert__exec_bytes(const struct bert__network *network,
                             const struct bert__exec_options *o, uint64_t *out, bert_error *err)
{
    struct bert__stream_options so = stream_options(network, o);
    struct bert__exec_room room;
    bert_status st;

    if (!lay_out(network, o, so.max_tokens, &room))
        return no_room(o, err);
    st = network->backend->stream_bytes(network->device, &so, room.floats, out, err);
    if (st == BERT_OK)
        *out += MARGIN_BYTES
                + (2 * (uint64_t)o->max_sequences + 3 * (uint64_t)so.max_tokens) * sizeof(uint32_t);
    return st;
}

bert_status bert__exec_create(struct bert__exec **out, struct bert__alloc *alloc,
                              const struct bert__network *network,
                              const struct bert__exec_options *o, bert_error *err)
{
    struct bert__exec *x = bert__alloc_array(alloc, 1, sizeof *x);
    struct bert__stream_options so = stream_options(network, o);
    bert_status st;

    *out = NULL;
    if (x == NULL)
        return bert__alloc_fail(alloc, "the session", err);
    x->alloc = alloc;
    x->network = network;
    x->backend = network->backend;
    x->max_tokens = o->max_tokens;
    x->max_sequences = o->max_sequences;
    x->wave_tokens = so.max_tokens;
    x->firsts = bert__alloc_items(alloc, o->max_sequences, sizeof *x->firsts);
    x->offsets = bert__alloc_items(alloc, (size_t)o->max_sequences + 1, sizeof *x->offsets);
    x->positions = bert__alloc_items(alloc, x->wave_tokens, sizeof *x->positions);
    x->places = bert__alloc_items(alloc, x->wave_tokens, sizeof *x->places);
    if (network->config->token_dropout)
        x->scales = bert__alloc_items(alloc, x->wave_tokens, sizeof *x->scales);
    if (x->firsts == NULL || x->offsets == NULL || x->positions == NULL || x->places == NULL
        || (x->scales == NULL && network->config->token_dropout))
        st = bert__alloc_fail(alloc, "the session", err);
    else if (!lay_out(network, o, x->wave_tokens, &x->room))
        st = no_room(o, err);
    else
        st = x->backend->stream_create(network->device, &x->stream, alloc, &so, err);
    if (st == BERT_OK)
        st = x->backend->buffer_create(x->stream, &x->memory, x->room.floats, err);
    if (st != BERT_OK) {
        bert__exec_destroy(x);
        return st;
    }
    *out = x;
    return BERT_OK;
}

void bert__exec_destroy(struct bert__exec *x)
{
    if (x == NULL)
        return;
    if (x->stream != NULL) {
        x->backend->buffer_free(x->stream, x->memory);
        x->backend->stream_destroy(x->stream);
    }
    bert__alloc_free(x->alloc, x->firsts);
    bert__alloc_free(x->alloc, x->offsets);
    bert__alloc_free(x->alloc, x->positions);
    bert__alloc_free(x->alloc, x->places);
    bert__alloc_free(x->alloc, x->scales);
    bert__alloc_free(x->alloc, x);
}

/* ---- Checks ---------------------------------------------------------------- */

static bert_status check_sequence(const struct bert__exec *x, const struct bert__batch *b,
                                  uint32_t i, bert_error *err)
{
    const struct bert__config *c = x->network->config;
    uint32_t first = b->offsets[i], end = b->offsets[i + 1];

    if (end <= first)
        return bert__fail(err, BERT_EINVAL,
                          "sequence %lu is empty or its offsets decrease: %lu, %lu",
                          (unsigned long)i, (unsigned long)first, (unsigned long)end);
    if (end > x->max_tokens)
        return bert__fail(
            err, BERT_ERANGE,
            "the batch has more than max_tokens = %lu tokens (sequence %lu ends at %lu)",
            (unsigned long)x->max_tokens, (unsigned long)i, (unsigned long)end);
    if (c->only_length > 0 && end - first != c->only_length)
        return bert__fail(err, BERT_ERANGE,
                          "sequence %lu has %lu tokens; attention by %lu landmarks takes %lu, no "
                          "more and no less",
                          (unsigned long)i, (unsigned long)(end - first),
                          (unsigned long)c->landmarks, (unsigned long)c->only_length);
    if (end - first > c->max_positions)
        return bert__fail(
            err, BERT_ERANGE, "sequence %lu has %lu tokens; the model has %lu positions",
            (unsigned long)i, (unsigned long)(end - first), (unsigned long)c->max_positions);
    for (uint32_t t = first; t < end; t++) {
        if (b->ids[t] < 0 || (uint32_t)b->ids[t] >= c->vocab_size)
            return bert__fail(err, BERT_EINVAL,
                              "id %ld of sequence %lu is outside the vocabulary of %lu",
                              (long)b->ids[t], (unsigned long)i, (unsigned long)c->vocab_size);
        if (b->type_ids != NULL && x->network->type.count > 0
            && (b->type_ids[t] < 0
                || ((uint32_t)b->type_ids[t] >= c->type_vocab_size && b->type_ids[t] != 0)))
            return bert__fail(
                err, BERT_EINVAL, "token type id %ld of sequence %lu is not below %lu",
                (long)b->type_ids[t], (unsigned long)i, (unsigned long)c->type_vocab_size);
    }
    return BERT_OK;
}

bert_status bert__exec_check(const struct bert__exec *x, const struct bert__batch *b,
                             bert_error *err)
{
    if (b->n_sequences > x->max_sequences)
        return bert__fail(err, BERT_ERANGE, "the batch has %lu sequences; max_sequences is %lu",
                          (unsigned long)b->n_sequences, (unsigned long)x->max_sequences);
    if (b->offsets[0] != 0)
        return bert__fail(err, BERT_EINVAL, "offsets[0] is %lu, not 0",
                          (unsigned long)b->offsets[0]);
    for (uint32_t i = 0; i < b->n_sequences; i++) {
        bert_status st = check_sequence(x, b, i, err);

        if (st != BERT_OK)
            return st;
    }
    return BERT_OK;
}

/* ---- Steps ----------------------------------------------------------------- */

/* As transformers' create_position_ids_from_input_ids: padding within a text isn't counted. */
static void place_after_padding(const struct bert__exec *x, uint32_t first, uint32_t end)
{
    uint32_t padding = x->network->config->pad_token_id, place = padding;

    for (uint32_t t = first; t < end; t++) {
        bool is_padding = (uint32_t)x->batch->ids[t] == padding;

        x->positions[t] = is_padding ? padding : ++place;
    }
}

/* Masks count as dropped, and what is left grows by as much as in training less than it was
 * dropped there: 0.15 * 0.8 of the tokens (transformers, EsmEmbeddings.forward). */
static void scale_for_masks(const struct bert__exec *x, uint32_t first, uint32_t end)
{
    uint32_t mask = x->network->config->mask_token_id, masks = 0;
    float share, scale;

    for (uint32_t t = first; t < end; t++)
        masks += (uint32_t)x->batch->ids[t] == mask;
    share = (float)masks / (float)(end - first);
    scale = masks < end - first ? 0.88f / (1 - share) : 0;
    for (uint32_t t = first; t < end; t++)
        x->scales[t] = (uint32_t)x->batch->ids[t] == mask ? 0 : scale;
}

static void place(const struct bert__exec *x)
{
    const uint32_t *offsets = x->batch->offsets;

    for (uint32_t i = 0; i < x->batch->n_sequences; i++) {
        for (uint32_t t = offsets[i]; t < offsets[i + 1]; t++)
            x->places[t] = t - offsets[i];
        for (uint32_t t = offsets[i]; t < offsets[i + 1]; t++)
            x->positions[t] = x->places[t] + x->network->config->arch->defaults.first_position;
        if (x->network->config->position == BERT__POSITION_AFTER_PADDING)
            place_after_padding(x, offsets[i], offsets[i + 1]);
        if (x->scales != NULL)
            scale_for_masks(x, offsets[i], offsets[i + 1]);
    }
}

static bert_status run_embed(struct bert__exec *x, const struct bert__step *step, bert_error *err)
{
    const struct bert__network *net = x->network;
    bool late = net->config->arch->places_after_project, places = step->kind == BERT__STEP_PLACES;
    struct bert__embed_op op = {
        .y = bert__exec_buffer(x, step->out),
        .n = x->network->plan.width[step->out],
        .positions = x->positions,
        .scales = x->scales,
        .word = places ? NULL : net->word.device,
        .position = places || !late ? net->position.device : NULL,
        .type = places || !late ? net->type.device : NULL,
    };

    if (!places)
        place(x);
    return x->backend->embed(x->stream, &op, err);
}

static bert_status run_norm(struct bert__exec *x, const struct bert__step *step, bert_error *err)
{
    struct bert__norm_op op = {
        .y = bert__exec_buffer(x, step->out) + step->column,
        .x = bert__exec_buffer(x, step->in) + step->column,
        .residual = bert__exec_buffer(x, step->residual),
        .rows = x->batch->n_tokens,
        .n = (uint32_t)step->norm->gamma.count,
        .ld = x->network->plan.width[step->out],
        .gamma = step->norm->gamma.device,
        .beta = step->norm->beta.device,
        .eps = step->norm->eps,
        .plain = step->norm->plain,
    };

    return x->backend->norm(x->stream, &op, err);
}

static bert_status tap_input(struct bert__exec *x, const struct bert__linear_op *op,
                             const struct bert__linear *linear, const struct bert__tap *tap,
                             bert_error *err)
{
    const float *rows;
    bert_status st = x->backend->host_view(x->stream, &rows, op->x, op->rows * op->ldx, err);

    if (st == BERT_OK)
        tap->input(tap->context, linear, rows, op->rows, op->ldx);
    return st;
}

static bert_status run_linear(struct bert__exec *x, const struct bert__step *step,
                              const struct bert__tap *tap, bert_error *err)
{
    const uint32_t *width = x->network->plan.width;
    struct bert__linear_op op = {
        .y = bert__exec_buffer(x, step->out) + step->column,
        .x = bert__exec_buffer(x, step->in),
        .ldy = width[step->out],
        .ldx = width[step->in],
        .rows = x->batch->n_tokens,
        .matrix = step->linear->matrix,
        .bias = step->linear->bias.device,
        .residual = bert__exec_buffer(x, step->residual),
        .ldr = step->residual != BERT__BUFFER_NONE ? width[step->residual] : 0,
        .act = step->act,
    };
    bert_status st = BERT_OK;

    if (tap != NULL && tap->input != NULL)
        st = tap_input(x, &op, step->linear, tap, err);
    return st == BERT_OK ? x->backend->linear(x->stream, &op, err) : st;
}

static bert_status run_gate(struct bert__exec *x, const struct bert__step *step, bert_error *err)
{
    struct bert__gate_op op = {
        .x = bert__exec_buffer(x, step->in),
        .rows = x->batch->n_tokens,
        .n = x->network->plan.width[step->in] / 2,
        .act = step->act,
    };

    return x->backend->gate(x->stream, &op, err);
}

static bool is_local(const struct bert__exec *x, uint32_t layer)
{
    const bool *local = x->network->config->local;

    return local != NULL && local[layer];
}

static bert_status run_rotate(struct bert__exec *x, const struct bert__step *step, bert_error *err)
{
    const struct bert__config *c = x->network->config;
    const struct bert__distances *d = &x->network->distance;
    int kind = is_local(x, step->layer) ? 1 : 0;
    struct bert__rotate_op op = {
        .x = bert__exec_buffer(x, step->in),
        .ldx = x->network->plan.width[step->in],
        .heads = c->heads + (c->rotary_value ? 2 : 1) * c->kv_heads,
        .head = c->head_size,
        .half = c->rotary_size / 2,
        .positions = x->places,
        .cosines = d->cosines[kind].device,
        .sines = d->sines[kind].device,
    };

    return x->backend->rotate(x->stream, &op, err);
}

static bert_status run_attention(struct bert__exec *x, const struct bert__step *step,
                                 const struct bert__tap *tap, bert_error *err)
{
    const struct bert__config *c = x->network->config;
    const struct bert__distances *d = &x->network->distance;
    const struct bert__layer *layer = &x->network->layers[bert__config_layer_at(c, step->layer)];
    bool local = is_local(x, step->layer);
    struct bert__relative_op relative = {
        .keys = layer->distance_keys,
        .queries = layer->distance_queries,
        .rows_by_distance = d->rows,
        .n_rows = 2 * c->relative.span,
    };
    struct bert__attention_op op = {
        .out = bert__exec_buffer(x, step->out),
        .qkv = bert__exec_buffer(x, step->in),
        .ld_out = x->network->plan.width[step->out],
        .ld_qkv = x->network->plan.width[step->in],
        .landmarks = c->landmarks,
        .heads = c->heads,
        .kv_heads = c->kv_heads,
        .head = c->head_size,
        .scale = 1.0f / sqrtf((float)c->head_size * (float)c->score_terms),
        .by_distance = local ? d->mask.device : d->bias.device,
        .by_distance_stride = local ? 0 : d->stride,
        .reach = d->reach,
        .window = local ? c->window : UINT32_MAX,
        .relative = relative.keys != NULL || relative.queries != NULL ? &relative : NULL,
        .probs = tap != NULL && tap->probs != NULL
                     ? tap->probs(tap->context, step->layer, x->first_sequence)
                     : NULL,
    };

    return x->backend->attention(x->stream, &op, err);
}

static bert_status run_step(struct bert__exec *x, const struct bert__step *step,
                            const struct bert__tap *tap, bert_error *err)
{
    switch (step->kind) {
    case BERT__STEP_EMBED:
    case BERT__STEP_PLACES:
        return run_embed(x, step, err);
    case BERT__STEP_NORM:
        return run_norm(x, step, err);
    case BERT__STEP_LINEAR:
        return run_linear(x, step, tap, err);
    case BERT__STEP_GATE:
        return run_gate(x, step, err);
    case BERT__STEP_ROTATE:
        return run_rotate(x, step, err);
    case BERT__STEP_CONVOLVE:
    case BERT__STEP_DEPTHWISE:
        return bert__exec_convolve(x, step, err);
    case BERT__STEP_MULTIPLY:
        return bert__exec_multiply(x, step, err);
    case BERT__STEP_MIX:
        return bert__exec_mix(x, step, err);
    case BERT__STEP_UNFOLD:
        return bert__exec_unfold(x, step, err);
    case BERT__STEP_ATTENTION:
        return run_attention(x, step, tap, err);
    }
    return bert__fail(err, BERT_EINTERNAL, "unknown step %d", (int)step->kind);
}

static bert_status tap_state(struct bert__exec *x, const struct bert__step *step,
                             const struct bert__tap *tap, bert_error *err)
{
    size_t floats = (size_t)x->batch->n_tokens * x->network->plan.width[step->out];
    const float *rows;
    bert_status st =
        x->backend->host_view(x->stream, &rows, bert__exec_buffer(x, step->out), floats, err);

    if (st == BERT_OK)
        tap->state(tap->context, (uint32_t)step->state, x->first_token, x->batch->n_tokens, rows);
    return st;
}

static bert_status run_steps(struct bert__exec *x, struct bert__watch *watch,
                             const struct bert__tap *tap, bert_error *err)
{
    const struct bert__plan *plan = &x->network->plan;

    for (uint32_t i = 0; i < plan->n_steps; i++) {
        const struct bert__step *step = &plan->steps[i];
        bert_status st = bert__watch_poll(watch, err);

        if (st == BERT_OK)
            st = run_step(x, step, tap, err);
        if (st == BERT_OK && step->state >= 0 && tap != NULL && tap->state != NULL)
            st = tap_state(x, step, tap, err);
        if (st != BERT_OK)
            return st;
    }
    return bert__watch_ended(watch, err);
}

void bert__exec_watch(struct bert__exec *x, struct bert__watch *watch)
{
    if (x->backend->watch != NULL)
        x->backend->watch(x->stream, watch);
}

/* ---- Waves ----------------------------------------------------------------- */

/*
 * A large batch goes through all layers wave by wave, each of as many sequences as have room in
 * the caches: its rows are read and written by a hundred steps, the weights once by each wave.
 * What a wave computes does not depend on which others there are.
 */

/* How many of the sequences from x->first_sequence on: those that end nearest to an even share of
 * what is left. */
static uint32_t wave_sequences(const struct bert__exec *x, const struct bert__batch *all)
{
    const uint32_t *offsets = all->offsets + x->first_sequence;
    uint32_t left = all->n_tokens - offsets[0];
    uint32_t waves = (left - 1) / x->wave_tokens + 1, share = (left - 1) / waves + 1, n = 1;

    while (x->first_sequence + n < all->n_sequences && offsets[n] - offsets[0] < share
           && offsets[n + 1] - offsets[0] <= x->wave_tokens)
        n++;
    return n;
}

static struct bert__batch next_wave(struct bert__exec *x, const struct bert__batch *all)
{
    uint32_t first = x->first_sequence, n = wave_sequences(x, all);

    x->first_token = all->offsets[first];
    for (uint32_t i = 0; i <= n; i++)
        x->offsets[i] = all->offsets[first + i] - x->first_token;
    return (struct bert__batch){.ids = all->ids + x->first_token,
                                .type_ids =
                                    all->type_ids != NULL ? all->type_ids + x->first_token : NULL,
                                .offsets = x->offsets,
                                .n_sequences = n,
                                .n_tokens = x->offsets[n],
                                .attended = all->attended != NULL ? all->attended + first : NULL};
}

/* A small batch takes few pages of a session that has room for large ones. */
static void place_buffers(struct bert__exec *x, const struct bert__batch *all)
{
    uint32_t wave = all->n_tokens < x->wave_tokens ? all->n_tokens : x->wave_tokens;

    x->room.hidden = ((size_t)all->n_tokens + BERT__ROW_SLACK) * x->network->config->hidden_size;
    x->room.wave_rows = (size_t)wave + BERT__ROW_SLACK;
}

static bert_status run_waves(struct bert__exec *x, const struct bert__batch *all,
                             struct bert__watch *watch, const struct bert__tap *tap,
                             bert_error *err)
{
    for (x->first_sequence = 0; x->first_sequence < all->n_sequences;) {
        struct bert__batch wave = next_wave(x, all);
        bert_status st = x->backend->begin(x->stream, &wave, err);

        if (st != BERT_OK)
            return st;
        x->batch = &wave;
        st = run_steps(x, watch, tap, err);
        x->batch = NULL;
        x->backend->end(x->stream);
        if (st != BERT_OK)
            return st;
        x->first_sequence += wave.n_sequences;
    }
    return BERT_OK;
}

bert_status bert__exec_run(struct bert__exec *x, const struct bert__batch *batch,
                           struct bert__watch *watch, const struct bert__tap *tap,
                           const float **hidden, bert_error *err)
{
    bert_status st;

    place_buffers(x, batch);
    bert__exec_watch(x, watch);
    st = run_waves(x, batch, watch, tap, err);
    bert__exec_watch(x, NULL);
    x->first_sequence = 0;
    x->first_token = 0;
    if (st != BERT_OK)
        return st;
    st = x->backend->begin(x->stream, batch, err);
    if (st != BERT_OK)
        return st;
    x->batch = batch;
    st = x->backend->host_view(x->stream, hidden, bert__exec_buffer(x, BERT__BUFFER_HIDDEN),
                               (size_t)batch->n_tokens * x->network->config->hidden_size, err);
    if (st != BERT_OK)
        bert__exec_finish(x);
    return st;
}

void bert__exec_parallel(struct bert__exec *x, uint32_t n_tasks, bert__task_fn fn, void *context)
{
    x->backend->parallel(x->stream, n_tasks, fn, context);
}

void bert__exec_finish(struct bert__exec *x)
{
    x->backend->end(x->stream);
    x->batch = NULL;
}
