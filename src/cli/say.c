// SPDX-License-Identifier: Apache-2.0
/*
 * Messages for people go through here so that three things hold everywhere: they name where the
 * problem is, text that came from outside cannot move the cursor or colour the terminal, and a
 * progress line is taken away first. State is per process, as standard error is.
 */
#include "cli/say.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "cli/intl.h"

static const char *program = "sekisho";
static void (*before_hook)(void *ctx);
static void *before_ctx;

void say_program(const char *name) {
    program = name;
}

void say_before(void (*hook)(void *ctx), void *ctx) {
    before_hook = hook;
    before_ctx = ctx;
}

static void print_line(const char *where, uint64_t line, const char *text) {
    struct buf b = {0};
    sk_err err = buf_printf(&b, "%s: ", program);
    if (!sk_failed(err) && where != NULL) {
        err = buf_put_escaped(&b, where, strlen(where));
        err = sk_failed(err) ? err
              : line != 0    ? buf_printf(&b, ":%llu: ", (unsigned long long)line)
                             : buf_puts(&b, ": ");
    }
    err = sk_failed(err) ? err : buf_put_escaped(&b, text, strlen(text));
    err = sk_failed(err) ? err : buf_puts(&b, "\n");
    if (before_hook != NULL) {
        before_hook(before_ctx);
    }
    (void)fflush(stdout);
    (void)fputs(sk_failed(err) ? "sekisho: out of memory\n" : buf_text(&b), stderr);
    buf_release(&b);
}

void say_error(const char *where, const char *fmt, ...) {
    struct buf text = {0};
    va_list args;
    va_start(args, fmt);
    sk_err err = buf_vprintf(&text, fmt, args);
    va_end(args);
    print_line(where, 0, sk_failed(err) ? fmt : buf_text(&text));
    buf_release(&text);
}

static void say_some(void *ctx, enum diag_level level, const char *where, uint64_t line,
                     const char *text) {
    (void)ctx;
    if (level != DIAG_INFO) {
        print_line(where, line, text);
    }
}

static void say_all(void *ctx, enum diag_level level, const char *where, uint64_t line,
                    const char *text) {
    (void)ctx;
    (void)level;
    print_line(where, line, text);
}

struct diag say_diag(bool verbose) {
    return (struct diag){.say = verbose ? say_all : say_some};
}
