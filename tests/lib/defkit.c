// SPDX-License-Identifier: Apache-2.0
#include "defkit.h"

#include <dirent.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "crypto/crc32c.h"
#include "crypto/digest.h"
#include "os/file.h"

void scratch_make(struct scratch *s) {
    (void)snprintf(s->dir, sizeof s->dir, "/tmp/sekisho-test-XXXXXX");
    assert_non_null(mkdtemp(s->dir));
    assert_int_equal(mkdir(scratch_path(s, "src"), 0755), 0);
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw) {
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

void scratch_remove(struct scratch *s) {
    (void)nftw(s->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

const char *scratch_path(const struct scratch *s, const char *name) {
    static char path[4][512];
    static unsigned turn;
    char *out = path[turn++ % 4];
    (void)snprintf(out, sizeof path[0], "%s/%s", s->dir, name);
    return out;
}

void scratch_write(const struct scratch *s, const char *name, const void *bytes, size_t len) {
    FILE *f = fopen(scratch_path(s, name), "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
}

void scratch_text(const struct scratch *s, const char *name, const char *text) {
    scratch_write(s, name, text, strlen(text));
}

unsigned scratch_count(const struct scratch *s, const char *subdir, const char *suffix) {
    unsigned count = 0;
    DIR *d = opendir(scratch_path(s, subdir));
    if (d == NULL) {
        return 0;
    }
    for (const struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
        size_t len = strlen(e->d_name);
        size_t n = strlen(suffix);
        bool dots = strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0;
        count += !dots && len >= n && strcmp(&e->d_name[len - n], suffix) == 0;
    }
    (void)closedir(d);
    return count;
}

static void tape_say(void *ctx, enum diag_level level, const char *where, uint64_t line,
                     const char *text) {
    struct diag_tape *t = ctx;
    if (level != DIAG_INFO) {
        (void)snprintf(t->text, sizeof t->text, "%s:%llu: %s", where != NULL ? where : "",
                       (unsigned long long)line, text);
    }
}

void diag_tape_init(struct diag_tape *t) {
    *t = (struct diag_tape){.diag = {.say = tape_say, .ctx = t}};
}

sk_err defkit_compile(const struct scratch *s, struct diag *diag, struct defc_report *out_report) {
    char src[128];
    char out[128];
    (void)snprintf(src, sizeof src, "%s/src", s->dir);
    (void)snprintf(out, sizeof out, "%s/out", s->dir);
    const char *const sources[] = {src};
    struct defc_options o = {.sources = sources, .source_count = 1, .out_dir = out, .diag = diag};
    return defc_compile(&o, out_report);
}

void defkit_sample(const struct scratch *s) {
    scratch_text(
        s, "src/a.hdb",
        "44d88612fea8a8f36de82e1278abb02f:68:Test.Eicar-1\n"
        "00000000000000000000000000000001:70000000:Test.Large-7\n"
        "a9993e364706816aba3e25717850c26c9cd0d89d:3:Test.Sha1-2\n"
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad:*:Test.Any-3:73\n");
    scratch_text(s, "src/b.mdb", "512:900150983cd24fb0d6963f7d28e17f72:Test.Section-4\n");
    scratch_text(s, "src/c.imp", "098f6bcd4621d373cade4e832627b4f6:*:Test.Imports-5\n");
    scratch_text(s, "src/d.fp", "5d41402abc4b2a76b9719d911017c592:5:Test.Allow-6\n");
    scratch_text(s, "src/e.ign2", "Test.Ignored-1\nTest.Other-2\n");
    scratch_text(
        s, "src/f.ndb",
        "Test.Body-8:0:*:68656c6c6f20776f726c6420616e6420657665727962??6479{2-5}6364(61|6262)6566\n"
        "Test.Anchor-9:1:EP+0:e8000000005d81ed\n");
    scratch_text(s, "src/g.ldb",
                 "Test.Logic-10;Engine:81-255,Target:0;(0&1)|2>1;666f6f6261726261::i;"
                 "71757578787878::iw;7a7a7a7a7a\n"
                 "Test.Logic-11;Engine:81-255,Target:7,FileSize:10-5000;0&1;"
                 "0:7374617274;616e6f746865722074657874::w\n");
}

#define HASH62 "112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

void defkit_rules(const struct scratch *s) {
    scratch_text(s, "src/a.hdb", "44d88612fea8a8f36de82e1278abb02f:68:Test.Eicar-1\n");
    scratch_text(s, "src/b.cdb", "Test.Member-2:CL_TYPE_ZIP:*:x\\.exe$:*:*:*:*:*:*\n");
    scratch_text(s, "src/c.pwdb", "Test.Password-3;Engine:81-255;0;infected\n");
    scratch_text(s, "src/d.cfg", "ARCHIVE:0x1:0:255\n");
    scratch_text(s, "src/e.ftm", "0:0:504b0304:ZIP:CL_TYPE_ANY:CL_TYPE_ZIP\n");
    scratch_text(s, "src/f.pdb", "R:.+\\.bank\\.com\nH:bank.com\n");
    scratch_text(s, "src/g.wdb", "X:.+a\\.net:.+b\\.com\nM:a.com:b.com\n");
    scratch_text(s, "src/h.gdb",
                 "S:F:00" HASH62 "\nS1:F:01" HASH62 "\nS2:F:02" HASH62 "\nS:W:03" HASH62 "\n");
    scratch_text(s, "src/i.crb",
                 "Test.Trusted-4;1;0123456789abcdef0123456789abcdef01234567;"
                 "0123456789abcdef0123456789abcdef01234567;c1c2c3c5;65537;1;0;1;;c\n"
                 "Test.Blocked-5;0;0123456789abcdef0123456789abcdef01234568;;c1c2c3c7;;0;0;0;;c\n");
    scratch_text(
        s, "src/j.idb",
        "Test.Icon-6:ONE:TWO:"
        "10b6d0a03b1903089e001006f20404734060a7c90800de0406d70a02d500059c000a9e0700a30707600a09"
        "60010a5c0a012a00003800043c040020222152\n");
    scratch_text(s, "src/k.ldb",
                 "Test.Iconic-7;Engine:51-255,IconGroup1:ONE,IconGroup2:*,Target:1;0;0:4d5a9000\n");
}

void defkit_image(const struct scratch *s, struct buf *out) {
    char dir[128];
    (void)snprintf(dir, sizeof dir, "%s/out", s->dir);
    DIR *d = opendir(dir);
    assert_non_null(d);
    char path[512] = "";
    for (const struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
        if (strstr(e->d_name, ".skdef") != NULL) {
            assert_int_equal(path[0], '\0');
            (void)snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        }
    }
    (void)closedir(d);
    assert_false(sk_failed(file_read_all(path, (size_t)1 << 30, out)));
}

static bool row_is_inside(const struct img_section *s, size_t len) {
    return s->off >= IMG_HEADER_BYTES && s->off <= len && s->len <= len - s->off;
}

void defkit_reseal(uint8_t *bytes, size_t len) {
    if (len < IMG_HEADER_BYTES) {
        return;
    }
    struct img_header *h = (struct img_header *)(void *)bytes;
    uint32_t count = h->section_count <= IMG_SECTION_MAX ? h->section_count : 0;
    struct img_section *last = count > 0 ? &h->section[count - 1] : NULL;
    bool trailer = last != NULL && row_is_inside(last, len) && last->len == (uint64_t)count * 32;
    uint8_t digest[CRYPTO_DIGEST_MAX];
    for (uint32_t i = 0; i + 1 < count; i++) {
        struct img_section *s = &h->section[i];
        if (!row_is_inside(s, len)) {
            continue;
        }
        s->crc = crypto_crc32c(0, &bytes[s->off], (size_t)s->len);
        assert_false(
            sk_failed(crypto_digest(CRYPTO_SHA256, &bytes[s->off], (size_t)s->len, digest)));
        if (trailer) {
            memcpy(&bytes[last->off + (uint64_t)i * 32], digest, 32);
        }
    }
    sk_store_u32le(&bytes[IMG_HEADER_BYTES - 4], crypto_crc32c(0, bytes, IMG_HEADER_BYTES - 4));
    if (trailer) {
        struct buf text = {0};
        assert_false(sk_failed(buf_append(&text, bytes, IMG_HEADER_BYTES)));
        assert_false(sk_failed(buf_append(&text, &bytes[last->off], (size_t)last->len - 32)));
        assert_false(sk_failed(crypto_digest(CRYPTO_SHA256, text.data, text.len, digest)));
        memcpy(&bytes[last->off + last->len - 32], digest, 32);
        buf_release(&text);
    }
}

static bool one_name(void *ctx, uint32_t name) {
    struct buf text = {0};
    SK_IGNORE(image_name(ctx, name, &text), "damaged names are what this is about");
    buf_release(&text);
    return true;
}

static size_t spent; /* keeps what is read from being left out */

/* What a scan takes from the small tables without looking again. */
static void use_rules(const struct image *img) {
    const struct rules *r = image_rules(img);
    for (uint32_t i = 0; i < r->member_count; i++) {
        spent += r->member[i].regex == RULE_NO_TEXT ? 0 : strlen(&r->text[r->member[i].regex]);
        (void)one_name((void *)(uintptr_t)img, r->member[i].name);
    }
    for (uint32_t i = 0; i < r->password_count; i++) {
        for (uint32_t k = 0; k < r->password[i].len; k++) {
            spent += (uint8_t)r->text[r->password[i].text + k];
        }
    }
    for (uint32_t i = 0; i < r->magic_count; i++) {
        for (uint32_t k = 0; k < r->magic[i].len; k++) {
            spent += (uint8_t)r->text[r->magic[i].text + k];
        }
    }
    for (uint32_t i = 0; i < r->link_count; i++) {
        assert_true(r->link[i].text < r->text_len);
        spent += strlen(&r->text[r->link[i].text]);
    }
    for (uint32_t i = 0; i < r->url_count; i++) {
        assert_true(r->url[i].kind < RULE_URL_KIND_COUNT);
    }
    for (uint32_t i = 0; i < r->cert_count; i++) {
        const struct rule_cert *c = &r->cert[i];
        assert_true((uint64_t)c->modulus + c->modulus_len <= r->text_len);
        for (uint32_t k = 0; k < c->modulus_len; k++) {
            spent += (uint8_t)r->text[c->modulus + k];
        }
        (void)one_name((void *)(uintptr_t)img, c->name);
    }
}

void defkit_exercise(const struct image *img) {
    static const uint8_t probe[3][32] = {{0x44, 0xd8, 0x86, 0x12, 0xfe, 0xa8, 0xa8, 0xf3, 0x6d,
                                          0xe8, 0x2e, 0x12, 0x78, 0xab, 0xb0, 0x2f},
                                         {0},
                                         {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                          0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                          0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
    static const uint64_t size[] = {0, 68, 70000000, UINT32_MAX, UINT64_MAX};
    for (int algo = 0; algo < HS_ALGO_COUNT; algo++) {
        for (int role = 0; role < HS_ROLE_COUNT; role++) {
            const struct hs_set *set = image_hashes(img, (enum hs_algo)algo, (enum hs_role)role);
            for (size_t i = 0; i < 15; i++) {
                (void)hs_gate(set, size[i % 5]);
                (void)hs_lookup(set, probe[i / 5], size[i % 5], one_name, (void *)(uintptr_t)img);
            }
        }
    }
    use_rules(img);
    (void)image_ignores(img, "Test.Ignored-1");
    (void)image_meta(img);
    struct diag silent = {0};
    char identity[IMAGE_IDENTITY_HEX];
    SK_IGNORE(image_identity(img, &silent, identity), "any answer will do");
    SK_IGNORE(image_verify(img, &silent), "any answer will do");
}
