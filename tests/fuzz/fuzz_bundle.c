/* SPDX-License-Identifier: MIT */
/*
 * fuzz_bundle.c - any bytes as a packed model.
 *
 * Header and index get the checksum that they should have, so that what is behind it is
 * reached; every section that the index promises must be readable.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/bundle.h"
#include "lib/base/bundle_header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void sign_bundle(uint8_t *data, size_t size)
{
    struct bert__bundle_header h;

    if (size < BERT__BUNDLE_HEADER || !bert__bundle_header_read(&h, data) || h.index_offset > size
        || h.index_size > size - h.index_offset)
        return;
    h.crc =
        bert__bundle_header_crc(data, (const char *)data + h.index_offset, (size_t)h.index_size);
    bert__bundle_header_write(data, &h);
}

static void read_section(struct bert__bundle *b, const struct bert__section *s)
{
    void *out = malloc((size_t)s->size + 1);

    if (out && bert__file_read(b->file, s->offset, out, (size_t)s->size, NULL) != BERT_OK)
        __builtin_trap();
    free(out);
}

static void read_bundle(struct bert__bundle *b)
{
    for (size_t i = 0; i < b->n_files; i++) {
        if (bert__bundle_file(b, b->files[i].name) != &b->files[i])
            __builtin_trap();
        read_section(b, &b->files[i].data);
    }
    for (size_t i = 0; i < b->n_sets; i++) {
        const struct bert__bundle_set *set = &b->sets[i];

        if (bert__bundle_set(b, set->name) != set)
            __builtin_trap();
        for (size_t k = 0; k < set->n_tensors; k++)
            if (set->tensors[k].stored)
                read_section(b, &set->tensors[k].data);
    }
    for (size_t i = 0; i < b->n_matrices; i++) {
        const struct bert__bundle_matrix *m = &b->matrices[i];

        if (bert__bundle_matrix(b, m->name) != m || m->panel_bytes * m->n_panels != m->data.size)
            __builtin_trap();
        read_section(b, &m->data);
    }
    bert__bundle_verify(b, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bert__alloc *alloc = bert__alloc_create(NULL, 0);
    struct bert__source *source = NULL;
    uint8_t *copy = malloc(size + 1);
    bert_file file = {"model.bert", copy, size};

    if (alloc && copy) {
        memcpy(copy, data, size);
        sign_bundle(copy, size);
        if (bert__source_open_memory(&source, alloc, &file, 1, 0, NULL) == BERT_OK
            && bert__source_bundle(source) != NULL)
            read_bundle(bert__source_bundle(source));
        bert__source_close(source);
        if (bert__alloc_used(alloc) != 0)
            __builtin_trap();
    }
    bert__alloc_destroy(alloc);
    free(copy);
    return 0;
}
