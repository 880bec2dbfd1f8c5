/* SPDX-License-Identifier: MIT */
/* load_family.c - which of the reference's classes reads a directory without a tokenizer.json. */
#include "tokenizer/load_family.h"

#include "lib/base/error.h"

/* bos, eos, unk, sep, pad, cls, mask */
#define ROBERTA_TOKENS                                                                             \
    {                                                                                              \
        "<s>", "</s>", "<unk>", "</s>", "<pad>", "<s>", "<mask>"                                   \
    }

#define BERT_TOKENS(bos, eos)                                                                      \
    {                                                                                              \
        bos, eos, "[UNK]", "[SEP]", "[PAD]", "[CLS]", "[MASK]"                                     \
    }

#define ONCE  .single = "C0 A0 S0", .pair = "C0 A0 S0 B1 S1"
#define TWICE .single = "C0 A0 S0", .pair = "C0 A0 S0 S0 B0 S0"

const struct bert__family bert__families[BERT__FAMILY_COUNT] = {
    [BERT__FAMILY_BERT] = {.id = BERT__FAMILY_BERT,
                           .file = "vocab.txt",
                           .named = BERT_TOKENS(NULL, NULL),
                           .lower = true},
    [BERT__FAMILY_DPR] = {.id = BERT__FAMILY_DPR,
                          .file = "vocab.txt",
                          .named = BERT_TOKENS(NULL, NULL),
                          .lower = true,
                          .always_lower = true},
    [BERT__FAMILY_MPNET] = {.id = BERT__FAMILY_MPNET,
                            .file = "vocab.txt",
                            .named = {"<s>", "</s>", "[UNK]", "</s>", "<pad>", "<s>", "<mask>"},
                            .objects = true,
                            .mask = BERT__MASK_LSTRIP,
                            .lower = true},
    [BERT__FAMILY_FUNNEL] = {.id = BERT__FAMILY_FUNNEL,
                             .file = "vocab.txt",
                             .named = {"<s>", "</s>", "<unk>", "<sep>", "<pad>", "<cls>", "<mask>"},
                             .lower = true,
                             .single = "C2 A0 S0",
                             .pair = "C2 A0 S0 B1 S1"},
    [BERT__FAMILY_SPLINTER] = {.id = BERT__FAMILY_SPLINTER,
                               .file = "vocab.txt",
                               .named = BERT_TOKENS(NULL, NULL),
                               .lower = true,
                               .single = "C0 A0 S0",
                               .pair = "C0 A0 Q0 D0 S0 B1 S1"},
    [BERT__FAMILY_ESM] = {.id = BERT__FAMILY_ESM,
                          .file = "vocab.txt",
                          .named = {NULL, "<eos>", "<unk>", NULL, "<pad>", "<cls>", "<mask>"},
                          .single = "C0 A0 S0",
                          .pair = "C0 A0 S0 B1 S1"},
    [BERT__FAMILY_ROBERTA] = {.id = BERT__FAMILY_ROBERTA,
                              .file = "vocab.json",
                              .merges = "merges.txt",
                              .named = ROBERTA_TOKENS},
    [BERT__FAMILY_LUKE] = {.id = BERT__FAMILY_LUKE,
                           .file = "vocab.json",
                           .merges = "merges.txt",
                           .named = ROBERTA_TOKENS},
    [BERT__FAMILY_DEBERTA] = {.id = BERT__FAMILY_DEBERTA,
                              .file = "vocab.json",
                              .merges = "merges.txt",
                              .named = BERT_TOKENS("[CLS]", "[SEP]"),
                              TWICE},
    [BERT__FAMILY_GPT2] = {.id = BERT__FAMILY_GPT2,
                           .file = "vocab.json",
                           .merges = "merges.txt",
                           .named = {"<|endoftext|>", "<|endoftext|>", "<|endoftext|>", NULL, NULL,
                                     NULL, NULL},
                           .from_bos = true},
    [BERT__FAMILY_HERBERT] = {.id = BERT__FAMILY_HERBERT,
                              .file = "vocab.json",
                              .merges = "merges.txt",
                              .named = {NULL, NULL, "<unk>", "</s>", "<pad>", "<s>", "<mask>"}},
    [BERT__FAMILY_XLMR] = {.id = BERT__FAMILY_XLMR,
                           .file = "sentencepiece.bpe.model",
                           .named = ROBERTA_TOKENS,
                           .from_bos = true,
                           TWICE},
    [BERT__FAMILY_CAMEMBERT] = {.id = BERT__FAMILY_CAMEMBERT,
                                .file = "sentencepiece.bpe.model",
                                .named = ROBERTA_TOKENS,
                                .mask = BERT__MASK_SPECIAL,
                                .from_bos = true,
                                TWICE},
    [BERT__FAMILY_ALBERT] = {.id = BERT__FAMILY_ALBERT,
                             .file = "spiece.model",
                             .named = {"[CLS]", "[SEP]", "<unk>", "[SEP]", "<pad>", "[CLS]",
                                       "[MASK]"},
                             .lower = true,
                             ONCE},
    [BERT__FAMILY_DEBERTA_V2] = {.id = BERT__FAMILY_DEBERTA_V2,
                                 .file = "spm.model",
                                 .named = BERT_TOKENS("[CLS]", "[SEP]"),
                                 ONCE},
    [BERT__FAMILY_BIG_BIRD] = {.id = BERT__FAMILY_BIG_BIRD,
                               .file = "spiece.model",
                               .named = {"<s>", "</s>", "<unk>", "[SEP]", "<pad>", "[CLS]",
                                         "[MASK]"},
                               .objects = true,
                               .mask = BERT__MASK_LSTRIP,
                               ONCE},
    [BERT__FAMILY_REMBERT] = {.id = BERT__FAMILY_REMBERT,
                              .file = "sentencepiece.model",
                              .named = {"[CLS]", "[SEP]", "<unk>", "[SEP]", "<pad>", "[CLS]",
                                        "[MASK]"},
                              .keep_accents = true,
                              .from_bos = true},
    [BERT__FAMILY_XLNET] = {.id = BERT__FAMILY_XLNET,
                            .file = "spiece.model",
                            .named = {"<s>", "</s>", "<unk>", "<sep>", "<pad>", "<cls>", "<mask>"},
                            .mask = BERT__MASK_LSTRIP,
                            .single = "A0 S0 C2",
                            .pair = "A0 S0 B1 S1 C2"},
    [BERT__FAMILY_BERT_GENERATION] = {.id = BERT__FAMILY_BERT_GENERATION,
                                      .file = "spiece.model",
                                      .named = {"<s>", "</s>", "<unk>", "<::::>", "<pad>", NULL,
                                                NULL},
                                      .single = "A0",
                                      .pair = "A0 B1"},
    [BERT__FAMILY_SPM] = {.id = BERT__FAMILY_SPM, .file = "tokenizer.model", .from_bos = true},
};

