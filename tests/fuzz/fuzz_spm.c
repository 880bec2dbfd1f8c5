/* SPDX-License-Identifier: MIT */
/*
 * fuzz_spm.c - the first byte says which class reads the others as its SentencePiece model, or,
 * with its upper bit, as the tokenizer_config.json beside a small one.  What loads must work.
 */
#include "tests/fuzz/tok_use.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* <unk>, <s>, </s>, letters, <mask>; BPE where no class says other. */
static const char small[] =
    "\012\016\012\005\074\165\156\153\076\025\000\000\000\000\030\002\012\014"
    "\012\003\074\163\076\025\000\000\000\000\030\003\012\015\012\004\074\057"
    "\163\076\025\000\000\000\000\030\003\012\012\012\003\342\226\201\025\000"
    "\000\300\277\012\010\012\001\141\025\000\000\000\300\012\010\012\001\142"
    "\025\000\000\040\300\012\011\012\002\141\142\025\000\000\100\300\012\013"
    "\012\004\342\226\201\141\025\000\000\120\300\012\011\012\002\303\266\025"
    "\000\000\300\300\012\017\012\006\074\155\141\163\153\076\025\000\000\000"
    "\000\030\004\022\002\030\002\032\000";

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
        {"{\"model_type\":\"big_bird\"}", "spiece.model"},
        {"{\"model_type\":\"rembert\"}", "sentencepiece.model"},
        {"{\"model_type\":\"xlnet\"}", "spiece.model"},
        {"{\"model_type\":\"bert-generation\"}", "spiece.model"},
        {"{\"model_type\":\"esm\"}", "vocab.txt"},
    };
    unsigned k;
    bert_file files[3];

    if (size == 0)
        return 0;
    k = (data[0] & 0x7Fu) % (sizeof classes / sizeof *classes);
    files[0] = (bert_file){classes[k].file, data + 1, size - 1};
    files[1] = (bert_file){"config.json", classes[k].type, strlen(classes[k].type)};
    if (data[0] & 0x80) {
        files[2] = (bert_file){"tokenizer_config.json", data + 1, size - 1};
        files[0].data = small;
        files[0].size = sizeof small - 1;
        tok_use_files(files, 3, "(memory)");
        return 0;
    }
    tok_use_files(files, 2, classes[k].file);
    return 0;
}
