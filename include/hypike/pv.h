/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file pv.h
 * The contract between a guest and HyPike: how a guest learns that it runs on HyPike, and its
 * hypercalls.
 *
 * The transport is the architecture's: on x86 VMCALL or VMMCALL with the number in RAX, arguments
 * in RBX, RCX, RDX, RSI, result in RAX; pv_x86.h has it as inline functions. CPUID leaf PV_X86_LEAF
 * + 1 tells which of the two instructions to use.
 */
#ifndef HYPIKE_PV_H
#define HYPIKE_PV_H

#include <hypike/types.h>

/** Version of this contract, the result of PV_CALL_VERSION. */
#define PV_VERSION 1u

/** Hypercalls. Those from PV_CALL_VMM on are the VMM's (HV_EXIT_HYPERCALL); unknown ones give
 *  HV_E_UNSUPPORTED. */
enum pv_call {
	PV_CALL_VERSION = 0, /**< settled in the driver: PV_VERSION */
	PV_CALL_VMM = 0x100,
};

#endif
