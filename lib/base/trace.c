/* SPDX-License-Identifier: MIT */
/* trace.c - three lists, in ascending order of their names. */
#include "lib/base/trace.h"

#include <string.h>

void bert__trace_init(struct bert__trace *trace, struct bert__alloc *alloc)
{
    memset(trace, 0, sizeof *trace);
    bert__arena_init(&trace->arena, alloc);
}

void bert__trace_free(struct bert__trace *trace)
{
    bert__arena_free(&trace->arena);
}

/* Lists are some hundred entries long at most, and come nearly in order. */
static bool add(struct bert__trace *trace, struct bert__traced **list, size_t *count,
                const char *name, void *item)
{
    struct bert__traced *new;

    for (; *list != NULL; list = &(*list)->next) {
        int order = strcmp((*list)->name, name);

        if (order == 0)
            return true;
        if (order > 0)
            break;
    }
    new = bert__arena_get(&trace->arena, sizeof *new);
    if (new == NULL)
        return false;
    new->name = bert__arena_string(&trace->arena, name, strlen(name));
    if (new->name == NULL)
        return false;
    new->item = item;
    new->next = *list;
    *list = new;
    ++*count;
    return true;
}

bool bert__trace_file(struct bert__trace *trace, const char *name)
{
    return add(trace, &trace->files, &trace->n_files, name, NULL);
}

bool bert__trace_weights(struct bert__trace *trace, const char *name, struct bert__weights *weights)
{
    return add(trace, &trace->weights, &trace->n_weights, name, weights);
}

bool bert__trace_matrix(struct bert__trace *trace, const char *name, struct bert__matrix *matrix)
{
    return add(trace, &trace->matrices, &trace->n_matrices, name, matrix);
}
