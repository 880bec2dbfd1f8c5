/* SPDX-License-Identifier: MIT */
/* cmd_forward.c - bert forward: raw outputs of the model. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "examples/bert/commands.h"
#include "examples/bert/interrupt.h"
#include "examples/bert/json_out.h"
#include "examples/bert/memory.h"
#include "examples/bert/message.h"
#include "examples/bert/text_tokens.h"
#include "examples/bert/vectors.h"

#define FIELD(name) offsetof(struct options, name)

static const struct named_output {
    const char *name;
    bert_output bit;
} named_outputs[] = {
    {"last_hidden_state", BERT_OUTPUT_LAST_HIDDEN_STATE},
    {"pooler_output", BERT_OUTPUT_POOLER},
    {"logits", BERT_OUTPUT_LOGITS},
    {"start_logits", BERT_OUTPUT_START_LOGITS},
    {"end_logits", BERT_OUTPUT_END_LOGITS},
    {"prediction_logits", BERT_OUTPUT_PREDICTION_LOGITS},
    {"seq_relationship_logits", BERT_OUTPUT_SEQ_RELATIONSHIP_LOGITS},
    {"sop_logits", BERT_OUTPUT_SOP_LOGITS},
    {"hidden_states", BERT_OUTPUT_HIDDEN_STATES},
    {"attentions", BERT_OUTPUT_ATTENTIONS},
};
enum {
    N_OUTPUTS = sizeof named_outputs / sizeof named_outputs[0],
    HEAD_OUTPUTS = BERT_OUTPUT_LOGITS | BERT_OUTPUT_START_LOGITS | BERT_OUTPUT_END_LOGITS
                   | BERT_OUTPUT_PREDICTION_LOGITS | BERT_OUTPUT_SEQ_RELATIONSHIP_LOGITS
                   | BERT_OUTPUT_SOP_LOGITS
};

struct forward {
    uint32_t asked; /* by options; 0: the model's own */
    uint32_t outputs;
    struct token_limits limits;
};

/* Sequences that are run in one call. */
struct group {
    struct record *records[BATCH_RECORDS];
    uint32_t offsets[BATCH_RECORDS + 1];
    uint32_t count;
};

/* ---- Records to ids ------------------------------------------------------------- */

static void take_ids(struct record *record, const bert_encoding *encoding)
{
    size_t n = bert_encoding_size(encoding);

    record->n_ids = n;
    record->ids = get_memory(n, sizeof *record->ids);
    record->type_ids = get_memory(n, sizeof *record->type_ids);
    if (n == 0)
        return;
    memcpy(record->ids, bert_encoding_ids(encoding), n * sizeof *record->ids);
    memcpy(record->type_ids, bert_encoding_type_ids(encoding), n * sizeof *record->type_ids);
}

static void tokenize(struct job *job, const struct forward *forward, struct record *record)
{
    bert_encoding *encoding = NULL;
    bert_error error;

    if (job->runtime.tokenizer == NULL
        && bert_model_tokenizer(job->runtime.model, &job->runtime.tokenizer, &error) != BERT_OK) {
        record_fail_with(record, &error);
        return;
    }
    if (text_tokens(job->runtime.tokenizer, record, &forward->limits, &encoding, &error) != BERT_OK)
        record_fail_with(record, &error);
    else
        take_ids(record, encoding);
    bert_encoding_free(encoding);
}

static void check_list(struct record *record, const char *name, const int32_t *ids, uint32_t limit)
{
    for (size_t i = 0; ids != NULL && i < record->n_ids; i++) {
        if (ids[i] < 0 || (uint32_t)ids[i] >= limit) {
            record_fail(record, BERT_EINVAL, "%s[%zu] is %" PRId32 "; the model has 0 to %" PRIu32,
                        name, i, ids[i], limit - 1);
            return;
        }
    }
}

static void check_ids(const bert_model *model, struct record *record)
{
    uint32_t positions = bert_model_max_positions(model);
    uint32_t types = bert_model_type_vocab_size(model);

    if (record->n_ids == 0)
        record_fail(record, BERT_EINVAL, "input_ids is empty");
    else if (record->n_ids > positions)
        record_fail(record, BERT_ERANGE,
                    "input_ids has %zu ids, the model has %" PRIu32 " positions", record->n_ids,
                    positions);
    check_list(record, "input_ids", record->ids, bert_model_vocab_size(model));
    if (types > 0) /* else the family has none, and doesn't look at them */
        check_list(record, "token_type_ids", record->type_ids, types);
}

