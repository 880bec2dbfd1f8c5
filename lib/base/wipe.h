/* SPDX-License-Identifier: MIT */
/* wipe.h - overwriting what somebody's text was in. */
#ifndef BERT_LIB_BASE_WIPE_H
#define BERT_LIB_BASE_WIPE_H

#include <string.h>

#include "lib/base/alloc.h"

/* The compiler may not leave it out. */
static inline void bert__wipe(void *memory, size_t size)
{
    if (size > 0)
        memset(memory, 0, size);
    __asm__ volatile("" : : "r"(memory) : "memory");
}

/* NULL is fine. */
static inline void bert__wipe_free(struct bert__alloc *alloc, void *memory, size_t size)
{
    if (memory != NULL) {
        bert__wipe(memory, size);
        bert__alloc_free(alloc, memory);
    }
}

#endif
