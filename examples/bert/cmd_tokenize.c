/* SPDX-License-Identifier: MIT */
/* cmd_tokenize.c - bert tokenize: texts to token ids. */
#include <inttypes.h>
#include <string.h>

#include "examples/bert/commands.h"
#include "examples/bert/json_out.h"
#include "examples/bert/message.h"
#include "examples/bert/text_tokens.h"

#define FIELD(name) offsetof(struct options, name)

/* ---- JSON ------------------------------------------------------------------------- */

static void json_tokens(struct output *out, const bert_encoding *encoding)
{
    json_put_name(out, "tokens");
    output_text(out, "[");
    for (size_t i = 0; i < bert_encoding_size(encoding); i++) {
        bert_text token = bert_encoding_token(encoding, i);

        output_text(out, i > 0 ? "," : "");
        json_put_string(out, token.data, token.size);
    }
    output_text(out, "]");
}

static void json_offsets(struct output *out, const bert_encoding *encoding)
{
    const bert_span *spans = bert_encoding_offsets(encoding);

    json_put_name(out, "offsets");
    output_text(out, "[");
    for (size_t i = 0; i < bert_encoding_size(encoding); i++)
        output_format(out, "%s[%zu,%zu]", i > 0 ? "," : "", spans[i].start, spans[i].end);
    output_text(out, "]");
}

static void json_special(struct output *out, const bert_encoding *encoding)
{
    const uint8_t *mask = bert_encoding_special_mask(encoding);

    json_put_name(out, "special_tokens_mask");
    output_text(out, "[");
    for (size_t i = 0; i < bert_encoding_size(encoding); i++)
        output_format(out, "%s%d", i > 0 ? "," : "", mask[i]);
    output_text(out, "]");
}

/* The lists of one window, without braces. */
static void json_lists(struct output *out, const bert_encoding *encoding, bool ids_only)
{
    size_t n = bert_encoding_size(encoding);

    output_text(out, "\"ids\": ");
    json_put_integers(out, bert_encoding_ids(encoding), n);
    if (ids_only)
        return;
    json_put_name(out, "type_ids");
    json_put_integers(out, bert_encoding_type_ids(encoding), n);
    json_tokens(out, encoding);
    json_offsets(out, encoding);
    json_special(out, encoding);
}

static void json_overflowing(struct output *out, const bert_encoding *encoding, bool ids_only)
{
    json_put_name(out, "overflowing");
    output_text(out, "[");
    for (size_t i = 0; i < bert_encoding_overflow_count(encoding); i++) {
        output_text(out, i > 0 ? ", {" : "{");
        json_lists(out, bert_encoding_overflow(encoding, i), ids_only);
        output_text(out, "}");
    }
    output_text(out, "]");
}

static void put_json(struct job *job, uint64_t index, const bert_encoding *encoding)
{
    const struct options *options = job->options;
    struct output *out = &job->output;

    output_format(out, "{\"index\": %" PRIu64 ", ", index);
    json_lists(out, encoding, options->ids_only);
    if (options->stride >= 0)
        json_overflowing(out, encoding, options->ids_only);
    json_put_name(out, "truncated");
    output_format(out, "%zu}\n", bert_encoding_truncated(encoding));
}

/* ---- Text ------------------------------------------------------------------------- */

static void put_window(struct job *job, const bert_encoding *encoding)
{
    struct output *out = &job->output;

    for (size_t i = 0; i < bert_encoding_size(encoding) && !job->options->ids_only; i++) {
        bert_text token = bert_encoding_token(encoding, i);

        output_text(out, i > 0 ? " " : "");
        output_printable(out, token.data, token.size);
    }
    if (!job->options->ids_only)
        output_text(out, "\t");
    json_put_integers(out, bert_encoding_ids(encoding), bert_encoding_size(encoding));
}

static void put_text(struct job *job, const bert_encoding *encoding)
{
    put_window(job, encoding);
    for (size_t i = 0; i < bert_encoding_overflow_count(encoding); i++) {
        output_text(&job->output, "\t");
        put_window(job, bert_encoding_overflow(encoding, i));
    }
    output_text(&job->output, "\n");
}

static void count(struct job *job, const struct record *record, const struct token_limits *limits)
{
    size_t n;
    bert_error error;

    if (text_count(job->runtime.tokenizer, record, limits, &n, &error) != BERT_OK)
        job_fail(job, record->index, &error);
    else if (job->options->json)
        output_format(&job->output, "{\"index\": %" PRIu64 ", \"count\": %zu}\n", record->index, n);
    else
        output_format(&job->output, "%zu\n", n);
}

/* ---- The command ------------------------------------------------------------------- */

