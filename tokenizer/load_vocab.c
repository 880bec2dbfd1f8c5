/* SPDX-License-Identifier: MIT */
/* load_vocab.c - vocab.txt: a token a line. */
#include "lib/base/error.h"
#include "lib/base/utf8.h"
#include "tokenizer/load.h"
#include "tokenizer/load_settings.h"
#include "tokenizer/unicode.h"

enum { MAX_CHARS = 100 }; /* the reference's max_input_chars_per_word */

/* The next line without its end; false after the last. */
static bool next_line(const char *data, size_t size, size_t *at, bert_text *line)
{
    const char *end;

    if (*at >= size)
        return false;
    line->data = data + *at;
    end = memchr(line->data, '\n', size - *at);
    line->size = end != NULL ? (size_t)(end - line->data) : size - *at;
    *at += line->size + (end != NULL);
    return true;
}

/* Check the line and take the white space off its end. */
static bert_status trim(const struct bert__load *l, uint64_t number, bert_text *line)
{
    size_t end = 0, len;

    for (size_t i = 0; i < line->size; i += len) {
        uint32_t cp = bert__utf8_next(line->data + i, line->size - i, &len);

        if (cp == BERT__UTF8_BAD)
            return bert__fail(l->err, BERT_EFORMAT, "%s: line %llu is not UTF-8", l->path,
                              (unsigned long long)number);
        if (!(bert__uni_props(cp) & BERT__UNI_SPACE))
            end = i + len;
    }
    line->size = end;
    return BERT_OK;
}

static bert_status load_lines(const struct bert__load *l, const char *data, size_t size)
{
    uint64_t lines = 0;
    size_t at = 0;
    bert_text line;

    while (next_line(data, size, &at, &line))
        lines++;
    if (lines == 0)
        return bert__fail(l->err, BERT_EFORMAT, "%s: the vocabulary is empty", l->path);
    if (lines > BERT__VOCAB_MAX_TOKENS)
        return bert__fail(l->err, BERT_ELIMIT, "%s: %llu lines", l->path,
                          (unsigned long long)lines);
    if (!bert__vocab_init(&l->tok->vocab, l->tok->alloc, (uint32_t)lines, size))
        return bert__load_nomem(l);
    at = 0;
    for (uint64_t i = 0; next_line(data, size, &at, &line); i++) {
        bert_status status = trim(l, i + 1, &line);

        if (status != BERT_OK)
            return status;
        bert__vocab_add(&l->tok->vocab, line, (int32_t)i); /* the last of equal ones wins */
    }
    return bert__vocab_finish(&l->tok->vocab, l->path, l->err);
}

static bert_status load_model(const struct bert__load *l, const struct bert__settings *s)
{
    bert_text unk = {"[UNK]", 5}, prefix = {"##", 2};
    const struct bert__vocab_entry *e;
    char name[84];

    if (s->named[BERT__NAMED_UNK].content.data != NULL)
        unk = s->named[BERT__NAMED_UNK].content;
    e = bert__vocab_find(&l->tok->vocab, unk.data, unk.size);
    if (e == NULL)
        return bert__fail(l->err, BERT_EFORMAT,
                          "%s: the unknown token \"%s\" is not among its lines", l->path,
                          bert__printable(name, unk.data, unk.size));
    l->tok->model.kind = BERT__MODEL_WORDPIECE;
    l->tok->model.surface_id = -1;
    return bert__wordpiece_init(&l->tok->model.u.wordpiece, l->tok->alloc, &l->tok->vocab, prefix,
                                e->id, MAX_CHARS, l->err);
}

/* Is it one of the first n tokens? */
static bool is_listed(const struct bert__load *l, bert_text content, uint32_t n)
{
    const struct bert__added_token *t = bert__added_by_content(&l->tok->added, content);

    return t != NULL && (uint32_t)(t - l->tok->added.tokens) < n;
}

