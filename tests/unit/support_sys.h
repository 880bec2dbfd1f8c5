/* SPDX-License-Identifier: MIT */
/* support_sys.h - the system table, failing on demand. */
#ifndef BERT_TESTS_UNIT_SUPPORT_SYS_H
#define BERT_TESTS_UNIT_SUPPORT_SYS_H

#include "lib/base/sys.h"

/* How the calls behave; all zero: as the system's. */
struct test_sys {
    int open_errno, stat_errno, read_errno, map_errno, resolve_errno; /* fail with it ... */
    int write_errno; /* create, pwrite, sync, rename */
    int close_errno;
    long fail_at;    /* ... at this call of any that has one, from 1; 0: at every one */
    long calls;      /* of those so far */
    int interrupt;   /* every second openat, pread, create, pwrite and sync is EINTR */
    size_t step;     /* a pread gives, a pwrite takes at most so many bytes; 0: no limit */
    off_t shrunk;    /* files end here for pread; 0: where they end */
    long open_files; /* openat and create less close */
    long maps;       /* map less unmap */
    long threads;    /* that were created */
    int last_open_flags;
};

extern struct test_sys test_sys;

/* Install with everything zero; NULL of bert__sys_replace() takes it out again. */
void test_sys_install(void);

#endif
