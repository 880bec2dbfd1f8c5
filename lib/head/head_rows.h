/* SPDX-License-Identifier: MIT */
/* head_rows.h - what a task head reads, as rows on the host. */
#ifndef BERT_LIB_HEAD_HEAD_ROWS_H
#define BERT_LIB_HEAD_HEAD_ROWS_H

#include "lib/head/task_head.h"

/* Rows of hidden_size floats that bert__head_rows() writes: tokens, or sequences. */
uint32_t bert__head_rows_count(enum bert__head_input input, const struct bert__batch *batch);
/* Between bert__exec_run(), which gave `hidden`, and finish; `hidden` may be gone afterwards. */
bert_status bert__head_rows(struct bert__exec *exec, const struct bert__kernels *kernels,
                            const struct bert__batch *batch, enum bert__head_input input,
                            const float *hidden, uint32_t hidden_size, float *out, bert_error *err);
/* out[i] = the mean of sequence i's rows; `out` may be `rows`. */
void bert__mean_rows(const struct bert__kernels *kernels, const uint32_t *offsets,
                     uint32_t n_sequences, const float *rows, uint32_t width, float *out);

#endif
