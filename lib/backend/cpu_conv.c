/* SPDX-License-Identifier: MIT */
/* cpu_conv.c - the CPU backend's convolutions: a row sees its neighbours in its sequence. */
#include <string.h>

#include "lib/backend/cpu.h"

/* The sequence of a row, as rows. */
struct bounds {
    uint32_t index, first, end;
};

static struct bounds bounds_of(const struct bert__batch *b, uint32_t row)
{
    uint32_t low = 0, high = b->n_sequences - 1;

    while (low < high) {
        uint32_t middle = low + (high - low + 1) / 2;

        if (b->offsets[middle] <= row)
            low = middle;
        else
            high = middle - 1;
    }
    return (struct bounds){low, b->offsets[low], b->offsets[low + 1]};
}

/* Those of the next row. */
static void move_on(struct bounds *at, const struct bert__batch *b, uint32_t row)
{
    if (row < at->end)
        return;
    at->index++;
    at->first = at->end;
    at->end = b->offsets[at->index + 1];
}

/* Does place k of `size` around the row lie in its sequence?  *from is its row. */
static bool sees(const struct bounds *at, uint32_t row, uint32_t k, uint32_t size, uint32_t *from)
{
    int64_t place = (int64_t)row + k - size / 2;

    *from = (uint32_t)place;
    return place >= (int64_t)at->first && place < (int64_t)at->end;
}

static void convolve_rows(struct bert__stream *s, const void *arg, uint32_t first, uint32_t end)
{
    const struct bert__convolve_op *op = arg;
    struct bounds at = bounds_of(s->batch, first);

    for (uint32_t row = first; row < end; row++) {
        float *y = op->y + row * op->ldy;

        move_on(&at, s->batch, row);
        if (op->afresh)
            memset(y, 0, op->n * sizeof *y);
        for (uint32_t k = 0; k < op->size; k++) {
            const float *w = op->weights + (size_t)k * op->n, *x;
            uint32_t from;

            if (!sees(&at, row, k, op->size, &from))
                continue;
            x = op->x + from * op->ldx;
            for (uint32_t i = 0; i < op->n; i++)
                y[i] += w[i] * x[i];
        }
    }
}

bert_status bert__cpu_convolve(struct bert__stream *s, const struct bert__convolve_op *op,
                               bert_error *err)
{
    (void)err;
    bert__cpu_rows(s, op, s->batch->n_tokens, op->n * op->size, convolve_rows);
    return BERT_OK;
}

static void multiply_rows(struct bert__stream *s, const void *arg, uint32_t first, uint32_t end)
{
    const struct bert__multiply_op *op = arg;

    for (uint32_t row = first; row < end; row++) {
        float *y = op->y + row * op->ldy;

        s->device->kernels->mul(y, y, op->x + row * op->ldx, op->n);
    }
}

bert_status bert__cpu_multiply(struct bert__stream *s, const struct bert__multiply_op *op,
                               bert_error *err)
{
    (void)err;
    bert__cpu_rows(s, op, op->rows, op->n, multiply_rows);
    return BERT_OK;
}

static void mix_rows(struct bert__stream *s, const void *arg, uint32_t first, uint32_t end)
{
    const struct bert__mix_op *op = arg;
    const struct bert__kernels *kernels = s->device->kernels;
    struct bounds at = bounds_of(s->batch, first);

    for (uint32_t row = first; row < end; row++) {
        move_on(&at, s->batch, row);
        for (uint32_t h = 0; h < op->heads; h++) {
            float *y = op->y + row * op->ldy + (size_t)h * op->head;
            float *weights = op->scores + row * op->lds + (size_t)h * op->size;
            uint32_t from;

            kernels->softmax(weights, op->size);
            memset(y, 0, op->head * sizeof *y);
            for (uint32_t k = 0; k < op->size; k++)
                if (sees(&at, row, k, op->size, &from))
                    kernels->axpy(y, op->x + from * op->ldx + (size_t)h * op->head, weights[k],
                                  op->head);
        }
    }
}

bert_status bert__cpu_mix(struct bert__stream *s, const struct bert__mix_op *op, bert_error *err)
{
    (void)err;
    bert__cpu_rows(s, op, s->batch->n_tokens, op->heads * op->head * op->size, mix_rows);
    return BERT_OK;
}

static void unfold_rows(struct bert__stream *s, const void *arg, uint32_t first, uint32_t end)
{
    const struct bert__unfold_op *op = arg;
    struct bounds at = bounds_of(s->batch, first);

    for (uint32_t row = first; row < end; row++) {
        move_on(&at, s->batch, row);
        for (uint32_t i = 0; i < op->size; i++) {
            float *y = op->y + row * op->ldy + (size_t)i * op->n;
            uint32_t from;

            if (sees(&at, row, op->backwards ? op->size - 1 - i : i, op->size, &from))
                memcpy(y, op->x + (size_t)from * op->n, op->n * sizeof *y);
            else
                memset(y, 0, op->n * sizeof *y);
        }
    }
}

bert_status bert__cpu_unfold(struct bert__stream *s, const struct bert__unfold_op *op,
                             bert_error *err)
{
    (void)err;
    bert__cpu_rows(s, op, s->batch->n_tokens, op->n * op->size, unfold_rows);
    return BERT_OK;
}
