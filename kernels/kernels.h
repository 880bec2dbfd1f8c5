/* SPDX-License-Identifier: MIT */
/*
 * kernels.h - the compute kernels, as tables.
 *
 * One table per instruction set; each is built from kernels.inc by one file
 * isa_<isa>.c with its own compiler flags, which contains static functions only
 * and exports its table.  A NULL entry inherits from the level below.
 *
 * Rules for every kernel:
 *  - it neither allocates, prints, nor makes threads; scratch comes from the caller;
 *  - rows need no alignment unless said; n >= 1; outputs don't overlap inputs unless said;
 *  - no byte outside the documented ranges is read or written;
 *  - an output row's bits depend on that row's inputs only: never on its place in
 *    a tile, on the number of rows, or on its neighbours.
 */
#ifndef BERT_KERNELS_H
#define BERT_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Element types of packed weights. */
enum bert__dtype { BERT__F32, BERT__BF16, BERT__INT8, BERT__DTYPE_COUNT };

/* Activations.  Sources: torch.nn.functional.gelu and
 * transformers/activations.py.  x is the input of the function. */
enum bert__act {
    BERT__ACT_NONE,
    BERT__ACT_GELU,       /* x * Phi(x), exact erf: "gelu", "gelu_python" */
    BERT__ACT_GELU_TANH,  /* 0.5x(1+tanh(sqrt(2/pi)(x+0.044715x^3))): "gelu_new",
                             "gelu_pytorch_tanh", "gelu_fast", "gelu_accurate" */
    BERT__ACT_GELU_10,    /* clip(gelu(x), -10, 10) */
    BERT__ACT_QUICK_GELU, /* x * sigmoid(1.702x) */
    BERT__ACT_RELU,
    BERT__ACT_RELU2, /* relu(x)^2 */
    BERT__ACT_SILU,  /* x * sigmoid(x): "silu", "swish" */
    BERT__ACT_TANH,
    BERT__ACT_SIGMOID,
    BERT__ACT_COUNT
};

/* What happens to a GEMM tile while it is in L1, in this order:
 * c = act(sum + bias + c if onto) + residual. */
struct bert__epilogue {
    const float *bias;     /* [n] of this panel, or NULL */
    const float *residual; /* row-major, same origin as c, or NULL; may be c itself */
    size_t ldr;            /* floats between rows of residual */
    enum bert__act act;
    bool onto;        /* what is in c is part of the sum; then c is not the residual */
    const void *next; /* the panel that will be read after this one, which is meanwhile brought
                         nearer; or NULL */
};

/*
 * GEMM against packed weights: C[m][n] = epilogue(A[m][k] * W^T).
 *
 * W is a linear layer's weight as checkpoints store it, row-major [n_out][k]. It is
 * packed once into panels of nr output columns, K-major, so that the inner loop
 * reads it end to end; the last panel is padded with zeros.  Panels start at
 * multiples of 64 bytes.  For bf16 and int8 a panel interleaves `k_group`
 * consecutive k of a column and may hold per-column scales and sums behind it.
 */
struct bert__gemm {
    uint32_t mr;        /* rows of the register tile: a good multiple for splitting m */
    uint32_t nr;        /* columns of a panel */
    uint32_t k_group;   /* k is padded to a multiple of this when packing */
    uint32_t a_size;    /* bytes of an element of A as run() reads it */
    uint32_t speed;     /* GFLOP/s of a core, roughly: how much work makes a task */
    uint32_t row_slack; /* rows past the m-th of A that run() may read, but not use */
    /* Around all calls of run() by a thread, where they are not NULL; other kernels may come
     * between. */
    void (*enter)(void);
    void (*leave)(void);
    /* Narrower types read rows of A that were converted (bf16) or quantised (int8, with their
     * scales) once for all panels: row_elements(k) is the length of such a row, and prepare()
     * makes those from `first` on, m of them, of the buffer `to`.  Rows are interleaved in
     * groups of row_group (0 counts as 1), so that run() starts at a whole group only.  NULL:
     * run() reads float rows. */
    size_t (*row_elements)(size_t k);
    void (*prepare)(void *to, size_t first, const float *a, size_t lda, size_t m, size_t k);
    uint32_t row_group;
    /* Bytes of one panel of depth k: a multiple of 64.  0 if it would overflow. */
    size_t (*panel_bytes)(size_t k);
    /* Pack `columns` (<= nr) rows of w (float [columns][ldw], depth k) into one panel. */
    void (*pack)(void *panel, const float *w, size_t ldw, size_t columns, size_t k);
    /* c[m][columns] from a[m][k] (rows lda elements apart) and one panel, columns <= nr,
     * any m >= 1.  c may be ep->residual, but overlaps nothing else. */
    void (*run)(float *c, size_t ldc, const void *a, size_t lda, const void *panel, size_t m,
                size_t columns, size_t k, const struct bert__epilogue *ep);
};

