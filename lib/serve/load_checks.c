/* SPDX-License-Identifier: MIT */
/* load_checks.c - before a model serves: its manifest, its golden inputs. */
#include <bert/manifest.h>

#include "lib/api/place.h"
#include "lib/base/error.h"
#include "lib/serve/engine_parts.h"
#include "lib/serve/loads.h"

enum lies_with { MANIFEST, GOLDEN };

/* A file that lies with the model; what can't be told is looked at, so that the check says why. */
static bert_status is_there(const struct bert__load *load, enum lies_with which, bool *out,
                            bert_error *err)
{
    struct bert__arena arena;
    struct bert__place place;
    struct bert__file *file = NULL;
    const char *name;
    bert_status st;

    bert__arena_init(&arena, load->engine->alloc);
    st = bert__place_open(&place, &arena, load->path, 0, err);
    if (st == BERT_OK) {
        name = which == MANIFEST ? place.manifest : place.golden;
        *out = bert__source_open(place.source, name, 1, &file, NULL) != BERT_OK || file != NULL;
        bert__file_close(file);
        bert__place_close(&place);
    }
    bert__arena_free(&arena);
    return st;
}

static bert_status wanted(const struct bert__load *load, uint32_t check, enum lies_with which,
                          bool *out, bert_error *err)
{
    bert_status st = BERT_OK;

    *out = false;
    if (check != BERT_CHECK_OFF)
        st = is_there(load, which, out, err);
    if (st == BERT_OK && !*out && check == BERT_CHECK_REQUIRED)
        st = bert__fail(err, BERT_EFORMAT, "%s: it has no %s, which the load requires", load->path,
                        which == MANIFEST ? "manifest (bert_manifest.json)"
                                          : "golden inputs (golden.json)");
    return st;
}

bert_status bert__load_check_files(struct bert__load *load, bert_error *err)
{
    bert_manifest_options o = BERT_MANIFEST_OPTIONS_INIT;
    bool check;
    bert_status st = wanted(load, load->options.manifest, MANIFEST, &check, err);

    if (st != BERT_OK || !check)
        return st;
    o.allocator = bert__alloc_host(load->engine->alloc);
    o.log = load->model.log;
    o.log_context = load->model.log_context;
    o.cancel = bert__load_canceled;
    o.cancel_context = load;
    return bert_manifest_verify(load->path, &o, NULL, err);
}

bert_status bert__load_check_answers(struct bert__load *load, bert_model *model, bert_error *err)
{
    bert_session_options o = BERT_SESSION_OPTIONS_INIT;
    bert_session *session;
    bool check;
    bert_status st = wanted(load, load->options.golden, GOLDEN, &check, err);

    if (st != BERT_OK || !check)
        return st;
    o.threads = load->engine->threads;
    o.allocator = bert__alloc_host(load->engine->alloc);
    o.cancel = bert__load_canceled;
    o.cancel_context = load;
    st = bert_session_create(&session, model, &o, err);
    if (st == BERT_OK)
        st = bert_golden_check(session, load->path, NULL, err);
    bert_session_destroy(session);
    return st;
}
