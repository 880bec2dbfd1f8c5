/* SPDX-License-Identifier: MIT */
/* test_tok_spm.c - SentencePiece models that are no good: each is refused with an error that
 * names the file, the field and the value, or taken as the reference takes it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <bert.h>

/* ---- Writing a model ------------------------------------------------------------- */

struct bytes {
    char data[4096];
    size_t size;
};

static void put(struct bytes *b, const void *data, size_t n)
{
    assert_true(b->size + n <= sizeof b->data);
    memcpy(b->data + b->size, data, n);
    b->size += n;
}

static void put_varint(struct bytes *b, uint64_t value)
{
    for (; value > 0x7F; value >>= 7) {
        char c = (char)(0x80 | (value & 0x7F));

        put(b, &c, 1);
    }
    put(b, &(char){(char)value}, 1);
}

static void put_number(struct bytes *b, unsigned field, uint64_t value)
{
    put_varint(b, field << 3);
    put_varint(b, value);
}

static void put_bytes(struct bytes *b, unsigned field, const void *data, size_t n)
{
    put_varint(b, field << 3 | 2);
    put_varint(b, n);
    put(b, data, n);
}

/* Little-endian, as every machine of ours is. */
static void put_float(struct bytes *b, unsigned field, uint32_t bits)
{
    put_varint(b, field << 3 | 5);
    for (int i = 0; i < 4; i++)
        put(b, &(char){(char)(bits >> (8 * i))}, 1);
}

static void put_piece(struct bytes *b, const char *text, uint32_t score, unsigned type)
{
    struct bytes piece = {.size = 0};

    put_bytes(&piece, 1, text, strlen(text));
    put_float(&piece, 2, score);
    put_number(&piece, 3, type);
    put_bytes(b, 1, piece.data, piece.size);
}

enum { MINUS_ONE = 0x3F800000u | 0x80000000u, NAN_BITS = 0x7FC00000, INF_BITS = 0x7F800000 };

#define SCORE ((uint32_t)MINUS_ONE)

/* A good one: <unk>, ends, a letter. */
static void put_pieces(struct bytes *b)
{
    put_piece(b, "<unk>", 0, 2);
    put_piece(b, "<s>", 0, 3);
    put_piece(b, "</s>", 0, 3);
    put_piece(b, "\xE2\x96\x81", SCORE, 1);
    put_piece(b, "a", SCORE, 1);
}

/* ---- Checks ---------------------------------------------------------------------- */

static bert_status load(const struct bytes *b, const char *type, const char *name,
                        bert_tokenizer **tok, bert_error *err)
{
    bert_file files[2] = {{name, b->data, b->size}, {"config.json", type, strlen(type)}};

    return bert_tokenizer_load_memory(tok, files, 2, NULL, err);
}

#define XLMR   "{\"model_type\":\"xlm-roberta\"}", "sentencepiece.bpe.model"
#define ALBERT "{\"model_type\":\"albert\"}", "spiece.model"
#define PLAIN  "{}", "tokenizer.model"

static void fails(const struct bytes *b, const char *type, const char *name, bert_status status,
                  const char *word)
{
    bert_tokenizer *tok;
    bert_error err;
    bert_status got = load(b, type, name, &tok, &err);

    if (got != status)
        fail_msg("status %d instead of %d for \"%s\": %s", (int)got, (int)status, word,
                 got != BERT_OK ? err.message : "");
    assert_null(tok);
    if (strstr(err.message, word) == NULL || strstr(err.message, name) == NULL)
        fail_msg("\"%s\" and \"%s\" are not both in: %s", word, name, err.message);
}

static void loads(const struct bytes *b, const char *type, const char *name)
{
    bert_tokenizer *tok;
    bert_error err;

    if (load(b, type, name, &tok, &err) != BERT_OK)
        fail_msg("%s", err.message);
    bert_tokenizer_unref(tok);
}

static void test_good(void **state)
{
    struct bytes b = {.size = 0};

    (void)state;
    put_pieces(&b);
    loads(&b, XLMR);
    loads(&b, PLAIN);
}

