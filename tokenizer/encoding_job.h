/* SPDX-License-Identifier: MIT */
/* encoding_job.h - all that the windows of one encoding are made of. */
#ifndef BERT_TOKENIZER_ENCODING_JOB_H
#define BERT_TOKENIZER_ENCODING_JOB_H

#include "tokenizer/encoding.h"
#include "tokenizer/truncate.h"

struct bert__encode_job {
    const bert_tokenizer *tok;
    const struct bert__layout *layout;
    const bert_tokenize_options *options;
    const struct bert__input *inputs[2]; /* the second NULL: no pair */
    const struct bert__sequence *sequences;
    struct bert__windows windows[2];
    size_t counts[BERT__MAX_TEXTS];   /* windows of each text of the layout */
    size_t products[BERT__MAX_TEXTS]; /* of those before it, the first one's included */
    size_t n_windows;                 /* the first included */
    size_t n_tokens;                  /* of all windows */
    size_t *starts;                   /* room to note where the parts of a window begin */
    const char *pools[2];             /* of texts that the vocabulary doesn't have */
    bool texts;                       /* some token is not spelt as the vocabulary spells it */
    struct bert__watch *watch;        /* may end it; NULL: nothing does */
    bert_error *err;
};

/* Count the windows; false: more than a size_t holds. */
bool bert__windows_multiply(struct bert__encode_job *job);
/* The same, and their tokens; BERT_ELIMIT: more than any caller can want. */
bert_status bert__windows_count(struct bert__encode_job *job);
/* Which window of each text of the layout window w holds. */
void bert__windows_choose(const struct bert__encode_job *job, size_t w,
                          size_t choice[BERT__MAX_TEXTS]);
/* Tokens of window w, with padding and without. */
size_t bert__window_padded(const struct bert__encode_job *job, size_t w);
size_t bert__window_size(const struct bert__encode_job *job, size_t w);

/* Fill window w; its arrays and size are set.  Of no use once the watch has ended the call. */
void bert__window_fill(const struct bert__encode_job *job, bert_encoding *e, size_t w);

#endif
