/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file svm_exits.c
 * The exit table of AMD-V (APM vol. 2, appendix C), and the adapters that decode EXITINFO1 and
 * EXITINFO2 for the handlers that both vendors share.
 */
#include "hypervisor/x86/exits.h"
#include "hypervisor/x86/svm/svm.h"
#include "lib/x86/cpuid.h"
#include "lib/x86/regs.h"

static const struct vmcb_control *control(const struct vcpu *vcpu)
{
	return &svm_of(vcpu)->vmcb.control;
}

/* ------------------------------------------------------------------ control and debug registers */

/** 15.33.1: with decode assist, bit 63 tells MOV from CLTS, LMSW and SMSW. */
static struct x86_reg_access cr_access(const struct vcpu *vcpu, uint32_t number, bool write)
{
	const uint64_t info = control(vcpu)->exitinfo1;
	const bool known = svm_has(CPUID_8000000A_EDX_DECODEASSISTS) && (info & SVM_CR_IS_MOV) != 0;

	return (struct x86_reg_access){
		.number = (uint8_t)number,
		.gpr = known ? (uint8_t)(info & SVM_CR_GPR_MASK) : 0,
		.write = write,
		.decode = !known,
	};
}

static enum verdict exit_cr(struct vcpu *vcpu)
{
	const uint32_t code = vcpu->exit.index;
	const struct x86_reg_access access =
		cr_access(vcpu, code & 0xfu, code >= SVM_EXIT_CR0_WRITE);

	return x86_exit_cr(vcpu, &access);
}

static enum verdict exit_cr0_sel_write(struct vcpu *vcpu)
{
	const struct x86_reg_access access = cr_access(vcpu, 0, true);

	return x86_exit_cr(vcpu, &access);
}

/** 15.33.2 */
static enum verdict exit_dr(struct vcpu *vcpu)
{
	const uint32_t code = vcpu->exit.index;
	const bool known = svm_has(CPUID_8000000A_EDX_DECODEASSISTS);
	const struct x86_reg_access access = {
		.number = (uint8_t)(code & 0xfu),
		.gpr = known ? (uint8_t)(control(vcpu)->exitinfo1 & SVM_CR_GPR_MASK) : 0,
		.write = code >= SVM_EXIT_DR0_WRITE,
		.decode = !known,
	};

	return x86_exit_dr(vcpu, &access);
}

/* ----------------------------------------------------------------------------------- exceptions */

/** 15.12: EXITINFO1 is the error code, EXITINFO2 a page fault's address. */
static enum verdict exit_exception(struct vcpu *vcpu)
{
	const uint32_t vector = vcpu->exit.index - SVM_EXIT_EXCP;
	const bool has_code = (X86_ERROR_CODE_VECTORS >> vector & 1u) != 0;
	const bool soft = vector == X86_BP || vector == X86_OF;
	const struct x86_event event = {
		.valid = 1,
		.type = soft ? X86_EVENT_SOFT_EXC : X86_EVENT_EXCEPTION,
		.vector = (uint8_t)vector,
		.has_code = has_code,
		.code = has_code ? (uint32_t)control(vcpu)->exitinfo1 : 0,
		.insn_length = soft ? 1 : 0,
	};
	const uint64_t address = vector == X86_PF ? control(vcpu)->exitinfo2 : 0;

	return x86_exit_exception(vcpu, &event, address, 0);
}

/** 15.12.14: an intercepted #MC has not been handled; the guest goes on if the host does. */
static enum verdict exit_machine_check(struct vcpu *vcpu)
{
	(void)vcpu;
	host_machine_check();
	return VERDICT_RESUME;
}

/**
 * 15.12: the CPU would wait for the chipset to answer FERR# (CR0.NE = 0). There is no such wire in
 * a VM; the error is reported as with CR0.NE = 1.
 */
static enum verdict exit_ferr(struct vcpu *vcpu)
{
	return x86_raise(vcpu, X86_MF, false, 0);
}

/* ------------------------------------------------------------------------------- I/O and memory */

