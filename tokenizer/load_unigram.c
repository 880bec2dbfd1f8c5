/* SPDX-License-Identifier: MIT */
/* load_unigram.c - a Unigram model of tokenizer.json. */
#include "lib/base/error.h"
#include "tokenizer/load.h"

static const char what[] = "the model";

/* ---- Scores -------------------------------------------------------------------- */

struct decimal {
    uint64_t digits;
    int power; /* of ten */
    bool full; /* no more digits fit */
};

#define ROOMY UINT64_C(1000000000000000000) /* below it, a digit more fits */

static void add_digit(struct decimal *d, char c, bool fraction)
{
    unsigned digit = (unsigned)(c - '0');

    if (d->digits < ROOMY) { /* as nearly always */
        d->digits = d->digits * 10 + digit;
        d->power -= fraction;
        return;
    }
    d->full = d->full || d->digits > UINT64_MAX / 10
              || (d->digits == UINT64_MAX / 10 && digit > UINT64_MAX % 10);
    if (!d->full)
        d->digits = d->digits * 10 + digit;
    d->power += (d->full ? 1 : 0) - (fraction ? 1 : 0);
}

enum { MAX_POWER = 22 };

/* Those that are doubles. */
static const double power_of_ten[MAX_POWER + 1] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                   1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                                   1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

static void add_exponent(struct decimal *d, const char *s)
{
    bool negative = *s == '-';
    int n = 0;

    for (s += *s == '-' || *s == '+'; *s >= '0' && *s <= '9'; s++)
        n = n < 10000 ? n * 10 + (*s - '0') : n;
    d->power += negative ? -n : n;
}

/*
 * A score as the reference reads it: its JSON parser takes the digits as one integer, rounds
 * that to a double and divides by a power of ten, which rounds again; about every eighth score is
 * then one unit in the last place away from the nearest double.  Ways through a word of equal
 * sums are told apart by less.  *exact is false for powers of ten that are no doubles; the
 * nearest double stands then.
 */
static double read_score(const char *s, bool *exact)
{
    struct decimal d = {0, 0, false};
    bool negative = *s == '-', fraction = false;
    double value;

    for (s += negative; (*s >= '0' && *s <= '9') || *s == '.'; s++) {
        if (*s == '.')
            fraction = true;
        else
            add_digit(&d, *s, fraction);
    }
    if (*s == 'e' || *s == 'E')
        add_exponent(&d, s + 1);
    *exact = d.power >= -MAX_POWER && d.power <= MAX_POWER;
    if (!*exact)
        return 0;
    value = (double)d.digits;
    value = d.power < 0 ? value / power_of_ten[-d.power] : value * power_of_ten[d.power];
    return negative ? -value : value;
}

static double score_of(const struct bert__json *value)
{
    bool exact = false;
    double score = value->u.spelt != NULL ? read_score(value->u.spelt, &exact) : 0;

    return exact ? score : bert__json_number(value);
}

/* ---- Pieces -------------------------------------------------------------------- */

/* A piece and its score, which is read. */
static bert_status check_piece(const struct bert__load *l, const struct bert__json *piece, size_t i,
                               double *score)
{
    const struct bert__json *items = piece->u.array.items;
    char name[84];

    if (piece->type != BERT__JSON_ARRAY || piece->u.array.count != 2
        || items[0].type != BERT__JSON_STRING || items[1].type != BERT__JSON_NUMBER)
        return bert__fail(l->err, BERT_EFORMAT, "%s: piece %zu of %s is not a text and its score",
                          l->path, i, what);
    if (items[0].u.string.size > BERT__UNIGRAM_PIECE)
        return bert__fail(l->err, BERT_ELIMIT, "%s: piece %zu of %s has %zu bytes; at most %d",
                          l->path, i, what, items[0].u.string.size, BERT__UNIGRAM_PIECE);
    *score = score_of(&items[1]);
    if (*score - *score != 0)
        return bert__fail(l->err, BERT_EFORMAT, "%s: the score of piece %zu, \"%s\", is not finite",
                          l->path, i,
                          bert__printable(name, items[0].u.string.data, items[0].u.string.size));
    return BERT_OK;
}

static bert_status check_count(const struct bert__load *l, size_t n)
{
    if (n == 0)
        return bert__fail(l->err, BERT_EFORMAT, "%s: %s has no pieces", l->path, what);
    if (n > BERT__VOCAB_MAX_TOKENS)
        return bert__fail(l->err, BERT_ELIMIT, "%s: %s has %zu pieces", l->path, what, n);
    return BERT_OK;
}