/*
 * Attention of one head of one sequence, for a block of its queries:
 *   out[i][d] = sum_j softmax_j(scale * <q[i], k[j]> + bias[i][j]) v[j][d]
 * over the keys that these queries see; 1 <= n_q <= BERT__ATTENTION_BLOCK, 1 <= head <=
 * BERT__ATTENTION_HEAD_MAX.  Softmax and sums are of floats in every type; for bf16 q, k and v are
 * rounded to it, and the exponents of softmax too before they weight v.
 */

#define BERT__ATTENTION_BLOCK    32
#define BERT__ATTENTION_HEAD_MAX 512

struct bert__attention_block {
    float *out; /* [n_q][head] */
    size_t ldo;
    const float *q; /* [n_q][head] */
    size_t ldq;
    const float *kv; /* of prepare() */
    size_t n_q, n_kv, head;
    size_t first, count; /* the keys seen: count >= 1, first + count <= n_kv */
    float scale;         /* >= 0 */
    const float *bias;   /* of query i and key first + j: bias[i * ldb + j]; -INFINITY hides a
                            key, but never all of a query's; NULL: none */
    ptrdiff_t ldb;       /* may be negative: -1 walks a table by distance */
    float *scratch;
    float *probs; /* not NULL: receives the softmax over the keys seen, [n_q][count] */
    size_t ldp;
};

/* A query's bits depend on its row, on `first` and `count`, and on the keys. */
struct bert__attention {
    size_t least; /* of fewer keys it is slower than attention on floats */
    /* As bert__gemm's, around prepare() and run(). */
    void (*enter)(void);
    void (*leave)(void);
    /* Floats of `kv` and `scratch`; 0 if they would overflow. */
    size_t (*kv_floats)(size_t n_kv, size_t head);
    size_t (*scratch_floats)(size_t head);
    /* The keys, prepared once per sequence and head from k and v, [n_kv][head] each (stride ldkv),
     * into kv, 64-byte aligned, for every query block. */
    void (*prepare)(float *kv, const float *k, const float *v, size_t ldkv, size_t n_kv,
                    size_t head);
    /* scratch is 64-byte aligned. */
    void (*run)(const struct bert__attention_block *block);
};

struct bert__kernels {
    const char *name; /* "scalar", "avx2", ... */
    uint32_t level;   /* larger is preferred; scalar 0, blas 10, avx2 20, avx512 30 */
    uint32_t needs;   /* BERT__CPU_* (cpu.h): usable where all are found */
    struct bert__gemm gemm[BERT__DTYPE_COUNT]; /* run == NULL: inherits; still NULL: not offered */
    struct bert__attention attention[BERT__DTYPE_COUNT]; /* the same; see below */
#define BERT__KERNEL(ret, name, args) ret(*name) args;
#include "kernels/kernels.inc"
#undef BERT__KERNEL
};

/* Levels that are compiled in and usable on this CPU (OS support included),
 * ascending.  NULL past the end.  Merged once, read-only afterwards, any thread. */
const struct bert__kernels *bert__kernels_at(uint32_t i);
/* The level called name, or NULL if it is unknown or unusable here. */
const struct bert__kernels *bert__kernels_named(const char *name);
/* The best level; `cap` (may be NULL) is the name of the highest level wanted:
 * the best usable one that is not above it.  NULL if cap is no level's name. */
const struct bert__kernels *bert__kernels_best(const char *cap);
/* Attention in models of this type, of n_kv keys: bf16's for bf16 and int8 where that is faster,
 * else that on floats. */
const struct bert__attention *bert__kernels_attention(const struct bert__kernels *k,
                                                      enum bert__dtype dtype, size_t n_kv);
/* Fill the NULL entries of *table from base. */
void bert__kernels_merge(struct bert__kernels *table, const struct bert__kernels *base);

#endif
