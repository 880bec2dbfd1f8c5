/* SPDX-License-Identifier: MIT */
/* sampler.h - making a bert_sampler of options that were checked; an offer in two halves. */
#ifndef BERT_LIB_SERVE_SAMPLER_H
#define BERT_LIB_SERVE_SAMPLER_H

#include <bert/privacy.h>

#include "lib/serve/mask.h"

/* `options` with its defaults filled in; `how` for the built-in masker. */
bert_status bert__sampler_create(bert_sampler **out, const bert_sampler_options *options,
                                 const struct bert__mask_how *how, bert_error *err);

/* The place that a text was chosen for, while it isn't known yet what may be kept of it. */
struct bert__sampler_ticket {
    uint64_t number, clears;
    size_t place;
};

/* One text was offered: is it chosen?  Then one of the two below follows. */
bool bert__sampler_choose(bert_sampler *sampler, struct bert__sampler_ticket *ticket);
/* Redact it, with the entities too unless they are NULL, and keep what is left. */
bert_status bert__sampler_keep(bert_sampler *sampler, const struct bert__sampler_ticket *ticket,
                               bert_text text, const struct bert__mask_entities *entities,
                               bert_error *err);
/* Nothing of it may be kept. */
void bert__sampler_drop(bert_sampler *sampler, const struct bert__sampler_ticket *ticket);

/* Its bounds. */
size_t bert__sampler_entries(const bert_sampler *sampler);
size_t bert__sampler_max_bytes(const bert_sampler *sampler);

#endif
