/* SPDX-License-Identifier: MIT */
/*
 * main.c - checkkern: every kernel of every table that this CPU runs (and of the build's
 * BLAS module), the mutants which show that the check can fail, and the dispatcher.
 *
 *   checkkern [--level NAME] [--only CHECK] [--step N]
 *
 * --only CHECK: those whose names begin so.
 * --step N: test elementary functions on every N-th float (1: all; takes many minutes).
 */
#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernels/cpu.h"
#include "tests/kernels/check.h"
#include "tests/kernels/mutants.h"

#define TESTS_MAX 512

struct job {
    const struct bert__kernels *k;
    check_fn run;
};

static void run_check(void **state)
{
    const struct job *job = *state;
    char message[256];
    unsigned failures = check_run(job->k, job->run, message, sizeof(message));

    if (failures)
        fail_msg("%u failures; the first: %s", failures, message);
}

static void run_mutant(void **state)
{
    const struct mutant *m = *state;
    struct bert__kernels table = *bert__kernels_best(NULL);
    char message[256];

    mutants_base(bert__kernels_best(NULL));
    m->mutate(&table);
    if (check_run(&table, m->check, message, sizeof(message)) == 0)
        fail_msg("the mutant was not noticed");
}

static void test_levels(void **state)
{
    const struct bert__kernels *k;
    uint32_t last = 0;

    (void)state;
    assert_non_null(bert__kernels_at(0));
    assert_string_equal(bert__kernels_at(0)->name, "scalar");
    for (uint32_t i = 0; (k = bert__kernels_at(i)) != NULL; i++) {
        assert_true(i == 0 || k->level > last);
        last = k->level;
        assert_ptr_equal(bert__kernels_named(k->name), k);
        assert_ptr_equal(bert__kernels_best(k->name), k);
#define BERT__KERNEL(ret, name, args) assert_non_null(k->name);
#include "kernels/kernels.inc"
#undef BERT__KERNEL
        assert_non_null(k->gemm[BERT__F32].run);
        assert_non_null(k->attention[BERT__F32].run);
    }
    assert_int_equal(bert__kernels_best(NULL)->level, last);
    assert_null(bert__kernels_named("sse9"));
    assert_null(bert__kernels_best("sse9"));
    assert_null(bert__kernels_best(""));
}

static void test_merge(void **state)
{
    const struct bert__kernels *scalar = bert__kernels_at(0);
    struct bert__kernels table = {.name = "other", .level = 10};

    (void)state;
    table.dot = bert__kernels_best(NULL)->dot;
    bert__kernels_merge(&table, scalar);
    assert_string_equal(table.name, "other");
    assert_int_equal(table.level, 10);
    assert_ptr_equal(table.dot, bert__kernels_best(NULL)->dot);
    assert_ptr_equal(table.softmax, scalar->softmax);
    assert_ptr_equal(table.gemm[BERT__F32].run, scalar->gemm[BERT__F32].run);
    assert_int_equal(table.gemm[BERT__F32].nr, scalar->gemm[BERT__F32].nr);
    assert_ptr_equal(bert__kernels_attention(&table, BERT__BF16, 99), table.attention);
    table.attention[BERT__BF16] = *table.attention;
    table.attention[BERT__BF16].least = 9;
    assert_ptr_equal(bert__kernels_attention(&table, BERT__F32, 99), table.attention);
    assert_ptr_equal(bert__kernels_attention(&table, BERT__INT8, 8), table.attention);
    assert_ptr_equal(bert__kernels_attention(&table, BERT__INT8, 9), table.attention + BERT__BF16);
}

/* The table of the BLAS module, if the build has one; it need not be the fastest here. */
static const struct bert__kernels *blas_level(void)
{
    static struct bert__kernels table;
    void *module = dlopen(TEST_BUILDDIR "/out/bert/libbert-blas.so", RTLD_NOW | RTLD_LOCAL);
    const struct bert__kernels *found = module ? dlsym(module, "bert_blas_kernels") : NULL;

    if (!found) {
        printf("checkkern: no BLAS module in this build\n");
        return NULL;
    }
    table = *found;
    bert__kernels_merge(&table, bert__kernels_at(0));
    return &table;
}

static struct CMUnitTest tests[TESTS_MAX];
static struct job jobs[TESTS_MAX];
static char names[TESTS_MAX][64];
static size_t n_tests;

static void add_test(const char *group, const char *name, CMUnitTestFunction fn, const void *state)
{
    if (n_tests == TESTS_MAX) {
        fputs("raise TESTS_MAX\n", stderr);
        exit(1);
    }
    snprintf(names[n_tests], sizeof(names[0]), "%s.%s", group, name);
    tests[n_tests] = (struct CMUnitTest){
        .name = names[n_tests], .test_func = fn, .initial_state = (void *)(uintptr_t)state};
    n_tests++;
}

/* Has the table what this checks from the one below it? */
static int is_inherited(const struct bert__kernels *k, const struct bert__kernels *below,
                        const struct check_entry *e)
{
    return below && memcmp((const char *)k + e->at, (const char *)below + e->at, e->bytes) == 0;
}

static void add_level(const struct bert__kernels *k, const struct bert__kernels *below,
                      const char *only)
{
    if (!bert__cpu_permit(k->needs)) {
        printf("checkkern: the system denies the registers of %s\n", k->name);
        return;
    }
    for (const struct check_entry *e = check_list; e->name; e++) {
        if ((only && strncmp(only, e->name, strlen(only)) != 0) || is_inherited(k, below, e))
            continue;
        jobs[n_tests] = (struct job){.k = k, .run = e->run};
        add_test(k->name, e->name, run_check, &jobs[n_tests]);
    }
}

static const char *option(int argc, char **argv, const char *name)
{
    for (int i = 1; i + 1 < argc; i++) {
        if (strcmp(argv[i], name) == 0)
            return argv[i + 1];
    }
    return NULL;
}

int main(int argc, char **argv)
{
    const char *level = option(argc, argv, "--level");
    const char *only = option(argc, argv, "--only");
    const char *step = option(argc, argv, "--step");
    const struct bert__kernels *blas = blas_level();
    const struct bert__kernels *k, *below = NULL;

    if (step && strtoul(step, NULL, 10) > 0)
        check_float_step = (uint32_t)strtoul(step, NULL, 10);
    if (level && !bert__kernels_named(level) && !(blas && strcmp(level, blas->name) == 0)) {
        fprintf(stderr, "checkkern: no level \"%s\" here\n", level);
        return 2;
    }
    for (uint32_t i = 0; (k = bert__kernels_at(i)) != NULL; i++) {
        if (!level || strcmp(level, k->name) == 0)
            add_level(k, level ? NULL : below, only);
        below = k;
    }
    if (blas && (!level || strcmp(level, blas->name) == 0))
        add_level(blas, level ? NULL : bert__kernels_at(0), only);
    for (const struct mutant *m = mutants; m->name && !level && !only; m++)
        add_test("mutant", m->name, run_mutant, m);
    add_test("dispatch", "levels", test_levels, NULL);
    add_test("dispatch", "merge", test_merge, NULL);
    return _cmocka_run_group_tests("checkkern", tests, n_tests, NULL, NULL);
}
