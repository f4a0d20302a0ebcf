// SPDX-License-Identifier: Apache-2.0
/* Whole compiles: what goes where, what is kept, and that a failure leaves the active set alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "cvdmake.h"
#include "defkit.h"
#include "defs/manifest.h"
#include "os/fault.h"
#include "os/file.h"

#define EICAR "44d88612fea8a8f36de82e1278abb02f:68:Test.Eicar-1\n"
#define OTHER "44d88612fea8a8f36de82e1278abb020:69:Test.Other-1\n"

struct run {
    struct scratch s;
    struct diag_tape tape;
    struct defc_options o;
    struct defc_report report;
    char src[128];
    char out[128];
    const char *source[4];
};

static void begin(struct run *r) {
    memset(r, 0, sizeof *r);
    scratch_make(&r->s);
    diag_tape_init(&r->tape);
    (void)snprintf(r->src, sizeof r->src, "%s/src", r->s.dir);
    (void)snprintf(r->out, sizeof r->out, "%s/out", r->s.dir);
    r->source[0] = r->src;
    r->o = (struct defc_options){.sources = r->source,
                                 .source_count = 1,
                                 .out_dir = r->out,
                                 .rebuild = true,
                                 .diag = &r->tape.diag};
}

static int compile(struct run *r) {
    return defc_compile(&r->o, &r->report).code;
}

static void end(struct run *r) {
    scratch_remove(&r->s);
}

/* "main daily*" : segments of the active set, * = official. */
static const char *segments(const struct run *r) {
    static char text[200];
    struct defset *set = NULL;
    text[0] = '\0';
    assert_int_equal(defset_open(r->out, NULL, &set).code, SK_OK);
    for (unsigned i = 0; i < defset_count(set); i++) {
        const struct img_header *h = image_header(defset_image(set, i));
        size_t len = strlen(text);
        (void)snprintf(&text[len], sizeof text - len, "%s%s%s", i > 0 ? " " : "", h->name,
                       (h->flags & IMG_OFFICIAL) != 0 ? "*" : "");
    }
    defset_close(set);
    return text;
}

static void sources_go_to_their_segments(void **state) {
    (void)state;
    struct run r;
    begin(&r);
    scratch_text(&r.s, "src/main.hdb", EICAR);
    scratch_text(&r.s, "src/DAILY.HDB", OTHER); /* suffixes ignore case, names do not */
    scratch_text(&r.s, "src/mainly.hdb", OTHER);
    scratch_text(&r.s, "src/notes.txt", "nothing");
    scratch_text(&r.s, "src/pua.hdu", OTHER);
    assert_int_equal(compile(&r), SK_OK);
    assert_string_equal(segments(&r), "local main");
    assert_int_equal(r.report.signatures, 2);
    assert_int_equal(r.report.skipped[DEFC_DUPLICATE], 1);
    assert_int_equal(r.report.taken, 2);
    assert_int_equal(r.report.lines, 3);
    r.o.pua = true;
    r.o.official = true;
    r.o.segment = "own-1";
    r.o.replace = true;
    assert_int_equal(compile(&r), SK_OK);
    assert_string_equal(segments(&r), "own-1*");
    assert_int_equal(r.report.lines, 4);
    assert_int_equal(scratch_count(&r.s, "out", ""), 2); /* the image and the manifest */
    r.o.segment = "No";
    assert_int_equal(compile(&r), SK_E_USAGE);
    end(&r);
}

