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
    const char *features; /* what Dense and Normalize work on: "sentence_embedding", or
                             "token_embeddings", which then is a Dense's default too */
};

enum { BERT__MODULES_MAX = 64 };

/* How a model that gives a vector of each token was saved, beside a modules.json. */
enum bert__multi_form {
    BERT__MULTI_NONE,
    BERT__MULTI_NATIVE,   /* as a MultiVectorEncoder */
    BERT__MULTI_PYLATE,   /* by PyLate, which says so, */
    BERT__MULTI_CONVERTED /* or doesn't */
};

/* An entry of modules.json. */
struct bert__module_entry {
    bert_text type;  /* as it is written */
    bert_text class; /* size 0: none of sentence-transformers' */
    bert_text name;
    const char *path;
};

/* Entry i of the list; every name that a class has had is the class. */
bert_status bert__module_entry_read(const struct bert__modules_reader *r,
                                    const struct bert__json_file *file, size_t i,
                                    struct bert__module_entry *out);
bool bert__module_is(const struct bert__module_entry *entry, const char *class);

/* A string value as a C string in the result's arena; BERT_EFORMAT if it holds a NUL. */
bert_status bert__modules_string(const struct bert__modules_reader *r, const char *path,
                                 const char *key, const bert_text *text, const char **out);
bert_status bert__modules_note(const struct bert__modules_reader *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A module's config.json below its path. */
bert_status bert__module_pooling(const struct bert__modules_reader *r, struct bert__module *m);
bert_status bert__module_dense(const struct bert__modules_reader *r, struct bert__module *m);
bert_status bert__module_layer_norm(const struct bert__modules_reader *r, struct bert__module *m);
bert_status bert__module_normalize(const struct bert__modules_reader *r, struct bert__module *m);

/* What leaves a transformer. */
enum bert__transformer_task {
    BERT__HIDDEN_STATES,
    BERT__TOKEN_VECTORS, /* the same, of queries and documents */
    BERT__LOGITS,        /* of the fill-mask head, as the settings must say */
    BERT__LOGITS_DEFAULT /* unless the settings say otherwise */
};

/* sentence_bert_config.json and its namesakes, below the transformer's path. */
bert_status bert__transformer_settings(const struct bert__modules_reader *r,
                                       enum bert__transformer_task task);
/* config_sentence_transformers.json; *converted if the model is of another class.  `pools`: the
 * list of modules has a Pooling. */
bert_status bert__sentence_config(const struct bert__modules_reader *r, bool pools, bool *converted,
                                  enum bert__multi_form *form);
/* The modules of a SparseEncoder, into splade; modules.json is `file`. */
bert_status bert__sparse_modules(const struct bert__modules_reader *r,
                                 const struct bert__json_file *file);

/* The modules of a model that gives a vector of each token, into multi; modules.json is `file`. */
bert_status bert__multi_modules(const struct bert__modules_reader *r,
                                const struct bert__json_file *file, enum bert__multi_form form);
/* Its lengths and widening, of the transformer's settings. */
bert_status bert__multi_settings(const struct bert__modules_reader *r,
                                 const struct bert__json_file *file);
/* The same and tokens to leave out, of config_sentence_transformers.json. */
bert_status bert__multi_pylate(const struct bert__modules_reader *r,
                               const struct bert__json_file *file);
/* Is config.json that of Stanford's ColBERT?  All that is around such a model, into the result. */
bert_status bert__multi_is_stanford(const struct bert__modules_reader *r, bool *out);
bert_status bert__multi_stanford(const struct bert__modules_reader *r);

#endif
