/* SPDX-License-Identifier: MIT */
/* load_steps.h - what the readers of normalizers and pre-tokenizers share. */
#ifndef BERT_TOKENIZER_LOAD_STEPS_H
#define BERT_TOKENIZER_LOAD_STEPS_H

#include "tokenizer/load.h"

/* Read one component of a type. */
typedef bert_status (*bert__load_step)(struct bert__load *load, const struct bert__json *value,
                                       bert_text type);

/* The component below `key`, if there is one: of a Sequence, which may hold others, each that
 * is listed below `list`. */
bert_status bert__load_steps(struct bert__load *load, const struct bert__json *root,
                             const char *key, const char *list, bert__load_step step);

/* The "pattern" of a Split or Replace. */
bert_status bert__load_pattern(struct bert__load *load, const struct bert__json *value,
                               const char *what, struct bert__pattern *out);

#endif
