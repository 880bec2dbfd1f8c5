/* SPDX-License-Identifier: MIT */
/* packer.h - sequences gathered into batches that fit a session, each run when it is full. */
#ifndef BERT_LIB_API_PACKER_H
#define BERT_LIB_API_PACKER_H

#include "lib/api/session.h"

struct bert__packer {
    bert_session *session;
    /* Run a batch; sequence i is the one that was taken as session->texts.owner[i]. */
    bert_status (*run)(void *context, const struct bert__batch *batch, bert_error *err);
    void *context;
    bool no_types;                  /* all sequences are of type 0 */
    bool widens;                    /* not all tokens are attended to; then, */
    uint32_t attended;              /* of the sequence taken next, so many are; 0: all */
    uint32_t n_sequences, n_tokens; /* of the batch being filled */
};

/* Where the ids and type ids of the next sequence go: behind the batch there is room for the
 * model's longest of them. */
int32_t *bert__packer_ids(const struct bert__packer *packer);
int32_t *bert__packer_type_ids(const struct bert__packer *packer);
/* Can n ids that lie there be run?  BERT_ERANGE, more than the session holds; BERT_EINVAL, an id
 * outside the model's vocabulary, or a type that it doesn't have.  Types that the model isn't given
 * become 0. */
bert_status bert__packer_check(const struct bert__packer *packer, uint32_t n, bert_error *err);
/* Take them in; a batch that they would overflow is run first. */
bert_status bert__packer_take(struct bert__packer *packer, size_t owner, uint32_t n,
                              uint32_t prompt_tokens, bert_error *err);
/* Run what has gathered. */
bert_status bert__packer_flush(struct bert__packer *packer, bert_error *err);

/* Types that the model isn't given, or doesn't have, become 0; BERT_EINVAL, others that it doesn't
 * have. */
bert_status bert__fit_types(const bert_model *model, bool no_types, int32_t *types, uint32_t n,
                            bert_error *err);

/* Does this status speak of one text, so that the others can be answered?  BERT_ELIMIT
 * does: what a text takes beyond the session's scratch hangs on its length. */
bool bert__status_is_of_text(bert_status status);
/* Or does it end the whole call: canceled, or its time is up? */
bool bert__status_is_of_call(bert_status status);

#endif
