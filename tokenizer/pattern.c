/* SPDX-License-Identifier: MIT */
/* pattern.c - finding texts and known regular expressions. */
#include "tokenizer/pattern.h"

#include <string.h>

#include "tokenizer/scanner_kinds.h"
#include "tokenizer/text.h"

/* ---- A text (Knuth, Morris, Pratt) ------------------------------------------ */

bool bert__pattern_text(struct bert__pattern *out, struct bert__arena *arena, bert_text text)
{
    uint32_t *back = bert__arena_get(arena, (text.size + 1) * sizeof *back), k = 0;

    memset(out, 0, sizeof *out);
    if (back == NULL)
        return false;
    back[0] = back[1] = 0;
    for (size_t i = 1; i < text.size; i++) {
        while (k > 0 && text.data[i] != text.data[k])
            k = back[k];
        k += text.data[i] == text.data[k];
        back[i + 1] = k;
    }
    out->text = text;
    out->back = back;
    return true;
}

static bool find_text(const struct bert__pattern *p, const char *s, size_t at, size_t end,
                      struct bert__found *out)
{
    size_t k = 0, size = p->text.size;

    for (size_t i = at; i < end; i++) {
        if (k == 0) {
            const char *first = memchr(s + i, p->text.data[0], end - i);

            if (first == NULL)
                return false;
            i = (size_t)(first - s);
        }
        while (k > 0 && s[i] != p->text.data[k])
            k = p->back[k];
        k += s[i] == p->text.data[k];
        if (k == size) {
            out->begin = i + 1 - size;
            out->end = i + 1;
            return true;
        }
    }
    return false;
}

/* ---- Alternatives ----------------------------------------------------------- */

/* Length of the alternative at the front of a regular expression. */
static size_t alternative(const char *s, size_t size)
{
    int depth = 0;
    bool class = false;

    for (size_t i = 0; i < size; i++) {
        if (s[i] == '\\')
            i++;
        else if (class)
            class = s[i] != ']';
        else if (s[i] == '[')
            class = true;
        else if (s[i] == '(')
            depth++;
        else if (s[i] == ')')
            depth--;
        else if (s[i] == '|' && depth == 0)
            return i;
    }
    return size;
}

/* Every character is a match of its own. */
static const struct bert__scanner any = {
    .source = "", .scan = bert__scan_form, .body = {.none = true}, .max = 1, .takes_spaces = true};

void bert__pattern_any(struct bert__pattern *out)
{
    memset(out, 0, sizeof *out);
    out->scanners[0] = &any;
    out->n = 1;
}

/* Text without any character that means something; the reference's engine folds no case. */
static bool is_literal(const char *s, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (strchr("\\^$.|?*+()[]{}#", s[i]) != NULL)
            return false;
    }
    return size > 0;
}

/* Without parentheses around all of it, which change nothing. */
static bert_text bare(bert_text s)
{
    int depth = 0;
    bool class = false;

    if (s.size < 2 || s.data[0] != '(' || s.data[s.size - 1] != ')')
        return s;
    for (size_t i = 0; i + 1 < s.size; i++) {
        if (s.data[i] == '\\')
            i++;
        else if (class)
            class = s.data[i] != ']';
        else if (s.data[i] == '[')
            class = true;
        else if (s.data[i] == '(' || s.data[i] == ')')
            depth += s.data[i] == '(' ? 1 : -1;
        if (depth == 0 || i + 1 == s.size)
            return s;
    }
    if (s.data[1] != '?')
        return (bert_text){s.data + 1, s.size - 2};
    return s.data[2] == ':' ? (bert_text){s.data + 3, s.size - 4} : s;
}

/* Can a match of an alternative begin with it? */
static bool may_begin(const struct bert__scanner *a, bert_text literal, unsigned char c)
{
    if (a == &bert__scanner_literal)
        return (unsigned char)literal.data[0] == c;
    if (a->scan != bert__scan_form)
        return true;
    return bert__charset_holds(&a->before, c) || (!a->must && bert__charset_holds(&a->body, c));
}

