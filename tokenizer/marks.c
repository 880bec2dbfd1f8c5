/* SPDX-License-Identifier: MIT */
/* marks.c - runs of combining marks in canonical order. */
#include "tokenizer/marks.h"

#include "tokenizer/unicode.h"

enum { SMALL_RUN = 16 }; /* up to here an insertion sort is quicker */

static unsigned class_of(struct bert__mark mark)
{
    return bert__uni_class(mark.cp & BERT__MARK_CODE);
}

static void sort_small(const struct bert__mark *run, size_t n, struct bert__mark *out)
{
    for (size_t i = 0; i < n; i++) {
        unsigned class = class_of(run[i]);
        size_t j = i;

        for (; j > 0 && class_of(out[j - 1]) > class; j--)
            out[j] = out[j - 1];
        out[j] = run[i];
    }
}

/* Stable counting sort: linear however long and disordered the run is. */
static void sort_large(const struct bert__mark *run, size_t n, struct bert__mark *out)
{
    size_t at[257] = {0};

    for (size_t i = 0; i < n; i++)
        at[class_of(run[i]) + 1]++;
    for (unsigned class = 1; class < 257; class ++)
        at[class] += at[class - 1];
    for (size_t i = 0; i < n; i++)
        out[at[class_of(run[i])]++] = run[i];
}

void bert__marks_sort(const struct bert__mark *run, size_t n, struct bert__mark *out)
{
    if (n <= SMALL_RUN)
        sort_small(run, n, out);
    else
        sort_large(run, n, out);
}
