/* SPDX-License-Identifier: MIT */
/* decode.h - decoders: steps that rewrite a list of tokens, which are joined at the end. */
#ifndef BERT_TOKENIZER_DECODE_H
#define BERT_TOKENIZER_DECODE_H

#include <stdbool.h>

#include "lib/base/alloc.h"
#include "tokenizer/pattern.h"

enum bert__decode_kind {
    BERT__DECODE_WORDPIECE,     /* pattern: prefix of continuations; flag: clean up */
    BERT__DECODE_BPE,           /* pattern: suffix of a word's end */
    BERT__DECODE_BYTE_LEVEL,    /* the byte alphabet */
    BERT__DECODE_METASPACE,     /* letter to space; flag: those of the first token go */
    BERT__DECODE_BYTE_FALLBACK, /* <0xE4> to bytes */
    BERT__DECODE_FUSE,          /* all tokens to one */
    BERT__DECODE_STRIP,         /* letter, `front` at the beginning and `back` at the end */
    BERT__DECODE_REPLACE,       /* pattern to content */
    BERT__DECODE_CTC            /* pattern: the pad; content: the space; flag: clean up */
};

struct bert__decode_step {
    enum bert__decode_kind kind;
    bert_text pattern, content;
    const struct bert__pattern *regex; /* of Replace; NULL: `pattern` is a text */
    bert_text letter;                  /* one code point */
    uint64_t front, back;
    bool flag;
};

struct bert__decoder {
    bool present; /* false: tokens joined by spaces */
    const struct bert__decode_step *steps;
    uint32_t n;
};

/* Tokens, end to end. */
struct bert__pieces {
    struct bert__alloc *alloc;
    char *bytes;
    size_t *ends; /* of each */
    size_t size, cap;
    size_t n, ends_cap;
};

/* Append to the piece being written; false: no memory. */
bool bert__pieces_write(struct bert__pieces *pieces, const char *data, size_t size);
/* End the piece. */
bool bert__pieces_end(struct bert__pieces *pieces);

/* The reference's clean-up of spaces in n bytes; in place, returns the new size.  `classes`: as its
 * classes do it to whole texts, not as its decoders do it to tokens. */
size_t bert__clean_up_spaces(char *text, size_t n, bool classes);

/* Run one step; `out` is emptied first. */
bool bert__decode_run(const struct bert__decode_step *step, const struct bert__pieces *in,
                      struct bert__pieces *out);

#endif
