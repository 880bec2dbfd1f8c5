/* SPDX-License-Identifier: MIT */
/*
 * test_bad_input_files.c - wrong, truncated and lying model files: the right status, a
 * message that names file, field or tensor and the value, nothing left behind.
 */
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LARGE "model.safetensors"
#define LAYER "encoder.layer.0."

static void load_error(const struct test_files *files, bert_status want, const char *a,
                       const char *b, const char *c)
{
    bert_model *model = (bert_model *)(uintptr_t)files;
    struct test_heap heap = {0};
    bert_allocator allocator = test_heap_allocator(&heap);
    bert_model_options options = BERT_MODEL_OPTIONS_INIT;
    bert_error err;

    memset(&err, 0, sizeof err);
    options.allocator = &allocator;
    test_error(bert_model_load_memory(&model, files->list, files->n, &options, &err), &err, want, a,
               b, c, NULL);
    assert_null(model);
    assert_int_equal(heap.live, 0);
}

static void base(struct test_files *files)
{
    *files = (struct test_files){NULL, 0};
    test_files_add(files, test_path("tests/data/models/bert/base33"));
}

/* ---- Places ---------------------------------------------------------------- */

static void path_error(const char *path, bert_status want, const char *word)
{
    bert_model *model = (bert_model *)(uintptr_t)path;
    bert_error err;

    test_error(bert_model_load(&model, path, NULL, &err), &err, want, word, NULL);
    assert_null(model);
}

static void test_paths(void **state)
{
    char dir[] = "/tmp/bert-test-XXXXXX", name[64];
    bert_model *model;
    bert_error err;
    int fd;

    (void)state;
    path_error("/nonexistent/model", BERT_EIO, "/nonexistent/model");
    path_error("", BERT_EIO, NULL);
    path_error(NULL, BERT_EINVAL, NULL);
    path_error(test_path("tests/data/models/bert/base33/config.json"), BERT_EIO, "config.json");
    assert_non_null(mkdtemp(dir));
    path_error(dir, BERT_EIO, "config.json");
    snprintf(name, sizeof name, "%s/config.json", dir);
    assert_int_equal(mkdir(name, 0700), 0);
    path_error(dir, BERT_EIO, "config.json"); /* a folder in its place */
    rmdir(name);
    assert_int_equal(mkfifo(name, 0600), 0);
    path_error(dir, BERT_EIO, "config.json"); /* and no hang on a pipe */
    unlink(name);
    rmdir(dir);
    test_error(bert_model_load_fd(&model, -1, NULL, &err), &err, BERT_EIO, NULL);
    assert_null(model);
    fd = open(test_path("tests/data/models/bert/base33/config.json"), O_RDONLY);
    test_error(bert_model_load_fd(&model, fd, NULL, &err), &err, BERT_EIO, NULL);
    close(fd);
    fd = open(test_path("tests/data/models/bert/base33"), O_RDONLY | O_DIRECTORY);
    test_ok(bert_model_load_fd(&model, fd, NULL, &err), &err);
    assert_int_equal(fcntl(fd, F_GETFD), 0); /* still open */
    close(fd);
    bert_model_unref(model);
    assert_int_equal(bert_model_load(NULL, dir, NULL, NULL), BERT_EINVAL);
}

/* ---- config.json ----------------------------------------------------------- */

struct edit {
    const char *from, *to;
    bert_status want;
    const char *names[2];
};

static void check_edits(const char *file, const struct edit *edits, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct test_files files;
        base(&files);
        test_files_edit(&files, file, edits[i].from, edits[i].to);
        print_message("  %s\n", edits[i].to);
        load_error(&files, edits[i].want, file, edits[i].names[0], edits[i].names[1]);
        test_files_free(&files);
    }
}

#define HEADS  "\"num_attention_heads\": 3"
#define LAYERS "\"num_hidden_layers\": 3"
#define WIDTH  "\"hidden_size\": 33"

