/* SPDX-License-Identifier: MIT */
/* load_json.c - tokenizer.json: its stages one by one. */
#include "lib/base/error.h"
#include "tokenizer/load.h"

/* The "type" of a component that is there; *out NULL if it is null or absent. */
static bert_status component(const struct bert__load *l, const struct bert__json *root,
                             const char *key, const struct bert__json **out, bert_text *type)
{
    const struct bert__json *value = bert__json_find(root, key);

    *out = value;
    if (value == NULL)
        return BERT_OK;
    if (value->type != BERT__JSON_OBJECT)
        return bert__fail(l->err, BERT_EFORMAT, "%s: \"%s\" is %s; expected an object", l->path,
                          key, bert__json_type_name(value));
    return bert__load_text(l, value, key, "type", type);
}

static bool is(bert_text type, const char *name)
{
    return type.size == strlen(name) && memcmp(type.data, name, type.size) == 0;
}

static bert_status unsupported(const struct bert__load *l, const char *what, bert_text type)
{
    char name[84];

    return bert__fail(l->err, BERT_EUNSUPPORTED, "%s: the %s \"%s\" is not supported", l->path,
                      what, bert__printable(name, type.data, type.size));
}

static bert_status load_bert_normalizer(struct bert__load *l, const struct bert__json *value)
{
    static const char what[] = "the normalizer";
    struct bert__normalizer *n = &l->tok->normalizer;
    const struct bert__json *strip;
    bert_status status;

    n->kind = BERT__NORMALIZER_BERT;
    status = bert__load_bool(l, value, what, "clean_text", &n->clean_text);
    if (status == BERT_OK)
        status = bert__load_bool(l, value, what, "handle_chinese_chars", &n->handle_chinese_chars);
    if (status == BERT_OK)
        status = bert__load_bool(l, value, what, "lowercase", &n->lowercase);
    strip = bert__json_find(value, "strip_accents");
    n->strip_accents = n->lowercase;
    if (status == BERT_OK && strip != NULL)
        status = bert__load_bool(l, value, what, "strip_accents", &n->strip_accents);
    return status;
}

/* One of the sequence that sentence-transformers saves for do_lower_case: Lowercase, then
 * the tokenizer's own. */
static bert_status load_step(struct bert__load *l, const struct bert__json *step)
{
    struct bert__normalizer *n = &l->tok->normalizer;
    bert_text type;
    bert_status status;

    if (step->type != BERT__JSON_OBJECT)
        return bert__fail(l->err, BERT_EFORMAT, "%s: a normalizer is %s; expected an object",
                          l->path, bert__json_type_name(step));
    status = bert__load_text(l, step, "a normalizer", "type", &type);
    if (status != BERT_OK)
        return status;
    if (is(type, "Lowercase") && n->kind == BERT__NORMALIZER_NONE)
        n->lower_first = true;
    else if (is(type, "BertNormalizer") && n->kind == BERT__NORMALIZER_NONE)
        return load_bert_normalizer(l, step);
    else
        return unsupported(l, "normalizer, in its place in a Sequence,", type);
    return BERT_OK;
}

static bert_status load_normalizer(struct bert__load *l, const struct bert__json *root)
{
    const struct bert__json *value, *steps;
    bert_text type;
    bert_status status = component(l, root, "normalizer", &value, &type);

    l->tok->normalizer.lower_first = l->lower_first;
    if (status != BERT_OK || value == NULL)
        return status;
    if (is(type, "BertNormalizer"))
        return load_bert_normalizer(l, value);
    if (!is(type, "Sequence"))
        return unsupported(l, "normalizer", type);
    status = bert__load_kind(l, value, "the normalizer", "normalizers", BERT__JSON_ARRAY, &steps);
    for (size_t i = 0; status == BERT_OK && i < steps->u.array.count; i++)
        status = load_step(l, &steps->u.array.items[i]);
    return status;
}

