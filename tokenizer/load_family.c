/* SPDX-License-Identifier: MIT */
/* load_family.c - which of the reference's classes reads a directory without a tokenizer.json. */
#include "tokenizer/load_family.h"

#include "lib/base/error.h"

/* bos, eos, unk, sep, pad, cls, mask */
#define ROBERTA_TOKENS                                                                             \
    {                                                                                              \
        "<s>", "</s>", "<unk>", "</s>", "<pad>", "<s>", "<mask>"                                   \
    }

const struct bert__family bert__families[BERT__FAMILY_COUNT] = {
    [BERT__FAMILY_BERT] = {.id = BERT__FAMILY_BERT,
                           .file = "vocab.txt",
                           .named = {NULL, NULL, "[UNK]", "[SEP]", "[PAD]", "[CLS]", "[MASK]"},
                           .lower = true},
    [BERT__FAMILY_MPNET] = {.id = BERT__FAMILY_MPNET,
                            .file = "vocab.txt",
                            .named = {"<s>", "</s>", "[UNK]", "</s>", "<pad>", "<s>", "<mask>"},
                            .objects = true,
                            .mask_lstrip = true,
                            .lower = true},
    [BERT__FAMILY_ROBERTA] = {.id = BERT__FAMILY_ROBERTA,
                              .file = "vocab.json",
                              .merges = "merges.txt",
                              .named = ROBERTA_TOKENS},
    [BERT__FAMILY_DEBERTA] = {.id = BERT__FAMILY_DEBERTA,
                              .file = "vocab.json",
                              .merges = "merges.txt",
                              .named = {"[CLS]", "[SEP]", "[UNK]", "[SEP]", "[PAD]", "[CLS]",
                                        "[MASK]"}},
    [BERT__FAMILY_GPT2] = {.id = BERT__FAMILY_GPT2,
                           .file = "vocab.json",
                           .merges = "merges.txt",
                           .named = {"<|endoftext|>", "<|endoftext|>", "<|endoftext|>", NULL, NULL,
                                     NULL, NULL}},
    [BERT__FAMILY_XLMR] = {.id = BERT__FAMILY_XLMR,
                           .file = "sentencepiece.bpe.model",
                           .named = ROBERTA_TOKENS},
    [BERT__FAMILY_CAMEMBERT] = {.id = BERT__FAMILY_CAMEMBERT,
                                .file = "sentencepiece.bpe.model",
                                .named = ROBERTA_TOKENS,
                                .mask_lstrip = true},
    [BERT__FAMILY_ALBERT] = {.id = BERT__FAMILY_ALBERT,
                             .file = "spiece.model",
                             .named = {"[CLS]", "[SEP]", "<unk>", "[SEP]", "<pad>", "[CLS]",
                                       "[MASK]"},
                             .lower = true},
    [BERT__FAMILY_DEBERTA_V2] = {.id = BERT__FAMILY_DEBERTA_V2,
                                 .file = "spm.model",
                                 .named = {"[CLS]", "[SEP]", "[UNK]", "[SEP]", "[PAD]", "[CLS]",
                                           "[MASK]"}},
    [BERT__FAMILY_SPM] = {.id = BERT__FAMILY_SPM, .file = "tokenizer.model"},
};

/* ---- By name ------------------------------------------------------------------- */

struct named_family {
    const char *name;
    enum bert__family_id family;
};

