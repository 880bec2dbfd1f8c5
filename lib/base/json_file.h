/* SPDX-License-Identifier: MIT */
/* json_file.h - a JSON file of a source, read, parsed and kept in an arena. */
#ifndef BERT_LIB_BASE_JSON_FILE_H
#define BERT_LIB_BASE_JSON_FILE_H

#include "lib/base/json.h"
#include "lib/base/source.h"

/* No config comes near it; a larger file is no config. */
#define BERT__CONFIG_BYTES ((uint64_t)64 << 20)

struct bert__json_file {
    const struct bert__json *root; /* NULL: the file is absent */
    const char *path;              /* for messages; set also when it is absent */
};

/* "DIRECTORY/NAME", or NAME where the directory is "" (the root): the name of a file of
 * a source.  NULL if out of memory. */
const char *bert__join_name(struct bert__arena *arena, const char *directory, const char *name);

/* Read NAME below DIRECTORY ("" is the root), which must hold a value of `type`.
 * Text, path and values live in the arena.  An absent optional file is BERT_OK;
 * BERT_ELIMIT over max_bytes. */
bert_status bert__json_file(struct bert__json_file *out, struct bert__arena *arena,
                            struct bert__source *source, const char *directory, const char *name,
                            int optional, uint64_t max_bytes, enum bert__json_type type,
                            bert_error *err);

#endif
