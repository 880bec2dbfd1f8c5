/* SPDX-License-Identifier: MIT */
/*
 * bundle.h - a packed model: one file that holds what loading reads of a model directory,
 * with matrices as they lie in memory.  docs/design.md has the format.
 *
 * Opening reads and proves the header and the index; sections are found by name and not
 * touched.  All numbers in the index are checked here: a section lies within the file,
 * starts at a multiple of BERT__BUNDLE_ALIGN where it is used in place, and has the size
 * that its shape takes.
 */
#ifndef BERT_LIB_BASE_BUNDLE_H
#define BERT_LIB_BASE_BUNDLE_H

#include <stdbool.h>

#include "lib/base/arena.h"
#include "lib/base/source.h"

enum {
    BERT__BUNDLE_MAGIC = 8,    /* bytes at the start that tell such a file */
    BERT__BUNDLE_HEADER = 64,  /* bytes of the header */
    BERT__BUNDLE_VERSION = 1,  /* raised by every change of the format */
    BERT__BUNDLE_ALIGN = 64,   /* of tensors and panels, in the file */
    BERT__BUNDLE_MAX_RANK = 8, /* as BERT__MAX_RANK of safetensors */
    BERT__BUNDLE_PAGE = 4096   /* where large sections start, so that none shares a page */
};

struct bert__section {
    uint64_t offset, size; /* bytes, from the file's start */
    uint32_t crc;
};

/* A small file of the directory, such as "1_Pooling/config.json". */
struct bert__bundle_file {
    const char *name;
    struct bert__section data;
};

struct bert__bundle_tensor {
    const char *name, *dtype; /* dtype: as the checkpoint has it */
    uint32_t rank;
    uint64_t shape[BERT__BUNDLE_MAX_RANK];
    uint64_t count;
    bool stored; /* as floats; else it is there as part of matrices only, or not in use */
    struct bert__section data;
};

/* The tensors of one folder, or of one file of its own. */
struct bert__bundle_set {
    const char *name;
    const struct bert__bundle_tensor *tensors;
    size_t n_tensors;
};

/* A weight as its backend packed it: n_panels of panel_bytes, end to end. */
struct bert__bundle_matrix {
    const char *name, *dtype, *layout;
    uint32_t rows, columns, nr, k_group, n_panels;
    size_t panel_bytes;
    struct bert__section data;
};

struct bert__bundle {
    struct bert__alloc *alloc;
    struct bert__arena arena;
    struct bert__file *file;
    const char *data; /* the whole file, mapped; NULL: what is needed is read */
    const char *machine, *cpu, *precision, *created_by;
    bool nonfinite;                        /* its weights may be NaN or infinite */
    const struct bert__bundle_file *files; /* these three by name */
    const struct bert__bundle_set *sets;
    const struct bert__bundle_matrix *matrices;
    size_t n_files, n_sets, n_matrices;
    uint64_t index_offset;
};

/* Does a file that begins so claim to be one? */
bool bert__bundle_is(const unsigned char first[BERT__BUNDLE_MAGIC]);
/* "x86_64", ...: the architecture that this library is built for. */
const char *bert__bundle_machine(void);

/* `file` is the bundle's from now on, after a failure too.  BERT_EFORMAT, what is damaged or
 * contradicts itself; BERT_EUNSUPPORTED, a version or a byte order that is not this one's. */
bert_status bert__bundle_open(struct bert__bundle **out, struct bert__alloc *alloc,
                              struct bert__file *file, bert_error *err);
void bert__bundle_close(struct bert__bundle *bundle);
/* From now on its sections are used in place.  A file that lies in the caller's memory is still
 * read. */
bert_status bert__bundle_map(struct bert__bundle *bundle, bert_error *err);

/* By name; NULL if absent. */
const struct bert__bundle_file *bert__bundle_file(const struct bert__bundle *b, const char *name);
const struct bert__bundle_set *bert__bundle_set(const struct bert__bundle *b, const char *name);
const struct bert__bundle_matrix *bert__bundle_matrix(const struct bert__bundle *b,
                                                      const char *name);

/* Read every section and compare its checksum; BERT_EFORMAT names the first that differs. */
bert_status bert__bundle_verify(const struct bert__bundle *bundle, bert_error *err);

#endif
