/* SPDX-License-Identifier: MIT */
/*
 * normalizer_spm.c - a text as SentencePiece itself normalises it, for the classes that call it.
 *
 * The longest beginning of the text that is in the map is replaced, where Precompiled goes by
 * clusters; spaces at the ends and beside others may go, and the rest is written as U+2581.
 */
#include "lib/base/utf8.h"
#include "tokenizer/normalizer.h"
#include "tokenizer/text.h"

enum { ONE_CHAR = 64 };

static const char mark[] = "\xE2\x96\x81"; /* U+2581 */
enum { MARK = sizeof mark - 1 };

/* The length of the symbol that the text begins with, or 0. */
static size_t symbol(const struct bert__norm_spm *spm, const char *text, size_t size)
{
    size_t i = spm->starts[(unsigned char)text[0]] ? 0 : spm->n_symbols;

    while (i < spm->n_symbols
           && (spm->symbols[i].size > size
               || memcmp(spm->symbols[i].data, text, spm->symbols[i].size) != 0))
        i++;
    return i < spm->n_symbols ? spm->symbols[i].size : 0;
}

/* What the text begins with, and what becomes of it.  Returns the former's length. */
static size_t next(const struct bert__norm_spm *spm, const char *text, size_t size, bert_text *out)
{
    size_t len = symbol(spm, text, size);

    if (len == 0 && spm->map != NULL) {
        len = bert__charsmap_longest(spm->map, text, size, out);
        if (len > 0)
            return len;
    }
    if (len == 0)
        len = bert__text_len(text[0]);
    *out = (bert_text){text, len};
    return len;
}

static bool is_space(bert_text text)
{
    return text.size == 1 && text.data[0] == ' ';
}

/* Room for n bytes if all are spaces. */
static bool room(struct bert__piece *p, size_t n)
{
    return n < UINT32_MAX / MARK && bert__piece_room(p, MARK * n + ONE_CHAR);
}

static void put(const struct bert__norm_spm *spm, bert_text text, size_t place,
                struct bert__piece *p)
{
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == ' ' && spm->escape)
            bert__piece_put(p, mark, MARK, place);
        else
            bert__piece_put(p, text.data + i, 1, place);
    }
}

/* The first place that isn't a space at the beginning. */
static size_t skip_spaces(const struct bert__norm_spm *spm, const char *text, size_t size)
{
    size_t i = 0, len;

    for (; spm->squeeze && i < size; i += len) {
        bert_text by;

        len = next(spm, text + i, size - i, &by);
        if (!is_space(by))
            break;
    }
    return i;
}

static void drop_spaces(const struct bert__norm_spm *spm, struct bert__piece *p)
{
    const char *space = spm->escape ? mark : " ";
    size_t n = strlen(space);

    while (spm->squeeze && p->size >= n && memcmp(p->bytes + p->size - n, space, n) == 0)
        p->size -= n;
}

bool bert__norm_spm(const struct bert__norm_spm *spm, const char *text, size_t size,
                    struct bert__piece *p)
{
    const bert_text space = {" ", 1};
    bool after_space = spm->squeeze;
    size_t i = skip_spaces(spm, text, size);

    if (i == size)
        return true;
    if (!room(p, 1))
        return false;
    if (spm->dummy && !spm->suffix)
        put(spm, space, i, p);
    for (size_t len; i < size; i += len) {
        bert_text by;

        len = next(spm, text + i, size - i, &by);
        while (after_space && by.size > 0 && by.data[0] == ' ')
            by = (bert_text){by.data + 1, by.size - 1};
        if (!room(p, by.size) || !bert__piece_goes_on(p, i))
            return false;
        put(spm, by, i, p);
        if (by.size > 0)
            after_space = spm->squeeze && by.data[by.size - 1] == ' ';
    }
    drop_spaces(spm, p);
    if (spm->dummy && spm->suffix) {
        if (!room(p, 1))
            return false;
        put(spm, space, bert__text_before(text, size), p);
    }
    return true;
}
