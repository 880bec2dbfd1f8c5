/* SPDX-License-Identifier: MIT */
/* support_alloc.h - an allocator that counts, and fails when told to. */
#ifndef BERT_TESTS_UNIT_SUPPORT_ALLOC_H
#define BERT_TESTS_UNIT_SUPPORT_ALLOC_H

#include "lib/base/alloc.h"

struct test_alloc {
    bert_allocator host;
    long live;    /* blocks not yet freed */
    long calls;   /* allocations asked for so far */
    long fail_at; /* the call that fails, from 1; 0: none */
};

/* One thread only. */
void test_alloc_init(struct test_alloc *t, long fail_at);

#endif
