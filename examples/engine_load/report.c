/* SPDX-License-Identifier: MIT */
/* report.c - what was measured: a table, JSON, and a drawing. */
#include <math.h>
#include <string.h>

#include "examples/engine_load/load.h"

const char *const load_precisions[LOAD_PRECISIONS] = {
    [BERT_PRECISION_DEFAULT] = "default", [BERT_PRECISION_FP32] = "fp32",
    [BERT_PRECISION_BF16] = "bf16",       [BERT_PRECISION_INT8] = "int8",
    [BERT_PRECISION_AUTO] = "auto",
};

void load_table(const struct load_point *points, size_t n)
{
    printf("%6s  %-20s %9s %9s %9s %8s %6s %8s %8s %8s %8s %6s %8s\n", "load", "requests", "sent/s",
           "answers/s", "accepted", "rejected", "failed", "p50 ms", "p95 ms", "p99 ms", "max ms",
           "batch", "late p99");
    for (size_t i = 0; i < n; i++) {
        const struct load_point *p = &points[i];

        printf("%6.2f  %-20s %9.0f %9.0f %9zu %8zu %6zu %8.2f %8.2f %8.2f %8.2f %6.1f %8.2f\n",
               p->share, p->kind, p->offered, p->through, p->accepted, p->rejected, p->failed,
               p->p50, p->p95, p->p99, p->max, p->batch, p->late);
    }
}

static void string(FILE *out, const char *s)
{
    fputc('"', out);
    for (; *s != '\0'; s++) {
        if (*s == '"' || *s == '\\')
            fprintf(out, "\\%c", *s);
        else if ((unsigned char)*s < 0x20)
            fprintf(out, "\\u%04x", (unsigned)*s);
        else
            fputc(*s, out);
    }
    fputc('"', out);
}

static bool close_file(FILE *out, const char *path)
{
    bool bad = ferror(out) != 0;

    if (fclose(out) != 0 || bad) {
        perror(path);
        return false;
    }
    return true;
}

bool load_json(const char *path, const struct load *load, double capacity,
               const struct load_point *points, size_t n)
{
    FILE *out = fopen(path, "w");

    if (out == NULL) {
        perror(path);
        return false;
    }
    fprintf(out, "{\"model\": ");
    string(out, load->options.model);
    fprintf(out,
            ",\n \"precision\": \"%s\", \"capacity\": %.1f, \"burst\": %u, \"seconds\": %g,\n "
            "\"points\": [",
            load_precisions[bert_model_precision(load->model)], capacity,
            (unsigned)load->options.burst, load->options.seconds);
    for (size_t i = 0; i < n; i++) {
        const struct load_point *p = &points[i];

        fprintf(out, "%s\n  {\"load\": %g, \"requests\": ", i > 0 ? "," : "", p->share);
        string(out, p->kind);
        fprintf(out,
                ", \"sent_per_s\": %.1f, \"answers_per_s\": %.1f, \"accepted\": %zu, "
                "\"rejected\": %zu, \"failed\": %zu, \"p50_ms\": %.3f, \"p95_ms\": %.3f, "
                "\"p99_ms\": %.3f, \"max_ms\": %.3f, \"batch\": %.2f, \"late_p99_ms\": %.3f}",
                p->offered, p->through, p->accepted, p->rejected, p->failed, p->p50, p->p95, p->p99,
                p->max, p->batch, p->late);
    }
    fprintf(out, "\n ]}\n");
    return close_file(out, path);
}

/* ---- Drawing: answers a second, to the right; milliseconds, upwards, in decades --------- */

enum { LEFT = 60, RIGHT = 650, TOP = 30, BOTTOM = 350 };

struct axes {
    double most_x, low, high; /* low, high: powers of ten */
};

static double x_of(const struct axes *a, double x)
{
    return LEFT + (RIGHT - LEFT) * x / a->most_x;
}

static double y_of(const struct axes *a, double ms)
{
    double at = (log10(ms > 1e-6 ? ms : 1e-6) - a->low) / (a->high - a->low);

    return BOTTOM - (BOTTOM - TOP) * (at < 0 ? 0 : at);
}

static struct axes fit(double capacity, const struct load_point *points, size_t n)
{
    struct axes a = {capacity * 1.1, 9, -9};

