/* SPDX-License-Identifier: MIT */
/* load_write.c - the stages of the reference's classes, in the words of tokenizer.json. */
#include "tokenizer/load_write.h"

#include <stdio.h>

/* ---- Values -------------------------------------------------------------------- */

static void put(struct bert__writer *w, const char *data, size_t n)
{
    size_t need;

    if (w->failed || !bert__size_add(w->size, n, &need)
        || !bert__reserve(w->alloc, &w->data, &w->cap, need, 1)) {
        w->failed = true;
        return;
    }
    memcpy(w->data + w->size, data, n);
    w->size = need;
}

void bert__write(struct bert__writer *w, const char *text)
{
    put(w, text, strlen(text));
}

void bert__write_string(struct bert__writer *w, bert_text text)
{
    bert__write(w, "\"");
    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = (unsigned char)text.data[i];
        char escape[8];

        if (c >= 0x20 && c != '"' && c != '\\') {
            put(w, text.data + i, 1);
            continue;
        }
        snprintf(escape, sizeof escape, "\\u%04x", c);
        bert__write(w, escape);
    }
    bert__write(w, "\"");
}

void bert__write_id(struct bert__writer *w, int32_t id)
{
    char text[16];

    snprintf(text, sizeof text, "%ld", (long)id);
    bert__write(w, text);
}

void bert__write_bool(struct bert__writer *w, bool value)
{
    bert__write(w, value ? "true" : "false");
}

void bert__write_base64(struct bert__writer *w, bert_text bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    bert__write(w, "\"");
    for (size_t i = 0; i < bytes.size; i += 3) {
        unsigned char b[3] = {0};
        char out[4];

        memcpy(b, bytes.data + i, bytes.size - i < 3 ? bytes.size - i : 3);
        out[0] = digits[b[0] >> 2];
        out[1] = digits[(b[0] & 3) << 4 | b[1] >> 4];
        out[2] = bytes.size - i > 1 ? digits[(b[1] & 15) << 2 | b[2] >> 6] : '=';
        out[3] = bytes.size - i > 2 ? digits[b[2] & 63] : '=';
        put(w, out, sizeof out);
    }
    bert__write(w, "\"");
}

/* ---- Stages -------------------------------------------------------------------- */

#define REPLACE(pattern, content)                                                                  \
    "{\"type\":\"Replace\",\"pattern\":" pattern ",\"content\":\"" content "\"}"

static void write_bert(struct bert__writer *w, const struct bert__settings *s)
{
    bert__write(w, "{\"normalizer\":{\"type\":\"BertNormalizer\",\"clean_text\":");
    bert__write_bool(w, s->clean_text);
    bert__write(w, ",\"handle_chinese_chars\":");
    bert__write_bool(w, s->chinese);
    bert__write(w, ",\"strip_accents\":");
    bert__write_bool(w, s->strip);
    bert__write(w, ",\"lowercase\":");
    bert__write_bool(w, s->lower);
    bert__write(w, "},\"pre_tokenizer\":{\"type\":\"BertPreTokenizer\"},"
                   "\"decoder\":{\"type\":\"WordPiece\",\"prefix\":\"##\",\"cleanup\":true}}");
}

/* The class takes the separators 1C to 1F for spaces; the pre-tokenizer does not. */
static void write_esm(struct bert__writer *w)
{
    bert__write(w,
                "{\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[" REPLACE(
                    "{\"String\":\"\\u001c\"}", " ") "," REPLACE("{\"String\":\"\\u001d\"}", " "));
    bert__write(w, "," REPLACE("{\"String\":\"\\u001e\"}",
                               " ") "," REPLACE("{\"String\":\"\\u001f\"}", " "));
    bert__write(w, "]},\"pre_tokenizer\":{\"type\":\"WhitespaceSplit\"},\"decoder\":null}");
}

static void write_herbert(struct bert__writer *w)
{
    bert__write(w, "{\"normalizer\":{\"type\":\"BertNormalizer\",\"clean_text\":true,"
                   "\"handle_chinese_chars\":true,\"strip_accents\":false,\"lowercase\":false},"
                   "\"pre_tokenizer\":{\"type\":\"BertPreTokenizer\"},"
                   "\"decoder\":{\"type\":\"BPEDecoder\",\"suffix\":\"</w>\"}}");
}

static void write_byte_level(struct bert__writer *w, const struct bert__settings *s)
{
    bert__write(w, "{\"model\":{\"type\":\"BPE\"},\"normalizer\":null,"
                   "\"pre_tokenizer\":{\"type\":\"ByteLevel\","
                   "\"add_prefix_space\":");
    bert__write_bool(w, s->add_prefix_space);
    bert__write(w, ",\"trim_offsets\":true,\"use_regex\":true},"
                   "\"decoder\":{\"type\":\"ByteLevel\",\"add_prefix_space\":true,"
                   "\"trim_offsets\":true,\"use_regex\":true}}");
}

