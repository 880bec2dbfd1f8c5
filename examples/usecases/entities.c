/* SPDX-License-Identifier: MIT */
/*
 * entities - an index of the people, places and organisations that a file's lines name.
 *
 *   entities TAGGER_DIR FILE [SCORE]
 *
 * TAGGER_DIR is any model with a head for token classification.  Prints, for each entity that
 * scores at least SCORE [0.5], its label, its name, and the lines it is in.
 */
#include "support.h"

struct entry {
    const char *label;
    bert_text name;
    size_t line;
};

struct index {
    struct entry *entry;
    size_t n;
};

static void collect(struct index *index, const bert_entities *found, const struct lines *lines,
                    float least)
{
    size_t most = 0;

    for (size_t i = 0; i < lines->n; i++)
        most += bert_entities_count(found, i);
    index->entry = grab(most, sizeof *index->entry);
    for (size_t i = 0; i < lines->n; i++) {
        const bert_entity *entity = bert_entities_list(found, i);

        if (bert_entities_status(found, i) != BERT_OK)
            die("tag", bert_entities_message(found, i));
        for (size_t j = 0; j < bert_entities_count(found, i); j++) {
            struct entry *entry = &index->entry[index->n];

            if (entity[j].score < least)
                continue;
            entry->label = entity[j].label;
            entry->name = (bert_text){lines->text[i].data + entity[j].bytes.start,
                                      entity[j].bytes.end - entity[j].bytes.start};
            entry->line = lines->number[i];
            index->n++;
        }
    }
}

/* By label, name and line. */
static int compare(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    size_t shorter = x->name.size < y->name.size ? x->name.size : y->name.size;
    int order = strcmp(x->label, y->label);

    if (order == 0)
        order = memcmp(x->name.data, y->name.data, shorter);
    if (order == 0)
        order = (x->name.size > y->name.size) - (x->name.size < y->name.size);
    return order != 0 ? order : (x->line > y->line) - (x->line < y->line);
}

static void print(const struct index *index)
{
    for (size_t i = 0; i < index->n; i++) {
        const struct entry *entry = &index->entry[i];

        if (i == 0 || strcmp(entry->label, entry[-1].label) != 0
            || !text_equal(entry->name, entry[-1].name))
            printf("%s%s  %.*s: line %zu", i > 0 ? "\n" : "", entry->label, SHOW(entry->name),
                   entry->line);
        else if (entry->line != entry[-1].line)
            printf(", %zu", entry->line);
    }
    printf(index->n > 0 ? "\n" : "none\n");
}

int main(int argc, char **argv)
{
    bert_tag_options options = BERT_TAG_OPTIONS_INIT;
    bert_entities *found;
    struct index index = {NULL, 0};
    struct encoder tagger;
    struct lines lines;
    bert_error error;

    if (argc < 3 || argc > 4) {
        fprintf(stderr, "usage: entities TAGGER_DIR FILE [SCORE]\n");
        return 2;
    }
    encoder_open(&tagger, argv[1]);
    lines_read(&lines, argv[2]);
    options.aggregation = BERT_AGGREGATE_FIRST; /* no name ends within a word */
    if (bert_tag(tagger.session, lines.text, lines.n, &options, &found, &error) != BERT_OK)
        die("tag", error.message);
    collect(&index, found, &lines, argc > 3 ? number_of(argv[3]) : 0.5F);
    qsort(index.entry, index.n, sizeof index.entry[0], compare);
    print(&index);
    bert_entities_free(found);
    free(index.entry);
    lines_free(&lines);
    encoder_close(&tagger);
    return 0;
}
