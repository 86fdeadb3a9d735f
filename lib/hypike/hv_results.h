/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file hv_results.h
 * Results of hv.h's system calls that don't fit in RAX.
 */
#ifndef LIB_HYPIKE_HV_RESULTS_H
#define LIB_HYPIKE_HV_RESULTS_H

#include <stdint.h>

/** SYS_HV_TRANSLATE. */
struct hv_translation {
	uint64_t gpa;
	uint32_t fault;
	uint32_t reserved;
};

#endif
