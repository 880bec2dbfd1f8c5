/* SPDX-License-Identifier: MIT */
/*
 * load_files.c - a tokenizer from a vocabulary of another format and the settings beside it.
 *
 * The reference's classes build the same stages that a tokenizer.json names.  So what such a
 * file would say is written down, or put together from what was read, and read like one.
 */
#include "tokenizer/load_files.h"

#include <stdio.h>

#include "lib/base/error.h"
#include "tokenizer/load_made.h"
#include "tokenizer/load_write.h"

/* ---- What the classes have in common ----------------------------------------------- */

static bert_status parse(const struct bert__load *l, const struct bert__writer *w,
                         const struct bert__json **out)
{
    if (w->failed)
        return bert__load_nomem(l);
    return bert__json_parse(l->files, l->path, w->data, w->size, out, l->err);
}

bert_status bert__load_written(struct bert__load *l, const struct bert__writer *w)
{
    const struct bert__json *root = NULL;
    bert_status status = parse(l, w, &root);

    if (status == BERT_OK)
        status = bert__load_normalizer(l, root);
    if (status == BERT_OK)
        status = bert__load_pretokenizer(l, root);
    return status == BERT_OK ? bert__load_decoder(l, root) : status;
}

bert_status bert__load_stages(struct bert__load *l, const struct bert__family *family,
                              const struct bert__settings *s, bert_text charsmap,
                              bool byte_fallback)
{
    struct bert__writer w = {.alloc = l->tok->alloc};
    bert_status status;

    bert__write_stages(&w, family, s, charsmap, byte_fallback);
    status = bert__load_written(l, &w);
    bert__alloc_free(w.alloc, w.data);
    return status;
}

/* ---- Post-processors ----------------------------------------------------------------- */

/* ALBERT's ends are those of the vocabulary, under fixed names. */
static bert_status load_albert_ends(const struct bert__load *l, const struct bert__settings *s,
                                    struct bert__ends *out)
{
    bert_status status;

    out->first.text = bert__made_text("[CLS]");
    out->last.text = bert__made_text("[SEP]");
    status = bert__load_find(l, "cls_token", s->named[BERT__NAMED_CLS].content, &out->first.id);
    return status == BERT_OK
               ? bert__load_find(l, "sep_token", s->named[BERT__NAMED_SEP].content, &out->last.id)
               : status;
}

/* Ids that HerBERT's class gives whatever the vocabulary says. */
static bert_status load_herbert_ends(const struct bert__load *l, const struct bert__settings *s,
                                     struct bert__ends *out)
{
    bert_status status = bert__settings_special(l, s, BERT__NAMED_CLS, -1, &out->first);

    if (status == BERT_OK)
        status = bert__settings_special(l, s, BERT__NAMED_SEP, -1, &out->last);
    out->first.id = 0;
    out->last.id = 2;
    return status;
}

/* The ids that classes take where the settings name no token; -1: they fail. */
static void fallback_ids(const struct bert__family *family, int32_t *first, int32_t *last)
{
    bool bert = family->id == BERT__FAMILY_BERT || family->id == BERT__FAMILY_DPR;
    bool mpnet = family->id == BERT__FAMILY_MPNET;

    *first = bert ? 2 : mpnet || family->id == BERT__FAMILY_DEBERTA_V2 ? 0 : -1;
    *last = bert ? 3 : mpnet ? 2 : family->id == BERT__FAMILY_DEBERTA_V2 ? 0 : -1;
}

/* A token by its text: the unknown one where the vocabulary lacks it. */
static void find_or_unk(const struct bert__load *l, const struct bert__settings *s,
                        const char *text, struct bert__special *out)
{
    out->text = bert__made_text(text);
    out->id = bert__tokenizer_id(l->tok, out->text);
    if (out->id < 0 && s->named[BERT__NAMED_UNK].content.data != NULL)
        out->id = bert__tokenizer_id(l->tok, s->named[BERT__NAMED_UNK].content);
}

/* ESM's settings may say that there is no eos. */
static bool has_no_end(const struct bert__family *family, const struct bert__settings *s)
{
    return family->id == BERT__FAMILY_ESM && s->named[BERT__NAMED_EOS].content.data == NULL;
}

