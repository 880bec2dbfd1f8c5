/* SPDX-License-Identifier: MIT */
/* test_json.c - the JSON reader: what it takes, what it refuses and where, memory. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/json_parts.h"
#include "tests/unit/support_alloc.h"

struct doc {
    struct test_alloc host;
    struct bert__alloc *alloc;
    struct bert__arena arena;
    const struct bert__json *root;
    bert_error err;
    bert_status status;
    char *text;
};

static void parse(struct doc *d, const char *text, size_t size)
{
    char *exact = malloc(size ? size : 1); /* so that ASan sees reads past the end */

    assert_non_null(exact);
    memcpy(exact, text, size);
    memset(d, 0, sizeof(*d));
    test_alloc_init(&d->host, 0);
    d->alloc = bert__alloc_create(&d->host.host, 0);
    assert_non_null(d->alloc);
    bert__arena_init(&d->arena, d->alloc);
    d->status = bert__json_parse(&d->arena, "m/x.json", exact, size, &d->root, &d->err);
    if (d->status)
        assert_null(d->root);
    d->text = exact; /* strings point into it */
}

static void done(struct doc *d)
{
    bert__arena_free(&d->arena);
    bert__alloc_destroy(d->alloc);
    assert_int_equal(d->host.live, 0);
    free(d->text);
}

#define PARSE(d, literal) parse(d, literal, sizeof(literal) - 1)

static void accept(const char *text)
{
    struct doc d;

    parse(&d, text, strlen(text));
    if (d.status)
        fail_msg("refused: %s: %s", text, d.err.message);
    done(&d);
}

/* Refused, at this line and column, with these words. */
static void refuse(const char *text, size_t size, unsigned line, unsigned column, const char *words)
{
    struct doc d;
    char place[64];

    parse(&d, text, size);
    if (!d.status)
        fail_msg("taken: %s", text);
    assert_int_equal(d.status, BERT_EFORMAT);
    assert_int_equal(d.err.code, BERT_EFORMAT);
    snprintf(place, sizeof(place), "m/x.json: line %u, column %u: ", line, column);
    if (strncmp(d.err.message, place, strlen(place)) != 0 || !strstr(d.err.message, words))
        fail_msg("%s: wrong message: %s (expected %s ... %s)", text, d.err.message, place, words);
    done(&d);
}

#define REFUSE(literal, line, column, words)                                                       \
    refuse(literal, sizeof(literal) - 1, line, column, words)

static void test_values(void **state)
{
    struct doc d;
    const struct bert__json *v;

    (void)state;
    PARSE(&d,
          "\xEF\xBB\xBF {\"a\": [1, -2, 3.5, true, false, null, \"x\", {}, []], \"\": 7}\r\n\t ");
    assert_int_equal(d.status, BERT_OK);
    assert_true(bert__json_is(d.root, BERT__JSON_OBJECT));
    assert_int_equal(d.root->u.object.count, 2);
    v = bert__json_get(d.root, "a");
    assert_true(bert__json_is(v, BERT__JSON_ARRAY));
    assert_int_equal(v->u.array.count, 9);
    assert_int_equal(v->u.array.items[1].u.integer, -2);
    assert_true(bert__json_number(&v->u.array.items[2]) == 3.5);
    assert_false(v->u.array.items[2].is_integer);
    assert_int_equal(v->u.array.items[3].type, BERT__JSON_TRUE);
    assert_int_equal(v->u.array.items[4].type, BERT__JSON_FALSE);
    assert_int_equal(v->u.array.items[5].type, BERT__JSON_NULL);
    assert_true(bert__json_equals(&v->u.array.items[6], "x"));
    assert_int_equal(v->u.array.items[7].u.object.count, 0);
    assert_int_equal(v->u.array.items[8].u.array.count, 0);
    assert_int_equal(bert__json_get(d.root, "")->u.integer, 7);
    assert_null(bert__json_get(d.root, "b"));
    assert_null(bert__json_get(NULL, "b"));
    done(&d);
}

static void test_strings(void **state)
{
    struct doc d;

    (void)state;
    PARSE(&d, "{\"k\\u0000\\\"\": "
              "\"a\\u0000\\b\\f\\n\\r\\t\\/\\\\\\\"\\u00e9\\u20AC\\uD83D\\uDE00\xC3\xA9\"}");
    assert_int_equal(d.status, BERT_OK);
    assert_int_equal(d.root->u.object.members[0].key.size, 3);
    assert_memory_equal(d.root->u.object.members[0].key.data, "k\0\"", 3);
    assert_int_equal(d.root->u.object.members[0].value.u.string.size, 21);
    assert_memory_equal(d.root->u.object.members[0].value.u.string.data,
                        "a\0\b\f\n\r\t/\\\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\xC3\xA9", 21);
    done(&d);
}

