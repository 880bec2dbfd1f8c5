/* SPDX-License-Identifier: MIT */
/* drift_math.h - how far two samples are apart: the formulas of bert/drift.h. */
#ifndef BERT_LIB_SERVE_DRIFT_MATH_H
#define BERT_LIB_SERVE_DRIFT_MATH_H

#include <stddef.h>
#include <stdint.h>

/* Counts of two histograms of n bins.  Half a count is added to each bin. */
double bert__psi(const uint32_t *a, const uint32_t *b, uint32_t n);
/* Both hold something. */
double bert__ks(const uint32_t *a, const uint32_t *b, uint32_t n);
double bert__variation(const uint32_t *a, const uint32_t *b, uint32_t n);
uint64_t bert__total(const uint32_t *counts, uint32_t n);
/* 1 - cosine; 1 where one of them is zero. */
double bert__cosine_gap(const double *a, const double *b, size_t n);
double bert__dot(const float *a, const float *b, size_t n);
double bert__square_distance(const float *a, const float *b, size_t n);
/* Numbers whose squares and sums stay finite, in float too. */
#define BERT__USABLE_MOST 1e15f
int bert__all_usable(const float *x, size_t n);

/* Ascending; takes no memory. */
void bert__sort_floats(float *x, size_t n);
/* Of ascending numbers, by linear interpolation (numpy's default); n > 0. */
float bert__quantile(const float *sorted, size_t n, double q);
/* How many of n ascending edges are below x: its bin. */
uint32_t bert__bin_of(const float *edges, uint32_t n, float x);

/* splitmix64: the same numbers everywhere. */
struct bert__random {
    uint64_t state;
};
uint64_t bert__random_next(struct bert__random *random);
/* From 0 to n - 1; n > 0. */
uint64_t bert__random_below(struct bert__random *random, uint64_t n);

#endif
