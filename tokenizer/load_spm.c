/* SPDX-License-Identifier: MIT */
/* load_spm.c - a SentencePiece model, field by field (sentencepiece_model.proto). */
#include "tokenizer/load_spm.h"

#include "lib/base/error.h"
#include "lib/base/utf8.h"

/* Ways in which a field is written. */
enum wire { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2, WIRE_32 = 5 };

/* Fields that are read. */
enum {
    MODEL_PIECES = 1,
    MODEL_TRAINER = 2,
    MODEL_NORMALIZER = 3,
    PIECE_TEXT = 1,
    PIECE_SCORE = 2,
    PIECE_TYPE = 3,
    TRAINER_MODEL_TYPE = 3,
    TRAINER_SPACE_AS_SUFFIX = 24,
    TRAINER_BYTE_FALLBACK = 35,
    TRAINER_UNK_ID = 40,
    TRAINER_BOS_ID = 41,
    TRAINER_EOS_ID = 42,
    TRAINER_UNK_PIECE = 45,
    TRAINER_BOS_PIECE = 46,
    TRAINER_EOS_PIECE = 47,
    NORMALIZER_CHARSMAP = 2,
    NORMALIZER_DUMMY_PREFIX = 3,
    NORMALIZER_EXTRA_SPACES = 4,
    NORMALIZER_ESCAPE_SPACES = 5
};

struct reader {
    const struct bert__load *l;
    const char *start, *p, *end; /* of the file; of the message being read */
    const char *name;            /* of that */
};

struct field {
    uint64_t number;
    enum wire wire;
    uint64_t value;  /* of numbers */
    bert_text bytes; /* of the others */
};

static bert_status fail(const struct reader *r, const char *what)
{
    return bert__fail(r->l->err, BERT_EFORMAT, "%s: byte %zu, in %s: %s", r->l->path,
                      (size_t)(r->p - r->start), r->name, what);
}

/* ---- The wire ------------------------------------------------------------------ */

static bert_status read_varint(struct reader *r, uint64_t *out)
{
    *out = 0;
    for (unsigned shift = 0; shift < 70 && r->p + shift / 7 < r->end; shift += 7) {
        unsigned char c = (unsigned char)r->p[shift / 7];

        if (shift == 63 && c > 1)
            return fail(r, "a number of more than 64 bits");
        *out |= (uint64_t)(c & 0x7F) << shift;
        if (c < 0x80) {
            r->p += shift / 7 + 1;
            return BERT_OK;
        }
    }
    return fail(r, r->end - r->p >= 10 ? "a number of more than 64 bits"
                                       : "the file ends within a number");
}

static bert_status read_fixed(struct reader *r, size_t n, uint64_t *out)
{
    *out = 0;
    if ((size_t)(r->end - r->p) < n)
        return fail(r, "the file ends within a number");
    for (size_t i = 0; i < n; i++)
        *out |= (uint64_t)(unsigned char)r->p[i] << (8 * i);
    r->p += n;
    return BERT_OK;
}

static bert_status read_bytes(struct reader *r, bert_text *out)
{
    uint64_t size;
    bert_status status = read_varint(r, &size);

    if (status != BERT_OK)
        return status;
    if (size > (uint64_t)(r->end - r->p))
        return bert__fail(r->l->err, BERT_EFORMAT,
                          "%s: byte %zu, in %s: a field of %llu bytes, where %zu are left",
                          r->l->path, (size_t)(r->p - r->start), r->name, (unsigned long long)size,
                          (size_t)(r->end - r->p));
    *out = (bert_text){r->p, (size_t)size};
    r->p += size;
    return BERT_OK;
}

