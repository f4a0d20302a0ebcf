// SPDX-License-Identifier: Apache-2.0
/* The loops of norm/kernel.h for AVX-512 with VBMI2. */
#include "norm/kernel.h"

#if defined(__x86_64__)

#include "base/cpu.h"
#include "norm/block_avx512.h"
#include "norm/html_priv.h"

#include "norm/html_block.h"
#include "norm/text_block.h"

const struct norm_kernel norm_kernel_avx512 = {
    "avx512",         CPU_AVX512 | CPU_VBMI2, text_blocks,
    html_text_blocks, html_script_blocks,     html_plain_blocks,
};

#endif
