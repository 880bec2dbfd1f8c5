/* SPDX-License-Identifier: MIT */
/*
 * test_guest.c - what a host may rely on: no thread before it is needed, workers deaf to
 * signals, sessions that live through fork(), the caller's floating-point state
 * left as it was and without influence.
 */
#include "support.h"

#include <dirent.h>
#include <fenv.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

enum { TOKENS = 200, HIDDEN = 33, N = TOKENS * HIDDEN };

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define __SANITIZE_THREAD__ 1
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define UNDER_TSAN 1 /* it has a thread of its own, and bars threads after fork() */
#else
#define UNDER_TSAN 0
#endif

static bert_status encode(bert_session *session, float *out, bert_error *err)
{
    static const uint32_t offsets[] = {0, 7, 8, 60, TOKENS};
    int32_t ids[TOKENS];

    for (int i = 0; i < TOKENS; i++)
        ids[i] = i * 7 % 61;
    return bert_encode(session, ids, NULL, offsets, 4, out, N, err);
}

static bert_model *load(void)
{
    return test_load(test_path("tests/data/models/bert/base33"), NULL);
}

#if !UNDER_TSAN
/* Calls fn(tid) for every thread of this process; returns their number. */
static int each_thread(void (*fn)(int tid))
{
    DIR *dir = opendir("/proc/self/task");
    struct dirent *e;
    int n = 0;

    assert_non_null(dir);
    while ((e = readdir(dir)) != NULL)
        if (e->d_name[0] != '.') {
            n++;
            if (fn != NULL)
                fn(atoi(e->d_name));
        }
    closedir(dir);
    return n;
}

static void test_threads_on_first_use(void **state)
{
    float out[N];
    bert_model *model = load();
    bert_session *session = test_session(model, 4);
    int before = each_thread(NULL), tries = 0;
    bert_error err;

    (void)state;
    if (getenv("BERT_TEST_EMULATED") != NULL)
        skip();
    assert_int_equal(before, 1);
    test_ok(encode(session, out, &err), &err);
    assert_int_equal(each_thread(NULL), before + 3);
    bert_session_destroy(session);
    while (each_thread(NULL) != before && tries++ < 200)
        usleep(5000); /* the kernel may list a joined thread a moment longer */
    assert_int_equal(each_thread(NULL), before);
    session = test_session(model, 1);
    test_ok(encode(session, out, &err), &err);
    assert_int_equal(each_thread(NULL), before);
    bert_session_destroy(session);
    bert_model_unref(model);
}

/* Every signal that can be blocked, but for the C library's own two. */
static void check_blocked(int tid)
{
    char path[64], line[256];
    unsigned long long mask = 0;
    FILE *f;

    if (tid == getpid())
        return;
    snprintf(path, sizeof path, "/proc/self/task/%d/status", tid);
    f = fopen(path, "r");
    assert_non_null(f);
    while (fgets(line, sizeof line, f) != NULL)
        if (sscanf(line, "SigBlk: %llx", &mask) == 1)
            break;
    fclose(f);
    for (int s = 1; s <= 64; s++)
        if (s != SIGKILL && s != SIGSTOP && s != 32 && s != 33 && !(mask >> (s - 1) & 1))
            fail_msg("thread %d doesn't block signal %d", tid, s);
}

static void test_workers_block_signals(void **state)
{
    bert_model *model = load();
    bert_session *session = test_session(model, 3);
    sigset_t before, after;
    float out[N];
    bert_error err;

    (void)state;
    if (getenv("BERT_TEST_EMULATED") != NULL)
        skip();
    sigemptyset(&before);
    sigaddset(&before, SIGUSR2);
    assert_int_equal(pthread_sigmask(SIG_SETMASK, &before, NULL), 0);
    for (int i = 0; i < 5; i++) { /* a new thread blocks all signals until it has started up */
        test_ok(encode(session, out, &err), &err);
        usleep(20000);
    }
    assert_int_equal(each_thread(check_blocked), 3);
    assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &after), 0);
    for (int s = 1; s <= 64; s++)
        if (s < 32 || s > 33)
            assert_int_equal(sigismember(&after, s), sigismember(&before, s));
    sigemptyset(&before);
    assert_int_equal(pthread_sigmask(SIG_SETMASK, &before, NULL), 0);
    bert_session_destroy(session);
    bert_model_unref(model);
}