static void prepare(struct job *job, const struct forward *forward, struct record *record)
{
    if (record->error == NULL && record->ids == NULL)
        tokenize(job, forward, record);
    if (record->error == NULL)
        check_ids(job->runtime.model, record);
}

/* ---- Running and printing --------------------------------------------------------- */

static size_t entries(const uint32_t *shape, uint32_t rank)
{
    size_t n = 1;

    for (uint32_t i = 0; i < rank; i++)
        n *= shape[i];
    return n;
}

/* For people: the shape, and how the values start. */
static void put_brief(struct output *out, const char *name, const float *values,
                      const uint32_t *shape, uint32_t rank)
{
    size_t n = entries(shape, rank);

    output_text(out, name);
    for (uint32_t i = 0; i < rank; i++)
        output_format(out, "[%" PRIu32 "]", shape[i]);
    for (size_t i = 0; i < n && i < 4; i++)
        output_format(out, " %.6f", (double)values[i]);
    output_text(out, n > 4 ? " ..." : "");
}

static bert_status check_outputs(const struct forward *forward, const bert_outputs *outputs,
                                 uint32_t sequence, bert_error *error)
{
    for (size_t i = 0; i < N_OUTPUTS; i++) {
        uint32_t shape[4], rank;
        const float *values;

        if ((forward->outputs & (uint32_t)named_outputs[i].bit) == 0)
            continue;
        values = bert_outputs_get(outputs, named_outputs[i].bit, sequence, shape, &rank);
        if (check_finite(values, entries(shape, rank), error) != BERT_OK)
            return error->code;
    }
    return BERT_OK;
}

static void put_outputs(struct job *job, const struct forward *forward, const bert_outputs *outputs,
                        uint32_t sequence, uint64_t index)
{
    struct output *out = &job->output;
    bool json = job->options->json;
    bool first = true;

    if (json)
        output_format(out, "{\"index\": %" PRIu64, index);
    for (size_t i = 0; i < N_OUTPUTS; i++) {
        uint32_t shape[4], rank;
        const float *values;

        if ((forward->outputs & (uint32_t)named_outputs[i].bit) == 0)
            continue;
        values = bert_outputs_get(outputs, named_outputs[i].bit, sequence, shape, &rank);
        if (json) {
            json_put_name(out, named_outputs[i].name);
            json_put_tensor(out, values, shape, rank);
        } else {
            output_text(out, first ? "" : "\t");
            put_brief(out, named_outputs[i].name, values, shape, rank);
        }
        first = false;
    }
    output_text(out, json ? "}\n" : "\n");
}

/* One call for all sequences of the group; BERT_OK or why there is no result. */
static bert_status run_model(struct job *job, const struct forward *forward,
                             const struct group *group, bert_outputs **outputs, bert_error *error)
{
    size_t n = group->offsets[group->count];
    int32_t *ids = get_memory(n, sizeof *ids), *types = get_memory(n, sizeof *types);
    bert_status status;

    for (uint32_t i = 0; i < group->count; i++) {
        const struct record *record = group->records[i];

        memcpy(ids + group->offsets[i], record->ids, record->n_ids * sizeof *ids);
        if (record->type_ids != NULL)
            memcpy(types + group->offsets[i], record->type_ids, record->n_ids * sizeof *types);
    }
    status = bert_forward(job->runtime.session, forward->outputs, ids, types, group->offsets,
                          group->count, outputs, error);
    free(ids);
    free(types);
    return status;
}

static void run_group(struct job *job, const struct forward *forward, struct group *group);

/* What failed as a whole is tried again one by one. */
static void run_singly(struct job *job, const struct forward *forward, const struct group *group)
{
    for (uint32_t i = 0; i < group->count && !job_stopped(job); i++) {
        struct group *one = get_memory(1, sizeof *one);

        one->records[0] = group->records[i];
        one->offsets[1] = (uint32_t)group->records[i]->n_ids;
        one->count = 1;
        run_group(job, forward, one);
        free(one);
    }
}

