// SPDX-License-Identifier: Apache-2.0
/* See fakedefs.h. The EICAR string lies here inverted, so that this file is no finding itself. */
#include "fakedefs.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "defc/defc.h"

static void must(int ok, const char *what) {
    if (!ok) {
        fprintf(stderr, "fakedefs: %s failed\n", what);
        abort();
    }
}

static void say(void *ctx, enum diag_level level, const char *where, uint64_t line,
                const char *text) {
    (void)ctx;
    if (level != DIAG_INFO) {
        fprintf(stderr, "%s:%llu: %s\n", where == NULL ? "-" : where, (unsigned long long)line,
                text);
    }
}

void fakedefs_open(struct fakedefs *d, const struct fakedefs_file *files) {
    char path[512];
    snprintf(d->dir, sizeof(d->dir), "/tmp/sekisho-defs-XXXXXX");
    must(mkdtemp(d->dir) != NULL, "mkdtemp");
    snprintf(path, sizeof(path), "%s/in", d->dir);
    must(mkdir(path, 0700) == 0, "mkdir");
    for (; files->name != NULL; files++) {
        snprintf(path, sizeof(path), "%s/in/%s", d->dir, files->name);
        FILE *f = fopen(path, "w");
        must(f != NULL && fputs(files->text, f) >= 0 && fclose(f) == 0, "write");
    }
    char in[80], out[80];
    snprintf(in, sizeof(in), "%s/in", d->dir);
    snprintf(out, sizeof(out), "%s/out", d->dir);
    must(mkdir(out, 0700) == 0, "mkdir");
    const char *sources[] = {in};
    struct diag diag = {.say = say};
    struct defc_options options = {
        .sources = sources, .source_count = 1, .out_dir = out, .diag = &diag};
    struct defc_report report;
    must(!sk_failed(defc_compile(&options, &report)), "defc_compile");
    char why[256];
    int result = sk_engine_open(out, &d->engine, why, sizeof(why));
    if (result != 0) {
        fprintf(stderr, "%s\n", why);
    }
    must(result == 0, "sk_engine_open");
}

static void remove_below(const char *dir) {
    DIR *d = opendir(dir);
    if (d == NULL) {
        return;
    }
    for (struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
        char path[512];
        snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) {
            unlink(path);
        }
    }
    closedir(d);
    rmdir(dir);
}

void fakedefs_close(struct fakedefs *d) {
    char path[80];
    sk_engine_close(d->engine);
    snprintf(path, sizeof(path), "%s/in", d->dir);
    remove_below(path);
    snprintf(path, sizeof(path), "%s/out", d->dir);
    remove_below(path);
    rmdir(d->dir);
}

void fakedefs_eicar(char out[69]) {
    static const char INVERTED[] =
        "Y4N Q$A@QZ5]Q[Y45)Q_(6BB(6|%DHB@S,RU@OE@SE,@OUHWHSTR,UDRU,GHMD %I*I+";
    for (size_t i = 0; i < 68; i++) {
        out[i] = (char)(INVERTED[i] ^ 1);
    }
    out[68] = '\0';
}
