/* SPDX-License-Identifier: MIT */
/* kinds.h - embeddings that are not one vector a text, or not only that. */
#ifndef KINDS_H
#define KINDS_H

#include "examples/bert/task.h"
#include "examples/bert/vectors.h"

struct kinds {
    bert_embed_all_options options;
    struct task task; /* for task_batch() */
};

/* bert_embedding bits of --outputs, 0 without it; 0 or an exit code after a message. */
int kinds_parse(const struct options *options, uint32_t *outputs);
/* After vectors_load(), whose options hold here too: check them; options.outputs is then what
 * there will be. */
int kinds_load(struct kinds *kinds, const struct vectors *vectors, struct job *job);

#endif
