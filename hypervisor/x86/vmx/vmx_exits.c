/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file vmx_exits.c The exit table (SDM vol. 3, appendix C), and adapters that decode
 * qualifications (28.2.1) for the handlers that both vendors share.
 */
#include "hypervisor/x86/exits.h"
#include "hypervisor/x86/vmx/vmx.h"

static uint32_t qualification(void)
{
	return (uint32_t)vmread(VMCS_EXIT_QUALIFICATION);
}

/* ----------------------------------------------------------------------------------- exceptions */

/**
 * INT1, INT3 and INTO that nobody waits for are delivered as what they are: the address behind
 * them is pushed. (#DB always exits, so INT1 does.)
 */
static bool is_plain_software(const struct vcpu *vcpu, const struct x86_event *event)
{
	return event->type >= X86_EVENT_PRIV_SOFT &&
	       !(vcpu->vm->exceptions >> (event->vector & 31u) & 1u);
}

static enum verdict exit_exception(struct vcpu *vcpu)
{
	uint32_t info = vmread32(VMCS_EXIT_INTR_INFO);
	uint64_t detail = vmread(VMCS_EXIT_QUALIFICATION);
	struct x86_event event = {
		.valid = 1,
		.type = (uint8_t)INTR_INFO_TYPE(info),
		.vector = (uint8_t)INTR_INFO_VECTOR(info),
		.has_code = (info & INTR_INFO_CODE) != 0,
		.insn_length = vcpu->exit.insn_length,
	};

	if (event.has_code)
		event.code = vmread32(VMCS_EXIT_INTR_CODE);
	if (is_plain_software(vcpu, &event)) {
		vcpu->delivering = event;
		return VERDICT_RESUME;
	}
	return x86_exit_exception(vcpu, &event, event.vector == X86_PF ? detail : 0,
				  event.vector == X86_DB ? detail : 0);
}

/** The host's handler ran right after the exit. */
static enum verdict exit_nmi(struct vcpu *vcpu)
{
	(void)vcpu;
	return VERDICT_RESUME;
}

static enum verdict exit_machine_check(struct vcpu *vcpu)
{
	(void)vcpu;
	host_machine_check();
	return VERDICT_RESUME;
}

/** Monitor trap flag (26.5.2): one instruction, or the delivery of one event, is done. */
static enum verdict exit_monitor_trap(struct vcpu *vcpu)
{
	struct x86_event event = {.valid = 1, .type = X86_EVENT_EXCEPTION, .vector = X86_DB};

	vcpu->exit.flags |= EXIT_STEP;
	return x86_exit_exception(vcpu, &event, 0, DR6_BS);
}

static enum verdict exit_task_switch(struct vcpu *vcpu)
{
	uint32_t q = qualification();
	struct hv_exit_task_switch ts = {
		.selector = (uint16_t)QUAL_TASK_SELECTOR(q),
		.source = (uint8_t)QUAL_TASK_SOURCE(q),
	};

	if (vcpu->delivering.valid && vcpu->delivering.has_code) {
		ts.has_code = 1;
		ts.code = vcpu->delivering.code;
	}
	return x86_exit_task_switch(vcpu, &ts);
}

/* ------------------------------------------------------------------- instructions with operands */

/** INS and OUTS: 28.2.5, Table 28-8. */
static __attribute__((noinline)) enum verdict exit_string_io(struct vcpu *vcpu, uint32_t q)
{
	struct x86_io io = {
		.port = (uint16_t)QUAL_IO_PORT(q),
		.size = (uint8_t)QUAL_IO_SIZE(q),
		.write = !(q & QUAL_IO_IN),
		.rep = q & QUAL_IO_REP,
		.segment = 0xff,
	};

	if (vmx_caps.io_info) {
		const uint32_t info = vmread32(VMCS_EXIT_INSN_INFO);

		io.address_size = (uint8_t)(16u << INFO_IO_ADDRESS(info));
		io.segment = io.write ? (uint8_t)INFO_IO_SEGMENT(info) : (uint8_t)HV_ES;
	}
	return x86_exit_string_io(vcpu, &io);
}

static enum verdict exit_io(struct vcpu *vcpu)
{
	uint32_t q = qualification();

	if (vmx_unlikely(q & QUAL_IO_STRING))
		return exit_string_io(vcpu, q);
	return x86_exit_port(vcpu, (uint16_t)QUAL_IO_PORT(q), QUAL_IO_SIZE(q), !(q & QUAL_IO_IN));
}

