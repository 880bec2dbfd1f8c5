/* SPDX-License-Identifier: MIT */
/*
 * json.c - the parser.
 *
 * Without recursion: open containers stand in a fixed array of frames, and the
 * values of those not yet closed on one growing stack, from where each
 * container's are copied to the arena, side by side, when it closes; or where these
 * are nearly all there is on it, the arena takes the stack, and a new one is begun.
 */
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/error.h"
#include "lib/base/json_parts.h"
#include "lib/base/size.h"
#include "lib/base/utf8.h"

enum {
    MAX_DEPTH = 256,
    SMALL_STACK = 4096,
    LARGE_STACK = 8 << 20,
    TAKEN = 1 << 15, /* bytes of a container that aren't copied */
    FEW_DIGITS = 18  /* that surely fit int64, even one more */
};

struct frame {
    bool object;
    size_t start; /* of its values on the stack, in bytes */
    size_t count;
    bert_text key; /* of the value being read */
};

struct reader {
    const char *start, *p, *end;
    const char *file;
    struct bert__arena *arena;
    bert_error *err;
    char *stack;
    size_t used, capacity;
    size_t depth;
    struct frame frames[MAX_DEPTH];
};

/* ---- Errors ------------------------------------------------------------------ */

/* Line and column of `at`, from 1; the column counts characters. */
static void locate(const struct reader *r, const char *at, size_t *line, size_t *column)
{
    *line = 1;
    *column = 1;
    for (const char *p = r->start; p < at; p++) {
        if (*p == '\n') {
            ++*line;
            *column = 1;
        } else if (((unsigned char)*p & 0xC0) != 0x80)
            ++*column;
    }
}

static bert_status fail(const struct reader *r, const char *at, const char *what)
{
    size_t line, column;

    locate(r, at, &line, &column);
    return bert__fail(r->err, BERT_EFORMAT, "%s: line %zu, column %zu: %s", r->file, line, column,
                      what);
}

static bert_status fail_memory(const struct reader *r)
{
    return bert__alloc_fail(r->arena->alloc, r->file, r->err);
}

/* "expected WHAT", or that the file ends before it. */
static bert_status fail_expected(const struct reader *r, const char *what)
{
    char text[96];
    size_t n = 0;
    const char *lead = r->p == r->end ? "the file ends; expected " : "expected ";

    for (; *lead && n < sizeof(text) - 1; lead++)
        text[n++] = *lead;
    for (; *what && n < sizeof(text) - 1; what++)
        text[n++] = *what;
    text[n] = 0;
    return fail(r, r->p, text);
}

static bert_status fail_duplicate(const struct reader *r, const bert_text *key)
{
    char name[84];
    bool in_file = key->size && key->data >= r->start && key->data < r->end;
    size_t line, column;

    locate(r, in_file ? key->data - 1 : r->p - 1, &line, &column);
    return bert__fail(r->err, BERT_EFORMAT, "%s: line %zu, column %zu: duplicate key \"%s\"%s",
                      r->file, line, column, bert__printable(name, key->data, key->size),
                      in_file ? "" : " in the object that ends here");
}

/* ---- Characters ---------------------------------------------------------------- */

static void skip_space(struct reader *r)
{
    while (r->p < r->end && (*r->p == ' ' || *r->p == '\n' || *r->p == '\r' || *r->p == '\t'))
        r->p++;
}

static bool is_digit(const struct reader *r)
{
    return r->p < r->end && *r->p >= '0' && *r->p <= '9';
}

static bool between(unsigned char c, unsigned char low, unsigned char high)
{
    return c >= low && c <= high;
}

/* ---- Strings -------------------------------------------------------------------- */

static bool read_hex4(const char *p, const char *end, uint32_t *out)
{
    uint32_t value = 0;

    if (end - p < 4)
        return false;
    for (int i = 0; i < 4; i++) {
        unsigned char c = (unsigned char)p[i];

        if (between(c, '0', '9'))
            value = value * 16 + (uint32_t)(c - '0');
        else if (between(c | 0x20, 'a', 'f'))
            value = value * 16 + (uint32_t)((c | 0x20) - 'a' + 10);
        else
            return false;
    }
    *out = value;
    return true;
}

/* A \u escape, p behind the 'u', with its second half where it is a surrogate.
 * Returns the bytes behind the 'u', or 0 if it is malformed. */
static size_t read_unicode(const char *p, const char *end, uint32_t *out)
{
    uint32_t low;

    if (!read_hex4(p, end, out))
        return 0;
    if (*out < 0xD800 || *out > 0xDFFF)
        return 4;
    if (*out > 0xDBFF || end - p < 10 || p[4] != '\\' || p[5] != 'u' || !read_hex4(p + 6, end, &low)
        || low < 0xDC00 || low > 0xDFFF)
        return 0;
    *out = 0x10000 + ((*out - 0xD800) << 10) + (low - 0xDC00);
    return 10;
}