static void test_config(void **state)
{
    static const struct edit edits[] = {
        {HEADS, "\"num_attention_heads\": 0", BERT_EFORMAT, {"num_attention_heads", "0"}},
        {HEADS, "\"num_attention_heads\": -3", BERT_EFORMAT, {"num_attention_heads", "-3"}},
        {HEADS, "\"num_attention_heads\": 5", BERT_EFORMAT, {"num_attention_heads", "33"}},
        {HEADS, "\"num_attention_heads\": \"3\"", BERT_EFORMAT, {"num_attention_heads", NULL}},
        {HEADS, "\"num_attention_heads\": 3.5", BERT_EFORMAT, {"num_attention_heads", NULL}},
        {HEADS, "\"num_attention_heads\": null", BERT_EFORMAT, {"num_attention_heads", NULL}},
        {LAYERS,
         "\"num_hidden_layers\": 1000000000",
         BERT_ELIMIT,
         {"num_hidden_layers", "1000000000"}},
        {LAYERS, "\"num_hidden_layers\": 1e300", BERT_EFORMAT, {"num_hidden_layers", NULL}},
        {LAYERS,
         "\"num_hidden_layers\": 18446744073709551619",
         BERT_EFORMAT,
         {"num_hidden_layers", NULL}},
        {LAYERS, "\"num_hidden_layers\": 0", BERT_EFORMAT, {"num_hidden_layers", "0"}},
        {WIDTH, "\"hidden_size\": 0", BERT_EFORMAT, {"hidden_size", "0"}},
        {WIDTH, "\"hidden_size\": 4294967329", BERT_ELIMIT, {"hidden_size", "4294967329"}},
        {"\"vocab_size\": 61", "\"vocab_size\": 0", BERT_EFORMAT, {"vocab_size", "0"}},
        {"\"max_position_embeddings\": 512",
         "\"max_position_embeddings\": 0",
         BERT_EFORMAT,
         {"max_position_embeddings", "0"}},
        {"\"model_type\": \"bert\"",
         "\"model_type\": \"gandalf\"",
         BERT_EUNSUPPORTED,
         {"gandalf", NULL}},
        {"\"model_type\": \"bert\"", "\"model_type\": 7", BERT_EFORMAT, {"model_type", NULL}},
        {WIDTH, WIDTH ", \"hidden_act\": \"step\"", BERT_EUNSUPPORTED, {"hidden_act", "step"}},
        {WIDTH, WIDTH ", \"is_decoder\": true", BERT_EUNSUPPORTED, {"is_decoder", NULL}},
        {WIDTH, WIDTH ", \"layer_norm_eps\": -1", BERT_EFORMAT, {"layer_norm_eps", "-1"}},
        {WIDTH, WIDTH ", \"layer_norm_eps\": \"small\"", BERT_EFORMAT, {"layer_norm_eps", NULL}},
        {WIDTH, WIDTH ", " WIDTH, BERT_EFORMAT, {"hidden_size", NULL}}, /* twice */
        {WIDTH, WIDTH ",", BERT_EFORMAT, {NULL, NULL}},
        {WIDTH, WIDTH ", \"x\": [1, 2", BERT_EFORMAT, {NULL, NULL}},
    };

    (void)state;
    check_edits("config.json", edits, sizeof edits / sizeof *edits);
}

/* The config says one thing, the file holds another: tensor and both shapes are named. */
static void test_shapes(void **state)
{
    static const struct {
        const char *from, *to, *names[3];
    } edits[] = {
        {"\"vocab_size\": 61",
         "\"vocab_size\": 62",
         {"embeddings.word_embeddings.weight", "61", "62"}},
        {"\"max_position_embeddings\": 512",
         "\"max_position_embeddings\": 513",
         {"embeddings.position_embeddings.weight", "512", "513"}},
        {"\"intermediate_size\": 47",
         "\"intermediate_size\": 48",
         {LAYER "intermediate.dense.weight", "47", "48"}},
        {WIDTH,
         WIDTH ", \"type_vocab_size\": 3",
         {"embeddings.token_type_embeddings.weight", "2", "3"}},
        {LAYERS, "\"num_hidden_layers\": 4", {"encoder.layer.3.", NULL, NULL}},
        {WIDTH, "\"hidden_size\": 36", {"embeddings.word_embeddings.weight", "33", "36"}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
        struct test_files files;
        base(&files);
        test_files_edit(&files, "config.json", edits[i].from, edits[i].to);
        load_error(&files, BERT_EFORMAT, edits[i].names[0], edits[i].names[1], edits[i].names[2]);
        test_files_free(&files);
    }
}

static void test_config_text(void **state)
{
    static const char *const texts[] = {
        "", "{", "[]", "null", "42", "\"x\"", "{} {}", "\xff", "{\"a\": \"\xff\"}", "{\"a\": nan}"};
    struct test_files files;
    size_t deep = 1u << 20;
    char *nest = malloc(deep);

    (void)state;
    assert_non_null(nest);
    base(&files);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        print_message("  text %zu\n", i);
        test_files_set_text(&files, "config.json", texts[i]);
        load_error(&files, BERT_EFORMAT, "config.json", NULL, NULL);
    }
    test_files_set_text(&files, "config.json", "{}");
    load_error(&files, BERT_EUNSUPPORTED, "config.json", "model_type", NULL);
    memset(nest, '[', deep);
    test_files_set(&files, "config.json", nest, deep);
    load_error(&files, BERT_EFORMAT, "config.json", NULL, NULL);
    test_files_remove(&files, "config.json");
    load_error(&files, BERT_EIO, "config.json", NULL, NULL);
    test_files_free(&files);
    free(nest);
}

