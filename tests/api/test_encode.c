/* SPDX-License-Identifier: MIT */
/*
 * test_encode.c - the encoder against transformers: every hidden state, attention
 * and pooler output of tests/fixtures/make_bert_fixtures.py, on every instruction set.
 */
#include "support.h"

#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ALL = BERT_OUTPUT_LAST_HIDDEN_STATE | BERT_OUTPUT_HIDDEN_STATES | BERT_OUTPUT_ATTENTIONS };

static const char *const checkpoints[] = {"base33", "odd35",    "wide96",
                                          "one64",  "shards32", "mixed48"};
enum { N_CHECKPOINTS = sizeof checkpoints / sizeof *checkpoints };

struct fixture {
    const char *name, *cpu;
    struct test_arrays expected;
    bert_model *model;
    bert_session *session;
    size_t hidden;
};

static void open_fixture(struct fixture *f, const char *name, const char *cpu)
{
    f->name = name;
    f->cpu = cpu;
    test_arrays_load(&f->expected, test_path("tests/data/models/bert/%s/expected.bin", name));
    f->model = test_load(test_path("tests/data/models/bert/%s", name), cpu);
    f->session = test_session(f->model, 2);
    f->hidden = bert_model_hidden_size(f->model);
}

static void close_fixture(struct fixture *f)
{
    bert_session_destroy(f->session);
    bert_model_unref(f->model);
    test_arrays_free(&f->expected);
}

/* One output, its shape checked against the expected array of the same shape. */
static const float *output(const bert_outputs *outputs, bert_output which,
                           const struct test_array *like)
{
    uint32_t shape[4] = {0, 0, 0, 0}, rank = 0;
    const float *values = bert_outputs_get(outputs, which, 0, shape, &rank);

    assert_non_null(values);
    if (like != NULL) {
        assert_int_equal(rank, like->rank);
        for (uint32_t i = 0; i < rank; i++)
            assert_int_equal(shape[i], like->shape[i]);
    }
    return values;
}

static void check_sums(const struct fixture *f, size_t c, const float *last, size_t tokens)
{
    const double *rows = test_need(&f->expected, "%zu.row_sums", c)->data;
    const double *columns = test_need(&f->expected, "%zu.column_sums", c)->data;
    double limit = test_tolerance(last, tokens * f->hidden);

    for (size_t r = 0; r < tokens; r++) {
        double sum = 0;
        for (size_t i = 0; i < f->hidden; i++)
            sum += (double)last[r * f->hidden + i];
        if (!(fabs(sum - rows[r]) <= limit * (double)f->hidden))
            fail_msg("%s case %zu: row %zu sums to %.9g, expected %.9g", f->name, c, r, sum,
                     rows[r]);
    }
    for (size_t i = 0; i < f->hidden; i++) {
        double sum = 0;
        for (size_t r = 0; r < tokens; r++)
            sum += (double)last[r * f->hidden + i];
        if (!(fabs(sum - columns[i]) <= limit * (double)tokens))
            fail_msg("%s case %zu: column %zu sums to %.9g, expected %.9g", f->name, c, i, sum,
                     columns[i]);
    }
}

static void check_long(const struct fixture *f, size_t c, const float *last, size_t tokens)
{
    const struct test_array *rows = test_need(&f->expected, "%zu.rows", c);
    const float *picked = test_need(&f->expected, "%zu.picked", c)->data;

    for (size_t i = 0; i < rows->count; i++) {
        size_t row = (size_t)((const int32_t *)rows->data)[i];
        assert_true(row < tokens);
        test_close(f->name, last + row * f->hidden, picked + i * f->hidden, f->hidden);
    }
    check_sums(f, c, last, tokens);
}