static char simple_escape(char c)
{
    switch (c) {
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    case '"':
    case '\\':
    case '/':
        return c;
    default:
        return 0;
    }
}

/* The bits 7 of those bytes of 8 that end a string or aren't just text: quotes, backslashes,
 * control characters, all beyond ASCII.  Above the lowest some may be wrong. */
static uint64_t special(uint64_t eight)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t quote = eight ^ ones * '"', back = eight ^ ones * '\\';

    return (((quote - ones) & ~quote) | ((back - ones) & ~back) | (eight - ones * 0x20) | eight)
           & ones << 7;
}

/* Past what is just text. */
static const char *skip_text(const char *p, const char *end)
{
    while (end - p >= 8) {
        uint64_t found = special(bert__load_low(p));

        if (found != 0)
            return p + __builtin_ctzll(found) / 8;
        p += 8;
    }
    return p;
}

/* Move over the string's inside to its closing quote, checking it. */
static bert_status scan_string(struct reader *r, bool *escaped)
{
    const char *open = r->p - 1, *p = r->p;
    uint32_t c;

    *escaped = false;
    while ((p = skip_text(p, r->end)) < r->end && *p != '"') {
        unsigned char byte = (unsigned char)*p;
        size_t n;

        if (byte == '\\') {
            *escaped = true;
            if (r->end - p < 2)
                break;
            n = p[1] == 'u' ? read_unicode(p + 2, r->end, &c) : (size_t)(simple_escape(p[1]) != 0);
            if (!n)
                return fail(r, p,
                            p[1] == 'u' ? "wrong \\u escape (four hex digits, no lone surrogate)"
                                        : "unknown escape");
            p += p[1] == 'u' ? n + 2 : 2;
        } else if (byte < 0x20)
            return fail(r, p, "control character in a string");
        else if (byte < 0x80)
            p++;
        else {
            if (bert__utf8_next(p, (size_t)(r->end - p), &n) == BERT__UTF8_BAD)
                return fail(r, p, "not UTF-8");
            p += n;
        }
    }
    if (p >= r->end || *p != '"')
        return fail(r, open, "string without an end");
    r->p = p;
    return BERT_OK;
}

/* Undo the escapes of [p, end), already checked; the result is never longer. */
static size_t unescape(char *out, const char *p, const char *end)
{
    char *start = out;
    uint32_t c;

    while (p < end) {
        if (*p != '\\')
            *out++ = *p++;
        else if (p[1] == 'u') {
            p += 2 + read_unicode(p + 2, end, &c);
            out += bert__utf8_put(out, c);
        } else {
            *out++ = simple_escape(p[1]);
            p += 2;
        }
    }
    return (size_t)(out - start);
}

/* r->p at the opening quote. */
static bert_status read_string(struct reader *r, bert_text *out)
{
    const char *inside = ++r->p;
    bool escaped;
    char *copy;
    bert_status status = scan_string(r, &escaped);

    if (status)
        return status;
    out->data = inside;
    out->size = (size_t)(r->p - inside);
    r->p++;
    if (!escaped)
        return BERT_OK;
    copy = bert__arena_get(r->arena, out->size);
    if (!copy)
        return fail_memory(r);
    out->size = unescape(copy, inside, inside + out->size);
    out->data = copy;
    return BERT_OK;
}

/* A key and its colon, into the top frame. */
static bert_status read_key(struct reader *r)
{
    bert_status status;

    skip_space(r);
    if (r->p == r->end || *r->p != '"')
        return fail_expected(r, "a key in double quotes");
    status = read_string(r, &r->frames[r->depth - 1].key);
    if (status)
        return status;
    skip_space(r);
    if (r->p == r->end || *r->p != ':')
        return fail_expected(r, "':'");
    r->p++;
    return BERT_OK;
}

/* ---- Numbers and words ------------------------------------------------------------ */

/* A whole number of few digits, as nearly all are; false, with nothing read, of others. */
static bool read_few(struct reader *r, struct bert__json *value)
{
    const char *digits = r->p + (*r->p == '-'), *p;
    int64_t n = 0;

    for (p = digits; p < r->end && *p >= '0' && *p <= '9' && p - digits < FEW_DIGITS; p++)
        n = n * 10 + (*p - '0');
    if (p == digits || (*digits == '0' && p - digits > 1) || p - digits == FEW_DIGITS
        || (p < r->end && (*p == '.' || *p == 'e' || *p == 'E')))
        return false;
    value->is_integer = true;
    value->u.integer = digits > r->p ? -n : n;
    r->p = p;
    return true;
}