/* ---- Weights --------------------------------------------------------------- */

static void test_pickles(void **state)
{
    struct test_files files;

    (void)state;
    base(&files);
    test_files_remove(&files, LARGE);
    load_error(&files, BERT_EIO, LARGE, NULL, NULL);
    test_files_set_text(&files, "pytorch_model.bin", "\x80\x02}q\x01.");
    load_error(&files, BERT_EUNSUPPORTED, "pytorch_model.bin", "python -m libbert.convert", NULL);
    test_files_free(&files);
}

/* Cut at every byte of the header, and at a sample of the data's. */
static void test_truncated(void **state)
{
    struct test_files files = {NULL, 0};
    bert_file *file;
    size_t whole;
    uint64_t header, random = 11;

    (void)state;
    test_files_add(&files, test_path("tests/data/models/bert/activations"));
    file = test_files_find(&files, LARGE);
    whole = file->size;
    memcpy(&header, file->data, sizeof header);
    for (size_t i = 0; i < header + 16; i++) {
        file->size = i;
        load_error(&files, BERT_EFORMAT, LARGE, NULL, NULL);
    }
    for (int i = 0; i < 300; i++) {
        file->size = test_random(&random, (uint32_t)whole);
        load_error(&files, BERT_EFORMAT, LARGE, NULL, NULL);
    }
    file->size = whole - 1;
    load_error(&files, BERT_EFORMAT, LARGE, NULL, NULL);
    file->size = whole;
    bert_model_unref(test_load_files(&files, NULL));
    test_files_free(&files);
}

/* Header of our own over `data` bytes of zeros. */
static void set_weights(struct test_files *files, uint64_t header_size, const char *header,
                        size_t data)
{
    size_t n = 8 + strlen(header) + data;
    char *bytes = calloc(1, n);

    assert_non_null(bytes);
    memcpy(bytes, &header_size, 8);
    memcpy(bytes + 8, header, strlen(header));
    test_files_set(files, LARGE, bytes, n);
    free(bytes);
}

#define TENSOR(name, dtype, shape, from, to)                                                       \
    "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":[" from "," to "]" \
    "}"

