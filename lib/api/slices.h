/* SPDX-License-Identifier: MIT */
/*
 * slices.h - one caller's part of a result that answers several: n records of `whole` from
 * `first` on.  It reads the whole's memory, is freed as any result, in any order, and the memory
 * goes with the last of them and of the whole itself.
 */
#ifndef BERT_LIB_API_SLICES_H
#define BERT_LIB_API_SLICES_H

#include <bert/choose.h>
#include <bert/tasks.h>

bert_status bert__embeddings_slice(bert_embeddings **out, bert_embeddings *whole, size_t first,
                                   size_t n, bert_error *err);
bert_status bert__classifications_slice(bert_classifications **out, bert_classifications *whole,
                                        size_t first, size_t n, bert_error *err);
bert_status bert__entities_slice(bert_entities **out, bert_entities *whole, size_t first, size_t n,
                                 bert_error *err);
bert_status bert__answers_slice(bert_answers **out, bert_answers *whole, size_t first, size_t n,
                                bert_error *err);
bert_status bert__nexts_slice(bert_nexts **out, bert_nexts *whole, size_t first, size_t n,
                              bert_error *err);
bert_status bert__fills_slice(bert_fills **out, bert_fills *whole, size_t first, size_t n,
                              bert_error *err);
bert_status bert__choices_slice(bert_choices **out, bert_choices *whole, size_t first, size_t n,
                                bert_error *err);

/* Memory that a result of records keeps: of a slice, the whole's. */
size_t bert__result_bytes(const void *result);

#endif
