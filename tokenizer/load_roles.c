/* SPDX-License-Identifier: MIT */
/* load_roles.c - the special tokens that settings name: added, and found again. */
#include "lib/base/error.h"
#include "tokenizer/load_settings.h"

/* ---- Adding them --------------------------------------------------------------- */

/* Is it one of the first n tokens? */
static bool is_listed(const struct bert__load *l, bert_text content, uint32_t n)
{
    const struct bert__added_token *t = bert__added_by_content(&l->tok->added, content);

    return t != NULL && (uint32_t)(t - l->tok->added.tokens) < n;
}

bert_status bert__settings_add(struct bert__load *l, const struct bert__settings *s)
{
    struct bert__work work;
    size_t bytes = 0;
    uint32_t n_listed = 0;
    bert_status status = BERT_OK;

    for (uint32_t i = 0; i < s->n_tokens; i++) {
        if (!bert__size_add(bytes, s->tokens[i].content.size, &bytes))
            return bert__load_nomem(l);
    }
    if (!bert__added_init(&l->tok->added, l->tok->alloc, s->n_tokens, bytes, &l->tok->vocab))
        return bert__load_nomem(l);
    bert__work_init(&work, l->tok->alloc);
    for (uint32_t i = 0; i < s->n_tokens && status == BERT_OK; i++) {
        struct bert__added_token token = s->tokens[i];

        if (i == s->n_listed)
            n_listed = l->tok->added.n;
        if (i < s->n_listed || token.id & BERT__TOKEN_AGAIN
            || !is_listed(l, token.content,
                          token.id & BERT__TOKEN_ONCE ? l->tok->added.n : n_listed))
            status = bert__load_add_token(l, &token, &work.piece);
    }
    bert__work_free(&work);
    return status == BERT_OK ? bert__added_prepare(&l->tok->added, &l->tok->arena, l->err) : status;
}

/* ---- Their roles --------------------------------------------------------------- */

static const char *const names[BERT__NAMED_COUNT] = {
    "bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"};

bert_status bert__settings_special(const struct bert__load *l, const struct bert__settings *s,
                                   enum bert__named named, int32_t fallback,
                                   struct bert__special *out)
{
    bert_text none = {"None", 4}, content = s->named[named].content;

    out->id = content.data != NULL ? bert__tokenizer_id(l->tok, content) : fallback;
    if (bert__tokenizer_text(l->tok, out->id).data == NULL)
        return bert__fail(l->err, BERT_EFORMAT, "%s: the settings beside it leave no %s", l->path,
                          names[named]);
    return bert__load_copy(l, content.data != NULL ? content : none, &out->text)
               ? BERT_OK
               : bert__load_nomem(l);
}

bert_status bert__settings_padding(struct bert__load *l, const struct bert__settings *s)
{
    const struct bert__added_token *pad = &s->named[BERT__NAMED_PAD];

    if (pad->content.data == NULL || pad->content.size == 0)
        return BERT_OK;
    l->tok->padding.present = true;
    return bert__settings_special(l, s, BERT__NAMED_PAD, 0, &l->tok->padding.token);
}

/* ---- Their ids ----------------------------------------------------------------- */

static void name(const struct bert__load *l, int named, bert_text content)
{
    l->tok->named[named] = content.data != NULL ? bert__tokenizer_id(l->tok, content) : -1;
}

void bert__named_set(const struct bert__load *l, const struct bert__settings *s)
{
    for (int i = 0; i < BERT__NAMED_COUNT; i++)
        name(l, i, s->named[i].content);
}

void bert__named_guess(const struct bert__load *l)
{
    static const char *const usual[BERT__NAMED_COUNT][2] = {
        [BERT__NAMED_BOS] = {"<s>", "[BOS]"},      [BERT__NAMED_EOS] = {"</s>", "[EOS]"},
        [BERT__NAMED_UNK] = {"[UNK]", "<unk>"},    [BERT__NAMED_SEP] = {"[SEP]", "</s>"},
        [BERT__NAMED_PAD] = {"[PAD]", "<pad>"},    [BERT__NAMED_CLS] = {"[CLS]", "<s>"},
        [BERT__NAMED_MASK] = {"[MASK]", "<mask>"},
    };

    for (int i = 0; i < BERT__NAMED_COUNT; i++) {
        l->tok->named[i] = -1;
        for (int k = 0; k < 2 && l->tok->named[i] < 0; k++)
            name(l, i, (bert_text){usual[i][k], strlen(usual[i][k])});
    }
}

