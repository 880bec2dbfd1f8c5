/* SPDX-License-Identifier: MIT */
/* scanner.h - hand-written scanners for known pieces of regular expressions. */
#ifndef BERT_TOKENIZER_SCANNER_H
#define BERT_TOKENIZER_SCANNER_H

#include <bert/base.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A set of characters: those of some kinds (see scanner.c), or those of none of them;
 * and perhaps one more. */
struct bert__charset {
    uint64_t kinds;
    bool none;
    char also;
};

enum { BERT__RUN_SPACES = 1, BERT__RUN_LETTERS = 2 };

struct bert__scanner {
    const char *source; /* the text that it is known by */
    /* End of the match that begins at i < end, or i. */
    size_t (*scan)(const struct bert__scanner *scanner, const char *s, size_t i, size_t end);
    struct bert__charset before; /* one of them may come first, */
    struct bert__charset body;   /* then 1 to max of these, */
    struct bert__charset after;  /* then any number of these */
    uint32_t max;
    uint8_t lags;      /* what it may look at a long run of in vain, BERT__RUN_...: */
    uint8_t eats;      /* then one after it must take any such run */
    bool takes_spaces; /* matches at any white space */
};

extern const struct bert__scanner bert__scanner_literal;

/* The scanner for a whole regular expression, or for an alternative of one; NULL: unknown. */
const struct bert__scanner *bert__scanner_whole(bert_text source);
const struct bert__scanner *bert__scanner_named(bert_text source);

/* Do they together read a text in linear time? */
bool bert__scanners_linear(const struct bert__scanner *const *scanners, uint32_t n);

#endif
