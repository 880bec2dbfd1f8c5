/* SPDX-License-Identifier: MIT */
/* build.c - what this library was built as.  Literals only: equal builds have equal bits, so there
 * is no date, host or folder among them. */
#include "config.h"

#include <bert/base.h>
#include <limits.h> /* defines __GLIBC__ where that is the libc */
#include <string.h>

#define TEXT(x)          #x
#define NUMBER(x)        TEXT(x)
#define DOTTED(...)      DOTTED_(__VA_ARGS__)
#define DOTTED_(a, b, c) NUMBER(a) "." NUMBER(b) "." NUMBER(c)

#if defined(__clang__)
#define COMPILER "clang " DOTTED(__clang_major__, __clang_minor__, __clang_patchlevel__)
#elif defined(__GNUC__)
#define COMPILER "gcc " DOTTED(__GNUC__, __GNUC_MINOR__, __GNUC_PATCHLEVEL__)
#else
#define COMPILER "unknown"
#endif

#if defined(__OPTIMIZE__)
#define OPTIMIZED "optimized"
#else
#define OPTIMIZED "not optimized"
#endif

#if defined(__x86_64__)
#define ARCHITECTURE "x86_64"
#elif defined(__aarch64__)
#define ARCHITECTURE "aarch64"
#elif defined(__riscv)
#define ARCHITECTURE "riscv"
#elif defined(__powerpc64__)
#define ARCHITECTURE "powerpc64"
#elif defined(__s390x__)
#define ARCHITECTURE "s390x"
#elif defined(__i386__)
#define ARCHITECTURE "i386"
#elif defined(__arm__)
#define ARCHITECTURE "arm"
#else
#define ARCHITECTURE "other"
#endif

#if defined(__linux__)
#define SYSTEM "linux"
#else
#define SYSTEM "other"
#endif

#if defined(__GLIBC__)
#define LIBC "glibc " NUMBER(__GLIBC__) "." NUMBER(__GLIBC_MINOR__)
#else
#define LIBC "another libc"
#endif

#if defined(BERT_HAVE_BLAS)
#define MODULES "blas (" BERT_HAVE_BLAS ")"
#else
#define MODULES "none"
#endif

#if defined(BERT_HAVE_SDT)
#define PROBES "usdt"
#else
#define PROBES "none"
#endif

/* By configure, or by CFLAGS alone: then the compiler tells. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define INSTRUMENTED "address"
#elif __has_feature(thread_sanitizer)
#define INSTRUMENTED "thread"
#elif __has_feature(memory_sanitizer)
#define INSTRUMENTED "memory"
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define INSTRUMENTED "address"
#elif defined(__SANITIZE_THREAD__)
#define INSTRUMENTED "thread"
#endif
#if defined(BERT_SANITIZER)
#define SANITIZER BERT_SANITIZER
#elif defined(INSTRUMENTED)
#define SANITIZER INSTRUMENTED
#else
#define SANITIZER "none"
#endif

static const char info[] = "version: " BERT_VERSION_STRING "\n"
                           "compiler: " COMPILER ", " OPTIMIZED "\n"
                           "target: " ARCHITECTURE ", " SYSTEM ", " LIBC "\n"
                           "kernels: " BERT_KERNELS "\n"
                           "modules: " MODULES "\n"
                           "probes: " PROBES "\n"
                           "sanitizer: " SANITIZER "\n";

/* A name that was once here keeps its meaning; the header has them all. */
static const char *const features[] = {
    "kernels.scalar",
#ifdef BERT_HAVE_AVX2
    "kernels.avx2",
#endif
#ifdef BERT_HAVE_AVX2_VNNI
    "kernels.avx2_vnni",
#endif
#ifdef BERT_HAVE_AVX512
    "kernels.avx512",
#endif
#ifdef BERT_HAVE_AVX512_VNNI
    "kernels.avx512_vnni",
#endif
#ifdef BERT_HAVE_AVX512_VNNI_BF16
    "kernels.avx512_vnni_bf16",
#endif
#ifdef BERT_HAVE_AMX
    "kernels.amx",
#endif
#ifdef BERT_HAVE_NEON
    "kernels.neon",
#endif
#ifdef BERT_HAVE_NEON_DOTPROD
    "kernels.neon_dotprod",
#endif
#ifdef BERT_HAVE_NEON_BF16
    "kernels.neon_bf16",
#endif
#ifdef BERT_HAVE_NEON_I8MM
    "kernels.neon_i8mm",
#endif
    "model.packed",
    "model.safetensors",
#ifdef BERT_HAVE_BLAS
    "module.blas",
#endif
#if defined(BERT_SANITIZER) || defined(INSTRUMENTED)
    "sanitizer",
#endif
#ifdef BERT_HAVE_SDT
    "usdt",
#endif
};

const char *bert_build_info(void)
{
    return info;
}

const char *bert_feature(size_t index)
{
    return index < sizeof features / sizeof features[0] ? features[index] : NULL;
}

int bert_has_feature(const char *name)
{
    const char *feature;

    for (size_t i = 0; name != NULL && (feature = bert_feature(i)) != NULL; i++)
        if (strcmp(feature, name) == 0)
            return 1;
    return 0;
}
