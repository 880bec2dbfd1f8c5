/* SPDX-License-Identifier: MIT */
#include "examples/bert/bench_loops.h"

#include <stddef.h>

/* Chains that run side by side: more than latency (4 to 6) times units (2). */
#define CHAINS       12
#define REPEAT_12(x) x(0) x(1) x(2) x(3) x(4) x(5) x(6) x(7) x(8) x(9) x(10) x(11)

/* A loop over twelve sums; START, STEP and SUM say what is done with sum i.  It ends so that a
 * semicolon can follow. */
#define LOOP(target, name, START, STEP, SUM)                                                       \
    target static float name(uint64_t steps)                                                       \
    {                                                                                              \
        float sum = 0;                                                                             \
                                                                                                   \
        REPEAT_12(START)                                                                           \
        for (uint64_t i = 0; i < steps; i++) {                                                     \
            REPEAT_12(STEP)                                                                        \
        }                                                                                          \
        REPEAT_12(SUM)                                                                             \
        return sum;                                                                                \
    }                                                                                              \
    _Static_assert(CHAINS == 12, "as many as are written out")

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Bit of a register (0: eax ... 3: edx) of cpuid's leaf 7. */
static int leaf7(unsigned subleaf, int reg, int bit)
{
    unsigned r[4];

    if (!__get_cpuid_count(7, subleaf, &r[0], &r[1], &r[2], &r[3]))
        return 0;
    return r[reg] >> bit & 1;
}

/* The compiler's own test looks at what the system saves, too. */
static int has_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

static int has_avx512(void)
{
    return __builtin_cpu_supports("avx512f") != 0;
}

static int has_avx_vnni(void)
{
    return has_avx2() && leaf7(1, 0, 4);
}

static int has_avx512_vnni(void)
{
    return has_avx512() && leaf7(0, 2, 11);
}

static int has_avx512_bf16(void)
{
    return has_avx512() && leaf7(1, 0, 5);
}

/* Tiles are used only where the system grants them to this process. */
static int has_tiles(int bit)
{
    enum { REQUEST_PERMISSION = 0x1023, TILE_DATA = 18 };

    return leaf7(0, 3, 24) && leaf7(0, 3, bit)
           && syscall(SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA) == 0;
}

static int has_tiles_bf16(void)
{
    return has_tiles(22);
}

static int has_tiles_int8(void)
{
    return has_tiles(25);
}

#define TARGET(list) __attribute__((target(list)))

#define START_AVX2(i) __m256 c##i = _mm256_set1_ps((float)i);
#define STEP_AVX2(i)  c##i = _mm256_fmadd_ps(c##i, _mm256_set1_ps(0.5f), _mm256_set1_ps(0.25f));
#define SUM_AVX2(i)   sum += _mm256_cvtss_f32(c##i);
LOOP(TARGET("avx2,fma"), fp32_avx2, START_AVX2, STEP_AVX2, SUM_AVX2);

#define START_AVX512(i) __m512 c##i = _mm512_set1_ps((float)i);
#define STEP_AVX512(i)  c##i = _mm512_fmadd_ps(c##i, _mm512_set1_ps(0.5f), _mm512_set1_ps(0.25f));
#define SUM_AVX512(i)   sum += _mm512_cvtss_f32(c##i);
LOOP(TARGET("avx512f"), fp32_avx512, START_AVX512, STEP_AVX512, SUM_AVX512);

#define STEP_BF16(i) __asm__("vdpbf16ps %1, %1, %0" : "+v"(c##i) : "v"(_mm512_setzero_ps()));
LOOP(TARGET("avx512f,avx512bf16"), bf16_avx512, START_AVX512, STEP_BF16, SUM_AVX512);

