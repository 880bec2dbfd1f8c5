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
#include "tokenizer/load_spm.h"
#include "tokenizer/load_write.h"

static bert_text text_of(const char *s)
{
    return (bert_text){s, strlen(s)};
}

/* ---- Values made by hand --------------------------------------------------------- */

static struct bert__json string_value(bert_text text)
{
    return (struct bert__json){.type = BERT__JSON_STRING, .u.string = text};
}

static struct bert__json id_value(int32_t id)
{
    return (struct bert__json){.type = BERT__JSON_NUMBER, .is_integer = true, .u.integer = id};
}

static struct bert__json bool_value(bool value)
{
    return (struct bert__json){.type = value ? BERT__JSON_TRUE : BERT__JSON_FALSE};
}

static struct bert__json *new_values(const struct bert__load *l, size_t n)
{
    size_t bytes;

    return bert__size_mul(n, sizeof(struct bert__json), &bytes) ? bert__arena_get(l->files, bytes)
                                                                : NULL;
}

static struct bert__json array_value(const struct bert__json *items, size_t n)
{
    return (struct bert__json){
        .type = BERT__JSON_ARRAY, .u.array.items = items, .u.array.count = n};
}

static struct bert__json object_value(const struct bert__json_member *members, size_t n)
{
    return (struct bert__json){
        .type = BERT__JSON_OBJECT, .u.object.members = members, .u.object.count = n};
}

static struct bert__json_member member(const char *key, struct bert__json value)
{
    return (struct bert__json_member){.key = text_of(key), .value = value};
}

/* ---- What the classes have in common ----------------------------------------------- */

static bert_status parse(const struct bert__load *l, const struct bert__writer *w,
                         const struct bert__json **out)
{
    if (w->failed)
        return bert__load_nomem(l);
    return bert__json_parse(l->files, l->path, w->data, w->size, out, l->err);
}

static bert_status load_stages(struct bert__load *l, const struct bert__family *family,
                               const struct bert__settings *s, bert_text charsmap,
                               bool byte_fallback)
{
    struct bert__writer w = {.alloc = l->tok->alloc};
    const struct bert__json *root = NULL;
    bert_status status;

    bert__write_stages(&w, family, s, charsmap, byte_fallback);
    status = parse(l, &w, &root);
    if (status == BERT_OK)
        status = bert__load_normalizer(l, root);
    if (status == BERT_OK)
        status = bert__load_pretokenizer(l, root);
    if (status == BERT_OK)
        status = bert__load_decoder(l, root);
    bert__alloc_free(w.alloc, w.data);
    return status;
}

/* ---- Post-processors ----------------------------------------------------------------- */

/* ALBERT's ends are those of the vocabulary, under fixed names. */
static bert_status load_albert_ends(const struct bert__load *l, const struct bert__settings *s,
                                    struct bert__ends *out)
{
    bert_status status;

    out->first.text = text_of("[CLS]");
    out->last.text = text_of("[SEP]");
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
    out->text = text_of(text);
    out->id = bert__tokenizer_id(l->tok, out->text);
    if (out->id < 0 && s->named[BERT__NAMED_UNK].content.data != NULL)
        out->id = bert__tokenizer_id(l->tok, s->named[BERT__NAMED_UNK].content);
}

