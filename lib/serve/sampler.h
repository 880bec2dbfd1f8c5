/* SPDX-License-Identifier: MIT */
/* sampler.h - making a bert_sampler of options that were checked. */
#ifndef BERT_LIB_SERVE_SAMPLER_H
#define BERT_LIB_SERVE_SAMPLER_H

#include <bert/privacy.h>

#include "lib/serve/mask.h"

/* `options` with its defaults filled in; `how` for the built-in masker. */
bert_status bert__sampler_create(bert_sampler **out, const bert_sampler_options *options,
                                 const struct bert__mask_how *how, bert_error *err);

#endif
