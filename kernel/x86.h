/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file x86.h
 * Instructions that C has no words for, and the registers that they take. Names and bits are the
 * Intel SDM's (volume 3, 2.5 control registers, 4.5 paging, 11.4 local APIC; volume 4 for MSRs) and
 * AMD APM's.
 */
#ifndef KERNEL_X86_H
#define KERNEL_X86_H

#include <stdbool.h>
#include <stdint.h>

/* Control registers (SDM 3A 2.5). */
#define CR0_PE (1u << 0)
#define CR0_MP (1u << 1)
#define CR0_EM (1u << 2)
#define CR0_TS (1u << 3)
#define CR0_ET (1u << 4)
#define CR0_NE (1u << 5)
#define CR0_WP (1u << 16)
#define CR0_AM (1u << 18)
#define CR0_NW (1u << 29)
#define CR0_CD (1u << 30)
#define CR0_PG (1u << 31)

#define CR4_DE	       (1u << 3)
#define CR4_PSE	       (1u << 4)
#define CR4_PAE	       (1u << 5)
#define CR4_MCE	       (1u << 6)
#define CR4_PGE	       (1u << 7)
#define CR4_OSFXSR     (1u << 9)
#define CR4_OSXMMEXCPT (1u << 10)
#define CR4_UMIP       (1u << 11)
#define CR4_VMXE       (1u << 13)
#define CR4_FSGSBASE   (1u << 16)
#define CR4_OSXSAVE    (1u << 18)
#define CR4_SMEP       (1u << 20)
#define CR4_SMAP       (1u << 21)

/* RFLAGS (SDM 1 3.4.3). */
#define RFLAGS_FIXED (1u << 1)
#define RFLAGS_TF    (1u << 8)
#define RFLAGS_IF    (1u << 9)
#define RFLAGS_DF    (1u << 10)
#define RFLAGS_IOPL  (3u << 12)
#define RFLAGS_NT    (1u << 14)
#define RFLAGS_RF    (1u << 16)
#define RFLAGS_AC    (1u << 18)

/* MSRs (SDM volume 4). */
#define MSR_APIC_BASE	   0x1bu
#define MSR_PRED_CMD	   0x49u
#define MSR_PAT		   0x277u
#define MSR_TSC_DEADLINE   0x6e0u
#define MSR_X2APIC_FIRST   0x800u
#define MSR_EFER	   0xc0000080u
#define MSR_STAR	   0xc0000081u
#define MSR_LSTAR	   0xc0000082u
#define MSR_CSTAR	   0xc0000083u
#define MSR_FMASK	   0xc0000084u
#define MSR_FS_BASE	   0xc0000100u
#define MSR_GS_BASE	   0xc0000101u
#define MSR_KERNEL_GS_BASE 0xc0000102u

#define EFER_SCE (1u << 0)
#define EFER_LME (1u << 8)
#define EFER_LMA (1u << 10)
#define EFER_NXE (1u << 11)

/* Page table entries (SDM 3A 4.5, tables 4-15 to 4-20). */
#define PTE_P	 (UINT64_C(1) << 0)
#define PTE_W	 (UINT64_C(1) << 1)
#define PTE_U	 (UINT64_C(1) << 2)
#define PTE_PWT	 (UINT64_C(1) << 3)
#define PTE_PCD	 (UINT64_C(1) << 4)
#define PTE_A	 (UINT64_C(1) << 5)
#define PTE_D	 (UINT64_C(1) << 6)
#define PTE_PS	 (UINT64_C(1) << 7)
#define PTE_G	 (UINT64_C(1) << 8)
#define PTE_NX	 (UINT64_C(1) << 63)
#define PTE_ADDR UINT64_C(0x000ffffffffff000)

/* Page fault error code (SDM 3A 4.7). */
#define PF_P (1u << 0)
#define PF_W (1u << 1)
#define PF_U (1u << 2)
#define PF_I (1u << 4)

