/* SPDX-License-Identifier: MIT */
/* cpus.c - how many CPUs this process may use: affinity, and the cgroup's quota. */
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/sys.h"
#include "lib/base/thread.h"

/* A small file of the kernel's, whole, as a string; false if it can't be read. */
static bool read_small(const char *path, char *out, size_t capacity)
{
    const struct bert__sys *sys = bert__sys();
    int fd = sys->openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
    ssize_t n;

    if (fd < 0)
        return false;
    n = sys->pread(fd, out, capacity - 1, 0);
    sys->close(fd);
    if (n <= 0)
        return false;
    out[n] = '\0';
    return true;
}

static uint32_t affinity(void)
{
    cpu_set_t set;

    if (sched_getaffinity(0, sizeof set, &set) != 0)
        return 1;
    return (uint32_t)CPU_COUNT(&set);
}

/* Whole CPUs that quota per period pays for, rounded up; 0 if it says nothing. */
static uint32_t whole_cpus(long long quota, long long period)
{
    if (quota <= 0 || period <= 0 || quota / period > 1 << 20)
        return 0;
    return (uint32_t)((quota + period - 1) / period);
}

/* The path of a cgroup v2 from /proc/self/cgroup: the line "0::PATH". */
static bool own_cgroup(char *path, size_t capacity)
{
    char text[4096];
    const char *line;
    size_t n;

    if (!read_small("/proc/self/cgroup", text, sizeof text))
        return false;
    line = strncmp(text, "0::", 3) == 0 ? text : strstr(text, "\n0::");
    if (line == NULL)
        return false;
    line = strstr(line, "0::") + 3;
    n = strcspn(line, "\n");
    if (n >= capacity)
        return false;
    memcpy(path, line, n);
    path[n] = '\0';
    return true;
}

/* The smallest quota from the process's own cgroup (v2) up to the root. */
static uint32_t quota_v2(void)
{
    char group[2048], path[2304], text[128];
    uint32_t least = 0;

    if (!own_cgroup(group, sizeof group))
        return 0;
    for (;;) {
        long long quota, period;
        char *slash;

        snprintf(path, sizeof path, "/sys/fs/cgroup%s/cpu.max", strcmp(group, "/") ? group : "");
        if (read_small(path, text, sizeof text)
            && sscanf(text, "%lld %lld", &quota, &period) == 2) {
            uint32_t cpus = whole_cpus(quota, period);

            if (cpus > 0 && (least == 0 || cpus < least))
                least = cpus;
        }
        slash = strrchr(group, '/');
        if (slash == NULL)
            return least;
        *slash = '\0';
    }
}

static uint32_t quota_v1(void)
{
    char text[64];
    long long quota, period;

    if (!read_small("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", text, sizeof text)
        || sscanf(text, "%lld", &quota) != 1
        || !read_small("/sys/fs/cgroup/cpu/cpu.cfs_period_us", text, sizeof text)
        || sscanf(text, "%lld", &period) != 1)
        return 0;
    return whole_cpus(quota, period);
}

uint32_t bert__cpu_count(void)
{
    uint32_t cpus = affinity();
    uint32_t quota = quota_v2();

    if (quota == 0)
        quota = quota_v1();
    if (quota > 0 && quota < cpus)
        cpus = quota;
    return cpus > 0 ? cpus : 1;
}
