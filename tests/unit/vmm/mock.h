/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file mock.h
 * The VMM's surroundings for unit tests: a platform whose clock is a variable, and a hypervisor whose
 * guest is a C function.
 *
 * Time stands still unless a test moves it, or everything waits: then platform_wait() moves it to
 * its deadline.
 */
#ifndef TESTS_UNIT_VMM_MOCK_H
#define TESTS_UNIT_VMM_MOCK_H

#include <hypike/hv_x86.h>

#include "vmm/platform.h"

/* -------------------------------------------------------------------------------------- platform */

/** platform_time(). */
extern uint64_t mock_now;
/** Everything that was written to the console, zero-terminated. */
extern char mock_console[65536];
extern size_t mock_console_length;
/** Keys that were typed. */
extern const char *mock_keys;
/** Guest memory that there is. */
extern uint64_t mock_memory_limit;

/** Forget everything: time, console, files, hypervisor. */
void mock_reset(void);
/** What a debugger has sent, and what it got, zero-terminated. */
extern char mock_debug_in[8192], mock_debug_out[65536];
extern size_t mock_debug_in_length, mock_debug_out_length;
/** Send something to the VMM, and wake it. */
void mock_debug_send(const void *bytes, size_t size);
/** Add a file; the bytes stay the caller's. */
void mock_file(const char *name, const void *data, uint64_t size);
/** The shared region that there is, "region"; NULL: none. */
extern void *mock_region;
extern uint64_t mock_region_size;
extern unsigned int mock_region_notified;
extern int mock_region_signal; /**< that is bound to it, -1: none */

/* ------------------------------------------------------------------------------------ hypervisor */

/**
 * The guest: called by each hv_vcpu_run() to fill the page with the next exit.
 * `step` counts the calls of this vCPU from 0.
 */
typedef hv_status_t (*mock_guest_t)(uint32_t vcpu, unsigned int step, struct hv_vcpu_page *page);
extern mock_guest_t mock_guest;
/** Page tables of the guest; NULL: identity. */
extern hv_status_t (*mock_translate)(uint64_t from, uint32_t access, uint64_t *to,
				     uint32_t *fault);
/** Call number n (from 1) of hv_map and so on fails; 0: none. */
extern unsigned int mock_fail_at;

struct mock_map {
	uint64_t where, size;
	uint8_t *host;
	uint32_t prot;
};

#define MOCK_MAPS 24u
extern struct mock_map mock_maps[MOCK_MAPS];
extern unsigned int mock_map_count;
extern unsigned int mock_kicks;
extern uint8_t mock_fpu[576];
extern uint32_t mock_fpu_size;

struct mock_msi {
	uint64_t address;
	uint32_t data;
};

/** Messages that were sent. */
extern struct mock_msi mock_msis[64];
extern unsigned int mock_msi_count;
/** Vectors whose end is asked for. */
extern uint32_t mock_eoi_traps[8];
/** Exceptions that are asked for; breakpoints that each vCPU has. */
extern uint32_t mock_exceptions;
extern struct hv_x86_debug mock_debug[HV_MAX_VCPUS];

/** The last doorbell that was added. */
extern struct hv_doorbell mock_bell;
/** The guest rings it. */
void mock_ring(void);
/** The guest halts: sleep until somebody kicks this vCPU; the exit is HV_EXIT_KICKED. */
void mock_halt(uint32_t vcpu, struct hv_vcpu_page *page);

#endif
