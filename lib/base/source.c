/* SPDX-License-Identifier: MIT */
/* source.c - a model's files, out of a directory, a descriptor, one file, a packed one or memory.
 */
#include "lib/base/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/bundle.h"
#include "lib/base/error.h"
#include "lib/base/reason.h"
#include "lib/base/size.h"
#include "lib/base/sys.h"
#include "lib/base/trace.h"

#ifndef O_PATH
#define O_PATH O_RDONLY
#endif

#define DEFAULT_MAX_FILE ((uint64_t)64 << 30)

enum { READ_STEP = 1 << 20 /* between two looks at the watch */ };

enum kind { DIRECTORY, SINGLE, MEMORY, BUNDLE };

struct bert__source {
    struct bert__alloc *alloc;
    enum kind kind;
    int fd;     /* DIRECTORY; else -1 */
    char *name; /* as given, without slashes at the end */
    const bert_file *files;
    size_t n_files;
    struct bert__bundle *bundle; /* BUNDLE; until it is taken */
    struct bert__trace *trace;   /* NULL: nobody wants to know */
    uint64_t max_file_bytes;
};

struct bert__file {
    struct bert__alloc *alloc;
    char *path;
    int fd;        /* -1: memory */
    bool borrowed; /* the descriptor is another file's, which holds this one from `base` on */
    uint64_t base;
    const char *memory;
    uint64_t size;
    void *mapping;
    size_t mapped;
};

/* ---- Sources ------------------------------------------------------------------- */

/* openat again when a signal came in between. */
static int open_again(int dir_fd, const char *path, int flags)
{
    int fd;

    do {
        fd = bert__sys()->openat(dir_fd, path, flags | O_CLOEXEC);
    } while (fd < 0 && errno == EINTR);
    return fd;
}

static bert_status create(struct bert__source **out, struct bert__alloc *alloc, enum kind kind,
                          const char *name, uint64_t max_file_bytes, bert_error *err)
{
    struct bert__source *source = bert__alloc_array(alloc, 1, sizeof(*source));
    size_t n = strlen(name);

    *out = NULL;
    if (!source)
        return bert__alloc_fail(alloc, "the model's files", err);
    while (n > 1 && name[n - 1] == '/')
        n--;
    source->alloc = alloc;
    source->kind = kind;
    source->fd = -1;
    source->max_file_bytes = max_file_bytes ? max_file_bytes : DEFAULT_MAX_FILE;
    source->name = bert__alloc_string(alloc, name, n);
    if (!source->name) {
        bert__alloc_free(alloc, source);
        return bert__alloc_fail(alloc, "the model's files", err);
    }
    *out = source;
    return BERT_OK;
}

/* What does the path name? */
static bert_status open_root(const char *path, int *fd, enum kind *kind, bert_error *err)
{
    struct stat st;
    bert_status status = BERT_OK;

    *fd = open_again(AT_FDCWD, path, O_PATH | O_NONBLOCK | O_NOCTTY);
    if (*fd < 0)
        return bert__fail_errno(path, "can't be opened", errno, err);
    if (bert__sys()->fstat(*fd, &st) != 0)
        status = bert__fail_errno(path, "can't be examined", errno, err);
    else if (S_ISDIR(st.st_mode))
        *kind = DIRECTORY;
    else if (S_ISREG(st.st_mode))
        *kind = SINGLE;
    else
        status = bert__fail(err, BERT_EIO, "%s: neither a directory nor a regular file", path);
    if (status || *kind == SINGLE) {
        bert__sys()->close(*fd);
        *fd = -1;
    }
    return status;
}

bert_status bert__source_is_directory(bool *out, const char *path, bert_error *err)
{
    enum kind kind = SINGLE;
    int fd;
    bert_status status = open_root(path, &fd, &kind, err);

    if (!status && fd >= 0)
        bert__sys()->close(fd);
    *out = kind == DIRECTORY;
    return status;
}

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

/* The one file that there is may be a packed model, in which the others are.  One that can't be
 * opened says so when it is needed. */
static bert_status find_bundle(struct bert__source *source, const char *name, bert_error *err)
{
    unsigned char first[BERT__BUNDLE_MAGIC];
    uint64_t limit = source->max_file_bytes;
    struct bert__file *file;
    bert_status status;

    source->max_file_bytes = UINT64_MAX; /* it is for the files within */
    status = bert__source_open(source, name, 1, &file, err);
    source->max_file_bytes = limit;
    if (status || !file)
        return status == BERT_ENOMEM || status == BERT_ELIMIT ? status : BERT_OK;
    if (file->size < sizeof(first) || bert__file_read(file, 0, first, sizeof(first), NULL)
        || !bert__bundle_is(first)) {
        bert__file_close(file);
        return BERT_OK;
    }
    status = bert__bundle_open(&source->bundle, source->alloc, file, err);
    if (!status)
        source->kind = BUNDLE;
    return status;
}

