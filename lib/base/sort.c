/* SPDX-License-Identifier: MIT */
/* sort.c - insertion sort of pointers as long as little moves, then heap sort. */
#include "lib/base/sort.h"

enum { MOVES = 16 };

/* Sink items[i] until neither child is greater. */
static void sink(void **items, size_t i, size_t n, bert__compare_fn compare)
{
    void *item = items[i];

    for (;;) {
        size_t child = 2 * i + 1;

        if (child >= n)
            break;
        if (child + 1 < n && compare(items[child], items[child + 1]) < 0)
            child++;
        if (compare(item, items[child]) >= 0)
            break;
        items[i] = items[child];
        i = child;
    }
    items[i] = item;
}

/* As long as an item moves by few places on average.  How many are sorted. */
static size_t insert(void **items, size_t n, bert__compare_fn compare)
{
    size_t moves = 0, i = 1;

    for (; i < n && moves <= MOVES * i; i++) {
        void *item = items[i];
        size_t k = i;

        for (; k > 0 && compare(item, items[k - 1]) < 0; k--)
            items[k] = items[k - 1];
        items[k] = item;
        moves += i - k;
    }
    return i;
}

void bert__sort(void **items, size_t n, bert__compare_fn compare)
{
    if (insert(items, n, compare) >= n)
        return;
    for (size_t i = n / 2; i-- > 0;)
        sink(items, i, n, compare);
    for (size_t end = n; end-- > 1;) {
        void *last = items[end];

        items[end] = items[0];
        items[0] = last;
        sink(items, 0, end, compare);
    }
}