static enum verdict exit_cr(struct vcpu *vcpu)
{
	uint32_t q = qualification();
	struct x86_reg_access access = {
		.number = (uint8_t)QUAL_CR_NUMBER(q),
		.gpr = (uint8_t)QUAL_CR_GPR(q),
		.write = QUAL_CR_TYPE(q) == QUAL_CR_TYPE_TO,
	};

	if (QUAL_CR_TYPE(q) == QUAL_CR_TYPE_CLTS)
		return x86_exit_clts(vcpu);
	if (QUAL_CR_TYPE(q) == QUAL_CR_TYPE_LMSW)
		return x86_exit_lmsw(vcpu, (uint16_t)QUAL_CR_LMSW_SRC(q));
	return x86_exit_cr(vcpu, &access);
}

static enum verdict exit_dr(struct vcpu *vcpu)
{
	uint32_t q = qualification();
	struct x86_reg_access access = {
		.number = (uint8_t)QUAL_DR_NUMBER(q),
		.gpr = (uint8_t)QUAL_DR_GPR(q),
		.write = !(q & QUAL_DR_FROM),
	};

	return x86_exit_dr(vcpu, &access);
}

/**
 * The linear address, as the qualification has it. INVPCID exits with the same control (26.1.3).
 */
static enum verdict exit_invlpg(struct vcpu *vcpu)
{
	return x86_exit_insn(vcpu, HV_X86_INSN_INVLPG, vmread(VMCS_EXIT_QUALIFICATION));
}

static enum verdict exit_invpcid(struct vcpu *vcpu)
{
	vmx_of(vcpu)->work |= VMX_WORK_FLUSH_VPID;
	return exit_invlpg(vcpu);
}

/** Instruction information as in 28.2.5, Tables 28-10 and 28-11. */
static enum verdict exit_descriptor_table(struct vcpu *vcpu)
{
	return x86_exit_insn(vcpu, HV_X86_INSN_DESC, vmread(VMCS_EXIT_INSN_INFO));
}

/**
 * The system-call MSRs are read by the guest itself, but written here, so that they needn't be read
 * back whenever the host needs its own. Kernels write them once.
 */
static enum verdict exit_rdmsr(struct vcpu *vcpu)
{
	const uint32_t msr = (uint32_t)vcpu->regs.gpr[HV_RCX], i = msr - IA32_STAR;

	if (i > IA32_FMASK - IA32_STAR || !vmx_lazy_passes(vcpu->vm, msr))
		return x86_exit_rdmsr(vcpu);
	vcpu->regs.gpr[HV_RAX] = (uint32_t)vmx_of(vcpu)->msr[i];
	vcpu->regs.gpr[HV_RDX] = vmx_of(vcpu)->msr[i] >> 32;
	return vcpu_skip(vcpu, 0);
}

static enum verdict exit_wrmsr(struct vcpu *vcpu)
{
	uint32_t msr = (uint32_t)vcpu->regs.gpr[HV_RCX];
	uint64_t value = (uint64_t)(uint32_t)vcpu->regs.gpr[HV_RDX] << 32 |
			 (uint32_t)vcpu->regs.gpr[HV_RAX];

	if (msr - IA32_STAR > IA32_FMASK - IA32_STAR || !vmx_lazy_passes(vcpu->vm, msr))
		return x86_exit_wrmsr(vcpu);
	if (!vmx_lazy_write(vcpu, msr, value))
		return x86_raise_gp(vcpu);
	return vcpu_skip(vcpu, 0);
}

/** Instructions that no guest has: their CPUID bits are off, or (GETSEC) CR4.SMXE is. */
static enum verdict exit_undefined(struct vcpu *vcpu)
{
	return x86_raise_ud(vcpu);
}

/* --------------------------------------------------------------------------------------- memory */

_Static_assert(HV_PROT_READ == QUAL_EPT_READ && HV_PROT_WRITE == QUAL_EPT_WRITE &&
		       HV_PROT_EXEC == QUAL_EPT_FETCH,
	       "the three low bits are the same");

static enum verdict exit_ept_violation(struct vcpu *vcpu)
{
	uint32_t q = qualification();
	struct x86_memory_fault fault = {
		.address = gpa(vmread(VMCS_GUEST_PHYSICAL)),
		.access = q & HV_PROT_ALL,
		.mapped = q & QUAL_EPT_RIGHTS,
		.walking = (q & QUAL_EPT_LINEAR) && !(q & QUAL_EPT_FINAL),
	};

	if (q & QUAL_NMI_UNBLOCKED)
		vmx_reblock_nmi(vcpu);
	/* The VMM has unmapped the APIC-access page: as in exit_apic_access(). */
	if ((fault.address.raw ^ vcpu->lapic.base) >> HV_PAGE_SHIFT == 0)
		vcpu_work(vcpu, VCPU_WORK_EVENT);
	return x86_exit_memory(vcpu, &fault);
}

