/* SPDX-License-Identifier: MIT */
/* test_weights.c - tensors by name out of one file, of shards, of memory and mappings. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/model/weights.h"
#include "tests/unit/support_alloc.h"
#include "tests/unit/support_files.h"
#include "tests/unit/support_sys.h"

/* ---- Widening, by the formats' definitions ------------------------------------------- */

static void widen_f16(float *y, const void *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint16_t h;
        int exponent, mantissa;
        double value;

        memcpy(&h, (const char *)x + 2 * i, 2);
        exponent = h >> 10 & 31;
        mantissa = h & 1023;
        if (exponent == 31)
            value = mantissa ? (double)NAN : (double)INFINITY;
        else
            value = exponent ? ldexp(1024 + mantissa, exponent - 25) : ldexp(mantissa, -24);
        y[i] = (float)(h & 0x8000 ? -value : value);
    }
}

static void widen_bf16(float *y, const void *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint16_t h;
        uint32_t bits;

        memcpy(&h, (const char *)x + 2 * i, 2);
        bits = (uint32_t)h << 16;
        memcpy(&y[i], &bits, 4);
    }
}

static int all_finite(const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(x[i]))
            return 0;
    return 1;
}

static const struct bert__widen widen = {widen_f16, widen_bf16, all_finite};

/* ---- Set-up ------------------------------------------------------------------------------ */

enum place { MEMORY, DISK, MAPPED, PLACES };

static struct test_files files;
static struct test_alloc host;
static struct bert__alloc *alloc;
static struct bert__source *source;
static struct bert__weights *weights;
static char *directory;
static bert_error err;
static uint64_t max_bytes; /* of the next open_weights() */

static int set_up(void **state)
{
    (void)state;
    memset(&files, 0, sizeof(files));
    max_bytes = 0;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    test_files_free(&files);
    bert__sys_replace(NULL);
    return 0;
}

static bert_status open_weights(enum place place, const char *folder, bool allow, long fail_at)
{
    bert_status status;

    memset(&err, 0, sizeof(err));
    source = NULL;
    weights = NULL;
    directory = place == MEMORY ? NULL : test_files_write(&files);
    test_sys_install();
    test_alloc_init(&host, fail_at);
    alloc = bert__alloc_create(&host.host, max_bytes);
    if (!alloc)
        return BERT_ENOMEM;
    if (directory)
        status = bert__source_open_path(&source, alloc, directory, 0, &err);
    else
        status = bert__source_open_memory(&source, alloc, files.files, files.count, 0, &err);
    if (!status)
        status = bert__weights_open(&weights, alloc, source, folder, &widen, place == MAPPED, allow,
                                    &err);
    if (status)
        assert_null(weights);
    return status;
}

static void close_weights(void)
{
    bert__weights_close(weights);
    bert__source_close(source);
    bert__alloc_destroy(alloc);
    assert_int_equal(host.live, 0);
    assert_int_equal(test_sys.open_files, 0);
    assert_int_equal(test_sys.maps, 0);
    if (directory)
        test_files_delete(directory);
}

static void assert_says(const char *words)
{
    if (!strstr(err.message, words))
        fail_msg("\"%s\" does not say \"%s\"", err.message, words);
}

static void assert_refused(const char *folder, bert_status expected, const char *words)
{
    for (int place = 0; place < PLACES; place++) {
        bert_status status = open_weights((enum place)place, folder, false, 0);

        if (status != expected)
            fail_msg("%d \"%s\"; expected %d \"%s\"", status, err.message, expected, words);
        assert_says(words);
        close_weights();
    }
}

/* ---- One file ------------------------------------------------------------------------------ */

#define ENTRY(name, dtype, shape, offsets)                                                         \
    "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":[" shape "],\"data_offsets\":[" offsets "]}"

