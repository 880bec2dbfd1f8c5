/* SPDX-License-Identifier: MIT */
/* safetensors.c - reading a header that may lie. */
#include "lib/model/safetensors.h"

#include <string.h>

#include "lib/base/error.h"
#include "lib/base/size.h"
#include "lib/base/sort.h"

#define MAX_HEADER UINT64_C(100000000)

enum { LENGTH_BYTES = 8 };

struct element_type {
    const char *name;
    enum bert__stored stored;
    uint32_t bits;
};

/* All of the format's; those that are no weights must still tile the file. */
static const struct element_type element_types[] = {
    {"F32", BERT__STORED_F32, 32},          {"F16", BERT__STORED_F16, 16},
    {"BF16", BERT__STORED_BF16, 16},        {"F64", BERT__STORED_F64, 64},
    {"I64", BERT__STORED_OTHER, 64},        {"I32", BERT__STORED_OTHER, 32},
    {"I16", BERT__STORED_OTHER, 16},        {"I8", BERT__STORED_OTHER, 8},
    {"U64", BERT__STORED_OTHER, 64},        {"U32", BERT__STORED_OTHER, 32},
    {"U16", BERT__STORED_OTHER, 16},        {"U8", BERT__STORED_OTHER, 8},
    {"BOOL", BERT__STORED_OTHER, 8},        {"C64", BERT__STORED_OTHER, 64},
    {"F8_E4M3", BERT__STORED_OTHER, 8},     {"F8_E5M2", BERT__STORED_OTHER, 8},
    {"F8_E8M0", BERT__STORED_OTHER, 8},     {"F8_E4M3FNUZ", BERT__STORED_OTHER, 8},
    {"F8_E5M2FNUZ", BERT__STORED_OTHER, 8}, {"F6_E2M3", BERT__STORED_OTHER, 6},
    {"F6_E3M2", BERT__STORED_OTHER, 6},     {"F4", BERT__STORED_OTHER, 4},
};

/* What the functions of one file share. */
struct header {
    struct bert__arena *arena; /* of the result */
    struct bert__file *file;
    const char *path;
    uint64_t data_start; /* 8 + N */
    bert_error *err;
};

/* A whole number >= 0; false otherwise. */
static bool read_u64(const struct bert__json *value, uint64_t *out)
{
    if (value->type != BERT__JSON_NUMBER || !value->is_integer || value->u.integer < 0)
        return false;
    *out = (uint64_t)value->u.integer;
    return true;
}

static bert_status fail_tensor(const struct header *h, const struct bert__tensor *t,
                               const char *what)
{
    char name[84];

    return bert__fail(h->err, BERT_EFORMAT, "%s: tensor \"%s\": %s", h->path,
                      bert__printable(name, t->name, t->name_size), what);
}

static bert_status read_dtype(const struct header *h, const struct bert__json *entry,
                              struct bert__tensor *t, uint32_t *bits)
{
    const struct bert__json *value = bert__json_get(entry, "dtype");
    char name[84], dtype[84];

    if (!bert__json_is(value, BERT__JSON_STRING))
        return fail_tensor(h, t, "\"dtype\" is missing or no string");
    for (size_t i = 0; i < sizeof(element_types) / sizeof(*element_types); i++) {
        if (!bert__json_equals(value, element_types[i].name))
            continue;
        t->stored = element_types[i].stored;
        t->dtype = element_types[i].name;
        *bits = element_types[i].bits;
        return BERT_OK;
    }
    return bert__fail(h->err, BERT_EUNSUPPORTED, "%s: tensor \"%s\": unknown dtype \"%s\"", h->path,
                      bert__printable(name, t->name, t->name_size),
                      bert__printable(dtype, value->u.string.data, value->u.string.size));
}

static bert_status read_shape(const struct header *h, const struct bert__json *entry,
                              struct bert__tensor *t)
{
    const struct bert__json *value = bert__json_get(entry, "shape");
    char name[84];

    if (!bert__json_is(value, BERT__JSON_ARRAY))
        return fail_tensor(h, t, "\"shape\" is missing or no array");
    if (value->u.array.count > BERT__MAX_RANK)
        return bert__fail(h->err, BERT_EUNSUPPORTED,
                          "%s: tensor \"%s\": %zu dimensions; at most %d are handled", h->path,
                          bert__printable(name, t->name, t->name_size), value->u.array.count,
                          BERT__MAX_RANK);
    t->rank = (uint32_t)value->u.array.count;
    t->count = 1;
    for (uint32_t i = 0; i < t->rank; i++) {
        if (!read_u64(&value->u.array.items[i], &t->shape[i]))
            return fail_tensor(h, t, "\"shape\" holds what is no whole number >= 0");
        if (__builtin_mul_overflow(t->count, t->shape[i], &t->count))
            return fail_tensor(h, t, "the product of \"shape\" does not fit 64 bits");
    }
    return BERT_OK;
}

