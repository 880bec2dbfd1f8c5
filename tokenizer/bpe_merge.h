/* SPDX-License-Identifier: MIT */
/* bpe_merge.h - inside BPE: one word's symbols, and their merging. */
#ifndef BERT_TOKENIZER_BPE_MERGE_H
#define BERT_TOKENIZER_BPE_MERGE_H

#include "tokenizer/bpe.h"

enum {
    BERT__BPE_SHORT = 40 /* symbols that are merged by looking through all pairs each time */
};

/* A word as symbols, into scratch->symbols.  False: no memory. */
bool bert__bpe_read(const struct bert__bpe *model, const char *s, uint32_t size,
                    struct bert__model_scratch *scratch);

/* The symbol of the character at s, as it is spelt at that place of a word (BERT__BPE_NEXT,
 * BERT__BPE_LAST); -1: none. */
int32_t bert__bpe_character(const struct bert__bpe *model, const char *s, size_t size,
                            unsigned place);
/* What is looked up for it: at most 2 * BERT__BPE_AFFIX + 4 bytes; returns how many. */
size_t bert__bpe_spell(const struct bert__bpe_options *options, const char *s, size_t size,
                       unsigned place, char *out);

/* Merge at most BERT__BPE_SHORT symbols in place; returns how many are left. */
size_t bert__bpe_merge_short(const struct bert__bpe *model, struct bert__bpe_symbol *symbols,
                             size_t n);

/* Merge any number of work->model.symbols; `emit` gets the tokens in order.  False: no memory, or
 * the work is stopped. */
typedef bool bert__bpe_emit(void *to, int32_t id, size_t bytes);
bool bert__bpe_merge_long(const struct bert__bpe *model, struct bert__work *work,
                          bert__bpe_emit *emit, void *to);

/* The byte alphabet: UTF-8 of the character that stands for a byte (returns its size, 1 or 2),
 * and back (-1: the code point stands for none). */
size_t bert__byte_to_alphabet(unsigned byte, char out[2]);
int bert__alphabet_to_byte(uint32_t cp);

#endif
