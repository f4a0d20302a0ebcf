// SPDX-License-Identifier: Apache-2.0
/* Option tables: words in, record out, and one clear message for everything else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "base/mem.h"
#include "conf/conf.h"

struct record {
    bool recursive;
    bool all;
    uint64_t size;
    uint64_t jobs;
    const char *dir;
    const char *mode;
    struct conf_list exclude;
};

#define AT(f) offsetof(struct record, f)
static const struct conf_option OPTIONS[] = {
    {"recursive", 'r', CONF_BOOL, AT(recursive), 0, 0, "yes", NULL, NULL, "Go down", NULL},
    {"all", 'z', CONF_FLAG, AT(all), 0, 0, NULL, NULL, NULL, "All of it", NULL},
    {"max-size", 0, CONF_SIZE, AT(size), 10, (uint64_t)1 << 40, "100M", "SIZE", NULL, "Limit",
     "-x\\y"},
    {"jobs", 'j', CONF_NUMBER, AT(jobs), 1, 64, "2", "N", NULL, "Workers", NULL},
    {"directory", 'd', CONF_TEXT, AT(dir), 0, 0, NULL, "DIR", NULL, "Where", NULL},
    {"mode", 0, CONF_CHOICE, AT(mode), 0, 0, "auto", "MODE", "auto|require|off", "How", NULL},
    {"exclude", 0, CONF_LIST, AT(exclude), 0, 0, NULL, "REGEX", NULL, "Not these", NULL},
    {"exclude-dir", 0, CONF_NONE, 0, 0, 0, NULL, "REGEX", NULL, "No effect", NULL},
    {"bytecode", 0, CONF_NONE, 0, 0, 0, NULL, NULL, NULL, "No effect", NULL},
};
static const struct conf_table TABLE = {OPTIONS, sizeof(OPTIONS) / sizeof(OPTIONS[0])};

static char said[256];

static void say(void *ctx, enum diag_level level, const char *where, uint64_t line,
                const char *text) {
    (void)ctx;
    (void)level;
    (void)line;
    (void)snprintf(said, sizeof(said), "%s: %s", where != NULL ? where : "", text);
}

static int parse(struct record *r, struct conf_list *operands, const char *const *words) {
    struct diag d = {.say = say};
    const char *argv[32] = {"prog"};
    int argc = 1;
    for (; words[argc - 1] != NULL; argc++) {
        argv[argc] = words[argc - 1];
    }
    *r = (struct record){0};
    said[0] = '\0';
    assert_false(sk_failed(conf_defaults(&TABLE, r, &d)));
    struct conf_words given = {argc, argv};
    return conf_parse(&TABLE, &given, r, operands, &d).code;
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__ __VA_OPT__(, ) NULL})

static void test_all_ways_to_write_options(void **state) {
    (void)state;
    struct record r;
    struct conf_list ops = {0};
    assert_int_equal(parse(&r, &ops, (const char *const[]){NULL}), SK_OK);
    assert_true(r.recursive);
    assert_int_equal(r.size, 100 << 20);
    assert_string_equal(r.mode, "auto");
    assert_int_equal(parse(&r, &ops,
                           WORDS("a", "-zd", "dir", "--max-size=3K", "-j4", "-", "--recursive=no",
                                 "--excl", "x", "--exclude=y=z", "--bytecode=no", "--exclude-dir=q",
                                 "--mode", "off", "--", "--all")),
                     SK_E_USAGE); /* --excl could be two */
    assert_non_null(strstr(said, "several"));
    conf_release(&TABLE, &r);
    ops.count = 0;
    assert_int_equal(
        parse(&r, &ops,
              WORDS("a", "-zd", "dir", "--max-size=3K", "-j4", "-", "--rec=no", "--exclude", "x",
                    "--exclude=y=z", "--bytecode=no", "--mode", "off", "--", "--all")),
        SK_OK);
    assert_true(r.all);
    assert_false(r.recursive);
    assert_int_equal(r.size, 3072);
    assert_int_equal(r.jobs, 4);
    assert_string_equal(r.dir, "dir");
    assert_string_equal(r.mode, "off");
    assert_int_equal(r.exclude.count, 2);
    assert_string_equal(r.exclude.item[1], "y=z");
    assert_int_equal(ops.count, 3);
    assert_string_equal(ops.item[1], "-");
    assert_string_equal(ops.item[2], "--all");
    conf_release(&TABLE, &r);
    assert_int_equal(parse(&r, &ops, WORDS("--all", "--no-all")), SK_OK);
    assert_false(r.all);
    conf_list_release(&ops);
}

