/* SPDX-License-Identifier: MIT */
/**
 * @file bert/quantize.h
 * Embeddings as bytes or bits, as sentence_transformers.quantization.quantize_embeddings makes
 * them, bit for bit.
 *
 * INT8 and UINT8 cut the range of each dimension into 255 steps.  The ranges come from embeddings
 * that are like those to come: gather them with bert_ranges_add() over any number of calls, then
 * quantise documents and queries with the same ranges.
 * @code
 * #include <bert.h>
 * #include <stdio.h>
 *
 * int main(void)
 * {
 *     const float rows[3][2] = {{0.0f, -1.0f}, {0.5f, 0.25f}, {1.0f, 1.0f}};
 *     float ranges[2 * 2];
 *     int8_t bytes[3][2];
 *     bert_error err;
 *
 *     bert_ranges_start(ranges, 2);
 *     if (bert_ranges_add(ranges, rows[0], 3, 2, &err) != BERT_OK
 *         || bert_quantize(BERT_QUANTIZE_INT8, rows[0], 3, 2, ranges, bytes, sizeof bytes, &err)
 *                != BERT_OK) {
 *         fprintf(stderr, "%s\n", err.message);
 *         return 1;
 *     }
 *     printf("%d %d\n", bytes[1][0], bytes[1][1]);
 *     return 0;
 * }
 * @endcode
 *
 * Threads: none of these calls has any state; any thread.
 */
#ifndef BERT_QUANTIZE_H
#define BERT_QUANTIZE_H

#include <bert/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What a number of an embedding becomes. */
typedef enum bert_quantization {
    BERT_QUANTIZE_INT8 = 1,   /**< int8_t: UINT8 less 128 */
    BERT_QUANTIZE_UINT8 = 2,  /**< uint8_t: floor((x - low) / ((high - low) / 255)) in float32, cut
                                   to 0 to 255; where low and high are equal a step is 1 */
    BERT_QUANTIZE_BINARY = 3, /**< int8_t: a byte of UBINARY less 128 */
    BERT_QUANTIZE_UBINARY = 4 /**< uint8_t: a bit a number, 1 where it is above 0, the first in the
                                   highest bit; the last byte is filled up with zeros */
} bert_quantization;

/** Bytes of one quantised row: dim, or a bit each, rounded up; 0 for an unknown kind.
 *  Since 0.1. */
BERT_API size_t bert_quantized_size(bert_quantization kind, size_t dim);

/**
 * Ranges that hold nothing yet: lowest values infinite, highest ones minus infinite.
 * @param ranges  [2][dim]: the lowest value of each dimension, then the highest of each.
 * Since 0.1.
 */
BERT_API void bert_ranges_start(float *ranges, size_t dim);

/**
 * Widen ranges to hold n more embeddings.
 * @param ranges  [2][dim], started or loaded from elsewhere.
 * @param rows    Row-major [n][dim].
 * @return BERT_OK; BERT_EINVAL, an argument is NULL; BERT_ENONFINITE, a value is NaN or infinite:
 *         the message has its row and column, and the ranges are as they were.
 * Since 0.1.
 */
BERT_API bert_status bert_ranges_add(float *ranges, const float *rows, size_t n, size_t dim,
                                     bert_error *err);

/**
 * Quantise embeddings.
 *
 * @param rows      Row-major [n][dim].
 * @param ranges    [2][dim]; not looked at, and may be NULL, for BINARY and UBINARY.
 * @param out       [n][bert_quantized_size(kind, dim)] bytes: int8_t or uint8_t.
 * @param out_size  Capacity of out, in bytes.
 * @return BERT_OK; BERT_EINVAL, an unknown kind or a NULL argument; BERT_ENONFINITE, a value or
 *         range of INT8 and UINT8 that is NaN or infinite (so are ranges that hold nothing);
 *         BERT_ERANGE, out is too small.  Nothing is written then.
 * Since 0.1.
 */
BERT_API bert_status bert_quantize(bert_quantization kind, const float *rows, size_t n, size_t dim,
                                   const float *ranges, void *out, size_t out_size,
                                   bert_error *err);

#ifdef __cplusplus
}
#endif

#endif /* BERT_QUANTIZE_H */
