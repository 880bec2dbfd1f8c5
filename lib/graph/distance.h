/* SPDX-License-Identifier: MIT */
/* distance.h - tables by which the distance of two tokens enters attention. */
#ifndef BERT_LIB_GRAPH_DISTANCE_H
#define BERT_LIB_GRAPH_DISTANCE_H

#include "lib/graph/network.h"

/* Fill network->distance, as the row and the config say. */
bert_status bert__distance_load(struct bert__network *network, struct bert__weights *weights,
                                bert_error *err);
void bert__distance_free(struct bert__network *network);

#endif