    for (size_t i = 0; i < n; i++) {
        a.most_x = points[i].through * 1.1 > a.most_x ? points[i].through * 1.1 : a.most_x;
        if (points[i].p50 > 0 && floor(log10(points[i].p50)) < a.low)
            a.low = floor(log10(points[i].p50));
        if (points[i].p99 > 0 && ceil(log10(points[i].p99)) > a.high)
            a.high = ceil(log10(points[i].p99));
    }
    if (a.high <= a.low)
        a.high = a.low + 1;
    return a;
}

static void draw_axes(FILE *out, const struct axes *a, double capacity)
{
    double step = pow(10, floor(log10(a->most_x)));

    if (a->most_x / step < 3)
        step /= 4;
    for (double e = a->low; e <= a->high; e++) {
        double y = y_of(a, pow(10, e));

        fprintf(out,
                "<path d='M%d %.1fH%d' stroke='#ddd'/>"
                "<text x='%d' y='%.1f' text-anchor='end'>%g</text>\n",
                LEFT, y, RIGHT, LEFT - 6, y + 4, pow(10, e));
    }
    for (double x = 0; x <= a->most_x; x += step)
        fprintf(out, "<text x='%.1f' y='%d' text-anchor='middle'>%.0f</text>\n", x_of(a, x),
                BOTTOM + 18, x);
    fprintf(out,
            "<path d='M%.1f %dV%d' stroke='#999' stroke-dasharray='4 3'/>"
            "<text x='%.1f' y='%d' text-anchor='middle'>capacity</text>\n",
            x_of(a, capacity), TOP, BOTTOM, x_of(a, capacity), TOP - 6);
    fprintf(out, "<text x='%d' y='%d' text-anchor='middle'>answers a second</text>\n",
            (LEFT + RIGHT) / 2, BOTTOM + 38);
    fprintf(out, "<text x='%d' y='%d'>ms</text>\n", LEFT - 30, TOP - 6);
}

/* In the order of the rates: past the capacity a curve turns upwards, or back. */
static void draw_curve(FILE *out, const struct axes *a, const struct load_point *points, size_t n,
                       size_t field, const char *color)
{
    char pen = 'M';

    fprintf(out, "<path fill='none' stroke='%s' stroke-width='2' d='", color);
    for (size_t i = 0; i < n; i++) {
        double ms;

        memcpy(&ms, (const char *)&points[i] + field, sizeof ms);
        if (strcmp(points[i].kind, "all") != 0)
            continue;
        fprintf(out, "%c%.1f %.1f", pen, x_of(a, points[i].through), y_of(a, ms));
        pen = 'L';
    }
    fprintf(out, "'/>\n");
    for (size_t i = 0; i < n; i++) {
        double ms;

        memcpy(&ms, (const char *)&points[i] + field, sizeof ms);
        if (strcmp(points[i].kind, "all") == 0)
            fprintf(out,
                    "<circle r='3' fill='%s' cx='%.1f' cy='%.1f'><title>load %g: %g "
                    "ms</title></circle>\n",
                    color, x_of(a, points[i].through), y_of(a, ms), points[i].share, ms);
    }
}

bool load_svg(const char *path, double capacity, const struct load_point *points, size_t n)
{
    static const struct {
        const char *name, *color;
        size_t field;
    } curves[] = {
        {"p50", "#2a7fb8", offsetof(struct load_point, p50)},
        {"p95", "#e08214", offsetof(struct load_point, p95)},
        {"p99", "#b2182b", offsetof(struct load_point, p99)},
    };
    struct axes a = fit(capacity, points, n);
    FILE *out = fopen(path, "w");

    if (out == NULL) {
        perror(path);
        return false;
    }
    fprintf(out, "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 700 400' "
                 "font-family='sans-serif' font-size='12'>\n"
                 "<rect width='700' height='400' fill='white'/>\n");
    draw_axes(out, &a, capacity);
    for (size_t i = 0; i < sizeof curves / sizeof *curves; i++) {
        draw_curve(out, &a, points, n, curves[i].field, curves[i].color);
        fprintf(out, "<text x='%d' y='%d' fill='%s'>%s</text>\n", LEFT + 12, TOP + 16 + 16 * (int)i,
                curves[i].color, curves[i].name);
    }
    fprintf(out, "</svg>\n");
    return close_file(out, path);
}
