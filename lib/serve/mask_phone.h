/* SPDX-License-Identifier: MIT */
/* mask_phone.h - groups of digits, and whether they are a phone number. */
#ifndef BERT_LIB_SERVE_MASK_PHONE_H
#define BERT_LIB_SERVE_MASK_PHONE_H

#include <stdbool.h>
#include <stddef.h>

enum { BERT__DIAL_GROUPS = 9, BERT__DIAL_DIGITS = 20 };

struct bert__dial_group {
    size_t first, n; /* its digits */
    size_t end;      /* in the text, with its ')' */
    char gap;        /* before it: ' ', '-', '.' or '/' */
    bool enclosed;   /* in parentheses */
};

struct bert__dial {
    bool plus;
    size_t groups, digits;
    struct bert__dial_group group[BERT__DIAL_GROUPS];
    char digit[BERT__DIAL_DIGITS];
};

/* What stands before it. */
enum bert__dial_context {
    BERT__DIAL_PLAIN,
    BERT__DIAL_PHONE,   /* a word for phones */
    BERT__DIAL_OTHER,   /* a word for numbers of another kind */
    BERT__DIAL_UNSPACED /* a letter of a script without spaces */
};

/* Groups that can belong to it: a date ends it; 0 where it begins with one. */
size_t bert__dial_most(const struct bert__dial *d);
/* Are its first k groups a phone number? */
bool bert__dial_is_phone(const struct bert__dial *d, size_t k, enum bert__dial_context context);

#endif