/* F32 at an odd place, F16, BF16, and what is no weight. */
static void put_mixed(const char *name)
{
    static const float f32[] = {1.5f, -2.0f, 3.25f, 0.0f, 1e-30f, -1e30f};
    static const uint16_t f16[] = {0x3C00, 0xC000, 0x0001, 0x7BFF};
    static const uint16_t bf16[] = {0x3F80, 0xC000, 0x0001};
    unsigned char data[1 + 24 + 8 + 6 + 8];

    data[0] = 7;
    memcpy(data + 1, f32, 24);
    memcpy(data + 25, f16, 8);
    memcpy(data + 33, bf16, 6);
    memset(data + 39, 0, 8);
    test_files_tensors(
        &files, name,
        "{" ENTRY("byte", "U8", "1", "0,1") "," ENTRY("w", "F32", "2,3", "1,25") "," ENTRY(
            "h", "F16", "4", "25,33") "," ENTRY("x.LayerNorm.gamma", "BF16", "3",
                                                "33,39") "," ENTRY("position_ids", "I64", "1",
                                                                   "39,47") "}",
        data, sizeof(data));
}

static const struct bert__tensor *need(const char *name, uint32_t rank, uint64_t a, uint64_t b)
{
    const struct bert__tensor *t;
    uint64_t shape[2] = {a, b};

    assert_int_equal(bert__weights_need(weights, name, rank, shape, &t, &err), BERT_OK);
    assert_non_null(t);
    return t;
}

static void test_reading(void **state)
{
    (void)state;
    put_mixed("model.safetensors");
    for (int place = 0; place < PLACES; place++) {
        const struct bert__tensor *t;
        float x[6];

        assert_int_equal(open_weights((enum place)place, "", false, 0), BERT_OK);
        assert_non_null(strstr(bert__weights_path(weights), "/model.safetensors"));
        t = need("w", 2, 2, 3);
        assert_true(t->used);
        assert_int_equal(bert__weights_read(weights, t, 0, 6, x, &err), BERT_OK);
        assert_true(x[0] == 1.5f && x[1] == -2 && x[2] == 3.25f && x[5] == -1e30f);
        assert_int_equal(bert__weights_read(weights, t, 2, 1, x, &err), BERT_OK);
        assert_true(x[0] == 3.25f);
        t = need("h", 1, 4, 0);
        assert_int_equal(bert__weights_read(weights, t, 0, 4, x, &err), BERT_OK);
        assert_true(x[0] == 1 && x[1] == -2 && x[2] == (float)ldexp(1, -24) && x[3] == 65504);
        assert_int_equal(bert__weights_read(weights, t, 3, 1, x, &err), BERT_OK);
        assert_true(x[0] == 65504);
        t = need("x.LayerNorm.weight", 1, 3, 0);
        assert_string_equal(t->name, "x.LayerNorm.gamma");
        assert_int_equal(bert__weights_read(weights, t, 1, 2, x, &err), BERT_OK);
        assert_true(x[0] == -2 && x[1] == (float)ldexp(1, -133));
        assert_int_equal(bert__weights_read(weights, t, 3, 0, x, &err), BERT_OK);
        assert_int_equal(bert__weights_read(weights, t, 2, 2, x, &err), BERT_EINTERNAL);
        assert_int_equal(bert__weights_read(weights, t, UINT64_MAX, 1, x, &err), BERT_EINTERNAL);
        close_weights();
    }
}

static void test_finding(void **state)
{
    const struct bert__tensor *t;
    size_t n = 0, used = 0;
    uint64_t shape[3] = {2, 3, 1};

    (void)state;
    put_mixed("model.safetensors");
    assert_int_equal(open_weights(MEMORY, "", false, 0), BERT_OK);
    assert_non_null(bert__weights_find(weights, "w"));
    assert_non_null(bert__weights_find(weights, "x.LayerNorm.weight"));
    assert_null(bert__weights_find(weights, "x.LayerNorm.gamma"));
    assert_null(bert__weights_find(weights, "x.LayerNorm.weigh"));
    assert_null(bert__weights_find(weights, "x.LayerNorm.weightx"));
    assert_null(bert__weights_find(weights, ""));
    assert_int_equal(bert__weights_need(weights, "w.bias", 1, shape, &t, &err), BERT_EFORMAT);
    assert_null(t);
    assert_says("tensor \"w.bias\" is missing");
    assert_int_equal(bert__weights_need(weights, "w", 1, shape, &t, &err), BERT_EFORMAT);
    assert_says("tensor \"w\" has the shape [2, 3]; the config wants [2]");
    shape[1] = 10000000000;
    assert_int_equal(bert__weights_need(weights, "w", 2, shape, &t, &err), BERT_EFORMAT);
    assert_says("wants [2, 10000000000]");
    assert_int_equal(bert__weights_need(weights, "w", 0, shape, &t, &err), BERT_EFORMAT);
    assert_says("wants []");
    shape[0] = 1;
    assert_int_equal(bert__weights_need(weights, "position_ids", 1, shape, &t, &err),
                     BERT_EUNSUPPORTED);
    assert_says("tensor \"position_ids\" is stored as I64");
    need("h", 1, 4, 0);
    for (const struct bert__tensor *each; (each = bert__weights_at(weights, n)); n++)
        used += each->used;
    assert_int_equal(n, 5);
    assert_int_equal(used, 1);
    close_weights();
}

