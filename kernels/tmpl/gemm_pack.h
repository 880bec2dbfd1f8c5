/* SPDX-License-Identifier: MIT */
/*
 * gemm_pack.h - panels of narrow types, [k / step][nr][step], k padded with zeros; included
 * once per ISA and type.  For int8 the scales and the sums of the columns follow.
 *
 * The includer defines, and this file undefines:
 *   P(name)       a name with the ISA and the type in it
 *   P_T           element type
 *   P_STEP, P_NR  elements of a column side by side, columns
 *   P_PAD         k is padded to a multiple of this
 *   P_TRAILER     bytes behind the panel's elements
 *   P_NARROW(to, from, n, inverse)
 */

static size_t P(padded)(size_t k)
{
    return (k + P_PAD - 1) / P_PAD * P_PAD;
}

/* Bytes of the elements: a multiple of 64, since P_PAD * P_NR is of 32. */
static size_t P(element_bytes)(size_t k)
{
    return (P(padded)(k) * P_NR * sizeof(P_T) + 63) & ~(size_t)63;
}

static size_t P(panel_bytes)(size_t k)
{
    if (k > SIZE_MAX / (P_NR * 8) - P_PAD - 64 || k > P_K_MOST)
        return 0;
    return P(element_bytes)(k) + P_TRAILER;
}

/* One column's elements from w; the sum of them as integers. */
static int32_t P(pack_column)(P_T *panel, size_t column, const float *w, size_t k, float inverse)
{
    enum { AT_ONCE = 256 };
    P_T part[AT_ONCE];
    P_T *to = panel + column * P_STEP;
    int32_t sum = 0;

    (void)inverse;
    for (size_t i = 0; i < k; i += AT_ONCE) {
        size_t n = k - i < AT_ONCE ? k - i : AT_ONCE;

        memset(part, 0, sizeof(part));
        P_NARROW(part, w + i, n, inverse);
        for (size_t j = 0; j < n; j++)
            sum += part[j];
        for (size_t j = 0; j < n; j += P_STEP, to += P_NR * P_STEP)
            memcpy(to, part + j, P_STEP * sizeof(P_T));
    }
    return sum;
}

#undef P
#undef P_T
#undef P_STEP
#undef P_NR
#undef P_PAD
#undef P_TRAILER
#undef P_NARROW
#undef P_K_MOST