static void others_stay_and_old_images_go(void **state) {
    (void)state;
    struct run r;
    begin(&r);
    scratch_text(&r.s, "src/main.hdb", EICAR);
    assert_int_equal(compile(&r), SK_OK);
    (void)unlink(scratch_path(&r.s, "src/main.hdb"));
    scratch_text(&r.s, "src/daily.hdb", OTHER);
    assert_int_equal(compile(&r), SK_OK);
    assert_string_equal(segments(&r), "main daily");
    assert_int_equal(scratch_count(&r.s, "out", ".skdef"), 2);
    scratch_text(&r.s, "src/daily.hdb", EICAR OTHER);
    assert_int_equal(compile(&r), SK_OK);
    assert_string_equal(segments(&r), "main daily");
    assert_int_equal(scratch_count(&r.s, "out", ".skdef"), 2);
    assert_int_equal(scratch_count(&r.s, "out", ""), 3);
    /* A damaged manifest is never taken for an empty set. */
    scratch_text(&r.s, "out/manifest", "sekisho-definitions 1\nrubbish\n");
    assert_int_equal(compile(&r), SK_E_FORMAT);
    r.o.replace = true;
    assert_int_equal(compile(&r), SK_OK);
    assert_string_equal(segments(&r), "daily");
    end(&r);
}

static void the_same_input_gives_the_same_bytes(void **state) {
    (void)state;
    struct run r;
    struct buf a = {0};
    struct buf b = {0};
    begin(&r);
    defkit_sample(&r.s);
    assert_int_equal(compile(&r), SK_OK);
    defkit_image(&r.s, &a);
    assert_int_equal(rename(r.out, scratch_path(&r.s, "first")), 0);
    assert_int_equal(rename(r.src, scratch_path(&r.s, "elsewhere")), 0);
    (void)snprintf(r.src, sizeof r.src, "%s/elsewhere", r.s.dir);
    assert_int_equal(compile(&r), SK_OK);
    defkit_image(&r.s, &b);
    assert_int_equal(a.len, b.len);
    assert_memory_equal(a.data, b.data, a.len);
    buf_release(&a);
    buf_release(&b);
    end(&r);
}

/* Three segments, with lines that are told, by 1, 2 and 5 processes: same images, same report, same
 * last message. */
static void the_number_of_jobs_changes_nothing(void **state) {
    (void)state;
    static const unsigned jobs[] = {1, 2, 5};
    struct run r;
    char manifest[3][700];
    struct defc_report report[3];
    char text[3][sizeof r.tape.text];
    begin(&r);
    defkit_sample(&r.s);
    scratch_text(&r.s, "src/main.hdb", "rubbish\n" EICAR OTHER EICAR);
    scratch_text(&r.s, "src/main.ldb",
                 "Test.Body-1;Target:1;0&1;4142434445464748;49505152535455565758\n");
    scratch_text(&r.s, "src/daily.hsb", "worse\nrubbish:1:2:3:4:5\n");
    scratch_text(&r.s, "src/daily.ign2", "Test.Gone-1\n");
    for (unsigned i = 0; i < 3; i++) {
        struct buf b = {0};
        r.o.jobs = jobs[i];
        r.o.replace = true;
        assert_int_equal(compile(&r), SK_OK);
        assert_int_equal(r.report.segments, 3);
        assert_int_equal(file_read_all(scratch_path(&r.s, "out/manifest"), 600, &b).code, SK_OK);
        (void)snprintf(manifest[i], sizeof manifest[i], "%s", buf_text(&b));
        report[i] = r.report;
        memcpy(text[i], r.tape.text, sizeof text[i]);
        buf_release(&b);
        assert_int_equal(rename(r.out, scratch_path(&r.s, i == 0 ? "1" : i == 1 ? "2" : "3")), 0);
    }
    for (unsigned i = 1; i < 3; i++) {
        assert_string_equal(manifest[i], manifest[0]);
        assert_memory_equal(&report[i], &report[0], sizeof report[0]);
        assert_string_equal(text[i], text[0]);
    }
    end(&r);
}

/* Inode and time of change of the image of a segment: it is the same file, or it is not. */
struct trace {
    ino_t inode;
    struct timespec written;
};

