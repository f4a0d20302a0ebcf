// SPDX-License-Identifier: Apache-2.0
/*
 * What each stage of a scan costs alone, in nanoseconds a byte, over the files of a folder; and
 * what the machine can do at all.
 *
 * usage: stages DEFINITIONS FOLDER...       prints one JSON object a line: {"what", "kind", "ns"}
 *
 * At most 64 MB of each folder are read into memory first. Every figure is the least of ROUNDS
 * rounds of processor time. The search is the real one (matcher_scan with the definitions given),
 * for the target named by the folder: elf, bin -> ELF; others -> text.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/source.h"
#include "crypto/lanes.h"
#include "defs/defset.h"
#include "match/filter.h"
#include "match/matcher.h"
#include "norm/text.h"
#include "os/file.h"

#define TOTAL_BYTES ((size_t)64 << 20)
#define FILES_MAX 8192u
#define ROUNDS 5

struct corpus {
    const char *folder, *kind;
    uint8_t *data;
    size_t len;
    size_t off[FILES_MAX + 1];
    unsigned count;
};

struct world {
    struct defset *set;
    const struct mt_segment *segment[MATCH_SEGMENT_MAX];
    unsigned segments;
    struct matcher *matcher;
    struct digester *digester;
    uint8_t *room;
};

static double now(void) {
    struct timespec ts;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static void need(bool good, const char *what) {
    if (!good) {
        (void)fprintf(stderr, "stages: %s\n", what);
        exit(2);
    }
}

static void read_corpus(const char *folder, struct corpus *c) {
    DIR *dir = opendir(folder);
    need(dir != NULL, folder);
    const char *slash = strrchr(folder, '/');
    c->folder = folder;
    c->kind = slash != NULL ? slash + 1 : folder;
    c->len = 0;
    c->count = 0;
    for (struct dirent *e; (e = readdir(dir)) != NULL && c->count < FILES_MAX;) {
        int fd = openat(dirfd(dir), e->d_name, O_RDONLY | O_CLOEXEC);
        struct stat st;
        if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
            (size_t)st.st_size <= TOTAL_BYTES - c->len) {
            need(!sk_failed(file_pread_all(fd, c->data + c->len, (size_t)st.st_size, 0)), folder);
            c->off[c->count++] = c->len;
            c->len += (size_t)st.st_size;
        }
        file_close(&fd);
    }
    c->off[c->count] = c->len;
    (void)closedir(dir);
    need(c->len > 0, "nothing to read");
}

typedef void stage_fn(const struct world *w, const struct corpus *c);

static void say(const char *what, const char *kind, double seconds, size_t bytes) {
    (void)printf("{\"what\": \"%s\", \"kind\": \"%s\", \"ns\": %.4f}\n", what, kind,
                 seconds * 1e9 / (double)bytes);
    (void)fflush(stdout);
}

static void measure(const struct world *w, const struct corpus *c, const char *what,
                    stage_fn *stage) {
    double best = 1e9;
    for (unsigned round = 0; round < ROUNDS; round++) {
        double start = now();
        stage(w, c);
        double took = now() - start;
        best = took < best ? took : best;
    }
    say(what, c->kind, best, c->len);
}

/* ---- stages ---------------------------------------------------------------------------------- */

static uint64_t sink;

static void memory_read(const struct world *w, const struct corpus *c) {
    (void)w;
    uint64_t sum = 0;
    for (size_t i = 0; i + 64 <= c->len; i += 64) {
        uint64_t v[8];
        memcpy(v, c->data + i, sizeof(v));
        sum += (v[0] ^ v[1]) + (v[2] ^ v[3]) + (v[4] ^ v[5]) + (v[6] ^ v[7]);
    }
    sink += sum;
}

static void page_cache_read(const struct world *w, const struct corpus *c) {
    DIR *dir = opendir(c->folder);
    size_t left = c->len;
    for (struct dirent *e; dir != NULL && left > 0 && (e = readdir(dir)) != NULL;) {
        int fd = openat(dirfd(dir), e->d_name, O_RDONLY | O_CLOEXEC);
        ssize_t n;
        while (fd >= 0 && left > 0 && (n = read(fd, w->room, 256 * 1024)) > 0) {
            left -= (size_t)n < left ? (size_t)n : left;
        }
        file_close(&fd);
    }
    (void)closedir(dir);
}

static void plain_digests(const struct world *w, const struct corpus *c, unsigned mask) {
    uint8_t digest[CRYPTO_ALGO_COUNT][CRYPTO_DIGEST_MAX];
    for (unsigned i = 0; i < c->count; i++) {
        need(!sk_failed(digester_begin(w->digester, mask)) &&
                 !sk_failed(digester_update(w->digester, c->data + c->off[i],
                                            c->off[i + 1] - c->off[i])) &&
                 !sk_failed(digester_end(w->digester, digest)),
             "digest");
    }
}

static void sha256_alone(const struct world *w, const struct corpus *c) {
    plain_digests(w, c, CRYPTO_MASK(CRYPTO_SHA256));
}

static void md5_sha256_alone(const struct world *w, const struct corpus *c) {
    plain_digests(w, c, LANES_MASK);
}

