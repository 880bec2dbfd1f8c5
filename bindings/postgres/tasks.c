/* SPDX-License-Identifier: MIT */
/* bert_rerank() and bert_entities(). */
#include "bindings/postgres/pg_bert.h"

#include <funcapi.h>
#include <mb/pg_wchar.h>
#include <miscadmin.h>
#include <utils/memutils.h>

/* ---- Re-ranking ------------------------------------------------------------------- */

static void free_rankings(void *result)
{
    bert_rankings_free(result);
}

struct scored {
    float score;
    int i; /* of the texts that are not NULL */
};

static void score_chunk(struct bert__pg_model *model, bert_text query,
                        const struct bert__pg_texts *texts, int at, int n, struct scored *out)
{
    bert_session *session = bert__pg_session(model);
    struct bert__pg_kept *kept = bert__pg_keep(free_rankings);
    bert_rankings *result = NULL;
    bert_error err;
    bert_status status =
        bert_rerank(session, query, texts->texts + at, (size_t)n, NULL, &result, &err);

    kept->object = result;
    if (status != BERT_OK)
        bert__pg_fail(model->name, status, err.message);
    for (int i = 0; i < n; i++) {
        status = bert_rankings_status(result, (size_t)i);
        if (status != BERT_OK)
            bert__pg_fail_text(model->name, texts->index[at + i], status,
                               bert_rankings_message(result, (size_t)i));
        out[at + i].score = bert_rankings_score(result, (size_t)i);
        out[at + i].i = at + i;
    }
    bert__pg_drop(kept);
}

static int best_first(const void *a, const void *b, void *unused)
{
    const struct scored *x = a, *y = b;

    (void)unused;
    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return (x->i > y->i) - (x->i < y->i);
}

static struct scored *score_all(struct bert__pg_model *model, bert_text query,
                                const struct bert__pg_texts *texts)
{
    struct scored *scored =
        MemoryContextAllocHuge(CurrentMemoryContext, ((Size)texts->n + 1) * sizeof(*scored));

    for (int at = 0, n; at < texts->n; at += n) {
        CHECK_FOR_INTERRUPTS();
        n = bert__pg_chunk(texts->texts + at, texts->n - at);
        score_chunk(model, query, texts, at, n, scored);
    }
    qsort_interruptible(scored, (size_t)texts->n, sizeof(*scored), best_first, NULL);
    return scored;
}

PG_FUNCTION_INFO_V1(pg_bert_rerank);

Datum pg_bert_rerank(PG_FUNCTION_ARGS)
{
    struct bert__pg_model *model = bert__pg_model_get(PG_GETARG_TEXT_PP(0));
    bert_text query = bert__pg_text(PG_GETARG_TEXT_PP(1));
    ReturnSetInfo *set = (ReturnSetInfo *)fcinfo->resultinfo;
    struct bert__pg_texts texts;
    struct scored *scored;

    bert__pg_texts(&texts, PG_GETARG_ARRAYTYPE_P(2));
    InitMaterializedSRF(fcinfo, 0);
    scored = score_all(model, query, &texts);
    for (int r = 0; r < texts.n; r++) {
        bert_text body = texts.texts[scored[r].i];
        Datum values[4] = {Int32GetDatum(r + 1), Int32GetDatum(texts.index[scored[r].i] + 1),
                           Float4GetDatum(scored[r].score),
                           PointerGetDatum(bert__pg_value(body.data, body.size))};
        bool nulls[4] = {false, false, false, false};

        CHECK_FOR_INTERRUPTS();
        tuplestore_putvalues(set->setResult, set->setDesc, values, nulls);
        pfree(DatumGetPointer(values[3]));
    }
    return (Datum)0;
}

/* ---- Entities --------------------------------------------------------------------- */

static void free_entities(void *result)
{
    bert_entities_free(result);
}

/* Places are those of substr(), to which SQL_ASCII's characters are bytes. */
static void put_entity(ReturnSetInfo *set, const bert_entity *e, bert_text body)
{
    size_t size = e->bytes.end - e->bytes.start;
    const bert_span *place = GetDatabaseEncoding() == PG_SQL_ASCII ? &e->bytes : &e->chars;
    Datum values[5] = {PointerGetDatum(bert__pg_value(e->label, strlen(e->label))),
                       Float4GetDatum(e->score),
                       PointerGetDatum(bert__pg_value(body.data + e->bytes.start, size)),
                       Int32GetDatum((int32)place->start), Int32GetDatum((int32)place->end)};
    bool nulls[5] = {false, false, false, false, false};

    CHECK_FOR_INTERRUPTS();
    tuplestore_putvalues(set->setResult, set->setDesc, values, nulls);
    pfree(DatumGetPointer(values[0]));
    pfree(DatumGetPointer(values[2]));
}

PG_FUNCTION_INFO_V1(pg_bert_entities);

Datum pg_bert_entities(PG_FUNCTION_ARGS)
{
    struct bert__pg_model *model = bert__pg_model_get(PG_GETARG_TEXT_PP(0));
    bert_text body = bert__pg_text(PG_GETARG_TEXT_PP(1));
    ReturnSetInfo *set = (ReturnSetInfo *)fcinfo->resultinfo;
    bert_session *session = bert__pg_session(model);
    struct bert__pg_kept *kept;
    bert_entities *result = NULL;
    bert_status status;
    bert_error err;

    InitMaterializedSRF(fcinfo, 0);
    kept = bert__pg_keep(free_entities);
    status = bert_tag(session, &body, 1, NULL, &result, &err);
    kept->object = result;
    if (status != BERT_OK)
        bert__pg_fail(model->name, status, err.message);
    status = bert_entities_status(result, 0);
    if (status != BERT_OK)
        bert__pg_fail(model->name, status, bert_entities_message(result, 0));
    for (size_t i = 0; i < bert_entities_count(result, 0); i++)
        put_entity(set, bert_entities_list(result, 0) + i, body);
    bert__pg_drop(kept);
    return (Datum)0;
}