/* ----------------------------------------------------------------------------------- local APIC */

static uint32_t apic_access_kind(uint32_t q)
{
	if (QUAL_APIC_TYPE(q) == QUAL_APIC_TYPE_WRITE)
		return HV_PROT_WRITE;
	if (QUAL_APIC_TYPE(q) == QUAL_APIC_TYPE_FETCH)
		return HV_PROT_EXEC;
	return HV_PROT_READ;
}

/** The driver may change ISR and IRR meanwhile, which the CPU knows by vmx_apic_deliver() only. */
static enum verdict exit_apic_access(struct vcpu *vcpu)
{
	uint32_t q = qualification();
	uint64_t page = vcpu->lapic.base & APIC_BASE_ADDR_MASK;

	vcpu->exit.insn_length = 0; /* like an EPT violation's: undefined */
	vcpu_work(vcpu, VCPU_WORK_EVENT);
	return x86_exit_apic_access(vcpu, gpa(page + QUAL_APIC_OFFSET(q)), apic_access_kind(q));
}

static enum verdict exit_apic_write(struct vcpu *vcpu)
{
	return x86_exit_apic_write(vcpu, qualification() & 0xfffu);
}

static enum verdict exit_virtual_eoi(struct vcpu *vcpu)
{
	return x86_exit_virtual_eoi(vcpu, qualification() & 0xffu);
}

/* ------------------------------------------------------------------------------------ the table */

#define GPR  HV_X86_REGS_GPR
#define ALL  HV_X86_REGS_ALL
#define UNEXPECTED {x86_exit_unexpected, HV_EXIT_ERROR, ALL}
#define UNDEFINED  {exit_undefined, HV_EXIT_OTHER, 0}
#define VIRT	   {x86_exit_virt_insn, HV_EXIT_INSTRUCTION, GPR}

