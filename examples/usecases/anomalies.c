/* SPDX-License-Identifier: MIT */
/*
 * anomalies - which lines of a log are unlike those of a good day?
 *
 *   anomalies MODEL_DIR GOOD.log FILE.log [LIMIT]
 *
 * Digits become '#', so that times and addresses make no difference, and a line is as strange as
 * its nearest line of the good day is far: 1 - cosine.  Those beyond LIMIT [0.2] are printed,
 * and how strange the others are at most.
 */
#include "support.h"

/* In place; what is the same as a line before it is known already, and goes. */
static size_t shapes(bert_text *text, size_t n, size_t *line)
{
    size_t kept = 0;

    for (size_t i = 0; i < n; i++) {
        char *bytes = (char *)text[i].data; /* lines_read()'s own */
        size_t size = 0, seen = 0;

        for (size_t j = 0; j < text[i].size; j++) {
            char c = bytes[j] >= '0' && bytes[j] <= '9' ? '#' : bytes[j];

            if (c != '#' || size == 0 || bytes[size - 1] != '#')
                bytes[size++] = c;
        }
        text[kept] = (bert_text){bytes, size};
        while (!text_equal(text[seen], text[kept]))
            seen++;
        line[kept] = i;
        kept += seen == kept;
    }
    return kept;
}

int main(int argc, char **argv)
{
    struct encoder encoder;
    struct lines good, log, raw;
    float *known, *rows, limit = argc == 5 ? number_of(argv[4]) : 0.2F, usual = 0;
    size_t n_known, n, *line, strange = 0;

    if (argc != 4 && argc != 5) {
        fprintf(stderr, "usage: anomalies MODEL_DIR GOOD.log FILE.log [LIMIT]\n");
        return 2;
    }
    encoder_open(&encoder, argv[1]);
    lines_read(&good, argv[2]);
    lines_read(&log, argv[3]);
    lines_read(&raw, argv[3]);
    line = grab(good.n + log.n, sizeof *line);
    n_known = shapes(good.text, good.n, line);
    known = encoder_embed(&encoder, good.text, n_known);
    n = shapes(log.text, log.n, line);
    rows = encoder_embed(&encoder, log.text, n);
    for (size_t i = 0; i < n; i++) {
        float score;

        nearest(rows + i * encoder.dim, known, n_known, encoder.dim, &score);
        if (1 - score <= limit) {
            usual = 1 - score > usual ? 1 - score : usual;
            continue;
        }
        strange++;
        printf("%.3f  line %zu: %.*s\n", (double)(1 - score), raw.number[line[i]],
               SHOW(raw.text[line[i]]));
    }
    printf("%zu lines of %zu shapes, %zu of them strange, the others %.3f at most\n", log.n, n,
           strange, (double)usual);
    free(rows);
    free(known);
    free(line);
    lines_free(&raw);
    lines_free(&log);
    lines_free(&good);
    encoder_close(&encoder);
    return 0;
}
