/* SPDX-License-Identifier: MIT */
/* cache_key.c - keys: their hash, their copy, when they are equal. */
#include <string.h>

#include "lib/base/siphash.h"
#include "lib/base/size.h"
#include "lib/serve/cache_parts.h"

/* SipHash-1-3 of group, number of parts, and of each part its size and its bytes up to a whole
 * word, so that other parts are another message. */
uint64_t bert__cache_hash(const struct bert__cache *cache, const struct bert__cache_key *key)
{
    struct bert__sip s;

    if (cache->options.hash != NULL)
        return cache->options.hash(key);
    bert__sip_init(&s, cache->secret);
    bert__sip_word(&s, key->group, 1);
    bert__sip_word(&s, key->n_parts, 1);
    for (size_t i = 0; i < key->n_parts; i++) {
        bert__sip_word(&s, key->parts[i].size, 1);
        bert__sip_padded(&s, key->parts[i].data, key->parts[i].size, 1);
    }
    return bert__sip_end(&s, NULL, 0, 1, 3);
}

static char *bytes_of(const struct bert__cache_entry *entry)
{
    return (char *)(entry->sizes + entry->n_parts);
}

bool bert__cache_equal(const struct bert__cache_entry *entry, uint64_t hash,
                       const struct bert__cache_key *key)
{
    const char *bytes = bytes_of(entry);

    if (entry->hash != hash || entry->group != key->group || entry->n_parts != key->n_parts)
        return false;
    for (size_t i = 0; i < key->n_parts; i++) {
        size_t n = key->parts[i].size;

        if (entry->sizes[i] != n || (n > 0 && memcmp(bytes, key->parts[i].data, n) != 0))
            return false;
        bytes += n;
    }
    return true;
}

/* Of an entry with this key. */
static bool size_of(const struct bert__cache_key *key, size_t most, size_t *bytes)
{
    size_t n = sizeof(struct bert__cache_entry);

    if (key->n_parts > UINT32_MAX || !bert__size_mul_add(key->n_parts, sizeof(size_t), n, &n))
        return false;
    for (size_t i = 0; i < key->n_parts; i++) {
        if (!bert__size_add(n, key->parts[i].size, &n))
            return false;
    }
    *bytes = n;
    return n <= most && bert__cache_block(n) <= most;
}

struct bert__cache_entry *bert__cache_entry_make(struct bert__alloc *alloc,
                                                 const struct bert__cache_key *key, uint64_t hash,
                                                 size_t most)
{
    struct bert__cache_entry *entry;
    size_t size;
    char *to;

    if (!size_of(key, most, &size) || (entry = bert__alloc(alloc, size)) == NULL)
        return NULL;
    memset(entry, 0, sizeof *entry);
    entry->hash = hash;
    entry->group = key->group;
    entry->n_parts = (uint32_t)key->n_parts;
    entry->state = BERT__CACHE_FLIGHT;
    entry->charge = bert__cache_block(size);
    to = bytes_of(entry);
    for (size_t i = 0; i < key->n_parts; i++) {
        entry->sizes[i] = key->parts[i].size;
        if (key->parts[i].size > 0)
            memcpy(to, key->parts[i].data, key->parts[i].size);
        to += key->parts[i].size;
    }
    return entry;
}
