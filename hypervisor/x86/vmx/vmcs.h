/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file vmcs.h The virtual-machine control structure: field encodings (SDM vol. 3, appendix B),
 * control bits (25.6 to 25.8), the formats of exit information (25.9, 28.2), and the instructions
 * that reach them.
 *
 * Chapter numbers are those of the SDM editions in which the VMCS is chapter 25.
 */
#ifndef HYPERVISOR_X86_VMX_VMCS_H
#define HYPERVISOR_X86_VMX_VMCS_H

#include <stdbool.h>
#include <stdint.h>

/** Field encodings: SDM appendix B. */
enum vmcs_field {
	/* B.1.1 16-bit control, guest-state and host-state fields */
	VMCS_VPID = 0x0000,
	VMCS_GUEST_ES_SELECTOR = 0x0800, /**< the others follow, 2 apart, in the order of HV_ES.. */
	VMCS_GUEST_CS_SELECTOR = 0x0802,
	VMCS_GUEST_INTR_STATUS = 0x0810,
	VMCS_HOST_ES_SELECTOR = 0x0c00,
	VMCS_HOST_CS_SELECTOR = 0x0c02,
	VMCS_HOST_SS_SELECTOR = 0x0c04,
	VMCS_HOST_DS_SELECTOR = 0x0c06,
	VMCS_HOST_FS_SELECTOR = 0x0c08,
	VMCS_HOST_GS_SELECTOR = 0x0c0a,
	VMCS_HOST_TR_SELECTOR = 0x0c0c,

	/* B.2 64-bit fields */
	VMCS_IO_BITMAP_A = 0x2000,
	VMCS_IO_BITMAP_B = 0x2002,
	VMCS_MSR_BITMAP = 0x2004,
	VMCS_EXIT_MSR_STORE = 0x2006,
	VMCS_EXIT_MSR_LOAD = 0x2008,
	VMCS_ENTRY_MSR_LOAD = 0x200a,
	VMCS_TSC_OFFSET = 0x2010,
	VMCS_VIRTUAL_APIC = 0x2012,
	VMCS_APIC_ACCESS = 0x2014,
	VMCS_EPTP = 0x201a,
	VMCS_EOI_EXIT_0 = 0x201c, /**< EOI_EXIT1..3 follow, 2 apart */
	VMCS_GUEST_PHYSICAL = 0x2400,
	VMCS_LINK_POINTER = 0x2800,
	VMCS_GUEST_DEBUGCTL = 0x2802,
	VMCS_GUEST_PAT = 0x2804,
	VMCS_GUEST_EFER = 0x2806,
	VMCS_GUEST_PDPTE0 = 0x280a, /**< PDPTE1..3 follow, 2 apart */
	VMCS_HOST_PAT = 0x2c00,
	VMCS_HOST_EFER = 0x2c02,

	/* B.3 32-bit fields */
	VMCS_PIN_CONTROLS = 0x4000,
	VMCS_PRIMARY_CONTROLS = 0x4002,
	VMCS_EXCEPTION_BITMAP = 0x4004,
	VMCS_PF_ERROR_MASK = 0x4006,
	VMCS_PF_ERROR_MATCH = 0x4008,
	VMCS_CR3_TARGET_COUNT = 0x400a,
	VMCS_EXIT_CONTROLS = 0x400c,
	VMCS_EXIT_MSR_STORE_COUNT = 0x400e,
	VMCS_EXIT_MSR_LOAD_COUNT = 0x4010,
	VMCS_ENTRY_CONTROLS = 0x4012,
	VMCS_ENTRY_MSR_LOAD_COUNT = 0x4014,
	VMCS_ENTRY_INTR_INFO = 0x4016,
	VMCS_ENTRY_EXCEPTION_CODE = 0x4018,
	VMCS_ENTRY_INSN_LENGTH = 0x401a,
	VMCS_TPR_THRESHOLD = 0x401c,
	VMCS_SECONDARY_CONTROLS = 0x401e,
	VMCS_PLE_GAP = 0x4020,
	VMCS_PLE_WINDOW = 0x4022,
	VMCS_INSN_ERROR = 0x4400,
	VMCS_EXIT_REASON = 0x4402,
	VMCS_EXIT_INTR_INFO = 0x4404,
	VMCS_EXIT_INTR_CODE = 0x4406,
	VMCS_IDT_VECTORING_INFO = 0x4408,
	VMCS_IDT_VECTORING_CODE = 0x440a,
	VMCS_EXIT_INSN_LENGTH = 0x440c,
	VMCS_EXIT_INSN_INFO = 0x440e,
	VMCS_GUEST_ES_LIMIT = 0x4800,
	VMCS_GUEST_GDTR_LIMIT = 0x4810,
	VMCS_GUEST_IDTR_LIMIT = 0x4812,
	VMCS_GUEST_ES_ACCESS = 0x4814,
	VMCS_GUEST_INTERRUPTIBILITY = 0x4824,
	VMCS_GUEST_ACTIVITY = 0x4826,
	VMCS_GUEST_SYSENTER_CS = 0x482a,
	VMCS_PREEMPTION_TIMER = 0x482e,
	VMCS_HOST_SYSENTER_CS = 0x4c00,

