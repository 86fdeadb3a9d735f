/* SPDX-License-Identifier: BSD-2-Clause */
/** @file gpt.c Guest page tables: the CPU's walk done in software (SDM vol. 3, chapter 4). */
#include "hypervisor/x86/gpt.h"

#include "hypervisor/x86/npt.h"
#include "lib/x86/paging.h"
#include "lib/x86/regs.h"

_Static_assert(PF_P == PFERR_P && PF_W == PFERR_W && PF_U == PFERR_U && PF_RSVD == PFERR_RSVD &&
		       PF_I == PFERR_I,
	       "one numbering of the error code");

#define ADDRESS_BITS	52u
#define PDPTE_ENTRIES	4u
#define CR3_PAE_MASK	UINT64_C(0xffffffe0) /**< PAE: 32-byte aligned table (SDM Table 4-7) */
#define CR3_32_MASK	UINT64_C(0xfffff000)
#define PAE_RESERVED_HIGH UINT64_C(0x7ff0000000000000) /**< bits 62:52 (SDM Tables 4-9 to 4-11) */
#define LARGE_RESERVED_LOW UINT64_C(0x3fffe000) /**< a large page: bits 13 up to its address */
/** Walks tried anew when the guest changes an entry meanwhile, before accessed bits are left alone. */
#define WALK_TRIES 8u

/** One walk: the entries used, and what they allow together. */
struct walk {
	const struct npt *npt;
	/* The page of guest memory looked at last: a guest's tables mostly lie in one large page. */
	uint64_t window, window_size;
	const uint8_t *window_host;
	const struct gpt_mode *mode;
	uint64_t address; /**< linear */
	uint64_t reserved; /**< bits that fault in any entry of this mode */
	uint64_t all;	  /**< AND of the entries: RW and US */
	uint64_t any;	  /**< OR of the entries: XD */
	uint64_t target;
	uint32_t used; /**< entries below */
	struct {
		gpa_t at;
		const void *host;
		uint64_t value;
	} entry[PTE_LEVELS];
	uint32_t fault;
};

static hv_status_t page_fault(struct walk *walk, uint32_t code)
{
	walk->fault = code;
	return HV_E_FAULT;
}

/** Move the window to the page that holds `at`. @return false: nothing readable is there. */
static __attribute__((noinline)) bool move_window(struct walk *walk, uint64_t at)
{
	struct npt_leaf leaf;

	walk->window_size = 0;
	if (npt_lookup(walk->npt, gpa(at), &leaf) != HV_OK || (leaf.prot & HV_PROT_READ) == 0)
		return false;
	walk->window = at & ~(leaf.size - 1u);
	walk->window_size = leaf.size;
	walk->window_host = (const uint8_t *)host_phys_to_virt(leaf.address) - (at - walk->window);
	return true;
}

/** The table entry at a guest-physical address (aligned, so in one page), or NULL. */
static inline const void *reach(struct walk *walk, uint64_t at)
{
	if (at - walk->window >= walk->window_size && !move_window(walk, at))
		return NULL;
	return walk->window_host + (at - walk->window);
}

static inline void take_entry(struct walk *walk, gpa_t at, const void *host, uint64_t value)
{
	walk->entry[walk->used].at = at;
	walk->entry[walk->used].host = host;
	walk->entry[walk->used].value = value;
	walk->used++;
	walk->all &= value;
	walk->any |= value;
}

static uint64_t above_phys_bits(const struct gpt_mode *mode)
{
	uint32_t bits = mode->phys_bits == 0 || mode->phys_bits > ADDRESS_BITS ? ADDRESS_BITS
									    : mode->phys_bits;

	return PTE_ADDR_MASK & ~((UINT64_C(1) << bits) - 1u);
}

/* ----------------------------------------------------------- tables of 64-bit entries: PAE, 4-level */

