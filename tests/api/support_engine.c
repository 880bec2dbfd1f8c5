/* SPDX-License-Identifier: MIT */
#include "support_engine.h"

bert_engine *test_engine(const bert_engine_options *options)
{
    bert_engine_options o = BERT_ENGINE_OPTIONS_INIT;
    bert_engine *engine;
    bert_error err;

    if (options != NULL)
        o = *options;
    o.threads = 1;
    test_ok(bert_engine_create(&engine, &o, &err), &err);
    return engine;
}

void test_engine_add(bert_engine *engine, const char *name, const char *folder)
{
    bert_model *model = test_load(test_path("tests/data/models/%s", folder), NULL);
    bert_error err;

    test_ok(bert_engine_add_model(engine, name, model, &err), &err);
    bert_model_unref(model);
}

bert_request test_request(const char *model, uint64_t id)
{
    static const bert_text text = {"a cat on a mat", 14};
    bert_request r = BERT_REQUEST_INIT;

    r.task = BERT_TASK_EMBED;
    r.texts = &text;
    r.n = 1;
    r.model = model;
    r.id = id;
    return r;
}

bert_job *test_run(bert_engine *engine, bert_request request)
{
    bert_error err;
    bert_job *job;

    test_ok(bert_engine_run(engine, &request, &job, &err), &err);
    return job;
}

bert_metrics test_metrics_of(bert_engine *engine)
{
    bert_metrics m = {.size = sizeof m};
    bert_error err;

    test_ok(bert_engine_metrics(engine, &m, &err), &err);
    return m;
}
