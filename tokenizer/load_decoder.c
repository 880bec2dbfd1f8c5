/* SPDX-License-Identifier: MIT */
/* load_decoder.c - "decoder" of tokenizer.json. */
#include "lib/base/error.h"
#include "lib/base/utf8.h"
#include "tokenizer/load.h"

static const char what[] = "the decoder";

enum { MAX_STEPS = 64, MAX_DEPTH = 8 };

/* ---- Values ----------------------------------------------------------------- */

static bert_status load_copy(const struct bert__load *l, const struct bert__json *value,
                             const char *key, bert_text *out)
{
    bert_text text;
    bert_status status = bert__load_text(l, value, what, key, &text);

    if (status == BERT_OK && !bert__load_copy(l, text, out))
        status = bert__load_nomem(l);
    return status;
}

/* A string of one character. */
static bert_status load_letter(const struct bert__load *l, const struct bert__json *value,
                               const char *key, bert_text *out)
{
    bert_status status = load_copy(l, value, key, out);
    size_t len = 0;

    if (status == BERT_OK && out->size > 0)
        bert__utf8_next(out->data, out->size, &len);
    if (status == BERT_OK && (out->size == 0 || len != out->size))
        return bert__fail(l->err, BERT_EFORMAT, "%s: \"%s\" of %s must be one character", l->path,
                          key, what);
    return status;
}

static bert_status load_count(const struct bert__load *l, const struct bert__json *value,
                              const char *key, uint64_t *out)
{
    const struct bert__json *number;
    bert_status status = bert__load_kind(l, value, what, key, BERT__JSON_NUMBER, &number);

    if (status != BERT_OK)
        return status;
    if (!number->is_integer || number->u.integer < 0)
        return bert__fail(l->err, BERT_EFORMAT, "%s: \"%s\" of %s must be a whole number from 0",
                          l->path, key, what);
    *out = (uint64_t)number->u.integer;
    return BERT_OK;
}

/* ---- Decoders --------------------------------------------------------------- */

static bert_status load_wordpiece(const struct bert__load *l, const struct bert__json *value,
                                  struct bert__decode_step *out)
{
    bert_status status = load_copy(l, value, "prefix", &out->pattern);

    return status == BERT_OK ? bert__load_bool(l, value, what, "cleanup", &out->flag) : status;
}

static bert_status load_bpe(const struct bert__load *l, const struct bert__json *value,
                            struct bert__decode_step *out)
{
    return load_copy(l, value, "suffix", &out->pattern);
}

static bert_status load_plain(const struct bert__load *l, const struct bert__json *value,
                              struct bert__decode_step *out)
{
    (void)l;
    (void)value;
    (void)out;
    return BERT_OK;
}

static bool is(const struct bert__json *value, const char *text)
{
    return bert__json_equals(value, text);
}

/* An older add_prefix_space has no say of its own, but must not contradict. */
static bert_status load_metaspace(const struct bert__load *l, const struct bert__json *value,
                                  struct bert__decode_step *out)
{
    const struct bert__json *scheme = bert__json_find(value, "prepend_scheme");
    const struct bert__json *prefix = bert__json_find(value, "add_prefix_space");
    bert_status status = load_letter(l, value, "replacement", &out->letter);

    if (status != BERT_OK)
        return status;
    if (scheme != NULL && !is(scheme, "always") && !is(scheme, "never") && !is(scheme, "first"))
        return bert__fail(l->err, BERT_EFORMAT,
                          "%s: \"prepend_scheme\" of %s must be always, first or never", l->path,
                          what);
    out->flag = !is(scheme, "never");
    if (prefix != NULL && prefix->type == BERT__JSON_FALSE && out->flag)
        return bert__fail(l->err, BERT_EFORMAT,
                          "%s: \"add_prefix_space\" of %s is false, but \"prepend_scheme\" is not "
                          "never",
                          l->path, what);
    return BERT_OK;
}

static bert_status load_strip(const struct bert__load *l, const struct bert__json *value,
                              struct bert__decode_step *out)
{
    bert_status status = load_letter(l, value, "content", &out->letter);

    if (status == BERT_OK)
        status = load_count(l, value, "start", &out->front);
    return status == BERT_OK ? load_count(l, value, "stop", &out->back) : status;
}

static bert_status load_regex(const struct bert__load *l, bert_text source,
                              struct bert__decode_step *out)
{
    struct bert__pattern *regex = bert__arena_get(&l->tok->arena, sizeof *regex);
    bool known = false;

    if (regex == NULL || !bert__pattern_regex(regex, &l->tok->arena, source, &known))
        return bert__load_nomem(l);
    out->regex = regex;
    return known ? BERT_OK
                 : bert__load_unsupported(l, "decoder Replace with the regular expression", source);
}

