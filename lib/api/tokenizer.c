/* SPDX-License-Identifier: MIT */
/* tokenizer.c - bert/tokenizer.h: validate, then delegate. */
#include <bert/tokenizer.h>

#include "lib/api/options.h"
#include "lib/base/error.h"
#include "lib/model/modules.h"
#include "tokenizer/encoding.h"

#define DEFAULT_MAX_FILE ((uint64_t)1 << 30)

/* ---- Loading ---------------------------------------------------------------- */

static void log_notes(const bert_tokenizer *tok, const bert_tokenizer_options *o)
{
    const char *note;

    for (uint32_t i = 0; o->log != NULL && (note = bert__tokenizer_note(tok, i)) != NULL; i++)
        o->log(o->log_context, BERT_LOG_WARNING, note);
}

/* Where the root holds none: in the folder of the first module, the transformer. */
static bert_status load_below(bert_tokenizer **out, struct bert__alloc *alloc,
                              struct bert__source *source, const bert_tokenizer_options *o,
                              bert_error *err)
{
    struct bert__arena arena;
    const char *path;
    bert_status status;

    if (bert__source_single(source) != NULL)
        return BERT_OK;
    bert__arena_init(&arena, alloc);
    status = bert__modules_first(&path, &arena, source, err);
    if (status == BERT_OK && path[0] != '\0')
        status = bert__tokenizer_load(out, o->allocator, source, path, 0, err);
    bert__arena_free(&arena);
    return status;
}

/* What a source holds must be a tokenizer. */
static bert_status load(bert_tokenizer **out, struct bert__alloc *alloc,
                        struct bert__source *source, const bert_tokenizer_options *o,
                        bert_error *err)
{
    bert_status status = bert__tokenizer_load(out, o->allocator, source, "", 0, err);

    if (status == BERT_OK && *out == NULL)
        status = load_below(out, alloc, source, o, err);
    if (status != BERT_OK)
        return status;
    if (*out == NULL)
        return bert__fail(err, BERT_EIO, "%s: neither tokenizer.json nor vocab.txt is there",
                          bert__source_name(source));
    log_notes(*out, o);
    return BERT_OK;
}

/* From a path, or where that is NULL from files in memory. */
static bert_status load_from(bert_tokenizer **out, const char *path, const bert_file *files,
                             size_t n_files, const bert_tokenizer_options *options, bert_error *err)
{
    bert_tokenizer_options o;
    struct bert__alloc *alloc;
    struct bert__source *source = NULL;
    struct bert__watch watch = {.cancel = NULL};
    bert_status status = bert__options_read(&o, sizeof o, options, "bert_tokenizer_options", err);
    uint64_t max_bytes;

    if (status != BERT_OK)
        return status;
    max_bytes = o.max_file_bytes != 0 ? o.max_file_bytes : DEFAULT_MAX_FILE;
    alloc = bert__alloc_create(o.allocator, 0);
    if (alloc == NULL)
        return bert__fail_nomem(err, "tokenizer");
    bert__watch_start(&watch, o.cancel, o.cancel_context);
    bert__alloc_watch(alloc, &watch);
    if (path != NULL)
        status = bert__source_open_path(&source, alloc, path, max_bytes, err);
    else
        status = bert__source_open_memory(&source, alloc, files, n_files, max_bytes, err);
    if (status == BERT_OK)
        status = load(out, alloc, source, &o, err);
    bert__source_close(source);
    bert__alloc_destroy(alloc);
    return status;
}

bert_status bert_tokenizer_load(bert_tokenizer **out, const char *path,
                                const bert_tokenizer_options *options, bert_error *err)
{
    if (out == NULL)
        return bert__fail(err, BERT_EINVAL, "bert_tokenizer_load: out is NULL");
    *out = NULL;
    if (path == NULL)
        return bert__fail(err, BERT_EINVAL, "bert_tokenizer_load: path is NULL");
    return load_from(out, path, NULL, 0, options, err);
}

bert_status bert_tokenizer_load_memory(bert_tokenizer **out, const bert_file *files, size_t n_files,
                                       const bert_tokenizer_options *options, bert_error *err)
{
    if (out == NULL)
        return bert__fail(err, BERT_EINVAL, "bert_tokenizer_load_memory: out is NULL");
    *out = NULL;
    if (files == NULL && n_files > 0)
        return bert__fail(err, BERT_EINVAL, "bert_tokenizer_load_memory: files is NULL");
    return load_from(out, NULL, files, n_files, options, err);
}

bert_tokenizer *bert_tokenizer_ref(bert_tokenizer *tokenizer)
{
    return bert__tokenizer_ref(tokenizer);
}

void bert_tokenizer_unref(bert_tokenizer *tokenizer)
{
    bert__tokenizer_unref(tokenizer);
}

