/* SPDX-License-Identifier: MIT */
#include "examples/bert/input.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "examples/bert/interrupt.h"
#include "examples/bert/memory.h"
#include "examples/bert/message.h"

enum { FIRST_CAPACITY = 1 << 16 };

static void fail(struct input *input)
{
    message_errno(input->path, "can't be read", errno);
    input->failed = true;
    input->at_end = true;
}

static bool open_stream(struct input *input, const char *path)
{
    struct stat st;
    bool standard = path == NULL || strcmp(path, "-") == 0;

    input->path = standard ? "standard input" : path;
    input->fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (input->fd < 0 || fstat(input->fd, &st) != 0) {
        fail(input);
        return false;
    }
    if (S_ISDIR(st.st_mode)) {
        errno = EISDIR;
        fail(input);
        return false;
    }
    input->capacity = FIRST_CAPACITY;
    input->buffer = get_memory(input->capacity, 1);
    return true;
}

bool input_open(struct input *input, char *const *texts, size_t n_texts, const char *path)
{
    memset(input, 0, sizeof *input);
    input->fd = -1;
    if (n_texts > 0) {
        input->texts = texts;
        input->n_texts = n_texts;
        return true;
    }
    return open_stream(input, path);
}

void input_close(struct input *input)
{
    if (input->fd > STDIN_FILENO)
        close(input->fd);
    free(input->buffer);
    input->buffer = NULL;
}

/* Room for at least half a buffer more. */
static void make_room(struct input *input)
{
    if (input->start > 0) {
        memmove(input->buffer, input->buffer + input->start, input->end - input->start);
        input->end -= input->start;
        input->start = 0;
    }
    if (input->end > input->capacity / 2) {
        input->buffer = grow_memory(input->buffer, input->capacity, 2);
        input->capacity *= 2;
    }
}

/* A signal may come between a look at the flag and read(): its pipe wakes poll(). */
static bool wait_readable(struct input *input)
{
    struct pollfd p[2] = {{.fd = input->fd, .events = POLLIN},
                          {.fd = interrupt_fd(), .events = POLLIN}};

    while (interrupt_signal() == 0) {
        if (poll(p, 2, -1) >= 0)
            return interrupt_signal() == 0;
        if (errno != EINTR)
            return true; /* let read() tell */
    }
    return false;
}

/* False when there is nothing more. */
static bool fill(struct input *input)
{
    make_room(input);
    while (wait_readable(input)) {
        ssize_t n = read(input->fd, input->buffer + input->end, input->capacity - input->end);

        if (n > 0) {
            input->end += (size_t)n;
            return true;
        }
        if (n == 0) {
            input->at_end = true;
            return false;
        }
        if (errno != EINTR && errno != EAGAIN) {
            fail(input);
            return false;
        }
    }
    return false;
}

static bool find_newline(struct input *input, size_t *size)
{
    const char *from = input->buffer + input->start;
    size_t have = input->end - input->start;
    const char *newline = memchr(from + input->scanned, '\n', have - input->scanned);

    input->scanned = have;
    if (newline == NULL)
        return false;
    *size = (size_t)(newline - from);
    return true;
}

static void take(struct input *input, size_t size, bool ended, bert_text *line)
{
    line->data = input->buffer + input->start;
    line->size = size;
    input->start += size + (ended ? 1 : 0);
    input->scanned = 0;
    if (ended && size > 0 && line->data[size - 1] == '\r')
        line->size--;
}

static bool next_line(struct input *input, bert_text *line)
{
    size_t size;

    while (!find_newline(input, &size)) {
        if (!input->at_end && fill(input))
            continue;
        if (!input->at_end || input->failed || input->start == input->end)
            return false;
        take(input, input->end - input->start, false, line);
        return true;
    }
    take(input, size, true, line);
    return true;
}

bool input_next(struct input *input, bert_text *line)
{
    if (interrupt_signal() != 0)
        return false;
    if (input->texts == NULL)
        return next_line(input, line);
    if (input->next_text == input->n_texts)
        return false;
    line->data = input->texts[input->next_text++];
    line->size = strlen(line->data);
    return true;
}

/* A whole line, or the last without an end. */
static enum input_state give(struct input *input, size_t size, bool ended, bert_text *line)
{
    bool skipped = input->skips;

    take(input, size, ended, line);
    input->skips = false;
    if (skipped)
        return INPUT_MORE;
    return input->limit > 0 && line->size > input->limit ? INPUT_LONG : INPUT_LINE;
}

/* There is no newline yet. */
static bool drop_long(struct input *input)
{
    bool first = !input->skips;

    if (!input->skips && (input->limit == 0 || input->end - input->start <= input->limit))
        return false;
    if (first) {
        free(input->buffer);
        input->capacity = FIRST_CAPACITY;
        input->buffer = get_memory(input->capacity, 1);
    }
    input->skips = true;
    input->start = input->end = input->scanned = 0;
    return first;
}

enum input_state input_try(struct input *input, bert_text *line)
{
    struct pollfd p = {.fd = input->fd, .events = POLLIN};
    size_t size;

    if (find_newline(input, &size))
        return give(input, size, true, line);
    if (drop_long(input))
        return INPUT_LONG;
    if (input->at_end && (input->failed || input->start == input->end))
        return INPUT_END;
    if (input->at_end)
        return give(input, input->end - input->start, false, line);
    if (poll(&p, 1, 0) == 0)
        return INPUT_WAIT;
    return fill(input) || input->at_end ? INPUT_MORE : INPUT_END;
}

bool input_ready(struct input *input)
{
    struct pollfd p = {.fd = input->fd, .events = POLLIN};
    size_t size;

    if (input->texts != NULL || input->at_end)
        return true;
    if (input->scanned == 0 && find_newline(input, &size)) {
        input->scanned = 0; /* to be found again */
        return true;
    }
    return poll(&p, 1, 0) != 0;
}
