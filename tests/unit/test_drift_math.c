/* SPDX-License-Identifier: MIT */
/*
 * test_drift_math.c - PSI, KS, quantiles and bins against values worked out by hand; principal
 * axes against what makes them such.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/serve/profile.h"

static void close_to(double got, double want)
{
    if (!(fabs(got - want) <= 1e-9 * fmax(1, fabs(want))))
        fail_msg("%.17g, expected %.17g", got, want);
}

static void test_distances(void **state)
{
    const uint32_t a[] = {1, 2, 3, 4}, b[] = {4, 3, 2, 1}, none[4] = {0};
    const double u[] = {1, 0, 1}, v[] = {0, 2, 2}, zero[3] = {0};

    (void)state;
    /* (1.5 - 4.5) / 12 ln(1.5 / 4.5) twice, (2.5 - 3.5) / 12 ln(2.5 / 3.5) twice */
    close_to(bert__psi(a, b, 4), 2 * (0.25 * log(3) + log(3.5 / 2.5) / 12));
    close_to(bert__psi(a, a, 4), 0);
    assert_true(isfinite(bert__psi(a, none, 4)));
    close_to(bert__ks(a, b, 4), 0.4); /* behind the second: 0.3 and 0.7 */
    close_to(bert__ks(a, a, 4), 0);
    close_to(bert__variation(a, b, 4), 0.4);
    assert_int_equal(bert__total(a, 4), 10);
    close_to(bert__cosine_gap(u, v, 3), 0.5);
    close_to(bert__cosine_gap(u, zero, 3), 1);
}

static void test_vectors(void **state)
{
    float a[19], b[19];
    double dot = 0, square = 0;

    (void)state;
    for (int i = 0; i < 19; i++) {
        a[i] = (float)(i - 7);
        b[i] = (float)(3 * i % 11);
        dot += (double)a[i] * (double)b[i];
        square += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
    }
    for (size_t n = 0; n <= 19; n++)
        assert_true(isfinite(bert__dot(a, b, n)));
    close_to(bert__dot(a, b, 19), dot);
    close_to(bert__square_distance(a, b, 19), square);
    assert_true(bert__all_usable(a, 19));
    for (int i = 0; i < 3; i++) {
        const float bad[] = {NAN, -INFINITY, 2e15f};

        b[18] = bad[i];
        assert_false(bert__all_usable(b, 19));
    }
}

static void test_order(void **state)
{
    const float sorted[] = {1, 2, 4, 8}, edges[] = {-1, 0, 0.5f};
    struct bert__random random = {5};
    float x[257];

    (void)state;
    close_to((double)bert__quantile(sorted, 4, 0.5), 3); /* as numpy's */
    close_to((double)bert__quantile(sorted, 4, 0.9), 6.8f);
    close_to((double)bert__quantile(sorted, 4, 0), 1);
    close_to((double)bert__quantile(sorted, 4, 1), 8);
    close_to((double)bert__quantile(sorted, 1, 0.3), 1);
    assert_int_equal(bert__bin_of(edges, 3, -2), 0);
    assert_int_equal(bert__bin_of(edges, 3, -1), 0);
    assert_int_equal(bert__bin_of(edges, 3, -0.5f), 1);
    assert_int_equal(bert__bin_of(edges, 3, 0), 1);
    assert_int_equal(bert__bin_of(edges, 3, 0.5f), 2);
    assert_int_equal(bert__bin_of(edges, 3, 9), 3);
    assert_int_equal(bert__bin_of(edges, 3, NAN), 0);
    assert_int_equal(bert__bin_of(edges, 0, 9), 0);
    for (size_t n = 0; n <= 257; n++) {
        double sum = 0;

        for (size_t i = 0; i < n; i++)
            sum += (double)(x[i] = (float)bert__random_below(&random, 50));
        bert__sort_floats(x, n);
        for (size_t i = 0; i < n; i++) {
            assert_true(i == 0 || x[i] >= x[i - 1]);
            sum -= (double)x[i];
        }
        close_to(sum, 0);
    }
}

static void test_random(void **state)
{
    struct bert__random random = {0}, other = {0};
    int seen[6] = {0};

    (void)state;
    assert_true(bert__random_next(&random)
                == UINT64_C(0xE220A8397B1DCDAF)); /* splitmix64's first */
    bert__random_next(&other);
    for (int i = 0; i < 6000; i++) {
        uint64_t at = bert__random_below(&random, 6);

        assert_true(at < 6);
        seen[at]++;
    }
    for (int i = 0; i < 6; i++)
        assert_in_range(seen[i], 850, 1150);
    assert_int_equal(bert__random_below(&other, 1), 0);
}

enum { ROWS = 200, DIM = 9, AXES = 4 };

/* Each is of length 1, at right angles to the others, and an eigenvector of the covariance. */
static void test_axes(void **state)
{
    static float rows[ROWS][DIM], axes[AXES * DIM];
    const float *list[ROWS];
    double centre[DIM] = {0}, scratch[2 * DIM], covariance[DIM][DIM] = {{0}}, before = INFINITY;
    struct bert__random random = {3};

    (void)state;
    for (int i = 0; i < ROWS; i++) {
        list[i] = rows[i];
        for (int j = 0; j < DIM; j++) {
            rows[i][j] = (float)bert__random_below(&random, 1000) / 1000 * (float)(1 << j) / 16
                         + (j > 0 ? rows[i][j - 1] : 5);
            centre[j] += (double)rows[i][j] / ROWS;
        }
    }
    for (int i = 0; i < ROWS; i++)
        for (int j = 0; j < DIM; j++)
            for (int k = 0; k < DIM; k++)
                covariance[j][k] +=
                    ((double)rows[i][j] - centre[j]) * ((double)rows[i][k] - centre[k]);
    bert__principal_axes(list, ROWS, DIM, centre, AXES, &random, scratch, axes);
    for (int a = 0; a < AXES; a++) {
        double image[DIM] = {0}, value = 0, off = 0;

        for (int b = 0; b <= a; b++)
            assert_true(fabs(bert__dot(axes + a * DIM, axes + b * DIM, DIM) - (a == b)) < 1e-5);
        for (int j = 0; j < DIM; j++)
            for (int k = 0; k < DIM; k++)
                image[j] += covariance[j][k] * (double)axes[a * DIM + k];
        for (int j = 0; j < DIM; j++)
            value += image[j] * (double)axes[a * DIM + j];
        for (int j = 0; j < DIM; j++)
            off = fmax(off, fabs(image[j] - value * (double)axes[a * DIM + j]));
        assert_true(off < 1e-3 * value);
        assert_true(value < before);
        before = value;
    }
}

/* Rows that are all alike have no axes: zeros, not NaN. */
static void test_no_axes(void **state)
{
    const float row[DIM] = {1, 2, 3};
    const float *list[3] = {row, row, row};
    double centre[DIM] = {1, 2, 3}, scratch[2 * DIM];
    struct bert__random random = {3};
    float axes[AXES * DIM];

    (void)state;
    bert__principal_axes(list, 3, DIM, centre, AXES, &random, scratch, axes);
    for (int i = 0; i < AXES * DIM; i++)
        assert_true(axes[i] == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_distances), cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_order),     cmocka_unit_test(test_random),
        cmocka_unit_test(test_axes),      cmocka_unit_test(test_no_axes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
