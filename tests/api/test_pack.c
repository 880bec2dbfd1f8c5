/* SPDX-License-Identifier: MIT */
/*
 * test_pack.c - packed models: the same bits as the directory's for every family, head and kind
 * of embedding, mapped, read and from memory; options, failures to write and to allocate.
 */
#include "support_pack.h"

#include <dirent.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The file is asked for no precision: it has its own. */
static void round_trip(const struct test_files *files, uint32_t precision)
{
    const char *directory = pack_directory(files, "model"), *packed = pack_path("model.bert");
    bert_model *a = pack_load(directory, 0, NULL, precision), *b;
    bert_file whole = {"any name", NULL, 0};
    bert_error err;
    char command[512];
    void *data;

    pack_make(directory, packed, NULL, precision);
    b = pack_load(packed, BERT_MODEL_VERIFY, NULL, BERT_PRECISION_DEFAULT);
    assert_int_equal(unlink(packed), 0); /* it is mapped: its pages live on */
    pack_same(a, b);
    bert_model_unref(b);

    pack_make(directory, packed, NULL, precision);
    b = pack_load(packed, BERT_MODEL_READ, NULL, BERT_PRECISION_DEFAULT);
    pack_write(packed, "", 0); /* read: it may shrink */
    pack_same(a, b);
    bert_model_unref(b);

    pack_make(directory, packed, NULL, precision);
    data = test_read_file(packed, &whole.size);
    whole.data = data;
    test_ok(bert_model_load_memory(&b, &whole, 1, NULL, &err), &err);
    memset(data, 0xFF, whole.size);
    free(data);
    pack_same(a, b);
    bert_model_unref(b);
    bert_model_unref(a);
    snprintf(command, sizeof command, "rm -r '%s' '%s'", directory, packed);
    assert_int_equal(system(command), 0);
}

/* Every model of a kind; `base`: what they lie over. */
static void round_trips(const char *kind, const char *base, uint32_t precision)
{
    DIR *d = opendir(test_path("tests/data/models/%s", kind));
    struct dirent *e;
    int n = 0;

    assert_non_null(d);
    while ((e = readdir(d)) != NULL) {
        struct test_files files = {0};

        if (e->d_name[0] == '.' || strstr(e->d_name, ".bin") != NULL)
            continue;
        test_files_add(&files, test_path("tests/data/models/%s/%s", kind, e->d_name));
        if (base != NULL && test_files_find(&files, "model.safetensors") == NULL) {
            test_files_free(&files);
            files = (struct test_files){0};
            test_files_add(&files, test_path("tests/data/models/%s/%s", kind, base));
            test_files_add(&files, test_path("tests/data/models/%s/%s", kind, e->d_name));
        }
        if (test_files_find(&files, "config.json") != NULL) {
            round_trip(&files, precision);
            n++;
        }
        test_files_free(&files);
    }
    closedir(d);
    print_message("%s: %d models\n", kind, n);
    assert_true(n >= 5);
}

static void test_plain(void **state)
{
    (void)state;
    round_trips("bert", NULL, BERT_PRECISION_FP32);
    round_trips("bert", NULL, BERT_PRECISION_BF16);
}

static void test_families(void **state)
{
    (void)state;
    round_trips("family", NULL, BERT_PRECISION_FP32);
    round_trips("family", NULL, BERT_PRECISION_INT8);
}

static void test_heads(void **state)
{
    (void)state;
    round_trips("head", NULL, BERT_PRECISION_FP32);
    round_trips("head", NULL, BERT_PRECISION_BF16);
    round_trips("task", NULL, BERT_PRECISION_FP32);
}

static void test_embeddings(void **state)
{
    (void)state;
    round_trips("embed", "base", BERT_PRECISION_FP32);
    round_trips("multi", "base", BERT_PRECISION_FP32);
    round_trips("multi", "base", BERT_PRECISION_INT8);
    round_trips("sparse", "base", BERT_PRECISION_FP32);
}

