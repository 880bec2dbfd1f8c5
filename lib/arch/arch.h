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
enum bert__position { BERT__POSITION_ABSOLUTE /* a table added to the embeddings, from row 0 */ };

/* Where the norms of a layer stand. */
enum bert__norm_place { BERT__NORM_POST /* after the residual, as in the original */ };

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
};

/* The values that stand in for absent keys: the reference's config class. */
struct bert__config_defaults {
    uint32_t hidden_size, layers, heads, intermediate_size, vocab_size, max_positions,
        type_vocab_size;
    double norm_eps;
    const char *activation;
};

/* Names of tensors, without ".weight" and ".bias", below the prefix.  "%u" is the
 * layer.  NULL: the family has none. */
struct bert__tensor_names {
    const char *word, *position, *type, *embedding_norm;
    const char *query, *key, *value, *attention_output, *attention_norm;
    const char *ffn_up, *ffn_down, *ffn_norm;
    const char *pooler;
};

struct bert__arch {
    const char *model_type;      /* of config.json */
    const char *const *prefixes; /* tried in order, NULL-terminated; "" is none */
    const char *const *ignored;  /* tensors that are known and not used: name endings or
                                    prefixes ("cls."), NULL-terminated */
    enum bert__position position;
    enum bert__norm_place norm_place;
    struct bert__config_keys keys;
    struct bert__config_defaults defaults;
    struct bert__tensor_names tensors;
};

/* The row for a model_type, or NULL. */
const struct bert__arch *bert__arch_find(const char *model_type, size_t size);
/* Row i, NULL past the end. */
const struct bert__arch *bert__arch_at(uint32_t i);

#endif
