/* SPDX-License-Identifier: MIT */
/* place.h - where a model lies, and what lies with it: its manifest and golden inputs. */
#ifndef BERT_LIB_API_PLACE_H
#define BERT_LIB_API_PLACE_H

#include <stdbool.h>

#include "lib/base/arena.h"
#include "lib/base/source.h"

/* Strings live in the arena; names are those of files in `folder`. */
struct bert__place {
    const char *folder;
    const char *packed; /* NULL: the model is the folder */
    const char *manifest, *golden;
    struct bert__source *source; /* of the folder */
};

/* Of a directory or a packed file.  BERT_EFORMAT if the path names another file. */
bert_status bert__place_open(struct bert__place *out, struct bert__arena *arena, const char *path,
                             uint64_t max_file_bytes, bert_error *err);
void bert__place_close(struct bert__place *place);
/* The path of one of its names; NULL if out of memory. */
const char *bert__place_path(const struct bert__place *place, struct bert__arena *arena,
                             const char *name);

/*
 * BERT_EFORMAT if a name of the folder leads, by symbolic links, to what is neither below it
 * nor, where the folder is a snapshot of the hub's cache, among that cache's blobs.  What is
 * not there leads nowhere.
 */
bert_status bert__place_check_link(const struct bert__place *place, struct bert__arena *arena,
                                   const char *name, bert_error *err);

#endif
