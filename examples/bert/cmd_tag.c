/* SPDX-License-Identifier: MIT */
/* cmd_tag.c - bert tag: entities of texts. */
#include <inttypes.h>
#include <string.h>

#include "examples/bert/commands.h"
#include "examples/bert/heads.h"
#include "examples/bert/json_out.h"
#include "examples/bert/task.h"

#define FIELD(name) offsetof(struct options, name)

static bert_status run_texts(void *context, bert_session *session, const bert_text *texts,
                             const bert_text *pairs, size_t n, void **result, bert_error *error)
{
    bert_entities *found = NULL;
    bert_status status = bert_tag(session, texts, n, context, &found, error);

    (void)pairs;
    *result = found;
    return status;
}

static bert_status status_of(const void *result, size_t i, const char **message)
{
    *message = bert_entities_message(result, i);
    return bert_entities_status(result, i);
}

static void free_result(void *result)
{
    bert_entities_free(result);
}

/* A span whose end lies before its start has no text. */
static bert_text text_of(const struct record *record, const bert_entity *entity)
{
    bert_span at = entity->bytes;

    return (bert_text){record->text.data + at.start, at.end > at.start ? at.end - at.start : 0};
}

/* For people: "PER 0.9870 Ada Lovelace", the entities parted by TAB. */
static void put_brief(struct job *job, const struct record *record, const bert_entity *entity,
                      bool first)
{
    struct output *out = &job->output;
    bert_text text = text_of(record, entity);

    output_text(out, first ? "" : "\t");
    output_printable(out, entity->label, strlen(entity->label));
    output_format(out, " %.4f ", (double)entity->score);
    output_printable(out, text.data, text.size);
}

static void put_json(struct output *out, const struct options *options, const struct record *record,
                     const bert_entity *entity, bool first)
{
    bert_span at = options->chars ? entity->chars : entity->bytes;
    bert_text text = text_of(record, entity);

    output_text(out, first ? "{\"entity\": " : ", {\"entity\": ");
    json_put_string(out, entity->label, strlen(entity->label));
    json_put_name(out, "score");
    json_put_float(out, entity->score);
    output_format(out, ", \"start\": %zu, \"end\": %zu", at.start, at.end);
    json_put_name(out, "text");
    json_put_string(out, text.data, text.size);
    output_text(out, "}");
}

static void members(struct output *out, const struct options *options, const struct record *record,
                    const void *result, size_t i)
{
    const bert_entity *entities = bert_entities_list(result, i);

    output_text(out, "\"entities\": [");
    for (size_t k = 0; k < bert_entities_count(result, i); k++)
        put_json(out, options, record, &entities[k], k == 0);
    output_text(out, "]");
}

const struct reading reading_tag = {status_of, members};

static void put(struct job *job, void *context, const struct record *record, const void *result,
                size_t i)
{
    const bert_entity *entities = bert_entities_list(result, i);
    size_t n = bert_entities_count(result, i);

    (void)context;
    if (job->options->json) {
        task_put_json(job, &reading_tag, record, result, i);
        return;
    }
    for (size_t k = 0; k < n; k++)
        put_brief(job, record, &entities[k], k == 0);
    output_text(&job->output, "\n");
}

bert_tag_options tag_options(const struct options *options)
{
    bert_tag_options o = BERT_TAG_OPTIONS_INIT;

    o.aggregation = (uint32_t)options->aggregate;
    o.max_length = number_or_zero(options->max_length);
    o.stride = stride_of(options);
    return o;
}

static int run(const struct options *options)
{
    bert_tag_options o = tag_options(options);
    struct task task = {&o, run_texts, &reading_tag, put, free_result};
    struct job job;

    if (job_open(&job, options, task_load, &task) == 0)
        job_run(&job, options->jsonl ? FORM_JSON_TEXT : FORM_TEXT, task_batch, &task);
    return job_close(&job);
}

static const struct option_row rows[] = {
    {0, "aggregate", OPTION_CHOICE, FIELD(aggregate), BERT_AGGREGATE_SIMPLE, 0,
     "simple|none|first|average|max", "HOW",
     "how tokens become entities (default: simple): simple joins neighbours of\n"
     "one tag; first, average, max decide for whole words first; with none\n"
     "every token is an entity and has its whole label"},
    {0, "stride", OPTION_NUMBER, FIELD(stride), 0, INT32_MAX, NULL, "N",
     "tokens that windows of a long text share (default: half a window, at\n"
     "most 128)"},
    {0, "offsets", OPTION_CHOICE, FIELD(chars), 0, 0, "bytes|chars", "UNIT",
     "what start and end count (default: bytes)"},
    {0, NULL, OPTION_FLAG, 0, 0, 0, NULL, NULL, NULL}};

static const struct option_row *const groups[] = {
    rows, options_model, options_input, options_output, options_records, options_general, NULL};

const struct command command_tag = {
    .name = "tag",
    .summary = "entities in texts",
    .synopsis = "[options] [TEXT...]",
    .about =
        "Find the entities in each text, by a token classification model, in the order of\n"
        "the text, which may have any length: a long one is read in windows that overlap.\n"
        "One line per record: entity, space, score, space, text, parted by TABs; with --json\n"
        "  {\"index\": 0, \"entities\": [{\"entity\": \"PER\", \"score\": 0.98, \"start\": 0,\n"
        "                                \"end\": 12, \"text\": \"Ada Lovelace\"}, ...]}\n"
        "What is labelled O is left out.  Nothing is cut off: --max-length is the length of a\n"
        "window, and --truncation has no effect.",
    .examples = "  bert tag -m DIR 'Ada Lovelace lived in London'\n"
                "  bert tag -m DIR --json --aggregate first --offsets chars -i texts.txt\n",
    .groups = groups,
    .run = run,
};
