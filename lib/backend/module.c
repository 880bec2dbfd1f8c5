/* SPDX-License-Identifier: MIT */
/* module.c - opening libbert's own shared objects at run time. */
#include "lib/backend/module.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "config.h"
#include "lib/base/error.h"

enum { PLACES = 2 };

/* Its address tells which file this code was loaded from. */
static const char anchor;

/* Place i to look in, as a path; false if it has no path that fits. */
static bool place(uint32_t i, const char *name, char *path, size_t capacity)
{
    Dl_info self;
    const char *slash;
    int n;

    if (i > 0) {
        n = snprintf(path, capacity, "%s/libbert-%s.so", BERT_MODULE_DIR, name);
        return n > 0 && (size_t)n < capacity;
    }
    /* A program's own name is what its caller says: that of a set-user-ID program must not choose
     * what is loaded, and one found through PATH is relative: what lies in the current folder
     * is not ours to load. */
    if (getauxval(AT_SECURE) != 0)
        return false;
    if (dladdr(&anchor, &self) == 0 || self.dli_fname == NULL || self.dli_fname[0] != '/')
        return false;
    slash = strrchr(self.dli_fname, '/');
    n = snprintf(path, capacity, "%.*sbert/libbert-%s.so", (int)(slash - self.dli_fname + 1),
                 self.dli_fname, name);
    return n > 0 && (size_t)n < capacity;
}

static bool find(const char *name, char *path, size_t capacity)
{
    if (name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_")] != '\0')
        return false; /* a name, not a path */
    for (uint32_t i = 0; i < PLACES; i++) {
        if (place(i, name, path, capacity) && access(path, R_OK) == 0)
            return true;
    }
    return false;
}

bool bert__module_exists(const char *name)
{
    char path[PATH_MAX];

    return find(name, path, sizeof path);
}

bert_status bert__module_symbol(void **out, const char *name, const char *symbol, bert_error *err)
{
    char path[PATH_MAX];
    char shown[84];
    void *module;

    *out = NULL;
    if (!find(name, path, sizeof path))
        return bert__fail(err, BERT_EBACKEND, "libbert-%s.so is neither beside libbert nor in %s",
                          bert__printable(shown, name, strlen(name)), BERT_MODULE_DIR);
    module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (module == NULL)
        return bert__fail(err, BERT_EBACKEND, "%s can't be opened: %s", path, dlerror());
    *out = dlsym(module, symbol);
    if (*out == NULL) {
        dlclose(module);
        return bert__fail(err, BERT_EBACKEND, "%s has no symbol %s", path, symbol);
    }
    return BERT_OK;
}
