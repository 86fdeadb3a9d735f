/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file vcpu.h
 * The driver's own view of a VM and its vCPUs. Private to the driver.
 *
 * Guest registers are cached in vcpu.regs by groups: `cached` says which groups are current there,
 * `changed` which the vendor has to write into its control block before the next entry. Reading goes
 * through vcpu_need(), writing through vcpu_need() and vcpu_change(): nothing is moved that isn't used.
 */
#ifndef HYPERVISOR_X86_VCPU_H
#define HYPERVISOR_X86_VCPU_H

#include <hypike/host.h>
#include <hypike/hv_x86.h>

#include "hypervisor/driver.h"
#include "hypervisor/x86/event.h"
#include "hypervisor/x86/gpt.h"
#include "hypervisor/x86/lapic.h"
#include "hypervisor/x86/npt.h"

/* Register groups inside the driver: those of hv_x86.h, with HV_X86_REGS_GPR split up. The 15 general
 * registers other than RSP are always current in regs.gpr while the guest isn't running. */
#define REGS_RIP    (1u << 8)
#define REGS_RSP    (1u << 9)
#define REGS_RFLAGS (1u << 10)
#define REGS_CS	    (1u << 11) /**< seg[HV_CS] and `cpl` alone: part of REGS_SEG */
#define REGS_CODE   (1u << 12) /**< vcpu->code: out of REGS_CS and REGS_CR what finding code takes */
#define REGS_SEG    HV_X86_REGS_SEG
#define REGS_CR	    HV_X86_REGS_CR
#define REGS_DR	    HV_X86_REGS_DR
#define REGS_MSR    HV_X86_REGS_MSR
#define REGS_EVENT  HV_X86_REGS_EVENT
#define REGS_TIME   HV_X86_REGS_TIME
#define REGS_ALL                                                                                   \
	(REGS_RIP | REGS_RSP | REGS_RFLAGS | REGS_CS | REGS_SEG | REGS_CR | REGS_DR | REGS_MSR |   \
	 REGS_EVENT | REGS_TIME)

/** What an exit handler made of it. */
enum verdict {
	VERDICT_RESUME, /**< settled: back into the guest */
	VERDICT_TO_VMM, /**< page->exit is filled: return from vcpu_run() */
};

/** One row of a vendor's exit table. */
struct exit_row {
	enum verdict (*handler)(struct vcpu *vcpu);
	uint16_t kind;	/**< enum hv_exit_kind, for counting and for custom handlers */
	uint16_t needs; /**< HV_X86_REGS_*: groups that the VMM gets when it is handed over */
};

/** What the vendor's enter() says about the exit. Everything else it decodes when asked. */
struct exit_info {
	uint32_t index;	      /**< row of the vendor's exit table, below ops->exit_count */
	uint32_t hw_reason;   /**< the CPU's number */
	uint32_t insn_length; /**< 0: the CPU doesn't say; vcpu_skip() finds out */
	uint32_t flags;	      /**< EXIT_* */
};
#define EXIT_STEP 1u /**< single-stepped for HV_REQUEST_STEP */
/** RIP, RFLAGS and shadows are cached, and to step over an instruction nothing but RIP has to be changed:
 *  neither RFLAGS.TF nor RF nor a shadow is set, nobody steps. Not said though it is so: costs some
 *  instructions. */
#define EXIT_PLAIN 2u

#define VM_DOORBELLS 64u /**< per VM */

/** Doorbells found by a hash of space and address: cost independent of their number. */
struct doorbell_slot {
	struct hv_doorbell bell;
	bool used;
	bool removed; /**< probing goes on behind it */
	uint32_t version; /**< of `bell`; odd while it is changed */
};

struct vm_handler {
	driver_handler_t fn;
	void *arg;
};

