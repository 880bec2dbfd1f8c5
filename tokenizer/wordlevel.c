/* SPDX-License-Identifier: MIT */
/* wordlevel.c - looking words up. */
#include "tokenizer/wordlevel.h"

bool bert__wordlevel_run(const struct bert__wordlevel *m, struct bert__work *work)
{
    for (size_t i = 0; i < work->words.n; i++) {
        struct bert__word w = work->words.items[i];
        const struct bert__vocab_entry *e =
            bert__vocab_find(m->vocab, work->piece.bytes + w.begin, w.end - w.begin);

        if (!bert__token_add(work, e != NULL ? e->id : m->unk_id, w.begin, w.end, i))
            return false;
    }
    return true;
}