/** @return whether this entry maps a page, with its reserved bits looked at. */
static inline hv_status_t entry64_check(const struct walk *walk, uint64_t value, uint32_t level, bool *leaf)
{
	uint64_t reserved = walk->reserved;

	*leaf = level == 1u;
	if (level > 1u && (value & PTE_PS) != 0) {
		if (level == 4u || (level == 3u && walk->mode->no_1g))
			return HV_E_FAULT;
		*leaf = true;
		reserved |= ((UINT64_C(1) << PTE_LEVEL_SHIFT(level)) - 1u) & LARGE_RESERVED_LOW;
	}
	return (value & reserved) != 0 ? HV_E_FAULT : HV_OK;
}

static hv_status_t walk64(struct walk *walk, uint64_t table, uint32_t level)
{
	for (;; level--) {
		gpa_t at = gpa(table + 8u * PTE_INDEX(walk->address, level));
		const uint64_t *entry = reach(walk, at.raw);
		uint64_t value, inside;
		bool leaf;

		if (entry == NULL)
			return HV_E_NOENT;
		value = __atomic_load_n(entry, __ATOMIC_RELAXED);
		if ((value & PTE_P) == 0)
			return page_fault(walk, 0);
		if (entry64_check(walk, value, level, &leaf) != HV_OK)
			return page_fault(walk, PF_P | PF_RSVD);
		take_entry(walk, at, entry, value);
		table = value & PTE_ADDR_MASK;
		if (!leaf)
			continue;
		inside = (UINT64_C(1) << PTE_LEVEL_SHIFT(level)) - 1u;
		walk->target = (table & ~inside) | (walk->address & inside);
		return HV_OK;
	}
}

static uint64_t reserved64(const struct gpt_mode *mode)
{
	return above_phys_bits(mode) | ((mode->efer & EFER_NXE) != 0 ? 0 : PTE_XD);
}

static hv_status_t walk_long(struct walk *walk)
{
	if (!la48_is_canonical(walk->address))
		return HV_E_INVALID;
	walk->reserved = reserved64(walk->mode);
	return walk64(walk, walk->mode->cr3 & PTE_ADDR_MASK, PTE_LEVELS);
}

/** The four PDPTEs are registers on Intel's CPUs (SDM 4.4.1), memory on AMD's (APM vol. 2, 5.2.3). */
static hv_status_t walk_pae(struct walk *walk)
{
	const struct gpt_mode *mode = walk->mode;
	uint64_t index = (walk->address >> 30) & (PDPTE_ENTRIES - 1u);
	uint64_t pdpte = mode->pdpte[index];

	if (!mode->have_pdpte) {
		gpa_t at = gpa((mode->cr3 & CR3_PAE_MASK) + 8u * index);
		const uint64_t *entry = reach(walk, at.raw);

		if (entry == NULL)
			return HV_E_NOENT;
		/* QEMU's TCG sets the accessed bit there, which is reserved in a guest's own value. */
		pdpte = __atomic_load_n(entry, __ATOMIC_RELAXED) & ~PTE_A;
	}
	if ((pdpte & PTE_P) == 0)
		return page_fault(walk, 0);
	if ((pdpte & (PDPTE_PAE_RESERVED_LOW | PAE_RESERVED_HIGH | PTE_XD |
		      above_phys_bits(mode))) != 0)
		return page_fault(walk, PF_P | PF_RSVD);
	walk->reserved = reserved64(mode) | PAE_RESERVED_HIGH;
	return walk64(walk, pdpte & PTE_ADDR_MASK, 2u);
}

/* ---------------------------------------------------------------- tables of 32-bit entries (SDM 4.3) */

/** Bits of a 4 MiB page's entry that must be zero: 21, and of PSE-36 what the CPU doesn't have. */
static uint32_t reserved_4m(const struct gpt_mode *mode)
{
	uint64_t pse36 = above_phys_bits(mode) >> PDE32_PSE36_SHIFT;

	return PDE32_RESERVED_4M | ((uint32_t)pse36 & PDE32_PSE36_MASK);
}