static void test_lying_headers(void **state)
{
    static const struct {
        const char *header;
        size_t data;
        const char *name;
        int unsupported; /* might be a file of tomorrow */
    } lies[] = {
        {"", 0, NULL, 0},
        {"[]", 0, NULL, 0},
        {"{\"a\":7}", 0, "a", 0},
        {"{" TENSOR("t", "F32", "[4]", "0", "12") "}", 12, "t", 0},  /* too few bytes */
        {"{" TENSOR("t", "F32", "[4]", "0", "20") "}", 20, "t", 0},  /* too many */
        {"{" TENSOR("t", "F32", "[4]", "4", "20") "}", 20, "t", 0},  /* doesn't start at 0 */
        {"{" TENSOR("t", "F32", "[4]", "16", "0") "}", 16, "t", 0},  /* backwards */
        {"{" TENSOR("t", "F32", "[4]", "0", "16") "}", 20, NULL, 0}, /* data left over */
        {"{" TENSOR("t", "F32", "[4]", "0", "16") "}", 12, "t", 0},  /* past the end */
        {"{" TENSOR("t", "F32", "[-4]", "0", "16") "}", 16, "t", 0},
        {"{" TENSOR("t", "F32", "[4.5]", "0", "18") "}", 18, "t", 0},
        {"{" TENSOR("t", "F32", "4", "0", "16") "}", 16, "t", 0},
        {"{" TENSOR("t", "F99", "[4]", "0", "16") "}", 16, "F99", 1},
        {"{" TENSOR("t", "F32", "[4294967296,4294967296]", "0", "0") "}", 0, "t", 0}, /* wraps */
        {"{" TENSOR("t", "F32", "[4611686018427387904]", "0", "0") "}", 0, "t", 0},
        {"{" TENSOR("t", "F32", "[18446744073709551615]", "0", "16") "}", 16, "t", 0},
        {"{" TENSOR("t", "F32", "[1,1,1,1,1,1,1,1,1,1,1,4]", "0", "16") "}", 16, "t", 1},
        {"{" TENSOR("t", "F32", "[4]", "0", "16") "," TENSOR("u", "F32", "[4]", "8", "24") "}", 24,
         "u", 0}, /* overlap */
        {"{" TENSOR("t", "F32", "[4]", "0", "16") "," TENSOR("u", "F32", "[4]", "20", "36") "}", 36,
         "u", 0}, /* a hole */
        {"{" TENSOR("t", "F32", "[4]", "0", "16") "," TENSOR("t", "F32", "[4]", "16", "32") "}", 32,
         "t", 0}, /* twice */
        {"{" TENSOR("t", "F32", "[4]", "0", "18446744073709551632") "}", 16, "t", 0},
        {"{\"t\":{\"dtype\":\"F32\",\"shape\":[4]}}", 16, "t", 0},
        {"{\"t\":{\"shape\":[4],\"data_offsets\":[0,16]}}", 16, "t", 0},
        {"{\"t\":{\"dtype\":\"F32\",\"data_offsets\":[0,16]}}", 16, "t", 0},
        {"{\"t\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0]}}", 16, "t", 0},
    };
    struct test_files files;

    (void)state;
    base(&files);
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        print_message("  %s\n", lies[i].header);
        set_weights(&files, strlen(lies[i].header), lies[i].header, lies[i].data);
        load_error(&files, lies[i].unsupported ? BERT_EUNSUPPORTED : BERT_EFORMAT, LARGE,
                   lies[i].name, NULL);
    }
    set_weights(&files, 1000, "{}", 0);
    load_error(&files, BERT_EFORMAT, LARGE, NULL, NULL);
    set_weights(&files, UINT64_MAX - 7, "{}", 0);
    load_error(&files, BERT_EFORMAT, LARGE, NULL, NULL);
    set_weights(&files, UINT64_C(100000001), "{}", 0);
    load_error(&files, BERT_EFORMAT, LARGE, NULL, NULL);
    set_weights(&files, 2, "{}", 0); /* well formed, and nothing in it */
    load_error(&files, BERT_EFORMAT, LARGE, "word_embeddings", NULL);
    test_files_free(&files);
}

/* Any byte of the header changed: an error or a model, and never more than that. */
static void test_mutated_headers(void **state)
{
    struct test_files files = {NULL, 0};
    uint64_t header, random = 29;
    char *bytes;

    (void)state;
    test_files_add(&files, test_path("tests/data/models/bert/activations"));
    bytes = (char *)(uintptr_t)test_files_find(&files, LARGE)->data;
    memcpy(&header, bytes, sizeof header);
    for (int i = 0; i < 3000; i++) {
        size_t at = test_random(&random, (uint32_t)header + 8);
        char before = bytes[at];
        struct test_heap heap = {0};
        bert_allocator allocator = test_heap_allocator(&heap);
        bert_model_options options = BERT_MODEL_OPTIONS_INIT;
        bert_model *model = (bert_model *)&files;
        bert_error err;
        bert_status status;
        if (i % 2)
            bytes[at] = (char)((unsigned char)before ^ (1u << test_random(&random, 8)));
        else
            bytes[at] = "0123456789[]{},:\"\\"[test_random(&random, 18)];
        options.allocator = &allocator;
        status = bert_model_load_memory(&model, files.list, files.n, &options, &err);
        if (status != BERT_OK) {
            test_error(status, &err, status, NULL);
            assert_true(status == BERT_EFORMAT || status == BERT_EUNSUPPORTED
                        || status == BERT_ENONFINITE);
            assert_null(model);
        }
        bert_model_unref(model);
        assert_int_equal(heap.live, 0);
        bytes[at] = before;
    }
    bert_model_unref(test_load_files(&files, NULL));
    test_files_free(&files);
}