/* ---- What was loaded ---------------------------------------------------------- */

uint32_t bert_tokenizer_vocab_size(const bert_tokenizer *tokenizer)
{
    return tokenizer->vocab_size;
}

const char *bert_tokenizer_algorithm(const bert_tokenizer *tokenizer)
{
    return bert__tokenizer_algorithm(tokenizer);
}

uint64_t bert_tokenizer_model_max_length(const bert_tokenizer *tokenizer)
{
    return tokenizer->model_max_length;
}

bert_text bert_tokenizer_token(const bert_tokenizer *tokenizer, int32_t id)
{
    return bert__tokenizer_text(tokenizer, id);
}

int32_t bert_tokenizer_id(const bert_tokenizer *tokenizer, bert_text token)
{
    if (token.data == NULL)
        token = (bert_text){"", 0};
    return bert__tokenizer_id(tokenizer, token);
}

uint32_t bert_tokenizer_special_count(const bert_tokenizer *tokenizer, int pair)
{
    return tokenizer->postprocessor.layouts[pair != 0][1].n_special;
}

int32_t bert_tokenizer_special_id(const bert_tokenizer *tokenizer, uint32_t which)
{
    static const enum bert__named named[] = {
        [BERT_SPECIAL_BOS] = BERT__NAMED_BOS,   [BERT_SPECIAL_EOS] = BERT__NAMED_EOS,
        [BERT_SPECIAL_UNK] = BERT__NAMED_UNK,   [BERT_SPECIAL_SEP] = BERT__NAMED_SEP,
        [BERT_SPECIAL_PAD] = BERT__NAMED_PAD,   [BERT_SPECIAL_CLS] = BERT__NAMED_CLS,
        [BERT_SPECIAL_MASK] = BERT__NAMED_MASK,
    };

    return which < BERT__NAMED_COUNT ? bert__tokenizer_named(tokenizer, named[which]) : -1;
}

int bert_tokenizer_gives_types(const bert_tokenizer *tokenizer, uint32_t version)
{
    return bert__tokenizer_gives_types(tokenizer, version <= 4);
}

/* ---- Encodings ----------------------------------------------------------------- */

void bert_encoding_free(bert_encoding *encoding)
{
    bert__encoding_free(encoding);
}

size_t bert_encoding_size(const bert_encoding *encoding)
{
    return encoding->n;
}

const int32_t *bert_encoding_ids(const bert_encoding *encoding)
{
    return encoding->ids;
}

const int32_t *bert_encoding_type_ids(const bert_encoding *encoding)
{
    return encoding->type_ids;
}

const bert_span *bert_encoding_offsets(const bert_encoding *encoding)
{
    return encoding->offsets;
}

const uint8_t *bert_encoding_special_mask(const bert_encoding *encoding)
{
    return encoding->special_mask;
}

const uint8_t *bert_encoding_attention_mask(const bert_encoding *encoding)
{
    return encoding->attention_mask;
}

const int32_t *bert_encoding_word_ids(const bert_encoding *encoding)
{
    return encoding->word_ids;
}

const int8_t *bert_encoding_sequence_ids(const bert_encoding *encoding)
{
    return encoding->sequence_ids;
}

bert_text bert_encoding_token(const bert_encoding *encoding, size_t i)
{
    return bert__encoding_token(encoding, i);
}

size_t bert_encoding_truncated(const bert_encoding *encoding)
{
    return encoding->truncated;
}

bert_span bert_encoding_kept(const bert_encoding *encoding, int sequence)
{
    return sequence == 0 || sequence == 1 ? encoding->kept[sequence] : (bert_span){0, 0};
}

size_t bert_encoding_overflow_count(const bert_encoding *encoding)
{
    return encoding->n_windows;
}

const bert_encoding *bert_encoding_overflow(const bert_encoding *encoding, size_t i)
{
    return i < encoding->n_windows ? &encoding->windows[i] : NULL;
}

/* ---- Decoding ------------------------------------------------------------------- */

bert_status bert_decode(const bert_tokenizer *tokenizer, const int32_t *ids, size_t n_ids,
                        int keep_special, char *out, size_t capacity, size_t *out_size,
                        bert_error *err)
{
    if (out_size == NULL)
        return bert__fail(err, BERT_EINVAL, "bert_decode: out_size is NULL");
    *out_size = 0;
    if (tokenizer == NULL)
        return bert__fail(err, BERT_EINVAL, "bert_decode: tokenizer is NULL");
    if (ids == NULL && n_ids > 0)
        return bert__fail(err, BERT_EINVAL, "bert_decode: ids is NULL");
    if (out == NULL && capacity > 0)
        return bert__fail(err, BERT_EINVAL, "bert_decode: out is NULL");
    return bert__decode(tokenizer, ids, n_ids, keep_special != 0, out, capacity, out_size, err);
}
