/* SPDX-License-Identifier: MIT */
/* decode.c - ids back to text. */
#include "tokenizer/decode.h"

#include "lib/base/error.h"
#include "tokenizer/pipeline.h"

/* Specials are known by their text, as the reference knows them. */
static bool is_special(const bert_tokenizer *tok, bert_text token)
{
    const struct bert__added_token *added = bert__added_by_content(&tok->added, token);

    return added != NULL && added->special;
}

/* The tokens of the ids; without a decoder with spaces between them. */
static bool collect(const bert_tokenizer *tok, const int32_t *ids, size_t n_ids, bool keep_special,
                    struct bert__pieces *out)
{
    for (size_t i = 0; i < n_ids; i++) {
        bert_text token = bert__tokenizer_text(tok, ids[i]);

        if (token.data == NULL || (!keep_special && is_special(tok, token)))
            continue;
        if (!tok->decoder.present && out->n > 0 && !bert__pieces_write(out, " ", 1))
            return false;
        if (!bert__pieces_write(out, token.data, token.size) || !bert__pieces_end(out))
            return false;
    }
    return true;
}

/* All steps, from one list to the other and back; the result is in *last. */
static bool run(const struct bert__decoder *d, struct bert__pieces lists[2], int *last)
{
    for (uint32_t i = 0; i < d->n; i++) {
        *last = 1 - *last;
        if (!bert__decode_run(&d->steps[i], &lists[1 - *last], &lists[*last]))
            return false;
    }
    return true;
}

bert_status bert__decode(const bert_tokenizer *tok, const int32_t *ids, size_t n_ids,
                         bool keep_special, char *out, size_t capacity, size_t *out_size,
                         bert_error *err)
{
    struct bert__pieces lists[2] = {{.alloc = tok->alloc}, {.alloc = tok->alloc}};
    bert_status status = BERT_OK;
    int last = 0;

    if (!collect(tok, ids, n_ids, keep_special, &lists[0]) || !run(&tok->decoder, lists, &last))
        status = bert__alloc_fail(tok->alloc, "decoding ids", err);
    *out_size = status == BERT_OK ? lists[last].size : 0;
    if (status == BERT_OK && *out_size > capacity)
        status = bert__fail(err, BERT_ERANGE, "the text takes %zu bytes; the buffer has %zu",
                            *out_size, capacity);
    if (status == BERT_OK && *out_size > 0)
        memcpy(out, lists[last].bytes, *out_size);
    for (int i = 0; i < 2; i++) {
        bert__alloc_free(tok->alloc, lists[i].bytes);
        bert__alloc_free(tok->alloc, lists[i].ends);
    }
    return status;
}

size_t bert__tokenizer_clean(const bert_tokenizer *tok, char *text, size_t size)
{
    bool cleans = tok->cleans_up && tok->model.kind != BERT__MODEL_BPE;

    return cleans ? bert__clean_up_spaces(text, size, true) : size;
}
