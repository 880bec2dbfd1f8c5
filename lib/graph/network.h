/* SPDX-License-Identifier: MIT */
/*
 * network.h - an encoder's weights, packed for its device, and the plan that runs them.
 * Immutable once loaded.
 */
#ifndef BERT_LIB_GRAPH_NETWORK_H
#define BERT_LIB_GRAPH_NETWORK_H

#include "lib/backend/backend.h"
#include "lib/graph/plan.h"
#include "lib/model/calibration.h"
#include "lib/model/config.h"
#include "lib/model/weights.h"

/* A table of floats: on the host (owned here, or borrowed from mapped weights) and
 * as the device sees it. */
struct bert__table {
    float *owned; /* NULL: borrowed, or absent */
    const float *device;
    size_t count;
};

struct bert__linear {
    struct bert__matrix *matrix; /* NULL: absent */
    struct bert__table bias;
    uint32_t n_in, n_out;
    char *name; /* of the first of its weights; NULL where it is made of others */
};

struct bert__norm {
    struct bert__table gamma, beta;
    float eps;
    bool plain; /* it scales and shifts, and norms nothing */
};

/* A feed-forward network before a layer's last. */
struct bert__more_ffn {
    struct bert__linear up, down;
    struct bert__norm norm;
};

struct bert__layer {
    struct bert__linear qkv;   /* query, key, value rows, fused; and those of mixed attention */
    struct bert__linear value; /* matrix NULL: among those; else they are queries and keys only */
    /* of layers that are narrower inside; matrix NULL: none */
    struct bert__linear narrow, narrow_attention, widen;
    struct bert__norm narrow_norm, narrow_attention_norm, widen_norm;
    struct bert__more_ffn *more;  /* config.ffn_count - 1; NULL: none */
    struct bert__table mix_depth; /* [places][hidden], of mixed attention; count 0: none */
    struct bert__linear mix_point, mix_kernel;
    struct bert__linear attention_output;
    struct bert__norm attention_norm;
    struct bert__table value_conv;                       /* [places][heads * head]; count 0: none */
    struct bert__norm query_norm, key_norm, second_norm; /* gamma absent: none */
    struct bert__linear ffn_up, ffn_down; /* up: where gated, the gate's rows first */
    struct bert__norm ffn_norm;
    /* Disentangled attention: for each head its [distances][head]; NULL: none. */
    struct bert__matrix **distance_keys, **distance_queries;
};

/* Tables by which distances enter attention; count 0: none. */
struct bert__distances {
    struct bert__table bias;                 /* [heads][2 reach + 1], by key - query + reach */
    size_t stride;                           /* from one head's to the next */
    struct bert__table mask;                 /* of local layers: [2 reach + 1], 0 or -infinity */
    struct bert__table cosines[2], sines[2]; /* rotary: [positions][rotary size / 2]; local layers
                                                have the second */
    uint32_t *rows; /* disentangled: [2 reach + 1], the row of its table for query - key + reach */
    uint32_t reach;
};

struct bert__network {
    struct bert__alloc *alloc;
    const struct bert__config *config;
    const char *prefix; /* of the encoder's tensors in the file; one of the row's */
    const struct bert__tensor_names *names; /* the row's, or its other ones */
    enum bert__qkv qkv;
    enum bert__ffn ffn;
    const struct bert__backend *backend;
    struct bert__device *device;
    enum bert__dtype dtype;
    bool repack; /* panels that a packed model has for another device are packed anew */
    const struct bert__calibration *calibration; /* while it is loaded in int8; NULL: none */
    enum bert__act act, ffn_act;
    struct bert__table word, position, type;
    struct bert__norm embedding_norm;      /* gamma absent: none; so too below */
    struct bert__linear embedding_project; /* matrix NULL: none */
    struct bert__distances distance;
    struct bert__layer *layers; /* bert__config_layers() */
    struct bert__norm final_norm;
    struct bert__linear conv; /* on BERT__BUFFER_UNFOLDED; matrix NULL: none */
    struct bert__norm conv_norm;
    enum bert__act conv_act;
    struct bert__linear pooler; /* matrix NULL: the file has none */
    struct bert__plan plan;
    uint64_t parameters;
};

struct bert__network_options {
    const char *backend;
    const char *cpu;
    enum bert__dtype dtype;
    bool repack;
    const struct bert__calibration *calibration;
};

/* Open the device: before the weights, since its kernels widen them. */
bert_status bert__network_create(struct bert__network **out, struct bert__alloc *alloc,
                                 const struct bert__network_options *options, bert_error *err);
/* Check every tensor against the config, then pack.  `config` and, where mapped,
 * `weights` outlive the network. */
bert_status bert__network_load(struct bert__network *network, const struct bert__config *config,
                               struct bert__weights *weights,
                               const struct bert__network_options *options, bert_error *err);
void bert__network_destroy(struct bert__network *network);

/* "fp32", ... */
const char *bert__dtype_name(enum bert__dtype dtype);

/* The activation called `name` in a config or a module; false if there is none. */
bool bert__act_named(const char *name, enum bert__act *out);

/* One weight "NAME.weight" [n_out][n_in] and, if has_bias, "NAME.bias": for heads too.  exact:
 * fp32 in every precision, for what runs once a text. */
bert_status bert__linear_load(struct bert__network *network, struct bert__weights *weights,
                              const char *name, uint32_t n_out, uint32_t n_in, bool has_bias,
                              bool exact, struct bert__linear *out, bert_error *err);
/* The same from two tensors of any name; bias NULL: none. */
bert_status bert__linear_load_tensors(struct bert__network *network, struct bert__weights *weights,
                                      const char *weight, const char *bias, uint32_t n_out,
                                      uint32_t n_in, bool exact, struct bert__linear *out,
                                      bert_error *err);
void bert__linear_free(struct bert__network *network, struct bert__linear *linear);
/* "NAME.weight" and "NAME.bias" of n values, and the config's epsilon. */
bert_status bert__norm_load(struct bert__network *network, struct bert__weights *weights,
                            const char *name, uint32_t n, struct bert__norm *out, bert_error *err);
void bert__norm_free(struct bert__network *network, struct bert__norm *norm);

#endif