static struct trace trace_of(const struct run *r, const char *segment) {
    struct manifest m;
    struct stat st;
    char path[300];
    assert_int_equal(manifest_read(r->out, NULL, &m).code, SK_OK);
    for (unsigned i = 0; i < m.count; i++) {
        if (strcmp(m.row[i].segment, segment) == 0) {
            (void)snprintf(path, sizeof path, "%s/%s", r->out, m.row[i].file);
            assert_int_equal(stat(path, &st), 0);
            return (struct trace){st.st_ino, st.st_mtim};
        }
    }
    fail_msg("no segment %s", segment);
    return (struct trace){0};
}

static bool same_trace(struct trace a, struct trace b) {
    return a.inode == b.inode && a.written.tv_sec == b.written.tv_sec &&
           a.written.tv_nsec == b.written.tv_nsec;
}

static void expect(struct run *r, unsigned written, unsigned kept) {
    assert_int_equal(compile(r), SK_OK);
    assert_int_equal(r->report.segments, written);
    assert_int_equal(r->report.kept, kept);
    assert_int_equal(scratch_count(&r->s, "out", ""), written + kept + 1); /* and the manifest */
}

static void only_what_changed_is_compiled(unsigned jobs) {
    struct run r;
    begin(&r);
    r.o.rebuild = false;
    r.o.jobs = jobs;
    scratch_text(&r.s, "src/main.hdb", EICAR);
    scratch_text(&r.s, "src/main.ndb", "Test.Body-1:0:*:41424344454647484950\n");
    scratch_text(&r.s, "src/daily.hdb", OTHER);
    expect(&r, 2, 0);
    struct trace main_image = trace_of(&r, "main"), daily = trace_of(&r, "daily");
    /* Nothing has changed, also with new times and in another place. */
    scratch_text(&r.s, "src/daily.hdb", OTHER);
    assert_int_equal(rename(r.src, scratch_path(&r.s, "moved")), 0);
    (void)snprintf(r.src, sizeof r.src, "%s/moved", r.s.dir);
    expect(&r, 0, 2);
    assert_int_equal(r.report.kept_signatures, 3);
    assert_int_equal(r.report.signatures, 0);
    assert_true(same_trace(trace_of(&r, "daily"), daily));
    /* One byte of daily, same size. */
    scratch_text(&r.s, "moved/daily.hdb", "44d88612fea8a8f36de82e1278abb021:69:Test.Other-1\n");
    expect(&r, 1, 1);
    assert_true(same_trace(trace_of(&r, "main"), main_image));
    assert_false(same_trace(trace_of(&r, "daily"), daily));
    /* A source more, a source less, the order. */
    scratch_text(&r.s, "moved/main.hsb", "");
    expect(&r, 1, 1);
    (void)unlink(scratch_path(&r.s, "moved/main.hsb"));
    expect(&r, 1, 1);
    main_image = trace_of(&r, "main");
    /* An ignore list may concern every segment, options do. */
    scratch_text(&r.s, "moved/own.ign2", "Test.Nothing-1\n");
    assert_int_equal(compile(&r), SK_OK);
    assert_int_equal(r.report.kept, 0);
    expect(&r, 0, 3);
    r.o.pua = true;
    expect(&r, 3, 0);
    r.o.official = true;
    expect(&r, 3, 0);
    expect(&r, 0, 3);
    r.o.rebuild = true;
    expect(&r, 3, 0);
    end(&r);
}

static void only_what_changed_is_compiled_again(void **state) {
    (void)state;
    only_what_changed_is_compiled(1);
    only_what_changed_is_compiled(3);
}

/* In the one record of EICAR: opens as before, and finds nothing any more. */
static void flip_in_digest(const char *path) {
    static const uint8_t digest[] = {0x44, 0xd8, 0x86, 0x12};
    struct buf image = {0};
    assert_int_equal(file_read_all(path, (size_t)1 << 24, &image).code, SK_OK);
    uint8_t *at = memmem(image.data, image.len, digest, sizeof digest);
    assert_non_null(at);
    at[sizeof digest] ^= 1;
    FILE *f = fopen(path, "r+b");
    assert_non_null(f);
    assert_int_equal(fwrite(image.data, 1, image.len, f), image.len);
    assert_int_equal(fclose(f), 0);
    buf_release(&image);
}

