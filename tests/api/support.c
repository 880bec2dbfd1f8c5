/* SPDX-License-Identifier: MIT */
/* support.c - places, comparison, loading, random numbers. */
#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *test_path(const char *format, ...)
{
    static char turns[8][1024];
    static unsigned turn;
    char *path = turns[turn++ % 8];
    int n = snprintf(path, sizeof turns[0], "%s/", TEST_SRCDIR);
    va_list args;

    va_start(args, format);
    vsnprintf(path + n, sizeof turns[0] - (size_t)n, format, args);
    va_end(args);
    return path;
}

const char *test_minilm(void)
{
    const char *path = getenv("BERT_TEST_MODEL");
    char weights[1100];

    if (path == NULL || *path == '\0')
        path = test_path("models/all-MiniLM-L6-v2");
    snprintf(weights, sizeof weights, "%s/model.safetensors", path);
    if (access(weights, R_OK) == 0)
        return path;
    print_message("SKIPPED: no real model at %s; set BERT_TEST_MODEL to a folder of "
                  "all-MiniLM-L6-v2\n",
                  path);
    return NULL;
}

void *test_read_file(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    char *data;
    long n;

    if (f == NULL)
        fail_msg("cannot open %s", path);
    assert_int_equal(fseek(f, 0, SEEK_END), 0);
    n = ftell(f);
    assert_true(n >= 0);
    rewind(f);
    data = malloc((size_t)n + 1);
    assert_non_null(data);
    assert_int_equal(fread(data, 1, (size_t)n, f), n);
    data[n] = '\0';
    fclose(f);
    *size = (size_t)n;
    return data;
}

double test_tolerance(const float *want, size_t n)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += (double)want[i] * (double)want[i];
    return 1e-5 * fmax(1, sqrt(sum / (double)(n > 0 ? n : 1)));
}

void test_close(const char *what, const float *got, const float *want, size_t n)
{
    double worst = 0, limit = test_tolerance(want, n);
    size_t at = 0;

    for (size_t i = 0; i < n; i++) {
        double d = fabs((double)got[i] - (double)want[i]);
        if (!(d <= worst)) { /* NaN too */
            worst = d;
            at = i;
        }
        if (isnan(d))
            break;
    }
    if (!(worst <= limit))
        fail_msg("%s: value %zu of %zu is %.9g, expected %.9g (off by %.3g, at most %.3g)", what,
                 at, n, (double)got[at], (double)want[at], worst, limit);
}

void test_same(const char *what, const float *got, const float *want, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (memcmp(&got[i], &want[i], sizeof *got) != 0)
            fail_msg("%s: value %zu of %zu is %.9g, expected the bits of %.9g", what, i, n,
                     (double)got[i], (double)want[i]);
}

void test_ok(bert_status status, const bert_error *err)
{
    if (status != BERT_OK)
        fail_msg("%s: %s", bert_status_name(status), err->message);
}

void test_error(bert_status status, const bert_error *err, bert_status want, ...)
{
    va_list words;
    const char *word;

    if (status != want)
        fail_msg("%s instead of %s: %s", bert_status_name(status), bert_status_name(want),
                 status == BERT_OK ? "" : err->message);
    assert_int_equal(err->code, want);
    assert_true(strlen(err->message) > 5);
    if (strchr(err->message, '\n') != NULL)
        fail_msg("more than one line: %s", err->message);
    va_start(words, want);
    while ((word = va_arg(words, const char *)) != NULL)
        if (strstr(err->message, word) == NULL)
            fail_msg("the message doesn't name \"%s\": %s", word, err->message);
    va_end(words);
}

static bert_model_options options_for(const char *cpu)
{
    bert_model_options options = BERT_MODEL_OPTIONS_INIT;

    options.cpu = cpu;
    return options;
}

bert_model *test_load(const char *dir, const char *cpu)
{
    return test_load_as(dir, cpu, BERT_PRECISION_DEFAULT);
}

bert_model *test_load_as(const char *dir, const char *cpu, bert_precision precision)
{
    bert_model_options options = options_for(cpu);
    bert_error err;
    bert_model *model;

    options.precision = precision;
    test_ok(bert_model_load(&model, dir, &options, &err), &err);
    assert_non_null(model);
    return model;
}

bert_model *test_load_files(const struct test_files *files, const char *cpu)
{
    bert_model_options options = options_for(cpu);
    bert_error err;
    bert_model *model;

    test_ok(bert_model_load_memory(&model, files->list, files->n, &options, &err), &err);
    assert_non_null(model);
    return model;
}

bert_session *test_session(bert_model *model, uint32_t threads)
{
    bert_session_options options = BERT_SESSION_OPTIONS_INIT;
    bert_error err;
    bert_session *session;

    options.threads = threads;
    test_ok(bert_session_create(&session, model, &options, &err), &err);
    assert_non_null(session);
    return session;
}

uint32_t test_random(uint64_t *state, uint32_t below)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return (uint32_t)((*state * 0x2545f4914f6cdd1dULL) >> 33) % below;
}
