/* SPDX-License-Identifier: MIT */
/* model.c - one of the models. */
#include "tokenizer/model.h"

bert_status bert__token_model_build(struct bert__token_model *m, bert_error *err)
{
    if (m->kind == BERT__MODEL_WORDPIECE)
        return bert__wordpiece_build(&m->u.wordpiece, err);
    return m->kind == BERT__MODEL_UNIGRAM ? bert__unigram_build(&m->u.unigram, err) : BERT_OK;
}

bool bert__token_model_run(const struct bert__token_model *m, struct bert__work *work)
{
    switch (m->kind) {
    case BERT__MODEL_BPE:
        return bert__bpe_run(&m->u.bpe, work);
    case BERT__MODEL_UNIGRAM:
        return bert__unigram_run(&m->u.unigram, work);
    case BERT__MODEL_WORDPIECE:
        return bert__wordpiece_run(&m->u.wordpiece, work);
    case BERT__MODEL_WORDLEVEL:
        return bert__wordlevel_run(&m->u.wordlevel, work);
    case BERT__MODEL_NONE:
        break;
    }
    return true;
}

bool bert__token_model_reserve(const struct bert__token_model *m, struct bert__model_scratch *x)
{
    if (m->kind == BERT__MODEL_BPE)
        return bert__bpe_reserve(&m->u.bpe, x);
    return m->kind != BERT__MODEL_UNIGRAM || bert__unigram_reserve(&m->u.unigram, x);
}

size_t bert__token_model_least(const struct bert__token_model *m)
{
    if (m->kind == BERT__MODEL_BPE)
        return bert__bpe_least();
    return m->kind == BERT__MODEL_UNIGRAM ? bert__unigram_least() : 0;
}

bool bert__token_model_prefixed(const struct bert__token_model *m)
{
    if (m->kind == BERT__MODEL_BPE)
        return m->u.bpe.options.prefix.size > 0;
    return m->kind == BERT__MODEL_WORDPIECE && m->u.wordpiece.prefix.size > 0;
}

const char *bert__token_model_name(const struct bert__token_model *m)
{
    static const char *const names[] = {
        [BERT__MODEL_NONE] = "none",           [BERT__MODEL_BPE] = "BPE",
        [BERT__MODEL_UNIGRAM] = "Unigram",     [BERT__MODEL_WORDPIECE] = "WordPiece",
        [BERT__MODEL_WORDLEVEL] = "WordLevel",
    };

    return names[m->kind];
}

void bert__token_model_free(struct bert__token_model *m)
{
    if (m->kind == BERT__MODEL_BPE)
        bert__bpe_free(&m->u.bpe);
    if (m->kind == BERT__MODEL_UNIGRAM)
        bert__unigram_free(&m->u.unigram);
    if (m->kind == BERT__MODEL_WORDPIECE)
        bert__wordpiece_free(&m->u.wordpiece);
    m->kind = BERT__MODEL_NONE;
}