static void test_borrowing(void **state)
{
    static const float data[2] = {1, 2};
    const float *x;

    (void)state;
    put_mixed("d/model.safetensors");
    /* spaces bring the data to a multiple of 4 */
    test_files_tensors(&files, "model.safetensors",
                       "{" ENTRY("w", "F32", "2", "0,8") "," ENTRY("e", "F32", "0", "8,8") "}   ",
                       data, 8);
    for (int place = 0; place < PLACES; place++) {
        assert_int_equal(open_weights((enum place)place, "", false, 0), BERT_OK);
        assert_int_equal(bert__weights_borrow(weights, need("w", 1, 2, 0), &x, &err), BERT_OK);
        if (place == MAPPED) {
            size_t at = (size_t)need("w", 1, 2, 0)->offset;

            assert_int_equal(x == NULL, at % 4 != 0);
            if (x)
                assert_true(x[0] == 1 && x[1] == 2);
        } else
            assert_null(x); /* memory is the caller's; a file was only read */
        assert_int_equal(bert__weights_borrow(weights, need("e", 1, 0, 0), &x, &err), BERT_OK);
        assert_null(x);
        close_weights();
        assert_int_equal(open_weights((enum place)place, "d", false, 0), BERT_OK);
        assert_int_equal(bert__weights_borrow(weights, need("h", 1, 4, 0), &x, &err), BERT_OK);
        assert_null(x);
        close_weights();
    }
}

/* All four alignments of the data; only one of them can be borrowed. */
static void test_alignment(void **state)
{
    static const float data[2] = {1, 2};
    unsigned borrowed = 0;

    (void)state;
    for (int pad = 0; pad < 4; pad++) {
        char header[128];
        const float *x;
        float copy[2];

        snprintf(header, sizeof(header), "{" ENTRY("w", "F32", "2", "0,8") "}%*s", pad, "");
        test_files_tensors(&files, "model.safetensors", header, data, 8);
        assert_int_equal(open_weights(MAPPED, "", false, 0), BERT_OK);
        assert_int_equal(bert__weights_read(weights, need("w", 1, 2, 0), 0, 2, copy, &err),
                         BERT_OK);
        assert_true(copy[0] == 1 && copy[1] == 2);
        assert_int_equal(bert__weights_borrow(weights, need("w", 1, 2, 0), &x, &err), BERT_OK);
        borrowed += x != NULL;
        if (x)
            assert_memory_equal(x, data, 8);
        close_weights();
    }
    assert_int_equal(borrowed, 1);
}

static void test_nonfinite(void **state)
{
    static const uint32_t bad[] = {0x7FC00000, 0x7F800000, 0xFF800000, 0x7F800001};
    static const char *const dtypes[] = {"F32", "BF16"};

    (void)state;
    for (int i = 0; i < 16; i++) {
        char header[128], data[400] = {0};
        int half = i & 1, place = i % PLACES;
        uint32_t value = half ? bad[i / 4 % 3] >> 16 : bad[i / 4];
        float x[100];
        const float *borrowed;

        snprintf(header, sizeof(header), "{" ENTRY("w", "%s", "100", "0,%d") "}", dtypes[half],
                 half ? 200 : 400);
        memcpy(data + (half ? 154 : 308), &value, half ? 2 : 4);
        test_files_tensors(&files, "model.safetensors", header, data, half ? 200 : 400);
        assert_int_equal(open_weights((enum place)place, "", false, 0), BERT_OK);
        assert_int_equal(bert__weights_read(weights, need("w", 1, 100, 0), 0, 77, x, &err),
                         BERT_OK);
        assert_int_equal(bert__weights_read(weights, need("w", 1, 100, 0), 70, 30, x, &err),
                         BERT_ENONFINITE);
        assert_says("model.safetensors: tensor \"w\", element 77 is ");
        assert_says(((value << (half ? 16 : 0)) & 0x7FFFFF) ? "NaN" : "infinite");
        if (bert__weights_borrow(weights, need("w", 1, 100, 0), &borrowed, &err)) {
            assert_null(borrowed);
            assert_says("element 77");
        } else
            assert_null(borrowed);
        close_weights();
        assert_int_equal(open_weights((enum place)place, "", true, 0), BERT_OK);
        assert_int_equal(bert__weights_read(weights, need("w", 1, 100, 0), 0, 100, x, &err),
                         BERT_OK);
        assert_true(!isfinite(x[77]));
        close_weights();
    }
}

