/* SPDX-License-Identifier: MIT */
/* add_special.c - one more special token, of a tokenizer that nobody uses yet. */
#include "lib/base/error.h"
#include "tokenizer/pipeline.h"
#include "tokenizer/tokenizer.h"

static size_t text_bytes(const struct bert__added *added)
{
    size_t n = 0;

    for (uint32_t i = 0; i < added->n; i++)
        n += added->tokens[i].content.size;
    return n;
}

/* All of them anew, in their order, and one more: the first had no room for it. */
static bool rebuild(const bert_tokenizer *tok, struct bert__added *out, bert_text content)
{
    const struct bert__added *old = &tok->added;
    struct bert__added_token more = {.special = true};

    if (!bert__added_init(out, tok->alloc, old->n + 1, text_bytes(old) + content.size, &tok->vocab))
        return false;
    for (uint32_t i = 0; i < old->n; i++) {
        struct bert__added_token token = old->tokens[i];

        bert__added_add(out, &token, &tok->vocab);
    }
    more.content = content;
    more.pattern = content;
    bert__added_add(out, &more, &tok->vocab);
    return true;
}

bert_status bert__tokenizer_add_special(bert_tokenizer *tok, bert_text content, bert_error *err)
{
    struct bert__added added = {.alloc = NULL};
    bert_text kept = {bert__arena_string(&tok->arena, content.data, content.size), content.size};

    if (kept.data == NULL || !rebuild(tok, &added, kept)
        || bert__added_prepare(&added, &tok->arena, err) != BERT_OK) {
        bert__added_free(&added);
        return bert__alloc_fail(tok->alloc, "tokenizer", err);
    }
    bert__added_free(&tok->added);
    tok->added = added;
    return bert__tokenizer_part(tok, err);
}
