/* SPDX-License-Identifier: MIT */
/*
 * arch.h - a family of encoders as a row of data.
 *
 * Types and data only.  What differs between families stands here as fields;
 * lib/model reads configs and tensors through them, lib/graph turns a row and a
 * config into steps.  There is no code per family.  Adding one: a file with one
 * const row, and a line in arch_list.inc.
 */
#ifndef BERT_LIB_ARCH_ARCH_H
#define BERT_LIB_ARCH_ARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How a token's place enters. */
enum bert__position {
    BERT__POSITION_ABSOLUTE,      /* a table added to the embeddings, from row 0 */
    BERT__POSITION_AFTER_PADDING, /* the same; counted from the padding id + 1, over what is not
                                    padding, which itself has the row of its id */
    BERT__POSITION_NONE           /* not in the embeddings */
};

/* How the distance between two tokens enters their attention score. */
enum bert__distance {
    BERT__DISTANCE_NONE,
    BERT__DISTANCE_BUCKETS,     /* a learned bias for each head and bucket of distances, the same in
                                   all layers: tensors.distance_bias */
    BERT__DISTANCE_ALIBI,       /* minus the distance, by the head's slope */
    BERT__DISTANCE_ROTARY,      /* queries and keys turn by the angle of their place */
    BERT__DISTANCE_DISENTANGLED /* queries meet a learned vector of the distance as a key, keys
                                   one as a query (DeBERTa); where the config says so */
};

/* Where query, key and value weights are. */
enum bert__qkv {
    BERT__QKV_SEPARATE,
    BERT__QKV_FUSED,  /* one below the other in tensors.qkv */
    BERT__QKV_BY_HEAD /* the same for each head; biases in tensors.query_bias and value_bias, the
                         keys have none */
};

/* down(act(up(x))), or gated: down(act(gate(x)) * up(x)). */
enum bert__ffn {
    BERT__FFN_PLAIN,
    BERT__FFN_GATED,      /* tensors.ffn_gate and tensors.ffn_up */
    BERT__FFN_GATE_FIRST, /* gate above up in tensors.ffn_up */
    BERT__FFN_GATE_LAST   /* gate below up in tensors.ffn_up */
};

/* Where the norms of a layer stand. */
enum bert__norm_place {
    BERT__NORM_POST, /* after the residual, as in the original */
    BERT__NORM_PRE   /* before each half of a layer, and one after the last */
};

/* The linear layers of a layer that may be in groups, which read and write a share each. */
enum bert__grouped {
    BERT__GROUPED_QUERY,
    BERT__GROUPED_KEY,
    BERT__GROUPED_VALUE,
    BERT__GROUPED_ATTENTION_OUTPUT,
    BERT__GROUPED_FFN_UP,
    BERT__GROUPED_FFN_DOWN,
    BERT__GROUPED_COUNT
};

/* Keys under which the family's config.json says its numbers; NULL: not a key of
 * this family (the default holds). */
struct bert__config_keys {
    const char *hidden_size;
    const char *layers;
    const char *heads;
    const char *intermediate_size;
    const char *vocab_size;
    const char *max_positions;
    const char *type_vocab_size;
    const char *norm_eps;
    const char *activation;
    const char *ffn_activation; /* see bert__arch.ffn_activations */
    const char *embedding_size;
    const char *pad_token_id;
    const char *layer_groups; /* layers that share their weights, and how many each has inside */
    const char *inner_layers;
    const char *use_task_types; /* true: row 0 of tensors.task is added to the embeddings */
    const char *task_types;
    const char *kv_heads; /* of keys and values, where several queries share them */
    const char *head_size;
    const char *attention_bias, *ffn_bias, *norm_bias; /* booleans */
    const char *window;       /* keys that a local layer sees, half of them on either side */
    const char *global_every; /* every n-th layer, from the first, sees all */
    const char *rotary_theta, *local_theta; /* base of the angles; of local layers */
    const char *rotary_fraction;            /* share of a head that turns */
    const char *distance_buckets;           /* rows of the table of biases */
    const char *position_type;              /* "rotary": in place of the row's position */
    const char *rotary_value;               /* boolean: values turn as well */
    const char *embedding_norm;             /* boolean: is there one? */
    const char *token_dropout;              /* boolean: bert__arch.token_dropout holds */
    const char *mask_token_id;
    const char *linear_groups[BERT__GROUPED_COUNT];
    /* Nystrom's approximation, which is the plain attention where both are equal; places that a
     * convolution of the values sees. */
    const char *landmarks, *landmark_length, *value_conv;
    /* Mixed attention: heads are this many times fewer, and the other half of their output is that
     * of convolutions whose weights the tokens choose, of so many places. */
    const char *head_ratio, *mix_size;
    /* Layers that are narrower inside. */
    const char *bottleneck;           /* boolean */
    const char *bottleneck_size;      /* the width inside */
    const char *bottleneck_attention; /* boolean: attention reads the narrow input of the layer */
    const char *bottleneck_shared;    /* boolean: else queries and keys read one of their own */
    const char *ffn_count;            /* FFNs in a layer, one after the other */
    const char *norm_type;            /* "layer_norm", or "no_norm": scale and shift only */
    const char *trigrams;     /* boolean: a token's embedding is made of its neighbours' too */
    const char *pooler_dense; /* boolean: false: the pooler gives the first token as it is */
    const char *absolute_too; /* false: no table of positions is added */
    /* disentangled attention */
    const char *relative; /* boolean */
    const char
        *relative_positions;      /* farthest distance that is told apart; below 1: the positions */
    const char *relative_buckets; /* above 0: buckets of distances, single ones in the middle */
    const char *relative_terms;   /* "c2p", "p2c": a list, or a string with "|" between */
    const char *relative_shared;  /* boolean: projections are those of keys and queries */
    const char *relative_norm;    /* "layer_norm" among what "|" parts */
    const char *conv_size, *conv_groups, *conv_activation; /* of the convolution beside layer 0 */
};

