/* SPDX-License-Identifier: MIT */
/*
 * mask_pseudonym.c - a name for a value that tells nothing of it to who lacks the key.  It is made
 * of letters alone, so that nothing finds a number in it.
 */
#include "lib/serve/mask.h"
#include "lib/serve/mask_view.h"

struct hasher {
    struct bert__sip sip;
    char bytes[8];
    size_t n;
};

static void feed(struct hasher *h, char byte)
{
    h->bytes[h->n++] = byte;
    if (h->n == sizeof h->bytes) {
        bert__sip_word(&h->sip, bert__load_low(h->bytes), 2);
        h->n = 0;
    }
}

/* The numbers that addresses are; without brackets, with the zone as it is written. */
static bool feed_ip(struct hasher *h, const char *s, size_t n)
{
    unsigned char ip[16];
    size_t skip = n > 2 && s[0] == '[' ? 1 : 0, zone;
    size_t size = bert__mask_read_ip(s + skip, n - 2 * skip, ip, &zone);

    for (size_t i = 0; i < size; i++)
        feed(h, (char)ip[i]);
    for (size_t i = skip + zone; size > 0 && i < n - skip; i++)
        feed(h, s[i]);
    return size > 0;
}

/* Numbers without what separates their groups; letters that don't differ by case alike. */
static void feed_folded(struct hasher *h, uint32_t kind, bert_text value)
{
    const struct bert__mask_view v = {value.data, 0, value.size, value.size};
    bool numbers = (kind & (BERT_MASK_PHONE | BERT_MASK_CARD | BERT_MASK_IBAN)) != 0;
    size_t len;

    for (size_t i = 0; i < value.size; i += len) {
        uint32_t c = bert__mask_at(&v, i, &len);

        if (c >= 0x80) {
            for (size_t k = 0; k < len; k++)
                feed(h, value.data[i + k]);
        } else if (!numbers || c == '+' || bert__mask_digit(c) || bert__mask_letter(c)) {
            feed(h, bert__mask_lower((char)c));
        }
    }
}

void bert__mask_pseudonym(char out[16], const uint64_t key[2], uint32_t kind, bert_text value)
{
    struct hasher h = {.n = 0};
    uint64_t hash;

    bert__sip_init(&h.sip, key);
    feed(&h, (char)kind);
    if (kind == 0 || kind == BERT_MASK_URL) {
        for (size_t i = 0; i < value.size; i++)
            feed(&h, value.data[i]);
    } else if (kind != BERT_MASK_IP || !feed_ip(&h, value.data, value.size)) {
        feed_folded(&h, kind, value);
    }
    hash = bert__sip_end(&h.sip, h.bytes, h.n, 2, 4);
    for (int i = 0; i < 16; i++, hash >>= 4)
        out[i] = (char)('a' + (hash & 15));
}
