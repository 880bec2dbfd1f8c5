/* SPDX-License-Identifier: MIT */
/* load_json.c - tokenizer.json: its frame; each stage has a reader of its own. */
#include "lib/base/error.h"
#include "tokenizer/load.h"

bert_status bert__load_component(const struct bert__load *l, const struct bert__json *root,
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

bool bert__load_is(bert_text type, const char *name)
{
    return type.size == strlen(name) && memcmp(type.data, name, type.size) == 0;
}

bert_status bert__load_unsupported(const struct bert__load *l, const char *what, bert_text type)
{
    char name[84];

    return bert__fail(l->err, BERT_EUNSUPPORTED, "%s: the %s \"%s\" is not supported", l->path,
                      what, bert__printable(name, type.data, type.size));
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
    if (status == BERT_OK && !bert__load_is(direction, "Right")
        && !bert__load_is(direction, "Left"))
        return bert__fail(l->err, BERT_EFORMAT,
                          "%s: \"direction\" of %s must be \"Right\" or \"Left\"", l->path, what);
    if (status == BERT_OK && !bert__load_copy(l, token, &p->token.text))
        status = bert__load_nomem(l);
    if (status != BERT_OK)
        return status;
    p->left = bert__load_is(direction, "Left");
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
        status = bert__load_normalizer(l, root);
    if (status == BERT_OK)
        status = bert__load_pretokenizer(l, root);
    if (status == BERT_OK)
        status = bert__load_decoder(l, root);
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
    return bert__load_added(l, bert__json_find(root, "added_tokens"));
}
