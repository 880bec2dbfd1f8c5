/* SPDX-License-Identifier: MIT */
/* pipeline.h - a loaded tokenizer: its stages as data. */
#ifndef BERT_TOKENIZER_PIPELINE_H
#define BERT_TOKENIZER_PIPELINE_H

#include <stdatomic.h>

#include "lib/base/arena.h"
#include "tokenizer/added.h"
#include "tokenizer/decode.h"
#include "tokenizer/model.h"
#include "tokenizer/normalizer.h"
#include "tokenizer/parting.h"
#include "tokenizer/postprocess.h"
#include "tokenizer/pretokenizer.h"
#include "tokenizer/tokenizer.h"
#include "tokenizer/vocab.h"

struct bert__padding {
    bool present; /* else there is no token to pad with */
    bool left;
    struct bert__special token;
    int32_t type_id;
};

enum { BERT__MAX_NOTES = 16, BERT__SPARES = 8 };

struct bert_tokenizer {
    atomic_size_t references;
    struct bert__alloc *alloc;
    struct bert__arena arena; /* strings, templates, added tokens */

    struct bert__added added;
    struct bert__normalizer normalizer;
    struct bert__pretokenizer pretokenizer;
    struct bert__vocab vocab;
    struct bert__token_model model;
    struct bert__postprocessor postprocessor;
    const uint8_t *spaces; /* of each id, for trimming; see trim.h */
    struct bert__decoder decoder;
    struct bert__padding padding;

    /* Bytes of text that go through the stages at a time, about; 0: they can't be parted. */
    size_t stretch;
    struct bert__parting parting;
    uint32_t vocab_size;
    uint64_t model_max_length; /* 0: none */
    bool cleans_up;            /* tokenizer_config.json's clean_up_tokenization_spaces */
    int32_t named[BERT__NAMED_COUNT];
    bool no_types[2]; /* see bert__tokenizer_gives_types(): of transformers 5, of 4 */
    const char *notes[BERT__MAX_NOTES];
    uint32_t n_notes;

    /* Buffers of the last call, for the next one; whoever takes them has them alone. */
    _Atomic(struct bert__token_scratch *) spares[BERT__SPARES];
};

/* Text of an id as decode sees it; {NULL, 0} if unknown. */
bert_text bert__tokenizer_text(const bert_tokenizer *tokenizer, int32_t id);
/* Text of an id as an encoding shows it: the model's, if the model knows it. */
bert_text bert__tokenizer_spelling(const bert_tokenizer *tokenizer, int32_t id);
/* Id of a token as the vocabulary spells it, or -1. */
int32_t bert__tokenizer_id(const bert_tokenizer *tokenizer, bert_text token);

const char *bert__tokenizer_algorithm(const bert_tokenizer *tokenizer);

/* Find out anew where a text may be parted, now that the added tokens are others. */
bert_status bert__tokenizer_part(bert_tokenizer *tokenizer, bert_error *err);

bert_tokenizer *bert__tokenizer_ref(bert_tokenizer *tokenizer);
void bert__tokenizer_unref(bert_tokenizer *tokenizer);

/* bert_decode() behind its checks. */
bert_status bert__decode(const bert_tokenizer *tokenizer, const int32_t *ids, size_t n_ids,
                         bool keep_special, char *out, size_t capacity, size_t *out_size,
                         bert_error *err);

#endif
