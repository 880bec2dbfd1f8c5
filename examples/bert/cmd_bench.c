/* SPDX-License-Identifier: MIT */
/* cmd_bench.c - bert bench: how fast a model runs here. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "examples/bert/bench_model.h"
#include "examples/bert/bench_peak.h"
#include "examples/bert/commands.h"
#include "examples/bert/input.h"
#include "examples/bert/interrupt.h"
#include "examples/bert/json_out.h"
#include "examples/bert/lines.h"
#include "examples/bert/memory.h"
#include "examples/bert/message.h"
#include "examples/bert/output.h"
#include "examples/bert/progress.h"
#include "examples/bert/runtime.h"

#define FIELD(name) offsetof(struct options, name)

enum { MAX_CASES = 32, MAX_SAMPLES = 1 << 16, WARM_UP = 2 };

struct bench {
    const struct options *options;
    struct runtime runtime;
    struct output output;
    int64_t lengths[MAX_CASES], batches[MAX_CASES];
    size_t n_lengths, n_batches;
    struct bench_shape shape; /* of --random */
    struct lines texts;       /* of --texts */
    size_t next_text;
    double peak;
    uint64_t cases;
    bool failed;
};

/* One case: `run` answers a batch and says how many tokens and flops it took. */
struct bench_case {
    struct bench *bench;
    uint32_t length, batch;
    int32_t *ids; /* [batch][length] */
    uint32_t *offsets;
    float *out;
    size_t out_size;
    double tokens, flops; /* sums over the timed calls */
    double *samples;      /* seconds */
    size_t n_samples;
};

/* ---- What is counted -------------------------------------------------------------- */

/* Useful work of the encoder on one sequence: four H x H and two H x F products a
 * token, and scores and sums of attention, 2 flops per multiply-add. */
