/* SPDX-License-Identifier: MIT */
#include "examples/bert/interrupt.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

static volatile sig_atomic_t caught;
static bert_session *volatile running;
static const char *volatile watched;
static int wake[2] = {-1, -1};

void interrupt_remove_file(void)
{
    if (watched != NULL)
        unlink(watched);
}

static void on_signal(int number)
{
    int saved = errno;

    if (caught != 0) {
        interrupt_remove_file();
        _exit(128 + number);
    }
    caught = number;
    if (running != NULL)
        bert_session_cancel(running);
    if (wake[1] >= 0 && write(wake[1], "", 1) < 0) {
        /* the flag alone must do */
    }
    errno = saved;
}

static void catch_signal(int number)
{
    struct sigaction old, action = {.sa_handler = on_signal};

    if (sigaction(number, NULL, &old) != 0 || old.sa_handler == SIG_IGN)
        return;
    sigemptyset(&action.sa_mask);
    sigaction(number, &action, NULL);
}

void interrupt_install(void)
{
    if (pipe2(wake, O_CLOEXEC | O_NONBLOCK) != 0)
        wake[0] = wake[1] = -1;
    catch_signal(SIGINT);
    catch_signal(SIGTERM);
    catch_signal(SIGHUP);
    /* Their errors come back from write(). */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
}

int interrupt_signal(void)
{
    return (int)caught;
}

int interrupt_cancel(void *unused)
{
    (void)unused;
    return caught != 0;
}

int interrupt_fd(void)
{
    return wake[0];
}

void interrupt_session(bert_session *session)
{
    running = session;
}

void interrupt_watch_file(const char *path)
{
    watched = path;
}
