/* SPDX-License-Identifier: MIT */
/*
 * test_pack_foreign.c - packed files that are damaged, cut or lying, and those that were packed for
 * another level, machine, precision or version.
 */
#include "support_pack.h"

#include <stdlib.h>
#include <string.h>

enum { MUTATIONS = 4000 };

/* Every byte of header and index, every way to flip a bit of it. */
static void test_flipped(void **state)
{
    bert_model *model;
    struct pack_small s;
    bert_error err;

    (void)state;
    pack_small_open(&s, NULL);
    for (size_t at = 0; at < s.size; at = at == PACK_HEADER - 1 ? s.index : at + 1) {
        int bit = at < PACK_HEADER ? 0 : (int)(at % 8), end = at < PACK_HEADER ? 8 : bit + 1;

        for (; bit < end; bit++) {
            bert_status st;

            s.data[at] ^= (unsigned char)(1 << bit);
            st = pack_load_bytes(&model, s.data, s.size, 0, &err);
            if (st != BERT_EFORMAT && st != BERT_EUNSUPPORTED && !(at < 8 && st == BERT_EIO))
                fail_msg("bit %d of byte %zu: %d, %s", bit, at, (int)st, err.message);
            assert_null(model);
            s.data[at] ^= (unsigned char)(1 << bit);
        }
    }
    test_ok(pack_load_bytes(&model, s.data, s.size, 0, &err), &err);
    bert_model_unref(model);
    pack_small_close(&s);
}

static void test_truncated(void **state)
{
    bert_model *model;
    struct pack_small s;
    bert_error err;

    (void)state;
    pack_small_open(&s, NULL);
    for (size_t size = 8; size < s.size; size += size < 200 ? 1 : s.size / 300) {
        test_error(pack_load_bytes(&model, s.data, size, 0, &err), &err,
                   size < PACK_HEADER ? BERT_EIO : BERT_EFORMAT, NULL);
        assert_null(model);
    }
    pack_write(pack_path("cut.bert"), s.data, s.size / 2);
    test_error(bert_model_load(&model, pack_path("cut.bert"), NULL, &err), &err, BERT_EFORMAT,
               "cut.bert", "complete", NULL);
    pack_small_close(&s);
}

/* What is not in the index is checked only when it is asked for. */
static void test_verified(void **state)
{
    bert_model *model;
    struct pack_small s;
    bert_error err;
    int found = 0;

    (void)state;
    pack_small_open(&s, NULL);
    for (size_t at = PACK_HEADER; at < s.index; at += 37) {
        bert_status st;

        s.data[at] ^= 0x40;
        st = pack_load_bytes(&model, s.data, s.size, BERT_MODEL_VERIFY, &err);
        s.data[at] ^= 0x40;
        if (st == BERT_OK) { /* between two sections */
            assert_int_equal(s.data[at], 0);
            bert_model_unref(model);
            continue;
        }
        test_error(st, &err, BERT_EFORMAT, "model.bert", "is damaged", NULL);
        found++;
    }
    assert_true(found > 100);
    s.data[s.index - 1] ^= 1; /* of a matrix */
    test_ok(pack_load_bytes(&model, s.data, s.size, 0, &err), &err);
    bert_model_unref(model);
    test_error(pack_load_bytes(&model, s.data, s.size, BERT_MODEL_VERIFY, &err), &err, BERT_EFORMAT,
               "matrix", NULL);
    pack_small_close(&s);
}