static bert_status load_pretokenizer(struct bert__load *l, const struct bert__json *root)
{
    const struct bert__json *value;
    bert_text type;
    bert_status status = component(l, root, "pre_tokenizer", &value, &type);

    if (status != BERT_OK || value == NULL)
        return status;
    if (!is(type, "BertPreTokenizer"))
        return unsupported(l, "pre-tokenizer", type);
    l->tok->pretokenizer.kind = BERT__PRETOKENIZER_BERT;
    return BERT_OK;
}

static bert_status load_decoder(struct bert__load *l, const struct bert__json *root)
{
    struct bert__decoder *d = &l->tok->decoder;
    const struct bert__json *value;
    bert_text type, prefix;
    bert_status status = component(l, root, "decoder", &value, &type);

    if (status != BERT_OK || value == NULL)
        return status;
    if (!is(type, "WordPiece"))
        return unsupported(l, "decoder", type);
    d->kind = BERT__DECODER_WORDPIECE;
    status = bert__load_text(l, value, "the decoder", "prefix", &prefix);
    if (status == BERT_OK)
        status = bert__load_bool(l, value, "the decoder", "cleanup", &d->cleanup);
    if (status == BERT_OK && !bert__load_copy(l, prefix, &d->prefix))
        status = bert__load_nomem(l);
    return status;
}

/* The file's wish to pad is not followed; what it pads with is kept. */
static bert_status load_padding(struct bert__load *l, const struct bert__json *root)
{
    static const char what[] = "\"padding\"";
    struct bert__padding *p = &l->tok->padding;
    const struct bert__json *value = bert__json_find(root, "padding");
    bert_text direction, token;
    bert_status status;

    if (value == NULL)
        return BERT_OK;
    if (value->type != BERT__JSON_OBJECT)
        return bert__fail(l->err, BERT_EFORMAT, "%s: %s is %s; expected an object", l->path, what,
                          bert__json_type_name(value));
    status = bert__load_text(l, value, what, "direction", &direction);
    if (status == BERT_OK)
        status = bert__load_id(l, value, what, "pad_id", &p->token.id);
    if (status == BERT_OK)
        status = bert__load_id(l, value, what, "pad_type_id", &p->type_id);
    if (status == BERT_OK)
        status = bert__load_text(l, value, what, "pad_token", &token);
    if (status == BERT_OK && !is(direction, "Right") && !is(direction, "Left"))
        return bert__fail(l->err, BERT_EFORMAT,
                          "%s: \"direction\" of %s must be \"Right\" or \"Left\"", l->path, what);
    if (status == BERT_OK && !bert__load_copy(l, token, &p->token.text))
        status = bert__load_nomem(l);
    if (status != BERT_OK)
        return status;
    p->left = is(direction, "Left");
    p->present = true;
    return BERT_OK;
}

static bert_status check_version(const struct bert__load *l, const struct bert__json *root)
{
    const struct bert__json *version = bert__json_get(root, "version");
    char text[84];

    if (version == NULL || bert__json_equals(version, "1.0"))
        return BERT_OK;
    if (version->type != BERT__JSON_STRING)
        return bert__fail(l->err, BERT_EFORMAT, "%s: \"version\" is %s; expected a string", l->path,
                          bert__json_type_name(version));
    return bert__fail(l->err, BERT_EUNSUPPORTED, "%s: version \"%s\" of the format; 1.0 is known",
                      l->path,
                      bert__printable(text, version->u.string.data, version->u.string.size));
}

bert_status bert__load_json(struct bert__load *l, const struct bert__json *root)
{
    const struct bert__json *model;
    bert_status status = check_version(l, root);

    if (status == BERT_OK)
        status = load_normalizer(l, root);
    if (status == BERT_OK)
        status = load_pretokenizer(l, root);
    if (status == BERT_OK)
        status = load_decoder(l, root);
    if (status == BERT_OK)
        status = load_padding(l, root);
    if (status == BERT_OK)
        status = bert__load_postprocessor(l, bert__json_get(root, "post_processor"));
    if (status == BERT_OK)
        status = bert__load_need(l, root, "the file", "model", &model);
    if (status == BERT_OK)
        status = bert__load_model(l, model);
    if (status != BERT_OK)
        return status;
    bert__normalizer_prepare(&l->tok->normalizer);
    return bert__load_added(l, bert__json_find(root, "added_tokens"));
}
