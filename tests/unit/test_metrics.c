/* SPDX-License-Identifier: MIT */
/*
 * test_metrics.c - the list of metrics is bert_metrics, field by field, and the table of
 * docs/metrics.md; what is counted comes out of the snapshot and of both writers; and a buffer that
 * is too small stays as it was.
 */
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/json.h"
#include "lib/serve/counters.h"
#include "lib/serve/metrics_list.h"
#include "tests/unit/support_alloc.h"
#include "tests/unit/support_prometheus.h"

/* ---- The list ------------------------------------------------------------- */

#define FIELD(name)                ((bert_metrics *)0)->name
#define IS_A(name, field, type)    _Static_assert(_Generic(field, type : 1, default : 0), #name);
#define BERT__COUNTER(name, l, h)  IS_A(name, &FIELD(name), uint64_t *)
#define BERT__FAILURES(name, l, h) IS_A(name, &FIELD(name)[0], uint64_t *)
#define BERT__GAUGE(name, l, h)    IS_A(name, &FIELD(name), uint64_t *)
#define BERT__MEASURE(name, l, h)  IS_A(name, &FIELD(name), double *)
#define BERT__HISTOGRAM(name, ...) IS_A(name, &FIELD(name), bert_histogram *)
#include "lib/serve/metrics.inc"

/* Without gaps from the head to the end: no field is missing. */
static void test_fields(void **unused)
{
    size_t at = bert__metrics_head();

    (void)unused;
    assert_int_equal(at, offsetof(bert_metrics, reserved) + sizeof(uint32_t));
    for (size_t i = 0; i < bert__metrics_count; i++) {
        const struct bert__metric *m = &bert__metrics[i];

        assert_int_equal(m->at, at);
        at += m->size;
        assert_null(strpbrk(m->help, "\\\"\n|"));
        assert_true(strlen(m->name) < 40 && m->help[strlen(m->help) - 1] == '.');
        assert_true(m->kind == BERT__METRIC_HISTOGRAM ? m->low < m->high && m->high <= 42
                                                      : m->high == 0);
    }
    assert_int_equal(at, sizeof(bert_metrics));
    assert_true(bert__status_known(BERT_EINTERNAL) && !bert__status_known(BERT_EINTERNAL - 1));
}

static const char *kind_of(const struct bert__metric *m)
{
    static const char *const names[] = {"counter", "counter", "gauge", "gauge", "histogram"};

    return names[m->kind];
}

/* The table of the page, as it must stand there. */
static char *make_table(void)
{
    char *table = malloc(1 << 16), name[64];
    size_t n = 0;

    assert_non_null(table);
    for (size_t i = 0; i < bert__metrics_count; i++) {
        const struct bert__metric *m = &bert__metrics[i];

        bert__metric_name(name, m);
        n +=
            (size_t)snprintf(table + n, 512, "| `%s` | `%s%s` | %s | %s |\n", m->name, name,
                             m->kind == BERT__METRIC_FAILURES ? "{code}" : "", kind_of(m), m->help);
    }
    return table;
}

static char *read_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    char *text = calloc(1, 1 << 17);

    assert_non_null(f);
    assert_non_null(text);
    assert_true(fread(text, 1, (1 << 17) - 1, f) > 0);
    fclose(f);
    return text;
}

static void test_page(void **unused)
{
    char *page = read_file(TEST_SRCDIR "/docs/metrics.md"), *table = make_table(), *at;

    (void)unused;
    at = strstr(page, "| `requests_submitted` |");
    if (at == NULL || strncmp(at, table, strlen(table)) != 0 || at[strlen(table)] != '\n')
        fail_msg("the table of docs/metrics.md should be:\n%s", table);
    free(table);
    free(page);
}

/* ---- The snapshot --------------------------------------------------------- */

static struct bert__counters counters;
static bert_metrics snapshot;

/* A number of its own for every metric, and histograms of several values. */
static void fill(void)
{
    uint64_t n = 1000;

    bert__counters_init(&counters);
#define BERT__COUNTER(name, line, help) bert__count(&counters.name, n++);
#define BERT__GAUGE(name, line, help)   bert__gauge_set(&counters.name, n++);
#define BERT__MEASURE(name, line, help) bert__measure_set(&counters.name, (double)n++ / 1024);
#define BERT__HISTOGRAM(name, low, high, help)                                                     \
    for (uint64_t v = n++; v < UINT64_C(1) << 50; v *= 5)                                          \
        bert__histogram_record(&counters.name, v);
#include "lib/serve/metrics.inc"
    for (int i = 1; bert__status_known(-i); i++)
        bert__count(&counters.requests_failed[i], n++);
    counters.started_ns -= 3000000000; /* 3 s ago */
}

