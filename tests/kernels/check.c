/* SPDX-License-Identifier: MIT */
/* check.c - see check.h: failures, guarded buffers, random data, caught crashes. */
#include "tests/kernels/check.h"

#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SLOT_BYTES   ((size_t)16 << 20)
#define CANARY_BYTES 256
#define FILL         0xa5

uint32_t check_float_step = 4099;

const struct check_entry check_list[] = {
#define X(name, type)                                                                              \
    {"gemm_" #name, check_gemm_##name, offsetof(struct bert__kernels, gemm[type]),                 \
     sizeof(struct bert__gemm)},
    CHECK_GEMM(X)
#undef X
#define ENTRY(name, type)                                                                          \
    {"attention_" #name, check_attention_##name, offsetof(struct bert__kernels, attention[type]),  \
     sizeof(struct bert__attention)},
#define X(name, type) ENTRY(name, type) ENTRY(name##_prepare, type) ENTRY(name##_sizes, type)
        CHECK_ATTENTION(X)
#undef X
#undef ENTRY
#define BERT__KERNEL(ret, name, args)                                                              \
    {#name, check_##name, offsetof(struct bert__kernels, name),                                    \
     sizeof(((struct bert__kernels *)0)->name)},
#include "kernels/kernels.inc"
#undef BERT__KERNEL
            {NULL, NULL, 0, 0},
};

/* ---- Failures ------------------------------------------------------------ */

void check_fail(struct check *c, const char *format, ...)
{
    va_list args;

    if (c->failures++ > 0)
        return;
    va_start(args, format);
    vsnprintf(c->message, sizeof(c->message), format, args);
    va_end(args);
}

void check_near(struct check *c, double got, double want, double bound, const char *what, size_t i)
{
    if (isnan(want) ? isnan(got) : got == want || fabs(got - want) <= bound)
        return;
    check_fail(c, "%s: element %zu is %.9g, not %.9g +- %.2g", what, i, got, want, bound);
}

void check_same(struct check *c, const float *a, const float *b, size_t n, const char *what)
{
    for (size_t i = 0; i < n; i++) {
        if (memcmp(a + i, b + i, sizeof(*a)) != 0) {
            check_fail(c, "%s: element %zu is %.9g in one place, %.9g in another", what, i,
                       (double)a[i], (double)b[i]);
            return;
        }
    }
}

void check_note(struct check *c, unsigned before, const char *format, ...)
{
    const size_t used = strlen(c->message);
    va_list args;

    if (before > 0 || c->failures == 0)
        return;
    va_start(args, format);
    vsnprintf(c->message + used, sizeof(c->message) - used, format, args);
    va_end(args);
}

/* ---- Running, with crashes caught ---------------------------------------- */

static sigjmp_buf on_crash;

static void crashed(int signal)
{
    siglongjmp(on_crash, signal);
}

static void catch_crashes(void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler};

    sigemptyset(&action.sa_mask);
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
    sigaction(SIGILL, &action, NULL);
    sigaction(SIGFPE, &action, NULL);
}

static void map_slots(struct check *c)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);

    for (size_t i = 0; i < CHECK_SLOTS; i++) {
        unsigned char *p = mmap(NULL, SLOT_BYTES + 2 * page, PROT_NONE,
                                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

        if (p == MAP_FAILED || mprotect(p + page, SLOT_BYTES, PROT_READ | PROT_WRITE) != 0) {
            perror("mmap");
            exit(1);
        }
        c->slots[i].data = p + page;
    }
}

static void unmap_slots(struct check *c)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);

    for (size_t i = 0; i < CHECK_SLOTS; i++)
        munmap(c->slots[i].data - page, SLOT_BYTES + 2 * page);
}

unsigned check_run(const struct bert__kernels *k, check_fn run, char *message, size_t size)
{
    static struct check c; /* static: it must survive the jump */
    int signal;

    memset(&c, 0, sizeof(c));
    c.k = k;
    c.seed = 20240229;
    map_slots(&c);
    catch_crashes(crashed);
    signal = sigsetjmp(on_crash, 1);
    if (signal == 0)
        run(&c);
    else
        check_fail(&c, "signal %d: a byte outside the buffers was touched", signal);
    catch_crashes(SIG_DFL);
    unmap_slots(&c);
    snprintf(message, size, "%s", c.message);
    return c.failures;
}

