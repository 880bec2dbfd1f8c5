/* SPDX-License-Identifier: MIT */
/*
 * fuzz_text.c - any bytes through a tokenizer.  Byte 0 chooses the tokenizer, byte 1 the
 * options; 0xFE in the rest parts text and pair.
 *
 * Must hold: offsets lie in the text, at characters' edges, in order; the ids-only path,
 * the count, and a run with the smallest stretches give the same as the plain run.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/utf8.h"
#include "tokenizer/encoding.h"
#include "tokenizer/tokenizer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TOKEN(id, content, flags) "{\"id\":" #id ",\"content\":\"" content "\"," flags "}"
#define PLAIN                     "\"single_word\":false,\"lstrip\":false,\"rstrip\":false"
#define STRIP                     "\"single_word\":false,\"lstrip\":true,\"rstrip\":true"
#define ALONE                     "\"single_word\":true,\"lstrip\":false,\"rstrip\":false"

/* %s: added tokens, normalizer, pre-tokenizer. */
#define HEAD                                                                                       \
    "{\"version\":\"1.0\",\"added_tokens\":[" TOKEN(                                               \
        1, "[CLS]",                                                                                \
        PLAIN                                                                                      \
        ",\"normalized\":false,\"special\":true") "," TOKEN(2, "[SEP]",                            \
                                                            PLAIN                                  \
                                                            ",\"normalized\":false,\"special\":"   \
                                                            "true") "," TOKEN(3, "[MASK]",         \
                                                                              STRIP                \
                                                                              ",\"normalized\":"   \
                                                                              "false,\"special\":" \
                                                                              "true")
#define TAIL                                                                                       \
    ",\"post_processor\":{\"type\":\"BertProcessing\",\"cls\":[\"[CLS]\",1],\"sep\":[\"[SEP]\",2]" \
    "},"                                                                                           \
    "\"decoder\":{\"type\":\"WordPiece\",\"prefix\":\"##\",\"cleanup\":true},"                     \
    "\"model\":{\"type\":\"WordPiece\",\"unk_token\":\"[UNK]\",\"continuing_subword_prefix\":\"##" \
    "\","                                                                                          \
    "\"max_input_chars_per_word\":20,\"vocab\":{\"[UNK]\":0,\"[CLS]\":1,\"[SEP]\":2,\"[MASK]\":3," \
    "\"[PAD]\":4,\"a\":5,\"##a\":6,\"##b\":7,\"ab\":8,\"aba\":9,\"##aab\":10,\"e\":11,\"##e\":12," \
    "\".\":13,"                                                                                    \
    "\"\xE4\xB8\xAD\":14,\"\\u0301\":15,\"##\\u0301\":16,\"##\\u0316\":17,\"i\":18,"               \
    "\"\xF0\x9D\x85\xA5\":19,"                                                                     \
    "\"##\xF0\x9D\x85\xA5\":20,\"##\xF0\x9E\x80\x80\":21}}}"
#define BERT(lower, strip, clean)                                                                  \
    ",\"normalizer\":{\"type\":\"BertNormalizer\",\"clean_text\":" clean                           \
    ",\"handle_chinese_chars\":true,\"strip_accents\":" strip ",\"lowercase\":" lower "}"          \
    ",\"pre_tokenizer\":{\"type\":\"BertPreTokenizer\"}"

static const char *const files[] = {
    HEAD "]" BERT("true", "null", "true") TAIL,
    HEAD "]" BERT("false", "true", "false") TAIL,
    HEAD "," TOKEN(22, "a E", ALONE ",\"normalized\":true,\"special\":false") "]" BERT(
        "true", "false", "true") TAIL,
    HEAD "]" TAIL,
};
enum { N_FILES = sizeof files / sizeof *files };

/* One of each file, loaded once; with `small`, one with the smallest stretches. */
static bert_tokenizer *tokenizer(unsigned which, int small)
{
    static bert_tokenizer *loaded[N_FILES][2];
    struct bert__alloc *alloc;
    struct bert__source *source = NULL;
    bert_file file = {"tokenizer.json", files[which], strlen(files[which])};
    bert_tokenizer **tok = &loaded[which][small];
    bert_error err;

    if (*tok != NULL)
        return *tok;
    alloc = bert__alloc_create(NULL, 0);
    if (bert__source_open_memory(&source, alloc, &file, 1, 0, &err) != BERT_OK
        || bert__tokenizer_load(tok, NULL, source, "", 0, &err) != BERT_OK)
        __builtin_trap();
    if (small && (*tok)->stretch != 0)
        (*tok)->stretch = 1;
    bert__source_close(source);
    bert__alloc_destroy(alloc);
    return *tok;
}

