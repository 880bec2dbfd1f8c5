/* SPDX-License-Identifier: MIT */
#include "examples/bert/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static const double first_after = 1, then_every = 0.2; /* seconds */

double seconds_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void progress_start(struct progress *progress, const struct options *options)
{
    /* Not between lines of answers on the same terminal. */
    bool alone = options->output != NULL || !isatty(STDOUT_FILENO);

    progress->on = !options->quiet && (options->progress || (alone && isatty(STDERR_FILENO)));
    progress->shown = false;
    progress->forced = options->progress != 0;
    progress->start = progress->last = seconds_now();
}

static void print(struct progress *progress, uint64_t records, double now)
{
    double taken = now - progress->start;

    dprintf(STDERR_FILENO, "\rbert: %" PRIu64 " records, %.1f s, %.0f/s ", records, taken,
            (double)records / (taken > 0 ? taken : 1));
    progress->last = now;
    progress->shown = true;
}

void progress_show(struct progress *progress, uint64_t records)
{
    double now = seconds_now();

    if (progress->on && now - progress->last >= (progress->shown ? then_every : first_after))
        print(progress, records, now);
}

void progress_end(struct progress *progress, uint64_t records)
{
    if (progress->on && (progress->shown || progress->forced))
        print(progress, records, seconds_now());
    if (progress->shown)
        dprintf(STDERR_FILENO, "\n");
    progress->shown = false;
}
