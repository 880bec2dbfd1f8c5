/* SPDX-License-Identifier: MIT */
/* pretokenizer.h - cutting normalised text into words, in steps. */
#ifndef BERT_TOKENIZER_PRETOKENIZER_H
#define BERT_TOKENIZER_PRETOKENIZER_H

#include "tokenizer/pattern.h"
#include "tokenizer/work.h"

enum bert__pre_kind {
    BERT__PRE_BERT,       /* white space parts, punctuation stands alone */
    BERT__PRE_WHITESPACE, /* \w+ or [^\w\s]+ */
    BERT__PRE_WHITESPACE_SPLIT,
    BERT__PRE_PUNCTUATION,
    BERT__PRE_DIGITS,
    BERT__PRE_BYTE_LEVEL,
    BERT__PRE_METASPACE,
    BERT__PRE_SCRIPTS,
    BERT__PRE_SPLIT /* CharDelimiterSplit too */
};

/* What becomes of a match. */
enum bert__behavior {
    BERT__REMOVED,
    BERT__ISOLATED,
    BERT__MERGED_WITH_PREVIOUS,
    BERT__MERGED_WITH_NEXT,
    BERT__CONTIGUOUS
};

enum bert__prepend { BERT__PREPEND_ALWAYS, BERT__PREPEND_FIRST, BERT__PREPEND_NEVER };

struct bert__pre_step {
    enum bert__pre_kind kind;
    enum bert__behavior behavior; /* Punctuation, Digits, Split */
    enum bert__prepend prepend;   /* Metaspace; ByteLevel: always or never */
    bool split;                   /* Metaspace, ByteLevel: cut after rewriting? */
    bool invert;                  /* Split: what doesn't match is the match */
    bert_text replacement;        /* Metaspace: for the space */
    struct bert__pattern pattern; /* Split, ByteLevel */
};

/* No step: the text is one word. */
struct bert__pretokenizer {
    struct bert__pre_step *steps;
    uint32_t n, cap;
    /* The last step is ByteLevel and the model is BPE: words stay ranges of raw bytes, and
     * only the vocabulary is turned. */
    bool byte_level;
    bool asks_origin; /* a step asks where in the text a word began, be it only ids */
};

/* Append a step; what it points to must live on.  False: no memory. */
bool bert__pretokenizer_add(struct bert__pretokenizer *pretokenizer, struct bert__arena *arena,
                            const struct bert__pre_step *step);

/*
 * Put the words of bytes [begin, end) of work->piece into work->words.  A step that rewrites
 * text makes another piece of it, which then holds nothing else; see
 * bert__pretokenizer_rewrites().  origin: where the stretch begins in the caller's text.
 * False: no memory.
 */
bool bert__pretokenize(const struct bert__pretokenizer *pretokenizer, struct bert__work *work,
                       size_t begin, size_t end, size_t origin);

/* May it change the piece? */
bool bert__pretokenizer_rewrites(const struct bert__pretokenizer *pretokenizer);

/* The steps' parts: each appends the words that [begin, end) of the piece is cut into. */
bool bert__pre_bert(struct bert__work *work, size_t begin, size_t end);
bool bert__pre_whitespace(struct bert__work *work, size_t begin, size_t end);
bool bert__pre_scripts(struct bert__work *work, size_t begin, size_t end);
/* By a property of single characters, each a match. */
bool bert__pre_property(unsigned property, enum bert__behavior behavior, struct bert__work *work,
                        size_t begin, size_t end);
bool bert__pre_split(const struct bert__pre_step *step, struct bert__work *work, size_t begin,
                     size_t end);

/* Rewriting steps: from work->before and piece.in to the piece, and the words of it. */
bool bert__pre_metaspace(const struct bert__pre_step *step, struct bert__work *work, size_t origin);
bool bert__pre_byte_prefix(struct bert__work *work);
bool bert__pre_byte_alphabet(struct bert__work *work);

#endif