	/* B.4 natural-width fields */
	VMCS_CR0_MASK = 0x6000,
	VMCS_CR4_MASK = 0x6002,
	VMCS_CR0_SHADOW = 0x6004,
	VMCS_CR4_SHADOW = 0x6006,
	VMCS_EXIT_QUALIFICATION = 0x6400,
	VMCS_GUEST_LINEAR = 0x640a,
	VMCS_GUEST_CR0 = 0x6800,
	VMCS_GUEST_CR3 = 0x6802,
	VMCS_GUEST_CR4 = 0x6804,
	VMCS_GUEST_ES_BASE = 0x6806,
	VMCS_GUEST_GDTR_BASE = 0x6816,
	VMCS_GUEST_IDTR_BASE = 0x6818,
	VMCS_GUEST_DR7 = 0x681a,
	VMCS_GUEST_RSP = 0x681c,
	VMCS_GUEST_RIP = 0x681e,
	VMCS_GUEST_RFLAGS = 0x6820,
	VMCS_GUEST_PENDING_DEBUG = 0x6822,
	VMCS_GUEST_SYSENTER_ESP = 0x6824,
	VMCS_GUEST_SYSENTER_EIP = 0x6826,
	VMCS_HOST_CR0 = 0x6c00,
	VMCS_HOST_CR3 = 0x6c02,
	VMCS_HOST_CR4 = 0x6c04,
	VMCS_HOST_FS_BASE = 0x6c06,
	VMCS_HOST_GS_BASE = 0x6c08,
	VMCS_HOST_TR_BASE = 0x6c0a,
	VMCS_HOST_GDTR_BASE = 0x6c0c,
	VMCS_HOST_IDTR_BASE = 0x6c0e,
	VMCS_HOST_SYSENTER_ESP = 0x6c10,
	VMCS_HOST_SYSENTER_EIP = 0x6c12,
	VMCS_HOST_RSP = 0x6c14,
	VMCS_HOST_RIP = 0x6c16,
};

/** The encoding `n` fields behind `first` in a series. */
static inline enum vmcs_field vmcs_nth(enum vmcs_field first, unsigned int n)
{
	return (enum vmcs_field)((unsigned int)first + 2u * n);
}

/* Pin-based VM-execution controls: 25.6.1, Table 25-5 */
#define PIN_EXTERNAL_INTERRUPT (1u << 0)
#define PIN_NMI		       (1u << 3)
#define PIN_VIRTUAL_NMIS       (1u << 5)
#define PIN_PREEMPTION_TIMER   (1u << 6)

/* Primary processor-based VM-execution controls: 25.6.2, Table 25-6 */
#define PRIMARY_INTR_WINDOW	 (1u << 2)
#define PRIMARY_TSC_OFFSETTING	 (1u << 3)
#define PRIMARY_HLT		 (1u << 7)
#define PRIMARY_INVLPG		 (1u << 9)
#define PRIMARY_MWAIT		 (1u << 10)
#define PRIMARY_RDPMC		 (1u << 11)
#define PRIMARY_RDTSC		 (1u << 12)
#define PRIMARY_CR3_LOAD	 (1u << 15)
#define PRIMARY_CR3_STORE	 (1u << 16)
#define PRIMARY_CR8_LOAD	 (1u << 19)
#define PRIMARY_CR8_STORE	 (1u << 20)
#define PRIMARY_TPR_SHADOW	 (1u << 21)
#define PRIMARY_NMI_WINDOW	 (1u << 22)
#define PRIMARY_MOV_DR		 (1u << 23)
#define PRIMARY_UNCONDITIONAL_IO (1u << 24)
#define PRIMARY_IO_BITMAPS	 (1u << 25)
#define PRIMARY_MONITOR_TRAP	 (1u << 27)
#define PRIMARY_MSR_BITMAPS	 (1u << 28)
#define PRIMARY_MONITOR		 (1u << 29)
#define PRIMARY_PAUSE		 (1u << 30)
#define PRIMARY_SECONDARY	 (1u << 31)

