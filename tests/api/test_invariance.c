/* SPDX-License-Identifier: MIT */
/*
 * test_invariance.c - the same bits for a text whatever runs beside it: alone, in any
 * batch, in any order, in any session size, with any number of threads.
 */
#include "support.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { SEQUENCES = 24, MAX_LENGTH = 60, MAX_TOKENS = SEQUENCES * MAX_LENGTH, MAX_HIDDEN = 384 };

struct batch {
    int32_t ids[MAX_TOKENS], types[MAX_TOKENS];
    uint32_t offsets[SEQUENCES + 1];
};

/* Sequences of every kind of length: 1, around tiles and vectors, long; or only the longest. */
static void fill(struct batch *b, uint32_t vocab, uint32_t types, uint32_t longest, int only,
                 uint64_t *random)
{
    static const uint32_t lengths[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 31, 32, 33};

    b->offsets[0] = 0;
    for (uint32_t s = 0; s < SEQUENCES; s++) {
        uint32_t n = s < 15 ? lengths[s] : 1 + test_random(random, longest);
        if (n > longest || only)
            n = longest;
        b->offsets[s + 1] = b->offsets[s] + n;
        for (uint32_t i = b->offsets[s]; i < b->offsets[s + 1]; i++) {
            b->ids[i] = (int32_t)test_random(random, vocab);
            b->types[i] = (int32_t)test_random(random, types);
        }
    }
}

static void encode(bert_session *session, const struct batch *b, uint32_t n, float *out,
                   size_t hidden)
{
    bert_error err;

    test_ok(
        bert_encode(session, b->ids, b->types, b->offsets, n, out, b->offsets[n] * hidden, &err),
        &err);
}

/* The sequences of `from` in the order of `order`. */
static void reorder(struct batch *to, const struct batch *from, const uint32_t *order, uint32_t n)
{
    to->offsets[0] = 0;
    for (uint32_t s = 0; s < n; s++) {
        uint32_t at = from->offsets[order[s]], length = from->offsets[order[s] + 1] - at;
        memcpy(to->ids + to->offsets[s], from->ids + at, length * sizeof *to->ids);
        memcpy(to->types + to->offsets[s], from->types + at, length * sizeof *to->types);
        to->offsets[s + 1] = to->offsets[s] + length;
    }
}

static void shuffle(uint32_t *order, uint64_t *random)
{
    for (uint32_t i = 0; i < SEQUENCES; i++)
        order[i] = i;
    for (uint32_t i = SEQUENCES - 1; i > 0; i--) {
        uint32_t k = test_random(random, i + 1), t = order[i];
        order[i] = order[k];
        order[k] = t;
    }
}

struct scene {
    struct batch all, part;
    float *alone, *out; /* [tokens of all][hidden] */
    size_t hidden;
};

static void check_order(struct scene *s, bert_session *session, const uint32_t *order, uint32_t n)
{
    reorder(&s->part, &s->all, order, n);
    encode(session, &s->part, n, s->out, s->hidden);
    for (uint32_t i = 0; i < n; i++) {
        char what[96];
        snprintf(what, sizeof what, "sequence %u at place %u of %u, %u threads, %s", order[i], i, n,
                 bert_session_threads(session), bert_model_cpu(bert_session_model(session)));
        test_same(what, s->out + s->part.offsets[i] * s->hidden,
                  s->alone + s->all.offsets[order[i]] * s->hidden,
                  (s->part.offsets[i + 1] - s->part.offsets[i]) * s->hidden);
    }
}

