/* SPDX-License-Identifier: MIT */
/*
 * source.h - where a model's files come from: a directory, an open directory's
 * descriptor, one file, named blocks of memory, or a packed model, which is one file or
 * block that holds the others.  All readers of files use this and nothing else.
 *
 * Names are paths below the root: parts joined by '/', no part empty, "." or
 * "..", none absolute; anything else is BERT_EFORMAT (names come from files).
 * Only regular files are opened (symbolic links to regular files are followed:
 * the hub's cache is made of them).
 */
#ifndef BERT_LIB_BASE_SOURCE_H
#define BERT_LIB_BASE_SOURCE_H

#include <stdbool.h>

#include "lib/base/alloc.h"

struct bert__source;
struct bert__file;
struct bert__bundle;
struct bert__trace;

bert_status bert__source_open_path(struct bert__source **out, struct bert__alloc *alloc,
                                   const char *path, uint64_t max_file_bytes, bert_error *err);
/* The descriptor is duplicated. */
bert_status bert__source_open_fd(struct bert__source **out, struct bert__alloc *alloc, int dir_fd,
                                 uint64_t max_file_bytes, bert_error *err);
/* Borrows `files` for the source's life. */
bert_status bert__source_open_memory(struct bert__source **out, struct bert__alloc *alloc,
                                     const bert_file *files, size_t n_files,
                                     uint64_t max_file_bytes, bert_error *err);
void bert__source_close(struct bert__source *source);
/* For messages: the path as given, or "(memory)", "(descriptor 5)". */
const char *bert__source_name(const struct bert__source *source);
/* The name under which bert__source_open() finds the one file that the path named;
 * NULL for every other source. */
const char *bert__source_single(const struct bert__source *source);

/* The packed model that the files are in; NULL: they are in none. */
struct bert__bundle *bert__source_bundle(const struct bert__source *source);
/* The same, now the caller's: no file can be opened any more. */
struct bert__bundle *bert__source_take_bundle(struct bert__source *source);
/* From now on note there what is opened; NULL: nowhere.  Returns where it was noted before. */
struct bert__trace *bert__source_trace(struct bert__source *source, struct bert__trace *trace);

/* Who may end the reading of its files; see alloc.h.  NULL: nobody. */
struct bert__watch *bert__source_watched(const struct bert__source *source);

/* May it be the name of a file below a root, as above? */
bool bert__source_is_plain(const char *name);
/* Does the path name a directory?  BERT_EIO if there is nothing, or no regular file either. */
bert_status bert__source_is_directory(bool *out, const char *path, bert_error *err);

/*
 * Open a file.  *out is NULL with BERT_OK when it does not exist and `optional`
 * is set; every other trouble (EACCES, EMFILE, EIO, a directory in its place) is
 * BERT_EIO, or BERT_ELIMIT over max_file_bytes.  A symbolic link to nothing, as an
 * interrupted download leaves it, is BERT_EIO too, not an absent file.
 */
bert_status bert__source_open(struct bert__source *source, const char *name, int optional,
                              struct bert__file **out, bert_error *err);
void bert__file_close(struct bert__file *file);
uint64_t bert__file_size(const struct bert__file *file);
/* "DIR/NAME", for messages. */
const char *bert__file_path(const struct bert__file *file);
/* Does it come from the caller's memory? */
int bert__file_in_memory(const struct bert__file *file);
/* Read exactly size bytes at offset: short reads and EINTR are continued; a file
 * that ends early is BERT_EIO. */
bert_status bert__file_read(struct bert__file *file, uint64_t offset, void *data, size_t size,
                            bert_error *err);
/* The whole file in place: a mapping, or the caller's memory.  Lives until
 * bert__file_close().  BERT_EIO if it can't be mapped. */
bert_status bert__file_map(struct bert__file *file, const void **data, bert_error *err);
/* Nothing more will be read of a file that is mapped: its descriptor is closed. */
void bert__file_keep_mapping(struct bert__file *file);

/* Open, read whole and close.  *data is NUL-terminated one past *size and freed
 * by bert__alloc_free(); NULL with BERT_OK for an absent optional file. */
bert_status bert__source_read(struct bert__source *source, const char *name, int optional,
                              char **data, size_t *size, bert_error *err);

#endif