static void check_short(const struct fixture *f, size_t c, const bert_outputs *outputs,
                        size_t tokens)
{
    const struct test_array *hidden = test_need(&f->expected, "%zu.hidden", c);
    const struct test_array *attentions = test_need(&f->expected, "%zu.attentions", c);
    const float *states = output(outputs, BERT_OUTPUT_HIDDEN_STATES, hidden);
    const float *last = output(outputs, BERT_OUTPUT_LAST_HIDDEN_STATE, NULL);
    size_t step = tokens * f->hidden;

    for (uint32_t l = 0; l < hidden->shape[0]; l++) {
        char what[64];
        snprintf(what, sizeof what, "%s %s case %zu state %u", f->name, f->cpu, c, l);
        test_close(what, states + l * step, (const float *)hidden->data + l * step, step);
    }
    test_same("last hidden state", last, states + (hidden->shape[0] - 1) * step, step);
    test_close("attentions", output(outputs, BERT_OUTPUT_ATTENTIONS, attentions), attentions->data,
               attentions->count);
}

/* Number of sequences in the fixture; the ids and types of sequence c. */
static const struct test_array *sequence(const struct fixture *f, size_t c, const int32_t **types)
{
    const struct test_array *ids = test_find(&f->expected, "%zu.ids", c);
    const struct test_array *t = test_find(&f->expected, "%zu.types", c);

    *types = t != NULL ? t->data : NULL;
    return ids;
}

static void check_case(struct fixture *f, size_t c)
{
    const int32_t *types;
    const struct test_array *ids = sequence(f, c, &types);
    const struct test_array *pooler = test_find(&f->expected, "%zu.pooler", c);
    uint32_t offsets[2] = {0, (uint32_t)ids->count};
    uint32_t what = ALL | (pooler != NULL ? BERT_OUTPUT_POOLER : 0u);
    size_t n = ids->count * f->hidden;
    float *alone = malloc(n * sizeof *alone);
    bert_outputs *outputs;
    const float *last;
    bert_error err;

    assert_non_null(alone);
    test_ok(bert_forward(f->session, what, ids->data, types, offsets, 1, &outputs, &err), &err);
    last = output(outputs, BERT_OUTPUT_LAST_HIDDEN_STATE, NULL);
    if (test_find(&f->expected, "%zu.hidden", c) != NULL)
        check_short(f, c, outputs, ids->count);
    else
        check_long(f, c, last, ids->count);
    if (pooler != NULL)
        test_close("pooler", output(outputs, BERT_OUTPUT_POOLER, pooler), pooler->data,
                   pooler->count);
    test_ok(bert_encode(f->session, ids->data, types, offsets, 1, alone, n, &err), &err);
    test_same("bert_encode", alone, last, n);
    bert_outputs_free(outputs);
    free(alone);
}

/* All sequences that have types, as one batch: each as it is alone. */
static void check_batch(struct fixture *f)
{
    int32_t ids[2048], types[2048];
    uint32_t offsets[17] = {0}, n = 0;
    const int32_t *kinds;
    const struct test_array *a;
    float *together, *alone;
    bert_error err;

    for (size_t c = 1; (a = sequence(f, c, &kinds)) != NULL; c++, n++) {
        assert_true(offsets[n] + a->count <= 2048);
        memcpy(ids + offsets[n], a->data, a->count * sizeof *ids);
        memcpy(types + offsets[n], kinds, a->count * sizeof *types);
        offsets[n + 1] = offsets[n] + (uint32_t)a->count;
    }
    together = malloc(offsets[n] * f->hidden * sizeof *together);
    alone = malloc(offsets[n] * f->hidden * sizeof *alone);
    assert_true(together != NULL && alone != NULL);
    test_ok(bert_encode(f->session, ids, types, offsets, n, together, offsets[n] * f->hidden, &err),
            &err);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t one[2] = {0, offsets[i + 1] - offsets[i]};
        test_ok(bert_encode(f->session, ids + offsets[i], types + offsets[i], one, 1, alone,
                            one[1] * f->hidden, &err),
                &err);
        test_same("in a batch", together + offsets[i] * f->hidden, alone, one[1] * f->hidden);
    }
    free(alone);
    free(together);
}

static void test_checkpoints(void **state)
{
    const char *cpu;

    (void)state;
    for (uint32_t i = 0; (cpu = bert_cpu_name(i)) != NULL; i++) {
        print_message("cpu %s\n", cpu);
        for (size_t k = 0; k < N_CHECKPOINTS; k++) {
            struct fixture f;
            const int32_t *types;
            size_t c = 0;
            open_fixture(&f, checkpoints[k], cpu);
            assert_string_equal(bert_model_cpu(f.model), cpu);
            for (; sequence(&f, c, &types) != NULL; c++)
                check_case(&f, c);
            assert_true(c >= 5);
            check_batch(&f);
            close_fixture(&f);
        }
    }
}

