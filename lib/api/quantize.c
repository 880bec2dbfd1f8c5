/* SPDX-License-Identifier: MIT */
/* quantize.c - bert/quantize.h. */
#include <bert/quantize.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "lib/base/error.h"
#include "lib/base/size.h"

/* ---- Checks ------------------------------------------------------------------------ */

static bert_status check_finite(const char *what, const float *rows, size_t n, size_t dim,
                                bert_error *err)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < dim; j++) {
            if (!isfinite(rows[i * dim + j]))
                return bert__fail(err, BERT_ENONFINITE, "%s: row %zu, column %zu is %g", what, i, j,
                                  (double)rows[i * dim + j]);
        }
    }
    return BERT_OK;
}

static bool takes_ranges(bert_quantization kind)
{
    return kind == BERT_QUANTIZE_INT8 || kind == BERT_QUANTIZE_UINT8;
}

static bool known(bert_quantization kind)
{
    return kind >= BERT_QUANTIZE_INT8 && kind <= BERT_QUANTIZE_UBINARY;
}

/* ---- Ranges ------------------------------------------------------------------------- */

void bert_ranges_start(float *ranges, size_t dim)
{
    for (size_t j = 0; ranges != NULL && j < dim; j++) {
        ranges[j] = INFINITY;
        ranges[dim + j] = -INFINITY;
    }
}

static void widen(float *ranges, const float *row, size_t dim)
{
    for (size_t j = 0; j < dim; j++) {
        if (row[j] < ranges[j])
            ranges[j] = row[j];
        if (row[j] > ranges[dim + j])
            ranges[dim + j] = row[j];
    }
}

bert_status bert_ranges_add(float *ranges, const float *rows, size_t n, size_t dim, bert_error *err)
{
    bert_status st;

    if (ranges == NULL || (rows == NULL && n > 0))
        return bert__fail(err, BERT_EINVAL, "%s is NULL", ranges == NULL ? "ranges" : "rows");
    st = check_finite("rows", rows, n, dim, err);
    for (size_t i = 0; i < n && st == BERT_OK; i++)
        widen(ranges, rows + i * dim, dim);
    return st;
}

/* ---- Rows --------------------------------------------------------------------------- */

size_t bert_quantized_size(bert_quantization kind, size_t dim)
{
    if (!known(kind))
        return 0;
    return takes_ranges(kind) ? dim : dim / 8 + (dim % 8 != 0);
}

/* In single precision, step by step as numpy; a difference that overflows gives no level. */
static uint8_t level_of(float x, float low, float high)
{
    float step = (high - low) / 255.0f, level;

    if (step == 0)
        step = 1;
    level = floorf((x - low) / step);
    if (!(level > 0))
        return 0;
    return level > 255 ? 255 : (uint8_t)level;
}

static void to_levels(const float *row, size_t dim, const float *ranges, uint8_t *out)
{
    for (size_t j = 0; j < dim; j++)
        out[j] = level_of(row[j], ranges[j], ranges[dim + j]);
}

static void to_bits(const float *row, size_t dim, uint8_t *out)
{
    memset(out, 0, bert_quantized_size(BERT_QUANTIZE_UBINARY, dim));
    for (size_t j = 0; j < dim; j++) {
        if (row[j] > 0)
            out[j / 8] |= (uint8_t)(0x80u >> (j % 8));
    }
}

/* Less 128, as bits of an int8_t. */
static void shift(uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        bytes[i] ^= 0x80;
}

static bert_status check(bert_quantization kind, const float *rows, size_t n, size_t dim,
                         const float *ranges, const void *out, size_t out_size, bert_error *err)
{
    size_t need;
    bert_status st;

    if (!known(kind))
        return bert__fail(err, BERT_EINVAL, "kind %d is no bert_quantization", (int)kind);
    if ((n > 0 && (rows == NULL || out == NULL)) || (takes_ranges(kind) && ranges == NULL))
        return bert__fail(err, BERT_EINVAL, "%s is NULL",
                          n > 0 && rows == NULL  ? "rows"
                          : n > 0 && out == NULL ? "out"
                                                 : "ranges");
    if (!bert__size_mul(n, bert_quantized_size(kind, dim), &need) || out_size < need)
        return bert__fail(err, BERT_ERANGE, "out has room for %zu bytes; %zu rows of %zu need more",
                          out_size, n, bert_quantized_size(kind, dim));
    if (!takes_ranges(kind))
        return BERT_OK;
    st = check_finite("ranges", ranges, 2, dim, err);
    return st == BERT_OK ? check_finite("rows", rows, n, dim, err) : st;
}

bert_status bert_quantize(bert_quantization kind, const float *rows, size_t n, size_t dim,
                          const float *ranges, void *out, size_t out_size, bert_error *err)
{
    bert_status st = check(kind, rows, n, dim, ranges, out, out_size, err);
    size_t width = bert_quantized_size(kind, dim);

    for (size_t i = 0; i < n && st == BERT_OK; i++) {
        uint8_t *to = (uint8_t *)out + i * width;

        if (takes_ranges(kind))
            to_levels(rows + i * dim, dim, ranges, to);
        else
            to_bits(rows + i * dim, dim, to);
        if (kind == BERT_QUANTIZE_INT8 || kind == BERT_QUANTIZE_BINARY)
            shift(to, width);
    }
    return st;
}