static void tokenize(struct job *job, const struct record *record)
{
    const struct options *options = job->options;
    struct token_limits limits = token_limits_of(options);
    bert_encoding *encoding = NULL;
    bert_error error;

    if (record->error != NULL) {
        job_fail(job, record->index, record->error);
        return;
    }
    if (options->count) {
        count(job, record, &limits);
        return;
    }
    limits.options.stop_early = !options->json; /* only then nobody asks how much was cut */
    if (text_tokens(job->runtime.tokenizer, record, &limits, &encoding, &error) != BERT_OK)
        job_fail(job, record->index, &error);
    else if (options->json)
        put_json(job, record->index, encoding);
    else
        put_text(job, encoding);
    bert_encoding_free(encoding);
}

static void tokenize_batch(struct job *job, struct batch *batch, void *context)
{
    (void)context;
    for (size_t i = 0; i < batch->count && !job_stopped(job); i++)
        tokenize(job, &batch->records[i]);
}

static int load(struct job *job, void *context)
{
    (void)context;
    return runtime_load_tokenizer(&job->runtime, job->options);
}

static int run(const struct options *options)
{
    struct job job;
    enum record_form form = options->jsonl  ? FORM_JSON_PAIR
                            : options->pair ? FORM_PAIR_NEEDED
                                            : FORM_TEXT;

    if (options->count && options->ids_only)
        return usage_error("tokenize", "--count and --ids-only exclude each other");
    if (job_open(&job, options, load, NULL) == 0)
        job_run(&job, form, tokenize_batch, NULL);
    return job_close(&job);
}

static const struct option_row rows[] = {
    {0, "tokenizer", OPTION_STRING, FIELD(tokenizer), 0, 0, NULL, "FILE",
     "a tokenizer.json, or a vocab.txt (read as the lower-casing BERT\n"
     "tokenizer), instead of a model"},
    {0, "pair", OPTION_FLAG, FIELD(pair), 1, 0, NULL, NULL,
     "each record is a pair, TEXT<TAB>PAIR; with --jsonl the key \"pair\" does"},
    {0, "no-special", OPTION_FLAG, FIELD(no_special), 1, 0, NULL, NULL,
     "add no special tokens such as [CLS] (default: add them)"},
    {0, "max-length", OPTION_NUMBER, FIELD(max_length), 0, INT32_MAX, NULL, "N",
     "cut to N tokens, special ones included (default: don't cut)"},
    {0, "truncation", OPTION_CHOICE, FIELD(truncation), 0, 0, "right|left|none", "SIDE",
     "cut off the right or the left; none: a longer record is an error\n"
     "(default: right)"},
    {0, "strategy", OPTION_CHOICE, FIELD(strategy), BERT_LONGEST_FIRST, 0,
     "longest_first|only_first|only_second", "HOW",
     "what of a pair is cut: longest_first, only_first, only_second\n"
     "(default: longest_first)"},
    {0, "stride", OPTION_NUMBER, FIELD(stride), 0, INT32_MAX, NULL, "N",
     "also give what was cut, as windows that share N tokens with the one\n"
     "before (default: only the first window)"},
    {0, "pad", OPTION_NUMBER, FIELD(pad), 1, INT32_MAX, NULL, "N",
     "pad to N tokens (default: don't pad)"},
    {0, "offsets", OPTION_CHOICE, FIELD(chars), BERT_OFFSET_BYTES, 0, "bytes|chars", "UNIT",
     "offsets count bytes or Unicode characters (default: bytes)"},
    {0, "ids-only", OPTION_FLAG, FIELD(ids_only), 1, 0, NULL, NULL,
     "ids alone, as `bert decode` reads them"},
    {0, "count", OPTION_FLAG, FIELD(count), 1, 0, NULL, NULL,
     "the number of tokens alone, special ones included"},
    {0, "max-tokens", OPTION_NUMBER, FIELD(max_tokens), 1, 1 << 24, NULL, "N", "no effect here"},
    {0, NULL, OPTION_FLAG, 0, 0, 0, NULL, NULL, NULL}};

static const struct option_row *const groups[] = {rows,           options_model,   options_input,
                                                  options_output, options_general, NULL};

const struct command command_tokenize = {
    .name = "tokenize",
    .summary = "texts to token ids",
    .synopsis = "[options] [TEXT...]",
    .about = "Split each text into tokens, as Hugging Face `tokenizers` does.  One line per\n"
             "record: tokens, TAB, ids; with --json an object with ids, type_ids, tokens, offsets\n"
             "([start, end) in the text), special_tokens_mask, with --stride overflowing, and\n"
             "truncated: how many tokens of the text the ids lack.  Nothing is cut or padded\n"
             "unless asked for.",
    .examples = "  bert tokenize -m DIR 'Hello, world!'\n"
                "  bert tokenize --tokenizer vocab.txt --json --max-length 128 -i texts.txt\n"
                "  bert tokenize -m DIR --count < texts.txt\n",
    .groups = groups,
    .run = run,
};