#define START_INT8_256(i) __m256i c##i = _mm256_set1_epi32(i);
#define STEP_INT8_256(i)                                                                           \
    __asm__("%{vex%} vpdpbusd %1, %1, %0" : "+x"(c##i) : "x"(_mm256_setzero_si256()));
#define SUM_INT8_256(i) sum += (float)_mm256_extract_epi32(c##i, 0);
LOOP(TARGET("avx2,avxvnni"), int8_avx, START_INT8_256, STEP_INT8_256, SUM_INT8_256);

#define START_INT8(i) __m512i c##i = _mm512_set1_epi32(i);
#define STEP_INT8(i)  __asm__("vpdpbusd %1, %1, %0" : "+v"(c##i) : "v"(_mm512_setzero_si512()));
#define SUM_INT8(i)   sum += (float)_mm512_cvtsi512_si32(c##i);
LOOP(TARGET("avx512f,avx512vnni"), int8_avx512, START_INT8, STEP_INT8, SUM_INT8);

/* All eight tiles are 16 rows of 64 bytes: four sums, of operands in 6 and 7. */
struct tile_config {
    uint8_t palette, start, zero[14];
    uint16_t bytes[16];
    uint8_t rows[16];
};

static struct tile_config full_tiles(void)
{
    struct tile_config config = {.palette = 1};

    for (int i = 0; i < 8; i++) {
        config.bytes[i] = 64;
        config.rows[i] = 16;
    }
    return config;
}

#define TILE_LOOP(name, instruction)                                                               \
    TARGET("amx-tile,amx-bf16,amx-int8") static float name(uint64_t steps)                         \
    {                                                                                              \
        const struct tile_config config = full_tiles();                                            \
                                                                                                   \
        _tile_loadconfig(&config);                                                                 \
        for (uint64_t i = 0; i < steps; i++)                                                       \
            __asm__ volatile(instruction " %tmm7, %tmm6, %tmm0\n" instruction                      \
                                         " %tmm7, %tmm6, %tmm1\n" instruction                      \
                                         " %tmm7, %tmm6, %tmm2\n" instruction                      \
                                         " %tmm7, %tmm6, %tmm3");                                  \
        _tile_release();                                                                           \
        return 0;                                                                                  \
    }

TILE_LOOP(bf16_tiles, "tdpbf16ps")
TILE_LOOP(int8_tiles, "tdpbusd")
#endif

#if defined(__aarch64__)
#include <arm_neon.h>

/* Two vectors a chain: there are CPUs with four units. */
#define START_NEON(i) float32x4_t c##i = vdupq_n_f32((float)i), d##i = c##i;
#define STEP_NEON(i)                                                                               \
    __asm__("fmla %0.4s, %2.4s, %2.4s\n\tfmla %1.4s, %2.4s, %2.4s"                                 \
            : "+w"(c##i), "+w"(d##i)                                                               \
            : "w"(vdupq_n_f32(0.5f)));
#define SUM_NEON(i) sum += vgetq_lane_f32(vaddq_f32(c##i, d##i), 0);
LOOP(, fp32_neon, START_NEON, STEP_NEON, SUM_NEON);
#endif

typedef float vector4 __attribute__((vector_size(16)));

#define START_4(i) vector4 c##i = {(float)i, (float)i, (float)i, (float)i};
#define STEP_4(i)  c##i = c##i * 0.5f + 0.25f;
#define SUM_4(i)   sum += c##i[0];
LOOP(, fp32_portable, START_4, STEP_4, SUM_4);

const struct bench_loop bench_loops[] = {
    {"portable", BENCH_FP32, 128, CHAINS * 4 * 2, NULL, fp32_portable},
#if defined(__x86_64__)
    {"vfmadd256", BENCH_FP32, 256, CHAINS * 8 * 2, has_avx2, fp32_avx2},
    {"vfmadd512", BENCH_FP32, 512, CHAINS * 16 * 2, has_avx512, fp32_avx512},
    {"vdpbf16ps512", BENCH_BF16, 512, CHAINS * 32 * 2, has_avx512_bf16, bf16_avx512},
    {"tdpbf16ps", BENCH_BF16, 8192, 4 * 16 * 16 * 32 * 2, has_tiles_bf16, bf16_tiles},
    {"vpdpbusd256", BENCH_INT8, 256, CHAINS * 32 * 2, has_avx_vnni, int8_avx},
    {"vpdpbusd512", BENCH_INT8, 512, CHAINS * 64 * 2, has_avx512_vnni, int8_avx512},
    {"tdpbusd", BENCH_INT8, 8192, 4 * 16 * 16 * 64 * 2, has_tiles_int8, int8_tiles},
#endif
#if defined(__aarch64__)
    {"fmla128", BENCH_FP32, 128, CHAINS * 8 * 2, NULL, fp32_neon},
#endif
    {NULL, BENCH_FP32, 0, 0, NULL, NULL}};