/* ---- Limits and failures ----------------------------------------------------------------------
 */

static void test_options(void **state)
{
    bert_model_options o = BERT_MODEL_OPTIONS_INIT;
    const char *path = pack_path("small.bert"), *other = pack_path("other.bert");
    struct test_files files = {0};
    bert_model *model;
    struct pack_small s;
    bert_error err;

    (void)state;
    pack_small_open(&s, NULL);
    test_error(bert_model_pack(NULL, path, NULL, &err), &err, BERT_EINVAL, "path", NULL);
    test_error(bert_model_pack(path, NULL, NULL, &err), &err, BERT_EINVAL, "file", NULL);
    o.max_file_bytes = s.size - 1;
    test_error(bert_model_load(&model, path, &o, &err), &err, BERT_ELIMIT, "small.bert", NULL);
    o.max_file_bytes = s.size;
    test_ok(bert_model_load(&model, path, &o, &err), &err);
    bert_model_unref(model);
    o.threads = 4000;
    test_error(bert_model_load(&model, path, &o, &err), &err, BERT_EINVAL, "threads", NULL);

    /* without the head, without the tokenizer */
    test_files_add(&files, test_path("tests/data/models/task/classify"));
    o = (bert_model_options)BERT_MODEL_OPTIONS_INIT;
    o.flags = BERT_MODEL_NO_HEAD;
    test_ok(bert_model_pack(pack_directory(&files, "headed"), other, &o, &err), &err);
    test_error(bert_model_load(&model, other, NULL, &err), &err, BERT_EUNSUPPORTED, "other.bert",
               "not in it", NULL);
    test_ok(bert_model_load(&model, other, &o, &err), &err);
    bert_model_unref(model);
    test_files_free(&files);
    pack_small_close(&s);
}

static void test_nonfinite(void **state)
{
    bert_model_options o = BERT_MODEL_OPTIONS_INIT;
    const char *path = pack_path("nan.bert");
    struct test_files files = {0};
    struct test_tensor tensor;
    float nan = NAN;
    bert_model *model;
    bert_file *file;
    bert_error err;

    (void)state;
    test_files_add(&files, test_path("tests/data/models/bert/base33"));
    file = test_files_find(&files, "model.safetensors");
    test_tensor_find(file, "embeddings.word_embeddings.weight", &tensor);
    memcpy((char *)(uintptr_t)file->data + tensor.begin, &nan, sizeof nan);
    pack_directory(&files, "nan");
    test_error(bert_model_pack(pack_path("nan"), path, &o, &err), &err, BERT_ENONFINITE, NULL);
    o.flags = BERT_MODEL_ALLOW_NONFINITE;
    test_ok(bert_model_pack(pack_path("nan"), path, &o, &err), &err);
    test_error(bert_model_load(&model, path, NULL, &err), &err, BERT_ENONFINITE, "nan.bert", NULL);
    test_ok(bert_model_load(&model, path, &o, &err), &err);
    bert_model_unref(model);
    test_files_free(&files);
}

static void test_no_half_file(void **state)
{
    struct pack_small s;
    size_t before;
    bert_error err;

    (void)state;
    pack_small_open(&s, NULL);
    before = pack_entries(pack_path(""));
    test_error(bert_model_pack(pack_path("small"), pack_path("absent/x.bert"), NULL, &err), &err,
               BERT_EIO, "absent/x.bert", "can't be written", NULL);
    test_error(bert_model_pack(pack_path("nothing"), pack_path("small.bert"), NULL, &err), &err,
               BERT_EIO, "nothing", NULL);
    test_error(bert_model_pack(pack_path("small"), pack_path("small"), NULL, &err), &err, BERT_EIO,
               "can't be replaced", "a directory", NULL);
    assert_int_equal(pack_entries(pack_path("")), before);
    {
        size_t size;
        void *now = test_read_file(pack_path("small.bert"), &size);

        assert_int_equal(size, s.size);
        assert_memory_equal(now, s.data, size);
        free(now);
    }
    pack_small_close(&s);
}

