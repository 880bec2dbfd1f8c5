/* SPDX-License-Identifier: MIT */
/* safetensors.h - one file's header, read and proven before any tensor is touched. */
#ifndef BERT_LIB_MODEL_SAFETENSORS_H
#define BERT_LIB_MODEL_SAFETENSORS_H

#include "lib/base/json.h"
#include "lib/base/source.h"

enum { BERT__MAX_RANK = 8 };

enum bert__stored { /* element types of the file */
                    BERT__STORED_F32,
                    BERT__STORED_F16,
                    BERT__STORED_BF16,
                    BERT__STORED_F64,
                    BERT__STORED_OTHER /* known to the format (I64, BOOL, ...); can't be
                                          weights */
};

struct bert__tensor {
    const char *name; /* NUL-terminated, in the arena */
    size_t name_size;
    enum bert__stored stored;
    const char *dtype; /* as the file spells it */
    uint32_t rank;
    uint64_t shape[BERT__MAX_RANK];
    uint64_t count;  /* elements */
    uint64_t offset; /* from the start of the file; any alignment */
    uint64_t bytes;
    struct bert__file *file;
    bool used;
    bool absent; /* a packed model has it as a part of matrices only */
    bool read;   /* not just to pack it into a matrix */
};

/*
 * Parse the header of an open file.  *tensors, *count: in the arena.  The rules:
 * 8 + N within the file, N <= 100,000,000; a JSON object; the tensors sorted by
 * offset tile the data exactly; products checked; offsets agree with dtype and
 * shape.  BERT_EFORMAT names the tensor and the numbers.
 */
bert_status bert__safetensors_open(struct bert__arena *arena, struct bert__alloc *alloc,
                                   struct bert__file *file, struct bert__tensor **tensors,
                                   size_t *count, bert_error *err);

#endif
