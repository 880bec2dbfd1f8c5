/* SPDX-License-Identifier: MIT */
/* cpu.c - see cpu.h.  x86-64 through cpuid and xgetbv, AArch64 through what
 * Linux tells of it; nothing to find elsewhere. */
#include "kernels/cpu.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

/* XCR0: which register files the operating system saves (Intel SDM vol. 1, 13.3). */
#define XCR0_AVX    0x06u /* XMM, YMM */
#define XCR0_AVX512 0xe6u /* and the opmask and ZMM parts */
#define XCR0_TILES  0x60000u

/* cpuid leaf 7; not all compilers name them. */
#define ECX7_AVX512_VNNI   (1u << 11)
#define EDX7_AMX           (1u << 22 | 1u << 24 | 1u << 25) /* bf16, tiles, int8 */
#define EAX7_1_AVX_VNNI    (1u << 4)
#define EAX7_1_AVX512_BF16 (1u << 5)

static uint32_t read_xcr0(void)
{
    uint32_t low, high;

    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

/* What leaf 7 has on top of AVX2 and AVX-512, as `found` says. */
static uint32_t dot_features(uint32_t found, uint32_t ecx7, uint32_t edx7, uint32_t xcr0)
{
    uint32_t eax, ebx, ecx, edx;

    if (!__get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx))
        eax = 0;
    if ((found & BERT__CPU_AVX2) != 0 && (eax & EAX7_1_AVX_VNNI) != 0)
        found |= BERT__CPU_AVX_VNNI;
    if ((found & BERT__CPU_AVX512) == 0)
        return found;
    if ((ecx7 & ECX7_AVX512_VNNI) != 0)
        found |= BERT__CPU_AVX512_VNNI;
    if ((eax & EAX7_1_AVX512_BF16) != 0)
        found |= BERT__CPU_AVX512_BF16;
    if ((edx7 & EDX7_AMX) == EDX7_AMX && (xcr0 & XCR0_TILES) == XCR0_TILES)
        found |= BERT__CPU_AMX;
    return found;
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
    return dot_features(found, ecx, edx, xcr0);
}

#if defined(__linux__) && defined(SYS_arch_prctl)
enum { GET_PERMISSIONS = 0x1022, ASK_PERMISSION = 0x1023, TILE_DATA = 18 }; /* asm/prctl.h */

int bert__cpu_permit(uint32_t features)
{
    unsigned long permitted = 0;

    if ((features & BERT__CPU_AMX) == 0)
        return 1;
    if (syscall(SYS_arch_prctl, GET_PERMISSIONS, &permitted) == 0
        && (permitted >> TILE_DATA & 1) != 0)
        return 1;
    return syscall(SYS_arch_prctl, ASK_PERMISSION, TILE_DATA) == 0;
}
#else
int bert__cpu_permit(uint32_t features)
{
    return (features & BERT__CPU_AMX) == 0;
}
#endif

#else

#if defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>

/* Linux' arch/arm64/include/uapi/asm/hwcap.h; not all systems' headers name them. */
#define CAP_ASIMD   (1ul << 1)
#define CAP_ASIMDDP (1ul << 20)
#define CAP2_I8MM   (1ul << 13)
#define CAP2_BF16   (1ul << 14)

uint32_t bert__cpu_features(void)
{
    const unsigned long cap = getauxval(AT_HWCAP), cap2 = getauxval(AT_HWCAP2);
    uint32_t found = BERT__CPU_NEON;

    if ((cap & CAP_ASIMD) == 0)
        return 0;
    if ((cap & CAP_ASIMDDP) != 0)
        found |= BERT__CPU_NEON_DOTPROD;
    if ((cap2 & CAP2_BF16) != 0)
        found |= BERT__CPU_NEON_BF16;
    if ((cap2 & CAP2_I8MM) != 0)
        found |= BERT__CPU_NEON_I8MM;
    return found;
}
#else
uint32_t bert__cpu_features(void)
{
    return 0;
}
#endif

int bert__cpu_permit(uint32_t features)
{
    (void)features; /* none has to be asked for */
    return 1;
}

#endif
