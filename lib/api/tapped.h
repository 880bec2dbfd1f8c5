/* SPDX-License-Identifier: MIT */
/* tapped.h - one text's tokens through the model while the caller looks on. */
#ifndef BERT_LIB_API_TAPPED_H
#define BERT_LIB_API_TAPPED_H

#include "lib/api/session.h"

/* The session is entered; the encoding has a token at least, and no more than the model's limit.
 * BERT_ERANGE, BERT_EINVAL as bert__packer_check() has them. */
bert_status bert__tapped_run(bert_session *session, const bert_tokenizer *tokenizer,
                             const bert_encoding *encoding, const struct bert__tap *tap,
                             bert_error *err);

#endif
