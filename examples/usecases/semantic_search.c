/* SPDX-License-Identifier: MIT */
/*
 * semantic_search - the lines of a file that are closest in meaning to each query.
 *
 *   semantic_search MODEL_DIR FILE QUERY...
 *
 * MODEL_DIR is any embedding model.  All lines are embedded in one call; a program that keeps
 * the vectors answers a query in the time of one short text.
 */
#include "support.h"

enum { TOP = 3 };

static void print_best(const struct lines *lines, const float *vectors, const float *query,
                       size_t dim)
{
    char *seen = grab(lines->n, 1);

    for (size_t rank = 0; rank < TOP && rank < lines->n; rank++) {
        size_t best = lines->n;
        float score = 0;

        for (size_t i = 0; i < lines->n; i++) {
            float s = dot(query, vectors + i * dim, dim);

            if (!seen[i] && (best == lines->n || s > score)) {
                best = i;
                score = s;
            }
        }
        seen[best] = 1;
        printf("  %.3f  %.*s\n", (double)score, SHOW(lines->text[best]));
    }
    free(seen);
}

int main(int argc, char **argv)
{
    struct encoder encoder;
    struct lines lines;
    float *vectors;

    if (argc < 4) {
        fprintf(stderr, "usage: semantic_search MODEL_DIR FILE QUERY...\n");
        return 2;
    }
    encoder_open(&encoder, argv[1]);
    lines_read(&lines, argv[2]);
    vectors = encoder_embed(&encoder, lines.text, lines.n);
    for (int i = 3; i < argc; i++) {
        bert_text text = text_of(argv[i]);
        float *query = encoder_embed(&encoder, &text, 1);

        printf("%s\n", argv[i]);
        print_best(&lines, vectors, query, encoder.dim);
        free(query);
    }
    free(vectors);
    lines_free(&lines);
    encoder_close(&encoder);
    return 0;
}
