/* SPDX-License-Identifier: MIT */
/* scanner_parse.c - scanners for alternatives that are sets of characters and little more. */
#include <string.h>

#include "lib/base/utf8.h"
#include "tokenizer/scanner_kinds.h"

enum { MAX_RANGES = 255, MAX_TIMES = 16 };

/* What is left of the source; `bad` once it isn't of the form. */
struct parser {
    const char *s, *end;
    struct bert__arena *arena;
    bool bad, no_memory;
};

/* A set while it is read. */
struct builder {
    struct bert__charset set;
    struct bert__range ranges[MAX_RANGES];
    unsigned n;
};

static bool at(const struct parser *p, char c)
{
    return !p->bad && p->s < p->end && *p->s == c;
}

static bool take(struct parser *p, char c)
{
    if (!at(p, c))
        return false;
    p->s++;
    return true;
}

static uint32_t take_char(struct parser *p)
{
    size_t len;
    uint32_t cp;

    if (p->s == p->end) {
        p->bad = true;
        return 0;
    }
    cp = bert__utf8_next(p->s, (size_t)(p->end - p->s), &len);
    p->bad |= cp == BERT__UTF8_BAD;
    p->s += len;
    return cp;
}

static void add_range(struct parser *p, struct builder *b, uint32_t first, uint32_t last)
{
    if (b->n == MAX_RANGES || first > last)
        p->bad = true;
    else if (first == last && first > 0 && first < 0x80 && b->set.also == 0)
        b->set.also = (char)first;
    else
        b->ranges[b->n++] = (struct bert__range){first, last};
}

/* ---- Escapes ---------------------------------------------------------------------- */

/* {L}, {Lu}, ...: the kinds, or 0. */
static uint64_t take_property(struct parser *p)
{
    static const struct {
        char name[4];
        uint64_t kinds;
    } known[] = {{"L", BERT__KIND_L},
                 {"M", BERT__KIND_M},
                 {"N", BERT__KIND_N},
                 {"P", BERT__KIND_P},
                 {"S", BERT__KIND_S},
                 {"Lu", BERT__KIND(BERT__UNI_LU)},
                 {"Ll", BERT__KIND(BERT__UNI_LL)},
                 {"Lt", BERT__KIND(BERT__UNI_LT)},
                 {"Lm", BERT__KIND(BERT__UNI_LM)},
                 {"Lo", BERT__KIND(BERT__UNI_LO)},
                 {"Mn", BERT__KIND(BERT__UNI_MN)},
                 {"Mc", BERT__KIND(BERT__UNI_MC)},
                 {"Me", BERT__KIND(BERT__UNI_ME)},
                 {"Nd", BERT__KIND(BERT__UNI_ND)},
                 {"Nl", BERT__KIND(BERT__UNI_NL)},
                 {"No", BERT__KIND(BERT__UNI_NO)},
                 {"Zs", BERT__KIND(BERT__UNI_ZS)},
                 {"Sc", BERT__KIND(BERT__UNI_SC)},
                 {"Sm", BERT__KIND(BERT__UNI_SM)},
                 {"Sk", BERT__KIND(BERT__UNI_SK)},
                 {"So", BERT__KIND(BERT__UNI_SO)}};
    const char *begin = p->s + 1;
    size_t n = 0;

    while (begin + n < p->end && begin[n] != '}')
        n++;
    p->bad |= !at(p, '{') || begin + n >= p->end;
    for (size_t i = 0; !p->bad && i < sizeof known / sizeof *known; i++) {
        if (strlen(known[i].name) == n && memcmp(known[i].name, begin, n) == 0) {
            p->s = begin + n + 1;
            return known[i].kinds;
        }
    }
    p->bad = true;
    return 0;
}

/* The four digits of \u. */
static uint32_t take_hex(struct parser *p)
{
    uint32_t out = 0;

    for (int i = 0; i < 4; i++) {
        char c = p->s < p->end ? *p->s++ : 0;
        bool letter = (unsigned)((c | 0x20) - 'a') < 6;

        p->bad |= !letter && (unsigned)(c - '0') > 9;
        out = out << 4 | (unsigned)(letter ? (c | 0x20) - 'a' + 10 : c - '0');
    }
    p->bad |= out >= 0xD800 && out < 0xE000;
    return p->bad ? 0 : out;
}