/* An image that is not what it was is made again, not kept. */
static void a_damaged_image_is_not_kept(void **state) {
    (void)state;
    struct run r;
    struct manifest m;
    char path[300];
    begin(&r);
    r.o.rebuild = false;
    scratch_text(&r.s, "src/main.hdb", EICAR);
    expect(&r, 1, 0);
    assert_int_equal(manifest_read(r.out, NULL, &m).code, SK_OK);
    (void)snprintf(path, sizeof path, "%s/%s", r.out, m.row[0].file);
    assert_int_equal(truncate(path, 20000), 0);
    expect(&r, 1, 0);
    assert_int_equal(unlink(path), 0);
    expect(&r, 1, 0);
    flip_in_digest(path);
    expect(&r, 1, 0);
    expect(&r, 0, 1);
    scratch_text(&r.s, "out/manifest", "rubbish\n");
    r.o.replace = true;
    expect(&r, 1, 0);
    expect(&r, 0, 1);
    end(&r);
}

static void lines_that_cannot_be_taken_are_counted(void **state) {
    (void)state;
    struct run r;
    begin(&r);
    scratch_write(&r.s, "src/a.hdb", "rubbish\n# no\n" EICAR "a\0b\n", 16 + sizeof EICAR);
    scratch_text(&r.s, "src/b.idb", "one\ntwo\n");
    scratch_text(&r.s, "src/c.yar", "rule a { condition: true }\n// x\n private rule b {\n}\n");
    scratch_text(&r.s, "src/d.cbc", "ClamBC\nx\ny\n");
    scratch_text(&r.s, "src/e.ign2", "Test.Gone-1\n");
    scratch_text(&r.s, "src/f.hdb", "44d88612fea8a8f36de82e1278abb02e:5:Test.Gone-1\n");
    scratch_text(&r.s, "src/g.ndb", "Test.Gone-1:0:*:41424344454647484950\n");
    assert_int_equal(compile(&r), SK_OK);
    assert_int_equal(r.report.signatures, 1);
    assert_int_equal(r.report.skipped[DEFC_MALFORMED], 5);
    assert_int_equal(r.report.skipped[DEFC_NOT_YET_FORMAT], 2);
    assert_int_equal(r.report.skipped[DEFC_IGNORED], 2);
    struct buf image = {0};
    struct image *img = NULL;
    defkit_image(&r.s, &image);
    assert_int_equal(image_open_mem(image.data, image.len, NULL, &img).code, SK_OK);
    struct sk_bytes meta = image_meta(img);
    static const char *const want[] = {
        "source=a.hdb lines=3 taken=1\n", "kind.yar.skipped.not-yet-format=2\n",
        "warning=a.hdb:1: malformed: ", "kind.cbc.lines=1\n", "kind.ndb.skipped.ignored=1\n"};
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
        if (memmem(meta.ptr, meta.len, want[i], strlen(want[i])) == NULL) {
            fail_msg("META lacks %s in %.*s", want[i], (int)meta.len, (const char *)meta.ptr);
        }
    }
    image_close(img);
    buf_release(&image);
    end(&r);
}

static void container(const struct run *r, const char *name, const struct cvdmake_options *o,
                      const char *line) {
    struct cvdmake_file file[] = {{"daily.hdb", line, 0}, {"daily.ign2", "Test.Gone-1\n", 0}};
    struct buf b = {0};
    cvdmake_build(o, file, 2, &b);
    scratch_write(&r->s, name, b.data, b.len);
    buf_release(&b);
}