/* Doubles become the nearest floats; what no float holds is infinite and refused. */
static void test_doubles(void **state)
{
    enum { N = 20001 };
    double *data = malloc(N * sizeof(*data));
    float *x = malloc(N * sizeof(*x));

    (void)state;
    assert_true(data && x);
    for (int i = 0; i < N; i++)
        data[i] = i / 3.0;
    test_files_tensors(&files, "model.safetensors", "{" ENTRY("w", "F64", "20001", "0,160008") "}",
                       data, N * sizeof(*data));
    data[N - 1] = 1e39;
    test_files_tensors(&files, "d/model.safetensors",
                       "{" ENTRY("w", "F64", "20001", "0,160008") "}", data, N * sizeof(*data));
    for (int place = 0; place < PLACES; place++) {
        const struct bert__tensor *t;

        assert_int_equal(open_weights((enum place)place, "", false, 0), BERT_OK);
        t = need("w", 1, N, 0);
        assert_int_equal(bert__weights_read(weights, t, 0, N, x, &err), BERT_OK);
        for (int i = 0; i < N; i++)
            assert_true(x[i] == (float)(i / 3.0));
        assert_int_equal(bert__weights_read(weights, t, 7, 1, x, &err), BERT_OK);
        assert_true(x[0] == (float)(7 / 3.0));
        close_weights();
        assert_int_equal(open_weights((enum place)place, "d", false, 0), BERT_OK);
        t = need("w", 1, N, 0);
        assert_int_equal(bert__weights_read(weights, t, 0, N, x, &err), BERT_ENONFINITE);
        assert_says("element 20000 is infinite");
        close_weights();
    }
    free(data);
    free(x);
}

static void test_prefixes(void **state)
{
    static const char *const prefixes[] = {"m.", "", NULL};
    static const float data[3] = {1, 2, 3};

    (void)state;
    test_files_tensors(&files, "model.safetensors",
                       "{" ENTRY("m.w", "F32", "1", "0,4") "," ENTRY(
                           "v", "F32", "1", "4,8") "," ENTRY("v.w", "F32", "1", "8,12") "}",
                       data, sizeof(data));
    assert_int_equal(open_weights((enum place)0, "", false, 0), BERT_OK);
    assert_null(bert__weights_find(weights, "m.v"));
    bert__weights_prefixes(weights, "m.", prefixes);
    assert_string_equal(need("m.w", 1, 1, 0)->name, "m.w");
    assert_string_equal(need("m.v", 1, 1, 0)->name, "v");
    assert_null(bert__weights_find(weights, "w"));
    bert__weights_prefixes(weights, "", prefixes);
    assert_string_equal(need("w", 1, 1, 0)->name, "m.w");
    assert_string_equal(need("v.w", 1, 1, 0)->name, "v.w");
    assert_null(bert__weights_find(weights, "u"));
    close_weights();
}

/* More 16-bit elements than the buffer that they come through. */
static void test_long_halves(void **state)
{
    enum { N = 100001 };
    uint16_t *data = malloc(N * 2);
    float *x = malloc(N * sizeof(*x));

    (void)state;
    assert_non_null(data);
    assert_non_null(x);
    for (unsigned i = 0; i < N; i++)
        data[i] = (uint16_t)(i % 0x7000);
    test_files_tensors(&files, "model.safetensors", "{" ENTRY("w", "F16", "100001", "0,200002") "}",
                       data, N * 2);
    for (int place = 0; place < PLACES; place++) {
        assert_int_equal(open_weights((enum place)place, "", false, 0), BERT_OK);
        test_sys.interrupt = 1;
        test_sys.step = 1001;
        memset(x, 0xFF, N * sizeof(*x));
        assert_int_equal(bert__weights_read(weights, need("w", 1, N, 0), 0, N, x, &err), BERT_OK);
        for (unsigned i = 0; i < N; i++) {
            float expected;

            widen_f16(&expected, &data[i], 1);
            assert_true(x[i] == expected);
        }
        close_weights();
    }
    free(data);
    free(x);
}

