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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_safetensors),
        cmocka_unit_test(test_config),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