static bert_status finish(struct bert__source **source, const char *name, bert_error *err)
{
    bert_status status = find_bundle(*source, name, err);

    if (status) {
        bert__source_close(*source);
        *source = NULL;
    }
    return status;
}

bert_status bert__source_open_path(struct bert__source **out, struct bert__alloc *alloc,
                                   const char *path, uint64_t max_file_bytes, bert_error *err)
{
    enum kind kind = DIRECTORY;
    int fd;
    bert_status status;

    *out = NULL;
    status = open_root(path, &fd, &kind, err);
    if (status)
        return status;
    status = create(out, alloc, kind, path, max_file_bytes, err);
    if (!status)
        (*out)->fd = fd;
    else if (fd >= 0)
        bert__sys()->close(fd);
    return status || kind != SINGLE ? status : finish(out, last_part((*out)->name), err);
}

bert_status bert__source_open_fd(struct bert__source **out, struct bert__alloc *alloc, int dir_fd,
                                 uint64_t max_file_bytes, bert_error *err)
{
    char name[32];
    int fd;
    bert_status status;

    *out = NULL;
    snprintf(name, sizeof(name), "(descriptor %d)", dir_fd);
    /* an own descriptor; and a relative path refuses what is no directory */
    fd = dir_fd < 0 ? -1 : open_again(dir_fd, ".", O_PATH | O_DIRECTORY);
    if (fd < 0)
        return bert__fail_errno(name, "can't be used as a directory", dir_fd < 0 ? EBADF : errno,
                                err);
    status = create(out, alloc, DIRECTORY, name, max_file_bytes, err);
    if (!status)
        (*out)->fd = fd;
    else
        bert__sys()->close(fd);
    return status;
}

static bert_status check_files(const bert_file *files, size_t n_files, bert_error *err)
{
    for (size_t i = 0; i < n_files; i++) {
        if (!files[i].name)
            return bert__fail(err, BERT_EINVAL, "file %zu has no name", i);
        if (!files[i].data && files[i].size)
            return bert__fail(err, BERT_EINVAL, "file %s: data is NULL and size is %zu",
                              files[i].name, files[i].size);
        for (size_t j = 0; j < i; j++)
            if (strcmp(files[i].name, files[j].name) == 0)
                return bert__fail(err, BERT_EINVAL, "file %s is given twice", files[i].name);
    }
    return BERT_OK;
}

bert_status bert__source_open_memory(struct bert__source **out, struct bert__alloc *alloc,
                                     const bert_file *files, size_t n_files,
                                     uint64_t max_file_bytes, bert_error *err)
{
    bert_status status;

    *out = NULL;
    status = check_files(files, n_files, err);
    if (!status)
        status = create(out, alloc, MEMORY, "(memory)", max_file_bytes, err);
    if (status)
        return status;
    (*out)->files = files;
    (*out)->n_files = n_files;
    return n_files == 1 ? finish(out, files[0].name, err) : BERT_OK;
}

void bert__source_close(struct bert__source *source)
{
    if (!source)
        return;
    if (source->fd >= 0)
        bert__sys()->close(source->fd);
    bert__bundle_close(source->bundle);
    bert__alloc_free(source->alloc, source->name);
    bert__alloc_free(source->alloc, source);
}

const char *bert__source_name(const struct bert__source *source)
{
    return source->name;
}

struct bert__bundle *bert__source_bundle(const struct bert__source *source)
{
    return source->bundle;
}

struct bert__bundle *bert__source_take_bundle(struct bert__source *source)
{
    struct bert__bundle *bundle = source->bundle;

    source->bundle = NULL;
    return bundle;
}

struct bert__trace *bert__source_trace(struct bert__source *source, struct bert__trace *trace)
{
    struct bert__trace *before = source->trace;

    source->trace = trace;
    return before;
}

struct bert__watch *bert__source_watched(const struct bert__source *source)
{
    return bert__alloc_watched(source->alloc);
}

/* ---- Opening a file ----------------------------------------------------------- */

bool bert__source_is_plain(const char *name)
{
    const char *part = name;

    for (;;) {
        size_t n = strcspn(part, "/");

        if (n == 0 || (n == 1 && part[0] == '.') || (n == 2 && part[0] == '.' && part[1] == '.'))
            return false;
        if (!part[n])
            return true;
        part += n + 1;
    }
}

const char *bert__source_single(const struct bert__source *source)
{
    return source->kind == SINGLE ? last_part(source->name) : NULL;
}