/* The index says something else, and header and sum agree with it: no crash, whatever comes. */
static void test_lies(void **state)
{
    static const char digits[] = "0123456789-e[]{},\":tf";
    uint64_t seed = 20261129;
    unsigned char *copy;
    struct pack_small s;
    int refused = 0;

    (void)state;
    pack_small_open(&s, NULL);
    copy = malloc(s.size);
    assert_non_null(copy);
    for (int i = 0; i < MUTATIONS; i++) {
        bert_model *model;
        bert_error err;
        int changes = 1 + (int)test_random(&seed, 3);

        memcpy(copy, s.data, s.size);
        for (; changes > 0; changes--) {
            size_t at = s.index + test_random(&seed, (uint32_t)(s.size - s.index));

            while (at < s.size && (copy[at] < '0' || copy[at] > '9') && (i & 1) == 0)
                at++;
            if (at < s.size)
                copy[at] = (unsigned char)digits[test_random(&seed, (i & 1) == 0 ? 10 : 21)];
        }
        pack_sign(copy);
        if (pack_load_bytes(&model, copy, s.size, i % 3 == 0 ? BERT_MODEL_REPACK : 0, &err)
            == BERT_OK)
            bert_model_unref(model);
        else
            refused++;
    }
    print_message("%d of %d refused\n", refused, MUTATIONS);
    assert_true(refused > MUTATIONS / 2);
    free(copy);
    pack_small_close(&s);
}

/* ---- Packed for something else ---------------------------------------------- */

static void test_other_version(void **state)
{
    bert_model *model;
    struct pack_small s;
    bert_error err;

    (void)state;
    pack_small_open(&s, NULL);
    s.data[PACK_VERSION]++;
    pack_sign(s.data);
    test_error(pack_load_bytes(&model, s.data, s.size, BERT_MODEL_REPACK, &err), &err,
               BERT_EUNSUPPORTED, "version 2", "pack", NULL);
    s.data[PACK_VERSION]--;
    s.data[PACK_ORDER] = (unsigned char)(3 - s.data[PACK_ORDER]);
    pack_sign(s.data);
    test_error(pack_load_bytes(&model, s.data, s.size, BERT_MODEL_REPACK, &err), &err,
               BERT_EUNSUPPORTED, "byte order", NULL);
    pack_small_close(&s);
}

static void test_other_machine(void **state)
{
    bert_model *model, *directory;
    struct pack_small s;
    bert_error err;

    (void)state;
    pack_small_open(&s, NULL);
    for (size_t at = s.index; at + 12 < s.size; at++)
        if (memcmp(s.data + at, "\"machine\": \"", 12) == 0) {
            s.data[at + 12] = 'Q';
            break;
        }
    pack_sign(s.data);
    test_error(pack_load_bytes(&model, s.data, s.size, 0, &err), &err, BERT_EUNSUPPORTED,
               "packed for Q", NULL);
    test_ok(pack_load_bytes(&model, s.data, s.size, BERT_MODEL_REPACK, &err), &err);
    directory = test_load_files(&s.files, NULL);
    pack_same(directory, model);
    bert_model_unref(directory);
    bert_model_unref(model);
    pack_small_close(&s);
}

/* From each level to each other. */
static void test_other_level(void **state)
{
    const char *from, *to;
    int refused = 0;

    (void)state;
    for (uint32_t i = 0; (from = bert_cpu_name(i)) != NULL; i++) {
        struct pack_small s;

        pack_small_open(&s, from);
        for (uint32_t k = 0; (to = bert_cpu_name(k)) != NULL; k++) {
            bert_model_options o = BERT_MODEL_OPTIONS_INIT;
            bert_model *model, *directory = test_load_files(&s.files, to);
            const char *path = pack_path("small.bert");
            bert_error err;

            o.cpu = to;
            if (bert_model_load(&model, path, &o, &err) != BERT_OK) {
                test_error(err.code, &err, BERT_EUNSUPPORTED, "small.bert", from, to,
                           "BERT_MODEL_REPACK", NULL);
                refused++;
                o.flags = BERT_MODEL_REPACK | (k % 2 ? BERT_MODEL_READ : 0);
                test_ok(bert_model_load(&model, path, &o, &err), &err);
            }
            pack_same(directory, model);
            bert_model_unref(model);
            bert_model_unref(directory);
        }
        pack_small_close(&s);
    }
    if (bert_cpu_name(1) != NULL)
        assert_true(refused > 0);
}

