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

const struct bert__arch *bert__arch_find(const char *model_type, size_t size)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        if (strlen(rows[i]->model_type) == size
            && memcmp(rows[i]->model_type, model_type, size) == 0)
            return rows[i];
    return NULL;
}
