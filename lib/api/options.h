/* SPDX-License-Identifier: MIT */
/* options.h - reading and filling public structs that tell their size, of any version. */
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

/*
 * Fill a caller's struct, whose `size` is set: of *src, `known` bytes, what it holds, and zeros in
 * what a program built against newer headers has beyond.  BERT_EINVAL, a size that no version has.
 */
bert_status bert__options_write(void *dst, const void *src, size_t known, const char *what,
                                bert_error *err);

/* BERT_EINVAL with a message unless value < count. */
bert_status bert__options_enum(uint32_t value, uint32_t count, const char *field, bert_error *err);

#endif