/* The offsets, which must hold exactly the shape's elements. */
static bert_status read_offsets(const struct header *h, const struct bert__json *entry,
                                struct bert__tensor *t, uint32_t bits)
{
    const struct bert__json *value = bert__json_get(entry, "data_offsets");
    uint64_t begin, end, need;
    char name[84];

    if (!bert__json_is(value, BERT__JSON_ARRAY) || value->u.array.count != 2
        || !read_u64(&value->u.array.items[0], &begin) || !read_u64(&value->u.array.items[1], &end))
        return fail_tensor(h, t, "\"data_offsets\" is no pair of whole numbers >= 0");
    if (end < begin)
        return bert__fail(
            h->err, BERT_EFORMAT,
            "%s: tensor \"%s\": \"data_offsets\" end at %llu before they begin at %llu", h->path,
            bert__printable(name, t->name, t->name_size), (unsigned long long)end,
            (unsigned long long)begin);
    if (__builtin_mul_overflow(t->count, bits, &need) || need % 8 != 0)
        return fail_tensor(h, t, "\"shape\" and \"dtype\" give no whole number of bytes that fits");
    t->bytes = end - begin;
    if (t->bytes != need / 8)
        return bert__fail(h->err, BERT_EFORMAT,
                          "%s: tensor \"%s\": %s and its shape take %llu bytes, \"data_offsets\" "
                          "[%llu, %llu] give it %llu",
                          h->path, bert__printable(name, t->name, t->name_size), t->dtype,
                          (unsigned long long)(need / 8), (unsigned long long)begin,
                          (unsigned long long)end, (unsigned long long)t->bytes);
    t->offset = begin; /* from the data's start, for now */
    return BERT_OK;
}

static bert_status read_tensor(const struct header *h, const struct bert__json_member *member,
                               struct bert__tensor *t)
{
    uint32_t bits = 0;
    bert_status status;

    memset(t, 0, sizeof(*t));
    t->file = h->file;
    t->name_size = member->key.size;
    t->name = bert__arena_string(h->arena, member->key.data, member->key.size);
    if (!t->name)
        return bert__alloc_fail(h->arena->alloc, h->path, h->err);
    if (memchr(t->name, 0, t->name_size))
        return fail_tensor(h, t, "the name holds a NUL");
    if (member->value.type != BERT__JSON_OBJECT)
        return fail_tensor(h, t, "its entry is no object");
    status = read_dtype(h, &member->value, t, &bits);
    if (!status)
        status = read_shape(h, &member->value, t);
    if (!status)
        status = read_offsets(h, &member->value, t, bits);
    return status;
}

static bert_status check_metadata(const struct header *h, const struct bert__json *value)
{
    char key[84];

    if (value->type != BERT__JSON_OBJECT)
        return bert__fail(h->err, BERT_EFORMAT, "%s: \"__metadata__\" is %s; expected an object",
                          h->path, bert__json_type_name(value));
    for (size_t i = 0; i < value->u.object.count; i++) {
        const struct bert__json_member *m = &value->u.object.members[i];

        if (m->value.type != BERT__JSON_STRING)
            return bert__fail(h->err, BERT_EFORMAT,
                              "%s: \"__metadata__\": \"%s\" is %s; expected a string", h->path,
                              bert__printable(key, m->key.data, m->key.size),
                              bert__json_type_name(&m->value));
    }
    return BERT_OK;
}

static int by_offset(const void *a, const void *b)
{
    const struct bert__tensor *s = a, *t = b;

    if (s->offset != t->offset)
        return s->offset < t->offset ? -1 : 1;
    /* the empty ones first, else a neighbour seems to overlap them */
    return s->bytes < t->bytes ? -1 : s->bytes > t->bytes;
}

/* In the order of their offsets the tensors follow each other without a gap, from
 * the data's start to the file's end.  Then offsets count from the file's start. */
static bert_status check_tiling(const struct header *h, struct bert__tensor **sorted, size_t count)
{
    uint64_t size = bert__file_size(h->file) - h->data_start, next = 0;
    char name[84];

    bert__sort((void **)sorted, count, by_offset);
    for (size_t i = 0; i < count; i++) {
        struct bert__tensor *t = sorted[i];

        if (t->offset != next)
            return bert__fail(
                h->err, BERT_EFORMAT,
                "%s: tensor \"%s\" begins at byte %llu of the data; expected %llu (%s)", h->path,
                bert__printable(name, t->name, t->name_size), (unsigned long long)t->offset,
                (unsigned long long)next, t->offset < next ? "it overlaps another" : "a gap");
        next += t->bytes; /* fits: offset + bytes was the file's own number */
        if (next > size)
            return bert__fail(h->err, BERT_EFORMAT,
                              "%s: tensor \"%s\" ends at byte %llu of %llu bytes of data; is the "
                              "file complete?",
                              h->path, bert__printable(name, t->name, t->name_size),
                              (unsigned long long)next, (unsigned long long)size);
        t->offset += h->data_start;
    }
    if (next != size)
        return bert__fail(h->err, BERT_EFORMAT,
                          "%s: the tensors take %llu bytes, the file holds %llu bytes of data",
                          h->path, (unsigned long long)next, (unsigned long long)size);
    return BERT_OK;
}

