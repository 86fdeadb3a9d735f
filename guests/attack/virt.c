/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Instructions and registers of the virtualization extensions, which a virtual machine doesn't have.
 *
 * VMX instructions outside VMX operation are #UD (SDM vol. 3, 30.3), SVM ones without EFER.SVME too
 * (APM vol. 2, 15.4); some CPUs look at the privilege level first. Bytes instead of mnemonics where
 * assemblers differ.
 */
#include "guests/attack/act.h"
#include "guests/attack/machine.h"

#include <hypike/pv_x86.h>

#define ROUNDS 200u

/** Operand of the VMX instructions that take a pointer to physical memory. */
static uint64_t vmx_region[512] __attribute__((aligned(4096)));

static void region_pointer(uint64_t insn)
{
	uint64_t pointer = (uintptr_t)vmx_region;

	switch (insn) {
	case 0:
		__asm__ volatile("vmxon %0" : : "m"(pointer) : "cc", "memory");
		break;
	case 1:
		__asm__ volatile("vmclear %0" : : "m"(pointer) : "cc", "memory");
		break;
	case 2:
		__asm__ volatile("vmptrld %0" : : "m"(pointer) : "cc", "memory");
		break;
	default:
		__asm__ volatile("vmptrst %0" : "=m"(pointer) : : "cc", "memory");
		break;
	}
}

ACT_ASM(vmread, "xor %%eax, %%eax; vmread %%rax, %%rcx")
ACT_ASM(vmwrite, "xor %%eax, %%eax; vmwrite %%rcx, %%rax")
ACT_ASM(vmlaunch, "vmlaunch")
ACT_ASM(vmresume, "vmresume")
ACT_ASM(vmxoff, "vmxoff")
ACT_ASM(vmfunc, "xor %%eax, %%eax; xor %%ecx, %%ecx; vmfunc")
ACT_ASM(getsec, "xor %%eax, %%eax; .byte 0x0f, 0x37")
ACT_ASM(vmrun, "mov %%rdi, %%rax; .byte 0x0f, 0x01, 0xd8")
ACT_ASM(vmload, "mov %%rdi, %%rax; .byte 0x0f, 0x01, 0xda")
ACT_ASM(vmsave, "mov %%rdi, %%rax; .byte 0x0f, 0x01, 0xdb")
ACT_ASM(stgi, ".byte 0x0f, 0x01, 0xdc")
ACT_ASM(clgi, ".byte 0x0f, 0x01, 0xdd")
ACT_ASM(skinit, "xor %%eax, %%eax; .byte 0x0f, 0x01, 0xde")
ACT_ASM(invlpga, "xor %%eax, %%eax; xor %%ecx, %%ecx; .byte 0x0f, 0x01, 0xdf")
ACT_ASM(vmcall, "mov %%rdi, %%rax; vmcall")
ACT_ASM(vmmcall, "mov %%rdi, %%rax; .byte 0x0f, 0x01, 0xd9")

static void invept(uint64_t type)
{
	const uint64_t descriptor[2] = {0, 0};

	__asm__ volatile("invept %1, %0" : : "r"(type), "m"(descriptor) : "cc", "memory");
}

static void invvpid(uint64_t type)
{
	const uint64_t descriptor[2] = {1, 0};

	__asm__ volatile("invvpid %1, %0" : : "r"(type), "m"(descriptor) : "cc", "memory");
}

static uint64_t user_vmlaunch(uint64_t arg)
{
	__asm__ volatile("vmlaunch" : : : "cc", "memory");
	return arg;
}

static uint64_t user_vmrun(uint64_t arg)
{
	__asm__ volatile(".byte 0x0f, 0x01, 0xd8" : : "a"(arg) : "memory");
	return arg;
}

static uint64_t user_vmcall(uint64_t arg)
{
	__asm__ volatile("vmcall" : "+a"(arg) : : "memory");
	return arg;
}