static void containers_are_verified_and_official(void **state) {
    (void)state;
    struct run r;
    struct cvd_keys keys;
    begin(&r);
    cvdmake_keys(&keys);
    struct cvdmake_options cvd = {.version = 5, .kind = CVD_SIGNED};
    struct cvdmake_options cld = {.version = 6, .kind = CVD_LOCAL};
    struct cvdmake_options cud = {.version = 1, .kind = CVD_UNSIGNED};
    container(&r, "src/daily.cvd", &cvd, EICAR);
    r.o.keys = &keys;
    assert_int_equal(compile(&r), SK_OK);
    assert_string_equal(segments(&r), "daily*");
    /* Loose files and unsigned containers do not join the official segment. */
    scratch_text(&r.s, "src/daily.ndb", "Test.Body-1:0:*:41424344454647484950\n");
    container(&r, "src/own.cud", &cud, OTHER);
    assert_int_equal(compile(&r), SK_OK);
    assert_string_equal(segments(&r), "daily* local");
    struct defset *set = NULL;
    assert_int_equal(defset_open(r.out, NULL, &set).code, SK_OK);
    assert_int_equal(image_header(defset_image(set, 0))->source_version, 5);
    assert_int_equal(image_header(defset_image(set, 0))->source_time, 1795446559);
    assert_true(defset_ignores(set, "Test.Gone-1"));
    defset_close(set);
    /* The newer of cld and cvd; equal: the cld. */
    container(&r, "src/daily.cld", &cld, EICAR OTHER);
    assert_int_equal(compile(&r), SK_OK);
    assert_int_equal(r.report.signatures, 4);
    cvd.version = 7;
    container(&r, "src/daily.cvd", &cvd, EICAR);
    assert_int_equal(compile(&r), SK_OK);
    assert_int_equal(r.report.signatures, 3);
    cld.version = 7;
    container(&r, "src/daily.cld", &cld, EICAR OTHER);
    assert_int_equal(compile(&r), SK_OK);
    assert_int_equal(r.report.signatures, 4);
    /* One that does not verify: nothing is installed, the old set stays. */
    (void)unlink(scratch_path(&r.s, "src/daily.cld"));
    cvd.no_dsig = true;
    container(&r, "src/daily.cvd", &cvd, EICAR);
    assert_int_equal(compile(&r), SK_E_BAD_SIGNATURE);
    assert_non_null(strstr(r.tape.text, "signature"));
    assert_string_equal(segments(&r), "daily* local");
    r.o.skip_verify = true;
    assert_int_equal(compile(&r), SK_OK);
    assert_string_equal(segments(&r), "daily local");
    end(&r);
}

static void only_official_ones_when_asked(void **state) {
    (void)state;
    struct run r;
    struct cvd_keys keys;
    begin(&r);
    cvdmake_keys(&keys);
    struct cvdmake_options cvd = {.version = 5, .kind = CVD_SIGNED};
    struct cvdmake_options cud = {.version = 1, .kind = CVD_UNSIGNED};
    container(&r, "src/daily.cvd", &cvd, EICAR);
    container(&r, "src/own.cud", &cud, OTHER);
    scratch_text(&r.s, "src/loose.hdb", OTHER);
    r.o.keys = &keys;
    assert_int_equal(compile(&r), SK_OK);
    assert_string_equal(segments(&r), "daily* local");
    /* Of a set that is there already. */
    struct defset *set = NULL;
    assert_int_equal(defset_open(r.out, NULL, &set).code, SK_OK);
    defset_keep_official(set);
    assert_int_equal(defset_count(set), 1);
    assert_string_equal(image_header(defset_image(set, 0))->name, "daily");
    assert_int_equal(defset_signature_count(set), 1);
    defset_close(set);
    /* At the compile: directories are filtered, what is named is taken. */
    r.o.official_only = true;
    r.o.replace = true;
    assert_int_equal(compile(&r), SK_OK);
    assert_string_equal(segments(&r), "daily*");
    r.source[1] = scratch_path(&r.s, "src/loose.hdb");
    r.o.source_count = 2;
    assert_int_equal(compile(&r), SK_OK);
    assert_string_equal(segments(&r), "daily* local");
    r.o.source_count = 1;
    (void)unlink(scratch_path(&r.s, "src/daily.cvd"));
    assert_int_equal(compile(&r), SK_E_NOTFOUND);
    end(&r);
}