static void write_precompiled(struct bert__writer *w, bert_text charsmap)
{
    bert__write(w, "{\"type\":\"Precompiled\",\"precompiled_charsmap\":");
    bert__write_base64(w, charsmap);
    bert__write(w, "}");
}

#define SPACES "{\"Regex\":\" {2,}\"}"

/* XLNet's strips accents whatever it is told, RemBERT's joins spaces first. */
static void write_albert_normalizer(struct bert__writer *w, const struct bert__family *family,
                                    const struct bert__settings *s, bert_text charsmap)
{
    bert__write(w, "{\"type\":\"Sequence\",\"normalizers\":[" REPLACE(
                       "{\"String\":\"``\"}", "\\\"") "," REPLACE("{\"String\":\"''\"}", "\\\""));
    if (family->id == BERT__FAMILY_REMBERT)
        bert__write(w, "," REPLACE(SPACES, " "));
    if (!s->keep_accents || family->id == BERT__FAMILY_XLNET)
        bert__write(w, ",{\"type\":\"NFKD\"},{\"type\":\"StripAccents\"}");
    if (s->lower)
        bert__write(w, ",{\"type\":\"Lowercase\"}");
    if (charsmap.size > 0) {
        bert__write(w, ",");
        write_precompiled(w, charsmap);
    }
    bert__write(w, "]}");
}

/* This class passes the character map over. */
static void write_deberta_normalizer(struct bert__writer *w, const struct bert__settings *s)
{
    bert__write(w, "{\"type\":\"Sequence\",\"normalizers\":[");
    bert__write(w, s->lower ? "{\"type\":\"Lowercase\"}," : "");
    bert__write(w, REPLACE("{\"Regex\":\"\\\\s{2,}|[\\\\n\\\\r\\\\t]\"}",
                           " ") ",{\"type\":\"NFC\"},"
                                "{\"type\":\"Strip\",\"strip_left\":false,\"strip_right\":true}]}");
}

#define UNDERLINE "\\u2581"

static void write_metaspace(struct bert__writer *w, const char *scheme)
{
    bert__write(w, "{\"type\":\"Metaspace\",\"replacement\":\"" UNDERLINE "\","
                   "\"prepend_scheme\":\"");
    bert__write(w, scheme);
    bert__write(w, "\",\"split\":true}");
}

static void write_pieces_normalizer(struct bert__writer *w, const struct bert__family *family,
                                    const struct bert__settings *s, bert_text charsmap)
{
    switch (family->id) {
    case BERT__FAMILY_DEBERTA_V2:
        write_deberta_normalizer(w, s);
        break;
    case BERT__FAMILY_BIG_BIRD:
        bert__write(w, REPLACE(SPACES, UNDERLINE));
        break;
    case BERT__FAMILY_ALBERT:
    case BERT__FAMILY_REMBERT:
    case BERT__FAMILY_XLNET:
        write_albert_normalizer(w, family, s, charsmap);
        break;
    default:
        if (charsmap.size > 0)
            write_precompiled(w, charsmap);
        else
            bert__write(w, "null");
        break;
    }
}

/* Is text parted at white space before it is marked? */
static bool splits_spaces(const struct bert__family *family)
{
    return family->id != BERT__FAMILY_DEBERTA_V2 && family->id != BERT__FAMILY_BIG_BIRD
           && family->id != BERT__FAMILY_REMBERT;
}

/* XLNet's class knows no add_prefix_space. */
static const char *prepend_scheme(const struct bert__family *family, const struct bert__settings *s)
{
    if (family->id == BERT__FAMILY_XLNET)
        return "always";
    if (s->add_prefix_space)
        return "always";
    return family->id == BERT__FAMILY_DEBERTA_V2 ? "first" : "never";
}

static void write_pieces(struct bert__writer *w, const struct bert__family *family,
                         const struct bert__settings *s, bert_text charsmap)
{
    const char *scheme = prepend_scheme(family, s);

    bert__write(w, "{\"normalizer\":");
    write_pieces_normalizer(w, family, s, charsmap);
    bert__write(w, ",\"pre_tokenizer\":{\"type\":\"Sequence\",\"pretokenizers\":[");
    if (splits_spaces(family))
        bert__write(w, "{\"type\":\"WhitespaceSplit\"},");
    else if (s->split_by_punct && family->id == BERT__FAMILY_DEBERTA_V2)
        bert__write(w, "{\"type\":\"Punctuation\",\"behavior\":\"Isolated\"},");
    write_metaspace(w, scheme);
    bert__write(w, "]},\"decoder\":");
    write_metaspace(w, scheme);
    bert__write(w, "}");
}