static void test_wire(void **state)
{
    struct bytes b = {.size = 0};

    (void)state;
    fails(&b, XLMR, BERT_EFORMAT, "no pieces");
    put(&b, "\x08\xFF", 2); /* a number goes on behind the end */
    fails(&b, XLMR, BERT_EFORMAT, "byte 1, in the model: the file ends within a number");
    b.size = 0;
    put(&b, "\x08\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F", 11);
    fails(&b, XLMR, BERT_EFORMAT, "more than 64 bits");
    b.size = 0;
    put(&b, "\x0A\xFF\xFF\xFF\xFF\x07x", 7);
    fails(&b, XLMR, BERT_EFORMAT, "a field of 2147483647 bytes, where 1 are left");
    b.size = 0;
    put(&b, "\x0D\x01\x02", 3);
    fails(&b, XLMR, BERT_EFORMAT, "the file ends within a number");
    b.size = 0;
    put(&b, "\x0B", 1);
    fails(&b, XLMR, BERT_EFORMAT, "field 1 has the wire type 3");
    b.size = 0;
    put(&b, "\x02\x01x", 3);
    fails(&b, XLMR, BERT_EFORMAT, "no field has the number 0");
    b.size = 0;
    put(&b, "{\"model\":1}", 11); /* another format under that name */
    fails(&b, XLMR, BERT_EFORMAT, "no SentencePiece model");
}

/* A field of another type than its own is one that nobody knows. */
static void test_wrong_types(void **state)
{
    struct bytes b = {.size = 0}, piece = {.size = 0};

    (void)state;
    put_pieces(&b);
    put_number(&piece, 1, 7);
    put_float(&piece, 3, 7);
    put_bytes(&b, 1, piece.data, piece.size);
    put_number(&b, 2, 7);
    put_float(&b, 3, 7);
    loads(&b, XLMR);
}

static void test_pieces(void **state)
{
    static const struct {
        const char *text;
        uint32_t score;
        const char *word;
    } pieces[] = {
        {"b", NAN_BITS, "score of piece 5, \"b\", is not finite"},
        {"b", INF_BITS, "score of piece 5, \"b\", is not finite"},
        {"b", INF_BITS | 0x80000000u, "score of piece 5, \"b\", is not finite"},
        {"\xFF", 0, "piece 5 is not UTF-8"},
    };
    struct bytes b, cut = {.size = 0};

    (void)state;
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        b.size = 0;
        put_pieces(&b);
        put_piece(&b, pieces[i].text, pieces[i].score, 1);
        fails(&b, XLMR, BERT_EFORMAT, pieces[i].word);
    }
    b.size = 0;
    put_pieces(&b);
    put_bytes(&cut, 1, "bcd", 3);
    put_bytes(&b, 1, cut.data, cut.size - 1); /* the piece ends within its text */
    fails(&b, XLMR, BERT_EFORMAT, "in a piece: a field of 3 bytes, where 2 are left");
}

static void test_long_piece(void **state)
{
    struct bytes b = {.size = 0};
    char text[1026];

    (void)state;
    memset(text, 'a', sizeof text);
    text[1025] = '\0';
    put_pieces(&b);
    put_piece(&b, text, SCORE, 1);
    fails(&b, XLMR, BERT_ELIMIT, "has 1025 bytes");
}

/* Twice the same: the last counts, as in the reference. */
static void test_repeated(void **state)
{
    struct bytes b = {.size = 0};
    bert_tokenizer *tok;
    bert_encoding *e;
    bert_error err;

    (void)state;
    put_pieces(&b);
    put_piece(&b, "a", SCORE, 1);
    assert_int_equal(load(&b, PLAIN, &tok, &err), BERT_OK);
    assert_int_equal(bert_tokenize(tok, (bert_text){"a", 1}, NULL, NULL, &e, &err), BERT_OK);
    assert_int_equal(bert_encoding_size(e), 1);
    assert_int_equal(bert_encoding_ids(e)[0], 5);
    bert_encoding_free(e);
    bert_tokenizer_unref(tok);
}

/* A model with one field of trainer_spec. */
static void with_trainer(struct bytes *b, unsigned field, uint64_t value)
{
    struct bytes trainer = {.size = 0};

    b->size = 0;
    put_pieces(b);
    put_number(&trainer, field, value);
    put_bytes(b, 2, trainer.data, trainer.size);
}