/* Exception vectors (SDM 3A table 6-1). */
enum x86_vector {
	VECTOR_DE = 0,
	VECTOR_DB = 1,
	VECTOR_NMI = 2,
	VECTOR_BP = 3,
	VECTOR_OF = 4,
	VECTOR_BR = 5,
	VECTOR_UD = 6,
	VECTOR_NM = 7,
	VECTOR_DF = 8,
	VECTOR_TS = 10,
	VECTOR_NP = 11,
	VECTOR_SS = 12,
	VECTOR_GP = 13,
	VECTOR_PF = 14,
	VECTOR_MF = 16,
	VECTOR_AC = 17,
	VECTOR_MC = 18,
	VECTOR_XM = 19,
	VECTOR_EXCEPTIONS = 32,
};

static inline void x86_outb(uint16_t port, uint8_t value)
{
	__asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static inline uint8_t x86_inb(uint16_t port)
{
	uint8_t value;

	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static inline void x86_outw(uint16_t port, uint16_t value)
{
	__asm__ volatile("outw %0, %1" : : "a"(value), "Nd"(port));
}

static inline uint64_t x86_rdmsr(uint32_t msr)
{
	uint32_t low, high;

	__asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr) : "memory");
	return (uint64_t)high << 32 | low;
}

static inline void x86_wrmsr(uint32_t msr, uint64_t value)
{
	__asm__ volatile("wrmsr" : : "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32))
			 : "memory");
}

static inline uint64_t x86_rdtsc(void)
{
	uint32_t low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	return (uint64_t)high << 32 | low;
}

/** CPUID's four results. */
struct x86_cpuid {
	uint32_t eax, ebx, ecx, edx;
};

static inline struct x86_cpuid x86_cpuid(uint32_t leaf, uint32_t subleaf)
{
	struct x86_cpuid r;

	__asm__ volatile("cpuid"
			 : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
			 : "a"(leaf), "c"(subleaf));
	return r;
}

#define X86_CONTROL_REGISTER(n)                                                                    \
	static inline uint64_t x86_read_cr##n(void)                                                \
	{                                                                                          \
		uint64_t value;                                                                    \
                                                                                                   \
		__asm__ volatile("mov %%cr" #n ", %0" : "=r"(value) : : "memory");                 \
		return value;                                                                      \
	}                                                                                          \
	static inline void x86_write_cr##n(uint64_t value)                                         \
	{                                                                                          \
		__asm__ volatile("mov %0, %%cr" #n : : "r"(value) : "memory");                     \
	}
X86_CONTROL_REGISTER(0)
X86_CONTROL_REGISTER(2)
X86_CONTROL_REGISTER(3)
X86_CONTROL_REGISTER(4)

static inline void x86_clts(void)
{
	__asm__ volatile("clts" : : : "memory");
}

static inline uint64_t x86_rflags(void)
{
	uint64_t flags;

	__asm__ volatile("pushfq; popq %0" : "=r"(flags));
	return flags;
}

static inline void x86_invlpg(uint64_t address)
{
	__asm__ volatile("invlpg (%0)" : : "r"(address) : "memory");
}

static inline void x86_pause(void)
{
	__asm__ volatile("pause" : : : "memory");
}

/** Write back and invalidate the caches. */
static inline void x86_wbinvd(void)
{
	__asm__ volatile("wbinvd" : : : "memory");
}

/** Let in what waits, and nothing more: the window is one instruction wide. */
static inline void x86_interrupt_window(void)
{
	__asm__ volatile("sti; nop; cli" : : : "memory");
}

/** Sleep until an interrupt has been served. */
static inline void x86_wait_for_interrupt(void)
{
	__asm__ volatile("sti; hlt; cli" : : : "memory");
}

_Noreturn static inline void x86_stop(void)
{
	for (;;)
		__asm__ volatile("cli; hlt" : : : "memory");
}

#endif
