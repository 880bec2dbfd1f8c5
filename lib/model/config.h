/* SPDX-License-Identifier: MIT */
/* config.h - config.json, read through a family's row and checked. */
#ifndef BERT_LIB_MODEL_CONFIG_H
#define BERT_LIB_MODEL_CONFIG_H

#include "lib/arch/arch.h"
#include "lib/base/json.h"
#include "lib/base/source.h"

/* Disentangled attention; span 0: none. */
struct bert__relative {
    uint32_t span;      /* the table has 2 span rows, and a row for each distance or bucket */
    uint32_t farthest;  /* distance that is told apart */
    uint32_t buckets;   /* 0: each distance is its own */
    bool keys, queries; /* terms: query * key of the distance, key * query of the distance */
    bool shared, normed;
};

/* What reads the narrow input of a layer that is narrower inside. */
enum bert__bottleneck {
    BERT__BOTTLENECK_NONE,
    BERT__BOTTLENECK_RESIDUAL, /* the residual */
    BERT__BOTTLENECK_KEYS,     /* the residual; queries and keys read one of their own */
    BERT__BOTTLENECK_ALL       /* all */
};

struct bert__config {
    const struct bert__arch *arch;
    struct bert__config_keys keys; /* the row's, or its other ones where the file has those */
    uint32_t hidden_size, layers, heads, head_size, intermediate_size, vocab_size, type_vocab_size,
        embedding_size;
    uint32_t max_positions; /* of a sequence: the longest in tokens */
    uint32_t only_length;   /* the only length that there can be; 0: all up to max_positions */
    uint32_t position_rows; /* of the table */
    uint32_t pad_token_id;
    uint32_t kv_heads;            /* divides heads */
    enum bert__position position; /* the row's, unless the config chooses */
    enum bert__distance distance;
    uint32_t rotary_size; /* leading values of a head that turn; even; 0: none */
    struct bert__relative relative;
    uint32_t score_terms;            /* scores are divided by sqrt(head size * this) */
    uint32_t conv_size, conv_groups; /* size 0: none */
    const char *conv_activation;
    uint32_t distance_buckets; /* rows of the table of biases by distance */
    uint32_t window;           /* how far a local layer sees on either side */
    const bool *local;         /* [layers]: sees its window only; NULL: none does */
    double rotary_theta[2];    /* base of the angles: of layers that see all, of local ones */
    double rotary_ntk;         /* 0, or a factor by which the angles are stretched */
    bool attention_bias, ffn_bias, norm_bias, embedding_norm;
    enum bert__bottleneck bottleneck;
    uint32_t layer_size;       /* width inside a layer; hidden_size without a bottleneck */
    uint32_t ffn_count;        /* in a layer, from 1 */
    uint32_t embedding_places; /* tokens that an embedding is made of: 1 or 3 */
    uint32_t mix_size;         /* places that mixed attention's convolutions see; odd; 0: none */
    bool plain_norms;          /* the encoder's norms only scale and shift */
    bool pooler_is_first;      /* the pooler gives the first token's hidden state */
    uint32_t landmarks;        /* of attention by landmarks; 0: none */
    uint32_t value_conv;       /* places that the convolution of the values sees; odd; 0: none */
    bool rotary_value;         /* values turn as queries and keys do */
    bool token_dropout;        /* see bert__embed_op.scales */
    uint32_t mask_token_id;
    uint32_t linear_groups[BERT__GROUPED_COUNT]; /* at least 1; they divide both widths */
    uint32_t groups, inner_layers;               /* groups 0: every layer has its own weights */
    uint32_t depth;                              /* layers that a token goes through */
    uint32_t task_types;                         /* rows of the task type table; 0: none is used */
    float norm_eps;
    const char *activation; /* the reference's name of it; in the arena */
    const char *ffn_activation;
    const char **labels; /* by id, of id2label or num_labels; NULL: neither in the file */
    uint32_t n_labels;
    const struct bert__json *json; /* the whole file */
    const char *path;              /* for messages, in the arena */
};

/*
 * Read and check config.json.  BERT_EIO, absent; BERT_EUNSUPPORTED, an unknown
 * model_type, a decoder, remote code (auto_map), a quantised checkpoint, by name;
 * BERT_EFORMAT, zero, negative, fractional or contradictory numbers (hidden_size not a
 * multiple of the heads), by field and value; BERT_ELIMIT, more layers than max_layers
 * (0: 1024) or sizes no encoder has.  `directory`: below the source's root, where it
 * lies ("" is the root; bert__modules says).  Values live in `arena`.
 */
bert_status bert__config_load(struct bert__config *config, struct bert__arena *arena,
                              struct bert__source *source, const char *directory,
                              uint32_t max_layers, bert_error *err);

/* Is a scalar the one that `expected` writes as in JSON (a string without its quotes)?  Not
 * for numbers. */
bool bert__config_is(const struct bert__json *value, const char *expected);

/* Layers that have weights, and the one whose weights are used at `depth`. */
uint32_t bert__config_layers(const struct bert__config *config);
uint32_t bert__config_layer_at(const struct bert__config *config, uint32_t depth);

#endif
