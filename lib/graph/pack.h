/* SPDX-License-Identifier: MIT */
/* pack.h - tables, norms and linear layers from a checkpoint's tensors; see network.h for those
 * that heads load too. */
#ifndef BERT_LIB_GRAPH_PACK_H
#define BERT_LIB_GRAPH_PACK_H

#include "lib/graph/network.h"

/* "NAME" "ENDING", of this shape. */
bert_status bert__table_load(struct bert__network *network, struct bert__weights *weights,
                             const char *name, const char *ending, uint32_t rank,
                             const uint64_t *shape, struct bert__table *table, bert_error *err);
/* A copy of table->count values in table->owned; bert__table_give() shows it to the device. */
bert_status bert__table_read(struct bert__network *network, struct bert__weights *weights,
                             const struct bert__tensor *tensor, struct bert__table *table,
                             bert_error *err);
bert_status bert__table_give(struct bert__network *network, struct bert__table *table,
                             bert_error *err);
void bert__table_free(struct bert__network *network, struct bert__table *table);

/* Where the rows of a part lie in its tensor. */
enum bert__rows {
    BERT__ROWS_PLAIN,      /* end to end, from `first` */
    BERT__ROWS_BY_HEAD,    /* each head has its `head` rows of query, key and value together, and
                              this part starts at `first` of them */
    BERT__ROWS_INTERLEAVED /* end to end, but rotary positions turn neighbours (2i, 2i + 1): the
                              even rows of each head come first here, so that they turn halves */
};

enum { BERT__MAX_PARTS = 4 };

/* n_out rows of a linear layer. */
struct bert__part {
    const char *weight, *bias; /* full names; bias NULL: zeros */
    uint32_t tensor_rows;      /* of the weight, and of a bias that isn't the part's own */
    uint32_t n_out, first;
    enum bert__rows order;
    uint32_t head;        /* rows of a head */
    uint32_t column_head; /* not 0: of each so many columns the even ones come first here */
    bool bias_is_own;     /* it has n_out values */
    bool bias_is_column;  /* and a second dimension, of 1 */
    bool exact;           /* fp32 in every precision */
    bool is_conv;         /* the tensor has a third dimension, of 1 */
    uint32_t groups;      /* above 1: the rows of each read their share of the input only; plain */
    bool stacked;         /* groups are [groups][input of each][rows of each] in the tensor */
    /* Not NULL: the tensor has only the first own_columns columns; those after it are the rows of
     * this one, [left][n_out].  Plain. */
    const char *rest;
    uint32_t own_columns;
};

/* Parts that read the same input, as one layer. */
bert_status bert__linear_load_parts(struct bert__network *network, struct bert__weights *weights,
                                    const struct bert__part *parts, uint32_t count, uint32_t n_in,
                                    struct bert__linear *out, bert_error *err);

#endif
