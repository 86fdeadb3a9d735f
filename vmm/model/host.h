/* SPDX-License-Identifier: BSD-2-Clause */
/** @file host.h What the model's own files ask of its host.h (hypike/host.h). */
#ifndef VMM_MODEL_HOST_H
#define VMM_MODEL_HOST_H

#include <hypike/host.h>

/** The pool of the one VM: as large as the process's memory. */
struct host_pool *model_pool(void);
/** Pages out of it. */
uint64_t model_pool_pages(void);

#endif
