/* SPDX-License-Identifier: MIT */
/* What is given as jsonb: bert_classify() and bert_info(). */
#include "bindings/postgres/pg_bert.h"

#include <math.h>

#include <common/shortest_dec.h>
#include <utils/builtins.h>
#include <utils/fmgrprotos.h>
#include <utils/jsonb.h>

/* ---- Writing ------------------------------------------------------------------------ */

static void put_key(JsonbParseState **state, const char *key)
{
    JsonbValue v;

    v.type = jbvString;
    v.val.string.val = pstrdup(key);
    v.val.string.len = (int)strlen(key);
    pushJsonbValue(state, WJB_KEY, &v);
}

/* token: WJB_VALUE, or WJB_ELEM in an array. */
static void put_string(JsonbParseState **state, JsonbIteratorToken token, const char *utf8)
{
    text *value = bert__pg_value(utf8, strlen(utf8));
    JsonbValue v;

    v.type = jbvString;
    v.val.string.val = VARDATA_ANY(value);
    v.val.string.len = (int)VARSIZE_ANY_EXHDR(value);
    pushJsonbValue(state, token, &v);
}

/* JSON has neither NaN nor infinity.  As many digits as give the same float back: float4_numeric()
 * has six. */
static void put_float(JsonbParseState **state, float x)
{
    char digits[FLOAT_SHORTEST_DECIMAL_LEN];
    JsonbValue v;

    v.type = isfinite(x) ? jbvNumeric : jbvNull;
    if (isfinite(x)) {
        float_to_shortest_decimal_buf(x, digits);
        v.val.numeric = DatumGetNumeric(DirectFunctionCall3(
            numeric_in, CStringGetDatum(digits), ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
    }
    pushJsonbValue(state, WJB_VALUE, &v);
}

static void put_integer(JsonbParseState **state, uint64_t x)
{
    JsonbValue v;

    v.type = jbvNumeric;
    v.val.numeric = DatumGetNumeric(DirectFunctionCall1(int8_numeric, Int64GetDatum((int64)x)));
    pushJsonbValue(state, WJB_VALUE, &v);
}

static void put_bool(JsonbParseState **state, bool x)
{
    JsonbValue v;

    v.type = jbvBool;
    v.val.boolean = x;
    pushJsonbValue(state, WJB_VALUE, &v);
}

/* ---- Classification -------------------------------------------------------------------- */

static void free_classifications(void *result)
{
    bert_classifications_free(result);
}

static Datum labels_json(const bert_classifications *result)
{
    const bert_label_score *labels = bert_classifications_labels(result, 0);
    JsonbParseState *state = NULL;

    pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
    for (size_t i = 0; i < bert_classifications_count(result, 0); i++) {
        pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
        put_key(&state, "label");
        put_string(&state, WJB_VALUE, labels[i].label);
        put_key(&state, "score");
        put_float(&state, labels[i].score);
        pushJsonbValue(&state, WJB_END_OBJECT, NULL);
    }
    return JsonbPGetDatum(JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_ARRAY, NULL)));
}

PG_FUNCTION_INFO_V1(pg_bert_classify);

Datum pg_bert_classify(PG_FUNCTION_ARGS)
{
    struct bert__pg_model *model = bert__pg_model_get(PG_GETARG_TEXT_PP(0));
    bert_text body = bert__pg_text(PG_GETARG_TEXT_PP(1)), pair = {NULL, 0};
    bert_session *session = bert__pg_session(model);
    struct bert__pg_kept *kept = bert__pg_keep(free_classifications);
    bert_classifications *result = NULL;
    bert_status status;
    bert_error err;
    Datum json;

    if (PG_NARGS() > 2)
        pair = bert__pg_text(PG_GETARG_TEXT_PP(2));
    status = bert_classify(session, &body, PG_NARGS() > 2 ? &pair : NULL, 1, NULL, &result, &err);
    kept->object = result;
    if (status != BERT_OK)
        bert__pg_fail(model->name, status, err.message);
    status = bert_classifications_status(result, 0);
    if (status != BERT_OK)
        bert__pg_fail(model->name, status, bert_classifications_message(result, 0));
    json = labels_json(result);
    bert__pg_drop(kept);
    PG_RETURN_DATUM(json);
}

/* ---- What a model is --------------------------------------------------------------------- */

static const char *precision_name(bert_precision precision)
{
    switch (precision) {
    case BERT_PRECISION_FP32:
        return "fp32";
    case BERT_PRECISION_BF16:
        return "bf16";
    case BERT_PRECISION_INT8:
        return "int8";
    default:
        return "other";
    }
}

static void put_labels(JsonbParseState **state, const bert_model *model)
{
    put_key(state, "labels");
    pushJsonbValue(state, WJB_BEGIN_ARRAY, NULL);
    for (uint32_t i = 0; i < bert_model_label_count(model); i++)
        put_string(state, WJB_ELEM, bert_model_label(model, i));
    pushJsonbValue(state, WJB_END_ARRAY, NULL);
}

static void put_numbers(JsonbParseState **state, const bert_model *model)
{
    put_key(state, "dimensions");
    put_integer(state, bert_model_embedding_size(model));
    put_key(state, "max_length");
    put_integer(state, bert_model_max_length(model));
    put_key(state, "parameters");
    put_integer(state, bert_model_parameters(model));
    put_key(state, "bytes");
    put_integer(state, bert_model_bytes(model));
}

PG_FUNCTION_INFO_V1(pg_bert_info);

Datum pg_bert_info(PG_FUNCTION_ARGS)
{
    struct bert__pg_model *m = bert__pg_model_get(PG_GETARG_TEXT_PP(0));
    JsonbParseState *state = NULL;

    pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
    put_key(&state, "task");
    put_string(&state, WJB_VALUE, bert_model_task(m->model));
    put_key(&state, "architecture");
    put_string(&state, WJB_VALUE, bert_model_architecture(m->model));
    put_key(&state, "precision");
    put_string(&state, WJB_VALUE, precision_name(bert_model_precision(m->model)));
    put_key(&state, "similarity");
    put_string(&state, WJB_VALUE, bert_model_similarity(m->model));
    put_key(&state, "cpu");
    put_string(&state, WJB_VALUE, bert_model_cpu(m->model));
    put_key(&state, "preloaded");
    put_bool(&state, m->preloaded);
    put_numbers(&state, m->model);
    put_labels(&state, m->model);
    PG_RETURN_JSONB_P(JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL)));
}
