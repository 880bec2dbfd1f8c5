/* SPDX-License-Identifier: MIT */
/* error.c - filling the caller's bert_error; names of the status codes. */
#include "lib/base/error.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/utf8.h"

const char *bert_version(void)
{
    return BERT_VERSION_STRING;
}

const char *bert_status_name(bert_status status)
{
    static const char *const names[] = {
        "BERT_OK",           "BERT_EINVAL", "BERT_ENOMEM",     "BERT_EIO",       "BERT_EFORMAT",
        "BERT_EUNSUPPORTED", "BERT_ERANGE", "BERT_ELIMIT",     "BERT_EBACKEND",  "BERT_ECANCELED",
        "BERT_ETIMEDOUT",    "BERT_EBUSY",  "BERT_ENONFINITE", "BERT_EINTERNAL",
    };
    int i = -(int)status;

    if (i < 0 || i >= (int)(sizeof names / sizeof names[0]))
        return "BERT_E?";
    return names[i];
}

/* A message is one line of UTF-8: blunt what would confuse a terminal or a log, and where
 * the text was `cut` by the buffer's end, drop the character cut in half. */
static void tidy(char *message, bool cut)
{
    size_t n = strlen(message), i = 0;

    while (i < n) {
        size_t len;
        uint32_t cp = bert__utf8_next(message + i, n - i, &len);

        if (cut && cp == BERT__UTF8_BAD && i + 4 > n) {
            message[i] = '\0';
            return;
        }
        if (cp == BERT__UTF8_BAD || cp < 0x20 || cp == 0x7f)
            memset(message + i, '?', len);
        i += len;
    }
}

bert_status bert__fail(bert_error *err, bert_status code, const char *format, ...)
{
    if (err != NULL) {
        va_list args;
        int n;

        err->code = code;
        va_start(args, format);
        n = vsnprintf(err->message, sizeof err->message, format, args);
        va_end(args);
        if (n < 0)
            err->message[0] = '\0';
        tidy(err->message, n >= (int)sizeof err->message);
    }
    return code;
}

bert_status bert__fail_prefix(bert_error *err, bert_status code, const char *prefix)
{
    if (err != NULL) {
        char old[sizeof err->message];

        memcpy(old, err->message, sizeof old);
        old[sizeof old - 1] = '\0';
        return bert__fail(err, code, "%s: %s", prefix, old);
    }
    return code;
}

bert_status bert__fail_nomem(bert_error *err, const char *what)
{
    return bert__fail(err, BERT_ENOMEM, "out of memory for %s", what);
}

const char *bert__printable(char out[84], const char *data, size_t size)
{
    size_t n = size > 80 ? 80 : size;

    if (n > 0)
        memcpy(out, data, n);
    out[n] = '\0';
    for (size_t i = 0; i < n; i++) {
        if (out[i] == '\0')
            out[i] = '?';
    }
    tidy(out, false);
    if (size > n)
        memcpy(out + n - 3, "...", 4);
    return out;
}
