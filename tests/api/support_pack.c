/* SPDX-License-Identifier: MIT */
/* support_pack.c - packed models, made and compared. */
#include "support_pack.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TOKENS = 12 };

static char *pack_folder; /* for what is written */

/* ---- Tools --------------------------------------------------------------------------- */

const char *pack_path(const char *name)
{
    static char path[16][256];
    static int turn;
    char *out = path[turn++ % 16];

    snprintf(out, sizeof path[0], "%s/%s", pack_folder, name);
    return out;
}

void pack_write(const char *path, const void *data, size_t size)
{
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
}

/* The files as a directory, folders and all. */
const char *pack_directory(const struct test_files *files, const char *name)
{
    const char *root = pack_path(name);

    mkdir(root, 0777);
    for (size_t i = 0; i < files->n; i++) {
        char path[512];

        snprintf(path, sizeof path, "%s/%s", root, files->list[i].name);
        for (char *slash = path + strlen(root) + 1; (slash = strchr(slash, '/')) != NULL; slash++) {
            *slash = '\0';
            mkdir(path, 0777);
            *slash = '/';
        }
        pack_write(path, files->list[i].data, files->list[i].size);
    }
    return root;
}

size_t pack_entries(const char *path)
{
    DIR *d = opendir(path);
    size_t n = 0;

    assert_non_null(d);
    while (readdir(d) != NULL)
        n++;
    closedir(d);
    return n;
}

/* zlib's, bit by bit. */
static uint32_t crc_of(uint32_t crc, const unsigned char *data, size_t n)
{
    for (crc = ~crc; n > 0; n--, data++) {
        crc ^= *data;
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320u : 0);
    }
    return ~crc;
}

uint64_t pack_number(const unsigned char *at, int n)
{
    uint64_t value = 0;

    while (n-- > 0)
        value = value << 8 | at[n];
    return value;
}

/* The sum that header and index should have: what a liar would write. */
void pack_sign(unsigned char *file)
{
    size_t index = (size_t)pack_number(file + PACK_INDEX, 8),
           size = (size_t)pack_number(file + 32, 8);
    uint32_t crc = crc_of(0, file, PACK_CRC);

    crc = crc_of(crc, file + PACK_CRC + 4, PACK_HEADER - PACK_CRC - 4);
    crc = crc_of(crc, file + index, size);
    for (int i = 0; i < 4; i++)
        file[PACK_CRC + i] = (unsigned char)(crc >> (8 * i));
}

bert_status pack_load_bytes(bert_model **model, const void *data, size_t size, uint32_t flags,
                            bert_error *err)
{
    bert_file file = {"model.bert", data, size};
    bert_model_options o = BERT_MODEL_OPTIONS_INIT;

    o.flags = flags;
    return bert_model_load_memory(model, &file, 1, &o, err);
}

bert_model *pack_load(const char *path, uint32_t flags, const char *cpu, uint32_t precision)
{
    bert_model_options o = BERT_MODEL_OPTIONS_INIT;
    bert_model *model;
    bert_error err;

    o.flags = flags;
    o.cpu = cpu;
    o.precision = precision;
    test_ok(bert_model_load(&model, path, &o, &err), &err);
    return model;
}

void pack_make(const char *from, const char *to, const char *cpu, uint32_t precision)
{
    bert_model_options o = BERT_MODEL_OPTIONS_INIT;
    bert_error err;

    o.cpu = cpu;
    o.precision = precision;
    test_ok(bert_model_pack(from, to, &o, &err), &err);
}

/* ---- The same answers ------------------------------------------------------------------ */

void pack_same_text(const char *what, const char *a, const char *b)
{
    if (a == NULL || b == NULL)
        assert_true(a == b);
    else if (strcmp(a, b) != 0)
        fail_msg("%s: \"%s\", not \"%s\"", what, b, a);
}

static void same_facts(const bert_model *a, const bert_model *b)
{
    pack_same_text("architecture", bert_model_architecture(a), bert_model_architecture(b));
    pack_same_text("task", bert_model_task(a), bert_model_task(b));
    pack_same_text("pooling", bert_model_pooling(a), bert_model_pooling(b));
    pack_same_text("similarity", bert_model_similarity(a), bert_model_similarity(b));
    pack_same_text("cpu", bert_model_cpu(a), bert_model_cpu(b));
    pack_same_text("prompt", bert_model_default_prompt(a), bert_model_default_prompt(b));
    assert_int_equal(bert_model_prompt_count(a), bert_model_prompt_count(b));
    assert_int_equal(bert_model_parameters(a), bert_model_parameters(b));
    assert_int_equal(bert_model_max_length(a), bert_model_max_length(b));
    assert_int_equal(bert_model_embedding_size(a), bert_model_embedding_size(b));
    assert_int_equal(bert_model_embeddings(a), bert_model_embeddings(b));
    assert_int_equal(bert_model_outputs(a), bert_model_outputs(b));
    assert_int_equal(bert_model_label_count(a), bert_model_label_count(b));
    for (uint32_t i = 0; i < bert_model_label_count(a); i++)
        pack_same_text("label", bert_model_label(a, i), bert_model_label(b, i));
    assert_int_equal(bert_model_note_count(a), bert_model_note_count(b));
    assert_int_equal(bert_model_precision(a), bert_model_precision(b));
}

