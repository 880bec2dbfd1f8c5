/* SPDX-License-Identifier: MIT */
/* added.c - finding added tokens. */
#include "tokenizer/added.h"

#include <string.h>

#include "lib/base/error.h"
#include "lib/base/sort.h"
#include "lib/base/utf8.h"
#include "tokenizer/text.h"
#include "tokenizer/unicode.h"

/* ---- Matching ------------------------------------------------------------- */

/* By pattern, then by id. */
static int compare(const void *x, const void *y)
{
    const struct bert__added_token *a = x, *b = y;
    size_t n = a->pattern.size < b->pattern.size ? a->pattern.size : b->pattern.size;
    int c = memcmp(a->pattern.data, b->pattern.data, n);

    if (c != 0)
        return c;
    if (a->pattern.size != b->pattern.size)
        return a->pattern.size < b->pattern.size ? -1 : 1;
    return a->id < b->id ? -1 : a->id > b->id;
}

static bool prepare(struct bert__matcher *m, const struct bert__added *added, bool normalized,
                    struct bert__arena *arena)
{
    memset(m, 0, sizeof *m);
    m->only_start = -1;
    m->sorted = bert__arena_get(arena, added->n * sizeof *m->sorted);
    if (m->sorted == NULL)
        return false;
    for (uint32_t i = 0; i < added->n; i++) {
        const struct bert__added_token *t = &added->tokens[i];

        if (t->normalized == normalized && t->pattern.size == 0) {
            if (m->empty == NULL || t->id < m->empty->id)
                m->empty = t;
        } else if (t->normalized == normalized) {
            m->sorted[m->n++] = t;
            m->starts[(unsigned char)t->pattern.data[0]] = 1;
        }
    }
    bert__sort((void **)(uintptr_t)m->sorted, m->n, compare);
    if (m->n > 0 && m->sorted[0]->pattern.data[0] == m->sorted[m->n - 1]->pattern.data[0])
        m->only_start = (unsigned char)m->sorted[0]->pattern.data[0];
    return true;
}

bert_status bert__added_prepare(struct bert__added *added, struct bert__arena *arena,
                                bert_error *err)
{
    if (prepare(&added->raw, added, false, arena)
        && prepare(&added->normalized, added, true, arena))
        return BERT_OK;
    return bert__alloc_fail(arena->alloc, "added tokens", err);
}

/* First of sorted[lo, hi) whose byte at `depth` is at least c; those that end before
 * come first. */