static bert_status load_ends(const struct bert__load *l, const struct bert__family *family,
                             const struct bert__settings *s, struct bert__ends *out)
{
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
    return status == BERT_OK ? bert__settings_special(
               l, s, family->from_bos ? BERT__NAMED_EOS : BERT__NAMED_SEP, last, &out->last)
                             : status;
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
    status = load_ends(l, family, s, &ends);
    if (status != BERT_OK)
        return status;
    if (family->single != NULL)
        bert__write_template(w, &ends, family->single,
                             left ? "C0 A0 S0 B1 Q0 D0 S1" : family->pair);
    else if (family->id == BERT__FAMILY_HERBERT)
        bert__write_bert(w, &ends.first, &ends.last);
    else if (family->id == BERT__FAMILY_MPNET)
        bert__write_roberta(w, &ends.first, &ends.last, true, false);
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
static bert_status load_rest(struct bert__load *l, const struct bert__family *family,
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
        status = load_stages(l, family, &s, (bert_text){NULL, 0}, false);
    if (status == BERT_OK)
        status = bert__load_vocab(l, vocab.data, vocab.size, s.named[BERT__NAMED_UNK].content);
    return status == BERT_OK ? load_rest(l, family, &s) : status;
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
    lines = new_values(l, n + 1);
    if (lines == NULL)
        return bert__load_nomem(l);
    for (n = 0; p < end; n++) {
        const char *stop = memchr(p, '\n', (size_t)(end - p));
        size_t size = (size_t)((stop != NULL ? stop : end) - p);
        bool cr = stop != NULL && size > 0 && p[size - 1] == '\r';

        lines[n] = string_value((bert_text){p, size - cr});
        p = stop != NULL ? stop + 1 : end;
    }
    *out = array_value(lines, n);
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
        status = load_stages(l, family, &s, (bert_text){NULL, 0}, false);
    if (status == BERT_OK)
        status = bert__json_parse(l->files, l->path, f->vocab.data, f->vocab.size, &vocab, l->err);
    if (status == BERT_OK)
        status = split_lines(l, f->merges, &merges);
    if (status != BERT_OK)
        return status;
    members[0] = member("type", string_value(text_of("BPE")));
    members[1] = member("vocab", *vocab);
    members[2] = member("merges", merges);
    if (family->id == BERT__FAMILY_HERBERT) {
        bert_text unk = s.named[BERT__NAMED_UNK].content;

        members[3] = member("unk_token", string_value(unk.data != NULL ? unk : text_of("None")));
        members[4] = member("end_of_word_suffix", string_value(text_of("</w>")));
    }
    model = object_value(members, family->id == BERT__FAMILY_HERBERT ? 5 : 3);
    status = bert__load_model(l, &model);
    return status == BERT_OK ? load_rest(l, family, &s) : status;
}

/* ---- SentencePiece ------------------------------------------------------------------- */

/* A list of pieces being made. */
struct pieces {
    struct bert__json *items; /* [text, score] */
    struct bert__json *parts; /* two each */
    size_t n;
};

static void add_piece(struct pieces *p, bert_text text, double score)
{
    struct bert__json *pair = p->parts + 2 * p->n;

    pair[0] = string_value(text);
    pair[1] = (struct bert__json){.type = BERT__JSON_NUMBER, .u.number = score};
    p->items[p->n++] = array_value(pair, 2);
}

static void add_named(struct pieces *p, const struct bert__settings *s, enum bert__named named)
{
    bert_text text = s->named[named].content;

    add_piece(p, text.data != NULL ? text : text_of("None"), 0);
}

/* The classes' own order: fairseq's special pieces stand before those of the model. */
static void add_front(struct pieces *p, const struct bert__family *family,
                      const struct bert__settings *s)
{
    if (family->id == BERT__FAMILY_XLMR) {
        add_named(p, s, BERT__NAMED_BOS);
        add_named(p, s, BERT__NAMED_PAD);
        add_named(p, s, BERT__NAMED_EOS);
        add_named(p, s, BERT__NAMED_UNK);
    } else if (family->id == BERT__FAMILY_CAMEMBERT) {
        add_piece(p, text_of("<s>NOTUSED"), 0);
        add_named(p, s, BERT__NAMED_PAD);
        add_piece(p, text_of("</s>NOTUSED"), 0);
        add_named(p, s, BERT__NAMED_UNK);
        add_piece(p, text_of("<unk>NOTUSED"), -100);
    }
}

static bert_status make_pieces(const struct bert__load *l, const struct bert__family *family,
                               const struct bert__settings *s, const struct bert__spm *spm,
                               struct bert__json *out)
{
    bool xlmr = family->id == BERT__FAMILY_XLMR, camembert = family->id == BERT__FAMILY_CAMEMBERT;
    struct pieces p = {NULL, NULL, 0};
    size_t room;

    if (!bert__size_add(spm->n, 6, &room) || room > SIZE_MAX / 2)
        return bert__load_nomem(l);
    p.items = new_values(l, room);
    p.parts = new_values(l, 2 * room);
    if (p.items == NULL || p.parts == NULL)
        return bert__load_nomem(l);
    add_front(&p, family, s);
    for (size_t i = xlmr ? 3 : camembert ? 1 : 0; i < spm->n; i++)
        add_piece(&p, spm->pieces[i].text, (double)spm->pieces[i].score);
    if (xlmr || camembert)
        add_named(&p, s, BERT__NAMED_MASK);
    *out = array_value(p.items, p.n);
    return BERT_OK;
}

static bool is_piece(const struct bert__json *piece, bert_text text)
{
    bert_text own = piece->u.array.items[0].u.string;

    return own.size == text.size && (text.size == 0 || memcmp(own.data, text.data, text.size) == 0);
}

/* The first piece of that text, of any score or of 0. */
static bool find_piece(const struct bert__json *pieces, bert_text text, bool zero, int32_t *out)
{
    for (size_t i = 0; i < pieces->u.array.count && i < INT32_MAX; i++) {
        const struct bert__json *piece = &pieces->u.array.items[i];

        *out = (int32_t)i;
        if (is_piece(piece, text) && (!zero || piece->u.array.items[1].u.number == 0))
            return true;
    }
    return false;
}

/* The classes' ways to the id of the unknown piece. */
static int32_t find_unk(const struct bert__family *family, const struct bert__settings *s,
                        const struct bert__spm *spm, const struct bert__json *pieces)
{
    bert_text unk = s->named[BERT__NAMED_UNK].content;
    int32_t id;

    unk = unk.data != NULL ? unk : text_of("None");
    switch (family->id) {
    case BERT__FAMILY_XLMR:
        return 3;
    case BERT__FAMILY_ALBERT:
        return 1;
    case BERT__FAMILY_REMBERT:
        return 2;
    case BERT__FAMILY_CAMEMBERT:
        return find_piece(pieces, unk, false, &id) ? id : 0;
    case BERT__FAMILY_BIG_BIRD:
        return find_piece(pieces, unk, true, &id) ? id : 100;
    case BERT__FAMILY_DEBERTA_V2:
        return find_piece(pieces, unk, true, &id) ? id : spm->unk_id;
    default:
        return spm->unk_id;
    }
}

static bert_status load_unigram(struct bert__load *l, const struct bert__family *family,
                                const struct bert__settings *s, const struct bert__spm *spm)
{
    struct bert__json_member members[4];
    struct bert__json pieces, model;
    bert_status status = make_pieces(l, family, s, spm, &pieces);

    if (status != BERT_OK)
        return status;
    members[0] = member("type", string_value(text_of("Unigram")));
    members[1] = member("vocab", pieces);
    members[2] = member("unk_id", id_value(find_unk(family, s, spm, &pieces)));
    members[3] =
        member("byte_fallback", bool_value(family->id == BERT__FAMILY_SPM && spm->byte_fallback));
    model = object_value(members, 4);
    return bert__load_model(l, &model);
}

/* Control pieces and user-defined ones are found in the text before the model sees it. */
static bert_status list_extra(const struct bert__load *l, const struct bert__spm *spm,
                              struct bert__extra_tokens *out)
{
    struct bert__added_token *tokens;
    uint32_t n = 0;

    for (size_t i = 0; i < spm->n && n < UINT32_MAX; i++)
        n += spm->pieces[i].type == BERT__SPM_CONTROL || spm->pieces[i].type == BERT__SPM_USER;
    tokens = bert__arena_get(l->files, n * sizeof *tokens);
    if (tokens == NULL)
        return bert__load_nomem(l);
    out->tokens = tokens;
    out->n = 0;
    for (size_t i = 0; i < spm->n && out->n < n; i++) {
        const struct bert__spm_piece *p = &spm->pieces[i];

        if (p->type == BERT__SPM_CONTROL || p->type == BERT__SPM_USER)
            tokens[out->n++] = (struct bert__added_token){.content = p->text,
                                                          .special = p->type == BERT__SPM_CONTROL};
    }
    return BERT_OK;
}

/* A model of no class names its own special tokens. */
static bert_status name_own(const struct bert__load *l, const struct bert__spm *spm,
                            struct bert__family *family)
{
    const struct {
        enum bert__named named;
        int32_t id;
        bert_text piece;
    } own[] = {{BERT__NAMED_BOS, spm->bos_id, spm->bos_piece},
               {BERT__NAMED_EOS, spm->eos_id, spm->eos_piece},
               {BERT__NAMED_UNK, spm->unk_id, spm->unk_piece}};

    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        if (own[i].id < 0)
            continue;
        family->named[own[i].named] =
            bert__arena_string(l->files, own[i].piece.data, own[i].piece.size);
        if (family->named[own[i].named] == NULL)
            return bert__load_nomem(l);
    }
    return BERT_OK;
}

