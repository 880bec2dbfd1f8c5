/* SPDX-License-Identifier: MIT */
/* session.h - the inside of bert_session, for the other files of lib/api. */
#ifndef BERT_LIB_API_SESSION_H
#define BERT_LIB_API_SESSION_H

#include <bert/session.h>

#include "lib/api/model.h"
#include "lib/base/fpenv.h"
#include "tokenizer/tokenizer.h"

/* Scratch of the tasks that take texts, for one batch. */
struct bert__text_scratch {
    struct bert__token_scratch *tokens;
    int32_t *ids, *type_ids; /* [max_tokens + the model's longest]: the text that
                                overflows a batch is there already */
    uint32_t *offsets;       /* [max_sequences + 1] */
    uint32_t *prompt_tokens; /* [max_sequences] */
    uint32_t *attended;      /* [max_sequences]: see struct bert__batch */
    size_t *owner;           /* [max_sequences]: which text a sequence is of */
    float *rows, *spare;     /* [max_sequences][embedder's max_width] */
};

/* What the sequences of all calls were, until whoever reads it clears it: the engine. */
struct bert__session_stats {
    uint64_t compute_ns; /* in the encoder and what follows it, of the call's total */
    uint64_t tokens, unknown;
};

struct bert_session {
    struct bert__alloc *alloc;
    bert_model *model;
    struct bert__exec *exec;
    struct bert__watch watch;
    uint64_t timeout_ns;
    uint32_t threads, max_tokens, max_sequences;
    struct bert__fpenv fpenv;
    struct bert__text_scratch texts;
    int32_t unknown_id; /* -1: none */
    struct bert__session_stats stats;
};

/* Around every call that computes: BERT_EBUSY if one is running; sets the deadline and the
 * floating-point state.  `leave` follows every `enter` that succeeded. */
bert_status bert__session_enter(bert_session *session, bert_error *err);
void bert__session_leave(bert_session *session);

/* Is every id one of the model's, BERT_EINVAL otherwise, and n a length that it takes, up to its
 * limit?  Else BERT_ERANGE. */
bert_status bert__session_check_ids(const bert_session *session, const int32_t *ids, uint32_t n,
                                    bert_error *err);

#endif