static bool read_int64(const char *p, const char *end, int64_t *out)
{
    bool negative = *p == '-';
    int64_t value = 0;

    for (p += negative; p < end; p++) {
        int digit = negative ? '0' - *p : *p - '0';

        if (__builtin_mul_overflow(value, 10, &value)
            || __builtin_add_overflow(value, digit, &value))
            return false;
    }
    *out = value;
    return true;
}

static bert_status skip_digits(struct reader *r)
{
    if (!is_digit(r))
        return fail_expected(r, "a digit");
    while (is_digit(r))
        r->p++;
    return BERT_OK;
}

static bert_status read_number(struct reader *r, struct bert__json *value)
{
    const char *text = r->p;
    bool integer = true;
    bert_status status;

    value->type = BERT__JSON_NUMBER;
    value->u.spelt = r->depth > 0 ? text : NULL; /* where something follows */
    if (read_few(r, value))
        return BERT_OK;
    r->p += *r->p == '-';
    if (r->p < r->end && *r->p == '0') {
        r->p++;
        if (is_digit(r))
            return fail(r, text, "number with a leading zero");
    } else if ((status = skip_digits(r)) != BERT_OK)
        return status;
    if (r->p < r->end && *r->p == '.') {
        integer = false;
        r->p++;
        if ((status = skip_digits(r)) != BERT_OK)
            return status;
    }
    if (r->p < r->end && (*r->p == 'e' || *r->p == 'E')) {
        integer = false;
        r->p++;
        r->p += r->p < r->end && (*r->p == '-' || *r->p == '+');
        if ((status = skip_digits(r)) != BERT_OK)
            return status;
    }
    value->is_integer = integer && read_int64(text, r->p, &value->u.integer);
    if (!value->is_integer && value->u.spelt == NULL) /* most are never asked for as doubles */
        value->u.number = bert__json_double(text, (size_t)(r->p - text));
    return BERT_OK;
}

static bert_status read_word(struct reader *r, const char *word, enum bert__json_type type,
                             struct bert__json *value)
{
    size_t n = strlen(word);

    if ((size_t)(r->end - r->p) < n || memcmp(r->p, word, n) != 0)
        return fail_expected(r, "a value");
    r->p += n;
    value->type = type;
    return BERT_OK;
}

/* ---- Containers ------------------------------------------------------------------- */

/* Three times the text is enough for most; memory that isn't touched costs nothing, growing does.
 */
static size_t first_capacity(const struct reader *r)
{
    size_t text = (size_t)(r->end - r->p);

    if (text < SMALL_STACK / 3)
        return SMALL_STACK;
    return text < LARGE_STACK / 3 ? text * 3 / 8 * 8 : LARGE_STACK;
}

/* A stack of that many bytes with what the first `used` of the old one hold. */
static char *new_stack(struct reader *r, size_t capacity, size_t used)
{
    char *stack = bert__arena_block(r->arena, capacity);

    if (!stack)
        return NULL;
    if (used)
        memcpy(stack, r->stack, used);
    r->capacity = capacity;
    return stack;
}

static bool grow(struct reader *r, size_t bytes)
{
    size_t capacity = r->capacity ? r->capacity : first_capacity(r);
    char *grown;

    while (capacity - r->used < bytes)
        if (!bert__size_mul(capacity, 2, &capacity))
            return false;
    grown = new_stack(r, capacity, r->used);
    if (!grown)
        return false;
    bert__arena_block_free(r->arena, r->stack);
    r->stack = grown;
    return true;
}

/* Room on the stack; NULL: no memory. */
static inline void *push(struct reader *r, size_t bytes)
{
    void *room;

    if (r->capacity - r->used < bytes && !grow(r, bytes))
        return NULL;
    room = r->stack + r->used;
    r->used += bytes;
    return room;
}

/* A complete value, into the container that is open. */
static bert_status attach(struct reader *r, const struct bert__json *value)
{
    struct frame *top = &r->frames[r->depth - 1];
    struct bert__json_member *member;
    struct bert__json *item;

    top->count++;
    if (!top->object) {
        item = push(r, sizeof(*item));
        if (!item)
            return fail_memory(r);
        *item = *value;
        return BERT_OK;
    }
    member = push(r, sizeof(*member));
    if (!member)
        return fail_memory(r);
    member->key = top->key;
    member->value = *value;
    return BERT_OK;
}

static bert_status close_object(struct reader *r, const void *members, size_t count,
                                struct bert__json *value)
{
    const bert_text *duplicate;

    value->type = BERT__JSON_OBJECT;
    value->u.object.members = members;
    value->u.object.count = count;
    if (!bert__json_duplicate(r->arena->alloc, members, count, &duplicate))
        return fail_memory(r);
    return duplicate ? fail_duplicate(r, duplicate) : BERT_OK;
}