static void test_integers(void **state)
{
    struct doc d;

    (void)state;
    PARSE(&d, "[9223372036854775807, -9223372036854775808, 9223372036854775808, "
              "-9223372036854775809, -0, 1e2, 1.0, 1e999, -1e999, 1e-999]");
    assert_int_equal(d.status, BERT_OK);
    assert_true(d.root->u.array.items[0].u.integer == INT64_MAX);
    assert_true(d.root->u.array.items[1].u.integer == INT64_MIN);
    assert_false(d.root->u.array.items[2].is_integer);
    assert_true(bert__json_number(&d.root->u.array.items[2]) == 9223372036854775808.0);
    assert_false(d.root->u.array.items[3].is_integer);
    assert_true(d.root->u.array.items[4].is_integer && !d.root->u.array.items[4].u.integer);
    assert_false(d.root->u.array.items[5].is_integer);
    assert_true(bert__json_number(&d.root->u.array.items[5]) == 100);
    assert_false(d.root->u.array.items[6].is_integer);
    assert_true(bert__json_number(&d.root->u.array.items[7]) > 1e308);
    assert_true(bert__json_number(&d.root->u.array.items[8]) < -1e308);
    assert_true(bert__json_number(&d.root->u.array.items[9]) == 0);
    done(&d);
}

/* Around the largest double; the rest is in test_json_reference.c. */
static void test_overflow(void **state)
{
    struct doc d;

    (void)state;
    PARSE(&d,
          "[1.797693134862315707e308, 1.797693134862315808e308, 1.8e308, 9.9e308, 1e309, 1e310]");
    assert_int_equal(d.status, BERT_OK);
    assert_true(bert__json_number(&d.root->u.array.items[0]) == 0x1.fffffffffffffp1023);
    for (size_t i = 1; i < 6; i++)
        assert_true(bert__json_number(&d.root->u.array.items[i]) == (double)INFINITY);
    done(&d);
}

static void test_accepted(void **state)
{
    static const char *const texts[] = {"0",
                                        "-0",
                                        "\"\"",
                                        "null",
                                        " true ",
                                        "[[[[]]]]",
                                        "{\"a\":{\"a\":{}}}",
                                        "1E+2",
                                        "1e-2",
                                        "\"\x7F\"",
                                        "\"\xEF\xBF\xBF\"",
                                        "\"\xF4\x8F\xBF\xBF\"",
                                        "\"\xED\x9F\xBF\"",
                                        "\"\\uFFFF\""};

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        accept(texts[i]);
}

