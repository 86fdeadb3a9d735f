/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file hv.h
 * The contract between a virtual machine monitor (VMM) and the hypervisor underneath it.
 *
 * Nothing here names an architecture: registers, and the few exits that carry them, are in
 * hv_x86.h. Two back ends implement these calls: system calls into HyPike's kernel, and /dev/kvm on
 * Linux. A call returns HV_OK (0) or a negative hv_status_t; it never stops the caller or the host.
 *
 * A vCPU is run by one thread at a time. Everything that a run needs and returns is in one page
 * shared by the VMM and the hypervisor (struct hv_vcpu_page), so that most exits cost one system
 * call and no copying. The hypervisor reads each field of that page once and trusts none.
 */
#ifndef HYPIKE_HV_H
#define HYPIKE_HV_H

#include <hypike/types.h>

/** Version of this contract; hv_query() returns the one that the hypervisor speaks. */
#define HV_VERSION 1u

#define HV_MAX_VCPUS   16u /**< vCPUs of one VM */
#define HV_MAX_SIGNALS 64u /**< bits of a VM's signal word */

/** A virtual machine, as known to the thread's task (a file descriptor or table index). */
typedef uint32_t hv_vm_t;
/** A vCPU, likewise. */
typedef uint32_t hv_vcpu_t;

/* ------------------------------------------------------------------ what the hypervisor can do */

enum hv_vendor {
	HV_VENDOR_MODEL = 0,
	HV_VENDOR_VMX = 1,
	HV_VENDOR_SVM = 2,
};

/** Answer of hv_query(). */
struct hv_caps {
	uint32_t version;	   /**< HV_VERSION of the hypervisor */
	uint32_t vendor;	   /**< enum hv_vendor */
	uint32_t max_vcpus;	   /**< per VM */
	uint32_t features;	   /**< HV_CAP_* */
	uint64_t guest_phys_limit; /**< first guest-physical address that cannot be mapped */
	uint64_t tsc_khz;	   /**< frequency of the guest's time-stamp counter */
};

#define HV_CAP_PAGE_1G	    (1u << 0) /**< nested tables map 1 GiB pages */
#define HV_CAP_APIC_ASSIST  (1u << 1) /**< the CPU virtualises local APIC registers */
#define HV_CAP_DECODED_MMIO (1u << 2) /**< HV_EXIT_MEMORY comes with the access decoded */
#define HV_CAP_TRAP_ID	    (1u << 3) /**< HV_EXIT_ID can be asked for */
#define HV_CAP_PV_EOI	    (1u << 4) /**< the guest may be shown KVM's paravirtual end of interrupt: it saves exits */

hv_status_t hv_query(struct hv_caps *caps);

/* ---------------------------------------------------------------------------- VMs and their vCPUs */

struct hv_vm_params {
	uint32_t vcpus;	 /**< how many may be created, 1..HV_MAX_VCPUS */
	uint32_t flags;	 /**< none defined: must be zero */
	uint64_t traps;	 /**< instruction traps: HV_X86_TRAP_* (hv_x86.h); changed by hv_trap() */
};

/** @return HV_E_DENIED where the configuration grants the caller no (further) VM. */
hv_status_t hv_vm_create(const struct hv_vm_params *params, hv_vm_t *vm);
/** Ends the VM; HV_E_BUSY while one of its vCPUs runs. Its memory goes back to the caller. */
hv_status_t hv_vm_destroy(hv_vm_t vm);

struct hv_vcpu_page;
/**
 * Create vCPU number `index` (its local APIC's ID) in the state after reset: number 0 runnable at
 * the reset vector, the others waiting for a start-up message.
 * @param page set to the address of the shared page in the caller's address space.
 */
hv_status_t hv_vcpu_create(hv_vm_t vm, uint32_t index, hv_vcpu_t *vcpu, struct hv_vcpu_page **page);

/* ----------------------------------------------------------------------------------- guest memory */

#define HV_PROT_READ  1u
#define HV_PROT_WRITE 2u
#define HV_PROT_EXEC  4u
#define HV_PROT_ALL   7u

/**
 * Make [host, host + size) of the caller's memory appear at guest-physical `where`.
 * All three are multiples of 4 KiB. The memory stays the caller's. Larger pages are used where both
 * addresses allow.
 * @return HV_E_EXISTS where something is mapped there already (nothing changes), HV_E_FAULT where
 *         the caller doesn't own that memory, HV_E_NOMEM when its page-table quota is used up.
 */
