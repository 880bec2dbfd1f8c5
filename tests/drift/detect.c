/* SPDX-License-Identifier: MIT */
/*
 * detect.c - false alarms and detections of bert/drift.h with a real model and real texts; run by
 * tests/drift/run.sh.
 *
 *   detect MODEL BANKING.tsv OTHER.txt...
 *
 * For each of SPLITS splits half of Banking77's intents are the known ones, and half of their texts
 * make the profile.  The others of their texts, shuffled again and again, must not be drift on more
 * than 1 % of WINDOWS windows.  Then, each after a stream of those: texts of the other intents, and
 * of each OTHER file, all of the stream, 30 % and 10 % of it.  Exit 1: too many false alarms,
 * or a stream of other texts, or with 30 % of another language, that was not seen.
 */
#include <bert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SPLITS = 10, WINDOWS = 1000, INTENTS = 77, KNOWN = 38, SETS = 16, LONGEST = 20 };

static const uint32_t sizes[] = {50, 100, 200, 400};
static const uint32_t shares[] = {100, 30, 10};
enum { N_SIZES = sizeof sizes / sizeof *sizes, N_SHARES = sizeof shares / sizeof *shares };

/* A file of texts, embedded. */
struct set {
    char name[64];
    size_t n;
    uint32_t *intents; /* of each; NULL: no Banking77 */
    float *vectors;
    uint32_t *tokens, *unknown;
};

static size_t dim;
static struct set sets[SETS];
static int n_sets;

static _Noreturn void fail(const char *what, const bert_error *err)
{
    fprintf(stderr, "detect: %s: %s\n", what, err != NULL ? err->message : "failed");
    exit(1);
}

static void *get(size_t n, size_t size)
{
    void *memory = calloc(n > 0 ? n : 1, size);

    if (memory == NULL)
        fail("memory", NULL);
    return memory;
}

/* ---- Texts ------------------------------------------------------------------------------------
 */

static char *read_all(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    char *data;
    long n;

    if (f == NULL || fseek(f, 0, SEEK_END) != 0 || (n = ftell(f)) < 0)
        fail(path, NULL);
    rewind(f);
    data = get((size_t)n + 1, 1);
    if (fread(data, 1, (size_t)n, f) != (size_t)n)
        fail(path, NULL);
    fclose(f);
    *size = (size_t)n;
    return data;
}

static bert_text *lines_of(char *data, size_t size, size_t *n)
{
    bert_text *lines = get(size + 1, sizeof *lines);
    char *at = data, *end;

    for (*n = 0; at < data + size; at = end + 1) {
        end = memchr(at, '\n', (size_t)(data + size - at));
        if (end == NULL)
            end = data + size;
        lines[(*n)++] = (bert_text){at, (size_t)(end - at)};
    }
    return lines;
}

/* "intent<TAB>text" to the text. */
static void take_intents(struct set *set, bert_text *lines)
{
    set->intents = get(set->n, sizeof *set->intents);
    for (size_t i = 0; i < set->n; i++) {
        const char *tab = memchr(lines[i].data, '\t', lines[i].size);

        if (tab == NULL
            || (set->intents[i] = (uint32_t)strtoul(lines[i].data, NULL, 10)) >= INTENTS)
            fail("a line without an intent", NULL);
        lines[i].size -= (size_t)(tab + 1 - lines[i].data);
        lines[i].data = tab + 1;
    }
}

static void count_tokens(struct set *set, const bert_tokenizer *tokenizer, uint32_t max_length,
                         const bert_text *lines)
{
    int32_t unknown = bert_tokenizer_id(tokenizer, (bert_text){"[UNK]", 5});
    bert_tokenize_options o = BERT_TOKENIZE_OPTIONS_INIT;
    bert_encoding *encoding;
    bert_error err;

    o.max_length = max_length;
    for (size_t i = 0; i < set->n; i++) {
        if (bert_tokenize(tokenizer, lines[i], NULL, &o, &encoding, &err) != BERT_OK)
            fail(set->name, &err);
        set->tokens[i] = (uint32_t)bert_encoding_size(encoding);
        for (size_t k = 0; k < set->tokens[i]; k++)
            set->unknown[i] += bert_encoding_ids(encoding)[k] == unknown;
        bert_encoding_free(encoding);
    }
}

static void load_set(struct set *set, bert_session *session, const char *path, int intents)
{
    bert_model *model = bert_session_model(session);
    const char *name = strrchr(path, '/');
    const bert_tokenizer *tokenizer;
    bert_error err;
    size_t size;
    char *data = read_all(path, &size);
    bert_text *lines = lines_of(data, size, &set->n);

    snprintf(set->name, sizeof set->name, "%.60s", name != NULL ? name + 1 : path);
    set->name[strcspn(set->name, ".")] = '\0';
    if (intents)
        take_intents(set, lines);
    set->vectors = get(set->n * dim, sizeof(float));
    set->tokens = get(set->n, sizeof(uint32_t));
    set->unknown = get(set->n, sizeof(uint32_t));
    if (bert_embed(session, lines, set->n, NULL, set->vectors, set->n * dim, NULL, &err) != BERT_OK
        || bert_model_tokenizer(model, &tokenizer, &err) != BERT_OK)
        fail(path, &err);
    count_tokens(set, tokenizer, bert_model_max_length(model), lines);
    free(lines);
    free(data);
}

