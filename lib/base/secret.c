/* SPDX-License-Identifier: MIT */
#include "lib/base/secret.h"

#include <unistd.h>
#ifdef __linux__
#include <sys/auxv.h>
#endif

#include "lib/base/siphash.h"
#include "lib/base/sys.h"

/* What else in the process is made from these bytes stays hidden behind the hash. */
static void process_secret(uint64_t seed[2])
{
    seed[0] = seed[1] = 0;
#ifdef __linux__
    const void *start = (const void *)getauxval(AT_RANDOM);

    if (start != NULL)
        memcpy(seed, start, 2 * sizeof *seed);
#endif
}

void bert__secret(uint64_t key[2], const void *salt)
{
    uint64_t seed[2], what[4];

    if (bert__sys()->random(key, 2 * sizeof *key) == 0)
        return;
    process_secret(seed);
    what[0] = bert__sys()->now_ns();
    what[1] = (uintptr_t)salt;
    what[2] = (uint64_t)getpid();
    for (what[3] = 0; what[3] < 2; what[3]++)
        key[what[3]] = bert__siphash(seed, (const char *)what, sizeof what, 2, 4);
}
