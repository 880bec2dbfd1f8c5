/* SPDX-License-Identifier: MIT */
/* profile_save.c - a profile as JSON. */
#include <string.h>

#include "lib/base/error.h"
#include "lib/base/json_text.h"
#include "lib/base/out_file.h"
#include "lib/serve/drift.h"

static void add_count(struct bert__json_text *t, const char *key, uint64_t value)
{
    bert__json_add(t, ", \"%s\": %llu", key, (unsigned long long)value);
}

static void add_real(struct bert__json_text *t, const char *key, float value)
{
    bert__json_add(t, ", \"%s\": ", key);
    bert__json_add_number(t, (double)value);
}

static void add_floats(struct bert__json_text *t, const float *x, size_t n)
{
    bert__json_add(t, "[");
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            bert__json_add(t, ", ");
        bert__json_add_number(t, (double)x[i]);
    }
    bert__json_add(t, "]");
}

static void add_rows(struct bert__json_text *t, const float *x, size_t rows, size_t n)
{
    bert__json_add(t, "[");
    for (size_t i = 0; i < rows; i++) {
        bert__json_add(t, i > 0 ? ",\n" : "\n");
        add_floats(t, x + i * n, n);
    }
    bert__json_add(t, "]");
}

static void add_head(struct bert__json_text *t, const bert_profile *p)
{
    bert__json_add(t, "{\"format\": \"%s\", \"version\": %d, \"created_by\": \"%s\", \"model\": ",
                   BERT__PROFILE_FORMAT, BERT__PROFILE_VERSION, bert_version());
    bert__json_add_string(t, p->model);
    add_count(t, "dimensions", p->dimensions);
    add_count(t, "labels", p->labels);
    add_count(t, "window", p->window);
    add_count(t, "replicates", p->replicates);
    add_count(t, "observations", p->observed);
    add_count(t, "embeddings", p->embedded);
    add_count(t, "nonfinite", p->nonfinite);
    add_count(t, "base", p->n_base);
    add_count(t, "base_embeddings", p->n_base_embedded);
}

static void add_histogram(struct bert__json_text *t, const bert_profile *p, uint32_t i)
{
    const struct bert__bins *h = &p->histograms[i];

    bert__json_add(t, "{\"name\": ");
    bert__json_add_string(t, i < BERT__FIELDS ? bert__field_name(i) : "axis");
    if (i < BERT__FIELDS)
        add_real(t, "mean", p->means[i]);
    bert__json_add(t, ", \"edges\": ");
    add_floats(t, h->edges, h->n_edges);
    bert__json_add(t, ", \"counts\": [");
    for (uint32_t k = 0; k < h->n_bins; k++)
        bert__json_add(t, "%s%lu", k > 0 ? ", " : "", (unsigned long)p->counts[h->first + k]);
    bert__json_add(t, "]}");
}

static void add_histograms(struct bert__json_text *t, const bert_profile *p)
{
    bool first = true;

    bert__json_add(t, ",\n\"histograms\": [");
    for (uint32_t i = 0; i < BERT__BINNED; i++) {
        if (p->histograms[i].n_bins == 0)
            continue;
        bert__json_add(t, first ? "\n" : ",\n");
        add_histogram(t, p, i);
        first = false;
    }
    bert__json_add(t, "]");
}

static void add_thresholds(struct bert__json_text *t, const bert_profile *p)
{
    bool first = true;

    bert__json_add(t, ",\n\"thresholds\": [");
    for (uint32_t i = 0; i < BERT_DRIFT_STATISTICS; i++) {
        if ((p->known & 1u << i) == 0)
            continue;
        bert__json_add(t, "%s{\"statistic\": \"%s\"", first ? "\n" : ",\n",
                       bert__statistic_name(i));
        add_real(t, "median", p->middle[i]);
        add_real(t, "spread", p->spread[i]);
        bert__json_add(t, "}");
        first = false;
    }
    bert__json_add(t, "],\n\"largest_z\": ");
    add_floats(t, p->tail, p->n_tail);
}

static void add_vectors(struct bert__json_text *t, const bert_profile *p)
{
    bert__json_add(t, ",\n\"mean\": ");
    add_floats(t, p->vector_mean, p->dimensions);
    bert__json_add(t, ",\n\"variance\": ");
    add_floats(t, p->vector_variance, p->dimensions);
    bert__json_add(t, ",\n\"axes\": ");
    add_rows(t, p->axes, p->directions, p->dimensions);
    if (p->n_kernel == 0)
        return;
    bert__json_add(t, ",\n\"kernel\": {\"rows\": ");
    add_rows(t, p->kernel_rows, p->n_kernel, p->dimensions);
    add_real(t, "gamma", p->gamma);
    add_real(t, "self", p->self);
    bert__json_add(t, "}");
}

static bert_status write_text(const struct bert__json_text *t, const char *path, bert_error *err)
{
    struct bert__out_file *file;
    bert_status st = bert__out_file_create(&file, t->alloc, path, err);

    if (st != BERT_OK)
        return st;
    st = bert__out_file_write(file, 0, t->data, t->size, err);
    if (st == BERT_OK)
        return bert__out_file_commit(file, err);
    bert__out_file_discard(file);
    return st;
}

bert_status bert__profile_save(const bert_profile *p, const char *path, bert_error *err)
{
    struct bert__json_text text = {.alloc = p->alloc};
    bert_status st;

    add_head(&text, p);
    add_histograms(&text, p);
    add_thresholds(&text, p);
    if (p->dimensions > 0)
        add_vectors(&text, p);
    bert__json_add(&text, "}\n");
    st = text.failed ? bert__alloc_fail(p->alloc, "the profile's file", err)
                     : write_text(&text, path, err);
    bert__alloc_free(p->alloc, text.data);
    return st;
}
