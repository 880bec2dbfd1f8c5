/* SPDX-License-Identifier: MIT */
/* sort.c - heap sort of pointers. */
#include "lib/base/sort.h"

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

void bert__sort(void **items, size_t n, bert__compare_fn compare)
{
    for (size_t i = n / 2; i-- > 0;)
        sink(items, i, n, compare);
    for (size_t end = n; end-- > 1;) {
        void *last = items[end];

        items[end] = items[0];
        items[0] = last;
        sink(items, 0, end, compare);
    }
}
