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

/* ---- Embeddings of several kinds ------------------------------------------------ */

/** Kinds of embeddings, as bits. */
typedef enum bert_embedding {
    BERT_EMBEDDING_DENSE = 1 << 0,  /**< one vector a text: what bert_embed() gives */
    BERT_EMBEDDING_SPARSE = 1 << 1, /**< weights of terms: of ids of the vocabulary (SPLADE,
                                         lexical weights of bge-m3) */
    BERT_EMBEDDING_MULTI = 1 << 2   /**< a vector of each token (ColBERT, bge-m3) */
} bert_embedding;

/** What a text is to a search.  It chooses the model's prompt of that name, if it has one, unless
 *  the call says another, instead of the default prompt; and to a ColBERT model it says how long
 *  the text may be, which tokens have a vector, and that a query is widened by mask tokens. */
typedef enum bert_role {
    BERT_ROLE_NONE = 0, /**< neither: what the reference's encode() gives */
    BERT_ROLE_QUERY = 1,
    BERT_ROLE_DOCUMENT = 2
} bert_role;

/** Options of bert_embed_all(). */
typedef struct bert_embed_all_options {
    size_t size;
    uint32_t outputs;    /**< bert_embedding bits; 0: what the model was saved for, SPARSE for a
                              SparseEncoder, MULTI for a ColBERT model, else DENSE */
    uint32_t pooling;    /**< as of bert_embed_options, for DENSE */
    uint32_t normalize;  /**< so too; MULTI: as a bert_normalize of each vector */
    uint32_t dimensions; /**< so too */
    uint32_t max_active; /**< SPARSE: the N largest weights, of equal ones the lowest id first; 0:
                              the model's own max_active_dims, else all */
    uint32_t max_length; /**< tokens at most; the model's own limit still holds; 0: that limit */
    uint32_t overlong;   /**< a bert_overlong but WINDOWS */
    const bert_text *prompt; /**< put before every text (even if empty); NULL: see below */
    const char *prompt_name; /**< one of the model's prompts; NULL: by role, which is NONE for the
                                  model's default prompt */
    uint32_t role;           /**< a bert_role */
    uint32_t reserved;       /**< 0 */
} bert_embed_all_options;
#define BERT_EMBED_ALL_OPTIONS_INIT                                                                \
    {                                                                                              \
        sizeof(bert_embed_all_options), 0, 0, 0, 0, 0, 0, 0, NULL, NULL, 0, 0                      \
    }

/** A term and its weight. */
typedef struct bert_term {
    int32_t id;   /**< of the vocabulary */
    float weight; /**< above 0 */
} bert_term;

typedef struct bert_embeddings bert_embeddings;

/**
 * Embed texts in one or several ways by one pass of the encoder.
 *
 * SPARSE weights are those of SPLADE: log(1 + max(logit, 0)) of the fill-mask head, the largest
 * of all tokens, special ones included, or their sum, as the model's SpladePooling says; of a
 * model that was not saved as a SparseEncoder but has the head, the largest.  A model with a
 * matrix sparse_linear, as bge-m3, gives its lexical weights instead: max(W h + b, 0) of each
 * token, of an id the largest, without those of the cls, eos, padding and unknown tokens.
 *
 * MULTI vectors are those of a ColBERT model, saved by sentence-transformers (MultiVectorEncoder),
 * PyLate or Stanford's ColBERT: the last hidden states through the model's own modules, of the
 * tokens that it scores, special ones included.  So a document has none for punctuation where
 * the model skips it; and a query has some for the masks by which it is widened, though other
 * tokens may not attend to them.  Of bge-m3 they are colbert_linear of all tokens but the first,
 * made unit length.  These matrices are read from the model's tensors (colbert_linear.weight,
 * .bias; sparse_linear.weight, .bias) or from colbert_linear.safetensors and
 * sparse_linear.safetensors beside them; a .pt file is named with what makes a safetensors of it.
 *
 * Logits of a text are never held at once: what a call needs beyond the session's scratch is a
 * batch's hidden states, one row of the vocabulary and some MiB, and what the result holds.
 *
 * @param out  The result; free it with bert_embeddings_free().  It is read as the results of
 *             the tasks below.
 * @return BERT_OK; BERT_EINVAL, bad options or an unknown prompt name, or MULTI together with
 *         others where queries are widened; BERT_EUNSUPPORTED, the
 *         model lacks the head or the tokenizer, or has modules that are not handled, by name;
 *         BERT_ENOMEM; BERT_ELIMIT; BERT_ECANCELED; BERT_ETIMEDOUT; BERT_EBUSY; BERT_EBACKEND.
 * Since 0.1.
 */