static void an_unchanged_container_is_kept(void **state) {
    (void)state;
    struct run r;
    struct cvd_keys keys;
    begin(&r);
    cvdmake_keys(&keys);
    r.o.keys = &keys;
    r.o.rebuild = false;
    struct cvdmake_options cvd = {.version = 5, .kind = CVD_SIGNED};
    container(&r, "src/daily.cvd", &cvd, EICAR);
    scratch_text(&r.s, "src/main.hdb", OTHER);
    expect(&r, 2, 0);
    struct trace daily = trace_of(&r, "daily");
    expect(&r, 0, 2);
    scratch_text(&r.s, "src/main.hdb", EICAR OTHER);
    expect(&r, 1, 1);
    assert_true(same_trace(trace_of(&r, "daily"), daily));
    cvd.version = 6; /* the same signatures: META says the version */
    container(&r, "src/daily.cvd", &cvd, EICAR);
    expect(&r, 1, 1);
    cvd.kind = CVD_LOCAL;
    (void)unlink(scratch_path(&r.s, "src/daily.cvd"));
    container(&r, "src/daily.cld", &cvd, EICAR OTHER);
    expect(&r, 1, 1);
    expect(&r, 0, 2);
    end(&r);
}

static void missing_and_unknown_sources_are_errors(void **state) {
    (void)state;
    struct run r;
    begin(&r);
    assert_int_equal(compile(&r), SK_E_NOTFOUND); /* an empty directory */
    r.source[0] = "/nonexistent/x.hdb";
    assert_int_equal(compile(&r), SK_E_NOTFOUND);
    scratch_text(&r.s, "x.unknown", EICAR);
    char path[128];
    (void)snprintf(path, sizeof path, "%s/x.unknown", r.s.dir);
    r.source[0] = path;
    assert_int_equal(compile(&r), SK_E_USAGE);
    scratch_text(&r.s, "x.cvd", "ClamAV-VDB:short");
    (void)snprintf(path, sizeof path, "%s/x.cvd", r.s.dir);
    assert_int_equal(compile(&r), SK_E_FORMAT);
    scratch_text(&r.s, "x.hdb", EICAR);
    (void)snprintf(path, sizeof path, "%s/x.hdb", r.s.dir);
    r.o.out_dir = "/nonexistent/sub/dir";
    assert_int_equal(compile(&r), SK_E_NOTFOUND);
    end(&r);
}

