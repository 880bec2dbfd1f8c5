/* SPDX-License-Identifier: MIT */
/* support_arrays.c - reads what tests/fixtures/arrays.py writes (little-endian hosts). */
#include "support.h"

#include <stdlib.h>
#include <string.h>

struct reader {
    const char *data;
    size_t size, at;
};

static void take(struct reader *r, void *to, size_t n)
{
    assert_true(n <= r->size - r->at);
    memcpy(to, r->data + r->at, n);
    r->at += n;
}

static uint32_t take_u32(struct reader *r)
{
    uint32_t value;

    take(r, &value, sizeof value);
    return value;
}

static void take_array(struct reader *r, struct test_array *a)
{
    static const size_t widths[] = {4, 4, 8, 1};
    uint32_t length = take_u32(r);

    assert_true(length < sizeof a->name);
    take(r, a->name, length);
    a->name[length] = '\0';
    a->kind = (enum test_kind)take_u32(r);
    assert_true(a->kind <= TEST_BYTES);
    a->rank = take_u32(r);
    assert_true(a->rank <= 4);
    a->count = 1;
    for (uint32_t i = 0; i < a->rank; i++)
        a->count *= a->shape[i] = take_u32(r);
    a->data = malloc(a->count * widths[a->kind] + 1);
    assert_non_null(a->data);
    take(r, a->data, a->count * widths[a->kind]);
}

void test_arrays_load(struct test_arrays *arrays, const char *path)
{
    struct reader r = {NULL, 0, 0};
    char magic[8];
    char *data = test_read_file(path, &r.size);

    r.data = data;
    take(&r, magic, sizeof magic);
    assert_memory_equal(magic, "BERTARR1", 8);
    arrays->n = take_u32(&r);
    arrays->list = calloc(arrays->n + 1, sizeof *arrays->list);
    assert_non_null(arrays->list);
    for (size_t i = 0; i < arrays->n; i++)
        take_array(&r, &arrays->list[i]);
    assert_int_equal(r.at, r.size);
    free(data);
}

void test_arrays_free(struct test_arrays *arrays)
{
    for (size_t i = 0; i < arrays->n; i++)
        free(arrays->list[i].data);
    free(arrays->list);
}

static const struct test_array *find(const struct test_arrays *arrays, const char *format,
                                     va_list args)
{
    char name[64];

    vsnprintf(name, sizeof name, format, args);
    for (size_t i = 0; i < arrays->n; i++)
        if (strcmp(arrays->list[i].name, name) == 0)
            return &arrays->list[i];
    return NULL;
}

const struct test_array *test_find(const struct test_arrays *arrays, const char *format, ...)
{
    const struct test_array *a;
    va_list args;

    va_start(args, format);
    a = find(arrays, format, args);
    va_end(args);
    return a;
}

const struct test_array *test_need(const struct test_arrays *arrays, const char *format, ...)
{
    const struct test_array *a;
    va_list args;

    va_start(args, format);
    a = find(arrays, format, args);
    va_end(args);
    if (a == NULL)
        fail_msg("no array \"%s\" (the format)", format);
    return a;
}

size_t test_texts(const struct test_arrays *arrays, bert_text *texts, size_t most)
{
    const char *all = test_need(arrays, "texts")->data;
    const struct test_array *ends = test_need(arrays, "text_ends");
    size_t from = 0;

    assert_true(ends->count <= most);
    for (size_t i = 0; i < ends->count; i++) {
        size_t end = (size_t)((const int32_t *)ends->data)[i];

        texts[i] = (bert_text){all + from, end - from};
        from = end;
    }
    return ends->count;
}
