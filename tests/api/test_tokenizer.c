/* SPDX-License-Identifier: MIT */
/*
 * test_tokenizer.c - bert/tokenizer.h from outside: files good and bad, options,
 * offsets into ill-formed text, lifetimes, decoding.
 */
#include "support.h"

#include <stdlib.h>
#include <string.h>

#define TEXT(s) ((bert_text){s, sizeof(s) - 1})

static bert_tokenizer *load_name(const char *name)
{
    bert_tokenizer *tok;
    bert_error err;

    test_ok(bert_tokenizer_load(&tok, test_path("tests/data/tokenizer/%s", name), NULL, &err),
            &err);
    return tok;
}

/* ---- Files ---------------------------------------------------------------------- */

struct edit {
    const char *from, *to;
    bert_status status;
    const char *word; /* that the message has to hold, besides the file's name */
};

static const struct edit edits[] = {
    /* components that are not handled: by name */
    {"\"BertNormalizer\"", "\"OddNormalizer\"", BERT_EUNSUPPORTED, "OddNormalizer"},
    {"\"normalizer\":{",
     "\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"NFE\"}]},\"n\":{",
     BERT_EUNSUPPORTED, "NFE"},
    {"\"normalizer\":{",
     "\"normalizer\":{\"type\":\"Replace\",\"pattern\":{\"Regex\":\"(a|b)+\\\\1\"},"
     "\"content\":\"\"},\"n\":{",
     BERT_EUNSUPPORTED, "(a|b)+\\1"},
    {"\"normalizer\":{",
     "\"normalizer\":{\"type\":\"Precompiled\",\"precompiled_charsmap\":\"AAA\"},\"n\":{",
     BERT_EFORMAT, "base64"},
    {"\"normalizer\":{",
     "\"normalizer\":{\"type\":\"Precompiled\",\"precompiled_charsmap\":\"AAQAAAAA\"},\"n\":{",
     BERT_EFORMAT, "longer"},
    {"\"normalizer\":{",
     "\"normalizer\":{\"type\":\"Precompiled\",\"precompiled_charsmap\":\"AAA=\"},\"n\":{",
     BERT_EFORMAT, "too short"},
    {"\"normalizer\":{", "\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[1]},\"n\":{",
     BERT_EFORMAT, "normalizer"},
    {"\"BertPreTokenizer\"", "\"ByteLevel\"", BERT_EFORMAT, "add_prefix_space"},
    {"\"BertPreTokenizer\"", "\"OddLevel\"", BERT_EUNSUPPORTED, "OddLevel"},
    {"\"BertPreTokenizer\"", "\"Metaspace\",\"replacement\":\"_\",\"add_prefix_space\":false",
     BERT_EFORMAT, "add_prefix_space"},
    {"\"BertPreTokenizer\"", "\"CharDelimiterSplit\",\"delimiter\":\"ab\"", BERT_EFORMAT,
     "one character"},
    {"\"BertPreTokenizer\"",
     "\"Split\",\"pattern\":{\"Regex\":\"(x+)+y\"},\"behavior\":\"Isolated\",\"invert\":false",
     BERT_EUNSUPPORTED, "(x+)+y"},
    {"\"BertPreTokenizer\"", "\"Punctuation\",\"behavior\":\"Odd\"", BERT_EUNSUPPORTED, "Odd"},
    {"\"TemplateProcessing\"", "\"OddProcessing\"", BERT_EUNSUPPORTED, "OddProcessing"},
    {"{\"type\":\"WordPiece\",\"prefix\"", "{\"type\":\"OddDecoder\",\"prefix\"", BERT_EUNSUPPORTED,
     "OddDecoder"},
    {"{\"type\":\"WordPiece\",\"prefix\"", "{\"type\":\"Metaspace\",\"prefix\"", BERT_EFORMAT,
     "replacement"},
    {"{\"type\":\"WordPiece\",\"prefix\"",
     "{\"type\":\"Metaspace\",\"replacement\":\"__\",\"prefix\"", BERT_EFORMAT, "one character"},
    {"{\"type\":\"WordPiece\",\"prefix\"",
     "{\"type\":\"Metaspace\",\"replacement\":\"_\",\"add_prefix_space\":false,\"prefix\"",
     BERT_EFORMAT, "add_prefix_space"},
    {"{\"type\":\"WordPiece\",\"prefix\"",
     "{\"type\":\"Strip\",\"content\":\" \",\"start\":-1,\"stop\":0,\"prefix\"", BERT_EFORMAT,
     "start"},
    {"{\"type\":\"WordPiece\",\"prefix\"",
     "{\"type\":\"Replace\",\"pattern\":{\"Regex\":\"(a|b)+\\\\1\"},\"content\":\"\",\"prefix\"",
     BERT_EUNSUPPORTED, "(a|b)+"},
    {"{\"type\":\"WordPiece\",\"prefix\"",
     "{\"type\":\"Sequence\",\"decoders\":[{\"type\":\"Fuse\"},7],\"prefix\"", BERT_EFORMAT,
     "decoder"},
    {"\"model\":{\"type\":\"WordPiece\"", "\"model\":{\"type\":\"Trigram\"", BERT_EUNSUPPORTED,
     "Trigram"},
    {"\"version\":\"1.0\"", "\"version\":\"2.0\"", BERT_EUNSUPPORTED, "2.0"},
    /* fields that are missing or of another type */
    {"\"clean_text\":true", "\"clean\":true", BERT_EFORMAT, "clean_text"},
    {"\"lowercase\":true", "\"lowercase\":1", BERT_EFORMAT, "lowercase"},
    {"\"strip_accents\":null", "\"strip_accents\":\"no\"", BERT_EFORMAT, "strip_accents"},
    {"\"pre_tokenizer\":{", "\"pre_tokenizer\":[],\"x\":{", BERT_EFORMAT, "pre_tokenizer"},
    {"\"cleanup\":true", "\"cleanup\":null", BERT_EFORMAT, "cleanup"},
    {"\"model\":{", "\"modell\":{", BERT_EFORMAT, "model"},
    {"\"unk_token\":\"[UNK]\"", "\"unk_token\":\"[unk]\"", BERT_EFORMAT, "[unk]"},
    {"\"unk_token\":\"[UNK]\",", "", BERT_EFORMAT, "unk_token"},
    {"\"max_input_chars_per_word\":100", "\"max_input_chars_per_word\":-1", BERT_EFORMAT,
     "max_input_chars_per_word"},
    {"\"max_input_chars_per_word\":100", "\"max_input_chars_per_word\":1.5", BERT_EFORMAT,
     "max_input_chars_per_word"},
    {"\"continuing_subword_prefix\":\"##\"", "\"continuing_subword_prefix\":3", BERT_EFORMAT,
     "continuing_subword_prefix"},
    {"\"vocab\":{", "\"vocab\":3,\"v\":{", BERT_EFORMAT, "vocab"},
    /* ids */
    {"\"layers\":13", "\"layers\":12", BERT_EFORMAT, "layers"},
    {"\"layers\":13", "\"layers\":-1", BERT_EFORMAT, "layers"},
    {"\"layers\":13", "\"layers\":2147483648", BERT_EFORMAT, "2147483648"},
    {"\"layers\":13", "\"layers\":6.5", BERT_EFORMAT, "layers"},
    {"\"layers\":13", "\"layers\":\"13\"", BERT_EFORMAT, "layers"},
    {"\"layers\":13", "\"layers\":2000000000", BERT_ELIMIT, "2000000000"},
    /* the template */
    {"\"Sequence\":{\"id\":\"A\"", "\"Sequence\":{\"id\":\"C\"", BERT_EFORMAT, "\"C\""},
    {"{\"SpecialToken\":{\"id\":\"[CLS]\"", "{\"SpecialToken\":{\"id\":\"[BOS]\"", BERT_EFORMAT,
     "[BOS]"},
    {"\"ids\":[2]", "\"ids\":[2,3]", BERT_EFORMAT, "[CLS]"},
    {"\"ids\":[2]", "\"ids\":[-2]", BERT_EFORMAT, "-2"},
    {"\"type_id\":0", "\"type_id\":null", BERT_EFORMAT, "type_id"},
    {"{\"Sequence\"", "{\"Sequel\"", BERT_EFORMAT, "Sequence"},
    {"\"special_tokens\":{", "\"special_tokens\":[],\"s\":{", BERT_EFORMAT, "special_tokens"},
    /* added tokens, padding */
    {"\"added_tokens\":[", "\"added_tokens\":{},\"a\":[", BERT_EFORMAT, "added_tokens"},
    {"\"content\":\"[PAD]\"", "\"text\":\"[PAD]\"", BERT_EFORMAT, "content"},
    {"\"lstrip\":false", "\"lstrip\":\"false\"", BERT_EFORMAT, "lstrip"},
    {"\"padding\":null", "\"padding\":true", BERT_EFORMAT, "padding"},
    {"\"padding\":null",
     "\"padding\":{\"direction\":\"Up\",\"pad_id\":0,\"pad_type_id\":0,\"pad_token\":\"\"}",
     BERT_EFORMAT, "direction"},
    /* the text itself */
    {"\"version\":\"1.0\",", "\"version\":\"1.0\"", BERT_EFORMAT, "line 1"},
};

