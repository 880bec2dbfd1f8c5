/* SPDX-License-Identifier: MIT */
/* bert_embed(). */
#include "bindings/postgres/pg_bert.h"

#include <catalog/pg_type.h>
#include <miscadmin.h>
#include <utils/memutils.h>

size_t bert__pg_embed_size(const struct bert__pg_model *model)
{
    bert_error err;
    size_t size;
    bert_status status = bert_embed_size(model->model, NULL, &size, &err);

    if (status != BERT_OK)
        bert__pg_fail(model->name, status, err.message);
    return size;
}

/* A call in a batch gives a status alone; the text by itself, why. */
static void fail_text(struct bert__pg_model *model, bert_text body, int place, float *out,
                      size_t size)
{
    bert_error err;
    bert_status status = bert_embed(model->session, &body, 1, NULL, out, size, NULL, &err);

    if (status == BERT_OK) {
        status = BERT_EINTERNAL;
        strlcpy(err.message, "a text fails with others only", sizeof(err.message));
    }
    bert__pg_fail_text(model->name, place, status, err.message);
}

static void embed_chunk(struct bert__pg_model *model, const bert_text *texts, const int *index,
                        int n, float *out, size_t size)
{
    bert_session *session = bert__pg_session(model);
    bert_embed_report reports[BERT__PG_CHUNK];
    bert_error err;
    bert_status status =
        bert_embed(session, texts, (size_t)n, NULL, out, (size_t)n * size, reports, &err);

    if (status != BERT_OK)
        bert__pg_fail(model->name, status, err.message);
    for (int i = 0; i < n; i++)
        if (reports[i].status != BERT_OK)
            fail_text(model, texts[i], index != NULL ? index[i] : -1, out, size);
}

void bert__pg_embed(struct bert__pg_model *model, const bert_text *texts, const int *index, int n,
                    float *out, size_t size)
{
    for (int at = 0, k; at < n; at += k) {
        CHECK_FOR_INTERRUPTS();
        k = bert__pg_chunk(texts + at, n - at);
        embed_chunk(model, texts + at, index != NULL ? index + at : NULL, k,
                    out + (size_t)at * size, size);
    }
}

/* ---- Arrays ------------------------------------------------------------------------ */

static ArrayType *make_array(int ndim, Size overhead, bool nulls, Size floats)
{
    ArrayType *array;

    if (floats > (MaxAllocSize - overhead) / sizeof(float))
        ereport(ERROR, errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
                errmsg("the vectors are larger than a value may be"),
                errhint("bert_embed_each() gives a row for each text."));
    /* Not all of up to 1 GB at once, which takes long: it is written as it is computed. */
    array = palloc(overhead + floats * sizeof(float));
    memset(array, 0, overhead);
    SET_VARSIZE(array, overhead + floats * sizeof(float));
    array->ndim = ndim;
    array->dataoffset = nulls ? (int32)overhead : 0;
    array->elemtype = FLOAT4OID;
    for (int i = 0; i < ndim; i++)
        ARR_LBOUND(array)[i] = 1;
    return array;
}

ArrayType *bert__pg_vector(size_t size)
{
    ArrayType *array = make_array(1, ARR_OVERHEAD_NONULLS(1), false, size);

    ARR_DIMS(array)[0] = (int)size;
    return array;
}

/* A row for each text, one of NULLs for a NULL. */
static ArrayType *make_rows(const struct bert__pg_texts *texts, size_t size)
{
    bool nulls = texts->n < texts->n_all;
    int dims[2] = {texts->n_all, (int)size};
    int items = ArrayGetNItems(2, dims); /* or raises */
    Size overhead = nulls ? ARR_OVERHEAD_WITHNULLS(2, items) : ARR_OVERHEAD_NONULLS(2);
    ArrayType *array = make_array(2, overhead, nulls, (Size)texts->n * size);
    bits8 *bitmap = ARR_NULLBITMAP(array);

    memcpy(ARR_DIMS(array), dims, sizeof(dims));
    for (int i = 0; nulls && i < texts->n; i++)
        for (size_t k = 0; k < size; k++) {
            size_t bit = (size_t)texts->index[i] * size + k;

            bitmap[bit / 8] |= (bits8)(1 << bit % 8);
        }
    return array;
}

PG_FUNCTION_INFO_V1(pg_bert_embed_array);

Datum pg_bert_embed_array(PG_FUNCTION_ARGS)
{
    struct bert__pg_model *model = bert__pg_model_get(PG_GETARG_TEXT_PP(0));
    size_t size = bert__pg_embed_size(model);
    struct bert__pg_texts texts;
    ArrayType *array;

    bert__pg_texts(&texts, PG_GETARG_ARRAYTYPE_P(1));
    if (texts.n_all == 0)
        PG_RETURN_ARRAYTYPE_P(construct_empty_array(FLOAT4OID));
    array = make_rows(&texts, size);
    bert__pg_embed(model, texts.texts, texts.index, texts.n, (float *)ARR_DATA_PTR(array), size);
    PG_RETURN_ARRAYTYPE_P(array);
}

/* ---- One text ------------------------------------------------------------------------ */

/* The last vector of this place in a query. */
struct last {
    struct bert__pg_model *model;
    text *text;
    ArrayType *vector;
};

static bool is_last(const struct last *last, const struct bert__pg_model *model, const text *body)
{
    return last != NULL && last->model == model
           && VARSIZE_ANY_EXHDR(last->text) == VARSIZE_ANY_EXHDR(body)
           && memcmp(VARDATA_ANY(last->text), VARDATA_ANY(body), VARSIZE_ANY_EXHDR(body)) == 0;
}

static void *copy(MemoryContext context, const void *value)
{
    return memcpy(MemoryContextAlloc(context, VARSIZE_ANY(value)), value, VARSIZE_ANY(value));
}

static void keep_last(FmgrInfo *info, struct bert__pg_model *model, const text *body,
                      const ArrayType *vector)
{
    struct last *last = info->fn_extra;

    if (last == NULL) {
        last = MemoryContextAllocZero(info->fn_mcxt, sizeof(*last));
        info->fn_extra = last;
    }
    last->model = NULL;
    if (last->text != NULL)
        pfree(last->text);
    last->text = NULL;
    last->text = copy(info->fn_mcxt, body);
    if (last->vector != NULL)
        pfree(last->vector);
    last->vector = NULL;
    last->vector = copy(info->fn_mcxt, vector);
    last->model = model;
}

PG_FUNCTION_INFO_V1(pg_bert_embed);

Datum pg_bert_embed(PG_FUNCTION_ARGS)
{
    struct bert__pg_model *model = bert__pg_model_get(PG_GETARG_TEXT_PP(0));
    const text *body = PG_GETARG_TEXT_PP(1);
    ArrayType *vector;
    bert_text utf8;
    size_t size;

    if (is_last(fcinfo->flinfo->fn_extra, model, body))
        PG_RETURN_ARRAYTYPE_P(
            copy(CurrentMemoryContext, ((struct last *)fcinfo->flinfo->fn_extra)->vector));
    size = bert__pg_embed_size(model);
    vector = bert__pg_vector(size);
    utf8 = bert__pg_text(body);
    bert__pg_embed(model, &utf8, NULL, 1, (float *)ARR_DATA_PTR(vector), size);
    if (get_fn_expr_arg_stable(fcinfo->flinfo, 1))
        keep_last(fcinfo->flinfo, model, body, vector);
    PG_RETURN_ARRAYTYPE_P(vector);
}
