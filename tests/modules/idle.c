/* SPDX-License-Identifier: MIT */
/* idle.c - a backend that finds nothing on this machine to run on. */
#include "lib/backend/backend.h"

__attribute__((visibility("default"))) const struct bert__backend *bert_backend_entry(void);
const struct bert__backend *bert_backend_entry(void)
{
    return NULL;
}