static void test_bad_files(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
        struct test_files files = {0};
        bert_tokenizer *tok = (bert_tokenizer *)(uintptr_t)1;
        bert_error err;
        size_t size;
        char *data = test_read_file(test_path("tests/data/tokenizer/uncased.json"), &size);

        test_files_set(&files, "tokenizer.json", data, size);
        test_files_edit(&files, "tokenizer.json", edits[i].from, edits[i].to);
        test_error(bert_tokenizer_load_memory(&tok, files.list, files.n, NULL, &err), &err,
                   edits[i].status, "tokenizer.json", edits[i].word, NULL);
        assert_null(tok);
        test_files_free(&files);
        free(data);
    }
}

/* As sentence-transformers saves a model with do_lower_case: the cased normalizer, after a
 * Lowercase. */
static void test_lowercase_first(void **state)
{
    struct test_files files = {0};
    bert_text text = {"LAYERS", 6};
    bert_encoding *e;
    bert_tokenizer *tok;
    bert_error err;
    size_t size;
    char *data = test_read_file(test_path("tests/data/tokenizer/uncased.json"), &size);

    (void)state;
    test_files_set(&files, "tokenizer.json", data, size);
    test_files_edit(&files, "tokenizer.json", "\"normalizer\":{",
                    "\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[{\"type\":"
                    "\"Lowercase\"},{\"type\":\"BertNormalizer\",\"clean_text\":true,"
                    "\"handle_chinese_chars\":true,\"strip_accents\":null,\"lowercase\":false}]},"
                    "\"n\":{");
    test_ok(bert_tokenizer_load_memory(&tok, files.list, files.n, NULL, &err), &err);
    test_ok(bert_tokenize(tok, text, NULL, NULL, &e, &err), &err);
    assert_int_equal(bert_encoding_size(e), 3);
    assert_int_equal(bert_encoding_ids(e)[1], bert_tokenizer_id(tok, TEXT("layers")));
    bert_encoding_free(e);
    bert_tokenizer_unref(tok);
    test_files_free(&files);
    free(data);
}

