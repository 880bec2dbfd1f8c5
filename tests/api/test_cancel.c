/* SPDX-License-Identifier: MIT */
/*
 * test_cancel.c - the host ends a call: by the callback at every place where it is asked,
 * from another thread, by a deadline; the session answers with the same bits afterwards.
 */
#include "support.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TOKENS = 40, HIDDEN = 33, N = TOKENS * HIDDEN };

struct host {
    int asked, stop_at; /* the stop_at-th question is answered with "cancel"; 0: none */
    bert_session *reenter;
    bert_status reentered;
    pthread_t thread;
};

static bert_status encode(bert_session *session, float *out, bert_error *err)
{
    static const uint32_t offsets[] = {0, 9, TOKENS};
    int32_t ids[TOKENS];

    for (int i = 0; i < TOKENS; i++)
        ids[i] = i;
    return bert_encode(session, ids, NULL, offsets, 2, out, N, err);
}

static int ask(void *context)
{
    struct host *host = context;

    assert_true(pthread_equal(pthread_self(), host->thread));
    if (host->reenter != NULL) {
        float out[N];
        host->reentered = encode(host->reenter, out, NULL);
    }
    return ++host->asked == host->stop_at;
}

static bert_session *session_for(bert_model *model, struct host *host)
{
    bert_session_options options = BERT_SESSION_OPTIONS_INIT;
    bert_session *session;
    bert_error err;

    *host = (struct host){.thread = pthread_self()};
    options.threads = 2;
    options.cancel = ask;
    options.cancel_context = host;
    test_ok(bert_session_create(&session, model, &options, &err), &err);
    return session;
}

/* Did the n-th question end the call?  False: it got none, which on a slow machine, where more are
 * asked, is not known before. */
static bool ended(const struct host *host, int n, bert_status status, const bert_error *err)
{
    if (status == BERT_OK) {
        assert_true(host->asked < n);
        return false;
    }
    test_error(status, err, BERT_ECANCELED, NULL);
    assert_int_equal(host->asked, n); /* and is not asked again */
    return true;
}

static bert_model *load(void)
{
    return test_load(test_path("tests/data/models/bert/base33"), NULL);
}

static void test_at_every_question(void **state)
{
    bert_model *model = load();
    struct host host;
    bert_session *session = session_for(model, &host);
    float want[N], out[N];
    bert_error err;
    int n = 0;
    bool more = true;

    (void)state;
    test_ok(encode(session, want, &err), &err);
    while (more) {
        host.asked = 0;
        host.stop_at = ++n;
        more = ended(&host, n, encode(session, out, &err), &err);
        host.stop_at = 0;
        test_ok(encode(session, out, &err), &err);
        test_same("after a canceled call", out, want, N);
    }
    assert_true(n > 3); /* between the layers at least */
    bert_session_destroy(session);
    bert_model_unref(model);
}

static void test_forward_and_embed(void **state)
{
    struct test_files files = {NULL, 0};
    bert_text texts[40];
    float want[40 * 20], out[40 * 20];
    struct host host;
    bert_session *session;
    bert_model *model;
    bert_error err;
    int n = 0;
    bool more = true;

    (void)state;
    for (int i = 0; i < 40; i++)
        texts[i] = (bert_text){"the cat and the mat", (size_t)(i % 20)};
    test_files_add(&files, test_path("tests/data/models/embed/base"));
    test_files_add(&files, test_path("tests/data/models/embed/dense_tanh"));
    model = test_load_files(&files, NULL);
    session = session_for(model, &host);
    test_ok(bert_embed(session, texts, 40, NULL, want, 800, NULL, &err), &err);
    while (more) {
        bert_embed_report reports[40];
        bert_status status;

        host.asked = 0;
        host.stop_at = ++n;
        status = bert_embed(session, texts, 40, NULL, out, 800, n % 2 ? reports : NULL, &err);
        more = ended(&host, n, status, &err);
        host.stop_at = 0;
        test_ok(bert_embed(session, texts, 40, NULL, out, 800, NULL, &err), &err);
        test_same("after a canceled call", out, want, 800);
    }
    assert_true(n > 3);
    bert_session_destroy(session);
    bert_model_unref(model);
    test_files_free(&files);
}