static void two_compiles_do_not_meet(void **state) {
    (void)state;
    struct run r;
    begin(&r);
    scratch_text(&r.s, "src/a.hdb", EICAR);
    assert_int_equal(compile(&r), SK_OK);
    int fd = open(r.out, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    assert_int_equal(compile(&r), SK_E_IO);
    assert_non_null(strstr(r.tape.text, "another compile"));
    (void)close(fd);
    assert_int_equal(compile(&r), SK_OK);
    end(&r);
}

/* The active set must be the old one or the new one, whole, after every failure. */
static void check_set(const struct run *r, const char *before) {
    struct defset *set = NULL;
    assert_int_equal(defset_open(r->out, NULL, &set).code, SK_OK);
    assert_int_equal(defset_count(set), 1);
    const char *name = image_header(defset_image(set, 0))->name;
    assert_string_equal(name, before);
    for (unsigned i = 0; i < defset_count(set); i++) {
        assert_int_equal(image_verify(defset_image(set, i), NULL).code, SK_OK);
    }
    defset_close(set);
}

static void old_set(struct run *r) {
    begin(r);
    scratch_text(&r->s, "src/old.hdb", OTHER);
    r->o.segment = "old";
    assert_int_equal(compile(r), SK_OK);
    (void)unlink(scratch_path(&r->s, "src/old.hdb"));
    defkit_sample(&r->s);
    r->o.segment = "new";
    r->o.replace = true;
}

static void the_nth_allocation_may_fail(void **state) {
    (void)state;
    struct run r;
    old_set(&r);
    for (uint64_t n = 1;; n += n < 400 ? 1 : 13) {
        uint64_t told = r.tape.diag.count[DIAG_ERROR];
        mem_fault_set(n);
        int code = compile(&r);
        bool reached = mem_fault_seen() >= n;
        mem_fault_set(0);
        if (!reached) {
            assert_int_equal(code, SK_OK);
            break;
        }
        if (code != SK_OK) {
            assert_int_equal(code, SK_E_NOMEM);
            assert_true(r.tape.diag.count[DIAG_ERROR] > told);
            check_set(&r, "old");
            assert_int_equal(scratch_count(&r.s, "out", ""), 2);
        } else {
            /* Refused where it does no harm (a lookup table of zlib, say). */
            end(&r);
            old_set(&r);
        }
    }
    check_set(&r, "new");
    end(&r);
}

static void reads_and_writes_fail(unsigned jobs) {
    struct run r;
    old_set(&r);
    r.o.jobs = jobs;
    for (uint64_t n = 1;; n++) {
        os_fault_set(n);
        int code = compile(&r);
        bool reached = os_fault_seen() >= n; /* here; a child may have met it and we not */
        os_fault_set(0);
        if (!reached && code == SK_OK) {
            break;
        }
        assert_true(reached || jobs > 1);
        if (code == SK_OK) {
            fail_msg("failure %d was not noticed", (int)n);
        }
        /* A failed sync of the directory comes after the rename: then the new set is active. */
        struct defset *set = NULL;
        assert_int_equal(defset_open(r.out, NULL, &set).code, SK_OK);
        bool is_new = strcmp(image_header(defset_image(set, 0))->name, "new") == 0;
        assert_int_equal(image_verify(defset_image(set, 0), NULL).code, SK_OK);
        defset_close(set);
        if (is_new) {
            end(&r);
            old_set(&r);
            r.o.jobs = jobs;
        }
    }
    end(&r);
}

static void the_nth_read_or_write_may_fail(void **state) {
    (void)state;
    reads_and_writes_fail(1);
    reads_and_writes_fail(3);
}

static void a_full_disk_is_told_and_harmless(void **state) {
    (void)state;
    struct run r;
    struct rlimit old;
    old_set(&r);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    (void)signal(SIGXFSZ, SIG_IGN);
    struct rlimit small = {20000, old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    int code = compile(&r);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(code, SK_E_IO);
    assert_non_null(strstr(r.tape.text, "File too large"));
    check_set(&r, "old");
    assert_int_equal(scratch_count(&r.s, "out", ""), 2);
    assert_int_equal(compile(&r), SK_OK);
    end(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sources_go_to_their_segments),
        cmocka_unit_test(others_stay_and_old_images_go),
        cmocka_unit_test(the_same_input_gives_the_same_bytes),
        cmocka_unit_test(the_number_of_jobs_changes_nothing),
        cmocka_unit_test(only_what_changed_is_compiled_again),
        cmocka_unit_test(a_damaged_image_is_not_kept),
        cmocka_unit_test(lines_that_cannot_be_taken_are_counted),
        cmocka_unit_test(containers_are_verified_and_official),
        cmocka_unit_test(only_official_ones_when_asked),
        cmocka_unit_test(an_unchanged_container_is_kept),
        cmocka_unit_test(missing_and_unknown_sources_are_errors),
        cmocka_unit_test(two_compiles_do_not_meet),
        cmocka_unit_test(the_nth_allocation_may_fail),
        cmocka_unit_test(the_nth_read_or_write_may_fail),
        cmocka_unit_test(a_full_disk_is_told_and_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