static void load_fails(bert_status want, const char *vocab, const char *config, const char *word)
{
    bert_file files[2] = {{"vocab.txt", vocab, strlen(vocab)},
                          {"tokenizer_config.json", config, config != NULL ? strlen(config) : 0}};
    bert_tokenizer *tok;
    bert_error err;

    test_error(bert_tokenizer_load_memory(&tok, files, config != NULL ? 2 : 1, NULL, &err), &err,
               want, word, NULL);
    assert_null(tok);
}

static void test_bad_vocab(void **state)
{
    (void)state;
    load_fails(BERT_EFORMAT, "", NULL, "vocab.txt");
    load_fails(BERT_EFORMAT, "[CLS]\n[SEP]\na\n", NULL, "[UNK]");
    load_fails(BERT_EFORMAT, "[UNK]\nb\n\xFF\n", NULL, "line 3");
    load_fails(BERT_EUNSUPPORTED, "[UNK]\n", "{\"tokenizer_class\":\"FlaubertTokenizer\"}",
               "FlaubertTokenizer");
    load_fails(BERT_EFORMAT, "[UNK]\n", "{\"tokenizer_class\":\"RobertaTokenizer\"}",
               "RobertaTokenizer");
    load_fails(BERT_EFORMAT, "[UNK]\n", "{\"do_lower_case\":\"yes\"}", "do_lower_case");
    load_fails(BERT_EFORMAT, "[UNK]\n", "{\"cls_token\":7}", "cls_token");
    load_fails(BERT_EFORMAT, "[UNK]\n", "{\"added_tokens_decoder\":{\"x\":{\"content\":\"a\"}}}",
               "added_tokens_decoder");
    load_fails(BERT_EFORMAT, "[UNK]\n", "[]", "tokenizer_config.json");
    load_fails(BERT_EFORMAT, "[UNK]\n", "{\"sep_token\":\"\"}", "sep_token");
    load_fails(BERT_EFORMAT, "[UNK]\n",
               "{\"cls_token\":null,\"pad_token\":null,\"mask_token\":null}", "cls_token");
    load_fails(BERT_EFORMAT, "[UNK]\n", "{\"strip_accents\":3}", "tokenizer_config.json");
}

