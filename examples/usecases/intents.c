/* SPDX-License-Identifier: MIT */
/*
 * intents - what does a customer want?  Learnt from a few examples of each intent.
 *
 *   intents MODEL_DIR TRAIN.csv TEST.csv [TEXT...]
 *
 * Lines of the files are "text,intent" below a heading, as in Banking77.  The first SHOTS
 * examples of an intent make its centre, the mean of their vectors; a text has the intent whose
 * centre is nearest.  MODEL_DIR is any embedding model; nothing is trained.
 */
#include "support.h"

enum { SHOTS = 10, TRIED = 5, INTENTS = 256 };

struct intents {
    bert_text name[INTENTS];
    size_t n;
};

/* The text of a line, without quotation marks around it, and its label. */
static bert_text split(bert_text line, bert_text *label)
{
    size_t comma = line.size;

    while (comma > 0 && line.data[comma - 1] != ',')
        comma--;
    *label = (bert_text){line.data + comma, line.size - comma};
    line.size = comma > 0 ? comma - 1 : 0;
    if (line.size > 1 && line.data[0] == '"' && line.data[line.size - 1] == '"') {
        line.data++;
        line.size -= 2;
    }
    return line;
}

static size_t find(struct intents *intents, bert_text name)
{
    for (size_t i = 0; i < intents->n; i++)
        if (text_equal(intents->name[i], name))
            return i;
    if (intents->n == INTENTS)
        die("intents", "too many");
    intents->name[intents->n] = name;
    return intents->n++;
}

/* The first `most` texts of each intent, in place; returns their number. */
static size_t choose(struct lines *lines, struct intents *intents, size_t most, size_t *label)
{
    size_t count[INTENTS] = {0}, n = 0;

    for (size_t i = 1; i < lines->n; i++) {
        bert_text name, text = split(lines->text[i], &name);
        size_t intent = find(intents, name);

        if (count[intent]++ < most) {
            label[n] = intent;
            lines->text[n++] = text;
        }
    }
    return n;
}

int main(int argc, char **argv)
{
    struct encoder encoder;
    struct lines train, test;
    struct intents intents = {.n = 0};
    size_t *label, n, tried, right = 0;
    float *vectors, *centre, score;

    if (argc < 4) {
        fprintf(stderr, "usage: intents MODEL_DIR TRAIN.csv TEST.csv [TEXT...]\n");
        return 2;
    }
    encoder_open(&encoder, argv[1]);
    lines_read(&train, argv[2]);
    lines_need(&train, argv[2], ',');
    lines_read(&test, argv[3]);
    lines_need(&test, argv[3], ',');
    label = grab(train.n + test.n, sizeof *label);
    n = choose(&train, &intents, SHOTS, label);
    if (n == 0 || test.n < 2)
        die("examples", "there are none below the heading");
    vectors = encoder_embed(&encoder, train.text, n);
    centre = grab(intents.n, encoder.dim * sizeof *centre);
    group_means(vectors, label, n, encoder.dim, intents.n, centre);
    free(vectors);
    printf("%zu intents, %zu examples\n", intents.n, n);

    n = intents.n;
    tried = choose(&test, &intents, TRIED, label);
    vectors = encoder_embed(&encoder, test.text, tried);
    for (size_t i = 0; i < tried; i++)
        right += nearest(vectors + i * encoder.dim, centre, n, encoder.dim, &score) == label[i];
    printf("accuracy %.3f on %zu other texts\n", (double)right / (double)tried, tried);
    free(vectors);

    for (int i = 4; i < argc; i++) {
        bert_text text = text_of(argv[i]);

        vectors = encoder_embed(&encoder, &text, 1);
        text = intents.name[nearest(vectors, centre, n, encoder.dim, &score)];
        printf("%.3f  %.*s  <- %s\n", (double)score, SHOW(text), argv[i]);
        free(vectors);
    }
    free(centre);
    free(label);
    lines_free(&test);
    lines_free(&train);
    encoder_close(&encoder);
    return 0;
}
