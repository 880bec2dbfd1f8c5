/* SPDX-License-Identifier: MIT */
/* lattice.c - the best ways through a word, a window at a time. */
#include "tokenizer/lattice.h"

#include <math.h>

static bool make_room(struct bert__lattice *l, uint32_t end)
{
    struct bert__model_scratch *x = l->x;

    return bert__reserve(x->alloc, &x->lattice, &x->lattice_cap, (size_t)(end - l->base) + 1,
                         sizeof *x->lattice);
}

bool bert__lattice_init(struct bert__lattice *l, struct bert__model_scratch *x, uint32_t window)
{
    *l = (struct bert__lattice){.x = x, .window = window};
    if (!make_room(l, 0))
        return false;
    x->lattice[0] = (struct bert__lattice_node){.from = UINT32_MAX};
    return true;
}

bool bert__lattice_reach(struct bert__lattice *l, uint32_t end)
{
    if (end <= l->cleared)
        return true;
    if (!make_room(l, end))
        return false;
    for (uint32_t i = l->cleared + 1; i <= end; i++)
        *bert__lattice_at(l, i) = (struct bert__lattice_node){.score = NAN, .from = UINT32_MAX};
    l->cleared = end;
    return true;
}

/* The furthest of the open positions gives way to the one it came from, until one is left. */
uint32_t bert__lattice_settled(struct bert__lattice *l, uint32_t at, uint32_t reach)
{
    uint32_t open = 0, p = reach;

    for (uint32_t i = at; i <= reach; i++) {
        struct bert__lattice_node *node = bert__lattice_at(l, i);
        bool is_open = node->from != UINT32_MAX;

        node->next = is_open;
        open += is_open;
    }
    for (; open > 1; p--) {
        struct bert__lattice_node *node = bert__lattice_at(l, p), *from;

        if (!node->next)
            continue;
        node->next = 0;
        from = bert__lattice_at(l, node->from);
        open -= from->next;
        from->next = 1;
    }
    while (!bert__lattice_at(l, p)->next)
        p--;
    bert__lattice_at(l, p)->next = 0;
    return p;
}

uint32_t bert__lattice_turn(struct bert__lattice *l, uint32_t first, uint32_t last)
{
    uint32_t next = last;

    for (uint32_t at = last; at > first;) {
        struct bert__lattice_node *node = bert__lattice_at(l, at);
        uint32_t from = node->from;

        node->next = next;
        next = at;
        at = from;
    }
    return next;
}

void bert__lattice_move(struct bert__lattice *l, uint32_t p)
{
    /* Where little is settled, looking again after as much would be quadratic. */
    if (p - l->base < l->window / 2 && l->window < UINT32_MAX / 2)
        l->window *= 2;
    memmove(l->x->lattice, bert__lattice_at(l, p),
            ((size_t)(l->cleared - p) + 1) * sizeof *l->x->lattice);
    l->base = p;
    l->x->lattice[0].next = 0;
}
