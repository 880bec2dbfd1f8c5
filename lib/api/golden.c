/* SPDX-License-Identifier: MIT */
/* golden.c - bert_golden_write() and bert_golden_check(). */
#include "lib/api/golden.h"

#include <math.h>
#include <string.h>

#include "lib/api/options.h"
#include "lib/api/place.h"
#include "lib/api/session.h"
#include "lib/base/error.h"
#include "lib/base/json_file.h"
#include "lib/base/out_file.h"
#include "lib/base/utf8.h"

static const struct bert__golden_tolerance usual[BERT__GOLDEN_PRECISIONS] = {
    {1e-4, 0.9999}, {0.03, 0.9995}, {0.1, 0.98}};

/* ---- Where --------------------------------------------------------------------- */

/* What lies with the model that the path names; the path itself, where it names none. */
static bert_status find_file(const char **out, struct bert__arena *arena, const char *path,
                             bert_error *err)
{
    struct bert__place place;
    bert_status st = bert__place_open(&place, arena, path, 0, err);

    *out = path;
    if (st == BERT_ENOMEM || st == BERT_ELIMIT)
        return st;
    if (st == BERT_OK)
        *out = bert__place_path(&place, arena, place.golden);
    bert__place_close(&place);
    return *out != NULL ? BERT_OK : bert__alloc_fail(arena->alloc, path, err);
}

/* ---- Writing ----------------------------------------------------------------------- */

static uint32_t task_of(const bert_model *model, bool pairs)
{
    static const struct {
        const char *name;
        uint32_t task;
    } known[] = {{"embedding", BERT_GOLDEN_EMBED},
                 {"encoder", BERT_GOLDEN_EMBED},
                 {"text-classification", BERT_GOLDEN_CLASSIFY},
                 {"token-classification", BERT_GOLDEN_TAG},
                 {"question-answering", BERT_GOLDEN_ANSWER},
                 {"fill-mask", BERT_GOLDEN_FILL},
                 {"pretraining", BERT_GOLDEN_FILL},
                 {"next-sentence-prediction", BERT_GOLDEN_NEXT}};
    const char *name = bert_model_task(model);

    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcmp(known[i].name, name) != 0)
            continue;
        return known[i].task == BERT_GOLDEN_CLASSIFY && pairs && bert_model_label_count(model) == 1
                   ? BERT_GOLDEN_RERANK
                   : known[i].task;
    }
    return BERT_GOLDEN_AUTO;
}

static bert_status check_tolerance(const bert_golden_options *o, bert_error *err)
{
    if (!(o->difference >= 0) || isinf(o->difference))
        return bert__fail(err, BERT_EINVAL,
                          "bert_golden_options.difference is %g; it is to be above 0",
                          o->difference);
    if (!(o->cosine >= -1 && o->cosine <= 1))
        return bert__fail(err, BERT_EINVAL,
                          "bert_golden_options.cosine is %g; it is to be from -1 to 1", o->cosine);
    return BERT_OK;
}

static bert_status read_options(struct bert__golden *g, const bert_model *model,
                                const bert_golden_options *options, bert_error *err)
{
    bert_golden_options o;
    bert_status st = bert__options_read(&o, sizeof o, options, "bert_golden_options", err);

    if (st == BERT_OK)
        st = bert__options_enum(o.task, BERT_GOLDEN_NEXT + 1, "bert_golden_options.task", err);
    if (st == BERT_OK)
        st = check_tolerance(&o, err);
    if (st != BERT_OK)
        return st;
    g->task = o.task != BERT_GOLDEN_AUTO ? o.task : task_of(model, g->pairs != NULL);
    g->precision = bert_model_precision(model);
    for (int i = 0; i < BERT__GOLDEN_PRECISIONS; i++) {
        g->tolerances[i].difference = o.difference > 0 ? o.difference : usual[i].difference;
        g->tolerances[i].cosine = o.cosine != 0 ? o.cosine : usual[i].cosine;
    }
    if (g->task == BERT_GOLDEN_AUTO)
        return bert__fail(err, BERT_EUNSUPPORTED, "there are no golden inputs for the task %s",
                          bert_model_task(model));
    return BERT_OK;
}