/* ---- By name ------------------------------------------------------------------- */

struct named_family {
    const char *name;
    enum bert__family_id family;
};

/* tokenizer_class, less "Tokenizer" or "TokenizerFast".  RetriBert, Realm: as long as they
 * were, BERT's. */
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
    {"Realm", BERT__FAMILY_BERT},
    {"DPRQuestionEncoder", BERT__FAMILY_DPR},
    {"DPRContextEncoder", BERT__FAMILY_DPR},
    {"DPRReader", BERT__FAMILY_DPR},
    {"MPNet", BERT__FAMILY_MPNET},
    {"Funnel", BERT__FAMILY_FUNNEL},
    {"Splinter", BERT__FAMILY_SPLINTER},
    {"Esm", BERT__FAMILY_ESM},
    {"Roberta", BERT__FAMILY_ROBERTA},
    {"Longformer", BERT__FAMILY_ROBERTA},
    {"Bart", BERT__FAMILY_ROBERTA},
    {"LED", BERT__FAMILY_ROBERTA},
    {"Luke", BERT__FAMILY_LUKE},
    {"Deberta", BERT__FAMILY_DEBERTA},
    {"GPT2", BERT__FAMILY_GPT2},
    {"Herbert", BERT__FAMILY_HERBERT},
    {"XLMRoberta", BERT__FAMILY_XLMR},
    {"Camembert", BERT__FAMILY_CAMEMBERT},
    {"Albert", BERT__FAMILY_ALBERT},
    {"DebertaV2", BERT__FAMILY_DEBERTA_V2},
    {"BigBird", BERT__FAMILY_BIG_BIRD},
    {"RemBert", BERT__FAMILY_REMBERT},
    {"XLNet", BERT__FAMILY_XLNET},
    {"BertGeneration", BERT__FAMILY_BERT_GENERATION},
};