static uint64_t user_vmmcall(uint64_t arg)
{
	__asm__ volatile(".byte 0x0f, 0x01, 0xd9" : "+a"(arg) : : "memory");
	return arg;
}

/** Numbers that no contract knows give an error, and change nothing but the result. */
static void hypercall_garbage(uint64_t seed)
{
	ACT_CHECK(pv_x86_call(machine.vmmcall, PV_CALL_VERSION, 0, 0, 0, 0) == PV_VERSION);
	for (unsigned i = 0; i < ROUNDS; i++) {
		seed = seed * X86_U64(6364136223846793005) + X86_U64(1442695040888963407);
		const uint64_t number = (i & 1) != 0 ? seed : seed >> 52 | 0x1000;

		ACT_CHECK(pv_x86_call(machine.vmmcall, number, seed, ~seed, seed << 7, 0) ==
			  HV_E_UNSUPPORTED);
	}
}

static void set_svme(uint64_t arg)
{
	(void)arg;
	wrmsr(IA32_EFER, rdmsr(IA32_EFER) | EFER_SVME);
}

static void set_cr4(uint64_t bits)
{
	write_cr4(read_cr4() | bits);
}

static void read_msr(uint64_t msr)
{
	rdmsr((uint32_t)msr);
}

static void clear_msr(uint64_t msr)
{
	wrmsr((uint32_t)msr, 0);
}

/** All of them, from IA32_VMX_BASIC to IA32_VMX_VMFUNC: no CPUID bit, so no such MSR. */
static void vmx_capabilities(uint64_t arg)
{
	(void)arg;
	for (uint32_t msr = IA32_VMX_BASIC; msr <= IA32_VMX_VMFUNC; msr++) {
		ACT_CHECK(act_try(read_msr, msr) == OUT_GP);
		ACT_CHECK(act_try(clear_msr, msr) == OUT_GP);
	}
}

/** Locked with VMX off, as firmware would. */
static void feature_control(uint64_t arg)
{
	(void)arg;
	ACT_CHECK(rdmsr(IA32_FEATURE_CONTROL) == FEATURE_CONTROL_LOCK);
	ACT_CHECK(act_try(clear_msr, IA32_FEATURE_CONTROL) == OUT_GP);
}

static void enable_svm(uint64_t arg)
{
	(void)arg;
	wrmsr(AMD_VM_CR, rdmsr(AMD_VM_CR) & ~VM_CR_SVMDIS);
}

static void vm_cr(uint64_t arg)
{
	(void)arg;
	ACT_CHECK((rdmsr(AMD_VM_CR) & VM_CR_SVMDIS) != 0);
	act_try(enable_svm, 0); /* #GP, or ignored because of the lock */
	ACT_CHECK((rdmsr(AMD_VM_CR) & VM_CR_SVMDIS) != 0);
}

static void hsave(uint64_t arg)
{
	(void)arg;
	ACT_CHECK(act_try(read_msr, AMD_VM_HSAVE_PA) == OUT_GP);
	ACT_CHECK(act_try(clear_msr, AMD_VM_HSAVE_PA) == OUT_GP);
}

static const char *unless_hypike_on_amd(void)
{
	return machine.hypike ? unless_amd() : unless_hypike();
}

static const char *unless_hypike_on_intel(void)
{
	return machine.hypike ? unless_intel() : unless_hypike();
}

#define RING0 OUT_UD
#define RING3 (OUT_UD | OUT_GP) /* also where the operand may be looked at first */

