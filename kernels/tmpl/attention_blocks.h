/* SPDX-License-Identifier: MIT */
/*
 * attention_blocks.h - softmax(scale Q K^T) V of one head for a block of queries, by blocks of
 * keys: products, softmax and the products with the values follow one another; included once
 * per ISA and type, before attention_run.h.  Beside its macros the includer defines
 *   AT(exponents)(row, lead, n, most, scale) -> their sum: of row[lead] ..., as values() reads them
 *   AT(values)(room, b, from, lead, n, add): the sums of the values weighted so, or added to them
 */

/* Keys [from, end) of one block. */
static void AT(block)(const struct bert__attention_block *b, const struct AT(room) * r,
                      struct K(online) * o, size_t from, size_t end)
{
    const size_t lead = from % AT_NR, n = end - from;
    const float scale = b->bias != NULL ? 1.0f : AT_SCALE(b);
    const int add = from > b->first;

    AT(scores)(r, b, from - lead, lead + n);
    for (size_t i = 0; i < b->n_q; i++)
        o->block[i] = K(row_most)(b, r->scores + i * r->ld + lead, i, from, n, AT_SCALE(b));
    K(online_update)(o, b->n_q, scale, !add);
    for (size_t i = 0; i < b->n_q; i++) {
        o->sum[i] += AT(exponents)(r->scores + i * r->ld, lead, n, o->most[i], scale);
        if (add && o->change[i] != 1.0f)
            K(row_times)(r->sums + i * r->width, r->sums + i * r->width, o->change[i], b->head);
    }
    AT(values)(r, b, from, lead, n, add);
}

static void AT(blocks)(const struct bert__attention_block *b, const struct AT(room) * r,
                       struct K(online) * o)
{
    const size_t last = b->first + b->count;
    size_t end;

    for (size_t from = b->first; from < last; from = end) {
        end = from - from % r->keys + r->keys;
        AT(block)(b, r, o, from, end < last ? end : last);
    }
}
