/* SPDX-License-Identifier: MIT */
/* scanner.h - hand-written scanners for known pieces of regular expressions. */
#ifndef BERT_TOKENIZER_SCANNER_H
#define BERT_TOKENIZER_SCANNER_H

#include <bert/base.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tokenizer/pattern.h"

struct bert__range {
    uint32_t first, last;
};

/* A set of characters: those of some kinds (see scanner_kinds.h), one more perhaps, and those
 * of some ranges; or all but those. */
struct bert__charset {
    uint64_t kinds;
    bool none;
    char also;
    uint8_t n;                        /* at most 255 ranges, */
    const struct bert__range *ranges; /* apart and ascending */
};

enum { BERT__RUN_SPACES = 1, BERT__RUN_LETTERS = 2 };

struct bert__scanner {
    const char *source; /* the text that it is known by */
    /* End of the match that begins at i < end, or i. */
    size_t (*scan)(const struct bert__scanner *scanner, const char *s, size_t i, size_t end);
    /* In place of scan, where the next match isn't found by trying each place; stands alone. */
    bool (*find)(const char *s, size_t at, size_t end, struct bert__found *out);
    struct bert__charset before; /* one of them may come first, */
    struct bert__charset body;   /* then 1 to max of these, */
    struct bert__charset after;  /* then any number of these */
    uint32_t max;
    uint8_t min;       /* at least so many of the body, where it isn't 1 */
    bool must;         /* one of `before` must come first */
    bool crosses;      /* may match a letter or digit and the space behind it */
    uint8_t lags;      /* what it may look at a long run of in vain, BERT__RUN_...: */
    uint8_t eats;      /* then one after it must take any such run */
    bool takes_spaces; /* matches at any white space */
};

extern const struct bert__scanner bert__scanner_literal;

/* The scanner for a whole regular expression, or for an alternative of one; NULL: unknown. */
const struct bert__scanner *bert__scanner_whole(bert_text source);
const struct bert__scanner *bert__scanner_named(bert_text source);

/*
 * A scanner for an alternative of the form X?Y+Z*: sets of characters, each a character, an
 * escape or brackets; X, which may be without its question mark, and Z can be missing, the plus
 * too, or be {n}, {n,}, {n,m}.  None of that needs to go back more than one character.  *out is
 * NULL if it isn't of that form.  False: no memory.
 */
bool bert__scanner_parse(const struct bert__scanner **out, struct bert__arena *arena,
                         bert_text source);

/* Do they together read a text in linear time? */
bool bert__scanners_linear(const struct bert__scanner *const *scanners, uint32_t n);

#endif
