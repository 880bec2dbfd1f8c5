/* SPDX-License-Identifier: MIT */
/* options.h - reading public option structs of any version. */
#ifndef BERT_LIB_API_OPTIONS_H
#define BERT_LIB_API_OPTIONS_H

#include <bert/base.h>

/*
 * Copy a caller's option struct (first member `size_t size`; NULL: defaults) into
 * *dst of `known` bytes.  A shorter struct, of a program built against older
 * headers, leaves the rest zero; of a longer one the unknown bytes must be zero.
 * BERT_EINVAL otherwise.  `what` names the struct in the message.
 */
bert_status bert__options_read(void *dst, size_t known, const void *src, const char *what,
                               bert_error *err);

/* BERT_EINVAL with a message unless value < count. */
bert_status bert__options_enum(uint32_t value, uint32_t count, const char *field, bert_error *err);

#endif