static char *join(const struct bert__source *source, const char *name)
{
    size_t n = strlen(source->name), m = strlen(name), bytes;
    bool slash = n > 0 && source->name[n - 1] != '/';
    char *path;

    if (source->kind == SINGLE && strcmp(name, last_part(source->name)) == 0)
        return bert__alloc_string(source->alloc, source->name, n);
    if (!bert__size_add(n, m, &bytes) || !bert__size_add(bytes, 2, &bytes))
        return NULL;
    path = bert__alloc(source->alloc, bytes);
    if (!path)
        return NULL;
    memcpy(path, source->name, n);
    if (slash)
        path[n++] = '/';
    memcpy(path + n, name, m + 1);
    return path;
}

/* The file is not there, which is fine if it is optional; not so if its name is a link
 * into the void, as an interrupted download leaves behind. */
static bert_status absent(const struct bert__source *source, const char *name, const char *path,
                          int optional, bert_error *err)
{
    int fd;

    if (source->kind == DIRECTORY && O_PATH != O_RDONLY) {
        fd = open_again(source->fd, name, O_PATH | O_NOFOLLOW);
        if (fd < 0 && errno != ENOENT && errno != ENOTDIR)
            return bert__fail_errno(path, "can't be opened", errno, err);
        if (fd >= 0) {
            bert__sys()->close(fd);
            return bert__fail(err, BERT_EIO,
                              "%s: a symbolic link to a file that does not exist; get the model "
                              "again",
                              path);
        }
    }
    if (optional)
        return BERT_OK;
    if (source->kind == SINGLE)
        return bert__fail(err, BERT_EIO, "%s: a file, and no directory with %s", source->name,
                          name);
    return bert__fail(err, BERT_EIO, "%s: no such file", path);
}

static bert_status open_disk(const struct bert__source *source, const char *name, int optional,
                             struct bert__file *file, bool *found, bert_error *err)
{
    int dir = source->kind == SINGLE ? AT_FDCWD : source->fd;
    const char *path = source->kind == SINGLE ? source->name : name;
    struct stat st;
    int fd;

    if (source->kind == SINGLE && strcmp(name, last_part(source->name)) != 0)
        return absent(source, name, file->path, optional, err);
    /* not blocking: a FIFO would hold the open until somebody writes */
    fd = open_again(dir, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return absent(source, name, file->path, optional, err);
    if (fd < 0)
        return bert__fail_errno(file->path, "can't be opened", errno, err);
    file->fd = fd;
    if (bert__sys()->fstat(fd, &st) != 0)
        return bert__fail_errno(file->path, "can't be examined", errno, err);
    if (S_ISDIR(st.st_mode))
        return bert__fail(err, BERT_EIO, "%s: a directory, not a file", file->path);
    if (!S_ISREG(st.st_mode) || st.st_size < 0)
        return bert__fail(err, BERT_EIO, "%s: not a regular file", file->path);
    file->size = (uint64_t)st.st_size;
    *found = true;
    return BERT_OK;
}

static bert_status open_memory(const struct bert__source *source, const char *name, int optional,
                               struct bert__file *file, bool *found, bert_error *err)
{
    for (size_t i = 0; i < source->n_files; i++) {
        if (strcmp(source->files[i].name, name) != 0)
            continue;
        file->memory = source->files[i].size ? source->files[i].data : "";
        file->size = source->files[i].size;
        *found = true;
        return BERT_OK;
    }
    return absent(source, name, file->path, optional, err);
}

static bert_status open_bundled(const struct bert__source *source, const char *name, int optional,
                                struct bert__file *file, bool *found, bert_error *err)
{
    const struct bert__file *whole = source->bundle->file;
    const struct bert__bundle_file *entry = bert__bundle_file(source->bundle, name);

    if (entry == NULL)
        return absent(source, name, file->path, optional, err);
    file->size = entry->data.size;
    file->fd = whole->fd;
    file->borrowed = true;
    file->base = entry->data.offset;
    if (whole->fd < 0)
        file->memory = whole->memory + entry->data.offset;
    *found = true;
    return BERT_OK;
}

bert_status bert__source_open(struct bert__source *source, const char *name, int optional,
                              struct bert__file **out, bert_error *err)
{
    struct bert__file *file;
    bool found = false;
    char text[84];
    bert_status status;

