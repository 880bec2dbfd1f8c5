/* SPDX-License-Identifier: MIT */
/*
 * load_spm_own.c - stages for classes that call SentencePiece itself (bert-generation): its
 * normalizer, and its user-defined symbols, which are pieces wherever they stand.
 */
#include <stdio.h>

#include "lib/base/error.h"
#include "tokenizer/load_files.h"
#include "tokenizer/load_spm.h"
#include "tokenizer/load_write.h"

enum { MAX_SYMBOLS = 256, SYMBOL_SIZE = 256 };

static const char mark[] = "\xE2\x96\x81"; /* U+2581 */
enum { MARK = sizeof mark - 1 };

/* ---- The normalizer ---------------------------------------------------------- */

static bert_status keep_symbols(const struct bert__load *l, const bert_text *symbols,
                                struct bert__norm_spm *own)
{
    bert_text *kept = bert__arena_get(&l->tok->arena, own->n_symbols * sizeof *kept);

    own->symbols = kept;
    if (kept == NULL)
        return bert__load_nomem(l);
    for (size_t i = 0; i < own->n_symbols; i++) {
        own->starts[(unsigned char)symbols[i].data[0]] = true;
        if (!bert__load_copy(l, symbols[i], &kept[i]))
            return bert__load_nomem(l);
    }
    return BERT_OK;
}

bert_status bert__load_spm_normalizer(const struct bert__load *l, const struct bert__spm *spm,
                                      const struct bert__spm_symbols *symbols)
{
    struct bert__norm_spm *own = bert__arena_get(&l->tok->arena, sizeof *own);
    struct bert__norm_step step = {.kind = BERT__NORM_SPM, .spm = own};
    struct bert__charsmap *map = NULL;
    const char *problem;
    bert_status status = BERT_OK;

    if (own == NULL)
        return bert__load_nomem(l);
    if (spm->charsmap.size > 0)
        status = bert__charsmap_read(&map, &l->tok->arena, spm->charsmap.data, spm->charsmap.size,
                                     &problem);
    if (status == BERT_EFORMAT)
        return bert__fail(l->err, status, "%s: precompiled_charsmap of normalizer_spec: %s",
                          l->path, problem);
    *own = (struct bert__norm_spm){.map = map,
                                   .dummy = spm->add_dummy_prefix,
                                   .suffix = spm->space_as_suffix,
                                   .squeeze = spm->remove_extra_spaces,
                                   .escape = spm->escape_spaces,
                                   .n_symbols = symbols->n};
    if (status == BERT_OK)
        status = keep_symbols(l, symbols->items, own);
    if (status != BERT_OK || !bert__normalizer_add(&l->tok->normalizer, &l->tok->arena, &step))
        return bert__load_nomem(l);
    return BERT_OK;
}

/* ---- Symbols ------------------------------------------------------------------- */

static bool holds(bert_text text, bert_text part)
{
    for (size_t i = 0; i + part.size <= text.size; i++) {
        if (memcmp(text.data + i, part.data, part.size) == 0)
            return true;
    }
    return false;
}

/* Cutting out one must not cut another. */
static bert_status check_symbol(const struct bert__load *l, const bert_text *symbols, size_t n)
{
    char name[84];

    for (size_t i = 0; i < n; i++) {
        if (holds(symbols[i], symbols[n]) || holds(symbols[n], symbols[i]))
            return bert__fail(l->err, BERT_EUNSUPPORTED,
                              "%s: the user-defined symbol \"%s\" is in another, or holds one",
                              l->path, bert__printable(name, symbols[n].data, symbols[n].size));
    }
    return BERT_OK;
}

