/* SPDX-License-Identifier: MIT */
/*
 * test_tasks.c - what all task calls promise: the same bits in any batch, an error of one text
 * to itself, heads that are missing by name, every allocation that fails, every cancel.  Answers
 * are compared with the reference's by tests/cli (tests/data/cli/tasks).
 */
#include "support.h"
#include "support_dump.h"

#include <stdbool.h>
#include <string.h>

enum { N = 9 };

static const char long_text[] =
    "a cat on a mat and the kitten slept on the rug . the weather is cold today but it will be "
    "warm tomorrow . prices rose again in the last quarter , said the bank . who wrote the first "
    "program for a machine ? how do birds find their way home over the sea ? search clustering "
    "of short texts . the quick brown fox jumps over the lazy dog in town";

#define TEXT(s)                                                                                    \
    {                                                                                              \
        s, sizeof(s) - 1                                                                           \
    }
static const bert_text texts[N] = {
    TEXT("a cat on a mat"),           TEXT(""),        TEXT("[MASK] rose again"),
    TEXT("prices \xff rose"),         TEXT(long_text), {NULL, 3},
    TEXT("the bank [MASK] . [MASK]"), TEXT("a\0b"),    TEXT("BERLIN and Paris: 42 % off?"),
};
static const bert_text pairs[N] = {
    TEXT("a kitten"), TEXT("x"),           TEXT(""),
    TEXT("y z"),      TEXT(long_text),     TEXT("cats"),
    TEXT("a a a"),    TEXT("the weather"), TEXT("[SEP]"),
};

/* ---- The tasks ---------------------------------------------------------------------- */

struct call {
    bert_session *session;
    const bert_text *texts, *pairs;
    size_t n;
    uint32_t overlong, max_length;
};

static bert_status classify(const struct call *c, struct dump *d, bert_error *err)
{
    bert_classify_options o = BERT_CLASSIFY_OPTIONS_INIT;
    bert_classifications *r = (bert_classifications *)d;
    bert_status status;

    o.overlong = c->overlong;
    o.max_length = c->max_length;
    status = bert_classify(c->session, c->texts, c->pairs, c->n, &o, &r, err);
    if (status != BERT_OK) {
        assert_null(r);
        return status;
    }
    assert_int_equal(bert_classifications_size(r), c->n);
    dump_classifications(d, r);
    bert_classifications_free(r);
    return BERT_OK;
}

static bert_status rerank(const struct call *c, struct dump *d, bert_error *err)
{
    bert_rerank_options o = BERT_RERANK_OPTIONS_INIT;
    bert_text query = TEXT("who wrote the first program");
    bert_rankings *r = (bert_rankings *)d;
    bert_status status;

    o.overlong = c->overlong;
    o.max_length = c->max_length;
    status = bert_rerank(c->session, query, c->texts, c->n, &o, &r, err);
    if (status != BERT_OK) {
        assert_null(r);
        return status;
    }
    assert_int_equal(bert_rankings_size(r), c->n);
    dump_rankings(d, r);
    bert_rankings_free(r);
    return BERT_OK;
}

/* With the least of windows, so that long texts have many. */
static bert_status tag(const struct call *c, struct dump *d, bert_error *err)
{
    bert_tag_options o = BERT_TAG_OPTIONS_INIT;
    bert_entities *r = (bert_entities *)d;
    bert_status status;

    o.aggregation = BERT_AGGREGATE_FIRST;
    o.max_length = c->max_length > 0 ? c->max_length : 9;
    status = bert_tag(c->session, c->texts, c->n, &o, &r, err);
    if (status != BERT_OK) {
        assert_null(r);
        return status;
    }
    assert_int_equal(bert_entities_size(r), c->n);
    dump_entities(d, r);
    bert_entities_free(r);
    return BERT_OK;
}