/* ---- Streams ------------------------------------------------------------------------------------
 */

/* Some texts of a set, in a random order that begins anew at the end. */
struct stream {
    const struct set *set;
    size_t *order, n, at;
};

static uint64_t chance;

static size_t below(size_t n)
{
    chance = chance * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (size_t)(chance >> 33) % n;
}

static void shuffle(size_t *x, size_t n)
{
    for (size_t i = n; i > 1; i--) {
        size_t other = below(i), kept = x[i - 1];

        x[i - 1] = x[other];
        x[other] = kept;
    }
}

static bert_observation next(struct stream *s)
{
    bert_observation o = BERT_OBSERVATION_INIT;
    size_t i;

    if (s->at == s->n) {
        shuffle(s->order, s->n);
        s->at = 0;
    }
    i = s->order[s->at++];
    o.embedding = s->set->vectors + i * dim;
    o.has = BERT_OBSERVED_TOKENS | BERT_OBSERVED_UNKNOWN;
    o.tokens = s->set->tokens[i];
    o.unknown = s->set->unknown[i];
    return o;
}

static void make_stream(struct stream *s, const struct set *set, const int *wanted, int value)
{
    *s = (struct stream){.set = set, .order = get(set->n, sizeof *s->order)};
    for (size_t i = 0; i < set->n; i++)
        if (wanted == NULL || wanted[set->intents[i]] == value)
            s->order[s->n++] = i;
    shuffle(s->order, s->n);
}

/* ---- One profile
 * --------------------------------------------------------------------------------- */

struct found {
    uint64_t windows, fired, worst; /* of the same; worst of a split */
    uint32_t by[BERT_DRIFT_STATISTICS];
    uint32_t tried[SETS][N_SHARES], seen[SETS][N_SHARES], delay[SETS][N_SHARES];
    uint32_t longest[SETS][N_SHARES];
    uint64_t reason[SETS]; /* statistics that fired, where all is other */
};

static void add(bert_drift *drift, const bert_observation *o)
{
    bert_error err;

    if (bert_drift_add(drift, o, &err) != BERT_OK)
        fail("add", &err);
}

static bert_drift_values look(bert_drift *drift)
{
    bert_drift_values v = BERT_DRIFT_VALUES_INIT;
    bert_error err;

    if (bert_drift_get(drift, &v, &err) != BERT_OK)
        fail("get", &err);
    return v;
}

static void false_alarms(bert_drift *drift, struct stream *same, struct found *found)
{
    bert_drift_values v;
    uint64_t before = 0;

    do {
        bert_observation o = next(same);

        add(drift, &o);
        v = look(drift);
        for (int i = 0; v.windows > before && i < BERT_DRIFT_STATISTICS; i++)
            found->by[i] += v.fired >> i & 1;
        before = v.windows;
    } while (v.windows < WINDOWS);
    found->windows += v.windows;
    found->fired += v.windows_fired;
    if (v.windows_fired > found->worst)
        found->worst = v.windows_fired;
}

/* Windows until it fires, the first that ends in the new stream is 1; 0: not in LONGEST. */
static uint32_t delay_of(bert_drift *drift, struct stream *same, struct stream *other,
                         uint32_t share, uint64_t *reason)
{
    bert_drift_values v;
    uint64_t before;

    bert_drift_reset(drift);
    before = look(drift).windows;
    do { /* of the same until a window is silent */
        bert_observation o = next(same);

        add(drift, &o);
        v = look(drift);
    } while (v.windows == before || v.fired != 0);
    before = v.windows;
    do {
        bert_observation o = next(below(100) < share ? other : same);

        add(drift, &o);
        v = look(drift);
    } while (v.fired == 0 && v.windows < before + LONGEST);
    *reason |= v.fired;
    return v.fired != 0 ? (uint32_t)(v.windows - before) : 0;
}

static void detections(bert_drift *drift, struct stream *same, struct stream *others,
                       struct found *found)
{
    for (int i = 0; i < n_sets; i++)
        for (int k = 0; k < N_SHARES; k++) {
            uint64_t reason = 0;
            uint32_t delay = delay_of(drift, same, &others[i], shares[k], &reason);

            found->tried[i][k]++;
            found->seen[i][k] += delay > 0;
            found->delay[i][k] += delay;
            if (delay > found->longest[i][k])
                found->longest[i][k] = delay;
            found->reason[i] |= k == 0 ? reason : 0;
        }
}