/* Levels with arithmetic of their own; the others take it from the one below. */
static const struct {
    const char *cpu;
    bool own[BERT_PRECISION_INT8 + 1];
} levels[] = {
    {"scalar", {[BERT_PRECISION_FP32] = 1, [BERT_PRECISION_BF16] = 1, [BERT_PRECISION_INT8] = 1}},
    {"blas", {[BERT_PRECISION_FP32] = 1}},
    {"avx2", {[BERT_PRECISION_FP32] = 1, [BERT_PRECISION_BF16] = 1, [BERT_PRECISION_INT8] = 1}},
    {"avx2_vnni", {[BERT_PRECISION_INT8] = 1}},
    {"avx512", {[BERT_PRECISION_FP32] = 1, [BERT_PRECISION_BF16] = 1, [BERT_PRECISION_INT8] = 1}},
    {"avx512_vnni", {[BERT_PRECISION_INT8] = 1}},
    {"avx512_vnni_bf16", {[BERT_PRECISION_BF16] = 1}},
    {"amx", {[BERT_PRECISION_BF16] = 1, [BERT_PRECISION_INT8] = 1}},
    {"neon", {[BERT_PRECISION_FP32] = 1, [BERT_PRECISION_BF16] = 1, [BERT_PRECISION_INT8] = 1}},
    {"neon_dotprod", {[BERT_PRECISION_INT8] = 1}},
    {"neon_bf16", {[BERT_PRECISION_BF16] = 1}},
    {"neon_i8mm", {[BERT_PRECISION_INT8] = 1}},
};

/* Does a level that this table doesn't know count as one with everything of its own? */
static bool is_own(const char *cpu, bert_precision precision)
{
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
        if (strcmp(levels[i].cpu, cpu) == 0)
            return levels[i].own[precision];
    }
    return true;
}

static void check_model(const char *dir, const char *cpu, bert_precision precision, int rounds)
{
    struct scene *s = malloc(sizeof *s);
    bert_model *model = test_load_as(dir, cpu, precision);
    bert_session *session = test_session(model, 1);
    uint64_t random = 0x9e3779b97f4a7c15u;
    uint32_t order[SEQUENCES], longest = bert_model_max_positions(model);
    uint32_t types = bert_model_type_vocab_size(model);

    assert_non_null(s);
    s->hidden = bert_model_hidden_size(model);
    s->alone = malloc(MAX_TOKENS * s->hidden * sizeof(float));
    s->out = malloc(MAX_TOKENS * s->hidden * sizeof(float));
    assert_true(s->alone != NULL && s->out != NULL && s->hidden <= MAX_HIDDEN);
    fill(&s->all, bert_model_vocab_size(model), types > 0 ? types : 1,
         longest < MAX_LENGTH ? longest : MAX_LENGTH, strstr(dir, "landmarks") != NULL, &random);
    for (uint32_t i = 0; i < SEQUENCES; i++) {
        reorder(&s->part, &s->all, &i, 1);
        encode(session, &s->part, 1, s->alone + s->all.offsets[i] * s->hidden, s->hidden);
    }
    bert_session_destroy(session);
    for (uint32_t threads = 1; threads <= 4; threads++) {
        if (precision != BERT_PRECISION_FP32 && threads % 2 == 0) /* the same code cuts the work */
            continue;
        session = test_session(model, threads);
        assert_int_equal(bert_session_threads(session), threads);
        for (int r = 0; r < rounds; r++) {
            shuffle(order, &random);
            check_order(s, session, order, SEQUENCES);
            check_order(s, session, order, 1 + test_random(&random, SEQUENCES));
        }
        bert_session_destroy(session);
    }
    bert_model_unref(model);
    free(s->alone);
    free(s->out);
    free(s);
}

/* On all levels, with each precision. */
static void check_levels(const char *dir, int rounds)
{
    const char *cpu;

    for (uint32_t i = 0; (cpu = bert_cpu_name(i)) != NULL; i++) {
        for (int p = BERT_PRECISION_FP32; p <= BERT_PRECISION_INT8; p++) {
            if (is_own(cpu, (bert_precision)p))
                check_model(dir, cpu, (bert_precision)p, p == BERT_PRECISION_FP32 ? rounds : 1);
        }
    }
}

