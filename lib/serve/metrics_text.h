/* SPDX-License-Identifier: MIT */
/* metrics_text.h - a snapshot as text, into a buffer of fixed size. */
#ifndef BERT_LIB_SERVE_METRICS_TEXT_H
#define BERT_LIB_SERVE_METRICS_TEXT_H

#include <bert/metrics.h>

/* Text that is counted whole, and kept as far as there is room. */
struct bert__sink {
    char *out;
    size_t capacity, size;
};

/* One text after the other, up to NULL. */
void bert__sink_add(struct bert__sink *sink, const char *text, ...) __attribute__((sentinel));
void bert__sink_u64(struct bert__sink *sink, uint64_t number);
/* 10^-9 of a number, exactly, without trailing zeros. */
void bert__sink_nano(struct bert__sink *sink, uint64_t number);
/* 9 digits, whatever the locale; it must be finite. */
void bert__sink_double(struct bert__sink *sink, double number);

/* Writers: `snapshot` has its size. */
void bert__metrics_prometheus(struct bert__sink *sink, const bert_metrics *snapshot);
void bert__metrics_json(struct bert__sink *sink, const bert_metrics *snapshot);

#endif
