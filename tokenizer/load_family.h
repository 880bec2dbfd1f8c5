/* SPDX-License-Identifier: MIT */
/* load_family.h - the reference's tokenizer classes that build a tokenizer from other files than
 * a tokenizer.json, one row each. */
#ifndef BERT_TOKENIZER_LOAD_FAMILY_H
#define BERT_TOKENIZER_LOAD_FAMILY_H

#include "tokenizer/load.h"

enum bert__family_id {
    BERT__FAMILY_BERT,
    BERT__FAMILY_MPNET,
    BERT__FAMILY_ROBERTA,
    BERT__FAMILY_DEBERTA,
    BERT__FAMILY_GPT2,
    BERT__FAMILY_XLMR,
    BERT__FAMILY_CAMEMBERT,
    BERT__FAMILY_ALBERT,
    BERT__FAMILY_DEBERTA_V2,
    BERT__FAMILY_SPM, /* a SentencePiece model of no class */
    BERT__FAMILY_COUNT
};

struct bert__family {
    enum bert__family_id id;
    const char *file;                     /* that holds the vocabulary */
    const char *merges;                   /* and the one beside it; NULL: none */
    const char *named[BERT__NAMED_COUNT]; /* defaults; NULL: none */
    bool objects;                         /* the class makes objects of names that are strings */
    bool mask_lstrip;                     /* a mask named by a string takes the space before it */
    bool lower;                           /* default of do_lower_case */
};

extern const struct bert__family bert__families[BERT__FAMILY_COUNT];

/* The row that a directory's files ask for, by tokenizer_class of tokenizer_config.json, else
 * model_type of config.json, else the names of the files; *out NULL: no such files. */
bert_status bert__family_choose(struct bert__load *load, const struct bert__json *config,
                                const struct bert__family **out);
/* The class that reads the tokenizer.json of a directory, as far as the names of its special
 * tokens go; *out NULL: one without names where *known, else one that isn't listed. */
bert_status bert__family_of_names(const struct bert__load *load, const struct bert__json *config,
                                  const struct bert__family **out, bool *known);
/* The row of one file by its name. */
const struct bert__family *bert__family_of_file(const char *name);

#endif
