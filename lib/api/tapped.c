/* SPDX-License-Identifier: MIT */
/* tapped.c - one text's tokens through the model. */
#include "lib/api/tapped.h"

#include <string.h>

#include "lib/api/packer.h"

bert_status bert__tapped_run(bert_session *s, const bert_tokenizer *tokenizer,
                             const bert_encoding *encoding, const struct bert__tap *tap,
                             bert_error *err)
{
    struct bert__text_scratch *t = &s->texts; /* it has room for the model's limit */
    struct bert__packer packer = {.session = s,
                                  .no_types = !bert__tokenizer_gives_types(tokenizer, false)};
    uint32_t n = (uint32_t)bert_encoding_size(encoding);
    struct bert__batch batch = {t->ids, t->type_ids, t->offsets, 1, n, NULL};
    const float *hidden;
    bert_status st;

    memcpy(t->ids, bert_encoding_ids(encoding), n * sizeof *t->ids);
    memcpy(t->type_ids, bert_encoding_type_ids(encoding), n * sizeof *t->type_ids);
    t->offsets[0] = 0;
    t->offsets[1] = n;
    st = bert__packer_check(&packer, n, err);
    if (st == BERT_OK)
        st = bert__exec_run(s->exec, &batch, &s->watch, tap, &hidden, err);
    if (st == BERT_OK)
        bert__exec_finish(s->exec);
    return st;
}