hv_status_t hv_map(hv_vm_t vm, gpa_t where, void *host, uint64_t size, uint32_t prot);
/** Remove what is mapped in the range; holes are allowed. No vCPU uses it once this returns. */
hv_status_t hv_unmap(hv_vm_t vm, gpa_t where, uint64_t size);
/** Change the rights of what is mapped in the range; HV_E_FAULT at a hole. */
hv_status_t hv_protect(hv_vm_t vm, gpa_t where, uint64_t size, uint32_t prot);
/** Copy out of guest memory through the nested tables; HV_E_FAULT at the first hole. */
hv_status_t hv_read(hv_vm_t vm, gpa_t from, void *to, uint64_t size);
/** Copy into guest memory; HV_E_FAULT at the first hole or page that the guest may not write. */
hv_status_t hv_write(hv_vm_t vm, gpa_t to, const void *from, uint64_t size);
/**
 * Translate a guest-virtual address with the vCPU's paging mode and tables.
 * @param access HV_PROT_* of the intended access, made at the vCPU's privilege level.
 * @return HV_E_FAULT where the guest would take a page fault; `*fault` (if not NULL) is its error code.
 */
hv_status_t hv_translate(hv_vcpu_t vcpu, gva_t from, uint32_t access, gpa_t *to, uint32_t *fault);

/* ------------------------------------------------------------------------- exits and the shared page */

/** Why hv_vcpu_run() returned. */
enum hv_exit_kind {
	HV_EXIT_NONE = 0,	 /**< nothing to do: run again (a page asked for before the first run) */
	HV_EXIT_KICKED,		 /**< hv_vcpu_kick() was called */
	HV_EXIT_PORT,		 /**< I/O port access */
	HV_EXIT_MEMORY,		 /**< access to guest-physical memory that isn't mapped, or not so */
	HV_EXIT_HYPERCALL,	 /**< a hypercall that the hypervisor doesn't settle */
	HV_EXIT_SYSREG,		 /**< system register (MSR) access that the VMM asked for */
	HV_EXIT_ID,		 /**< identification (CPUID) leaf that the VMM asked for */
	HV_EXIT_INSTRUCTION,	 /**< an instruction that the VMM asked to see (hv_trap()) */
	HV_EXIT_EXCEPTION,	 /**< an exception that the VMM asked to see (hv_trap_exceptions()) */
	HV_EXIT_INTR_WINDOW,	 /**< the guest can take an external interrupt now */
	HV_EXIT_NMI_WINDOW,	 /**< the guest can take an NMI now */
	HV_EXIT_EOI,		 /**< end of an interrupt whose vector hv_trap_eoi() named */
	HV_EXIT_HALT,		 /**< halted with interrupts off for ever (nothing can wake it) */
	HV_EXIT_TASK_SWITCH,	 /**< hardware task switch */
	HV_EXIT_SHUTDOWN,	 /**< triple fault */
	HV_EXIT_INVALID,	 /**< the CPU refused the guest's state */
	HV_EXIT_ERROR,		 /**< the hypervisor cannot go on with this vCPU; exit.error says why */
	HV_EXIT_INTERRUPT,	 /**< host interrupt (settled by the host; in statistics only) */
	HV_EXIT_NMI,		 /**< host NMI (likewise) */
	HV_EXIT_APIC,		 /**< local APIC access (settled by the driver; in statistics only) */
	HV_EXIT_CONTROL,	 /**< control or debug register access (likewise, unless trapped) */
	HV_EXIT_OTHER,		 /**< any other exit that the driver settled (in statistics only) */
	HV_EXIT_KINDS
};

/** What the next hv_vcpu_run() does with the exit that the VMM has looked at. */
enum hv_action {
	HV_ACTION_DONE = 0, /**< complete it: dirty registers are loaded, then results in the exit record are
				 taken, and the guest goes on behind the instruction. The default. */
	HV_ACTION_RETRY,    /**< leave the guest where it is (or where the dirty registers put it) */
	HV_ACTION_FAULT,    /**< the architecture's fault for a refused access (x86: #GP(0) or #UD) */
};

#define HV_INSN_MAX 15u

struct hv_exit_port {
	uint16_t port;
	uint8_t size;	/**< of one item: 1, 2 or 4 bytes */
	uint8_t write;	/**< 1: the guest writes (OUT) */
	uint32_t count; /**< items; more than 1 or `string` set: they are in hv_vcpu_page.data, which the
			     hypervisor copies from and to guest memory itself */
	uint32_t value; /**< single item: written value, or put the read one here */
	uint8_t string;
	uint8_t reserved[3];
};

struct hv_exit_memory {
	uint64_t address; /**< guest-physical, of the (first byte of the) access as the CPU reports it */
	uint64_t value;	  /**< `decoded`: written value, or put the read one here: its first `size` bytes */
	uint8_t access;	  /**< HV_PROT_* that was attempted */
	uint8_t decoded;  /**< 1: size, value hold the access; 0: emulate the instruction in `insn` */
	uint8_t size;	  /**< `decoded`: 1..8 */
	uint8_t mode;	  /**< !decoded: default operand size of the code: 16, 32, 64 */
	uint8_t mapped;	  /**< 1: a page is there but lacks the right; 0: nothing is there */
	uint8_t insn_length;	   /**< bytes in `insn`: 0 where they could not be fetched */
	uint8_t insn[HV_INSN_MAX]; /**< !decoded: instruction bytes from the guest's instruction pointer */
	uint8_t reserved[3];
};

