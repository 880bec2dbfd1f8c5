/* SPDX-License-Identifier: MIT */
/* newer.c - a backend built for an interface that is not this libbert's. */
#include "lib/backend/backend.h"

static const struct bert__backend newer = {.abi = BERT__BACKEND_ABI + 1, .name = "newer"};

__attribute__((visibility("default"))) const struct bert__backend *bert_backend_entry(void);
const struct bert__backend *bert_backend_entry(void)
{
    return &newer;
}