static void last_state(bert_model *model, float *out)
{
    static const int32_t ids[] = {1, 30, 2, 7, 7, 19};
    static const uint32_t offsets[] = {0, 4, 6};
    bert_session *session = test_session(model, 1);
    bert_error err;

    test_ok(bert_encode(session, ids, NULL, offsets, 2, out,
                        6 * (size_t)bert_model_hidden_size(model), &err),
            &err);
    bert_session_destroy(session);
    bert_model_unref(model);
}

/* From a path, a descriptor, memory, a mapping: the same model. */
static void test_ways_to_load(void **state)
{
    (void)state;
    for (size_t k = 0; k < N_CHECKPOINTS; k++) {
        const char *dir = test_path("tests/data/models/bert/%s", checkpoints[k]);
        bert_model_options map = BERT_MODEL_OPTIONS_INIT;
        struct test_files files = {NULL, 0};
        float want[6 * 96], got[6 * 96];
        bert_model *model = test_load(dir, NULL);
        size_t n = 6 * (size_t)bert_model_hidden_size(model);
        int fd = open(dir, O_RDONLY | O_DIRECTORY);
        bert_error err;
        last_state(model, want);
        test_ok(bert_model_load_fd(&model, fd, NULL, &err), &err);
        close(fd);
        last_state(model, got);
        test_same("from a descriptor", got, want, n);
        test_files_add(&files, dir);
        model = test_load_files(&files, NULL);
        test_files_free(&files); /* nothing of it is kept */
        last_state(model, got);
        test_same("from memory", got, want, n);
        map.flags = BERT_MODEL_MAP;
        test_ok(bert_model_load(&model, dir, &map, &err), &err);
        last_state(model, got);
        test_same("mapped", got, want, n);
    }
}

static void test_facts(void **state)
{
    struct fixture f;

    (void)state;
    open_fixture(&f, "base33", NULL); /* its config leaves out what has a default */
    assert_string_equal(bert_model_architecture(f.model), "bert");
    assert_string_equal(bert_model_task(f.model), "encoder");
    assert_int_equal(bert_model_hidden_size(f.model), 33);
    assert_int_equal(bert_model_heads(f.model), 3);
    assert_int_equal(bert_model_layers(f.model), 3);
    assert_int_equal(bert_model_intermediate_size(f.model), 47);
    assert_int_equal(bert_model_vocab_size(f.model), 61);
    assert_int_equal(bert_model_type_vocab_size(f.model), 2);
    assert_int_equal(bert_model_max_positions(f.model), 512);
    assert_int_equal(bert_model_has_pooler(f.model), 1);
    /* tables, 3 layers, pooler */
    assert_int_equal(bert_model_parameters(f.model),
                     (61 + 512 + 2 + 2) * 33
                         + 3 * (4 * 33 * 34 + 33 * 47 + 47 + 47 * 33 + 33 + 4 * 33) + 33 * 34);
    close_fixture(&f);
    open_fixture(&f, "odd35", NULL);
    assert_int_equal(bert_model_has_pooler(f.model), 0);
    assert_int_equal(bert_model_type_vocab_size(f.model), 1);
    close_fixture(&f);
}

