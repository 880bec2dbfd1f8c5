/* SPDX-License-Identifier: MIT */
#include "examples/bert/output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "examples/bert/interrupt.h"
#include "examples/bert/memory.h"
#include "examples/bert/message.h"
#include "examples/bert/options.h"

enum { BUFFER_SIZE = 1 << 16, PATIENCE_MS = 1000 };

static const char *name_of(const struct output *output)
{
    return output->path != NULL ? output->path : "standard output";
}

static void fail(struct output *output, const char *what)
{
    if (errno == EPIPE)
        output->closed = true;
    else if (!output->failed)
        message_errno(name_of(output), what, errno);
    if (!output->closed)
        output->failed = true;
}

/* ---- Opening -------------------------------------------------------------- */

/* Does the path name an open descriptor?  Opening it again would start at offset 0. */
static bool names_descriptor(const char *path, int *fd)
{
    static const char *const folders[] = {"/dev/fd/", "/proc/self/fd/"};
    int64_t number;

    *fd = strcmp(path, "/dev/stdout") == 0 ? STDOUT_FILENO : STDERR_FILENO;
    if (*fd == STDOUT_FILENO || strcmp(path, "/dev/stderr") == 0)
        return true;
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        size_t n = strlen(folders[i]);

        if (strncmp(path, folders[i], n) == 0 && parse_number(path + n, 0, INT_MAX, &number)) {
            *fd = (int)number;
            return true;
        }
    }
    return false;
}

static bool open_descriptor(struct output *output, int fd)
{
    output->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    if (output->fd < 0)
        fail(output, "can't be written");
    return output->fd >= 0;
}

static bool open_directly(struct output *output)
{
    output->fd = open(output->path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    if (output->fd < 0)
        fail(output, "can't be written");
    return output->fd >= 0;
}

static char *temporary_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    size_t folder = slash != NULL ? (size_t)(slash - path) + 1 : 0;
    static const char name[] = ".bert-XXXXXX";
    char *temporary = get_memory(folder + sizeof name, 1);

    memcpy(temporary, path, folder);
    memcpy(temporary + folder, name, sizeof name);
    return temporary;
}

/* The mode that creating the file would have given, or that of the old file. */
static void set_mode(int fd, const struct stat *old)
{
    mode_t mask = umask(0);

    umask(mask);
    if (fchmod(fd, old != NULL ? old->st_mode & 07777 : 0666 & ~mask) != 0) {
        /* a file system without modes */
    }
}

static bool open_beside(struct output *output, const struct stat *old)
{
    if (old != NULL && access(output->path, W_OK) != 0) {
        fail(output, "can't be written");
        return false;
    }
    output->temporary = temporary_name(output->path);
    output->fd = mkostemp(output->temporary, O_CLOEXEC);
    if (output->fd < 0) {
        fail(output, "can't be written");
        free(output->temporary);
        output->temporary = NULL;
        return false;
    }
    interrupt_watch_file(output->temporary);
    set_mode(output->fd, old);
    return true;
}

static bool open_file(struct output *output, const char *path)
{
    struct stat st;
    char *real;
    int fd;

    output->path = copy_bytes(path, strlen(path));
    if (names_descriptor(path, &fd))
        return open_descriptor(output, fd);
    if (stat(path, &st) != 0) {
        if (errno == ENOENT && *path != '\0' && path[strlen(path) - 1] != '/')
            return open_beside(output, NULL);
        fail(output, "can't be written");
        return false;
    }
    if (!S_ISREG(st.st_mode))
        return open_directly(output);
    real = realpath(path, NULL); /* a symbolic link stays one */
    if (real == NULL) {
        fail(output, "can't be written");
        return false;
    }
    free(output->path);
    output->path = real;
    return open_beside(output, &st);
}

bool output_open(struct output *output, const char *path)
{
    memset(output, 0, sizeof *output);
    output->fd = STDOUT_FILENO;
    output->buffer = get_memory(BUFFER_SIZE, 1);
    return path == NULL || strcmp(path, "-") == 0 || open_file(output, path);
}

/* ---- Writing -------------------------------------------------------------- */

bool output_wanted(const struct output *output)
{
    return !output->failed && !output->closed;
}

static void wait_writable(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLOUT};

    poll(&p, 1, -1);
}

/* After a signal nobody waits for a reader that takes nothing. */
static bool is_stuck(const struct output *output)
{
    struct pollfd p = {.fd = output->fd, .events = POLLOUT};

    return interrupt_signal() != 0 && poll(&p, 1, PATIENCE_MS) == 0;
}

static void write_out(struct output *output, const char *data, size_t size)
{
    while (size > 0 && output_wanted(output)) {
        size_t most = interrupt_signal() != 0 && size > PIPE_BUF ? PIPE_BUF : size;
        ssize_t n;

        if (is_stuck(output)) {
            output->closed = true;
            return;
        }
        n = write(output->fd, data, most);
        if (n >= 0) {
            data += n;
            size -= (size_t)n;
        } else if (errno == EAGAIN) {
            wait_writable(output->fd);
        } else if (errno != EINTR) {
            fail(output, "can't be written");
        }
    }
}

void output_flush(struct output *output)
{
    write_out(output, output->buffer, output->used);
    output->used = 0;
}

void output_write(struct output *output, const void *data, size_t size)
{
    if (size == 0)
        return;
    if (size > BUFFER_SIZE - output->used)
        output_flush(output);
    if (size > BUFFER_SIZE) {
        write_out(output, data, size);
        return;
    }
    memcpy(output->buffer + output->used, data, size);
    output->used += size;
}

void output_text(struct output *output, const char *text)
{
    output_write(output, text, strlen(text));
}

void output_format(struct output *output, const char *format, ...)
{
    char line[1024];
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (n > 0)
        output_write(output, line, (size_t)n < sizeof line ? (size_t)n : sizeof line - 1);
}

void output_printable(struct output *output, const char *data, size_t size)
{
    size_t from = 0;

    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)data[i];

        if (c >= 0x20 && c != 0x7F)
            continue;
        output_write(output, data + from, i - from);
        from = i + 1;
        if (c == '\n' || c == '\r' || c == '\t')
            output_text(output, c == '\n' ? "\\n" : c == '\r' ? "\\r" : "\\t");
        else
            output_format(output, "\\x%02x", c);
    }
    output_write(output, data + from, size - from);
}

bool output_seekable(const struct output *output)
{
    return output->temporary != NULL;
}

void output_patch(struct output *output, const void *data, size_t size)
{
    output_flush(output);
    if (output_wanted(output) && pwrite(output->fd, data, size, 0) != (ssize_t)size)
        fail(output, "can't be written");
}

/* ---- Closing -------------------------------------------------------------- */

static void close_file(struct output *output)
{
    /* Some file systems report a full disk only here. */
    if (output->temporary != NULL && output_wanted(output) && fsync(output->fd) != 0
        && errno != EINVAL && errno != EROFS)
        fail(output, "can't be written");
    if (close(output->fd) != 0 && errno != EINTR)
        fail(output, "can't be written");
}

bool output_close(struct output *output, bool keep)
{
    if (keep)
        output_flush(output);
    if (output->path != NULL && output->fd >= 0)
        close_file(output);
    if (output->temporary != NULL) {
        keep = keep && !output->failed;
        if (keep && rename(output->temporary, output->path) != 0) {
            fail(output, "can't be written");
            keep = false;
        }
        if (!keep)
            unlink(output->temporary);
        interrupt_watch_file(NULL);
    }
    free(output->temporary);
    free(output->path);
    free(output->buffer);
    output->temporary = output->path = output->buffer = NULL;
    return !output->failed;
}
