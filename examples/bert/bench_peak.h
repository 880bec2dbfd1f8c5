/* SPDX-License-Identifier: MIT */
/* bench_peak.h - the fp32 peak of this machine, measured. */
#ifndef BENCH_PEAK_H
#define BENCH_PEAK_H

#include <stdint.h>

/* GFLOP/s of `threads` threads that do nothing but independent multiply-adds in
 * registers, with the widest instructions of the machine. */
double bench_peak_gflops(uint32_t threads);

#endif
