/* SPDX-License-Identifier: MIT */
/*
 * fuzz_vocab.c - after a 'V' the bytes are a vocab.json, after an 'M' the merges.txt beside one,
 * else the model of a tokenizer.json.  What loads must work.
 */
#include <stdlib.h>

#include "tests/fuzz/tok_use.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use_merges(const uint8_t *data, size_t size, int vocab)
{
    static const char own[] = "{\"<s>\":0,\"</s>\":1,\"<unk>\":2,\"a\":3,\"b\":4,\"ab\":5,"
                              "\"aab\":6,\"\xC4\xA0\":7,\"\xC4\xA0"
                              "a\":8,\"<pad>\":9,\"<mask>\":10}";
    static const char merges[] = "#version: 0.2\na b\na ab\n\xC4\xA0 a\n";
    bert_file files[2] = {{"vocab.json", own, sizeof own - 1},
                          {"merges.txt", merges, sizeof merges - 1}};

    files[vocab ? 0 : 1].data = data;
    files[vocab ? 0 : 1].size = size;
    tok_use_files(files, 2, "vocab.json");
}

/* Around a model: ByteLevel where its last byte is odd. */
static void use_model(const uint8_t *data, size_t size)
{
    static const char bytes[] = "{\"pre_tokenizer\":{\"type\":\"ByteLevel\",\"add_prefix_space\":"
                                "true,\"trim_offsets\":true,\"use_regex\":true},\"model\":";
    static const char plain[] = "{\"pre_tokenizer\":{\"type\":\"WhitespaceSplit\"},\"model\":";
    const char *head = size > 0 && (data[size - 1] & 1) ? bytes : plain;
    size_t n = strlen(head);
    char *text = malloc(n + size + 1);
    bert_file files[1] = {{"tokenizer.json", text, n + size + 1}};

    if (text == NULL)
        return;
    memcpy(text, head, n);
    if (size > 0)
        memcpy(text + n, data, size);
    text[n + size] = '}';
    tok_use_files(files, 1, "tokenizer.json");
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 0 && (data[0] == 'V' || data[0] == 'M'))
        use_merges(data + 1, size - 1, data[0] == 'V');
    else
        use_model(data, size);
    return 0;
}