static bert_status load_ends(const struct bert__load *l, const struct bert__family *family,
                             const struct bert__settings *s, struct bert__ends *out)
{
    bool eos = family->from_bos || family->id == BERT__FAMILY_ESM;
    int32_t first, last;
    bert_status status;

    if (family->id == BERT__FAMILY_ALBERT)
        return load_albert_ends(l, s, out);
    if (family->id == BERT__FAMILY_HERBERT)
        return load_herbert_ends(l, s, out);
    if (family->id == BERT__FAMILY_SPLINTER) {
        find_or_unk(l, s, "[QUESTION]", &out->question);
        find_or_unk(l, s, ".", &out->dot);
    }
    fallback_ids(family, &first, &last);
    status = bert__settings_special(l, s, family->from_bos ? BERT__NAMED_BOS : BERT__NAMED_CLS,
                                    first, &out->first);
    if (status != BERT_OK || has_no_end(family, s))
        return status;
    return bert__settings_special(l, s, eos ? BERT__NAMED_EOS : BERT__NAMED_SEP, last, &out->last);
}

/* The templates of classes without one of their own: bos and eos where they are asked for. */
static bert_status write_asked(const struct bert__load *l, const struct bert__settings *s,
                               struct bert__writer *w)
{
    static const char *const singles[] = {"A0", "C0 A0", "A0 S0", "C0 A0 S0"};
    static const char *const pairs[] = {"A0 B1", "C0 A0 C1 B1", "A0 S0 B1 S1", "C0 A0 S0 C1 B1 S1"};
    bool bos = s->add_bos && s->named[BERT__NAMED_BOS].content.data != NULL;
    bool eos = s->add_eos && s->named[BERT__NAMED_EOS].content.data != NULL;
    struct bert__ends ends;
    bert_status status = BERT_OK;

    memset(&ends, 0, sizeof ends);
    if (bos)
        status = bert__settings_special(l, s, BERT__NAMED_BOS, -1, &ends.first);
    if (eos && status == BERT_OK)
        status = bert__settings_special(l, s, BERT__NAMED_EOS, -1, &ends.last);
    if (status == BERT_OK)
        bert__write_template(w, &ends, singles[bos + 2 * eos], pairs[bos + 2 * eos]);
    return status;
}

/* ALBERT's class gives way to what is asked for, RemBERT's always. */
static bool makes_no_ends(const struct bert__family *family, const struct bert__settings *s)
{
    return family->id == BERT__FAMILY_GPT2 || family->id == BERT__FAMILY_SPM
           || family->id == BERT__FAMILY_REMBERT
           || (family->id == BERT__FAMILY_ALBERT && s->asks_ends);
}

static bert_status write_post(const struct bert__load *l, const struct bert__family *family,
                              const struct bert__settings *s, struct bert__writer *w)
{
    struct bert__ends ends;
    bool left = family->id == BERT__FAMILY_SPLINTER && s->pad_left;
    bert_status status;

    if (makes_no_ends(family, s))
        return write_asked(l, s, w);
    memset(&ends, 0, sizeof ends);
    status = family->id == BERT__FAMILY_BERT_GENERATION ? BERT_OK : load_ends(l, family, s, &ends);
    if (status != BERT_OK)
        return status;
    if (has_no_end(family, s))
        bert__write_template(w, &ends, "C0 A0", "C0 A0 B1");
    else if (family->single != NULL)
        bert__write_template(w, &ends, family->single,
                             left ? "C0 A0 S0 B1 Q0 D0 S1" : family->pair);
    else if (family->id == BERT__FAMILY_HERBERT)
        bert__write_bert(w, &ends.first, &ends.last);
    else if (family->id == BERT__FAMILY_MPNET || family->id == BERT__FAMILY_LUKE)
        bert__write_roberta(w, &ends.first, &ends.last, true, family->id == BERT__FAMILY_LUKE);
    else
        bert__write_roberta(w, &ends.first, &ends.last, s->trim_offsets, s->add_prefix_space);
    return BERT_OK;
}

/* A BERT's is made without being written: it may hold tokens that are no text. */
static bert_status load_bert_post(const struct bert__load *l, const struct bert__family *family,
                                  const struct bert__settings *s)
{
    struct bert__ends ends;
    bert_status status = load_ends(l, family, s, &ends);

    return status == BERT_OK ? bert__load_bert_template(l, &ends.first, &ends.last) : status;
}

static bert_status load_post(struct bert__load *l, const struct bert__family *family,
                             const struct bert__settings *s)
{
    struct bert__writer w = {.alloc = l->tok->alloc};
    const struct bert__json *root = NULL;
    bert_status status;

    if (family->id == BERT__FAMILY_BERT || family->id == BERT__FAMILY_DPR)
        return load_bert_post(l, family, s);
    status = write_post(l, family, s, &w);
    if (status == BERT_OK)
        status = parse(l, &w, &root);
    if (status == BERT_OK)
        status = bert__load_postprocessor(l, root);
    bert__alloc_free(w.alloc, w.data);
    return status;
}

