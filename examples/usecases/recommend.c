/* SPDX-License-Identifier: MIT */
/*
 * recommend - what may somebody like who liked these?
 *
 *   recommend MODEL_DIR FILE TITLE...
 *
 * Lines of FILE are "title<TAB>description".  A title that was liked speaks by its description;
 * others are ordered by how near they are to the nearest of those, which is printed as the
 * reason.  Each that is taken makes those like it less welcome, so that they are not all alike.
 */
#include "support.h"

enum { TOP = 5, LIKED = 16 };

static size_t find(const struct lines *lines, const char *title)
{
    for (size_t i = 0; i < lines->n; i++)
        if (text_equal(text_before(lines->text[i], '\t'), text_of(title)))
            return i;
    die(title, "the file has no such title");
    return 0;
}

/* Of what is not taken the one that is nearest to what was liked, and not to what is taken. */
static size_t next(const float *rows, size_t n, size_t dim, const float *liked, size_t n_liked,
                   const float *given, size_t n_given, const char *taken)
{
    size_t best = n;
    float best_worth = 0;

    for (size_t i = 0; i < n; i++) {
        float near, again, worth;

        if (taken[i])
            continue;
        nearest(rows + i * dim, liked, n_liked, dim, &near);
        nearest(rows + i * dim, given, n_given, dim, &again);
        worth = near - (n_given > 0 ? 0.3F * again : 0);
        if (best == n || worth > best_worth) {
            best = i;
            best_worth = worth;
        }
    }
    return best;
}

int main(int argc, char **argv)
{
    size_t n_liked = argc > 3 ? (size_t)argc - 3 : 0, at[LIKED], dim;
    struct encoder encoder;
    struct lines lines;
    bert_text *described;
    float *rows, *liked, *given;
    char *taken;

    if (n_liked == 0 || n_liked > LIKED) {
        fprintf(stderr, "usage: recommend MODEL_DIR FILE TITLE...\n");
        return 2;
    }
    encoder_open(&encoder, argv[1]);
    dim = encoder.dim;
    lines_read(&lines, argv[2]);
    lines_need(&lines, argv[2], '\t');
    described = grab(lines.n, sizeof *described);
    for (size_t i = 0; i < lines.n; i++)
        described[i] = text_behind(lines.text[i], '\t');
    rows = encoder_embed(&encoder, described, lines.n);
    liked = grab(n_liked, dim * sizeof *liked);
    given = grab(TOP, dim * sizeof *given);
    taken = grab(lines.n, 1);
    for (size_t i = 0; i < n_liked; i++) {
        at[i] = find(&lines, argv[3 + i]);
        taken[at[i]] = 1;
        memcpy(liked + i * dim, rows + at[i] * dim, dim * sizeof *liked);
    }
    for (size_t k = 0; k < TOP; k++) {
        size_t i = next(rows, lines.n, dim, liked, n_liked, given, k, taken), because;
        float score;

        if (i == lines.n)
            break;
        because = nearest(rows + i * dim, liked, n_liked, dim, &score);
        printf("%.3f  %.*s  (%s)\n", (double)score, SHOW(text_before(lines.text[i], '\t')),
               argv[3 + because]);
        taken[i] = 1;
        memcpy(given + k * dim, rows + i * dim, dim * sizeof *given);
    }
    free(taken);
    free(given);
    free(liked);
    free(rows);
    free(described);
    lines_free(&lines);
    encoder_close(&encoder);
    return 0;
}
