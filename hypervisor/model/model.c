/* SPDX-License-Identifier: BSD-2-Clause */
/** @file model.c The modelled CPU's side of vendor_ops: control block, controls, exits. */
#include "hypervisor/core/loop.h"
#include "hypervisor/model/cpu.h"
#include "lib/string.h"
#include "lib/x86/insn.h"
#include "lib/x86/regs.h"

#define GARBAGE 0xd5

struct model_features model_features;

/* ------------------------------------------------------------------------------------ nested tables */

static uint64_t npt_root(hpa_t table)
{
	return table.raw;
}

static bool npt_has_1g(void)
{
	return true;
}

static const struct npt_format npt_format = {
	.read = 1, .write = 2, .exec = 4, .table = 7, .large = 0x80, .memory_wb = 0x30, .levels = 4,
	.root = npt_root, .has_1g = npt_has_1g,
};

/* ---------------------------------------------------------------------------------- exits: adapters */

static union model_qualification *qualification(struct vcpu *vcpu)
{
	return &model_of(vcpu)->qualification;
}

static enum verdict exit_nmi(struct vcpu *vcpu)
{
	host_nmi();
	return x86_exit_host_interrupt(vcpu);
}

static enum verdict exit_exception(struct vcpu *vcpu)
{
	const union model_qualification q = *qualification(vcpu);

	return x86_exit_exception(vcpu, &q.exception.event, q.exception.address, q.exception.dr6);
}

static enum verdict exit_io(struct vcpu *vcpu)
{
	const struct x86_io *const access = &qualification(vcpu)->io.access;

	if (qualification(vcpu)->io.string)
		return x86_exit_string_io(vcpu, access);
	return x86_exit_port(vcpu, access->port, access->size, access->write);
}

static enum verdict exit_memory(struct vcpu *vcpu)
{
	return x86_exit_memory(vcpu, &qualification(vcpu)->memory);
}

static enum verdict exit_cr(struct vcpu *vcpu)
{
	return x86_exit_cr(vcpu, &qualification(vcpu)->access);
}

static enum verdict exit_lmsw(struct vcpu *vcpu)
{
	return x86_exit_lmsw(vcpu, (uint16_t)qualification(vcpu)->value);
}

static enum verdict exit_dr(struct vcpu *vcpu)
{
	return x86_exit_dr(vcpu, &qualification(vcpu)->access);
}

static enum verdict exit_invlpg(struct vcpu *vcpu)
{
	return x86_exit_insn(vcpu, HV_X86_INSN_INVLPG, qualification(vcpu)->value);
}

static enum verdict exit_desc(struct vcpu *vcpu)
{
	return x86_exit_insn(vcpu, HV_X86_INSN_DESC, qualification(vcpu)->value);
}

static enum verdict exit_task_switch(struct vcpu *vcpu)
{
	return x86_exit_task_switch(vcpu, &qualification(vcpu)->task_switch);
}

static enum verdict exit_eoi(struct vcpu *vcpu)
{
	return x86_exit_virtual_eoi(vcpu, (uint32_t)qualification(vcpu)->value);
}

#define GPR HV_X86_REGS_GPR