static bert_status read_pieces(const struct bert__load *l, const struct bert__json *pieces,
                               double *scores, size_t *bytes)
{
    *bytes = 0;
    for (size_t i = 0; i < pieces->u.array.count; i++) {
        const struct bert__json *piece = &pieces->u.array.items[i];
        bert_status status = bert__alloc_goes_on_at(l->tok->alloc, i)
                                 ? check_piece(l, piece, i, &scores[i])
                                 : bert__load_nomem(l);

        if (status != BERT_OK)
            return status;
        *bytes += piece->u.array.items[0].u.string.size; /* no piece is long */
    }
    return BERT_OK;
}

static bert_text piece_text(const struct bert__json *pieces, size_t i)
{
    return pieces->u.array.items[i].u.array.items[0].u.string;
}

static bert_status add_pieces(const struct bert__load *l, const struct bert__json *pieces)
{
    struct bert__vocab *v = &l->tok->vocab;
    size_t n = pieces->u.array.count;
    uint64_t hashes[BERT__VOCAB_AHEAD];

    for (size_t ahead = 0, i = 0; i < n; i++) {
        if (!bert__alloc_goes_on_at(l->tok->alloc, i))
            return bert__load_nomem(l);
        for (; ahead < n && ahead < i + BERT__VOCAB_AHEAD; ahead++)
            hashes[ahead % BERT__VOCAB_AHEAD] = bert__vocab_expect(v, piece_text(pieces, ahead));
        bert__vocab_add_again(v, piece_text(pieces, i), hashes[i % BERT__VOCAB_AHEAD], (int32_t)i);
    }
    return bert__vocab_finish(v, l->path, l->err);
}

static bert_status load_pieces(const struct bert__load *l, const struct bert__json *model,
                               double **scores)
{
    const struct bert__json *pieces;
    size_t bytes = 0;
    bert_status status = bert__load_kind(l, model, what, "vocab", BERT__JSON_ARRAY, &pieces);

    if (status == BERT_OK)
        status = check_count(l, pieces->u.array.count);
    if (status != BERT_OK)
        return status;
    *scores = bert__alloc_items(l->tok->alloc, pieces->u.array.count, sizeof **scores);
    if (*scores == NULL)
        return bert__load_nomem(l);
    status = read_pieces(l, pieces, *scores, &bytes);
    if (status != BERT_OK)
        return status;
    if (!bert__vocab_init(&l->tok->vocab, l->tok->alloc, (uint32_t)pieces->u.array.count, bytes))
        return bert__load_nomem(l);
    return add_pieces(l, pieces);
}

/* The reference loads a model without and fails at the first unknown character. */
static bert_status load_unk_id(const struct bert__load *l, const struct bert__json *model,
                               int32_t *out)
{
    bert_status status;

    if (bert__json_find(model, "unk_id") == NULL)
        return bert__fail(l->err, BERT_EFORMAT,
                          "%s: %s has no \"unk_id\": no piece for unknown characters", l->path,
                          what);
    status = bert__load_id(l, model, what, "unk_id", out);
    if (status == BERT_OK && (uint32_t)*out >= l->tok->vocab.n)
        return bert__fail(l->err, BERT_EFORMAT, "%s: \"unk_id\" is %ld; %s has %lu pieces", l->path,
                          (long)*out, what, (unsigned long)l->tok->vocab.n);
    return status;
}

bert_status bert__load_unigram(const struct bert__load *l, const struct bert__json *model)
{
    double *scores = NULL;
    int32_t unk_id = 0;
    bool byte_fallback = false;
    bert_status status =
        bert__json_read_bool(model, l->path, "byte_fallback", &byte_fallback, l->err);

    if (status == BERT_OK)
        status = load_pieces(l, model, &scores);
    if (status == BERT_OK)
        status = load_unk_id(l, model, &unk_id);
    if (status != BERT_OK) {
        bert__alloc_free(l->tok->alloc, scores);
        return status;
    }
    l->tok->model.kind = BERT__MODEL_UNIGRAM;
    l->tok->model.surface_id = unk_id;
    bert__unigram_init(&l->tok->model.u.unigram, l->tok->alloc, &l->tok->vocab, scores, unk_id,
                       byte_fallback);
    return BERT_OK;
}
