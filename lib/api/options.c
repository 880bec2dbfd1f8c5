/* SPDX-License-Identifier: MIT */
/* options.c - reading and filling public structs that tell their size, of any version. */
#include "lib/api/options.h"

#include <string.h>

#include "lib/base/error.h"

enum { LARGEST = 4096 }; /* no struct of any version comes near: an unset size does */

/* The size that a caller's struct tells. */
static bert_status read_size(size_t *out, const void *src, const char *what, bert_error *err)
{
    memcpy(out, src, sizeof *out);
    if (*out >= sizeof *out && *out <= LARGEST)
        return BERT_OK;
    return bert__fail(err, BERT_EINVAL, "%s.size is %zu; set it with the struct's _INIT macro",
                      what, *out);
}

bert_status bert__options_read(void *dst, size_t known, const void *src, const char *what,
                               bert_error *err)
{
    const unsigned char *bytes = src;
    bert_status st;
    size_t size;

    memset(dst, 0, known);
    if (src == NULL)
        return BERT_OK;
    st = read_size(&size, src, what, err);
    if (st != BERT_OK)
        return st;
    for (size_t i = known; i < size; i++) {
        if (bytes[i] != 0)
            return bert__fail(err, BERT_EINVAL,
                              "%s holds an option at byte %zu that libbert %s does not know", what,
                              i, bert_version());
    }
    memcpy(dst, src, size < known ? size : known);
    return BERT_OK;
}

bert_status bert__options_write(void *dst, const void *src, size_t known, const char *what,
                                bert_error *err)
{
    size_t size;
    bert_status st = read_size(&size, dst, what, err);

    if (st != BERT_OK)
        return st;
    memset(dst, 0, size);
    memcpy(dst, src, size < known ? size : known);
    memcpy(dst, &size, sizeof size);
    return BERT_OK;
}

bert_status bert__options_enum(uint32_t value, uint32_t count, const char *field, bert_error *err)
{
    if (value < count)
        return BERT_OK;
    return bert__fail(err, BERT_EINVAL, "%s is %lu; it must be below %lu", field,
                      (unsigned long)value, (unsigned long)count);
}
