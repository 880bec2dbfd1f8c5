/* SPDX-License-Identifier: MIT */
/* bundle.c - a packed model opened: header and index, proven before anything is used. */
#include "lib/base/bundle.h"

#include <string.h>

#include "lib/base/bundle_header.h"
#include "lib/base/bundle_index.h"
#include "lib/base/crc32.h"
#include "lib/base/error.h"
#include "lib/base/size.h"

#define MAX_INDEX UINT64_C(100000000) /* as much as a safetensors header may have */

enum { VERIFY_STEP = 1 << 18 };

bool bert__bundle_is(const unsigned char first[BERT__BUNDLE_MAGIC])
{
    return memcmp(first, bert__bundle_magic, BERT__BUNDLE_MAGIC) == 0;
}

const char *bert__bundle_machine(void)
{
#if defined(__x86_64__)
    return "x86_64";
#elif defined(__aarch64__)
    return "aarch64";
#elif defined(__riscv)
    return "riscv";
#elif defined(__powerpc64__)
    return "ppc64";
#elif defined(__s390x__)
    return "s390x";
#elif defined(__arm__)
    return "arm";
#elif defined(__i386__)
    return "i386";
#else
    return "other";
#endif
}

/* ---- Opening ------------------------------------------------------------------------ */

static bert_status check_header(const struct bert__bundle_header *h, bool whole, const char *path,
                                uint64_t size, bert_error *err)
{
    if (h->version != BERT__BUNDLE_VERSION)
        return bert__fail(err, BERT_EUNSUPPORTED,
                          "%s: version %lu of the packed format, this library has version %d; pack "
                          "the model's directory again",
                          path, (unsigned long)h->version, BERT__BUNDLE_VERSION);
    if (h->file_size != size)
        return bert__fail(err, BERT_EFORMAT,
                          "%s: %llu bytes, its header says %llu; is it complete?", path,
                          (unsigned long long)size, (unsigned long long)h->file_size);
    if (h->index_offset < BERT__BUNDLE_HEADER || h->index_offset > size
        || h->index_size > size - h->index_offset || h->index_size > MAX_INDEX)
        return bert__fail(err, BERT_EFORMAT,
                          "%s: the index of %llu bytes at %llu does not lie in the file's %llu",
                          path, (unsigned long long)h->index_size,
                          (unsigned long long)h->index_offset, (unsigned long long)size);
    return whole ? BERT_OK
                 : bert__fail(err, BERT_EFORMAT,
                              "%s: the header is damaged (its first or last "
                              "bytes)",
                              path);
}

static bert_status read_index(struct bert__bundle *b, bert_error *err)
{
    const char *path = bert__file_path(b->file);
    unsigned char bytes[BERT__BUNDLE_HEADER];
    struct bert__bundle_header h;
    bool whole;
    char *text;
    bert_status st = bert__file_read(b->file, 0, bytes, sizeof bytes, err);

    if (st != BERT_OK)
        return st;
    whole = bert__bundle_header_read(&h, bytes);
    st = check_header(&h, whole, path, bert__file_size(b->file), err);
    if (st != BERT_OK)
        return st;
    text = bert__arena_get(&b->arena, (size_t)h.index_size + 1);
    if (text == NULL)
        return bert__alloc_fail(b->alloc, path, err);
    st = bert__file_read(b->file, h.index_offset, text, (size_t)h.index_size, err);
    if (st != BERT_OK)
        return st;
    if (bert__bundle_header_crc(bytes, text, (size_t)h.index_size) != h.crc)
        return bert__fail(err, BERT_EFORMAT,
                          "%s: header or index are damaged: their checksum differs", path);
    if (h.byte_order != bert__byte_order())
        return bert__fail(err, BERT_EUNSUPPORTED,
                          "%s: packed on a machine of the other byte order; pack the model's "
                          "directory here",
                          path);
    b->index_offset = h.index_offset;
    return bert__bundle_index(b, text, (size_t)h.index_size, err);
}

bert_status bert__bundle_open(struct bert__bundle **out, struct bert__alloc *alloc,
                              struct bert__file *file, bert_error *err)
{
    struct bert__bundle *b = bert__alloc_array(alloc, 1, sizeof *b);
    bert_status st;

    *out = NULL;
    if (b == NULL) {
        st = bert__alloc_fail(alloc, bert__file_path(file), err);
        bert__file_close(file);
        return st;
    }
    b->alloc = alloc;
    b->file = file;
    bert__arena_init(&b->arena, alloc);
    st = read_index(b, err);
    if (st != BERT_OK)
        bert__bundle_close(b);
    else
        *out = b;
    return st;
}

