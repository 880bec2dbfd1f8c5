/* SPDX-License-Identifier: MIT */
/* similarity.c - how close two vectors are. */
#include <bert/tasks.h>
#include <math.h>
#include <string.h>

#include "lib/base/error.h"

/* In double: the vectors may come from anywhere, and this is never the hot loop. */
struct sums {
    double dot, aa, bb, square, absolute;
};

static struct sums add_up(const float *a, const float *b, size_t n)
{
    struct sums s = {0, 0, 0, 0, 0};

    for (size_t i = 0; i < n; i++) {
        double x = (double)a[i], y = (double)b[i];

        s.dot += x * y;
        s.aa += x * x;
        s.bb += y * y;
        s.square += (x - y) * (x - y);
        s.absolute += fabs(x - y);
    }
    return s;
}

/* torch.nn.functional.normalize's epsilon keeps a zero vector at similarity 0. */
static double cosine(const struct sums *s)
{
    return s->dot / (fmax(sqrt(s->aa), 1e-12) * fmax(sqrt(s->bb), 1e-12));
}

bert_status bert_similarity(const char *function, const float *a, const float *b, size_t n,
                            float *out, bert_error *err)
{
    struct sums s;
    char shown[84];

    if (function == NULL || out == NULL || (n > 0 && (a == NULL || b == NULL)))
        return bert__fail(err, BERT_EINVAL, "an argument is NULL");
    s = add_up(a, b, n);
    if (strcmp(function, "cosine") == 0)
        *out = (float)cosine(&s);
    else if (strcmp(function, "dot") == 0)
        *out = (float)s.dot;
    else if (strcmp(function, "euclidean") == 0)
        *out = (float)-sqrt(s.square);
    else if (strcmp(function, "manhattan") == 0)
        *out = (float)-s.absolute;
    else
        return bert__fail(err, BERT_EINVAL,
                          "similarity function \"%s\" is none of cosine, dot, euclidean, manhattan",
                          bert__printable(shown, function, strlen(function)));
    return BERT_OK;
}