static void test_activations(void **state)
{
    struct test_files files = {NULL, 0};
    struct test_arrays expected;
    const struct test_array *ids;
    bert_error err;
    const char *cpu;
    float got[9 * 32];
    uint32_t offsets[2] = {0, 9};

    (void)state;
    test_files_add(&files, test_path("tests/data/models/bert/activations"));
    test_arrays_load(&expected, test_path("tests/data/models/bert/activations/expected.bin"));
    ids = test_need(&expected, "ids");
    assert_int_equal(ids->count, 9);
    for (size_t i = 0; i < expected.n; i++) {
        const struct test_array *want = &expected.list[i];
        struct test_files own = {NULL, 0};
        char value[96];
        if (want == ids)
            continue;
        test_files_set(&own, "model.safetensors",
                       test_files_find(&files, "model.safetensors")->data,
                       test_files_find(&files, "model.safetensors")->size);
        test_files_set(&own, "config.json", test_files_find(&files, "config.json")->data,
                       test_files_find(&files, "config.json")->size);
        snprintf(value, sizeof value, "\"hidden_act\": \"%s\"", want->name);
        test_files_edit(&own, "config.json", "\"hidden_act\": \"gelu\"", value);
        for (uint32_t k = 0; (cpu = bert_cpu_name(k)) != NULL; k++) {
            bert_model *model = test_load_files(&own, cpu);
            bert_session *session = test_session(model, 1);
            test_ok(bert_encode(session, ids->data, NULL, offsets, 1, got, 9 * 32, &err), &err);
            test_close(want->name, got, want->data, want->count);
            bert_session_destroy(session);
            bert_model_unref(model);
        }
        test_files_free(&own);
    }
    test_arrays_free(&expected);
    test_files_free(&files);
}

/* The real model: part of each row, and the sums of all. */
static void check_minilm_text(struct fixture *f, size_t c, const struct test_array *ids)
{
    const struct test_array *columns = test_need(&f->expected, "columns");
    const struct test_array *rows = test_need(&f->expected, "%zu.rows", c);
    const struct test_array *pooler = test_need(&f->expected, "%zu.pooler", c);
    const float *picked = test_need(&f->expected, "%zu.picked", c)->data;
    uint32_t offsets[2] = {0, (uint32_t)ids->count};
    bert_outputs *outputs;
    const float *last;
    bert_error err;

    test_ok(bert_forward(f->session, BERT_OUTPUT_LAST_HIDDEN_STATE | BERT_OUTPUT_POOLER, ids->data,
                         NULL, offsets, 1, &outputs, &err),
            &err);
    last = output(outputs, BERT_OUTPUT_LAST_HIDDEN_STATE, NULL);
    for (size_t r = 0; r < rows->count; r++) {
        float row[512];
        const float *from = last + (size_t)((const int32_t *)rows->data)[r] * f->hidden;
        for (size_t i = 0; i < columns->count; i++)
            row[i] = from[((const int32_t *)columns->data)[i]];
        test_close("all-MiniLM-L6-v2", row, picked + r * columns->count, columns->count);
    }
    check_sums(f, c, last, ids->count);
    test_close("pooler", output(outputs, BERT_OUTPUT_POOLER, pooler), pooler->data, pooler->count);
    bert_outputs_free(outputs);
}

static void check_minilm_ids(struct fixture *f, size_t c, const struct test_array *ids)
{
    const struct test_array *text = test_need(&f->expected, "%zu.text", c);
    const bert_tokenizer *tokenizer;
    bert_encoding *encoding;
    bert_error err;

    test_ok(bert_model_tokenizer(f->model, &tokenizer, &err), &err);
    test_ok(
        bert_tokenize(tokenizer, (bert_text){text->data, text->count}, NULL, NULL, &encoding, &err),
        &err);
    assert_int_equal(bert_encoding_size(encoding), ids->count);
    assert_memory_equal(bert_encoding_ids(encoding), ids->data, ids->count * sizeof(int32_t));
    bert_encoding_free(encoding);
}

static void test_real_model(void **state)
{
    const char *dir = test_minilm(), *cpu;
    const struct test_array *ids;

    (void)state;
    if (dir == NULL)
        skip();
    for (uint32_t i = 0; (cpu = bert_cpu_name(i)) != NULL; i++) {
        struct fixture f = {"all-MiniLM-L6-v2", cpu, {NULL, 0}, NULL, NULL, 384};
        test_arrays_load(&f.expected, test_path("tests/data/models/bert/minilm.bin"));
        f.model = test_load(dir, cpu);
        f.session = test_session(f.model, 0);
        for (size_t c = 0; (ids = test_find(&f.expected, "%zu.ids", c)) != NULL; c++) {
            check_minilm_ids(&f, c, ids);
            check_minilm_text(&f, c, ids);
        }
        close_fixture(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_checkpoints), cmocka_unit_test(test_ways_to_load),
        cmocka_unit_test(test_facts),       cmocka_unit_test(test_activations),
        cmocka_unit_test(test_real_model),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
