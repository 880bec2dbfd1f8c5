-- SPDX-License-Identifier: MIT
\echo Use "CREATE EXTENSION bert" to load this file. \quit

-- What depends on a model is STABLE: the name may be another model's after the next start, and an
-- index on it would be wrong.  COST makes plans parallel and calls late; the true one, some 100,000,
-- would have queries of a few hundred rows compiled (jit_above_cost).

CREATE FUNCTION bert_embed(model text, body text) RETURNS real[]
AS 'MODULE_PATHNAME', 'pg_bert_embed' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 5000;

CREATE FUNCTION bert_embed(model text, bodies text[]) RETURNS real[]
AS 'MODULE_PATHNAME', 'pg_bert_embed_array' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 50000;

CREATE FUNCTION bert_embed_each(model text, bodies text[], OUT ord integer, OUT embedding real[])
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'pg_bert_embed_each' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 50000 ROWS 100;

CREATE FUNCTION bert_similarity(a real[], b real[]) RETURNS real
AS 'MODULE_PATHNAME', 'pg_bert_cosine' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION bert_similarity(model text, a text, b text) RETURNS real
AS 'MODULE_PATHNAME', 'pg_bert_similarity' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 10000;

CREATE FUNCTION bert_rerank(model text, query text, bodies text[],
    OUT rank integer, OUT ord integer, OUT score real, OUT body text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'pg_bert_rerank' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 50000 ROWS 100;

CREATE FUNCTION bert_classify(model text, body text) RETURNS jsonb
AS 'MODULE_PATHNAME', 'pg_bert_classify' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 5000;

CREATE FUNCTION bert_classify(model text, body text, pair text) RETURNS jsonb
AS 'MODULE_PATHNAME', 'pg_bert_classify' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 5000;

CREATE FUNCTION bert_entities(model text, body text, OUT label text, OUT score real,
    OUT entity text, OUT start_char integer, OUT end_char integer)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'pg_bert_entities' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 5000 ROWS 10;

CREATE FUNCTION bert_info(model text) RETURNS jsonb
AS 'MODULE_PATHNAME', 'pg_bert_info' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 1000;

CREATE FUNCTION bert_version() RETURNS text
AS 'MODULE_PATHNAME', 'pg_bert_version' LANGUAGE C STABLE STRICT PARALLEL SAFE;
