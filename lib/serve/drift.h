/* SPDX-License-Identifier: MIT */
/* drift.h - the detector behind bert/drift.h. */
#ifndef BERT_LIB_SERVE_DRIFT_H
#define BERT_LIB_SERVE_DRIFT_H

#include "lib/serve/profile.h"

/* Options are whole; `window` and `model` have been compared with the profile's. */
bert_status bert__drift_create(bert_drift **out, bert_profile *profile,
                               const bert_drift_options *options, bert_error *err);
void bert__drift_destroy(bert_drift *drift);
/* Of the embeddings that it takes; 0: none. */
uint32_t bert__drift_dimensions(const bert_drift *drift);
/* Where a drift has begun or ended, turned->size is set and bert__drift_tell() is to follow, with
 * the host's floating-point state; else it is 0. */
bert_status bert__drift_add(bert_drift *drift, const bert_observation *observation,
                            bert_drift_values *turned, bert_error *err);
void bert__drift_tell(const bert_drift *drift, const bert_drift_values *turned);
void bert__drift_get(bert_drift *drift, bert_drift_values *values);
void bert__drift_reset(bert_drift *drift);
/* NULL past the end. */
const char *bert__statistic_name(uint32_t statistic);

#endif
