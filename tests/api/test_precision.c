/* SPDX-License-Identifier: MIT */
/*
 * test_precision.c - bf16 and int8 beside fp32: how far their hidden states are off, that int8 is
 * the same on all instruction sets but for the rounding of what follows its integers, and what
 * their weights take.
 */
#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TOKENS = 40 };

static const char *const names[] = {"bert/wide96",       "bert/odd35",   "family/modernbert",
                                    "family/deberta_v2", "family/mpnet", "family/convbert_groups"};

/* Hidden states of three sequences; *n receives their number. */
static float *states(const char *name, const char *cpu, bert_precision precision, size_t *n)
{
    static const uint32_t offsets[] = {0, 5, 22, TOKENS};
    bert_model *model = test_load_as(test_path("tests/data/models/%s", name), cpu, precision);
    bert_session *session = test_session(model, 2);
    uint32_t vocab = bert_model_vocab_size(model);
    int32_t ids[TOKENS];
    float *out;
    bert_error err;

    *n = (size_t)TOKENS * bert_model_hidden_size(model);
    out = malloc(*n * sizeof *out);
    assert_non_null(out);
    for (uint32_t i = 0; i < TOKENS; i++)
        ids[i] = (int32_t)((i * 7 + 3) % vocab);
    assert_int_equal(bert_model_precision(model), precision);
    test_ok(bert_encode(session, ids, NULL, offsets, 3, out, *n, &err), &err);
    bert_session_destroy(session);
    bert_model_unref(model);
    return out;
}

/* Root mean square of a - b over that of b. */
static double off(const float *a, const float *b, size_t n)
{
    double error = 0, size = 0;

    for (size_t i = 0; i < n; i++) {
        error += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
        size += (double)b[i] * b[i];
    }
    return sqrt(error / size);
}

static void test_near_fp32(void **state)
{
    static const struct {
        bert_precision precision;
        double least, most;
    } want[] = {{BERT_PRECISION_BF16, 0, 2e-2}, {BERT_PRECISION_INT8, 1e-4, 6e-2}};
    const char *cpu;

    (void)state;
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        size_t n;
        float *exact = states(names[k], NULL, BERT_PRECISION_FP32, &n);

        for (uint32_t i = 0; (cpu = bert_cpu_name(i)) != NULL; i++) {
            for (size_t p = 0; p < sizeof want / sizeof *want; p++) {
                float *got = states(names[k], cpu, want[p].precision, &n);
                double by = off(got, exact, n);

                if (!(by >= want[p].least && by <= want[p].most))
                    fail_msg("%s, %s, precision %d: off by %g", names[k], cpu,
                             (int)want[p].precision, by);
                free(got);
            }
        }
        free(exact);
    }
}

/* A rounding of fp32 before a quantisation can move a value by a whole step; few are. */
static void test_int8_everywhere(void **state)
{
    const char *cpu;

    (void)state;
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        size_t n;
        float *scalar = states(names[k], "scalar", BERT_PRECISION_INT8, &n);

        for (uint32_t i = 1; (cpu = bert_cpu_name(i)) != NULL; i++) {
            float *got = states(names[k], cpu, BERT_PRECISION_INT8, &n);
            double by = off(got, scalar, n);

            if (!(by <= 2e-2))
                fail_msg("%s, %s: off by %g from scalar", names[k], cpu, by);
            free(got);
        }
        free(scalar);
    }
}

static uint64_t bytes(bert_precision precision)
{
    bert_model *model = test_load_as(test_path("tests/data/models/bert/wide96"), NULL, precision);
    uint64_t n = bert_model_bytes(model);

    bert_model_unref(model);
    return n;
}

static void test_bytes(void **state)
{
    uint64_t fp32 = bytes(BERT_PRECISION_FP32), bf16 = bytes(BERT_PRECISION_BF16);

    (void)state;
    assert_true(bf16 < fp32);
    assert_true(bytes(BERT_PRECISION_INT8) < bf16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_near_fp32),
        cmocka_unit_test(test_int8_everywhere),
        cmocka_unit_test(test_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