static uint32_t lower_bound(const struct bert__matcher *m, uint32_t lo, uint32_t hi, size_t depth,
                            unsigned c)
{
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        const bert_text *p = &m->sorted[mid]->pattern;

        if (p->size <= depth || (unsigned char)p->data[depth] < c)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/* The longest pattern that the text begins with, or NULL. */
static const struct bert__added_token *longest(const struct bert__matcher *m, const char *s,
                                               size_t size)
{
    const struct bert__added_token *found = NULL;
    uint32_t lo = 0, hi = m->n;

    for (size_t depth = 0; depth < size && lo < hi; depth++) {
        unsigned c = (unsigned char)s[depth];

        lo = lower_bound(m, lo, hi, depth, c);
        hi = lower_bound(m, lo, hi, depth, c + 1);
        if (lo < hi && m->sorted[lo]->pattern.size == depth + 1)
            found = m->sorted[lo];
    }
    return found;
}

/* The next match that begins from *at on, before the limit; *at becomes its beginning. */
static const struct bert__added_token *find(const struct bert__matcher *m, const char *s,
                                            size_t size, size_t limit, size_t *at)
{
    const struct bert__added_token *t;

    for (size_t i = *at; i < limit; i++) {
        if (m->only_start >= 0) {
            const char *p = memchr(s + i, m->only_start, limit - i);

            if (p == NULL)
                return NULL;
            i = (size_t)(p - s);
        } else if (!m->starts[(unsigned char)s[i]]) {
            continue;
        }
        t = longest(m, s + i, size - i);
        if (t != NULL) {
            *at = i;
            return t;
        }
    }
    return NULL;
}

/* ---- Surroundings --------------------------------------------------------- */

static unsigned props_at(const char *s, size_t size, size_t *len)
{
    uint32_t cp = bert__utf8_next(s, size, len);

    return cp == BERT__UTF8_BAD ? 0 : bert__uni_props(cp);
}

/* Properties of the character that ends at s + end > s, and its length. */
static unsigned props_before(const char *s, size_t end, size_t *len)
{
    for (size_t n = 1; n <= 4 && n <= end; n++) {
        unsigned props;

        if (((unsigned char)s[end - n] & 0xC0) == 0x80)
            continue;
        props = props_at(s + end - n, n, len);
        if (*len == n)
            return props;
        break;
    }
    *len = 1;
    return 0;
}

static bool stands_alone(const struct bert__splitter *sp, size_t begin, size_t end)
{
    size_t len;

    if (begin > 0 && (props_before(sp->text, begin, &len) & BERT__UNI_WORD))
        return false;
    return end == sp->size || !(props_at(sp->text + end, sp->size - end, &len) & BERT__UNI_WORD);
}

/* Where the white space before `begin` starts, not before what was handed out. */
static size_t skip_left(const struct bert__splitter *sp, size_t begin)
{
    size_t len;

    while (begin > sp->done && (props_before(sp->text, begin, &len) & BERT__UNI_SPACE))
        begin -= len;
    return begin > sp->done ? begin : sp->done;
}

/* Tokens that are white space, or empty, may ask again and again within one run of it. */
static size_t skip_right(struct bert__splitter *sp, size_t end)
{
    size_t begin = end, len;

    if (end >= sp->spaces_begin && end < sp->spaces_end)
        return sp->spaces_end;
    while (end < sp->size && (props_at(sp->text + end, sp->size - end, &len) & BERT__UNI_SPACE))
        end += len;
    sp->spaces_begin = begin;
    sp->spaces_end = end;
    return end;
}

/* ---- Splitting ------------------------------------------------------------ */

void bert__splitter_init(struct bert__splitter *sp, const struct bert__matcher *matcher,
                         const char *text, size_t size)
{
    memset(sp, 0, sizeof *sp);
    sp->matcher = matcher;
    sp->text = text;
    sp->size = sp->limit = size;
    sp->last = SIZE_MAX;
}

/* The next match.  Where a token is empty, there is one at each place but behind a match. */
static const struct bert__added_token *find_next(struct bert__splitter *sp)
{
    const struct bert__matcher *m = sp->matcher;
    const struct bert__added_token *t = NULL;
    size_t at = sp->search;

    sp->begin = at;
    if (m->empty == NULL)
        return find(m, sp->text, sp->size, sp->limit, &sp->begin);
    for (; at <= sp->size; at += at < sp->size ? bert__text_len(sp->text[at]) : 1) {
        t = longest(m, sp->text + at, sp->size - at);
        if (t == NULL && at != sp->last)
            t = m->empty;
        if (t != NULL)
            break;
    }
    sp->begin = at;
    return t;
}

/* Look for the next token that stands where it may, or a place where an empty one cuts. */
static bool find_token(struct bert__splitter *sp)
{
    const struct bert__added_token *t;

    while ((t = find_next(sp)) != NULL) {
        sp->end = sp->begin + t->pattern.size;
        sp->search = sp->last = sp->end;
        if (t->single_word && !stands_alone(sp, sp->begin, sp->end))
            continue;
        if (t->lstrip)
            sp->begin = skip_left(sp, sp->begin);
        if (t->rstrip)
            sp->end = skip_right(sp, sp->end);
        if (sp->begin < sp->end) {
            sp->token = t;
            return true;
        }
        if (sp->begin > sp->done)
            return true;
        sp->done = sp->end;
    }
    sp->search = sp->search > sp->limit ? sp->search : sp->limit;
    return false;
}

void bert__splitter_look_on(struct bert__splitter *sp, size_t done, size_t bytes)
{
    size_t limit = sp->size - done > bytes ? done + bytes : sp->size;

    sp->done = done;
    if (sp->matcher->empty != NULL) /* one is everywhere */
        return;
    for (unsigned i = 0; i < 3 && limit < sp->size && (sp->text[limit] & 0xC0) == 0x80; i++)
        limit++; /* to where a character begins */
    sp->limit = limit > sp->limit || sp->limit == sp->size ? limit : sp->limit;
}

/* Up to the limit, but for white space, which a token behind it may take. */
static void open_part(const struct bert__splitter *sp, struct bert__split *out)
{
    *out = (struct bert__split){NULL, sp->done, skip_left(sp, sp->limit), true};
}

bool bert__splitter_next(struct bert__splitter *sp, struct bert__split *out)
{
    bool found = sp->token != NULL || (bert__matcher_finds(sp->matcher) && find_token(sp));

    if (!found && bert__matcher_finds(sp->matcher) && sp->limit < sp->size) {
        open_part(sp, out);
        return true;
    }
    if (!found)
        sp->begin = sp->size;
    out->token = NULL;
    out->open = false;
    if (sp->done < sp->begin) {
        out->begin = sp->done;
        out->end = sp->begin;
        sp->done = sp->begin;
        return true;
    }
    if (sp->token == NULL)
        return false;
    out->token = sp->token;
    out->begin = sp->begin;
    out->end = sp->end;
    sp->done = sp->end;
    sp->token = NULL;
    return true;
}

/* ---- The list ------------------------------------------------------------- */

bool bert__added_init(struct bert__added *added, struct bert__alloc *alloc, uint32_t n,
                      size_t text_bytes, const struct bert__vocab *model)
{
    size_t ids = (size_t)model->n_ids + model->n + n + 1; /* ids of new tokens follow */

    memset(added, 0, sizeof *added);
    added->alloc = alloc;
    added->cap = n;
    added->n_ids = (uint32_t)ids;
    added->next_id = (int32_t)model->n;
    added->tokens = bert__alloc_array(alloc, n, sizeof *added->tokens);
    added->by_id = bert__alloc_array(alloc, ids, sizeof *added->by_id);
    return bert__vocab_init(&added->names, alloc, n, text_bytes) && added->tokens != NULL
           && added->by_id != NULL;
}

void bert__added_free(struct bert__added *added)
{
    if (added->alloc == NULL)
        return;
    bert__vocab_free(&added->names);
    bert__alloc_free(added->alloc, added->tokens);
    bert__alloc_free(added->alloc, added->by_id);
    memset(added, 0, sizeof *added);
}

const struct bert__added_token *bert__added_by_content(const struct bert__added *added,
                                                       bert_text content)
{
    const struct bert__vocab_entry *e = bert__vocab_find(&added->names, content.data, content.size);

    return e == NULL ? NULL : &added->tokens[e->id];
}

void bert__added_add(struct bert__added *added, struct bert__added_token *token,
                     const struct bert__vocab *model)
{
    const struct bert__added_token *known = bert__added_by_content(added, token->content);
    const struct bert__vocab_entry *e =
        bert__vocab_find(model, token->content.data, token->content.size);
    uint32_t *at;

    if (known != NULL) {
        token->id = known->id;
        token->special |= known->special; /* once special, decode always leaves it out */
    } else {
        token->id = e != NULL ? e->id : added->next_id++;
    }
    at = &added->by_id[token->id];
    if (*at == 0)
        *at = ++added->n;
    added->tokens[*at - 1] = *token;
    bert__vocab_add(&added->names, token->content, (int32_t)(*at - 1));
}