BERT_API bert_status bert_embed_all(bert_session *session, const bert_text *texts, size_t n,
                                    const bert_embed_all_options *options, bert_embeddings **out,
                                    bert_error *err);

/** The bert_embedding bits that the result holds.  Since 0.1. */
BERT_API uint32_t bert_embeddings_outputs(const bert_embeddings *result);
/** Number of records: n.  Since 0.1. */
BERT_API size_t bert_embeddings_size(const bert_embeddings *result);
/** Of a text: see bert_classifications_status().  Since 0.1. */
BERT_API bert_status bert_embeddings_status(const bert_embeddings *result, size_t record);
/** Why, in one line; "" for BERT_OK.  Borrowed from the result.  Since 0.1. */
BERT_API const char *bert_embeddings_message(const bert_embeddings *result, size_t record);
/** Tokens that were encoded, special ones included, those by which a query is widened not.
 *  Since 0.1. */
BERT_API uint32_t bert_embeddings_tokens(const bert_embeddings *result, size_t record);
/** Tokens of prompt and text that were cut.  Since 0.1. */
BERT_API uint64_t bert_embeddings_truncated(const bert_embeddings *result, size_t record);
/** The vector of a text and its length; NULL and 0 without one.  Borrowed.  Since 0.1. */
BERT_API const float *bert_embeddings_dense(const bert_embeddings *result, size_t record,
                                            size_t *size);
/** The terms of a text, ids ascending, and their number; NULL and 0 if there are none.  Borrowed.
 *  Since 0.1. */
BERT_API const bert_term *bert_embeddings_terms(const bert_embeddings *result, size_t record,
                                                size_t *count);
/** The vectors of a text's tokens, [*count][*size], in the order of the tokens; NULL and 0, 0 if
 *  there are none, as for a text of punctuation alone whose tokens the model all skips.  Borrowed.
 *  Since 0.1. */
BERT_API const float *bert_embeddings_vectors(const bert_embeddings *result, size_t record,
                                              size_t *count, size_t *size);
/** Free; NULL is fine.  Since 0.1. */
BERT_API void bert_embeddings_free(bert_embeddings *result);

/**
 * Similarity of two sparse vectors, whose ids ascend: as bert_similarity() of the same vectors
 * with all their zeros.
 * @return BERT_OK; BERT_EINVAL, an unknown function, or ids that do not ascend.
 * Any thread.  Since 0.1.
 */
BERT_API bert_status bert_sparse_similarity(const char *function, const bert_term *a,
                                            size_t a_count, const bert_term *b, size_t b_count,
                                            float *out, bert_error *err);

/**
 * Late interaction of a query's vectors a with a document's vectors b: the sum over a's of
 * their largest product with one of b's.  Larger is closer; it is not symmetric.
 * @param function  "maxsim", or "meanmaxsim", which divides by a_count.
 * @param size      Floats of one vector; a is [a_count][size], b [b_count][size].
 * @param out       0 where a has no vectors; where b has none -1e9, as in the reference, so
 *                  that it comes after every other.
 * @return BERT_OK; BERT_EINVAL, an unknown function, or NULL.
 * Any thread.  Since 0.1.
 */
BERT_API bert_status bert_multi_similarity(const char *function, const float *a, size_t a_count,
                                           const float *b, size_t b_count, size_t size, float *out,
                                           bert_error *err);

