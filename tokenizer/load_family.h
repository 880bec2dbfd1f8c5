/* SPDX-License-Identifier: MIT */
/* load_family.h - the reference's tokenizer classes that build a tokenizer from other files than
 * a tokenizer.json, one row each. */
#ifndef BERT_TOKENIZER_LOAD_FAMILY_H
#define BERT_TOKENIZER_LOAD_FAMILY_H

#include "tokenizer/load.h"

enum bert__family_id {
    /* words of a vocab.txt */
    BERT__FAMILY_BERT,
    BERT__FAMILY_DPR,
    BERT__FAMILY_MPNET,
    BERT__FAMILY_FUNNEL,
    BERT__FAMILY_SPLINTER,
    BERT__FAMILY_ESM,
    /* a vocab.json with its merges */
    BERT__FAMILY_ROBERTA,
    BERT__FAMILY_LUKE,
    BERT__FAMILY_DEBERTA,
    BERT__FAMILY_GPT2,
    BERT__FAMILY_HERBERT,
    /* pieces of a SentencePiece model */
    BERT__FAMILY_XLMR,
    BERT__FAMILY_CAMEMBERT,
    BERT__FAMILY_ALBERT,
    BERT__FAMILY_DEBERTA_V2,
    BERT__FAMILY_BIG_BIRD,
    BERT__FAMILY_REMBERT,
    BERT__FAMILY_XLNET,
    BERT__FAMILY_BERT_GENERATION,
    BERT__FAMILY_SPM, /* of no class */
    BERT__FAMILY_COUNT
};

/* What the class makes of a mask that is named by a string. */
enum bert__mask {
    BERT__MASK_STRING,
    BERT__MASK_LSTRIP, /* an object that takes the space before it, */
    BERT__MASK_SPECIAL /* and says that it is special */
};

struct bert__family {
    enum bert__family_id id;
    const char *file;                     /* that holds the vocabulary */
    const char *merges;                   /* and the one beside it; NULL: none */
    const char *named[BERT__NAMED_COUNT]; /* defaults; NULL: none */
    bool objects;                         /* the class makes objects of names that are strings */
    enum bert__mask mask;
    bool lower;        /* default of do_lower_case, */
    bool always_lower; /* which has no say */
    bool keep_accents; /* default */
    bool from_bos;     /* bos and eos stand at the ends of a text, not cls and sep */
    /* The post-processor's templates, see write_template(); NULL: another, or none. */
    const char *single, *pair;
};

static inline bool bert__family_is_lines(const struct bert__family *f)
{
    return f->id < BERT__FAMILY_ROBERTA;
}

static inline bool bert__family_is_pieces(const struct bert__family *f)
{
    return f->id >= BERT__FAMILY_XLMR;
}

extern const struct bert__family bert__families[BERT__FAMILY_COUNT];

/* The row that a directory's files ask for, by tokenizer_class of tokenizer_config.json or
 * config.json, else model_type of config.json, else the names of the files; *out NULL: no such
 * files. */
bert_status bert__family_choose(struct bert__load *load, const struct bert__json *config,
                                const struct bert__family **out);
/* The class that reads the tokenizer.json of a directory, as far as the names of its special
 * tokens go; *out NULL: one without names where *known, else one that isn't listed. */
bert_status bert__family_of_names(const struct bert__load *load, const struct bert__json *config,
                                  const struct bert__family **out, bool *known);
/* The row of one file by its name. */
const struct bert__family *bert__family_of_file(const char *name);

#endif