/**
 * QEMU leaves the address size open; bits 12:10, the segment, are there with decode assist only.
 */
static __attribute__((noinline)) enum verdict exit_string_io(struct vcpu *vcpu, uint32_t info)
{
	const struct x86_io io = {
		.port = (uint16_t)(info >> SVM_IOIO_PORT_SHIFT),
		.size = info >> SVM_IOIO_SIZE_SHIFT & 7u,
		.write = (info & SVM_IOIO_IN) == 0,
		.rep = (info & SVM_IOIO_REP) != 0,
		.address_size = (uint8_t)((info >> SVM_IOIO_ADDRESS_SHIFT & 7u) << 4),
		.segment = svm_has(CPUID_8000000A_EDX_DECODEASSISTS) ? info >> SVM_IOIO_SEG_SHIFT & 7u
								      : 0xff,
	};

	return x86_exit_string_io(vcpu, &io);
}

/** 15.10.2; EXITINFO2 is the next RIP. */
static enum verdict exit_io(struct vcpu *vcpu)
{
	const struct vmcb_control *const c = control(vcpu);
	const uint32_t info = (uint32_t)c->exitinfo1;

	vcpu->exit.insn_length = (uint32_t)(c->exitinfo2 - vcpu->regs.rip) & 15u;
	if (__builtin_expect((info & SVM_IOIO_STR) != 0, 0))
		return exit_string_io(vcpu, info);
	return x86_exit_port(vcpu, (uint16_t)(info >> SVM_IOIO_PORT_SHIFT),
			     info >> SVM_IOIO_SIZE_SHIFT & 7u, (info & SVM_IOIO_IN) == 0);
}

static uint32_t npf_access(uint64_t info)
{
	if ((info & SVM_NPF_W) != 0)
		return HV_PROT_WRITE;
	return (info & SVM_NPF_I) != 0 ? HV_PROT_EXEC : HV_PROT_READ;
}

/** 15.25.6; 15.33.3: instruction bytes come for data accesses, with decode assist. */
static enum verdict exit_npf(struct vcpu *vcpu)
{
	const struct vmcb_control *const c = control(vcpu);
	const bool bytes = svm_has(CPUID_8000000A_EDX_DECODEASSISTS);
	const struct x86_memory_fault fault = {
		.address = gpa(c->exitinfo2),
		.access = npf_access(c->exitinfo1),
		.mapped = (c->exitinfo1 & SVM_NPF_P) != 0,
		.walking = (c->exitinfo1 & SVM_NPF_GUEST_WALK) != 0,
		.insn_length = bytes ? c->fetched_bytes & 0xfu : 0,
		.insn = c->guest_insn,
	};

	return x86_exit_memory(vcpu, &fault);
}

/* --------------------------------------------------------------------------------- instructions */

static enum verdict exit_msr(struct vcpu *vcpu)
{
	return (control(vcpu)->exitinfo1 & 1u) != 0 ? x86_exit_wrmsr(vcpu) : x86_exit_rdmsr(vcpu);
}

/** HV_X86_INSN_DESC, info: 0 SGDT, 1 SIDT, 2 SLDT, 3 STR, 4 LGDT, 5 LIDT, 6 LLDT, 7 LTR. */
static enum verdict exit_desc(struct vcpu *vcpu)
{
	static const uint8_t info[] = {1, 0, 2, 3, 5, 4, 6, 7};

	return x86_exit_insn(vcpu, HV_X86_INSN_DESC, info[vcpu->exit.index - SVM_EXIT_IDTR_READ]);
}

/** 15.33.2: EXITINFO1 is the linear address, with decode assist. */
static enum verdict exit_invlpg(struct vcpu *vcpu)
{
	const bool known = svm_has(CPUID_8000000A_EDX_DECODEASSISTS);

	return x86_exit_insn(vcpu, HV_X86_INSN_INVLPG, known ? control(vcpu)->exitinfo1 : 0);
}

/** Instructions that a guest doesn't have: RSM outside SMM, RDPRU, INVLPGB, TLBSYNC, MCOMMIT. */
static enum verdict exit_undefined(struct vcpu *vcpu)
{
	return x86_raise_ud(vcpu);
}

