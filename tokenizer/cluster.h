/* SPDX-License-Identifier: MIT */
/* cluster.h - extended grapheme clusters. */
#ifndef BERT_TOKENIZER_CLUSTER_H
#define BERT_TOKENIZER_CLUSTER_H

#include <stddef.h>

/* End of the cluster that begins at i < size of well-formed UTF-8. */
size_t bert__cluster_end(const char *text, size_t i, size_t size);

#endif
