/* SPDX-License-Identifier: MIT */
/* oracle.c - functions and bounds in double precision, written from their formulas. */
#include <math.h>
#include <string.h>

#include "tests/kernels/check.h"

double gamma_of(double n)
{
    return n * U / (1.0 - n * U);
}

/* 16 sums at least (four lanes, four accumulators), the last 16 elements in one of them,
 * and six levels of tree. */
double sum_roundings(size_t n)
{
    return (double)(n / 16) + 4.0 + 6.0;
}

float oracle_bf16(float x)
{
    uint32_t bits;

    memcpy(&bits, &x, sizeof bits);
    bits = (bits + 0x7fffu + (bits >> 16 & 1u)) & 0xffff0000u;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static double gelu(double x)
{
    return isinf(x) ? (x > 0 ? x : 0.0) : 0.5 * x * erfc(-x / sqrt(2.0));
}

/* x / (1 + exp(-z)) with its limit at -infinity. */
static double gated(double x, double z)
{
    return isinf(x) && x < 0 ? 0.0 : x / (1.0 + exp(-z));
}

static double positive(double x)
{
    return x > 0 || isnan(x) ? x : 0.0;
}

double oracle_act(enum bert__act act, double x)
{
    switch (act) {
    case BERT__ACT_GELU:
        return gelu(x);
    case BERT__ACT_GELU_TANH:
        return gated(x, 2.0 * sqrt(2.0 / M_PI) * (x + 0.044715 * x * x * x));
    case BERT__ACT_GELU_10:
        return isnan(x) ? x : fmin(10.0, fmax(-10.0, gelu(x)));
    case BERT__ACT_QUICK_GELU:
        return gated(x, 1.702 * x);
    case BERT__ACT_RELU:
        return positive(x);
    case BERT__ACT_RELU2:
        return (double)(float)positive(x) * positive(x);
    case BERT__ACT_SILU:
        return gated(x, x);
    case BERT__ACT_TANH:
        return tanh(x);
    case BERT__ACT_SIGMOID:
        return 1.0 / (1.0 + exp(-x));
    default:
        return x;
    }
}

/* Subnormal results are exact to their spacing only; 0 is allowed in place of results
 * below the smallest normal number. */
#define TINY 0x1p-126

double bound_act(enum bert__act act, double x)
{
    switch (act) {
    case BERT__ACT_NONE:
    case BERT__ACT_RELU:
        return 0.0;
    case BERT__ACT_RELU2:
        return U * x * x + TINY;
    case BERT__ACT_TANH:
        return 6.0 * U * fabs(tanh(x)) + TINY;
    case BERT__ACT_SIGMOID:
        return 4.0 * U / (1.0 + exp(-x)) + TINY;
    case BERT__ACT_GELU:
    case BERT__ACT_GELU_10:
        return 4.0 * U * fabs(x) + TINY;
    default:
        return 3.0 * U * fabs(x) + TINY;
    }
}
