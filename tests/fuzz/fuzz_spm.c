/* SPDX-License-Identifier: MIT */
/*
 * fuzz_spm.c - the first byte says which class reads the others as its SentencePiece model.
 * What loads must work.
 */
#include "tests/fuzz/tok_use.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct {
        const char *type, *file;
    } classes[] = {
        {"{\"model_type\":\"xlm-roberta\"}", "sentencepiece.bpe.model"},
        {"{\"model_type\":\"camembert\"}", "sentencepiece.bpe.model"},
        {"{\"model_type\":\"albert\"}", "spiece.model"},
        {"{\"model_type\":\"deberta-v2\"}", "spm.model"},
        {"{}", "tokenizer.model"},
    };
    unsigned k;
    bert_file files[2];

    if (size == 0)
        return 0;
    k = data[0] % (sizeof classes / sizeof *classes);
    files[0] = (bert_file){classes[k].file, data + 1, size - 1};
    files[1] = (bert_file){"config.json", classes[k].type, strlen(classes[k].type)};
    tok_use_files(files, 2, classes[k].file);
    return 0;
}
