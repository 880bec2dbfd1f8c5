/* SPDX-License-Identifier: MIT */
/* reason.c - words for errno. */
#include "lib/base/reason.h"

#include <errno.h>
#include <stdio.h>

#include "lib/base/error.h"

/* Not strerror: it answers in the process's language. */
static const char *reason(int error, char out[32])
{
    switch (error) {
    case EACCES:
    case EPERM:
        return "permission denied";
    case EIO:
        return "input/output error";
    case EMFILE:
    case ENFILE:
        return "too many open files";
    case ELOOP:
        return "too many symbolic links";
    case ENAMETOOLONG:
        return "the name is too long";
    case ENOMEM:
        return "the system is out of memory";
    case ENOENT:
        return "no such file or directory";
    case ENOTDIR:
        return "a part of the path is not a directory";
    case ENOSPC:
    case EDQUOT:
        return "no space is left on the device";
    case EROFS:
        return "the file system is read-only";
    case EISDIR:
        return "a directory is there";
    case ENXIO:
    case ENODEV:
        return "not a regular file";
    case ESTALE:
        return "stale file handle";
    case EBADF:
        return "not an open descriptor";
    default:
        snprintf(out, 32, "system error %d", error);
        return out;
    }
}

bert_status bert__fail_errno(const char *path, const char *doing, int error, bert_error *err)
{
    char text[32];

    return bert__fail(err, BERT_EIO, "%s: %s: %s", path, doing, reason(error, text));
}