/* tokenizer_class, less "Tokenizer" or "TokenizerFast". */
static const struct named_family classes[] = {
    {"Bert", BERT__FAMILY_BERT},
    {"DistilBert", BERT__FAMILY_BERT},
    {"Electra", BERT__FAMILY_BERT},
    {"MobileBert", BERT__FAMILY_BERT},
    {"ConvBert", BERT__FAMILY_BERT},
    {"Lxmert", BERT__FAMILY_BERT},
    {"LayoutLM", BERT__FAMILY_BERT},
    {"SqueezeBert", BERT__FAMILY_BERT},
    {"RetriBert", BERT__FAMILY_BERT},
    {"MegatronBert", BERT__FAMILY_BERT},
    {"DPRQuestionEncoder", BERT__FAMILY_BERT},
    {"DPRContextEncoder", BERT__FAMILY_BERT},
    {"DPRReader", BERT__FAMILY_BERT},
    {"NezhaBert", BERT__FAMILY_BERT},
    {"Ernie", BERT__FAMILY_BERT},
    {"Nystromformer", BERT__FAMILY_BERT},
    {"VisualBert", BERT__FAMILY_BERT},
    {"Realm", BERT__FAMILY_BERT},
    {"RemBert", BERT__FAMILY_BERT},
    {"MPNet", BERT__FAMILY_MPNET},
    {"Roberta", BERT__FAMILY_ROBERTA},
    {"Longformer", BERT__FAMILY_ROBERTA},
    {"Bart", BERT__FAMILY_ROBERTA},
    {"Deberta", BERT__FAMILY_DEBERTA},
    {"GPT2", BERT__FAMILY_GPT2},
    {"XLMRoberta", BERT__FAMILY_XLMR},
    {"Camembert", BERT__FAMILY_CAMEMBERT},
    {"Albert", BERT__FAMILY_ALBERT},
    {"DebertaV2", BERT__FAMILY_DEBERTA_V2},
};

/* model_type of config.json. */
static const struct named_family model_types[] = {
    {"bert", BERT__FAMILY_BERT},
    {"distilbert", BERT__FAMILY_BERT},
    {"electra", BERT__FAMILY_BERT},
    {"ernie", BERT__FAMILY_BERT},
    {"megatron-bert", BERT__FAMILY_BERT},
    {"mpnet", BERT__FAMILY_MPNET},
    {"roberta", BERT__FAMILY_ROBERTA},
    {"roberta-prelayernorm", BERT__FAMILY_ROBERTA},
    {"longformer", BERT__FAMILY_ROBERTA},
    {"ibert", BERT__FAMILY_ROBERTA},
    {"data2vec-text", BERT__FAMILY_ROBERTA},
    {"deberta", BERT__FAMILY_DEBERTA},
    {"gpt2", BERT__FAMILY_GPT2},
    {"xlm-roberta", BERT__FAMILY_XLMR},
    {"xmod", BERT__FAMILY_XLMR},
    {"gte", BERT__FAMILY_XLMR},
    {"jina_embeddings_v3", BERT__FAMILY_XLMR},
    {"camembert", BERT__FAMILY_CAMEMBERT},
    {"albert", BERT__FAMILY_ALBERT},
    {"deberta-v2", BERT__FAMILY_DEBERTA_V2},
};

/* Where neither is said: files by name. */
static const enum bert__family_id by_file[] = {
    BERT__FAMILY_BERT,   BERT__FAMILY_ROBERTA,    BERT__FAMILY_XLMR,
    BERT__FAMILY_ALBERT, BERT__FAMILY_DEBERTA_V2, BERT__FAMILY_SPM,
};

static bool ends_with(bert_text s, const char *end)
{
    size_t n = strlen(end);

    return s.size >= n && memcmp(s.data + s.size - n, end, n) == 0;
}

static const struct bert__family *find(const struct named_family *list, size_t n, bert_text name)
{
    for (size_t i = 0; i < n; i++) {
        if (bert__load_is(name, list[i].name))
            return &bert__families[list[i].family];
    }
    return NULL;
}

/* NULL for a class that isn't listed. */
static const struct bert__family *by_class(bert_text name)
{
    if (ends_with(name, "Fast"))
        name.size -= 4;
    if (!ends_with(name, "Tokenizer"))
        return NULL;
    name.size -= 9;
    return find(classes, sizeof classes / sizeof *classes, name);
}

/* A class that says no more than that the file is a tokenizer.json's. */
static bool says_nothing(bert_text name)
{
    return bert__load_is(name, "PreTrainedTokenizerFast")
           || bert__load_is(name, "PreTrainedTokenizer")
           || bert__load_is(name, "TokenizersBackend");
}

const struct bert__family *bert__family_of_file(const char *name)
{
    bert_text text = {name, strlen(name)};

    for (size_t i = 0; i < sizeof by_file / sizeof *by_file; i++) {
        const struct bert__family *f = &bert__families[by_file[i]];

        if (f->merges == NULL && ends_with(text, f->file))
            return f;
    }
    return ends_with(text, ".model") ? &bert__families[BERT__FAMILY_SPM] : NULL;
}

