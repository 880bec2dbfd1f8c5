/* SPDX-License-Identifier: MIT */
/* base64.h - RFC 4648, strictly: the standard alphabet, padded, nothing else. */
#ifndef BERT_TOKENIZER_BASE64_H
#define BERT_TOKENIZER_BASE64_H

#include <bert/base.h>
#include <stdbool.h>

/* Bytes that `text` decodes to at most. */
size_t bert__base64_room(size_t text_size);
/* Decode to out, which has that room; false: it is not base64. */
bool bert__base64_decode(bert_text text, unsigned char *out, size_t *size);

#endif
