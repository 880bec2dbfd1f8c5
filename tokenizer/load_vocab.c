/* SPDX-License-Identifier: MIT */
/* load_vocab.c - vocab.txt: a token a line. */
#include "lib/base/error.h"
#include "lib/base/utf8.h"
#include "tokenizer/load.h"
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

static bert_status load_model(const struct bert__load *l, bert_text unk)
{
    bert_text prefix = {"##", 2};
    const struct bert__vocab_entry *e;
    char name[84];

    if (unk.data == NULL)
        unk = (bert_text){"[UNK]", 5};
    e = bert__vocab_find(&l->tok->vocab, unk.data, unk.size);
    if (e == NULL)
        return bert__fail(l->err, BERT_EFORMAT,
                          "%s: the unknown token \"%s\" is not among its lines", l->path,
                          bert__printable(name, unk.data, unk.size));
    l->tok->model.kind = BERT__MODEL_WORDPIECE;
    l->tok->model.surface_id = -1;
    bert__wordpiece_init(&l->tok->model.u.wordpiece, l->tok->alloc, &l->tok->vocab, prefix, e->id,
                         MAX_CHARS);
    return BERT_OK;
}

bert_status bert__load_vocab(struct bert__load *l, const char *data, size_t size, bert_text unk)
{
    bert_status status = load_lines(l, data, size);

    return status == BERT_OK ? load_model(l, unk) : status;
}
