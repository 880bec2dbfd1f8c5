/* SPDX-License-Identifier: MIT */
/*
 * moderation - which messages may stand, which not, and which shall a person look at?
 *
 *   moderation MODEL_DIR EXAMPLES FILE [REVIEW BLOCK]
 *   moderation CLASSIFIER_DIR LABEL FILE [REVIEW BLOCK]
 *
 * With an embedding model, a logistic regression learns from lines "bad<TAB>text" and
 * "good<TAB>text" of EXAMPLES.  With a model that has a head for text classification, what counts
 * is the score of its LABEL.  From REVIEW [0.45] a message is for a person, from BLOCK [0.65] it is
 * blocked.
 */
#include "support.h"

#include <math.h>

static float logistic(const float *row, const float *weights, size_t dim)
{
    return 1.0F / (1.0F + expf(-dot(row, weights, dim) - weights[dim]));
}

/* Gradient descent with a little decay; the last weight is the bias. */
static float *learn(const float *rows, const float *bad, size_t n, size_t dim)
{
    float *weights = grab(dim + 1, sizeof *weights), *step = grab(dim + 1, sizeof *step);

    for (int epoch = 0; epoch < 500; epoch++) {
        memset(step, 0, (dim + 1) * sizeof *step);
        for (size_t i = 0; i < n; i++) {
            float off = (bad[i] - logistic(rows + i * dim, weights, dim)) / (float)n;

            for (size_t j = 0; j < dim; j++)
                step[j] += off * rows[i * dim + j];
            step[dim] += off;
        }
        for (size_t j = 0; j <= dim; j++)
            weights[j] += 4 * (step[j] - 0.001F * weights[j]);
    }
    free(step);
    return weights;
}

static void by_examples(const struct encoder *encoder, const char *path, const struct lines *lines,
                        float *score)
{
    struct lines examples;
    float *bad, *rows, *weights;
    size_t n_bad = 0;

    lines_read(&examples, path);
    lines_need(&examples, path, '\t');
    bad = grab(examples.n, sizeof *bad);
    for (size_t i = 0; i < examples.n; i++) {
        bad[i] = text_equal(text_before(examples.text[i], '\t'), text_of("bad")) ? 1 : 0;
        n_bad += bad[i] > 0;
        examples.text[i] = text_behind(examples.text[i], '\t');
    }
    /* It would learn that all may stand, or nothing. */
    if (n_bad == 0 || n_bad == examples.n)
        die(path, "has no examples of both kinds, \"bad\" and others");
    rows = encoder_embed(encoder, examples.text, examples.n);
    weights = learn(rows, bad, examples.n, encoder->dim);
    free(rows);
    rows = encoder_embed(encoder, lines->text, lines->n);
    for (size_t i = 0; i < lines->n; i++)
        score[i] = logistic(rows + i * encoder->dim, weights, encoder->dim);
    free(rows);
    free(weights);
    free(bad);
    lines_free(&examples);
}

static void by_head(const struct encoder *encoder, const char *label, const struct lines *lines,
                    float *score)
{
    bert_classifications *result;
    bert_error error;
    int known = 0;

    if (bert_classify(encoder->session, lines->text, NULL, lines->n, NULL, &result, &error)
        != BERT_OK)
        die("classify", error.message);
    for (size_t i = 0; i < lines->n; i++) {
        const bert_label_score *labels = bert_classifications_labels(result, i);

        /* What has no score must not pass for good. */
        if (bert_classifications_status(result, i) != BERT_OK)
            die("classify", bert_classifications_message(result, i));
        for (size_t j = 0; j < bert_classifications_count(result, i); j++)
            if (strcmp(labels[j].label, label) == 0) {
                score[i] = labels[j].score;
                known = 1;
            }
    }
    bert_classifications_free(result);
    if (!known)
        die(label, "the model has no such label");
}

int main(int argc, char **argv)
{
    float review = argc == 6 ? number_of(argv[4]) : 0.45F, *score;
    float block = argc == 6 ? number_of(argv[5]) : 0.65F;
    struct encoder encoder;
    struct lines lines;

    if (argc != 4 && argc != 6) {
        fprintf(stderr, "usage: moderation MODEL_DIR EXAMPLES|LABEL FILE [REVIEW BLOCK]\n");
        return 2;
    }
    if (review > block)
        die(argv[4], "REVIEW is above BLOCK");
    encoder_open(&encoder, argv[1]);
    lines_read(&lines, argv[3]);
    score = grab(lines.n, sizeof *score);
    if (strcmp(bert_model_task(encoder.model), "text-classification") == 0)
        by_head(&encoder, argv[2], &lines, score);
    else
        by_examples(&encoder, argv[2], &lines, score);
    for (size_t i = 0; i < lines.n; i++)
        printf("%-6s %.2f  %.*s\n",
               score[i] >= block ? "block" : (score[i] >= review ? "review" : "pass"),
               (double)score[i], SHOW(lines.text[i]));
    free(score);
    lines_free(&lines);
    encoder_close(&encoder);
    return 0;
}
