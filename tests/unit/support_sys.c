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
    test_sys.calls++;
    if (!error || (test_sys.fail_at && test_sys.calls != test_sys.fail_at))
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

static int fake_close(int fd)
{
    test_sys.open_files--;
    return real->close(fd);
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

void test_sys_install(void)
{
    static struct bert__sys table;

    bert__sys_replace(NULL);
    real = bert__sys();
    table = *real;
    table.openat = fake_openat;
    table.fstat = fake_fstat;
    table.pread = fake_pread;
    table.close = fake_close;
    table.map = fake_map;
    table.unmap = fake_unmap;
    memset(&test_sys, 0, sizeof(test_sys));
    interrupted = 0;
    bert__sys_replace(&table);
}
