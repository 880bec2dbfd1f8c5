/* SPDX-License-Identifier: MIT */
/* loader.c - backends by name; those that are modules are opened on first use. */
#include <string.h>

#include "lib/backend/backend.h"
#include "lib/backend/module.h"
#include "lib/base/error.h"

bert_status bert__backend_find(const struct bert__backend **out, const char *name, bert_error *err)
{
    const struct bert__backend *backend;
    bert__backend_entry_fn entry;
    void *symbol;
    bert_status st;

    *out = &bert__backend_cpu;
    if (name == NULL || strcmp(name, bert__backend_cpu.name) == 0)
        return BERT_OK;
    *out = NULL;
    st = bert__module_symbol(&symbol, name, BERT__BACKEND_ENTRY, err);
    if (st != BERT_OK)
        return st;
    memcpy(&entry, &symbol, sizeof entry); /* ISO C has no cast from object to function */
    backend = entry();
    if (backend == NULL)
        return bert__fail(err, BERT_EBACKEND, "backend %s does not work on this machine", name);
    if (backend->abi != BERT__BACKEND_ABI)
        return bert__fail(err, BERT_EBACKEND, "backend %s has interface %lu, this libbert %d", name,
                          (unsigned long)backend->abi, BERT__BACKEND_ABI);
    *out = backend;
    return BERT_OK;
}
