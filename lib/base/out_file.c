/* SPDX-License-Identifier: MIT */
/* out_file.c - written beside, then renamed. */
#include "lib/base/out_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/error.h"
#include "lib/base/reason.h"
#include "lib/base/size.h"
#include "lib/base/sys.h"

enum {
    WRITE_STEP = 1 << 30, /* the kernel cuts a write at 2 GiB less a page */
    TRIES = 100,          /* names that another process of this number left behind */
    SUFFIX = 40
};

struct bert__out_file {
    struct bert__alloc *alloc;
    int fd; /* -1: there is nothing to take away */
    char *path, *temporary;
};

static bert_status create(struct bert__out_file *file, bert_error *err)
{
    size_t n = strlen(file->path);

    for (int i = 0; i < TRIES; i++) {
        snprintf(file->temporary + n, SUFFIX, ".%ld-%d.tmp", (long)getpid(), i);
        do {
            file->fd = bert__sys()->create(file->temporary);
        } while (file->fd < 0 && errno == EINTR);
        if (file->fd >= 0)
            return BERT_OK;
        if (errno != EEXIST)
            break;
    }
    return bert__fail_errno(file->path, "can't be written", errno, err);
}

bert_status bert__out_file_create(struct bert__out_file **out, struct bert__alloc *alloc,
                                  const char *path, bert_error *err)
{
    struct bert__out_file *file = bert__alloc_array(alloc, 1, sizeof *file);
    size_t n = strlen(path), bytes;
    bert_status st;

    *out = NULL;
    if (file == NULL)
        return bert__alloc_fail(alloc, path, err);
    file->alloc = alloc;
    file->fd = -1;
    file->path = bert__alloc_string(alloc, path, n);
    if (bert__size_add(n, SUFFIX, &bytes))
        file->temporary = bert__alloc(alloc, bytes);
    if (file->path == NULL || file->temporary == NULL) {
        st = bert__alloc_fail(alloc, path, err);
    } else {
        memcpy(file->temporary, path, n);
        st = create(file, err);
    }
    if (st != BERT_OK)
        bert__out_file_discard(file);
    else
        *out = file;
    return st;
}

bert_status bert__out_file_write(struct bert__out_file *file, uint64_t offset, const void *data,
                                 size_t size, bert_error *err)
{
    const char *at = data;

    while (size > 0) {
        size_t step = size < WRITE_STEP ? size : WRITE_STEP;
        ssize_t n = bert__sys()->pwrite(file->fd, at, step, (off_t)offset);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return bert__fail_errno(file->path, "can't be written", n < 0 ? errno : ENOSPC, err);
        at += n;
        offset += (uint64_t)n;
        size -= (size_t)n;
    }
    return BERT_OK;
}

static int sync_again(int fd)
{
    int result;

    do {
        result = bert__sys()->sync(fd);
    } while (result != 0 && errno == EINTR);
    return result;
}

bert_status bert__out_file_commit(struct bert__out_file *file, bert_error *err)
{
    bert_status st = BERT_OK;
    int fd = file->fd;

    if (sync_again(fd) != 0)
        st = bert__fail_errno(file->path, "can't be written", errno, err);
    if (st == BERT_OK) {
        file->fd = -1;
        if (bert__sys()->close(fd) != 0 && errno != EINTR)
            st = bert__fail_errno(file->path, "can't be written", errno, err);
        else if (bert__sys()->rename(file->temporary, file->path) != 0)
            st = bert__fail_errno(file->path, "can't be replaced", errno, err);
        if (st != BERT_OK)
            bert__sys()->unlink(file->temporary);
    }
    bert__out_file_discard(file);
    return st;
}

void bert__out_file_discard(struct bert__out_file *file)
{
    if (file == NULL)
        return;
    if (file->fd >= 0) {
        bert__sys()->close(file->fd);
        bert__sys()->unlink(file->temporary);
    }
    bert__alloc_free(file->alloc, file->temporary);
    bert__alloc_free(file->alloc, file->path);
    bert__alloc_free(file->alloc, file);
}

bert_status bert__out_file_put(struct bert__alloc *alloc, const char *path, const void *data,
                               size_t size, bert_error *err)
{
    struct bert__out_file *file;
    bert_status st = bert__out_file_create(&file, alloc, path, err);

    if (st == BERT_OK)
        st = bert__out_file_write(file, 0, data, size, err);
    if (st == BERT_OK)
        return bert__out_file_commit(file, err);
    bert__out_file_discard(file);
    return st;
}
