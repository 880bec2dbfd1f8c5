/* SPDX-License-Identifier: MIT */
/* Texts between the server's encoding and the library's UTF-8. */
#include "bindings/postgres/pg_bert.h"

#include <catalog/pg_type.h>
#include <mb/pg_wchar.h>
#include <miscadmin.h>
#include <utils/builtins.h>
#include <utils/memutils.h>

static void check_size(size_t size)
{
    if (size > (size_t)bert__pg_max_text * 1024)
        ereport(ERROR, errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
                errmsg("a text of %zu bytes; bert.max_text is %d kB", size, bert__pg_max_text));
}

bert_text bert__pg_text(const text *in)
{
    bert_text out = {VARDATA_ANY(in), VARSIZE_ANY_EXHDR(in)};
    char *utf8;

    check_size(out.size);
    utf8 = pg_server_to_any(out.data, (int)out.size, PG_UTF8);
    if (utf8 != out.data) {
        out.data = utf8;
        out.size = strlen(utf8);
    }
    return out;
}

text *bert__pg_value(const char *data, size_t size)
{
    char *converted = pg_any_to_server(data, (int)size, PG_UTF8);

    if (converted != data)
        return cstring_to_text(converted);
    return cstring_to_text_with_len(data, (int)size);
}

void bert__pg_texts(struct bert__pg_texts *out, ArrayType *array)
{
    Datum *values;
    bool *nulls;

    if (ARR_NDIM(array) > 1)
        ereport(ERROR, errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
                errmsg("the array of texts has %d dimensions, not one", ARR_NDIM(array)));
    deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &values, &nulls, &out->n_all);
    out->texts =
        MemoryContextAllocHuge(CurrentMemoryContext, ((Size)out->n_all + 1) * sizeof(*out->texts));
    out->index =
        MemoryContextAllocHuge(CurrentMemoryContext, ((Size)out->n_all + 1) * sizeof(*out->index));
    out->n = 0;
    for (int i = 0; i < out->n_all; i++) {
        CHECK_FOR_INTERRUPTS();
        if (nulls[i])
            continue;
        out->texts[out->n] = bert__pg_text(DatumGetTextPP(values[i]));
        out->index[out->n++] = i;
    }
    pfree(values);
    pfree(nulls);
}

int bert__pg_chunk(const bert_text *texts, int n)
{
    size_t bytes = 0;
    int i = 0;

    while (i < Min(n, BERT__PG_CHUNK) && (i == 0 || bytes + texts[i].size <= BERT__PG_CHUNK_BYTES))
        bytes += texts[i++].size;
    return i;
}