/* 0 if the child's answers, of which it wants `runs`, have the bits of `want`. */
static int answer_in_child(bert_session *session, const float *want, int runs)
{
    int status = -1;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        static float out[N];
        int wrong = 0;
        alarm(20); /* a hang is a failure, not a hang of the test */
        for (int i = 0; i < runs; i++)
            wrong |= encode(session, out, NULL) != BERT_OK || memcmp(out, want, sizeof out) != 0;
        wrong |= each_thread(NULL) != (runs > 0 ? 3 : 1); /* workers of its own */
        bert_session_destroy(session);
        _exit(wrong);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void test_fork(void **state)
{
    bert_session *reference, *session;
    bert_model *model;
    float want[N], out[N];
    bert_error err;

    (void)state;
    if (getenv("BERT_TEST_EMULATED") != NULL)
        skip();
    model = load();
    reference = test_session(model, 1);
    session = test_session(model, 3);
    test_ok(encode(reference, want, &err), &err);
    assert_int_equal(answer_in_child(session, want, 3), 0); /* before its first use */
    test_ok(encode(session, out, &err), &err);
    assert_int_equal(answer_in_child(session, want, 3), 0); /* after: its workers are gone */
    assert_int_equal(answer_in_child(session, want, 0), 0); /* only to be destroyed there */
    test_ok(encode(session, out, &err), &err);              /* and the parent goes on */
    test_same("parent after fork", out, want, N);
    bert_session_destroy(session);
    bert_session_destroy(reference);
    bert_model_unref(model);
}
#endif

#if defined(__x86_64__)
#define HAS_FLOAT_STATE 1
enum { FTZ_DAZ = 0x8040, ROUND_UP = 0x4000, ROUND_ZERO = 0x6000, MASKS = 0x1f80 };
enum { TRAP_ALL = 0, SEEN_ALL = MASKS | 0x3f };

static unsigned get_word(void)
{
    return _mm_getcsr();
}

static void set_word(unsigned word)
{
    _mm_setcsr(word);
}
#elif defined(__aarch64__)
/* FPCR and the flags of FPSR in one word; most CPUs can't trap. */
#define HAS_FLOAT_STATE 1
enum { FTZ_DAZ = 1 << 24, ROUND_UP = 1 << 22, ROUND_ZERO = 3 << 22, MASKS = 0 };
enum { TRAP_ALL = 1 << 25 /* default NaN instead */, SEEN_ALL = 0x9f };

static unsigned get_word(void)
{
    unsigned long modes, flags;

    __asm__ volatile("mrs %0, fpcr\n\tmrs %1, fpsr" : "=r"(modes), "=r"(flags));
    return (unsigned)((modes & ~(unsigned long)SEEN_ALL) | (flags & SEEN_ALL));
}

static void set_word(unsigned word)
{
    const unsigned long modes = word & ~(unsigned)SEEN_ALL, flags = word & SEEN_ALL;

    __asm__ volatile("msr fpcr, %0\n\tmsr fpsr, %1" : : "r"(modes), "r"(flags) : "memory");
}
#else
#define HAS_FLOAT_STATE 0
#endif

#if HAS_FLOAT_STATE

/* The test's own control word around one call of `fn`; what it was after it. */
static unsigned under(unsigned word, bert_status (*fn)(void *, float *, bert_error *), void *what,
                      float *out)
{
    unsigned before = get_word(), after;
    bert_status status;
    bert_error err;

    err.message[0] = '\0';
    set_word(word);
    status = fn(what, out, &err);
    after = get_word();
    set_word(before);
    test_ok(status, &err);
    return after;
}

static bert_status run_session(void *session, float *out, bert_error *err)
{
    return encode(session, out, err);
}

/* Load, embed with tokenizer and modules, and free. */
static bert_status run_whole(void *arg, float *out, bert_error *err)
{
    struct test_files *files = arg;
    bert_text text = {"the bank said that prices rose", 30};
    bert_session_options options = BERT_SESSION_OPTIONS_INIT;
    bert_session *session = NULL;
    bert_model *model = NULL;
    bert_status status = bert_model_load_memory(&model, files->list, files->n, NULL, err);

    options.threads = 2;
    if (status == BERT_OK)
        status = bert_session_create(&session, model, &options, err);
    if (status == BERT_OK)
        status = bert_embed(session, &text, 1, NULL, out, 20, NULL, err);
    bert_session_destroy(session);
    bert_model_unref(model);
    return status;
}

static const unsigned words[] = {
    MASKS,                        /* the default */
    MASKS | FTZ_DAZ,              /* denormals to zero */
    MASKS | ROUND_UP,             /* other roundings */
    MASKS | ROUND_ZERO | FTZ_DAZ, /**/
    TRAP_ALL,                     /* every exception traps */
    ROUND_UP | FTZ_DAZ,           /**/
    SEEN_ALL,                     /* every exception seen */
};
enum { WORDS = sizeof words / sizeof *words };

static void test_float_state(void **state)
{
    bert_model *model = load();
    bert_session *reference = test_session(model, 1);
    float want[N], out[N];
    bert_error err;

    (void)state;
    test_ok(encode(reference, want, &err), &err);
    for (int i = 0; i < WORDS; i++) {
        bert_session *session = test_session(model, 3); /* whose workers are made under it */
        for (int k = 0; k < 2; k++) {
            unsigned after = under(words[i], run_session, session, out);
            assert_int_equal(after, words[i]);
            test_same("under another floating-point state", out, want, N);
        }
        test_ok(encode(session, out, &err), &err);
        test_same("back to the default", out, want, N);
        bert_session_destroy(session);
    }
    bert_session_destroy(reference);
    bert_model_unref(model);
}

static void test_float_state_of_whole_life(void **state)
{
    struct test_files files = {NULL, 0};
    float want[20], out[20];
    bert_error err;

    (void)state;
    test_files_add(&files, test_path("tests/data/models/embed/base"));
    test_files_add(&files, test_path("tests/data/models/embed/dense_tanh"));
    test_ok(run_whole(&files, want, &err), &err);
    for (int i = 0; i < WORDS; i++) {
        assert_int_equal(under(words[i], run_whole, &files, out), words[i]);
        test_same("load to embedding under another state", out, want, 20);
    }
    test_files_free(&files);
}
#endif

/* ---- Silence --------------------------------------------------------------- */

enum { LOG_SIZE = 1 << 16 };

struct log {
    char text[LOG_SIZE];
    size_t size;
    int lines;
};

static void keep(void *context, bert_log_level level, const char *message)
{
    struct log *log = context;
    size_t n = strlen(message);

    assert_true(level >= BERT_LOG_WARNING && level <= BERT_LOG_DEBUG);
    assert_null(strchr(message, '\n'));
    assert_true(n + 1 < LOG_SIZE - log->size);
    memcpy(log->text + log->size, message, n + 1);
    log->text[log->size + n] = '\n';
    log->size += n + 1;
    log->text[log->size] = '\0';
    log->lines++;
}

/* Good and bad calls on a text that must appear nowhere. */
static void make_noise(struct log *log)
{
    bert_model_options options = BERT_MODEL_OPTIONS_INIT;
    bert_text text = {"xyzzy secret \xff plugh", 20};
    bert_embed_options strict = BERT_EMBED_OPTIONS_INIT;
    struct test_files files = {NULL, 0};
    bert_session *session;
    bert_model *model;
    float out[20];
    bert_error err;

    options.log = keep;
    options.log_context = log;
    test_files_add(&files, test_path("tests/data/models/embed/base"));
    test_files_add(&files, test_path("tests/data/models/embed/dense_tanh"));
    test_ok(bert_model_load_memory(&model, files.list, files.n, &options, &err), &err);
    session = test_session(model, 2);
    test_ok(bert_embed(session, &text, 1, NULL, out, 20, NULL, &err), &err);
    strict.overlong = BERT_OVERLONG_ERROR;
    strict.max_length = 4;
    assert_int_equal(bert_embed(session, &text, 1, &strict, out, 20, NULL, &err), BERT_ERANGE);
    assert_null(strstr(err.message, "xyzzy"));
    assert_null(strstr(err.message, "plugh"));
    bert_session_destroy(session);
    bert_model_unref(model);
    test_files_edit(&files, "config.json", "\"bert\"", "\"gandalf\"");
    assert_int_equal(bert_model_load_memory(&model, files.list, files.n, &options, &err),
                     BERT_EUNSUPPORTED);
    test_files_free(&files);
    test_ok(bert_model_load(&model, test_path("tests/data/models/bert/odd35"), &options, &err),
            &err);
    bert_model_unref(model);
}

static void test_silence(void **state)
{
    static struct log log;
    char name[] = "/tmp/bert-test-XXXXXX";
    int file = mkstemp(name), out = dup(STDOUT_FILENO), error = dup(STDERR_FILENO);
    off_t printed;

    (void)state;
    assert_true(file >= 0 && out >= 0 && error >= 0);
    unlink(name);
    fflush(NULL);
    dup2(file, STDOUT_FILENO);
    dup2(file, STDERR_FILENO);
    make_noise(&log);
    fflush(NULL);
    dup2(out, STDOUT_FILENO);
    dup2(error, STDERR_FILENO);
    printed = lseek(file, 0, SEEK_END);
    close(file);
    close(out);
    close(error);
    assert_int_equal(printed, 0);
    assert_true(log.lines > 0); /* odd35 has tensors that are not used */
    assert_null(strstr(log.text, "xyzzy"));
    assert_null(strstr(log.text, "plugh"));
}

static void test_signal_handlers(void **state)
{
    struct sigaction before[32], after;
    static struct log log;

    (void)state;
    for (int s = 1; s < 32; s++)
        assert_int_equal(sigaction(s, NULL, &before[s]), 0);
    make_noise(&log);
    for (int s = 1; s < 32; s++) {
        assert_int_equal(sigaction(s, NULL, &after), 0);
        assert_true(after.sa_handler == before[s].sa_handler);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#if !UNDER_TSAN
        cmocka_unit_test(test_threads_on_first_use),
        cmocka_unit_test(test_workers_block_signals),
        cmocka_unit_test(test_fork),
#endif
        cmocka_unit_test(test_silence),
        cmocka_unit_test(test_signal_handlers),
#if HAS_FLOAT_STATE
        cmocka_unit_test(test_float_state),
        cmocka_unit_test(test_float_state_of_whole_life),
#endif
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
