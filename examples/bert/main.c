/* SPDX-License-Identifier: MIT */
/*
 * main.c - the `bert` command: run BERT-family encoders from the shell.  Written on
 * libbert's public headers alone; each command is a row here and a file beside.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bert.h>

#include "examples/bert/commands.h"
#include "examples/bert/interrupt.h"
#include "examples/bert/message.h"
#include "examples/bert/output.h"

static const struct command *const commands[] = {
    &command_info,       &command_tokenize, &command_decode,   &command_forward, &command_embed,
    &command_similarity, &command_search,   &command_classify, &command_rerank,  &command_tag,
    &command_answer,     &command_next,     &command_choose,   &command_fill,    &command_pack,
    &command_calibrate,  &command_profile,  &command_manifest, &command_mask,    &command_serve,
    &command_bench,
};
enum { N_COMMANDS = sizeof commands / sizeof commands[0] };

static int print_overview(void)
{
    struct output out;

    if (!output_open(&out, NULL))
        return EXIT_FAILED;
    output_text(&out, "Usage: bert COMMAND [options] [TEXT...]\n\n"
                      "Run BERT-family encoders: text in, results out.\n\nCommands:\n");
    for (size_t i = 0; i < N_COMMANDS; i++)
        output_format(&out, "  %-12s %s\n", commands[i]->name, commands[i]->summary);
    output_text(&out,
                "\nRecords come from TEXT arguments, a file (-i), or standard input, one a line.\n"
                "A model (-m DIR, or BERT_MODEL in the environment) is a directory in the layout\n"
                "of the Hugging Face hub: config.json, model.safetensors, tokenizer.json; or one\n"
                "file, which `bert pack` makes of it.\n\n"
                "  bert COMMAND --help    options and examples of a command\n"
                "  bert --version         print the version\n\n"
                "Examples:\n"
                "  bert search -m DIR --query 'how do I reset my password' -i faq.txt\n"
                "  bert embed -m DIR --json -i texts.txt\n");
    return output_close(&out, true) ? EXIT_ANSWERED : EXIT_FAILED;
}

static int print_version(void)
{
    struct output out;

    if (!output_open(&out, NULL))
        return EXIT_FAILED;
    output_format(&out, "bert %s\n", bert_version());
    return output_close(&out, true) ? EXIT_ANSWERED : EXIT_FAILED;
}

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < N_COMMANDS; i++) {
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    }
    return NULL;
}

static int run_command(const char *name, int argc, char **argv)
{
    const struct command *command = find_command(name);
    struct options options;
    int rc;

    if (command == NULL)
        return usage_error(NULL, "bert %s has no command '%s'", bert_version(), name);
    rc = options_parse(&options, command, argc, argv);
    if (rc != 0)
        return rc;
    if (options.help)
        return print_help(command);
    return options.version ? print_version() : command->run(&options);
}

/* A standard descriptor that is closed would be given to the next file that is
 * opened; what is opened here in its place can be used for nothing. */
static void keep_descriptors(void)
{
    for (int fd = 0; fd <= 2; fd++) {
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF
            && open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) != fd)
            _exit(EXIT_FAILED);
    }
}

int main(int argc, char **argv)
{
    keep_descriptors();
    interrupt_install();
    if (argc < 2)
        return usage_error(NULL, "no command");
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        return print_overview();
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0)
        return print_version();
    if (strcmp(argv[1], "help") == 0)
        return argc > 2 ? run_command(argv[2], 2, (char *[]){argv[2], (char *)"--help", NULL})
                        : print_overview();
    if (argv[1][0] == '-')
        return usage_error(NULL, "unknown option '%s'", argv[1]);
    return run_command(argv[1], argc - 1, argv + 1);
}
