/* SPDX-License-Identifier: MIT */
/*
 * features - columns of numbers out of a column of text, for models of tables.
 *
 *   features MODEL_DIR FILE.csv COMPONENTS
 *
 * Lines of FILE.csv are "target,text" below a heading.  Prints them with COMPONENTS principal
 * components of the text's vectors in place of the text, then what they are worth: how much of the
 * target a linear model explains of lines that it hasn't seen (R2, each line left out once).
 */
#include "support.h"

#include <math.h>

enum { MOST = 16 };

/* Solve a[n][n] x = b by elimination with pivots; a and b are used up, x is left in b. */
static void solve(double a[MOST + 1][MOST + 1], double b[MOST + 1], size_t n)
{
    for (size_t c = 0; c < n; c++) {
        size_t pivot = c;

        for (size_t r = c + 1; r < n; r++)
            if (a[r][c] * a[r][c] > a[pivot][c] * a[pivot][c])
                pivot = r;
        for (size_t j = 0; j < n; j++) {
            double t = a[c][j];

            a[c][j] = a[pivot][j];
            a[pivot][j] = t;
        }
        double t = b[c];
        b[c] = b[pivot];
        b[pivot] = t;
        for (size_t r = 0; r < n; r++) {
            double f = r == c ? 0 : a[r][c] / a[c][c];

            for (size_t j = c; j < n; j++)
                a[r][j] -= f * a[c][j];
            b[r] -= f * b[c];
        }
    }
    for (size_t c = 0; c < n; c++)
        b[c] /= a[c][c];
}

static double input(const float *x, size_t k, size_t j)
{
    return j < k ? (double)x[j] : 1;
}

/* What a ridge regression on all lines but one says of that one. */
static double predict(const float *x, const double *target, size_t n, size_t k, size_t out)
{
    double a[MOST + 1][MOST + 1] = {{0}}, b[MOST + 1] = {0}, sum = 0;

    for (size_t i = 0; i < n; i++)
        for (size_t r = 0; i != out && r <= k; r++) {
            for (size_t c = 0; c <= k; c++)
                a[r][c] += input(x + i * k, k, r) * input(x + i * k, k, c);
            b[r] += input(x + i * k, k, r) * target[i];
        }
    for (size_t r = 0; r <= k; r++)
        a[r][r] += 0.1;
    solve(a, b, k + 1);
    for (size_t r = 0; r <= k; r++)
        sum += b[r] * input(x + out * k, k, r);
    return sum;
}

static double explained(const float *x, const double *target, size_t n, size_t k)
{
    double mean = 0, all = 0, left = 0;

    for (size_t i = 0; i < n; i++)
        mean += target[i] / (double)n;
    for (size_t i = 0; i < n; i++) {
        double off = target[i] - predict(x, target, n, k, i);

        left += off * off;
        all += (target[i] - mean) * (target[i] - mean);
    }
    return all > 0 ? 1 - left / all : 0;
}

int main(int argc, char **argv)
{
    size_t k = argc == 4 ? (size_t)strtoul(argv[3], NULL, 10) : 0, n;
    struct encoder encoder;
    struct lines lines;
    double *target;
    float *rows, *x;

    if (k == 0 || k > MOST) {
        fprintf(stderr, "usage: features MODEL_DIR FILE.csv COMPONENTS (1 to %d)\n", MOST);
        return 2;
    }
    encoder_open(&encoder, argv[1]);
    lines_read(&lines, argv[2]);
    n = lines.n - 1;
    if (n == 0)
        die(argv[2], "has no lines below its heading");
    target = grab(n, sizeof *target);
    for (size_t i = 0; i < n; i++) {
        char *end;

        target[i] = strtod(lines.text[i + 1].data, &end);
        if (end == lines.text[i + 1].data || *end != ',' || !isfinite(target[i]))
            die(argv[2], "a line below its heading doesn't begin with a number and a comma");
        lines.text[i] = text_behind(lines.text[i + 1], ',');
    }
    rows = encoder_embed(&encoder, lines.text, n);
    x = principal(rows, n, encoder.dim, k);
    printf("target");
    for (size_t j = 0; j < k; j++)
        printf(",text%zu", j + 1);
    for (size_t i = 0; i < n; i++) {
        printf("\n%g", target[i]);
        for (size_t j = 0; j < k; j++)
            printf(",%.3f", (double)x[i * k + j]);
    }
    printf("\nR2 of lines left out: %.3f\n", explained(x, target, n, k));
    free(x);
    free(rows);
    free(target);
    lines_free(&lines);
    encoder_close(&encoder);
    return 0;
}
