/* SPDX-License-Identifier: MIT */
/*
 * size.h - checked arithmetic.  Every size or offset that comes from a file or
 * a caller goes through here; nothing else in the library multiplies such
 * numbers.  Each returns false, and leaves *out alone, when the result does not fit.
 */
#ifndef BERT_LIB_BASE_SIZE_H
#define BERT_LIB_BASE_SIZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline bool bert__size_mul(size_t a, size_t b, size_t *out)
{
    size_t r;

    if (__builtin_mul_overflow(a, b, &r))
        return false;
    *out = r;
    return true;
}

static inline bool bert__size_add(size_t a, size_t b, size_t *out)
{
    size_t r;

    if (__builtin_add_overflow(a, b, &r))
        return false;
    *out = r;
    return true;
}

/* align: a power of two. */
static inline bool bert__size_align(size_t a, size_t align, size_t *out)
{
    size_t r;

    if (!bert__size_add(a, align - 1, &r))
        return false;
    *out = r & ~(align - 1);
    return true;
}

static inline bool bert__size_mul_add(size_t a, size_t b, size_t c, size_t *out)
{
    size_t r;

    return bert__size_mul(a, b, &r) && bert__size_add(r, c, out);
}

static inline bool bert__u64_to_size(uint64_t a, size_t *out)
{
    if (a > SIZE_MAX)
        return false;
    *out = (size_t)a;
    return true;
}

#endif
