/* SPDX-License-Identifier: MIT */
/* load_files.h - tokenizers from files other than a tokenizer.json. */
#ifndef BERT_TOKENIZER_LOAD_FILES_H
#define BERT_TOKENIZER_LOAD_FILES_H

#include "tokenizer/load_settings.h"

/* Contents of the family's files; they must live as long as load->files. */
struct bert__vocab_files {
    bert_text vocab;
    bert_text merges;
};

/* Build the family's tokenizer, with the settings of the files beside (`config`:
 * tokenizer_config.json, or NULL). */
bert_status bert__load_files(struct bert__load *load, const struct bert__family *family,
                             const struct bert__json *config,
                             const struct bert__vocab_files *files);

enum { BERT__WORDS_MAX = 1 << 20 };

/* The WordLevel model of ESM's vocab.txt, and each of its lines as a token to be added. */
bert_status bert__load_words(struct bert__load *load, bert_text file, bert_text unk);
bert_status bert__settings_words(const struct bert__load *load, struct bert__settings *settings);
/* The class is a program, whose tokens are all looked for in the text as it is: */
void bert__settings_raw(struct bert__settings *settings);
/* once they are added, special are those with a role, whatever added_tokens_decoder says. */
bert_status bert__settings_mark(const struct bert__load *load,
                                const struct bert__settings *settings);

struct bert__spm;
struct bert__writer;

/* Symbols that are pieces wherever they stand; valid as long as load->files. */
struct bert__spm_symbols {
    const bert_text *items;
    size_t n;
};

/* The stages of a class that calls SentencePiece: in the words of tokenizer.json all but the
 * normalizer, and that. */
bert_status bert__spm_symbols(const struct bert__load *load, const struct bert__spm *spm,
                              struct bert__spm_symbols *out);
void bert__write_spm_words(struct bert__writer *w, const struct bert__spm *spm,
                           const struct bert__spm_symbols *symbols);
bert_status bert__load_spm_normalizer(const struct bert__load *load, const struct bert__spm *spm,
                                      const struct bert__spm_symbols *symbols);

void bert__hide_spm_pieces(const struct bert__load *load, const struct bert__spm *spm);

/* The BPE model of a SentencePiece file: any two pieces that make a third merge.  `own`: as
 * SentencePiece itself finds them; `whole`: a word that is a piece is not merged. */
bert_status bert__load_spm_bpe(struct bert__load *load, const struct bert__spm *spm,
                               const struct bert__settings *settings, bool own, bool whole);

#endif
