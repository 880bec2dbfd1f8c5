/* SPDX-License-Identifier: MIT */
/*
 * modules.h - what sentence-transformers puts around an encoder: modules.json, the
 * modules' folders, prompts, the length limit, the similarity function.
 */
#ifndef BERT_LIB_MODEL_MODULES_H
#define BERT_LIB_MODEL_MODULES_H

#include "lib/base/json.h"
#include "lib/base/source.h"

enum bert__module_kind {
    BERT__MODULE_POOLING,
    BERT__MODULE_DENSE,
    BERT__MODULE_NORMALIZE
    /* Transformer is the encoder itself; Dropout is the identity: neither is listed */
};

enum bert__pooling_mode {
    BERT__POOL_CLS,
    BERT__POOL_MAX,
    BERT__POOL_MEAN,
    BERT__POOL_MEAN_SQRT_LEN,
    BERT__POOL_WEIGHTED,
    BERT__POOL_LAST,
    BERT__POOL_COUNT
};

struct bert__module {
    enum bert__module_kind kind;
    const char *path; /* folder below the root, for Dense's weights */
    /* pooling: the modes in the order of concatenation */
    enum bert__pooling_mode modes[BERT__POOL_COUNT];
    uint32_t n_modes;
    bool include_prompt;
    /* dense */
    uint32_t in_features, out_features;
    bool has_bias;
    bool use_residual;
    const char *activation; /* the module's class: "torch.nn.modules.activation.Tanh" gives "tanh";
                               "identity" for Identity */
};

enum { BERT__MODULES_NOTES = 4 };

struct bert__prompt {
    const char *name;
    bert_text text;
};

/* Of a model that was saved as a SparseEncoder: term weights from its fill-mask head. */
struct bert__splade {
    bool present;
    bool sum;            /* of the tokens' weights; else their maximum */
    bool twice;          /* log1p(log1p(relu(x))), else log1p(relu(x)) */
    uint32_t max_active; /* keep so many, the largest; 0: all */
    const char *refusal; /* why its modules are not handled; NULL: they are */
};

struct bert__modules {
    bool present;                 /* there is a modules.json */
    const char *transformer_path; /* "" or "0_Transformer": where config, weights, tokenizer are */
    struct bert__module *modules;
    uint32_t n_modules;
    uint32_t max_seq_length; /* 0: the file says none */
    bool do_lower_case;      /* lower-case the text before the tokenizer's normalizer */
    struct bert__prompt *prompts;
    uint32_t n_prompts;
    const char *default_prompt; /* NULL: none */
    const char *similarity;     /* "cosine" unless the file says otherwise */
    uint32_t truncate_dim;      /* 0: none */
    const char *activation_fn;  /* of a model saved as a CrossEncoder: the class of its
                                   scores' activation; NULL: the file says none */
    bert_text query_prompt;     /* and what goes before the query */
    struct bert__splade splade;
    const char *notes[BERT__MODULES_NOTES]; /* what the user should know, one line each */
    uint32_t n_notes;
};

/*
 * Read them; without modules.json `present` is false and one mean pooling is listed.
 * So it is for a model that was saved as another class (a CrossEncoder, a SparseEncoder): the
 * reference converts it in that way; a note says so.  The list has exactly one pooling, and it
 * comes first.  An unknown module type, pooling mode or activation is
 * BERT_EUNSUPPORTED by name.  All in `arena`; `alloc` for what is freed at the end.
 */
bert_status bert__modules_load(struct bert__modules *modules, struct bert__arena *arena,
                               struct bert__alloc *alloc, struct bert__source *source,
                               bert_error *err);

#endif