/* Secondary processor-based VM-execution controls: 25.6.2, Table 25-7 */
#define SECONDARY_APIC_ACCESSES	     (1u << 0)
#define SECONDARY_EPT		     (1u << 1)
#define SECONDARY_DESCRIPTOR_TABLE   (1u << 2)
#define SECONDARY_RDTSCP	     (1u << 3)
#define SECONDARY_X2APIC	     (1u << 4)
#define SECONDARY_VPID		     (1u << 5)
#define SECONDARY_WBINVD	     (1u << 6)
#define SECONDARY_UNRESTRICTED_GUEST (1u << 7)
#define SECONDARY_APIC_REGISTERS     (1u << 8)
#define SECONDARY_VIRTUAL_INTERRUPTS (1u << 9)
#define SECONDARY_PAUSE_LOOP	     (1u << 10)
#define SECONDARY_INVPCID	     (1u << 12)

/* VM-exit controls: 25.7.1, Table 25-13 */
#define EXIT_SAVE_DEBUG	     (1u << 2)
#define EXIT_HOST_64	     (1u << 9)
#define EXIT_ACK_INTERRUPT   (1u << 15)
#define EXIT_SAVE_PAT	     (1u << 18)
#define EXIT_LOAD_PAT	     (1u << 19)
#define EXIT_SAVE_EFER	     (1u << 20)
#define EXIT_LOAD_EFER	     (1u << 21)

/* VM-entry controls: 25.8.1, Table 25-16 */
#define ENTRY_LOAD_DEBUG (1u << 2)
#define ENTRY_IA32E	 (1u << 9)
#define ENTRY_LOAD_PAT	 (1u << 14)
#define ENTRY_LOAD_EFER	 (1u << 15)

/* Interruption information, in and out: 25.8.3, 25.9.2, 25.9.3, Tables 25-17 to 25-19 */
#define INTR_INFO_VECTOR(info)	((info) & 0xffu)
#define INTR_INFO_TYPE(info)	(((info) >> 8) & 7u)
#define INTR_INFO_TYPE_SHIFT	8
#define INTR_INFO_CODE		(1u << 11)
#define INTR_INFO_NMI_UNBLOCKED (1u << 12) /**< an IRET that faulted has unblocked NMIs */
#define INTR_INFO_VALID		(1u << 31)

/* Guest interruptibility state: 25.4.2, Table 25-3 */
#define INTERRUPTIBILITY_STI	1u
#define INTERRUPTIBILITY_MOV_SS 2u
#define INTERRUPTIBILITY_SMI	4u
#define INTERRUPTIBILITY_NMI	8u

/* Guest activity state: 25.4.2 */
#define ACTIVITY_ACTIVE 0u

/* Pending debug exceptions: 25.4.2, Table 25-4 */
#define PENDING_DEBUG_ENABLED_BP (UINT64_C(1) << 12)
#define PENDING_DEBUG_BS	 (UINT64_C(1) << 14)

/* Exit reason: 25.9.1, Table 25-17 */
#define EXIT_REASON_BASIC	 0xffffu
#define EXIT_REASON_ENTRY_FAILED (1u << 31)

/* Exit qualification for I/O instructions: 28.2.1, Table 28-5 */
#define QUAL_IO_SIZE(q)	  (((q) & 7u) + 1u)
#define QUAL_IO_IN	  (1u << 3)
#define QUAL_IO_STRING	  (1u << 4)
#define QUAL_IO_REP	  (1u << 5)
#define QUAL_IO_PORT(q)	  (((q) >> 16) & 0xffffu)
/* Instruction information for INS and OUTS: 28.2.5, Table 28-8 */
#define INFO_IO_ADDRESS(i) (((i) >> 7) & 7u) /**< 0: 16, 1: 32, 2: 64 bits */
#define INFO_IO_SEGMENT(i) (((i) >> 15) & 7u)