static void take(void)
{
    bert_error err;

    snapshot.size = sizeof snapshot;
    assert_int_equal(bert__counters_snapshot(&counters, &snapshot, &err), BERT_OK);
    assert_int_equal(snapshot.size, sizeof snapshot);
    assert_int_equal(snapshot.version, BERT_METRICS_VERSION);
}

static void check_histogram(const bert_histogram *h, uint64_t n)
{
    uint64_t count = 0, sum = 0, max = 0;

    for (uint64_t v = n; v < UINT64_C(1) << 50; v *= 5) {
        count++;
        sum += v;
        max = v > max ? v : max;
        assert_true(h->buckets[bert__histogram_index(v)] > 0);
    }
    assert_true(h->count == count && h->sum == sum && h->max == max);
}

static void test_snapshot(void **unused)
{
    uint64_t n = 1000;

    (void)unused;
    fill();
    take();
    assert_true(snapshot.uptime_ns >= 3000000000 && snapshot.uptime_ns < 600000000000);
#define BERT__COUNTER(name, line, help) assert_int_equal(snapshot.name, n++);
#define BERT__GAUGE(name, line, help)                                                              \
    if (offsetof(bert_metrics, name) != offsetof(bert_metrics, uptime_ns))                         \
        assert_int_equal(snapshot.name, n);                                                        \
    n++;
#define BERT__MEASURE(name, line, help)        assert_true(snapshot.name == (double)n++ / 1024);
#define BERT__HISTOGRAM(name, low, high, help) check_histogram(&snapshot.name, n++);
#include "lib/serve/metrics.inc"
    for (int i = 1; bert__status_known(-i); i++)
        assert_int_equal(snapshot.requests_failed[i], n++);
}

static void test_counting(void **unused)
{
    (void)unused;
    bert__counters_init(&counters);
    bert__gauge_add(&counters.requests_queued, 5);
    bert__gauge_sub(&counters.requests_queued, 3);
    bert__count_failed(&counters, BERT_ECANCELED);
    bert__count_failed(&counters, BERT_ETIMEDOUT);
    bert__count_failed(&counters, BERT_ETIMEDOUT);
    bert__count_failed(&counters, (bert_status)-77);
    bert__count_failed(&counters, (bert_status)3);
    take();
    assert_int_equal(snapshot.requests_queued, 2);
    assert_int_equal(snapshot.requests_canceled, 1);
    assert_int_equal(snapshot.requests_timed_out, 2);
    assert_int_equal(snapshot.requests_failed[-BERT_ECANCELED], 1);
    assert_int_equal(snapshot.requests_failed[-BERT_ETIMEDOUT], 2);
    assert_int_equal(snapshot.requests_failed[-BERT_EINTERNAL], 2);
    assert_true(isnan(snapshot.drift_psi_embedding) && isnan(snapshot.drift_mmd_embedding));
}

/* Hosts that were built with an older or a newer header. */
static void test_sizes(void **unused)
{
    struct {
        bert_metrics m;
        uint64_t later[8];
    } newer;
    bert_error err;

    (void)unused;
    fill();
    memset(&newer, 0xA5, sizeof newer);
    newer.m.size = sizeof newer;
    assert_int_equal(bert__counters_snapshot(&counters, &newer.m, &err), BERT_OK);
    assert_int_equal(newer.m.size, sizeof newer.m);
    for (size_t i = 0; i < 8; i++)
        assert_true(newer.later[i] == 0);

    memset(&newer, 0xA5, sizeof newer);
    newer.m.size = offsetof(bert_metrics, batches) + 4; /* within a field */
    assert_int_equal(bert__counters_snapshot(&counters, &newer.m, &err), BERT_OK);
    assert_int_equal(newer.m.size, offsetof(bert_metrics, batches) + 4);
    assert_true(newer.m.tokenize_errors > 1000);
    assert_true(newer.m.batched_tokens == UINT64_C(0xA5A5A5A5A5A5A5A5));

    memset(&newer, 0xA5, sizeof newer);
    newer.m.size = bert__metrics_head() - 1;
    assert_int_equal(bert__counters_snapshot(&counters, &newer.m, &err), BERT_EINVAL);
    assert_true(newer.m.version == 0xA5A5A5A5);
}

