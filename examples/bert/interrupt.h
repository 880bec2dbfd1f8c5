/* SPDX-License-Identifier: MIT */
/*
 * interrupt.h - SIGINT, SIGTERM and SIGHUP end the command between two lines:
 * the running library call is canceled, reading stops, whole lines are flushed, a
 * temporary file is removed, and the exit code is 128 + signal.  A second signal
 * ends it at once.  A signal that was ignored at the start stays ignored.
 */
#ifndef INTERRUPT_H
#define INTERRUPT_H

#include <stdbool.h>

#include <bert.h>

void interrupt_install(void);
/* Number of the signal that came; 0: none. */
int interrupt_signal(void);
/* A bert_cancel_fn: non-zero once a signal came. */
int interrupt_cancel(void *unused);
/* Descriptor that becomes readable once a signal came; -1: none. */
int interrupt_fd(void);
/* The session whose call a signal cancels; NULL: none. */
void interrupt_session(bert_session *session);
/* File to be removed when the program must end at once; NULL: none.  Borrowed. */
void interrupt_watch_file(const char *path);
void interrupt_remove_file(void);

#endif
