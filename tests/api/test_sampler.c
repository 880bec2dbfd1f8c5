/* SPDX-License-Identifier: MIT */
/*
 * test_sampler.c - samples of texts: uniform, bounded, redacted, and nothing of a text anywhere in
 * the sampler's memory but what the redaction left of it.
 */
#include "support.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static bert_text view(const char *s)
{
    return (bert_text){s, strlen(s)};
}

static bert_sampler *make(const bert_sampler_options *options)
{
    bert_sampler *sampler;
    bert_error err;

    test_ok(bert_sampler_create(&sampler, options, &err), &err);
    return sampler;
}

static void offer(bert_sampler *sampler, const char *text)
{
    bert_error err;

    test_ok(bert_sampler_offer(sampler, view(text), &err), &err);
}

static bert_samples *read_samples(bert_sampler *sampler)
{
    bert_samples *samples;
    bert_error err;

    test_ok(bert_sampler_read(sampler, &samples, &err), &err);
    return samples;
}

static bert_sampler_state counts(bert_sampler *sampler)
{
    bert_sampler_state state = BERT_SAMPLER_STATE_INIT;

    bert_sampler_counts(sampler, &state);
    assert_int_equal(state.size, sizeof state);
    return state;
}

/* ---- What is kept ------------------------------------------------------------------------- */

static void test_masked(void **state)
{
    bert_sampler *sampler = make(NULL);
    bert_samples *samples;

    (void)state;
    offer(sampler, "write to ada@example.org");
    offer(sampler, "");
    samples = read_samples(sampler);
    assert_int_equal(bert_samples_count(samples), 2);
    assert_int_equal(bert_samples_text(samples, 0).size, 16);
    assert_memory_equal(bert_samples_text(samples, 0).data, "write to [EMAIL]", 16);
    assert_int_equal(bert_samples_text(samples, 1).size, 0);
    assert_null(bert_samples_text(samples, 2).data);
    bert_sampler_clear(sampler);
    assert_int_equal(counts(sampler).entries, 0);
    assert_int_equal(counts(sampler).offered, 0);
    assert_int_equal(bert_samples_count(samples), 2); /* a copy */
    bert_samples_free(samples);
    samples = read_samples(sampler);
    assert_int_equal(bert_samples_count(samples), 0);
    bert_samples_free(samples);
    bert_sampler_destroy(sampler);
}

/* Each of 20 texts is in a sample of 5 with probability 1/4. */
static void test_uniform(void **state)
{
    enum { TEXTS = 20, PLACES = 5, ROUNDS = 8000 };
    unsigned kept[TEXTS] = {0};

    (void)state;
    for (uint64_t seed = 0; seed < ROUNDS; seed++) {
        bert_sampler_options o = BERT_SAMPLER_OPTIONS_INIT;
        bert_sampler *sampler;
        bert_samples *samples;
        char text[2] = "a";

        o.entries = PLACES;
        o.seed = seed;
        sampler = make(&o);
        for (int i = 0; i < TEXTS; i++) {
            text[0] = (char)('a' + i);
            offer(sampler, text);
        }
        samples = read_samples(sampler);
        assert_int_equal(bert_samples_count(samples), PLACES);
        for (size_t i = 0; i < PLACES; i++)
            kept[bert_samples_text(samples, i).data[0] - 'a']++;
        bert_samples_free(samples);
        bert_sampler_destroy(sampler);
    }
    /* 2000 each, with a deviation of 39 */
    for (int i = 0; i < TEXTS; i++)
        assert_true(kept[i] > 1840 && kept[i] < 2160);
}

static bert_redaction redact(void *context, bert_text text, char *out, size_t capacity,
                             size_t *size)
{
    int *calls = context;

    ++*calls;
    if (text.data[0] == 'd')
        return BERT_REDACTION_DROP;
    *size = text.data[0] == 'l' ? 300 : 1;
    if (*size <= capacity)
        memset(out, '#', *size);
    if (text.data[0] == 'm')
        *size = (size_t)*calls * 1000; /* never satisfied */
    return BERT_REDACTION_DONE;
}

