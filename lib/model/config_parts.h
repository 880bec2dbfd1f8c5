/* SPDX-License-Identifier: MIT */
/* config_parts.h - what the files that read config.json share. */
#ifndef BERT_LIB_MODEL_CONFIG_PARTS_H
#define BERT_LIB_MODEL_CONFIG_PARTS_H

#include "lib/model/config.h"

/* A number from 1 to max under `key` (NULL: none); absent: `standard`. */
bert_status bert__config_size(const struct bert__config *config, const char *key, uint32_t standard,
                              uint32_t max, uint32_t *out, bert_error *err);
/* The same, odd. */
bert_status bert__config_odd(const struct bert__config *config, const char *key, uint32_t standard,
                             uint32_t max, uint32_t *out, bert_error *err);
/* Bottlenecks, mixed attention, kinds of norms; before attention, after the other sizes. */
bert_status bert__config_inside(struct bert__config *config, struct bert__arena *arena,
                                bert_error *err);
/* Heads, their sizes, biases, rotary angles and local windows; after the other sizes. */
bert_status bert__config_attention(struct bert__config *config, struct bert__arena *arena,
                                   bert_error *err);
/* Disentangled attention and the convolution that comes with it. */
bert_status bert__config_relative(struct bert__config *config, struct bert__arena *arena,
                                  bert_error *err);
/* A string under `key` (NULL: none), without NULs, in the arena; absent: `standard`. */
bert_status bert__config_name(const struct bert__config *config, struct bert__arena *arena,
                              const char *key, const char *standard, const char **out,
                              bert_error *err);

#endif