/** The kinds that bert_embed_all() can give with this model, as bert_embedding bits: DENSE always,
 *  if it has a tokenizer.  Since 0.1. */
BERT_API uint32_t bert_model_embeddings(const bert_model *model);
/**
 * Similarity function of one kind: of that which the model was saved for bert_model_similarity(),
 * of others "cosine" for DENSE, "dot" for SPARSE, "maxsim" or, of bge-m3, "meanmaxsim" for MULTI.
 * @param kind  One bert_embedding.
 * Never NULL.  Since 0.1.
 */
BERT_API const char *bert_model_embedding_similarity(const bert_model *model, bert_embedding kind);

/* ---- Task results ---------------------------------------------------------
 *
 * The calls below take n texts (any number: they are run in parts that fit the session) and give
 * one opaque result, which owns its memory, from the session's allocator, and may be read and
 * freed before or after the session, by any thread, by one of them at a time where it is freed.
 * Its getters take a record, from 0 in the order of the texts.  What is wrong with one text, such
 * as BERT_ERANGE, is the status of its record, and the others are answered.  What comes for a
 * text is the same bits alone and in any batch.
 *
 * The session's scratch is used; beyond it a call takes, within max_bytes, what its head needs of
 * one batch.  A model without the head is BERT_EUNSUPPORTED; the message names it and its
 * tensors. */

/* ---- Text classification --------------------------------------------------- */

/** What is made of the logits. */
typedef enum bert_function {
    BERT_FUNCTION_AUTO = 0,    /**< as the model says: none for the problem_type "regression",
                                    sigmoid for one label or "multi_label_classification", else
                                    softmax */
    BERT_FUNCTION_SOFTMAX = 1, /**< probabilities of labels that exclude each other */
    BERT_FUNCTION_SIGMOID = 2, /**< a probability for each label */
    BERT_FUNCTION_NONE = 3     /**< the logits themselves */
} bert_function;

/** Options of bert_classify(). */
typedef struct bert_classify_options {
    size_t size;
    uint32_t function;   /**< a bert_function */
    uint32_t top;        /**< labels of a text, the best; 0: all */
    uint32_t max_length; /**< tokens at most; the model's own limit still holds; 0: that limit */
    uint32_t overlong;   /**< a bert_overlong but WINDOWS; pairs are cut longest first */
} bert_classify_options;
#define BERT_CLASSIFY_OPTIONS_INIT                                                                 \
    {                                                                                              \
        sizeof(bert_classify_options), 0, 0, 0, 0                                                  \
    }

/** A label and its score. */
typedef struct bert_label_score {
    const char *label; /**< of the model, which the result keeps alive */
    uint32_t id;       /**< bert_model_label(id) */
    float score;
} bert_label_score;

typedef struct bert_classifications bert_classifications;

/**
 * Labels of texts, or of pairs of texts.
 *
 * @param pairs  n texts that go with the texts; NULL: single texts.  To the reference's pipeline,
 *               and so here, an empty one is none.
 * @param out    The result; free it with bert_classifications_free().
 * @return BERT_OK; BERT_EINVAL, bad options; BERT_EUNSUPPORTED, the model has no head for text
 *         classification or no usable tokenizer; BERT_ENOMEM; BERT_ELIMIT; BERT_ECANCELED;
 *         BERT_ETIMEDOUT; BERT_EBUSY; BERT_EBACKEND.
 * Since 0.1.
 */
BERT_API bert_status bert_classify(bert_session *session, const bert_text *texts,
                                   const bert_text *pairs, size_t n,
                                   const bert_classify_options *options, bert_classifications **out,
                                   bert_error *err);

/** Number of records: n.  Since 0.1. */
BERT_API size_t bert_classifications_size(const bert_classifications *result);
/** BERT_OK; BERT_ERANGE, the text is too long; BERT_EINVAL, it has no tokens, or the tokenizer
 *  gives an id that the model lacks; BERT_ENONFINITE.  Past the end BERT_EINVAL.  Since 0.1. */
