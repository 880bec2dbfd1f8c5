/* SPDX-License-Identifier: MIT */
/*
 * test_tok_fuzz.c - the tokenizers' fuzz targets over their committed seeds, whole, cut
 * and with bytes changed, without libFuzzer.  A target traps where something is wrong.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support_fuzz.h"

#define LLVMFuzzerTestOneInput fuzz_tokenizer_json
#include "tests/fuzz/fuzz_tokenizer_json.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_text
#include "tests/fuzz/fuzz_text.c"
#undef LLVMFuzzerTestOneInput

static void test_tokenizer_json(void **state)
{
    (void)state;
    test_fuzz_replay("tokenizer_json", fuzz_tokenizer_json, 15);
}

static void test_text(void **state)
{
    (void)state;
    test_fuzz_replay("text", fuzz_text, 15);
    for (unsigned i = 0; i < N_FILES; i++) {
        bert__tokenizer_unref(tokenizer(i, 0));
        bert__tokenizer_unref(tokenizer(i, 1));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tokenizer_json),
        cmocka_unit_test(test_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