/* ---- By what is there ---------------------------------------------------------- */

static bert_status exists(const struct bert__load *l, const char *name, bool *out)
{
    const char *path = bert__join_name(l->files, l->directory, name);
    struct bert__file *file = NULL;
    bert_status status;

    if (path == NULL)
        return bert__load_nomem(l);
    status = bert__source_open(l->source, path, 1, &file, l->err);
    *out = file != NULL;
    bert__file_close(file);
    return status;
}

/* The first row whose file is there. */
static bert_status find_file(const struct bert__load *l, const struct bert__family **out)
{
    bert_status status = BERT_OK;
    bool there = false;

    *out = NULL;
    for (size_t i = 0; i < sizeof by_file / sizeof *by_file && status == BERT_OK && !there; i++) {
        const struct bert__family *f = &bert__families[by_file[i]];

        status = exists(l, f->file, &there);
        if (there)
            *out = f;
    }
    return status;
}

/* By the config's model_type; *out NULL: it says nothing. */
static bert_status by_model_type(const struct bert__load *l, const struct bert__family **out)
{
    struct bert__json_file file;
    const struct bert__json *type;
    bert_status status = bert__json_file(&file, l->files, l->source, l->directory, "config.json", 1,
                                         BERT__CONFIG_BYTES, BERT__JSON_OBJECT, l->err);

    *out = NULL;
    if (status != BERT_OK)
        return status;
    type = bert__json_find(file.root, "model_type");
    if (bert__json_is(type, BERT__JSON_STRING))
        *out = find(model_types, sizeof model_types / sizeof *model_types, type->u.string);
    return BERT_OK;
}

bert_status bert__family_of_names(const struct bert__load *l, const struct bert__json *config,
                                  const struct bert__family **out, bool *known)
{
    const struct bert__json *name = bert__json_find(config, "tokenizer_class");
    bert_status status = BERT_OK;

    *out = NULL;
    *known = true;
    if (!bert__json_is(name, BERT__JSON_STRING))
        status = by_model_type(l, out);
    else if (!says_nothing(name->u.string))
        *out = by_class(name->u.string);
    else
        return BERT_OK;
    *known = *out != NULL;
    return status;
}

/* The class's row; its file must be there, if any of the kind is. */
static bert_status check_class(const struct bert__load *l, bert_text name,
                               const struct bert__family *any, const struct bert__family **out)
{
    char text[84];
    bool there = false;
    bert_status status;

    *out = by_class(name);
    if (*out == NULL)
        return bert__fail(l->err, BERT_EUNSUPPORTED,
                          "%s: tokenizer_class \"%s\" is not supported without a tokenizer.json",
                          l->config_path, bert__printable(text, name.data, name.size));
    status = exists(l, (*out)->file, &there);
    if (status == BERT_OK && !there)
        return bert__fail(l->err, BERT_EFORMAT, "%s: tokenizer_class \"%s\" reads %s, not %s",
                          l->config_path, bert__printable(text, name.data, name.size), (*out)->file,
                          any->file);
    return status;
}

bert_status bert__family_choose(struct bert__load *l, const struct bert__json *config,
                                const struct bert__family **out)
{
    const struct bert__json *name = bert__json_find(config, "tokenizer_class");
    const struct bert__family *any, *typed;
    bool there = false;
    bert_status status = find_file(l, &any);

    *out = any;
    if (status != BERT_OK || any == NULL)
        return status;
    if (name != NULL && name->type != BERT__JSON_STRING)
        return bert__fail(l->err, BERT_EFORMAT, "%s: \"tokenizer_class\" is %s; expected a string",
                          l->config_path, bert__json_type_name(name));
    if (name != NULL && !says_nothing(name->u.string))
        return check_class(l, name->u.string, any, out);
    status = by_model_type(l, &typed);
    if (status == BERT_OK && typed != NULL)
        status = exists(l, typed->file, &there);
    if (there)
        *out = typed;
    return status;
}
