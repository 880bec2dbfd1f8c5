/* SPDX-License-Identifier: MIT */
/**
 * @file bert/explain.h
 * A first explanation of what a model makes of a text: attention rollout (Abnar and Zuidema,
 * "Quantifying Attention Flow in Transformers", 2020).  Each layer mixes tokens by
 * 0.5 * (mean of its heads' attentions) + 0.5 * identity; the product over all layers says how
 * much of each token of the text reaches the token, or tokens, that the model's answer is made of.
 * It shows where a model looked, not why it answered so, and knows no labels.
 * @code
 * #include <bert.h>
 * #include <stdio.h>
 *
 * int main(int argc, char **argv)
 * {
 *     const bert_text text = {"a cat on a mat", 14};
 *     bert_error err;
 *     bert_model *model;
 *     bert_session *session = NULL;
 *     bert_explanation *result = NULL;
 *
 *     if (bert_model_load(&model, argc > 1 ? argv[1] : ".", NULL, &err) == BERT_OK
 *         && bert_session_create(&session, model, NULL, &err) == BERT_OK
 *         && bert_explain(session, text, NULL, NULL, &result, &err) == BERT_OK) {
 *         for (size_t i = 0; i < bert_explanation_count(result); i++) {
 *             const bert_relevance *token = &bert_explanation_list(result)[i];
 *
 *             printf("%.4f %.*s\n", token->score, (int)(token->bytes.end - token->bytes.start),
 *                    text.data + token->bytes.start);
 *         }
 *     } else {
 *         printf("%s\n", err.message);
 *     }
 *     bert_explanation_free(result);
 *     bert_session_destroy(session);
 *     bert_model_unref(model);
 *     return 0;
 * }
 * @endcode
 */
#ifndef BERT_EXPLAIN_H
#define BERT_EXPLAIN_H

#include <bert/base.h>
#include <bert/session.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What the tokens are relevant for. */
typedef enum bert_rollout {
    BERT_ROLLOUT_AUTO = 0,  /**< what the model's head reads, in a model without one its pooling:
                                 MEAN or LAST; FIRST for all else */
    BERT_ROLLOUT_FIRST = 1, /**< the first token */
    BERT_ROLLOUT_LAST = 2,  /**< the last token */
    BERT_ROLLOUT_MEAN = 3   /**< the mean of all tokens */
} bert_rollout;

/** Options of bert_explain(). */
typedef struct bert_explain_options {
    size_t size;
    uint32_t target;     /**< a bert_rollout */
    uint32_t max_length; /**< tokens at most; the model's own limit still holds; 0: that limit */
    uint32_t overlong;   /**< a bert_overlong but WINDOWS; pairs are cut longest first */
    uint32_t reserved;   /**< 0 */
} bert_explain_options;
#define BERT_EXPLAIN_OPTIONS_INIT                                                                  \
    {                                                                                              \
        sizeof(bert_explain_options), 0, 0, 0, 0                                                   \
    }

/** A token and its relevance. */
typedef struct bert_relevance {
    bert_span bytes;  /**< of its text or pair; [0, 0) for special tokens */
    float score;      /**< at least 0; those of all tokens add up to 1 */
    int32_t id;       /**< of the vocabulary */
    int32_t sequence; /**< 0: of the text, 1: of the pair, -1: a special token */
} bert_relevance;

typedef struct bert_explanation bert_explanation;

/**
 * Relevance of each token of a text, or of a pair of texts, which are tokenized as bert_classify()
 * does it.
 *
 * The call takes, within max_bytes, (layers + heads) * tokens^2 floats.
 *
 * @param pair  NULL: a single text; an empty one is none.
 * @param out   The result; free it with bert_explanation_free().
 * @return BERT_OK; BERT_EINVAL, bad options, or a text without tokens; BERT_ERANGE, the text is too
 *         long; BERT_EUNSUPPORTED, no usable tokenizer; BERT_ENONFINITE; BERT_ENOMEM; BERT_ELIMIT;
 *         BERT_ECANCELED; BERT_ETIMEDOUT; BERT_EBUSY; BERT_EBACKEND.
 * Since 0.1.
 */
BERT_API bert_status bert_explain(bert_session *session, bert_text text, const bert_text *pair,
                                  const bert_explain_options *options, bert_explanation **out,
                                  bert_error *err);

/** Number of tokens, special ones included.  Since 0.1. */
BERT_API size_t bert_explanation_count(const bert_explanation *result);
/** They, in the order in which the model reads them.  Borrowed.  Since 0.1. */
BERT_API const bert_relevance *bert_explanation_list(const bert_explanation *result);
/** Tokens of text and pair that were cut.  Since 0.1. */
BERT_API uint64_t bert_explanation_truncated(const bert_explanation *result);
/** Free, before or after the session; NULL is fine.  Since 0.1. */
BERT_API void bert_explanation_free(bert_explanation *result);

#ifdef __cplusplus
}
#endif

#endif /* BERT_EXPLAIN_H */
