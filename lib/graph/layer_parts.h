/* SPDX-License-Identifier: MIT */
/* layer_parts.h - names of a layer's tensors, and what few families have in their layers. */
#ifndef BERT_LIB_GRAPH_LAYER_PARTS_H
#define BERT_LIB_GRAPH_LAYER_PARTS_H

#include "lib/graph/names.h"
#include "lib/graph/pack.h"

/* Names of a part's tensors, which the part then points to. */
struct bert__part_names {
    char weight[BERT__NAME_BYTES], bias[BERT__NAME_BYTES];
};

/* The name of a layer's tensors, in full but for the ending. */
bert_status bert__layer_name(const struct bert__network *network, const char *pattern,
                             uint32_t layer, char out[BERT__NAME_BYTES], bert_error *err);
bert_status bert__part_name(const struct bert__network *network, const char *pattern,
                            uint32_t layer, bool has_bias, struct bert__part_names *names,
                            struct bert__part *part, bert_error *err);
/* One of the encoder's norms, of n values. */
bert_status bert__layer_norm(struct bert__network *network, struct bert__weights *weights,
                             const char *pattern, uint32_t layer, uint32_t n,
                             struct bert__norm *out, bert_error *err);

/* Bottlenecks, further FFNs, convolutions beside attention, further norms: as the row has them. */
bert_status bert__layer_parts_load(struct bert__network *network, struct bert__weights *weights,
                                   uint32_t layer, bert_error *err);
void bert__layer_parts_free(struct bert__network *network, struct bert__layer *layer);

#endif
