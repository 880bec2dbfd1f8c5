/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "bindings/sqlite/models.h"

/* Held for moments only: nothing is loaded, made or freed under it. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t loaded = PTHREAD_COND_INITIALIZER;
static struct bert__sql_model *models;
static uint64_t last_serial;

static bert_status fail(bert_error *err, bert_status status, const char *what, const char *why)
{
    err->code = status;
    snprintf(err->message, sizeof(err->message), "%s%s%s", what, why != NULL ? ": " : "",
             why != NULL ? why : "");
    return status;
}

/* ---- Which files ------------------------------------------------------------ */

static uint64_t mix(uint64_t h, uint64_t v)
{
    h = (h ^ v) * UINT64_C(0x9e3779b97f4a7c15);
    return h ^ h >> 29;
}

static uint64_t of_stat(const struct stat *s)
{
    uint64_t h = mix(1, (uint64_t)s->st_dev);

    h = mix(h, (uint64_t)s->st_ino);
    h = mix(h, (uint64_t)s->st_size);
    h = mix(h, (uint64_t)s->st_mtim.tv_sec);
    return mix(h, (uint64_t)s->st_mtim.tv_nsec);
}

/* A file, or a folder and what is in it and in its own folders, in any order: sentence-transformers
 * keeps modules there. */
static uint64_t of_folder(int at, const char *path, int depth)
{
    int fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
    struct dirent *entry;
    struct stat s;
    uint64_t h = 0;

    if (folder == NULL && fd >= 0)
        close(fd);
    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        if (strcmp(entry->d_name, "..") == 0 || fstatat(fd, entry->d_name, &s, 0) != 0)
            continue;
        h += of_stat(&s);
        if (depth > 0 && S_ISDIR(s.st_mode) && strcmp(entry->d_name, ".") != 0)
            h += of_folder(fd, entry->d_name, depth - 1);
    }
    if (folder != NULL)
        closedir(folder);
    return h;
}

static uint64_t of_path(const char *path)
{
    struct stat s;

    return (stat(path, &s) == 0 ? of_stat(&s) : 0) + of_folder(AT_FDCWD, path, 1);
}

/* ---- Sessions ----------------------------------------------------------------- */

static void destroy_sessions(struct bert__sql_session *session)
{
    while (session != NULL) {
        struct bert__sql_session *next = session->next;

        bert_session_destroy(session->session);
        free(session);
        session = next;
    }
}

/* Under the lock: takes what is too much off the idle ones, to be destroyed without it. */
static struct bert__sql_session *trim(struct bert__sql_model *model)
{
    struct bert__sql_session *surplus = NULL;

    while (model->n_idle > model->names) {
        struct bert__sql_session *session = model->idle;

        model->idle = session->next;
        model->n_idle--;
        session->next = surplus;
        surplus = session;
    }
    return surplus;
}

static struct bert__sql_session *take_idle(struct bert__sql_model *model, uint32_t threads)
{
    struct bert__sql_session *session = NULL;

    pthread_mutex_lock(&lock);
    for (struct bert__sql_session **at = &model->idle; *at != NULL; at = &(*at)->next)
        if ((*at)->threads == threads) {
            session = *at;
            *at = session->next;
            model->n_idle--;
            break;
        }
    pthread_mutex_unlock(&lock);
    return session;
}

static bert_status make_session(struct bert__sql_session **out, bert_model *model, uint32_t threads,
                                bert_error *err)
{
    bert_session_options options = BERT_SESSION_OPTIONS_INIT;
    struct bert__sql_session *session = calloc(1, sizeof(*session));
    bert_status status;

    if (session == NULL)
        return fail(err, BERT_ENOMEM, "no memory for a session", NULL);
    session->threads = threads;
    options.threads = threads;
    options.cancel = bert__sql_watch_ask;
    options.cancel_context = &session->watch;
    status = bert_session_create(&session->session, model, &options, err);
    if (status == BERT_OK)
        *out = session;
    else
        free(session);
    return status;
}

bert_status bert__sql_session_take(struct bert__sql_session **out, struct bert__sql_model *model,
                                   uint32_t threads, sqlite3 *db, bert_error *err)
{
    bert_status status = BERT_OK;

    *out = take_idle(model, threads);
    if (*out == NULL)
        status = make_session(out, model->model, threads, err);
    if (status == BERT_OK)
        bert__sql_watch_begin(&(*out)->watch, db);
    return status;
}

void bert__sql_session_give(struct bert__sql_model *model, struct bert__sql_session *session)
{
    struct bert__sql_session *surplus;

    bert__sql_watch_end(&session->watch);
    pthread_mutex_lock(&lock);
    session->next = model->idle;
    model->idle = session;
    model->n_idle++;
    surplus = trim(model);
    pthread_mutex_unlock(&lock);
    destroy_sessions(surplus);
}

/* ---- Users ---------------------------------------------------------------------- */

void bert__sql_model_use(struct bert__sql_model *model)
{
    pthread_mutex_lock(&lock);
    model->users++;
    pthread_mutex_unlock(&lock);
}