/* The pairs are the questions. */
static bert_status answer(const struct call *c, struct dump *d, bert_error *err)
{
    bert_answer_options o = BERT_ANSWER_OPTIONS_INIT;
    bert_answers *r = (bert_answers *)d;
    bert_status status;

    o.top = 4;
    o.max_length = c->max_length > 0 ? c->max_length : 20;
    o.stride = 3;
    status = bert_answer(c->session, c->pairs, c->texts, c->n, &o, &r, err);
    if (status != BERT_OK) {
        assert_null(r);
        return status;
    }
    assert_int_equal(bert_answers_size(r), c->n);
    dump_answers(d, r);
    bert_answers_free(r);
    return BERT_OK;
}

static bert_status next(const struct call *c, struct dump *d, bert_error *err)
{
    bert_next_options o = BERT_NEXT_OPTIONS_INIT;
    bert_nexts *r = (bert_nexts *)d;
    bert_status status;

    o.overlong = c->overlong;
    o.max_length = c->max_length;
    status = bert_next_sentence(c->session, c->texts, c->pairs, c->n, &o, &r, err);
    if (status != BERT_OK) {
        assert_null(r);
        return status;
    }
    assert_int_equal(bert_nexts_size(r), c->n);
    dump_nexts(d, r);
    bert_nexts_free(r);
    return BERT_OK;
}

static bert_status fill_some(const struct call *c, const bert_fill_options *o, struct dump *d,
                             bert_error *err)
{
    bert_fills *r = (bert_fills *)d;
    bert_status status = bert_fill_mask(c->session, c->texts, c->n, o, &r, err);

    if (status != BERT_OK) {
        assert_null(r);
        return status;
    }
    assert_int_equal(bert_fills_size(r), c->n);
    dump_fills(d, r);
    bert_fills_free(r);
    return BERT_OK;
}

static bert_status fill(const struct call *c, struct dump *d, bert_error *err)
{
    bert_fill_options o = BERT_FILL_OPTIONS_INIT;

    o.overlong = c->overlong;
    o.max_length = c->max_length;
    return fill_some(c, &o, d, err);
}

static bert_status fill_targets(const struct call *c, struct dump *d, bert_error *err)
{
    static const bert_text targets[] = {TEXT("cat"), TEXT("unheard"), TEXT("cat"), TEXT("")};
    bert_fill_options o = BERT_FILL_OPTIONS_INIT;

    o.overlong = c->overlong;
    o.max_length = c->max_length;
    o.targets = targets;
    o.n_targets = sizeof targets / sizeof *targets;
    return fill_some(c, &o, d, err);
}

static const struct task {
    const char *name, *model;
    bert_status (*run)(const struct call *call, struct dump *dump, bert_error *err);
    bool pairs;          /* needs them */
    const char *missing; /* tensors that a model without the head lacks */
    bool windows;        /* long texts are read whole */
} tasks[] = {
    {"classify", "classify", classify, false, "classifier.*", false},
    {"classify pairs", "classify_multi", classify, true, "classifier.*", false},
    {"rerank", "classify_score", rerank, false, "classifier.*", false},
    {"tag", "tag", tag, false, "classifier.*", true},
    {"answer", "answer", answer, true, "qa_outputs.*", true},
    {"next", "next", next, true, "cls.seq_relationship.*", false},
    {"next beside a masked LM", "fill", next, true, "cls.seq_relationship.*", false},
    {"fill", "fill", fill, false, "cls.predictions.decoder.*", false},
    {"fill with targets", "fill_own", fill_targets, false, "cls.predictions.decoder.*", false},
};
enum { N_TASKS = sizeof tasks / sizeof *tasks };

static bert_model *load(const char *name, const char *cpu)
{
    return test_load(test_path("tests/data/models/task/%s", name), cpu);
}

static struct call call_of(const struct task *task, bert_session *session, size_t first, size_t n)
{
    return (struct call){session, texts + first,           task->pairs ? pairs + first : NULL,
                         n,       BERT_OVERLONG_CUT_RIGHT, 0};
}

/* ---- The same bits ------------------------------------------------------------------ */

