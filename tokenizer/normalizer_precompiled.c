/* SPDX-License-Identifier: MIT */
/*
 * normalizer_precompiled.c - Precompiled, slips included.
 *
 * A grapheme cluster under 6 bytes becomes what its shortest beginning in the map becomes,
 * and the rest of it is lost; where no beginning is in the map, and in longer clusters, each
 * code point is looked up alone.  Places are counted off by the characters that each
 * replacement stands for (see normalizer_form.c).  A replacement by nothing is taken by
 * the character before; where there is none it is forgotten, and all places of the text
 * lag behind from there on.
 */
#include "lib/base/utf8.h"
#include "tokenizer/cluster.h"
#include "tokenizer/normalizer.h"
#include "tokenizer/text.h"

enum { SHORT_CLUSTER = 6, ONE_CHAR = 64 };

struct run {
    const struct bert__charsmap *map;
    const char *text;
    size_t size;
    struct bert__piece *p;
    size_t at;       /* where the next place is counted off */
    size_t last;     /* the last character that was written, */
    int64_t change;  /* and its change, which may yet sink */
    bool is_pending; /* is there one? */
};

/* Settle the last character's place. */
static void settle(struct run *r)
{
    struct bert__piece *p = r->p;
    size_t place = r->at;

    if (!r->is_pending || !p->want_from)
        return;
    if (r->change > 0)
        place = place > 0 ? place - 1 : 0;
    for (; r->change <= 0; r->change++)
        r->at += bert__text_len(r->text[r->at]);
    for (size_t i = r->last; i < p->size; i++)
        p->from[i] = (uint32_t)place;
    r->is_pending = false;
}

static void put(struct run *r, const char *bytes, size_t n, int64_t change)
{
    settle(r);
    r->last = r->p->size;
    r->change = change;
    r->is_pending = true;
    bert__piece_put(r->p, bytes, n, 0);
}

static size_t count(const char *text, size_t size)
{
    size_t n = 0;

    for (size_t i = 0; i < size; i++)
        n += ((unsigned char)text[i] & 0xC0) != 0x80;
    return n;
}

/* Put what n characters of the text become. */
static bool replace(struct run *r, size_t n, bert_text by)
{
    size_t more, i = 0;

    if (!bert__piece_room(r->p, by.size + ONE_CHAR))
        return false;
    if (!r->p->want_from) {
        memcpy(r->p->bytes + r->p->size, by.data, by.size);
        r->p->size += by.size;
        return true;
    }
    for (more = n; i < by.size; i += bert__text_len(by.data[i])) {
        put(r, by.data + i, bert__text_len(by.data[i]), more > 0 ? 0 : 1);
        more -= more > 0;
    }
    if (more > 0 && r->is_pending)
        r->change -= (int64_t)more;
    else if (more > 0)
        r->p->lags = true;
    return true;
}

static bool each_alone(struct run *r, size_t begin, size_t end)
{
    for (size_t i = begin, len; i < end; i += len) {
        bert_text by;

        len = bert__text_len(r->text[i]);
        if (!bert__charsmap_find(r->map, r->text + i, len, &by))
            by = (bert_text){r->text + i, len};
        if (!replace(r, 1, by))
            return false;
    }
    return true;
}

/* ASCII that stays, with ASCII behind it, so that each is a cluster. */
static size_t plain_end(const struct run *r, size_t i)
{
    while (i < r->size && (unsigned char)r->text[i] < 0x80
           && r->map->plain[(unsigned char)r->text[i]])
        i++;
    if (i < r->size && (unsigned char)r->text[i] >= 0x80 && i > 0)
        i--;
    return i;
}

static bool copy_plain(struct run *r, size_t begin, size_t end)
{
    struct bert__piece *p = r->p;

    if (!bert__piece_room(p, end - begin + ONE_CHAR))
        return false;
    settle(r);
    if (r->at == begin || !p->want_from) { /* nothing lags */
        bert__piece_copy(p, r->text + begin, end - begin - 1, begin);
        r->at = end - 1;
        begin = end - 1;
    }
    for (; begin < end; begin++)
        put(r, r->text + begin, 1, 0);
    return true;
}

bool bert__norm_precompiled(const struct bert__charsmap *map, const char *text, size_t size,
                            struct bert__piece *p)
{
    struct run r = {map, text, size, p, 0, 0, 0, false};

    if (!bert__piece_room(p, size + ONE_CHAR))
        return false;
    for (size_t i = 0, end; i < size; i = end) {
        bert_text by;

        if (!bert__piece_goes_on(p, i))
            return false;
        end = plain_end(&r, i);
        if (end > i) {
            if (!copy_plain(&r, i, end))
                return false;
            continue;
        }
        end = bert__cluster_end(text, i, size);
        if (end - i < SHORT_CLUSTER && bert__charsmap_find(map, text + i, end - i, &by)) {
            if (!replace(&r, count(text + i, end - i), by))
                return false;
        } else if (!each_alone(&r, i, end)) {
            return false;
        }
    }
    settle(&r);
    return true;
}