static void test_wrong_words_name_the_option(void **state) {
    (void)state;
    static const struct {
        const char *word;
        const char *said;
    } CASES[] = {
        {"--bogus", "unknown option '--bogus'"},
        {"-rq", "unknown option '-rq'"},
        {"--max-size=5X", "--max-size: '5X' is not a size"},
        {"--max-size=", "--max-size: '' is not a size"},
        {"--max-size=9", "--max-size: '9' is not between 10"},
        {"--max-size=99999999999999999999", "--max-size: "},
        {"--max-size=18446744073709551615G", "--max-size: "},
        {"--jobs=0", "--jobs: '0' is not between 1 and 64"},
        {"--jobs=65", "--jobs: '65' is not between 1 and 64"},
        {"--jobs=2K", "--jobs: '2K' is not a number"},
        {"--jobs=-1", "--jobs: '-1' is not a number"},
        {"--directory", "--directory: needs a value (DIR)"},
        {"-d", "--directory: needs a value (DIR)"},
        {"--mode=aut", "--mode: 'aut' is not one of auto|require|off"},
        {"--recursive=maybe", "--recursive: 'maybe' is neither yes nor no"},
        {"--all=yes", "--all: 'yes' is too much"},
        {"--bytecode=x", "--bytecode: 'x' is neither"},
        {"--no-jobs", "unknown option '--no-jobs'"},
        {"--mode=\033[2J", "--mode: '\\x1B[2J' is not"},
    };
    struct record r;
    struct conf_list ops = {0};
    for (unsigned i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        assert_int_equal(parse(&r, &ops, WORDS(CASES[i].word)), SK_E_USAGE);
        if (strcasestr(said, CASES[i].said) == NULL) {
            fail_msg("%s said '%s'", CASES[i].word, said);
        }
        conf_release(&TABLE, &r);
    }
    conf_list_release(&ops);
}

static void test_texts_come_from_the_table(void **state) {
    (void)state;
    struct buf b = {0};
    assert_false(sk_failed(conf_help(&TABLE, NULL, &b)));
    assert_non_null(strstr(buf_text(&b), "-j, --jobs=N"));
    assert_non_null(strstr(buf_text(&b), "Workers [2]"));
    assert_non_null(strstr(buf_text(&b), "-r, --recursive[=yes/no]"));
    buf_clear(&b);
    assert_false(sk_failed(conf_man(&TABLE, &b)));
    assert_non_null(strstr(buf_text(&b), ".It Fl Fl max\\-size Ns = Ns Ar SIZE\nLimit.\n\\-x\\ey.\n"
                                         "The default is\n.Ql 100M .\n"));
    assert_non_null(strstr(buf_text(&b), ".It Fl j , Fl Fl jobs Ns = Ns Ar N\nWorkers.\n"));
    assert_non_null(strstr(buf_text(&b), " Ns Op = Ns Ar yes/no\n"));
    buf_release(&b);
}

static void test_every_allocation_may_fail(void **state) {
    (void)state;
    struct record r;
    struct conf_list ops = {0};
    for (uint64_t n = 1;; n++) {
        mem_fault_set(n);
        int code = parse(&r, &ops, WORDS("a", "--exclude=x", "--exclude=y"));
        uint64_t seen = mem_fault_seen();
        mem_fault_set(0);
        conf_release(&TABLE, &r);
        conf_list_release(&ops);
        if (seen < n) {
            assert_int_equal(code, SK_OK);
            assert_true(n > 2);
            break;
        }
        assert_int_equal(code, SK_E_NOMEM);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_ways_to_write_options),
        cmocka_unit_test(test_wrong_words_name_the_option),
        cmocka_unit_test(test_texts_come_from_the_table),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