static void test_refused(void **state)
{
    (void)state;
    REFUSE("", 1, 1, "the file ends; expected a value");
    REFUSE("\xEF\xBB\xBF", 1, 1, "the file ends");
    REFUSE(" \n ", 2, 2, "the file ends");
    REFUSE("{\n  \"a\": 1,\n}", 3, 1, "a key");
    REFUSE("[1,]", 1, 4, "a value");
    REFUSE("[1 2]", 1, 4, "',' or ']'");
    REFUSE("{\"a\" 1}", 1, 6, "':'");
    REFUSE("{\"a\":1", 1, 7, "the file ends; expected ',' or '}'");
    REFUSE("{a:1}", 1, 2, "a key");
    REFUSE("[1}", 1, 3, "',' or ']'");
    REFUSE("01", 1, 1, "leading zero");
    REFUSE("-", 1, 2, "a digit");
    REFUSE("+1", 1, 1, "a value");
    REFUSE(".5", 1, 1, "a value");
    REFUSE("1.", 1, 3, "a digit");
    REFUSE("1e", 1, 3, "a digit");
    REFUSE("1e+", 1, 4, "a digit");
    REFUSE("0x10", 1, 2, "follows");
    REFUSE("NaN", 1, 1, "a value");
    REFUSE("Infinity", 1, 1, "a value");
    REFUSE("-Infinity", 1, 2, "a digit");
    REFUSE("tru", 1, 1, "a value");
    REFUSE("nul\0", 1, 1, "a value");
    REFUSE("1 1", 1, 3, "follows");
    REFUSE("{}\0", 1, 3, "follows");
    REFUSE("// c\n1", 1, 1, "a value");
    REFUSE("'a'", 1, 1, "a value");
    REFUSE("\"a", 1, 1, "without an end");
    REFUSE("\"a\\", 1, 1, "without an end");
    REFUSE("\"a\\\"", 1, 1, "without an end");
    REFUSE("\"a\nb\"", 1, 3, "control character");
    REFUSE("\"a\0b\"", 1, 3, "control character");
    REFUSE("\"\\x41\"", 1, 2, "unknown escape");
    REFUSE("\"\\u12g4\"", 1, 2, "\\u escape");
    REFUSE("\"\\u12", 1, 2, "\\u escape");
    REFUSE("\"\\uD800\"", 1, 2, "surrogate");
    REFUSE("\"\\uDC00\\uD800\"", 1, 2, "surrogate");
    REFUSE("\"\\uD800\\uD800\"", 1, 2, "surrogate");
    REFUSE("\"\\uD800\\n\"", 1, 2, "surrogate");
    REFUSE("\"\xC3\xA9\x80\"", 1, 3, "not UTF-8");
    REFUSE("\"\xC0\x80\"", 1, 2, "not UTF-8");
    REFUSE("\"\xED\xA0\x80\"", 1, 2, "not UTF-8");
    REFUSE("\"\xF4\x90\x80\x80\"", 1, 2, "not UTF-8");
    REFUSE("\"\xE2\x82", 1, 2, "not UTF-8");
    REFUSE("{\"a\":1, \"b\":2, \"a\":3}", 1, 16, "duplicate key \"a\"");
    REFUSE("{\"\\u0061\":1,\"a\":2}", 1, 13, "duplicate key \"a\"");
    REFUSE("[\"\xC3\xA9\xE2\x82\xAC\", x]", 1, 8, "a value");
}

static char *nested(size_t depth, bool closed)
{
    char *text = malloc(2 * depth + 1);

    assert_non_null(text);
    memset(text, '[', depth);
    memset(text + depth, ']', closed ? depth : 0);
    text[depth + (closed ? depth : 0)] = 0;
    return text;
}

static void test_depth(void **state)
{
    char *text = nested(256, true);

    (void)state;
    accept(text);
    free(text);
    text = nested(257, true);
    refuse(text, strlen(text), 1, 257, "deeper than 256");
    free(text);
    text = nested(1000000, false);
    refuse(text, 1000000, 1, 257, "deeper than 256");
    free(text);
}

/* n keys, "k0" to "k<n-1>", with one more at the end. */
static char *many_keys(unsigned n, const char *last)
{
    char *text = malloc(n * 20 + 64), *p = text;

    assert_non_null(text);
    *p++ = '{';
    for (unsigned i = 0; i < n; i++)
        p += sprintf(p, "\"k%u\":%u,", i, i);
    sprintf(p, "\"%s\":0}", last);
    return text;
}

static void test_duplicates_among_many(void **state)
{
    struct doc d;

    (void)state;
    for (unsigned n = 1; n < 40; n++) {
        for (unsigned i = 0; i < n; i++) {
            char key[20], *text;

            snprintf(key, sizeof(key), "k%u", i);
            text = many_keys(n, key);
            parse(&d, text, strlen(text));
            assert_int_equal(d.status, BERT_EFORMAT);
            assert_non_null(strstr(d.err.message, key));
            done(&d);
            free(text);
        }
    }
    for (unsigned n = 0; n < 3000; n += n < 40 ? 1 : 977) {
        char *text = many_keys(n, "other");

        parse(&d, text, strlen(text));
        assert_int_equal(d.status, BERT_OK);
        assert_int_equal(d.root->u.object.count, n + 1);
        assert_int_equal(d.root->u.object.members[n].key.size, 5);
        done(&d);
        free(text);
    }
}

