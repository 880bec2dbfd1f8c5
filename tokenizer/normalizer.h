/* SPDX-License-Identifier: MIT */
/* normalizer.h - from source bytes to the text that is cut into words, in steps. */
#ifndef BERT_TOKENIZER_NORMALIZER_H
#define BERT_TOKENIZER_NORMALIZER_H

#include "lib/base/arena.h"
#include "tokenizer/charsmap.h"
#include "tokenizer/pattern.h"
#include "tokenizer/work.h"

enum bert__norm_kind {
    BERT__NORM_BERT,
    BERT__NORM_NFC,
    BERT__NORM_NFD,
    BERT__NORM_NFKC,
    BERT__NORM_NFKD,
    BERT__NORM_LOWERCASE,
    BERT__NORM_STRIP_ACCENTS,
    BERT__NORM_STRIP,
    BERT__NORM_REPLACE,
    BERT__NORM_PREPEND,
    BERT__NORM_NMT,
    BERT__NORM_PRECOMPILED,
    BERT__NORM_SPM,
    BERT__NORM_BYTE_LEVEL
};

/* BertNormalizer, all of it in one pass. */
struct bert__norm_bert {
    bool lower_first; /* a Lowercase before everything else (sentence_bert_config.json) */
    bool clean_text;
    bool handle_chinese_chars;
    bool strip_accents; /* resolved: null in the file follows `lowercase` */
    bool lowercase;

    /* by bert__normalizer_add() */
    unsigned slow;     /* properties of code points that are not copied as they are */
    char ascii[128];   /* what an ASCII character becomes, */
    uint8_t keep[128]; /* and whether it stays */
};

/* A SentencePiece model's own normalizer. */
struct bert__norm_spm {
    const struct bert__charsmap *map; /* NULL: none */
    bool dummy;                       /* put a space before the text, */
    bool suffix;                      /* or behind it */
    bool squeeze;                     /* no space at the ends, nor beside another */
    bool escape;                      /* spaces become U+2581 */
    const bert_text *symbols;         /* that stay as they are; none is in another */
    size_t n_symbols;
    bool starts[256]; /* may one begin with this byte? */
};

struct bert__norm_step {
    enum bert__norm_kind kind;
    bool left, right;             /* Strip */
    bert_text text;               /* Prepend; what Replace puts */
    struct bert__pattern pattern; /* Replace */
    const struct bert__norm_bert *bert;
    const struct bert__charsmap *map;
    const struct bert__norm_spm *spm;
};

/* No step: only ill-formed UTF-8 is repaired. */
struct bert__normalizer {
    struct bert__norm_step *steps;
    uint32_t n, cap;
};

/* Append a step; what it points to must live on, but for `bert`, which is copied.
 * A Lowercase in front of a BertNormalizer becomes part of it.  False: no memory. */
bool bert__normalizer_add(struct bert__normalizer *normalizer, struct bert__arena *arena,
                          const struct bert__norm_step *step);
bool bert__normalizer_add_bert(struct bert__normalizer *normalizer, struct bert__arena *arena,
                               const struct bert__norm_bert *bert);

/* The one step, if it is a BertNormalizer; else NULL. */
static inline const struct bert__norm_bert *
bert__normalizer_bert(const struct bert__normalizer *normalizer)
{
    return normalizer->n == 1 ? normalizer->steps[0].bert : NULL;
}

/* Normalise a stretch of at most BERT__STRETCH_MAX bytes into the piece.  False: no memory. */
bool bert__normalize(const struct bert__normalizer *normalizer, const char *source, size_t size,
                     struct bert__piece *piece);

/*
 * The steps.  Each reads `size` bytes, well-formed but for BertNormalizer's, appends to the
 * empty piece and notes places in what it reads.  False: no memory.
 */
bool bert__norm_bert(const struct bert__norm_bert *bert, const char *text, size_t size,
                     struct bert__piece *piece);
/* slow: properties that keep a character from being copied as it is. */
bool bert__norm_form(enum bert__norm_kind kind, unsigned slow, const char *text, size_t size,
                     struct bert__piece *piece);
bool bert__norm_lowercase(const char *text, size_t size, struct bert__piece *piece);
bool bert__norm_strip_accents(const char *text, size_t size, struct bert__piece *piece);
bool bert__norm_strip(const struct bert__norm_step *step, const char *text, size_t size,
                      struct bert__piece *piece);
bool bert__norm_replace(const struct bert__norm_step *step, const char *text, size_t size,
                        struct bert__piece *piece);
bool bert__norm_prepend(const struct bert__norm_step *step, const char *text, size_t size,
                        struct bert__piece *piece);
bool bert__norm_nmt(const char *text, size_t size, struct bert__piece *piece);
bool bert__norm_precompiled(const struct bert__charsmap *map, const char *text, size_t size,
                            struct bert__piece *piece);
bool bert__norm_spm(const struct bert__norm_spm *spm, const char *text, size_t size,
                    struct bert__piece *piece);
bool bert__norm_byte_level(const char *text, size_t size, struct bert__piece *piece);

#endif
