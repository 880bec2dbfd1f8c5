/* SPDX-License-Identifier: MIT */
/* load_spm.h - reading a SentencePiece model: the few fields of its protocol buffer that a
 * tokenizer is made of. */
#ifndef BERT_TOKENIZER_LOAD_SPM_H
#define BERT_TOKENIZER_LOAD_SPM_H

#include "tokenizer/load.h"

enum bert__spm_type {
    BERT__SPM_NORMAL = 1,
    BERT__SPM_UNKNOWN = 2,
    BERT__SPM_CONTROL = 3,
    BERT__SPM_USER = 4,
    BERT__SPM_UNUSED = 5
};

struct bert__spm_piece {
    bert_text text; /* in the file's bytes; UTF-8 */
    float score;
    uint64_t type; /* a bert__spm_type, or another */
};

struct bert__spm {
    struct bert__spm_piece *pieces;
    size_t n;
    uint64_t model_type; /* 1: Unigram; BPE and others are read as BPE */
    bool byte_fallback;
    int32_t unk_id, bos_id, eos_id; /* below 0: there is none */
    bert_text unk_piece, bos_piece, eos_piece;
    bert_text charsmap;
    bool add_dummy_prefix, remove_extra_spaces, escape_spaces, space_as_suffix;
};

/* Read the file's bytes, which must live on; pieces are in load->files.  BERT_EFORMAT names the
 * byte. */
bert_status bert__spm_read(const struct bert__load *load, const char *data, size_t size,
                           struct bert__spm *out);

#endif