static void test_failing_reads(void **state)
{
    float x[6];

    (void)state;
    put_mixed("model.safetensors");
    assert_int_equal(open_weights(DISK, "", false, 0), BERT_OK);
    test_sys.read_errno = EIO;
    assert_int_equal(bert__weights_read(weights, need("w", 2, 2, 3), 0, 6, x, &err), BERT_EIO);
    assert_int_equal(bert__weights_read(weights, need("h", 1, 4, 0), 0, 4, x, &err), BERT_EIO);
    assert_says("input/output error");
    test_sys.read_errno = 0;
    test_sys.shrunk = 20;
    assert_int_equal(bert__weights_read(weights, need("w", 2, 2, 3), 0, 6, x, &err), BERT_EIO);
    assert_says("became shorter");
    close_weights();
    assert_int_equal(open_weights(MAPPED, "", false, 0), BERT_OK);
    bert__weights_close(weights);
    test_sys.map_errno = ENODEV;
    assert_int_equal(bert__weights_open(&weights, alloc, source, "", &widen, true, false, &err),
                     BERT_EIO);
    assert_says("can't be mapped");
    close_weights();
}

static void test_two_spellings(void **state)
{
    (void)state;
    test_files_tensors(&files, "model.safetensors",
                       "{" ENTRY("LayerNorm.beta", "F32", "1",
                                 "0,4") "," ENTRY("LayerNorm.bias", "F32", "1", "4,8") "}",
                       "\0\0\0\0\0\0\0\0", 8);
    assert_refused("", BERT_EFORMAT, "are one and the same");
    test_files_tensors(
        &files, "model.safetensors",
        "{" ENTRY("a.beta", "F32", "1", "0,4") "," ENTRY("a.bias", "F32", "1", "4,8") "}",
        "\0\0\0\0\0\0\0\0", 8);
    assert_int_equal(open_weights(MEMORY, "", false, 0), BERT_OK);
    assert_non_null(bert__weights_find(weights, "a.beta")); /* no norm: no alias */
    close_weights();
}

/* ---- Shards ---------------------------------------------------------------------------------- */

#define SHARD_1 "model-00001-of-00002.safetensors"
#define SHARD_2 "model-00002-of-00002.safetensors"
#define INDEX   "model.safetensors.index.json"

static void put_shards(void)
{
    static const float one[] = {1, 2}, two[] = {3, 4, 5};

    test_files_tensors(
        &files, SHARD_1,
        "{" ENTRY("a", "F32", "1", "0,4") "," ENTRY("LayerNorm.gamma", "F32", "1", "4,8") "}", one,
        sizeof(one));
    test_files_tensors(&files, SHARD_2,
                       "{" ENTRY("c", "F32", "2", "0,8") "," ENTRY("extra", "F32", "1", "8,12") "}",
                       two, sizeof(two));
    test_files_text(&files, INDEX,
                    "{\"metadata\":{\"total_size\":1},\"weight_map\":{\"c\":\"" SHARD_2
                    "\",\"a\":\"" SHARD_1 "\",\"LayerNorm.gamma\":\"" SHARD_1 "\"}}");
}