/* Between the stretches of one long text, of whatever task. */
static void test_while_tokenizing(void **state)
{
    enum { WORDS = 100000 };
    bert_model *model = test_load(test_path("tests/data/models/embed/base"), NULL);
    char *words = malloc(4 * WORDS);
    const bert_text texts[2] = {{"a cat", 5}, {words, 4 * WORDS}};
    bert_embed_report reports[2];
    struct host host;
    bert_session *session = session_for(model, &host);
    bert_embeddings *all;
    float want[2 * 256], out[2 * 256];
    bert_error err;

    (void)state;
    for (size_t i = 0; i < WORDS; i++)
        memcpy(words + 4 * i, "cat ", 4);
    test_ok(bert_embed(session, texts, 2, NULL, want, 2 * 256, reports, &err), &err);
    assert_true(host.asked > 50);
    for (int stop_at = 1; stop_at < 50; stop_at += 12) {
        host.asked = 0;
        host.stop_at = stop_at;
        /* it is not one text that failed */
        test_error(bert_embed(session, texts, 2, NULL, out, 2 * 256, reports, &err), &err,
                   BERT_ECANCELED, "the call was canceled", NULL);
        assert_int_equal(host.asked, stop_at);
        host.asked = 0;
        test_error(bert_embed_all(session, texts, 2, NULL, &all, &err), &err, BERT_ECANCELED,
                   "the call was canceled", NULL);
        assert_int_equal(host.asked, stop_at);
    }
    host.stop_at = 0;
    test_ok(bert_embed(session, texts, 2, NULL, out, 2 * 256, reports, &err), &err);
    assert_memory_equal(out, want, 2 * bert_model_embedding_size(model) * sizeof *out);
    free(words);
    bert_session_destroy(session);
    bert_model_unref(model);
}

/* Calls that make encodings of their texts: a text of few tokens and many bytes. */
enum { BYTES = 400000 };
enum call { TAG, ANSWER, WINDOWS, CHUNKS, EXPLAIN, WORD };
static const char *const models[] = {
    [TAG] = "task/tag",      [ANSWER] = "task/answer",   [WINDOWS] = "embed/base",
    [CHUNKS] = "embed/base", [EXPLAIN] = "task/explain", [WORD] = "embed/base",
};

static bert_status make_call(enum call call, bert_session *session, bert_text text, bert_error *err)
{
    static const bert_text question = {"who", 3};
    static const bert_span span = {0, 5};
    bert_embed_options windows = BERT_EMBED_OPTIONS_INIT;
    bert_chunk_options chunked = BERT_CHUNK_OPTIONS_INIT;
    bert_entities *entities = NULL;
    bert_answers *answers = NULL;
    bert_chunks *chunks = NULL;
    bert_explanation *explanation = NULL;
    float out[256];
    bert_status status = BERT_OK;

    windows.overlong = BERT_OVERLONG_WINDOWS;
    switch (call) {
    case TAG:
        status = bert_tag(session, &text, 1, NULL, &entities, err);
        bert_entities_free(entities);
        break;
    case ANSWER:
        status = bert_answer(session, &question, &text, 1, NULL, &answers, err);
        bert_answers_free(answers);
        break;
    case WINDOWS:
        status = bert_embed(session, &text, 1, &windows, out, 256, NULL, err);
        break;
    case CHUNKS:
        status = bert_embed_chunks(session, text, &span, 1, &chunked, &chunks, err);
        bert_chunks_free(chunks);
        break;
    case EXPLAIN:
        status = bert_explain(session, text, NULL, NULL, &explanation, err);
        bert_explanation_free(explanation);
        break;
    case WORD:
        status = bert_embed(session, &text, 1, NULL, out, 256, NULL, err);
        break;
    }
    return status;
}

static void test_encodings(void **state)
{
    char *data = malloc(BYTES);
    bert_error err;

    (void)state;
    for (enum call call = TAG; call <= WORD; call++) {
        bert_model *model = test_load(test_path("tests/data/models/%s", models[call]), NULL);
        struct host host;
        bert_session *session = session_for(model, &host);
        int brief, most = call == WORD ? 4 : 80; /* a word is searched for its end, then run */

        memset(data, call == WORD ? 'a' : ' ', BYTES);
        memcpy(data, "a cat", 5);
        test_ok(make_call(call, session, (bert_text){data, 5}, &err), &err);
        brief = host.asked;
        host.asked = 0;
        test_ok(make_call(call, session, (bert_text){data, BYTES}, &err), &err);
        assert_true(host.asked >= brief + most);
        for (int stop_at = 1; stop_at < most; stop_at += 1 + most / 10) {
            host.asked = 0;
            host.stop_at = stop_at;
            test_error(make_call(call, session, (bert_text){data, BYTES}, &err), &err,
                       BERT_ECANCELED, "the call was canceled", NULL);
            assert_int_equal(host.asked, stop_at);
        }
        host.stop_at = 0;
        test_ok(make_call(call, session, (bert_text){data, 5}, &err), &err);
        bert_session_destroy(session);
        bert_model_unref(model);
    }
    free(data);
}