static bert_status read_field(struct reader *r, struct field *f)
{
    uint64_t tag;
    bert_status status = read_varint(r, &tag);

    *f = (struct field){.number = tag >> 3, .wire = (enum wire)(tag & 7)};
    if (status != BERT_OK)
        return status;
    if (f->number == 0 || f->number >= (uint64_t)1 << 29)
        return bert__fail(r->l->err, BERT_EFORMAT,
                          "%s: byte %zu, in %s: no field has the number %llu; this is no "
                          "SentencePiece model",
                          r->l->path, (size_t)(r->p - r->start), r->name,
                          (unsigned long long)f->number);
    switch (f->wire) {
    case WIRE_VARINT:
        return read_varint(r, &f->value);
    case WIRE_64:
        return read_fixed(r, 8, &f->value);
    case WIRE_BYTES:
        return read_bytes(r, &f->bytes);
    case WIRE_32:
        return read_fixed(r, 4, &f->value);
    }
    return bert__fail(r->l->err, BERT_EFORMAT,
                      "%s: byte %zu, in %s: field %llu has the wire type %d; this is no "
                      "SentencePiece model",
                      r->l->path, (size_t)(r->p - r->start), r->name, (unsigned long long)f->number,
                      (int)(tag & 7));
}

static bool is(const struct field *f, uint64_t number, enum wire wire)
{
    return f->number == number && f->wire == wire;
}

static struct reader inner(const struct reader *r, const struct field *f, const char *name)
{
    return (struct reader){r->l, r->start, f->bytes.data, f->bytes.data + f->bytes.size, name};
}

/* ---- Messages ------------------------------------------------------------------ */

static bool is_utf8(bert_text text)
{
    size_t len;

    for (size_t i = 0; i < text.size; i += len) {
        if (bert__utf8_next(text.data + i, text.size - i, &len) == BERT__UTF8_BAD)
            return false;
    }
    return true;
}

static bert_status read_piece(struct reader r, size_t i, struct bert__spm_piece *out)
{
    bert_status status = BERT_OK;
    char name[84];

    *out = (struct bert__spm_piece){.text = {"", 0}, .type = BERT__SPM_NORMAL};
    while (status == BERT_OK && r.p < r.end) {
        struct field f;

        status = read_field(&r, &f);
        if (status != BERT_OK)
            break;
        if (is(&f, PIECE_TEXT, WIRE_BYTES))
            out->text = f.bytes;
        else if (is(&f, PIECE_TYPE, WIRE_VARINT))
            out->type = f.value;
        else if (is(&f, PIECE_SCORE, WIRE_32)) {
            uint32_t bits = (uint32_t)f.value;

            memcpy(&out->score, &bits, sizeof out->score);
        }
    }
    if (status == BERT_OK && !is_utf8(out->text))
        return bert__fail(r.l->err, BERT_EFORMAT, "%s: piece %zu is not UTF-8", r.l->path, i);
    if (status == BERT_OK && !(out->score - out->score == 0))
        return bert__fail(r.l->err, BERT_EFORMAT,
                          "%s: the score of piece %zu, \"%s\", is not finite", r.l->path, i,
                          bert__printable(name, out->text.data, out->text.size));
    return status;
}

static void take_trainer(const struct field *f, struct bert__spm *out)
{
    int32_t id = (int32_t)(uint32_t)f->value;

    if (is(f, TRAINER_MODEL_TYPE, WIRE_VARINT))
        out->model_type = f->value;
    else if (is(f, TRAINER_BYTE_FALLBACK, WIRE_VARINT))
        out->byte_fallback = f->value != 0;
    else if (is(f, TRAINER_SPACE_AS_SUFFIX, WIRE_VARINT))
        out->space_as_suffix = f->value != 0;
    else if (is(f, TRAINER_UNK_ID, WIRE_VARINT))
        out->unk_id = id;
    else if (is(f, TRAINER_BOS_ID, WIRE_VARINT))
        out->bos_id = id;
    else if (is(f, TRAINER_EOS_ID, WIRE_VARINT))
        out->eos_id = id;
    else if (is(f, TRAINER_UNK_PIECE, WIRE_BYTES))
        out->unk_piece = f->bytes;
    else if (is(f, TRAINER_BOS_PIECE, WIRE_BYTES))
        out->bos_piece = f->bytes;
    else if (is(f, TRAINER_EOS_PIECE, WIRE_BYTES))
        out->eos_piece = f->bytes;
}