/* One file out of another, also onto itself while it is in use. */
static void test_packed_again(void **state)
{
    const char *path = pack_path("small.bert");
    bert_model_options o = BERT_MODEL_OPTIONS_INIT;
    bert_model *before, *scalar;
    struct pack_small s;
    bert_error err;

    (void)state;
    pack_small_open(&s, NULL);
    before = pack_load(path, 0, NULL, BERT_PRECISION_DEFAULT);
    o.cpu = "scalar";
    o.flags = BERT_MODEL_REPACK;
    test_ok(bert_model_pack(path, path, &o, &err), &err);
    scalar = pack_load(path, BERT_MODEL_VERIFY, "scalar", BERT_PRECISION_DEFAULT);
    pack_same_text("cpu", bert_model_cpu(scalar), "scalar");
    test_ok(bert_model_pack(path, path, &o, &err), &err);
    {
        bert_model *a = test_load_files(&s.files, NULL), *b = test_load_files(&s.files, "scalar");

        pack_same(a, before);
        pack_same(b, scalar);
        bert_model_unref(a);
        bert_model_unref(b);
    }
    bert_model_unref(before);
    bert_model_unref(scalar);
    pack_small_close(&s);
}

static void refused(const char *path, uint32_t precision, uint32_t flags, const char *named)
{
    bert_model_options o = BERT_MODEL_OPTIONS_INIT;
    bert_model *model;
    bert_error err;

    o.precision = precision;
    o.flags = flags;
    test_error(bert_model_load(&model, path, &o, &err), &err, BERT_EUNSUPPORTED, path, named, NULL);
}

/* Another than the file's is refused by name; fp32 can be turned into any. */
static void test_precision(void **state)
{
    const char *path = pack_path("precise.bert"), *directory = pack_path("small");
    bert_model *model, *want;
    struct pack_small s;
    bert_error err;

    (void)state;
    pack_small_open(&s, NULL);
    pack_make(directory, path, NULL, BERT_PRECISION_BF16);
    model = pack_load(path, 0, NULL, BERT_PRECISION_AUTO);
    assert_int_equal(bert_model_precision(model), BERT_PRECISION_BF16);
    bert_model_unref(model);
    refused(path, BERT_PRECISION_FP32, 0, "in bf16");
    refused(path, BERT_PRECISION_INT8, 0, "in int8: ask for what it was packed for, or pack");
    refused(path, BERT_PRECISION_FP32, BERT_MODEL_REPACK, "exactly");
    pack_make(directory, path, NULL, BERT_PRECISION_INT8);
    refused(path, BERT_PRECISION_BF16, 0, "in int8");
    pack_make(directory, path, "scalar", BERT_PRECISION_FP32);
    refused(path, BERT_PRECISION_INT8, 0, "in fp32");
    for (uint32_t p = BERT_PRECISION_FP32; p <= BERT_PRECISION_INT8; p++) {
        want = pack_load(directory, 0, NULL, p);
        model = pack_load(path, BERT_MODEL_REPACK, NULL, p);
        pack_same(want, model);
        bert_model_unref(want);
        bert_model_unref(model);
    }
    pack_replace(&s, "\"precision\": \"fp32\"", "\"precision\": \"fp64\"");
    test_error(pack_load_bytes(&model, s.data, s.size, 0, &err), &err, BERT_EUNSUPPORTED, "fp64",
               NULL);
    pack_small_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_flipped),       cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_verified),      cmocka_unit_test(test_lies),
        cmocka_unit_test(test_other_version), cmocka_unit_test(test_other_machine),
        cmocka_unit_test(test_other_level),   cmocka_unit_test(test_packed_again),
        cmocka_unit_test(test_precision),
    };

    return cmocka_run_group_tests(tests, pack_set_up, pack_tear_down);
}