/* ---- Writers -------------------------------------------------------------- */

typedef bert_status (*writer)(const bert_metrics *, char *, size_t, size_t *, bert_error *);

/* All of it, in memory of exactly its size; the caller frees it. */
static char *write_all(writer fn, size_t *size)
{
    bert_error err;
    char *text;

    assert_int_equal(fn(&snapshot, NULL, 0, size, &err), BERT_ERANGE);
    text = malloc(*size);
    assert_non_null(text);
    assert_int_equal(fn(&snapshot, text, *size, size, &err), BERT_OK);
    return text;
}

static bool near(double got, double want)
{
    return fabs(got - want) <= 6e-9 * fabs(want); /* half of the 9th digit, at most */
}

/* A series of a metric: its name, suffix and label. */
static double series(const struct test_samples *s, const char *name, const char *rest)
{
    char key[128];

    snprintf(key, sizeof key, "%s%s", name, rest);
    return test_prometheus_get(s, key);
}

static size_t check_prometheus_histogram(const struct test_samples *s, const struct bert__metric *m,
                                         const char *name, const bert_histogram *h)
{
    double unit = bert__metric_time(m) ? 1e-9 : 1;

    assert_true(series(s, name, "_count") == (double)h->count);
    assert_true(near(series(s, name, "_sum"), (double)h->sum * unit));
    for (uint32_t e = m->low; e <= m->high; e++) {
        uint64_t bound = (UINT64_C(1) << e) - 1, seen = 0;
        char label[64];

        for (size_t i = 0; i <= bert__histogram_index(bound); i++)
            seen += h->buckets[i];
        if (bert__metric_time(m)) { /* exactly, without zeros at the end */
            snprintf(label, sizeof label, "_bucket{le=\"%llu.%09llu\"}",
                     (unsigned long long)bound / 1000000000,
                     (unsigned long long)bound % 1000000000);
            assert_null(strstr(label, "0\""));
        } else
            snprintf(label, sizeof label, "_bucket{le=\"%llu\"}", (unsigned long long)bound);
        assert_true(series(s, name, label) == (double)seen);
    }
    return m->high - m->low + 4; /* +Inf, sum and count */
}

static size_t check_prometheus_failures(const struct test_samples *s, const char *name,
                                        const uint64_t *failures)
{
    size_t n = 0;

    for (int i = 1; bert__status_known(-i); i++, n++) {
        char label[64];

        snprintf(label, sizeof label, "{code=\"%s\"}", bert_status_name((bert_status)-i));
        assert_true(series(s, name, label) == (double)failures[i]);
    }
    return n;
}

/* Number of series that a metric has in the text, each with its value. */
static size_t check_prometheus(const struct test_samples *s, const struct bert__metric *m)
{
    const void *field = bert__metric_of(m, &snapshot);
    double unit = bert__metric_time(m) ? 1e-9 : 1;
    char name[64];

    bert__metric_name(name, m);
    if (m->kind == BERT__METRIC_HISTOGRAM)
        return check_prometheus_histogram(s, m, name, field);
    if (m->kind == BERT__METRIC_FAILURES)
        return check_prometheus_failures(s, name, field);
    if (m->kind == BERT__METRIC_MEASURE) {
        double want = *(const double *)field, got = series(s, name, "");

        assert_true(isnan(want) ? isnan(got) : near(got, want) || got == want);
    } else
        assert_true(near(series(s, name, ""), (double)*(const uint64_t *)field * unit));
    return 1;
}

static void read_back_prometheus(void)
{
    static struct test_samples s;
    size_t size, expected = 0;
    char *text = write_all(bert_metrics_prometheus, &size);

    test_prometheus_read(&s, text, size);
    assert_int_equal(s.families, bert__metrics_count);
    for (size_t i = 0; i < bert__metrics_count; i++)
        expected += check_prometheus(&s, &bert__metrics[i]);
    assert_int_equal(s.count, expected);
    free(text);
}

static double json_number(const struct bert__json *object, const char *key)
{
    const struct bert__json *value = bert__json_get(object, key);

    assert_true(bert__json_is(value, BERT__JSON_NUMBER));
    return bert__json_number(value);
}

