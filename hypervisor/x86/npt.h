/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file npt.h
 * Nested page tables: guest-physical to host-physical. One implementation for Intel's EPT and AMD's
 * NPT; the format tells the bits.
 *
 * Table pages come from the VM's pool and stay until npt_exit(): a reader on another CPU never sees
 * a table page freed under it, so lookups take no lock. Changes are made under the VM's lock.
 */
#ifndef HYPERVISOR_X86_NPT_H
#define HYPERVISOR_X86_NPT_H

#include <hypike/host.h>
#include <hypike/hv.h>

/** Bits of one vendor's table entries (SDM 29.3.2 Tables 29-1..29-6, APM vol. 2 15.25). */
struct npt_format {
	uint64_t read;	   /**< set in a leaf that may be read (NPT: present) */
	uint64_t write;	   /**< set where it may be written */
	uint64_t exec;	   /**< set where it may be executed (EPT); 0 for NPT */
	uint64_t no_exec;  /**< set where it may not (NPT); 0 for EPT */
	uint64_t table;	   /**< bits of an entry that points to a table */
	uint64_t large;	   /**< marks a 2 MiB or 1 GiB leaf */
	uint64_t memory_wb; /**< memory type bits of ordinary RAM */
	uint64_t leaf;	   /**< further bits of every leaf (NPT: user; accessed/dirty where wanted) */
	uint32_t levels;   /**< 4 */
	uint64_t (*root)(hpa_t table); /**< value for EPTP / nCR3 */
	bool (*has_1g)(void);
};

struct npt {
	const struct npt_format *format;
	struct host_pool *pool;
	uint64_t *root_table;
	uint64_t offset; /**< virtual minus physical address, the same for every page of the pool */
	uint64_t pages;	 /**< table pages in use */
	uint32_t max_leaf_level; /**< 3: 1 GiB pages, 2: 2 MiB */
};

/** Guest-physical addresses are below this: four levels of tables. */
#define NPT_LIMIT (UINT64_C(1) << 48)

/*
 * What lookups need is in bits of an entry that both vendors' hardware ignores (SDM Table 29-6 and APM
 * vol. 2 5.3.3: 56:52), in one layout for both. A leaf without any right is still a leaf.
 */
#define NPT_SOFT_LEAF	    (UINT64_C(1) << 52)
#define NPT_SOFT_PROT_SHIFT 53u /**< HV_PROT_*: three bits */
#define NPT_ADDRESS_MASK    UINT64_C(0x000ffffffffff000)

hv_status_t npt_init(struct npt *npt, const struct npt_format *format, struct host_pool *pool);
/** Give all table pages back. Nobody uses the tables any more. */
void npt_exit(struct npt *npt);

/**
 * Map, unmap, protect: at most `*steps` leaf entries are touched, the rest is left to the next call.
 * @param done bytes done so far; HV_OK with *done < size: call again behind them.
 * prot: 0 or any set of rights with HV_PROT_READ in it; other sets are HV_E_INVALID (no CPU has them all).
 * npt_map: HV_E_EXISTS where anything is mapped in the part that this call would do (nothing changes then).
 * HV_E_NOMEM: `*done` bytes are done, and the tables are in order.
 * npt_unmap, npt_protect: a large page that sticks out of the range is split.
 * npt_protect: HV_E_FAULT at a hole.
 */
hv_status_t npt_map(struct npt *npt, gpa_t where, hpa_t from, uint64_t size, uint32_t prot,
		    uint32_t steps, uint64_t *done);
hv_status_t npt_unmap(struct npt *npt, gpa_t where, uint64_t size, uint32_t steps, uint64_t *done);
hv_status_t npt_protect(struct npt *npt, gpa_t where, uint64_t size, uint32_t prot, uint32_t steps,
			uint64_t *done);

/** What a lookup finds. */
struct npt_leaf {
	hpa_t address;	/**< of the byte asked for */
	uint64_t size;	/**< of the page it is in */
	uint32_t prot;	/**< HV_PROT_* */
};
/** HV_E_FAULT where nothing is mapped. */
hv_status_t npt_lookup(const struct npt *npt, gpa_t where, struct npt_leaf *leaf);
/** The driver's pointer to a guest-physical byte that may be accessed so, or NULL. For one page only. */
void *npt_pointer(const struct npt *npt, gpa_t where, uint32_t prot);

#endif