/* model_type of config.json. */
static const struct named_family model_types[] = {
    {"bert", BERT__FAMILY_BERT},
    {"distilbert", BERT__FAMILY_BERT},
    {"electra", BERT__FAMILY_BERT},
    {"ernie", BERT__FAMILY_BERT},
    {"megatron-bert", BERT__FAMILY_BERT},
    {"dpr", BERT__FAMILY_DPR},
    {"mpnet", BERT__FAMILY_MPNET},
    {"funnel", BERT__FAMILY_FUNNEL},
    {"splinter", BERT__FAMILY_SPLINTER},
    {"esm", BERT__FAMILY_ESM},
    {"roberta", BERT__FAMILY_ROBERTA},
    {"roberta-prelayernorm", BERT__FAMILY_ROBERTA},
    {"longformer", BERT__FAMILY_ROBERTA},
    {"bart", BERT__FAMILY_ROBERTA},
    {"led", BERT__FAMILY_ROBERTA},
    {"ibert", BERT__FAMILY_ROBERTA},
    {"mra", BERT__FAMILY_ROBERTA},
    {"lilt", BERT__FAMILY_ROBERTA},
    {"data2vec-text", BERT__FAMILY_ROBERTA},
    {"luke", BERT__FAMILY_LUKE},
    {"deberta", BERT__FAMILY_DEBERTA},
    {"gpt2", BERT__FAMILY_GPT2},
    {"herbert", BERT__FAMILY_HERBERT},
    {"xlm-roberta", BERT__FAMILY_XLMR},
    {"xmod", BERT__FAMILY_XLMR},
    {"gte", BERT__FAMILY_XLMR},
    {"jina_embeddings_v3", BERT__FAMILY_XLMR},
    {"camembert", BERT__FAMILY_CAMEMBERT},
    {"albert", BERT__FAMILY_ALBERT},
    {"yoso", BERT__FAMILY_ALBERT},
    {"deberta-v2", BERT__FAMILY_DEBERTA_V2},
    {"big_bird", BERT__FAMILY_BIG_BIRD},
    {"rembert", BERT__FAMILY_REMBERT},
    {"xlnet", BERT__FAMILY_XLNET},
    {"bert-generation", BERT__FAMILY_BERT_GENERATION},
};

/* Types whose own class reads a file of one of those names in another way, and needs more than
 * this library has (programs of Python, a splitter of Chinese). */
static const char *const other_types[] = {
    "bertweet",   "biogpt",    "canine", "esmc",    "flaubert",   "fnet",
    "layoutlmv2", "layoutxlm", "mluke",  "phobert", "prophetnet", "reformer",
    "roc_bert",   "roformer",  "tapas",  "xlm",     "m2m_100",
};