static void test_callback(void **state)
{
    bert_sampler_options o = BERT_SAMPLER_OPTIONS_INIT;
    bert_sampler *sampler;
    bert_samples *samples;
    int calls = 0;

    (void)state;
    o.entries = 4;
    o.redact = redact;
    o.redact_context = &calls;
    sampler = make(&o);
    offer(sampler, "plain");
    assert_int_equal(calls, 1);
    offer(sampler, "drop");
    assert_int_equal(calls, 2);
    offer(sampler, "long");
    assert_int_equal(calls, 4);
    offer(sampler, "more");
    assert_int_equal(calls, 6);
    samples = read_samples(sampler);
    assert_int_equal(bert_samples_count(samples), 2);
    assert_int_equal(bert_samples_text(samples, 0).size, 1);
    assert_int_equal(bert_samples_text(samples, 1).size, 300);
    bert_samples_free(samples);
    assert_int_equal(counts(sampler).offered, 4);
    assert_int_equal(counts(sampler).dropped, 1);
    assert_int_equal(counts(sampler).oversized, 1);
    assert_int_equal(counts(sampler).entries, 2);
    assert_int_equal(counts(sampler).bytes, 301);
    /* one that isn't chosen isn't redacted */
    calls = 0;
    for (int i = 0; i < 400; i++)
        offer(sampler, "plain");
    assert_true(calls > 4 && calls < 60);
    bert_sampler_destroy(sampler);
}

static void test_bounds(void **state)
{
    bert_sampler_options o = BERT_SAMPLER_OPTIONS_INIT;
    struct test_heap heap = {0};
    bert_allocator allocator = test_heap_allocator(&heap);
    bert_sampler *sampler;
    char text[200];

    (void)state;
    o.entries = 10;
    o.max_bytes = 100;
    o.allocator = &allocator;
    sampler = make(&o);
    memset(text, 'x', sizeof text);
    for (int i = 0; i < 3000; i++) {
        bert_error err;
        bert_sampler_state s;

        test_ok(bert_sampler_offer(sampler, (bert_text){text, (size_t)i % 200}, &err), &err);
        s = counts(sampler);
        assert_true(s.bytes <= 100 && s.entries <= 10);
    }
    assert_true(counts(sampler).oversized > 0);
    assert_true(heap.peak < 10000);
    bert_sampler_destroy(sampler);
    assert_int_equal(heap.live, 0);
}

static void test_seed(void **state)
{
    bert_samples *samples[2];

    (void)state;
    for (int round = 0; round < 2; round++) {
        bert_sampler_options o = BERT_SAMPLER_OPTIONS_INIT;
        bert_sampler *sampler;
        char text[24];

        o.entries = 8;
        o.seed = 42;
        sampler = make(&o);
        for (int i = 0; i < 100; i++) {
            snprintf(text, sizeof text, "text %d", i);
            offer(sampler, text);
        }
        samples[round] = read_samples(sampler);
        bert_sampler_destroy(sampler);
    }
    for (size_t i = 0; i < 8; i++) {
        bert_text a = bert_samples_text(samples[0], i), b = bert_samples_text(samples[1], i);

        assert_int_equal(a.size, b.size);
        assert_memory_equal(a.data, b.data, a.size);
    }
    bert_samples_free(samples[0]);
    bert_samples_free(samples[1]);
}

/* ---- Memory ------------------------------------------------------------------------------- */

/* An allocator that looks for secrets in what comes back, and in what is there. */
enum { BLOCKS = 64, BLOCK = 1 << 12 };

struct vault {
    char memory[BLOCKS][BLOCK] __attribute__((aligned(64)));
    int used[BLOCKS];
    unsigned found;
};

