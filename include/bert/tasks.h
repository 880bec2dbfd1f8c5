/* SPDX-License-Identifier: MIT */
/**
 * @file bert/tasks.h
 * Text in, typed result out.  One section per task.
 *
 * Embedding and semantic search:
 * @code
 * #include <bert.h>
 * #include <stdio.h>
 * #include <stdlib.h>
 * #include <string.h>
 *
 * int main(int argc, char **argv)
 * {
 *     bert_error err;
 *     bert_model *model;
 *     bert_session *session = NULL;
 *     const char *words[2] = {"a cat on a mat", "a kitten lies on the rug"};
 *     bert_text texts[2];
 *     float *vectors = NULL, score = 0;
 *     size_t dim;
 *     int rc = 1;
 *
 *     if (bert_model_load(&model, argc > 1 ? argv[1] : ".", NULL, &err) != BERT_OK) {
 *         fprintf(stderr, "%s\n", err.message);
 *         return 1;
 *     }
 *     for (int i = 0; i < 2; i++) {
 *         texts[i].data = words[i];
 *         texts[i].size = strlen(words[i]);
 *     }
 *     dim = bert_model_embedding_size(model);
 *     vectors = malloc(2 * dim * sizeof *vectors);
 *     if (vectors == NULL
 *         || bert_session_create(&session, model, NULL, &err) != BERT_OK
 *         || bert_embed(session, texts, 2, NULL, vectors, 2 * dim, NULL, &err) != BERT_OK
 *         || bert_similarity(bert_model_similarity(model), vectors, vectors + dim, dim,
 *                            &score, &err) != BERT_OK)
 *         goto out;
 *     printf("%.4f\n", score);
 *     rc = 0;
 * out:
 *     free(vectors);
 *     bert_session_destroy(session);
 *     bert_model_unref(model);
 *     return rc;
 * }
 * @endcode
 */
#ifndef BERT_TASKS_H
#define BERT_TASKS_H

#include <bert/base.h>
#include <bert/session.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Embedding ----------------------------------------------------------- */

/** How token vectors become one vector. */
typedef enum bert_pooling {
    BERT_POOLING_MODEL = 0, /**< the model's own modules; mean where it has none */
    BERT_POOLING_MEAN = 1,
    BERT_POOLING_CLS = 2,           /**< first token */
    BERT_POOLING_MAX = 3,           /**< maximum of each dimension */
    BERT_POOLING_MEAN_SQRT_LEN = 4, /**< sum / sqrt(number of tokens) */
    BERT_POOLING_WEIGHTED = 5,      /**< mean weighted by position, 1 for the first token */
    BERT_POOLING_LAST = 6           /**< last token */
} bert_pooling;

typedef enum bert_normalize {
    BERT_NORMALIZE_MODEL = 0, /**< as the model's modules say */
    BERT_NORMALIZE_ON = 1,    /**< to unit length, last */
    BERT_NORMALIZE_OFF = 2    /**< leave the model's Normalize module out */
} bert_normalize;

/** What to do with texts that are longer than the model's limit. */
typedef enum bert_overlong {
    BERT_OVERLONG_CUT_RIGHT = 0, /**< keep the beginning */
    BERT_OVERLONG_CUT_LEFT = 1,  /**< keep the end */
    BERT_OVERLONG_ERROR = 2,     /**< BERT_ERANGE */
    BERT_OVERLONG_WINDOWS = 3    /**< pool windows with stride, then average by token count;
                                      pooling comes per window, the later modules once */
} bert_overlong;

/** Options of bert_embed(). */
typedef struct bert_embed_options {
    size_t size;
    uint32_t pooling;    /**< a bert_pooling; any but MODEL replaces every module after the
                              transformer */
    uint32_t normalize;  /**< a bert_normalize */
    uint32_t dimensions; /**< keep the first N, after the model's modules, then make that unit
                              length unless normalize is OFF (Matryoshka); 0: all */
    uint32_t overlong;   /**< a bert_overlong */
    uint32_t max_length; /**< tokens at most; the model's own limit still holds; 0: that limit */
    uint32_t stride;     /**< tokens that windows share; WINDOWS only */
    const bert_text *prompt; /**< put before every text (even if empty); NULL: see below */
    const char *prompt_name; /**< one of the model's prompts; NULL: the model's default prompt */
} bert_embed_options;
#define BERT_EMBED_OPTIONS_INIT                                                                    \
    {                                                                                              \
        sizeof(bert_embed_options), 0, 0, 0, 0, 0, 0, NULL, NULL                                   \
    }

/** What happened to one text; filled by bert_embed(). */
typedef struct bert_embed_report {
    bert_status status; /**< BERT_OK, or why this text has no vector (its row is zeros) */
    uint32_t tokens;    /**< tokens that were encoded, special ones included, all windows */
    uint64_t truncated; /**< tokens of prompt and text that were cut */
} bert_embed_report;

/**
 * Embed texts: tokenize, encode, pool, apply the model's modules.
 *
 * The batch may hold any number of texts; it is run in parts that fit the
 * session.  A text's row is the same bits alone and in any batch.
 *
 * @param out       Row-major [n][embedding size], the size by bert_embed_size().
 * @param out_size  Capacity of out, in floats.
 * @param reports   n entries, or NULL.  With reports, a text that fails has its
 *                  status there and a row of zeros, and the others are answered;
 *                  without, the first such text fails the call, which names its index.
 * @return BERT_OK; BERT_EINVAL, bad options or an unknown prompt name; BERT_ERANGE, out
 *         too small; BERT_EUNSUPPORTED, the model has no usable tokenizer; and as
 *         bert_encode().
 * Since 0.1.
 */
BERT_API bert_status bert_embed(bert_session *session, const bert_text *texts, size_t n,
                                const bert_embed_options *options, float *out, size_t out_size,
                                bert_embed_report *reports, bert_error *err);

/** Floats in one row of bert_embed() with these options (NULL: defaults).  Since 0.1. */
BERT_API bert_status bert_embed_size(const bert_model *model, const bert_embed_options *options,
                                     size_t *out, bert_error *err);

/**
 * Token vectors of one text instead of a pooled one: the last hidden state with the
 * text prepared as bert_embed() does (prompt, length).  `options`: pooling must be
 * MODEL; normalize ON makes each row unit length; dimensions cuts each row.
 * The result holds BERT_OUTPUT_LAST_HIDDEN_STATE of sequence 0.  Since 0.1.
 */
BERT_API bert_status bert_embed_tokens(bert_session *session, bert_text text,
                                       const bert_embed_options *options, bert_outputs **out,
                                       bert_embed_report *report, bert_error *err);

/**
 * Similarity of two vectors: larger is closer.
 * @param function  "cosine", "dot", "euclidean" or "manhattan" (the latter two are
 *                  negative distances), as bert_model_similarity() gives it.
 * @param n         Entries of a and of b.
 * @return BERT_OK; BERT_EINVAL, an unknown function.
 * Any thread.  Since 0.1.
 */
BERT_API bert_status bert_similarity(const char *function, const float *a, const float *b, size_t n,
                                     float *out, bert_error *err);

#ifdef __cplusplus
}
#endif

#endif /* BERT_TASKS_H */
