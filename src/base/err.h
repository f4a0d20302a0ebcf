// SPDX-License-Identifier: Apache-2.0
/*
 * sk_err: the one result type of the project.
 *
 * An sk_err says that a piece of code could not do its work. It is never a verdict about the
 * object being scanned: "infected", "damaged archive", "encrypted" travel as findings and notes.
 *
 * Invariants: code SK_OK means every out parameter is set; any other code means that the out
 * parameters are untouched and nothing was acquired. The struct wrapper and warn_unused_result
 * make the compiler find ignored and mixed-up results.
 */
#ifndef SK_BASE_ERR_H
#define SK_BASE_ERR_H

#include <stdbool.h>
#include <stdint.h>

enum sk_err_code {
    SK_OK = 0,
    SK_E_NOMEM,         /* allocation failed or an arena ceiling was reached */
    SK_E_IO,            /* the operating system refused a read, write or open */
    SK_E_FORMAT,        /* bytes do not follow their format (damaged or hostile input) */
    SK_E_LIMIT,         /* a configured limit was reached */
    SK_E_UNSUPPORTED,   /* well-formed, but we do not implement it */
    SK_E_ENCRYPTED,     /* content needs a password */
    SK_E_NOTFOUND,      /* the named thing does not exist */
    SK_E_PERM,          /* access denied */
    SK_E_USAGE,         /* the caller's arguments are wrong */
    SK_E_STOP,          /* a callback asked to stop; not a failure */
    SK_E_BAD_SIGNATURE, /* a digital signature or checksum does not verify */
    SK_E_INTERNAL,      /* a broken promise of our own */
    SK_E_COUNT
};

/* clang checks the attribute on the type, gcc knows it only on functions: the clang build of
 * `make check` is the one that finds an ignored sk_err. */
#ifdef __clang__
#define SK_ERR_ATTR_ __attribute__((warn_unused_result))
#else
#define SK_ERR_ATTR_
#endif

typedef struct {
    int code; /* enum sk_err_code */
} SK_ERR_ATTR_ sk_err;

#define SK_MUST_CHECK __attribute__((warn_unused_result))
#define SK_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))

static inline sk_err sk_ok(void) {
    return (sk_err){SK_OK};
}
static inline sk_err sk_fail(enum sk_err_code code) {
    return (sk_err){(int)code};
}
static inline bool sk_failed(sk_err err) {
    return err.code != SK_OK;
}

/* Untranslated short English phrase, static storage, for any int. */
const char *sk_err_text(sk_err err);

/* Leave the function with the error of `expr`. Only where nothing must be released. */
#define TRY(expr)                                                                                  \
    do {                                                                                           \
        sk_err try_err_ = (expr);                                                                  \
        if (sk_failed(try_err_)) {                                                                 \
            return try_err_;                                                                       \
        }                                                                                          \
    } while (0)

/* Say in the code that a result is of no interest here, and why (string). */
#define SK_IGNORE(expr, why)                                                                       \
    do {                                                                                           \
        sk_err ignored_ = (expr);                                                                  \
        (void)ignored_;                                                                            \
        (void)sizeof(why);                                                                         \
    } while (0)

#endif
