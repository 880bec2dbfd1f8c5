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
    BERT__MODULE_NORMALIZE,
    BERT__MODULE_LAYER_NORM
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
    const char *path;   /* folder below the root, for Dense's weights */
    const char *tensor; /* not NULL: they are TENSOR.weight and .bias among the encoder's, else in
                           TENSOR.safetensors, and say the sizes */
    /* pooling: the modes in the order of concatenation */
    enum bert__pooling_mode modes[BERT__POOL_COUNT];
    uint32_t n_modes;
    bool include_prompt;
    /* dense; of a LayerNorm both are its dimension */
    uint32_t in_features, out_features;
    bool has_bias;
    bool use_residual;
    const char *activation; /* of its class: "torch.nn.modules.activation.Tanh" gives "tanh";
                               "identity" for Identity; "torch.nn.CLASS" where no model has it in
                               its layers */
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

/* Of a model that gives a vector of each token (ColBERT). */
struct bert__multi {
    bool present;
    const char *refusal; /* why it is not handled; NULL: it is */
    /* Dense and Normalize, on each token's vector */
    struct bert__module *modules;
    uint32_t n_modules;
    bool mean;                              /* scores are divided by the query's vectors */
    uint32_t query_length, document_length; /* tokens at most; 0: as other texts */
    struct {
        uint32_t length; /* queries are widened to so many tokens; 0: they are not */
        bool fixed;      /* and cut to it */
        bool attend;     /* the others attend to what was added */
        bert_text token; /* that is added; data NULL: the mask */
    } expansion;
    bool scores_expansion; /* what was added gives vectors, attended to or not */
    const bert_text *skip; /* tokens that give no vector, */
    uint32_t n_skip;
    bool skip_queries, skip_documents; /* in queries; in documents and other texts */
    const int32_t *keep;               /* only these ids give vectors, but in queries; NULL: all */
    uint32_t n_keep;
    bert_text markers[2]; /* words before queries and documents that are one token, if known */
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
    const char *default_prompt;  /* NULL: none */
    const char *similarity;      /* "cosine" unless the file says otherwise */
    uint32_t truncate_dim;       /* 0: none */
    const char *activation_fn;   /* of a model saved as a CrossEncoder: the class of its
                                    scores' activation; NULL: the file says none */
    const char *activation_file; /* that file, for messages */
    bert_text query_prompt;      /* and what goes before the query */
    struct bert__splade splade;
    struct bert__multi multi;
    const char *notes[BERT__MODULES_NOTES]; /* what the user should know, one line each */
    uint32_t n_notes;
};

/*
 * Read them; without modules.json `present` is false and one mean pooling is listed.
 * So it is for a model that was saved as another class (a CrossEncoder, a SparseEncoder, a
 * MultiVectorEncoder): the
 * reference converts it in that way; a note says so.  The list has exactly one pooling, and it
 * comes first.  An unknown module type, pooling mode or activation is
 * BERT_EUNSUPPORTED by name.  All in `arena`; `alloc` for what is freed at the end.
 */
bert_status bert__modules_load(struct bert__modules *modules, struct bert__arena *arena,
                               struct bert__alloc *alloc, struct bert__source *source,
                               bert_error *err);

/* The folder of the first module alone, in `arena`; "" if it is the root, or none is said. */
bert_status bert__modules_first(const char **path, struct bert__arena *arena,
                                struct bert__source *source, bert_error *err);

#endif
