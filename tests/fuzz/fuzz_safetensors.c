/* SPDX-License-Identifier: MIT */
/*
 * fuzz_safetensors.c - any bytes as a model's weights.
 *
 * The input is model.safetensors; what the header promises of its tensors is checked
 * anew, and every element is read.
 */
#include <stdint.h>
#include <stdlib.h>

#include "lib/model/weights.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void widen_any(float *y, const void *x, size_t n)
{
    const unsigned char *bytes = x;

    for (size_t i = 0; i < n; i++) /* touches every byte */
        y[i] = (float)(bytes[2 * i] + bytes[2 * i + 1]);
}

static int any_finite(const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (x[i] - x[i] != 0)
            return 0;
    return 1;
}

static void read_tensor(struct bert__weights *weights, const struct bert__tensor *t, size_t size)
{
    float x[64];
    bert_error err;

    if (t->offset > size || t->bytes > size - t->offset || t->rank > BERT__MAX_RANK)
        __builtin_trap();
    if (bert__weights_find(weights, t->name) == NULL && t->name[0] != '\0'
        && t->name[t->name_size - 1] != 'a') /* the alias of gamma or beta */
        __builtin_trap();
    if (t->stored == BERT__STORED_OTHER)
        return;
    for (uint64_t first = 0; first < t->count; first += 64) {
        size_t n = t->count - first < 64 ? (size_t)(t->count - first) : 64;
        bert_status status = bert__weights_read(weights, t, first, n, x, &err);

        if (status && status != BERT_ENONFINITE)
            __builtin_trap();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct bert__widen widen = {widen_any, widen_any, any_finite};
    bert_file file = {"model.safetensors", data, size};
    struct bert__alloc *alloc = bert__alloc_create(NULL, 0);
    struct bert__source *source = NULL;
    struct bert__weights *weights = NULL;
    bert_error err;

    if (!alloc)
        return 0;
    if (bert__source_open_memory(&source, alloc, &file, 1, 0, &err) == BERT_OK
        && bert__weights_open(&weights, alloc, source, "", &widen, false, false, &err) == BERT_OK) {
        const struct bert__tensor *t;

        for (size_t i = 0; (t = bert__weights_at(weights, i)) != NULL; i++)
            read_tensor(weights, t, size);
    } else if (weights)
        __builtin_trap();
    bert__weights_close(weights);
    bert__source_close(source);
    if (bert__alloc_used(alloc) != 0)
        __builtin_trap();
    bert__alloc_destroy(alloc);
    return 0;
}
