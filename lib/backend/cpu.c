/* SPDX-License-Identifier: MIT */
/* cpu.c - the CPU backend's model half: the choice of kernels; weights: cpu_matrix.c. */
#include "lib/backend/cpu.h"

#include "lib/backend/level.h"
#include "lib/base/error.h"

enum {
    WAVE_BYTES = 8 << 20
}; /* the rows that one step reads and writes stay in an L2 or near it */

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
    (*out)->dtype = dtype;
    return BERT_OK;
}

static void device_close(struct bert__device *device)
{
    if (device != NULL) {
        bert__team_destroy(device->team);
        bert__alloc_free(device->alloc, device);
    }
}

static const char *device_name(const struct bert__device *device)
{
    return device->kernels->name;
}

static void device_layers(struct bert__device *device, uint32_t more)
{
    bert__store_expect(&device->store, more);
}

static bool has_dtype(const struct bert__device *device, enum bert__dtype dtype)
{
    return device->kernels->gemm[dtype].run != NULL;
}

static const struct bert__kernels *host_kernels(const struct bert__device *device)
{
    return device->kernels;
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
    .wave_bytes = WAVE_BYTES,
    .device_open = device_open,
    .device_close = device_close,
    .device_name = device_name,
    .has_dtype = has_dtype,
    .device_threads = bert__cpu_device_threads,
    .device_layers = device_layers,
    .matrix_create = bert__cpu_matrix_create,
    .matrix_adopt = bert__cpu_matrix_adopt,
    .matrix_panels = bert__cpu_matrix_panels,
    .panels_rows = bert__cpu_panels_rows,
    .matrix_free = bert__cpu_matrix_free,
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
    .watch = bert__cpu_watch,
    .parallel = bert__cpu_parallel,
    .host_kernels = host_kernels,
};