static const struct exit_row exits[MODEL_ROWS] = {
	[MODEL_INTERRUPT] = {x86_exit_host_interrupt, HV_EXIT_INTERRUPT, 0},
	[MODEL_NMI] = {exit_nmi, HV_EXIT_NMI, 0},
	[MODEL_EXCEPTION] = {exit_exception, HV_EXIT_EXCEPTION, GPR},
	[MODEL_TRIPLE_FAULT] = {x86_exit_triple_fault, HV_EXIT_SHUTDOWN, HV_X86_REGS_ALL},
	[MODEL_INTR_WINDOW] = {x86_exit_intr_window, HV_EXIT_INTR_WINDOW, 0},
	[MODEL_NMI_WINDOW] = {x86_exit_nmi_window, HV_EXIT_NMI_WINDOW, 0},
	[MODEL_CPUID] = {x86_exit_cpuid, HV_EXIT_ID, 0},
	[MODEL_HLT] = {x86_exit_hlt, HV_EXIT_HALT, GPR},
	[MODEL_PAUSE] = {x86_exit_pause, HV_EXIT_INSTRUCTION, GPR},
	[MODEL_MONITOR] = {x86_exit_monitor, HV_EXIT_INSTRUCTION, GPR},
	[MODEL_MWAIT] = {x86_exit_mwait, HV_EXIT_INSTRUCTION, GPR},
	[MODEL_RDPMC] = {x86_exit_rdpmc, HV_EXIT_INSTRUCTION, GPR},
	[MODEL_RDTSC] = {x86_exit_rdtsc, HV_EXIT_INSTRUCTION, GPR},
	[MODEL_INVD] = {x86_exit_invd, HV_EXIT_INSTRUCTION, GPR},
	[MODEL_WBINVD] = {x86_exit_wbinvd, HV_EXIT_INSTRUCTION, GPR},
	[MODEL_XSETBV] = {x86_exit_xsetbv, HV_EXIT_INSTRUCTION, GPR},
	[MODEL_VMCALL] = {x86_exit_hypercall, HV_EXIT_HYPERCALL, GPR},
	[MODEL_VMRUN] = {x86_exit_virt_insn, HV_EXIT_INSTRUCTION, GPR},
	[MODEL_INVLPG] = {exit_invlpg, HV_EXIT_INSTRUCTION, GPR},
	[MODEL_DESC] = {exit_desc, HV_EXIT_INSTRUCTION, GPR},
	[MODEL_RDMSR] = {x86_exit_rdmsr, HV_EXIT_SYSREG, 0},
	[MODEL_WRMSR] = {x86_exit_wrmsr, HV_EXIT_SYSREG, 0},
	[MODEL_IO] = {exit_io, HV_EXIT_PORT, 0},
	[MODEL_MEMORY] = {exit_memory, HV_EXIT_MEMORY, 0},
	[MODEL_CR] = {exit_cr, HV_EXIT_CONTROL, GPR},
	[MODEL_CLTS] = {x86_exit_clts, HV_EXIT_CONTROL, 0},
	[MODEL_LMSW] = {exit_lmsw, HV_EXIT_CONTROL, 0},
	[MODEL_DR] = {exit_dr, HV_EXIT_CONTROL, GPR},
	[MODEL_TASK_SWITCH] = {exit_task_switch, HV_EXIT_TASK_SWITCH, HV_X86_REGS_ALL},
	[MODEL_EOI] = {exit_eoi, HV_EXIT_EOI, 0},
	[MODEL_SMI] = {x86_exit_smi, HV_EXIT_OTHER, 0},
	[MODEL_INIT] = {x86_exit_init, HV_EXIT_OTHER, 0},
	[MODEL_INVALID] = {x86_exit_invalid_state, HV_EXIT_INVALID, HV_X86_REGS_ALL},
	[MODEL_UNEXPECTED] = {x86_exit_unexpected, HV_EXIT_ERROR, 0},
};

/* ------------------------------------------------------------------------------------ CPU, VM, vCPU */

static bool present(void)
{
	return true;
}

static hv_status_t check(const char **reason)
{
	if (!model_features.broken)
		return HV_OK;
	*reason = "this model has no virtualization";
	return HV_E_UNSUPPORTED;
}

static hv_status_t cpu_enable(const char **reason)
{
	*reason = "";
	return HV_OK;
}

static void cpu_disable(void)
{
}

uint64_t model_cpu_flushes;

static void cpu_flush(void)
{
	model_cpu_flushes++;
}

static uint32_t caps(void)
{
	return HV_CAP_PAGE_1G | (model_features.apic_assist ? HV_CAP_APIC_ASSIST : 0);
}

static hv_status_t vm_init(struct vm *vm)
{
	vm->vendor = pool_alloc(vm->pool, sizeof(struct model_vm));
	if (vm->vendor == NULL)
		return HV_E_NOMEM;
	memset(vm->vendor, 0xff, sizeof(struct model_vm));
	return HV_OK;
}

static void vm_exit(struct vm *vm)
{
	pool_free(vm->pool, vm->vendor, sizeof(struct model_vm));
	vm->vendor = NULL;
}

static hv_status_t vcpu_init(struct vcpu *vcpu)
{
	struct model_cpu *cpu = pool_alloc(vcpu->vm->pool, sizeof(*cpu));

	if (cpu == NULL)
		return HV_E_NOMEM;
	cpu->vcpu = vcpu;
	vcpu->vendor = cpu;
	if (model_software_new(cpu))
		return HV_OK;
	pool_free(vcpu->vm->pool, cpu, sizeof(*cpu));
	return HV_E_NOMEM;
}

static void vcpu_exit(struct vcpu *vcpu)
{
	model_software_free(model_of(vcpu));
	pool_free(vcpu->vm->pool, vcpu->vendor, sizeof(struct model_cpu));
	vcpu->vendor = NULL;
}

static void vcpu_clear(struct vcpu *vcpu)
{
	(void)vcpu;
}

