/* SPDX-License-Identifier: MIT */
/*
 * mutants.h - kernels with one seeded fault each, and the check that must notice it.
 * There is at least one for every kernel of kernels.inc (the list would not link
 * otherwise).
 */
#ifndef BERT_TESTS_KERNELS_MUTANTS_H
#define BERT_TESTS_KERNELS_MUTANTS_H

#include "tests/kernels/check.h"

struct mutant {
    const char *name;
    check_fn check;
    void (*mutate)(struct bert__kernels *table);
};

/* Ends with a NULL name. */
extern const struct mutant mutants[];
/* The right kernels that mutants call. */
void mutants_base(const struct bert__kernels *k);

#endif
