/* SPDX-License-Identifier: MIT */
/* head_rows.c - what a task head reads, as rows on the host. */
#include "lib/head/head_rows.h"

#include <string.h>

uint32_t bert__head_rows_count(enum bert__head_input input, const struct bert__batch *batch)
{
    return input == BERT__HEAD_TOKENS ? batch->n_tokens : batch->n_sequences;
}

void bert__mean_rows(const struct bert__kernels *k, const uint32_t *offsets, uint32_t n_sequences,
                     const float *rows, uint32_t width, float *out)
{
    /* in place too: row i is no sequence's before the i-th */
    for (uint32_t i = 0; i < n_sequences; i++) {
        uint32_t first = offsets[i], end = offsets[i + 1];
        float *mean = out + (size_t)i * width;

        memmove(mean, rows + (size_t)first * width, width * sizeof *mean);
        for (uint32_t t = first + 1; t < end; t++)
            k->add(mean, mean, rows + (size_t)t * width, NULL, width);
        k->scale(mean, mean, 1.0f / (float)(end - first), width);
    }
}

static void copy_lasts(const struct bert__batch *batch, const float *hidden, uint32_t width,
                       float *out)
{
    for (uint32_t i = 0; i < batch->n_sequences; i++)
        memcpy(out + (size_t)i * width, hidden + (size_t)(batch->offsets[i + 1] - 1) * width,
               width * sizeof *out);
}

bert_status bert__head_rows(struct bert__exec *exec, const struct bert__kernels *k,
                            const struct bert__batch *batch, enum bert__head_input input,
                            const float *hidden, uint32_t width, float *out, bert_error *err)
{
    switch (input) {
    case BERT__HEAD_TOKENS:
        memcpy(out, hidden, (size_t)batch->n_tokens * width * sizeof *out);
        break;
    case BERT__HEAD_FIRST:
        return bert__exec_firsts(exec, out, err);
    case BERT__HEAD_LAST:
        copy_lasts(batch, hidden, width, out);
        break;
    case BERT__HEAD_MEAN:
        bert__mean_rows(k, batch->offsets, batch->n_sequences, hidden, width, out);
        break;
    case BERT__HEAD_POOLED:
        return bert__exec_pooler(exec, out, err);
    }
    return BERT_OK;
}
