/* SPDX-License-Identifier: MIT */
/**
 * @file bert/tokenizer.h
 * Text to token ids and back, identical to Hugging Face `tokenizers`.
 *
 * A bert_tokenizer is immutable once loaded: any number of threads may use one
 * at the same time without a lock.  It is reference counted.
 *
 * @code
 * #include <bert.h>
 * #include <stdio.h>
 *
 * int main(int argc, char **argv)
 * {
 *     bert_error err;
 *     bert_tokenizer *tok;
 *     bert_encoding *enc;
 *     bert_text text = {"Hello, world!", 13};
 *
 *     if (bert_tokenizer_load(&tok, argc > 1 ? argv[1] : ".", NULL, &err) != BERT_OK) {
 *         fprintf(stderr, "%s\n", err.message);
 *         return 1;
 *     }
 *     if (bert_tokenize(tok, text, NULL, NULL, &enc, &err) == BERT_OK) {
 *         for (size_t i = 0; i < bert_encoding_size(enc); i++) {
 *             bert_text t = bert_encoding_token(enc, i);
 *             printf("%d %.*s\n", (int)bert_encoding_ids(enc)[i], (int)t.size, t.data);
 *         }
 *         bert_encoding_free(enc);
 *     }
 *     bert_tokenizer_unref(tok);
 *     return 0;
 * }
 * @endcode
 */
#ifndef BERT_TOKENIZER_H
#define BERT_TOKENIZER_H

#include <bert/base.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct bert_tokenizer bert_tokenizer;
typedef struct bert_encoding bert_encoding;

/* ---- Loading ----------------------------------------------------------- */

/** Options of bert_tokenizer_load*(). */
typedef struct bert_tokenizer_options {
    size_t size;
    const bert_allocator *allocator; /**< NULL: malloc */
    uint64_t max_file_bytes;         /**< larger files are BERT_ELIMIT; 0: 1 GiB */
    bert_log_fn log;                 /**< NULL: silent */
    void *log_context;
    bert_cancel_fn cancel; /**< NULL: never; asked every few ms, on the calling thread */
    void *cancel_context;
} bert_tokenizer_options;
#define BERT_TOKENIZER_OPTIONS_INIT                                                                \
    {                                                                                              \
        sizeof(bert_tokenizer_options), NULL, 0, NULL, NULL, NULL, NULL                            \
    }

/**
 * Load a tokenizer.
 *
 * @param path  A model directory: tokenizer.json decides; without one, vocab.txt (or
 *              vocab.json and merges.txt, or a SentencePiece model) and tokenizer_config.json
 *              as the reference's fast class reads them; without any of these, what the
 *              folder holds that a modules.json names first.  Or one file: a tokenizer.json,
 *              or a vocab.txt, which is then the lower-casing BERT default whatever lies
 *              beside it.
 * @return BERT_OK; BERT_EIO; BERT_EFORMAT; BERT_EUNSUPPORTED, a component that is
 *         not handled, by name; BERT_ELIMIT; BERT_ECANCELED; BERT_ENOMEM.
 * The caller owns one reference.  Since 0.1.
 */
BERT_API bert_status bert_tokenizer_load(bert_tokenizer **out, const char *path,
                                         const bert_tokenizer_options *options, bert_error *err);

/** As bert_tokenizer_load() on a directory, from memory.  Nothing of `files` is
 *  kept after the call.  Since 0.1. */
BERT_API bert_status bert_tokenizer_load_memory(bert_tokenizer **out, const bert_file *files,
                                                size_t n_files,
                                                const bert_tokenizer_options *options,
                                                bert_error *err);

/** Take one more reference.  Returns its argument.  Any thread.  Since 0.1. */
BERT_API bert_tokenizer *bert_tokenizer_ref(bert_tokenizer *tokenizer);
/** Give one reference back; the last frees.  NULL is fine.  Any thread.  Since 0.1. */
BERT_API void bert_tokenizer_unref(bert_tokenizer *tokenizer);

/** Number of ids, added tokens included: one more than the largest id.  Since 0.1. */
BERT_API uint32_t bert_tokenizer_vocab_size(const bert_tokenizer *tokenizer);
/** Algorithm of the model: "WordPiece".  Never NULL; borrowed.  Since 0.1. */
BERT_API const char *bert_tokenizer_algorithm(const bert_tokenizer *tokenizer);
/** `model_max_length` of tokenizer_config.json; 0 where absent or without limit.  Since 0.1. */
BERT_API uint64_t bert_tokenizer_model_max_length(const bert_tokenizer *tokenizer);
/** Text of a token as the vocabulary spells it; {NULL, 0} for an unknown id.
 *  Borrowed from the tokenizer.  Since 0.1. */
