/* SPDX-License-Identifier: MIT */
/*
 * test_vectors.c - quantised embeddings, bit for bit, and similarities, against what
 * tests/fixtures/make_vector_fixtures.py wrote.
 */
#include "support.h"

#include <math.h>
#include <string.h>

enum { DIM = 13, ROWS = 40 };

static struct test_arrays expected;

static int open_expected(void **state)
{
    (void)state;
    test_arrays_load(&expected, test_path("tests/data/vectors.bin"));
    return 0;
}

static int close_expected(void **state)
{
    (void)state;
    test_arrays_free(&expected);
    return 0;
}

static const float *need(const char *name)
{
    return test_need(&expected, "%s", name)->data;
}

/* ---- Quantisation ------------------------------------------------------------- */

static void check(const char *name, bert_quantization kind, const float *ranges)
{
    const struct test_array *want = test_need(&expected, "%s", name);
    size_t size = ROWS * bert_quantized_size(kind, DIM);
    uint8_t got[ROWS * DIM + 1], one[DIM];
    bert_error err;

    assert_int_equal(want->count, size);
    got[size] = 77;
    test_ok(bert_quantize(kind, need("rows"), ROWS, DIM, ranges, got, size, &err), &err);
    for (size_t i = 0; i < size; i++) {
        if (got[i] != ((const uint8_t *)want->data)[i])
            fail_msg("%s: byte %zu is %u, expected %u", name, i, got[i],
                     ((const uint8_t *)want->data)[i]);
    }
    assert_int_equal(got[size], 77);
    size /= ROWS;
    test_ok(bert_quantize(kind, need("rows") + 9 * DIM, 1, DIM, ranges, one, size, &err), &err);
    assert_memory_equal(one, got + 9 * size, size);
}

static void test_levels(void **state)
{
    static const char *const how[] = {"own", "calibrated", "given"};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        const float *ranges =
            i < 2 ? test_need(&expected, "%s.ranges", how[i])->data : need("ranges");
        char name[32];

        snprintf(name, sizeof name, "%s.int8", how[i]);
        check(name, BERT_QUANTIZE_INT8, ranges);
        snprintf(name, sizeof name, "%s.uint8", how[i]);
        check(name, BERT_QUANTIZE_UINT8, ranges);
    }
}

static void test_bits(void **state)
{
    (void)state;
    check("binary", BERT_QUANTIZE_BINARY, NULL);
    check("ubinary", BERT_QUANTIZE_UBINARY, NULL);
    assert_int_equal(bert_quantized_size(BERT_QUANTIZE_UBINARY, 16), 2);
    assert_int_equal(bert_quantized_size(BERT_QUANTIZE_UBINARY, 17), 3);
    assert_int_equal(bert_quantized_size(BERT_QUANTIZE_INT8, 17), 17);
    assert_int_equal(bert_quantized_size((bert_quantization)5, 17), 0);
}

/* Of which sign a zero is is no matter. */
static void same_values(const float *got, const float *want)
{
    for (size_t i = 0; i < 2 * DIM; i++)
        assert_true(got[i] == want[i]);
}

/* In one call and in many, in any order. */
static void test_ranges(void **state)
{
    float whole[2 * DIM], parts[2 * DIM];
    const float *rows = need("rows");
    bert_error err;

    (void)state;
    bert_ranges_start(whole, DIM);
    bert_ranges_start(parts, DIM);
    test_ok(bert_ranges_add(whole, rows, ROWS, DIM, &err), &err);
    same_values(whole, need("own.ranges"));
    for (size_t i = ROWS; i-- > 0;)
        test_ok(bert_ranges_add(parts, rows + i * DIM, 1, DIM, &err), &err);
    same_values(parts, whole);
    test_ok(bert_ranges_add(parts, NULL, 0, DIM, &err), &err);
    bert_ranges_start(parts, DIM);
    test_ok(bert_ranges_add(parts, need("calibration"), 9, DIM, &err), &err);
    same_values(parts, need("calibrated.ranges"));
}

