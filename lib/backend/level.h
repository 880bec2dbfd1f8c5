/* SPDX-License-Identifier: MIT */
/* level.h - which kernel table the CPU backend uses. */
#ifndef BERT_LIB_BACKEND_LEVEL_H
#define BERT_LIB_BACKEND_LEVEL_H

#include <bert/base.h>

#include "kernels/kernels.h"

/* The best usable table not above `cap`, or "blas" where that is its name; cap NULL: the variable
 * BERT_CPU, which counts as absent when empty.  BERT_EINVAL, an unknown name; BERT_EBACKEND, "blas"
 * whose module can't be opened. */
bert_status bert__level_choose(const struct bert__kernels **out, const char *cap,
                               enum bert__dtype dtype, bert_error *err);
/* Usable level i, ascending, "blas" included where its module is there; NULL past the
 * end. */
const char *bert__level_name(uint32_t i);

#endif
