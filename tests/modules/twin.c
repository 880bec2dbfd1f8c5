/* SPDX-License-Identifier: MIT */
/*
 * twin.c - a backend as a module: the CPU's, in a copy of its own, under another name, and with
 * the smallest waves.  What runs on it shows that the table is all that the library asks of a
 * backend, and that batches in waves are whole.
 */
#include "lib/backend/backend.h"

static struct bert__backend twin;

__attribute__((visibility("default"))) const struct bert__backend *bert_backend_entry(void);
const struct bert__backend *bert_backend_entry(void)
{
    twin = bert__backend_cpu;
    twin.name = "twin";
    twin.wave_bytes = 1;
    return &twin;
}
