/* SPDX-License-Identifier: MIT */
/* load_write.h - writing the parts of a tokenizer.json that no file holds, to be read like one. */
#ifndef BERT_TOKENIZER_LOAD_WRITE_H
#define BERT_TOKENIZER_LOAD_WRITE_H

#include "tokenizer/load_settings.h"

struct bert__writer {
    struct bert__alloc *alloc;
    char *data;
    size_t size, cap;
    bool failed; /* no memory; nothing is written any more */
};

void bert__write(struct bert__writer *writer, const char *text);
void bert__write_string(struct bert__writer *writer, bert_text text); /* quoted and escaped */
void bert__write_id(struct bert__writer *writer, int32_t id);
void bert__write_bool(struct bert__writer *writer, bool value);
void bert__write_base64(struct bert__writer *writer, bert_text bytes); /* quoted */

/* Normalizer, pre-tokenizer and decoder of a family, as one object. */
void bert__write_stages(struct bert__writer *writer, const struct bert__family *family,
                        const struct bert__settings *settings, bert_text charsmap,
                        bool byte_fallback);
/* RobertaProcessing, */
void bert__write_roberta(struct bert__writer *writer, const struct bert__special *first,
                         const struct bert__special *last, bool trim, bool prefix);
/* BertProcessing, */
void bert__write_bert(struct bert__writer *writer, const struct bert__special *first,
                      const struct bert__special *last);

/* What templates are made of, by letter: C, S, Q, D. */
struct bert__ends {
    struct bert__special first, last, question, dot;
};

/* and TemplateProcessing: templates are words of a letter and a type's digit, A and B the texts. */
void bert__write_template(struct bert__writer *writer, const struct bert__ends *ends,
                          const char *single, const char *pair);

#endif
