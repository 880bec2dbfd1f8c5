/* SPDX-License-Identifier: MIT */
/* answer.c - what came of a request: life and size of struct bert__answer. */
#include <string.h>

#include "lib/api/slices.h"
#include "lib/serve/job.h"

struct bert__answer *bert__answer_create(struct bert__alloc *alloc, uint32_t task)
{
    struct bert__answer *answer = bert__alloc_array(alloc, 1, sizeof *answer);

    if (answer == NULL)
        return NULL;
    atomic_init(&answer->refs, 1);
    answer->alloc = alloc;
    answer->task = task;
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
    bert__alloc_free(a->alloc, a->vectors);
    bert__alloc_free(a->alloc, a->reports);
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