static void test_shards(void **state)
{
    (void)state;
    put_shards();
    for (int place = 0; place < PLACES; place++) {
        const struct bert__tensor *t;
        float x[2];

        assert_int_equal(open_weights((enum place)place, "", false, 0), BERT_OK);
        assert_non_null(strstr(bert__weights_path(weights), INDEX));
        assert_int_equal(bert__weights_read(weights, need("a", 1, 1, 0), 0, 1, x, &err), BERT_OK);
        assert_true(x[0] == 1);
        assert_int_equal(
            bert__weights_read(weights, need("LayerNorm.weight", 1, 1, 0), 0, 1, x, &err), BERT_OK);
        assert_true(x[0] == 2);
        t = need("c", 1, 2, 0);
        assert_non_null(strstr(bert__file_path(t->file), SHARD_2));
        assert_int_equal(bert__weights_read(weights, t, 0, 2, x, &err), BERT_OK);
        assert_true(x[0] == 3 && x[1] == 4);
        assert_non_null(bert__weights_find(weights, "extra")); /* as the reference does it */
        close_weights();
    }
    put_mixed("model.safetensors"); /* the single file goes before the index */
    assert_int_equal(open_weights(DISK, "", false, 0), BERT_OK);
    assert_null(bert__weights_find(weights, "c"));
    close_weights();
}

static void index_refused(const char *index, bert_status expected, const char *words)
{
    test_files_text(&files, INDEX, index);
    assert_refused("", expected, words);
    assert_says(INDEX);
}

static void test_lying_index(void **state)
{
    (void)state;
    put_shards();
    index_refused("{", BERT_EFORMAT, "line 1");
    index_refused("[]", BERT_EFORMAT, "expected an object");
    index_refused("{}", BERT_EFORMAT, "\"weight_map\" is missing");
    index_refused("{\"weight_map\":[]}", BERT_EFORMAT, "\"weight_map\" is an array");
    index_refused("{\"weight_map\":{}}", BERT_EFORMAT, "\"weight_map\" is empty");
    index_refused("{\"weight_map\":{\"a\":1}}", BERT_EFORMAT, "\"a\" is a number");
    index_refused("{\"weight_map\":{\"a\":null}}", BERT_EFORMAT, "\"a\" is null");
    index_refused("{\"weight_map\":{\"a\":\"../" SHARD_1 "\"}}", BERT_EFORMAT,
                  "not a plain file name");
    index_refused("{\"weight_map\":{\"a\":\"/etc/passwd\"}}", BERT_EFORMAT, "\"/etc/passwd\"");
    index_refused("{\"weight_map\":{\"a\":\"x/" SHARD_1 "\"}}", BERT_EFORMAT, "not a plain file");
    index_refused("{\"weight_map\":{\"a\":\"\"}}", BERT_EFORMAT, "not a plain file");
    index_refused("{\"weight_map\":{\"a\":\".\"}}", BERT_EFORMAT, "not a plain file");
    index_refused("{\"weight_map\":{\"a\":\"..\"}}", BERT_EFORMAT, "not a plain file");
    index_refused("{\"weight_map\":{\"a\":\"x\\u0000\"}}", BERT_EFORMAT, "not a plain file");
    index_refused("{\"weight_map\":{\"c\":\"" SHARD_1 "\"}}", BERT_EFORMAT,
                  "tensor \"c\" is not in \"" SHARD_1 "\"");
    index_refused("{\"weight_map\":{\"c\":\"" SHARD_1 "\",\"a\":\"" SHARD_2 "\"}}", BERT_EFORMAT,
                  "is not in \"model-0000");
    index_refused("{\"weight_map\":{\"a\":\"" SHARD_1 "\",\"none\":\"" SHARD_1 "\"}}", BERT_EFORMAT,
                  "tensor \"none\" is not in");
}

static void test_missing_and_broken_shards(void **state)
{
    (void)state;
    put_shards();
    test_files_remove(&files, SHARD_2);
    assert_refused("", BERT_EIO, SHARD_2);
    assert_says("no such file");
    test_files_text(&files, SHARD_2, "short");
    assert_refused("", BERT_EFORMAT, SHARD_2);
    put_shards(); /* a tensor that lies in both */
    test_files_tensors(&files, SHARD_2,
                       "{" ENTRY("c", "F32", "2", "0,8") "," ENTRY("a", "F32", "1", "8,12") "}",
                       "abcdabcdabcd", 12);
    assert_refused("", BERT_EFORMAT, "are one and the same");
}

/* ---- No safetensors ----------------------------------------------------------------------------
 */

