/* SPDX-License-Identifier: MIT */
/* weights_files.h - the files that hold a model's weights, opened and proven. */
#ifndef BERT_LIB_MODEL_WEIGHTS_FILES_H
#define BERT_LIB_MODEL_WEIGHTS_FILES_H

#include "lib/base/bundle.h"
#include "lib/model/safetensors.h"

struct bert__weights_file {
    struct bert__file *file;
    struct bert__tensor *tensors;
    size_t n_tensors;
    bert_text shard; /* its name in the index */
};

struct bert__weights_files {
    struct bert__arena arena; /* names, tensors, items */
    struct bert__weights_file *items;
    size_t count;
    const char *path; /* of model.safetensors or of the index, for messages */
};

/* model.safetensors, else the index and its shards, else why not.  After a failure
 * bert__weights_files_close() is still to be called. */
bert_status bert__weights_files_open(struct bert__weights_files *files, struct bert__alloc *alloc,
                                     struct bert__source *source, const char *directory,
                                     bert_error *err);
/* The same of one file of this name below the root; *found is false if it is absent. */
bert_status bert__weights_files_open_one(struct bert__weights_files *files,
                                         struct bert__alloc *alloc, struct bert__source *source,
                                         const char *name, bool *found, bert_error *err);
/* The set of this name in a packed model, as one file without any of its own. */
bert_status bert__weights_files_open_bundle(struct bert__weights_files *files,
                                            struct bert__alloc *alloc,
                                            const struct bert__bundle *bundle, const char *name,
                                            bool *found, bert_error *err);
void bert__weights_files_close(struct bert__weights_files *files);

#endif
