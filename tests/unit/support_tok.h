/* SPDX-License-Identifier: MIT */
/* support_tok.h - cases of the tokenizer fixtures in tests/data/tokenizer. */
#ifndef BERT_TESTS_UNIT_SUPPORT_TOK_H
#define BERT_TESTS_UNIT_SUPPORT_TOK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <bert.h>

#include "lib/base/json.h"

/* A file of that folder, malloc'ed. */
char *tok_read_file(const char *name, size_t *size);

/* Entry i of an array, which must be there; and as a whole number. */
const struct bert__json *tok_item(const struct bert__json *array, size_t i);
int64_t tok_number(const struct bert__json *array, size_t i);

/* Run a case, as tests/fixtures/make_tokenizer_fixtures.py describes it. */
void tok_check_case(const bert_tokenizer *tok, const struct bert__json *c, const char *label);

#endif
