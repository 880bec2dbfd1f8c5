/* SPDX-License-Identifier: MIT */
/*
 * test_json_reference.c - verdicts and values of Python's json module, replayed.
 * The cases and their format: tests/fixtures/make_json_fixture.py.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/json.h"

struct input {
    unsigned char *data;
    size_t size, at;
    unsigned number; /* of the case */
};

static const unsigned char *take(struct input *in, size_t n)
{
    assert_true(n <= in->size - in->at);
    in->at += n;
    return in->data + in->at - n;
}

static uint32_t take_u32(struct input *in)
{
    const unsigned char *p = take(in, 4);

    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint64_t take_u64(struct input *in)
{
    uint64_t low = take_u32(in);

    return low | (uint64_t)take_u32(in) << 32;
}

static void check_text(struct input *in, const bert_text *text)
{
    uint32_t n = take_u32(in);

    assert_int_equal(text->size, n);
    if (n)
        assert_memory_equal(text->data, take(in, n), n);
}

static void check_double(struct input *in, const struct bert__json *value)
{
    uint64_t expected = take_u64(in), is;
    double number = bert__json_number(value);

    memcpy(&is, &number, sizeof(is));
    assert_false(value->is_integer);
    if (is != expected)
        fail_msg("case %u: %a in place of bits %016llx", in->number, number,
                 (unsigned long long)expected);
}

static void check_value(struct input *in, const struct bert__json *value)
{
    unsigned char kind = *take(in, 1);
    static const char kinds[] = {
        [BERT__JSON_NULL] = 'N',   [BERT__JSON_FALSE] = 'F',  [BERT__JSON_TRUE] = 'T',
        [BERT__JSON_NUMBER] = 'D', [BERT__JSON_STRING] = 'S', [BERT__JSON_ARRAY] = 'A',
        [BERT__JSON_OBJECT] = 'O'};

    assert_int_equal(kind == 'I' ? 'D' : kind, kinds[value->type]);
    if (kind == 'I') {
        assert_true(value->is_integer);
        assert_true((uint64_t)value->u.integer == take_u64(in));
    } else if (kind == 'D')
        check_double(in, value);
    else if (kind == 'S')
        check_text(in, &value->u.string);
    else if (kind == 'A') {
        assert_int_equal(value->u.array.count, take_u32(in));
        for (size_t i = 0; i < value->u.array.count; i++)
            check_value(in, &value->u.array.items[i]);
    } else if (kind == 'O') {
        assert_int_equal(value->u.object.count, take_u32(in));
        for (size_t i = 0; i < value->u.object.count; i++) {
            check_text(in, &value->u.object.members[i].key);
            check_value(in, &value->u.object.members[i].value);
        }
    }
}

/* Returns the verdict. */
static bool check_case(struct input *in)
{
    uint32_t n = take_u32(in);
    const char *text = (const char *)take(in, n);
    bool taken = *take(in, 1) != 0;
    struct bert__alloc *alloc = bert__alloc_create(NULL, 0);
    struct bert__arena arena;
    const struct bert__json *root;
    bert_error err = {BERT_OK, ""};
    bert_status status;

    assert_non_null(alloc);
    bert__arena_init(&arena, alloc);
    status = bert__json_parse(&arena, "case", text, n, &root, &err);
    if ((status == BERT_OK) != taken)
        fail_msg("case %u is %s by the reference: %.*s (%s)", in->number,
                 taken ? "taken" : "refused", (int)(n < 200 ? n : 200), text, err.message);
    if (taken)
        check_value(in, root);
    bert__arena_free(&arena);
    bert__alloc_destroy(alloc);
    return taken;
}

static void test_reference(void **state)
{
    FILE *f = fopen(TEST_SRCDIR "/tests/data/json_cases.bin", "rb");
    struct input in = {malloc(1 << 21), 0, 0, 0};
    unsigned taken = 0;

    (void)state;
    assert_non_null(f);
    assert_non_null(in.data);
    in.size = fread(in.data, 1, 1 << 21, f);
    fclose(f);
    assert_true(in.size < 1 << 21);
    assert_memory_equal(take(&in, 8), "JSONCASE", 8);
    for (; in.at < in.size; in.number++)
        taken += check_case(&in);
    assert_true(in.number > 2000 && taken > 700 && in.number - taken > 700);
    free(in.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_reference)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
