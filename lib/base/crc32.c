/* SPDX-License-Identifier: MIT */
/* crc32.c - eight tables, so that eight bytes cost eight independent look-ups. */
#include "lib/base/crc32.h"

#define POLYNOMIAL UINT32_C(0xEDB88320) /* bits reversed */

void bert__crc32_init(struct bert__crc32 *c)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t crc = i;

        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? POLYNOMIAL : 0);
        c->tables[0][i] = crc;
    }
    for (uint32_t i = 0; i < 256; i++)
        for (int t = 1; t < 8; t++) {
            uint32_t before = c->tables[t - 1][i];

            c->tables[t][i] = before >> 8 ^ c->tables[0][before & 0xFF];
        }
}

static uint32_t four(const unsigned char *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

uint32_t bert__crc32_add(const struct bert__crc32 *c, uint32_t crc, const void *data, size_t n)
{
    const uint32_t(*t)[256] = c->tables;
    const unsigned char *p = data;

    crc = ~crc;
    for (; n >= 8; n -= 8, p += 8) {
        uint32_t low = crc ^ four(p), high = four(p + 4);

        crc = t[7][low & 0xFF] ^ t[6][low >> 8 & 0xFF] ^ t[5][low >> 16 & 0xFF] ^ t[4][low >> 24]
              ^ t[3][high & 0xFF] ^ t[2][high >> 8 & 0xFF] ^ t[1][high >> 16 & 0xFF]
              ^ t[0][high >> 24];
    }
    for (; n > 0; n--, p++)
        crc = crc >> 8 ^ t[0][(crc ^ *p) & 0xFF];
    return ~crc;
}
