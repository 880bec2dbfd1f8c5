/* SPDX-License-Identifier: MIT */
/*
 * module.c - libbert-blas.so: the GEMM of the build's CBLAS as a kernel table.
 *
 * Every call has the same shape, ROWS x COLUMNS over the whole depth, so that the library
 * picks the same code for every row and a row's bits do not depend on its batch.  For that
 * up to ROWS - 1 rows past the last are read (row_slack of struct bert__gemm); what they
 * give is dropped.  No thread count is ever set: it would be the whole process's.
 */
#include <limits.h>

#include "kernels/tables.h"

enum { ROWS = 16, COLUMNS = 64 };

/* cblas.h lies in another place with every library; these few words of it are the same. */
enum cblas_order { ROW_MAJOR = 101 };
enum cblas_transpose { NO_TRANS = 111 };
void cblas_sgemm(enum cblas_order order, enum cblas_transpose trans_a, enum cblas_transpose trans_b,
                 int m, int n, int k, float alpha, const float *a, int lda, const float *b, int ldb,
                 float beta, float *c, int ldc);

static size_t panel_bytes(size_t k)
{
    return k <= INT_MAX / (COLUMNS * sizeof(float)) ? k * COLUMNS * sizeof(float) : 0;
}

/* [k][COLUMNS], as the library reads a row-major B. */
static void pack(void *panel, const float *w, size_t ldw, size_t columns, size_t k)
{
    float *to = panel;

    for (size_t i = 0; i < k; i++) {
        for (size_t j = 0; j < COLUMNS; j++)
            to[i * COLUMNS + j] = j < columns ? w[j * ldw + i] : 0.0f;
    }
}

static void finish_row(float *c, float *sum, size_t columns, const struct bert__epilogue *ep,
                       const float *residual)
{
    for (size_t j = 0; ep->bias != NULL && j < columns; j++)
        sum[j] += ep->bias[j];
    for (size_t j = 0; ep->onto && j < columns; j++)
        sum[j] += c[j];
    if (ep->act != BERT__ACT_NONE)
        bert__kernels_scalar.activate(sum, sum, columns, ep->act);
    for (size_t j = 0; j < columns; j++)
        c[j] = sum[j] + (residual != NULL ? residual[j] : 0.0f);
}

static void run(float *c, size_t ldc, const void *a, size_t lda, const void *panel, size_t m,
                size_t columns, size_t k, const struct bert__epilogue *ep)
{
    float tile[ROWS][COLUMNS];

    for (size_t row = 0; row < m; row += ROWS) {
        size_t rows = m - row < ROWS ? m - row : ROWS;

        cblas_sgemm(ROW_MAJOR, NO_TRANS, NO_TRANS, ROWS, COLUMNS, (int)k, 1.0f,
                    (const float *)a + row * lda, (int)lda, panel, COLUMNS, 0.0f, tile[0], COLUMNS);
        for (size_t i = 0; i < rows; i++)
            finish_row(c + (row + i) * ldc, tile[i], columns, ep,
                       ep->residual != NULL ? ep->residual + (row + i) * ep->ldr : NULL);
    }
}

__attribute__((visibility("default"))) const struct bert__kernels bert_blas_kernels = {
    .name = "blas",
    .level = 10,
    .gemm[BERT__F32] =
        {
            .mr = ROWS,
            .nr = COLUMNS,
            .k_group = 1,
            .a_size = sizeof(float),
            .speed = 50,
            .row_slack = ROWS - 1,
            .panel_bytes = panel_bytes,
            .pack = pack,
            .run = run,
        },
};