/* Exit qualification for control-register accesses: 28.2.1, Table 28-3 */
#define QUAL_CR_NUMBER(q)   ((q) & 0xfu)
#define QUAL_CR_TYPE(q)	    (((q) >> 4) & 3u)
#define QUAL_CR_TYPE_TO	    0u
#define QUAL_CR_TYPE_FROM   1u
#define QUAL_CR_TYPE_CLTS   2u
#define QUAL_CR_TYPE_LMSW   3u
#define QUAL_CR_GPR(q)	    (((q) >> 8) & 0xfu)
#define QUAL_CR_LMSW_SRC(q) (((q) >> 16) & 0xffffu)

/* Exit qualification for MOV DR: 28.2.1, Table 28-4 */
#define QUAL_DR_NUMBER(q) ((q) & 7u)
#define QUAL_DR_FROM	  (1u << 4)
#define QUAL_DR_GPR(q)	  (((q) >> 8) & 0xfu)

/* Exit qualification for task switches: 28.2.1, Table 28-2 */
#define QUAL_TASK_SELECTOR(q) ((q) & 0xffffu)
#define QUAL_TASK_SOURCE(q)   (((q) >> 30) & 3u)

/* Exit qualification for APIC accesses: 28.2.1, Table 28-6 */
#define QUAL_APIC_OFFSET(q)	 ((q) & 0xfffu)
#define QUAL_APIC_TYPE(q)	 (((q) >> 12) & 0xfu)
#define QUAL_APIC_TYPE_WRITE	 1u
#define QUAL_APIC_TYPE_FETCH	 2u
#define QUAL_APIC_TYPE_PHYSICAL	 15u

/* Exit qualification for EPT violations: 28.2.1, Table 28-7 */
#define QUAL_EPT_READ	       (1u << 0)
#define QUAL_EPT_WRITE	       (1u << 1)
#define QUAL_EPT_FETCH	       (1u << 2)
#define QUAL_EPT_RIGHTS	       (7u << 3) /**< what the entries allow; 0: not present */
#define QUAL_EPT_LINEAR	       (1u << 7) /**< the guest-linear address is valid */
#define QUAL_EPT_FINAL	       (1u << 8) /**< the access itself, not a walk of tables */
#define QUAL_NMI_UNBLOCKED     (1u << 12)

/* Basic exit reasons: SDM appendix C */
enum exit_reason {
	REASON_EXCEPTION_NMI = 0, REASON_EXTERNAL_INTERRUPT = 1, REASON_TRIPLE_FAULT = 2,
	REASON_INIT = 3, REASON_SIPI = 4, REASON_IO_SMI = 5, REASON_OTHER_SMI = 6,
	REASON_INTR_WINDOW = 7, REASON_NMI_WINDOW = 8, REASON_TASK_SWITCH = 9, REASON_CPUID = 10,
	REASON_GETSEC = 11, REASON_HLT = 12, REASON_INVD = 13, REASON_INVLPG = 14,
	REASON_RDPMC = 15, REASON_RDTSC = 16, REASON_RSM = 17, REASON_VMCALL = 18,
	REASON_VMCLEAR = 19, REASON_VMLAUNCH = 20, REASON_VMPTRLD = 21, REASON_VMPTRST = 22,
	REASON_VMREAD = 23, REASON_VMRESUME = 24, REASON_VMWRITE = 25, REASON_VMXOFF = 26,
	REASON_VMXON = 27, REASON_CR_ACCESS = 28, REASON_MOV_DR = 29, REASON_IO = 30,
	REASON_RDMSR = 31, REASON_WRMSR = 32, REASON_ENTRY_GUEST_STATE = 33,
	REASON_ENTRY_MSR_LOADING = 34, REASON_MWAIT = 36, REASON_MONITOR_TRAP = 37,
	REASON_MONITOR = 39, REASON_PAUSE = 40, REASON_ENTRY_MACHINE_CHECK = 41,
	REASON_TPR_BELOW = 43, REASON_APIC_ACCESS = 44, REASON_VIRTUAL_EOI = 45,
	REASON_GDTR_IDTR = 46, REASON_LDTR_TR = 47, REASON_EPT_VIOLATION = 48,
	REASON_EPT_MISCONFIG = 49, REASON_INVEPT = 50, REASON_RDTSCP = 51,
	REASON_PREEMPTION_TIMER = 52, REASON_INVVPID = 53, REASON_WBINVD = 54, REASON_XSETBV = 55,
	REASON_APIC_WRITE = 56, REASON_RDRAND = 57, REASON_INVPCID = 58, REASON_VMFUNC = 59,
	REASON_ENCLS = 60, REASON_RDSEED = 61, REASON_PML_FULL = 62, REASON_XSAVES = 63,
	REASON_XRSTORS = 64, REASON_PCONFIG = 65, REASON_SPP = 66, REASON_UMWAIT = 67,
	REASON_TPAUSE = 68, REASON_LOADIWKEY = 69, REASON_ENCLV = 70, REASON_ENQCMD = 72,
	REASON_ENQCMDS = 73, REASON_BUS_LOCK = 74, REASON_INSN_TIMEOUT = 75, REASON_SEAMCALL = 76,
	REASON_TDCALL = 77, REASON_RDMSRLIST = 78, REASON_WRMSRLIST = 79,
	REASON_COUNT = 80,
};

