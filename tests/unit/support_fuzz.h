/* SPDX-License-Identifier: MIT */
/* support_fuzz.h - fuzz targets over their committed seeds, without libFuzzer. */
#ifndef BERT_TESTS_UNIT_SUPPORT_FUZZ_H
#define BERT_TESTS_UNIT_SUPPORT_FUZZ_H

#include <stddef.h>
#include <stdint.h>

typedef int (*test_fuzz_fn)(const uint8_t *data, size_t size);

/* Every file of tests/data/fuzz/NAME, of which there are some at least: whole, cut short and
 * with bytes changed.  A target traps where something is wrong; leaks show under
 * AddressSanitizer. */
void test_fuzz_replay(const char *name, test_fuzz_fn target, unsigned at_least);

#endif