BERT_API bert_status bert_classifications_status(const bert_classifications *result, size_t record);
/** Why, in one line; "" for BERT_OK.  Borrowed from the result.  Since 0.1. */
BERT_API const char *bert_classifications_message(const bert_classifications *result,
                                                  size_t record);
/** Number of labels of a record; 0 without an answer.  Since 0.1. */
BERT_API size_t bert_classifications_count(const bert_classifications *result, size_t record);
/** They, best first; of equal scores the lowest id.  Borrowed; NULL if there are none.  Since 0.1.
 */
BERT_API const bert_label_score *bert_classifications_labels(const bert_classifications *result,
                                                             size_t record);
/** Tokens of text and pair that were cut.  Since 0.1. */
BERT_API uint64_t bert_classifications_truncated(const bert_classifications *result, size_t record);
/** Free; NULL is fine.  Since 0.1. */
BERT_API void bert_classifications_free(bert_classifications *result);

/* ---- Re-ranking --------------------------------------------------------------- */

/** Options of bert_rerank(). */
typedef struct bert_rerank_options {
    size_t size;
    uint32_t raw;        /**< 1: scores are the model's logits */
    uint32_t top;        /**< texts in bert_rankings_best(); 0: all */
    uint32_t max_length; /**< tokens at most; the model's own limit still holds; 0: that limit */
    uint32_t overlong;   /**< a bert_overlong but WINDOWS; the longer of query and text is cut */
} bert_rerank_options;
#define BERT_RERANK_OPTIONS_INIT                                                                   \
    {                                                                                              \
        sizeof(bert_rerank_options), 0, 0, 0, 0                                                    \
    }

/** A text and its score. */
typedef struct bert_ranked {
    size_t index; /**< in the caller's texts */
    float score;
} bert_ranked;

typedef struct bert_rankings bert_rankings;

/**
 * Order texts by how well they answer a query: a cross-encoder reads query and text as a pair.
 *
 * The model is one for text classification with a single label.  A score is its logit through
 * the activation that the model was saved with (activation_fn of
 * config_sentence_transformers.json, sentence_transformers.activation_fn or
 * sbert_ce_default_activation_function of config.json), else through the sigmoid; where the
 * model says Identity it is the logit.
 *
 * @return As bert_classify(); BERT_EUNSUPPORTED also for several labels and for an unknown
 *         activation, by name.
 * Since 0.1.
 */
BERT_API bert_status bert_rerank(bert_session *session, bert_text query, const bert_text *texts,
                                 size_t n, const bert_rerank_options *options, bert_rankings **out,
                                 bert_error *err);

/** Number of records: n.  Since 0.1. */
BERT_API size_t bert_rankings_size(const bert_rankings *result);
/** Of a text: see bert_classifications_status().  Since 0.1. */
BERT_API bert_status bert_rankings_status(const bert_rankings *result, size_t record);
/** Why, in one line; "" for BERT_OK.  Borrowed from the result.  Since 0.1. */
BERT_API const char *bert_rankings_message(const bert_rankings *result, size_t record);
/** Score of a text; 0 without one.  Since 0.1. */
BERT_API float bert_rankings_score(const bert_rankings *result, size_t record);
/** Tokens of query and text that were cut.  Since 0.1. */
BERT_API uint64_t bert_rankings_truncated(const bert_rankings *result, size_t record);
/** Number of texts in bert_rankings_best(): those that have a score, at most `top`.  Since 0.1. */
BERT_API size_t bert_rankings_count(const bert_rankings *result);
/** The best texts, best first; of equal scores the earlier goes first.  Borrowed.  Since 0.1. */
BERT_API const bert_ranked *bert_rankings_best(const bert_rankings *result);
/** Free; NULL is fine.  Since 0.1. */
BERT_API void bert_rankings_free(bert_rankings *result);

/* ---- Token classification -------------------------------------------------- */