static void test_refusals(void **state)
{
    float rows[4] = {1, 2, 3, 4}, ranges[4] = {0, 0, 4, 4}, before[4];
    uint8_t out[4] = {9, 9, 9, 9};
    bert_error err;

    (void)state;
    memcpy(before, ranges, sizeof ranges);
    rows[2] = NAN;
    test_error(bert_ranges_add(ranges, rows, 2, 2, &err), &err, BERT_ENONFINITE, "row 1, column 0",
               "nan", NULL);
    assert_memory_equal(before, ranges, sizeof ranges);
    test_error(bert_quantize(BERT_QUANTIZE_INT8, rows, 2, 2, ranges, out, 4, &err), &err,
               BERT_ENONFINITE, "rows: row 1, column 0", NULL);
    /* to numpy NaN is not above 0 */
    test_ok(bert_quantize(BERT_QUANTIZE_UBINARY, rows, 2, 2, NULL, out, 2, &err), &err);
    assert_int_equal(out[0], 0xC0);
    assert_int_equal(out[1], 0x40);
    out[0] = 9;
    rows[2] = 3;
    test_error(bert_quantize(BERT_QUANTIZE_UINT8, rows, 2, 2, ranges, out, 3, &err), &err,
               BERT_ERANGE, "3 bytes", NULL);
    assert_int_equal(out[0], 9);
    bert_ranges_start(ranges, 2);
    test_error(bert_quantize(BERT_QUANTIZE_UINT8, rows, 2, 2, ranges, out, 4, &err), &err,
               BERT_ENONFINITE, "ranges: row 0", NULL);
    test_error(bert_quantize(BERT_QUANTIZE_INT8, rows, 2, 2, NULL, out, 4, &err), &err, BERT_EINVAL,
               "ranges is NULL", NULL);
    test_error(bert_quantize((bert_quantization)0, rows, 2, 2, ranges, out, 4, &err), &err,
               BERT_EINVAL, "kind 0", NULL);
    test_error(bert_quantize(BERT_QUANTIZE_BINARY, NULL, 2, 2, NULL, out, 4, &err), &err,
               BERT_EINVAL, "rows is NULL", NULL);
    test_error(bert_quantize(BERT_QUANTIZE_BINARY, rows, 2, 2, NULL, NULL, 4, &err), &err,
               BERT_EINVAL, "out is NULL", NULL);
    test_error(bert_ranges_add(NULL, rows, 2, 2, &err), &err, BERT_EINVAL, "ranges is NULL", NULL);
    test_ok(bert_quantize(BERT_QUANTIZE_BINARY, NULL, 0, 2, NULL, NULL, 0, &err), &err);
}

/* ---- Similarity ----------------------------------------------------------------- */

/* Zero vectors and such as are next to it among them. */
static void test_similarity(void **state)
{
    static const char *const functions[] = {"cosine", "dot", "euclidean", "manhattan"};
    const struct test_array *a = test_need(&expected, "a");
    uint32_t n = a->shape[0], dim = a->shape[1];

    (void)state;
    for (size_t f = 0; f < 4; f++) {
        const float *want = test_need(&expected, "pairs.%s", functions[f])->data;

        for (uint32_t i = 0; i < n; i++) {
            float got;
            bert_error err;

            test_ok(bert_similarity(functions[f], (const float *)a->data + i * dim,
                                    need("b") + i * dim, dim, &got, &err),
                    &err);
            if (!(fabs((double)got - (double)want[i]) <= 1e-5 * fmax(1, fabs((double)want[i]))))
                fail_msg("%s, pair %u: %.9g, expected %.9g", functions[f], i, (double)got,
                         (double)want[i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_levels),     cmocka_unit_test(test_bits),
        cmocka_unit_test(test_ranges),     cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_similarity),
    };

    return cmocka_run_group_tests(tests, open_expected, close_expected);
}
