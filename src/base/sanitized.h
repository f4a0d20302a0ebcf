// SPDX-License-Identifier: Apache-2.0
/* SK_SANITIZED: 1 in builds with the address, memory or thread sanitizer, which keep memory and
 * threads of their own; else 0. gcc tells by macros, clang by features. */
#ifndef SK_BASE_SANITIZED_H
#define SK_BASE_SANITIZED_H

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SK_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer) ||                         \
    __has_feature(thread_sanitizer)
#define SK_SANITIZED 1
#endif
#endif
#ifndef SK_SANITIZED
#define SK_SANITIZED 0
#endif

#endif
