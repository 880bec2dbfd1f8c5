/* SPDX-License-Identifier: MIT */
/*
 * pattern.h - what Split and Replace look for: a text, or a regular expression whose
 * alternatives are each known by their exact text and have a scanner of their own.
 * There is no engine: what is not known is refused.
 */
#ifndef BERT_TOKENIZER_PATTERN_H
#define BERT_TOKENIZER_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/arena.h"

enum { BERT__PATTERN_MAX = 24 }; /* alternatives of one pattern */

struct bert__scanner;

struct bert__pattern {
    /* A text: and for each length of its beginning the length of the longest shorter
     * beginning that it ends with. */
    bert_text text;
    const uint32_t *back;

    /* Or alternatives, the first that matches wins. */
    const struct bert__scanner *scanners[BERT__PATTERN_MAX];
    bert_text literals[BERT__PATTERN_MAX]; /* of scanners that are a literal */
    uint32_t n;
    bool never[128]; /* ASCII characters with which no match begins */
};

/* A pattern that finds the text, which must not be empty and live on.  False: no memory. */
bool bert__pattern_text(struct bert__pattern *out, struct bert__arena *arena, bert_text text);

/* A pattern that finds each character. */
void bert__pattern_any(struct bert__pattern *out);

/* A pattern that finds what the regular expression finds.  *known is false if that is not
 * known.  False: no memory. */
bool bert__pattern_regex(struct bert__pattern *out, struct bert__arena *arena, bert_text source,
                         bool *known);

/* Does no match reach across the place between a letter or digit and a space (U+0020)? */
bool bert__pattern_parts(const struct bert__pattern *pattern);

/* The same of this letter beyond ASCII, for patterns that part at the others. */
bool bert__pattern_parts_behind(const struct bert__pattern *pattern, uint32_t letter);

/* Is there no white space that is not in some match? */
bool bert__pattern_takes_spaces(const struct bert__pattern *pattern);

/* A match; never empty. */
struct bert__found {
    size_t begin, end;
};

/* The next match in [at, end) of well-formed UTF-8, leftmost; false: there is none. */
bool bert__pattern_find(const struct bert__pattern *pattern, const char *text, size_t at,
                        size_t end, struct bert__found *out);

#endif