static bert_status check_pairs(const struct bert__golden *g, bert_error *err)
{
    const struct bert__golden_task *task = bert__golden_task(g->task);

    if (g->pairs == NULL && task->pairs == BERT__PAIR_MUST)
        return bert__fail(err, BERT_EINVAL, "the task %s needs pairs", task->name);
    if (g->pairs != NULL && task->pairs == BERT__PAIR_NONE)
        return bert__fail(err, BERT_EINVAL, "the task %s takes no pairs", task->name);
    return BERT_OK;
}

static bool is_utf8(const bert_text *text)
{
    size_t len;

    for (size_t at = 0; at < text->size; at += len)
        if (bert__utf8_next(text->data + at, text->size - at, &len) == BERT__UTF8_BAD)
            return false;
    return true;
}

/* JSON holds nothing else. */
static bert_status check_texts(const bert_text *texts, size_t n, const char *what, bert_error *err)
{
    for (size_t i = 0; texts != NULL && i < n; i++) {
        if (texts[i].data == NULL && texts[i].size > 0)
            return bert__fail(err, BERT_EINVAL, "%s %zu: data is NULL and size is %zu", what, i,
                              texts[i].size);
        if (!is_utf8(&texts[i]))
            return bert__fail(err, BERT_EINVAL, "%s %zu is not UTF-8", what, i);
    }
    return BERT_OK;
}

static bert_status check_finite(const struct bert__golden *g, bert_error *err)
{
    for (size_t i = 0; i < g->n; i++) {
        const struct bert__golden_answer *a = &g->answers[i];
        bool finite = true;

        for (size_t k = 0; k < a->width; k++)
            finite = finite && isfinite(a->vector[k]);
        for (size_t k = 0; k < a->n; k++)
            finite = finite && isfinite(a->items[k].score);
        if (!finite)
            return bert__fail(err, BERT_ENONFINITE,
                              "text %zu: the model gives NaN or infinity for it", i);
    }
    return BERT_OK;
}

static bert_status write_file(const struct bert__golden *g, struct bert__arena *arena,
                              const char *path, bert_error *err)
{
    struct bert__json_text text = {.alloc = arena->alloc};
    bert_status st = find_file(&path, arena, path, err);

    if (st == BERT_OK)
        bert__golden_describe(&text, g);
    if (st == BERT_OK && text.failed)
        st = bert__alloc_fail(arena->alloc, "golden inputs", err);
    if (st == BERT_OK && text.size > BERT__CONFIG_BYTES)
        st = bert__fail(err, BERT_ELIMIT, "%s: %zu bytes, over the limit of %llu for golden inputs",
                        path, text.size, (unsigned long long)BERT__CONFIG_BYTES);
    if (st == BERT_OK)
        st = bert__out_file_put(arena->alloc, path, text.data, text.size, err);
    bert__alloc_free(arena->alloc, text.data);
    return st;
}

bert_status bert_golden_write(bert_session *s, const bert_text *texts, const bert_text *pairs,
                              size_t n, const bert_golden_options *options, const char *path,
                              bert_error *err)
{
    struct bert__golden g = {.texts = texts, .pairs = pairs, .n = n};
    struct bert__arena arena;
    bert_status st;

    if (s == NULL || path == NULL)
        return bert__fail(err, BERT_EINVAL, "%s is NULL", s == NULL ? "session" : "path");
    if (texts == NULL || n == 0)
        return bert__fail(err, BERT_EINVAL, "there are no texts");
    st = read_options(&g, s->model, options, err);
    if (st == BERT_OK)
        st = check_pairs(&g, err);
    if (st == BERT_OK)
        st = check_texts(texts, n, "text", err);
    if (st == BERT_OK)
        st = check_texts(pairs, n, "pair", err);
    if (st != BERT_OK)
        return st;
    bert__arena_init(&arena, s->alloc);
    st = bert__golden_run(s, &g, false, &g.answers, &arena, err);
    if (st == BERT_OK)
        st = check_finite(&g, err);
    if (st == BERT_OK)
        st = write_file(&g, &arena, path, err);
    bert__arena_free(&arena);
    return st;
}

