/* SPDX-License-Identifier: MIT */
/* cpu.c - the CPU backend's model half: the choice of kernels, packed weights. */
#include "lib/backend/cpu.h"

#include "lib/backend/level.h"
#include "lib/base/error.h"
#include "lib/base/size.h"

static bert_status device_open(struct bert__device **out, struct bert__alloc *alloc,
                               const char *cpu, enum bert__dtype dtype, bert_error *err)
{
    const struct bert__kernels *kernels;
    bert_status st = bert__level_choose(&kernels, cpu, dtype, err);

    *out = NULL;
    if (st != BERT_OK)
        return st;
    *out = bert__alloc_array(alloc, 1, sizeof **out);
    if (*out == NULL)
        return bert__alloc_fail(alloc, "the CPU device", err);
    (*out)->alloc = alloc;
    (*out)->kernels = kernels;
    return BERT_OK;
}

static void device_close(struct bert__device *device)
{
    if (device != NULL)
        bert__alloc_free(device->alloc, device);
}

static const char *device_name(const struct bert__device *device)
{
    return device->kernels->name;
}

static bool has_dtype(const struct bert__device *device, enum bert__dtype dtype)
{
    return device->kernels->gemm[dtype].run != NULL;
}

static const struct bert__kernels *host_kernels(const struct bert__device *device)
{
    return device->kernels;
}

static void matrix_free(struct bert__device *device, struct bert__matrix *matrix)
{
    if (matrix != NULL) {
        bert__alloc_free(device->alloc, matrix->panels);
        bert__alloc_free(device->alloc, matrix);
    }
}

static bert_status matrix_alloc(struct bert__device *device, struct bert__matrix **out,
                                enum bert__dtype dtype, uint32_t n_out, uint32_t k, bert_error *err)
{
    const struct bert__gemm *gemm = &device->kernels->gemm[dtype];
    struct bert__matrix *m;
    size_t bytes;

    if (gemm->panel_bytes(k) == 0)
        return bert__fail(err, BERT_EUNSUPPORTED,
                          "a layer of %lu inputs is too wide for this precision", (unsigned long)k);
    m = bert__alloc_array(device->alloc, 1, sizeof *m);
    if (m == NULL)
        return bert__alloc_fail(device->alloc, "a packed weight", err);
    if (gemm->prepare != NULL && gemm->row_elements(k) * gemm->a_size > device->row_bytes)
        device->row_bytes = gemm->row_elements(k) * gemm->a_size;
    m->gemm = gemm;
    m->n_out = n_out;
    m->k = k;
    m->n_panels = (n_out - 1) / gemm->nr + 1;
    m->panel_bytes = gemm->panel_bytes(k);
    if (bert__size_mul(m->panel_bytes, m->n_panels, &bytes))
        m->panels = bert__alloc(device->alloc, bytes);
    if (m->panels == NULL) {
        matrix_free(device, m);
        return bert__alloc_fail(device->alloc, "a packed weight", err);
    }
    *out = m;
    return BERT_OK;
}

/* Read and pack panel by panel: the weight exists once, and one panel's rows beside it. */
static bert_status pack(const struct bert__matrix *m, float *rows_buffer, bert__rows_fn rows,
                        void *context, bert_error *err)
{
    for (uint32_t p = 0; p < m->n_panels; p++) {
        uint32_t first = p * m->gemm->nr;
        uint32_t n = m->n_out - first < m->gemm->nr ? m->n_out - first : m->gemm->nr;
        bert_status st = rows(context, first, n, rows_buffer, err);

        if (st != BERT_OK)
            return st;
        m->gemm->pack(m->panels + p * m->panel_bytes, rows_buffer, m->k, n, m->k);
    }
    return BERT_OK;
}

static bert_status matrix_create(struct bert__device *device, struct bert__matrix **out,
                                 enum bert__dtype dtype, uint32_t n_out, uint32_t k,
                                 bert__rows_fn rows, void *context, bert_error *err)
{
    struct bert__matrix *m = NULL;
    float *rows_buffer;
    size_t bytes;
    bert_status st;

    *out = NULL;
    st = matrix_alloc(device, &m, dtype, n_out, k, err);
    if (st != BERT_OK)
        return st;
    if (!bert__size_mul(m->gemm->nr, k, &bytes) || !bert__size_mul(bytes, sizeof(float), &bytes)
        || (rows_buffer = bert__alloc(device->alloc, bytes)) == NULL) {
        matrix_free(device, m);
        return bert__alloc_fail(device->alloc, "packing a weight", err);
    }
    st = pack(m, rows_buffer, rows, context, err);
    bert__alloc_free(device->alloc, rows_buffer);
    if (st != BERT_OK) {
        matrix_free(device, m);
        return st;
    }
    *out = m;
    return BERT_OK;
}

static bert_status table_create(struct bert__device *device, const float **out, const float *host,
                                size_t n, bert_error *err)
{
    (void)device;
    (void)n;
    (void)err;
    *out = host;
    return BERT_OK;
}

static void table_free(struct bert__device *device, const float *table)
{
    (void)device;
    (void)table;
}

const struct bert__backend bert__backend_cpu = {
    .abi = BERT__BACKEND_ABI,
    .name = "cpu",
    .device_open = device_open,
    .device_close = device_close,
    .device_name = device_name,
    .has_dtype = has_dtype,
    .matrix_create = matrix_create,
    .matrix_free = matrix_free,
    .table_create = table_create,
    .table_free = table_free,
    .stream_bytes = bert__cpu_stream_bytes,
    .stream_create = bert__cpu_stream_create,
    .stream_destroy = bert__cpu_stream_destroy,
    .buffer_create = bert__cpu_buffer_create,
    .buffer_free = bert__cpu_buffer_free,
    .begin = bert__cpu_begin,
    .embed = bert__cpu_embed,
    .norm = bert__cpu_norm,
    .gate = bert__cpu_gate,
    .rotate = bert__cpu_rotate,
    .multiply = bert__cpu_multiply,
    .mix = bert__cpu_mix,
    .convolve = bert__cpu_convolve,
    .unfold = bert__cpu_unfold,
    .linear = bert__cpu_linear,
    .attention = bert__cpu_attention,
    .gather = bert__cpu_gather,
    .upload = bert__cpu_upload,
    .host_view = bert__cpu_host_view,
    .end = bert__cpu_end,
    .parallel = bert__cpu_parallel,
    .host_kernels = host_kernels,
};
