/* SPDX-License-Identifier: MIT */
/* loads.h - a load of a model: how it is done, and done again. */
#ifndef BERT_LIB_SERVE_LOADS_H
#define BERT_LIB_SERVE_LOADS_H

#include <bert/engine.h>
#include <stdbool.h>

struct bert__load {
    struct bert__load *next;
    bert_engine *engine;
    bert_load_options options;
    bert_model_options model; /* what it points to is below */
    char *name, *path, *cpu, *backend, *calibration;
    char *told; /* the name for options.done, once; NULL: nobody is told */
    bert_allocator allocator;
    bool again;  /* it is its name's origin, whose model was unloaded */
    bool busy;   /* a thread has it or will, and frees it if */
    bool orphan; /* its name has let go of it meanwhile */
};

/* Are the files those of the manifest?  Before the load. */
bert_status bert__load_check_files(struct bert__load *load, bert_error *err);
/* Are the answers those of the golden inputs?  After it. */
bert_status bert__load_check_answers(struct bert__load *load, bert_model *model, bert_error *err);

/* A bert_cancel_fn: the engine stops, or the host wants it. */
int bert__load_canceled(void *load);

#endif
