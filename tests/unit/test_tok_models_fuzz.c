/* SPDX-License-Identifier: MIT */
/*
 * test_tok_models_fuzz.c - the fuzz targets of vocabularies over their committed seeds, whole, cut
 * and with bytes changed, without libFuzzer.  A target traps where something is wrong.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support_fuzz.h"

#define LLVMFuzzerTestOneInput fuzz_spm
#include "tests/fuzz/fuzz_spm.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_vocab
#include "tests/fuzz/fuzz_vocab.c"
#undef LLVMFuzzerTestOneInput

static void test_spm(void **state)
{
    (void)state;
    test_fuzz_replay("spm", fuzz_spm, 37);
}

static void test_vocab(void **state)
{
    (void)state;
    test_fuzz_replay("vocab", fuzz_vocab, 18);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spm),
        cmocka_unit_test(test_vocab),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