static bert_status find_symbols(const struct bert__load *l, const struct bert__spm *spm,
                                bert_text *symbols, size_t *n)
{
    bert_status status = BERT_OK;

    *n = 0;
    for (size_t i = 0; i < spm->n && status == BERT_OK; i++) {
        const struct bert__spm_piece *p = &spm->pieces[i];

        if (p->type == BERT__SPM_UNUSED)
            return bert__fail(l->err, BERT_EUNSUPPORTED, "%s: piece %zu is marked as unused",
                              l->path, i);
        if (p->type != BERT__SPM_USER || p->text.size == 0)
            continue;
        if (*n == MAX_SYMBOLS)
            return bert__fail(l->err, BERT_ELIMIT, "%s: more than %d user-defined symbols", l->path,
                              MAX_SYMBOLS);
        if (p->text.size > SYMBOL_SIZE)
            return bert__fail(l->err, BERT_ELIMIT, "%s: a user-defined symbol of %zu bytes",
                              l->path, p->text.size);
        symbols[*n] = p->text;
        status = check_symbol(l, symbols, *n);
        ++*n;
    }
    return status;
}

/* SentencePiece finds no control pieces and no bytes in a text: never the best way. */
void bert__hide_spm_pieces(const struct bert__load *l, const struct bert__spm *spm)
{
    struct bert__unigram *m = &l->tok->model.u.unigram;

    for (size_t i = 0; i < spm->n; i++) {
        if (spm->pieces[i].type != BERT__SPM_NORMAL && spm->pieces[i].type != BERT__SPM_USER)
            m->scores[i] = -1e300;
    }
}

/* ---- Words --------------------------------------------------------------------- */

/* May the text be cut before each mark of a space?  Then no piece reaches across one, and a
 * word's first token is never joined with unknown characters before it. */
static bool cuts_words(const struct bert__spm *spm)
{
    bool known = false;

    if (!spm->escape_spaces || spm->space_as_suffix)
        return false;
    for (size_t i = 0; i < spm->n; i++) {
        bert_text text = spm->pieces[i].text;

        if (text.size == MARK && memcmp(text.data, mark, MARK) == 0)
            known = true;
        if (text.size > MARK
            && holds((bert_text){text.data + 1, text.size - 1}, (bert_text){mark, MARK}))
            return false;
    }
    return known;
}

void bert__write_spm_words(struct bert__writer *w, const struct bert__spm *spm,
                           const struct bert__spm_symbols *symbols)
{
    const char *comma = "";

    bert__write(w, "{\"normalizer\":null,\"pre_tokenizer\":{\"type\":\"Sequence\","
                   "\"pretokenizers\":[");
    for (size_t i = 0; i < symbols->n; i++) {
        bert__write(w, comma);
        bert__write(w, "{\"type\":\"Split\",\"pattern\":{\"String\":");
        bert__write_string(w, symbols->items[i]);
        bert__write(w, "},\"behavior\":\"Isolated\",\"invert\":false}");
        comma = ",";
    }
    if (cuts_words(spm)) {
        bert__write(w, comma);
        bert__write(w, "{\"type\":\"Metaspace\",\"replacement\":\"\\u2581\","
                       "\"prepend_scheme\":\"never\",\"split\":true}");
    }
    bert__write(w, "]},\"decoder\":{\"type\":\"Sequence\",\"decoders\":[{\"type\":\"Fuse\"},"
                   "{\"type\":\"Replace\",\"pattern\":{\"String\":\"\\u2581\"},\"content\":\" \"},"
                   "{\"type\":\"Strip\",\"content\":\" \",\"start\":2147483646,"
                   "\"stop\":2147483646}]}}");
}

bert_status bert__spm_symbols(const struct bert__load *l, const struct bert__spm *spm,
                              struct bert__spm_symbols *out)
{
    bert_text *items = bert__arena_get(l->files, MAX_SYMBOLS * sizeof *items);

    if (items == NULL)
        return bert__load_nomem(l);
    if (spm->model_type != 1 && spm->model_type != 2)
        return bert__fail(l->err, BERT_EUNSUPPORTED,
                          "%s: model_type of trainer_spec is %llu; Unigram (1) and BPE (2) are "
                          "supported",
                          l->path, (unsigned long long)spm->model_type);
    out->items = items;
    return find_symbols(l, spm, items, &out->n);
}
