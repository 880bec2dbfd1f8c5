/* SPDX-License-Identifier: MIT */
/* matrix.h - a packed matrix: made from rows, or found in a packed model. */
#ifndef BERT_LIB_GRAPH_MATRIX_H
#define BERT_LIB_GRAPH_MATRIX_H

#include "lib/graph/network.h"

enum { BERT__MATRIX_NAME = 4096 };

/*
 * `name` tells what the matrix is made of: those of one name (and of the same weights) are equal.
 * In a packed model it is found by it and `rows` is not called; else it is packed, and noted where
 * the load is traced.
 */
bert_status bert__matrix_load(struct bert__network *network, struct bert__weights *weights,
                              const char *name, enum bert__dtype dtype, uint32_t n_out, uint32_t k,
                              bert__rows_fn rows, void *context,
                              const struct bert__input_range *range, struct bert__matrix **out,
                              bert_error *err);

#endif
