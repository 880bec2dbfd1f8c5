/* SPDX-License-Identifier: MIT */
/* scores.c - logits to scores, and the best of them. */
#include "lib/head/scores.h"

#include <math.h>

void bert__softmax(const float *x, size_t n, float *y)
{
    float max = n > 0 ? x[0] : 0;
    double sum = 0;

    for (size_t i = 1; i < n; i++)
        max = x[i] > max ? x[i] : max;
    for (size_t i = 0; i < n; i++)
        sum += exp((double)x[i] - (double)max);
    for (size_t i = 0; i < n; i++)
        y[i] = (float)(exp((double)x[i] - (double)max) / sum);
}

float bert__sigmoid(float x)
{
    return (float)(1 / (1 + exp(-(double)x)));
}

bool bert__finite(const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(x[i]))
            return false;
    }
    return true;
}

/* ---- The best: a heap with the worst on top ------------------------------------------ */

static bool worse(const float *scores, uint32_t a, uint32_t b)
{
    return scores[a] < scores[b] || (scores[a] == scores[b] && a > b);
}

static void sift_down(const float *scores, uint32_t *heap, uint32_t n, uint32_t i)
{
    uint32_t moved = heap[i];

    for (;;) {
        uint32_t child = 2 * i + 1;

        if (child + 1 < n && worse(scores, heap[child + 1], heap[child]))
            child++;
        if (child >= n || !worse(scores, heap[child], moved))
            break;
        heap[i] = heap[child];
        i = child;
    }
    heap[i] = moved;
}

void bert__best(const float *scores, uint32_t n, uint32_t k, uint32_t *heap)
{
    for (uint32_t i = 0; i < k; i++)
        heap[i] = i;
    for (uint32_t i = k / 2; i-- > 0;)
        sift_down(scores, heap, k, i);
    for (uint32_t i = k; i < n && k > 0; i++) {
        if (worse(scores, heap[0], i)) {
            heap[0] = i;
            sift_down(scores, heap, k, 0);
        }
    }
    for (uint32_t i = k; i-- > 1;) { /* the worst of what is left goes last */
        uint32_t worst = heap[0];

        heap[0] = heap[i];
        heap[i] = worst;
        sift_down(scores, heap, i, 0);
    }
}
