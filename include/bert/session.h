/* SPDX-License-Identifier: MIT */
/**
 * @file bert/session.h
 * The mutable half of inference: scratch memory, a thread team, one backend
 * stream.  The model it runs is immutable and shared.
 *
 * Threads: one caller at a time per session; many sessions per model.  Only
 *          bert_session_cancel() may be called beside a running call.
 * Memory:  all scratch is taken at creation; bert_encode() never allocates.  Nor does
 *          bert_embed() on ordinary text of any length: only thousands of bytes without white
 *          space or punctuation, a prompt before a long text, and windows take more, for
 *          the time of the call, and within max_bytes.
 * Workers: none exists before the first call that computes; they block all
 *          signals and die with the session.  One that can't be made is done
 *          without.  After fork() a session may be used in the child, which
 *          makes workers of its own.
 * Bits:    the same model, precision, instruction set and sequence give the
 *          same bits, whatever the batch, its order, or the thread count.
 */
#ifndef BERT_SESSION_H
#define BERT_SESSION_H

#include <bert/base.h>
#include <bert/model.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct bert_session bert_session;
typedef struct bert_outputs bert_outputs;

/** Options of bert_session_create(). */
typedef struct bert_session_options {
    size_t size;
    uint32_t max_tokens;    /**< tokens in one batch, all sequences together; scratch grows with
                                 it; 0: 2048, or the model's positions where those are more */
    uint32_t max_sequences; /**< sequences in one batch; 0, or more than max_tokens: that many */
    uint32_t threads; /**< caller included; 0: what affinity and cgroup quota leave the process */
    const bert_allocator *allocator; /**< NULL: malloc */
    bert_cancel_fn
        cancel; /**< NULL: never; asked between layers, within long ones
                     every 5 ms or so, and while texts are tokenized: every 4 KiB or so; one word of
                   megabytes takes up to some 30 ms a MB between two questions */
    void *cancel_context;
    uint64_t timeout_ns; /**< time that one call may take, else BERT_ETIMEDOUT; 0: no limit */
    uint64_t max_bytes;  /**< scratch at most, else BERT_ELIMIT; 0: no limit */
} bert_session_options;
#define BERT_SESSION_OPTIONS_INIT                                                                  \
    {                                                                                              \
        sizeof(bert_session_options), 0, 0, 0, NULL, NULL, NULL, 0, 0                              \
    }

/**
 * Make a session.  It keeps a reference to the model.
 * @return BERT_OK; BERT_EINVAL; BERT_ELIMIT, over max_bytes; BERT_ENOMEM; BERT_EBACKEND.
 * Since 0.1.
 */
BERT_API bert_status bert_session_create(bert_session **out, bert_model *model,
                                         const bert_session_options *options, bert_error *err);

/** Stop its workers and free it; NULL is fine.  Since 0.1. */
BERT_API void bert_session_destroy(bert_session *session);

/**
 * Bytes of scratch that a session with these options would hold: its peak, but for
 * the texts named above.  The model's own bytes (bert_model_bytes()) and thread stacks come
 * on top.
 * Since 0.1.
 */
BERT_API bert_status bert_session_estimate(const bert_model *model,
                                           const bert_session_options *options, uint64_t *out,
                                           bert_error *err);

/** The model; borrowed.  Since 0.1. */
BERT_API bert_model *bert_session_model(const bert_session *session);
/** Threads that calls may use, the caller included.  Since 0.1. */
BERT_API uint32_t bert_session_threads(const bert_session *session);
/** Tokens that one batch may hold.  Since 0.1. */
BERT_API uint32_t bert_session_max_tokens(const bert_session *session);
/** Change the time that a call may take; 0: no limit.  Since 0.1. */
BERT_API void bert_session_set_timeout(bert_session *session, uint64_t timeout_ns);
/** End the running call with BERT_ECANCELED, within some 10 ms; without
 *  one, nothing happens.  Any thread, and async-signal-safe.  Since 0.1. */
BERT_API void bert_session_cancel(bert_session *session);

