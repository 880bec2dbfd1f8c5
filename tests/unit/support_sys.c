/* SPDX-License-Identifier: MIT */
#include "tests/unit/support_sys.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

struct test_sys test_sys;
static const struct bert__sys *real;
static int interrupted;

/* Is it this call's turn to fail? */
static bool fails(int error)
{
    if (!error || (++test_sys.calls != test_sys.fail_at && test_sys.fail_at))
        return false;
    errno = error;
    return true;
}

static bool interrupts(void)
{
    interrupted = test_sys.interrupt && !interrupted;
    if (interrupted)
        errno = EINTR;
    return interrupted;
}

static int fake_openat(int dir_fd, const char *path, int flags)
{
    int fd;

    test_sys.last_open_flags = flags;
    if (interrupts() || fails(test_sys.open_errno))
        return -1;
    fd = real->openat(dir_fd, path, flags);
    test_sys.open_files += fd >= 0;
    return fd;
}

static int fake_fstat(int fd, struct stat *st)
{
    return fails(test_sys.stat_errno) ? -1 : real->fstat(fd, st);
}

static ssize_t fake_pread(int fd, void *data, size_t size, off_t offset)
{
    if (interrupts() || fails(test_sys.read_errno))
        return -1;
    if (test_sys.step && size > test_sys.step)
        size = test_sys.step;
    if (test_sys.shrunk && offset >= test_sys.shrunk)
        return 0;
    if (test_sys.shrunk && (size_t)(test_sys.shrunk - offset) < size)
        size = (size_t)(test_sys.shrunk - offset);
    return real->pread(fd, data, size, offset);
}

static char *fake_resolve(const char *path, char *out)
{
    return fails(test_sys.resolve_errno) ? NULL : real->resolve(path, out);
}

static int fake_create(const char *path)
{
    int fd = interrupts() || fails(test_sys.write_errno) ? -1 : real->create(path);

    test_sys.open_files += fd >= 0;
    return fd;
}

static ssize_t fake_pwrite(int fd, const void *data, size_t size, off_t offset)
{
    if (interrupts() || fails(test_sys.write_errno))
        return -1;
    if (test_sys.step && size > test_sys.step)
        size = test_sys.step;
    return real->pwrite(fd, data, size, offset);
}

static int fake_sync(int fd)
{
    return interrupts() || fails(test_sys.write_errno) ? -1 : real->sync(fd);
}

static int fake_rename(const char *from, const char *to)
{
    return fails(test_sys.write_errno) ? -1 : real->rename(from, to);
}

/* The descriptor is closed in any case. */
static int fake_close(int fd)
{
    int rc = real->close(fd);

    test_sys.open_files--;
    return fails(test_sys.close_errno) ? -1 : rc;
}

static void *fake_map(int fd, size_t size)
{
    void *data = fails(test_sys.map_errno) ? NULL : real->map(fd, size);

    test_sys.maps += data != NULL;
    return data;
}

static int fake_unmap(void *data, size_t size)
{
    test_sys.maps--;
    return real->unmap(data, size);
}

static int fake_thread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *),
                              void *arg)
{
    test_sys.threads++;
    return real->thread_create(thread, attr, run, arg);
}

void test_sys_install(void)
{
    static struct bert__sys table;

    bert__sys_replace(NULL);
    real = bert__sys();
    table = *real;
    table.openat = fake_openat;
    table.fstat = fake_fstat;
    table.pread = fake_pread;
    table.resolve = fake_resolve;
    table.create = fake_create;
    table.pwrite = fake_pwrite;
    table.sync = fake_sync;
    table.rename = fake_rename;
    table.close = fake_close;
    table.map = fake_map;
    table.unmap = fake_unmap;
    table.thread_create = fake_thread_create;
    memset(&test_sys, 0, sizeof(test_sys));
    interrupted = 0;
    bert__sys_replace(&table);
}
