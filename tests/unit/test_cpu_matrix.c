/* SPDX-License-Identifier: MIT */
/*
 * test_cpu_matrix.c - weights packed by several threads: the same bytes, the first error; and
 * panels that go through a file.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/backend/backend.h"
#include "lib/base/error.h"
#include "tests/unit/support_sys.h"

enum { ROWS = 3001, DEPTH = 129 }; /* large enough for threads; no multiple of anything */

static const struct bert__backend *const cpu = &bert__backend_cpu;

static float weight(uint32_t row, uint32_t k)
{
    return (float)((row * 31 + k * 7) % 1000) / 8 - 60;
}

/* Fails at every row from *context on. */
static bert_status rows(void *context, uint32_t first, uint32_t n, float *out, bert_error *err)
{
    const uint32_t *fail = context;

    for (uint32_t i = first; i < first + n; i++)
        for (uint32_t k = 0; k < DEPTH; k++)
            *out++ = weight(i, k);
    return first + n <= *fail ? BERT_OK
                              : bert__fail(err, BERT_EIO, "rows %lu to %lu", (unsigned long)first,
                                           (unsigned long)(first + n));
}

static bert_status create(struct bert__device *device, enum bert__dtype dtype, uint32_t threads,
                          uint32_t fail, struct bert__matrix **out, bert_error *err)
{
    bert_status st;

    test_sys_install();
    assert_int_equal(cpu->device_threads(device, threads, err), BERT_OK);
    st = cpu->matrix_create(device, out, dtype, ROWS, DEPTH, rows, &fail, NULL, err);
    assert_int_equal(test_sys.threads, threads - 1);
    bert__sys_replace(NULL);
    assert_int_equal(cpu->device_threads(device, 1, err), BERT_OK);
    return st;
}

static bert_status copy_panels(void *context, size_t at, size_t n, void *out, bert_error *err)
{
    const struct bert__panels *p = context;

    (void)err;
    memcpy(out, (const char *)p->data + at, n);
    return BERT_OK;
}

static void same_panels(const struct bert__panels *a, const struct bert__panels *b)
{
    assert_string_equal(a->layout, b->layout);
    assert_int_equal(a->panel_bytes, b->panel_bytes);
    assert_int_equal(a->n_panels, b->n_panels);
    assert_memory_equal(a->data, b->data, a->panel_bytes * a->n_panels);
}

/* Through a file that is read, not mapped; and a name that is another's is not taken. */
static void check_adopted(struct bert__device *device, const struct bert__panels *panels)
{
    struct bert__panels copy = *panels, back;
    char layout[BERT__LAYOUT_BYTES];
    struct bert__matrix *m;
    bert_error err;

    copy.data = NULL;
    assert_int_equal(
        cpu->matrix_adopt(device, &m, &copy, copy_panels, (void *)(uintptr_t)panels, &err),
        BERT_OK);
    assert_non_null(m);
    cpu->matrix_panels(device, m, layout, &back);
    same_panels(panels, &back);
    cpu->matrix_free(device, m);
    copy = *panels;
    copy.layout = "f32/0";
    assert_int_equal(cpu->matrix_adopt(device, &m, &copy, copy_panels, NULL, &err), BERT_OK);
    assert_null(m);
    copy = *panels;
    copy.panel_bytes += 64;
    assert_int_equal(cpu->matrix_adopt(device, &m, &copy, copy_panels, NULL, &err), BERT_OK);
    assert_null(m);
}

static void check_rows(const struct bert__panels *panels)
{
    float row[DEPTH];

    for (uint32_t i = 0; i < ROWS; i++) {
        if (panels->dtype != BERT__F32) {
            assert_false(cpu->panels_rows(panels, i, 1, row));
            continue;
        }
        assert_true(cpu->panels_rows(panels, i, 1, row));
        for (uint32_t k = 0; k < DEPTH; k++)
            assert_true(row[k] == weight(i, k));
    }
    assert_false(cpu->panels_rows(panels, ROWS, 1, row));
}

static void check(struct bert__device *device, enum bert__dtype dtype)
{
    char layout[2][BERT__LAYOUT_BYTES];
    struct bert__panels serial, threaded;
    struct bert__matrix *a, *b;
    bert_error one, several;

    assert_int_equal(create(device, dtype, 1, ROWS, &a, &one), BERT_OK);
    assert_int_equal(create(device, dtype, 4, ROWS, &b, &one), BERT_OK);
    cpu->matrix_panels(device, a, layout[0], &serial);
    cpu->matrix_panels(device, b, layout[1], &threaded);
    same_panels(&serial, &threaded);
    check_adopted(device, &serial);
    check_rows(&serial);
    cpu->matrix_free(device, b);
    cpu->matrix_free(device, a);
    for (uint32_t fail = 0; fail < ROWS; fail += 211) {
        assert_int_equal(create(device, dtype, 1, fail, &a, &one), BERT_EIO);
        assert_int_equal(create(device, dtype, 4, fail, &b, &several), BERT_EIO);
        assert_string_equal(one.message, several.message);
    }
}

static void test_levels(void **state)
{
    static const char *const levels[] = {"scalar", "avx2", "avx512", NULL};
    struct bert__alloc *alloc = bert__alloc_create(NULL, 0);

    (void)state;
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++)
        for (int dtype = 0; dtype < BERT__DTYPE_COUNT; dtype++) {
            struct bert__device *device;
            bert_error err;

            assert_int_equal(
                cpu->device_open(&device, alloc, levels[i], (enum bert__dtype)dtype, &err),
                BERT_OK);
            check(device, (enum bert__dtype)dtype);
            cpu->device_close(device);
        }
    assert_int_equal(bert__alloc_used(alloc), 0);
    bert__alloc_destroy(alloc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_levels)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
