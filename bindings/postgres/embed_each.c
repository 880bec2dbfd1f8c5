/* SPDX-License-Identifier: MIT */
/* bert_embed_each(): a row for each text, so that no value holds all vectors. */
#include "bindings/postgres/pg_bert.h"

#include <funcapi.h>
#include <miscadmin.h>

static void put_row(ReturnSetInfo *set, int ord, const ArrayType *vector)
{
    Datum values[2] = {Int32GetDatum(ord + 1), PointerGetDatum(vector)};
    bool nulls[2] = {false, vector == NULL};

    CHECK_FOR_INTERRUPTS();
    tuplestore_putvalues(set->setResult, set->setDesc, values, nulls);
}

struct rows {
    ReturnSetInfo *set;
    ArrayType *vector;
    float *vectors; /* [BERT__PG_CHUNK][size] */
    size_t size;
    int next; /* place in the array of the next row */
};

static void put_chunk(struct rows *rows, const int *index, int n)
{
    for (int i = 0; i < n; i++) {
        while (rows->next < index[i])
            put_row(rows->set, rows->next++, NULL);
        memcpy(ARR_DATA_PTR(rows->vector), rows->vectors + (size_t)i * rows->size,
               rows->size * sizeof(float));
        put_row(rows->set, rows->next++, rows->vector);
    }
}

PG_FUNCTION_INFO_V1(pg_bert_embed_each);

Datum pg_bert_embed_each(PG_FUNCTION_ARGS)
{
    struct bert__pg_model *model = bert__pg_model_get(PG_GETARG_TEXT_PP(0));
    struct rows rows = {(ReturnSetInfo *)fcinfo->resultinfo, NULL, NULL, 0, 0};
    struct bert__pg_texts texts;

    bert__pg_texts(&texts, PG_GETARG_ARRAYTYPE_P(1));
    InitMaterializedSRF(fcinfo, 0);
    rows.size = bert__pg_embed_size(model);
    rows.vector = bert__pg_vector(rows.size);
    rows.vectors = palloc(BERT__PG_CHUNK * rows.size * sizeof(float));
    for (int at = 0; at < texts.n; at += BERT__PG_CHUNK) {
        int n = Min(texts.n - at, BERT__PG_CHUNK);

        bert__pg_embed(model, texts.texts + at, texts.index + at, n, rows.vectors, rows.size);
        put_chunk(&rows, texts.index + at, n);
    }
    while (rows.next < texts.n_all)
        put_row(rows.set, rows.next++, NULL);
    return (Datum)0;
}