/* What a file says of the names; null takes one away. */
static void take_names(const struct bert__load *l, const struct bert__json *file)
{
    for (int i = 0; i < BERT__NAMED_COUNT; i++) {
        const struct bert__json *value = bert__json_get(file, names[i]);

        if (bert__json_is(value, BERT__JSON_OBJECT))
            value = bert__json_find(value, "content");
        if (bert__json_is(value, BERT__JSON_STRING))
            name(l, i, value->u.string);
        else if (value != NULL)
            l->tok->named[i] = -1;
    }
}

bert_status bert__named_load(const struct bert__load *l, const struct bert__json *config)
{
    const struct bert__family *family;
    struct bert__json_file map = {.root = NULL};
    bool known;
    bert_status status = bert__family_of_names(l, config, &family, &known);

    if (status == BERT_OK && bert__json_find(config, "added_tokens_decoder") == NULL)
        status = bert__json_file(&map, l->files, l->source, l->directory, "special_tokens_map.json",
                                 1, BERT__CONFIG_BYTES, BERT__JSON_OBJECT, l->err);
    if (status != BERT_OK)
        return status;
    bert__named_types(l, family);
    /* a class without settings of its own: since 5 it gives none unless the file says so */
    if (family == NULL && bert__json_find(config, "tokenizer_class") != NULL)
        l->tok->no_types[0] = true;
    bert__named_inputs(l, config);
    if (!known)
        bert__named_guess(l);
    for (int i = 0; known && i < BERT__NAMED_COUNT; i++) {
        const char *own = family != NULL ? family->named[i] : NULL;

        name(l, i, (bert_text){own, own != NULL ? strlen(own) : 0});
    }
    take_names(l, config);
    take_names(l, map.root);
    return BERT_OK;
}

/* ---- What the model is given ------------------------------------------------------- */

void bert__named_types(const struct bert__load *l, const struct bert__family *family)
{
    bool *no = l->tok->no_types;

    no[0] = no[1] = false;
    if (family == NULL)
        return;
    switch (family->id) {
    case BERT__FAMILY_DPR:
    case BERT__FAMILY_MPNET:
    case BERT__FAMILY_ESM:
    case BERT__FAMILY_ROBERTA:
    case BERT__FAMILY_LUKE:
    case BERT__FAMILY_GPT2:
    case BERT__FAMILY_XLMR:
    case BERT__FAMILY_CAMEMBERT:
    case BERT__FAMILY_BIG_BIRD:
    case BERT__FAMILY_BERT_GENERATION:
        no[0] = no[1] = true;
        break;
    case BERT__FAMILY_FUNNEL:
    case BERT__FAMILY_SPLINTER:
    case BERT__FAMILY_HERBERT:
    case BERT__FAMILY_ALBERT:
    case BERT__FAMILY_REMBERT:
    case BERT__FAMILY_XLNET:
        no[0] = true;
        break;
    case BERT__FAMILY_BERT:
    case BERT__FAMILY_DEBERTA:
    case BERT__FAMILY_DEBERTA_V2:
    case BERT__FAMILY_SPM:
    case BERT__FAMILY_COUNT:
        break;
    }
}

void bert__named_inputs(const struct bert__load *l, const struct bert__json *config)
{
    const struct bert__json *inputs = bert__json_find(config, "model_input_names");
    bool found = false;

    if (!bert__json_is(inputs, BERT__JSON_ARRAY))
        return;
    for (size_t i = 0; i < inputs->u.array.count; i++)
        found = found || bert__json_equals(&inputs->u.array.items[i], "token_type_ids");
    l->tok->no_types[0] = l->tok->no_types[1] = !found;
}

int32_t bert__tokenizer_named(const bert_tokenizer *tokenizer, enum bert__named named)
{
    return tokenizer->named[named];
}

bool bert__tokenizer_gives_types(const bert_tokenizer *tokenizer, bool version4)
{
    return !tokenizer->no_types[version4];
}
