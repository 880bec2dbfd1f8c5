/* SPDX-License-Identifier: MIT */
/* bundle_index.h - a packed model's index, which is JSON, for bundle.c only. */
#ifndef BERT_LIB_BASE_BUNDLE_INDEX_H
#define BERT_LIB_BASE_BUNDLE_INDEX_H

#include "lib/base/bundle.h"

/* Parse and check it into *b, whose file is open; `text` lives in b->arena. */
bert_status bert__bundle_index(struct bert__bundle *b, const char *text, size_t size,
                               bert_error *err);

#endif
