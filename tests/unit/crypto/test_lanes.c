// SPDX-License-Identifier: Apache-2.0
/* Messages side by side: every kernel of this machine gives libcrypto's digests, for messages of
 * every length around block edges, from memory and read in pieces, whatever company they are in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "crypto/lanes.h"
#include "crypto/lanes_kernel.h"

#define TEXT_BYTES (300u * 1024u)
#define JOBS_MAX 400u
#define COMPANY_BLOCKS 10u /* of a fast lane; others have half as many */

static uint8_t text[TEXT_BYTES];

static uint64_t seed = 7;

static uint32_t next_random(uint32_t below) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)(seed >> 16) % below;
}

static int fill_text(void **state) {
    (void)state;
    for (size_t i = 0; i < TEXT_BYTES; i++) {
        text[i] = (uint8_t)next_random(256);
    }
    return 0;
}

struct message {
    struct lanes_job job;
    uint32_t at;
    bool seen;
};

static sk_err read_text(void *ctx, uint64_t off, void *buf, size_t len) {
    const struct message *m = ctx;
    assert_true(off + len <= m->job.size);
    memcpy(buf, text + m->at + off, len);
    return sk_ok();
}

static sk_err read_fails(void *ctx, uint64_t off, void *buf, size_t len) {
    (void)ctx;
    (void)off;
    (void)buf;
    (void)len;
    return sk_fail(SK_E_IO);
}

static void make(struct message *m, uint32_t size) {
    *m = (struct message){.at = next_random(TEXT_BYTES - size + 1)};
    m->job.size = size;
    m->job.mask = 1 + next_random(2) == 1 ? LANES_MASK : CRYPTO_MASK(CRYPTO_MD5);
    m->job.mask = next_random(8) == 0 ? CRYPTO_MASK(CRYPTO_SHA256) : m->job.mask;
    if (next_random(2) == 0) {
        m->job.bytes = text + m->at;
    } else {
        m->job.read = read_text;
        m->job.ctx = m;
    }
}

static void check(struct message *m) {
    uint8_t want[CRYPTO_DIGEST_MAX];
    assert_false(m->seen);
    m->seen = true;
    assert_int_equal(m->job.err.code, SK_OK);
    for (unsigned algo = 0; algo < CRYPTO_ALGO_COUNT; algo++) {
        if ((m->job.mask & CRYPTO_MASK(algo)) != 0) {
            assert_int_equal(
                crypto_digest((enum crypto_algo)algo, text + m->at, (size_t)m->job.size, want).code,
                SK_OK);
            assert_memory_equal(m->job.digest[algo], want,
                                crypto_digest_bytes((enum crypto_algo)algo));
        }
    }
}

/* Puts all of them and takes them back, with some left to hash in between. */
static void run_all(const struct lanes_kernel *kernel, struct message *m, unsigned count) {
    struct lanes *lanes;
    assert_int_equal(lanes_new(kernel, &lanes).code, SK_OK);
    unsigned back = 0;
    for (unsigned i = 0; i < count; i++) {
        lanes_put(lanes, &m[i].job);
        struct lanes_job *done = next_random(3) == 0 ? lanes_run(lanes, lanes_width(lanes)) : NULL;
        if (done != NULL) {
            check((struct message *)(void *)done);
            back++;
        }
    }
    assert_int_equal(lanes_held(lanes), count - back);
    unsigned least = next_random(2);
    for (struct lanes_job *done; (done = lanes_run(lanes, least)) != NULL; back++) {
        check((struct message *)(void *)done);
    }
    assert_int_equal(back, count);
    assert_int_equal(lanes_held(lanes), 0);
    lanes_free(lanes);
}

static void every_kernel(void (*test)(const struct lanes_kernel *kernel)) {
    const struct lanes_kernel *kernel;
    for (unsigned i = 0; (kernel = lanes_kernel_nth(i)) != NULL; i++) {
        print_message("kernel %s\n", kernel->name);
        test(kernel);
    }
}

static void around_blocks(const struct lanes_kernel *kernel) {
    static struct message m[JOBS_MAX];
    for (uint32_t size = 0; size < JOBS_MAX; size++) {
        make(&m[size], size);
    }
    run_all(kernel, m, JOBS_MAX);
}

static void test_lengths_around_blocks(void **state) {
    (void)state;
    every_kernel(around_blocks);
}

static void mixed(const struct lanes_kernel *kernel) {
    static struct message m[JOBS_MAX];
    for (unsigned round = 0; round < 4; round++) {
        unsigned count = 1 + next_random(60);
        for (unsigned i = 0; i < count; i++) {
            make(&m[i], next_random(4) == 0 ? next_random(TEXT_BYTES) : next_random(3000));
        }
        run_all(kernel, m, count);
    }
}

static void test_mixed_lengths(void **state) {
    (void)state;
    every_kernel(mixed);
}

/* Those that want SHA-256 and those that do not fill lanes of their own: neither is full before,
 * and whoever cannot wait gets them all. */