/** How the labels of tokens become entities: the strategies of the reference's
 *  token-classification pipeline. */
typedef enum bert_aggregation {
    BERT_AGGREGATE_SIMPLE = 0,  /**< neighbouring tokens of one tag are one entity, a label that
                                     begins with "B-" begins another */
    BERT_AGGREGATE_NONE = 1,    /**< every token is one */
    BERT_AGGREGATE_FIRST = 2,   /**< as SIMPLE of words; a word has the label of its first token, */
    BERT_AGGREGATE_AVERAGE = 3, /**< that of the mean of its tokens' probabilities, */
    BERT_AGGREGATE_MAX = 4      /**< that of its most certain token */
} bert_aggregation;

/** In place of a stride: windows share no tokens. */
#define BERT_STRIDE_NONE UINT32_MAX

/** Options of bert_tag(). */
typedef struct bert_tag_options {
    size_t size;
    uint32_t aggregation; /**< a bert_aggregation */
    uint32_t max_length;  /**< tokens of a window at most, special ones included; the model's own
                               limit still holds; 0: that limit */
    uint32_t stride;      /**< tokens that windows share; 0: half a window, at most 128 */
    uint32_t reserved;    /**< 0 */
} bert_tag_options;
#define BERT_TAG_OPTIONS_INIT                                                                      \
    {                                                                                              \
        sizeof(bert_tag_options), 0, 0, 0, 0                                                       \
    }

/** A part of a text, and what it is. */
typedef struct bert_entity {
    const char *label; /**< of the model, which the result keeps alive; without what comes before
                            its first "-", such as "B-", unless aggregation is NONE */
    uint32_t id;       /**< of the label of its first token or word */
    float score;       /**< probability; of several tokens or words their mean */
    bert_span bytes;   /**< of the text */
    bert_span chars;   /**< the same in Unicode code points */
} bert_entity;

typedef struct bert_entities bert_entities;

/**
 * Entities of texts of any length.
 *
 * A text that is longer than a window is tagged window by window; of entities that overlap,
 * the longest stays, of the same length that with the highest score.  Entities named "O" are
 * left out.
 *
 * @param out  The result; free it with bert_entities_free().
 * @return BERT_OK; BERT_EINVAL, bad options, such as a stride not under the room that special
 *         tokens leave; BERT_EUNSUPPORTED, the model has no head for token classification or no
 *         usable tokenizer; BERT_ENOMEM; BERT_ELIMIT; BERT_ECANCELED; BERT_ETIMEDOUT; BERT_EBUSY;
 *         BERT_EBACKEND.
 * Since 0.1.
 */
BERT_API bert_status bert_tag(bert_session *session, const bert_text *texts, size_t n,
                              const bert_tag_options *options, bert_entities **out,
                              bert_error *err);

/** Number of records: n.  Since 0.1. */
BERT_API size_t bert_entities_size(const bert_entities *result);
/** BERT_OK; BERT_ERANGE, a window is longer than the session takes; BERT_EINVAL, the tokenizer
 *  gives an id that the model lacks; BERT_ELIMIT; BERT_ENONFINITE.  Past the end BERT_EINVAL.
 *  Since 0.1. */
BERT_API bert_status bert_entities_status(const bert_entities *result, size_t record);
/** Why, in one line; "" for BERT_OK.  Borrowed from the result.  Since 0.1. */
BERT_API const char *bert_entities_message(const bert_entities *result, size_t record);
/** Number of entities of a record.  Since 0.1. */
BERT_API size_t bert_entities_count(const bert_entities *result, size_t record);
/** They, in the order of the text.  Borrowed; NULL if there are none.  Since 0.1. */
BERT_API const bert_entity *bert_entities_list(const bert_entities *result, size_t record);
/** Free; NULL is fine.  Since 0.1. */
BERT_API void bert_entities_free(bert_entities *result);

/* ---- Question answering ----------------------------------------------------- */

