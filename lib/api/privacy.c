/* SPDX-License-Identifier: MIT */
/* privacy.c - bert/privacy.h: masking, and making samplers. */
#include <bert/privacy.h>
#include <string.h>

#include "lib/api/options.h"
#include "lib/base/bytes.h"
#include "lib/base/error.h"
#include "lib/serve/mask.h"
#include "lib/serve/sampler.h"

enum { ALL_KINDS = 2 * BERT_MASK_URL - 1, DEFAULT_ENTRIES = 256, DEFAULT_BYTES = 1 << 20 };

static bert_status read_how(struct bert__mask_how *how, const bert_mask_options *options,
                            bert_error *err)
{
    bert_mask_options o;
    bert_status st = bert__options_read(&o, sizeof o, options, "bert_mask_options", err);

    if (st != BERT_OK)
        return st;
    if ((o.kinds & ~(uint32_t)ALL_KINDS) != 0)
        return bert__fail(err, BERT_EINVAL,
                          "kinds is 0x%lx; it has bits that are no bert_mask_kind",
                          (unsigned long)o.kinds);
    *how = (struct bert__mask_how){.kinds = o.kinds != 0 ? o.kinds : ALL_KINDS,
                                   .keyed = o.key != NULL};
    if (o.key != NULL) {
        how->key[0] = bert__load_low(o.key);
        how->key[1] = bert__load_low(o.key + 8);
    }
    return BERT_OK;
}

/* `what` names the out-parameters, of which `size` is where the size goes. */
static bert_status check(bert_text text, const void *out, size_t capacity, const void *size,
                         const char *what, bert_error *err)
{
    if (size == NULL)
        return bert__fail(err, BERT_EINVAL, "%s is NULL", what);
    if ((text.data == NULL && text.size > 0) || (out == NULL && capacity > 0))
        return bert__fail(err, BERT_EINVAL, "%s is NULL",
                          text.data == NULL && text.size > 0 ? "text.data" : "out");
    return BERT_OK;
}

/* ---- Masking -------------------------------------------------------------------------- */

bert_status bert_mask_find(bert_text text, const bert_mask_options *options, bert_mask_span *out,
                           size_t capacity, size_t *count, bert_error *err)
{
    struct bert__mask_how how;
    struct bert__masker masker;
    bert_mask_span span;
    bert_status st = check(text, out, capacity, count, "count", err);

    if (st == BERT_OK)
        st = read_how(&how, options, err);
    if (st != BERT_OK)
        return st;
    *count = 0;
    bert__mask_start(&masker, text, how.kinds);
    for (; bert__mask_next(&masker, &span); ++*count) {
        if (*count < capacity)
            out[*count] = span;
    }
    return *count <= capacity
               ? BERT_OK
               : bert__fail(err, BERT_ERANGE, "out has room for %zu spans; there are %zu", capacity,
                            *count);
}

static bert_status write_masked(bert_text text, const bert_mask_options *options,
                                const struct bert__mask_entities *entities, char *out,
                                size_t capacity, size_t *out_size, bert_error *err)
{
    struct bert__mask_how how;
    bert_status st = check(text, out, capacity, out_size, "out_size", err);

    if (st == BERT_OK)
        st = read_how(&how, options, err);
    if (st != BERT_OK)
        return st;
    *out_size = bert__mask_write(text, &how, entities, out, capacity);
    if (*out_size > capacity)
        st = bert__fail(err, BERT_ERANGE, "out has room for %zu bytes; the text takes %zu",
                        capacity, *out_size);
    return st;
}

bert_status bert_mask(bert_text text, const bert_mask_options *options, char *out, size_t capacity,
                      size_t *out_size, bert_error *err)
{
    return write_masked(text, options, NULL, out, capacity, out_size, err);
}

bert_status bert_mask_entities(bert_text text, const bert_entities *entities, size_t record,
                               const char *const *labels, size_t n_labels,
                               const bert_mask_options *options, char *out, size_t capacity,
                               size_t *out_size, bert_error *err)
{
    struct bert__mask_entities e = {.labels = labels, .n_labels = n_labels};
    bert_status st;

    if (entities == NULL || (labels == NULL && n_labels > 0))
        return bert__fail(err, BERT_EINVAL, "%s is NULL", entities == NULL ? "entities" : "labels");
    for (size_t i = 0; i < n_labels; i++) {
        if (labels[i] == NULL)
            return bert__fail(err, BERT_EINVAL, "labels[%zu] is NULL", i);
    }
    st = bert__mask_entities_read(&e, entities, record, text, err);
    return st == BERT_OK ? write_masked(text, options, &e, out, capacity, out_size, err) : st;
}

/* ---- Samplers ------------------------------------------------------------------------- */

bert_status bert_sampler_create(bert_sampler **out, const bert_sampler_options *options,
                                bert_error *err)
{
    struct bert__mask_how how;
    bert_sampler_options o;
    bert_status st;

    if (out == NULL)
        return bert__fail(err, BERT_EINVAL, "out is NULL");
    *out = NULL;
    st = bert__options_read(&o, sizeof o, options, "bert_sampler_options", err);
    if (st == BERT_OK)
        st = read_how(&how, o.mask, err);
    if (st != BERT_OK)
        return st;
    if (o.redact != NULL && o.mask != NULL)
        return bert__fail(err, BERT_EINVAL, "redact and mask exclude each other");
    o.entries = o.entries != 0 ? o.entries : DEFAULT_ENTRIES;
    o.max_bytes = o.max_bytes != 0 ? o.max_bytes : DEFAULT_BYTES;
    return bert__sampler_create(out, &o, &how, err);
}