void bert__sql_model_named(struct bert__sql_model *model, int change)
{
    struct bert__sql_session *surplus;

    pthread_mutex_lock(&lock);
    model->names = change > 0 ? model->names + 1 : model->names - 1;
    surplus = trim(model);
    pthread_mutex_unlock(&lock);
    destroy_sessions(surplus);
}

size_t bert__sql_model_names(const struct bert__sql_model *model)
{
    size_t names;

    pthread_mutex_lock(&lock);
    names = model->names;
    pthread_mutex_unlock(&lock);
    return names;
}

size_t bert__sql_models_count(void)
{
    size_t count = 0;

    pthread_mutex_lock(&lock);
    for (const struct bert__sql_model *m = models; m != NULL; m = m->next)
        count++;
    pthread_mutex_unlock(&lock);
    return count;
}

static void unlink_model(const struct bert__sql_model *model)
{
    for (struct bert__sql_model **at = &models; *at != NULL; at = &(*at)->next)
        if (*at == model) {
            *at = model->next;
            return;
        }
}

void bert__sql_model_release(struct bert__sql_model *model)
{
    bool last;

    pthread_mutex_lock(&lock);
    last = --model->users == 0;
    if (last)
        unlink_model(model);
    pthread_mutex_unlock(&lock);
    if (!last)
        return;
    destroy_sessions(model->idle);
    bert_model_unref(model->model);
    free(model->path);
    free(model);
}

/* ---- Loading ---------------------------------------------------------------------- */

/* Under the lock. */
static struct bert__sql_model *find(const char *path, uint64_t files, uint32_t precision)
{
    for (struct bert__sql_model *m = models; m != NULL; m = m->next)
        if (m->files == files && m->precision == precision && strcmp(m->path, path) == 0)
            return m;
    return NULL;
}

/* Under the lock: a model that is to be loaded; `path` becomes its own. */
static struct bert__sql_model *add(char *path, uint64_t files, uint32_t precision)
{
    struct bert__sql_model *model = calloc(1, sizeof(*model));

    if (model == NULL)
        return NULL;
    model->serial = ++last_serial;
    model->path = path;
    model->files = files;
    model->precision = precision;
    model->loading = 1;
    model->users = 1;
    model->next = models;
    models = model;
    return model;
}

static bert_status load(struct bert__sql_model *model, struct bert__sql_watch *watch,
                        bert_error *err)
{
    bert_model_options options = BERT_MODEL_OPTIONS_INIT;
    bert_status status;

    options.precision = model->precision;
    options.cancel = bert__sql_watch_ask;
    options.cancel_context = watch;
    status = bert_model_load(&model->model, model->path, &options, err);
    pthread_mutex_lock(&lock);
    model->loading = 0;
    model->failed = status != BERT_OK;
    if (model->failed)
        unlink_model(model);
    pthread_cond_broadcast(&loaded);
    pthread_mutex_unlock(&lock);
    return status;
}

/* Until another has loaded it, or this one is interrupted. */
static bert_status wait_loaded(struct bert__sql_model *model, struct bert__sql_watch *watch,
                               bert_error *err)
{
    int stop = 0, loading;

    do {
        struct timespec until;

        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += 10000000;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        pthread_mutex_lock(&lock);
        if (model->loading)
            pthread_cond_timedwait(&loaded, &lock, &until);
        loading = model->loading;
        pthread_mutex_unlock(&lock);
        if (loading)
            stop = bert__sql_watch_ask(watch);
    } while (loading && !stop);
    return stop ? fail(err, BERT_ECANCELED, "interrupted", NULL) : BERT_OK;
}

/* One try: the model, or NULL with BERT_OK where another's load failed. */
static bert_status get_once(struct bert__sql_model **out, char **path, uint32_t precision,
                            struct bert__sql_watch *watch, bert_error *err)
{
    uint64_t files = of_path(*path);
    struct bert__sql_model *model;
    bool ours = false;
    bert_status status;

    pthread_mutex_lock(&lock);
    model = find(*path, files, precision);
    if (model != NULL) {
        model->users++;
    } else if ((model = add(*path, files, precision)) != NULL) {
        *path = NULL;
        ours = true;
    }
    pthread_mutex_unlock(&lock);
    if (model == NULL)
        return fail(err, BERT_ENOMEM, "no memory for a model", NULL);
    status = ours ? load(model, watch, err) : wait_loaded(model, watch, err);
    if (status == BERT_OK && !model->failed)
        *out = model;
    else
        bert__sql_model_release(model);
    return status;
}

bert_status bert__sql_model_get(struct bert__sql_model **out, const char *path, uint32_t precision,
                                sqlite3 *db, bert_error *err)
{
    struct bert__sql_watch watch;
    char *resolved = realpath(path, NULL);
    bert_status status = BERT_OK;

    *out = NULL;
    if (resolved == NULL) {
        char why[256];

        if (errno == ENOMEM)
            return fail(err, BERT_ENOMEM, "no memory for a path", NULL);
        snprintf(why, sizeof(why), "%s", strerror(errno));
        return fail(err, BERT_EIO, path, why);
    }
    bert__sql_watch_begin(&watch, db);
    while (status == BERT_OK && *out == NULL)
        status = get_once(out, &resolved, precision, &watch, err);
    bert__sql_watch_end(&watch);
    free(resolved);
    return status;
}
