/* SPDX-License-Identifier: MIT */
/* charsmap.c - reading and searching a precompiled character map. */
#include "tokenizer/charsmap.h"

#include <string.h>

#include "lib/base/utf8.h"

/* A unit: the byte that leads to it, or with the highest bit an offset of a replacement;
 * whether a key ends here; and the distance (exclusive or) to the units that follow. */
#define LEAF 0x80000000u

static bool ends_key(uint32_t unit)
{
    return unit >> 8 & 1;
}

static uint32_t distance(uint32_t unit)
{
    return (unit >> 10) << ((unit & 1u << 9) >> 6);
}

static uint32_t read_u32(const char *data)
{
    const unsigned char *p = (const unsigned char *)data;

    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static bool is_utf8(const char *text, size_t size)
{
    size_t len;

    for (size_t i = 0; i < size; i += len) {
        if (bert__utf8_next(text + i, size - i, &len) == BERT__UTF8_BAD)
            return false;
    }
    return true;
}

/* Every key's end must lead to the beginning of a character of the replacements. */
static const char *check(const struct bert__charsmap *map)
{
    for (size_t i = 0; i < map->n_units; i++) {
        size_t base = i ^ distance(map->units[i]);
        uint32_t value;

        if ((map->units[i] & LEAF) || !ends_key(map->units[i]))
            continue;
        if (base >= map->n_units)
            return "a key of its trie leads out of the array";
        value = map->units[base] & ~LEAF;
        if (value >= map->texts_size)
            return "a replacement lies behind its end";
        if (((unsigned char)map->texts[value] & 0xC0) == 0x80)
            return "a replacement begins within a character";
    }
    return NULL;
}

static void find_plain(struct bert__charsmap *map)
{
    bert_text text;

    for (unsigned c = 0x20; c < 0x7F; c++) {
        char s = (char)c;

        map->plain[c] = !bert__charsmap_find(map, &s, 1, &text);
    }
}

bert_status bert__charsmap_read(struct bert__charsmap **out, struct bert__arena *arena,
                                const char *data, size_t size, const char **problem)
{
    struct bert__charsmap *map = bert__arena_get(arena, sizeof *map);
    uint32_t *units, bytes = size >= 4 ? read_u32(data) : 0;

    *out = map;
    if (map == NULL)
        return BERT_ENOMEM;
    *problem = size < 4 ? "it is too short" : "its trie is longer than the map";
    if (size < 4 || bytes > size - 4)
        return BERT_EFORMAT;
    *problem = "its trie is empty, or no row of 32-bit units";
    if (bytes == 0 || bytes % 4 != 0)
        return BERT_EFORMAT;
    memset(map, 0, sizeof *map);
    map->n_units = bytes / 4;
    map->texts_size = size - 4 - bytes;
    map->texts = bert__arena_string(arena, data + 4 + bytes, map->texts_size);
    map->units = units = bert__arena_get(arena, bytes);
    if (map->texts == NULL || units == NULL)
        return BERT_ENOMEM;
    for (size_t i = 0; i < map->n_units; i++)
        units[i] = read_u32(data + 4 + 4 * i);
    *problem = "its replacements are not UTF-8";
    if (!is_utf8(map->texts, map->texts_size))
        return BERT_EFORMAT;
    *problem = check(map);
    if (*problem != NULL)
        return BERT_EFORMAT;
    find_plain(map);
    return BERT_OK;
}

/* Follow the text through the trie to the first key's end, or to the last. */
static size_t follow(const struct bert__charsmap *map, const char *text, size_t size, bool first,
                     bert_text *out)
{
    size_t at = distance(map->units[0]), found = 0;

    for (size_t i = 0; i < size; i++) {
        unsigned c = (unsigned char)text[i];
        uint32_t unit;

        if (c == 0)
            break;
        at ^= c;
        if (at >= map->n_units)
            break;
        unit = map->units[at];
        if ((unit & (LEAF | 0xFF)) != c)
            break;
        at ^= distance(unit);
        if (!ends_key(unit))
            continue;
        out->data = map->texts + (map->units[at] & ~LEAF);
        found = i + 1;
        if (first)
            break;
    }
    if (found > 0)
        out->size = strlen(out->data);
    return found;
}

bool bert__charsmap_find(const struct bert__charsmap *map, const char *text, size_t size,
                         bert_text *out)
{
    return follow(map, text, size, true, out) > 0;
}

size_t bert__charsmap_longest(const struct bert__charsmap *map, const char *text, size_t size,
                              bert_text *out)
{
    return follow(map, text, size, false, out);
}

bool bert__charsmap_same(const struct bert__charsmap *map, const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        unsigned c = (unsigned char)text[i];

        if (c >= 0x80 || !map->plain[c])
            return false;
    }
    return true;
}