    *out = NULL;
    if (!bert__source_is_plain(name))
        return bert__fail(err, BERT_EFORMAT, "%s: \"%s\" is not the name of a file below it",
                          source->name, bert__printable(text, name, strlen(name)));
    file = bert__alloc_array(source->alloc, 1, sizeof(*file));
    if (!file)
        return bert__alloc_fail(source->alloc, name, err);
    file->alloc = source->alloc;
    file->fd = -1;
    file->path = join(source, name);
    if (!file->path)
        status = bert__alloc_fail(source->alloc, name, err);
    else if (source->kind == MEMORY)
        status = open_memory(source, name, optional, file, &found, err);
    else if (source->kind == BUNDLE)
        status = open_bundled(source, name, optional, file, &found, err);
    else
        status = open_disk(source, name, optional, file, &found, err);
    if (!status && file->size > source->max_file_bytes)
        status = bert__fail(err, BERT_ELIMIT, "%s: %llu bytes, over the limit of %llu per file",
                            file->path, (unsigned long long)file->size,
                            (unsigned long long)source->max_file_bytes);
    if (!status && found && source->trace && !bert__trace_file(source->trace, name))
        status = bert__alloc_fail(source->alloc, name, err);
    if (!status && found)
        *out = file;
    else
        bert__file_close(file);
    return status;
}

/* ---- Reading --------------------------------------------------------------------- */

void bert__file_close(struct bert__file *file)
{
    if (!file)
        return;
    if (file->mapping)
        bert__sys()->unmap(file->mapping, file->mapped);
    if (file->fd >= 0 && !file->borrowed)
        bert__sys()->close(file->fd);
    bert__alloc_free(file->alloc, file->path);
    bert__alloc_free(file->alloc, file);
}

uint64_t bert__file_size(const struct bert__file *file)
{
    return file->size;
}

const char *bert__file_path(const struct bert__file *file)
{
    return file->path;
}

int bert__file_in_memory(const struct bert__file *file)
{
    return file->fd < 0 && !file->mapping;
}

void bert__file_keep_mapping(struct bert__file *file)
{
    if (file->mapping && file->fd >= 0 && !file->borrowed) {
        bert__sys()->close(file->fd);
        file->fd = -1;
    }
}

static bert_status read_disk(struct bert__file *file, uint64_t offset, char *data, size_t size,
                             bert_error *err)
{
    while (size > 0) {
        ssize_t n;

        if (!bert__alloc_goes_on(file->alloc))
            return bert__alloc_fail(file->alloc, file->path, err);
        n = bert__sys()->pread(file->fd, data, size < READ_STEP ? size : READ_STEP, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return bert__fail_errno(file->path, "can't be read", errno, err);
        if (n == 0)
            return bert__fail(
                err, BERT_EIO, "%s: ends at byte %llu of %llu; it became shorter while being read",
                file->path, (unsigned long long)offset, (unsigned long long)file->size);
        data += n;
        offset += (uint64_t)n;
        size -= (size_t)n;
    }
    return BERT_OK;
}

bert_status bert__file_read(struct bert__file *file, uint64_t offset, void *data, size_t size,
                            bert_error *err)
{
    if (offset > file->size || size > file->size - offset)
        return bert__fail(err, BERT_EIO, "%s: %llu bytes, too short for %zu bytes at %llu",
                          file->path, (unsigned long long)file->size, size,
                          (unsigned long long)offset);
    if (!size)
        return BERT_OK;
    if (file->fd >= 0)
        return read_disk(file, file->base + offset, data, size, err);
    memcpy(data, (file->mapping ? (const char *)file->mapping : file->memory) + offset, size);
    return BERT_OK;
}

bert_status bert__file_map(struct bert__file *file, const void **data, bert_error *err)
{
    size_t size;

    *data = NULL;
    if (file->mapping) { /* the descriptor may be closed by now */
        *data = file->mapping;
        return BERT_OK;
    }
    if (file->borrowed && file->fd >= 0)
        return bert__fail(err, BERT_EINTERNAL, "%s: a part of a file is not mapped", file->path);
    if (file->fd < 0 || file->size == 0) {
        *data = file->fd < 0 ? file->memory : "";
        return BERT_OK;
    }
    if (!bert__u64_to_size(file->size, &size))
        return bert__fail(err, BERT_EIO, "%s: too large to be mapped", file->path);
    file->mapping = bert__sys()->map(file->fd, size);
    if (!file->mapping)
        return bert__fail_errno(file->path, "can't be mapped", errno, err);
    file->mapped = size;
    *data = file->mapping;
    return BERT_OK;
}

bert_status bert__source_read(struct bert__source *source, const char *name, int optional,
                              char **data, size_t *size, bert_error *err)
{
    struct bert__file *file;
    char *block = NULL;
    size_t n = 0, bytes;
    bert_status status;

    *data = NULL;
    *size = 0;
    status = bert__source_open(source, name, optional, &file, err);
    if (status || !file)
        return status;
    if (!bert__u64_to_size(file->size, &n) || !bert__size_add(n, 1, &bytes)
        || !(block = bert__alloc(source->alloc, bytes)))
        status = bert__alloc_fail(source->alloc, file->path, err);
    else
        status = bert__file_read(file, 0, block, n, err);
    bert__file_close(file);
    if (status) {
        bert__alloc_free(source->alloc, block);
        return status;
    }
    block[n] = 0;
    *data = block;
    *size = n;
    return BERT_OK;
}
