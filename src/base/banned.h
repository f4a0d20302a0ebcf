// SPDX-License-Identifier: Apache-2.0
/* Functions nobody may call: using one of these names is a compile error. Included by base/mem.h.
 */
#ifndef SK_BASE_BANNED_H
#define SK_BASE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef __cplusplus
#undef strcpy
#undef strcat
#undef sprintf
#undef vsprintf
#undef strtok
#undef alloca
#undef strncpy
#undef strncat
#pragma GCC poison strcpy strcat sprintf vsprintf strtok gets alloca system popen strncpy strncat
#endif

#endif