/* Does a character of the text begin or end at each offset? */
static void check_offsets(const bert_encoding *e, bert_text text, int sequence)
{
    uint8_t *edges = calloc(text.size + 1, 1);
    size_t len, last = 0;

    if (edges == NULL)
        return;
    edges[text.size] = 1;
    for (size_t i = 0; i < text.size; i += len) {
        edges[i] = 1;
        bert__utf8_next(text.data + i, text.size - i, &len);
    }
    for (size_t i = 0; i < e->n; i++) {
        bert_span s = e->offsets[i];

        if (e->sequence_ids[i] != sequence)
            continue;
        if (s.start > s.end || s.end > text.size || !edges[s.start] || !edges[s.end]
            || s.start < last)
            __builtin_trap();
        last = s.start;
    }
    free(edges);
}

static void check_equal(const bert_encoding *a, const bert_encoding *b)
{
    if (a->n != b->n || a->n_windows != b->n_windows || a->truncated != b->truncated)
        __builtin_trap();
    if (a->n > 0
        && (memcmp(a->ids, b->ids, a->n * sizeof *a->ids) != 0
            || memcmp(a->offsets, b->offsets, a->n * sizeof *a->offsets) != 0
            || memcmp(a->word_ids, b->word_ids, a->n * sizeof *a->word_ids) != 0
            || memcmp(a->type_ids, b->type_ids, a->n * sizeof *a->type_ids) != 0))
        __builtin_trap();
}

/* The ids-only path against the encoding, which was cut on the right or left. */
static void check_ids(const bert_tokenizer *tok, bert_text text, const bert_encoding *e,
                      uint32_t side)
{
    struct bert__alloc *alloc = bert__alloc_create(NULL, 0);
    struct bert__token_scratch *scratch = NULL;
    int32_t ids[64], types[64];
    uint32_t n, prompt;
    uint64_t truncated;
    bert_text none = {NULL, 0};

    if (e->n > 64 || bert__token_scratch_create(&scratch, alloc, NULL) != BERT_OK)
        goto out;
    if (bert__tokenize_ids(tok, scratch, none, text, e->n < 2 ? 2 : (uint32_t)e->n, side, ids,
                           types, &n, &truncated, &prompt, NULL)
        != BERT_OK)
        __builtin_trap();
    if (n != e->n || truncated != e->truncated || memcmp(ids, e->ids, n * sizeof *ids) != 0)
        __builtin_trap();
out:
    bert__token_scratch_destroy(scratch);
    bert__alloc_destroy(alloc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bert_tokenize_options o = BERT_TOKENIZE_OPTIONS_INIT;
    bert_text text, pair, *second = NULL;
    const uint8_t *cut;
    bert_encoding *a = NULL, *b = NULL;
    bert_status status;
    unsigned which;
    size_t count;

    if (size < 2)
        return 0;
    which = data[0] % N_FILES;
    o.max_length = data[1] & 0x3F;
    o.side = data[1] >> 6 & 1;
    o.overflow = data[1] >> 7;
    text = (bert_text){(const char *)data + 2, size - 2};
    cut = memchr(text.data, 0xFE, text.size);
    if (cut != NULL) {
        pair = (bert_text){(const char *)cut + 1, (size_t)(data + size - cut) - 1};
        text.size = (size_t)(cut - data) - 2;
        second = &pair;
    }
    status = bert_tokenize(tokenizer(which, 0), text, second, &o, &a, NULL);
    if (bert_tokenize(tokenizer(which, 1), text, second, &o, &b, NULL) != status)
        __builtin_trap();
    if (status != BERT_OK)
        return 0;
    check_equal(a, b);
    check_offsets(a, text, 0);
    if (second != NULL)
        check_offsets(a, pair, 1);
    if (bert_count_tokens(tokenizer(which, 0), text, second, &o, &count, NULL) != BERT_OK
        || count != a->n)
        __builtin_trap();
    if (second == NULL && a->n >= 2)
        check_ids(tokenizer(which, 0), text, a, o.side);
    bert__encoding_free(a);
    bert__encoding_free(b);
    return 0;
}