static bert_profile *profile_of(struct stream *s, size_t n, uint32_t window)
{
    bert_profile_options o = BERT_PROFILE_OPTIONS_INIT;
    bert_profile *profile;
    bert_error err;

    o.dimensions = (uint32_t)dim;
    o.window = window;
    if (bert_profile_create(&profile, &o, &err) != BERT_OK)
        fail("profile", &err);
    for (size_t i = 0; i < n; i++) {
        bert_observation seen = next(s);

        if (bert_profile_add(profile, &seen, &err) != BERT_OK)
            fail("profile", &err);
    }
    if (bert_profile_finish(profile, &err) != BERT_OK)
        fail("profile", &err);
    return profile;
}

/* Known and other intents; half of the known ones' texts are the profile's. */
static void run_split(int split, struct found *found)
{
    int known[INTENTS] = {0};
    size_t intents[INTENTS], half;
    struct stream all, same, others[SETS];

    chance = 1000 + (uint64_t)split;
    for (size_t i = 0; i < INTENTS; i++)
        intents[i] = i;
    shuffle(intents, INTENTS);
    for (int i = 0; i < KNOWN; i++)
        known[intents[i]] = 1;
    make_stream(&all, &sets[0], known, 1);
    half = all.n / 2;
    make_stream(&others[0], &sets[0], known, 0);
    for (int i = 1; i < n_sets; i++)
        make_stream(&others[i], &sets[i], NULL, 0);
    for (int k = 0; k < N_SIZES; k++) {
        bert_profile *profile;
        bert_drift *drift;
        bert_error err;

        all.at = 0; /* its order stays: the halves don't mix */
        profile = profile_of(&all, half, sizes[k]);
        same = (struct stream){.set = &sets[0], .order = all.order + half, .n = all.n - half};
        if (bert_drift_create(&drift, profile, NULL, &err) != BERT_OK)
            fail("detector", &err);
        bert_profile_unref(profile);
        false_alarms(drift, &same, &found[k]);
        detections(drift, &same, others, &found[k]);
        bert_drift_destroy(drift);
    }
    for (int i = 0; i < n_sets; i++)
        free(others[i].order);
    free(all.order);
}

/* ---- Report
 * ---------------------------------------------------------------------------------------- */

static void print_reason(uint64_t reason)
{
    for (uint32_t i = 0; i < BERT_DRIFT_STATISTICS; i++)
        if ((reason >> i & 1) != 0)
            printf(" %s", bert_drift_name(i));
}

static int report(uint32_t window, const struct found *f)
{
    int bad = f->fired * 100 > f->windows;

    printf(
        "\nwindow %u, step %u\n  same: %llu of %llu windows fired, %.2f %%; worst split %.2f %%;",
        window, window / 4, (unsigned long long)f->fired, (unsigned long long)f->windows,
        100.0 * (double)f->fired / (double)f->windows, 100.0 * (double)f->worst / WINDOWS);
    for (uint32_t i = 0; i < BERT_DRIFT_STATISTICS; i++)
        if (f->by[i] > 0)
            printf(" %s %u", bert_drift_name(i), f->by[i]);
    printf("\n");
    for (int i = 0; i < n_sets; i++) {
        printf("  %-16s", i == 0 ? "other intents" : sets[i].name);
        for (int k = 0; k < N_SHARES; k++) {
            printf("  %3u %%: %2u of %u", shares[k], f->seen[i][k], f->tried[i][k]);
            if (f->seen[i][k] > 0)
                printf(", delay %.1f (at most %u)", (double)f->delay[i][k] / f->seen[i][k],
                       f->longest[i][k]);
            /* some other intents of the same bank may be missed */
            bad |= k < (i == 0 ? 1 : 2) && window >= 200 && f->seen[i][k] < f->tried[i][k];
        }
        printf("\n  %16s", "");
        print_reason(f->reason[i]);
        printf("\n");
    }
    return bad;
}

int main(int argc, char **argv)
{
    static struct found found[N_SIZES];
    bert_session *session;
    bert_model *model;
    bert_error err;
    int bad = 0;

    if (argc < 3 || argc - 2 > SETS)
        fail("usage: detect MODEL BANKING.tsv OTHER.txt...", NULL);
    if (bert_model_load(&model, argv[1], NULL, &err) != BERT_OK
        || bert_session_create(&session, model, NULL, &err) != BERT_OK)
        fail(argv[1], &err);
    dim = bert_model_embedding_size(model);
    for (int i = 2; i < argc; i++) {
        load_set(&sets[n_sets], session, argv[i], n_sets == 0);
        printf("%s: %zu texts\n", sets[n_sets].name, sets[n_sets].n);
        n_sets++;
    }
    fflush(stdout);
    bert_session_destroy(session);
    bert_model_unref(model);
    for (int i = 0; i < SPLITS; i++)
        run_split(i, found);
    for (int k = 0; k < N_SIZES; k++)
        bad |= report(sizes[k], &found[k]);
    return bad;
}
