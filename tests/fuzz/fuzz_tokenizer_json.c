/* SPDX-License-Identifier: MIT */
/*
 * fuzz_tokenizer_json.c - any bytes as tokenizer.json, if the first is '{'; after a 'C', 'S'
 * or 'A' as tokenizer_config.json, special_tokens_map.json or added_tokens.json beside a
 * vocab.txt; else as vocab.txt.  What loads must work: encode, count alike, decode, and
 * leave no memory.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tokenizer/encoding.h"
#include "tokenizer/tokenizer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use_text(const bert_tokenizer *tok, bert_text text, const bert_text *pair,
                     const bert_tokenize_options *o)
{
    bert_encoding *e = NULL;
    bert_error err = {BERT_OK, ""};
    size_t count = 0, need = 0;
    bert_status status = bert_tokenize(tok, text, pair, o, &e, &err);

    if (status != BERT_OK) {
        if (e != NULL || err.code != status || err.message[0] == '\0')
            __builtin_trap();
        return;
    }
    if (bert_count_tokens(tok, text, pair, o, &count, &err) != BERT_OK || count != e->n)
        __builtin_trap();
    for (size_t i = 0; i < e->n; i++) {
        if (e->offsets[i].start > e->offsets[i].end || e->sequence_ids[i] < -1)
            __builtin_trap();
        if (bert__encoding_token(e, i).data == NULL && e->special_mask[i] == 0)
            __builtin_trap();
    }
    status = bert__decode(tok, e->ids, e->n, true, NULL, 0, &need, NULL);
    if (status != (need == 0 ? BERT_OK : BERT_ERANGE))
        __builtin_trap();
    bert__encoding_free(e);
}

static void use(const bert_tokenizer *tok)
{
    static const char *const texts[] = {
        "", "a", "Hello, w\xC3\xB6rld! [MASK] \xE4\xB8\xAD\xE6\x96\x87 e\xCC\x81\xCC\x96 \xFF 12",
        "unaffable unaffable foo  foo\tFOO", "\xF0\x9D\x85\xA5\xF0\x9E\x80\x80 ##ing [CLS][SEP]"};
    bert_tokenize_options o = BERT_TOKENIZE_OPTIONS_INIT;

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        bert_text text = {texts[i], strlen(texts[i])}, pair = {texts[2], strlen(texts[2])};

        o.max_length = 0;
        use_text(tok, text, NULL, &o);
        o.max_length = (uint32_t)i + 4;
        o.overflow = 1;
        o.stride = (uint32_t)i & 1;
        o.side = (uint32_t)i & 1;
        o.pad_length = tok->padding.present ? 9 : 0;
        use_text(tok, text, &pair, &o);
    }
}

/* The files that the bytes stand for; returns how many.  The first is the fuzzed one. */
static size_t name_files(const uint8_t *data, size_t size, bert_file files[2])
{
    static const char vocab[] = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nhello\na\n##b\nfoo\n";
    const char *name = "vocab.txt";
    char first = size > 0 ? (char)data[0] : '\0';

    if (first == '{')
        name = "tokenizer.json";
    else if (first == 'C')
        name = "tokenizer_config.json";
    else if (first == 'S')
        name = "special_tokens_map.json";
    else if (first == 'A')
        name = "added_tokens.json";
    files[0] = (bert_file){name, data, size};
    files[1] = (bert_file){"vocab.txt", vocab, sizeof vocab - 1};
    if (strchr("CSA", first) == NULL || first == '\0')
        return 1;
    files[0].data = data + 1;
    files[0].size = size - 1;
    return 2;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bert__alloc *alloc = bert__alloc_create(NULL, 0);
    struct bert__source *source = NULL;
    bert_tokenizer *tok = NULL;
    bert_error err = {BERT_OK, ""};
    bert_file files[2];
    bert_status status;

    if (alloc == NULL)
        return 0;
    if (bert__source_open_memory(&source, alloc, files, name_files(data, size, files), 0, &err)
        != BERT_OK)
        __builtin_trap();
    status = bert__tokenizer_load(&tok, NULL, source, "", (int)(size & 1), &err);
    if (status == BERT_OK && tok != NULL)
        use(tok);
    else if (status == BERT_OK || tok != NULL || err.code != status
             || (strstr(err.message, files[0].name) == NULL
                 && strstr(err.message, "vocab.txt") == NULL))
        __builtin_trap();
    bert__tokenizer_unref(tok);
    bert__source_close(source);
    if (bert__alloc_used(alloc) != 0)
        __builtin_trap();
    bert__alloc_destroy(alloc);
    return 0;
}