/* As the scanner does it: at most 48 objects wait. */
static void digests_in_lanes(const struct world *w, const struct corpus *c) {
    (void)w;
    static struct lanes_job job[48];
    struct lanes *lanes = NULL;
    if (sk_failed(lanes_new(NULL, &lanes))) {
        return;
    }
    unsigned next = 0;
    struct lanes_job *spare = NULL;
    for (unsigned i = 0; i < 48; i++) {
        job[i].next = spare;
        spare = &job[i];
    }
    while (next < c->count || lanes_held(lanes) > 0) {
        while (spare != NULL && next < c->count) {
            struct lanes_job *j = spare;
            spare = j->next;
            *j = (struct lanes_job){.mask = LANES_MASK,
                                    .bytes = c->data + c->off[next],
                                    .size = c->off[next + 1] - c->off[next]};
            next++;
            lanes_put(lanes, j);
        }
        struct lanes_job *done = lanes_run(lanes, 1);
        if (done != NULL) {
            done->next = spare;
            spare = done;
        }
    }
    lanes_free(lanes);
}

static void normalise(const struct world *w, const struct corpus *c) {
    struct sk_norm_text text = {0};
    for (size_t at = 0; at < c->len;) {
        size_t n = c->len - at < 65536 ? c->len - at : 65536;
        sink += sk_norm_text_feed(&text, c->data + at, n, w->room);
        at += n;
    }
}

static bool on_hit(void *ctx, const struct match_hit *hit) {
    (void)ctx;
    (void)hit;
    return true;
}

static enum sk_target target_of(const struct corpus *c) {
    bool program = strcmp(c->kind, "elf") == 0 || strcmp(c->kind, "bin") == 0;
    return program ? SK_TARGET_ELF : SK_TARGET_TEXT;
}

static void search(const struct world *w, const struct corpus *c, enum sk_target target) {
    for (unsigned i = 0; i < c->count; i++) {
        struct sk_source src;
        sk_source_init_mem(&src, c->data + c->off[i], c->off[i + 1] - c->off[i]);
        struct match_layer layer = {.src = &src, .target = target, .file_size = src.size};
        struct match_budget budget = {.steps = UINT64_MAX / 2};
        sk_err err = matcher_scan(w->matcher, &layer, &budget, on_hit, NULL);
        need(!sk_failed(err) || err.code == SK_E_LIMIT, "search");
    }
}

static void search_own(const struct world *w, const struct corpus *c) {
    search(w, c, target_of(c));
}

static void search_pe(const struct world *w, const struct corpus *c) {
    search(w, c, SK_TARGET_PE);
}

static sk_err no_hit(void *ctx, unsigned input, uint32_t trig, uint64_t off) {
    (void)ctx;
    (void)input;
    (void)trig;
    (void)off;
    return sk_ok();
}

static void filter_alone(const struct world *w, const struct corpus *c) {
    static uint32_t scratch[FILTER_BLOCK_BYTES];
    struct filter_input in[MATCH_SEGMENT_MAX];
    struct filter_plan *plan = NULL;
    for (unsigned i = 0; i < w->segments; i++) {
        uint64_t *done = mem_zalloc(w->segment[i]->trig_count / 64 + 1, sizeof(*done));
        need(done != NULL, "memory");
        in[i] = (struct filter_input){w->segment[i], &w->segment[i]->table[target_of(c)], done};
    }
    need(!sk_failed(filter_plan_new(in, w->segments, filter_kernel_nth(0)->marks != NULL, &plan)),
         "plan");
    for (unsigned i = 0; i < c->count; i++) {
        struct sk_source src;
        sk_source_init_mem(&src, c->data + c->off[i], c->off[i + 1] - c->off[i]);
        struct filter_job job = {.kernel = filter_kernel_nth(0),
                                 .src = &src,
                                 .plan = plan,
                                 .scratch = scratch,
                                 .hit = no_hit};
        need(!sk_failed(filter_run(&job)), "filter");
        for (unsigned k = 0; k < w->segments; k++) {
            memset(in[k].done, 0, (w->segment[k]->trig_count / 64 + 1) * sizeof(uint64_t));
        }
    }
    filter_plan_free(plan);
    for (unsigned i = 0; i < w->segments; i++) {
        mem_free(in[i].done);
    }
}

static void open_world(const char *definitions, struct world *w) {
    struct diag diag = {0};
    need(!sk_failed(defset_open(definitions, &diag, &w->set)), definitions);
    w->segments = defset_count(w->set);
    for (unsigned i = 0; i < w->segments; i++) {
        w->segment[i] = image_segment(defset_image(w->set, i));
    }
    need(!sk_failed(matcher_new(w->segment, w->segments, &w->matcher)) &&
             !sk_failed(digester_new(&w->digester)),
         "memory");
    w->room = mem_alloc((size_t)256 * 1024);
    need(w->room != NULL, "memory");
}

int main(int argc, char **argv) {
    static struct corpus c;
    struct world w = {0};
    need(argc >= 3, "usage: stages DEFINITIONS FOLDER...");
    open_world(argv[1], &w);
    c.data = mem_alloc(TOTAL_BYTES);
    need(c.data != NULL, "memory");
    static const struct {
        const char *what;
        stage_fn *stage;
    } STAGES[] = {
        {"memory read (limit)", memory_read},
        {"open and read, page cache (limit)", page_cache_read},
        {"SHA-256 alone, libcrypto (limit)", sha256_alone},
        {"MD5 and SHA-256, libcrypto", md5_sha256_alone},
        {"MD5 and SHA-256, lanes", digests_in_lanes},
        {"text normalisation", normalise},
        {"filter pass", filter_alone},
        {"search, own target", search_own},
        {"search, PE", search_pe},
    };
    for (int i = 2; i < argc; i++) {
        read_corpus(argv[i], &c);
        for (size_t k = 0; k < sizeof(STAGES) / sizeof(STAGES[0]); k++) {
            measure(&w, &c, STAGES[k].what, STAGES[k].stage);
        }
    }
    matcher_free(w.matcher);
    digester_free(w.digester);
    defset_close(w.set);
    mem_free(w.room);
    mem_free(c.data);
    return sink == 42 ? 1 : 0;
}
