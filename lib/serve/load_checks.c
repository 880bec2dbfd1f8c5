/* SPDX-License-Identifier: MIT */
/* load_checks.c - before a model serves: its manifest, its golden inputs. */
#include <bert/manifest.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/error.h"
#include "lib/base/sys.h"
#include "lib/serve/engine_parts.h"
#include "lib/serve/loads.h"

/* A file that lies with the model: PATH/NAME of a directory, PATH.SUFFIX of a packed file.  What
 * can't be told is looked at, so that the check itself says what is wrong. */
static bert_status is_there(const struct bert__load *load, const char *name, const char *suffix,
                            bool *out, bert_error *err)
{
    size_t size = strlen(load->path) + strlen(name) + strlen(suffix) + 2;
    char *path = bert__alloc(load->engine->alloc, size);
    struct stat st;
    bool folder = false;
    int fd;

    if (path == NULL)
        return bert__alloc_fail(load->engine->alloc, "a path", err);
    fd = bert__sys()->openat(AT_FDCWD, load->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd >= 0) {
        folder = bert__sys()->fstat(fd, &st) == 0 && S_ISDIR(st.st_mode);
        bert__sys()->close(fd);
    }
    snprintf(path, size, folder ? "%s/%s" : "%s%s", load->path, folder ? name : suffix);
    fd = bert__sys()->openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    *out = fd >= 0 || errno != ENOENT;
    if (fd >= 0)
        bert__sys()->close(fd);
    bert__alloc_free(load->engine->alloc, path);
    return BERT_OK;
}

static bert_status wanted(const struct bert__load *load, uint32_t check, const char *name,
                          const char *suffix, bool *out, bert_error *err)
{
    bert_status st = BERT_OK;

    *out = check == BERT_CHECK_REQUIRED;
    if (check != BERT_CHECK_OFF)
        st = is_there(load, name, suffix, out, err);
    if (st == BERT_OK && !*out && check == BERT_CHECK_REQUIRED)
        st = bert__fail(err, BERT_EFORMAT, "%s: it has no %s, which is required", load->path, name);
    return st;
}

bert_status bert__load_check_files(struct bert__load *load, bert_error *err)
{
    bert_manifest_options o = BERT_MANIFEST_OPTIONS_INIT;
    bool check;
    bert_status st =
        wanted(load, load->options.manifest, "bert_manifest.json", ".manifest.json", &check, err);

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
    bert_status st = wanted(load, load->options.golden, "golden.json", ".golden.json", &check, err);

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