static double sequence_flops(const bert_model *model, double tokens)
{
    double h = bert_model_hidden_size(model), f = bert_model_intermediate_size(model);

    return bert_model_layers(model) * (tokens * (8 * h * h + 4 * h * f) + 4 * tokens * tokens * h);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Nearest rank. */
static double percentile(const double *sorted, size_t n, double share)
{
    size_t rank = (size_t)(share * (double)n + 0.999999);

    return sorted[rank > 0 ? rank - 1 : 0];
}

/* ---- Batches of ids --------------------------------------------------------------- */

static void make_ids(struct bench_case *c)
{
    uint32_t vocab = bert_model_vocab_size(c->bench->runtime.model), random = 1;
    size_t n = (size_t)c->length * c->batch;

    c->ids = get_memory(n, sizeof *c->ids);
    for (size_t i = 0; i < n; i++) {
        random = random * 1664525u + 1013904223u;
        c->ids[i] = (int32_t)((random >> 8) % vocab);
    }
    c->offsets = get_memory((size_t)c->batch + 1, sizeof *c->offsets);
    for (uint32_t i = 0; i <= c->batch; i++)
        c->offsets[i] = i * c->length;
    c->out_size = n * bert_model_hidden_size(c->bench->runtime.model);
    c->out = get_memory(c->out_size, sizeof *c->out);
}

/* In as many calls as the session's budget asks for. */
static bert_status run_ids(struct bench_case *c, bert_error *error)
{
    bert_session *session = c->bench->runtime.session;
    uint32_t hidden = bert_model_hidden_size(c->bench->runtime.model);
    uint32_t most = bert_session_max_tokens(session) / c->length;

    for (uint32_t done = 0; done < c->batch;) {
        uint32_t n = c->batch - done < most ? c->batch - done : most;
        size_t first = (size_t)done * c->length;
        bert_status status =
            bert_encode(session, c->ids + first, NULL, c->offsets, n, c->out + first * hidden,
                        c->out_size - first * hidden, error);

        if (status != BERT_OK)
            return status;
        done += n;
    }
    c->tokens = (double)c->batch * c->length;
    c->flops = c->batch * sequence_flops(c->bench->runtime.model, c->length);
    return BERT_OK;
}

/* ---- Batches of texts --------------------------------------------------------------- */

static bert_status run_texts(struct bench_case *c, bert_error *error)
{
    struct bench *bench = c->bench;
    bert_text *texts = get_memory(c->batch, sizeof *texts);
    bert_embed_report *reports = get_memory(c->batch, sizeof *reports);
    bert_status status;

    for (uint32_t i = 0; i < c->batch; i++) {
        texts[i] = bench->texts.list[bench->next_text];
        bench->next_text = (bench->next_text + 1) % bench->texts.n;
    }
    status = bert_embed(bench->runtime.session, texts, c->batch, NULL, c->out, c->out_size, reports,
                        error);
    c->tokens = c->flops = 0;
    for (uint32_t i = 0; i < c->batch; i++) {
        c->tokens += reports[i].tokens;
        c->flops += sequence_flops(bench->runtime.model, reports[i].tokens);
    }
    free(texts);
    free(reports);
    return status;
}

/* ---- One case ------------------------------------------------------------------------ */

static bert_status run_once(struct bench_case *c, bert_error *error)
{
    return c->bench->texts.n > 0 ? run_texts(c, error) : run_ids(c, error);
}

static bert_status take_samples(struct bench_case *c, double seconds, double *tokens, double *flops,
                                bert_error *error)
{
    double end;

    for (int i = 0; i < WARM_UP; i++) {
        if (run_once(c, error) != BERT_OK)
            return error->code;
    }
    end = seconds_now() + seconds;
    do {
        double start = seconds_now();

        if (run_once(c, error) != BERT_OK)
            return error->code;
        c->samples[c->n_samples++] = seconds_now() - start;
        *tokens += c->tokens;
        *flops += c->flops;
    } while (c->n_samples < MAX_SAMPLES && seconds_now() < end && interrupt_signal() == 0);
    return BERT_OK;
}

static const char *model_name(const struct options *options)
{
    return options->random != NULL ? options->random : options->model;
}

static void put_header(struct bench *bench)
{
    output_format(&bench->output, "%-16s %-5s %-7s %7s %6s %5s %9s %9s %9s %11s %8s %8s\n", "model",
                  "prec", "cpu", "threads", "length", "batch", "ms_p50", "ms_min", "ms_p95",
                  "tokens_per_s", "gflops", "peak");
}

static void put_case(struct bench *bench, const struct bench_case *c, double tokens, double flops)
{
    struct output *out = &bench->output;
    const struct options *options = bench->options;
    size_t n = c->n_samples;
    double p50 = percentile(c->samples, n, 0.5), p95 = percentile(c->samples, n, 0.95);
    double per_call = tokens / (double)n, rate = per_call / p50;
    double gflops = flops / (double)n / p50 * 1e-9;
    uint32_t length = (uint32_t)(per_call / c->batch + 0.5);
    const char *name = model_name(options), *cpu = bert_model_cpu(bench->runtime.model);
    uint32_t threads = bert_session_threads(bench->runtime.session);

    if (!options->json) {
        output_format(out,
                      "%-16s %-5s %-7s %7" PRIu32 " %6" PRIu32 " %5" PRIu32
                      " %9.3f %9.3f %9.3f %11.0f %8.1f %8.1f\n",
                      name, runtime_precision(bench->runtime.model), cpu, threads, length, c->batch,
                      1e3 * p50, 1e3 * c->samples[0], 1e3 * p95, rate, gflops, bench->peak);
        return;
    }
    output_format(out, "{\"index\": %" PRIu64, bench->cases);
    json_put_name(out, "model");
    json_put_string(out, name, strlen(name));
    json_put_name(out, "precision");
    output_format(out, "\"%s\"", runtime_precision(bench->runtime.model));
    json_put_name(out, "cpu");
    json_put_string(out, cpu, strlen(cpu));
    output_format(out,
                  ", \"threads\": %" PRIu32 ", \"length\": %" PRIu32 ", \"batch\": %" PRIu32
                  ", \"ms_p50\": %.6g, \"ms_min\": %.6g, \"ms_p95\": %.6g, \"tokens_per_s\": %.6g"
                  ", \"gflops\": %.6g, \"peak_gflops\": %.6g}\n",
                  threads, length, c->batch, 1e3 * p50, 1e3 * c->samples[0], 1e3 * p95, rate,
                  gflops, bench->peak);
}

static void fail_case(struct bench *bench, const bert_error *error)
{
    struct output *out = &bench->output;

    bench->failed = true;
    if (!bench->options->json) {
        message("case %" PRIu64 ": %s [%s]", bench->cases, error->message,
                bert_status_name(error->code));
        output_format(out, "error: %s: %s\n", bert_status_name(error->code), error->message);
        return;
    }
    output_format(out, "{\"index\": %" PRIu64 ", \"error\": {\"code\": \"%s\", \"message\": ",
                  bench->cases, bert_status_name(error->code));
    json_put_string(out, error->message, strlen(error->message));
    output_text(out, "}}\n");
}

static bert_status check_length(const struct bench *bench, uint32_t length, bert_error *error)
{
    uint32_t positions = bert_model_max_positions(bench->runtime.model);

    if (length <= positions)
        return BERT_OK;
    error_set(error, BERT_ERANGE, "length %" PRIu32 " is over the model's %" PRIu32 " positions",
              length, positions);
    return BERT_ERANGE;
}

/* Before each case, since a peak is easily missed on a machine with other work. */
static void measure_peak(struct bench *bench)
{
    static const enum bench_type types[] = {
        [BERT_PRECISION_BF16] = BENCH_BF16, [BERT_PRECISION_INT8] = BENCH_INT8};
    double peak = bench_peak_rate(types[bert_model_precision(bench->runtime.model)],
                                  bert_session_threads(bench->runtime.session));

    bench->peak = peak > bench->peak ? peak : bench->peak;
}

static void run_case(struct bench *bench, uint32_t length, uint32_t batch)
{
    struct bench_case c = {.bench = bench, .length = length, .batch = batch};
    double seconds = bench->options->seconds > 0 ? bench->options->seconds : 1;
    double tokens = 0, flops = 0;
    bert_error error;
    bert_status status = check_length(bench, length, &error);

    if (status == BERT_OK) {
        measure_peak(bench);
        c.samples = get_memory(MAX_SAMPLES, sizeof *c.samples);
        if (bench->texts.n == 0) {
            make_ids(&c);
        } else {
            c.out_size = (size_t)batch * bert_model_embedding_size(bench->runtime.model);
            c.out = get_memory(c.out_size, sizeof *c.out);
        }
        status = take_samples(&c, seconds, &tokens, &flops, &error);
    }
    if (interrupt_signal() == 0) {
        if (status == BERT_OK) {
            qsort(c.samples, c.n_samples, sizeof *c.samples, by_value);
            put_case(bench, &c, tokens, flops);
        } else {
            fail_case(bench, &error);
        }
        output_flush(&bench->output);
        bench->cases++;
    }
    free(c.samples);
    free(c.ids);
    free(c.offsets);
    free(c.out);
}

/* ---- Preparing ------------------------------------------------------------------------ */

static int parse_lists(struct bench *bench)
{
    const struct options *o = bench->options;
    const char *lengths = o->lengths != NULL ? o->lengths : "16,128,512";
    const char *batches = o->batches != NULL ? o->batches : "1,32";

    if (o->n_texts > 0)
        return usage_error("bench", "no TEXT is taken: '%s'", o->texts[0]);
    if (!parse_numbers(lengths, 1, 1 << 20, bench->lengths, MAX_CASES, &bench->n_lengths))
        return usage_error("bench", "--lengths: '%s' is not a list of whole numbers from 1 to %d",
                           lengths, 1 << 20);
    if (!parse_numbers(batches, 1, 1 << 16, bench->batches, MAX_CASES, &bench->n_batches))
        return usage_error("bench", "--batches: '%s' is not a list of whole numbers from 1 to %d",
                           batches, 1 << 16);
    if (o->random != NULL && !bench_shape_parse(o->random, &bench->shape))
        return usage_error("bench",
                           "--random: '%s' is none of minilm6, base, large, or LAYERS,HIDDEN,HEADS,"
                           "INTERMEDIATE with HIDDEN a multiple of HEADS",
                           o->random);
    if (o->random != NULL && o->texts_file != NULL)
        return usage_error("bench", "--random has no tokenizer for --texts");
    if (o->lengths != NULL && o->texts_file != NULL)
        return usage_error("bench", "--lengths and --texts exclude each other");
    return 0;
}

static uint32_t longest_case(const struct bench *bench)
{
    int64_t longest = 0;

    for (size_t i = 0; i < bench->n_lengths; i++)
        longest = bench->lengths[i] > longest ? bench->lengths[i] : longest;
    return (uint32_t)longest;
}

static int load_random(struct bench *bench)
{
    uint32_t longest = longest_case(bench);
    bert_model_options o;
    bert_file files[2];
    bert_error error;
    bert_status status;
    int rc = runtime_model_options(bench->options, &o);

    if (rc != 0)
        return rc;
    o.flags = BERT_MODEL_NO_TOKENIZER;
    bench_model_make(&bench->shape, longest > 512 ? longest : 512, files);
    status = bert_model_load_memory(&bench->runtime.model, files, 2, &o, &error);
    free((void *)files[0].data);
    free((void *)files[1].data);
    return status == BERT_OK ? 0 : runtime_failed(&error);
}

static int load(struct bench *bench)
{
    int rc = 0;

    if (bench->options->texts_file != NULL)
        rc = lines_read(&bench->texts, bench->options->texts_file, false);
    if (rc == 0)
        rc = bench->options->random != NULL
                 ? load_random(bench)
                 : runtime_load_model(&bench->runtime, bench->options,
                                      BERT_MODEL_NO_HEAD
                                          | (bench->texts.n == 0 ? BERT_MODEL_NO_TOKENIZER : 0));
    if (rc == 0 && bench->texts.n > 0)
        rc = runtime_need_tokenizer(&bench->runtime);
    if (rc == 0)
        rc = runtime_make_session(&bench->runtime, bench->options,
                                  bert_model_max_positions(bench->runtime.model));
    return rc;
}

static void run_cases(struct bench *bench)
{
    if (!bench->options->json)
        put_header(bench);
    for (size_t i = 0; i < bench->n_lengths; i++) {
        for (size_t j = 0; j < bench->n_batches; j++) {
            if (interrupt_signal() == 0 && output_wanted(&bench->output))
                run_case(bench, (uint32_t)bench->lengths[i], (uint32_t)bench->batches[j]);
        }
    }
}

static void close_bench(struct bench *bench)
{
    runtime_close(&bench->runtime);
    lines_free(&bench->texts);
}

static int run(const struct options *options)
{
    struct bench bench = {.options = options};
    int rc = parse_lists(&bench);

    if (rc != 0)
        return rc;
    if (options->texts_file != NULL) {
        bench.n_lengths = 1; /* the texts have lengths of their own */
        bench.lengths[0] = 1;
    }
    rc = load(&bench);
    if (rc == 0 && !output_open(&bench.output, options->output))
        rc = EXIT_FAILED;
    if (rc == 0)
        run_cases(&bench);
    if (bench.output.buffer != NULL && !output_close(&bench.output, interrupt_signal() == 0))
        rc = rc != 0 ? rc : EXIT_FAILED;
    close_bench(&bench);
    if (rc == 0 && interrupt_signal() != 0)
        rc = 128 + interrupt_signal();
    return rc != 0 ? rc : bench.failed ? EXIT_FAILED : EXIT_ANSWERED;
}

static const struct option_row rows[] = {
    {0, "random", OPTION_STRING, FIELD(random), 0, 0, NULL, "SHAPE",
     "instead of a model: random weights of the shape minilm6, base, large,\n"
     "or LAYERS,HIDDEN,HEADS,INTERMEDIATE"},
    {0, "lengths", OPTION_STRING, FIELD(lengths), 0, 0, NULL, "N,N",
     "tokens of a sequence (default: 16,128,512)"},
    {0, "batches", OPTION_STRING, FIELD(batches), 0, 0, NULL, "N,N",
     "sequences of a batch (default: 1,32)"},
    {0, "seconds", OPTION_REAL, FIELD(seconds), 0, 0, NULL, "N", "time of one case (default: 1)"},
    {0, "texts", OPTION_STRING, FIELD(texts_file), 0, 0, NULL, "FILE",
     "time the way from FILE's lines to embeddings, tokenizer included;\n"
     "length is then the mean number of tokens"},
    {0, NULL, OPTION_FLAG, 0, 0, 0, NULL, NULL, NULL}};

static const struct option_row *const groups[] = {
    rows, options_model, options_input, options_output, options_records, options_general, NULL};

const struct command command_bench = {
    .name = "bench",
    .summary = "how fast a model runs here",
    .synopsis = "[options]",
    .about = "Time the encoder on random ids, each length with each batch size, and print for\n"
             "each case the median, least and 95th percentile of the milliseconds of a batch,\n"
             "tokens per second and useful GFLOP/s at the median, and this machine's peak of the\n"
             "precision with as many threads, measured by a loop of multiply-adds.  A batch over\n"
             "--max-tokens is run in parts.  With --json one object per case.",
    .examples = "  bert bench -m DIR\n"
                "  bert bench --random base --lengths 128 --batches 1,8 --seconds 3 --json\n"
                "  bert bench -m DIR --texts texts.txt --batches 32\n",
    .groups = groups,
    .run = run,
};