/** @req HV-103 every exit reason of the SDM has a row; an unknown one is an error of its VM only */
const struct exit_row vmx_exits[ROW_COUNT] = {
	[REASON_EXCEPTION_NMI] = {exit_exception, HV_EXIT_EXCEPTION, GPR},
	[REASON_EXTERNAL_INTERRUPT] = {x86_exit_host_interrupt, HV_EXIT_INTERRUPT, 0},
	[REASON_TRIPLE_FAULT] = {x86_exit_triple_fault, HV_EXIT_SHUTDOWN, ALL},
	[REASON_INIT] = {x86_exit_init, HV_EXIT_INSTRUCTION, 0},
	[REASON_IO_SMI] = {x86_exit_smi, HV_EXIT_INSTRUCTION, 0},
	[REASON_OTHER_SMI] = {x86_exit_smi, HV_EXIT_INSTRUCTION, 0},
	[REASON_INTR_WINDOW] = {x86_exit_intr_window, HV_EXIT_INTR_WINDOW, 0},
	[REASON_NMI_WINDOW] = {x86_exit_nmi_window, HV_EXIT_NMI_WINDOW, 0},
	[REASON_TASK_SWITCH] = {exit_task_switch, HV_EXIT_TASK_SWITCH, ALL},
	[REASON_CPUID] = {x86_exit_cpuid, HV_EXIT_ID, 0},
	[REASON_GETSEC] = UNDEFINED,
	[REASON_HLT] = {x86_exit_hlt, HV_EXIT_HALT, 0},
	[REASON_INVD] = {x86_exit_invd, HV_EXIT_INSTRUCTION, 0},
	[REASON_INVLPG] = {exit_invlpg, HV_EXIT_INSTRUCTION, GPR},
	[REASON_RDPMC] = {x86_exit_rdpmc, HV_EXIT_INSTRUCTION, GPR},
	[REASON_RDTSC] = {x86_exit_rdtsc, HV_EXIT_INSTRUCTION, GPR},
	[REASON_VMCALL] = {x86_exit_hypercall, HV_EXIT_HYPERCALL, GPR},
	[REASON_VMCLEAR] = VIRT,
	[REASON_VMLAUNCH] = VIRT,
	[REASON_VMPTRLD] = VIRT,
	[REASON_VMPTRST] = VIRT,
	[REASON_VMREAD] = VIRT,
	[REASON_VMRESUME] = VIRT,
	[REASON_VMWRITE] = VIRT,
	[REASON_VMXOFF] = VIRT,
	[REASON_VMXON] = VIRT,
	[REASON_CR_ACCESS] = {exit_cr, HV_EXIT_CONTROL, GPR},
	[REASON_MOV_DR] = {exit_dr, HV_EXIT_CONTROL, GPR},
	[REASON_IO] = {exit_io, HV_EXIT_PORT, 0},
	[REASON_RDMSR] = {exit_rdmsr, HV_EXIT_SYSREG, 0},
	[REASON_WRMSR] = {exit_wrmsr, HV_EXIT_SYSREG, 0},
	[REASON_MWAIT] = {x86_exit_mwait, HV_EXIT_INSTRUCTION, GPR},
	[REASON_MONITOR_TRAP] = {exit_monitor_trap, HV_EXIT_EXCEPTION, GPR},
	[REASON_MONITOR] = {x86_exit_monitor, HV_EXIT_INSTRUCTION, GPR},
	[REASON_PAUSE] = {x86_exit_pause, HV_EXIT_INSTRUCTION, 0},
	[REASON_TPR_BELOW] = {x86_exit_tpr_below, HV_EXIT_APIC, 0},
	[REASON_APIC_ACCESS] = {exit_apic_access, HV_EXIT_APIC, GPR},
	[REASON_VIRTUAL_EOI] = {exit_virtual_eoi, HV_EXIT_EOI, 0},
	[REASON_GDTR_IDTR] = {exit_descriptor_table, HV_EXIT_INSTRUCTION, ALL},
	[REASON_LDTR_TR] = {exit_descriptor_table, HV_EXIT_INSTRUCTION, ALL},
	[REASON_EPT_VIOLATION] = {exit_ept_violation, HV_EXIT_MEMORY, GPR},
	[REASON_INVEPT] = VIRT,
	[REASON_RDTSCP] = {x86_exit_rdtscp, HV_EXIT_INSTRUCTION, GPR},
	[REASON_PREEMPTION_TIMER] = {x86_exit_host_interrupt, HV_EXIT_INTERRUPT, 0},
	[REASON_INVVPID] = VIRT,
	[REASON_WBINVD] = {x86_exit_wbinvd, HV_EXIT_INSTRUCTION, 0},
	[REASON_XSETBV] = {x86_exit_xsetbv, HV_EXIT_INSTRUCTION, GPR},
	[REASON_APIC_WRITE] = {exit_apic_write, HV_EXIT_APIC, 0},
	[REASON_INVPCID] = {exit_invpcid, HV_EXIT_INSTRUCTION, GPR},
	[REASON_VMFUNC] = VIRT,
	[REASON_RDRAND] = UNDEFINED,
	[REASON_RDSEED] = UNDEFINED,
	[REASON_ENCLS] = UNDEFINED,
	[REASON_ENCLV] = UNDEFINED,
	[REASON_XSAVES] = UNDEFINED,
	[REASON_XRSTORS] = UNDEFINED,
	[REASON_PCONFIG] = UNDEFINED,
	[REASON_UMWAIT] = UNDEFINED,
	[REASON_TPAUSE] = UNDEFINED,
	[REASON_LOADIWKEY] = UNDEFINED,
	[REASON_ENQCMD] = UNDEFINED,
	[REASON_ENQCMDS] = UNDEFINED,
	[REASON_SEAMCALL] = VIRT,
	[REASON_TDCALL] = VIRT,
	[REASON_RDMSRLIST] = UNDEFINED,
	[REASON_WRMSRLIST] = UNDEFINED,
	/* What can't happen: controls that we never set, numbers that the SDM doesn't assign. */
	[REASON_SIPI] = UNEXPECTED,
	[REASON_RSM] = UNEXPECTED,
	[REASON_ENTRY_GUEST_STATE] = UNEXPECTED,
	[REASON_ENTRY_MSR_LOADING] = UNEXPECTED,
	[35] = UNEXPECTED,
	[38] = UNEXPECTED,
	[REASON_ENTRY_MACHINE_CHECK] = UNEXPECTED,
	[42] = UNEXPECTED,
	[REASON_EPT_MISCONFIG] = UNEXPECTED,
	[REASON_PML_FULL] = UNEXPECTED,
	[REASON_SPP] = UNEXPECTED,
	[71] = UNEXPECTED,
	[REASON_BUS_LOCK] = UNEXPECTED,
	[REASON_INSN_TIMEOUT] = UNEXPECTED,
	[ROW_UNKNOWN] = UNEXPECTED,
	/* Rows of our own */
	[ROW_NMI] = {exit_nmi, HV_EXIT_NMI, 0},
	[ROW_MACHINE_CHECK] = {exit_machine_check, HV_EXIT_OTHER, 0},
	[ROW_ENTRY_FAILED] = {x86_exit_invalid_state, HV_EXIT_INVALID, ALL},
};
