/* SPDX-License-Identifier: MIT */
/* mask_view.c - characters, words and borders for the finders. */
#include "lib/serve/mask_view.h"

#include <string.h>

struct range {
    uint32_t first, last;
    enum bert__mask_class class;
};

/* Blocks rather than categories: letters of scripts in use, in order.  Arabic and Hebrew write
 * prepositions onto what follows, so that their letters end no number. */
static const struct range ranges[] = {
    {0xAA, 0xAA, BERT__MASK_WORD},         {0xB5, 0xB5, BERT__MASK_WORD},
    {0xBA, 0xBA, BERT__MASK_WORD},         {0xC0, 0xD6, BERT__MASK_WORD},
    {0xD8, 0xF6, BERT__MASK_WORD},         {0xF8, 0x2AF, BERT__MASK_WORD},
    {0x300, 0x37D, BERT__MASK_WORD},       {0x37F, 0x52F, BERT__MASK_WORD},
    {0x531, 0x587, BERT__MASK_WORD},       {0x591, 0x5F2, BERT__MASK_UNSPACED},
    {0x610, 0x61A, BERT__MASK_UNSPACED},   {0x620, 0x669, BERT__MASK_UNSPACED},
    {0x66E, 0x6D3, BERT__MASK_UNSPACED},   {0x6D5, 0x7FF, BERT__MASK_UNSPACED},
    {0x900, 0x963, BERT__MASK_WORD},       {0x966, 0xDF3, BERT__MASK_WORD},
    {0xE01, 0xEFF, BERT__MASK_UNSPACED},   {0x1000, 0x109F, BERT__MASK_UNSPACED},
    {0x10A0, 0x10FF, BERT__MASK_WORD},     {0x1100, 0x11FF, BERT__MASK_UNSPACED},
    {0x1200, 0x135A, BERT__MASK_WORD},     {0x1780, 0x17D3, BERT__MASK_UNSPACED},
    {0x1E00, 0x1FFF, BERT__MASK_WORD},     {0x2C00, 0x2DFF, BERT__MASK_WORD},
    {0x3005, 0x3007, BERT__MASK_UNSPACED}, {0x3040, 0x318F, BERT__MASK_UNSPACED},
    {0x31F0, 0x31FF, BERT__MASK_UNSPACED}, {0x3400, 0x4DBF, BERT__MASK_UNSPACED},
    {0x4E00, 0x9FFF, BERT__MASK_UNSPACED}, {0xA640, 0xA7FF, BERT__MASK_WORD},
    {0xAC00, 0xD7FF, BERT__MASK_UNSPACED}, {0xF900, 0xFAFF, BERT__MASK_UNSPACED},
    {0xFB00, 0xFB06, BERT__MASK_WORD},     {0xFB1D, 0xFDFF, BERT__MASK_UNSPACED},
    {0xFE70, 0xFEFC, BERT__MASK_UNSPACED}, {0xFF66, 0xFFDC, BERT__MASK_UNSPACED},
    {0x1D400, 0x1D7FF, BERT__MASK_WORD},   {0x20000, 0x3FFFF, BERT__MASK_UNSPACED},
};

enum bert__mask_class bert__mask_class_beyond(uint32_t cp)
{
    size_t low = 0, high = sizeof ranges / sizeof ranges[0];

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (cp > ranges[middle].last)
            low = middle + 1;
        else if (cp < ranges[middle].first)
            high = middle;
        else
            return ranges[middle].class;
    }
    return BERT__MASK_OTHER;
}

uint32_t bert__mask_fold(uint32_t cp)
{
    static const uint32_t zeros[] = {0x660, 0x6F0, 0x966};

    if (cp < 0x660)
        return cp == 0xA0 ? ' ' : cp;
    for (size_t i = 0; i < 3; i++) {
        if (cp >= zeros[i] && cp <= zeros[i] + 9)
            return '0' + (cp - zeros[i]);
    }
    if (cp < 0x2000)
        return cp;
    if (cp <= 0x200A || cp == 0x202F || cp == 0x3000)
        return ' ';
    if ((cp >= 0x2010 && cp <= 0x2015) || cp == 0x2212)
        return '-';
    return cp >= 0xFF01 && cp <= 0xFF5E ? cp - 0xFEE0 : cp;
}

void bert__mask_take(const struct bert__mask_view *v, size_t i, const char *set, size_t most,
                     struct bert__mask_run *run)
{
    run->n = 0;
    run->at[0] = i;
    while (run->n < most) {
        size_t len;
        uint32_t c = bert__mask_at(v, i, &len);

        if (len == 0 || c == 0 || c >= 0x80 || strchr(set, (int)c) == NULL)
            break;
        run->c[run->n++] = (char)c;
        i += len;
        run->at[run->n] = i;
    }
}

/* ---- Words ----------------------------------------------------------------------------- */

static bool listed(const char *s, size_t size, const char *const *list)
{
    for (; *list != NULL; list++) {
        size_t k = 0;

        while (k < size && bert__mask_lower(s[k]) == (*list)[k])
            k++;
        if (k == size && (*list)[k] == '\0')
            return true;
    }
    return false;
}

static bool of_word(uint32_t c)
{
    return (c >= 0x80 || bert__mask_letter(c)) && bert__mask_class(c) != BERT__MASK_OTHER;
}

/* Between unspaced words nothing stands: one may be anywhere in the run. */
static bool listed_inside(const char *s, size_t size, const char *const *list)
{
    for (; *list != NULL; list++) {
        size_t n = strlen(*list);

        for (size_t k = 0; (unsigned char)(*list)[0] >= 0x80 && k + n <= size; k++) {
            if (memcmp(s + k, *list, n) == 0)
                return true;
        }
    }
    return false;
}

bool bert__mask_follows(const struct bert__mask_view *v, size_t i, size_t words,
                        const char *const *list)
{
    size_t limit = i > v->lo + 48 ? i - 48 : v->lo, at, end;

    for (; words > 0; words--) {
        uint32_t c = 0, last = 0;

        while (i > limit && !of_word(c = bert__mask_before(v, i, &at))) {
            if (c == '\n' || c == ']')
                return false;
            i = at;
        }
        for (end = i; i > limit && of_word(c = bert__mask_before(v, i, &at)); i = at)
            last = i == end ? c : last;
        if (end == i)
            return false;
        if (listed(v->s + i, end - i, list)
            || (bert__mask_class(last) == BERT__MASK_UNSPACED
                && listed_inside(v->s + i, end - i, list)))
            return true;
    }
    return false;
}

/* ---- Borders --------------------------------------------------------------------------- */

static bool marked(uint32_t c, const char *marks)
{
    return c != 0 && c < 0x80 && strchr(marks, (int)c) != NULL;
}

bool bert__mask_goes_on(const struct bert__mask_view *v, size_t end, const char *marks)
{
    size_t len;
    uint32_t c = bert__mask_at(v, end, &len);

    return marked(c, marks) && bert__mask_digit(bert__mask_at(v, end + len, &len));
}

bool bert__mask_goes_back(const struct bert__mask_view *v, size_t start, const char *marks)
{
    size_t at;
    uint32_t c = bert__mask_before(v, start, &at);

    return marked(c, marks) && bert__mask_digit(bert__mask_before(v, at, &at));
}