static void test_hidden_states(void **state)
{
    static const char *const names[] = {"base33", "wide96", "one64", "odd35"};

    (void)state;
    for (size_t k = 0; k < sizeof names / sizeof *names; k++)
        check_levels(test_path("tests/data/models/bert/%s", names[k]), 4);
}

/* Every way in which distances enter attention, windows, grouped keys, pre-norm. */
static void test_families(void **state)
{
    static const char *const names[] = {
        "mpnet",           "modernbert",     "eurobert_bos",      "gte",
        "deberta_v2",      "deberta",        "roformer",          "esm",
        "jina_bert",       "jina_bert_code", "nystromformer",     "convbert",
        "convbert_groups", "mobilebert",     "mobilebert_narrow", "nystromformer_landmarks"};

    (void)state;
    for (size_t k = 0; k < sizeof names / sizeof *names; k++)
        check_levels(test_path("tests/data/models/family/%s", names[k]), 2);
}

static void test_real_model(void **state)
{
    const char *dir = test_minilm();

    (void)state;
    if (dir == NULL)
        skip();
    for (int p = BERT_PRECISION_FP32; p <= BERT_PRECISION_INT8; p++)
        check_model(dir, NULL, (bert_precision)p, 1);
}

/* All outputs of bert_forward() too, and of a session of another size. */
static void test_outputs(void **state)
{
    static const bert_output kinds[] = {BERT_OUTPUT_LAST_HIDDEN_STATE, BERT_OUTPUT_POOLER,
                                        BERT_OUTPUT_HIDDEN_STATES, BERT_OUTPUT_ATTENTIONS};
    bert_model *model = test_load(test_path("tests/data/models/bert/wide96"), NULL);
    bert_session *small, *large = test_session(model, 3);
    bert_session_options options = BERT_SESSION_OPTIONS_INIT;
    struct batch *b = malloc(sizeof *b);
    uint64_t random = 77;
    bert_outputs *together, *alone;
    bert_error err;

    (void)state;
    assert_non_null(b);
    options.max_tokens = MAX_LENGTH;
    options.max_sequences = 1;
    options.threads = 2;
    test_ok(bert_session_create(&small, model, &options, &err), &err);
    fill(b, 40, 3, MAX_LENGTH, 0, &random);
    test_ok(bert_forward(large, 15, b->ids, b->types, b->offsets, SEQUENCES, &together, &err),
            &err);
    for (uint32_t s = 0; s < SEQUENCES; s++) {
        uint32_t at = b->offsets[s], one[2] = {0, b->offsets[s + 1] - at};
        test_ok(bert_forward(small, 15, b->ids + at, b->types + at, one, 1, &alone, &err), &err);
        for (int k = 0; k < 4; k++) {
            uint32_t shape[4], rank;
            const float *want = bert_outputs_get(alone, kinds[k], 0, shape, &rank);
            size_t n = 1;
            for (uint32_t i = 0; i < rank; i++)
                n *= shape[i];
            test_same("forward", bert_outputs_get(together, kinds[k], s, NULL, NULL), want, n);
        }
        bert_outputs_free(alone);
    }
    bert_outputs_free(together);
    bert_session_destroy(small);
    bert_session_destroy(large);
    bert_model_unref(model);
    free(b);
}

static const char *const words[] = {"a cat",  "on the mat",
                                    "",       "prices rose again",
                                    "BERLIN", "the bank , it said",
                                    "東京 ☃", "x",
                                    "query",  "who wrote the first program for a machine ?"};
enum { WORDS = sizeof words / sizeof *words, TEXTS = 300 };