static bert_status read_trainer(struct reader r, struct bert__spm *out)
{
    bert_status status = BERT_OK;

    while (status == BERT_OK && r.p < r.end) {
        struct field f;

        status = read_field(&r, &f);
        if (status == BERT_OK)
            take_trainer(&f, out);
    }
    if (status == BERT_OK
        && !(is_utf8(out->unk_piece) && is_utf8(out->bos_piece) && is_utf8(out->eos_piece)))
        return bert__fail(r.l->err, BERT_EFORMAT, "%s: the name of a special piece is not UTF-8",
                          r.l->path);
    return status;
}

static bert_status read_normalizer(struct reader r, struct bert__spm *out)
{
    bert_status status = BERT_OK;

    while (status == BERT_OK && r.p < r.end) {
        struct field f;

        status = read_field(&r, &f);
        if (status == BERT_OK && is(&f, NORMALIZER_CHARSMAP, WIRE_BYTES))
            out->charsmap = f.bytes;
        else if (status == BERT_OK && is(&f, NORMALIZER_DUMMY_PREFIX, WIRE_VARINT))
            out->add_dummy_prefix = f.value != 0;
        else if (status == BERT_OK && is(&f, NORMALIZER_EXTRA_SPACES, WIRE_VARINT))
            out->remove_extra_spaces = f.value != 0;
        else if (status == BERT_OK && is(&f, NORMALIZER_ESCAPE_SPACES, WIRE_VARINT))
            out->escape_spaces = f.value != 0;
    }
    return status;
}

static bert_status count_pieces(struct reader r, size_t *n)
{
    bert_status status = BERT_OK;

    *n = 0;
    while (status == BERT_OK && r.p < r.end) {
        struct field f;

        status = read_field(&r, &f);
        *n += status == BERT_OK && is(&f, MODEL_PIECES, WIRE_BYTES);
    }
    return status;
}

bert_status bert__spm_read(const struct bert__load *l, const char *data, size_t size,
                           struct bert__spm *out)
{
    struct reader r = {l, data, data, data + size, "the model"};
    size_t n, bytes;
    bert_status status = count_pieces(r, &n);

    *out = (struct bert__spm){.model_type = 1,
                              .bos_id = 1,
                              .eos_id = 2,
                              .unk_piece = {"<unk>", 5},
                              .bos_piece = {"<s>", 3},
                              .eos_piece = {"</s>", 4},
                              .charsmap = {"", 0},
                              .add_dummy_prefix = true,
                              .remove_extra_spaces = true,
                              .escape_spaces = true};
    if (status != BERT_OK)
        return status;
    if (n == 0)
        return bert__fail(l->err, BERT_EFORMAT, "%s: the SentencePiece model has no pieces",
                          l->path);
    if (!bert__size_mul(n, sizeof *out->pieces, &bytes))
        return bert__load_nomem(l);
    out->pieces = bert__arena_get(l->files, bytes);
    if (out->pieces == NULL)
        return bert__load_nomem(l);
    while (status == BERT_OK && r.p < r.end) {
        struct field f;

        status = read_field(&r, &f);
        if (status != BERT_OK)
            break;
        if (is(&f, MODEL_PIECES, WIRE_BYTES)) {
            status = read_piece(inner(&r, &f, "a piece"), out->n, &out->pieces[out->n]);
            out->n++;
        } else if (is(&f, MODEL_TRAINER, WIRE_BYTES)) {
            status = read_trainer(inner(&r, &f, "trainer_spec"), out);
        } else if (is(&f, MODEL_NORMALIZER, WIRE_BYTES)) {
            status = read_normalizer(inner(&r, &f, "normalizer_spec"), out);
        }
    }
    return status;
}
