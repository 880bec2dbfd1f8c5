/* SPDX-License-Identifier: MIT */
/*
 * cases.c - run `bert` on each case of a file and compare with what is expected.
 *
 *   cases BERT MODEL CASES
 *
 * A line of CASES is {"name", "args": [...], "input", "expected": [...]}, as
 * tests/parity/cli_compare.py writes them; `expected` are the JSON lines that the
 * reference says.  Keys and their order must agree, and whole numbers and strings;
 * floats to 1e-5 * max(1, |value|); null stands for anything; messages are not
 * compared.  "slack" of a case is how far single whole numbers may be off.
 */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define TOLERANCE 1e-5

struct difference {
    char text[256]; /* "" while there is none */
    double worst;
    json_int_t slack;
};

static void differ(struct difference *d, const char *path, const char *what)
{
    if (d->text[0] == '\0')
        snprintf(d->text, sizeof d->text, "%s: %s", path, what);
}

static void compare(struct difference *d, const char *path, const json_t *want, const json_t *have);

static void compare_numbers(struct difference *d, const char *path, const json_t *want,
                            const json_t *have)
{
    double a = json_number_value(want), b = json_number_value(have);
    double off = fabs(a - b) / fmax(1, fabs(a));
    char what[96];

    snprintf(what, sizeof what, "%.9g, expected %.9g", b, a);
    if (json_is_integer(want)) {
        if (!json_is_integer(have) || fabs(a - b) > (double)d->slack)
            differ(d, path, what);
        return;
    }
    d->worst = off > d->worst ? off : d->worst;
    if (!(off <= TOLERANCE))
        differ(d, path, what);
}

static void compare_objects(struct difference *d, const char *path, const json_t *want,
                            const json_t *have)
{
    void *a = json_object_iter((json_t *)want), *b = json_object_iter((json_t *)have);
    char below[200];

    while (b != NULL && (a != NULL || strcmp(json_object_iter_key(b), "message") == 0)) {
        const char *key = json_object_iter_key(b);

        if (strcmp(key, "message") != 0) {
            if (strcmp(key, json_object_iter_key(a)) != 0) {
                differ(d, path, key);
                return;
            }
            snprintf(below, sizeof below, "%.100s.%.80s", path, key);
            compare(d, below, json_object_iter_value(a), json_object_iter_value(b));
            a = json_object_iter_next((json_t *)want, a);
        }
        b = json_object_iter_next((json_t *)have, b);
    }
    if (a != NULL || b != NULL)
        differ(d, path, a != NULL ? "a key is missing" : "a key too many");
}

static void compare(struct difference *d, const char *path, const json_t *want, const json_t *have)
{
    char below[200];

    if (json_is_null(want) || d->text[0] != '\0')
        return;
    if (json_is_number(want) && json_is_number(have)) {
        compare_numbers(d, path, want, have);
    } else if (json_typeof(want) != json_typeof(have)) {
        differ(d, path, "another type");
    } else if (json_is_object(want)) {
        compare_objects(d, path, want, have);
    } else if (json_is_array(want)) {
        if (json_array_size(want) != json_array_size(have))
            differ(d, path, "another length");
        for (size_t i = 0; i < json_array_size(want) && d->text[0] == '\0'; i++) {
            snprintf(below, sizeof below, "%.150s[%zu]", path, i);
            compare(d, below, json_array_get(want, i), json_array_get(have, i));
        }
    } else if (!json_equal((json_t *)want, (json_t *)have)) {
        differ(d, path, "another value");
    }
}

/* ---- Running ---------------------------------------------------------------------- */

static FILE *file_with(const json_t *text)
{
    FILE *f = tmpfile();

    if (f == NULL)
        return NULL;
    fwrite(json_string_value(text), 1, json_string_length(text), f);
    rewind(f);
    return f;
}

/* Exit code, or -1. */
static int run(const char *bert, const char *model, const json_t *args, FILE *in, FILE *out)
{
    const char *argv[64] = {bert};
    size_t n = json_array_size(args);
    int status = 0;
    pid_t child;

    if (n > 60)
        return -1;
    for (size_t i = 0; i < n; i++)
        argv[1 + i] = json_string_value(json_array_get(args, i));
    argv[1 + n] = "-m";
    argv[2 + n] = model;
    child = fork();
    if (child == 0) {
        dup2(fileno(in), STDIN_FILENO);
        dup2(fileno(out), STDOUT_FILENO);
        execv(bert, (char **)argv);
        _exit(127);
    }
    if (child < 0 || waitpid(child, &status, 0) != child)
        return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void compare_lines(struct difference *d, const json_t *expected, FILE *out)
{
    char *line = NULL, path[32];
    size_t capacity = 0, n = 0;
    ssize_t size;

    rewind(out);
    while ((size = getline(&line, &capacity, out)) > 0) {
        json_error_t error;
        json_t *have =
            json_loadb(line, (size_t)size, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
        const json_t *want = json_array_get(expected, n++);

        snprintf(path, sizeof path, "line %zu", n);
        if (have == NULL)
            differ(d, path, error.text);
        else if (want == NULL)
            differ(d, path, "a line too many");
        else
            compare(d, path, want, have);
        json_decref(have);
    }
    if (n < json_array_size(expected))
        differ(d, "output", "lines are missing");
    free(line);
}

static int expected_code(const json_t *expected)
{
    for (size_t i = 0; i < json_array_size(expected); i++) {
        if (json_object_get(json_array_get(expected, i), "error") != NULL)
            return 1;
    }
    return 0;
}

static int run_case(const char *bert, const char *model, const json_t *line)
{
    const json_t *expected = json_object_get(line, "expected");
    FILE *in = file_with(json_object_get(line, "input")), *out = tmpfile();
    struct difference d = {.slack = json_integer_value(json_object_get(line, "slack"))};
    int code;

    if (in == NULL || out == NULL || expected == NULL) {
        printf("FAIL: temporary file, or no \"expected\"\n");
        return 0;
    }
    code = run(bert, model, json_object_get(line, "args"), in, out);
    compare_lines(&d, expected, out);
    if (code != expected_code(expected))
        differ(&d, "exit code", "another");
    if (d.text[0] != '\0')
        printf("FAIL %s: %s (exit code %d)\n", json_string_value(json_object_get(line, "name")),
               d.text, code);
    fclose(in);
    fclose(out);
    return d.text[0] == '\0';
}

int main(int argc, char **argv)
{
    char *line = NULL;
    size_t capacity = 0, passed = 0, failed = 0;
    ssize_t size;
    FILE *cases = argc == 4 ? fopen(argv[3], "r") : NULL;

    if (cases == NULL) {
        fprintf(stderr, "usage: cases BERT MODEL CASES\n");
        return 2;
    }
    while ((size = getline(&line, &capacity, cases)) > 0) {
        json_error_t error;
        json_t *one = json_loadb(line, (size_t)size, 0, &error);

        if (one != NULL && run_case(argv[1], argv[2], one))
            passed++;
        else
            failed++;
        json_decref(one);
    }
    free(line);
    fclose(cases);
    printf("cases: %zu passed, %zu failed\n", passed, failed);
    return failed > 0 || passed == 0;
}
