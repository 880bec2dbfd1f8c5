/* SPDX-License-Identifier: MIT */
/* load_words.c - ESM's vocab.txt: residues and whole words, each of which is found in the text. */
#include "lib/base/error.h"
#include "lib/base/utf8.h"
#include "tokenizer/load_files.h"
#include "tokenizer/unicode.h"

/* What ends a line where the class reads one. */
static bool ends_line(uint32_t cp)
{
    return (cp >= 0x0A && cp <= 0x0D) || (cp >= 0x1C && cp <= 0x1E) || cp == 0x85 || cp == 0x2028
           || cp == 0x2029;
}

static bool is_space(uint32_t cp)
{
    return (cp >= 0x1C && cp <= 0x1F) || (bert__uni_props(cp) & BERT__UNI_SPACE);
}

/* The next line, without the white space around it; *out.data NULL after the last. */
static bert_status next_word(const struct bert__load *l, bert_text file, size_t *at, bert_text *out)
{
    size_t begin = *at, end = begin, len;
    uint32_t cp = 0;

    *out = (bert_text){NULL, 0};
    while (*at < file.size && !(cp != 0 && ends_line(cp))) {
        cp = bert__utf8_next(file.data + *at, file.size - *at, &len);
        if (cp == BERT__UTF8_BAD)
            return bert__fail(l->err, BERT_EFORMAT, "%s: byte %zu is not UTF-8", l->path, *at);
        *at += len;
        if (!is_space(cp))
            end = *at;
        else if (end == begin && !ends_line(cp))
            begin = end = *at;
        out->data = file.data;
    }
    if (cp == '\r' && *at < file.size && file.data[*at] == '\n')
        ++*at;
    if (out->data != NULL)
        *out = (bert_text){file.data + begin, end - begin};
    return BERT_OK;
}

static bert_status add_words(const struct bert__load *l, bert_text file, bool count, size_t *n)
{
    size_t at = 0;

    for (*n = 0; at < file.size; ++*n) {
        char name[84];
        bert_text word;
        bert_status status = next_word(l, file, &at, &word);

        if (status != BERT_OK)
            return status;
        if (!count)
            bert__vocab_add(&l->tok->vocab, word, (int32_t)*n);
        if (!count && l->tok->vocab.n != *n + 1) /* where the class gives one id twice */
            return bert__fail(l->err, BERT_EUNSUPPORTED, "%s: line %zu, \"%s\", is there twice",
                              l->path, *n + 1, bert__printable(name, word.data, word.size));
    }
    return BERT_OK;
}

bert_status bert__load_words(struct bert__load *l, bert_text file, bert_text unk)
{
    struct bert__wordlevel *m = &l->tok->model.u.wordlevel;
    size_t n;
    bert_status status = add_words(l, file, true, &n);

    if (status != BERT_OK)
        return status;
    if (n == 0)
        return bert__fail(l->err, BERT_EFORMAT, "%s: the vocabulary is empty", l->path);
    if (n > BERT__WORDS_MAX)
        return bert__fail(l->err, BERT_ELIMIT, "%s: %zu lines; at most %d are taken", l->path, n,
                          BERT__WORDS_MAX);
    if (!bert__vocab_init(&l->tok->vocab, l->tok->alloc, (uint32_t)n, file.size))
        return bert__load_nomem(l);
    status = add_words(l, file, false, &n);
    if (status == BERT_OK)
        status = bert__vocab_finish(&l->tok->vocab, l->path, l->err);
    l->tok->model.kind = BERT__MODEL_WORDLEVEL;
    l->tok->model.surface_id = -1;
    m->vocab = &l->tok->vocab;
    if (status != BERT_OK)
        return status;
    return bert__load_find(l, "unknown token", unk.data != NULL ? unk : (bert_text){"None", 4},
                           &m->unk_id);
}

void bert__settings_raw(struct bert__settings *s)
{
    for (uint32_t i = 0; i < s->n_tokens; i++) {
        struct bert__added_token *t = &s->tokens[i];

        t->normalized = false;
        if (i < s->n_listed)
            t->special = false;
        else
            t->lstrip = t->rstrip = t->single_word = false; /* only its text is handed on */
    }
}

/* Behind the tokens of the settings, which stand. */
bert_status bert__settings_words(const struct bert__load *l, struct bert__settings *s)
{
    const struct bert__vocab *v = &l->tok->vocab;
    struct bert__added_token *tokens;
    size_t n;

    if (!bert__size_add(s->n_tokens, v->n, &n))
        return bert__load_nomem(l);
    tokens = bert__arena_get(l->files, n * sizeof *tokens);
    if (tokens == NULL)
        return bert__load_nomem(l);
    bert__settings_raw(s);
    if (s->n_tokens > 0)
        memcpy(tokens, s->tokens, s->n_tokens * sizeof *tokens);
    for (uint32_t i = 0; i < v->n; i++)
        tokens[s->n_tokens++] = (struct bert__added_token){
            .content = {v->entries[i].data, v->entries[i].size}, .id = BERT__TOKEN_ONCE};
    s->tokens = tokens;
    return BERT_OK;
}

/* Such a class takes the ids of added_tokens_decoder, whatever the vocabulary says, and has
 * rules of its own for single words. */
static bert_status check_listed(const struct bert__load *l, const struct bert__settings *s)
{
    for (uint32_t i = 0; i < s->n_tokens; i++) {
        bert_text content = s->tokens[i].content;
        char name[84];

        if (i < s->n_listed && content.size > 0
            && bert__tokenizer_id(l->tok, content) != s->listed_ids[i])
            return bert__fail(l->err, BERT_EUNSUPPORTED,
                              "%s: the settings give token \"%s\" the id %lld, the vocabulary %ld",
                              l->path, bert__printable(name, content.data, content.size),
                              (long long)s->listed_ids[i],
                              (long)bert__tokenizer_id(l->tok, content));
        if (s->tokens[i].single_word)
            return bert__fail(l->err, BERT_EUNSUPPORTED,
                              "%s: the settings make \"%s\" a single_word", l->path,
                              bert__printable(name, content.data, content.size));
    }
    return BERT_OK;
}

bert_status bert__settings_mark(const struct bert__load *l, const struct bert__settings *s)
{
    struct bert__added *added = &l->tok->added;
    bert_status status = check_listed(l, s);

    for (uint32_t i = s->n_listed; i < s->n_tokens && status == BERT_OK; i++) {
        const struct bert__added_token *t = bert__added_by_content(added, s->tokens[i].content);

        if (t != NULL && !(s->tokens[i].id & BERT__TOKEN_ONCE))
            added->tokens[t - added->tokens].special = true;
    }
    return status;
}
