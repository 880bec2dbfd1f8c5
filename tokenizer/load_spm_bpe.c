/* SPDX-License-Identifier: MIT */
/* load_spm_bpe.c - the merges that a SentencePiece model doesn't list: as the reference finds
 * them, by the order of the pieces that they make. */
#include "lib/base/error.h"
#include "tokenizer/load_files.h"
#include "tokenizer/load_spm.h"

enum { MAX_PIECE = 1024 }; /* every place to part a piece is tried */

struct finder {
    struct bert__load *l;
    struct bert__vocab ids; /* pieces to their places */
    struct bert__json *merges, *parts;
    size_t n, merges_cap, parts_cap;
    bool whole;
};

static bert_status index_pieces(struct finder *f, const struct bert__spm *spm)
{
    size_t bytes = 0;

    for (size_t i = 0; i < spm->n; i++) {
        bytes += spm->pieces[i].text.size; /* within the file */
        if (spm->pieces[i].text.size > MAX_PIECE)
            return bert__fail(f->l->err, BERT_ELIMIT, "%s: piece %zu has %zu bytes; at most %d",
                              f->l->path, i, spm->pieces[i].text.size, MAX_PIECE);
    }
    if (spm->n > BERT__VOCAB_MAX_TOKENS)
        return bert__fail(f->l->err, BERT_ELIMIT, "%s: %zu pieces", f->l->path, spm->n);
    if (!bert__vocab_init(&f->ids, f->l->tok->alloc, (uint32_t)spm->n, bytes))
        return bert__load_nomem(f->l);
    for (uint32_t i = 0; i < (uint32_t)spm->n; i++) {
        char name[84];

        bert__vocab_add(&f->ids, spm->pieces[i].text, (int32_t)i);
        if (f->ids.n != i + 1)
            return bert__fail(
                f->l->err, BERT_EFORMAT, "%s: piece \"%s\" is there twice", f->l->path,
                bert__printable(name, spm->pieces[i].text.data, spm->pieces[i].text.size));
    }
    return BERT_OK;
}

static bool add_merge(struct finder *f, bert_text left, bert_text right)
{
    struct bert__alloc *alloc = f->l->tok->alloc;

    if (!bert__reserve(alloc, &f->parts, &f->parts_cap, 2 * f->n + 2, sizeof *f->parts))
        return false;
    f->parts[2 * f->n] = (struct bert__json){.type = BERT__JSON_STRING, .u.string = left};
    f->parts[2 * f->n + 1] = (struct bert__json){.type = BERT__JSON_STRING, .u.string = right};
    f->n++;
    return true;
}

/* Every place where the piece parts into two. */
static bool part(struct finder *f, bert_text piece)
{
    for (size_t i = 1; i < piece.size; i++) {
        bert_text left = {piece.data, i}, right = {piece.data + i, piece.size - i};

        if (((unsigned char)piece.data[i] & 0xC0) == 0x80)
            continue;
        if (bert__vocab_find(&f->ids, left.data, left.size) != NULL
            && bert__vocab_find(&f->ids, right.data, right.size) != NULL
            && !add_merge(f, left, right))
            return false;
    }
    return true;
}

/* Parts as an array of pairs. */
static bool pair_up(struct finder *f)
{
    if (!bert__reserve(f->l->tok->alloc, &f->merges, &f->merges_cap, f->n, sizeof *f->merges))
        return false;
    for (size_t i = 0; i < f->n; i++)
        f->merges[i] = (struct bert__json){
            .type = BERT__JSON_ARRAY, .u.array.items = f->parts + 2 * i, .u.array.count = 2};
    return true;
}

/* A piece at whose id the settings list a token that the model doesn't have is that token. */
static void rename_listed(const struct finder *f, const struct bert__spm *spm,
                          const struct bert__settings *s, struct bert__json_member *members)
{
    for (uint32_t i = 0; i < s->n_listed; i++) {
        bert_text token = s->tokens[i].content;
        int64_t id = s->listed_ids[i];

        if (id < (int64_t)spm->n && spm->pieces[id].text.size > 0
            && bert__vocab_find(&f->ids, token.data, token.size) == NULL)
            members[id].key = token;
    }
}

static bert_status load(struct finder *f, const struct bert__spm *spm,
                        const struct bert__settings *s)
{
    struct bert__json vocab = {.type = BERT__JSON_OBJECT, .u.object.count = spm->n};
    struct bert__json_member *members, top[7];
    struct bert__json model = {.type = BERT__JSON_OBJECT,
                               .u.object.members = top,
                               .u.object.count = sizeof top / sizeof *top};
    size_t bytes;

    if (!bert__size_mul(spm->n, sizeof *members, &bytes))
        return bert__load_nomem(f->l);
    members = bert__arena_get(f->l->files, bytes);
    if (members == NULL)
        return bert__load_nomem(f->l);
    for (size_t i = 0; i < spm->n; i++)
        members[i] = (struct bert__json_member){
            .key = spm->pieces[i].text,
            .value = {.type = BERT__JSON_NUMBER, .is_integer = true, .u.integer = (int64_t)i}};
    rename_listed(f, spm, s, members);
    vocab.u.object.members = members;
    top[0] = (struct bert__json_member){{"type", 4},
                                        {.type = BERT__JSON_STRING, .u.string = {"BPE", 3}}};
    top[1] = (struct bert__json_member){{"vocab", 5}, vocab};
    top[2] = (struct bert__json_member){
        {"merges", 6},
        {.type = BERT__JSON_ARRAY, .u.array.items = f->merges, .u.array.count = f->n}};
    top[3] = (struct bert__json_member){{"fuse_unk", 8}, {.type = BERT__JSON_TRUE}};
    top[4] = (struct bert__json_member){
        {"byte_fallback", 13}, {.type = spm->byte_fallback ? BERT__JSON_TRUE : BERT__JSON_FALSE}};
    top[5] = (struct bert__json_member){{"unk_token", 9},
                                        {.type = BERT__JSON_STRING, .u.string = spm->unk_piece}};
    top[6] = (struct bert__json_member){{"ignore_merges", 13},
                                        {.type = f->whole ? BERT__JSON_TRUE : BERT__JSON_FALSE}};
    return bert__load_model(f->l, &model);
}

bert_status bert__load_spm_bpe(struct bert__load *l, const struct bert__spm *spm,
                               const struct bert__settings *s, bool own, bool whole)
{
    struct finder f = {.l = l, .whole = whole};
    bert_status status = index_pieces(&f, spm);

    for (size_t i = 0; i < spm->n && status == BERT_OK; i++) {
        if (own && spm->pieces[i].type != BERT__SPM_NORMAL)
            continue;
        if (!part(&f, spm->pieces[i].text))
            status = bert__load_nomem(l);
    }
    if (status == BERT_OK && !pair_up(&f))
        status = bert__load_nomem(l);
    if (status == BERT_OK)
        status = load(&f, spm, s);
    bert__vocab_free(&f.ids);
    bert__alloc_free(l->tok->alloc, f.merges);
    bert__alloc_free(l->tok->alloc, f.parts);
    return status;
}