struct hv_exit_sysreg {
	uint64_t value; /**< written value, or put the read one here */
	uint32_t index;
	uint8_t write;
	uint8_t reserved[3];
};

struct hv_exit_id {
	uint32_t leaf, subleaf;
	uint32_t out[4]; /**< what the policy would answer; change it as you like (EAX, EBX, ECX, EDX) */
};

struct hv_exit_insn {
	uint32_t what;	 /**< HV_X86_INSN_* */
	uint32_t length; /**< bytes; 0: not known */
	uint64_t info;	 /**< what the instruction names: register number, value … per HV_X86_INSN_* */
};

struct hv_exit_exception {
	uint8_t vector;
	uint8_t has_code;
	uint8_t reserved[2];
	uint32_t code;
	uint64_t address; /**< page fault: guest-virtual address; debug: DR6's bits that say why */
};

struct hv_exit_task_switch {
	uint16_t selector;
	uint8_t source; /**< 0 CALL, 1 IRET, 2 JMP, 3 task gate (SDM numbering) */
	uint8_t has_code;
	uint32_t code;
};

struct hv_exit {
	uint16_t kind;	   /**< enum hv_exit_kind */
	uint16_t reserved;
	uint32_t hw_reason; /**< the CPU's own number, for messages only */
	union {
		struct hv_exit_port port;
		struct hv_exit_memory memory;
		struct hv_exit_sysreg sysreg;
		struct hv_exit_id id;
		struct hv_exit_insn insn;
		struct hv_exit_exception exception;
		struct hv_exit_task_switch task_switch;
		uint32_t eoi_vector;
		uint64_t hypercall; /**< number; arguments are in registers */
		int64_t error;	    /**< hv_status_t (HV_EXIT_ERROR), detail otherwise */
		uint64_t raw[10];
	};
};

enum hv_event_kind {
	HV_EVENT_NONE = 0,
	HV_EVENT_INTERRUPT, /**< external interrupt by its vector (from a legacy controller): only where
				 page.intr_ready is set; otherwise HV_E_STATE */
	HV_EVENT_NMI,
	HV_EVENT_EXCEPTION,
};

struct hv_event {
	uint8_t kind; /**< enum hv_event_kind */
	uint8_t vector;
	uint8_t has_code;
	uint8_t reserved;
	uint32_t code;
	uint64_t address; /**< page fault: goes to CR2 */
};

#define HV_REQUEST_INTR_WINDOW 1u /**< return HV_EXIT_INTR_WINDOW as soon as intr_ready becomes 1 */
#define HV_REQUEST_NMI_WINDOW  2u
#define HV_REQUEST_STEP	       4u /**< return HV_EXIT_EXCEPTION (debug) after one instruction; unless the vCPU is
				       halted, interrupts wait meanwhile. Where the CPU delivers them by itself
				       the VMM sets HV_SHADOW_STI (x86) as well */

#define HV_PAGE_REGS 512u  /**< offset of the register area (struct hv_x86_regs) */
#define HV_PAGE_DATA 2048u /**< offset of the string I/O buffer */

/** The page that a vCPU shares with its VMM. */
struct hv_vcpu_page {
	/* Written by the VMM, taken by the next run. */
	uint32_t dirty;	  /**< register groups (HV_X86_REGS_*) in the register area to be loaded */
	uint8_t action;	  /**< enum hv_action; goes back to HV_ACTION_DONE by itself */
	uint8_t request;  /**< HV_REQUEST_*; stays until the VMM clears it */
	uint8_t reserved[2];
	struct hv_event inject; /**< delivered before the next instruction; kind goes back to NONE */
	/* Written by the hypervisor when a run returns. */
	uint32_t valid;	    /**< register groups in the register area that hold the guest's state */
	uint8_t intr_ready; /**< 1: an external interrupt injected now is taken at once. Not looked at, and
				 0, with HV_EXIT_PORT and HV_EXIT_MEMORY: ask for a window */
	uint8_t nmi_ready;  /**< likewise an NMI */
	uint8_t halted; /**< 1: the guest waits for an interrupt */
	uint8_t reserved2;
	struct hv_exit exit;
	uint8_t pad[HV_PAGE_REGS - 32 - sizeof(struct hv_exit)];
	uint8_t regs[HV_PAGE_DATA - HV_PAGE_REGS];
	uint8_t data[HV_PAGE_SIZE - HV_PAGE_DATA];
};
_Static_assert(sizeof(struct hv_vcpu_page) == HV_PAGE_SIZE, "one page");
_Static_assert(offsetof(struct hv_vcpu_page, regs) == HV_PAGE_REGS, "register area");
_Static_assert(offsetof(struct hv_vcpu_page, data) == HV_PAGE_DATA, "data area");