static void same_output(bert_output which, const bert_outputs *a, const bert_outputs *b)
{
    for (uint32_t s = 0; s < 2; s++) {
        uint32_t shape[4] = {0}, other[4] = {0}, rank = 0, other_rank = 0;
        const float *x = bert_outputs_get(a, which, s, shape, &rank);
        const float *y = bert_outputs_get(b, which, s, other, &other_rank);
        size_t n = 1;

        assert_int_equal(rank, other_rank);
        assert_true((x == NULL) == (y == NULL));
        for (uint32_t i = 0; i < rank; i++) {
            assert_int_equal(shape[i], other[i]);
            n *= shape[i];
        }
        if (x != NULL)
            test_same("an output", y, x, n);
    }
}

/* Everything that the model can say of two sequences. */
static void same_forward(bert_session *a, bert_session *b)
{
    static const uint32_t offsets[] = {0, TOKENS - 4, TOKENS};
    const bert_model *model = bert_session_model(a);
    uint32_t all = bert_model_outputs(model), vocab = bert_model_vocab_size(model);
    bert_outputs *x = NULL, *y = NULL;
    int32_t ids[TOKENS];
    bert_error err_a, err_b;
    bert_status st;

    for (int32_t i = 0; i < TOKENS; i++)
        ids[i] = (5 + 3 * i) % (int32_t)vocab;
    st = bert_forward(a, all, ids, NULL, offsets, 2, &x, &err_a);
    assert_int_equal(bert_forward(b, all, ids, NULL, offsets, 2, &y, &err_b), st);
    if (st != BERT_OK) { /* such as a length that landmarks don't cover */
        pack_same_text("message", err_a.message, err_b.message);
        return;
    }
    for (uint32_t bit = 1; bit != 0; bit <<= 1)
        if ((all & bit) != 0)
            same_output((bert_output)bit, x, y);
    bert_outputs_free(x);
    bert_outputs_free(y);
}

static void same_embeddings(bert_session *a, bert_session *b)
{
    static const bert_text texts[] = {{"a cat on a mat", 14}, {"", 0}, {"prices \xff rose", 13}};
    bert_embed_all_options o = BERT_EMBED_ALL_OPTIONS_INIT;
    bert_embeddings *x, *y;
    bert_error err;

    o.outputs = bert_model_embeddings(bert_session_model(a));
    test_ok(bert_embed_all(a, texts, 3, &o, &x, &err), &err);
    test_ok(bert_embed_all(b, texts, 3, &o, &y, &err), &err);
    for (size_t i = 0; i < 3; i++) {
        const bert_term *terms, *others;
        size_t n, size, m, other;
        const float *p = bert_embeddings_dense(x, i, &n), *q = bert_embeddings_dense(y, i, &m);

        assert_int_equal(n, m);
        if (p != NULL)
            test_same("a vector", q, p, n);
        p = bert_embeddings_vectors(x, i, &n, &size);
        q = bert_embeddings_vectors(y, i, &m, &other);
        assert_int_equal(n, m);
        if (p != NULL)
            test_same("vectors of tokens", q, p, n * size);
        terms = bert_embeddings_terms(x, i, &n);
        others = bert_embeddings_terms(y, i, &m);
        assert_int_equal(n, m);
        for (size_t t = 0; terms != NULL && t < n; t++) {
            assert_int_equal(terms[t].id, others[t].id);
            test_same("a term", &others[t].weight, &terms[t].weight, 1);
        }
    }
    bert_embeddings_free(x);
    bert_embeddings_free(y);
}

void pack_same(bert_model *a, bert_model *b)
{
    bert_session *x = test_session(a, 2), *y = test_session(b, 1);
    const bert_tokenizer *tokenizer;
    bert_error err;

    same_facts(a, b);
    same_forward(x, y);
    assert_int_equal(bert_model_tokenizer(a, &tokenizer, &err),
                     bert_model_tokenizer(b, &tokenizer, &err));
    if (tokenizer != NULL)
        same_embeddings(x, y);
    bert_session_destroy(x);
    bert_session_destroy(y);
}

/* ---- One small file, in memory ----------------------------------------------------------- */

void pack_small_open(struct pack_small *s, const char *cpu)
{
    memset(s, 0, sizeof *s);
    test_files_add(&s->files, test_path("tests/data/models/embed/base"));
    test_files_add(&s->files, test_path("tests/data/models/embed/dense_tanh"));
    pack_make(pack_directory(&s->files, "small"), pack_path("small.bert"), cpu,
              BERT_PRECISION_DEFAULT);
    s->data = test_read_file(pack_path("small.bert"), &s->size);
    s->index = (size_t)pack_number(s->data + PACK_INDEX, 8);
}

void pack_small_close(struct pack_small *s)
{
    test_files_free(&s->files);
    free(s->data);
}

/* ---- Packed for something else -------------------------------------------------------------- */

void pack_replace(struct pack_small *s, const char *from, const char *to)
{
    size_t n = strlen(from);

    assert_int_equal(n, strlen(to));
    for (size_t at = s->index; at + n <= s->size; at++)
        if (memcmp(s->data + at, from, n) == 0) {
            memcpy(s->data + at, to, n);
            pack_sign(s->data);
            return;
        }
    fail_msg("there is no %s in the index", from);
}

/* ---- The folder ------------------------------------------------------------------------------ */

int pack_set_up(void **state)
{
    (void)state;
    pack_folder = test_folder();
    return 0;
}

int pack_tear_down(void **state)
{
    (void)state;
    test_folder_remove(pack_folder);
    return 0;
}