/* What a family calls an activation. */
struct bert__activation_name {
    const char *value, *activation; /* of the config; the reference's name; NULL ends the list */
};

/* A key whose presence with another value than the expected one changes the model. */
struct bert__config_fixed {
    const char *key;
    const char *expected; /* JSON of a scalar; NULL ends the list */
};

/* The values that stand in for absent keys: the reference's config class. */
struct bert__config_defaults {
    uint32_t hidden_size, layers, heads, intermediate_size, vocab_size, max_positions,
        type_vocab_size;
    double norm_eps;
    double layer_norm_eps; /* of the norms in layers, whatever the config says; 0: as it says */
    double embedding_norm_eps, ffn_norm_eps; /* the same, of these */
    const char *activation;
    uint32_t embedding_size; /* 0: the hidden size */
    uint32_t pad_token_id;
    uint32_t layer_groups; /* 0: every layer has its own weights */
    uint32_t inner_layers;
    uint32_t task_types;
    uint32_t linear_groups[BERT__GROUPED_COUNT]; /* 0: one */
    uint32_t window, global_every, distance_buckets, landmarks, value_conv, head_ratio, mix_size,
        bottleneck_size, ffn_count;
    uint32_t first_position; /* row of the table for place 0 */
    double rotary_theta, local_theta;
    bool no_attention_bias, no_ffn_bias, no_norm_bias, no_embedding_norm;
    bool bottleneck, bottleneck_shared, trigrams;
    const char *norm_type;
};

/* Names of tensors, without ".weight" and ".bias", below the prefix.  "%u" is the
 * layer, "%g" its group and "%i" its place in the group.  NULL: the family has none. */
struct bert__tensor_names {
    const char *word, *position, *type, *task, *embedding_norm;
    const char *embedding_project; /* where the embedding size isn't the hidden size */
    const char *query, *key, *value, *attention_output, *attention_norm;
    const char *query_norm, *key_norm;         /* over all heads together */
    const char *second_norm;                   /* of the layer's input + what attention_norm gave */
    const char *qkv, *query_bias, *value_bias; /* the latter two in full */
    const char *distance_bias;
    const char *distance_table, *distance_norm; /* of disentangled attention */
    const char *distance_key, *distance_query;  /* projections of it, by layer */
    const char *conv, *conv_norm;
    /* Full names. [positions][head], sines then cosines; [head / 2], angles by which a place
     * turns: the first that the file has, instead of computed ones. */
    const char *rotary_table;
    const char *const *rotary_inverse;
    const char *value_conv; /* [heads][1][places][1], added to what attention gives */
    /* Of mixed attention: a convolution of each value of the layer's input, mixed by a matrix; what
     * it gives, times the queries, is the input of mix_kernel; the places of mix_value are weighed.
     */
    const char *mix_depth, *mix_point, *mix_bias; /* the latter in full */
    const char *mix_kernel, *mix_value;
    const char *narrow, *narrow_norm; /* a layer's narrow input; that of queries and keys alone */
    const char *narrow_attention, *narrow_attention_norm;
    const char *widen, *widen_norm;
    const char *more_up, *more_down, *more_norm; /* of the FFNs before the last; "%j" is which */
    const char *ffn_up, *ffn_gate, *ffn_down, *ffn_norm;
    const char *final_norm;
    const char *pooler;
};

/* What a task head reads. */
enum bert__head_input {
    BERT__HEAD_TOKENS, /* each token's last hidden state */
    BERT__HEAD_FIRST,  /* the first token's */
    BERT__HEAD_LAST,   /* the last token's */
    BERT__HEAD_MEAN,   /* the mean of all tokens' */
    BERT__HEAD_POOLED  /* the pooler's output */
};