BERT_API bert_text bert_tokenizer_token(const bert_tokenizer *tokenizer, int32_t id);
/** Id of a token spelt as in the vocabulary, or -1.  Since 0.1. */
BERT_API int32_t bert_tokenizer_id(const bert_tokenizer *tokenizer, bert_text token);
/** Special tokens that the template adds to a single text (pair: 0) or to a
 *  pair (pair: 1).  Since 0.1. */
BERT_API uint32_t bert_tokenizer_special_count(const bert_tokenizer *tokenizer, int pair);

/** Special tokens by what the reference calls them. */
typedef enum bert_special_token {
    BERT_SPECIAL_BOS = 0,
    BERT_SPECIAL_EOS = 1,
    BERT_SPECIAL_UNK = 2,
    BERT_SPECIAL_SEP = 3,
    BERT_SPECIAL_PAD = 4,
    BERT_SPECIAL_CLS = 5,
    BERT_SPECIAL_MASK = 6
} bert_special_token;

/** Id of a special token: of what tokenizer_config.json, special_tokens_map.json or the tokenizer's
 *  class there calls so; of a bare tokenizer.json or vocabulary of the usual spellings.
 *  @return -1 if there is none, or for a number that is no bert_special_token.  Since 0.1. */
BERT_API int32_t bert_tokenizer_special_id(const bert_tokenizer *tokenizer, uint32_t which);
/** Whether the reference gives a model the token types of this tokenizer; else they are all 0.  By
 *  model_input_names of tokenizer_config.json, or the class there.
 *  @param version  Of transformers: for 4 and less some classes do that don't since 5.
 *  Since 0.1. */
BERT_API int bert_tokenizer_gives_types(const bert_tokenizer *tokenizer, uint32_t version);

/* ---- Encoding ---------------------------------------------------------- */

typedef enum bert_truncation_side {
    BERT_TRUNCATE_RIGHT = 0, /**< keep the beginning */
    BERT_TRUNCATE_LEFT = 1   /**< keep the end */
} bert_truncation_side;

typedef enum bert_truncation_strategy {
    BERT_LONGEST_FIRST = 0, /**< cut the longer of a pair, token by token */
    BERT_ONLY_FIRST = 1,
    BERT_ONLY_SECOND = 2
} bert_truncation_strategy;

typedef enum bert_offset_unit {
    BERT_OFFSET_BYTES = 0, /**< bytes of the caller's text */
    BERT_OFFSET_CHARS = 1  /**< Unicode code points (an ill-formed part counts as one) */
} bert_offset_unit;

/** Options of bert_tokenize() and its like. */
typedef struct bert_tokenize_options {
    size_t size;
    uint32_t no_special;   /**< 1: leave out the template's special tokens */
    uint32_t max_length;   /**< tokens at most, special ones included; 0: no limit */
    uint32_t stride;       /**< tokens that one overflow window shares with the next */
    uint32_t overflow;     /**< 1: keep what was cut as further windows */
    uint32_t strategy;     /**< a bert_truncation_strategy */
    uint32_t side;         /**< a bert_truncation_side */
    uint32_t offset_unit;  /**< a bert_offset_unit */
    uint32_t pad_length;   /**< pad every window to this many tokens, 2^26 at most; 0: none */
    uint32_t stop_early;   /**< 1: don't read what max_length drops on the right of a single text
                                (without overflow): bert_encoding_truncated() and the sizes told
                                by bert_encoding_kept() are then those of what was read */
    uint32_t threads;      /**< of bert_tokenize_batch(), the caller included; 0 and 1: no other */
    bert_cancel_fn cancel; /**< NULL: never; asked between stretches of a text and within long
                              words, on the calling thread; the call is then BERT_ECANCELED */
    void *cancel_context;
} bert_tokenize_options;
#define BERT_TOKENIZE_OPTIONS_INIT                                                                 \
    {                                                                                              \
        sizeof(bert_tokenize_options), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, NULL, NULL                    \
    }

/**
 * Tokenize one text, or a pair.
 *
 * Blocks for truncation and padding in the tokenizer's file are ignored: only
 * the options count.
 *
 * @param pair  NULL for a single text.
 * @param out   The encoding; free it with bert_encoding_free().
 * @return BERT_OK; BERT_EINVAL, options that the reference refuses too (a stride
 *         not under the room, a limit under the number of special tokens);
 *         BERT_ERANGE, nothing is left to cut (only_first, only_second);
 *         BERT_ELIMIT, over 2^20 windows, or windows or a pad_length of over 2^26 tokens;
 *         BERT_ECANCELED; BERT_ENOMEM.
 * Any thread.  Since 0.1.
 */