/** Options of bert_answer(). */
typedef struct bert_answer_options {
    size_t size;
    uint32_t top;        /**< answers of a record at most; 0: 1 */
    uint32_t no_null;    /**< 1: that there is no answer is none */
    uint32_t max_answer; /**< tokens of an answer at most; 0: 15 */
    uint32_t max_length; /**< tokens of a window at most, those of the question and special ones
                              included; the model's own limit still holds; 0: 384 */
    uint32_t stride;     /**< tokens that windows share; 0: half a window, at most 128 */
    uint32_t reserved;   /**< 0 */
} bert_answer_options;
#define BERT_ANSWER_OPTIONS_INIT                                                                   \
    {                                                                                              \
        sizeof(bert_answer_options), 0, 0, 0, 0, 0, 0                                              \
    }

/** A part of a context that answers a question. */
typedef struct bert_answer_span {
    bert_span bytes;  /**< of the context */
    bert_span chars;  /**< the same in Unicode code points */
    float score;      /**< probability; those of equal answers are added up, over all windows */
    uint32_t is_null; /**< 1: the context holds no answer; both spans are [0, 0) */
} bert_answer_span;

typedef struct bert_answers bert_answers;

/**
 * Answers to questions, each out of a context of any length.
 *
 * As the question-answering pipeline of transformers 4 does it: a context that does not fit is
 * read in windows, each with the whole question; in each the best 2 * top + 10 spans are
 * widened to whole words; those that are equal under lower-casing are one answer, which is where
 * it was seen first.
 *
 * @param questions  n questions.
 * @param contexts   Their n contexts.
 * @param out        The result; free it with bert_answers_free().
 * @return As bert_tag(), of a head for question answering.
 * Since 0.1.
 */
BERT_API bert_status bert_answer(bert_session *session, const bert_text *questions,
                                 const bert_text *contexts, size_t n,
                                 const bert_answer_options *options, bert_answers **out,
                                 bert_error *err);

/** Number of records: n.  Since 0.1. */
BERT_API size_t bert_answers_size(const bert_answers *result);
/** As bert_entities_status(); BERT_ERANGE also where the question leaves a window of its
 *  context no more room than the stride.  Since 0.1. */
BERT_API bert_status bert_answers_status(const bert_answers *result, size_t record);
/** Why, in one line; "" for BERT_OK.  Borrowed from the result.  Since 0.1. */
BERT_API const char *bert_answers_message(const bert_answers *result, size_t record);
/** Number of answers of a record, the null answer included; it may be 0 with no_null.
 *  Since 0.1. */
BERT_API size_t bert_answers_count(const bert_answers *result, size_t record);
/** They, best first.  Borrowed; NULL if there are none.  Since 0.1. */
BERT_API const bert_answer_span *bert_answers_list(const bert_answers *result, size_t record);
/** Free; NULL is fine.  Since 0.1. */
BERT_API void bert_answers_free(bert_answers *result);

/* ---- Next sentence -------------------------------------------------------------- */

/** Options of bert_next_sentence(). */
typedef struct bert_next_options {
    size_t size;
    uint32_t max_length; /**< tokens at most; the model's own limit still holds; 0: that limit */
    uint32_t overlong;   /**< a bert_overlong but WINDOWS; the longer text is cut */
} bert_next_options;
#define BERT_NEXT_OPTIONS_INIT                                                                     \
    {                                                                                              \
        sizeof(bert_next_options), 0, 0                                                            \
    }

/** Does the second text follow the first? */
typedef struct bert_next {
    float is_next;   /**< the softmax of logits[0] */
    float logits[2]; /**< of "is next" and "is not" */
} bert_next;

typedef struct bert_nexts bert_nexts;

/**
 * Judge for n pairs whether the second text follows the first.
 *
 * The model is one for the next sentence or for BERT's pre-training, or a masked LM whose file
 * has that head too.
 * @return As bert_classify().
 * Since 0.1.
 */