/** Port and MSR policy of a VM: page-sized pieces out of its pool. */
struct vm {
	struct npt npt;
	struct host_pool *pool;
	struct host_lock lock;	     /**< tables, traps, doorbells */
	struct host_thread *signal;  /**< where doorbells ring */
	uint64_t tsc_offset;	     /**< of a vCPU after its reset */
	uint32_t vcpu_limit;
	struct vcpu *vcpu[HV_MAX_VCPUS]; /**< by index; NULL where not created */
	uint64_t traps;		     /**< HV_X86_TRAP_* */
	uint32_t exceptions;	     /**< vectors that go to the VMM */
	uint32_t trap_generation;    /**< grows with every change of what traps */
	uint32_t flush_generation;   /**< grows when translations were removed */
	uint32_t running;	     /**< vCPUs inside vcpu_run() */
	uint8_t *port_absent;	     /**< bitmap of 65536 bits: HV_PORT_ABSENT */
	uint32_t eoi_trap[8];	     /**< vectors with HV_EXIT_EOI */
	struct sysreg_rule {
		uint32_t first, count;
		uint8_t policy;
	} sysreg[32];
	uint32_t sysreg_rules;
	uint64_t sysreg_any; /**< bit n: there is a rule for a number that is n modulo 64 */
	struct hv_x86_cpuid *cpuid; /**< HV_X86_CPUID_ROWS rows, sorted */
	uint32_t cpuid_rows;
	uint8_t phys_bits; /**< physical address bits that the guest's CPUID shows */
	bool no_1g;	   /**< and no 1 GiB pages */
	uint8_t *cpuid_index;	    /**< leaf number to its first row + 1: see x86/cpuid.c */
	uint8_t *cpuid_quick;	    /**< to its row where that is all of the answer */
	struct doorbell_slot doorbell[VM_DOORBELLS];
	uint32_t doorbells;
	struct vm_handler handler[HV_EXIT_KINDS];
	uint32_t handlers; /**< how many of them there are */
	void *vendor; /**< the vendor's per-VM data (permission bitmaps) */
};

/* What traps may change while vCPUs run. */
static inline bool vm_traps(const struct vm *vm, enum hv_x86_insn what)
{
	return (__atomic_load_n(&vm->traps, __ATOMIC_RELAXED) & HV_X86_TRAP(what)) != 0;
}

static inline bool vm_traps_exception(const struct vm *vm, uint8_t vector)
{
	return (__atomic_load_n(&vm->exceptions, __ATOMIC_RELAXED) >> (vector & 31u) & 1u) != 0;
}

/** Where and how the guest executes. */
struct vcpu_code {
	uint64_t cr3;
	uint64_t base; /**< of CS; 0 in 64-bit mode */
	uint8_t mode;  /**< enum insn_mode (lib/x86/insn.h) */
};

/** The page of code last fetched for instruction lengths: see x86/fetch.c. */
struct fetch_cache {
	uint64_t cr3;
	uint64_t page; /**< linear address of the page | 1; 0: empty */
	const uint8_t *host;
	uint32_t generation;
	struct gpt_trace trace; /**< the guest's entries that lead there */
};

/** As in struct hv_x86_regs. */
struct debug_registers {
	uint64_t dr[4], dr6, dr7;
};
_Static_assert(offsetof(struct hv_x86_regs, dr7) - offsetof(struct hv_x86_regs, dr) ==
		       offsetof(struct debug_registers, dr7),
	       "the same layout");

struct vcpu {
	struct hv_x86_regs regs; /**< first: the world switch finds gpr[] at offset 0 */
	uint32_t cached;	 /**< REGS_* groups that are current in `regs` */
	uint32_t changed;	 /**< REGS_* groups that the vendor has to take over */
	struct exit_info exit;
	struct vcpu_code code;	 /**< with REGS_CODE */
	uint8_t cpl;		 /**< current privilege level; with REGS_CS or REGS_SEG */
	uint8_t request;	 /**< page->request as taken over */
	uint8_t action;		 /**< page->action, for `complete` */
	uint16_t kind;		 /**< enum hv_exit_kind of the exit being handled, for statistics */
	struct vm *vm;
	struct hv_vcpu_page *page;
	uint32_t index;
	uint32_t cpu;		 /**< CPU that it is bound to since its first run; ~0 before */
	struct host_thread *thread; /**< that runs it; NULL: none */
	struct host_thread *bound;  /**< that ran it last, on `cpu` */
	struct host_fpu fpu;
	void *vendor;		 /**< the vendor's per-vCPU data (VMCB, VMCS …) */

