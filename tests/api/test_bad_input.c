/* SPDX-License-Identifier: MIT */
/*
 * test_bad_input.c - wrong arguments and hostile texts: the right status, a message that
 * names what is wrong, and a session that gives the same bits afterwards.
 */
#include "support.h"

#include <stdlib.h>
#include <string.h>

enum { HIDDEN = 33, VOCAB = 61, TOKENS = 20, N = TOKENS * HIDDEN };

struct scene {
    bert_model *model;
    bert_session *session;
    float want[N];
};

static const uint32_t good_offsets[] = {0, 5, TOKENS};

static bert_status encode(struct scene *s, const int32_t *ids, const int32_t *types,
                          const uint32_t *offsets, uint32_t n, bert_error *err)
{
    float out[N];

    memset(err, 0, sizeof *err);
    return bert_encode(s->session, ids, types, offsets, n, out, N, err);
}

static void good_ids(int32_t *ids)
{
    for (int i = 0; i < TOKENS; i++)
        ids[i] = i * 3;
}

static void answer(struct scene *s, float *out)
{
    int32_t ids[TOKENS];
    bert_error err;

    good_ids(ids);
    test_ok(bert_encode(s->session, ids, NULL, good_offsets, 2, out, N, &err), &err);
}

static int open_scene(void **state)
{
    struct scene *s = calloc(1, sizeof *s);

    assert_non_null(s);
    s->model = test_load(test_path("tests/data/models/bert/base33"), NULL);
    s->session = test_session(s->model, 2);
    answer(s, s->want);
    *state = s;
    return 0;
}

/* Teardown of every test: whatever went before, the bits are those of the start. */
static int close_scene(void **state)
{
    struct scene *s = *state;
    float out[N];

    answer(s, out);
    test_same("after the errors", out, s->want, N);
    bert_session_destroy(s->session);
    bert_model_unref(s->model);
    free(s);
    return 0;
}

static void test_ids(void **state)
{
    static const int32_t bad[] = {-1, VOCAB, INT32_MIN, INT32_MAX};
    static const int places[] = {0, 7, TOKENS - 1};
    int32_t ids[TOKENS];
    bert_error err;

    for (int i = 0; i < 4; i++)
        for (int k = 0; k < 3; k++) {
            char value[16];
            good_ids(ids);
            ids[places[k]] = bad[i];
            snprintf(value, sizeof value, "%d", bad[i]);
            test_error(encode(*state, ids, NULL, good_offsets, 2, &err), &err, BERT_EINVAL, value,
                       NULL);
        }
    good_ids(ids);
    test_error(encode(*state, NULL, NULL, good_offsets, 2, &err), &err, BERT_EINVAL, NULL);
    assert_int_equal(
        bert_encode(((struct scene *)*state)->session, NULL, NULL, good_offsets, 2, NULL, 0, NULL),
        BERT_EINVAL); /* no bert_error is fine */
}

static void test_type_ids(void **state)
{
    static const int32_t bad[] = {-1, 2, INT32_MIN, INT32_MAX};
    int32_t ids[TOKENS], types[TOKENS];
    bert_error err;

    good_ids(ids);
    for (int i = 0; i < 4; i++) {
        char value[16];
        memset(types, 0, sizeof types);
        types[TOKENS - 1] = bad[i];
        snprintf(value, sizeof value, "%d", bad[i]);
        test_error(encode(*state, ids, types, good_offsets, 2, &err), &err, BERT_EINVAL, value,
                   NULL);
    }
}

static void test_offsets(void **state)
{
    static const struct {
        uint32_t offsets[4], n;
        bert_status want;
    } bad[] = {
        {{1, 5, 0, 0}, 1, BERT_EINVAL},              /* doesn't start at 0 */
        {{0, 5, 3, 0}, 2, BERT_EINVAL},              /* falls */
        {{0, 5, 3, 9}, 3, BERT_EINVAL},              /**/
        {{0, 5, 5, 9}, 3, BERT_EINVAL},              /* an empty sequence */
        {{0, 0, 0, 0}, 1, BERT_EINVAL},              /**/
        {{0, UINT32_MAX, 0, 0}, 1, BERT_ERANGE},     /* more than ids has: not read */
        {{0, UINT32_MAX, 5, 0}, 2, BERT_ERANGE},     /**/
        {{0, 5, UINT32_MAX - 1, 9}, 2, BERT_ERANGE}, /**/
        {{0, 0x80000000u, 0x80000001u, 0}, 2, BERT_ERANGE},
    };
    int32_t ids[TOKENS];
    bert_error err;

    good_ids(ids);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        test_error(encode(*state, ids, NULL, bad[i].offsets, bad[i].n, &err), &err, bad[i].want,
                   NULL);
    test_error(encode(*state, ids, NULL, NULL, 2, &err), &err, BERT_EINVAL, NULL);
}