/* What is on the stack from `start` on, in the arena; NULL: no memory. */
static void *take(struct reader *r, size_t start)
{
    size_t bytes = r->used - start, capacity = first_capacity(r);
    char *items, *rest;

    if (bytes < TAKEN || bytes / 8 < start || bytes < r->capacity / 4) {
        items = bert__arena_get(r->arena, bytes);
        return items && bytes ? memcpy(items, r->stack + start, bytes) : items;
    }
    rest = new_stack(r, capacity > start ? capacity : start, start);
    if (!rest)
        return NULL;
    bert__arena_keep(r->arena, r->stack, r->used);
    items = r->stack + start;
    r->stack = rest;
    return items;
}

/* The closing bracket has been read. */
static bert_status close_container(struct reader *r, struct bert__json *value)
{
    const struct frame *top = &r->frames[--r->depth];
    void *items = take(r, top->start);

    if (!items)
        return fail_memory(r);
    r->used = top->start;
    memset(value, 0, sizeof(*value));
    if (top->object)
        return close_object(r, items, top->count, value);
    value->type = BERT__JSON_ARRAY;
    value->u.array.items = items;
    value->u.array.count = top->count;
    return BERT_OK;
}

/* An opening bracket; an empty container closes at once, else *opened. */
static bert_status open_container(struct reader *r, struct bert__json *value, bool *opened)
{
    struct frame *top;

    if (r->depth == MAX_DEPTH)
        return fail(r, r->p, "nested deeper than 256");
    top = &r->frames[r->depth++];
    top->object = *r->p++ == '{';
    top->start = r->used;
    top->count = 0;
    skip_space(r);
    if (r->p < r->end && *r->p == (top->object ? '}' : ']')) {
        r->p++;
        return close_container(r, value);
    }
    *opened = true;
    return top->object ? read_key(r) : BERT_OK;
}

/* A scalar or an empty container into *value, or *opened. */
static bert_status read_value(struct reader *r, struct bert__json *value, bool *opened)
{
    memset(value, 0, sizeof(*value));
    *opened = false;
    skip_space(r);
    if (r->p == r->end)
        return fail_expected(r, "a value");
    switch (*r->p) {
    case '{':
    case '[':
        return open_container(r, value, opened);
    case '"':
        value->type = BERT__JSON_STRING;
        return read_string(r, &value->u.string);
    case 't':
        return read_word(r, "true", BERT__JSON_TRUE, value);
    case 'f':
        return read_word(r, "false", BERT__JSON_FALSE, value);
    case 'n':
        return read_word(r, "null", BERT__JSON_NULL, value);
    default:
        if (*r->p == '-' || is_digit(r))
            return read_number(r, value);
        return fail_expected(r, "a value");
    }
}

/* A value is complete: put it where it belongs, and close what ends with it.
 * *done when it is the outermost; otherwise another value follows. */
static bert_status finish_value(struct reader *r, struct bert__json *value, bool *done)
{
    const struct frame *top;
    bert_status status;

    while (r->depth) {
        top = &r->frames[r->depth - 1];
        status = attach(r, value);
        if (status)
            return status;
        skip_space(r);
        if (r->p < r->end && *r->p == ',') {
            r->p++;
            return top->object ? read_key(r) : BERT_OK;
        }
        if (r->p == r->end || *r->p != (top->object ? '}' : ']'))
            return fail_expected(r, top->object ? "',' or '}'" : "',' or ']'");
        r->p++;
        status = close_container(r, value);
        if (status)
            return status;
    }
    *done = true;
    return BERT_OK;
}

static bert_status read_document(struct reader *r, struct bert__json *root)
{
    bool opened, done = false;
    bert_status status = BERT_OK;
    uint64_t values = 0;

    while (!status && !done) {
        if (!bert__alloc_goes_on_at(r->arena->alloc, values++))
            return fail_memory(r);
        status = read_value(r, root, &opened);
        if (!status && !opened)
            status = finish_value(r, root, &done);
    }
    if (status)
        return status;
    skip_space(r);
    return r->p == r->end ? BERT_OK : fail(r, r->p, "something follows the value");
}

bert_status bert__json_parse(struct bert__arena *arena, const char *file, const char *data,
                             size_t size, const struct bert__json **out, bert_error *err)
{
    struct reader r;
    struct bert__json *root;
    bert_status status;

    *out = NULL;
    memset(&r, 0, offsetof(struct reader, frames));
    r.file = file;
    r.arena = arena;
    r.err = err;
    if (!size)
        data = "";
    if (size >= 3 && memcmp(data, "\xEF\xBB\xBF", 3) == 0) {
        data += 3;
        size -= 3;
    }
    r.start = r.p = data;
    r.end = data + size;
    root = bert__arena_get(arena, sizeof(*root));
    if (!root)
        return fail_memory(&r);
    status = read_document(&r, root);
    bert__arena_block_free(arena, r.stack);
    if (!status)
        *out = root;
    return status;
}