static void find_first(struct bert__pattern *p)
{
    for (unsigned c = 0; c < 128; c++) {
        p->never[c] = true;
        for (uint32_t k = 0; k < p->n && p->never[c]; k++)
            p->never[c] = !may_begin(p->scanners[k], p->literals[k], (unsigned char)c);
    }
}

bool bert__pattern_regex(struct bert__pattern *out, struct bert__arena *arena, bert_text source,
                         bool *known)
{
    const char *s;
    size_t left, n;

    memset(out, 0, sizeof *out);
    *known = false;
    source = bare(source);
    left = source.size;
    s = bert__arena_string(arena, source.data, source.size);
    if (s == NULL)
        return false;
    out->scanners[0] = bert__scanner_whole((bert_text){s, left});
    if (out->scanners[0] != NULL) {
        out->n = 1;
        *known = true;
        return true;
    }
    if (is_literal(s, left)) {
        *known = true;
        return bert__pattern_text(out, arena, (bert_text){s, left});
    }
    for (;; s += n + 1, left -= n + 1) {
        n = alternative(s, left);
        if (out->n == BERT__PATTERN_MAX)
            return true;
        out->literals[out->n] = (bert_text){s, n};
        out->scanners[out->n] =
            is_literal(s, n) ? &bert__scanner_literal : bert__scanner_named(out->literals[out->n]);
        if (out->scanners[out->n] == NULL
            && !bert__scanner_parse(&out->scanners[out->n], arena, out->literals[out->n]))
            return false;
        if (out->scanners[out->n] == NULL)
            return true;
        out->n++;
        if (n == left)
            break;
    }
    *known = bert__scanners_linear(out->scanners, out->n);
    find_first(out);
    return true;
}

/* End of the match that begins at i, or i. */
static inline size_t match(const struct bert__pattern *p, const char *s, size_t i, size_t end)
{
    for (uint32_t k = 0; k < p->n; k++) {
        const struct bert__scanner *a = p->scanners[k];
        size_t to;

        if (a == &bert__scanner_literal) {
            bert_text lit = p->literals[k];

            to = end - i >= lit.size && memcmp(s + i, lit.data, lit.size) == 0 ? i + lit.size : i;
        } else {
            to = a->scan(a, s, i, end);
        }
        if (to > i)
            return to;
    }
    return i;
}

bool bert__pattern_find(const struct bert__pattern *p, const char *s, size_t at, size_t end,
                        struct bert__found *out)
{
    if (p->n == 0)
        return find_text(p, s, at, end, out);
    if (p->scanners[0]->find != NULL)
        return p->scanners[0]->find(s, at, end, out);
    for (size_t i = at; i < end; i += bert__text_len(s[i])) {
        unsigned char c = (unsigned char)s[i];
        size_t to = c < 128 && p->never[c] ? i : match(p, s, i, end);

        if (to > i) {
            out->begin = i;
            out->end = to;
            return true;
        }
    }
    return false;
}

/* Is there no space in it but at the front? */
static bool parts(bert_text literal)
{
    return literal.size == 0 || memchr(literal.data + 1, ' ', literal.size - 1) == NULL;
}

bool bert__pattern_parts(const struct bert__pattern *p)
{
    for (uint32_t k = 0; k < p->n; k++) {
        if (p->scanners[k]->crosses
            || (p->scanners[k] == &bert__scanner_literal && !parts(p->literals[k])))
            return false;
    }
    return p->n > 0 || parts(p->text);
}

bool bert__pattern_parts_behind(const struct bert__pattern *p, uint32_t letter)
{
    for (uint32_t k = 0; k < p->n; k++) {
        const struct bert__scanner *a = p->scanners[k];
        bool space = bert__charset_holds(&a->body, ' ') || bert__charset_holds(&a->after, ' ');

        if (a == &bert__scanner_literal)
            return false;
        if (space
            && (bert__charset_holds(&a->before, letter) || bert__charset_holds(&a->body, letter)
                || bert__charset_holds(&a->after, letter)))
            return false;
    }
    return p->n > 0 || p->text.size == 1; /* a text of one ASCII character */
}

bool bert__pattern_takes_spaces(const struct bert__pattern *p)
{
    for (uint32_t k = 0; k < p->n; k++) {
        if (p->scanners[k]->takes_spaces)
            return true;
    }
    return false;
}
