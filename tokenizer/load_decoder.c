/* SPDX-License-Identifier: MIT */
/* load_decoder.c - "decoder" of tokenizer.json. */
#include "tokenizer/load.h"

bert_status bert__load_decoder(struct bert__load *l, const struct bert__json *root)
{
    struct bert__decoder *d = &l->tok->decoder;
    const struct bert__json *value;
    bert_text type, prefix;
    bert_status status = bert__load_component(l, root, "decoder", &value, &type);

    if (status != BERT_OK || value == NULL)
        return status;
    if (!bert__load_is(type, "WordPiece"))
        return bert__load_unsupported(l, "decoder", type);
    d->kind = BERT__DECODER_WORDPIECE;
    status = bert__load_text(l, value, "the decoder", "prefix", &prefix);
    if (status == BERT_OK)
        status = bert__load_bool(l, value, "the decoder", "cleanup", &d->cleanup);
    if (status == BERT_OK && !bert__load_copy(l, prefix, &d->prefix))
        status = bert__load_nomem(l);
    return status;
}