	/* Events. */
	struct x86_event delivering; /**< its delivery was cut short by the exit, or waits for entry */
	uint16_t extint; /**< vector | EXTINT_PENDING: acknowledged at a legacy controller, not yet taken */
	bool nmi_pending;
	bool intr_window, nmi_window; /**< window exits that the vendor has armed */
	uint32_t work;		      /**< VCPU_WORK_*: non-zero: look before entry. Atomic. */
	bool in_guest;		      /**< atomic, for those who wait for it to leave */
	bool dr_live;		      /**< debug registers are in the CPU, and, but for dr_vmm, not trapped */
	bool dr_vmm;		      /**< those in `regs` are the VMM's own; the guest's are in guest_dr */
	struct debug_registers guest_dr;

	uint32_t trap_generation;  /**< of vm->trap_generation applied */
	uint32_t flush_generation; /**< of vm->flush_generation applied */
	enum verdict (*complete)(struct vcpu *vcpu); /**< finishes the exit that the VMM had; or NULL */
	uint64_t complete_arg[4];  /**< what it needs, out of the VMM's reach */
	struct hv_x86_regs staged; /**< copy of the page's register area while it is checked */
	struct hv_event staged_event; /**< likewise of page->inject */
	uint32_t staged_groups;	   /**< groups in `staged` */
	uint64_t mtrr[28];	   /**< memory type range registers: kept for the guest, without effect */

	struct lapic lapic;
	struct fetch_cache fetch;
	struct hv_stats stats;
	uint64_t since;	      /**< when time began to be the guest's or the driver's */
	uint64_t guest_ticks; /**< how much of it the guest had; while it runs, less its entry's time */
	uint64_t hidden;   /**< ticks that its clock has yet to be put back by */
};

#define EXTINT_PENDING 0x100u

/* vcpu.work: reasons to leave the fast path before the next entry. */
#define VCPU_WORK_EVENT	 (1u << 0) /**< something may be deliverable: interrupt, NMI, exception */
#define VCPU_WORK_KICK	 (1u << 1) /**< hv_vcpu_kick() */
#define VCPU_WORK_INIT	 (1u << 2) /**< INIT received */
#define VCPU_WORK_SIPI	 (1u << 3) /**< start-up IPI received; vector in lapic.sipi_vector */
#define VCPU_WORK_FLUSH	 (1u << 4) /**< translations or traps of the VM have changed */
#define VCPU_WORK_HALTED (1u << 5) /**< activity state isn't RUN */
#define VCPU_WORK_TIMER	 (1u << 6) /**< the local APIC timer has fired */
#define VCPU_WORK_REQUEST (1u << 7) /**< the VMM asked for a window or a step */
#define VCPU_WORK_NMI	 (1u << 8) /**< an NMI was sent by another vCPU or the VMM */
#define VCPU_WORK_STEP	 (1u << 9) /**< the VMM steps, and an instruction has been emulated */
#define VCPU_WORK_HIDE	 (1u << 10) /**< time has passed that the guest isn't to see: `hidden` */

/** Set work bits from any CPU and make the vCPU see them: wakes it, or kicks it out of guest mode. */
void vcpu_post(struct vcpu *vcpu, uint32_t work);

/** Set work bits from the vCPU's own thread (inside an exit handler). */
static inline void vcpu_work(struct vcpu *vcpu, uint32_t work)
{
	__atomic_or_fetch(&vcpu->work, work, __ATOMIC_RELAXED);
}

/** Make register groups current in vcpu->regs. */
void vcpu_fetch_regs(struct vcpu *vcpu, uint32_t groups);
static inline void vcpu_need(struct vcpu *vcpu, uint32_t groups)
{
	if (groups & ~vcpu->cached)
		vcpu_fetch_regs(vcpu, groups & ~vcpu->cached);
}

/** Say that groups in vcpu->regs were changed (they must be current). */
static inline void vcpu_change(struct vcpu *vcpu, uint32_t groups)
{
	vcpu->changed |= groups;
	if ((groups & (REGS_CS | REGS_SEG | REGS_CR)) != 0)
		vcpu->cached &= ~REGS_CODE;
}

#endif
