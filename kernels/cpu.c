/* SPDX-License-Identifier: MIT */
/* cpu.c - see cpu.h.  x86-64 through cpuid and xgetbv; nothing to find elsewhere. */
#include "kernels/cpu.h"

#if defined(__x86_64__)
#include <cpuid.h>

/* XCR0: which register files the operating system saves (Intel SDM vol. 1, 13.3). */
#define XCR0_AVX    0x06u /* XMM, YMM */
#define XCR0_AVX512 0xe6u /* and the opmask and ZMM parts */

static uint32_t read_xcr0(void)
{
    uint32_t low, high;

    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

uint32_t bert__cpu_features(void)
{
    const uint32_t need1 = bit_AVX | bit_FMA | bit_F16C | bit_OSXSAVE;
    const uint32_t need512 = bit_AVX512F | bit_AVX512BW | bit_AVX512DQ | bit_AVX512VL;
    uint32_t eax, ebx, ecx, edx, xcr0;
    uint32_t found = 0;

    if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || (ecx & need1) != need1)
        return 0;
    if (!__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) || !(ebx & bit_AVX2))
        return 0;
    xcr0 = read_xcr0();
    if ((xcr0 & XCR0_AVX) == XCR0_AVX)
        found |= BERT__CPU_AVX2;
    if (found && (xcr0 & XCR0_AVX512) == XCR0_AVX512 && (ebx & need512) == need512)
        found |= BERT__CPU_AVX512;
    return found;
}

#else

uint32_t bert__cpu_features(void)
{
    return 0;
}

#endif
