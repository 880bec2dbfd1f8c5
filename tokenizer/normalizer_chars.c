/* SPDX-License-Identifier: MIT */
/* normalizer_chars.c - the normalizers that go character by character, and the ends. */
#include "lib/base/utf8.h"
#include "tokenizer/bytelevel.h"
#include "tokenizer/normalizer.h"
#include "tokenizer/text.h"
#include "tokenizer/unicode.h"

enum { ONE_CHAR = 64 };

static size_t lower_ascii(const char *text, size_t size, size_t i, struct bert__piece *p)
{
    size_t begin = i, o = p->size;

    for (; i < size && (unsigned char)text[i] < 0x80; i++, o++) {
        unsigned c = (unsigned char)text[i];

        p->bytes[o] = (char)(c - 'A' < 26 ? c + 'a' - 'A' : c);
    }
    if (p->want_from) {
        for (size_t k = 0; k < i - begin; k++)
            p->from[p->size + k] = (uint32_t)(begin + k);
    }
    p->size = o;
    return i;
}

bool bert__norm_lowercase(const char *text, size_t size, struct bert__piece *p)
{
    for (size_t i = 0, len; i < size; i += len) {
        uint32_t low[BERT__UNI_MAX_LOWER];
        char bytes[4];
        unsigned n;

        if (!bert__piece_room(p, size - i + ONE_CHAR))
            return false;
        i = lower_ascii(text, size, i, p);
        if (i == size)
            break;
        n = bert__uni_lower(bert__text_get(text + i, &len), low);
        for (unsigned k = 0; k < n; k++)
            bert__piece_put(p, bytes, bert__utf8_put(bytes, low[k]), i);
    }
    return true;
}

bool bert__norm_strip_accents(const char *text, size_t size, struct bert__piece *p)
{
    if (!bert__piece_room(p, size + 1))
        return false;
    for (size_t i = 0, len; i < size; i += len) {
        if (!(bert__uni_props(bert__text_get(text + i, &len)) & BERT__UNI_COMBINING))
            bert__piece_put(p, text + i, len, i);
    }
    return true;
}

bool bert__norm_strip(const struct bert__norm_step *step, const char *text, size_t size,
                      struct bert__piece *p)
{
    size_t begin = 0, end = size, len;

    if (!bert__piece_room(p, size + 1))
        return false;
    while (step->left && !p->continues && begin < end
           && (bert__uni_props(bert__text_get(text + begin, &len)) & BERT__UNI_SPACE))
        begin += len;
    while (step->right && !p->continued && begin < end) {
        size_t before = bert__text_before(text, end);

        if (!(bert__uni_props(bert__text_get(text + before, &len)) & BERT__UNI_SPACE))
            break;
        end = before;
    }
    bert__piece_copy(p, text + begin, end - begin, begin);
    return true;
}

bool bert__norm_prepend(const struct bert__norm_step *step, const char *text, size_t size,
                        struct bert__piece *p)
{
    if (!bert__piece_room(p, step->text.size) || !bert__piece_room(p, step->text.size + size))
        return false;
    bert__piece_put(p, step->text.data, step->text.size, 0);
    bert__piece_copy(p, text, size, 0);
    return true;
}

/* What Nmt makes of a character; 0: it goes. */
static uint32_t nmt(uint32_t c)
{
    if (c < 0x20)
        return c == '\t' || c == '\n' || c == '\f' || c == '\r' ? ' ' : 0;
    if (c == 0x7F || c == 0x8F || c == 0x9F)
        return 0;
    if (c == 0x1680 || (c >= 0x200B && c <= 0x200F) || c == 0x2028 || c == 0x2029 || c == 0x2581
        || c == 0xFEFF || c == 0xFFFD)
        return ' ';
    return c;
}

bool bert__norm_nmt(const char *text, size_t size, struct bert__piece *p)
{
    if (!bert__piece_room(p, size + 1))
        return false;
    for (size_t i = 0, len; i < size; i += len) {
        uint32_t c = bert__text_get(text + i, &len), to = nmt(c);

        if (to == c)
            bert__piece_put(p, text + i, len, i);
        else if (to != 0)
            bert__piece_put(p, " ", 1, i);
    }
    return true;
}

bool bert__norm_byte_level(const char *text, size_t size, struct bert__piece *p)
{
    if (!bert__piece_room(p, size) || !bert__piece_room(p, 2 * size + 1))
        return false;
    for (size_t i = 0; i < size; i++) {
        char bytes[4];

        bert__piece_put(p, bytes, bert__byte_level_put(bytes, (unsigned char)text[i]), i);
    }
    return true;
}

bool bert__norm_replace(const struct bert__norm_step *step, const char *text, size_t size,
                        struct bert__piece *p)
{
    struct bert__found found = {0, 0};
    size_t done = 0;

    for (;;) {
        bool any = bert__pattern_find(&step->pattern, text, found.end, size, &found);
        size_t end = any ? found.begin : size;

        if (!bert__piece_room(p, end - done + step->text.size + 1) || !bert__piece_goes_on(p, end))
            return false;
        bert__piece_copy(p, text + done, end - done, done);
        if (!any)
            return true;
        bert__piece_put(p, step->text.data, step->text.size, found.end - 1);
        done = found.end;
    }
}