static hv_status_t walk32(struct walk *walk)
{
	const struct gpt_mode *mode = walk->mode;
	uint64_t table = mode->cr3 & CR3_32_MASK;

	for (uint32_t level = 2u;; level--) {
		gpa_t at = gpa(table + 4u * PTE32_INDEX(walk->address, level));
		const uint32_t *entry = reach(walk, at.raw);
		uint32_t value;

		if (entry == NULL)
			return HV_E_NOENT;
		value = __atomic_load_n(entry, __ATOMIC_RELAXED);
		if ((value & PTE_P) == 0)
			return page_fault(walk, 0);
		take_entry(walk, at, entry, value);
		table = value & PTE32_ADDR_MASK;
		if (level == 1u) {
			walk->target = table | (walk->address & HV_PAGE_MASK);
			return HV_OK;
		}
		if ((value & PTE_PS) == 0 || (mode->cr4 & CR4_PSE) == 0)
			continue;
		if ((value & reserved_4m(mode)) != 0)
			return page_fault(walk, PF_P | PF_RSVD);
		walk->target = (value & PDE32_ADDR_MASK_4M) | (walk->address & ~PDE32_ADDR_MASK_4M) |
			       (uint64_t)(value & PDE32_PSE36_MASK) << PDE32_PSE36_SHIFT;
		return HV_OK;
	}
}

/* --------------------------------------------------------------------------- rights (SDM 4.6.1) */

static bool user_may(const struct walk *walk, uint32_t access)
{
	return (walk->all & PTE_US) != 0 &&
	       ((access & HV_PROT_WRITE) == 0 || (walk->all & PTE_RW) != 0);
}

static bool supervisor_may(const struct walk *walk, uint32_t access)
{
	const struct gpt_mode *mode = walk->mode;
	bool user_page = (walk->all & PTE_US) != 0;

	if ((access & HV_PROT_WRITE) != 0 && (walk->all & PTE_RW) == 0 && (mode->cr0 & CR0_WP) != 0)
		return false;
	if (!user_page)
		return true;
	if ((access & HV_PROT_EXEC) != 0 && (mode->cr4 & CR4_SMEP) != 0)
		return false;
	return (access & (HV_PROT_READ | HV_PROT_WRITE)) == 0 || (mode->cr4 & CR4_SMAP) == 0 ||
	       (mode->rflags & RFLAGS_AC) != 0;
}

/** XD counts in 64-bit entries with EFER.NXE only; elsewhere it is no bit, or reserved. */
static bool access_allowed(const struct walk *walk, uint32_t access)
{
	if ((access & HV_PROT_EXEC) != 0 && (walk->any & PTE_XD) != 0)
		return false;
	return walk->mode->user ? user_may(walk, access) : supervisor_may(walk, access);
}

/** The bits of the error code that tell of the access, not of the tables (SDM 4.7). */
static uint32_t access_code(const struct gpt_mode *mode, uint32_t access)
{
	uint32_t code = mode->user ? PF_U : 0;
	bool tells_fetch = (mode->cr4 & CR4_SMEP) != 0 ||
			   ((mode->cr4 & CR4_PAE) != 0 && (mode->efer & EFER_NXE) != 0);

	if ((access & HV_PROT_WRITE) != 0)
		code |= PF_W;
	if ((access & HV_PROT_EXEC) != 0 && tells_fetch)
		code |= PF_I;
	return code;
}

/* ------------------------------------------------------------------- accessed and dirty (SDM 4.8) */

static bool wide_entries(const struct gpt_mode *mode)
{
	return (mode->cr4 & CR4_PAE) != 0;
}

