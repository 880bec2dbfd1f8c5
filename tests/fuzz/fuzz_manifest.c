/* SPDX-License-Identifier: MIT */
/*
 * fuzz_manifest.c - any bytes as a manifest.  What is taken has good names in order, and written
 * again it is read again.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/model/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_again(const struct bert__manifest *m, struct bert__alloc *alloc)
{
    struct bert__json_text text = {.alloc = alloc};
    const struct bert__json *root;
    struct bert__manifest again;
    struct bert__arena arena;

    bert__arena_init(&arena, alloc);
    bert__manifest_describe(&text, m);
    if (text.failed
        || bert__json_parse(&arena, "again", text.data, text.size, &root, NULL) != BERT_OK
        || bert__manifest_read(&again, &arena, "again", root, NULL) != BERT_OK || again.n != m->n
        || strcmp(again.digest, m->digest) != 0)
        __builtin_trap();
    bert__arena_free(&arena);
    bert__alloc_free(alloc, text.data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bert__alloc *alloc = bert__alloc_create(NULL, 0);
    const struct bert__json *root;
    struct bert__manifest m;
    struct bert__arena arena;

    if (alloc == NULL)
        return 0;
    bert__arena_init(&arena, alloc);
    if (bert__json_parse(&arena, "manifest", (const char *)data, size, &root, NULL) == BERT_OK
        && bert__manifest_read(&m, &arena, "manifest", root, NULL) == BERT_OK) {
        for (size_t i = 0; i < m.n; i++)
            if (!bert__manifest_is_name(m.files[i].name)
                || (i > 0 && strcmp(m.files[i - 1].name, m.files[i].name) >= 0))
                __builtin_trap();
        read_again(&m, alloc);
    }
    bert__arena_free(&arena);
    if (bert__alloc_used(alloc) != 0)
        __builtin_trap();
    bert__alloc_destroy(alloc);
    return 0;
}