static void *vault_alloc(void *context, size_t bytes, size_t alignment)
{
    struct vault *v = context;

    assert_true(bytes <= BLOCK && alignment <= 64);
    for (int i = 0; i < BLOCKS; i++) {
        if (!v->used[i]) {
            v->used[i] = 1;
            return v->memory[i];
        }
    }
    return NULL;
}

static void vault_free(void *context, void *memory)
{
    struct vault *v = context;
    size_t i = (size_t)((char *)memory - v->memory[0]) / BLOCK;

    v->used[i] = 0;
}

static int holds(const struct vault *v, const char *part)
{
    return memmem(v->memory, sizeof v->memory, part, strlen(part)) != NULL;
}

static bert_redaction blunt(void *context, bert_text text, char *out, size_t capacity, size_t *size)
{
    const char *kept = "only-this-is-left";

    (void)context;
    (void)text;
    *size = strlen(kept);
    if (*size <= capacity)
        memcpy(out, kept, *size);
    return BERT_REDACTION_DONE;
}

static void test_nothing_stays(void **state)
{
    static struct vault v;
    const bert_allocator allocator = {vault_alloc, vault_free, &v};
    bert_sampler_options o = BERT_SAMPLER_OPTIONS_INIT;
    bert_mask_options mask = BERT_MASK_OPTIONS_INIT;
    bert_sampler *sampler;
    bert_samples *samples;

    (void)state;
    o.allocator = &allocator;
    o.entries = 3;
    mask.key = (const unsigned char *)"a-secret-of-16-b";
    o.mask = &mask;
    sampler = make(&o);
    for (int i = 0; i < 50; i++)
        offer(sampler, "remains, but not ada.lovelace@example.org");
    assert_true(holds(&v, "remains"));
    assert_false(holds(&v, "lovelace"));
    samples = read_samples(sampler);
    bert_sampler_clear(sampler);
    assert_true(holds(&v, "remains"));
    bert_samples_free(samples);
    assert_false(holds(&v, "remains"));
    bert_sampler_destroy(sampler);
    assert_false(holds(&v, "a-secret"));

    o.mask = NULL;
    o.redact = blunt;
    sampler = make(&o);
    for (int i = 0; i < 50; i++)
        offer(sampler, "remains, but not ada.lovelace@example.org");
    assert_true(holds(&v, "only-this"));
    assert_false(holds(&v, "remains"));
    bert_sampler_destroy(sampler);
    assert_false(holds(&v, "only-this"));
    for (int i = 0; i < BLOCKS; i++)
        assert_int_equal(v.used[i], 0);
}

static void test_allocations_fail(void **state)
{
    bert_error err;
    long n;

    (void)state;
    for (n = 1;; n++) {
        bert_sampler_options o = BERT_SAMPLER_OPTIONS_INIT;
        struct test_heap heap = {0};
        bert_allocator allocator = test_heap_allocator(&heap);
        bert_sampler *sampler = (bert_sampler *)&heap;
        bert_samples *samples = (bert_samples *)&heap;
        bert_status st;

        o.allocator = &allocator;
        heap.fail_at = n;
        st = bert_sampler_create(&sampler, &o, &err);
        if (st == BERT_OK)
            st = bert_sampler_offer(sampler, view("ada@example.org"), &err);
        else
            assert_null(sampler);
        if (st == BERT_OK) {
            st = bert_sampler_read(sampler, &samples, &err);
            if (st != BERT_OK)
                assert_null(samples);
            else
                bert_samples_free(samples);
        }
        assert_true(st == (heap.failed > 0 ? BERT_ENOMEM : BERT_OK));
        if (sampler != NULL) { /* and it lives on */
            heap.fail_at = 0;
            offer(sampler, "bob@example.org");
            samples = read_samples(sampler);
            assert_true(bert_samples_count(samples) >= 1);
            bert_samples_free(samples);
        }
        bert_sampler_destroy(sampler);
        assert_int_equal(heap.live, 0);
        if (heap.failed == 0)
            break;
    }
    print_message("%ld allocations\n", n - 1);
    assert_true(n > 8);
}

