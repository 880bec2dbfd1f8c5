/* SPDX-License-Identifier: MIT */
/*
 * test_golden.c - golden inputs of every task: a model answers as it did, in other precisions
 * within their tolerances; another answer is found, with the place of its text and without the
 * text; and files and arguments that are wrong are refused.
 */
#include "support_pack.h"

#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { TEXTS = 4 };

static bert_error err;

static const bert_text plain[TEXTS] = {{"a cat on a mat", 14},
                                       {"", 0},
                                       {"prices \"rose\"\tagain\n", 20},
                                       {"caf\xc3\xa9 \x00 b\\", 10}};
static const bert_text masked[TEXTS] = {
    {"the [MASK] on a mat", 19}, {"[MASK] [MASK]", 13}, {"prices [MASK]", 13}, {"[MASK]", 6}};
static const bert_text pairs[TEXTS] = {{"the bank , it said", 18},
                                       {"who wrote it ?", 14},
                                       {"prices rose again and again", 27},
                                       {"a", 1}};

/* ---- Tools -------------------------------------------------------------------------- */

struct kind {
    const char *name; /* of the fixture */
    uint32_t task;
    const bert_text *texts, *pairs;
};

static const struct kind kinds[] = {
    {"task/classify", BERT_GOLDEN_CLASSIFY, plain, NULL},
    {"task/classify", BERT_GOLDEN_CLASSIFY, plain, pairs},
    {"task/classify_multi", BERT_GOLDEN_CLASSIFY, plain, NULL},
    {"task/classify_regression", BERT_GOLDEN_CLASSIFY, plain, NULL},
    {"task/rerank_st", BERT_GOLDEN_RERANK, plain, pairs},
    {"task/tag", BERT_GOLDEN_TAG, plain, NULL},
    {"task/answer", BERT_GOLDEN_ANSWER, plain, pairs},
    {"task/fill", BERT_GOLDEN_FILL, masked, NULL},
    {"task/next", BERT_GOLDEN_NEXT, plain, pairs},
    {"embed/base", BERT_GOLDEN_EMBED, plain, NULL},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

static bert_session *open_as(const char *path, uint32_t precision)
{
    bert_model *model = pack_load(path, 0, NULL, precision);
    bert_session *session = test_session(model, 1);

    bert_model_unref(model);
    return session;
}

static bert_session *open_kind(const struct kind *kind, uint32_t precision)
{
    return open_as(test_path("tests/data/models/%s", kind->name), precision);
}

static bert_status check(bert_session *session, const char *file, bert_golden_report *report)
{
    *report = (bert_golden_report)BERT_GOLDEN_REPORT_INIT;
    return bert_golden_check(session, file, report, &err);
}

/* The file of a kind, by its own model. */
static char *write_kind(const struct kind *kind, const char *file)
{
    bert_session *session = open_kind(kind, BERT_PRECISION_FP32);
    size_t size;

    test_ok(bert_golden_write(session, kind->texts, kind->pairs, TEXTS, NULL, file, &err), &err);
    bert_session_destroy(session);
    return test_read_file(file, &size);
}

/* ---- As it was ------------------------------------------------------------------------- */

static void test_same_answers(void **state)
{
    (void)state;
    setlocale(LC_NUMERIC, "de_DE.UTF-8"); /* where there is one, its point is a comma */
    for (size_t k = 0; k < KINDS; k++) {
        const char *file = pack_path("same.json");
        bert_session *session = open_kind(&kinds[k], BERT_PRECISION_FP32);
        bert_golden_report r;

        free(write_kind(&kinds[k], file));
        test_ok(check(session, file, &r), &err);
        assert_int_equal(r.task, kinds[k].task);
        assert_int_equal(r.compared, TEXTS);
        assert_int_equal(r.failed, 0);
        assert_true(r.first_failed == SIZE_MAX);
        assert_true(r.difference < 1e-8);
        assert_true(r.cosine > 1 - 1e-12);
        test_ok(bert_golden_check(session, file, NULL, &err), &err);
        bert_session_destroy(session);
    }
    setlocale(LC_NUMERIC, "C");
}

/* Other precisions, and every instruction set there is: nearer than what is allowed.  These models
 * are random, so that their best answers are no better than others: entities and answers may move.
 */
static void test_precisions(void **state)
{
    static const uint32_t precisions[] = {BERT_PRECISION_FP32, BERT_PRECISION_BF16,
                                          BERT_PRECISION_INT8};
    static const double allowed[] = {1e-4, 0.03, 0.1};

    (void)state;
    for (size_t k = 0; k < KINDS; k++) {
        const char *file = pack_path("precision.json"), *cpu;

        free(write_kind(&kinds[k], file));
        for (uint32_t i = 0; (cpu = bert_cpu_name(i)) != NULL; i++)
            for (size_t p = 0; p < 3; p++) {
                bert_model *model = pack_load(test_path("tests/data/models/%s", kinds[k].name), 0,
                                              cpu, precisions[p]);
                bert_session *session = test_session(model, 1);
                bert_golden_report r;
                bert_status st = check(session, file, &r);

                assert_true(r.max_difference == allowed[p]);
                if (p == 0)
                    test_ok(st, &err);
                assert_int_equal(r.compared, TEXTS);
                assert_true((st == BERT_OK) == (r.failed == 0));
                assert_true(st == BERT_OK || st == BERT_EFORMAT);
                assert_true(isfinite(r.difference));
                bert_session_destroy(session);
                bert_model_unref(model);
            }
    }
}

/* ---- Another answer ---------------------------------------------------------------------- */

static void assert_no_text(const struct kind *kind)
{
    for (size_t i = 0; i < TEXTS; i++) {
        char text[64];

        snprintf(text, sizeof text, "%.*s", (int)kind->texts[i].size, kind->texts[i].data);
        if (strlen(text) > 3)
            assert_null(strstr(err.message, text));
    }
}

/* Where input i of the file begins. */
static char *input_at(char *json, int i)
{
    char *at = strstr(json, "\"inputs\"");

    for (; i >= 0; i--) {
        at = strstr(at + 1, "\n{\"text\"");
        assert_non_null(at);
    }
    return at;
}

/* A digit after `key` in input i becomes another. */
static bert_status spoil(const struct kind *kind, int i, const char *key, bert_golden_report *r)
{
    const char *file = pack_path("spoilt.json");
    bert_session *session = open_kind(kind, BERT_PRECISION_FP32);
    char *json = write_kind(kind, file), *at = input_at(json, i);
    bert_status st;

    at = strstr(at, key);
    if (at != NULL)
        at = strpbrk(at + strlen(key), "123456789");
    assert_non_null(at);
    *at = *at == '9' ? '1' : '9';
    pack_write(file, json, strlen(json));
    st = check(session, file, r);
    bert_session_destroy(session);
    free(json);
    return st;
}

static void test_other_numbers(void **state)
{
    (void)state;
    for (size_t k = 0; k < KINDS; k++) {
        const char *key = kinds[k].task == BERT_GOLDEN_EMBED ? "\"vector\": [" : "\"score\": ";
        bert_golden_report r;

        for (int i = 0; i < TEXTS; i += 2) {
            test_error(spoil(&kinds[k], i, key, &r), &err, BERT_EFORMAT, "spoilt.json",
                       i == 0 ? "inputs[0]" : "inputs[2]", NULL);
            assert_no_text(&kinds[k]);
            assert_int_equal(r.failed, 1);
            assert_int_equal(r.first_failed, i);
            assert_int_equal(r.compared, TEXTS);
        }
    }
}

static void test_other_places(void **state)
{
    bert_golden_report r;

    (void)state;
    for (size_t k = 0; k < KINDS; k++) {
        if (kinds[k].task == BERT_GOLDEN_TAG || kinds[k].task == BERT_GOLDEN_ANSWER)
            test_error(spoil(&kinds[k], 2, "\"end\": ", &r), &err, BERT_EFORMAT, "inputs[2]",
                       "place", NULL);
        if (kinds[k].task == BERT_GOLDEN_FILL) {
            test_error(spoil(&kinds[k], 2, "\"id\": ", &r), &err, BERT_EFORMAT, "inputs[2]", NULL);
            test_error(spoil(&kinds[k], 2, "\"mask\": 0, \"id\": ", &r), &err, BERT_EFORMAT,
                       "inputs[2]", NULL);
        }
    }
}

static void edit(const char *file, const char *json, const char *from, const char *to)
{
    const char *at = strstr(json, from);
    size_t n = strlen(json) - strlen(from) + strlen(to);
    char *out = malloc(n + 1);

    if (at == NULL)
        fail_msg("%s is not in the file", from);
    assert_non_null(out);
    snprintf(out, n + 1, "%.*s%s%s", (int)(at - json), json, to, at + strlen(from));
    pack_write(file, out, n);
    free(out);
}

/* Labels by other names, an entity less, a shorter vector. */
static void test_other_shapes(void **state)
{
    const char *file = pack_path("shape.json");
    bert_golden_report r;

    (void)state;
    for (size_t k = 0; k < KINDS; k++) {
        bert_session *session = open_kind(&kinds[k], BERT_PRECISION_FP32);
        char *json = write_kind(&kinds[k], file);

        if (kinds[k].task == BERT_GOLDEN_CLASSIFY || kinds[k].task == BERT_GOLDEN_TAG) {
            edit(file, json, "\"label\": \"", "\"label\": \"X");
            test_error(check(session, file, &r), &err, BERT_EFORMAT, "inputs[0]", NULL);
        }
        if (kinds[k].task == BERT_GOLDEN_EMBED)
            edit(file, json, "\"vector\": [", "\"vector\": [0, ");
        else
            edit(file, json, "\"answers\": [", "\"answers\": [], \"was\": [");
        test_error(check(session, file, &r), &err, BERT_EFORMAT, "inputs[0]", NULL);
        assert_int_equal(r.first_failed, 0);
        bert_session_destroy(session);
        free(json);
    }
}

/* The same model with one weight changed; and a model of another task. */
static void test_other_model(void **state)
{
    struct test_files files = {NULL, 0};
    const char *file = pack_path("model.json");
    struct test_tensor t;
    bert_file *weights;
    bert_session *session;
    bert_golden_report r;
    bert_model *model;

    (void)state;
    free(write_kind(&kinds[KINDS - 1], file));
    test_files_add(&files, test_path("tests/data/models/embed/base"));
    weights = test_files_find(&files, "model.safetensors");
    for (size_t i = 0; test_tensor_at(weights, i, &t); i++)
        if (strstr(t.name, "output.dense.weight") != NULL)
            memset((char *)(uintptr_t)weights->data + t.begin, 0, t.end - t.begin);
    model = test_load_files(&files, NULL);
    session = test_session(model, 1);
    test_error(check(session, file, &r), &err, BERT_EFORMAT, "model.json", "cosine", NULL);
    assert_int_equal(r.first_failed, 0);
    assert_true(r.cosine < 0.999);
    free(write_kind(&kinds[5], file));
    test_error(check(session, file, &r), &err, BERT_EUNSUPPORTED, NULL);
    assert_int_equal(r.compared, 0);
    bert_session_destroy(session);
    bert_model_unref(model);
    test_files_free(&files);
}

/* What holds is what the file says; options say it first. */
static void test_tolerances(void **state)
{
    const struct kind *kind = &kinds[KINDS - 1];
    bert_golden_options o = BERT_GOLDEN_OPTIONS_INIT;
    const char *file = pack_path("tolerance.json");
    bert_session *session = open_kind(kind, BERT_PRECISION_FP32),
                 *small = open_kind(kind, BERT_PRECISION_INT8);
    bert_golden_report r;
    char *json;

    (void)state;
    o.difference = 1e-7;
    o.cosine = 0.9999999;
    test_ok(bert_golden_write(session, kind->texts, NULL, TEXTS, &o, file, &err), &err);
    test_ok(check(session, file, &r), &err);
    assert_true(r.max_difference == 1e-7 && r.min_cosine == 0.9999999);
    test_error(check(small, file, &r), &err, BERT_EFORMAT, "tolerance.json", NULL);
    /* made in int8, checked in fp32: int8's holds */
    test_ok(bert_golden_write(small, kind->texts, NULL, TEXTS, NULL, file, &err), &err);
    test_ok(check(small, file, &r), &err);
    assert_true(r.max_difference == 0.1 && r.min_cosine == 0.98);
    check(session, file, &r);
    assert_true(r.max_difference == 0.1);
    json = write_kind(kind, file);
    edit(file, json, "\"difference\": 0.0001", "\"difference\": 0");
    check(session, file, &r);
    assert_true(r.max_difference == 0);
    free(json);
    bert_session_destroy(session);
    bert_session_destroy(small);
}

/* ---- With the model ------------------------------------------------------------------------ */

static void test_with_the_model(void **state)
{
    const struct kind *kind = &kinds[0];
    struct test_files files = {NULL, 0};
    const char *dir, *packed = pack_path("packed.bert");
    char before[BERT_DIGEST_SIZE], after[BERT_DIGEST_SIZE];
    bert_session *session;
    bert_golden_report r;
    struct stat st;

    (void)state;
    test_files_add(&files, test_path("tests/data/models/%s", kind->name));
    dir = pack_directory(&files, "with");
    pack_make(dir, packed, NULL, BERT_PRECISION_DEFAULT);
    session = open_as(dir, 0);
    test_error(check(session, dir, &r), &err, BERT_EIO, "golden.json", NULL);
    test_ok(bert_manifest_digest(dir, NULL, before, &err), &err);
    test_ok(bert_golden_write(session, plain, NULL, TEXTS, NULL, dir, &err), &err);
    test_ok(check(session, dir, &r), &err);
    test_ok(bert_manifest_write(dir, NULL, after, &err), &err);
    assert_string_not_equal(before, after);
    test_ok(bert_manifest_verify(dir, NULL, after, &err), &err);
    bert_session_destroy(session);
    session = open_as(packed, 0);
    test_ok(bert_golden_write(session, plain, NULL, TEXTS, NULL, packed, &err), &err);
    assert_int_equal(stat(pack_path("packed.bert.golden.json"), &st), 0);
    test_ok(check(session, packed, &r), &err);
    test_ok(check(session, pack_path("packed.bert.golden.json"), &r), &err);
    test_ok(check(session, dir, &r), &err);
    test_ok(bert_manifest_write(packed, NULL, NULL, &err), &err);
    test_ok(bert_manifest_verify(packed, NULL, after, &err), &err);
    pack_write(pack_path("packed.bert.golden.json"), "{}", 2);
    test_error(bert_manifest_verify(packed, NULL, after, &err), &err, BERT_EFORMAT,
               "packed.bert.golden.json", "in the manifest", NULL);
    bert_session_destroy(session);
    test_files_free(&files);
}

/* ---- Files that are wrong ---------------------------------------------------------------------
 */

static void test_fields(void **state)
{
    static const struct {
        const char *from, *to;
        bert_status code;
        const char *says;
    } cases[] = {
        {"libbert golden inputs", "libbert manifest", BERT_EFORMAT, "\"format\""},
        {"\"version\": 1", "\"version\": 2", BERT_EUNSUPPORTED, "version 2"},
        {"\"version\": 1", "\"version\": \"1\"", BERT_EFORMAT, "version"},
        {"\"version\"", "\"was\"", BERT_EFORMAT, "\"version\" is missing"},
        {"\"task\": \"tag\"", "\"task\": \"sing\"", BERT_EFORMAT, "\"task\""},
        {"\"task\"", "\"was\"", BERT_EFORMAT, "\"task\""},
        {"\"precision\": \"fp32\"", "\"precision\": \"fp8\"", BERT_EFORMAT, "\"precision\""},
        {"\"tolerances\"", "\"was\"", BERT_EFORMAT, "\"fp32\""},
        {"\"bf16\"", "\"bf17\"", BERT_EFORMAT, "\"bf16\""},
        {"\"difference\": 0.1", "\"difference\": -1", BERT_EFORMAT, "\"int8\""},
        {"\"difference\": 0.1", "\"difference\": 1e999", BERT_EFORMAT, "\"int8\""},
        {"\"cosine\": 0.98", "\"cosine\": 1.5", BERT_EFORMAT, "\"int8\""},
        {"\"inputs\"", "\"was\"", BERT_EFORMAT, "\"inputs\""},
        {"\"inputs\": [", "\"inputs\": [], \"was\": [", BERT_EFORMAT, "\"inputs\""},
        {"\"inputs\": [", "\"inputs\": [7, ", BERT_EFORMAT, "inputs[0]"},
        {"\"text\": \"a", "\"was\": \"a", BERT_EFORMAT, "inputs[0]: \"text\""},
        {"\"text\": \"a", "\"pair\": \"\", \"text\": \"a", BERT_EFORMAT, "inputs[0]: there is a"},
        {"\"answers\"", "\"was\"", BERT_EFORMAT, "inputs[0]: \"answers\""},
        {"\"answers\": [", "\"answers\": [7, ", BERT_EFORMAT, "inputs[0]: an answer's \"score\""},
        {"\"label\"", "\"was\"", BERT_EFORMAT, "inputs[0]: an answer's \"label\""},
        {"\"start\": ", "\"start\": -1", BERT_EFORMAT, "inputs[0]: an answer's \"start\""},
        {"\"end\"", "\"was\"", BERT_EFORMAT, "\"end\""},
        {"\"score\": ", "\"score\": 1e999, \"was\": ", BERT_EFORMAT, "\"score\""},
    };
    const struct kind *kind = &kinds[5];
    const char *file = pack_path("fields.json");
    bert_session *session = open_kind(kind, BERT_PRECISION_FP32);
    char *json = write_kind(kind, file);
    bert_golden_report r;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        edit(file, json, cases[i].from, cases[i].to);
        test_error(check(session, file, &r), &err, cases[i].code, "fields.json", cases[i].says,
                   NULL);
        assert_no_text(kind);
    }
    test_error(check(session, pack_path("nowhere.json"), &r), &err, BERT_EIO, "nowhere.json", NULL);
    bert_session_destroy(session);
    free(json);
}