static void test_trainer(void **state)
{
    struct bytes b, trainer = {.size = 0};

    (void)state;
    with_trainer(&b, 40, UINT64_MAX); /* unk_id: -1 */
    fails(&b, PLAIN, BERT_EFORMAT, "unk_id");
    with_trainer(&b, 40, 5);
    fails(&b, PLAIN, BERT_EFORMAT, "\"unk_id\" is 5; the model has 5 pieces");
    with_trainer(&b, 40, (uint64_t)1 << 31);
    fails(&b, PLAIN, BERT_EFORMAT, "unk_id");
    with_trainer(&b, 3, 4); /* characters: as BPE, like the reference */
    loads(&b, PLAIN);
    b.size = 0;
    put_pieces(&b);
    put_bytes(&trainer, 45, "\xC0", 1); /* unk_piece */
    put_bytes(&b, 2, trainer.data, trainer.size);
    fails(&b, PLAIN, BERT_EFORMAT, "not UTF-8");
    b.size = 0;
    put_pieces(&b);
    put_bytes(&b, 2, "\xE8\x02", 2); /* bos_id without a value */
    fails(&b, PLAIN, BERT_EFORMAT, "in trainer_spec: the file ends within a number");
    b.size = 0;
    put_piece(&b, "[CLS]", 0, 3);
    fails(&b, ALBERT, BERT_EFORMAT, "\"unk_id\" is 1; the model has 1 pieces");
}

static void test_charsmap(void **state)
{
    static const char *const maps[] = {"\x04", "\x00\x04\x00\x00yy", "\xFF\xFF\xFF\xFFyy",
                                       "\x06\x00\x00\x00yyyyyy"};
    static const size_t sizes[] = {1, 6, 6, 10};
    struct bytes b;

    (void)state;
    for (size_t i = 0; i < sizeof maps / sizeof *maps; i++) {
        struct bytes normalizer = {.size = 0};

        b.size = 0;
        put_pieces(&b);
        put_bytes(&normalizer, 2, maps[i], sizes[i]);
        put_bytes(&b, 3, normalizer.data, normalizer.size);
        fails(&b, XLMR, BERT_EFORMAT, "precompiled_charsmap");
        fails(&b, PLAIN, BERT_EFORMAT, "precompiled_charsmap");
    }
}

/* Cut anywhere, it is refused by name or still a model. */
static void test_cut(void **state)
{
    struct bytes b = {.size = 0};
    size_t whole;

    (void)state;
    put_pieces(&b);
    whole = b.size;
    for (b.size = 0; b.size < whole; b.size++) {
        bert_tokenizer *tok;
        bert_error err;

        if (load(&b, XLMR, &tok, &err) == BERT_OK)
            bert_tokenizer_unref(tok);
        else if (strstr(err.message, "sentencepiece.bpe.model") == NULL)
            fail_msg("%s", err.message);
    }
}

/* Classes that read a file of one of our names in another way. */
static void test_other_classes(void **state)
{
    static const char *const configs[] = {
        "{\"model_type\":\"reformer\"}",
        "{\"model_type\":\"bert\",\"tokenizer_class\":\"BertJapaneseTokenizer\"}",
        "{\"model_type\":\"fnet\"}",
    };
    static const char *const words[] = {"reformer", "BertJapaneseTokenizer", "fnet"};
    struct bytes b = {.size = 0};

    (void)state;
    put_pieces(&b);
    for (size_t i = 0; i < sizeof configs / sizeof *configs; i++) {
        bert_tokenizer *tok;
        bert_error err;

        assert_int_equal(load(&b, configs[i], "spiece.model", &tok, &err), BERT_EUNSUPPORTED);
        if (strstr(err.message, words[i]) == NULL || strstr(err.message, "config.json") == NULL)
            fail_msg("%s", err.message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),        cmocka_unit_test(test_wire),
        cmocka_unit_test(test_wrong_types), cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_long_piece),  cmocka_unit_test(test_repeated),
        cmocka_unit_test(test_trainer),     cmocka_unit_test(test_charsmap),
        cmocka_unit_test(test_cut),         cmocka_unit_test(test_other_classes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
