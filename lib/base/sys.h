/* SPDX-License-Identifier: MIT */
/*
 * sys.h - the calls into the operating system that can fail, as one table that
 * tests replace to make them fail.  Nothing else in the library calls them.
 */
#ifndef BERT_LIB_BASE_SYS_H
#define BERT_LIB_BASE_SYS_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

struct bert__sys {
    int (*openat)(int dir_fd, const char *path, int flags);
    int (*fstat)(int fd, struct stat *st);
    ssize_t (*pread)(int fd, void *data, size_t size, off_t offset);
    int (*create)(const char *path); /* for writing; it must not exist */
    ssize_t (*pwrite)(int fd, const void *data, size_t size, off_t offset);
    int (*sync)(int fd);
    char *(*resolve)(const char *path, char *out); /* realpath(); out holds PATH_MAX */
    int (*rename)(const char *from, const char *to);
    int (*unlink)(const char *path);
    int (*close)(int fd);
    void *(*map)(int fd, size_t size);
    void *(*pages)(size_t size); /* zeroed memory, whole pages; or NULL */
    int (*unmap)(void *data, size_t size);
    void (*huge)(void *data, size_t size); /* large pages, where the system has them */
    int (*event)(void); /* what poll() sees once it is raised, until it is lowered; or -1 */
    void (*raise)(int fd);
    void (*lower)(int fd);
    int (*thread_create)(pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *),
                         void *arg);
    uint64_t (*now_ns)(void);               /* CLOCK_MONOTONIC */
    int (*random)(void *data, size_t size); /* up to 256 bytes; -1: there are none to be had now */
};

/* The table in use: never NULL. */
const struct bert__sys *bert__sys(void);
/* Tests only, while no other thread runs library code; NULL restores. */
void bert__sys_replace(const struct bert__sys *table);

#endif
