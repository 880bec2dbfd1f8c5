/* SPDX-License-Identifier: MIT */
/*
 * sha256.h - SHA-256 (FIPS 180-4), in pieces of any size.
 *
 * On x86 with its SHA instructions, which the CPU is asked for at each start: no state is kept.
 */
#ifndef BERT_LIB_BASE_SHA256_H
#define BERT_LIB_BASE_SHA256_H

#include <stddef.h>
#include <stdint.h>

enum { BERT__SHA256_BLOCK = 64, BERT__SHA256_BYTES = 32, BERT__SHA256_HEX = 65 };

/* So many whole blocks into the state. */
typedef void (*bert__sha256_fn)(uint32_t state[8], const unsigned char *data, size_t blocks);

struct bert__sha256 {
    uint32_t state[8];
    uint64_t bytes; /* so far */
    unsigned char block[BERT__SHA256_BLOCK];
    bert__sha256_fn run;
};

void bert__sha256_start(struct bert__sha256 *h);
/* The same without this CPU's instructions, for tests. */
void bert__sha256_start_portable(struct bert__sha256 *h);
void bert__sha256_add(struct bert__sha256 *h, const void *data, size_t size);
void bert__sha256_finish(struct bert__sha256 *h, unsigned char digest[BERT__SHA256_BYTES]);

/* In lower case, with a NUL. */
void bert__sha256_hex(char out[BERT__SHA256_HEX], const unsigned char digest[BERT__SHA256_BYTES]);

/* On this CPU; NULL: it has no such instructions, or none that are used here. */
bert__sha256_fn bert__sha256_native(void);

#endif