/* A SentencePiece model of no class. */
static void write_plain(struct bert__writer *w, bert_text charsmap, bool byte_fallback)
{
    bert__write(w, "{\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[");
    if (charsmap.size > 0) {
        write_precompiled(w, charsmap);
        bert__write(w, ",");
    }
    bert__write(w, REPLACE("{\"String\":\" \"}",
                           UNDERLINE) "]},\"pre_tokenizer\":null,"
                                      "\"decoder\":{\"type\":\"Sequence\",\"decoders\":[" REPLACE(
                                          "{\"String\":\"" UNDERLINE "\"}", " "));
    if (byte_fallback)
        bert__write(w, ",{\"type\":\"ByteFallback\"},{\"type\":\"Fuse\"}");
    bert__write(w, "]}}");
}

void bert__write_stages(struct bert__writer *w, const struct bert__family *family,
                        const struct bert__settings *s, bert_text charsmap, bool byte_fallback)
{
    if (family->id == BERT__FAMILY_ESM)
        write_esm(w);
    else if (bert__family_is_lines(family))
        write_bert(w, s);
    else if (family->id == BERT__FAMILY_HERBERT)
        write_herbert(w);
    else if (family->merges != NULL)
        write_byte_level(w, s);
    else if (family->id == BERT__FAMILY_SPM)
        write_plain(w, charsmap, byte_fallback);
    else
        write_pieces(w, family, s, charsmap);
}

/* ---- Post-processors ------------------------------------------------------------- */

static void write_pair(struct bert__writer *w, const struct bert__special *special)
{
    bert__write(w, "[");
    bert__write_string(w, special->text);
    bert__write(w, ",");
    bert__write_id(w, special->id);
    bert__write(w, "]");
}

static void write_ends(struct bert__writer *w, const char *type, const struct bert__special *first,
                       const struct bert__special *last)
{
    bert__write(w, "{\"type\":\"");
    bert__write(w, type);
    bert__write(w, "\",\"sep\":");
    write_pair(w, last);
    bert__write(w, ",\"cls\":");
    write_pair(w, first);
}

void bert__write_roberta(struct bert__writer *w, const struct bert__special *first,
                         const struct bert__special *last, bool trim, bool prefix)
{
    write_ends(w, "RobertaProcessing", first, last);
    bert__write(w, ",\"trim_offsets\":");
    bert__write_bool(w, trim);
    bert__write(w, ",\"add_prefix_space\":");
    bert__write_bool(w, prefix);
    bert__write(w, "}");
}

void bert__write_bert(struct bert__writer *w, const struct bert__special *first,
                      const struct bert__special *last)
{
    write_ends(w, "BertProcessing", first, last);
    bert__write(w, "}");
}

/* The names under which a template's tokens stand in its map: several may spell alike. */
static const char letters[] = "CSQD";

static const struct bert__special *special_of(const struct bert__ends *ends, char letter)
{
    switch (letter) {
    case 'C':
        return &ends->first;
    case 'S':
        return &ends->last;
    case 'Q':
        return &ends->question;
    default:
        return &ends->dot;
    }
}

static void write_words(struct bert__writer *w, const char *words)
{
    for (const char *p = words; *p != '\0'; p += p[2] == ' ' ? 3 : 2) {
        bool text = p[0] == 'A' || p[0] == 'B';

        bert__write(w, p == words ? "[" : ",");
        bert__write(w, text ? "{\"Sequence\":{\"id\":\"" : "{\"SpecialToken\":{\"id\":\"");
        put(w, p, 1);
        bert__write(w, "\",\"type_id\":");
        put(w, p + 1, 1);
        bert__write(w, "}}");
    }
    bert__write(w, "]");
}

void bert__write_template(struct bert__writer *w, const struct bert__ends *ends, const char *single,
                          const char *pair)
{
    const char *comma = "";

    bert__write(w, "{\"type\":\"TemplateProcessing\",\"single\":");
    write_words(w, single);
    bert__write(w, ",\"pair\":");
    write_words(w, pair);
    bert__write(w, ",\"special_tokens\":{");
    for (const char *p = letters; *p != '\0'; p++) {
        const struct bert__special *special = special_of(ends, *p);
        char name[] = {*p, '\0'};

        if (strchr(pair, *p) == NULL)
            continue;
        bert__write(w, comma);
        bert__write_string(w, (bert_text){name, 1});
        bert__write(w, ":{\"id\":");
        bert__write_string(w, (bert_text){name, 1});
        bert__write(w, ",\"ids\":[");
        bert__write_id(w, special->id);
        bert__write(w, "],\"tokens\":[");
        bert__write_string(w, special->text);
        bert__write(w, "]}");
        comma = ",";
    }
    bert__write(w, "}}");
}