unsigned check_table(const struct bert__kernels *k)
{
    unsigned failures = 0;
    char message[256];

    for (const struct check_entry *e = check_list; e->name; e++) {
        unsigned n = check_run(k, e->run, message, sizeof(message));

        if (n)
            fprintf(stderr, "%s.%s: %u failures; %s\n", k->name, e->name, n, message);
        failures += n;
    }
    return failures;
}

/* ---- Buffers ------------------------------------------------------------- */

void *guard(struct check *c, size_t n, size_t size, enum guard_side side)
{
    const size_t bytes = n * size;
    struct check_slot *s = c->slots;

    while (s < c->slots + CHECK_SLOTS && s->used)
        s++;
    if (s == c->slots + CHECK_SLOTS || bytes + 2 * CANARY_BYTES > SLOT_BYTES) {
        fprintf(stderr, "guard(): out of slots or too large: %zu bytes\n", bytes);
        exit(1);
    }
    s->bytes = bytes;
    if (side == GUARD_END)
        s->used = s->data + SLOT_BYTES - bytes;
    else
        s->used = s->data + (side == GUARD_SHIFT ? size : 0);
    if (side == GUARD_END)
        memset(s->used - CANARY_BYTES, FILL, bytes + CANARY_BYTES);
    else
        memset(s->data, FILL, (size_t)(s->used - s->data) + bytes + CANARY_BYTES);
    return s->used;
}

static size_t count_touched(const unsigned char *p, const unsigned char *end)
{
    size_t n = 0;

    for (; p < end; p++)
        n += *p != FILL;
    return n;
}

void check_release(struct check *c)
{
    for (struct check_slot *s = c->slots; s < c->slots + CHECK_SLOTS; s++) {
        const unsigned char *end;
        size_t touched;

        if (!s->used)
            continue;
        end = s->used + s->bytes;
        if (end == s->data + SLOT_BYTES) /* GUARD_END */
            touched = count_touched(s->used - CANARY_BYTES, s->used);
        else
            touched = count_touched(s->data, s->used) + count_touched(end, end + CANARY_BYTES);
        if (touched)
            check_fail(c, "%zu bytes outside a buffer of %zu were written", touched, s->bytes);
        s->used = NULL;
    }
}

float *guard_floats(struct check *c, size_t n, enum guard_side side)
{
    return guard(c, n, sizeof(float), side);
}

float *guard_random(struct check *c, size_t n, float range, enum guard_side side)
{
    float *p = guard_floats(c, n, side);

    for (size_t i = 0; i < n; i++)
        p[i] = check_uniform(c, -range, range);
    return p;
}

float *guard_aligned(struct check *c, size_t n)
{
    return guard_floats(c, n, n % 16 == 0 ? GUARD_END : GUARD_START);
}

/* ---- Data ---------------------------------------------------------------- */

uint32_t check_random(struct check *c, uint32_t below)
{
    c->seed = c->seed * 6364136223846793005u + 1442695040888963407u; /* Knuth's MMIX */
    return (uint32_t)(c->seed >> 33) % below;
}

float check_uniform(struct check *c, float low, float high)
{
    return low + (high - low) * ((float)check_random(c, 1u << 24) * 0x1p-24f);
}

void check_fill_rows(struct check *c, float *p, size_t rows, size_t n, size_t ld, float range)
{
    for (size_t r = 0; r < rows; r++) {
        for (size_t i = 0; i < (r + 1 < rows ? ld : n); i++)
            p[r * ld + i] = i < n ? check_uniform(c, -range, range) : NAN;
    }
}

void check_gaps(struct check *c, const float *p, size_t rows, size_t n, size_t ld)
{
    for (size_t r = 0; r + 1 < rows; r++) {
        const unsigned char *gap = (const unsigned char *)(p + r * ld + n);

        if (count_touched(gap, gap + (ld - n) * sizeof(float)))
            check_fail(c, "the gap after row %zu of %zu floats was written", r, n);
    }
}
