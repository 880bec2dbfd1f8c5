/* SPDX-License-Identifier: MIT */
/* relative.h - disentangled attention's tables, and the convolution that comes with it. */
#ifndef BERT_LIB_GRAPH_RELATIVE_H
#define BERT_LIB_GRAPH_RELATIVE_H

#include "lib/graph/network.h"

/* Fill each layer's distance_keys and distance_queries, and network->distance.rows, where the
 * config wants them; after the layers. */
bert_status bert__relative_load(struct bert__network *network, struct bert__weights *weights,
                                bert_error *err);
void bert__relative_free(struct bert__network *network, struct bert__layer *layer);

bert_status bert__conv_load(struct bert__network *network, struct bert__weights *weights,
                            bert_error *err);

#endif