/**
 * 15.14.1: neither IRET nor JMP: through a task gate of the IDT if an event was being delivered.
 */
static uint8_t task_switch_source(const struct vmcb_control *c)
{
	if ((c->exitinfo2 & SVM_TASK_IRET) != 0)
		return 1;
	if ((c->exitinfo2 & SVM_TASK_JUMP) != 0)
		return 2;
	return (c->exitintinfo & SVM_EVENT_V) != 0 ? 3 : 0;
}

static enum verdict exit_task_switch(struct vcpu *vcpu)
{
	const struct vmcb_control *const c = control(vcpu);
	const struct hv_exit_task_switch ts = {
		.selector = (uint16_t)c->exitinfo1,
		.source = task_switch_source(c),
		.has_code = (c->exitinfo2 & SVM_TASK_HAS_CODE) != 0,
		.code = (uint32_t)c->exitinfo2,
	};

	return x86_exit_task_switch(vcpu, &ts);
}

/**
 * Entry refused. Emulators save a mixture of guest and host state then: what the driver knew of the
 * guest is put back, which includes what was stored last and so what the CPU objected to.
 */
static enum verdict exit_invalid(struct vcpu *vcpu)
{
	vcpu->cached = REGS_ALL;
	vcpu_change(vcpu, REGS_ALL);
	return x86_exit_invalid_state(vcpu);
}

/* ------------------------------------------------------------------------------------ the table */

#define GPR HV_X86_REGS_GPR
#define UNEXPECTED {x86_exit_unexpected, HV_EXIT_ERROR, 0}