static void test_tensors(void **state)
{
    static const char *const all[] = {
        "embeddings.word_embeddings.weight",    "embeddings.LayerNorm.bias",
        LAYER "attention.self.query.weight",    LAYER "attention.self.key.bias",
        LAYER "attention.output.dense.weight",  LAYER "attention.output.LayerNorm.weight",
        LAYER "intermediate.dense.bias",        LAYER "output.dense.weight",
        "encoder.layer.2.output.LayerNorm.bias"};

    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        struct test_files files;
        char from[128], to[128];
        base(&files);
        snprintf(from, sizeof from, "\"%s\"", all[i]);
        snprintf(to, sizeof to, "\"%s\"", all[i]);
        to[strlen(to) - 3] = '_'; /* another name of the same length */
        test_files_edit(&files, LARGE, from, to);
        load_error(&files, BERT_EFORMAT, LARGE, all[i], NULL);
        test_files_free(&files);
    }
}

/* A type that can't be a weight: same bytes, other reading. */
static void test_types_of_weights(void **state)
{
    struct test_files files;

    (void)state;
    base(&files);
    test_files_edit(&files, LARGE, "\"embeddings.LayerNorm.bias\":{\"dtype\":\"F32\"",
                    "\"embeddings.LayerNorm.bias\":{\"dtype\":\"I32\"");
    load_error(&files, BERT_EUNSUPPORTED, "embeddings.LayerNorm.bias", "I32", NULL);
    test_files_free(&files);
}

/* ---- Shards ---------------------------------------------------------------- */

static void test_shards(void **state)
{
    static const char *const names[] = {"../model.safetensors", "/etc/passwd", "a/../../b", "", ".",
                                        "missing.safetensors"};
    struct test_files files = {NULL, 0};

    (void)state;
    test_files_add(&files, test_path("tests/data/models/bert/shards32"));
    bert_model_unref(test_load_files(&files, NULL));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct test_files own = {NULL, 0};
        test_files_add(&own, test_path("tests/data/models/bert/shards32"));
        test_files_edit(&own, LARGE ".index.json", "model-00002-of-00003.safetensors", names[i]);
        load_error(&own, i < 5 ? BERT_EFORMAT : BERT_EIO, names[i], NULL, NULL);
        test_files_free(&own);
    }
    test_files_remove(&files, "model-00002-of-00003.safetensors");
    load_error(&files, BERT_EIO, "model-00002-of-00003.safetensors", NULL, NULL);
    test_files_set_text(&files, LARGE ".index.json", "{\"weight_map\": []}");
    load_error(&files, BERT_EFORMAT, "weight_map", NULL, NULL);
    test_files_set_text(&files, LARGE ".index.json", "{}");
    load_error(&files, BERT_EFORMAT, "weight_map", NULL, NULL);
    test_files_free(&files);
}

/* ---- Modules --------------------------------------------------------------- */