BERT_API bert_status bert_tokenize(const bert_tokenizer *tokenizer, bert_text text,
                                   const bert_text *pair, const bert_tokenize_options *options,
                                   bert_encoding **out, bert_error *err);

/**
 * Tokenize a text that is split into words already, or a pair of such.
 *
 * Each word goes through all stages by itself, as if it were a text (so that a
 * byte-level tokenizer puts its prefix space before each word, if it puts one).
 * bert_encoding_word_ids() are indices of `words`, and offsets count from the
 * start of their word.
 *
 * @param words    Views of n_words words; nothing of them is kept.
 * @param pair     NULL for a single text.
 * @param n_pair   Words of the pair; 0 where there is none.
 * @return As bert_tokenize().
 * Any thread.  Since 0.1.
 */
BERT_API bert_status bert_tokenize_words(const bert_tokenizer *tokenizer, const bert_text *words,
                                         size_t n_words, const bert_text *pair, size_t n_pair,
                                         const bert_tokenize_options *options, bert_encoding **out,
                                         bert_error *err);

/**
 * Tokenize n texts, or n pairs, on options.threads threads.
 *
 * Threads are made for the call and end with it; none is made unless it is asked
 * for.  They block all signals.  What comes out does not depend on their number.
 *
 * @param texts  n texts.
 * @param pairs  NULL, or the n texts that pair with them.
 * @param out    n encodings, in the order of the texts; free each.  Those that
 *               failed are NULL, the others are given whatever is returned.
 * @return BERT_OK; BERT_ECANCELED; else the status of the first text that failed, whose index
 *         the message names: see bert_tokenize().
 * Any thread.  Since 0.1.
 */
BERT_API bert_status bert_tokenize_batch(const bert_tokenizer *tokenizer, const bert_text *texts,
                                         const bert_text *pairs, size_t n,
                                         const bert_tokenize_options *options, bert_encoding **out,
                                         bert_error *err);

/**
 * Where to cut a text so that it has at most n_tokens tokens, special ones not
 * counted: for chunkers.  Faster than bert_tokenize(): nothing is kept, and on
 * the right side nothing is read beyond the cut.
 *
 * The cut lies between tokens as they come out of the whole text; where a
 * character is made of several tokens, behind the whole character (side left:
 * before it).  What is cut off may tokenize otherwise by itself.
 *
 * @param side  BERT_TRUNCATE_RIGHT keeps the beginning: *at is the byte at which
 *              the first n_tokens tokens end.  BERT_TRUNCATE_LEFT keeps the end:
 *              *at is the byte at which the last n_tokens tokens begin.
 * @param at    text.size (left: 0) if the text has no more than n_tokens tokens.
 * @return BERT_OK; BERT_EINVAL; BERT_ENOMEM; BERT_ERANGE, a text too long for any
 *         call.
 * Any thread.  Since 0.1.
 */
BERT_API bert_status bert_cut_text(const bert_tokenizer *tokenizer, bert_text text, size_t n_tokens,
                                   bert_truncation_side side, size_t *at, bert_error *err);

/** Number of tokens that bert_tokenize() would give, padding included; `options` may
 *  be NULL.  Nothing else is worked out, and nothing beyond max_length of a single
 *  text is read.  Since 0.1. */
BERT_API bert_status bert_count_tokens(const bert_tokenizer *tokenizer, bert_text text,
                                       const bert_text *pair, const bert_tokenize_options *options,
                                       size_t *out, bert_error *err);

/** Free an encoding and its windows; NULL is fine.  Since 0.1. */
BERT_API void bert_encoding_free(bert_encoding *encoding);

/* All arrays below have bert_encoding_size() entries and live as long as the
 * encoding.  Never NULL unless the size is 0. */

/** Number of tokens.  Since 0.1. */
BERT_API size_t bert_encoding_size(const bert_encoding *encoding);
/** Token ids.  Since 0.1. */
BERT_API const int32_t *bert_encoding_ids(const bert_encoding *encoding);
/** Token type (segment) ids.  Since 0.1. */
BERT_API const int32_t *bert_encoding_type_ids(const bert_encoding *encoding);
/** Ranges in the caller's text, in the unit of the options; in a pair each
 *  counts from the start of its own text, where the text came as words from that of
 *  its word; [0, 0) for special tokens.  Since 0.1. */