const struct exit_row svm_exits[SVM_ROWS] = {
	[SVM_EXIT_CR0_READ ... SVM_EXIT_CR0_WRITE + 15] = {exit_cr, HV_EXIT_CONTROL, GPR},
	[SVM_EXIT_DR0_READ ... SVM_EXIT_DR0_WRITE + 15] = {exit_dr, HV_EXIT_CONTROL, GPR},
	[SVM_EXIT_EXCP + X86_DE] = {exit_exception, HV_EXIT_EXCEPTION, GPR},
	[SVM_EXIT_EXCP + X86_DB] = {svm_exit_debug, HV_EXIT_EXCEPTION, GPR},
	[SVM_EXIT_EXCP + 2 ... SVM_EXIT_EXCP + 17] = {exit_exception, HV_EXIT_EXCEPTION, GPR},
	[SVM_EXIT_EXCP + X86_MC] = {exit_machine_check, HV_EXIT_OTHER, 0},
	[SVM_EXIT_EXCP + 19 ... SVM_EXIT_EXCP + 31] = {exit_exception, HV_EXIT_EXCEPTION, GPR},
	[SVM_EXIT_INTR] = {x86_exit_host_interrupt, HV_EXIT_INTERRUPT, 0},
	[SVM_EXIT_NMI] = {x86_exit_host_interrupt, HV_EXIT_NMI, 0},
	[SVM_EXIT_SMI] = {x86_exit_smi, HV_EXIT_OTHER, 0},
	[SVM_EXIT_INIT] = {x86_exit_init, HV_EXIT_OTHER, 0},
	[SVM_EXIT_VINTR] = {svm_exit_intr_window, HV_EXIT_INTR_WINDOW, 0},
	[SVM_EXIT_CR0_SEL_WRITE] = {exit_cr0_sel_write, HV_EXIT_CONTROL, GPR},
	[SVM_EXIT_IDTR_READ ... SVM_EXIT_TR_WRITE] = {exit_desc, HV_EXIT_INSTRUCTION, GPR},
	[SVM_EXIT_RDTSC] = {x86_exit_rdtsc, HV_EXIT_INSTRUCTION, GPR},
	[SVM_EXIT_RDPMC] = {x86_exit_rdpmc, HV_EXIT_INSTRUCTION, GPR},
	[SVM_EXIT_PUSHF ... SVM_EXIT_POPF] = UNEXPECTED,
	[SVM_EXIT_CPUID] = {x86_exit_cpuid, HV_EXIT_ID, 0},
	[SVM_EXIT_RSM] = {exit_undefined, HV_EXIT_OTHER, 0},
	[SVM_EXIT_IRET] = {svm_exit_iret, HV_EXIT_OTHER, 0},
	[SVM_EXIT_SWINT] = {svm_exit_int_n, HV_EXIT_OTHER, 0},
	[SVM_EXIT_INVD] = {x86_exit_invd, HV_EXIT_INSTRUCTION, GPR},
	[SVM_EXIT_PAUSE] = {x86_exit_pause, HV_EXIT_INSTRUCTION, GPR},
	[SVM_EXIT_HLT] = {x86_exit_hlt, HV_EXIT_HALT, GPR},
	[SVM_EXIT_INVLPG] = {exit_invlpg, HV_EXIT_INSTRUCTION, GPR},
	[SVM_EXIT_INVLPGA] = {x86_exit_virt_insn, HV_EXIT_INSTRUCTION, GPR},
	[SVM_EXIT_IOIO] = {exit_io, HV_EXIT_PORT, 0},
	[SVM_EXIT_MSR] = {exit_msr, HV_EXIT_SYSREG, 0},
	[SVM_EXIT_TASK_SWITCH] = {exit_task_switch, HV_EXIT_TASK_SWITCH, HV_X86_REGS_ALL},
	[SVM_EXIT_FERR_FREEZE] = {exit_ferr, HV_EXIT_OTHER, 0},
	[SVM_EXIT_SHUTDOWN] = {x86_exit_triple_fault, HV_EXIT_SHUTDOWN, HV_X86_REGS_ALL},
	[SVM_EXIT_VMRUN] = {x86_exit_virt_insn, HV_EXIT_INSTRUCTION, GPR},
	[SVM_EXIT_VMMCALL] = {x86_exit_hypercall, HV_EXIT_HYPERCALL, GPR},
	[SVM_EXIT_VMLOAD ... SVM_EXIT_SKINIT] = {x86_exit_virt_insn, HV_EXIT_INSTRUCTION, GPR},
	[SVM_EXIT_RDTSCP] = {x86_exit_rdtscp, HV_EXIT_INSTRUCTION, GPR},
	[SVM_EXIT_ICEBP] = {svm_exit_icebp, HV_EXIT_EXCEPTION, GPR},
	[SVM_EXIT_WBINVD] = {x86_exit_wbinvd, HV_EXIT_INSTRUCTION, GPR},
	[SVM_EXIT_MONITOR] = {x86_exit_monitor, HV_EXIT_INSTRUCTION, GPR},
	[SVM_EXIT_MWAIT] = {x86_exit_mwait, HV_EXIT_INSTRUCTION, GPR},
	[SVM_EXIT_MWAIT_CONDITIONAL] = {x86_exit_mwait, HV_EXIT_INSTRUCTION, GPR},
	[SVM_EXIT_XSETBV] = {x86_exit_xsetbv, HV_EXIT_INSTRUCTION, GPR},
	[SVM_EXIT_RDPRU] = {exit_undefined, HV_EXIT_OTHER, 0},
	[SVM_EXIT_EFER_WRITE_TRAP ... SVM_EXIT_CR0_WRITE_TRAP + 15] = UNEXPECTED,
	[SVM_EXIT_INVLPGB ... SVM_EXIT_INVLPGB_ILLEGAL] = {exit_undefined, HV_EXIT_OTHER, 0},
	[SVM_EXIT_INVPCID] = UNEXPECTED,
	[SVM_EXIT_MCOMMIT ... SVM_EXIT_TLBSYNC] = {exit_undefined, HV_EXIT_OTHER, 0},
	[SVM_ROW_NPF] = {exit_npf, HV_EXIT_MEMORY, 0},
	[SVM_ROW_INVALID] = {exit_invalid, HV_EXIT_INVALID, HV_X86_REGS_ALL},
	[SVM_ROW_UNEXPECTED] = UNEXPECTED,
};