/* What comes behind the model. */
bert_status bert__load_rest(struct bert__load *l, const struct bert__family *family,
                            const struct bert__settings *s)
{
    bert_status status;

    status = bert__settings_add(l, s);
    if (status == BERT_OK)
        status = load_post(l, family, s);
    bert__named_types(l, family);
    if (status == BERT_OK)
        bert__named_set(l, s);
    return status == BERT_OK ? bert__settings_padding(l, s) : status;
}

/* ---- vocab.txt --------------------------------------------------------------------- */

static bert_status load_lines(struct bert__load *l, const struct bert__family *family,
                              const struct bert__json *config, bert_text vocab)
{
    const char *path = l->path;
    struct bert__settings s;
    bert_status status = bert__settings_load(l, family, config, NULL, &s);

    l->path = path;
    if (status == BERT_OK)
        status = bert__load_stages(l, family, &s, (bert_text){NULL, 0}, false);
    if (status == BERT_OK)
        status =
            family->id == BERT__FAMILY_ESM
                ? bert__load_words(l, vocab, s.named[BERT__NAMED_UNK].content)
                : bert__load_vocab(l, vocab.data, vocab.size, s.named[BERT__NAMED_UNK].content);
    if (status == BERT_OK && family->id == BERT__FAMILY_ESM)
        status = bert__settings_words(l, &s);
    if (status == BERT_OK)
        status = bert__load_rest(l, family, &s);
    if (status == BERT_OK && family->id == BERT__FAMILY_ESM)
        status = bert__settings_mark(l, &s);
    return status;
}

/* ---- vocab.json and merges.txt ------------------------------------------------------- */

/* The lines of a file, as strings; without their ends. */
static bert_status split_lines(const struct bert__load *l, bert_text file, struct bert__json *out)
{
    struct bert__json *lines;
    size_t n = 0;
    const char *end = file.size > 0 ? file.data + file.size : file.data, *p = file.data;

    for (size_t i = 0; i < file.size; i++)
        n += file.data[i] == '\n';
    lines = bert__made_room(l, n + 1);
    if (lines == NULL)
        return bert__load_nomem(l);
    for (n = 0; p < end; n++) {
        const char *stop = memchr(p, '\n', (size_t)(end - p));
        size_t size = (size_t)((stop != NULL ? stop : end) - p);
        bool cr = stop != NULL && size > 0 && p[size - 1] == '\r';

        lines[n] = bert__made_string((bert_text){p, size - cr});
        p = stop != NULL ? stop + 1 : end;
    }
    *out = bert__made_array(lines, n);
    return BERT_OK;
}

static bert_status load_merges(struct bert__load *l, const struct bert__family *family,
                               const struct bert__json *config, const struct bert__vocab_files *f)
{
    const char *path = l->path;
    const struct bert__json *vocab;
    struct bert__json merges, model;
    struct bert__json_member members[5];
    struct bert__settings s;
    bert_status status = bert__settings_load(l, family, config, NULL, &s);

    l->path = path;
    if (status == BERT_OK)
        status = bert__load_stages(l, family, &s, (bert_text){NULL, 0}, false);
    if (status == BERT_OK)
        status = bert__json_parse(l->files, l->path, f->vocab.data, f->vocab.size, &vocab, l->err);
    if (status == BERT_OK)
        status = split_lines(l, f->merges, &merges);
    if (status != BERT_OK)
        return status;
    members[0] = bert__made_member("type", bert__made_string(bert__made_text("BPE")));
    members[1] = bert__made_member("vocab", *vocab);
    members[2] = bert__made_member("merges", merges);
    if (family->id == BERT__FAMILY_HERBERT) {
        bert_text unk = s.named[BERT__NAMED_UNK].content;

        members[3] = bert__made_member(
            "unk_token", bert__made_string(unk.data != NULL ? unk : bert__made_text("None")));
        members[4] =
            bert__made_member("end_of_word_suffix", bert__made_string(bert__made_text("</w>")));
    }
    model = bert__made_object(members, family->id == BERT__FAMILY_HERBERT ? 5 : 3);
    status = bert__load_model(l, &model);
    return status == BERT_OK ? bert__load_rest(l, family, &s) : status;
}

bert_status bert__load_files(struct bert__load *l, const struct bert__family *family,
                             const struct bert__json *config, const struct bert__vocab_files *files)
{
    if (bert__family_is_lines(family))
        return load_lines(l, family, config, files->vocab);
    if (family->merges != NULL)
        return load_merges(l, family, config, files);
    return bert__load_spm(l, family, config, files->vocab);
}