static bert_status load_spm(struct bert__load *l, const struct bert__family *family,
                            const struct bert__json *config, bert_text file)
{
    const char *path = l->path;
    struct bert__family named = *family;
    struct bert__extra_tokens extra;
    struct bert__settings s;
    struct bert__spm spm;
    bert_status status = bert__spm_read(l, file.data, file.size, &spm);

    if (status == BERT_OK)
        status = list_extra(l, &spm, &extra);
    if (status == BERT_OK && family->id == BERT__FAMILY_SPM)
        status = name_own(l, &spm, &named);
    if (status == BERT_OK)
        status = bert__settings_load(l, &named, config, &extra, &s);
    l->path = path;
    if (status == BERT_OK)
        status = load_stages(l, family, &s, spm.charsmap, spm.byte_fallback);
    if (status == BERT_OK)
        status = family->id == BERT__FAMILY_SPM && spm.model_type != 1
                     ? bert__load_spm_bpe(l, &spm, &s)
                     : load_unigram(l, family, &s, &spm);
    return status == BERT_OK ? load_rest(l, family, &s) : status;
}

bert_status bert__load_files(struct bert__load *l, const struct bert__family *family,
                             const struct bert__json *config, const struct bert__vocab_files *files)
{
    if (bert__family_is_lines(family))
        return load_lines(l, family, config, files->vocab);
    if (family->merges != NULL)
        return load_merges(l, family, config, files);
    return load_spm(l, family, config, files->vocab);
}