BERT_API const bert_span *bert_encoding_offsets(const bert_encoding *encoding);
/** 1 for tokens that the template or padding put in, else 0.  Since 0.1. */
BERT_API const uint8_t *bert_encoding_special_mask(const bert_encoding *encoding);
/** 1 for real tokens, 0 for padding.  Since 0.1. */
BERT_API const uint8_t *bert_encoding_attention_mask(const bert_encoding *encoding);
/** Index of the word of its text (as the pre-tokenizer splits it); -1: none.  Since 0.1. */
BERT_API const int32_t *bert_encoding_word_ids(const bert_encoding *encoding);
/** 0: from the text, 1: from the pair, -1: neither.  Since 0.1. */
BERT_API const int8_t *bert_encoding_sequence_ids(const bert_encoding *encoding);
/** Token i as the vocabulary spells it; borrowed from the encoding, which keeps
 *  its tokenizer alive.  {NULL, 0} past the end.  Since 0.1. */
BERT_API bert_text bert_encoding_token(const bert_encoding *encoding, size_t i);
/** Tokens of text and pair (special ones not counted) that this window lacks.  Since 0.1. */
BERT_API size_t bert_encoding_truncated(const bert_encoding *encoding);
/** What of the text (sequence 0) or of its pair (1) this window holds: [start, end), from
 *  its first token to its last.  On a side that was not cut it reaches to the end of the
 *  text, so that `end` is the byte at which truncation cut the text (side left: `start`).
 *  In the unit of the options; words where the text came as words.  Spaces count that
 *  a post-processor trims off the offsets.  [0, 0) for another sequence.  Since 0.1. */
BERT_API bert_span bert_encoding_kept(const bert_encoding *encoding, int sequence);
/** Number of further windows (options.overflow).  Since 0.1. */
BERT_API size_t bert_encoding_overflow_count(const bert_encoding *encoding);
/** Further window i in the reference's order; borrowed; NULL past the end.  Since 0.1. */
BERT_API const bert_encoding *bert_encoding_overflow(const bert_encoding *encoding, size_t i);

/* ---- Many encodings ----------------------------------------------------
 * As the getters above, for hosts to which each call is dear, such as bindings of other languages.
 * NULL among the encodings, which bert_tokenize_batch() leaves for texts that failed, has size 0.
 */

/** An array of an encoding. */
typedef enum bert_encoding_field {
    BERT_ENCODING_IDS = 0,            /**< int32_t */
    BERT_ENCODING_TYPE_IDS = 1,       /**< int32_t */
    BERT_ENCODING_OFFSETS = 2,        /**< bert_span */
    BERT_ENCODING_SPECIAL_MASK = 3,   /**< uint8_t */
    BERT_ENCODING_ATTENTION_MASK = 4, /**< uint8_t */
    BERT_ENCODING_WORD_IDS = 5,       /**< int32_t */
    BERT_ENCODING_SEQUENCE_IDS = 6    /**< int8_t */
} bert_encoding_field;

/** Number of tokens of each of n encodings.  Returns the sum of all.
 *  @param sizes  n entries; NULL: only the sum is wanted.
 *  Any thread.  Since 0.1. */
BERT_API size_t bert_encodings_sizes(const bert_encoding *const *encodings, size_t n,
                                     size_t *sizes);

/**
 * Copy one array of n encodings, end to end.
 *
 * @param field     A bert_encoding_field.
 * @param out       As many elements as bert_encodings_sizes() says.
 * @param out_size  Capacity of out, in bytes.
 * @return BERT_OK; BERT_EINVAL, an unknown field or a NULL argument; BERT_ERANGE, out is too small,
 *         and nothing is written.
 * Any thread.  Since 0.1.
 */
BERT_API bert_status bert_encodings_copy(const bert_encoding *const *encodings, size_t n,
                                         bert_encoding_field field, void *out, size_t out_size,
                                         bert_error *err);

/** bert_encoding_free() for each of n, which become NULL.  `encodings` may be NULL if n is 0.
 *  Since 0.1. */
BERT_API void bert_encodings_free(bert_encoding **encodings, size_t n);

/* ---- Decoding ---------------------------------------------------------- */

/**
 * Ids back to text, as the reference's decoder joins and cleans them.  Unknown
 * ids are skipped.
 *
 * @param keep_special  0 leaves special tokens out.
 * @param out       Buffer of `capacity` bytes (may be NULL if capacity is 0);
 *                  not NUL-terminated.
 * @param out_size  Set to the bytes needed, also when the buffer is too small.
 * @return BERT_OK; BERT_ERANGE, the buffer is too small, nothing is written.
 * Any thread.  Since 0.1.
 */
BERT_API bert_status bert_decode(const bert_tokenizer *tokenizer, const int32_t *ids, size_t n_ids,
                                 int keep_special, char *out, size_t capacity, size_t *out_size,
                                 bert_error *err);

#ifdef __cplusplus
}
#endif

#endif /* BERT_TOKENIZER_H */