/* Where neither is said: files by name. */
static const enum bert__family_id by_file[] = {
    BERT__FAMILY_BERT,       BERT__FAMILY_ROBERTA, BERT__FAMILY_XLMR, BERT__FAMILY_ALBERT,
    BERT__FAMILY_DEBERTA_V2, BERT__FAMILY_REMBERT, BERT__FAMILY_SPM,
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

static bool is_other(bert_text type)
{
    for (size_t i = 0; i < sizeof other_types / sizeof *other_types; i++) {
        if (bert__load_is(type, other_types[i]))
            return true;
    }
    return false;
}

/* config.json, if there is one. */
static bert_status read_model(const struct bert__load *l, struct bert__json_file *out)
{
    return bert__json_file(out, l->files, l->source, l->directory, "config.json", 1,
                           BERT__CONFIG_BYTES, BERT__JSON_OBJECT, l->err);
}

/* By the model's type; NULL: it says nothing. */
static const struct bert__family *of_type(const struct bert__json *config)
{
    const struct bert__json *type = bert__json_find(config, "model_type");

    if (!bert__json_is(type, BERT__JSON_STRING))
        return NULL;
    return find(model_types, sizeof model_types / sizeof *model_types, type->u.string);
}

/* The same, if its file is there; else *out stays. */
static bert_status by_model_type(const struct bert__load *l, const struct bert__json_file *config,
                                 const struct bert__family **out)
{
    const struct bert__json *type = bert__json_find(config->root, "model_type");
    const struct bert__family *typed = of_type(config->root);
    char text[84];
    bool there = false;
    bert_status status = BERT_OK;

    if (bert__json_is(type, BERT__JSON_STRING) && is_other(type->u.string))
        return bert__fail(l->err, BERT_EUNSUPPORTED,
                          "%s: the tokenizer of model_type \"%s\" is not supported without a "
                          "tokenizer.json",
                          config->path,
                          bert__printable(text, type->u.string.data, type->u.string.size));
    if (typed != NULL)
        status = exists(l, typed->file, &there);
    if (there)
        *out = typed;
    return status;
}

/* The class's row; its file must be there, if any of the kind is. */
static bert_status check_class(const struct bert__load *l, const char *path, bert_text name,
                               const struct bert__family *any, const struct bert__family **out)
{
    char text[84];
    bool there = false;
    bert_status status;

    *out = by_class(name);
    if (*out == NULL)
        return bert__fail(l->err, BERT_EUNSUPPORTED,
                          "%s: tokenizer_class \"%s\" is not supported without a tokenizer.json",
                          path, bert__printable(text, name.data, name.size));
    status = exists(l, (*out)->file, &there);
    if (status == BERT_OK && !there)
        return bert__fail(l->err, BERT_EFORMAT, "%s: tokenizer_class \"%s\" reads %s, not %s", path,
                          bert__printable(text, name.data, name.size), (*out)->file, any->file);
    return status;
}

/* The class that a file names, if it does; *out NULL if it doesn't, or says nothing by it. */
static bert_status named_class(const struct bert__load *l, const char *path,
                               const struct bert__json *config, bert_text *out)
{
    const struct bert__json *name = bert__json_find(config, "tokenizer_class");

    *out = (bert_text){NULL, 0};
    if (name != NULL && name->type != BERT__JSON_STRING)
        return bert__fail(l->err, BERT_EFORMAT, "%s: \"tokenizer_class\" is %s; expected a string",
                          path, bert__json_type_name(name));
    if (name != NULL && !says_nothing(name->u.string))
        *out = name->u.string;
    return BERT_OK;
}

/* The class that tokenizer_config.json names, else config.json; *out.data NULL: none, or one that
 * says nothing. */
static bert_status chosen_class(const struct bert__load *l, const struct bert__json *config,
                                struct bert__json_file *model, const char **path, bert_text *out)
{
    bert_status status = named_class(l, l->config_path, config, out);

    *path = l->config_path;
    memset(model, 0, sizeof *model);
    if (status == BERT_OK && out->data == NULL)
        status = read_model(l, model);
    if (status != BERT_OK || model->root == NULL
        || bert__json_find(config, "tokenizer_class") != NULL)
        return status;
    *path = model->path;
    return named_class(l, model->path, model->root, out);
}

bert_status bert__family_of_names(const struct bert__load *l, const struct bert__json *config,
                                  const struct bert__family **out, bool *known)
{
    struct bert__json_file model;
    bert_text name;
    const char *path;
    bert_status status = chosen_class(l, config, &model, &path, &name);

    *out = NULL;
    *known = true;
    if (status != BERT_OK)
        return status;
    if (name.data != NULL)
        *out = by_class(name);
    else if (bert__json_find(config, "tokenizer_class") == NULL)
        *out = of_type(model.root);
    else
        return BERT_OK;
    *known = *out != NULL;
    return BERT_OK;
}

bert_status bert__family_choose(struct bert__load *l, const struct bert__json *config,
                                const struct bert__family **out)
{
    const struct bert__family *any;
    struct bert__json_file model;
    const char *path;
    bert_text name;
    bert_status status = find_file(l, &any);

    *out = any;
    if (status != BERT_OK || any == NULL)
        return status;
    status = chosen_class(l, config, &model, &path, &name);
    if (status != BERT_OK)
        return status;
    return name.data != NULL ? check_class(l, path, name, any, out) : by_model_type(l, &model, out);
}
