/* SPDX-License-Identifier: MIT */
/* manifest.h - the files of a model, and what bert_manifest_write() says of them. */
#ifndef BERT_LIB_MODEL_MANIFEST_H
#define BERT_LIB_MODEL_MANIFEST_H

#include "lib/base/json_file.h"
#include "lib/base/json_text.h"
#include "lib/base/sha256.h"
#include "lib/base/source.h"
#include "lib/base/trace.h"

#define BERT__MANIFEST_FORMAT "libbert manifest"
#define BERT__MANIFEST_NAME   "bert_manifest.json"
#define BERT__GOLDEN_NAME     "golden.json"
#define BERT__PACKED_NAME     "model.bert" /* in its manifest, whatever it is called */
enum { BERT__MANIFEST_VERSION = 1 };

struct bert__listed {
    const char *name; /* below the model */
    uint64_t size;
    char sha256[BERT__SHA256_HEX];
};

/* Names ascend by their bytes. */
struct bert__manifest {
    struct bert__listed *files;
    size_t n;
    char digest[BERT__SHA256_HEX]; /* of the whole */
};

/* Note in the source's trace every file there that a load could read, and the golden inputs.
 * BERT_EIO if it holds no model. */
bert_status bert__manifest_find(struct bert__source *source, struct bert__trace *trace,
                                struct bert__alloc *alloc, bert_error *err);

/* May a manifest list it?  A name below the model, without control characters. */
bool bert__manifest_is_name(const char *name);
/* Over the list. */
void bert__manifest_digest(const struct bert__manifest *manifest, char out[BERT__SHA256_HEX]);
void bert__manifest_describe(struct bert__json_text *text, const struct bert__manifest *manifest);
/* Of a manifest's values; `path` for messages.  All in the arena. */
bert_status bert__manifest_read(struct bert__manifest *out, struct bert__arena *arena,
                                const char *path, const struct bert__json *root, bert_error *err);

#endif
