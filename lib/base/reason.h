/* SPDX-License-Identifier: MIT */
/* reason.h - a failed system call as an error. */
#ifndef BERT_LIB_BASE_REASON_H
#define BERT_LIB_BASE_REASON_H

#include <bert/base.h>

/* BERT_EIO, "PATH: DOING: WHY"; `error` is errno. */
bert_status bert__fail_errno(const char *path, const char *doing, int error, bert_error *err);

#endif