void bert__bundle_close(struct bert__bundle *bundle)
{
    if (bundle == NULL)
        return;
    bert__file_close(bundle->file);
    bert__arena_free(&bundle->arena);
    bert__alloc_free(bundle->alloc, bundle);
}

bert_status bert__bundle_map(struct bert__bundle *bundle, bert_error *err)
{
    const void *data;
    bert_status st;

    if (bert__file_in_memory(bundle->file))
        return BERT_OK;
    st = bert__file_map(bundle->file, &data, err);
    bundle->data = data;
    return st;
}

/* ---- Finding -------------------------------------------------------------------------- */

/* All three kinds of entries begin with their name, and are sorted by it. */
static const void *find(const void *items, size_t n, size_t size, const char *name)
{
    size_t low = 0;

    while (low < n) {
        size_t middle = low + (n - low) / 2;
        const void *item = (const char *)items + middle * size;
        const char *other;
        int order;

        memcpy(&other, item, sizeof other);
        order = strcmp(other, name);
        if (order == 0)
            return item;
        if (order < 0)
            low = middle + 1;
        else
            n = middle;
    }
    return NULL;
}

const struct bert__bundle_file *bert__bundle_file(const struct bert__bundle *b, const char *name)
{
    return find(b->files, b->n_files, sizeof *b->files, name);
}

const struct bert__bundle_set *bert__bundle_set(const struct bert__bundle *b, const char *name)
{
    return find(b->sets, b->n_sets, sizeof *b->sets, name);
}

const struct bert__bundle_matrix *bert__bundle_matrix(const struct bert__bundle *b,
                                                      const char *name)
{
    return find(b->matrices, b->n_matrices, sizeof *b->matrices, name);
}

/* ---- Verifying ------------------------------------------------------------------------- */

struct verifying {
    const struct bert__bundle *b;
    const struct bert__crc32 *crc;
    char *step;
    bert_error *err;
};

static bert_status verify(const struct verifying *v, const char *what, const char *name,
                          const struct bert__section *s)
{
    uint32_t crc = 0;
    char shown[84];

    for (uint64_t done = 0; done < s->size;) {
        size_t n = s->size - done < VERIFY_STEP ? (size_t)(s->size - done) : VERIFY_STEP;
        bert_status st = bert__alloc_goes_on(v->b->alloc)
                             ? bert__file_read(v->b->file, s->offset + done, v->step, n, v->err)
                             : bert__alloc_fail(v->b->alloc, name, v->err);

        if (st != BERT_OK)
            return st;
        crc = bert__crc32_add(v->crc, crc, v->step, n);
        done += n;
    }
    if (crc == s->crc)
        return BERT_OK;
    return bert__fail(v->err, BERT_EFORMAT,
                      "%s: %s \"%s\" is damaged: its checksum is %08lx, the index says %08lx",
                      bert__file_path(v->b->file), what, bert__printable(shown, name, strlen(name)),
                      (unsigned long)crc, (unsigned long)s->crc);
}

static bert_status verify_all(const struct verifying *v)
{
    const struct bert__bundle *b = v->b;
    bert_status st = BERT_OK;

    for (size_t i = 0; i < b->n_files && st == BERT_OK; i++)
        st = verify(v, "file", b->files[i].name, &b->files[i].data);
    for (size_t i = 0; i < b->n_sets && st == BERT_OK; i++)
        for (size_t k = 0; k < b->sets[i].n_tensors && st == BERT_OK; k++)
            if (b->sets[i].tensors[k].stored)
                st = verify(v, "tensor", b->sets[i].tensors[k].name, &b->sets[i].tensors[k].data);
    for (size_t i = 0; i < b->n_matrices && st == BERT_OK; i++)
        st = verify(v, "matrix", b->matrices[i].name, &b->matrices[i].data);
    return st;
}

bert_status bert__bundle_verify(const struct bert__bundle *bundle, bert_error *err)
{
    struct bert__crc32 crc;
    struct verifying v = {bundle, &crc, bert__alloc(bundle->alloc, VERIFY_STEP), err};
    bert_status st;

    if (v.step == NULL)
        return bert__alloc_fail(bundle->alloc, bert__file_path(bundle->file), err);
    bert__crc32_init(&crc);
    st = verify_all(&v);
    bert__alloc_free(bundle->alloc, v.step);
    return st;
}