BERT_API bert_status bert_next_sentence(bert_session *session, const bert_text *texts,
                                        const bert_text *pairs, size_t n,
                                        const bert_next_options *options, bert_nexts **out,
                                        bert_error *err);

/** Number of records: n.  Since 0.1. */
BERT_API size_t bert_nexts_size(const bert_nexts *result);
/** Of a pair: see bert_classifications_status().  Since 0.1. */
BERT_API bert_status bert_nexts_status(const bert_nexts *result, size_t record);
/** Why, in one line; "" for BERT_OK.  Borrowed from the result.  Since 0.1. */
BERT_API const char *bert_nexts_message(const bert_nexts *result, size_t record);
/** The answer; NULL without one.  Borrowed from the result.  Since 0.1. */
BERT_API const bert_next *bert_nexts_get(const bert_nexts *result, size_t record);
/** Tokens of both texts that were cut.  Since 0.1. */
BERT_API uint64_t bert_nexts_truncated(const bert_nexts *result, size_t record);
/** Free; NULL is fine.  Since 0.1. */
BERT_API void bert_nexts_free(bert_nexts *result);

/* ---- Masked language model --------------------------------------------------------- */

/** Options of bert_fill_mask(). */
typedef struct bert_fill_options {
    size_t size;
    uint32_t top;             /**< tokens for each mask; 0: 5 */
    uint32_t max_length;      /**< tokens at most; the model's own limit still holds; 0: that
                                   limit */
    uint32_t overlong;        /**< a bert_overlong but WINDOWS */
    uint32_t n_targets;       /**< of `targets` */
    const bert_text *targets; /**< only these tokens come; NULL: any.  One that the vocabulary
                                   lacks stands for the first token that it is made of; one
                                   without any is left out */
} bert_fill_options;
#define BERT_FILL_OPTIONS_INIT                                                                     \
    {                                                                                              \
        sizeof(bert_fill_options), 0, 0, 0, 0, NULL                                                \
    }

/** A token in the place of a mask. */
typedef struct bert_fill {
    int32_t id;
    float score;     /**< probability over the whole vocabulary, also with targets */
    bert_text token; /**< the id decoded; a NUL follows, as in `text` */
    bert_text text;  /**< the whole text decoded, with the token in its place; without special
                          tokens where there is no other mask */
} bert_fill;

typedef struct bert_fills bert_fills;

/**
 * What stands behind the masks of texts, each mask by itself.  A text that holds no mask, or none
 * within its length, has BERT_EINVAL as its status.
 *
 * @return As bert_classify(); BERT_EINVAL also where no target is left.
 * Since 0.1.
 */
BERT_API bert_status bert_fill_mask(bert_session *session, const bert_text *texts, size_t n,
                                    const bert_fill_options *options, bert_fills **out,
                                    bert_error *err);

/** Number of records: n.  Since 0.1. */
BERT_API size_t bert_fills_size(const bert_fills *result);
/** Of a text: see bert_classifications_status().  Since 0.1. */
BERT_API bert_status bert_fills_status(const bert_fills *result, size_t record);
/** Why, in one line; "" for BERT_OK.  Borrowed from the result.  Since 0.1. */
BERT_API const char *bert_fills_message(const bert_fills *result, size_t record);
/** Masks of a text.  Since 0.1. */
BERT_API size_t bert_fills_masks(const bert_fills *result, size_t record);
/** The tokens for a mask, best first; of equal logits the lowest id.  *count, which may be NULL,
 *  receives their number.  Borrowed; NULL past the end.  Since 0.1. */
BERT_API const bert_fill *bert_fills_best(const bert_fills *result, size_t record, size_t mask,
                                          size_t *count);
/** Tokens of a text that were cut.  Since 0.1. */
BERT_API uint64_t bert_fills_truncated(const bert_fills *result, size_t record);
/** Free; NULL is fine.  Since 0.1. */
BERT_API void bert_fills_free(bert_fills *result);

#ifdef __cplusplus
}
#endif

#endif /* BERT_TASKS_H */