/* As the reference adds them: what the files list stands; of the others the last. */
static bert_status add_tokens(struct bert__load *l, const struct bert__settings *s)
{
    struct bert__work work;
    size_t bytes = 0;
    uint32_t n_listed = 0;
    bert_status status = BERT_OK;

    for (uint32_t i = 0; i < s->n_tokens; i++) {
        if (!bert__size_add(bytes, s->tokens[i].content.size, &bytes))
            return bert__load_nomem(l);
    }
    if (!bert__added_init(&l->tok->added, l->tok->alloc, s->n_tokens, bytes, &l->tok->vocab))
        return bert__load_nomem(l);
    bert__work_init(&work, l->tok->alloc);
    for (uint32_t i = 0; i < s->n_tokens && status == BERT_OK; i++) {
        struct bert__added_token token = s->tokens[i];

        if (i == s->n_listed)
            n_listed = l->tok->added.n;
        if (i < s->n_listed || !is_listed(l, token.content, n_listed))
            status = bert__load_add_token(l, &token, &work.piece);
    }
    bert__work_free(&work);
    return status == BERT_OK ? bert__added_prepare(&l->tok->added, &l->tok->arena, l->err) : status;
}

/* The token's id; of a token that the settings take away, what the reference assumes. */
static bert_status special(const struct bert__load *l, const struct bert__added_token *token,
                           const char *what, int32_t fallback, struct bert__special *out)
{
    bert_text none = {"None", 4};

    out->id = fallback;
    if (token->content.data != NULL)
        out->id = bert__tokenizer_id(l->tok, token->content);
    if (bert__tokenizer_text(l->tok, out->id).data == NULL)
        return bert__fail(l->err, BERT_EFORMAT, "%s: the settings beside it leave no %s", l->path,
                          what);
    return bert__load_copy(l, token->content.data != NULL ? token->content : none, &out->text)
               ? BERT_OK
               : bert__load_nomem(l);
}

static bert_status load_template(struct bert__load *l, const struct bert__settings *s)
{
    struct bert__special cls, sep;
    bert_status status = special(l, &s->named[BERT__NAMED_CLS], "cls_token", 2, &cls);

    if (status == BERT_OK)
        status = special(l, &s->named[BERT__NAMED_SEP], "sep_token", 3, &sep);
    return status == BERT_OK ? bert__load_bert_template(l, &cls, &sep) : status;
}

static bert_status load_padding(struct bert__load *l, const struct bert__settings *s)
{
    const struct bert__added_token *pad = &s->named[BERT__NAMED_PAD];

    if (pad->content.data == NULL || pad->content.size == 0)
        return BERT_OK;
    l->tok->padding.present = true;
    return special(l, pad, "pad_token", 0, &l->tok->padding.token);
}

static bool add_stages(struct bert__load *l, const struct bert__settings *s)
{
    static const struct bert__pre_step bert = {.kind = BERT__PRE_BERT};
    bert_tokenizer *tok = l->tok;
    struct bert__norm_bert options = {.lower_first = l->lower_first,
                                      .clean_text = true,
                                      .handle_chinese_chars = s->chinese,
                                      .strip_accents = s->strip,
                                      .lowercase = s->lower};

    return bert__normalizer_add_bert(&tok->normalizer, &tok->arena, &options)
           && bert__pretokenizer_add(&tok->pretokenizer, &tok->arena, &bert);
}

bert_status bert__load_vocab(struct bert__load *l, const char *data, size_t size,
                             const struct bert__json *config)
{
    static const struct bert__decode_step wordpiece = {
        .kind = BERT__DECODE_WORDPIECE, .pattern = {"##", 2}, .flag = true};
    const char *path = l->path;
    struct bert__settings s;
    bert_status status = bert__settings_load(l, config, &s);

    l->path = path;
    if (status == BERT_OK)
        status = load_lines(l, data, size);
    if (status == BERT_OK)
        status = load_model(l, &s);
    if (status != BERT_OK)
        return status;
    if (!add_stages(l, &s))
        return bert__load_nomem(l);
    status = bert__load_decode_steps(l, &wordpiece, 1);
    if (status == BERT_OK)
        status = add_tokens(l, &s);
    if (status == BERT_OK)
        status = load_template(l, &s);
    return status == BERT_OK ? load_padding(l, &s) : status;
}