static void test_missing_files(void **state)
{
    bert_tokenizer *tok;
    bert_error err;

    (void)state;
    test_error(bert_tokenizer_load(&tok, test_path("tests/data/none"), NULL, &err), &err, BERT_EIO,
               "tests/data/none", NULL);
    test_error(bert_tokenizer_load(&tok, test_path("tests/data/tokenizer"), NULL, &err), &err,
               BERT_EIO, "tests/data/tokenizer", "tokenizer.json", "vocab.txt", NULL);
    test_error(bert_tokenizer_load_memory(&tok, NULL, 0, NULL, &err), &err, BERT_EIO,
               "tokenizer.json", NULL);
    test_error(bert_tokenizer_load(NULL, "x", NULL, &err), &err, BERT_EINVAL, "out", NULL);
    test_error(bert_tokenizer_load(&tok, NULL, NULL, &err), &err, BERT_EINVAL, "path", NULL);
    test_error(bert_tokenizer_load_memory(&tok, NULL, 3, NULL, &err), &err, BERT_EINVAL, "files",
               NULL);
    assert_int_equal(bert_tokenizer_load(&tok, "/nowhere/at/all", NULL, NULL), BERT_EIO);
}

static void count_lines(void *context, bert_log_level level, const char *message)
{
    static const char *const words[] = {"do_lower_case", "\"nobody\" of pad_token",
                                        "\"no one\" of added_tokens_decoder", "add_prefix_space"};
    int *lines = context;

    assert_int_equal(level, BERT_LOG_WARNING);
    assert_null(strchr(message, '\n'));
    assert_true(*lines < 4);
    if (strstr(message, words[*lines]) == NULL)
        fail_msg("%s", message);
    ++*lines;
}

/* tokenizer.json decides; what contradicts it is said. */
static void test_contradiction(void **state)
{
    static const char config[] =
        "{\"do_lower_case\":false,\"model_max_length\":77,\"add_prefix_space\":true,"
        "\"cls_token\":\"[CLS]\",\"pad_token\":{\"content\":\"nobody\"},"
        "\"added_tokens_decoder\":{\"9\":{\"content\":\"no one\"}}}";
    static const char bytes[] = "{\"pre_tokenizer\":{\"type\":\"ByteLevel\",\"add_prefix_space\":"
                                "false,\"trim_offsets\":true},\"model\":{\"type\":\"BPE\","
                                "\"vocab\":{\"a\":0},\"merges\":[]}}";
    bert_tokenizer_options o = BERT_TOKENIZER_OPTIONS_INIT;
    struct test_files files = {0};
    bert_tokenizer *tok;
    bert_error err;
    size_t size;
    int lines = 0;
    char *data = test_read_file(test_path("tests/data/tokenizer/uncased.json"), &size);

    (void)state;
    test_files_set(&files, "tokenizer.json", data, size);
    test_files_set_text(&files, "tokenizer_config.json", config);
    o.log = count_lines;
    o.log_context = &lines;
    test_ok(bert_tokenizer_load_memory(&tok, files.list, files.n, &o, &err), &err);
    assert_int_equal(lines, 3);
    assert_int_equal(bert_tokenizer_model_max_length(tok), 77);
    bert_tokenizer_unref(tok);
    test_files_set_text(&files, "tokenizer.json", bytes);
    test_files_set_text(&files, "tokenizer_config.json", "{\"add_prefix_space\":true}");
    test_ok(bert_tokenizer_load_memory(&tok, files.list, files.n, &o, &err), &err);
    assert_int_equal(lines, 4);
    bert_tokenizer_unref(tok);
    test_files_set(&files, "tokenizer.json", data, size);
    test_files_set_text(&files, "tokenizer_config.json", "{\"model_max_length\":1e30}");
    test_ok(bert_tokenizer_load_memory(&tok, files.list, files.n, NULL, &err), &err);
    assert_int_equal(bert_tokenizer_model_max_length(tok), 0);
    bert_tokenizer_unref(tok);
    o.max_file_bytes = 100;
    test_error(bert_tokenizer_load_memory(&tok, files.list, files.n, &o, &err), &err, BERT_ELIMIT,
               "tokenizer.json", NULL);
    test_files_free(&files);
    free(data);
}

/* ---- Options --------------------------------------------------------------------- */