static void test_readers(void **state)
{
    struct doc d;
    uint32_t n = 77;
    bool b = true;
    double x = 0.5;
    bert_text s = {"old", 3};
    const struct bert__json *c;
    bert_error err;

    (void)state;
    PARSE(&d, "{\"n\":12,\"neg\":-1,\"frac\":12.0,\"s\":\"t\\u0001t\",\"f\":false,\"x\":1e-12,"
              "\"inf\":1e999,"
              "\"null\":null,\"o\":{},\"a\":[],\"big\":1e30}");
    assert_int_equal(d.status, BERT_OK);
    assert_int_equal(bert__json_read_u32(d.root, "F", "n", 1, 12, &n, &err), BERT_OK);
    assert_int_equal(n, 12);
    assert_int_equal(bert__json_read_u32(d.root, "F", "none", 1, 2, &n, &err), BERT_OK);
    assert_int_equal(bert__json_read_u32(d.root, "F", "null", 1, 2, &n, &err), BERT_OK);
    assert_int_equal(n, 12);
    assert_int_equal(bert__json_read_u32(d.root, "F", "n", 1, 11, &n, &err), BERT_EFORMAT);
    assert_string_equal(err.message, "F: \"n\" is 12; expected a whole number from 1 to 11");
    assert_int_equal(bert__json_read_u32(d.root, "F", "neg", 0, UINT32_MAX, &n, &err),
                     BERT_EFORMAT);
    assert_string_equal(err.message,
                        "F: \"neg\" is -1; expected a whole number from 0 to 4294967295");
    assert_int_equal(bert__json_read_u32(d.root, "F", "frac", 1, 20, &n, &err), BERT_EFORMAT);
    assert_int_equal(bert__json_read_u32(d.root, "F", "big", 1, 20, &n, &err), BERT_EFORMAT);
    assert_int_equal(bert__json_read_u32(d.root, "F", "s", 1, 20, &n, &err), BERT_EFORMAT);
    assert_string_equal(err.message, "F: \"s\" is \"t?t\"; expected a whole number from 1 to 20");
    assert_int_equal(n, 12);
    assert_int_equal(bert__json_read_bool(d.root, "F", "f", &b, &err), BERT_OK);
    assert_false(b);
    assert_int_equal(bert__json_read_bool(d.root, "F", "n", &b, &err), BERT_EFORMAT);
    assert_int_equal(bert__json_read_double(d.root, "F", "x", &x, &err), BERT_OK);
    assert_true(x == 1e-12);
    assert_int_equal(bert__json_read_double(d.root, "F", "n", &x, &err), BERT_OK);
    assert_true(x == 12);
    assert_int_equal(bert__json_read_double(d.root, "F", "inf", &x, &err), BERT_EFORMAT);
    assert_int_equal(bert__json_read_double(d.root, "F", "f", &x, &err), BERT_EFORMAT);
    assert_int_equal(bert__json_read_string(d.root, "F", "s", &s, &err), BERT_OK);
    assert_int_equal(s.size, 3);
    assert_int_equal(bert__json_read_string(d.root, "F", "o", &s, &err), BERT_EFORMAT);
    assert_string_equal(err.message, "F: \"o\" is an object; expected a string");
    assert_int_equal(bert__json_read_container(d.root, "F", "o", BERT__JSON_OBJECT, &c, &err),
                     BERT_OK);
    assert_non_null(c);
    assert_int_equal(bert__json_read_container(d.root, "F", "a", BERT__JSON_OBJECT, &c, &err),
                     BERT_EFORMAT);
    assert_null(c);
    assert_int_equal(bert__json_read_container(d.root, "F", "z", BERT__JSON_ARRAY, &c, &err),
                     BERT_OK);
    assert_null(c);
    done(&d);
}

static void test_allocation_failures(void **state)
{
    char *text = many_keys(1000, "\\u00e9[");
    long n = 0;
    bert_status status = BERT_ENOMEM;

    (void)state;
    while (status) {
        struct test_alloc host;
        struct bert__alloc *alloc;
        struct bert__arena arena;
        const struct bert__json *root;
        bert_error err;

        test_alloc_init(&host, ++n);
        alloc = bert__alloc_create(&host.host, 0);
        if (!alloc)
            continue;
        bert__arena_init(&arena, alloc);
        status = bert__json_parse(&arena, "m/x.json", text, strlen(text), &root, &err);
        if (status) {
            assert_int_equal(status, BERT_ENOMEM);
            assert_null(root);
        }
        bert__arena_free(&arena);
        bert__alloc_destroy(alloc);
        assert_int_equal(host.live, 0);
    }
    assert_true(n > 5);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),   cmocka_unit_test(test_strings),
        cmocka_unit_test(test_integers), cmocka_unit_test(test_overflow),
        cmocka_unit_test(test_accepted), cmocka_unit_test(test_refused),
        cmocka_unit_test(test_depth),    cmocka_unit_test(test_duplicates_among_many),
        cmocka_unit_test(test_readers),  cmocka_unit_test(test_allocation_failures),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
