/* SPDX-License-Identifier: MIT */
/* load_normalizer.c - "normalizer" of tokenizer.json. */
#include "lib/base/error.h"
#include "tokenizer/load.h"

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
    if (bert__load_is(type, "Lowercase") && n->kind == BERT__NORMALIZER_NONE)
        n->lower_first = true;
    else if (bert__load_is(type, "BertNormalizer") && n->kind == BERT__NORMALIZER_NONE)
        return load_bert_normalizer(l, step);
    else
        return bert__load_unsupported(l, "normalizer, in its place in a Sequence,", type);
    return BERT_OK;
}

bert_status bert__load_normalizer(struct bert__load *l, const struct bert__json *root)
{
    const struct bert__json *value, *steps;
    bert_text type;
    bert_status status = bert__load_component(l, root, "normalizer", &value, &type);

    l->tok->normalizer.lower_first = l->lower_first;
    if (status != BERT_OK || value == NULL)
        return status;
    if (bert__load_is(type, "BertNormalizer"))
        return load_bert_normalizer(l, value);
    if (!bert__load_is(type, "Sequence"))
        return bert__load_unsupported(l, "normalizer", type);
    status = bert__load_kind(l, value, "the normalizer", "normalizers", BERT__JSON_ARRAY, &steps);
    for (size_t i = 0; status == BERT_OK && i < steps->u.array.count; i++)
        status = load_step(l, &steps->u.array.items[i]);
    return status;
}