const char *model_refused(const struct vcpu *vcpu)
{
	return model_of(vcpu)->refused;
}

uint64_t model_entries(const struct vcpu *vcpu)
{
	return model_of(vcpu)->entries;
}

uint64_t model_flushes(const struct vcpu *vcpu)
{
	return model_of(vcpu)->flushes;
}

/* ----------------------------------------------------------------------------------- register groups */

#define COPY(to, from, first, last)                                                                \
	memcpy(&(to)->first, &(from)->first,                                                       \
	       offsetof(struct hv_x86_regs, last) + sizeof((to)->last) -                           \
		       offsetof(struct hv_x86_regs, first))

/** CR8 and XCR0 belong to the driver: the local APIC has the one, the host's FPU context the other. */
static void copy_control(struct hv_x86_regs *to, const struct hv_x86_regs *from)
{
	COPY(to, from, cr0, cr4);
	to->efer = from->efer;
}

static void copy_groups(struct hv_x86_regs *to, const struct hv_x86_regs *from, uint32_t groups)
{
	if ((groups & REGS_RIP) != 0)
		to->rip = from->rip;
	if ((groups & REGS_RSP) != 0)
		to->gpr[HV_RSP] = from->gpr[HV_RSP];
	if ((groups & REGS_RFLAGS) != 0)
		to->rflags = from->rflags;
	if ((groups & REGS_CS) != 0)
		to->seg[HV_CS] = from->seg[HV_CS];
	if ((groups & REGS_SEG) != 0)
		COPY(to, from, seg, idtr);
	if ((groups & REGS_CR) != 0)
		copy_control(to, from);
	if ((groups & REGS_DR) != 0)
		COPY(to, from, dr, dr7);
	if ((groups & REGS_MSR) != 0)
		COPY(to, from, star, misc_enable);
	if ((groups & REGS_EVENT) != 0)
		COPY(to, from, shadow, activity);
	if ((groups & REGS_TIME) != 0)
		to->tsc_offset = from->tsc_offset;
}

static void fetch(struct vcpu *vcpu, uint32_t groups)
{
	const struct hv_x86_regs *state = &model_of(vcpu)->state;

	copy_groups(&vcpu->regs, state, groups);
	if ((groups & (REGS_SEG | REGS_CS)) != 0)
		vcpu->cpl = (state->seg[HV_SS].attr >> HV_SEG_DPL_SHIFT) & 3u;
}

static uint32_t cpl(const struct vcpu *vcpu)
{
	return (model_of(vcpu)->state.seg[HV_SS].attr >> HV_SEG_DPL_SHIFT) & 3u;
}

static void fetch_code(struct vcpu *vcpu)
{
	const struct model_cpu *cpu = model_of(vcpu);
	uint32_t size = model_code_size(cpu);

	vcpu->code.cr3 = cpu->state.cr3;
	vcpu->code.base = size == 64 ? 0 : cpu->state.seg[HV_CS].base;
	vcpu->code.mode = size == 64 ? INSN_MODE_64 : size == 32 ? INSN_MODE_32 : INSN_MODE_16;
}

static void store(struct vcpu *vcpu, uint32_t groups)
{
	copy_groups(&model_of(vcpu)->state, &vcpu->regs, groups);
	model_of(vcpu)->loaded |= (groups & REGS_CR) != 0;
}

/** What the driver has not fetched after an exit is not there. */
static void spoil(struct vcpu *vcpu)
{
	struct hv_x86_regs garbage;

	memset(&garbage, GARBAGE, sizeof(garbage));
	copy_groups(&vcpu->regs, &garbage, REGS_ALL);
	vcpu->cpl = GARBAGE;
	memset(&vcpu->code, GARBAGE, sizeof(vcpu->code));
	vcpu->cached = 0;
}

/* ---------------------------------------------------------------------------------------- controls */

static void inject(struct vcpu *vcpu)
{
	model_of(vcpu)->inject = vcpu->delivering;
}

static void intr_window(struct vcpu *vcpu, bool on)
{
	model_of(vcpu)->intr_window = on;
}

static void nmi_window(struct vcpu *vcpu, bool on)
{
	model_of(vcpu)->nmi_window = on;
}

static void apply_traps(struct vcpu *vcpu)
{
	struct model_cpu *cpu = model_of(vcpu);

	cpu->traps = __atomic_load_n(&vcpu->vm->traps, __ATOMIC_RELAXED);
	cpu->exceptions = __atomic_load_n(&vcpu->vm->exceptions, __ATOMIC_RELAXED) |
			  (vcpu->dr_vmm ? 1u << X86_DB : 0);
	cpu->step = (vcpu->request & HV_REQUEST_STEP) != 0;
	cpu->dr_direct = vcpu->dr_live && !vcpu->dr_vmm;
	for (uint32_t i = 0; i < 8; i++)
		cpu->eoi_exit[i] = __atomic_load_n(&vcpu->vm->eoi_trap[i], __ATOMIC_RELAXED);
}

