/* SPDX-License-Identifier: MIT */
/*
 * fuzz_json.c - any bytes into the JSON reader.
 *
 * A document that is taken must hold what the header promises: text in the file or the
 * arena, UTF-8, no NaN, keys all different; one that is refused must say where.
 */
#include <stdint.h>
#include <string.h>

#include "lib/base/json.h"
#include "lib/base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const bert_text *text)
{
    for (size_t i = 0, n; i < text->size; i += n)
        if (bert__utf8_next(text->data + i, text->size - i, &n) == BERT__UTF8_BAD)
            __builtin_trap();
}

static void check_value(const struct bert__json *value);

static void check_object(const struct bert__json *object)
{
    size_t count = object->u.object.count;

    for (size_t i = 0; i < count; i++) {
        const struct bert__json_member *m = &object->u.object.members[i];

        check_text(&m->key);
        check_value(&m->value);
        for (size_t j = 0; j < i && count < 300; j++)
            if (m[0].key.size == object->u.object.members[j].key.size
                && memcmp(m[0].key.data, object->u.object.members[j].key.data, m[0].key.size) == 0)
                __builtin_trap();
    }
}

/* Recursion is bounded by the reader's depth. */
static void check_value(const struct bert__json *value)
{
    switch (value->type) {
    case BERT__JSON_STRING:
        check_text(&value->u.string);
        break;
    case BERT__JSON_NUMBER:
        if (bert__json_number(value) != bert__json_number(value))
            __builtin_trap();
        break;
    case BERT__JSON_ARRAY:
        for (size_t i = 0; i < value->u.array.count; i++)
            check_value(&value->u.array.items[i]);
        break;
    case BERT__JSON_OBJECT:
        check_object(value);
        break;
    case BERT__JSON_NULL:
    case BERT__JSON_FALSE:
    case BERT__JSON_TRUE:
    default:
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bert__alloc *alloc = bert__alloc_create(NULL, 0);
    struct bert__arena arena;
    const struct bert__json *root;
    bert_error err;

    if (!alloc)
        return 0;
    bert__arena_init(&arena, alloc);
    if (bert__json_parse(&arena, "x", (const char *)data, size, &root, &err) == BERT_OK)
        check_value(root);
    else if (root || err.code != BERT_EFORMAT || strncmp(err.message, "x: line ", 8) != 0)
        __builtin_trap();
    bert__arena_free(&arena);
    if (bert__alloc_used(alloc) != 0)
        __builtin_trap();
    bert__alloc_destroy(alloc);
    return 0;
}