static void two_crews(const struct lanes_kernel *kernel) {
    static struct message m[2 * LANES_MAX];
    unsigned count = 2 * kernel->lanes - 1;
    struct lanes *lanes;
    assert_int_equal(lanes_new(kernel, &lanes).code, SK_OK);
    for (unsigned i = 0; i < count; i++) {
        make(&m[i], 1000 + 10 * i);
        m[i].job.mask = i % 2 == 0 ? CRYPTO_MASK(CRYPTO_MD5) : LANES_MASK;
        assert_null(lanes_run(lanes, kernel->lanes));
        lanes_put(lanes, &m[i].job);
    }
    struct message *first = (struct message *)(void *)lanes_run(lanes, kernel->lanes);
    assert_non_null(first);
    assert_int_equal(first->job.mask, CRYPTO_MASK(CRYPTO_MD5));
    check(first);
    unsigned back = 1;
    for (struct lanes_job *done; (done = lanes_run(lanes, 1)) != NULL; back++) {
        check((struct message *)(void *)done);
    }
    assert_int_equal(back, count);
    lanes_free(lanes);
}

static void test_two_crews(void **state) {
    (void)state;
    every_kernel(two_crews);
}

static size_t blocks_of(const struct lanes_work *work, unsigned lane) {
    return work->has_fast && work->fast == lane ? 2 * work->blocks : work->blocks;
}

/* What one lane reads: so many blocks somewhere in the text, or some there and the others at `end`,
 * the last of which ends the message now and then; at `end` only when the kernel goes over. */
static void read_on(struct lanes_work *work, unsigned lane, size_t blocks, bool over,
                    uint8_t end[LANES_WHICH][COMPANY_BLOCKS * LANES_BLOCK]) {
    const uint8_t *at = text + next_random(TEXT_BYTES - COMPANY_BLOCKS * LANES_BLOCK);
    work->whole[lane] = blocks;
    work->first[LANES_MD5][lane] = work->first[LANES_SHA][lane] = at;
    if (next_random(3) == 0) {
        return;
    }
    size_t whole = over ? next_random((uint32_t)blocks) : 0;
    size_t behind = (blocks - whole) * LANES_BLOCK;
    memcpy(end[LANES_MD5], text + next_random(TEXT_BYTES - COMPANY_BLOCKS * LANES_BLOCK), behind);
    memcpy(end[LANES_SHA], end[LANES_MD5], behind);
    if (next_random(2) == 0) {
        work->last |= (uint16_t)(1u << lane);
        for (unsigned i = 0; i < 8; i++) {
            end[LANES_SHA][behind - 8 + i] = end[LANES_MD5][behind - 1 - i];
        }
    }
    work->whole[lane] = whole > 0 ? whole : blocks;
    for (unsigned i = 0; i < LANES_WHICH; i++) {
        work->then[i][lane] = end[i];
        work->first[i][lane] = whole > 0 ? at : end[i];
    }
}

/* So many lanes busy, so many of them listed, in lanes here and there, a few blocks: the states are
 * those of the scalar kernel, block after block. */
static void company(const struct lanes_kernel *kernel, unsigned busy, unsigned listed) {
    static uint8_t end[LANES_MAX][LANES_WHICH][COMPANY_BLOCKS * LANES_BLOCK];
    struct lanes_state state, want;
    struct lanes_work work = {.blocks = 1 + next_random(COMPANY_BLOCKS / 2)};
    unsigned lane[LANES_MAX];
    for (unsigned i = 0; i < LANES_MAX; i++) {
        lanes_state_start(&want, i);
        lane[i] = i;
    }
    for (unsigned i = kernel->lanes; i-- > 1;) {
        unsigned j = next_random(i + 1), was = lane[i];
        lane[i] = lane[j];
        lane[j] = was;
    }
    state = want;
    work.has_fast = kernel->fast && listed < busy && next_random(2) == 0;
    work.fast = (uint8_t)lane[busy - 1];
    for (unsigned i = 0; i < LANES_MAX; i++) {
        read_on(&work, lane[i], blocks_of(&work, lane[i]), kernel->over && i < busy, end[lane[i]]);
    }
    for (unsigned i = 0; i < busy; i++) {
        work.busy[work.busy_count++] = (uint8_t)lane[i];
    }
    for (unsigned i = 0; i < listed; i++) {
        work.sha_lane[work.sha_count++] = (uint8_t)lane[i];
    }
    kernel->run(&state, &work);
    for (unsigned i = 0; i < busy; i++) {
        for (size_t b = 0; b < blocks_of(&work, lane[i]); b++) {
            const uint8_t *sha = lanes_block(&work, LANES_SHA, lane[i], b);
            lanes_md5_blocks(&want, lane[i], lanes_block(&work, LANES_MD5, lane[i], b), 1);
            if (i < listed) {
                lanes_sha256_block(want.sha256[lane[i]], sha);
            }
        }
        for (unsigned k = 0; k < 4; k++) {
            assert_int_equal(state.md5[k][lane[i]], want.md5[k][lane[i]]);
        }
    }
    assert_memory_equal(state.sha256, want.sha256, sizeof(want.sha256));
}