static void test_tokenizer(void **state)
{
    bert_tokenizer_options o = BERT_TOKENIZER_OPTIONS_INIT;
    bert_tokenizer *tokenizer;
    bert_file whole = {"x", NULL, 0};
    struct pack_small s;
    bert_error err;

    (void)state;
    pack_small_open(&s, NULL);
    o.max_file_bytes = s.size / 2; /* of a file within */
    test_ok(bert_tokenizer_load(&tokenizer, pack_path("small.bert"), &o, &err), &err);
    pack_same_text("algorithm", bert_tokenizer_algorithm(tokenizer), "WordPiece");
    bert_tokenizer_unref(tokenizer);
    whole.data = s.data;
    whole.size = s.size;
    test_ok(bert_tokenizer_load_memory(&tokenizer, &whole, 1, NULL, &err), &err);
    bert_tokenizer_unref(tokenizer);
    pack_small_close(&s);
}

struct life {
    struct test_heap heap;
    bert_allocator allocator;
    bert_error err;
};

static bert_status live(struct life *l, int packing, uint32_t flags, long fail_at)
{
    bert_model_options o = BERT_MODEL_OPTIONS_INIT;
    bert_model *model;
    bert_status st;

    l->heap = (struct test_heap){.fail_at = fail_at};
    l->allocator = test_heap_allocator(&l->heap);
    o.allocator = &l->allocator;
    o.flags = flags;
    o.threads = 1;
    if (packing)
        return bert_model_pack(pack_path("small"), pack_path("out.bert"), &o, &l->err);
    st = bert_model_load(&model, pack_path("small.bert"), &o, &l->err);
    if (st == BERT_OK)
        bert_model_unref(model);
    else
        assert_null(model);
    return st;
}

static void each_allocation(int packing, uint32_t flags)
{
    size_t before = pack_entries(pack_path(""));
    struct life l;
    long calls;

    test_ok(live(&l, packing, flags, 0), &l.err);
    assert_int_equal(l.heap.live, 0);
    if (packing)
        assert_int_equal(unlink(pack_path("out.bert")), 0);
    calls = l.heap.calls;
    print_message("%ld allocations\n", calls);
    assert_true(calls > 20);
    for (long n = 1; n <= calls; n++) {
        test_error(live(&l, packing, flags, n), &l.err, BERT_ENOMEM, NULL);
        if (l.heap.live != 0)
            fail_msg("allocation %ld failing leaves %ld blocks", n, l.heap.live);
        assert_int_equal(pack_entries(pack_path("")), before);
    }
}

static void test_allocations(void **state)
{
    const char *level = bert_cpu_name(1) != NULL ? bert_cpu_name(1) : "scalar";
    struct pack_small s;

    (void)state;
    pack_small_open(&s, NULL);
    unlink(pack_path("out.bert"));
    each_allocation(0, 0);
    each_allocation(0, BERT_MODEL_READ | BERT_MODEL_VERIFY);
    each_allocation(1, 0);
    pack_make(pack_path("small"), pack_path("small.bert"), level, BERT_PRECISION_DEFAULT);
    each_allocation(0, BERT_MODEL_REPACK);
    each_allocation(0, BERT_MODEL_REPACK | BERT_MODEL_READ);
    pack_small_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),        cmocka_unit_test(test_families),
        cmocka_unit_test(test_heads),        cmocka_unit_test(test_embeddings),
        cmocka_unit_test(test_options),      cmocka_unit_test(test_nonfinite),
        cmocka_unit_test(test_no_half_file), cmocka_unit_test(test_tokenizer),
        cmocka_unit_test(test_allocations),
    };

    return cmocka_run_group_tests(tests, pack_set_up, pack_tear_down);
}
