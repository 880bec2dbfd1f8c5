/* SPDX-License-Identifier: MIT */
/* rollout.h - attention rollout: what of each token reaches the last layer. */
#ifndef BERT_LIB_HEAD_ROLLOUT_H
#define BERT_LIB_HEAD_ROLLOUT_H

#include <stddef.h>
#include <stdint.h>

/* mean[n][n] of heads [heads][n][n]. */
void bert__rollout_mean(const float *heads, uint32_t n_heads, size_t n, float *mean);

/*
 * One step towards the input: from[n] is the share that each token has of the target above a
 * layer, to[n] that below it.  mean[n][n] are the layer's attentions, a row a query; a row of
 * 0.5 * mean + 0.5 * identity is scaled to a sum of 1.
 */
void bert__rollout_step(const float *mean, size_t n, const double *from, double *to);

#endif
