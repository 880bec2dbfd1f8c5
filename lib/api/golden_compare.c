/* SPDX-License-Identifier: MIT */
/* golden_compare.c - an answer against the expected one. */
#include <math.h>
#include <string.h>

#include "lib/api/golden.h"

/* A difference counts as a part of this. */
static double scale_of(const struct bert__golden_answer *want)
{
    double largest = 1;

    for (size_t i = 0; i < want->width; i++)
        largest = fmax(largest, fabs((double)want->vector[i]));
    for (size_t i = 0; i < want->n; i++)
        largest = fmax(largest, fabs(want->items[i].score));
    return largest;
}

/* NaN is infinitely far. */
static void see(struct bert__golden_distance *out, double got, double want, double scale)
{
    double d = fabs(got - want) / scale;

    out->difference = isnan(d) ? INFINITY : fmax(out->difference, d);
}

/* ---- Vectors ---------------------------------------------------------------------- */

static double cosine_of(const float *a, const float *b, size_t n)
{
    double ab = 0, aa = 0, bb = 0;

    for (size_t i = 0; i < n; i++) {
        ab += (double)a[i] * (double)b[i];
        aa += (double)a[i] * (double)a[i];
        bb += (double)b[i] * (double)b[i];
    }
    if (aa == 0 && bb == 0)
        return 1;
    ab /= sqrt(aa) * sqrt(bb);
    return isfinite(ab) ? fmin(ab, 1) : 0;
}

static void compare_vectors(struct bert__golden_distance *out,
                            const struct bert__golden_answer *want,
                            const struct bert__golden_answer *got)
{
    double scale = scale_of(want);

    if (want->width != got->width) {
        out->what = "the vector has another length";
        return;
    }
    for (size_t i = 0; i < want->width; i++)
        see(out, (double)got->vector[i], (double)want->vector[i], scale);
    out->cosine = cosine_of(got->vector, want->vector, want->width);
}

/* ---- Items -------------------------------------------------------------------------- */

static bool same_label(const bert_text *a, const bert_text *b)
{
    return a->size == b->size && (a->size == 0 || memcmp(a->data, b->data, a->size) == 0);
}

static bool same_key(const struct bert__golden_item *a, const struct bert__golden_item *b)
{
    return a->mask == b->mask && a->id == b->id && a->start == b->start && a->end == b->end
           && same_label(&a->label, &b->label);
}

static void compare_in_order(struct bert__golden_distance *out,
                             const struct bert__golden_answer *want,
                             const struct bert__golden_answer *got)
{
    double scale = scale_of(want);

    if (want->n != got->n) {
        out->what = "there are more answers, or fewer";
        return;
    }
    for (size_t i = 0; i < want->n; i++) {
        if (!same_key(&want->items[i], &got->items[i]))
            out->what = "an answer has another place or label";
        see(out, got->items[i].score, want->items[i].score, scale);
    }
}

static const struct bert__golden_item *find(const struct bert__golden_answer *in,
                                            const struct bert__golden_item *key)
{
    for (size_t i = 0; i < in->n; i++)
        if (same_key(&in->items[i], key))
            return &in->items[i];
    return NULL;
}

/* The least score of a mask: what is not listed has no more.  Items are best first. */
static const struct bert__golden_item *last_of(const struct bert__golden_answer *in, uint64_t mask)
{
    const struct bert__golden_item *last = NULL;

    for (size_t i = 0; i < in->n; i++)
        if (in->items[i].mask == mask)
            last = &in->items[i];
    return last;
}

static const struct bert__golden_item *best_of(const struct bert__golden_answer *in, uint64_t mask)
{
    for (size_t i = 0; i < in->n; i++)
        if (in->items[i].mask == mask)
            return &in->items[i];
    return NULL;
}

/* Was what is best now expected to be nearly so? */
static bool is_near(const struct bert__golden_answer *want, const struct bert__golden_item *best,
                    const struct bert__golden_item *now, double allowed)
{
    const struct bert__golden_item *expected = find(want, now);

    if (expected == NULL)
        expected = last_of(want, best->mask);
    return best->score - expected->score <= allowed;
}

static void compare_item(struct bert__golden_distance *out, const struct bert__golden_item *want,
                         const struct bert__golden_answer *got, bool has_label, double scale)
{
    const struct bert__golden_item *found = find(got, want),
                                   *last = found == NULL ? last_of(got, want->mask) : NULL;

    if (found != NULL)
        see(out, found->score, want->score, scale);
    else if (has_label || last == NULL)
        out->what = "a label, or an answer to a mask, is not there";
    else
        see(out, fmin(last->score, want->score), want->score, scale);
}

static void compare_by_key(struct bert__golden_distance *out, bool has_label,
                           const struct bert__golden_answer *want,
                           const struct bert__golden_answer *got, double difference)
{
    double scale = scale_of(want);

    if ((want->n == 0) != (got->n == 0))
        out->what = "there are answers where there were none, or none where there were some";
    for (size_t i = 0; i < want->n && out->what == NULL; i++) {
        const struct bert__golden_item *best = &want->items[i], *now;

        compare_item(out, best, got, has_label, scale);
        if (best_of(want, best->mask) != best || out->what != NULL)
            continue;
        now = best_of(got, best->mask);
        if (!same_key(best, now) && !is_near(want, best, now, 2 * difference * scale))
            out->what = "another label or token is the best";
    }
}

void bert__golden_compare(struct bert__golden_distance *out, uint32_t task,
                          const struct bert__golden_answer *want,
                          const struct bert__golden_answer *got,
                          const struct bert__golden_tolerance *tolerance)
{
    const struct bert__golden_task *row = bert__golden_task(task);

    *out = (struct bert__golden_distance){0, 1, NULL};
    if ((row->fields & BERT__GOLDEN_VECTOR) != 0)
        compare_vectors(out, want, got);
    else if (row->by_key)
        compare_by_key(out, (row->fields & BERT__GOLDEN_LABEL) != 0, want, got,
                       tolerance->difference);
    else
        compare_in_order(out, want, got);
}