/* Behind a backslash: kinds, or with 0 a single character in *cp. */
static uint64_t take_escape(struct parser *p, bool in_class, uint32_t *cp)
{
    uint32_t c = take_char(p);

    *cp = c;
    switch (c) {
    case 's':
        return BERT__KIND_SPACE;
    case 'd':
        return BERT__KIND(BERT__UNI_ND);
    case 'w':
        return in_class ? BERT__KIND_IN_WORD : BERT__KIND_WORD;
    case 'p':
        return take_property(p);
    case 'n':
        *cp = '\n';
        return 0;
    case 'r':
        *cp = '\r';
        return 0;
    case 't':
        *cp = '\t';
        return 0;
    case 'u':
        *cp = take_hex(p);
        return 0;
    default: /* only of punctuation is the meaning plain */
        p->bad |= c < 0x21 || c > 0x7E || (c >= '0' && c <= '9') || ((c | 0x20) - 'a' < 26);
        return 0;
    }
}

/* ---- Sets --------------------------------------------------------------------------- */

/* An end of a range, or a whole class (kinds, not 0). */
static uint64_t take_item(struct parser *p, uint32_t *cp)
{
    if (take(p, '\\'))
        return take_escape(p, true, cp);
    if (at(p, '[') || (at(p, '&') && p->s + 1 < p->end && p->s[1] == '&'))
        p->bad = true; /* another class; && takes the common part */
    *cp = take_char(p);
    return 0;
}

static void take_items(struct parser *p, struct builder *b, bool may_nest)
{
    bool first = true;

    for (; !p->bad && !at(p, ']'); first = false) {
        uint32_t from, to;
        uint64_t kinds;
        bool dash;

        if (may_nest && at(p, '[')) {
            p->s++;
            p->bad |= at(p, '^') || at(p, ':');
            take_items(p, b, false);
            continue;
        }
        dash = at(p, '-');
        kinds = take_item(p, &from);
        p->bad |= dash && !first && !at(p, ']'); /* a dash between others: who knows */
        to = from;
        b->set.kinds |= kinds;
        if (at(p, '-') && p->s + 1 < p->end && p->s[1] != ']') {
            p->bad |= kinds != 0 || dash;
            p->s++;
            p->bad |= take_item(p, &to) != 0;
        }
        if (kinds == 0)
            add_range(p, b, from, to);
    }
    p->bad |= first;
    if (!take(p, ']'))
        p->bad = true;
}

/* A character, an escape, brackets, or a dot. */
static void take_set(struct parser *p, struct builder *b)
{
    uint32_t cp = 0;

    if (take(p, '[')) {
        b->set.none = take(p, '^');
        take_items(p, b, true);
    } else if (take(p, '\\')) {
        char c = p->s < p->end ? *p->s : 0;

        if (c == 'S') {
            p->s++;
            b->set = (struct bert__charset){.kinds = BERT__KIND_SPACE, .none = true};
            return;
        }
        b->set.kinds = take_escape(p, false, &cp);
        if (b->set.kinds == 0)
            add_range(p, b, cp, cp);
    } else if (take(p, '.')) {
        b->set.none = true;
        add_range(p, b, '\n', '\n');
    } else {
        cp = take_char(p);
        p->bad |= cp < 0x80 && strchr("^$|?*+(){}", (int)cp) != NULL;
        add_range(p, b, cp, cp);
    }
}

static void sort(struct bert__range *ranges, unsigned n)
{
    for (unsigned i = 1; i < n; i++) {
        struct bert__range r = ranges[i];
        unsigned k = i;

        for (; k > 0 && ranges[k - 1].first > r.first; k--)
            ranges[k] = ranges[k - 1];
        ranges[k] = r;
    }
}

/* Sort the ranges, join those that meet, and keep them. */
static struct bert__charset finish(struct parser *p, struct builder *b)
{
    struct bert__range *ranges;
    unsigned n = 0;

