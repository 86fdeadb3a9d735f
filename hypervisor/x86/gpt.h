/* SPDX-License-Identifier: BSD-2-Clause */
/** @file gpt.h Guest page tables: guest-virtual to guest-physical, in every paging mode. */
#ifndef HYPERVISOR_X86_GPT_H
#define HYPERVISOR_X86_GPT_H

#include <hypike/hv.h>

struct npt;

/** What decides how the guest translates; the caller fills it from the vCPU's registers. */
struct gpt_mode {
	uint64_t cr0, cr3, cr4, efer;
	uint64_t rflags; /**< AC, for SMAP */
	bool user;	 /**< CPL 3 */
	uint64_t pdpte[4]; /**< PAE: the loaded PDPTEs (VMX keeps them), if have_pdpte */
	bool have_pdpte;
	uint8_t phys_bits; /**< MAXPHYADDR: address bits above it are reserved; 0: 52 */
	bool no_1g;	   /**< the CPU has no 1 GiB pages: PS in a PDPTE is reserved */
};

/* Page-fault error code (SDM vol. 3, 4.7). */
#define PF_P	(1u << 0)
#define PF_W	(1u << 1)
#define PF_U	(1u << 2)
#define PF_RSVD (1u << 3)
#define PF_I	(1u << 4)

/**
 * Walk the guest's tables: no paging, 32-bit (with PSE and PSE-36), PAE, 4-level; rights with WP, NXE, SMEP,
 * SMAP; reserved bits checked. Without long mode addresses wrap at 4 GiB.
 * @param access HV_PROT_* attempted. @param set_ad set accessed and dirty bits as the CPU does.
 * @param fault error code where HV_E_FAULT.
 * @return HV_E_FAULT: page fault in the guest; HV_E_NOENT: a table is where no memory is mapped;
 *         HV_E_INVALID: non-canonical address.
 */
hv_status_t gpt_translate(const struct npt *npt, const struct gpt_mode *mode, gva_t from,
			  uint32_t access, bool set_ad, gpa_t *to, uint32_t *fault);

/**
 * How a walk came to its result: the guest's table entries, where the driver sees them, and the values
 * they had. As long as they have these values, and nothing is unmapped from the VM, the result holds.
 */
struct gpt_trace {
	uint32_t used; /**< entries; 0 without paging */
	bool wide;     /**< entries of 64 bits, otherwise 32 */
	struct {
		const void *at;
		uint64_t value;
	} entry[4];
};

/** As gpt_translate() for HV_PROT_EXEC without accessed bits, and tells the trace. PAE's four top entries,
 *  which CPUs keep in registers, are not in it. */
hv_status_t gpt_translate_code(const struct npt *npt, const struct gpt_mode *mode, gva_t from, gpa_t *to,
			       uint32_t *fault, struct gpt_trace *trace);

static inline bool gpt_entry_holds(const struct gpt_trace *trace, uint32_t i)
{
	const void *const at = trace->entry[i].at;

	return (trace->wide ? *(const volatile uint64_t *)at : *(const volatile uint32_t *)at) ==
	       trace->entry[i].value;
}

/** Does the result of the walk still hold? Four entries of 64 bits are looked at without a loop. */
static inline bool gpt_trace_holds(const struct gpt_trace *trace)
{
	if (trace->used == 4 && trace->wide)
		return *(const volatile uint64_t *)trace->entry[3].at == trace->entry[3].value &&
		       *(const volatile uint64_t *)trace->entry[2].at == trace->entry[2].value &&
		       *(const volatile uint64_t *)trace->entry[1].at == trace->entry[1].value &&
		       *(const volatile uint64_t *)trace->entry[0].at == trace->entry[0].value;
	for (uint32_t i = 0; i < trace->used; i++)
		if (!gpt_entry_holds(trace, i))
			return false;
	return true;
}

/** Bytes that one copy moves at the most: HV_E_OVERFLOW above. */
#define GUEST_COPY_MAX 65536u

/**
 * Copy across guest-physical pages through the nested tables; HV_E_FAULT where a page is not mapped or
 * (write) not writable: nothing was copied then.
 */
hv_status_t guest_read(const struct npt *npt, gpa_t from, void *to, uint64_t size);
hv_status_t guest_write(const struct npt *npt, gpa_t to, const void *from, uint64_t size);
/**
 * The same by guest-virtual addresses. On HV_E_FAULT `*fault` is the page fault's error code and
 * `*where` the address that faulted; nothing was written in that case. HV_E_NOENT and HV_E_INVALID as
 * gpt_translate() has them, HV_E_NOENT also where the address leads to no memory; `*where` is set.
 * @param access HV_PROT_READ, or HV_PROT_EXEC for an instruction fetch.
 */
hv_status_t guest_read_virtual(const struct npt *npt, const struct gpt_mode *mode, gva_t from,
			       void *to, uint64_t size, uint32_t access, gva_t *where, uint32_t *fault);
hv_status_t guest_write_virtual(const struct npt *npt, const struct gpt_mode *mode, gva_t to,
				const void *from, uint64_t size, gva_t *where, uint32_t *fault);

#endif
