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

#include "lib/backend/module.h"
#include "lib/base/error.h"

#define BLAS "blas"

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

bert_status bert__level_choose(const struct bert__kernels **out, const char *cap, bert_error *err)
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
    *out = bert__kernels_best(cap);
    if (*out == NULL)
        return bert__fail(err, BERT_EINVAL, "%s is \"%s\", not one of scalar, blas, avx2, avx512",
                          from, bert__printable(shown, cap, strlen(cap)));
    return BERT_OK;
}
