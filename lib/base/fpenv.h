/* SPDX-License-Identifier: MIT */
/*
 * fpenv.h - the floating-point state while libbert computes: round to nearest,
 * no flushing of subnormals, no traps, whatever the host's thread has set; the
 * host's own state, its sticky flags too, is put back at the end.
 */
#ifndef BERT_LIB_BASE_FPENV_H
#define BERT_LIB_BASE_FPENV_H

#if defined(__x86_64__)

#include <xmmintrin.h>

struct bert__fpenv {
    unsigned mxcsr;
};

static inline void bert__fpenv_enter(struct bert__fpenv *saved)
{
    saved->mxcsr = _mm_getcsr();
    _mm_setcsr(0x1F80); /* the power-on value: all masked, nearest, FTZ and DAZ off */
}

static inline void bert__fpenv_leave(const struct bert__fpenv *saved)
{
    _mm_setcsr(saved->mxcsr);
}

#elif defined(__aarch64__)

#include <stdint.h>

struct bert__fpenv {
    uint64_t fpcr, fpsr; /* modes, and sticky flags */
};

static inline void bert__fpenv_enter(struct bert__fpenv *saved)
{
    __asm__ volatile("mrs %0, fpcr\n\tmrs %1, fpsr\n\tmsr fpcr, xzr"
                     : "=&r"(saved->fpcr), "=r"(saved->fpsr)
                     :
                     : "memory");
}

static inline void bert__fpenv_leave(const struct bert__fpenv *saved)
{
    __asm__ volatile("msr fpcr, %0\n\tmsr fpsr, %1"
                     :
                     : "r"(saved->fpcr), "r"(saved->fpsr)
                     : "memory");
}

#else

#include <fenv.h>

struct bert__fpenv {
    fenv_t env;
};

static inline void bert__fpenv_enter(struct bert__fpenv *saved)
{
    fegetenv(&saved->env);
    fesetenv(FE_DFL_ENV);
}

static inline void bert__fpenv_leave(const struct bert__fpenv *saved)
{
    fesetenv(&saved->env);
}

#endif

#endif