static void every_company(const struct lanes_kernel *kernel) {
    for (unsigned busy = 1; busy <= kernel->lanes; busy++) {
        for (unsigned listed = 0; listed <= busy; listed++) {
            company(kernel, busy, listed);
            company(kernel, busy, listed);
        }
    }
}

static void test_every_company(void **state) {
    (void)state;
    every_kernel(every_company);
}

/* The end of a folder: few long messages without SHA-256, and as many with it as there are lanes
 * (they wait), or fewer. Each comes back once. */
static void last_ones(const struct lanes_kernel *kernel) {
    static struct message m[2 * LANES_MAX];
    for (unsigned plain = 0; plain <= 6; plain++) {
        for (unsigned sha = 0; sha <= kernel->lanes; sha += 1 + next_random(4)) {
            struct lanes *lanes;
            assert_int_equal(lanes_new(kernel, &lanes).code, SK_OK);
            for (unsigned i = 0; i < plain + sha; i++) {
                make(&m[i], i < plain ? 20000 + next_random(90000) : 1 + next_random(40000));
                m[i].job.mask = i < plain ? CRYPTO_MASK(CRYPTO_MD5) : LANES_MASK;
                lanes_put(lanes, &m[i].job);
            }
            unsigned back = 0;
            for (struct lanes_job *done; (done = lanes_run(lanes, 0)) != NULL; back++) {
                check((struct message *)(void *)done);
            }
            assert_int_equal(back, plain + sha);
            lanes_free(lanes);
        }
    }
}

static void test_last_ones(void **state) {
    (void)state;
    every_kernel(last_ones);
}

static void test_read_error(void **state) {
    (void)state;
    static struct message m[3];
    struct lanes *lanes;
    assert_int_equal(lanes_new(&lanes_kernel_scalar, &lanes).code, SK_OK);
    for (unsigned i = 0; i < 3; i++) {
        make(&m[i], 1000);
        m[i].job.bytes = text + m[i].at;
        lanes_put(lanes, &m[i].job);
    }
    m[1].job.bytes = NULL;
    m[1].job.read = read_fails;
    unsigned failed = 0;
    for (struct lanes_job *done; (done = lanes_run(lanes, 1)) != NULL;) {
        struct message *back = (struct message *)(void *)done;
        if (back == &m[1]) {
            assert_int_equal(done->err.code, SK_E_IO);
            failed++;
        } else {
            check(back);
        }
    }
    assert_int_equal(failed, 1);
    lanes_free(lanes);
}

/* SHA-256 of some lanes and MD5 of none: the states of plain C, and MD5's are left alone. */
static void test_nobody_wants_md5(void **state) {
    (void)state;
    const struct lanes_kernel *kernel;
    for (unsigned n = 0; (kernel = lanes_kernel_nth(n)) != NULL; n++) {
        for (unsigned count = 0; count <= kernel->lanes; count++) {
            struct lanes_state got, want;
            struct lanes_work work = {.sha_count = count, .blocks = 1 + count % 11};
            for (unsigned i = 0; i < LANES_MAX; i++) {
                lanes_state_start(&want, i);
                work.first[LANES_MD5][i] = work.first[LANES_SHA][i] = text + next_random(4096);
                work.whole[i] = work.blocks;
                work.sha_lane[i] = (uint8_t)(kernel->lanes - 1 - i % kernel->lanes);
            }
            got = want;
            kernel->run(&got, &work);
            lanes_kernel_scalar.run(&want, &work);
            assert_memory_equal(&got, &want, sizeof(got));
        }
    }
}

static void test_nth_allocation_fails(void **state) {
    (void)state;
    static struct message m;
    for (uint64_t nth = 1; nth <= 2; nth++) {
        struct lanes *lanes = NULL;
        make(&m, 5000);
        m.job.bytes = NULL;
        m.job.read = read_text;
        m.job.ctx = &m;
        mem_fault_set(nth);
        sk_err err = lanes_new(&lanes_kernel_scalar, &lanes);
        if (!sk_failed(err)) {
            lanes_put(lanes, &m.job);
            struct lanes_job *done = lanes_run(lanes, 1);
            assert_non_null(done);
            err = done->err;
        }
        mem_fault_set(0);
        assert_int_equal(err.code, SK_E_NOMEM);
        lanes_free(lanes);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lengths_around_blocks),
        cmocka_unit_test(test_mixed_lengths),
        cmocka_unit_test(test_two_crews),
        cmocka_unit_test(test_every_company),
        cmocka_unit_test(test_last_ones),
        cmocka_unit_test(test_read_error),
        cmocka_unit_test(test_nobody_wants_md5),
        cmocka_unit_test(test_nth_allocation_fails),
    };
    return cmocka_run_group_tests(tests, fill_text, NULL);
}
