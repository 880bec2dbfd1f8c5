/* SPDX-License-Identifier: MIT */
/* support_config.c - config.json from a text. */
#include "tests/unit/support_config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/support_files.h"

bert_status test_config_load_from(struct test_config *l, const char *text, const char *name,
                                  const char *directory, uint32_t max_layers, long fail_at)
{
    bert_file file = {name, text, strlen(text)};
    bert_status status;

    memset(l, 0, sizeof(*l));
    test_alloc_init(&l->host, fail_at);
    l->alloc = bert__alloc_create(&l->host.host, 0);
    if (!l->alloc)
        return BERT_ENOMEM;
    bert__arena_init(&l->arena, l->alloc);
    status = bert__source_open_memory(&l->source, l->alloc, &file, 1, 0, &l->err);
    if (!status)
        status =
            bert__config_load(&l->config, &l->arena, l->source, directory, max_layers, &l->err);
    bert__source_close(l->source); /* nothing is read later */
    return status;
}

bert_status test_config_load(struct test_config *l, const char *text)
{
    return test_config_load_from(l, text, "config.json", "", 0, 0);
}

void test_config_done(struct test_config *l)
{
    if (l->alloc)
        bert__arena_free(&l->arena);
    bert__alloc_destroy(l->alloc);
    assert_int_equal(l->host.live, 0);
}

void test_config_refuse(const char *text, bert_status expected, const char *words)
{
    struct test_config l;
    bert_status status = test_config_load(&l, text);

    if (status != expected || !strstr(l.err.message, words)
        || strncmp(l.err.message, "(memory)/config.json: ", 22) != 0)
        fail_msg("%s\n gives %d \"%s\"; expected %d \"%s\"", text, status,
                 status ? l.err.message : "", expected, words);
    test_config_done(&l);
}

void test_config_accept(const char *text)
{
    struct test_config l;

    if (test_config_load(&l, text))
        fail_msg("%s\n is refused: %s", text, l.err.message);
    test_config_done(&l);
}