static void test_empty_batch(void **state)
{
    struct scene *s = *state;
    uint32_t zero = 0;
    bert_outputs *outputs;
    bert_error err;

    test_ok(bert_encode(s->session, NULL, NULL, &zero, 0, NULL, 0, &err), &err);
    test_ok(bert_forward(s->session, BERT_OUTPUT_LAST_HIDDEN_STATE, NULL, NULL, &zero, 0, &outputs,
                         &err),
            &err);
    assert_null(bert_outputs_get(outputs, BERT_OUTPUT_LAST_HIDDEN_STATE, 0, NULL, NULL));
    bert_outputs_free(outputs);
    bert_outputs_free(NULL);
    bert_session_destroy(NULL);
    bert_model_unref(NULL);
}

static void test_ranges(void **state)
{
    static const int32_t ids[600];
    static float out[600 * HIDDEN];
    uint32_t offsets[] = {0, 10, 20, 30};
    bert_session_options options = BERT_SESSION_OPTIONS_INIT;
    struct scene *s = *state;
    bert_session *small;
    bert_error err;

    options.max_tokens = 32;
    options.max_sequences = 2;
    test_ok(bert_session_create(&small, s->model, &options, &err), &err);
    assert_int_equal(bert_session_max_tokens(small), 32);
    test_error(bert_encode(small, ids, NULL, offsets, 3, out, 600 * HIDDEN, &err), &err,
               BERT_ERANGE, "3", "2", NULL);
    offsets[2] = 33;
    test_error(bert_encode(small, ids, NULL, offsets, 2, out, 600 * HIDDEN, &err), &err,
               BERT_ERANGE, "33", "32", NULL);
    offsets[2] = 32;
    test_ok(bert_encode(small, ids, NULL, offsets, 2, out, 600 * HIDDEN, &err), &err);
    test_error(bert_encode(small, ids, NULL, offsets, 2, out, 32 * HIDDEN - 1, &err), &err,
               BERT_ERANGE, "1055", NULL);
    test_error(bert_encode(small, ids, NULL, offsets, 2, NULL, 32 * HIDDEN, &err), &err,
               BERT_EINVAL, NULL);
    bert_session_destroy(small);
    offsets[1] = 513; /* of 512 positions */
    test_error(bert_encode(s->session, ids, NULL, offsets, 1, out, 600 * HIDDEN, &err), &err,
               BERT_ERANGE, "513", "512", NULL);
    offsets[1] = 512;
    test_ok(bert_encode(s->session, ids, NULL, offsets, 1, out, 600 * HIDDEN, &err), &err);
}

static void test_outputs(void **state)
{
    static const int32_t ids[4];
    static const uint32_t offsets[] = {0, 4};
    struct scene *s = *state;
    bert_model *plain = test_load(test_path("tests/data/models/bert/odd35"), NULL);
    bert_session *session = test_session(plain, 1);
    bert_outputs *outputs = (bert_outputs *)&outputs;
    bert_error err;

    test_error(bert_forward(session, BERT_OUTPUT_POOLER, ids, NULL, offsets, 1, &outputs, &err),
               &err, BERT_EUNSUPPORTED, "pooler", NULL);
    assert_null(outputs);
    outputs = (bert_outputs *)&outputs;
    test_error(bert_forward(s->session, 1u << 20, ids, NULL, offsets, 1, &outputs, &err), &err,
               BERT_EINVAL, NULL);
    assert_null(outputs);
    test_ok(bert_forward(s->session, BERT_OUTPUT_POOLER, ids, NULL, offsets, 1, &outputs, &err),
            &err);
    assert_null(bert_outputs_get(outputs, BERT_OUTPUT_ATTENTIONS, 0, NULL, NULL));
    assert_null(bert_outputs_get(outputs, BERT_OUTPUT_POOLER, 1, NULL, NULL));
    assert_non_null(bert_outputs_get(outputs, BERT_OUTPUT_POOLER, 0, NULL, NULL));
    bert_outputs_free(outputs);
    bert_session_destroy(session);
    bert_model_unref(plain);
}