/* More texts than a session holds, split anyhow by the library: each as it is alone. */
static void test_embeddings(void **state)
{
    struct test_files files = {NULL, 0};
    bert_session_options options = BERT_SESSION_OPTIONS_INIT;
    float alone[WORDS][64], *out = malloc(TEXTS * 64 * sizeof *out);
    bert_text texts[TEXTS];
    uint64_t random = 3;
    bert_session *session;
    bert_model *model;
    bert_error err;

    (void)state;
    assert_non_null(out);
    test_files_add(&files, test_path("tests/data/models/embed/base"));
    test_files_add(&files, test_path("tests/data/models/embed/dense_tanh"));
    model = test_load_files(&files, NULL);
    session = test_session(model, 1);
    assert_int_equal(bert_model_embedding_size(model), 20);
    for (size_t i = 0; i < WORDS; i++) {
        bert_text text = {words[i], strlen(words[i])};
        test_ok(bert_embed(session, &text, 1, NULL, alone[i], 20, NULL, &err), &err);
    }
    bert_session_destroy(session);
    for (uint32_t threads = 1; threads <= 4; threads++) {
        size_t which[TEXTS];
        options.threads = threads;
        options.max_tokens = 64u << (threads - 1);
        options.max_sequences = threads == 2 ? 3 : 0;
        test_ok(bert_session_create(&session, model, &options, &err), &err);
        for (size_t i = 0; i < TEXTS; i++) {
            which[i] = test_random(&random, WORDS);
            texts[i] = (bert_text){words[which[i]], strlen(words[which[i]])};
        }
        test_ok(bert_embed(session, texts, TEXTS, NULL, out, TEXTS * 20, NULL, &err), &err);
        for (size_t i = 0; i < TEXTS; i++)
            test_same(words[which[i]], out + i * 20, alone[which[i]], 20);
        bert_session_destroy(session);
    }
    bert_model_unref(model);
    test_files_free(&files);
    free(out);
}

/* Two sessions of one model at the same time, from two threads. */
struct racer {
    pthread_t thread;
    bert_model *model;
    const struct batch *batch;
    const float *want;
    int wrong;
};

static void *race(void *arg)
{
    struct racer *r = arg;
    bert_session_options options = BERT_SESSION_OPTIONS_INIT;
    size_t n = r->batch->offsets[SEQUENCES] * (size_t)bert_model_hidden_size(r->model);
    float *out = malloc(n * sizeof *out);
    bert_session *session = NULL;

    options.threads = 2;
    r->wrong = out == NULL || bert_session_create(&session, r->model, &options, NULL) != BERT_OK;
    for (int i = 0; i < 20 && !r->wrong; i++)
        r->wrong = bert_encode(session, r->batch->ids, r->batch->types, r->batch->offsets,
                               SEQUENCES, out, n, NULL)
                       != BERT_OK
                   || memcmp(out, r->want, n * sizeof *out) != 0;
    bert_session_destroy(session);
    bert_model_unref(r->model);
    free(out);
    return NULL;
}

static void test_sessions_at_once(void **state)
{
    bert_model *model = test_load(test_path("tests/data/models/bert/base33"), NULL);
    bert_session *session = test_session(model, 1);
    struct batch *b = malloc(sizeof *b);
    uint64_t random = 5;
    struct racer racers[3];
    float *want;

    (void)state;
    assert_non_null(b);
    fill(b, 61, 2, MAX_LENGTH, 0, &random);
    want = malloc(b->offsets[SEQUENCES] * 33 * sizeof *want);
    assert_non_null(want);
    encode(session, b, SEQUENCES, want, 33);
    bert_session_destroy(session);
    for (int i = 0; i < 3; i++) {
        racers[i] = (struct racer){0, bert_model_ref(model), b, want, 1};
        assert_int_equal(pthread_create(&racers[i].thread, NULL, race, &racers[i]), 0);
    }
    bert_model_unref(model); /* the racers hold theirs */
    for (int i = 0; i < 3; i++) {
        pthread_join(racers[i].thread, NULL);
        assert_int_equal(racers[i].wrong, 0);
    }
    free(want);
    free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_families),         cmocka_unit_test(test_hidden_states),
        cmocka_unit_test(test_outputs),          cmocka_unit_test(test_embeddings),
        cmocka_unit_test(test_sessions_at_once), cmocka_unit_test(test_real_model),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