static void run_group(struct job *job, const struct forward *forward, struct group *group)
{
    bert_outputs *outputs = NULL;
    bert_error error;
    bert_status status = run_model(job, forward, group, &outputs, &error);

    if (status == BERT_ECANCELED && interrupt_signal() != 0)
        return;
    if (status != BERT_OK && group->count > 1) {
        run_singly(job, forward, group);
        group->count = 0;
        return;
    }
    for (uint32_t i = 0; i < group->count && !job_stopped(job); i++) {
        struct record *record = group->records[i];

        if (status != BERT_OK || check_outputs(forward, outputs, i, &error) != BERT_OK)
            job_fail(job, record->index, &error);
        else
            put_outputs(job, forward, outputs, i, record->index);
    }
    bert_outputs_free(outputs);
    group->count = 0;
}

/* Hidden states and attentions are large: then one sequence at a time. */
static bool fits(const struct job *job, const struct forward *forward, const struct group *group,
                 const struct record *record)
{
    uint32_t large = BERT_OUTPUT_HIDDEN_STATES | BERT_OUTPUT_ATTENTIONS;

    return group->count == 0
           || ((forward->outputs & large) == 0
               && group->offsets[group->count] + record->n_ids
                      <= bert_session_max_tokens(job->runtime.session));
}

static void forward_batch(struct job *job, struct batch *batch, void *context)
{
    const struct forward *forward = context;
    struct group group;

    group.count = 0;
    group.offsets[0] = 0;
    for (size_t i = 0; i < batch->count && !job_stopped(job); i++) {
        struct record *record = &batch->records[i];

        prepare(job, forward, record);
        if (group.count > 0 && (record->error != NULL || !fits(job, forward, &group, record)))
            run_group(job, forward, &group);
        if (record->error != NULL) {
            if (!job_stopped(job))
                job_fail(job, record->index, record->error);
            continue;
        }
        group.records[group.count] = record;
        group.offsets[group.count + 1] = group.offsets[group.count] + (uint32_t)record->n_ids;
        group.count++;
    }
    if (group.count > 0 && !job_stopped(job))
        run_group(job, forward, &group);
}

/* ---- The command ------------------------------------------------------------------- */

static uint32_t output_bit(const char *name, size_t size)
{
    for (size_t i = 0; i < N_OUTPUTS; i++) {
        if (strlen(named_outputs[i].name) == size && memcmp(named_outputs[i].name, name, size) == 0)
            return (uint32_t)named_outputs[i].bit;
    }
    return 0;
}

static int parse_outputs(const struct options *options, uint32_t *outputs)
{
    const char *name = options->outputs;

    *outputs = 0;
    while (name != NULL) {
        size_t size = strcspn(name, ",");
        uint32_t bit = output_bit(name, size);

        if (bit == 0)
            return usage_error("forward",
                               "--outputs: '%.*s' is none of last_hidden_state, pooler_output, "
                               "hidden_states, attentions, logits, start_logits, end_logits, "
                               "prediction_logits, seq_relationship_logits, sop_logits",
                               (int)size, name);
        *outputs |= bit;
        name = name[size] == ',' ? name + size + 1 : NULL;
    }
    return 0;
}

/* As the reference's class answers: a head its logits, an encoder its states. */
static uint32_t choose_outputs(const struct options *options, uint32_t asked, uint32_t offered)
{
    uint32_t outputs = asked;

    if (outputs == 0)
        outputs = offered & (uint32_t)HEAD_OUTPUTS;
    if (outputs == 0)
        outputs =
            offered & ((uint32_t)BERT_OUTPUT_LAST_HIDDEN_STATE | (uint32_t)BERT_OUTPUT_POOLER);
    outputs |= options->hidden_states ? (uint32_t)BERT_OUTPUT_HIDDEN_STATES : 0;
    outputs |= options->attentions ? (uint32_t)BERT_OUTPUT_ATTENTIONS : 0;
    return outputs;
}

