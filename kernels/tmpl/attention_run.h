/* SPDX-License-Identifier: MIT */
/*
 * attention_run.h - what attention of every type begins and ends with; included once per ISA and
 * type.
 *
 * The scores of a block of keys stay in L1. Blocks end at multiples of their size from the
 * sequence's start, so that a query's bits depend on its own row, on `first`, and on the keys.
 *
 * The includer defines, and this file undefines:
 *   AT(name)         a name with the ISA and the type in it
 *   AT_NR            keys of a panel
 *   AT_KEYS(head)    keys of a block, a multiple of AT_NR
 *   AT_SCALE(b)      what makes differences of scores() exponents of 2
 * and before it
 *   struct AT(room): where things lie in the scratch; with `scores`, n_q rows of `keys` floats,
 *       and `sums`, of `width` floats
 *   AT(room_of)(b) -> struct AT(room), with the queries as scores() reads them
 *   AT(scores)(room, b, from, n): of n keys, from a panel's start on
 *   AT(blocks)(b, room, online): the whole, but for what the sums are to be divided by
 */

/* The softmax itself: once more from the scores, now that their largest and the sum are known. */
static void AT(probs)(const struct bert__attention_block *b, const struct AT(room) * r,
                      const struct K(online) * o, size_t from, size_t end)
{
    const size_t lead = from % AT_NR, n = end - from;

    AT(scores)(r, b, from - lead, lead + n);
    for (size_t i = 0; i < b->n_q; i++) {
        float *row = r->scores + i * r->ld + lead;

        (void)K(row_most)(b, row, i, from, n, AT_SCALE(b));
        K(row_exp2_sum)(row, n, o->most[i], b->bias != NULL ? 1.0f : AT_SCALE(b));
        K(row_times)(b->probs + i * b->ldp + (from - b->first), row, 1.0f / o->sum[i], n);
    }
}

static void AT(run)(const struct bert__attention_block *b)
{
    const struct AT(room) r = AT(room_of)(b);
    const size_t last = b->first + b->count;
    struct K(online) o;
    size_t end;

    K(online_start)(&o);
    AT(blocks)(b, &r, &o);
    for (size_t i = 0; i < b->n_q; i++)
        K(row_times)(b->out + i * b->ldo, r.sums + i * r.width, 1.0f / o.sum[i], b->head);
    for (size_t from = b->first; b->probs != NULL && from < last; from = end) {
        end = from - from % r.keys + r.keys;
        AT(probs)(b, &r, &o, from, end < last ? end : last);
    }
}

#undef AT
#undef AT_NR
#undef AT_KEYS
#undef AT_SCALE
