/* SPDX-License-Identifier: MIT */
/* wordpiece.h - the WordPiece model: greedy longest match, in linear time. */
#ifndef BERT_TOKENIZER_WORDPIECE_H
#define BERT_TOKENIZER_WORDPIECE_H

#include "tokenizer/vocab.h"
#include "tokenizer/work.h"

struct bert__wp_node;
struct bert__wp_pop;

struct bert__wordpiece {
    struct bert__alloc *alloc;
    const struct bert__vocab *vocab; /* borrowed */
    int32_t unk_id;
    uint64_t max_chars; /* of a word, in code points; longer ones are unknown */
    bert_text prefix;   /* of tokens that continue a word; borrowed */

    struct bert__wp_node *nodes; /* one more than there are, for its `first` */
    uint8_t *labels;             /* byte that leads to node i from its parent */
    uint32_t n_nodes;
    struct bert__wp_pop *pops;
    uint32_t n_pops;
    uint32_t *roots; /* [2][256]: children of the two roots by byte */
};

/* `prefix` marks tokens that continue a word ("##"), and has to live as long. */
void bert__wordpiece_init(struct bert__wordpiece *model, struct bert__alloc *alloc,
                          const struct bert__vocab *vocab, bert_text prefix, int32_t unk_id,
                          uint64_t max_chars);
/* Its tries, when the vocabulary is complete. */
bert_status bert__wordpiece_build(struct bert__wordpiece *model, bert_error *err);
void bert__wordpiece_free(struct bert__wordpiece *model);

/* Tokens of every word of `work`, appended to work->tokens.  False: no memory. */
bool bert__wordpiece_run(const struct bert__wordpiece *model, struct bert__work *work);

#endif
