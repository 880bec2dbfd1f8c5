/* SPDX-License-Identifier: MIT */
/* encoding_windows.c - how many windows an encoding has, and what goes into each. */
#include "lib/base/error.h"
#include "tokenizer/encoding_job.h"

/* Windows of a pair are a product: refuse what no caller can want. */
enum { MAX_WINDOWS = 1 << 20 };
#define MAX_TOKENS ((size_t)1 << 26)

bool bert__windows_multiply(struct bert__encode_job *j)
{
    const struct bert__layout *t = j->layout;
    uint32_t k = 0;

    j->n_windows = 1;
    for (uint32_t i = 0; i < t->n_parts; i++) {
        if (t->parts[i].kind == BERT__PART_SPECIAL)
            continue;
        j->counts[k] = j->windows[t->parts[i].kind].count;
        j->products[k] = j->n_windows;
        if (!bert__size_mul(j->n_windows, j->counts[k++], &j->n_windows))
            return false;
    }
    return true;
}

/*
 * The reference merges part after part: each further window so far goes with all windows of
 * the new part, then the first so far with the further ones of the new part.
 */
void bert__windows_choose(const struct bert__encode_job *j, size_t w,
                          size_t choice[BERT__MAX_TEXTS])
{
    for (uint32_t k = j->layout->n_sequences; k-- > 0;) {
        size_t count = j->counts[k], further = j->products[k] - 1;

        if (w == 0) {
            choice[k] = 0;
        } else if (w - 1 < further * count) {
            choice[k] = (w - 1) % count;
            w = (w - 1) / count + 1;
        } else {
            choice[k] = w - further * count;
            w = 0;
        }
    }
}

size_t bert__window_size(const struct bert__encode_job *j, size_t w)
{
    const struct bert__layout *t = j->layout;
    size_t choice[BERT__MAX_TEXTS], n = t->n_special;
    uint32_t k = 0;

    bert__windows_choose(j, w, choice);
    for (uint32_t i = 0; k < t->n_sequences; i++) {
        size_t begin, end;

        if (t->parts[i].kind == BERT__PART_SPECIAL)
            continue;
        bert__window(&j->windows[t->parts[i].kind], choice[k++], &begin, &end);
        n += end - begin;
    }
    return n;
}

size_t bert__window_padded(const struct bert__encode_job *j, size_t w)
{
    size_t n = bert__window_size(j, w);

    return n < j->options->pad_length ? j->options->pad_length : n;
}

bert_status bert__windows_count(struct bert__encode_job *j)
{
    bool fits = bert__windows_multiply(j);

    j->n_tokens = 0;
    if (j->options->pad_length > MAX_TOKENS)
        return bert__fail(j->err, BERT_ELIMIT, "pad_length is %lu; at most %zu is taken",
                          (unsigned long)j->options->pad_length, MAX_TOKENS);
    if (!j->options->overflow)
        j->n_windows = 1;
    else if (!fits || j->n_windows > MAX_WINDOWS)
        return bert__fail(j->err, BERT_ELIMIT,
                          "%zu windows of the first text times %zu of the second; at most %ld are "
                          "given",
                          j->windows[0].count, j->windows[1].count, (long)MAX_WINDOWS);
    for (size_t w = 0; w < j->n_windows; w++) {
        j->n_tokens += bert__window_padded(j, w);
        if (j->n_tokens > MAX_TOKENS && j->n_windows > 1)
            return bert__fail(j->err, BERT_ELIMIT,
                              "%zu windows hold more than %zu tokens together; use a longer "
                              "max_length or a shorter stride",
                              j->n_windows, MAX_TOKENS);
    }
    return BERT_OK;
}
