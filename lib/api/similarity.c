/* SPDX-License-Identifier: MIT */
/* similarity.c - how close two vectors are. */
#include <bert/tasks.h>
#include <math.h>
#include <string.h>

#include "lib/base/error.h"
#include "lib/head/vectors.h"

/* In double: the vectors may come from anywhere, and this is never the hot loop. */
struct sums {
    double dot, aa, bb, square, absolute;
};

static void add(struct sums *s, float a, float b)
{
    double x = (double)a, y = (double)b;

    s->dot += x * y;
    s->aa += x * x;
    s->bb += y * y;
    s->square += (x - y) * (x - y);
    s->absolute += fabs(x - y);
}

static struct sums add_up(const float *a, const float *b, size_t n)
{
    struct sums s = {0, 0, 0, 0, 0};

    for (size_t i = 0; i < n; i++)
        add(&s, a[i], b[i]);
    return s;
}

static struct sums add_up_terms(const bert_term *a, size_t n_a, const bert_term *b, size_t n_b)
{
    struct sums s = {0, 0, 0, 0, 0};
    size_t i = 0, j = 0;

    while (i < n_a || j < n_b) {
        if (j == n_b || (i < n_a && a[i].id < b[j].id))
            add(&s, a[i++].weight, 0);
        else if (i == n_a || b[j].id < a[i].id)
            add(&s, 0, b[j++].weight);
        else
            add(&s, a[i++].weight, b[j++].weight);
    }
    return s;
}

/* torch.nn.functional.normalize's epsilon keeps a zero vector at similarity 0. */
static double cosine(const struct sums *s)
{
    return s->dot / (fmax(sqrt(s->aa), 1e-12) * fmax(sqrt(s->bb), 1e-12));
}

static bert_status choose(const char *function, const struct sums *s, float *out, bert_error *err)
{
    char shown[84];

    if (strcmp(function, "cosine") == 0)
        *out = (float)cosine(s);
    else if (strcmp(function, "dot") == 0)
        *out = (float)s->dot;
    else if (strcmp(function, "euclidean") == 0)
        *out = (float)-sqrt(s->square);
    else if (strcmp(function, "manhattan") == 0)
        *out = (float)-s->absolute;
    else
        return bert__fail(err, BERT_EINVAL,
                          "similarity function \"%s\" is none of cosine, dot, euclidean, manhattan",
                          bert__printable(shown, function, strlen(function)));
    return BERT_OK;
}

bert_status bert_similarity(const char *function, const float *a, const float *b, size_t n,
                            float *out, bert_error *err)
{
    struct sums s;

    if (function == NULL || out == NULL || (n > 0 && (a == NULL || b == NULL)))
        return bert__fail(err, BERT_EINVAL, "an argument is NULL");
    s = add_up(a, b, n);
    return choose(function, &s, out, err);
}

static bert_status check_order(const bert_term *terms, size_t n, bert_error *err)
{
    for (size_t i = 1; i < n; i++) {
        if (terms[i].id <= terms[i - 1].id)
            return bert__fail(err, BERT_EINVAL, "the terms' ids do not ascend: %ld after %ld",
                              (long)terms[i].id, (long)terms[i - 1].id);
    }
    return BERT_OK;
}

bert_status bert_sparse_similarity(const char *function, const bert_term *a, size_t n_a,
                                   const bert_term *b, size_t n_b, float *out, bert_error *err)
{
    struct sums s;
    bert_status st;

    if (function == NULL || out == NULL || (n_a > 0 && a == NULL) || (n_b > 0 && b == NULL))
        return bert__fail(err, BERT_EINVAL, "an argument is NULL");
    st = check_order(a, n_a, err);
    if (st == BERT_OK)
        st = check_order(b, n_b, err);
    if (st != BERT_OK)
        return st;
    s = add_up_terms(a, n_a, b, n_b);
    return choose(function, &s, out, err);
}

bert_status bert_multi_similarity(const char *function, const float *a, size_t n_a, const float *b,
                                  size_t n_b, size_t size, float *out, bert_error *err)
{
    bool mean = function != NULL && strcmp(function, "meanmaxsim") == 0;
    char shown[84];

    if (function == NULL || out == NULL || (n_a > 0 && a == NULL) || (n_b > 0 && b == NULL))
        return bert__fail(err, BERT_EINVAL, "an argument is NULL");
    if (!mean && strcmp(function, "maxsim") != 0)
        return bert__fail(err, BERT_EINVAL,
                          "similarity function \"%s\" is neither maxsim nor meanmaxsim",
                          bert__printable(shown, function, strlen(function)));
    *out = bert__maxsim(a, n_a, b, n_b, size, mean);
    return BERT_OK;
}