/* ---- Options --------------------------------------------------------------- */

struct longer { /* of a later version of the headers */
    bert_model_options known;
    uint64_t later[4];
};

static void load_error(const bert_model_options *options, bert_status want, const char *word)
{
    bert_model *model = (bert_model *)&model;
    bert_error err;

    test_error(bert_model_load(&model, test_path("tests/data/models/bert/base33"), options, &err),
               &err, want, word, NULL);
    assert_null(model);
}

static void test_option_sizes(void **state)
{
    struct longer options = {BERT_MODEL_OPTIONS_INIT, {0, 0, 0, 0}};
    bert_model *model;
    bert_error err;

    (void)state;
    options.known.size = sizeof options;
    test_ok(
        bert_model_load(&model, test_path("tests/data/models/bert/base33"), &options.known, &err),
        &err);
    bert_model_unref(model);
    options.later[3] = 1;
    load_error(&options.known, BERT_EINVAL, "option");
    options.known.size = 0;
    load_error(&options.known, BERT_EINVAL, "size");
    options.known.size = SIZE_MAX;
    load_error(&options.known, BERT_EINVAL, "size");
    options.known.size = offsetof(bert_model_options, cpu); /* an older version's */
    options.known.cpu = "quantum";
    test_ok(
        bert_model_load(&model, test_path("tests/data/models/bert/base33"), &options.known, &err),
        &err);
    bert_model_unref(model);
}

static void test_model_options(void **state)
{
    bert_model_options o = BERT_MODEL_OPTIONS_INIT;

    (void)state;
    o.cpu = "quantum";
    load_error(&o, BERT_EINVAL, "quantum");
    o.cpu = NULL;
    o.backend = "abacus";
    load_error(&o, BERT_EBACKEND, "abacus");
    assert_int_equal(bert_backend_available("abacus", NULL), 0);
    assert_int_equal(bert_backend_available("cpu", NULL), 1);
    assert_int_equal(bert_cpu_available("quantum"), 0);
    assert_int_equal(bert_cpu_available("scalar"), 1);
    o.backend = "../../evil";
    load_error(&o, BERT_EBACKEND, NULL);
    o.backend = NULL;
    o.precision = 99;
    load_error(&o, BERT_EINVAL, "99");
    o.precision = 0;
    o.flags = 1u << 30;
    load_error(&o, BERT_EINVAL, "flags");
    o.flags = 0;
    o.max_bytes = 1000;
    load_error(&o, BERT_ELIMIT, NULL);
    o.max_bytes = 0;
    o.max_file_bytes = 1000;
    load_error(&o, BERT_ELIMIT, "model.safetensors");
    o.max_file_bytes = 0;
    o.max_layers = 2;
    load_error(&o, BERT_ELIMIT, "num_hidden_layers");
}

static void test_session_options(void **state)
{
    bert_session_options o = BERT_SESSION_OPTIONS_INIT;
    struct scene *s = *state;
    bert_session *session = (bert_session *)&o;
    uint64_t bytes, more;
    bert_error err;

    o.max_bytes = 10000;
    test_error(bert_session_create(&session, s->model, &o, &err), &err, BERT_ELIMIT, NULL);
    assert_null(session);
    o.max_bytes = 0;
    test_ok(bert_session_estimate(s->model, &o, &bytes, &err), &err);
    o.max_bytes = bytes; /* the estimate is enough, and one byte less is not sure to be */
    test_ok(bert_session_create(&session, s->model, &o, &err), &err);
    bert_session_destroy(session);
    o.max_bytes = 0;
    o.max_tokens = 100000;
    test_ok(bert_session_estimate(s->model, &o, &more, &err), &err);
    assert_true(more > bytes);
    o.max_tokens = UINT32_MAX;
    o.threads = UINT32_MAX; /* sizes near the type's end: refused or computed, never wrapped */
    if (bert_session_estimate(s->model, &o, &more, &err) == BERT_OK)
        assert_true(more > (uint64_t)UINT32_MAX * HIDDEN * sizeof(float));
    o.max_bytes = 1u << 20;
    session = (bert_session *)&o;
    assert_int_not_equal(bert_session_create(&session, s->model, &o, &err), BERT_OK);
    assert_null(session);
    o.size = 3;
    test_error(bert_session_create(&session, s->model, &o, &err), &err, BERT_EINVAL, "size", NULL);
    test_error(bert_session_create(&session, NULL, NULL, &err), &err, BERT_EINVAL, NULL);
}