const struct act acts_virt[] = {
	{"vmxon", "VMXON", region_pointer, 0, RING0, unless_hypike, NULL},
	{"vmclear", "VMCLEAR", region_pointer, 1, RING0, unless_hypike, NULL},
	{"vmptrld", "VMPTRLD", region_pointer, 2, RING0, unless_hypike, NULL},
	{"vmptrst", "VMPTRST", region_pointer, 3, RING0, unless_hypike, NULL},
	{"vmread", "VMREAD", vmread, 0, RING0, unless_hypike, NULL},
	{"vmwrite", "VMWRITE", vmwrite, 0, RING0, unless_hypike, NULL},
	{"vmlaunch", "VMLAUNCH", vmlaunch, 0, RING0, unless_hypike, NULL},
	{"vmresume", "VMRESUME", vmresume, 0, RING0, unless_hypike, NULL},
	{"vmxoff", "VMXOFF", vmxoff, 0, RING0, unless_hypike, NULL},
	{"invept", "INVEPT, all contexts", invept, 2, RING0, unless_hypike, NULL},
	{"invvpid", "INVVPID, all contexts", invvpid, 2, RING0, unless_hypike, NULL},
	{"vmfunc", "VMFUNC 0", vmfunc, 0, RING0, unless_hypike, NULL},
	{"getsec", "GETSEC", getsec, 0, RING0, unless_hypike, NULL},
	{"vmrun", "VMRUN with a page", vmrun, 0x200000, RING0, unless_hypike, NULL},
	{"vmrun-odd", "VMRUN, not aligned", vmrun, 0x200001, RING3, unless_hypike, NULL},
	{"vmrun-huge", "VMRUN beyond memory", vmrun, X86_U64(0xfffffffffffff000), RING3,
	 unless_hypike, NULL},
	{"vmload", "VMLOAD", vmload, 0x200000, RING0, unless_hypike, NULL},
	{"vmsave", "VMSAVE over the image", vmsave, 0x100000, RING0, unless_hypike, NULL},
	{"stgi", "STGI", stgi, 0, RING0, unless_hypike, NULL},
	{"clgi", "CLGI", clgi, 0, RING0, unless_hypike, NULL},
	{"skinit", "SKINIT", skinit, 0, RING0, unless_hypike, NULL},
	{"invlpga", "INVLPGA", invlpga, 0, RING0, unless_hypike, NULL},
	{"vmlaunch-ring3", "VMLAUNCH in ring 3", NULL, 0, RING3, unless_hypike, user_vmlaunch},
	{"vmrun-ring3", "VMRUN in ring 3", NULL, 0x200000, RING3, unless_hypike, user_vmrun},
	{"vmcall-ring3", "VMCALL in ring 3", NULL, 0, OUT_UD, unless_hypike, user_vmcall},
	{"vmmcall-ring3", "VMMCALL in ring 3", NULL, 0, OUT_UD, unless_hypike, user_vmmcall},
	{"vmcall-amd", "VMCALL on AMD", vmcall, 0, OUT_UD, unless_hypike_on_amd, NULL},
	{"vmmcall-intel", "VMMCALL on Intel", vmmcall, 0, OUT_UD, unless_hypike_on_intel, NULL},
	{"hypercall-garbage", "hypercalls that don't exist", hypercall_garbage, 7, OUT_DONE,
	 unless_hypike, NULL},
	{"efer-svme", "EFER.SVME set", set_svme, 0, OUT_GP, unless_hypike, NULL},
	{"cr4-vmxe", "CR4.VMXE set", set_cr4, CR4_VMXE, OUT_GP, unless_hypike, NULL},
	{"cr4-smxe", "CR4.SMXE set", set_cr4, CR4_SMXE, OUT_GP, unless_hypike, NULL},
	{"vmx-capabilities", "VMX capability MSRs", vmx_capabilities, 0, OUT_DONE, unless_hypike,
	 NULL},
	{"feature-control", "IA32_FEATURE_CONTROL unlocked", feature_control, 0, OUT_DONE, unless_hypike_on_intel,
	 NULL},
	{"vm-cr", "VM_CR.SVMDIS cleared", vm_cr, 0, OUT_DONE, unless_hypike_on_amd, NULL},
	{"hsave", "VM_HSAVE_PA", hsave, 0, OUT_DONE, unless_hypike_on_amd, NULL},
	{NULL, NULL, NULL, 0, 0, NULL, NULL},
};