static struct dump dumps[2];

static void run_at(const struct task *task, bert_session *session, size_t first, size_t n,
                   struct dump *d)
{
    struct call call = call_of(task, session, first, n);
    bert_error err;

    test_ok(task->run(&call, d, &err), &err);
}

static bert_session *session_of(bert_model *model, uint32_t threads, uint32_t tokens,
                                uint32_t sequences)
{
    bert_session_options o = BERT_SESSION_OPTIONS_INIT;
    bert_session *session;
    bert_error err;

    o.threads = threads;
    o.max_tokens = tokens;
    o.max_sequences = sequences;
    test_ok(bert_session_create(&session, model, &o, &err), &err);
    return session;
}

static void check_invariance(const struct task *task, const char *cpu)
{
    static const uint32_t shapes[][3] = {{1, 64, 1}, {1, 70, 3}, {3, 512, 0}, {2, 64, 0}};
    bert_model *model = load(task->model, cpu);

    dumps[0].size = 0;
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        bert_session *session = session_of(model, shapes[s][0], shapes[s][1], shapes[s][2]);

        for (size_t i = 0; s == 0 && i < N; i++)
            run_at(task, session, i, 1, &dumps[0]);
        dumps[1].size = 0;
        run_at(task, session, 0, N, &dumps[1]);
        if (strcmp(dumps[0].text, dumps[1].text) != 0)
            fail_msg("%s, batch %zu:\n%s\nalone:\n%s", task->name, s, dumps[1].text, dumps[0].text);
        bert_session_destroy(session);
    }
    assert_non_null(strstr(dumps[0].text, "BERT_EINVAL its data is NULL"));
    assert_non_null(strstr(dumps[0].text, "BERT_OK"));
    bert_model_unref(model);
}

static void test_invariance(void **state)
{
    const char *cpu;

    (void)state;
    for (uint32_t level = 0; (cpu = bert_cpu_name(level)) != NULL; level++) {
        for (size_t i = 0; i < N_TASKS; i++)
            check_invariance(&tasks[i], cpu);
    }
}

/* ---- Errors --------------------------------------------------------------------------- */

static void check_overlong(const struct task *task, struct call call, struct dump *d)
{
    bert_error err;

    d->size = 0;
    call.overlong = BERT_OVERLONG_ERROR;
    test_ok(task->run(&call, d, &err), &err);
    assert_non_null(strstr(d->text, "BERT_ERANGE the text has"));
    assert_non_null(strstr(d->text, "BERT_OK"));
    call.overlong = BERT_OVERLONG_WINDOWS;
    test_error(task->run(&call, d, &err), &err, BERT_EINVAL, "overlong", NULL);
}

static void test_records(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_TASKS; i++) {
        bert_model *model = load(tasks[i].model, NULL);
        bert_session *session = session_of(model, 1, 64, 0);
        struct call call = call_of(&tasks[i], session, 0, N);
        struct dump *d = &dumps[0];
        bert_error err;

        if (!tasks[i].windows)
            check_overlong(&tasks[i], call, d);
        call.max_length = 1;
        test_error(tasks[i].run(&call, d, &err), &err, BERT_EINVAL, "max_length", NULL);
        call.max_length = 0;
        call.texts = NULL;
        test_error(tasks[i].run(&call, d, &err), &err, BERT_EINVAL, "texts", NULL);
        call.n = 0;
        test_ok(tasks[i].run(&call, d, &err), &err);
        call.session = NULL;
        test_error(tasks[i].run(&call, d, &err), &err, BERT_EINVAL, "session", NULL);
        bert_session_destroy(session);
        bert_model_unref(model);
    }
}

/* An embedding model has no head at all. */
static void test_missing(void **state)
{
    bert_model *model = test_load(test_path("tests/data/models/embed/base"), NULL);
    bert_session *session = test_session(model, 1);

    (void)state;
    for (size_t i = 0; i < N_TASKS; i++) {
        struct call call = call_of(&tasks[i], session, 0, N);
        bert_error err;

        test_error(tasks[i].run(&call, &dumps[0], &err), &err, BERT_EUNSUPPORTED, "has no ", "head",
                   tasks[i].missing, NULL);
    }
    bert_session_destroy(session);
    bert_model_unref(model);
}

