/* SPDX-License-Identifier: MIT */
/*
 * bpe_first.c - the first tokens of a long word, without the rest of it.
 *
 * What a word begins with may hang on how it ends, so that the search of bpe_path.c has to come to
 * the end.  But a beginning of a word has one sequence of tokens too, which is that of a shorter
 * beginning and one more token that fits behind it: for each position the last token is found from
 * left to right.  Whatever follows, the word's tokens are those of some position; where all that
 * are still open agree, it is settled.
 */
#include "tokenizer/bpe_path.h"
#include "tokenizer/lattice.h"

enum { WINDOW = 512 };

/* Offer all tokens at position `at` to the positions behind them; returns the furthest. */
static uint32_t extend(const struct bert__bpe *m, struct bert__lattice *l, const char *s,
                       uint32_t n, uint32_t at)
{
    uint32_t v = m->root[(unsigned char)s[at]], end = at + 1, furthest = at;

    for (; v > 0; end++) {
        int32_t id = m->branches[v].id;

        if (id >= 0) {
            struct bert__lattice_node *node = bert__lattice_at(l, end);

            if (node->from == UINT32_MAX
                && (at == 0 || bert__bpe_fit(m, bert__lattice_at(l, at)->id, id))) {
                node->from = at;
                node->id = id;
                furthest = end;
            }
        }
        if (end == n)
            break;
        v = bert__bpe_child(m, v, (uint8_t)s[end]);
    }
    return furthest;
}

/* Append what is settled at position `at`. */
static bool hand_out(struct bert__lattice *l, struct bert__work *work, uint32_t begin, uint32_t at,
                     uint32_t furthest, size_t word)
{
    uint32_t p = bert__lattice_settled(l, at, furthest), first = l->base;
    uint32_t next = bert__lattice_turn(l, first, p);

    while (first < p) {
        const struct bert__lattice_node *node = bert__lattice_at(l, next);

        if (!bert__token_add(work, node->id, begin + first, begin + next, word))
            return false;
        first = next;
        next = node->next;
    }
    bert__lattice_move(l, p);
    return true;
}

bool bert__bpe_first(const struct bert__bpe *m, struct bert__work *work, uint32_t begin,
                     uint32_t end, size_t word, bool *found)
{
    const char *s = work->piece.bytes + begin;
    uint32_t n = end - begin, furthest = 0;
    size_t before = work->tokens.n;
    struct bert__lattice l;

    *found = false;
    if (!bert__lattice_init(&l, &work->model, WINDOW))
        return false;
    for (uint32_t at = 0; at < n && at <= furthest; at++) {
        uint32_t reach = n - at < BERT__BPE_LONGEST ? n : at + BERT__BPE_LONGEST;

        if (bert__lattice_is_full(&l, at)) {
            if (!hand_out(&l, work, begin, at, furthest, word))
                return false;
            *found = work->tokens.n >= work->wanted;
            if (*found)
                return true;
        }
        if (!bert__lattice_reach(&l, reach))
            return false;
        if (at == 0 || bert__lattice_at(&l, at)->from != UINT32_MAX) {
            uint32_t far = extend(m, &l, s, n, at);

            furthest = far > furthest ? far : furthest;
        }
    }
    work->tokens.n = before;
    return true;
}