/* What it gives, and so the rows of its decoder. */
enum bert__head_output {
    BERT__HEAD_LABELS,     /* "logits", a row a label */
    BERT__HEAD_CHOICE,     /* "logits", one */
    BERT__HEAD_REPLACED,   /* "logits", one a token: was it replaced? */
    BERT__HEAD_SPAN,       /* "start_logits" and "end_logits" */
    BERT__HEAD_VOCABULARY, /* "logits", a row a token of the vocabulary */
    BERT__HEAD_NEXT,       /* "logits", two: is next, is not */
    BERT__HEAD_PREDICTION, /* as VOCABULARY, called "prediction_logits" */
    BERT__HEAD_RELATION,   /* as NEXT, called "seq_relationship_logits" */
    BERT__HEAD_ORDER       /* as NEXT, called "sop_logits" */
};

/* A task head: decoder(norm(activation(dense(input)))); names of tensors have no prefix. */
struct bert__head_row {
    const char *architecture; /* of config.json's "architectures" */
    const char *task;         /* what the reference's pipelines call it */
    enum bert__head_input input;
    enum bert__head_output output;
    const char *dense;     /* NULL: decoder(input) */
    bool narrow;           /* dense goes to the embedding size */
    const char *width_key; /* of the config: dense goes to this size, else to `width` */
    uint32_t width;
    const char *activation; /* of the dense layer, by the reference's name; NULL: the config's */
    const char *norm;
    const char *decoder;
    const char *decoder_rest; /* where the decoder has the embedding size: the weights of what is
                                 left of its input, [left][vocabulary] */
    const char
        *when_key; /* the row is for configs where this key has the value `when`; NULL: all */
    const char *when;
    bool when_absent;           /* and for those without the key */
    bool mean_of_logits;        /* those of the tokens become one row */
    const char *activation_key; /* under which the config may name another activation */
    const char *dense_key;      /* boolean of the config, else false: is there dense? */
    const char *dense_bias_key; /* boolean of the config, else false: has dense a bias? */
    const char *decoder_bias_key;
    bool no_decoder_bias;     /* where the config doesn't say */
    bool untied;              /* tied only where the config says so; else unless it says not */
    const char *decoder_bias; /* full name of its bias, tied or not */
    const char *tied_bias;    /* not NULL: without an own weight the decoder is the word embedding,
                                 and this its bias where it has none of its own */
};

struct bert__arch {
    const char *model_type; /* of config.json */
    /* Name of the config class that auto_map gives where the model brings its own code, which
     * this row then stands for; only_remote: without auto_map the row isn't meant. */
    const char *remote_config;
    bool only_remote;
    const char *const *prefixes;        /* tried in order, NULL-terminated; "" is none */
    const struct bert__head_row *heads; /* ends with an architecture of NULL; may be NULL */
    enum bert__position position;
    enum bert__distance distance;
    enum bert__norm_place norm_place;
    enum bert__qkv qkv;
    enum bert__ffn ffn;
    bool linear_is_conv;       /* those in layers are convolutions of size 1: [out][in][1] */
    bool groups_are_stacked;   /* those in groups are [groups][in of each][out of each] */
    bool rms_norm;             /* RMSNorm, else LayerNorm */
    bool norm_after_project;   /* of the embeddings: behind embedding_project, which has no bias */
    bool places_after_project; /* so too positions and token types; then it has one */
    bool distance_key_has_no_bias;
    bool counts_all_terms;   /* unknown relative_terms change the scale too */
    bool first_norm_is_none; /* layer 0 has no attention norm (pre-norm) */
    bool ffn_up_has_no_bias; /* only the down projection has */
    bool rotary_interleaved; /* neighbours turn, not halves */
    bool rotary_ntk;         /* rope_scaling may be "ntk", of the models' own code */
    bool types_may_be_none;  /* type_vocab_size 0: no token types */
    bool project_always;     /* embedding_project is there whatever the sizes */
    struct bert__config_keys keys;
    const struct bert__config_keys *other_keys; /* read where those of `keys` are absent */
    const struct bert__config_fixed *fixed;     /* NULL: none */
    /* The values that keys.ffn_activation may have, and must; NULL: the FFN's is the config's. */
    const struct bert__activation_name *ffn_activations;
    struct bert__config_defaults defaults;
    struct bert__tensor_names tensors;
    const struct bert__tensor_names *other_tensors; /* a second naming, told by its ffn_up */
    enum bert__qkv other_qkv;                       /* and its layouts */
    enum bert__ffn other_ffn;
};

/* The row for a model_type and the class of its own code's config (NULL: none), or NULL. */
const struct bert__arch *bert__arch_find(const char *model_type, size_t size, const char *remote,
                                         size_t remote_size);
/* Row i, NULL past the end. */
const struct bert__arch *bert__arch_at(uint32_t i);

#endif
