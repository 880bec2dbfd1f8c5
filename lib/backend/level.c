/* SPDX-License-Identifier: MIT */
/*
 * level.c - which kernel table the CPU backend uses.
 *
 * To the tables of kernels/ comes one from outside, "blas": the scalar table with the GEMM
 * of the build's CBLAS.  It lies in a module of its own, since a BLAS linked into libbert
 * would start its threads in every host at load time.  It is opened only when it is asked
 * for by name: calls small enough to keep a row's bits apart from its batch leave a BLAS no
 * faster than the portable table (docs/design.md has the figures).
 */
#include "lib/backend/level.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/cpu.h"
#include "lib/backend/module.h"
#include "lib/base/error.h"

#define BLAS "blas"

#if defined(__aarch64__)
#define OTHERS "neon, neon_dotprod, neon_bf16, neon_i8mm"
#else
#define OTHERS "avx2, avx2_vnni, avx512, avx512_vnni, avx512_vnni_bf16, amx"
#endif

static struct {
    pthread_once_t once;
    struct bert__kernels table;
    bert_status status;
    bert_error error;
} blas = {.once = PTHREAD_ONCE_INIT};

static void open_blas(void)
{
    void *table;

    blas.status = bert__module_symbol(&table, BLAS, "bert_blas_kernels", &blas.error);
    if (blas.status != BERT_OK)
        return;
    memcpy(&blas.table, table, sizeof blas.table);
    bert__kernels_merge(&blas.table, bert__kernels_at(0));
}

static bert_status blas_table(const struct bert__kernels **out, bert_error *err)
{
    pthread_once(&blas.once, open_blas);
    if (blas.status != BERT_OK)
        return bert__fail(err, blas.status, "%s", blas.error.message);
    *out = &blas.table;
    return BERT_OK;
}

const char *bert__level_name(uint32_t i)
{
    const struct bert__kernels *k;

    if (i > 0 && bert__module_exists(BLAS)) {
        if (i == 1)
            return BLAS;
        i--;
    }
    k = bert__kernels_at(i);
    return k != NULL ? k->name : NULL;
}

/* The level itself, or the one below it where the system denies it the tiles. */
static const struct bert__kernels *permitted(const struct bert__kernels *k, enum bert__dtype dtype)
{
    const struct bert__kernels *below, *found = NULL;

    if (k == NULL || dtype == BERT__F32 || bert__cpu_permit(k->needs))
        return k;
    for (uint32_t i = 0; (below = bert__kernels_at(i)) != NULL && below->level < k->level; i++) {
        if (bert__cpu_permit(below->needs))
            found = below;
    }
    return found;
}

bert_status bert__level_choose(const struct bert__kernels **out, const char *cap,
                               enum bert__dtype dtype, bert_error *err)
{
    const char *from = "cpu";
    char shown[84];

    if (cap == NULL) {
        cap = getenv("BERT_CPU");
        from = "BERT_CPU";
    }
    if (cap != NULL && cap[0] == '\0')
        cap = NULL;
    if (cap != NULL && strcmp(cap, BLAS) == 0)
        return blas_table(out, err);
    *out = permitted(bert__kernels_best(cap), dtype);
    if (*out == NULL)
        return bert__fail(err, BERT_EINVAL, "%s is \"%s\", not one of scalar, " BLAS ", " OTHERS,
                          from, bert__printable(shown, cap, strlen(cap)));
    return BERT_OK;
}
