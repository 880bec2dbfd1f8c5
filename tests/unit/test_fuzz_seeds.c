/* SPDX-License-Identifier: MIT */
/*
 * test_fuzz_seeds.c - the fuzz targets over their committed seeds, without libFuzzer.
 * A target traps where something is wrong, and leaks show under AddressSanitizer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support_fuzz.h"

/* The targets all have the name that libFuzzer calls; none has another in common. */
#define LLVMFuzzerTestOneInput fuzz_json
#include "tests/fuzz/fuzz_json.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_safetensors
#include "tests/fuzz/fuzz_safetensors.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_config
#include "tests/fuzz/fuzz_config.c"
#undef LLVMFuzzerTestOneInput

#define LLVMFuzzerTestOneInput fuzz_bundle
#include "tests/fuzz/fuzz_bundle.c"
#undef LLVMFuzzerTestOneInput

#define LLVMFuzzerTestOneInput fuzz_manifest
#include "tests/fuzz/fuzz_manifest.c"
#undef LLVMFuzzerTestOneInput

static void test_json(void **state)
{
    (void)state;
    test_fuzz_replay("json", fuzz_json, 5);
}

static void test_safetensors(void **state)
{
    (void)state;
    test_fuzz_replay("safetensors", fuzz_safetensors, 5);
}

static void test_config(void **state)
{
    (void)state;
    test_fuzz_replay("config", fuzz_config, 5);
}

/* And that the whole one is taken. */
static void test_manifest(void **state)
{
    struct bert__alloc *alloc = bert__alloc_create(NULL, 0);
    struct bert__source *source;
    struct bert__json_file file;
    struct bert__manifest m;
    struct bert__arena arena;

    (void)state;
    test_fuzz_replay("manifest", fuzz_manifest, 5);
    bert__arena_init(&arena, alloc);
    assert_int_equal(bert__source_open_path(&source, alloc, "tests/data/fuzz/manifest", 0, NULL),
                     BERT_OK);
    assert_int_equal(bert__json_file(&file, &arena, source, "", "whole", 0, BERT__CONFIG_BYTES,
                                     BERT__JSON_OBJECT, NULL),
                     BERT_OK);
    assert_int_equal(bert__manifest_read(&m, &arena, "whole", file.root, NULL), BERT_OK);
    assert_int_equal(m.n, 3);
    bert__source_close(source);
    bert__arena_free(&arena);
    bert__alloc_destroy(alloc);
}

/* And that the seed made by another program is opened. */
static void test_bundle(void **state)
{
    struct bert__alloc *alloc = bert__alloc_create(NULL, 0);
    struct bert__source *source;

    (void)state;
    test_fuzz_replay("bundle", fuzz_bundle, 5);
    assert_int_equal(
        bert__source_open_path(&source, alloc, "tests/data/fuzz/bundle/whole", 0, NULL), BERT_OK);
    assert_non_null(bert__source_bundle(source));
    assert_int_equal(bert__source_bundle(source)->n_matrices, 1);
    assert_int_equal(bert__bundle_verify(bert__source_bundle(source), NULL), BERT_OK);
    bert__source_close(source);
    bert__alloc_destroy(alloc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json),     cmocka_unit_test(test_safetensors),
        cmocka_unit_test(test_config),   cmocka_unit_test(test_bundle),
        cmocka_unit_test(test_manifest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