static void refused(const bert_tokenizer *tok, const bert_tokenize_options *o, bert_status want,
                    const char *word)
{
    bert_encoding *e = (bert_encoding *)(uintptr_t)1;
    bert_error err;
    size_t n;

    test_error(bert_tokenize(tok, TEXT("one two three four"), NULL, o, &e, &err), &err, want, word,
               NULL);
    assert_null(e);
    assert_int_equal(bert_count_tokens(tok, TEXT("one two three four"), NULL, o, &n, NULL), want);
}

static void test_options(void **state)
{
    bert_tokenizer *tok = load_name("uncased.json");
    struct {
        bert_tokenize_options known;
        uint32_t more;
    } longer = {BERT_TOKENIZE_OPTIONS_INIT, 0};
    bert_tokenize_options o = BERT_TOKENIZE_OPTIONS_INIT;
    bert_encoding *e;

    (void)state;
    o.max_length = 1;
    refused(tok, &o, BERT_EINVAL, "max_length is 1");
    o.max_length = 4;
    o.stride = 2;
    refused(tok, &o, BERT_EINVAL, "stride is 2");
    o.stride = 0;
    o.strategy = BERT_ONLY_SECOND;
    refused(tok, &o, BERT_ERANGE, "second text");
    o.strategy = 3;
    refused(tok, &o, BERT_EINVAL, "strategy");
    o.strategy = 0;
    o.side = 2;
    refused(tok, &o, BERT_EINVAL, "side");
    o.side = 0;
    o.offset_unit = 9;
    refused(tok, &o, BERT_EINVAL, "offset_unit");
    o.offset_unit = 0;
    o.size = 3;
    refused(tok, &o, BERT_EINVAL, "size");
    longer.known.size = sizeof longer;
    assert_int_equal(bert_tokenize(tok, TEXT("a"), NULL, &longer.known, &e, NULL), BERT_OK);
    bert_encoding_free(e);
    longer.more = 1;
    refused(tok, &longer.known, BERT_EINVAL, "bert_tokenize_options");
    /* a struct of a program built against older headers */
    memset(&o, 0xFF, sizeof o);
    o.size = offsetof(bert_tokenize_options, max_length);
    o.no_special = 1;
    assert_int_equal(bert_tokenize(tok, TEXT("cafe cafe"), NULL, &o, &e, NULL), BERT_OK);
    assert_int_equal(bert_encoding_size(e), 2);
    bert_encoding_free(e);
    bert_tokenizer_unref(tok);
}

static void test_null_arguments(void **state)
{
    bert_tokenizer *tok = load_name("uncased.json");
    bert_text bad = {NULL, 3}, empty = {NULL, 0};
    bert_encoding *e;
    bert_error err;
    size_t n;

    (void)state;
    test_error(bert_tokenize(tok, bad, NULL, NULL, &e, &err), &err, BERT_EINVAL, "text", NULL);
    assert_null(e);
    test_error(bert_tokenize(tok, empty, &bad, NULL, &e, &err), &err, BERT_EINVAL, "pair", NULL);
    test_error(bert_tokenize(NULL, empty, NULL, NULL, &e, &err), &err, BERT_EINVAL, "tokenizer",
               NULL);
    test_error(bert_tokenize(tok, empty, NULL, NULL, NULL, &err), &err, BERT_EINVAL, "out", NULL);
    test_ok(bert_tokenize(tok, empty, &empty, NULL, &e, &err), &err);
    assert_int_equal(bert_encoding_size(e), 3);
    bert_encoding_free(e);
    bert_encoding_free(NULL);
    bert_tokenizer_unref(NULL);
    assert_null(bert_tokenizer_ref(NULL));
    test_error(bert_decode(tok, NULL, 2, 0, NULL, 0, &n, &err), &err, BERT_EINVAL, "ids", NULL);
    test_error(bert_decode(tok, NULL, 0, 0, NULL, 4, &n, &err), &err, BERT_EINVAL, "out", NULL);
    test_error(bert_decode(tok, NULL, 0, 0, NULL, 0, NULL, &err), &err, BERT_EINVAL, "out_size",
               NULL);
    bert_tokenizer_unref(tok);
}

