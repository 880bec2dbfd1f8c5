/* SPDX-License-Identifier: MIT */
/*
 * clusters - sorts the lines of a file into groups that belong together.
 *
 *   clusters MODEL_DIR FILE GROUPS [PICTURE.svg]
 *
 * K-means on unit vectors, the best of some tries from lines drawn by a fixed generator.  The
 * picture shows the two widest directions.
 */
#include "support.h"

enum { TRIES = 50 };

/* Centres are k different lines; the numbers are the same in each run. */
static void seed(const float *rows, size_t n, size_t dim, size_t k, unsigned *state, float *centres)
{
    char *taken = grab(n, 1);

    for (size_t c = 0; c < k;) {
        size_t i;

        *state = *state * 1664525U + 1013904223U;
        i = (*state >> 8) % n;
        if (taken[i])
            continue;
        taken[i] = 1;
        memcpy(centres + c++ * dim, rows + i * dim, dim * sizeof *centres);
    }
    free(taken);
}

/* Returns how close the lines are to their centres. */
static float settle(const float *rows, size_t n, size_t dim, size_t k, size_t *group,
                    float *centres)
{
    float sum = 0, score;

    for (int changed = 1, step = 0; changed && step < 100; step++) {
        changed = 0;
        sum = 0;
        for (size_t i = 0; i < n; i++) {
            size_t c = nearest(rows + i * dim, centres, k, dim, &score);

            changed |= step == 0 || c != group[i];
            group[i] = c;
            sum += score;
        }
        group_means(rows, group, n, dim, k, centres);
    }
    return sum;
}

/* The best of some tries. */
static void cluster(const float *rows, size_t n, size_t dim, size_t k, size_t *group,
                    float *centres)
{
    unsigned state = 1, best_state = 1;
    float best = 0;

    for (int t = 0; t < TRIES; t++) {
        unsigned start = state;
        float sum;

        seed(rows, n, dim, k, &state, centres);
        sum = settle(rows, n, dim, k, group, centres);
        if (t == 0 || sum > best) {
            best = sum;
            best_state = start;
        }
    }
    seed(rows, n, dim, k, &best_state, centres);
    settle(rows, n, dim, k, group, centres);
}

/* The line in the middle of a group stands for it; the others follow. */
static void print(const struct lines *lines, const float *rows, size_t dim, size_t k,
                  const size_t *group, const float *centres)
{
    for (size_t c = 0; c < k; c++) {
        float score, best = -2;
        size_t middle = 0, count = 0;

        for (size_t i = 0; i < lines->n; i++) {
            score = dot(rows + i * dim, centres + c * dim, dim);
            if (group[i] != c || (count++, score <= best))
                continue;
            best = score;
            middle = i;
        }
        printf("%zu: %zu lines, such as: %.*s\n", c + 1, count, SHOW(lines->text[middle]));
    }
}

static void draw(const char *path, const struct lines *lines, const float *rows, size_t dim,
                 size_t k, const size_t *group)
{
    float *at = principal(rows, lines->n, dim, 2);
    FILE *file = svg_create(path);

    for (size_t i = 0; i < lines->n; i++) {
        fprintf(
            file,
            "<g transform=\"translate(%.0f,%.0f)\"><circle r=\"9\" fill=\"hsl(%zu,65%%,40%%)\"/>"
            "<text y=\"4\">%zu</text><title>",
            320 + 400 * (double)at[2 * i], 320 - 400 * (double)at[2 * i + 1], 360 * group[i] / k,
            group[i] + 1);
        svg_text(file, lines->text[i]);
        fprintf(file, "</title></g>\n");
    }
    svg_finish(file, path);
    free(at);
}

int main(int argc, char **argv)
{
    size_t k = argc > 3 ? (size_t)strtoul(argv[3], NULL, 10) : 0, *group;
    struct encoder encoder;
    struct lines lines;
    float *rows, *centres;

    if (argc < 4 || argc > 5) {
        fprintf(stderr, "usage: clusters MODEL_DIR FILE GROUPS [PICTURE.svg]\n");
        return 2;
    }
    encoder_open(&encoder, argv[1]);
    lines_read(&lines, argv[2]);
    if (k == 0 || k > lines.n)
        die(argv[3], "groups: there must be at least 1, and no more than texts");
    rows = encoder_embed(&encoder, lines.text, lines.n);
    group = grab(lines.n, sizeof *group);
    centres = grab(k, encoder.dim * sizeof *centres);
    cluster(rows, lines.n, encoder.dim, k, group, centres);
    print(&lines, rows, encoder.dim, k, group, centres);
    if (argc == 5)
        draw(argv[4], &lines, rows, encoder.dim, k, group);
    free(centres);
    free(group);
    free(rows);
    lines_free(&lines);
    encoder_close(&encoder);
    return 0;
}