/* ---- Texts ----------------------------------------------------------------- */

struct texts {
    struct test_files files;
    bert_model *model;
    bert_session *session;
    float want[32];
};

static const bert_text plain_text = {"a cat on a mat", 14};

static int open_texts(void **state)
{
    struct texts *t = calloc(1, sizeof *t);
    bert_error err;

    assert_non_null(t);
    test_files_add(&t->files, test_path("tests/data/models/embed/base"));
    test_files_add(&t->files, test_path("tests/data/models/embed/legacy_mean"));
    t->model = test_load_files(&t->files, NULL);
    t->session = test_session(t->model, 2);
    test_ok(bert_embed(t->session, &plain_text, 1, NULL, t->want, 32, NULL, &err), &err);
    *state = t;
    return 0;
}

static int close_texts(void **state)
{
    struct texts *t = *state;
    float out[32];
    bert_error err;

    test_ok(bert_embed(t->session, &plain_text, 1, NULL, out, 32, NULL, &err), &err);
    test_same("after the errors", out, t->want, 32);
    bert_session_destroy(t->session);
    bert_model_unref(t->model);
    test_files_free(&t->files);
    free(t);
    return 0;
}

static void embed_text(struct texts *t, const char *data, size_t size, bert_embed_report *report)
{
    bert_text text = {data, size};
    double sum = 0;
    float out[32];
    bert_error err;

    test_ok(bert_embed(t->session, &text, 1, NULL, out, 32, report, &err), &err);
    for (int i = 0; i < 32; i++)
        sum += (double)out[i] * (double)out[i];
    assert_true(sum > 0.999 && sum < 1.001);
}

static void test_hostile_texts(void **state)
{
    static const struct {
        const char *data;
        size_t size;
    } texts[] = {
        {NULL, 0},
        {"", 0},
        {"\0", 1},
        {"a\0b\0\0c", 6},
        {"\xff\xfe\xfd", 3},
        {"\xc0\x80", 2},
        {"\xed\xa0\x80", 3},
        {"\xf4\x90\x80\x80", 4},
        {"\xe2\x82", 2},
        {"ok \xf0\x9f\x98", 6},
        {"\xf8\x88\x80\x80\x80", 5},
        {"\r\n\t \v\f", 6},
        {"\xe2\x80\x8b\xef\xbb\xbf", 6},
    };
    size_t size = 10u << 20;
    char *big = malloc(size);
    bert_embed_report report;

    assert_non_null(big);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        embed_text(*state, texts[i].data, texts[i].size, &report);
    memset(big, 'a', size); /* one word */
    embed_text(*state, big, size, &report);
    assert_int_equal(report.tokens, 3);
    for (size_t i = 0; i < size; i++)
        big[i] = "a cat, "[i % 7];
    embed_text(*state, big, size, &report);
    assert_int_equal(report.tokens, 64);
    assert_true(report.truncated > 4000000);
    memset(big, 0xff, size);
    embed_text(*state, big, size, &report);
    memset(big, 0, size);
    embed_text(*state, big, size, &report);
    assert_int_equal(report.tokens, 2);
    free(big);
}

static void embed_error(struct texts *t, const bert_embed_options *o, bert_status want,
                        const char *word)
{
    float out[64];
    bert_error err;

    test_error(bert_embed(t->session, &plain_text, 1, o, out, 64, NULL, &err), &err, want, word,
               NULL);
}

