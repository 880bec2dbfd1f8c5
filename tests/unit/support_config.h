/* SPDX-License-Identifier: MIT */
/* support_config.h - config.json from a text, and what it must give. */
#ifndef BERT_TESTS_UNIT_SUPPORT_CONFIG_H
#define BERT_TESTS_UNIT_SUPPORT_CONFIG_H

#include "lib/model/config.h"
#include "tests/unit/support_alloc.h"

struct test_config {
    struct test_alloc host;
    struct bert__alloc *alloc;
    struct bert__arena arena;
    struct bert__source *source;
    struct bert__config config;
    bert_error err;
};

bert_status test_config_load_from(struct test_config *l, const char *text, const char *name,
                                  const char *directory, uint32_t max_layers, long fail_at);
bert_status test_config_load(struct test_config *l, const char *text);
/* Frees what the load took, and checks that nothing is left. */
void test_config_done(struct test_config *l);
/* The text must be refused so, with these words in the message; or not at all. */
void test_config_refuse(const char *text, bert_status expected, const char *words);
void test_config_accept(const char *text);

#endif
