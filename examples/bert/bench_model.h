/* SPDX-License-Identifier: MIT */
/* bench_model.h - a BERT of any shape with random weights, made in memory. */
#ifndef BENCH_MODEL_H
#define BENCH_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include <bert.h>

struct bench_shape {
    int64_t layers, hidden, heads, intermediate;
};

/* "minilm6", "base", "large", or "L,H,A,F"; false if it is none of them. */
bool bench_shape_parse(const char *text, struct bench_shape *shape);

/* config.json and model.safetensors (bf16), by get_memory(); the caller frees both data. */
void bench_model_make(const struct bench_shape *shape, uint32_t positions, bert_file files[2]);

#endif
