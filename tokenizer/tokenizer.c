/* SPDX-License-Identifier: MIT */
/* tokenizer.c - a tokenizer's life, and what it says of itself. */
#include "lib/base/error.h"
#include "tokenizer/scratch.h"

bert_tokenizer *bert__tokenizer_ref(bert_tokenizer *tok)
{
    if (tok != NULL)
        atomic_fetch_add_explicit(&tok->references, 1, memory_order_relaxed);
    return tok;
}

void bert__tokenizer_unref(bert_tokenizer *tok)
{
    struct bert__alloc *alloc;

    if (tok == NULL || atomic_fetch_sub_explicit(&tok->references, 1, memory_order_acq_rel) != 1)
        return;
    alloc = tok->alloc;
    for (int i = 0; i < BERT__SPARES; i++)
        bert__token_scratch_destroy(atomic_load_explicit(&tok->spares[i], memory_order_relaxed));
    bert__token_model_free(&tok->model);
    bert__added_free(&tok->added);
    bert__vocab_free(&tok->vocab);
    bert__arena_free(&tok->arena);
    bert__alloc_free(alloc, tok);
    bert__alloc_destroy(alloc);
}

bert_text bert__tokenizer_text(const bert_tokenizer *tok, int32_t id)
{
    const struct bert__added_token *added = bert__added_by_id(&tok->added, id);
    const struct bert__vocab_entry *e;

    if (added != NULL)
        return added->pattern;
    e = bert__vocab_at(&tok->vocab, id);
    return e != NULL ? (bert_text){e->data, e->size} : (bert_text){NULL, 0};
}

bert_text bert__tokenizer_spelling(const bert_tokenizer *tok, int32_t id)
{
    const struct bert__vocab_entry *e = bert__vocab_at(&tok->vocab, id);

    return e != NULL ? (bert_text){e->data, e->size} : bert__tokenizer_text(tok, id);
}

const char *bert__tokenizer_note(const bert_tokenizer *tok, uint32_t i)
{
    return i < tok->n_notes ? tok->notes[i] : NULL;
}

int32_t bert__tokenizer_id(const bert_tokenizer *tok, bert_text token)
{
    const struct bert__added_token *added;
    const struct bert__vocab_entry *e;

    if (token.size > UINT32_MAX)
        return -1;
    added = bert__added_by_content(&tok->added, token);
    if (added != NULL)
        return added->id;
    e = bert__vocab_find(&tok->vocab, token.data, token.size);
    return e != NULL ? e->id : -1;
}

uint64_t bert__tokenizer_bytes(const bert_tokenizer *tok)
{
    return bert__alloc_used(tok->alloc);
}

bool bert__tokenizer_prefixed(const bert_tokenizer *tokenizer)
{
    return bert__token_model_prefixed(&tokenizer->model);
}

const char *bert__tokenizer_algorithm(const bert_tokenizer *tok)
{
    return bert__token_model_name(&tok->model);
}