static bert_status load_replace(const struct bert__load *l, const struct bert__json *value,
                                struct bert__decode_step *out)
{
    const struct bert__json *pattern;
    bert_status status = load_copy(l, value, "content", &out->content);
    bert_text regex;

    if (status == BERT_OK)
        status = bert__load_kind(l, value, what, "pattern", BERT__JSON_OBJECT, &pattern);
    if (status != BERT_OK || bert__json_get(pattern, "Regex") == NULL)
        return status == BERT_OK ? load_copy(l, pattern, "String", &out->pattern) : status;
    status = bert__load_text(l, pattern, what, "Regex", &regex);
    return status == BERT_OK ? load_regex(l, regex, out) : status;
}

static bert_status load_ctc(const struct bert__load *l, const struct bert__json *value,
                            struct bert__decode_step *out)
{
    bert_status status = load_copy(l, value, "pad_token", &out->pattern);

    if (status == BERT_OK)
        status = load_copy(l, value, "word_delimiter_token", &out->content);
    return status == BERT_OK ? bert__load_bool(l, value, what, "cleanup", &out->flag) : status;
}

struct reader {
    const char *type;
    enum bert__decode_kind kind;
    bert_status (*load)(const struct bert__load *l, const struct bert__json *value,
                        struct bert__decode_step *out);
};

static const struct reader readers[] = {
    {"WordPiece", BERT__DECODE_WORDPIECE, load_wordpiece},
    {"BPEDecoder", BERT__DECODE_BPE, load_bpe},
    {"ByteLevel", BERT__DECODE_BYTE_LEVEL, load_plain},
    {"Metaspace", BERT__DECODE_METASPACE, load_metaspace},
    {"ByteFallback", BERT__DECODE_BYTE_FALLBACK, load_plain},
    {"Fuse", BERT__DECODE_FUSE, load_plain},
    {"Strip", BERT__DECODE_STRIP, load_strip},
    {"Replace", BERT__DECODE_REPLACE, load_replace},
    {"CTC", BERT__DECODE_CTC, load_ctc},
};

static bert_status load_step(const struct bert__load *l, const struct bert__json *value,
                             struct bert__decode_step *out)
{
    bert_text type;
    bert_status status = bert__load_text(l, value, what, "type", &type);

    for (size_t i = 0; status == BERT_OK && i < sizeof readers / sizeof *readers; i++) {
        if (!bert__load_is(type, readers[i].type))
            continue;
        out->kind = readers[i].kind;
        return readers[i].load(l, value, out);
    }
    return status == BERT_OK ? bert__load_unsupported(l, "decoder", type) : status;
}

/* The steps of a Sequence, of Sequences in it too, behind the *n that are there. */
static bert_status load_steps(const struct bert__load *l, const struct bert__json *value,
                              unsigned depth, struct bert__decode_step *out, uint32_t *n)
{
    const struct bert__json *list;
    bert_status status;

    if (value->type != BERT__JSON_OBJECT)
        return bert__fail(l->err, BERT_EFORMAT, "%s: %s is %s; expected an object", l->path, what,
                          bert__json_type_name(value));
    if (*n == MAX_STEPS || depth == MAX_DEPTH)
        return bert__fail(l->err, BERT_ELIMIT, "%s: more than %d decoders", l->path, MAX_STEPS);
    if (!is(bert__json_get(value, "type"), "Sequence"))
        return load_step(l, value, &out[(*n)++]);
    status = bert__load_kind(l, value, what, "decoders", BERT__JSON_ARRAY, &list);
    for (size_t i = 0; status == BERT_OK && i < list->u.array.count; i++)
        status = load_steps(l, &list->u.array.items[i], depth + 1, out, n);
    return status;
}

bert_status bert__load_decode_steps(const struct bert__load *l,
                                    const struct bert__decode_step *steps, uint32_t n)
{
    struct bert__decode_step *copy = bert__arena_get(&l->tok->arena, n * sizeof *copy);

    if (copy == NULL)
        return bert__load_nomem(l);
    memcpy(copy, steps, n * sizeof *copy);
    l->tok->decoder = (struct bert__decoder){true, copy, n};
    return BERT_OK;
}

bert_status bert__load_decoder(struct bert__load *l, const struct bert__json *root)
{
    const struct bert__json *value = bert__json_find(root, "decoder");
    struct bert__decode_step steps[MAX_STEPS];
    uint32_t n = 0;
    bert_status status;

    if (value == NULL)
        return BERT_OK;
    memset(steps, 0, sizeof steps);
    status = load_steps(l, value, 0, steps, &n);
    return status == BERT_OK ? bert__load_decode_steps(l, steps, n) : status;
}
