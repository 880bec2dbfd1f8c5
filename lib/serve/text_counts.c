/* SPDX-License-Identifier: MIT */
/* text_counts.c - what became of a job's texts, for the metrics. */
#include "lib/serve/engine_parts.h"

/* What a task's result says of its record i; tokens 0: it doesn't. */
struct text {
    bert_status status;
    uint64_t tokens, truncated;
};

static struct text text_of(const bert_job *job, size_t i)
{
    const void *r = job->answer->result;

    switch (job->request.task) {
    case BERT_TASK_EMBED:
    case BERT_TASK_EMBED_TOKENS:
        return (struct text){job->answer->reports[i].status, job->answer->reports[i].tokens,
                             job->answer->reports[i].truncated};
    case BERT_TASK_EMBED_ALL:
        return (struct text){bert_embeddings_status(r, i), bert_embeddings_tokens(r, i),
                             bert_embeddings_truncated(r, i)};
    case BERT_TASK_CLASSIFY:
        return (struct text){bert_classifications_status(r, i), 0,
                             bert_classifications_truncated(r, i)};
    case BERT_TASK_RERANK:
        return (struct text){bert_rankings_status(r, i), 0, bert_rankings_truncated(r, i)};
    case BERT_TASK_TAG:
        return (struct text){bert_entities_status(r, i), 0, 0};
    case BERT_TASK_ANSWER:
        return (struct text){bert_answers_status(r, i), 0, 0};
    case BERT_TASK_NEXT:
        return (struct text){bert_nexts_status(r, i), 0, bert_nexts_truncated(r, i)};
    case BERT_TASK_FILL:
        return (struct text){bert_fills_status(r, i), 0, bert_fills_truncated(r, i)};
    default:
        return (struct text){BERT_OK, 0, 0};
    }
}

void bert__count_texts(struct bert__counters *c, const bert_job *job)
{
    const bert_request *r = &job->request;
    bool known = job->error.code == BERT_OK;

    bert__count(&c->texts, r->n);
    if (!known && (job->error.code == BERT_ERANGE || job->error.code == BERT_EINVAL))
        bert__count(&c->tokenize_errors, r->n);
    for (size_t i = 0; i < r->n; i++) {
        struct text t = known ? text_of(job, i) : (struct text){BERT_OK, 0, 0};

        bert__histogram_record(&c->text_bytes, r->texts[i].size);
        if (t.tokens > 0)
            bert__histogram_record(&c->text_tokens, t.tokens);
        bert__count(&c->texts_truncated, t.truncated > 0);
        bert__count(&c->tokens_truncated, t.truncated);
        bert__count(&c->tokenize_errors, t.status != BERT_OK);
    }
}
