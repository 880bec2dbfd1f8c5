/* SPDX-License-Identifier: MIT */
/* test_safetensors.c - headers that are right, and headers that lie. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/model/safetensors.h"
#include "tests/unit/support_alloc.h"
#include "tests/unit/support_files.h"
#include "tests/unit/support_sys.h"

struct opened {
    struct test_alloc host;
    struct bert__alloc *alloc;
    struct bert__arena arena;
    struct bert__source *source;
    struct bert__file *file;
    struct bert__tensor *tensors;
    size_t count;
    bert_error err;
};

static bert_status open_bytes(struct opened *o, const void *data, size_t size, long fail_at)
{
    bert_file file = {"m.safetensors", data, size};
    bert_status status;

    memset(o, 0, sizeof(*o));
    test_alloc_init(&o->host, fail_at);
    o->alloc = bert__alloc_create(&o->host.host, 0);
    if (!o->alloc)
        return BERT_ENOMEM;
    bert__arena_init(&o->arena, o->alloc);
    status = bert__source_open_memory(&o->source, o->alloc, &file, 1, 0, &o->err);
    if (!status)
        status = bert__source_open(o->source, "m.safetensors", 0, &o->file, &o->err);
    if (!status)
        status =
            bert__safetensors_open(&o->arena, o->alloc, o->file, &o->tensors, &o->count, &o->err);
    if (status) {
        assert_null(o->tensors);
        assert_int_equal(o->count, 0);
    }
    return status;
}

static void done(struct opened *o)
{
    bert__file_close(o->file);
    bert__source_close(o->source);
    if (o->alloc)
        bert__arena_free(&o->arena);
    bert__alloc_destroy(o->alloc);
    assert_int_equal(o->host.live, 0);
}

/* A file of this header and n bytes of data, in a block of its own size. */
static unsigned char *make(const char *header, size_t length, size_t n)
{
    unsigned char *bytes = malloc(8 + length + n);

    assert_non_null(bytes);
    for (int i = 0; i < 8; i++)
        bytes[i] = (unsigned char)(length >> (8 * i));
    memcpy(bytes + 8, header, length);
    memset(bytes + 8 + length, 0x3F, n);
    return bytes;
}

static bert_status open_header(struct opened *o, const char *header, size_t n)
{
    size_t length = strlen(header);
    unsigned char *bytes = make(header, length, n);
    bert_status status = open_bytes(o, bytes, 8 + length + n, 0);

    free(bytes); /* nothing is read after the open */
    return status;
}

static void assert_lie(const char *header, size_t n, bert_status expected, const char *words)
{
    struct opened o;
    bert_status status = open_header(&o, header, n);

    if (status != expected || !strstr(o.err.message, words)
        || !strstr(o.err.message, "m.safetensors: "))
        fail_msg("%s\n gives %d \"%s\"; expected %d \"%s\"", header, status,
                 status ? o.err.message : "", expected, words);
    done(&o);
}

#define ONE(dtype, shape, offsets)                                                                 \
    "{\"w\":{\"dtype\":\"" dtype "\",\"shape\":[" shape "],\"data_offsets\":[" offsets "]}}"