/* Windows of a pair are a product: refused before they fill the memory. */
static void test_too_many_windows(void **state)
{
    bert_tokenizer *tok = load_name("uncased.json");
    bert_tokenize_options o = BERT_TOKENIZE_OPTIONS_INIT;
    bert_text text, pair;
    bert_encoding *e;
    bert_error err;
    char *data = malloc(200000);

    (void)state;
    assert_non_null(data);
    for (size_t i = 0; i < 200000; i++)
        data[i] = i & 1 ? ' ' : 'a';
    text = pair = (bert_text){data, 200000};
    o.max_length = 7;
    o.overflow = 1;
    test_error(bert_tokenize(tok, text, &pair, &o, &e, &err), &err, BERT_ELIMIT, "50000", NULL);
    assert_null(e);
    o.max_length = 4000;
    o.stride = 3997;
    test_error(bert_tokenize(tok, text, NULL, &o, &e, &err), &err, BERT_ELIMIT, "stride", NULL);
    o.stride = 0;
    test_ok(bert_tokenize(tok, text, NULL, &o, &e, &err), &err);
    assert_int_equal(bert_encoding_overflow_count(e), 25);
    assert_int_equal(bert_encoding_truncated(e), 100000 - 3998);
    bert_encoding_free(e);
    o = (bert_tokenize_options)BERT_TOKENIZE_OPTIONS_INIT;
    o.pad_length = UINT32_MAX;
    test_error(bert_tokenize(tok, text, NULL, &o, &e, &err), &err, BERT_ELIMIT, "pad_length",
               "4294967295", NULL);
    assert_null(e);
    free(data);
    bert_tokenizer_unref(tok);
}

/* ---- What an encoding says ---------------------------------------------------------- */

static void check_span(const bert_encoding *e, size_t i, size_t start, size_t end)
{
    assert_true(i < bert_encoding_size(e));
    assert_int_equal(bert_encoding_offsets(e)[i].start, start);
    assert_int_equal(bert_encoding_offsets(e)[i].end, end);
}

/* Offsets count the caller's bytes whatever they are; NUL is a character. */
static void test_offsets(void **state)
{
    bert_tokenizer *tok = load_name("uncased.json");
    bert_tokenize_options o = BERT_TOKENIZE_OPTIONS_INIT;
    bert_encoding *e;
    bert_error err;
    bert_text text = TEXT("a\0 \xFF\xE2\x82 caf\xC3\xA9! \xED\xA0\x80"
                          "cafe");

    (void)state;
    test_ok(bert_tokenize(tok, text, NULL, NULL, &e, &err), &err);
    assert_int_equal(bert_encoding_size(e), 6);
    check_span(e, 0, 0, 0);
    check_span(e, 1, 0, 1);
    check_span(e, 2, 7, 12);
    check_span(e, 3, 12, 13);
    check_span(e, 4, 17, 21);
    check_span(e, 5, 0, 0);
    assert_int_equal(bert_encoding_special_mask(e)[0], 1);
    assert_int_equal(bert_encoding_special_mask(e)[1], 0);
    assert_int_equal(bert_encoding_word_ids(e)[5], -1);
    assert_int_equal(bert_encoding_word_ids(e)[4], 3);
    bert_encoding_free(e);
    o.offset_unit = BERT_OFFSET_CHARS;
    test_ok(bert_tokenize(tok, text, NULL, &o, &e, &err), &err);
    check_span(e, 2, 6, 10);
    check_span(e, 4, 15, 19);
    bert_encoding_free(e);
    bert_tokenizer_unref(tok);
}

/* An encoding keeps what it needs. */
static void test_lifetime(void **state)
{
    bert_tokenizer *tok = load_name("added.json");
    bert_encoding *e;
    bert_error err;
    bert_text token;

    (void)state;
    test_ok(bert_tokenize(tok, TEXT("x   <m>  y"), NULL, NULL, &e, &err), &err);
    assert_ptr_equal(bert_tokenizer_ref(tok), tok);
    bert_tokenizer_unref(tok);
    bert_tokenizer_unref(tok);
    token = bert_encoding_token(e, 2);
    assert_int_equal(token.size, 8);
    assert_memory_equal(token.data, "   <m>  ", 8);
    assert_null(bert_encoding_token(e, 99).data);
    bert_encoding_free(e);
}