/**
 * Complete the last exit as page.action says, load dirty registers, inject, and run the guest until
 * the next exit that is the VMM's. A halted guest waits inside this call.
 * @return HV_E_BUSY where another thread runs it; HV_E_INVALID (nothing is run, the exit record stays)
 *         where the VMM asked for something malformed.
 */
hv_status_t hv_vcpu_run(hv_vcpu_t vcpu);
/** Make the running or next hv_vcpu_run() return HV_EXIT_KICKED soon. From any thread. */
hv_status_t hv_vcpu_kick(hv_vcpu_t vcpu);
/** Fill the register groups `groups` of the shared page; the vCPU must not be running. */
hv_status_t hv_vcpu_get(hv_vcpu_t vcpu, uint32_t groups);
/** Put the vCPU into its state after reset, its local APIC included. */
hv_status_t hv_vcpu_reset(hv_vcpu_t vcpu);

/* ------------------------------------------------------------------------------------- interrupts */

/** Deliver a message-signalled interrupt: address and data as a device would write them. */
hv_status_t hv_msi(hv_vm_t vm, uint64_t address, uint32_t data);
/** Return HV_EXIT_EOI at the end of an interrupt with this vector (level-triggered lines). */
hv_status_t hv_trap_eoi(hv_vm_t vm, uint32_t vector, bool on);

/* -------------------------------------------------------------------------------------- what traps */

/** What becomes of an I/O port access. */
enum hv_port_policy {
	HV_PORT_EXIT = 0, /**< HV_EXIT_PORT: the default */
	HV_PORT_ABSENT,	  /**< as with no device: reads give all ones, writes are lost. No exit to the VMM. */
};
hv_status_t hv_trap_ports(hv_vm_t vm, uint32_t first, uint32_t count, enum hv_port_policy policy);

/** What becomes of a system register (MSR) access. */
enum hv_sysreg_policy {
	HV_SYSREG_DEFAULT = 0, /**< as the hypervisor's own table says: emulated, or a fault */
	HV_SYSREG_EXIT,	       /**< HV_EXIT_SYSREG */
	HV_SYSREG_FAULT,       /**< as if it didn't exist */
};
hv_status_t hv_trap_sysreg(hv_vm_t vm, uint32_t first, uint32_t count, enum hv_sysreg_policy policy);
/** Replace the set of trapped instructions (HV_X86_TRAP_*). */
hv_status_t hv_trap(hv_vm_t vm, uint64_t traps);
/** Exceptions (bit = vector) that come to the VMM before the guest sees them. */
hv_status_t hv_trap_exceptions(hv_vm_t vm, uint32_t vectors);

/* ---------------------------------------------------------------------------------------- doorbells */

#define HV_DOORBELL_PORT   0u
#define HV_DOORBELL_MEMORY 1u

/** A port or address whose write only signals: the guest goes on at once. */
struct hv_doorbell {
	uint64_t address;
	uint64_t value;	 /**< with `match`: only a write of this value rings; others exit as usual */
	uint8_t space;	 /**< HV_DOORBELL_* */
	uint8_t size;	 /**< bytes of the write; 0: any */
	uint8_t match;
	uint8_t signal;	 /**< bit of the VM's signal word to set, below HV_MAX_SIGNALS */
	uint32_t reserved;
};
hv_status_t hv_doorbell_add(hv_vm_t vm, const struct hv_doorbell *bell);
hv_status_t hv_doorbell_remove(hv_vm_t vm, const struct hv_doorbell *bell);

/* --------------------------------------------------------------------------------------- statistics */

struct hv_stats {
	uint64_t settled[HV_EXIT_KINDS]; /**< exits that the driver settled itself, by kind */
	uint64_t handed[HV_EXIT_KINDS];	 /**< exits that went to the VMM, by kind */
	uint64_t entries;		 /**< world switches into the guest */
	uint64_t guest_cycles;		 /**< time-stamp counter ticks spent in the guest */
	uint64_t host_cycles;		 /**< ticks between exit and next entry, waiting excluded */
	uint64_t injected;		 /**< events delivered */
	uint64_t table_pages;		 /**< pages that the nested tables use now */
	uint64_t host_pages; /**< pages that the VM takes of the host beside its memory: tables, vCPUs,
				  control blocks; 0: not known */
};
/** Counters of one vCPU since its creation. */
hv_status_t hv_vcpu_stats(hv_vcpu_t vcpu, struct hv_stats *stats);

#endif
