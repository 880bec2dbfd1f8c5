/* SPDX-License-Identifier: MIT */
/* modules_parts.h - what the readers of sentence-transformers' files share. */
#ifndef BERT_LIB_MODEL_MODULES_PARTS_H
#define BERT_LIB_MODEL_MODULES_PARTS_H

#include "lib/base/json_file.h"
#include "lib/model/modules.h"

struct bert__modules_reader {
    struct bert__modules *out;
    struct bert__arena *arena;   /* of the result */
    struct bert__arena *scratch; /* parsed files */
    struct bert__source *source;
    bert_error *err;
};

/* A string value as a C string in the result's arena; BERT_EFORMAT if it holds a NUL. */
bert_status bert__modules_string(const struct bert__modules_reader *r, const char *path,
                                 const char *key, const bert_text *text, const char **out);
bert_status bert__modules_note(const struct bert__modules_reader *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A module's config.json below its path. */
bert_status bert__module_pooling(const struct bert__modules_reader *r, struct bert__module *m);
bert_status bert__module_dense(const struct bert__modules_reader *r, struct bert__module *m);
bert_status bert__module_normalize(const struct bert__modules_reader *r, struct bert__module *m);

/* sentence_bert_config.json and its namesakes, below the transformer's path. */
bert_status bert__transformer_settings(const struct bert__modules_reader *r);
/* config_sentence_transformers.json; *converted if the model is of another class. */
bert_status bert__sentence_config(const struct bert__modules_reader *r, bool *converted);

#endif