static void check_json_histogram(const struct bert__json *j, const bert_histogram *h)
{
    const struct bert__json *buckets = bert__json_get(j, "buckets");
    size_t at = 0;

    assert_true(json_number(j, "count") == (double)h->count);
    assert_true(json_number(j, "sum") == (double)h->sum);
    assert_true(json_number(j, "max") == (double)h->max);
    assert_true(json_number(j, "p50") == (double)bert_histogram_quantile(h, 0.5));
    assert_true(json_number(j, "p999") == (double)bert_histogram_quantile(h, 0.999));
    assert_int_equal(j->u.object.count, 9);
    for (size_t i = 0; i < BERT_HISTOGRAM_BUCKETS; i++) {
        const struct bert__json *pair;

        if (h->buckets[i] == 0)
            continue;
        assert_true(at < buckets->u.array.count);
        pair = buckets->u.array.items[at++].u.array.items;
        assert_true(i + 1 == BERT_HISTOGRAM_BUCKETS
                        ? pair[0].type == BERT__JSON_NULL
                        : bert__json_number(&pair[0]) == (double)bert_histogram_bound(i));
        assert_true(bert__json_number(&pair[1]) == (double)h->buckets[i]);
    }
    assert_int_equal(at, buckets->u.array.count);
}

static void check_json_failures(const struct bert__json *j, const uint64_t *failures)
{
    size_t n = 0;

    for (int i = 1; bert__status_known(-i); i++, n++)
        assert_true(json_number(j, bert_status_name((bert_status)-i)) == (double)failures[i]);
    assert_int_equal(j->u.object.count, n);
}

static void check_json(const struct bert__json *sections[], const struct bert__metric *m)
{
    const void *field = bert__metric_of(m, &snapshot);
    const struct bert__json *section = sections[m->kind], *value = bert__json_get(section, m->name);

    assert_non_null(value);
    if (m->kind == BERT__METRIC_HISTOGRAM)
        check_json_histogram(value, field);
    else if (m->kind == BERT__METRIC_FAILURES)
        check_json_failures(value, field);
    else if (m->kind != BERT__METRIC_MEASURE)
        assert_true(json_number(section, m->name) == (double)*(const uint64_t *)field);
    else if (isfinite(*(const double *)field))
        assert_true(near(json_number(section, m->name), *(const double *)field)
                    || json_number(section, m->name) == *(const double *)field);
    else
        assert_int_equal(value->type, BERT__JSON_NULL);
}

static void read_back_json(void)
{
    struct test_alloc host;
    struct bert__alloc *alloc;
    struct bert__arena arena;
    const struct bert__json *root, *sections[5];
    size_t size;
    char *text = write_all(bert_metrics_json, &size);
    bert_error err;

    test_alloc_init(&host, 0);
    alloc = bert__alloc_create(&host.host, 0);
    bert__arena_init(&arena, alloc);
    assert_int_equal(bert__json_parse(&arena, "json", text, size, &root, &err), BERT_OK);
    assert_true(memchr(text, '\n', size) == text + size - 1);
    assert_int_equal(root->u.object.count, 4);
    assert_true(json_number(root, "version") == BERT_METRICS_VERSION);
    sections[BERT__METRIC_COUNTER] = sections[BERT__METRIC_FAILURES] =
        bert__json_get(root, "counters");
    sections[BERT__METRIC_GAUGE] = sections[BERT__METRIC_MEASURE] = bert__json_get(root, "gauges");
    sections[BERT__METRIC_HISTOGRAM] = bert__json_get(root, "histograms");
    for (size_t i = 0; i < bert__metrics_count; i++)
        check_json(sections, &bert__metrics[i]);
    assert_int_equal(sections[0]->u.object.count + sections[BERT__METRIC_GAUGE]->u.object.count
                         + sections[BERT__METRIC_HISTOGRAM]->u.object.count,
                     bert__metrics_count);
    bert__arena_free(&arena);
    bert__alloc_destroy(alloc);
    free(text);
}

static void test_writers(void **unused)
{
    (void)unused;
    bert__counters_init(&counters); /* nothing yet: zeros, and drift that is not known */
    take();
    read_back_prometheus();
    read_back_json();
    fill();
    take();
    read_back_prometheus();
    read_back_json();
    bert__measure_set(&counters.drift_psi_label, (double)INFINITY);
    bert__measure_set(&counters.drift_cosine_embedding, -1e-300);
    take();
    read_back_prometheus();
    read_back_json();
}

