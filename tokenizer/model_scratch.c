/* SPDX-License-Identifier: MIT */
/* model_scratch.c - what the models need of a caller's memory. */
#include "tokenizer/model_scratch.h"

void bert__model_scratch_free(struct bert__model_scratch *x)
{
    bert__alloc_free(x->alloc, x->cache);
    bert__alloc_free(x->alloc, x->symbols);
    bert__alloc_free(x->alloc, x->nodes);
    bert__alloc_free(x->alloc, x->ranks);
    bert__alloc_free(x->alloc, x->dead);
    bert__alloc_free(x->alloc, x->lattice);
    *x = (struct bert__model_scratch){.alloc = x->alloc};
}

size_t bert__model_scratch_bytes(const struct bert__model_scratch *x)
{
    return (x->cache != NULL ? BERT__CACHE_WORDS * sizeof *x->cache : 0)
           + x->symbols_cap * sizeof *x->symbols + x->nodes_cap * sizeof *x->nodes
           + x->ranks_cap * sizeof *x->ranks + x->lattice_cap * sizeof *x->lattice
           + x->dead_cap * sizeof *x->dead;
}

bool bert__cache_own(struct bert__model_scratch *x, const void *model)
{
    if (x->owner == model)
        return true;
    if (x->cache == NULL)
        x->cache = bert__alloc_items(x->alloc, BERT__CACHE_WORDS, sizeof *x->cache);
    if (x->cache == NULL)
        return false;
    for (size_t i = 0; i < BERT__CACHE_WORDS; i++)
        x->cache[i].size = 0;
    x->owner = model;
    return true;
}
