/* SPDX-License-Identifier: MIT */
/* answer.c - what came of a request: life and size of struct bert__answer. */
#include <string.h>

#include "lib/api/slices.h"
#include "lib/base/size.h"
#include "lib/serve/job.h"

/* With `more` bytes behind it. */
static struct bert__answer *create_answer(struct bert__alloc *alloc, uint32_t task, size_t more)
{
    struct bert__answer *answer;
    size_t bytes;

    if (!bert__size_add(more, sizeof *answer, &bytes))
        return NULL;
    answer = bert__alloc(alloc, bytes);
    if (answer == NULL)
        return NULL;
    memset(answer, 0, sizeof *answer);
    atomic_init(&answer->refs, 1);
    answer->alloc = alloc;
    answer->task = task;
    return answer;
}

struct bert__answer *bert__answer_create(struct bert__alloc *alloc, uint32_t task)
{
    bool reported = task == BERT_TASK_EMBED_TOKENS;
    struct bert__answer *answer =
        create_answer(alloc, task, reported ? sizeof *answer->reports : 0);

    if (answer != NULL && reported)
        answer->reports = (bert_embed_report *)(answer + 1);
    return answer;
}

struct bert__answer *bert__answer_create_vectors(struct bert__alloc *alloc, size_t n, size_t width)
{
    struct bert__answer *answer = NULL;
    size_t rows, reports, all;

    if (bert__size_mul(n, width, &rows) && bert__size_mul(rows, sizeof *answer->vectors, &rows)
        && bert__size_mul(n, sizeof *answer->reports, &reports)
        && bert__size_add(rows, reports, &all))
        answer = create_answer(alloc, BERT_TASK_EMBED, all);
    if (answer == NULL)
        return NULL;
    answer->reports = (bert_embed_report *)(answer + 1);
    answer->vectors = (float *)(answer->reports + n);
    answer->width = width;
    return answer;
}

void bert__answer_ref(void *answer)
{
    atomic_fetch_add(&((struct bert__answer *)answer)->refs, 1);
}

static void free_result(struct bert__answer *a)
{
    switch (a->task) {
    case BERT_TASK_EMBED_ALL:
        bert_embeddings_free(a->result);
        break;
    case BERT_TASK_EMBED_TOKENS:
        bert_outputs_free(a->result);
        break;
    case BERT_TASK_EMBED_CHUNKS:
        bert_chunks_free(a->result);
        break;
    case BERT_TASK_CLASSIFY:
        bert_classifications_free(a->result);
        break;
    case BERT_TASK_RERANK:
        bert_rankings_free(a->result);
        break;
    case BERT_TASK_TAG:
        bert_entities_free(a->result);
        break;
    case BERT_TASK_ANSWER:
        bert_answers_free(a->result);
        break;
    case BERT_TASK_NEXT:
        bert_nexts_free(a->result);
        break;
    case BERT_TASK_FILL:
        bert_fills_free(a->result);
        break;
    case BERT_TASK_CHOOSE:
        bert_choices_free(a->result);
        break;
    case BERT_TASK_EXPLAIN:
        bert_explanation_free(a->result);
        break;
    default:
        break;
    }
}

void bert__answer_unref(void *answer)
{
    struct bert__answer *a = answer;

    if (a == NULL || atomic_fetch_sub(&a->refs, 1) != 1)
        return;
    free_result(a);
    for (size_t i = 0; a->messages != NULL && i < a->n_messages; i++)
        bert__alloc_free(a->alloc, a->messages[i]);
    bert__alloc_free(a->alloc, a->messages);
    bert__alloc_free(a->alloc, a);
}

static size_t message_bytes(const struct bert__answer *a)
{
    size_t bytes = a->n_messages * sizeof *a->messages;

    for (size_t i = 0; i < a->n_messages; i++)
        bytes += a->messages[i] != NULL ? strlen(a->messages[i]) + 1 : 0;
    return bytes;
}

size_t bert__answer_bytes(const struct bert__answer *a, size_t n)
{
    if (a->task == BERT_TASK_EMBED)
        return sizeof *a + n * (a->width * sizeof *a->vectors + sizeof *a->reports)
               + message_bytes(a);
    return sizeof *a + bert__result_bytes(a->result)
           + (a->reports != NULL ? sizeof *a->reports : 0);
}
