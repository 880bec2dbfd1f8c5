/* SPDX-License-Identifier: MIT */
/* weights_bundle.c - a packed model's tensors, as if they lay in a file of safetensors. */
#include <string.h>

#include "lib/base/error.h"
#include "lib/base/size.h"
#include "lib/model/weights_files.h"

static enum bert__stored stored_as(const char *dtype)
{
    static const char *const floats[] = {"F32", "F16", "BF16", "F64"};

    for (size_t i = 0; i < sizeof(floats) / sizeof(*floats); i++)
        if (strcmp(dtype, floats[i]) == 0)
            return BERT__STORED_F32; /* whatever they were */
    return BERT__STORED_OTHER;
}

static void make_tensor(struct bert__tensor *to, const struct bert__bundle_tensor *from,
                        struct bert__file *file)
{
    memset(to, 0, sizeof(*to));
    to->name = from->name;
    to->name_size = strlen(from->name);
    to->dtype = from->dtype;
    to->stored = stored_as(from->dtype);
    to->rank = from->rank;
    memcpy(to->shape, from->shape, sizeof(to->shape));
    to->count = from->count;
    to->offset = from->data.offset;
    to->bytes = from->data.size;
    to->file = file;
    to->absent = !from->stored;
}

bert_status bert__weights_files_open_bundle(struct bert__weights_files *files,
                                            struct bert__alloc *alloc,
                                            const struct bert__bundle *bundle, const char *name,
                                            bool *found, bert_error *err)
{
    const struct bert__bundle_set *set = bert__bundle_set(bundle, name);
    struct bert__weights_file *item;
    size_t bytes;

    memset(files, 0, sizeof(*files));
    bert__arena_init(&files->arena, alloc);
    files->path = bert__file_path(bundle->file);
    *found = set != NULL;
    if (!set)
        return BERT_OK;
    item = bert__arena_get(&files->arena, sizeof(*item));
    if (!item)
        return bert__alloc_fail(alloc, files->path, err);
    memset(item, 0, sizeof(*item));
    if (!bert__size_mul(set->n_tensors, sizeof(*item->tensors), &bytes)
        || !(item->tensors = bert__arena_get(&files->arena, bytes)))
        return bert__alloc_fail(alloc, files->path, err);
    for (; item->n_tensors < set->n_tensors; item->n_tensors++)
        make_tensor(&item->tensors[item->n_tensors], &set->tensors[item->n_tensors], bundle->file);
    files->items = item;
    files->count = 1;
    return BERT_OK;
}
