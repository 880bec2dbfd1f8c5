/* SPDX-License-Identifier: MIT */
/* kinds.h - embeddings that are not one vector a text, or not only that. */
#ifndef KINDS_H
#define KINDS_H

#include "examples/bert/task.h"
#include "examples/bert/vectors.h"

struct kinds {
    bert_embed_all_options options;
    struct task task;     /* for task_batch() */
    const char *function; /* by kinds_load_one(): the similarity of these embeddings */
};

/* Name of the kind whose bit is 1 << i; NULL past the end. */
const char *kinds_name(uint32_t i);
/* bert_embedding bits of "dense,sparse", 0 of NULL; or BERT_EINVAL. */
bert_status kinds_outputs(const char *list, uint32_t *outputs, bert_error *error);
/* bert_embedding bits of --outputs, 0 without it; 0 or an exit code after a message. */
int kinds_parse(const struct options *options, uint32_t *outputs);
/* After vectors_load(), whose options hold here too: check them; options.outputs is then what
 * there will be. */
int kinds_load(struct kinds *kinds, const struct vectors *vectors, struct job *job);

/* The same of one kind, to compare texts by. */
int kinds_load_one(struct kinds *kinds, const struct vectors *vectors, struct job *job);
/* What one text has, as a bert_role; *result is to be freed also after a failure. */
bert_status kinds_embed(const struct kinds *kinds, bert_session *session, bert_text text,
                        uint32_t role, bert_embeddings **result, bert_error *error);
/* How close record i of a is to record j of b, of sparse or multi embeddings. */
bert_status kinds_compare(const struct kinds *kinds, const bert_embeddings *a, size_t i,
                          const bert_embeddings *b, size_t j, float *score, bert_error *error);

#endif
