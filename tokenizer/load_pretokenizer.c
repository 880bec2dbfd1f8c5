/* SPDX-License-Identifier: MIT */
/* load_pretokenizer.c - "pre_tokenizer" of tokenizer.json. */
#include "tokenizer/load.h"

bert_status bert__load_pretokenizer(struct bert__load *l, const struct bert__json *root)
{
    const struct bert__json *value;
    bert_text type;
    bert_status status = bert__load_component(l, root, "pre_tokenizer", &value, &type);

    if (status != BERT_OK || value == NULL)
        return status;
    if (!bert__load_is(type, "BertPreTokenizer"))
        return bert__load_unsupported(l, "pre-tokenizer", type);
    l->tok->pretokenizer.kind = BERT__PRETOKENIZER_BERT;
    return BERT_OK;
}
