/* SPDX-License-Identifier: MIT */
#include "examples/bert/spill.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "examples/bert/memory.h"
#include "examples/bert/message.h"

static bool fail(void)
{
    message_errno("temporary file", "can't be used (see TMPDIR)", errno);
    return false;
}

bool spill_open(struct spill *spill)
{
    const char *folder = getenv("TMPDIR");
    char *path;
    size_t size;
    int fd;

    if (folder == NULL || *folder == '\0')
        folder = "/tmp";
    size = strlen(folder) + sizeof "/bert-XXXXXX";
    path = get_memory(size, 1);
    snprintf(path, size, "%s/bert-XXXXXX", folder);
    fd = mkstemp(path);
    if (fd >= 0)
        unlink(path);
    free(path);
    spill->file = fd >= 0 ? fdopen(fd, "w+b") : NULL;
    if (spill->file == NULL && fd >= 0)
        close(fd);
    return spill->file != NULL || fail();
}

bool spill_write(struct spill *spill, const void *data, size_t size)
{
    return fwrite(data, 1, size, spill->file) == size || fail();
}

bool spill_rewind(struct spill *spill)
{
    return (fflush(spill->file) == 0 && fseek(spill->file, 0, SEEK_SET) == 0) || fail();
}

bool spill_read(struct spill *spill, void *data, size_t size)
{
    return fread(data, 1, size, spill->file) == size || fail();
}

void spill_close(struct spill *spill)
{
    if (spill->file != NULL)
        fclose(spill->file);
    spill->file = NULL;
}
