/* SPDX-License-Identifier: MIT */
/* tokenizer.h - what the rest of the library needs of tokenizers. */
#ifndef BERT_TOKENIZER_TOKENIZER_H
#define BERT_TOKENIZER_TOKENIZER_H

#include <bert/tokenizer.h>
#include <stdbool.h>

#include "lib/base/alloc.h"
#include "lib/base/source.h"

/* Load from the files below `directory` of the source ("" is the root).  The tokenizer
 * makes a bert__alloc of its own on `host` (NULL: malloc), so that it and its encodings may
 * outlive the model.
 * do_lower_case: put a Lowercase before the normalizer (sentence_bert_config.json).
 * *out is NULL with BERT_OK when there are no tokenizer files at all. */
bert_status bert__tokenizer_load(bert_tokenizer **out, const bert_allocator *host,
                                 struct bert__source *source, const char *directory,
                                 int do_lower_case, bert_error *err);

/*
 * Make a token that the vocabulary or the added tokens have a special one, looked for in the text
 * as it is, as the reference's add_special_tokens() does.  Only right after loading, before
 * anybody tokenizes; after a failure only bert_tokenizer_unref() is left.
 */
bert_status bert__tokenizer_add_special(bert_tokenizer *tokenizer, bert_text content,
                                        bert_error *err);

/* The mutable half: buffers that grow to the largest text seen and stay.  One
 * caller at a time. */
struct bert__token_scratch;
bert_status bert__token_scratch_create(struct bert__token_scratch **out, struct bert__alloc *alloc,
                                       bert_error *err);
void bert__token_scratch_destroy(struct bert__token_scratch *scratch);
/* Asked between stretches by bert__tokenize_ids() and bert__tokenize_pair_ids(). */
struct bert__watch;
void bert__token_scratch_watch(struct bert__token_scratch *scratch, struct bert__watch *watch);
/* Take now what bert__tokenize_ids() with this tokenizer, which must live as long, needs for
 * ordinary text of any length; only a long stretch without white space or punctuation, and a prompt
 * before a long text, take more. */
bool bert__token_scratch_reserve(struct bert__token_scratch *scratch,
                                 const bert_tokenizer *tokenizer);
/* Bytes of a scratch after that; NULL: the least of all. */
size_t bert__token_scratch_least(const bert_tokenizer *tokenizer);
/* Give back what a huge text took. */
void bert__token_scratch_trim(struct bert__token_scratch *scratch);

/*
 * The hot path of the tasks: ids of prompt + text (as one text) with special tokens,
 * cut to max_length (> specials), without offsets.  Writes at most max_length ids.
 *   *n          ids written
 *   *truncated  tokens of the text that were cut; truncated may be NULL: then nothing is read
 *               that a cut on the right would drop
 *   *prompt_tokens  tokens, counted as the reference counts them for include_prompt: tokens of
 *               the encoded prompt alone with specials, less its last special one;
 *               prompt_tokens may be NULL
 * side: a bert_truncation_side.  No allocation once the scratch has grown.
 */
bert_status bert__tokenize_ids(const bert_tokenizer *tokenizer, struct bert__token_scratch *scratch,
                               bert_text prompt, bert_text text, uint32_t max_length, uint32_t side,
                               int32_t *ids, int32_t *type_ids, uint32_t *n, uint64_t *truncated,
                               uint32_t *prompt_tokens, bert_error *err);

/*
 * The same of a pair, of which the longer is cut first.  The scratch grows to max_length ids for
 * each of the texts.
 */
bert_status bert__tokenize_pair_ids(const bert_tokenizer *tokenizer,
                                    struct bert__token_scratch *scratch, bert_text text,
                                    bert_text pair, uint32_t max_length, uint32_t side,
                                    int32_t *ids, int32_t *type_ids, uint32_t *n,
                                    uint64_t *truncated, bert_error *err);

/* Special tokens by the names that the reference's classes give them, in the order in which
 * they add them. */
enum bert__named {
    BERT__NAMED_BOS,
    BERT__NAMED_EOS,
    BERT__NAMED_UNK,
    BERT__NAMED_SEP,
    BERT__NAMED_PAD,
    BERT__NAMED_CLS,
    BERT__NAMED_MASK,
    BERT__NAMED_COUNT
};

/* The id of what tokenizer_config.json, special_tokens_map.json or the class calls so; -1: there
 * is none.  A bare tokenizer.json or vocabulary has the usual names. */
int32_t bert__tokenizer_named(const bert_tokenizer *tokenizer, enum bert__named named);

/* Does the reference's class give its model type ids?  By model_input_names of
 * tokenizer_config.json, else by the class; some of transformers 4 do that don't in 5. */
bool bert__tokenizer_gives_types(const bert_tokenizer *tokenizer, bool version4);

/* Are tokens that continue a word spelt with a prefix, such as "##"? */
bool bert__tokenizer_prefixed(const bert_tokenizer *tokenizer);

/* What the reference's classes do to decoded text where tokenizer_config.json asks for
 * clean_up_tokenization_spaces, but to BPE's; in place, returns the new size. */
size_t bert__tokenizer_clean(const bert_tokenizer *tokenizer, char *text, size_t size);

/* Memory that it holds, its encodings included. */
uint64_t bert__tokenizer_bytes(const bert_tokenizer *tokenizer);

/* Remarks for `bert info -v`, such as a contradiction between files; NULL past the end. */
const char *bert__tokenizer_note(const bert_tokenizer *tokenizer, uint32_t i);

#endif