static void test_embed_options(void **state)
{
    bert_embed_options o = BERT_EMBED_OPTIONS_INIT;
    bert_embed_options fine = o;
    bert_text broken = {NULL, 5};
    float out[32];
    bert_error err;
    struct texts *t = *state;

    o.pooling = 99;
    embed_error(t, &o, BERT_EINVAL, "pooling");
    o = fine;
    o.normalize = 9;
    embed_error(t, &o, BERT_EINVAL, "normalize");
    o = fine;
    o.overlong = 9;
    embed_error(t, &o, BERT_EINVAL, "overlong");
    o = fine;
    o.dimensions = 33;
    embed_error(t, &o, BERT_EINVAL, "33");
    o = fine;
    o.prompt_name = "nonesuch";
    embed_error(t, &o, BERT_EINVAL, "nonesuch");
    o = fine;
    o.prompt = &broken;
    embed_error(t, &o, BERT_EINVAL, NULL);
    o = fine;
    o.size = 1;
    embed_error(t, &o, BERT_EINVAL, "size");
    o = fine;
    o.overlong = BERT_OVERLONG_WINDOWS;
    o.stride = 62; /* of 62 tokens of room */
    embed_error(t, &o, BERT_EINVAL, "stride");
    test_error(bert_embed(t->session, &broken, 1, NULL, out, 32, NULL, &err), &err, BERT_EINVAL,
               NULL);
    test_error(bert_embed(t->session, &plain_text, 1, NULL, out, 31, NULL, &err), &err, BERT_ERANGE,
               "31", "32", NULL);
    test_error(bert_embed(t->session, NULL, 1, NULL, out, 32, NULL, &err), &err, BERT_EINVAL, NULL);
    test_ok(bert_embed(t->session, NULL, 0, NULL, NULL, 0, NULL, &err), &err);
    test_error(bert_similarity("sine", out, out, 1, out, &err), &err, BERT_EINVAL, "sine", NULL);
}

/* One text of three is too long: with reports it alone fails, without it the call does. */
static void test_one_bad_text(void **state)
{
    bert_embed_options o = BERT_EMBED_OPTIONS_INIT;
    static const float zeros[32];
    struct texts *t = *state;
    bert_text texts[3] = {plain_text, {NULL, 4000}, plain_text};
    char *many = malloc(4000);
    bert_embed_report reports[3];
    float out[96];
    bert_error err;

    assert_non_null(many);
    for (int i = 0; i < 4000; i++)
        many[i] = "a "[i % 2];
    texts[1].data = many;
    o.overlong = BERT_OVERLONG_ERROR;
    test_ok(bert_embed(t->session, texts, 3, &o, out, 96, reports, &err), &err);
    assert_int_equal(reports[0].status, BERT_OK);
    assert_int_equal(reports[1].status, BERT_ERANGE);
    assert_int_equal(reports[2].status, BERT_OK);
    test_same("before", out, t->want, 32);
    test_same("failed", out + 32, zeros, 32);
    test_same("after", out + 64, t->want, 32);
    test_error(bert_embed(t->session, texts, 3, &o, out, 96, NULL, &err), &err, BERT_ERANGE, "1",
               NULL);
    free(many);
}

static void test_without_tokenizer(void **state)
{
    struct scene *s = *state;
    const bert_tokenizer *tokenizer = (const bert_tokenizer *)s;
    bert_error err;
    float out[HIDDEN];

    test_error(bert_model_tokenizer(s->model, &tokenizer, &err), &err, BERT_EUNSUPPORTED, NULL);
    assert_null(tokenizer);
    test_error(bert_embed(s->session, &plain_text, 1, NULL, out, HIDDEN, NULL, &err), &err,
               BERT_EUNSUPPORTED, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_ids, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(test_type_ids, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(test_offsets, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(test_empty_batch, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(test_ranges, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(test_outputs, open_scene, close_scene),
        cmocka_unit_test(test_option_sizes),
        cmocka_unit_test(test_model_options),
        cmocka_unit_test_setup_teardown(test_session_options, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(test_hostile_texts, open_texts, close_texts),
        cmocka_unit_test_setup_teardown(test_embed_options, open_texts, close_texts),
        cmocka_unit_test_setup_teardown(test_one_bad_text, open_texts, close_texts),
        cmocka_unit_test_setup_teardown(test_without_tokenizer, open_scene, close_scene),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