/* A head with NaN in its bias answers no text, and says so of each. */
static void test_nonfinite(void **state)
{
    struct test_files files = {NULL, 0};
    bert_model_options o = BERT_MODEL_OPTIONS_INIT;
    struct test_tensor tensor;
    bert_session *session;
    bert_model *model;
    struct call call;
    bert_error err;
    bert_file *file;

    (void)state;
    test_files_add(&files, test_path("tests/data/models/task/classify"));
    file = test_files_find(&files, "model.safetensors");
    test_tensor_find(file, "classifier.bias", &tensor);
    memset((char *)file->data + tensor.begin, 0xff, sizeof(float));
    o.flags = BERT_MODEL_ALLOW_NONFINITE;
    test_ok(bert_model_load_memory(&model, files.list, files.n, &o, &err), &err);
    session = test_session(model, 1);
    call = call_of(&tasks[0], session, 0, 1);
    dumps[0].size = 0;
    test_ok(tasks[0].run(&call, &dumps[0], &err), &err);
    assert_non_null(strstr(dumps[0].text, "BERT_ENONFINITE the model gives NaN"));
    bert_session_destroy(session);
    bert_model_unref(model);
    test_files_free(&files);
}

/* ---- Allocations, limits, cancels -------------------------------------------------------- */

static int asked, stop_at;

static int ask(void *context)
{
    (void)context;
    return ++asked == stop_at;
}

/* One call on a session made for it; BERT_ENOMEM may come from making it. */
static bert_status live(const struct task *task, bert_model *model, struct test_heap *heap,
                        bert_error *err)
{
    bert_session_options o = BERT_SESSION_OPTIONS_INIT;
    bert_allocator allocator = test_heap_allocator(heap);
    bert_session *session;
    struct call call;
    bert_status status;

    o.allocator = &allocator;
    o.threads = 2;
    o.max_tokens = 64;
    o.cancel = ask;
    status = bert_session_create(&session, model, &o, err);
    if (status != BERT_OK)
        return status;
    call = call_of(task, session, 0, N);
    dumps[1].size = 0;
    status = task->run(&call, &dumps[1], err);
    bert_session_destroy(session);
    return status;
}

static void each_allocation(const struct task *task, bert_model *model)
{
    struct test_heap heap = {.fail_at = 0};
    bert_error err;
    long calls;

    test_ok(live(task, model, &heap, &err), &err);
    calls = heap.calls;
    assert_int_equal(heap.live, 0);
    for (long i = 1; i <= calls; i++) {
        heap = (struct test_heap){.fail_at = i};
        bert_status status = live(task, model, &heap, &err);

        if (status != BERT_ENOMEM && !(status == BERT_OK && heap.failed > 0))
            fail_msg("%s, allocation %ld: %s", task->name, i, bert_status_name(status));
        assert_int_equal(heap.live, 0);
    }
}

static void each_cancel(const struct task *task, bert_model *model)
{
    struct test_heap heap = {.fail_at = 0};
    bert_error err;
    bert_status status = BERT_ECANCELED;

    /* a slow machine is asked more often: how many questions there are is not known before */
    for (stop_at = 1; status != BERT_OK; stop_at++) {
        asked = 0;
        status = live(task, model, &heap, &err);
        assert_int_equal(heap.live, 0);
        if (status == BERT_OK)
            assert_true(asked < stop_at && asked > 0);
        else
            test_error(status, &err, BERT_ECANCELED, NULL);
    }
    stop_at = 0;
}

static void test_failures(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_TASKS; i++) {
        bert_model *model = load(tasks[i].model, NULL);

        each_allocation(&tasks[i], model);
        each_cancel(&tasks[i], model);
        bert_model_unref(model);
    }
}

