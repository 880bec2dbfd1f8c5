/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/support_prometheus.h"

enum { MAX_LINE = 256 };

struct reader {
    struct test_samples *out;
    const char *line; /* for messages */
    char help[MAX_LINE], name[MAX_LINE], type[16];
    /* of the histogram that is being read */
    double bound, below;
    int state; /* 0: buckets, 1: +Inf was there, 2: _sum, 3: _count */
};

static void check(const struct reader *r, bool good, const char *what)
{
    if (!good)
        fail_msg("%s: %s", what, r->line);
}

/* Length of a name at p; ':' is for those who make rules. */
static size_t name_length(const char *p)
{
    size_t n = 0;

    while (p[n] == '_' || islower((unsigned char)p[n]) || (n > 0 && isdigit((unsigned char)p[n])))
        n++;
    return n;
}

static bool ends_in(const char *s, const char *end)
{
    size_t n = strlen(s), m = strlen(end);

    return n >= m && strcmp(s + n - m, end) == 0;
}

/* Whatever the locale. */
static double number(const struct reader *r, const char *s, const char *end)
{
    locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    char *after;
    double value;

    if (strncmp(s, "+Inf", 4) == 0 && end == s + 4)
        return (double)INFINITY;
    if (strncmp(s, "NaN", 3) == 0 && end == s + 3)
        return (double)NAN;
    check(r, isdigit((unsigned char)*s) || (*s == '-' && isdigit((unsigned char)s[1])),
          "no number");
    value = strtod_l(s, &after, c);
    freelocale(c);
    check(r, after == end && memchr(s, 'x', (size_t)(end - s)) == NULL, "more than a number");
    return value;
}

/* The family that ends here: is it whole? */
static void finish(const struct reader *r)
{
    if (strcmp(r->type, "histogram") == 0)
        check(r, r->state == 3, "before it a histogram lacks something");
}

static void read_comment(struct reader *r, const char *s)
{
    size_t n = strncmp(s, "# HELP bert_", 12) == 0 || strncmp(s, "# TYPE bert_", 12) == 0
                   ? name_length(s + 7)
                   : 0;
    bool help = strncmp(s, "# HELP", 6) == 0;

    check(r, n > 5 && s[7 + n] == ' ' && s[8 + n] != '\0', "no HELP and no TYPE");
    if (help) {
        finish(r);
        check(r, strpbrk(s, "\\\"") == NULL, "help that wants escapes");
        snprintf(r->help, sizeof r->help, "%.*s", (int)n, s + 7);
        r->type[0] = '\0';
        return;
    }
    snprintf(r->name, sizeof r->name, "%.*s", (int)n, s + 7);
    check(r, strcmp(r->name, r->help) == 0, "no HELP before it");
    for (size_t i = 0; i < r->out->count; i++)
        check(r,
              strncmp(r->out->list[i].series, r->name, n) != 0
                  || strchr("{ ", r->out->list[i].series[n]) == NULL,
              "a family that was there");
    snprintf(r->type, sizeof r->type, "%s", s + 8 + n);
    check(r,
          strcmp(r->type, "counter") == 0 || strcmp(r->type, "gauge") == 0
              || strcmp(r->type, "histogram") == 0,
          "no type");
    check(r, (strcmp(r->type, "counter") == 0) == ends_in(r->name, "_total"), "_total");
    check(r, strstr(r->name, "_ns") == NULL && strstr(r->name, r->type) == NULL, "a poor name");
    r->out->families++;
    r->bound = (double)-INFINITY;
    r->below = 0;
    r->state = 0;
}

/* What follows the name of the family: _bucket{le="..."}, _sum, _count. */
static void check_histogram(struct reader *r, const char *rest, double value)
{
    const char *quote = strchr(rest, '"');

    if (strncmp(rest, "_bucket{le=\"", 12) == 0) {
        double bound = number(r, rest + 12, strchr(quote + 1, '"'));

        check(r, r->state == 0 && bound > r->bound && value >= r->below, "buckets");
        r->bound = bound;
        r->below = value;
        r->state = isinf(bound) ? 1 : 0;
    } else if (strcmp(rest, "_sum") == 0) {
        check(r, r->state == 1 && value >= 0, "sum");
        r->state = 2;
    } else {
        check(r, strcmp(rest, "_count") == 0 && r->state == 2 && value == r->below, "count");
        r->state = 3;
    }
}

/* Length of {label="value"} at s, with neither of them empty; 0 where there is none. */
static size_t labels_length(const struct reader *r, const char *s)
{
    size_t n;

    if (*s != '{')
        return 0;
    n = 1 + name_length(s + 1);
    check(r, n > 1 && s[n] == '=' && s[n + 1] == '"', "a label");
    n += 2 + strcspn(s + n + 2, "\"\\");
    check(r, s[n] == '"' && s[n + 1] == '}', "a label's value");
    return n + 2;
}

static void read_sample(struct reader *r, const char *s)
{
    struct test_sample *to = &r->out->list[r->out->count];
    size_t family = strlen(r->name), n = name_length(s);

    check(r, r->type[0] != '\0' && n >= family && strncmp(s, r->name, family) == 0,
          "of no family or another one");
    check(r, n == family || strcmp(r->type, "histogram") == 0, "another name");
    n += labels_length(r, s + n);
    check(r, s[n] == ' ' && n < sizeof to->series && r->out->count < TEST_SAMPLES, "a sample");
    snprintf(to->series, sizeof to->series, "%.*s", (int)n, s);
    snprintf(to->type, sizeof to->type, "%s", r->type);
    to->value = number(r, s + n + 1, s + strlen(s));
    for (size_t i = 0; i < r->out->count; i++)
        check(r, strcmp(r->out->list[i].series, to->series) != 0, "a series that was there");
    if (strcmp(r->type, "histogram") == 0)
        check_histogram(r, to->series + family, to->value);
    if (strcmp(r->type, "counter") == 0)
        check(r, to->value >= 0, "a counter");
    r->out->count++;
}

void test_prometheus_read(struct test_samples *out, const char *text, size_t size)
{
    struct reader r = {out, "the end", "", "", "", 0, 0, 0};

    memset(out, 0, sizeof *out);
    if (size == 0 || text[size - 1] != '\n')
        fail_msg("the text ends within a line");
    while (size > 0) {
        const char *end = memchr(text, '\n', size);
        size_t n = (size_t)(end - text);
        char line[MAX_LINE];

        if (n == 0 || n >= sizeof line || memchr(text, '\0', n) != NULL)
            fail_msg("a line of %zu bytes, or with a NUL", n);
        memcpy(line, text, n);
        line[n] = '\0';
        r.line = line;
        if (line[0] == '#')
            read_comment(&r, line);
        else
            read_sample(&r, line);
        text += n + 1;
        size -= n + 1;
    }
    r.line = "the end";
    finish(&r);
}

double test_prometheus_get(const struct test_samples *samples, const char *series)
{
    for (size_t i = 0; i < samples->count; i++) {
        if (strcmp(samples->list[i].series, series) == 0)
            return samples->list[i].value;
    }
    fail_msg("no series %s", series);
    return 0;
}