static void test_lookup(void **state)
{
    bert_tokenizer *tok = load_name("uncased.json");
    bert_text token = bert_tokenizer_token(tok, 4);

    (void)state;
    assert_int_equal(token.size, 6);
    assert_memory_equal(token.data, "[MASK]", 6);
    assert_int_equal(bert_tokenizer_id(tok, TEXT("[MASK]")), 4);
    assert_int_equal(bert_tokenizer_id(tok, TEXT("no such token")), -1);
    assert_int_equal(bert_tokenizer_id(tok, (bert_text){NULL, 0}), -1);
    assert_null(bert_tokenizer_token(tok, -1).data);
    assert_null(bert_tokenizer_token(tok, INT32_MAX).data);
    assert_int_equal(bert_tokenizer_vocab_size(tok), 820);
    assert_string_equal(bert_tokenizer_algorithm(tok), "WordPiece");
    assert_int_equal(bert_tokenizer_special_count(tok, 0), 2);
    assert_int_equal(bert_tokenizer_special_count(tok, 1), 3);
    bert_tokenizer_unref(tok);
}

/* A bare vocab.txt is the lower-casing default. */
static void test_vocab_txt(void **state)
{
    static const char vocab[] =
        "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\ncafe\r\ncaf\xC3\xA9 \xE3\x80\x80\n\n"
        "b\nb\n##c";
    static const char config[] = "{\"do_lower_case\":false,\"mask_token\":\"b\"}";
    bert_file files[2] = {{"vocab.txt", vocab, sizeof vocab - 1},
                          {"tokenizer_config.json", config, sizeof config - 1}};
    bert_tokenizer *tok;
    bert_encoding *e;
    bert_error err;

    (void)state;
    test_ok(bert_tokenizer_load_memory(&tok, files, 1, NULL, &err), &err);
    test_ok(bert_tokenize(tok, TEXT("CAF\xC3\x89 bc [MASK]"), NULL, NULL, &e, &err), &err);
    assert_memory_equal(bert_encoding_ids(e), ((int32_t[]){2, 5, 9, 10, 4, 3}), 24);
    bert_encoding_free(e);
    assert_int_equal(bert_tokenizer_vocab_size(tok), 11);
    assert_null(bert_tokenizer_token(tok, 8).data);
    assert_int_equal(bert_tokenizer_special_id(tok, BERT_SPECIAL_MASK), 4);
    bert_tokenizer_unref(tok);
    test_ok(bert_tokenizer_load_memory(&tok, files, 2, NULL, &err), &err);
    test_ok(bert_tokenize(tok, TEXT("CAF\xC3\x89 caf\xC3\xA9 xb"), NULL, NULL, &e, &err), &err);
    assert_memory_equal(bert_encoding_ids(e), ((int32_t[]){2, 1, 6, 1, 9, 3}), 24);
    bert_encoding_free(e);
    assert_int_equal(bert_tokenizer_special_id(tok, BERT_SPECIAL_BOS), -1);
    assert_int_equal(bert_tokenizer_special_id(tok, BERT_SPECIAL_UNK), 1);
    assert_int_equal(bert_tokenizer_special_id(tok, BERT_SPECIAL_SEP), 3);
    assert_int_equal(bert_tokenizer_special_id(tok, BERT_SPECIAL_PAD), 0);
    assert_int_equal(bert_tokenizer_special_id(tok, BERT_SPECIAL_CLS), 2);
    assert_int_equal(bert_tokenizer_special_id(tok, BERT_SPECIAL_MASK), 9);
    assert_int_equal(bert_tokenizer_special_id(tok, BERT_SPECIAL_MASK + 1), -1);
    assert_int_equal(bert_tokenizer_special_id(tok, UINT32_MAX), -1);
    bert_tokenizer_unref(tok);
}

/* model_input_names says whether a model is given types, else the class, whose mind transformers 5
 * changed for some. */