    if (p->bad || b->n == 0)
        return b->set;
    sort(b->ranges, b->n);
    for (unsigned i = 1; i < b->n; i++) {
        if (b->ranges[i].first > b->ranges[n].last + 1)
            b->ranges[++n] = b->ranges[i];
        else if (b->ranges[i].last > b->ranges[n].last)
            b->ranges[n].last = b->ranges[i].last;
    }
    ranges = bert__arena_get(p->arena, ++n * sizeof *ranges);
    if (ranges == NULL) {
        p->bad = p->no_memory = true;
        return b->set;
    }
    memcpy(ranges, b->ranges, n * sizeof *ranges);
    b->set.ranges = ranges;
    b->set.n = (uint8_t)n;
    return b->set;
}

static struct bert__charset take_whole_set(struct parser *p)
{
    struct builder b = {.n = 0};

    take_set(p, &b);
    return finish(p, &b);
}

/* ---- How often ------------------------------------------------------------------------ */

static unsigned take_number(struct parser *p)
{
    const char *begin = p->s;
    unsigned n = 0;

    while (p->s < p->end && *p->s >= '0' && *p->s <= '9' && n <= MAX_TIMES)
        n = 10 * n + (unsigned)(*p->s++ - '0');
    p->bad |= p->s == begin || n == 0 || n > MAX_TIMES;
    return n;
}

/* Nothing, +, {n}, {n,}, {n,m}; none of it possessive or lazy. */
static void take_times(struct parser *p, struct bert__scanner *a)
{
    a->min = 1;
    a->max = 1;
    if (take(p, '+')) {
        a->max = UINT32_MAX;
    } else if (take(p, '{')) {
        a->max = take_number(p);
        a->min = (uint8_t)a->max;
        if (take(p, ','))
            a->max = at(p, '}') ? UINT32_MAX : take_number(p);
        p->bad |= !take(p, '}') || a->max < a->min;
    }
    p->bad |= at(p, '+') || at(p, '?') || at(p, '*') || at(p, '{');
}

static bool crosses(const struct bert__scanner *a)
{
    const struct bert__charset *sets[] = {&a->before, &a->body, &a->after};
    bool space = bert__charset_holds(&a->body, ' ') || bert__charset_holds(&a->after, ' ');

    for (uint32_t c = '0'; space && c <= 'z'; c++) {
        for (int k = 0; k < 3; k++) {
            if (((c | 0x20) - 'a' < 26 || c <= '9') && bert__charset_holds(sets[k], c))
                return true;
        }
    }
    return false;
}

/* X?Y+Z*, XY+Z* or YZ*. */
static void take_form(struct parser *p, struct bert__scanner *a)
{
    a->body = take_whole_set(p);
    if (take(p, '?')) {
        a->before = a->body;
        a->body = take_whole_set(p);
    } else if (!p->bad && p->s < p->end && strchr("+{*", *p->s) == NULL) {
        struct bert__charset second = take_whole_set(p);

        if (take(p, '*')) {
            a->after = second;
            a->max = a->min = 1;
            return;
        }
        a->must = true;
        a->before = a->body;
        a->body = second;
    }
    take_times(p, a);
    if (!p->bad && p->s < p->end) {
        a->after = take_whole_set(p);
        p->bad |= !take(p, '*');
    }
}

bool bert__scanner_parse(const struct bert__scanner **out, struct bert__arena *arena,
                         bert_text source)
{
    struct parser p = {.s = source.data, .end = source.data + source.size, .arena = arena};
    struct bert__scanner a = {.source = "", .scan = bert__scan_form}, *copy;

    *out = NULL;
    take_form(&p, &a);
    if (p.bad || p.s < p.end)
        return !p.no_memory;
    a.takes_spaces = !a.must && a.min == 1 && !a.body.none && (a.body.kinds & BERT__KIND_SPACE);
    a.crosses = crosses(&a);
    copy = bert__arena_get(arena, sizeof *copy);
    if (copy == NULL)
        return false;
    *copy = a;
    *out = copy;
    return true;
}
