/* SPDX-License-Identifier: MIT */
/* records.h - what a task found for each record: the core of its result. */
#ifndef BERT_LIB_API_RECORDS_H
#define BERT_LIB_API_RECORDS_H

#include <stdatomic.h>

#include "lib/api/session.h"

struct bert__record {
    bert_status status;
    char *message;       /* NULL: BERT_OK */
    size_t first, count; /* of its items */
    uint32_t tokens;     /* that were encoded */
    uint64_t truncated;  /* that were cut */
};

/*
 * Owns an allocator of its own, so that it may outlive its session.  Of a result that answers
 * several callers each gets a slice, which reads the whole's memory and keeps it.
 */
struct bert__records {
    struct bert__alloc *alloc;
    struct bert__records *whole; /* of a slice; NULL: this is one */
    _Atomic size_t users;        /* of a whole: its owner and its slices */
    struct bert__record *list;
    size_t n;
    void *items; /* of all records, in the order in which they were added */
    size_t item_size, n_items, cap;
};

/* *out is an object of `size` bytes, zeroed, that begins with a struct bert__records. */
bert_status bert__records_create(void *out, size_t size, const bert_session *session, size_t n,
                                 size_t item_size, bert_error *err);
/* *out is an object of the same `size`, whose bytes after the records are the whole's, of n records
 * from `first` on.  Any thread. */
bert_status bert__records_slice(void *out, size_t size, struct bert__records *whole, size_t first,
                                size_t n, bert_error *err);
/* Give up an object or a slice: the whole, if that is to be freed now, else NULL. */
void *bert__records_drop(struct bert__records *records);
/* A whole, with what it lies in; NULL is fine. */
void bert__records_free(struct bert__records *records);

/* Room for `count` more items of record i, zeroed; NULL: out of memory.  What was given before
 * may have moved.  All items of a record are added before those of the next. */
void *bert__records_add(struct bert__records *records, size_t i, size_t count);
/* Item k of record i. */
void *bert__records_item(const struct bert__records *records, size_t i, size_t k);
/* A record without an answer; its items are forgotten. */
bert_status bert__records_fail(struct bert__records *records, size_t i, const bert_error *why,
                               bert_error *err);
/* The same, where the head's logits are not finite: BERT_ENONFINITE. */
bert_status bert__records_fail_nonfinite(struct bert__records *records, size_t i, bert_error *err);

/* For getters; past the end: BERT_EINVAL, "" and NULL. */
bert_status bert__records_status(const struct bert__records *records, size_t i);
const char *bert__records_message(const struct bert__records *records, size_t i);
size_t bert__records_count(const struct bert__records *records, size_t i);
const void *bert__records_items(const struct bert__records *records, size_t i);
uint64_t bert__records_truncated(const struct bert__records *records, size_t i);

#endif