/** @return false where the entry isn't what the walk saw: the guest has changed it. */
static bool swap_entry(const struct walk *walk, void *entry, uint64_t seen, uint64_t value)
{
	uint32_t seen32 = (uint32_t)seen;

	if (wide_entries(walk->mode))
		return __atomic_compare_exchange_n((uint64_t *)entry, &seen, value, false,
						   __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
	return __atomic_compare_exchange_n((uint32_t *)entry, &seen32, (uint32_t)value, false,
					   __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
}

/** HV_E_BUSY: walk again. HV_E_NOENT: the table is in memory that the guest may not write. */
static hv_status_t mark_used(const struct walk *walk, bool write)
{
	for (uint32_t i = 0; i < walk->used; i++) {
		uint64_t seen = walk->entry[i].value;
		uint64_t value = seen | PTE_A | (write && i + 1u == walk->used ? PTE_D : 0);
		void *entry;

		if (value == seen)
			continue;
		entry = npt_pointer(walk->npt, walk->entry[i].at, HV_PROT_READ | HV_PROT_WRITE);
		if (entry == NULL)
			return HV_E_NOENT;
		if (!swap_entry(walk, entry, seen, value))
			return HV_E_BUSY;
	}
	return HV_OK;
}

/* ------------------------------------------------------------------------------------ all together */

static hv_status_t walk_tables(struct walk *walk)
{
	const struct gpt_mode *mode = walk->mode;

	walk->all = PTE_RW | PTE_US;
	walk->any = 0;
	walk->used = 0;
	walk->fault = 0;
	if ((mode->efer & EFER_LMA) != 0)
		return walk_long(walk);
	return wide_entries(mode) ? walk_pae(walk) : walk32(walk);
}

static hv_status_t walk_once(struct walk *walk, uint32_t access, bool set_ad)
{
	hv_status_t status = walk_tables(walk);

	if (status == HV_OK && !access_allowed(walk, access))
		status = page_fault(walk, PF_P);
	if (status == HV_OK && set_ad)
		status = mark_used(walk, (access & HV_PROT_WRITE) != 0);
	return status;
}

static void begin_walk(struct walk *walk, const struct npt *npt, const struct gpt_mode *mode,
		       gva_t from)
{
	walk->npt = npt;
	walk->mode = mode;
	walk->address = (mode->efer & EFER_LMA) != 0 ? from.raw : (uint32_t)from.raw;
	walk->window = 0;
	walk->window_size = 0;
	walk->used = 0;
}

/**
 * @req HV-065 A guest-virtual address is translated as the guest's CPU would, in every paging mode, with the
 *      same rights, the same error codes, and accessed and dirty bits.
 * @req HV-066 No guest page table, however malformed or concurrently changed, makes a walk unbounded or
 *      leads out of the guest's memory.
 */
hv_status_t gpt_translate(const struct npt *npt, const struct gpt_mode *mode, gva_t from,
			  uint32_t access, bool set_ad, gpa_t *to, uint32_t *fault)
{
	struct walk walk; /* begin_walk() and walk_tables() set what is used */
	hv_status_t status = HV_E_BUSY;

	begin_walk(&walk, npt, mode, from);
	*fault = 0;
	if ((mode->cr0 & CR0_PG) == 0) {
		*to = gpa(walk.address);
		return HV_OK;
	}
	for (uint32_t i = 0; i < WALK_TRIES && status == HV_E_BUSY; i++)
		status = walk_once(&walk, access, set_ad);
	if (status == HV_E_BUSY) /* the guest's own race: a translation that was true once is good enough */
		status = walk_once(&walk, access, false);
	if (status == HV_OK)
		*to = gpa(walk.target);
	if (status == HV_E_FAULT)
		*fault = walk.fault | access_code(mode, access);
	return status;
}

static void tell_trace(const struct walk *walk, struct gpt_trace *trace)
{
	trace->used = walk->used;
	trace->wide = wide_entries(walk->mode);
	for (uint32_t i = 0; i < walk->used; i++) {
		trace->entry[i].at = walk->entry[i].host;
		trace->entry[i].value = walk->entry[i].value;
	}
}

hv_status_t gpt_translate_code(const struct npt *npt, const struct gpt_mode *mode, gva_t from,
			       gpa_t *to, uint32_t *fault, struct gpt_trace *trace)
{
	struct walk walk;
	hv_status_t status = HV_OK;

	begin_walk(&walk, npt, mode, from);
	walk.target = walk.address;
	*fault = 0;
	if ((mode->cr0 & CR0_PG) != 0)
		status = walk_once(&walk, HV_PROT_EXEC, false);
	if (status == HV_E_FAULT)
		*fault = walk.fault | access_code(mode, HV_PROT_EXEC);
	*to = gpa(walk.target);
	tell_trace(&walk, trace);
	return status;
}
