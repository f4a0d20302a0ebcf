// SPDX-License-Identifier: Apache-2.0
/* The loops of norm/kernel.h for SSE4.2 and NEON; the choice between kernels. */
#include "norm/kernel.h"

#include "base/cpu.h"
#include "base/vec16.h"

#if VEC16_BUILT

#include "norm/block_vec16.h"
#include "norm/html_priv.h"

#include "norm/html_block.h"
#include "norm/text_block.h"

const struct norm_kernel norm_kernel_vec16 = {
    VEC16_NAME, CPU_VEC16, text_blocks, html_text_blocks, html_script_blocks, html_plain_blocks,
};

#endif

static const struct norm_kernel *const kernels[] = {
#if defined(__x86_64__)
    &norm_kernel_avx512,
#endif
#if VEC16_BUILT
    &norm_kernel_vec16,
#endif
    NULL,
};

const struct norm_kernel *norm_kernel_nth(unsigned n) {
    for (size_t i = 0; kernels[i] != NULL; i++) {
        if (cpu_has(kernels[i]->needs) && n-- == 0) {
            return kernels[i];
        }
    }
    return NULL;
}
