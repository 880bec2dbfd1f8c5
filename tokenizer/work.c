/* SPDX-License-Identifier: MIT */
/* work.c - the buffers of the stages. */
#include "tokenizer/work.h"

void bert__work_init(struct bert__work *work, struct bert__alloc *alloc)
{
    memset(work, 0, sizeof *work);
    work->alloc = alloc;
    work->piece.alloc = alloc;
    work->model.alloc = alloc;
}

static void free_layer(struct bert__alloc *alloc, struct bert__layer *layer)
{
    bert__alloc_free(alloc, layer->bytes);
    bert__alloc_free(alloc, layer->from);
}

static size_t layer_bytes(const struct bert__layer *layer)
{
    return layer->cap + layer->from_cap * sizeof *layer->from;
}

void bert__work_free(struct bert__work *work)
{
    struct bert__piece *p = &work->piece;

    bert__alloc_free(work->alloc, p->bytes);
    bert__alloc_free(work->alloc, p->from);
    free_layer(work->alloc, &p->in);
    free_layer(work->alloc, &work->whole);
    bert__alloc_free(work->alloc, p->run);
    bert__alloc_free(work->alloc, p->sorted);
    bert__alloc_free(work->alloc, work->words.items);
    bert__alloc_free(work->alloc, work->before.items);
    bert__alloc_free(work->alloc, work->tokens.items);
    bert__model_scratch_free(&work->model);
    bert__work_init(work, work->alloc);
}

size_t bert__work_bytes(const struct bert__work *work)
{
    const struct bert__piece *p = &work->piece;

    return p->cap + p->from_cap * sizeof *p->from + layer_bytes(&p->in) + layer_bytes(&work->whole)
           + (p->run_cap + p->sorted_cap) * sizeof *p->run
           + (work->words.cap + work->before.cap) * sizeof *work->words.items
           + work->tokens.cap * sizeof *work->tokens.items
           + bert__model_scratch_bytes(&work->model);
}

bool bert__piece_grow(struct bert__piece *piece, size_t more)
{
    size_t need;

    if (!bert__size_add(piece->size, more, &need) || need > UINT32_MAX)
        return false;
    if (!bert__reserve(piece->alloc, &piece->bytes, &piece->cap, need, 1))
        return false;
    return !piece->want_from
           || bert__reserve(piece->alloc, &piece->from, &piece->from_cap, need,
                            sizeof *piece->from);
}

void bert__piece_set_aside(struct bert__piece *p, struct bert__layer *aside)
{
    struct bert__layer other = *aside;

    *aside = (struct bert__layer){p->bytes, p->from, p->size, p->cap, p->from_cap};
    p->bytes = other.bytes;
    p->from = other.from;
    p->size = 0;
    p->cap = other.cap;
    p->from_cap = other.from_cap;
}

void bert__piece_turn(struct bert__piece *p)
{
    bert__piece_set_aside(p, &p->in);
    p->ask_at = BERT__STRETCH;
}

void bert__piece_trace(struct bert__piece *p)
{
    for (size_t i = 0; p->want_from && i < p->size; i++)
        p->from[i] = p->in.from[p->from[i]];
}
