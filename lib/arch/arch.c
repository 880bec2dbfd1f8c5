/* SPDX-License-Identifier: MIT */
/* arch.c - finding a family's row. */
#include "lib/arch/arch.h"

#include <string.h>

#define BERT__ARCH(name) extern const struct bert__arch bert__arch_##name;
#include "lib/arch/arch_list.inc"
#undef BERT__ARCH

static const struct bert__arch *const rows[] = {
#define BERT__ARCH(name) &bert__arch_##name,
#include "lib/arch/arch_list.inc"
#undef BERT__ARCH
};

const struct bert__arch *bert__arch_at(uint32_t i)
{
    return i < sizeof(rows) / sizeof(*rows) ? rows[i] : NULL;
}

static bool is(const char *name, const char *text, size_t size)
{
    return name != NULL && strlen(name) == size && memcmp(name, text, size) == 0;
}

const struct bert__arch *bert__arch_find(const char *model_type, size_t size, const char *remote,
                                         size_t remote_size)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        if (!is(rows[i]->model_type, model_type, size))
            continue;
        if (remote != NULL ? is(rows[i]->remote_config, remote, remote_size)
                           : !rows[i]->only_remote)
            return rows[i];
    }
    return NULL;
}
