/* SPDX-License-Identifier: MIT */
/* support_engine.h - an engine of small models, and one text to ask it for. */
#ifndef BERT_TESTS_API_SUPPORT_ENGINE_H
#define BERT_TESTS_API_SUPPORT_ENGINE_H

#include "support.h"

/* With one thread a batch; `options` may be NULL. */
bert_engine *test_engine(const bert_engine_options *options);
/* A model of tests/data/models, such as "embed/base". */
void test_engine_add(bert_engine *engine, const char *name, const char *folder);
/* To embed "a cat on a mat". */
bert_request test_request(const char *model, uint64_t id);
bert_job *test_run(bert_engine *engine, bert_request request);
bert_metrics test_metrics_of(bert_engine *engine);

#endif
