/* SPDX-License-Identifier: MIT */
/* unigram.h - the Unigram model: the pieces whose scores add up to the most. */
#ifndef BERT_TOKENIZER_UNIGRAM_H
#define BERT_TOKENIZER_UNIGRAM_H

#include "tokenizer/unigram_trie.h"
#include "tokenizer/vocab.h"
#include "tokenizer/work.h"

/* Time is the text's length times the longest piece's; SentencePiece's own limit is 512. */
enum { BERT__UNIGRAM_PIECE = 1024 };

struct bert__unigram {
    struct bert__alloc *alloc;
    const struct bert__vocab *vocab; /* borrowed; ids are positions in the list of pieces */
    struct bert__unigram_trie trie;
    double *scores; /* by id, until the trie is built */
    double unk_score;
    int32_t unk_id;
    uint32_t longest; /* piece, in bytes */
    bool byte_fallback;
    int32_t fallback[256]; /* token of a byte, <0x00> and so on; -1 */
};

/* Takes `scores` (of the allocator) over. */
void bert__unigram_init(struct bert__unigram *model, struct bert__alloc *alloc,
                        const struct bert__vocab *vocab, double *scores, int32_t unk_id,
                        bool byte_fallback);
/* Build the trie; to be called before the model is used. */
bert_status bert__unigram_build(struct bert__unigram *model, bert_error *err);
void bert__unigram_free(struct bert__unigram *model);

/* Tokens of every word of `work`, appended to work->tokens.  False: no memory. */
bool bert__unigram_run(const struct bert__unigram *model, struct bert__work *work);
/* Buffers for ordinary text, and their size. */
bool bert__unigram_reserve(const struct bert__unigram *model, struct bert__model_scratch *scratch);
size_t bert__unigram_least(void);

#endif
