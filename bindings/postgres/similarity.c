/* SPDX-License-Identifier: MIT */
/* bert_similarity(). */
#include "bindings/postgres/pg_bert.h"

#include <miscadmin.h>

static const float *check_vector(ArrayType *array, const char *which)
{
    if (ARR_NDIM(array) != 1)
        ereport(
            ERROR, errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
            errmsg("the %s vector is an array of %d dimensions, not one", which, ARR_NDIM(array)));
    if (array_contains_nulls(array))
        ereport(ERROR, errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
                errmsg("the %s vector has NULL in it", which));
    return (const float *)ARR_DATA_PTR(array);
}

static float similarity(const char *name, const char *function, const float *a, const float *b,
                        size_t n)
{
    bert_error err;
    float out = 0;
    bert_status status = bert_similarity(function, a, b, n, &out, &err);

    if (status != BERT_OK)
        bert__pg_fail(name, status, err.message);
    return out;
}

PG_FUNCTION_INFO_V1(pg_bert_cosine);

Datum pg_bert_cosine(PG_FUNCTION_ARGS)
{
    ArrayType *a = PG_GETARG_ARRAYTYPE_P(0), *b = PG_GETARG_ARRAYTYPE_P(1);
    const float *x = check_vector(a, "first"), *y = check_vector(b, "second");
    float score;

    if (ARR_DIMS(a)[0] != ARR_DIMS(b)[0])
        ereport(ERROR, errcode(ERRCODE_DATA_EXCEPTION),
                errmsg("vectors of %d and %d numbers", ARR_DIMS(a)[0], ARR_DIMS(b)[0]));
    score = similarity("", "cosine", x, y, (size_t)ARR_DIMS(a)[0]);
    PG_FREE_IF_COPY(a, 0);
    PG_FREE_IF_COPY(b, 1);
    PG_RETURN_FLOAT4(score);
}

PG_FUNCTION_INFO_V1(pg_bert_similarity);

Datum pg_bert_similarity(PG_FUNCTION_ARGS)
{
    struct bert__pg_model *model = bert__pg_model_get(PG_GETARG_TEXT_PP(0));
    bert_text texts[2] = {bert__pg_text(PG_GETARG_TEXT_PP(1)), bert__pg_text(PG_GETARG_TEXT_PP(2))};
    size_t size = bert__pg_embed_size(model);
    float *vectors = palloc(2 * size * sizeof(float));

    bert__pg_embed(model, texts, NULL, 2, vectors, size);
    PG_RETURN_FLOAT4(similarity(model->name,
                                bert_model_embedding_similarity(model->model, BERT_EMBEDDING_DENSE),
                                vectors, vectors + size, size));
}
