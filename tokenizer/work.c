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

void bert__work_free(struct bert__work *work)
{
    struct bert__piece *p = &work->piece;

    bert__alloc_free(work->alloc, p->bytes);
    bert__alloc_free(work->alloc, p->from);
    bert__alloc_free(work->alloc, p->run);
    bert__alloc_free(work->alloc, p->sorted);
    bert__alloc_free(work->alloc, work->words.items);
    bert__alloc_free(work->alloc, work->tokens.items);
    bert__model_scratch_free(&work->model);
    bert__work_init(work, work->alloc);
}

size_t bert__work_bytes(const struct bert__work *work)
{
    const struct bert__piece *p = &work->piece;

    return p->cap + p->from_cap * sizeof *p->from + (p->run_cap + p->sorted_cap) * sizeof *p->run
           + work->words.cap * sizeof *work->words.items
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