/* The same bytes under a locale whose point is a comma, where there is one. */
static void test_locale(void **unused)
{
    size_t sizes[2], size;
    char *texts[2], *again;

    (void)unused;
    fill();
    take();
    texts[0] = write_all(bert_metrics_prometheus, &sizes[0]);
    texts[1] = write_all(bert_metrics_json, &sizes[1]);
    if (setlocale(LC_ALL, "de_DE.UTF-8") == NULL)
        print_message("no locale de_DE.UTF-8\n");
    for (int i = 0; i < 2; i++) {
        again = write_all(i == 0 ? bert_metrics_prometheus : bert_metrics_json, &size);
        assert_int_equal(size, sizes[i]);
        assert_memory_equal(again, texts[i], size);
        free(again);
        free(texts[i]);
    }
    read_back_prometheus();
    setlocale(LC_ALL, "C");
}

/* Near both ends every capacity, in between some. */
static void check_too_small(writer fn)
{
    size_t size, told;
    char *text = write_all(fn, &size), *small = malloc(size + 1);
    bert_error err;

    assert_non_null(small);
    for (size_t capacity = 0; capacity < size;
         capacity += capacity < 64 || capacity + 600 > size ? 1 : 271) {
        memset(small, 0xA5, size);
        told = 0;
        assert_int_equal(fn(&snapshot, small, capacity, &told, &err), BERT_ERANGE);
        assert_int_equal(told, size);
        for (size_t i = 0; i < size; i++)
            assert_int_equal((unsigned char)small[i], 0xA5);
    }
    small[size] = 'x';
    assert_int_equal(fn(&snapshot, small, size + 1, &told, &err), BERT_OK);
    assert_int_equal(told, size);
    assert_memory_equal(small, text, size);
    assert_int_equal(small[size], 'x');
    free(small);
    free(text);
}

static void test_too_small(void **unused)
{
    (void)unused;
    fill();
    take();
    check_too_small(bert_metrics_prometheus);
    check_too_small(bert_metrics_json);
}

static void check_arguments(writer fn)
{
    char text[8];
    size_t size = 7;
    bert_error err;

    assert_int_equal(fn(NULL, text, sizeof text, &size, &err), BERT_EINVAL);
    assert_int_equal(size, 0);
    assert_int_equal(fn(&snapshot, text, sizeof text, NULL, &err), BERT_EINVAL);
    assert_int_equal(fn(&snapshot, NULL, 8, &size, NULL), BERT_EINVAL);
    snapshot.size = 15;
    assert_int_equal(fn(&snapshot, text, sizeof text, &size, &err), BERT_EINVAL);
}

static void test_arguments(void **unused)
{
    (void)unused;
    take();
    check_arguments(bert_metrics_prometheus);
    take();
    check_arguments(bert_metrics_json);
}

/* A snapshot of an older library: what it lacks is left out, nothing past it is read. */
static void test_older(void **unused)
{
    static struct test_samples s;
    volatile size_t room = offsetof(bert_metrics, callbacks) + 4; /* unseen by the compiler */
    size_t size, told;
    bert_metrics *older = malloc(room);
    static char text[1 << 16];
    bert_error err;

    (void)unused;
    assert_non_null(older);
    fill();
    older->size = room;
    assert_int_equal(bert__counters_snapshot(&counters, older, &err), BERT_OK);
    assert_int_equal(bert_metrics_prometheus(older, text, sizeof text, &size, &err), BERT_OK);
    test_prometheus_read(&s, text, size);
    assert_int_equal(s.families, 6);
    assert_int_equal(bert_metrics_json(older, text, sizeof text, &told, &err), BERT_OK);
    text[told] = '\0';
    assert_non_null(strstr(text, "\"gauges\": {}, \"histograms\": {}}\n"));
    free(older);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields),    cmocka_unit_test(test_page),
        cmocka_unit_test(test_snapshot),  cmocka_unit_test(test_counting),
        cmocka_unit_test(test_sizes),     cmocka_unit_test(test_writers),
        cmocka_unit_test(test_locale),    cmocka_unit_test(test_too_small),
        cmocka_unit_test(test_arguments), cmocka_unit_test(test_older),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
