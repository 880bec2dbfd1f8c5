/* SPDX-License-Identifier: MIT */
/* tok_use.h - what the fuzz targets of vocabularies share: load files from memory, and use what
 * loads.  Traps where something is wrong. */
#ifndef BERT_TESTS_FUZZ_TOK_USE_H
#define BERT_TESTS_FUZZ_TOK_USE_H

#include <stdint.h>
#include <string.h>

#include "tokenizer/encoding.h"
#include "tokenizer/tokenizer.h"

static void tok_use_text(const bert_tokenizer *tok, bert_text text)
{
    bert_encoding *e = NULL;
    bert_error err = {BERT_OK, ""};
    size_t count = 0, need = 0;
    bert_status status = bert_tokenize(tok, text, NULL, NULL, &e, &err);

    if (status != BERT_OK) {
        if (e != NULL || err.code != status || err.message[0] == '\0')
            __builtin_trap();
        return;
    }
    if (bert_count_tokens(tok, text, NULL, NULL, &count, &err) != BERT_OK
        || count != bert_encoding_size(e))
        __builtin_trap();
    for (size_t i = 0; i < count; i++) {
        bert_span span = bert_encoding_offsets(e)[i];

        if (span.start > span.end || span.end > text.size || bert_encoding_token(e, i).data == NULL)
            __builtin_trap();
    }
    status = bert_decode(tok, bert_encoding_ids(e), count, 1, NULL, 0, &need, NULL);
    if (status != BERT_OK && status != BERT_ERANGE)
        __builtin_trap();
    bert_encoding_free(e);
}

/* A word of a few thousand letters, so that long words are met too. */
static void tok_use_long(const bert_tokenizer *tok)
{
    static char word[5000];

    for (size_t i = 0; i < sizeof word; i++)
        word[i] = "aab"[i % 7 % 3];
    tok_use_text(tok, (bert_text){word, sizeof word});
}

/* `name` is in every message about the files. */
static void tok_use_files(const bert_file *files, size_t n, const char *name)
{
    static const char *const texts[] = {
        "", "a", "hello ab abc",
        "Hello, w\xC3\xB6rld! [MASK] \xE4\xB8\xAD\xE6\x96\x87 e\xCC\x81 \xFF",
        "<unk><unk>x <s> a\xE2\x96\x81 \xF0\x9F\x98\x80"};
    bert_tokenizer *tok = NULL;
    bert_error err = {BERT_OK, ""};
    bert_status status = bert_tokenizer_load_memory(&tok, files, n, NULL, &err);

    if (status != BERT_OK) {
        if (tok != NULL || err.code != status || strstr(err.message, name) == NULL)
            __builtin_trap();
        return;
    }
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        tok_use_text(tok, (bert_text){texts[i], strlen(texts[i])});
    tok_use_long(tok);
    bert_tokenizer_unref(tok);
}

#endif
