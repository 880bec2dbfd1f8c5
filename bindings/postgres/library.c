/* SPDX-License-Identifier: MIT */
/* The library's objects under memory contexts, its errors as the server's. */
#include "bindings/postgres/pg_bert.h"

#include <mb/pg_wchar.h>
#include <miscadmin.h>
#include <storage/procsignal.h>
#include <tcop/tcopprot.h>
#include <utils/memutils.h>
#include <utils/timeout.h>

static void free_kept(void *argument)
{
    struct bert__pg_kept *kept = argument;

    if (kept->object != NULL)
        kept->free(kept->object);
    kept->object = NULL;
}

struct bert__pg_kept *bert__pg_keep(void (*free_object)(void *object))
{
    struct bert__pg_kept *kept = palloc0(sizeof(*kept));

    kept->free = free_object;
    kept->callback.func = free_kept;
    kept->callback.arg = kept;
    MemoryContextRegisterResetCallback(CurrentMemoryContext, &kept->callback);
    return kept;
}

void bert__pg_drop(struct bert__pg_kept *kept)
{
    free_kept(kept);
}

/* Of <libpq/libpq.h>, which includes headers of Kerberos. */
extern bool pq_check_connection(void);

/* As ProcessInterrupts() does it, but for the error. */
static void check_client(void)
{
    CheckClientConnectionPending = false;
    if (client_connection_check_interval <= 0)
        return;
    if (pq_check_connection())
        enable_timeout_after(CLIENT_CONNECTION_CHECK_TIMEOUT, client_connection_check_interval);
    else
        ClientConnectionLost = true;
}

/* What others wait for while a call is long, such as DROP DATABASE for the barrier.  What raises an
 * error is left pending, and comes up again after the call.  Meanwhile no cancel is acted upon, as
 * a line in the log would do: its error would be taken for one of theirs. */
static void serve_others(void)
{
    MemoryContext context = CurrentMemoryContext;
    uint32 cancel_holdoff = QueryCancelHoldoffCount;

    HOLD_INTERRUPTS();
    PG_TRY();
    {
        if (ProcSignalBarrierPending)
            ProcessProcSignalBarrier();
        if (LogMemoryContextPending)
            ProcessLogMemoryContextInterrupt();
        if (CheckClientConnectionPending)
            check_client();
        RESUME_INTERRUPTS();
    }
    PG_CATCH();
    {
        QueryCancelHoldoffCount = cancel_holdoff; /* an error ends all holds; there was no other */
        MemoryContextSwitchTo(context);
        FlushErrorState();
    }
    PG_END_TRY();
}

/* Yes to what CHECK_FOR_INTERRUPTS() would act upon by an error, nothing else: else the call would
 * end for nothing.  InterruptPending stays, so that it sees the same after the call. */
int bert__pg_cancelled(void *context)
{
    (void)context;
    if (!InterruptPending || InterruptHoldoffCount != 0 || CritSectionCount != 0)
        return 0;
    if (ProcSignalBarrierPending || LogMemoryContextPending || CheckClientConnectionPending)
        serve_others();
    return ProcDiePending || ClientConnectionLost
           || (QueryCancelPending && QueryCancelHoldoffCount == 0);
}

int bert__pg_sqlstate(bert_status status)
{
    switch (status) {
    case BERT_EINVAL:
        return ERRCODE_INVALID_PARAMETER_VALUE;
    case BERT_ENOMEM:
        return ERRCODE_OUT_OF_MEMORY;
    case BERT_EIO:
        return ERRCODE_IO_ERROR;
    case BERT_EFORMAT:
        return ERRCODE_CONFIG_FILE_ERROR;
    case BERT_EUNSUPPORTED:
        return ERRCODE_FEATURE_NOT_SUPPORTED;
    case BERT_ERANGE:
    case BERT_ELIMIT:
        return ERRCODE_PROGRAM_LIMIT_EXCEEDED;
    case BERT_EBACKEND:
        return ERRCODE_EXTERNAL_ROUTINE_EXCEPTION;
    case BERT_ECANCELED:
    case BERT_ETIMEDOUT:
        return ERRCODE_QUERY_CANCELED;
    case BERT_EBUSY:
        return ERRCODE_OBJECT_IN_USE;
    case BERT_ENONFINITE:
        return ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE;
    default:
        return ERRCODE_INTERNAL_ERROR;
    }
}

void bert__pg_fail(const char *model, bert_status status, const char *message)
{
    bert__pg_fail_text(model, -1, status, message);
}

/* An error may not raise another: what the server's encoding lacks is shown as '?', a byte each. */
static char *in_encoding(const char *message)
{
    int size = (int)strlen(message), encoding = GetDatabaseEncoding();
    char *said = pstrdup(message);

    if (pg_verify_mbstr(PG_UTF8, message, size, true)
        && (encoding == PG_UTF8 || encoding == PG_SQL_ASCII))
        return said;
    for (char *at = said; *at != '\0'; at++)
        if (IS_HIGHBIT_SET(*at))
            *at = '?';
    return said;
}

char *bert__pg_message(const char *message)
{
    size_t n = bert__pg_directory != NULL ? strlen(bert__pg_directory) : 0;
    char *said = pstrdup(message), *at = said;

    while (n > 0 && (at = strstr(at, bert__pg_directory)) != NULL) {
        size_t cut = at[n] == '/' ? n + 1 : n;

        memmove(at, at + cut, strlen(at + cut) + 1);
    }
    return in_encoding(said);
}

void bert__pg_fail_text(const char *model, int place, bert_status status, const char *message)
{
    CHECK_FOR_INTERRUPTS(); /* where that was why, with the server's own words */
    ereport(
        ERROR, errcode(bert__pg_sqlstate(status)),
        errmsg("model \"%s\": %s [%s]", model, bert__pg_message(message), bert_status_name(status)),
        place < 0 ? 0 : errdetail("It is text %d of the array.", place + 1));
}