static void test_good(void **state)
{
    struct opened o;
    const struct bert__tensor *t;

    (void)state;
    /* not in the order of the offsets, empty ones at both ends and between, a scalar,
     * an odd start, spaces behind, metadata, a field that nobody knows */
    assert_int_equal(
        open_header(&o,
                    "{\"b.weight\":{\"dtype\":\"F16\",\"shape\":[3],\"data_offsets\":[5,11]},"
                    "\"__metadata__\":{\"format\":\"pt\"},"
                    "\"e\":{\"dtype\":\"F32\",\"shape\":[7,0],\"data_offsets\":[5,5]},"
                    "\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[1,5],\"x\":[]},"
                    "\"first\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]},"
                    "\"u\":{\"dtype\":\"U8\",\"shape\":[1,1,1],\"data_offsets\":[0,1]},"
                    "\"\":{\"dtype\":\"BF16\",\"shape\":[0],\"data_offsets\":[11,11]}}   \n ",
                    11),
        BERT_OK);
    assert_int_equal(o.count, 6);
    t = &o.tensors[0];
    assert_string_equal(t->name, "b.weight");
    assert_int_equal(t->name_size, 8);
    assert_int_equal(t->stored, BERT__STORED_F16);
    assert_string_equal(t->dtype, "F16");
    assert_int_equal(t->rank, 1);
    assert_int_equal(t->shape[0], 3);
    assert_int_equal(t->count, 3);
    assert_int_equal(t->bytes, 6);
    assert_int_equal(t->offset, bert__file_size(o.file) - 11 + 5);
    assert_ptr_equal(t->file, o.file);
    assert_false(t->used);
    assert_int_equal(o.tensors[2].rank, 0);
    assert_int_equal(o.tensors[2].count, 1);
    assert_int_equal(o.tensors[4].stored, BERT__STORED_OTHER);
    assert_int_equal(o.tensors[5].stored, BERT__STORED_BF16);
    done(&o);
    assert_int_equal(open_header(&o, "{}", 0), BERT_OK);
    assert_int_equal(o.count, 0);
    done(&o);
    assert_int_equal(open_header(&o, "{\"__metadata__\":{}}", 0), BERT_OK);
    done(&o);
    assert_int_equal(open_header(&o, ONE("F4", "3,4", "0,6"), 6), BERT_OK);
    done(&o);
    assert_int_equal(open_header(&o, ONE("F32", "1,1,1,1,1,1,1,1", "0,4"), 4), BERT_OK);
    assert_int_equal(o.tensors[0].rank, 8);
    done(&o);
}

static void test_lengths(void **state)
{
    static const char header[] = ONE("F32", "2", "0,8");
    size_t length = sizeof(header) - 1;
    unsigned char *bytes = make(header, length, 8);
    struct opened o;

    (void)state;
    assert_int_equal(open_bytes(&o, bytes, 8 + length + 8, 0), BERT_OK);
    done(&o);
    for (size_t size = 0; size < 8 + length + 8; size++) { /* every truncation */
        unsigned char *part = malloc(size ? size : 1);

        assert_non_null(part);
        memcpy(part, bytes, size);
        assert_int_equal(open_bytes(&o, part, size, 0), BERT_EFORMAT);
        assert_non_null(strstr(o.err.message, size < 8            ? "too few"
                                              : size < 8 + length ? "header's length"
                                                                  : "is the file complete?"));
        done(&o);
        free(part);
    }
    for (int i = 0; i < 8; i++) { /* lengths of every magnitude */
        bytes[i] ^= 0x80;
        assert_int_equal(open_bytes(&o, bytes, 8 + length + 8, 0), BERT_EFORMAT);
        done(&o);
        bytes[i] ^= 0x80;
    }
    memset(bytes, 0xFF, 8);
    assert_int_equal(open_bytes(&o, bytes, 8 + length + 8, 0), BERT_EFORMAT);
    assert_non_null(strstr(o.err.message, "18446744073709551615"));
    done(&o);
    memset(bytes, 0, 8); /* an empty header */
    assert_int_equal(open_bytes(&o, bytes, 8 + length + 8, 0), BERT_EFORMAT);
    assert_non_null(strstr(o.err.message, "does not begin with '{'"));
    done(&o);
    free(bytes);
}

/* What a download that went wrong leaves is guessed from its first bytes. */
static void test_downloads(void **state)
{
    static const char *const files[][2] = {
        {"version https://git-lfs.github.com/spec/v1\n", "a pointer of Git LFS?"},
        {"<!DOCTYPE html><html></html>\n", "a page of a web server?"},
        {"PK\3\4..............", "a zip archive"},
        {"Version 1 of something", "not a safetensors file"},
    };
    struct opened o;

    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        size_t size = strlen(files[i][0]);
        unsigned char *bytes = malloc(size);

        assert_non_null(bytes);
        memcpy(bytes, files[i][0], size);
        assert_int_equal(open_bytes(&o, bytes, size, 0), BERT_EFORMAT);
        assert_non_null(strstr(o.err.message, files[i][1]));
        done(&o);
        free(bytes);
    }
}

