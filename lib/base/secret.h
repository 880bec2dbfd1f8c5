/* SPDX-License-Identifier: MIT */
/* secret.h - a key for a hash, which nobody outside the process can guess. */
#ifndef BERT_LIB_BASE_SECRET_H
#define BERT_LIB_BASE_SECRET_H

#include <stdint.h>

/* 128 bits from the system.  Where it has none to give: a hash of the 16 random bytes with which
 * it started the process, of the time and of `salt`'s address, so that it can't fail. */
void bert__secret(uint64_t key[2], const void *salt);

#endif
