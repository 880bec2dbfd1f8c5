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

/* The BPE model of a SentencePiece file: any two pieces that make a third merge. */
struct bert__spm;
bert_status bert__load_spm_bpe(struct bert__load *load, const struct bert__spm *spm,
                               const struct bert__settings *settings);

#endif
