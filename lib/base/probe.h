/* SPDX-License-Identifier: MIT */
/*
 * probe.h - static probes (USDT) of the provider `libbert`, for bpftrace, perf and SystemTap.  With
 * configure --enable-sdt each is one instruction that does nothing, and a note of where its
 * arguments are; else nothing at all, and the arguments are not even worked out.  docs/metrics.md
 * lists them.
 *
 * Arguments are integers or pointers.  Ids are the engine's own: of a request, and of a batch.
 */
#ifndef BERT_LIB_BASE_PROBE_H
#define BERT_LIB_BASE_PROBE_H

#include "config.h"

#ifdef BERT_HAVE_SDT
#include <sys/sdt.h>
#define BERT__PROBE1(name, a)          DTRACE_PROBE1(libbert, name, a)
#define BERT__PROBE2(name, a, b)       DTRACE_PROBE2(libbert, name, a, b)
#define BERT__PROBE3(name, a, b, c)    DTRACE_PROBE3(libbert, name, a, b, c)
#define BERT__PROBE4(name, a, b, c, d) DTRACE_PROBE4(libbert, name, a, b, c, d)
#else
/* sizeof: a variable that only a probe reads is not unused */
#define BERT__PROBE1(name, a)          ((void)sizeof(a))
#define BERT__PROBE2(name, a, b)       ((void)(sizeof(a) + sizeof(b)))
#define BERT__PROBE3(name, a, b, c)    ((void)(sizeof(a) + sizeof(b) + sizeof(c)))
#define BERT__PROBE4(name, a, b, c, d) ((void)(sizeof(a) + sizeof(b) + sizeof(c) + sizeof(d)))
#endif

/* A request was taken; bytes of its texts. */
#define BERT__PROBE_REQUEST_SUBMIT(request, bytes) BERT__PROBE2(request__submit, request, bytes)
/* It is in a batch, after so long in the queue. */
#define BERT__PROBE_REQUEST_START(request, batch, wait_ns)                                         \
    BERT__PROBE3(request__start, request, batch, wait_ns)
/* It has ended: a bert_status, and the time since it was submitted. */
#define BERT__PROBE_REQUEST_DONE(request, status, total_ns)                                        \
    BERT__PROBE3(request__done, request, status, total_ns)
/* A batch begins, and has ended. */
#define BERT__PROBE_BATCH_START(batch, requests, tokens)                                           \
    BERT__PROBE3(batch__start, batch, requests, tokens)
#define BERT__PROBE_BATCH_DONE(batch, requests, tokens, status)                                    \
    BERT__PROBE4(batch__done, batch, requests, tokens, status)
/* A request was answered from the cache. */
#define BERT__PROBE_CACHE_HIT(request) BERT__PROBE1(cache__hit, request)
/* A name has another version of its model: a string, and the two versions. */
#define BERT__PROBE_MODEL_SWAP(name, from, to) BERT__PROBE3(model__swap, name, from, to)

#endif
