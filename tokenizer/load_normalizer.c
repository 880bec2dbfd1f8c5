/* SPDX-License-Identifier: MIT */
/* load_normalizer.c - "normalizer" of tokenizer.json. */
#include "lib/base/error.h"
#include "tokenizer/base64.h"
#include "tokenizer/load.h"
#include "tokenizer/load_steps.h"

static const char what[] = "the normalizer";

static bert_status add(struct bert__load *l, const struct bert__norm_step *step)
{
    return bert__normalizer_add(&l->tok->normalizer, &l->tok->arena, step) ? BERT_OK
                                                                           : bert__load_nomem(l);
}

static bert_status load_bert(struct bert__load *l, const struct bert__json *value)
{
    struct bert__norm_bert n = {.clean_text = false};
    const struct bert__json *strip;
    bert_status status = bert__load_bool(l, value, what, "clean_text", &n.clean_text);

    if (status == BERT_OK)
        status = bert__load_bool(l, value, what, "handle_chinese_chars", &n.handle_chinese_chars);
    if (status == BERT_OK)
        status = bert__load_bool(l, value, what, "lowercase", &n.lowercase);
    strip = bert__json_find(value, "strip_accents");
    n.strip_accents = n.lowercase;
    if (status == BERT_OK && strip != NULL)
        status = bert__load_bool(l, value, what, "strip_accents", &n.strip_accents);
    if (status == BERT_OK && !bert__normalizer_add_bert(&l->tok->normalizer, &l->tok->arena, &n))
        status = bert__load_nomem(l);
    return status;
}

static bert_status load_strip(struct bert__load *l, const struct bert__json *value)
{
    struct bert__norm_step step = {.kind = BERT__NORM_STRIP};
    bert_status status = bert__load_bool(l, value, what, "strip_left", &step.left);

    if (status == BERT_OK)
        status = bert__load_bool(l, value, what, "strip_right", &step.right);
    return status == BERT_OK ? add(l, &step) : status;
}

static bert_status load_text(struct bert__load *l, const struct bert__json *value, const char *key,
                             bert_text *out)
{
    bert_status status = bert__load_text(l, value, what, key, out);

    if (status == BERT_OK && !bert__load_copy(l, *out, out))
        status = bert__load_nomem(l);
    return status;
}

static bert_status load_prepend(struct bert__load *l, const struct bert__json *value)
{
    struct bert__norm_step step = {.kind = BERT__NORM_PREPEND};
    bert_status status = load_text(l, value, "prepend", &step.text);

    if (status == BERT_OK && step.text.size == 0) /* there it takes away the first offset */
        return bert__fail(l->err, BERT_EUNSUPPORTED, "%s: a Prepend of nothing", l->path);
    return status == BERT_OK ? add(l, &step) : status;
}

static bert_status load_replace(struct bert__load *l, const struct bert__json *value)
{
    struct bert__norm_step step = {.kind = BERT__NORM_REPLACE};
    bert_status status = bert__load_pattern(l, value, "a Replace", &step.pattern);

    if (status == BERT_OK)
        status = load_text(l, value, "content", &step.text);
    return status == BERT_OK ? add(l, &step) : status;
}

static bert_status load_precompiled(struct bert__load *l, const struct bert__json *value)
{
    static const char key[] = "precompiled_charsmap";
    struct bert__norm_step step = {.kind = BERT__NORM_PRECOMPILED};
    struct bert__charsmap *map;
    const char *problem;
    unsigned char *bytes;
    bert_text text;
    size_t size;
    bert_status status = bert__load_text(l, value, what, key, &text);

    if (status != BERT_OK)
        return status;
    bytes = bert__arena_get(l->files, bert__base64_room(text.size) + 1);
    if (bytes == NULL)
        return bert__load_nomem(l);
    if (!bert__base64_decode(text, bytes, &size))
        return bert__fail(l->err, BERT_EFORMAT, "%s: \"%s\" of %s is not base64", l->path, key,
                          what);
    status = bert__charsmap_read(&map, &l->tok->arena, (const char *)bytes, size, &problem);
    if (status == BERT_ENOMEM)
        return bert__load_nomem(l);
    if (status != BERT_OK)
        return bert__fail(l->err, status, "%s: \"%s\" of %s: %s", l->path, key, what, problem);
    step.map = map;
    return add(l, &step);
}

static bert_status load_step(struct bert__load *l, const struct bert__json *value, bert_text type)
{
    static const struct {
        const char *type;
        enum bert__norm_kind kind;
    } plain[] = {{"NFC", BERT__NORM_NFC},
                 {"NFD", BERT__NORM_NFD},
                 {"NFKC", BERT__NORM_NFKC},
                 {"NFKD", BERT__NORM_NFKD},
                 {"Lowercase", BERT__NORM_LOWERCASE},
                 {"StripAccents", BERT__NORM_STRIP_ACCENTS},
                 {"Nmt", BERT__NORM_NMT},
                 {"ByteLevel", BERT__NORM_BYTE_LEVEL}};
    static const struct {
        const char *type;
        bert_status (*load)(struct bert__load *, const struct bert__json *);
    } others[] = {{"BertNormalizer", load_bert},
                  {"Strip", load_strip},
                  {"Replace", load_replace},
                  {"Prepend", load_prepend},
                  {"Precompiled", load_precompiled}};

    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
        if (bert__load_is(type, plain[i].type))
            return add(l, &(struct bert__norm_step){.kind = plain[i].kind});
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        if (bert__load_is(type, others[i].type))
            return others[i].load(l, value);
    }
    return bert__load_unsupported(l, "normalizer", type);
}

bert_status bert__load_normalizer(struct bert__load *l, const struct bert__json *root)
{
    bert_status status = BERT_OK;

    if (l->lower_first)
        status = add(l, &(struct bert__norm_step){.kind = BERT__NORM_LOWERCASE});
    if (status == BERT_OK)
        status = bert__load_steps(l, root, "normalizer", "normalizers", load_step);
    return status;
}