/**
 * Encode a packed, unpadded batch.
 *
 * @param ids       Token ids of all sequences, end to end.
 * @param type_ids  Token type ids in the same layout; NULL: all 0.  Not looked at where the
 *                  family has none (DistilBERT).
 * @param offsets   n_sequences + 1 entries; sequence i is ids[offsets[i]] up to
 *                  but excluding ids[offsets[i + 1]]; offsets[0] is 0.
 * @param out       Row-major [offsets[n_sequences]][hidden_size], the last hidden state;
 *                  unspecified on failure.
 * @param out_size  Capacity of out, in floats.
 * @return BERT_OK (also for n_sequences 0); BERT_EINVAL, an id outside the vocabulary,
 *         an empty sequence, or bad offsets; BERT_ERANGE, a sequence over the model's
 *         positions, a batch over max_tokens or max_sequences, or out too small;
 *         BERT_ECANCELED; BERT_ETIMEDOUT; BERT_EBACKEND; BERT_EBUSY, the session is in use.
 * The session can be used again after every error.  Since 0.1.
 */
BERT_API bert_status bert_encode(bert_session *session, const int32_t *ids, const int32_t *type_ids,
                                 const uint32_t *offsets, uint32_t n_sequences, float *out,
                                 size_t out_size, bert_error *err);

/* ---- Raw model outputs --------------------------------------------------- */

/** What bert_forward() can give; bits to be or-ed. */
typedef enum bert_output {
    BERT_OUTPUT_LAST_HIDDEN_STATE = 1 << 0, /**< [tokens][hidden] */
    BERT_OUTPUT_POOLER = 1 << 1,            /**< [hidden]: tanh(dense(first token)) */
    BERT_OUTPUT_HIDDEN_STATES = 1 << 2,     /**< [layers + 1][tokens][hidden], embeddings first */
    BERT_OUTPUT_ATTENTIONS = 1 << 3,        /**< [layers][heads][tokens (query)][tokens (key)], the
                                                 probabilities, for SqueezeBERT too, whose reference
                                                 gives scores; where landmarks stand in for keys,
                                                 [landmarks] last */
    /* of a task head, as the reference's class for it names and shapes them */
    BERT_OUTPUT_LOGITS = 1 << 4,            /**< text classification [labels]; token classification
                                                 [tokens][labels]; masked LM [tokens][vocab_size];
                                                 next sentence [2]; multiple choice [1]; replaced
                                                 tokens (ELECTRA's pre-training) [tokens] */
    BERT_OUTPUT_START_LOGITS = 1 << 5,      /**< question answering: [tokens] */
    BERT_OUTPUT_END_LOGITS = 1 << 6,        /**< question answering: [tokens] */
    BERT_OUTPUT_PREDICTION_LOGITS = 1 << 7, /**< pre-training: [tokens][vocab_size] */
    BERT_OUTPUT_SEQ_RELATIONSHIP_LOGITS = 1 << 8, /**< pre-training: [2] */
    BERT_OUTPUT_SOP_LOGITS = 1 << 9               /**< ALBERT's pre-training, sentence order: [2] */
} bert_output;

/** The bert_output bits that this model can give: the encoder's, BERT_OUTPUT_POOLER where
 *  it has one, and those of its task head.  Any thread.  Since 0.1. */
BERT_API uint32_t bert_model_outputs(const bert_model *model);
/** Tensors that the task head named by the config lacks, as one line for a message;
 *  NULL if there is nothing to say.  Borrowed from the model.  Since 0.1. */
BERT_API const char *bert_model_head_missing(const bert_model *model);

/**
 * Run the model and keep what `outputs` asks for.
 *
 * Batch as in bert_encode().  The result owns its memory, from the session's
 * allocator; free it with bert_outputs_free() before or after the session.
 * @param outputs  bert_output bits.  One that is not among bert_model_outputs() is
 *                 BERT_EUNSUPPORTED; the message names the missing tensors.
 * @return As bert_encode().
 * Since 0.1.
 */
BERT_API bert_status bert_forward(bert_session *session, uint32_t outputs, const int32_t *ids,
                                  const int32_t *type_ids, const uint32_t *offsets,
                                  uint32_t n_sequences, bert_outputs **out, bert_error *err);

/**
 * One output of one sequence.
 * @param shape  Receives up to 4 sizes, slowest first; may be NULL.
 * @param rank   Receives the number of sizes; may be NULL.
 * @return Row-major values, borrowed from `outputs`; NULL if it was not asked for
 *         or `sequence` is past the end.
 * Since 0.1.
 */
BERT_API const float *bert_outputs_get(const bert_outputs *outputs, bert_output which,
                                       uint32_t sequence, uint32_t shape[4], uint32_t *rank);

/** Free; NULL is fine.  Since 0.1. */
BERT_API void bert_outputs_free(bert_outputs *outputs);

#ifdef __cplusplus
}
#endif

#endif /* BERT_SESSION_H */
