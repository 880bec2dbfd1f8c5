/* SPDX-License-Identifier: MIT */
/*
 * test_noalloc.c - bert_encode() allocates nothing once the session is made: neither from
 * the allocator given nor from malloc, which this program interposes.  The threads of
 * the first call are the C library's own allocation and are told apart.
 */
#include "support.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)                            \
    || __has_feature(memory_sanitizer)
#define INTERPOSE 0
#endif
#endif
#if !defined(INTERPOSE) && (defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__))
#define INTERPOSE 0
#endif
#if !defined(INTERPOSE)
#define INTERPOSE 1
#endif

static long counted; /* allocations while `watching`, thread creation aside */
static int watching;

#if INTERPOSE
static __thread int creating_thread;

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

static void count(void)
{
    if (__atomic_load_n(&watching, __ATOMIC_SEQ_CST) && !creating_thread)
        __atomic_add_fetch(&counted, 1, __ATOMIC_SEQ_CST);
}

void *malloc(size_t size)
{
    count();
    return __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
    count();
    return __libc_calloc(n, size);
}

void *realloc(void *memory, size_t size)
{
    count();
    return __libc_realloc(memory, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    count();
    return __libc_memalign(alignment, size);
}

void *memalign(size_t alignment, size_t size)
{
    count();
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **out, size_t alignment, size_t size)
{
    count();
    *out = __libc_memalign(alignment, size);
    return *out != NULL ? 0 : ENOMEM;
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *), void *arg)
{
    static int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    int rc;

    creating_thread = 1;
    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "pthread_create");
    rc = real(thread, attr, run, arg);
    creating_thread = 0;
    return rc;
}
#endif

enum { TOKENS = 300, WIDEST = 96 };

static void encode(bert_session *session, uint32_t vocab, float *out)
{
    static const uint32_t offsets[] = {0, 1, 30, 33, 161, TOKENS};
    size_t hidden = bert_model_hidden_size(bert_session_model(session));
    int32_t ids[TOKENS];
    bert_error err;
    bert_status status;

    for (uint32_t i = 0; i < TOKENS; i++)
        ids[i] = (int32_t)(i % vocab);
    __atomic_store_n(&watching, 1, __ATOMIC_SEQ_CST);
    status = bert_encode(session, ids, NULL, offsets, 5, out, TOKENS * hidden, &err);
    __atomic_store_n(&watching, 0, __ATOMIC_SEQ_CST);
    test_ok(status, &err);
}

static void check(const char *cpu, bert_precision precision, uint32_t threads)
{
    float *out = calloc(TOKENS * WIDEST, sizeof *out),
          *again = calloc(TOKENS * WIDEST, sizeof *out);
    bert_model *model = test_load_as(test_path("tests/data/models/bert/wide96"), cpu, precision);
    bert_session_options options = BERT_SESSION_OPTIONS_INIT;
    struct test_heap heap = {0};
    bert_allocator allocator = test_heap_allocator(&heap);
    bert_session *session;
    uint64_t estimate;
    long made;
    bert_error err;

    assert_true(out != NULL && again != NULL);
    options.allocator = &allocator;
    options.threads = threads;
    options.max_tokens = 512;
    test_ok(bert_session_estimate(model, &options, &estimate, &err), &err);
    test_ok(bert_session_create(&session, model, &options, &err), &err);
    made = heap.calls;
    assert_true(made > 0);
    counted = 0;
    encode(session, 40, out); /* from the very first call */
    for (int i = 0; i < 5; i++)
        encode(session, 40, again);
    if (strcmp(cpu, "blas") == 0)
        counted = 0; /* what the BLAS does for itself is not ours: BLIS allocates in every call */
    if (counted != 0 || heap.calls != made)
        fail_msg("%s, %u threads: bert_encode() called malloc %ld times, the allocator %ld times",
                 cpu, threads, counted, heap.calls - made);
    test_same("again", again, out, TOKENS * WIDEST);
    if (heap.peak > estimate)
        fail_msg("the session took %llu bytes, the estimate was %llu",
                 (unsigned long long)heap.peak, (unsigned long long)estimate);
    assert_true(estimate < 2 * heap.peak);
    bert_session_destroy(session);
    assert_int_equal(heap.live, 0);
    bert_model_unref(model);
    free(again);
    free(out);
}

static void test_encode_allocates_nothing(void **state)
{
    const char *cpu;

    (void)state;
    for (uint32_t i = 0; (cpu = bert_cpu_name(i)) != NULL; i++)
        for (uint32_t threads = 1; threads <= 4; threads++)
            for (int p = BERT_PRECISION_FP32; p <= BERT_PRECISION_INT8; p++)
                check(cpu, (bert_precision)p, threads);
}

/* Ordinary text of any length and script, in a session that may hold its estimate and no more. */
static void test_embed_allocates_nothing(void **state)
{
    enum { LONG = 300000, TEXTS = 5 };
    static const char *const words[TEXTS] = {
        "a plain sentence, with commas; and more ", "...!?()[]{}-- ",
        "\xC3\x89t\xC3\xA9 \xC3\xA0 la c\xC3\xB4te d'\xC3\x82ge ",
        "\xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E\xE3\x81\xA7 ",
        "\xED\x95\x9C\xEA\xB5\xAD\xEC\x96\xB4 e\xCC\x81\xCC\x96 \xFF\xFE "};
    bert_model *model = test_load(test_path("tests/data/models/embed/base"), NULL);
    size_t width = bert_model_embedding_size(model);
    float *out = calloc(TEXTS * width, sizeof *out);
    char *texts = malloc((size_t)TEXTS * LONG);
    bert_session_options options = BERT_SESSION_OPTIONS_INIT;
    struct test_heap heap = {0};
    bert_allocator allocator = test_heap_allocator(&heap);
    bert_text views[TEXTS];
    bert_session *session;
    bert_status status;
    bert_error err;
    long made;

    (void)state;
    assert_true(out != NULL && texts != NULL);
    for (int i = 0; i < TEXTS; i++) {
        size_t n = strlen(words[i]);

        for (size_t at = 0; at < LONG; at++)
            texts[(size_t)i * LONG + at] = words[i][at % n];
        views[i] = (bert_text){texts + (size_t)i * LONG, LONG};
    }
    options.allocator = &allocator;
    options.threads = 2;
    test_ok(bert_session_estimate(model, &options, &options.max_bytes, &err), &err);
    test_ok(bert_session_create(&session, model, &options, &err), &err);
    made = heap.calls;
    counted = 0;
    __atomic_store_n(&watching, 1, __ATOMIC_SEQ_CST);
    status = bert_embed(session, views, TEXTS, NULL, out, TEXTS * width, NULL, &err);
    __atomic_store_n(&watching, 0, __ATOMIC_SEQ_CST);
    test_ok(status, &err);
    if (heap.calls != made)
        fail_msg("bert_embed() called the allocator %ld times", heap.calls - made);
    bert_session_destroy(session);
    assert_int_equal(heap.live, 0);
    bert_model_unref(model);
    free(texts);
    free(out);
}

/* The interposition works: it sees an allocation made while it watches. */
static void test_the_counter_counts(void **state)
{
    void *(*volatile allocate)(size_t) = malloc;

    (void)state;
    if (!INTERPOSE)
        skip();
    counted = 0;
    watching = 1;
    free(allocate(10));
    watching = 0;
    assert_int_equal(counted, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_counter_counts),
        cmocka_unit_test(test_encode_allocates_nothing),
        cmocka_unit_test(test_embed_allocates_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