static void set_bit(uint8_t *map, uint32_t bit, bool on)
{
	if (on)
		map[bit / 8] |= (uint8_t)(1u << (bit % 8));
	else
		map[bit / 8] &= (uint8_t)~(1u << (bit % 8));
}

static void trap_msr(struct vm *vm, uint32_t msr, bool read, bool write)
{
	struct model_vm *maps = vm->vendor;
	uint32_t half = msr >= 0xc0000000u;

	if ((msr & 0x3fffffffu) >= 8192u)
		return;
	set_bit(maps->read[half], msr & 0x1fffu, read);
	set_bit(maps->write[half], msr & 0x1fffu, write);
}

static void flush(struct vcpu *vcpu)
{
	model_of(vcpu)->flushes++;
}

static void apic_mode(struct vcpu *vcpu)
{
	vcpu->lapic.assisted = model_features.apic_assist && vcpu->lapic.mode == LAPIC_X2APIC;
}

/** The model looks at the page itself before each instruction: nothing has to be handed over. */
static bool apic_deliver(struct vcpu *vcpu)
{
	return vcpu->lapic.assisted;
}

/* ----------------------------------------------------------------------------------- the world switch */

static void run(struct model_cpu *cpu)
{
	cpu->arriving = cpu->inject;
	cpu->inject.valid = 0;
	cpu->cut_short.valid = 0;
	cpu->entries++;
	model_software_run(cpu);
}

static void refuse(struct model_cpu *cpu)
{
	cpu->row = MODEL_INVALID;
	cpu->cut_short = cpu->inject;
	cpu->inject.valid = 0;
	cpu->length = 0;
}

/** As the real ones do. */
static void note_plain(struct vcpu *vcpu)
{
	const struct hv_x86_regs *const regs = &model_of(vcpu)->state;

	if ((regs->rflags & (RFLAGS_TF | RFLAGS_RF)) != 0 || regs->shadow != 0 ||
	    (vcpu->request & HV_REQUEST_STEP) != 0)
		return;
	vcpu_need(vcpu, REGS_RIP | REGS_RFLAGS | REGS_EVENT);
	vcpu->exit.flags |= EXIT_PLAIN;
}

static void enter(struct vcpu *vcpu)
{
	struct model_cpu *cpu = model_of(vcpu);

	if (vcpu->changed != 0)
		store(vcpu, vcpu->changed);
	vcpu->changed = 0;
	cpu->stepped = false;
	cpu->refused = model_entry_error(cpu);
	if (cpu->refused == NULL)
		run(cpu);
	else
		refuse(cpu);
	vcpu->exit = (struct exit_info){
		.index = cpu->row == MODEL_ROWS ? UINT32_MAX : (uint32_t)cpu->row,
		.hw_reason = (uint32_t)cpu->row,
		.insn_length = model_features.lengths ? cpu->length : 0,
		.flags = cpu->stepped ? EXIT_STEP : 0,
	};
	vcpu->delivering = cpu->cut_short;
	spoil(vcpu);
	note_plain(vcpu);
}

static void loop(struct vcpu *vcpu)
{
	vcpu_loop(vcpu, enter, exits, MODEL_ROWS);
}

const struct vendor_ops model_ops = {
	.name = "model",
	.vendor = HV_VENDOR_MODEL,
	.npt_format = &npt_format,
	.exits = exits,
	.exit_count = MODEL_ROWS,
	.hypercall = INSN_PATTERN_VMCALL,
	.present = present,
	.check = check,
	.cpu_enable = cpu_enable,
	.cpu_disable = cpu_disable,
	.cpu_flush = cpu_flush,
	.caps = caps,
	.vm_init = vm_init,
	.vm_exit = vm_exit,
	.vcpu_init = vcpu_init,
	.vcpu_exit = vcpu_exit,
	.run = loop,
	.fetch = fetch,
	.cpl = cpl,
	.fetch_code = fetch_code,
	.inject = inject,
	.intr_window = intr_window,
	.nmi_window = nmi_window,
	.apply_traps = apply_traps,
	.trap_msr = trap_msr,
	.flush = flush,
	.apic_mode = apic_mode,
	.apic_deliver = apic_deliver,
	.vcpu_clear = vcpu_clear,
};