/* Any byte changed, or the file cut: an error, or the answers were still near; never worse. */
static void test_damage(void **state)
{
    for (size_t k = 0; k < KINDS; k += 4) {
        const char *file = pack_path("damage.json");
        bert_session *session = open_kind(&kinds[k], BERT_PRECISION_FP32);
        char *json = write_kind(&kinds[k], file);
        size_t n = strlen(json);
        bert_golden_report r;

        (void)state;
        for (size_t i = 0; i < n; i += 1 + n / 60) {
            char before = json[i];

            json[i] = "\xff\"[9{-"[i % 6];
            pack_write(file, json, n);
            check(session, file, &r);
            json[i] = before;
            pack_write(file, json, i);
            assert_true(check(session, file, &r) != BERT_OK);
        }
        bert_session_destroy(session);
        free(json);
    }
}

/* ---- Arguments
 * ------------------------------------------------------------------------------------ */

static void test_arguments(void **state)
{
    static const bert_text bad[] = {{"fine", 4}, {"no \xff", 4}};
    bert_session *embed = open_kind(&kinds[KINDS - 1], BERT_PRECISION_FP32),
                 *answer = open_kind(&kinds[6], BERT_PRECISION_FP32),
                 *fill = open_kind(&kinds[7], BERT_PRECISION_FP32);
    bert_golden_options o = BERT_GOLDEN_OPTIONS_INIT;
    bert_golden_report r = BERT_GOLDEN_REPORT_INIT;
    const char *file = pack_path("never.json");
    struct stat st;

    (void)state;
#define WRITE(session, texts, pairs, n, options, ...)                                              \
    test_error(bert_golden_write(session, texts, pairs, n, options, file, &err), &err,             \
               __VA_ARGS__, NULL)
    WRITE(NULL, plain, NULL, 1, NULL, BERT_EINVAL, "session");
    WRITE(embed, NULL, NULL, 1, NULL, BERT_EINVAL, "texts");
    WRITE(embed, plain, NULL, 0, NULL, BERT_EINVAL, "texts");
    WRITE(embed, plain, pairs, 1, NULL, BERT_EINVAL, "pairs");
    WRITE(answer, plain, NULL, 1, NULL, BERT_EINVAL, "pairs");
    WRITE(embed, bad, NULL, 2, NULL, BERT_EINVAL, "text 1");
    WRITE(answer, bad, plain, 2, NULL, BERT_EINVAL, "text 1");
    WRITE(answer, plain, bad, 2, NULL, BERT_EINVAL, "pair 1");
    WRITE(fill, plain, NULL, 2, NULL, BERT_EINVAL, "text 0");
    o.task = 99;
    WRITE(embed, plain, NULL, 1, &o, BERT_EINVAL, "task");
    o.task = BERT_GOLDEN_TAG;
    WRITE(embed, plain, NULL, 1, &o, BERT_EUNSUPPORTED, "");
    o.task = 0;
    o.difference = -1;
    WRITE(embed, plain, NULL, 1, &o, BERT_EINVAL, "difference");
    o.difference = NAN;
    WRITE(embed, plain, NULL, 1, &o, BERT_EINVAL, "difference");
    o.difference = 0;
    o.cosine = 1.1;
    WRITE(embed, plain, NULL, 1, &o, BERT_EINVAL, "cosine");
    assert_int_equal(stat(file, &st), -1);
    test_error(bert_golden_write(embed, plain, NULL, 1, NULL, NULL, &err), &err, BERT_EINVAL,
               "path", NULL);
    test_error(bert_golden_write(embed, plain, NULL, 1, NULL, pack_path("no/where.json"), &err),
               &err, BERT_EIO, "where.json", NULL);
    test_error(bert_golden_check(NULL, file, NULL, &err), &err, BERT_EINVAL, "session", NULL);
    test_error(bert_golden_check(embed, NULL, NULL, &err), &err, BERT_EINVAL, "path", NULL);
    r.size = 3;
    test_error(bert_golden_check(embed, file, &r, &err), &err, BERT_EINVAL, "size", NULL);
    /* a program of older headers gets what it knows */
    test_ok(bert_golden_write(embed, plain, NULL, 2, NULL, file, &err), &err);
    r = (bert_golden_report)BERT_GOLDEN_REPORT_INIT;
    r.size = offsetof(bert_golden_report, failed);
    r.failed = 77;
    test_ok(bert_golden_check(embed, file, &r, &err), &err);
    assert_int_equal(r.compared, 2);
    assert_int_equal(r.failed, 77);
    bert_session_destroy(embed);
    bert_session_destroy(answer);
    bert_session_destroy(fill);
}

