/* SPDX-License-Identifier: MIT */
/* truncate.c - the reference's rules of truncation. */
#include "tokenizer/truncate.h"

#include "lib/base/error.h"

/* Lengths of both under longest_first. */
static void share(size_t n[2], size_t room)
{
    size_t shorter = n[0] > n[1], longer = !shorter; /* indices */
    size_t a = n[shorter], b;

    if (a > room)
        b = a;
    else
        b = a > room - a ? a : room - a;
    if (a + b > room) {
        a = room / 2;
        b = a + room % 2;
    }
    if (a < n[shorter])
        n[shorter] = a;
    if (b < n[longer])
        n[longer] = b;
}

/* Set the lengths for a total of at most `room`. */
static bert_status cut(const bert_tokenize_options *o, bool pair, size_t room, size_t n[2],
                       bert_error *err)
{
    size_t excess = n[0] + n[1] - room;
    size_t target = o->strategy == BERT_ONLY_SECOND;

    if (room == 0) {
        n[0] = n[1] = 0;
    } else if (o->strategy == BERT_LONGEST_FIRST) {
        if (pair)
            share(n, room);
        else
            n[0] = room;
    } else if ((target == 1 && !pair) || n[target] <= excess) {
        return bert__fail(err, BERT_ERANGE,
                          "max_length %lu is passed by %zu tokens, and %s has only %zu to cut",
                          (unsigned long)o->max_length, excess,
                          target == 1 ? "the second text" : "the first text", n[target]);
    } else {
        n[target] -= excess;
    }
    return BERT_OK;
}

/* Room for text tokens; what the reference refuses before it sees a text. */
static bert_status measure(const bert_tokenizer *tok, const bert_tokenize_options *o, bool pair,
                           size_t *room, bert_error *err)
{
    size_t single = tok->postprocessor.layouts[0][1].n_special;
    size_t special = tok->postprocessor.layouts[pair][!o->no_special].n_special;

    if (o->max_length < special)
        return bert__fail(err, BERT_EINVAL, "max_length is %lu; the special tokens alone are %zu",
                          (unsigned long)o->max_length, special);
    if (o->max_length >= single && o->max_length - single < o->stride)
        return bert__fail(
            err, BERT_EINVAL, "stride is %lu; max_length %lu leaves room for %zu tokens of text",
            (unsigned long)o->stride, (unsigned long)o->max_length, o->max_length - single);
    *room = o->max_length - special;
    return BERT_OK;
}

static bert_status plan(struct bert__windows *w, size_t n, size_t length,
                        const bert_tokenize_options *o, bert_error *err)
{
    *w = (struct bert__windows){n, length, 1, 1, o->side == BERT_TRUNCATE_LEFT};
    if (length >= n)
        return BERT_OK;
    if (length == 0) {
        w->count = 2;
        return BERT_OK;
    }
    if (o->stride >= length)
        return bert__fail(err, BERT_EINVAL,
                          "stride is %lu; windows of %zu tokens of a text have no such overlap",
                          (unsigned long)o->stride, length);
    w->step = length - o->stride;
    w->count = 1 + (n - length + w->step - 1) / w->step;
    return BERT_OK;
}

bert_status bert__truncate(const bert_tokenizer *tok, const bert_tokenize_options *o, bool pair,
                           const size_t n[2], struct bert__windows out[2], bert_error *err)
{
    size_t length[2] = {n[0], pair ? n[1] : 0}, room = 0, total;
    bert_status status = BERT_OK;

    if (!bert__size_add(length[0], length[1], &total))
        return bert__fail(err, BERT_ERANGE, "the texts have too many tokens");
    if (o->max_length > 0) {
        status = measure(tok, o, pair, &room, err);
        if (status == BERT_OK && total > room)
            status = cut(o, pair, room, length, err);
    }
    for (int i = 0; i < 2 && status == BERT_OK; i++)
        status = plan(&out[i], i == 0 || pair ? n[i] : 0, length[i], o, err);
    return status;
}