/* ---- Checking ---------------------------------------------------------------------------- */

/* The wider of the file's precision and the model's. */
static struct bert__golden_tolerance tolerance_of(const struct bert__golden *g,
                                                  const bert_model *model)
{
    struct bert__golden_tolerance
        a = g->tolerances[g->precision - BERT_PRECISION_FP32],
        b = g->tolerances[bert_model_precision(model) - BERT_PRECISION_FP32];

    return (struct bert__golden_tolerance){fmax(a.difference, b.difference),
                                           fmin(a.cosine, b.cosine)};
}

static bert_status tell(const char *path, size_t i, const struct bert__golden_distance *d,
                        const struct bert__golden_tolerance *tolerance, bert_error *err)
{
    if (d->what != NULL)
        return bert__fail(err, BERT_EFORMAT, "%s: inputs[%zu]: %s", path, i, d->what);
    return bert__fail(err, BERT_EFORMAT,
                      "%s: inputs[%zu]: an answer differs by %.3g, and %.3g is allowed; its cosine "
                      "is %.6g, at least %.6g",
                      path, i, d->difference, tolerance->difference, d->cosine, tolerance->cosine);
}

static bert_status compare_all(const struct bert__golden *g, const struct bert__golden_answer *got,
                               const struct bert__golden_tolerance *tolerance, const char *path,
                               bert_golden_report *report, bert_error *err)
{
    bert_status st = BERT_OK;

    for (size_t i = 0; i < g->n; i++) {
        struct bert__golden_distance d;

        bert__golden_compare(&d, g->task, &g->answers[i], &got[i], tolerance);
        report->compared++;
        report->difference = fmax(report->difference, d.difference);
        report->cosine = fmin(report->cosine, d.cosine);
        if (d.what == NULL && d.difference <= tolerance->difference
            && d.cosine >= tolerance->cosine)
            continue;
        if (report->failed++ > 0)
            continue;
        report->first_failed = i;
        st = tell(path, i, &d, tolerance, err);
    }
    return st;
}

static bert_status check(bert_session *s, struct bert__arena *arena, const char *path,
                         bert_golden_report *report, bert_error *err)
{
    struct bert__golden g;
    struct bert__golden_answer *got;
    struct bert__golden_tolerance tolerance;
    bert_status st = find_file(&path, arena, path, err);

    if (st == BERT_OK)
        st = bert__golden_read(&g, arena, path, err);
    if (st != BERT_OK)
        return st;
    tolerance = tolerance_of(&g, s->model);
    report->task = g.task;
    report->max_difference = tolerance.difference;
    report->min_cosine = tolerance.cosine;
    st = bert__golden_run(s, &g, true, &got, arena, err);
    return st == BERT_OK ? compare_all(&g, got, &tolerance, path, report, err) : st;
}

bert_status bert_golden_check(bert_session *s, const char *path, bert_golden_report *out,
                              bert_error *err)
{
    bert_golden_report report;
    struct bert__arena arena;
    bert_status st;

    if (s == NULL || path == NULL)
        return bert__fail(err, BERT_EINVAL, "%s is NULL", s == NULL ? "session" : "path");
    st = bert__options_read(&report, sizeof report, out, "bert_golden_report", err);
    if (st != BERT_OK)
        return st;
    report = (bert_golden_report){
        .size = report.size, .first_failed = SIZE_MAX, .cosine = 1, .min_cosine = 1};
    bert__arena_init(&arena, s->alloc);
    st = check(s, &arena, path, &report, err);
    bert__arena_free(&arena);
    if (out != NULL) /* of an older program's struct only what it has */
        memcpy(out, &report, report.size < sizeof report ? report.size : sizeof report);
    return st;
}