static void test_no_header(void **state)
{
    (void)state;
    assert_lie(" {}", 0, BERT_EFORMAT, "does not begin with '{'");
    assert_lie("[]", 0, BERT_EFORMAT, "does not begin with '{'");
    assert_lie("\xEF\xBB\xBF{}", 0, BERT_EFORMAT, "does not begin with '{'");
    assert_lie("{", 0, BERT_EFORMAT, "line 1, column 2");
    assert_lie("{}x", 0, BERT_EFORMAT, "follows");
    assert_lie("{\"w\":1,\"w\":2}", 0, BERT_EFORMAT, "duplicate key \"w\"");
    assert_lie("{\"w\":1}", 0, BERT_EFORMAT, "tensor \"w\": its entry is no object");
    assert_lie("{\"a\\u0000b\":{}}", 0, BERT_EFORMAT, "holds a NUL");
    assert_lie("{\"__metadata__\":[]}", 0, BERT_EFORMAT, "\"__metadata__\" is an array");
    assert_lie("{\"__metadata__\":{\"a\":1}}", 0, BERT_EFORMAT, "\"a\" is a number");
}

static void test_lying_entries(void **state)
{
    (void)state;
    assert_lie("{\"w\":{}}", 0, BERT_EFORMAT, "tensor \"w\": \"dtype\" is missing");
    assert_lie("{\"w\":{\"dtype\":7}}", 0, BERT_EFORMAT, "\"dtype\" is missing or no string");
    assert_lie(ONE("F33", "2", "0,8"), 8, BERT_EUNSUPPORTED, "unknown dtype \"F33\"");
    assert_lie(ONE("f32", "2", "0,8"), 8, BERT_EUNSUPPORTED, "unknown dtype \"f32\"");
    assert_lie("{\"w\":{\"dtype\":\"F32\",\"data_offsets\":[0,8]}}", 8, BERT_EFORMAT,
               "\"shape\" is missing");
    assert_lie("{\"w\":{\"dtype\":\"F32\",\"shape\":2,\"data_offsets\":[0,8]}}", 8, BERT_EFORMAT,
               "\"shape\" is missing or no array");
    assert_lie(ONE("F32", "-2", "0,8"), 8, BERT_EFORMAT, "no whole number >= 0");
    assert_lie(ONE("F32", "2.0", "0,8"), 8, BERT_EFORMAT, "no whole number >= 0");
    assert_lie(ONE("F32", "\"2\"", "0,8"), 8, BERT_EFORMAT, "no whole number >= 0");
    assert_lie(ONE("F32", "18446744073709551616", "0,8"), 8, BERT_EFORMAT, "no whole number");
    assert_lie(ONE("F32", "1,1,1,1,1,1,1,1,1", "0,4"), 4, BERT_EUNSUPPORTED, "9 dimensions");
    assert_lie(ONE("F32", "4294967296,4294967296", "0,0"), 0, BERT_EFORMAT, "does not fit 64 bits");
    /* 2^62 elements of 32 bits wrap to 0 bytes if nobody looks */
    assert_lie(ONE("F32", "4611686018427387904", "0,0"), 0, BERT_EFORMAT, "that fits");
    assert_lie(ONE("F32", "2305843009213693952,2", "0,0"), 0, BERT_EFORMAT, "that fits");
    assert_lie(ONE("F4", "3", "0,1"), 1, BERT_EFORMAT, "no whole number of bytes");
    assert_lie("{\"w\":{\"dtype\":\"F32\",\"shape\":[2]}}", 8, BERT_EFORMAT, "\"data_offsets\"");
    assert_lie(ONE("F32", "2", "0"), 8, BERT_EFORMAT, "\"data_offsets\" is no pair");
    assert_lie(ONE("F32", "2", "0,8,9"), 8, BERT_EFORMAT, "\"data_offsets\" is no pair");
    assert_lie(ONE("F32", "2", "-8,0"), 8, BERT_EFORMAT, "\"data_offsets\" is no pair");
    assert_lie(ONE("F32", "2", "0,8.0"), 8, BERT_EFORMAT, "\"data_offsets\" is no pair");
    assert_lie(ONE("F32", "2", "8,0"), 8, BERT_EFORMAT, "end at 0 before they begin at 8");
    assert_lie(ONE("F32", "2", "0,7"), 7, BERT_EFORMAT, "take 8 bytes");
    assert_lie(ONE("F32", "2", "0,9"), 9, BERT_EFORMAT, "give it 9");
    assert_lie(ONE("F16", "2", "0,8"), 8, BERT_EFORMAT, "take 4 bytes");
    assert_lie(ONE("F32", "0", "0,8"), 8, BERT_EFORMAT, "take 0 bytes");
}