/* ---- Results and labels -------------------------------------------------------------------- */

static void test_result_outlives(void **state)
{
    bert_model *model = load("classify", NULL);
    bert_session *session = test_session(model, 1);
    bert_classify_options o = BERT_CLASSIFY_OPTIONS_INIT;
    bert_classifications *r;
    bert_error err;

    (void)state;
    o.top = 2;
    test_ok(bert_classify(session, texts, NULL, 1, &o, &r, &err), &err);
    bert_session_destroy(session);
    bert_model_unref(model);
    assert_int_equal(bert_classifications_count(r, 0), 2);
    assert_true(strlen(bert_classifications_labels(r, 0)[0].label) > 0);
    assert_int_equal(bert_classifications_status(r, 1), BERT_EINVAL);
    assert_string_equal(bert_classifications_message(r, 1), "");
    assert_int_equal(bert_classifications_count(r, 1), 0);
    assert_null(bert_classifications_labels(r, 1));
    assert_int_equal(bert_classifications_truncated(r, 1), 0);
    bert_classifications_free(r);
    bert_classifications_free(NULL);
}

static void test_options(void **state)
{
    bert_model *model = load("classify", NULL);
    bert_session *session = test_session(model, 1);
    bert_classify_options o = BERT_CLASSIFY_OPTIONS_INIT;
    bert_classifications *r;
    bert_error err;

    (void)state;
    o.function = BERT_FUNCTION_NONE + 1;
    test_error(bert_classify(session, texts, NULL, 1, &o, &r, &err), &err, BERT_EINVAL, "function",
               NULL);
    o.size = 0;
    test_error(bert_classify(session, texts, NULL, 1, &o, &r, &err), &err, BERT_EINVAL, "size",
               NULL);
    test_error(bert_classify(session, texts, NULL, 1, NULL, NULL, &err), &err, BERT_EINVAL, "out",
               NULL);
    bert_session_destroy(session);
    bert_model_unref(model);
}

/* It may come to mean something. */
static void test_reserved(void **state)
{
    bert_model *tagger = load("tag", NULL), *reader = load("answer", NULL);
    bert_session *tags = test_session(tagger, 1), *answers = test_session(reader, 1);
    bert_tag_options tag = BERT_TAG_OPTIONS_INIT;
    bert_answer_options answer = BERT_ANSWER_OPTIONS_INIT;
    bert_entities *entities;
    bert_answers *found;
    bert_error err;

    (void)state;
    tag.reserved = 1;
    answer.reserved = 7;
    test_error(bert_tag(tags, texts, 1, &tag, &entities, &err), &err, BERT_EINVAL,
               "bert_tag_options.reserved is 1", NULL);
    test_error(bert_answer(answers, pairs, texts, 1, &answer, &found, &err), &err, BERT_EINVAL,
               "bert_answer_options.reserved is 7", NULL);
    bert_session_destroy(tags);
    bert_session_destroy(answers);
    bert_model_unref(tagger);
    bert_model_unref(reader);
}

/* Two labels, and their names, where the config says nothing; an encoder has none. */
static void test_labels(void **state)
{
    bert_model *model = load("classify_plain", NULL);

    (void)state;
    assert_int_equal(bert_model_label_count(model), 2);
    assert_string_equal(bert_model_label(model, 1), "LABEL_1");
    assert_null(bert_model_label(model, 2));
    bert_model_unref(model);
    model = test_load(test_path("tests/data/models/embed/base"), NULL);
    assert_int_equal(bert_model_label_count(model), 0);
    bert_model_unref(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_invariance), cmocka_unit_test(test_records),
        cmocka_unit_test(test_missing),    cmocka_unit_test(test_nonfinite),
        cmocka_unit_test(test_failures),   cmocka_unit_test(test_result_outlives),
        cmocka_unit_test(test_options),    cmocka_unit_test(test_reserved),
        cmocka_unit_test(test_labels),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
