/* SPDX-License-Identifier: MIT */
/*
 * heads.h - what the commands of the tasks share with `bert serve`: options of the command line as
 * the library takes them, and answers as members of a JSON object.
 */
#ifndef HEADS_H
#define HEADS_H

#include "examples/bert/record.h"
#include "examples/bert/task.h"

bert_classify_options classify_options(const struct options *options);
bert_explain_options explain_options(const struct options *options);
bert_rerank_options rerank_options(const struct options *options);
bert_tag_options tag_options(const struct options *options);
bert_answer_options answer_options(const struct options *options);
bert_next_options next_options(const struct options *options);
bert_choose_options choose_options(const struct options *options);
/* Free the targets. */
bert_fill_options fill_options(const struct options *options);
/* What `like` has in common with these; the prompt is borrowed. */
bert_embed_all_options kinds_options(const struct options *options, const bert_embed_options *like,
                                     uint32_t outputs);
bert_chunk_options parts_options(const struct options *options, const bert_embed_options *like);

extern const struct reading reading_kinds, reading_classify, reading_tag, reading_answer,
    reading_next, reading_fill, reading_choose;

/* The members of one that has no reading. */
void embed_members(struct output *out, const float *values, const uint32_t *shape, uint32_t rank,
                   const bert_embed_report *report);
void parts_members(struct output *out, const bert_chunks *result);
void explain_members(struct output *out, const struct record *record,
                     const bert_explanation *explanation);
void rank_members(struct output *out, uint64_t index, float score, const char *text, size_t size);

#endif