#ifdef PARANOID
_Noreturn void vmcs_access_failed(const char *what, unsigned int field);
#endif

/** Read a field of the current VMCS. */
static inline uint64_t vmread(enum vmcs_field field)
{
	uint64_t value;
#ifdef PARANOID
	bool failed;

	__asm__ volatile("vmread %2, %0\n\tsetna %1"
			 : "=&r"(value), "=qm"(failed)
			 : "r"((uint64_t)field)
			 : "cc");
	if (failed)
		vmcs_access_failed("VMREAD", field);
#else
	__asm__ volatile("vmread %1, %0" : "=r"(value) : "r"((uint64_t)field) : "cc");
#endif
	return value;
}

/** Read a field into memory: one instruction less than through a register. */
static inline void vmread_to(enum vmcs_field field, uint64_t *to)
{
#ifdef PARANOID
	*to = vmread(field);
#else
	__asm__ volatile("vmread %1, %0" : "=m"(*to) : "r"((uint64_t)field) : "cc");
#endif
}

/** Read a field of at most 32 bits. */
static inline uint32_t vmread32(enum vmcs_field field)
{
	return (uint32_t)vmread(field);
}

/** Write a field of the current VMCS. */
static inline void vmwrite(enum vmcs_field field, uint64_t value)
{
#ifdef PARANOID
	bool failed;

	__asm__ volatile("vmwrite %1, %2\n\tsetna %0"
			 : "=qm"(failed)
			 : "r"(value), "r"((uint64_t)field)
			 : "cc");
	if (failed)
		vmcs_access_failed("VMWRITE", field);
#else
	__asm__ volatile("vmwrite %0, %1" : : "r"(value), "r"((uint64_t)field) : "cc");
#endif
}

/* The instructions that take the physical address of a region; false: CF or ZF was set (31.2). */
static inline bool vmxon(uint64_t region)
{
	bool failed;

	__asm__ volatile("vmxon %1\n\tsetna %0" : "=qm"(failed) : "m"(region) : "cc", "memory");
	return !failed;
}

static inline void vmxoff(void)
{
	__asm__ volatile("vmxoff" : : : "cc", "memory");
}

static inline bool vmclear(uint64_t region)
{
	bool failed;

	__asm__ volatile("vmclear %1\n\tsetna %0" : "=qm"(failed) : "m"(region) : "cc", "memory");
	return !failed;
}

static inline bool vmptrld(uint64_t region)
{
	bool failed;

	__asm__ volatile("vmptrld %1\n\tsetna %0" : "=qm"(failed) : "m"(region) : "cc", "memory");
	return !failed;
}

/* Types of INVEPT and INVVPID: 31.3 */
#define INVEPT_SINGLE	1u
#define INVEPT_ALL	2u
#define INVVPID_SINGLE	1u
#define INVVPID_ALL	2u

struct inv_descriptor {
	uint64_t low, high;
};

static inline void invept(uint64_t type, uint64_t eptp)
{
	struct inv_descriptor d = {eptp, 0};

	__asm__ volatile("invept %0, %1" : : "m"(d), "r"(type) : "cc", "memory");
}

static inline void invvpid(uint64_t type, uint16_t vpid)
{
	struct inv_descriptor d = {vpid, 0};

	__asm__ volatile("invvpid %0, %1" : : "m"(d), "r"(type) : "cc", "memory");
}

#endif