static void test_modules(void **state)
{
    static const struct {
        const char *file, *from, *to;
        bert_status want;
        const char *name;
    } edits[] = {
        {"modules.json", "dense.Dense", "dense.Magic", BERT_EUNSUPPORTED, "Magic"},
        {"modules.json", "\"2_Dense\"", "\"../2_Dense\"", BERT_EFORMAT, "../2_Dense"},
        {"modules.json", "\"2_Dense\"", "\"2_Nothing\"", BERT_EIO, "2_Nothing"},
        {"modules.json", "[", "{\"a\": [", BERT_EFORMAT, "modules.json"},
        {"1_Pooling/config.json", "\"mean\"", "\"median\"", BERT_EUNSUPPORTED, "median"},
        {"2_Dense/config.json", "\"in_features\": 32", "\"in_features\": 31", BERT_EFORMAT, "31"},
        {"2_Dense/config.json", "\"out_features\": 20", "\"out_features\": 21", BERT_EFORMAT, "21"},
        {"2_Dense/config.json", "activation.Tanh", "activation.Magic", BERT_EUNSUPPORTED, "Magic"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
        struct test_files files = {NULL, 0};
        print_message("  %s\n", edits[i].to);
        test_files_add(&files, test_path("tests/data/models/embed/base"));
        test_files_add(&files, test_path("tests/data/models/embed/dense_tanh"));
        test_files_edit(&files, edits[i].file, edits[i].from, edits[i].to);
        load_error(&files, edits[i].want, edits[i].name, NULL, NULL);
        test_files_free(&files);
    }
}

/* Not a part of the computation: noted, and the default holds. */
static void test_unknown_similarity(void **state)
{
    struct test_files files = {NULL, 0};
    bert_model *model;
    int noted = 0;

    (void)state;
    test_files_add(&files, test_path("tests/data/models/embed/base"));
    test_files_add(&files, test_path("tests/data/models/embed/dense_tanh"));
    test_files_edit(&files, "config_sentence_transformers.json", "\"cosine\"", "\"sine\"");
    model = test_load_files(&files, NULL);
    assert_string_equal(bert_model_similarity(model), "cosine");
    for (uint32_t i = 0; i < bert_model_note_count(model); i++)
        noted |= strstr(bert_model_note(model, i), "sine\" is not known") != NULL;
    assert_true(noted);
    bert_model_unref(model);
    test_files_free(&files);
}

static void test_dense_without_weights(void **state)
{
    struct test_files files = {NULL, 0};

    (void)state;
    test_files_add(&files, test_path("tests/data/models/embed/base"));
    test_files_add(&files, test_path("tests/data/models/embed/dense_tanh"));
    test_files_remove(&files, "2_Dense/model.safetensors");
    load_error(&files, BERT_EIO, "2_Dense", "model.safetensors", NULL);
    test_files_set_text(&files, "2_Dense/pytorch_model.bin", "x");
    load_error(&files, BERT_EUNSUPPORTED, "2_Dense/pytorch_model.bin", NULL, NULL);
    test_files_free(&files);
}

/* ---- Tokenizer ------------------------------------------------------------- */

/* Ids that the word table lacks: refused at load, or the text's own error; never used. */
static void test_ids_past_the_table(void **state)
{
    static const char added[] = "\"added_tokens\": [{\"id\": 5000, \"content\": \"zap\", "
                                "\"single_word\": false, \"lstrip\": false, \"rstrip\": false, "
                                "\"normalized\": false, \"special\": false}, ";
    struct test_files files = {NULL, 0};
    bert_text text = {"a zap on a mat", 14}, fine = {"a cat", 5};
    bert_model *model = NULL;
    bert_session *session;
    float out[32];
    bert_error err;
    bert_status status;

    (void)state;
    test_files_add(&files, test_path("tests/data/models/embed/base"));
    test_files_edit(&files, "tokenizer.json", "\"added_tokens\": [", added);
    status = bert_model_load_memory(&model, files.list, files.n, NULL, &err);
    if (status != BERT_OK) {
        test_error(status, &err, BERT_EFORMAT, "zap", NULL);
    } else {
        session = test_session(model, 1);
        test_error(bert_embed(session, &text, 1, NULL, out, 32, NULL, &err), &err, BERT_EINVAL,
                   "264", NULL); /* as the reference numbers it: the next free id */
        test_ok(bert_embed(session, &fine, 1, NULL, out, 32, NULL, &err), &err);
        bert_session_destroy(session);
    }
    bert_model_unref(model);
    test_files_free(&files);
}

/* A tokenizer that is not handled leaves the model usable with ids, and says why. */
static void test_unknown_tokenizer(void **state)
{
    struct test_files files = {NULL, 0};
    const bert_tokenizer *tokenizer;
    bert_model *model;
    bert_error err;

    (void)state;
    test_files_add(&files, test_path("tests/data/models/embed/base"));
    test_files_edit(&files, "tokenizer.json", "\"BertNormalizer\"", "\"MagicNormalizer\"");
    test_ok(bert_model_load_memory(&model, files.list, files.n, NULL, &err), &err);
    test_error(bert_model_tokenizer(model, &tokenizer, &err), &err, BERT_EUNSUPPORTED,
               "MagicNormalizer", NULL);
    bert_model_unref(model);
    test_files_set_text(&files, "tokenizer.json", "{\"model\": ");
    load_error(&files, BERT_EFORMAT, "tokenizer.json", NULL, NULL);
    test_files_free(&files);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_config),
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_config_text),
        cmocka_unit_test(test_pickles),
        cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_lying_headers),
        cmocka_unit_test(test_mutated_headers),
        cmocka_unit_test(test_tensors),
        cmocka_unit_test(test_types_of_weights),
        cmocka_unit_test(test_shards),
        cmocka_unit_test(test_modules),
        cmocka_unit_test(test_unknown_similarity),
        cmocka_unit_test(test_dense_without_weights),
        cmocka_unit_test(test_ids_past_the_table),
        cmocka_unit_test(test_unknown_tokenizer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
