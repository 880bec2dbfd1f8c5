/* SPDX-License-Identifier: MIT */
/*
 * dispatch.c - the levels that this CPU can run, merged once and read-only afterwards.
 */
#include "config.h"

#include <pthread.h>
#include <string.h>

#include "kernels/cpu.h"
#include "kernels/kernels.h"
#include "kernels/tables.h"

/* All compiled-in tables, ascending. */
static const struct bert__kernels *const compiled[] = {
    &bert__kernels_scalar,
#ifdef BERT_HAVE_AVX2
    &bert__kernels_avx2,
#endif
#ifdef BERT_HAVE_AVX2_VNNI
    &bert__kernels_avx2_vnni,
#endif
#ifdef BERT_HAVE_AVX512
    &bert__kernels_avx512,
#endif
#ifdef BERT_HAVE_AVX512_VNNI
    &bert__kernels_avx512_vnni,
#endif
#ifdef BERT_HAVE_AVX512_VNNI_BF16
    &bert__kernels_avx512_vnni_bf16,
#endif
#ifdef BERT_HAVE_AMX
    &bert__kernels_amx,
#endif
#ifdef BERT_HAVE_NEON
    &bert__kernels_neon,
#endif
#ifdef BERT_HAVE_NEON_DOTPROD
    &bert__kernels_neon_dotprod,
#endif
#ifdef BERT_HAVE_NEON_BF16
    &bert__kernels_neon_bf16,
#endif
#ifdef BERT_HAVE_NEON_I8MM
    &bert__kernels_neon_i8mm,
#endif
};

#define N_COMPILED (sizeof(compiled) / sizeof(compiled[0]))

static struct bert__kernels levels[N_COMPILED];
static uint32_t n_levels;
static pthread_once_t once = PTHREAD_ONCE_INIT;

void bert__kernels_merge(struct bert__kernels *table, const struct bert__kernels *base)
{
    for (int t = 0; t < BERT__DTYPE_COUNT; t++) {
        if (!table->gemm[t].run) /* as a whole: a panel's layout belongs to its run() */
            table->gemm[t] = base->gemm[t];
        if (!table->attention[t].run)
            table->attention[t] = base->attention[t];
    }
#define BERT__KERNEL(ret, name, args)                                                              \
    if (!table->name)                                                                              \
        table->name = base->name;
#include "kernels/kernels.inc"
#undef BERT__KERNEL
}

const struct bert__attention *bert__kernels_attention(const struct bert__kernels *k,
                                                      enum bert__dtype dtype, size_t n_kv)
{
    const struct bert__attention *narrow = &k->attention[BERT__BF16];

    if (dtype == BERT__F32 || !narrow->run || n_kv < narrow->least)
        return &k->attention[BERT__F32];
    return narrow;
}

static void merge_levels(void)
{
    const uint32_t features = bert__cpu_features();

    for (size_t i = 0; i < N_COMPILED; i++) {
        if ((compiled[i]->needs & features) != compiled[i]->needs)
            continue;
        levels[n_levels] = *compiled[i];
        if (n_levels > 0)
            bert__kernels_merge(&levels[n_levels], &levels[n_levels - 1]);
        n_levels++;
    }
}

const struct bert__kernels *bert__kernels_at(uint32_t i)
{
    pthread_once(&once, merge_levels);
    return i < n_levels ? &levels[i] : NULL;
}

const struct bert__kernels *bert__kernels_named(const char *name)
{
    const struct bert__kernels *k;

    for (uint32_t i = 0; (k = bert__kernels_at(i)) != NULL; i++) {
        if (strcmp(k->name, name) == 0)
            return k;
    }
    return NULL;
}

/* The level number of a compiled-in table, usable here or not; false if there is none. */
static int level_of(const char *name, uint32_t *level)
{
    for (size_t i = 0; i < N_COMPILED; i++) {
        if (strcmp(compiled[i]->name, name) == 0) {
            *level = compiled[i]->level;
            return 1;
        }
    }
    return 0;
}

const struct bert__kernels *bert__kernels_best(const char *cap)
{
    const struct bert__kernels *best = NULL;
    const struct bert__kernels *k;
    uint32_t limit = UINT32_MAX;

    if (cap && !level_of(cap, &limit))
        return NULL;
    for (uint32_t i = 0; (k = bert__kernels_at(i)) != NULL && k->level <= limit; i++)
        best = k;
    return best;
}
