/* SPDX-License-Identifier: MIT */
/* loose.h - linear layers that a head finds by their name alone, where they may lie. */
#ifndef BERT_LIB_HEAD_LOOSE_H
#define BERT_LIB_HEAD_LOOSE_H

#include "lib/graph/exec.h"

/* Where the tensors of modules and heads are. */
struct bert__head_files {
    struct bert__source *source;
    struct bert__weights *weights; /* the encoder's */
    const struct bert__widen *widen;
    bool allow_nonfinite;
};

/*
 * NAME.weight and NAME.bias among the encoder's tensors; else of NAME.safetensors, where they may
 * be called weight and bias.  The weight's own shape says n_out.  *found is false if the weight
 * is in neither; a tensor of a wrong shape, or a missing bias, is BERT_EFORMAT.
 */
bert_status bert__loose_linear_load(struct bert__network *network,
                                    const struct bert__head_files *files, const char *name,
                                    uint32_t n_in, bool has_bias, struct bert__linear *out,
                                    bool *found, bert_error *err);

/* Where there is a NAME.pt instead, *missing is BERT_EUNSUPPORTED, what it is and how to convert
 * it; else it stays as it is. */
bert_status bert__loose_pickle(const struct bert__head_files *files, const char *name,
                               bert_error *missing, bert_error *err);

#endif