/* Each allocation of writing and of checking fails once; what was there stays. */
static void test_allocations(void **state)
{
    (void)state;
    for (size_t k = 0; k < KINDS; k++) {
        const char *file = pack_path("alloc.json"), *root = pack_path("");
        struct test_heap heap = {0};
        bert_allocator allocator = test_heap_allocator(&heap);
        bert_session_options so = BERT_SESSION_OPTIONS_INIT;
        bert_model *model = pack_load(test_path("tests/data/models/%s", kinds[k].name), 0, NULL, 0);
        char *before = write_kind(&kinds[k], file);
        size_t entries = pack_entries(root);
        bert_session *session;
        long live, failures = 0;

        so.allocator = &allocator;
        so.threads = 1;
        test_ok(bert_session_create(&session, model, &so, &err), &err);
        /* the scratch of its tokenizer grows with the first texts */
        test_ok(bert_golden_check(session, file, NULL, &err), &err);
        live = heap.live;
        for (int what = 0; what < 2; what++) {
            bert_status st = BERT_ENOMEM;

            for (long n = 1; st != BERT_OK; n++) {
                char *now;
                size_t size;

                heap.calls = 0;
                heap.fail_at = n;
                st = what == 0 ? bert_golden_write(session, kinds[k].texts, kinds[k].pairs, TEXTS,
                                                   NULL, file, &err)
                               : bert_golden_check(session, file, NULL, &err);
                heap.fail_at = 0;
                if (st != BERT_OK) {
                    test_error(st, &err, BERT_ENOMEM, NULL);
                    failures++;
                }
                assert_int_equal(heap.live, live);
                assert_int_equal(pack_entries(root), entries);
                now = test_read_file(file, &size);
                assert_string_equal(now, before);
                free(now);
            }
        }
        assert_true(failures > 10);
        bert_session_destroy(session);
        bert_model_unref(model);
        assert_int_equal(heap.live, 0);
        free(before);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_answers),  cmocka_unit_test(test_precisions),
        cmocka_unit_test(test_other_numbers), cmocka_unit_test(test_other_places),
        cmocka_unit_test(test_other_shapes),  cmocka_unit_test(test_other_model),
        cmocka_unit_test(test_tolerances),    cmocka_unit_test(test_with_the_model),
        cmocka_unit_test(test_fields),        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_arguments),     cmocka_unit_test(test_allocations),
    };

    return cmocka_run_group_tests_name("golden", tests, pack_set_up, pack_tear_down);
}
