/* SPDX-License-Identifier: MIT */
/* load.h - what the readers of a tokenizer's files share. */
#ifndef BERT_TOKENIZER_LOAD_H
#define BERT_TOKENIZER_LOAD_H

#include "lib/base/json_file.h"
#include "tokenizer/pipeline.h"

struct bert__load {
    bert_tokenizer *tok;       /* being filled */
    struct bert__arena *files; /* the files' contents, for the time of the load */
    struct bert__source *source;
    const char *directory;
    const char *path;        /* of the file being read, for messages */
    const char *config_path; /* of tokenizer_config.json; NULL: there is none */
    bool lower_first;
    bert_error *err;
};

bert_status bert__load_nomem(const struct bert__load *load);

/* A copy that lives as long as the tokenizer; false: no memory. */
bool bert__load_copy(const struct bert__load *load, bert_text text, bert_text *out);

/* Keep a remark (printf) for bert__tokenizer_note(); lost when there are too many. */
bert_status bert__load_note(const struct bert__load *load, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The member, which must be there; BERT_EFORMAT names file, `what` and key. */
bert_status bert__load_need(const struct bert__load *load, const struct bert__json *object,
                            const char *what, const char *key, const struct bert__json **out);
/* The same, of a type. */
bert_status bert__load_bool(const struct bert__load *load, const struct bert__json *object,
                            const char *what, const char *key, bool *out);
bert_status bert__load_text(const struct bert__load *load, const struct bert__json *object,
                            const char *what, const char *key, bert_text *out);
bert_status bert__load_id(const struct bert__load *load, const struct bert__json *object,
                          const char *what, const char *key, int32_t *out);
bert_status bert__load_kind(const struct bert__load *load, const struct bert__json *object,
                            const char *what, const char *key, enum bert__json_type type,
                            const struct bert__json **out);
/* An id in place: a whole number from 0 to INT32_MAX - 1. */
bert_status bert__load_id_value(const struct bert__load *load, const struct bert__json *value,
                                const char *what, int32_t *out);

/* The component below `key` and its "type"; *out NULL if it is null or absent. */
bert_status bert__load_component(const struct bert__load *load, const struct bert__json *root,
                                 const char *key, const struct bert__json **out, bert_text *type);
bool bert__load_is(bert_text type, const char *name);
/* BERT_EUNSUPPORTED: the `what` named so is not supported. */
bert_status bert__load_unsupported(const struct bert__load *load, const char *what, bert_text type);

/* Parts of tokenizer.json; those with `root` look up their own key. */
bert_status bert__load_json(struct bert__load *load, const struct bert__json *root);
bert_status bert__load_normalizer(struct bert__load *load, const struct bert__json *root);
bert_status bert__load_pretokenizer(struct bert__load *load, const struct bert__json *root);
bert_status bert__load_decoder(struct bert__load *load, const struct bert__json *root);
bert_status bert__load_model(struct bert__load *load, const struct bert__json *model);
bert_status bert__load_bpe(const struct bert__load *load, const struct bert__json *model);
bert_status bert__load_unigram(const struct bert__load *load, const struct bert__json *model);
/* The model's "vocab" of tokens and ids, into load->tok->vocab. */
bert_status bert__load_model_vocab(const struct bert__load *load, const struct bert__json *model);
/* Id of a token that must be there; `role` says what it is. */
bert_status bert__load_find(const struct bert__load *load, const char *role, bert_text token,
                            int32_t *out);
bert_status bert__load_added(struct bert__load *load, const struct bert__json *tokens);
bert_status bert__load_postprocessor(const struct bert__load *load, const struct bert__json *post);

/* Ids of the named tokens of a tokenizer.json, by what is beside it; `config` may be NULL. */
bert_status bert__named_load(const struct bert__load *load, const struct bert__json *config);
/* What bert__tokenizer_gives_types() says, as the settings do, if they do. */
void bert__named_inputs(const struct bert__load *load, const struct bert__json *config);
/* Those of a file alone, by their usual spellings. */
void bert__named_guess(const struct bert__load *load);

/* Note where tokenizer_config.json, which may be NULL, contradicts the tokenizer.json that was
 * loaded, and decides. */
bert_status bert__load_compare(const struct bert__load *load, const struct bert__json *config);

/* Post-processors that no tokenizer.json names; `present` false: none. */
bert_status bert__load_post_steps(const struct bert__load *load,
                                  const struct bert__post_step *steps, uint32_t n, bool present);
/* One of them: [CLS] A [SEP], and [CLS] A [SEP] B [SEP]. */
bert_status bert__load_bert_template(const struct bert__load *load, const struct bert__special *cls,
                                     const struct bert__special *sep);

/* Decoders that no tokenizer.json names.  What they point at must live on. */
bert_status bert__load_decode_steps(const struct bert__load *load,
                                    const struct bert__decode_step *steps, uint32_t n);

/* The WordPiece model of a vocab.txt; `unk` {NULL, 0}: [UNK]. */
bert_status bert__load_vocab(struct bert__load *load, const char *data, size_t size, bert_text unk);

/* Add tokens to load->tok->added, which has room; normalises their patterns. */
bert_status bert__load_add_token(struct bert__load *load, struct bert__added_token *token,
                                 struct bert__piece *piece);

#endif
