/* SPDX-License-Identifier: MIT */
/* task_texts.c - texts to sequences of ids, behind one another into the batch. */
#include "lib/api/task_texts.h"

#include "lib/base/error.h"

/* ---- Checks ------------------------------------------------------------------------ */

bert_status bert__task_texts_check(const struct bert__task_texts *t, bert_error *err)
{
    if (t->n > 0 && t->texts == NULL)
        return bert__fail(err, BERT_EINVAL, "texts is NULL");
    return t->overlong < BERT_OVERLONG_WINDOWS
               ? BERT_OK
               : bert__fail(err, BERT_EINVAL, "overlong is %lu; it must be below %d",
                            (unsigned long)t->overlong, BERT_OVERLONG_WINDOWS);
}

bert_status bert__task_length(const bert_model *model, uint32_t asked, bool pair, uint32_t *out,
                              bert_error *err)
{
    uint32_t special =
        model->tokenizer != NULL ? bert_tokenizer_special_count(model->tokenizer, pair) : 0;

    *out = asked > 0 && asked < model->max_length ? asked : model->max_length;
    if (*out >= special)
        return BERT_OK; /* without any more room a text is its special tokens */
    return bert__fail(err, BERT_EINVAL, "max_length is %lu; the special tokens alone are %lu",
                      (unsigned long)*out, (unsigned long)special);
}

static bert_status check_text(const bert_text *text, bert_error *err)
{
    if (text->data != NULL || text->size == 0)
        return BERT_OK;
    return bert__fail(err, BERT_EINVAL, "its data is NULL and its size is %zu", text->size);
}

/* ---- One text ----------------------------------------------------------------------- */

struct text {
    const bert_text *text, *pair; /* pair NULL: none */
    uint32_t n;                   /* ids, which lie behind the batch */
    uint64_t truncated;
    uint32_t prompt_tokens;
};

static uint32_t side_of(const struct bert__task_texts *t)
{
    return t->overlong == BERT_OVERLONG_CUT_LEFT ? BERT_TRUNCATE_LEFT : BERT_TRUNCATE_RIGHT;
}

/* Behind the batch. */
static bert_status tokenize_text(struct bert__task_run *run, const struct bert__task_texts *t,
                                 struct text *text, bert_error *err)
{
    struct bert__token_scratch *scratch = run->session->texts.tokens;
    int32_t *ids = bert__packer_ids(&run->packer), *types = bert__packer_type_ids(&run->packer);

    if (text->pair != NULL)
        return bert__tokenize_pair_ids(run->tokenizer, scratch, *text->text, *text->pair,
                                       t->max_length, side_of(t), ids, types, &text->n,
                                       &text->truncated, err);
    return bert__tokenize_ids(run->tokenizer, scratch,
                              t->prompt != NULL ? *t->prompt : (bert_text){NULL, 0}, *text->text,
                              t->max_length, side_of(t), ids, types, &text->n, &text->truncated,
                              t->count_prompt ? &text->prompt_tokens : NULL, err);
}

/* Its length then. */
static uint32_t widen(struct bert__task_run *run, const struct bert__task_texts *t, uint32_t n)
{
    int32_t *ids = bert__packer_ids(&run->packer), *types = bert__packer_type_ids(&run->packer);

    for (; n < t->widen_to; n++) {
        ids[n] = t->widen_id;
        types[n] = 0;
    }
    return n;
}

static bert_status tokenize(struct bert__task_run *run, const struct bert__task_texts *t,
                            struct text *text, bert_error *err)
{
    bert_status st = check_text(text->text, err);

    if (st == BERT_OK && text->pair != NULL)
        st = check_text(text->pair, err);
    if (st == BERT_OK)
        st = tokenize_text(run, t, text, err);
    if (st != BERT_OK)
        return st;
    if (text->truncated > 0 && t->overlong == BERT_OVERLONG_ERROR)
        return bert__fail(err, BERT_ERANGE, "the text has %llu tokens, %llu over the limit of %lu",
                          (unsigned long long)(text->n + text->truncated),
                          (unsigned long long)text->truncated, (unsigned long)t->max_length);
    if (text->n == 0)
        return bert__fail(err, BERT_EINVAL, "the text has no tokens");
    return bert__packer_check(&run->packer, widen(run, t, text->n), err);
}

/* ---- All --------------------------------------------------------------------------------- */

static struct text text_at(const struct bert__task_texts *t, size_t i)
{
    if (t->first != NULL)
        return (struct text){.text = t->first, .pair = &t->texts[i]};
    if (t->pairs == NULL || (t->drop_empty_pairs && t->pairs[i].size == 0))
        return (struct text){.text = &t->texts[i]};
    return (struct text){.text = &t->texts[i], .pair = &t->pairs[i]};
}

static bert_status add(struct bert__task_run *run, const struct bert__task_texts *t, size_t i,
                       struct bert__records *records, bert_error *err)
{
    struct text text = text_at(t, i);
    bert_error why = {BERT_OK, ""};
    bert_status st = tokenize(run, t, &text, &why);

    if (st == BERT_OK && t->look != NULL)
        st = t->look(run->context, i, bert__packer_ids(&run->packer), text.n, &why);
    if (bert__status_is_of_call(st))
        return bert__fail(err, st, "%s", why.message);
    if (st != BERT_OK)
        return bert__status_is_of_text(st) ? bert__records_fail(records, i, &why, err)
                                           : bert__fail(err, st, "text %zu: %s", i, why.message);
    records->list[i].tokens = text.n;
    records->list[i].truncated = text.truncated;
    run->packer.attended = text.n;
    return bert__packer_take(&run->packer, i, text.n > t->widen_to ? text.n : t->widen_to,
                             text.prompt_tokens, err);
}

bert_status bert__task_texts_run(struct bert__task_run *run, const struct bert__task_texts *t,
                                 struct bert__records *records, bert_error *err)
{
    bert_status st = BERT_OK;

    for (size_t i = 0; i < t->n && st == BERT_OK; i++)
        st = add(run, t, i, records, err);
    return st == BERT_OK ? bert__task_run_flush(run, err) : st;
}