#define ENTRY(name, shape, offsets)                                                                \
    "\"" name "\":{\"dtype\":\"F32\",\"shape\":[" shape "],\"data_offsets\":[" offsets "]}"

static void test_tiling(void **state)
{
    (void)state;
    assert_lie(ONE("F32", "2", "4,12"), 12, BERT_EFORMAT,
               "begins at byte 4 of the data; expected 0");
    assert_lie(ONE("F32", "2", "0,8"), 7, BERT_EFORMAT, "ends at byte 8 of 7");
    assert_lie(ONE("F32", "2", "0,8"), 9, BERT_EFORMAT, "take 8 bytes, the file holds 9");
    assert_lie("{}", 1, BERT_EFORMAT, "take 0 bytes, the file holds 1");
    assert_lie(ONE("F32", "2", "9223372036854775799,9223372036854775807"), 8, BERT_EFORMAT,
               "begins at byte 9223372036854775799");
    assert_lie("{" ENTRY("a", "2", "0,8") "," ENTRY("b", "1", "4,8") "}", 8, BERT_EFORMAT,
               "tensor \"b\" begins at byte 4 of the data; expected 8 (it overlaps another)");
    assert_lie("{" ENTRY("a", "1", "0,4") "," ENTRY("b", "1", "8,12") "}", 12, BERT_EFORMAT,
               "expected 4 (a gap)");
    assert_lie("{" ENTRY("a", "1", "0,4") "," ENTRY("b", "1", "0,4") "}", 4, BERT_EFORMAT,
               "it overlaps another");
    assert_lie("{" ENTRY("a", "2", "0,8") "," ENTRY("b", "0", "4,4") "}", 8, BERT_EFORMAT,
               "it overlaps another");
    assert_lie("{" ENTRY("a", "1", "0,4") "," ENTRY("b", "0", "5,5") "}", 4, BERT_EFORMAT, "a gap");
}

/* Many tensors in any order: sorting is right and not quadratic. */
static void test_many(void **state)
{
    enum { N = 20000 };
    char *header = malloc(N * 80 + 2), *p = header;
    struct opened o;

    (void)state;
    assert_non_null(header);
    for (unsigned i = 0; i < N; i++) {
        unsigned at = (unsigned)((uint64_t)i * 7919 % N);

        p += sprintf(p, "%c\"t%u\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[%u,%u]}",
                     i ? ',' : '{', at, at * 3, at * 3 + 3);
    }
    strcpy(p, "}");
    assert_int_equal(open_header(&o, header, N * 3), BERT_OK);
    assert_int_equal(o.count, N);
    done(&o);
    free(header);
}

static void test_allocation_failures(void **state)
{
    static const char header[] = "{" ENTRY("a", "1", "0,4") "," ENTRY("b", "1", "4,8") "}";
    unsigned char *bytes = make(header, sizeof(header) - 1, 8);
    long n = 1;

    (void)state;
    for (;; n++) {
        struct opened o;
        bert_status status = open_bytes(&o, bytes, 8 + sizeof(header) - 1 + 8, n);

        done(&o);
        if (!status)
            break;
        assert_int_equal(status, BERT_ENOMEM);
    }
    assert_true(n > 6);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),          cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_downloads),     cmocka_unit_test(test_no_header),
        cmocka_unit_test(test_lying_entries), cmocka_unit_test(test_tiling),
        cmocka_unit_test(test_many),          cmocka_unit_test(test_allocation_failures),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