/* Which of the outputs asked for this model can't give, and why. */
static int refuse_outputs(const struct options *options, const bert_model *model, uint32_t lacking)
{
    const char *missing = bert_model_head_missing(model), *name = "an output";

    for (size_t i = 0; i < N_OUTPUTS; i++) {
        if ((lacking & (uint32_t)named_outputs[i].bit) != 0)
            name = named_outputs[i].name;
    }
    if ((lacking & BERT_OUTPUT_POOLER) != 0)
        message("%s: the model has no pooler (tensors pooler.dense.weight, pooler.dense.bias); "
                "leave pooler_output out [BERT_EUNSUPPORTED]",
                options->model);
    else if (missing != NULL)
        message("%s; leave %s out [BERT_EUNSUPPORTED]", missing, name);
    else
        message("%s: this model (%s) gives no %s; leave it out [BERT_EUNSUPPORTED]", options->model,
                bert_model_task(model), name);
    return EXIT_OPEN;
}

static int load(struct job *job, void *context)
{
    struct forward *forward = context;
    const struct options *options = job->options;
    int rc = runtime_load_model(&job->runtime, options, 0);
    const bert_model *model = job->runtime.model;
    uint32_t offered;

    if (rc != 0)
        return rc;
    offered = bert_model_outputs(model);
    forward->outputs = choose_outputs(options, forward->asked, offered);
    if ((forward->outputs & ~offered) != 0)
        return refuse_outputs(options, model, forward->outputs & ~offered);
    forward->limits = token_limits_of(options);
    forward->limits.limited = true;
    forward->limits.options.max_length = runtime_limit(&job->runtime, options);
    return runtime_make_session(&job->runtime, options, bert_model_max_positions(model));
}

static int run(const struct options *options)
{
    struct forward forward = {0};
    struct job job;
    enum record_form form = options->jsonl  ? FORM_JSON_INPUT
                            : options->pair ? FORM_PAIR_NEEDED
                                            : FORM_TEXT;
    int rc = parse_outputs(options, &forward.asked);

    if (rc != 0)
        return rc;
    if (job_open(&job, options, load, &forward) == 0)
        job_run(&job, form, forward_batch, &forward);
    return job_close(&job);
}

static const struct option_row rows[] = {
    {0, "outputs", OPTION_STRING, FIELD(outputs), 0, 0, NULL, "A,B",
     "which of last_hidden_state, pooler_output, hidden_states, attentions; of a\n"
     "model with a task head also logits, start_logits, end_logits,\n"
     "prediction_logits, seq_relationship_logits, sop_logits"},
    {0, "hidden-states", OPTION_FLAG, FIELD(hidden_states), 1, 0, NULL, NULL,
     "also hidden_states [layers + 1][tokens][hidden], embeddings first"},
    {0, "attentions", OPTION_FLAG, FIELD(attentions), 1, 0, NULL, NULL,
     "also attentions [layer][head][query][key]"},
    {0, "pair", OPTION_FLAG, FIELD(pair), 1, 0, NULL, NULL,
     "each record is a pair, TEXT<TAB>PAIR; with --jsonl the key \"pair\" does"},
    {0, NULL, OPTION_FLAG, 0, 0, 0, NULL, NULL, NULL}};

static const struct option_row *const groups[] = {
    rows, options_model, options_input, options_output, options_records, options_general, NULL};

const struct command command_forward = {
    .name = "forward",
    .summary = "raw model outputs",
    .synopsis = "[options] [TEXT...]",
    .about =
        "Run the model and print its raw outputs.  Without a task head: last_hidden_state\n"
        "[tokens][hidden] and, where there is a pooler, pooler_output [hidden].  With one, what\n"
        "the reference's class for it gives: logits of text classification [labels], token\n"
        "classification [tokens][labels], masked LM [tokens][vocabulary] and next sentence [2];\n"
        "start_logits and end_logits [tokens] of question answering; prediction_logits and\n"
        "seq_relationship_logits of pre-training.  With --json all values; else their shapes and\n"
        "first values.  With --jsonl a record is {\"text\": ..., \"pair\": ...} or\n"
        "{\"input_ids\": [...], \"token_type_ids\": [...]}, which needs no tokenizer.",
    .examples = "  bert forward -m DIR --json 'a cat on a mat'\n"
                "  echo '{\"input_ids\": [101, 7592, 102]}' | bert forward -m DIR --json --jsonl\n"
                "  bert forward -m DIR --json --outputs attentions 'a cat'\n",
    .groups = groups,
    .run = run,
};
