/* SPDX-License-Identifier: MIT */
/* load_spm_files.c - a tokenizer from a SentencePiece model and the settings beside it. */
#include "lib/base/error.h"
#include "tokenizer/load_made.h"
#include "tokenizer/load_spm.h"

/* A list of pieces being made. */
struct pieces {
    struct bert__json *items; /* [text, score] */
    struct bert__json *parts; /* two each */
    size_t n;
};

static void add_piece(struct pieces *p, bert_text text, double score)
{
    struct bert__json *pair = p->parts + 2 * p->n;

    pair[0] = bert__made_string(text);
    pair[1] = (struct bert__json){.type = BERT__JSON_NUMBER, .u.number = score};
    p->items[p->n++] = bert__made_array(pair, 2);
}

static void add_named(struct pieces *p, const struct bert__settings *s, enum bert__named named)
{
    bert_text text = s->named[named].content;

    add_piece(p, text.data != NULL ? text : bert__made_text("None"), 0);
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
        add_piece(p, bert__made_text("<s>NOTUSED"), 0);
        add_named(p, s, BERT__NAMED_PAD);
        add_piece(p, bert__made_text("</s>NOTUSED"), 0);
        add_named(p, s, BERT__NAMED_UNK);
        add_piece(p, bert__made_text("<unk>NOTUSED"), -100);
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
    p.items = bert__made_room(l, room);
    p.parts = bert__made_room(l, 2 * room);
    if (p.items == NULL || p.parts == NULL)
        return bert__load_nomem(l);
    add_front(&p, family, s);
    for (size_t i = xlmr ? 3 : camembert ? 1 : 0; i < spm->n; i++)
        add_piece(&p, spm->pieces[i].text, (double)spm->pieces[i].score);
    if (xlmr || camembert)
        add_named(&p, s, BERT__NAMED_MASK);
    *out = bert__made_array(p.items, p.n);
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

    unk = unk.data != NULL ? unk : bert__made_text("None");
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
    members[0] = bert__made_member("type", bert__made_string(bert__made_text("Unigram")));
    members[1] = bert__made_member("vocab", pieces);
    members[2] = bert__made_member("unk_id", bert__made_id(find_unk(family, s, spm, &pieces)));
    members[3] = bert__made_member(
        "byte_fallback", bert__made_bool(spm->byte_fallback
                                         && (family->id == BERT__FAMILY_SPM
                                             || family->id == BERT__FAMILY_BERT_GENERATION)));
    model = bert__made_object(members, 4);
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

static bert_status load_spm_stages(struct bert__load *l, const struct bert__family *family,
                                   const struct bert__settings *s, const struct bert__spm *spm)
{
    bert_status status = bert__load_stages(l, family, s, spm->charsmap, spm->byte_fallback);

    if (status != BERT_OK)
        return status;
    return family->id == BERT__FAMILY_SPM && spm->model_type != 1
               ? bert__load_spm_bpe(l, spm, s, false, false)
               : load_unigram(l, family, s, spm);
}

/* The stages of a class that calls SentencePiece, and its model. */
static bert_status load_spm_own(struct bert__load *l, const struct bert__family *family,
                                struct bert__settings *s, const struct bert__spm *spm)
{
    struct bert__writer w = {.alloc = l->tok->alloc};
    struct bert__spm_symbols symbols;
    bert_status status;

    if (!s->legacy)
        return bert__fail(l->err, BERT_EUNSUPPORTED, "%s: legacy is false, which is not supported",
                          l->config_path);
    status = bert__spm_symbols(l, spm, &symbols);

    if (status != BERT_OK)
        return status;
    bert__write_spm_words(&w, spm, &symbols);
    status = bert__load_written(l, &w);
    bert__alloc_free(w.alloc, w.data);
    if (status == BERT_OK)
        status = bert__load_spm_normalizer(l, spm, &symbols);
    bert__settings_raw(s);
    if (status != BERT_OK)
        return status;
    if (spm->model_type == 2)
        return bert__load_spm_bpe(l, spm, s, true, symbols.n > 0);
    status = load_unigram(l, family, s, spm);
    if (status == BERT_OK)
        bert__hide_spm_pieces(l, spm);
    return status;
}

bert_status bert__load_spm(struct bert__load *l, const struct bert__family *family,
                           const struct bert__json *config, bert_text file)
{
    const char *path = l->path;
    struct bert__family named = *family;
    struct bert__extra_tokens extra;
    struct bert__settings s;
    struct bert__spm spm;
    bool own = family->id == BERT__FAMILY_BERT_GENERATION;
    bert_status status = bert__spm_read(l, file.data, file.size, &spm);

    if (status == BERT_OK)
        status = list_extra(l, &spm, &extra);
    if (status == BERT_OK && family->id == BERT__FAMILY_SPM)
        status = name_own(l, &spm, &named);
    if (status == BERT_OK)
        status = bert__settings_load(l, &named, config, own ? NULL : &extra, &s);
    l->path = path;
    if (status == BERT_OK && own)
        status = load_spm_own(l, family, &s, &spm);
    else if (status == BERT_OK)
        status = load_spm_stages(l, family, &s, &spm);
    if (status == BERT_OK)
        status = bert__load_rest(l, family, &s);
    if (status == BERT_OK && own)
        status = bert__settings_mark(l, &s);
    return status;
}
