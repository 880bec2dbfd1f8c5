/* SPDX-License-Identifier: MIT */
/*
 * gemm_pairs.h - gemm_tile.h's chain where one instruction multiplies a step of two rows with
 * a step of two columns; included by it, where the ISA's file defines GEMM_PAIRS.
 *
 * A step of a row or column is 8 bytes.  A vector of the panel holds two columns', a vector of
 * sums { row 0 column 0, row 0 column 1, row 1 column 0, row 1 column 1 }, a row that has no
 * partner is its own, and the ISA's file defines
 *   G(even_row)(G_SUM, G_SUM), G(odd_row)   of four columns, from the sums of two each
 */

ALWAYS_INLINE vi G(set_pair)(const G_A *a, const G_A *next)
{
    int32x2_t two[2];

    memcpy(&two[0], a, sizeof(two[0]));
    memcpy(&two[1], next, sizeof(two[1]));
    return vcombine_s32(two[0], two[1]);
}

ALWAYS_INLINE void G(chain)(G_SUM acc[GEMM_MR][GEMM_NV], const G_A *a, size_t lda, const G_B *b,
                            size_t ldb, size_t depth, size_t mr, size_t nv, struct K(ahead) * ahead)
{
    G_SUM sums[(GEMM_MR + 1) / 2][2 * GEMM_NV];

    UNROLL
    for (size_t r = 0; r < mr; r += 2) {
        UNROLL
        for (size_t c = 0; c < 2 * nv; c++)
            sums[r / 2][c] = G(zero)();
    }
    for (size_t k = depth; k > 0; k--) {
        G_X x[(GEMM_MR + 1) / 2];

        UNROLL
        for (size_t r = 0; r < mr; r += 2)
            x[r / 2] = G(set_pair)(a + r * lda, a + (r + 1 < mr ? r + 1 : r) * lda);
        UNROLL
        for (size_t c = 0; c < 2 * nv; c++) {
            const G_W w = G(load)(b + c * 2 * G_STEP);

            UNROLL
            for (size_t r = 0; r < mr; r += 2)
                sums[r / 2][c] = G(dot)(x[r / 2], w, sums[r / 2][c]);
        }
        a += G_STEP;
        b += ldb;
        K(ask_ahead)(ahead);
    }
    UNROLL
    for (size_t r = 0; r < mr; r++) {
        UNROLL
        for (size_t v = 0; v < nv; v++) {
            const G_SUM left = sums[r / 2][2 * v], right = sums[r / 2][2 * v + 1];

            acc[r][v] = r % 2 ? G(odd_row)(left, right) : G(even_row)(left, right);
        }
    }
}
