/* SPDX-License-Identifier: MIT */
/* sys.c - the operating system's side of sys.h. */
#include "lib/base/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/random.h>
#endif

static int sys_openat(int dir_fd, const char *path, int flags)
{
    return openat(dir_fd, path, flags);
}

static int sys_create(const char *path)
{
    return open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
}

static char *sys_resolve(const char *path, char *out)
{
    return realpath(path, out);
}

static void *sys_map(int fd, size_t size)
{
    void *data = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);

    return data == MAP_FAILED ? NULL : data;
}

static void *sys_pages(size_t size)
{
    void *data = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return data == MAP_FAILED ? NULL : data;
}

static void sys_huge(void *data, size_t size)
{
#ifdef MADV_HUGEPAGE
    madvise(data, size, MADV_HUGEPAGE);
#else
    (void)data;
    (void)size;
#endif
}

static int sys_event(void)
{
    return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

/* Neither can fail: the counter is 0 or 1. */
static void sys_raise(int fd)
{
    const uint64_t one = 1;

    if (write(fd, &one, sizeof one) < 0)
        return;
}

static void sys_lower(int fd)
{
    uint64_t count;

    if (read(fd, &count, sizeof count) < 0)
        return;
}

static uint64_t sys_now_ns(void)
{
    struct timespec t = {0, 0};

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Nobody waits here: a system that has just started may have no random numbers yet. */
static int sys_random(void *data, size_t size)
{
#ifdef __linux__
    ssize_t got;

    do {
        got = getrandom(data, size, GRND_NONBLOCK);
    } while (got < 0 && errno == EINTR);
    return got == (ssize_t)size ? 0 : -1;
#else
    (void)data;
    (void)size;
    return -1;
#endif
}

static const struct bert__sys standard = {
    .openat = sys_openat,
    .fstat = fstat,
    .pread = pread,
    .create = sys_create,
    .pwrite = pwrite,
    .sync = fsync,
    .resolve = sys_resolve,
    .rename = rename,
    .unlink = unlink,
    .close = close,
    .map = sys_map,
    .pages = sys_pages,
    .unmap = munmap,
    .huge = sys_huge,
    .event = sys_event,
    .raise = sys_raise,
    .lower = sys_lower,
    .thread_create = pthread_create,
    .now_ns = sys_now_ns,
    .random = sys_random,
};

static const struct bert__sys *_Atomic current = &standard;

const struct bert__sys *bert__sys(void)
{
    return atomic_load_explicit(&current, memory_order_acquire);
}

void bert__sys_replace(const struct bert__sys *table)
{
    atomic_store_explicit(&current, table != NULL ? table : &standard, memory_order_release);
}
