/* SPDX-License-Identifier: MIT */
/**
 * @file bert/chunks.h
 * Late chunking: a vector for each of several parts of a text, made of the token vectors of one
 * pass over the whole text, so that a part knows what the rest is about (a "she" whom she is).
 * @code
 * #include <bert.h>
 * #include <stdio.h>
 *
 * int main(int argc, char **argv)
 * {
 *     const bert_text text = {"Berlin is old. It has three million people.", 43};
 *     const bert_span sentences[2] = {{0, 14}, {15, 43}};
 *     bert_error err;
 *     bert_model *model;
 *     bert_session *session = NULL;
 *     bert_chunks *result = NULL;
 *     int rc = 1;
 *
 *     if (bert_model_load(&model, argc > 1 ? argv[1] : ".", NULL, &err) == BERT_OK
 *         && bert_session_create(&session, model, NULL, &err) == BERT_OK
 *         && bert_embed_chunks(session, text, sentences, 2, NULL, &result, &err) == BERT_OK) {
 *         for (size_t i = 0; i < bert_chunks_count(result); i++)
 *             printf("%u tokens: %f ...\n", (unsigned)bert_chunks_list(result)[i].tokens,
 *                    bert_chunks_list(result)[i].vector[0]);
 *         rc = 0;
 *     } else {
 *         fprintf(stderr, "%s\n", err.message);
 *     }
 *     bert_chunks_free(result);
 *     bert_session_destroy(session);
 *     bert_model_unref(model);
 *     return rc;
 * }
 * @endcode
 */
#ifndef BERT_CHUNKS_H
#define BERT_CHUNKS_H

#include <bert/base.h>
#include <bert/session.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Options of bert_embed_chunks(). */
typedef struct bert_chunk_options {
    size_t size;
    uint32_t pooling;      /**< as of bert_embed_options: over the tokens of a part */
    uint32_t normalize;    /**< so too */
    uint32_t dimensions;   /**< so too */
    uint32_t max_length;   /**< tokens of a pass at most; the model's own limit still holds; 0: that
                                limit */
    uint32_t chunk_tokens; /**< without spans: tokens of a part */
    uint32_t windows;      /**< 1: a text over the limit is read in windows; 0: it is BERT_ERANGE */
    uint32_t stride;       /**< tokens that windows share; of them the first half has the vectors of
                                the earlier window, where more follows them, the others those of the
                                later one; WINDOWS only */
    const bert_text
        *prompt; /**< put before the text (even if empty), in no part; NULL: see below */
    const char *prompt_name; /**< one of the model's prompts; NULL: the model's default prompt */
} bert_chunk_options;
#define BERT_CHUNK_OPTIONS_INIT                                                                    \
    {                                                                                              \
        sizeof(bert_chunk_options), 0, 0, 0, 0, 0, 0, 0, NULL, NULL                                \
    }

/** A part of the text. */
typedef struct bert_chunk {
    bert_span bytes;     /**< of the text, as it was asked for; by chunk_tokens from the first byte
                              of its first token to the last of its last */
    const float *vector; /**< [bert_chunks_dimensions()]; zeros where it holds no token */
    uint32_t tokens;     /**< that overlap it */
} bert_chunk;

typedef struct bert_chunks bert_chunks;

/**
 * Embed parts of a text by one pass over the whole of it.
 *
 * A part's tokens, those whose bytes overlap it, are pooled by the model's own modules as if they
 * were a text: the first is what CLS pooling takes, and weights of WEIGHTED count from it.  Special
 * tokens and those of a prompt belong to no part; parts may overlap, and need not cover the text.
 * The call takes, within max_bytes, the vectors of all tokens.
 *
 * @param spans  n parts in bytes; NULL: the text is parted into runs of chunk_tokens tokens; a
 *               character is not cut, so that a part may have a few more.
 * @param out    The result; free it with bert_chunks_free().
 * @return BERT_OK; BERT_EINVAL, bad options, an unknown prompt name, a span that is not within the
 *         text, neither spans nor chunk_tokens; BERT_ERANGE, the text is longer than the model or
 *         the session takes; BERT_EUNSUPPORTED, no usable tokenizer; BERT_ENONFINITE; BERT_ENOMEM;
 *         BERT_ELIMIT; BERT_ECANCELED; BERT_ETIMEDOUT; BERT_EBUSY; BERT_EBACKEND.
 * Since 0.1.
 */
BERT_API bert_status bert_embed_chunks(bert_session *session, bert_text text,
                                       const bert_span *spans, size_t n,
                                       const bert_chunk_options *options, bert_chunks **out,
                                       bert_error *err);

/** Number of parts: n, or as many as chunk_tokens makes (0 of a text without tokens).  Since 0.1.
 */
BERT_API size_t bert_chunks_count(const bert_chunks *result);
/** They, in the order of the spans.  Borrowed; NULL if there are none.  Since 0.1. */
BERT_API const bert_chunk *bert_chunks_list(const bert_chunks *result);
/** Floats of a vector.  Since 0.1. */
BERT_API size_t bert_chunks_dimensions(const bert_chunks *result);
/** Tokens that were encoded, special ones included, all windows.  Since 0.1. */
BERT_API uint64_t bert_chunks_tokens(const bert_chunks *result);
/** Free, before or after the session; NULL is fine.  Since 0.1. */
BERT_API void bert_chunks_free(bert_chunks *result);

#ifdef __cplusplus
}
#endif

#endif /* BERT_CHUNKS_H */