static bert_status read_entries(const struct header *h, const struct bert__json *root,
                                struct bert__tensor *tensors, struct bert__tensor **sorted,
                                size_t *count)
{
    bert_status status;

    *count = 0;
    for (size_t i = 0; i < root->u.object.count; i++) {
        const struct bert__json_member *m = &root->u.object.members[i];

        if (m->key.size == 12 && memcmp(m->key.data, "__metadata__", 12) == 0)
            status = check_metadata(h, &m->value);
        else {
            sorted[*count] = &tensors[*count];
            status = read_tensor(h, m, &tensors[*count]);
            ++*count;
        }
        if (status)
            return status;
    }
    return check_tiling(h, sorted, *count);
}

static bert_status read_header(const struct header *h, struct bert__alloc *alloc,
                               const struct bert__json *root, struct bert__tensor **tensors,
                               size_t *count)
{
    size_t n = root->u.object.count, bytes;
    struct bert__tensor **sorted;
    bert_status status;

    if (!bert__size_mul(n, sizeof(**tensors), &bytes)
        || !(*tensors = bert__arena_get(h->arena, bytes)))
        return bert__alloc_fail(h->arena->alloc, h->path, h->err);
    sorted = bert__alloc_array(alloc, n, sizeof(struct bert__tensor *));
    if (!sorted)
        return bert__alloc_fail(alloc, h->path, h->err);
    status = read_entries(h, root, *tensors, sorted, count);
    bert__alloc_free(alloc, sorted);
    return status;
}

/* What downloads leave in a file's place. */
static const char *likely(const unsigned char *bytes)
{
    if (memcmp(bytes, "version ", LENGTH_BYTES) == 0)
        return "a pointer of Git LFS? then `git lfs pull` gets the file";
    if (bytes[0] == '<')
        return "a page of a web server?";
    if (memcmp(bytes, "PK\3\4", 4) == 0)
        return "a zip archive, as torch.save() makes?";
    return "not a safetensors file, or not complete";
}

/* The length N, little endian, and the space for it in the file. */
static bert_status read_length(struct header *h, size_t *length)
{
    unsigned char bytes[LENGTH_BYTES];
    uint64_t size = bert__file_size(h->file), n = 0;
    bert_status status;

    if (size < LENGTH_BYTES)
        return bert__fail(h->err, BERT_EFORMAT,
                          "%s: %llu bytes are too few for a safetensors file; is it complete?",
                          h->path, (unsigned long long)size);
    status = bert__file_read(h->file, 0, bytes, sizeof(bytes), h->err);
    if (status)
        return status;
    for (int i = LENGTH_BYTES; i-- > 0;)
        n = n << 8 | bytes[i];
    if (n > MAX_HEADER || n > size - LENGTH_BYTES)
        return bert__fail(h->err, BERT_EFORMAT, "%s: the header's length %llu is over %llu; %s",
                          h->path, (unsigned long long)n,
                          (unsigned long long)(size - LENGTH_BYTES < MAX_HEADER
                                                   ? size - LENGTH_BYTES
                                                   : MAX_HEADER),
                          likely(bytes));
    h->data_start = LENGTH_BYTES + n;
    *length = (size_t)n;
    return BERT_OK;
}

/* Read and parse into `scratch`; the text's errors say "header". */
static bert_status parse_header(const struct header *h, struct bert__arena *scratch, size_t length,
                                const struct bert__json **root)
{
    char *text = bert__arena_get(scratch, length);
    bert_status status;

    if (!text)
        return bert__alloc_fail(scratch->alloc, h->path, h->err);
    status = bert__file_read(h->file, LENGTH_BYTES, text, length, h->err);
    if (status)
        return status;
    if (!length || text[0] != '{')
        return bert__fail(h->err, BERT_EFORMAT,
                          "%s: the header does not begin with '{'; not a safetensors file",
                          h->path);
    return bert__json_parse(scratch, h->path, text, length, root, h->err);
}

bert_status bert__safetensors_open(struct bert__arena *arena, struct bert__alloc *alloc,
                                   struct bert__file *file, struct bert__tensor **tensors,
                                   size_t *count, bert_error *err)
{
    struct header h = {arena, file, bert__file_path(file), 0, err};
    struct bert__arena scratch;
    const struct bert__json *root;
    size_t length = 0;
    bert_status status;

    *tensors = NULL;
    *count = 0;
    status = read_length(&h, &length);
    if (status)
        return status;
    bert__arena_init(&scratch, alloc);
    status = parse_header(&h, &scratch, length, &root);
    if (!status)
        status = read_header(&h, alloc, root, tensors, count);
    bert__arena_free(&scratch);
    if (status) {
        *tensors = NULL;
        *count = 0;
    }
    return status;
}