static void test_deadline(void **state)
{
    bert_model *model = load();
    bert_session *session = test_session(model, 2);
    float want[N], out[N];
    bert_error err;

    (void)state;
    test_ok(encode(session, want, &err), &err);
    bert_session_set_timeout(session, 1);
    for (int i = 0; i < 3; i++)
        test_error(encode(session, out, &err), &err, BERT_ETIMEDOUT, NULL);
    bert_session_set_timeout(session, UINT64_MAX); /* far, and no overflow */
    test_ok(encode(session, out, &err), &err);
    bert_session_set_timeout(session, UINT64_C(60000000000));
    test_ok(encode(session, out, &err), &err);
    bert_session_set_timeout(session, 0);
    test_ok(encode(session, out, &err), &err);
    test_same("after timeouts", out, want, N);
    bert_session_destroy(session);
    bert_model_unref(model);
}

/* A second call into a session that is busy is refused, and does no harm. */
static void test_busy(void **state)
{
    bert_model *model = load();
    struct host host;
    bert_session *session = session_for(model, &host);
    float want[N], out[N];
    bert_error err;

    (void)state;
    test_ok(encode(session, want, &err), &err);
    host.reenter = session;
    test_ok(encode(session, out, &err), &err);
    assert_int_equal(host.reentered, BERT_EBUSY);
    test_same("reentered", out, want, N);
    host.reenter = NULL;
    test_ok(encode(session, out, &err), &err);
    bert_session_destroy(session);
    bert_model_unref(model);
}

/* Cancel without a call does nothing; beside a long one it ends it soon. */
struct canceler {
    bert_session *session;
    int done;
};

static void *cancel_until_done(void *arg)
{
    struct canceler *c = arg;

    usleep(2000);
    while (!__atomic_load_n(&c->done, __ATOMIC_SEQ_CST)) {
        bert_session_cancel(c->session);
        usleep(200);
    }
    return NULL;
}

static void test_from_another_thread(void **state)
{
    static int32_t ids[512 * 4];
    static const uint32_t offsets[] = {0, 512, 1024, 1536, 2048};
    bert_model *model = load();
    bert_session *session = test_session(model, 2);
    float *out = malloc(2048 * HIDDEN * sizeof *out), want[N], again[N];
    struct canceler c = {session, 0};
    bert_status status = BERT_OK;
    pthread_t thread;
    bert_error err;

    (void)state;
    assert_non_null(out);
    test_ok(encode(session, want, &err), &err);
    bert_session_cancel(session); /* nothing runs: nothing happens */
    test_ok(encode(session, again, &err), &err);
    assert_int_equal(pthread_create(&thread, NULL, cancel_until_done, &c), 0);
    for (int i = 0; i < 100000 && status == BERT_OK; i++)
        status = bert_encode(session, ids, NULL, offsets, 4, out, 2048 * HIDDEN, &err);
    __atomic_store_n(&c.done, 1, __ATOMIC_SEQ_CST);
    pthread_join(thread, NULL);
    test_error(status, &err, BERT_ECANCELED, NULL);
    test_ok(encode(session, again, &err), &err);
    test_same("after a cancel", again, want, N);
    bert_session_destroy(session);
    bert_model_unref(model);
    free(out);
}

/* Loading asks too. */
static void test_loading(void **state)
{
    bert_model_options options = BERT_MODEL_OPTIONS_INIT;
    struct test_heap heap = {0};
    bert_allocator allocator = test_heap_allocator(&heap);
    struct host host = {.thread = pthread_self()};
    bert_model *model;
    bert_error err;
    bool more = true;
    int n = 0;

    (void)state;
    options.cancel = ask;
    options.cancel_context = &host;
    options.allocator = &allocator;
    while (more) {
        bert_status status;

        host.asked = 0;
        host.stop_at = ++n;
        status =
            bert_model_load(&model, test_path("tests/data/models/bert/base33"), &options, &err);
        more = ended(&host, n, status, &err);
        assert_int_equal(model == NULL, more);
        bert_model_unref(model);
        assert_int_equal(heap.live, 0);
    }
    assert_true(n > 3); /* between the layers at least */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_at_every_question),
        cmocka_unit_test(test_forward_and_embed),
        cmocka_unit_test(test_while_tokenizing),
        cmocka_unit_test(test_encodings),
        cmocka_unit_test(test_deadline),
        cmocka_unit_test(test_busy),
        cmocka_unit_test(test_from_another_thread),
        cmocka_unit_test(test_loading),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