static void test_gives_types(void **state)
{
    static const char json[] =
        "{\"model\":{\"type\":\"WordPiece\",\"vocab\":{\"[UNK]\":0},\"unk_token\":\"[UNK]\","
        "\"continuing_subword_prefix\":\"##\",\"max_input_chars_per_word\":9}}";
    static const struct {
        const char *config;
        int version4, version5;
    } cases[] = {
        {"{}", 1, 1},
        {"{\"tokenizer_class\":\"RobertaTokenizer\"}", 0, 0},
        {"{\"tokenizer_class\":\"RemBertTokenizer\"}", 1, 0},
        {"{\"model_input_names\":[\"input_ids\"]}", 0, 0},
        {"{\"model_input_names\":[\"input_ids\",\"token_type_ids\"]}", 1, 1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bert_file files[2] = {{"tokenizer.json", json, sizeof json - 1},
                              {"tokenizer_config.json", cases[i].config, strlen(cases[i].config)}};
        bert_tokenizer *tok;
        bert_error err;

        test_ok(bert_tokenizer_load_memory(&tok, files, 2, NULL, &err), &err);
        assert_int_equal(bert_tokenizer_gives_types(tok, 4), cases[i].version4);
        assert_int_equal(bert_tokenizer_gives_types(tok, 5), cases[i].version5);
        bert_tokenizer_unref(tok);
    }
}

/* In sentence-transformers' older layout the transformer has a folder of its own. */
static void test_module_folder(void **state)
{
    static const char vocab[] = "[UNK]\n[CLS]\n[SEP]\na\nB\n";
    static const char modules[] = "[{\"idx\":0,\"name\":\"0\",\"path\":\"0_Transformer\","
                                  "\"type\":\"sentence_transformers.models.Transformer\"}]";
    static const char config[] = "{\"do_lower_case\":false}";
    bert_file files[3] = {{"0_Transformer/vocab.txt", vocab, sizeof vocab - 1},
                          {"0_Transformer/tokenizer_config.json", config, sizeof config - 1},
                          {"modules.json", modules, sizeof modules - 1}};
    bert_tokenizer *tok;
    bert_encoding *e;
    bert_error err;

    (void)state;
    test_ok(bert_tokenizer_load_memory(&tok, files, 3, NULL, &err), &err);
    test_ok(bert_tokenize(tok, TEXT("a B"), NULL, NULL, &e, &err), &err);
    assert_memory_equal(bert_encoding_ids(e), ((int32_t[]){1, 3, 4, 2}), 16);
    bert_encoding_free(e);
    bert_tokenizer_unref(tok);
    test_error(bert_tokenizer_load_memory(&tok, files + 2, 1, NULL, &err), &err, BERT_EIO,
               "vocab.txt", NULL);
    files[2] = (bert_file){"modules.json", "{}", 2};
    test_error(bert_tokenizer_load_memory(&tok, files, 3, NULL, &err), &err, BERT_EFORMAT,
               "modules.json", NULL);
}

/* ---- Decoding ------------------------------------------------------------------------ */

static void decodes(const bert_tokenizer *tok, const char *text, int keep, const char *want)
{
    bert_encoding *e;
    bert_error err;
    char out[256];
    size_t need, n;

    test_ok(bert_tokenize(tok, (bert_text){text, strlen(text)}, NULL, NULL, &e, &err), &err);
    n = bert_encoding_size(e);
    assert_int_equal(bert_decode(tok, bert_encoding_ids(e), n, keep, NULL, 0, &need, NULL),
                     BERT_ERANGE);
    assert_int_equal(need, strlen(want));
    memset(out, 'x', sizeof out);
    assert_int_equal(bert_decode(tok, bert_encoding_ids(e), n, keep, out, need - 1, &need, NULL),
                     BERT_ERANGE);
    assert_int_equal(out[0], 'x'); /* nothing is written */
    test_ok(bert_decode(tok, bert_encoding_ids(e), n, keep, out, sizeof out, &need, &err), &err);
    assert_int_equal(need, strlen(want));
    assert_memory_equal(out, want, need);
    assert_int_equal(out[need], 'x');
    bert_encoding_free(e);
}

static void test_decode(void **state)
{
    bert_tokenizer *tok = load_name("uncased.json");
    static const int32_t unknown[] = {-5, 820, INT32_MAX};
    size_t need = 9;

    (void)state;
    decodes(tok, "The quick brown fox, unbelievable!", 0, "the quick brown fox, unbelievable!");
    decodes(tok, "don't stop.", 0, "don ' t stop.");
    decodes(tok, "hello [MASK] world", 1, "[CLS] hello [MASK] world [SEP]");
    decodes(tok, "hello  [MASK] world", 0, "hello world");
    assert_int_equal(bert_decode(tok, unknown, 3, 1, NULL, 0, &need, NULL), BERT_OK);
    assert_int_equal(need, 0);
    bert_tokenizer_unref(tok);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_files),      cmocka_unit_test(test_lowercase_first),
        cmocka_unit_test(test_bad_vocab),      cmocka_unit_test(test_missing_files),
        cmocka_unit_test(test_contradiction),  cmocka_unit_test(test_options),
        cmocka_unit_test(test_null_arguments), cmocka_unit_test(test_too_many_windows),
        cmocka_unit_test(test_offsets),        cmocka_unit_test(test_lifetime),
        cmocka_unit_test(test_lookup),         cmocka_unit_test(test_vocab_txt),
        cmocka_unit_test(test_gives_types),    cmocka_unit_test(test_module_folder),
        cmocka_unit_test(test_decode),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
