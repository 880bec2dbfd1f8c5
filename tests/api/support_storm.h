/* SPDX-License-Identifier: MIT */
/*
 * support_storm.h - requests with a record of what may become of each, and what did.  Records are
 * written by whoever submits and whoever hears of an end, and read by all after both.
 */
#ifndef BERT_TESTS_API_SUPPORT_STORM_H
#define BERT_TESTS_API_SUPPORT_STORM_H

#include "support.h"

#include <stdatomic.h>
#include <stdbool.h>

enum {
    STORM_SUBMITTERS = 16,
    STORM_EACH = 512,
    STORM_REQUESTS = STORM_SUBMITTERS * STORM_EACH,
    STORM_SWAPS = 50,
    STORM_TEXTS = 40,
    STORM_MODELS = 3, /* two that take turns, and a canary */
    STORM_CANARY = 2,
    STORM_WIDTH = 32 /* at most */
};

/* What a request asks for. */
enum storm_kind { STORM_PLAIN, STORM_POOLED, STORM_TOKENS, STORM_BAD_PROMPT, STORM_BAD_TASK };

struct storm_record {
    enum storm_kind kind;
    size_t first, n; /* texts */
    size_t from, to; /* entries of the versions' history: what may have served it */
    bool timed, refused;
    _Atomic bool canceled;
    _Atomic uint32_t ends, shadows;
    _Atomic uint32_t spans[3][2]; /* stage; begun, ended */
    bert_status status;           /* of its end */
    uint64_t version;             /* 0: another model than the one that is swapped */
};

struct storm {
    bert_engine *engine;
    bert_text texts[STORM_TEXTS];
    char words[STORM_TEXTS][160];
    float rows[STORM_MODELS][2]
              [STORM_TEXTS * STORM_WIDTH]; /* [model][pooled otherwise?][text][its width] */
    size_t width[STORM_MODELS];
    bert_outputs *tokens[STORM_MODELS][STORM_TEXTS];
    struct storm_record records[STORM_REQUESTS + 1]; /* by id, from 1 */
    uint64_t versions[STORM_SWAPS + 1];              /* what served after each swap */
    _Atomic size_t begun, done;                      /* swaps */
    _Atomic uint32_t taken, loaded, failures, shadows;
    _Atomic(bert_job *) to_cancel;
    _Atomic bool quiet, stopped;
    uint64_t observed;
};

extern const char *const storm_paths[STORM_MODELS];
extern const bert_embed_options storm_pooled; /* of STORM_POOLED */

/* Threads must not use cmocka's: the first that is wrong says so, and the test fails at its end.
 * Returns `right`. */
bool storm_holds(struct storm *s, bool right, const char *what, uint64_t id);
/* Texts, and what each model alone answers for them. */
void storm_expect(struct storm *s);
void storm_forget(struct storm *s);
bool storm_may_end(const struct storm_record *r, bert_status status);
/* A job has ended: is this what its record allows, and its answer that of its version? */
void storm_ended(struct storm *s, const bert_job *job);
/* With everything at rest: nothing lost, no other version's; counters that add up.  `more`: other
 * requests that were answered. */
void storm_check_records(struct storm *s);
void storm_check_counters(struct storm *s, uint64_t more);

#endif