/* ---- Threads ------------------------------------------------------------------------------- */

enum { THREADS = 4, OFFERS = 4000 };

static void *submit(void *context)
{
    char text[64];

    for (int i = 0; i < OFFERS; i++) {
        snprintf(text, sizeof text, "number %d of user%d@example.org", i, i % 7);
        if (bert_sampler_offer(context, view(text), NULL) != BERT_OK)
            return "offer";
    }
    return NULL;
}

static void *look(void *context)
{
    for (int i = 0; i < 300; i++) {
        bert_samples *samples;
        bert_sampler_state state = BERT_SAMPLER_STATE_INIT;

        if (bert_sampler_read(context, &samples, NULL) != BERT_OK)
            return "read";
        for (size_t k = 0; k < bert_samples_count(samples); k++) {
            bert_text text = bert_samples_text(samples, k);

            if (memchr(text.data, '@', text.size) != NULL)
                return "an address";
        }
        bert_samples_free(samples);
        bert_sampler_counts(context, &state);
        if (state.entries > 16)
            return "entries";
        if (i % 50 == 0)
            bert_sampler_clear(context);
    }
    return NULL;
}

static void test_threads(void **state)
{
    bert_sampler_options o = BERT_SAMPLER_OPTIONS_INIT;
    pthread_t threads[THREADS + 1];
    bert_sampler *sampler;
    void *wrong;

    (void)state;
    o.entries = 16;
    sampler = make(&o);
    for (int i = 0; i <= THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, i < THREADS ? submit : look, sampler),
                         0);
    for (int i = 0; i <= THREADS; i++) {
        pthread_join(threads[i], &wrong);
        if (wrong != NULL)
            fail_msg("thread %d: %s", i, (char *)wrong);
    }
    bert_sampler_destroy(sampler);
}

static void test_refusals(void **state)
{
    bert_sampler_options o = BERT_SAMPLER_OPTIONS_INIT;
    bert_mask_options mask = BERT_MASK_OPTIONS_INIT;
    bert_sampler *sampler = (bert_sampler *)&o;
    bert_samples *samples;
    bert_error err;

    (void)state;
    o.mask = &mask;
    mask.kinds = 1 << 9;
    test_error(bert_sampler_create(&sampler, &o, &err), &err, BERT_EINVAL, "kinds", NULL);
    assert_null(sampler);
    mask.kinds = 0;
    o.redact = redact;
    test_error(bert_sampler_create(&sampler, &o, &err), &err, BERT_EINVAL, "exclude", NULL);
    test_error(bert_sampler_create(NULL, NULL, &err), &err, BERT_EINVAL, "out is NULL", NULL);
    test_error(bert_sampler_offer(NULL, view("x"), &err), &err, BERT_EINVAL, "sampler is NULL",
               NULL);
    test_error(bert_sampler_read(NULL, &samples, &err), &err, BERT_EINVAL, "sampler is NULL", NULL);
    o.mask = NULL;
    o.redact = NULL;
    o.entries = SIZE_MAX / 2;
    test_error(bert_sampler_create(&sampler, &o, &err), &err, BERT_ENOMEM, NULL);
    sampler = make(NULL);
    test_error(bert_sampler_offer(sampler, (bert_text){NULL, 3}, &err), &err, BERT_EINVAL,
               "text.data is NULL", NULL);
    test_error(bert_sampler_read(sampler, NULL, &err), &err, BERT_EINVAL, "out is NULL", NULL);
    bert_sampler_destroy(sampler);
    bert_sampler_destroy(NULL);
    bert_sampler_clear(NULL);
    bert_samples_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_masked),
        cmocka_unit_test(test_uniform),
        cmocka_unit_test(test_callback),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_seed),
        cmocka_unit_test(test_nothing_stays),
        cmocka_unit_test(test_allocations_fail),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_refusals),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
