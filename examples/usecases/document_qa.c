/* SPDX-License-Identifier: MIT */
/*
 * document_qa - answers to questions out of a collection of paragraphs.
 *
 *   document_qa RETRIEVER_DIR READER_DIR FILE QUESTION...
 *
 * A retriever, any embedding model, finds the paragraphs (lines of FILE) that are closest to the
 * question; a reader, any model with a question-answering head, reads them and marks the answer.
 * READER_DIR - does without one, and shows the sentence that is closest to the question.
 */
#include "support.h"

enum { TOP = 2, SENTENCES = 64 };

/* The k paragraphs that are closest to the question, best first. */
static void retrieve(const float *question, const float *rows, size_t n, size_t dim,
                     size_t best[TOP], float score[TOP])
{
    for (size_t k = 0; k < TOP; k++)
        score[k] = -2;
    for (size_t i = 0; i < n; i++) {
        float s = dot(question, rows + i * dim, dim);
        size_t k = TOP;

        for (; k > 0 && s > score[k - 1]; k--)
            if (k < TOP) {
                score[k] = score[k - 1];
                best[k] = best[k - 1];
            }
        if (k < TOP) {
            score[k] = s;
            best[k] = i;
        }
    }
}

/* A sentence ends at a full stop before a space, or with the paragraph; what is left over is the
 * last one's. */
static size_t sentences(bert_text text, bert_text out[SENTENCES])
{
    size_t n = 0, start = 0;

    for (size_t i = 0; i < text.size; i++)
        if (i + 1 == text.size
            || (n + 1 < SENTENCES && text.data[i] == '.' && text.data[i + 1] == ' ')) {
            out[n++] = (bert_text){text.data + start, i + 1 - start};
            start = i + 2;
        }
    return n;
}

static void show_sentence(const struct encoder *retriever, const float *question, bert_text text)
{
    bert_text parts[SENTENCES];
    size_t n = sentences(text, parts);
    float *rows = encoder_embed(retriever, parts, n), score;
    size_t best = nearest(question, rows, n, retriever->dim, &score);

    printf("  %.3f  %.*s\n", (double)score, SHOW(parts[best]));
    free(rows);
}

/* All paragraphs in one call; of their answers the one with the highest score. */
static void show_answer(const struct encoder *reader, bert_text question,
                        const bert_text paragraphs[TOP])
{
    bert_answer_options options = BERT_ANSWER_OPTIONS_INIT;
    bert_text questions[TOP] = {question, question};
    const bert_answer_span *best = NULL;
    bert_answers *answers;
    bert_error error;
    size_t from = 0;

    options.no_null = 1;
    if (bert_answer(reader->session, questions, paragraphs, TOP, &options, &answers, &error)
        != BERT_OK)
        die("answer", error.message);
    for (size_t i = 0; i < TOP; i++) {
        const bert_answer_span *answer = bert_answers_list(answers, i);

        if (bert_answers_status(answers, i) != BERT_OK)
            die("answer", bert_answers_message(answers, i));
        if (answer != NULL && (best == NULL || answer->score > best->score)) {
            best = answer;
            from = i;
        }
    }
    if (best != NULL)
        printf("  %.4f  %.*s\n", (double)best->score, (int)(best->bytes.end - best->bytes.start),
               paragraphs[from].data + best->bytes.start);
    else
        printf("  no answer\n");
    bert_answers_free(answers);
}

int main(int argc, char **argv)
{
    struct encoder retriever, reader = {NULL, NULL, 0};
    struct lines lines;
    float *rows;

    if (argc < 5) {
        fprintf(stderr, "usage: document_qa RETRIEVER_DIR READER_DIR|- FILE QUESTION...\n");
        return 2;
    }
    encoder_open(&retriever, argv[1]);
    if (strcmp(argv[2], "-") != 0)
        encoder_open(&reader, argv[2]);
    lines_read(&lines, argv[3]);
    if (lines.n < TOP)
        die(argv[3], "has too few paragraphs");
    rows = encoder_embed(&retriever, lines.text, lines.n);
    for (int i = 4; i < argc; i++) {
        bert_text question = text_of(argv[i]), found[TOP];
        float *vector = encoder_embed(&retriever, &question, 1), score[TOP];
        size_t best[TOP] = {0};

        retrieve(vector, rows, lines.n, retriever.dim, best, score);
        printf("%s\n", argv[i]);
        for (size_t k = 0; k < TOP; k++) {
            found[k] = lines.text[best[k]];
            printf("  paragraph %zu, %.3f\n", best[k] + 1, (double)score[k]);
        }
        if (reader.session != NULL)
            show_answer(&reader, question, found);
        else
            show_sentence(&retriever, vector, found[0]);
        free(vector);
    }
    free(rows);
    lines_free(&lines);
    encoder_close(&reader);
    encoder_close(&retriever);
    return 0;
}