static void test_other_formats(void **state)
{
    static const char *const names[] = {"pytorch_model.bin",
                                        "pytorch_model.bin.index.json", /* pickles */
                                        "tf_model.h5", "flax_model.msgpack", "model.ckpt.index"};
    char path[64];

    (void)state;
    test_files_text(&files, "config.json", "{}");
    test_files_text(&files, "2_Dense/config.json", "{}");
    assert_refused("", BERT_EIO, "no model.safetensors");
    assert_refused("2_Dense", BERT_EIO, "/2_Dense: no model.safetensors");
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        test_files_text(&files, names[i], "cos\nsystem\n(S'true'\ntR.");
        assert_refused("", BERT_EUNSUPPORTED, names[i]);
        assert_says(i < 2 ? "python -m libbert.convert" : "save_pretrained()");
        test_files_remove(&files, names[i]);
        snprintf(path, sizeof(path), "2_Dense/%s", names[i]);
        test_files_text(&files, path, "x");
        assert_refused("2_Dense", BERT_EUNSUPPORTED, path);
        test_files_remove(&files, path);
    }
}

static void test_unreadable_is_not_absent(void **state)
{
    (void)state;
    put_mixed("model.safetensors");
    test_files_text(&files, "pytorch_model.bin", "x");
    directory = test_files_write(&files);
    test_sys_install();
    test_alloc_init(&host, 0);
    alloc = bert__alloc_create(&host.host, 0);
    assert_int_equal(bert__source_open_path(&source, alloc, directory, 0, &err), BERT_OK);
    test_sys.open_errno = EACCES;
    assert_int_equal(bert__weights_open(&weights, alloc, source, "", &widen, false, false, &err),
                     BERT_EIO);
    assert_says("model.safetensors: can't be opened: permission denied");
    close_weights();
}

/* ---- Failing allocations and calls --------------------------------------------------------------
 */

static bert_status load_all(enum place place, long fail_at)
{
    bert_status status = open_weights(place, "", false, fail_at);
    float x[2];

    if (!status)
        status = bert__weights_read(weights, bert__weights_find(weights, "c"), 0, 2, x, &err);
    close_weights();
    return status;
}

static void test_allocation_failures(void **state)
{
    (void)state;
    put_shards();
    for (int place = 0; place < PLACES; place++) {
        long n = 1;
        bert_status status;

        while ((status = load_all((enum place)place, n)) != BERT_OK) {
            assert_int_equal(status, BERT_ENOMEM);
            n++;
        }
        assert_true(n > 20);
    }
}

/* The host's budget, from nothing to enough. */
static void test_memory_limit(void **state)
{
    bert_status status;

    (void)state;
    put_shards();
    for (max_bytes = 1; (status = load_all(MEMORY, 0)) != BERT_OK; max_bytes += 499) {
        assert_int_equal(status, BERT_ELIMIT);
        assert_int_equal(err.code, BERT_ELIMIT);
        assert_says("(max_bytes)");
        assert_true(max_bytes < 1 << 18);
    }
    assert_true(max_bytes > 1 << 12);
}

static void test_system_failures(void **state)
{
    bert_status status = BERT_EIO;

    (void)state;
    put_shards();
    for (long n = 1; status; n++) {
        float x[2];

        directory = test_files_write(&files);
        weights = NULL;
        source = NULL;
        test_sys_install();
        test_alloc_init(&host, 0);
        alloc = bert__alloc_create(&host.host, 0);
        test_sys.open_errno = test_sys.stat_errno = test_sys.read_errno = EMFILE;
        test_sys.fail_at = n;
        status = bert__source_open_path(&source, alloc, directory, 0, &err);
        if (!status)
            status = bert__weights_open(&weights, alloc, source, "", &widen, false, false, &err);
        if (!status)
            status = bert__weights_read(weights, bert__weights_find(weights, "c"), 0, 2, x, &err);
        if (status) {
            assert_int_equal(status, BERT_EIO);
            assert_says("too many open files");
        } else
            assert_true(n > 10);
        close_weights();
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_reading),
        TEST(test_finding),
        TEST(test_borrowing),
        TEST(test_alignment),
        TEST(test_nonfinite),
        TEST(test_doubles),
        TEST(test_prefixes),
        TEST(test_long_halves),
        TEST(test_failing_reads),
        TEST(test_two_spellings),
        TEST(test_shards),
        TEST(test_lying_index),
        TEST(test_missing_and_broken_shards),
        TEST(test_other_formats),
        TEST(test_unreadable_is_not_absent),
        TEST(test_allocation_failures),
        TEST(test_memory_limit),
        TEST(test_system_failures),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
