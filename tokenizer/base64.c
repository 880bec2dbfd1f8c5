/* SPDX-License-Identifier: MIT */
/* base64.c - reading base64. */
#include "tokenizer/base64.h"

#include <stdint.h>

static int digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

size_t bert__base64_room(size_t text_size)
{
    return text_size / 4 * 3;
}

bool bert__base64_decode(bert_text text, unsigned char *out, size_t *size)
{
    size_t n = text.size, padding = 0, o = 0;

    if (n % 4 != 0)
        return false;
    while (n > 0 && padding < 2 && text.data[n - 1] == '=') {
        n--;
        padding++;
    }
    for (size_t i = 0; i < n; i += 4) {
        size_t left = n - i < 4 ? n - i : 4;
        uint32_t bits = 0;

        for (size_t k = 0; k < left; k++) {
            int d = digit(text.data[i + k]);

            if (d < 0)
                return false;
            bits |= (uint32_t)d << (18 - 6 * k);
        }
        for (size_t k = 0; k + 1 < left; k++)
            out[o++] = (unsigned char)(bits >> (16 - 8 * k));
        if (left < 4 && (bits << (8 * (left - 1)) & 0xFFFFFF) != 0)
            return false; /* bits that no byte has */
    }
    *size = o;
    return true;
}
