/* SPDX-License-Identifier: MIT */
#include "examples/bert/utf8.h"

#include <string.h>

#include "examples/bert/memory.h"

/* Bytes of the character that `lead` starts and the bounds of its second byte; the
 * rows of Unicode's table 3-7.  0: no lead byte. */
static size_t lead_length(unsigned char lead, unsigned char *low, unsigned char *high)
{
    *low = 0x80;
    *high = 0xBF;
    if (lead < 0x80)
        return 1;
    if (lead >= 0xC2 && lead <= 0xDF)
        return 2;
    if (lead >= 0xE0 && lead <= 0xEF) {
        *low = lead == 0xE0 ? 0xA0 : 0x80;
        *high = lead == 0xED ? 0x9F : 0xBF;
        return 3;
    }
    if (lead >= 0xF0 && lead <= 0xF4) {
        *low = lead == 0xF0 ? 0x90 : 0x80;
        *high = lead == 0xF4 ? 0x8F : 0xBF;
        return 4;
    }
    return 0;
}

size_t utf8_next(const char *data, size_t size, bool *valid)
{
    const unsigned char *p = (const unsigned char *)data;
    unsigned char low, high;
    size_t need = lead_length(p[0], &low, &high), have = 1;

    while (have < need && have < size && p[have] >= low && p[have] <= high) {
        have++;
        low = 0x80;
        high = 0xBF;
    }
    *valid = have == need;
    return have;
}

bool utf8_valid(const char *data, size_t size)
{
    bool valid = true;

    for (size_t at = 0; at < size && valid;)
        at += utf8_next(data + at, size - at, &valid);
    return valid;
}

static size_t repair_into(char *out, const char *data, size_t size)
{
    size_t used = 0;

    for (size_t at = 0; at < size;) {
        bool valid;
        size_t n = utf8_next(data + at, size - at, &valid);

        if (out != NULL)
            memcpy(out + used, valid ? data + at : "\xEF\xBF\xBD", valid ? n : 3);
        used += valid ? n : 3;
        at += n;
    }
    return used;
}

char *utf8_repair(const char *data, size_t size, size_t *repaired_size)
{
    size_t bytes = repair_into(NULL, data, size);
    char *out = get_memory(bytes + 1, 1);

    *repaired_size = repair_into(out, data, size);
    return out;
}
