/* SPDX-License-Identifier: MIT */
/*
 * The models of a process, by path.  Those that the postmaster loaded are each backend's by fork();
 * others are loaded by the backend that first asks for them, and end with it.
 */
#include "bindings/postgres/pg_bert.h"

#include <sys/stat.h>
#include <unistd.h>

#include <mb/pg_wchar.h>
#include <miscadmin.h>
#include <utils/builtins.h>
#include <utils/memutils.h>
#include <utils/varlena.h>

enum { NAME_BYTES = 100 };

static struct bert__pg_model *models;

/* A name is one folder's or file's below the directory, never a way out of it. */
static bool is_plain(const char *name, size_t size)
{
    if (size == 0 || size > NAME_BYTES || name[0] == '.')
        return false;
    for (size_t i = 0; i < size; i++) {
        char c = name[i];

        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9')
            && c != '.' && c != '_' && c != '-')
            return false;
    }
    return true;
}

static char *path_of(const char *name, size_t size)
{
    if (bert__pg_directory == NULL || bert__pg_directory[0] == '\0')
        ereport(ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                errmsg("bert.model_directory is not set"));
    if (!is_plain(name, size))
        ereport(ERROR, errcode(ERRCODE_INVALID_NAME),
                errmsg("\"%.*s\" is no name of a model", pg_mbcliplen(name, (int)size, NAME_BYTES),
                       name),
                errhint("A name has 1 to %d letters, digits, \".\", \"_\" and \"-\", and does not "
                        "begin with \".\".",
                        NAME_BYTES));
    return psprintf("%s/%.*s", bert__pg_directory, (int)size, name);
}

static struct bert__pg_model *find(const char *path)
{
    struct bert__pg_model *m = models;

    while (m != NULL && strcmp(m->path, path) != 0)
        m = m->next;
    return m;
}

static void fail_load(int level, const char *name, bert_status status, const char *message)
{
    CHECK_FOR_INTERRUPTS();
    ereport(level, errcode(bert__pg_sqlstate(status)),
            errmsg("could not load model \"%s\": %s [%s]", name, bert__pg_message(message),
                   bert_status_name(status)));
}

static void check_there(int level, const char *path, const char *name)
{
    struct stat st;

    if (stat(path, &st) != 0 && (errno == ENOENT || errno == ENOTDIR))
        ereport(level, errcode(ERRCODE_UNDEFINED_OBJECT),
                errmsg("model \"%s\" does not exist in bert.model_directory", name));
}

static void unref_model(void *model)
{
    bert_model_unref(model);
}

static struct bert__pg_model *load(const char *path, int level)
{
    struct bert__pg_kept *kept = bert__pg_keep(unref_model);
    bert_model_options options = BERT_MODEL_OPTIONS_INIT;
    const char *name = strrchr(path, '/') + 1;
    struct bert__pg_model *m;
    bert_model *model;
    bert_status status;
    bert_error err;

    check_there(level, path, name);
    options.cancel = bert__pg_cancelled;
    options.threads = (uint32_t)bert__pg_threads;
    status = bert_model_load(&model, path, &options, &err);
    if (status != BERT_OK)
        fail_load(level, name, status, err.message);
    kept->object = model;
    m = MemoryContextAllocZero(TopMemoryContext, sizeof(*m));
    m->path = MemoryContextStrdup(TopMemoryContext, path);
    m->name = m->path + (name - path);
    m->model = model;
    m->preloaded = process_shared_preload_libraries_in_progress;
    m->next = models;
    kept->object = NULL;
    models = m;
    return m;
}

struct bert__pg_model *bert__pg_model_get(const text *name)
{
    char *path = path_of(VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name));
    struct bert__pg_model *m = find(path);

    if (m == NULL)
        m = load(path, ERROR);
    pfree(path);
    return m;
}

/* What the administrator listed must be there: a server without it would load it in each backend.
 */
void bert__pg_models_preload(const char *list)
{
    char *names = pstrdup(list);
    List *each;
    ListCell *cell;

    if (!SplitGUCList(names, ',', &each))
        ereport(FATAL, errcode(ERRCODE_SYNTAX_ERROR),
                errmsg("bert.preload_models is no list of names"));
    foreach (cell, each) {
        const char *name = lfirst(cell);
        char *path = path_of(name, strlen(name));

        if (find(path) == NULL)
            load(path, FATAL);
        pfree(path);
    }
}

/* ---- Sessions --------------------------------------------------------------------- */

static bool is_current(const struct bert__pg_model *m)
{
    return m->session != NULL && bert_session_threads(m->session) == (uint32_t)bert__pg_threads
           && m->batch_tokens == bert__pg_batch_tokens && m->max_memory == bert__pg_max_memory;
}

bert_session *bert__pg_session(struct bert__pg_model *m)
{
    bert_session_options options = BERT_SESSION_OPTIONS_INIT;
    uint32_t longest = bert_model_max_length(m->model);
    bert_status status;
    bert_error err;

    if (is_current(m))
        return m->session;
    bert_session_destroy(m->session);
    m->session = NULL;
    options.max_tokens = Max((uint32_t)bert__pg_batch_tokens, longest);
    options.threads = (uint32_t)bert__pg_threads;
    options.cancel = bert__pg_cancelled;
    options.max_bytes = (uint64_t)bert__pg_max_memory << 20;
    status = bert_session_create(&m->session, m->model, &options, &err);
    if (status != BERT_OK)
        bert__pg_fail(m->name, status, err.message);
    m->batch_tokens = bert__pg_batch_tokens;
    m->max_memory = bert__pg_max_memory;
    return m->session;
}
