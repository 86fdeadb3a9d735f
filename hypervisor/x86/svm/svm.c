/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file svm.c
 * AMD-V (APM vol. 2, chapter 15): control blocks, ASIDs, the entry into a guest and the exit from
 * it.
 */
#include "hypervisor/core/loop.h"
#include "hypervisor/x86/svm/svm.h"
#include "lib/x86/cpu.h"
#include "lib/x86/cpuid.h"
#include "lib/x86/insn.h"

/* ------------------------------------------------------------------------------- control blocks */

static void init_control(struct vmcb_control *c, struct vm *vm)
{
	c->int_ctl = SVM_V_INTR_MASKING;
	c->iopm_base_pa = svm_iopm().raw;
	c->msrpm_base_pa = host_virt_to_phys(vm->vendor).raw;
	c->np_enable = SVM_NP_ENABLE;
	c->n_cr3 = vm->npt.format->root(host_virt_to_phys(vm->npt.root_table));
}

static hv_status_t svm_vcpu_init(struct vcpu *vcpu)
{
	struct svm_vcpu *const svm = host_pages_alloc(vcpu->vm->pool, 2);

	_Static_assert(sizeof(*svm) <= 2 * HV_PAGE_SIZE, "two pages");
	_Static_assert(offsetof(struct vcpu, regs) == 0 && offsetof(struct hv_x86_regs, gpr) == 0,
		       "svm_enter.S finds the general registers at offset 0");
	if (!svm)
		return HV_E_NOMEM;
	svm->vmcb_pa = host_virt_to_phys(svm).raw;
	svm->cpu = &svm_cpus[0];
	svm->slow = svm_features.bochs ? SVM_SLOW_BOCHS : 0;
	svm->vmcb.save.efer = EFER_SVME;
	svm->vmcb.save.dr7 = DR7_FIXED1;
	svm->vmcb.save.dr6 = DR6_FIXED1;
	svm->vmcb.save.g_pat = IA32_PAT_RESET;
	init_control(&svm->vmcb.control, vcpu->vm);
	vcpu->vendor = svm;
	svm_apply_traps(vcpu);
	return HV_OK;
}

static void svm_vcpu_exit(struct vcpu *vcpu)
{
	host_pages_free(vcpu->vm->pool, vcpu->vendor, 2);
	vcpu->vendor = NULL;
}

/** The next free ASID of the vCPU's CPU; when there is none, all begin anew (15.16). */
static void take_asid(struct vcpu *vcpu)
{
	struct svm_vcpu *const svm = svm_of(vcpu);
	struct svm_cpu *const cpu = &svm_cpus[vcpu->cpu];

	if (cpu != svm->cpu)
		svm->vmcb.control.clean = 0; /* 15.15.1: what another CPU has cached */
	svm->cpu = cpu;
	if (cpu->next_asid >= svm_features.asids) {
		cpu->generation += SVM_GENERATION_STEP;
		cpu->next_asid = 1;
		svm->vmcb.control.tlb_control = SVM_TLB_FLUSH_ALL;
		svm->slow |= SVM_SLOW_ONCE;
	}
	svm->vmcb.control.guest_asid = cpu->next_asid++;
	svm->asid_generation = cpu->generation;
	svm_dirty(svm, SVM_CLEAN_ASID);
}

/** No vCPU's ASID is of the new generation, and none is left: the first that is entered flushes all. */
static void svm_cpu_flush(void)
{
	struct svm_cpu *const cpu = &svm_cpus[host_cpu()];

	cpu->generation += SVM_GENERATION_STEP;
	cpu->next_asid = svm_features.asids;
}

void svm_flush(struct vcpu *vcpu)
{
	struct svm_vcpu *const svm = svm_of(vcpu);

	if (!svm_has(CPUID_8000000A_EDX_FLUSHBYASID)) {
		svm->asid_generation = 0;
		return;
	}
	svm->slow |= SVM_SLOW_ONCE;
	if (svm->vmcb.control.tlb_control == SVM_TLB_NOTHING)
		svm->vmcb.control.tlb_control = SVM_TLB_FLUSH_ASID;
}

/* ---------------------------------------------------------------------------------------- entry */

static void restore_tsc_aux(void *arg)
{
	struct svm_cpu *const cpu = arg;

	wrmsr(IA32_TSC_AUX, cpu->host_tsc_aux);
	cpu->tsc_aux = cpu->host_tsc_aux;
}

static void load_tsc_aux(struct svm_vcpu *svm)
{
	struct svm_cpu *const cpu = svm->cpu;

	if (cpu->tsc_aux == svm->tsc_aux)
		return;
	wrmsr(IA32_TSC_AUX, svm->tsc_aux);
	cpu->tsc_aux = svm->tsc_aux;
	host_defer_restore(restore_tsc_aux, cpu);
}

static void load_dr(const uint64_t dr[4])
{
	write_dr0(dr[0]);
	write_dr1(dr[1]);
	write_dr2(dr[2]);
	write_dr3(dr[3]);
}

static void save_dr(uint64_t dr[4])
{
	dr[0] = read_dr0();
	dr[1] = read_dr1();
	dr[2] = read_dr2();
	dr[3] = read_dr3();
}

/** V_TPR is a copy of the local APIC's TPR, bits 7:4, while the guest runs (15.21.2). */
static void load_tpr(struct vcpu *vcpu)
{
	struct svm_vcpu *const svm = svm_of(vcpu);
	struct vmcb_control *const c = &svm->vmcb.control;

	svm->tpr = (uint8_t)lapic_get_tpr(vcpu);
	svm->v_tpr = svm->tpr >> 4;
	c->int_ctl = (c->int_ctl & ~SVM_V_TPR_MASK) | svm->v_tpr;
	svm_dirty(svm, SVM_CLEAN_TPR);
}

/** The guest has written CR8. */
static void save_tpr(struct vcpu *vcpu)
{
	struct svm_vcpu *const svm = svm_of(vcpu);

	svm->v_tpr = svm->vmcb.control.int_ctl & SVM_V_TPR_MASK;
	svm->tpr = (uint8_t)(svm->v_tpr << 4);
	lapic_set_tpr(vcpu, svm->tpr);
}

static bool tpr_changed(const struct vcpu *vcpu, const struct svm_vcpu *svm)
{
	return (uint8_t)vcpu->lapic.page[LAPIC_TPR / 4] != svm->tpr;
}

/**
 * QEMU's VMRUN loads DR7 and arms nothing: only a MOV to DR7 does, and it takes out what the one before
 * has put in by what DR7 is then. So breakpoints of the VMM's are armed just before the entry, and put
 * out just behind the exit. The guest's own it arms itself.
 */
static void arm_by_hand(const struct vcpu *vcpu, uint64_t dr7)
{
	if (__builtin_expect(vcpu->dr_vmm && svm_features.qemu, 0))
		write_dr7(dr7);
}

static void before_rarely(struct vcpu *vcpu)
{
	struct svm_vcpu *const svm = svm_of(vcpu);

	if ((svm->slow & SVM_SLOW_DR) != 0)
		load_dr(svm->dr);
	if ((svm->slow & SVM_SLOW_TSC_AUX) != 0)
		load_tsc_aux(svm);
	if ((svm->slow & SVM_SLOW_STEP) != 0)
		svm_step_before(vcpu);
	arm_by_hand(vcpu, svm->vmcb.save.dr7);
}

static __attribute__((noinline)) void before_slowly(struct vcpu *vcpu)
{
	struct svm_vcpu *const svm = svm_of(vcpu);

	svm->injected_rip = svm->vmcb.save.rip;
	if (svm->asid_generation != svm->cpu->generation)
		take_asid(vcpu);
	if (tpr_changed(vcpu, svm))
		load_tpr(vcpu);
	if (__builtin_expect((svm->slow & ~SVM_SLOW_ONCE) != 0, 0))
		before_rarely(vcpu);
}

/** Host interrupts that wait are noted by the kernel, which acts on them at the next poll point. */
static inline void interrupt_window(const struct vcpu *vcpu, const struct svm_vcpu *svm)
{
	if ((svm->slow & SVM_SLOW_BOCHS) != 0 && (vcpu->regs.rflags & RFLAGS_IF) == 0)
		__asm__ volatile("sti; nop; cli" : : : "memory");
}

/** No event was in delivery, and CR8 is as it was. */
static inline bool is_plain(const struct svm_vcpu *svm)
{
	const struct vmcb_control *const c = &svm->vmcb.control;

	return (c->exitintinfo & SVM_EVENT_V) == 0 && (uint8_t)c->int_ctl == svm->v_tpr;
}

static void after_rarely(struct vcpu *vcpu)
{
	struct svm_vcpu *const svm = svm_of(vcpu);

	arm_by_hand(vcpu, DR7_FIXED1);
	if ((svm->slow & SVM_SLOW_DR) != 0)
		save_dr(svm->dr);
	if ((svm->slow & SVM_SLOW_STEP) != 0) {
		vcpu->exit.flags = 0;
		svm_step_after(vcpu);
	}
	if ((svm->slow & SVM_SLOW_IRET) != 0)
		svm_iret_after(vcpu);
}

/** EVENTINJ and TLB_CONTROL were for one entry. */
static void clear_once(struct vcpu *vcpu, struct svm_vcpu *svm)
{
	svm->slow &= ~SVM_SLOW_ONCE;
	vcpu->delivering.valid = 0;
	svm->vmcb.control.eventinj = 0;
	svm->vmcb.control.tlb_control = SVM_TLB_NOTHING;
	if (svm->virtual_injected)
		svm_take_virtual(vcpu);
}

/** Whatever keeps an exit from being a plain one. */
static __attribute__((noinline)) void after_slowly(struct vcpu *vcpu)
{
	struct svm_vcpu *const svm = svm_of(vcpu);
	struct vmcb_control *const c = &svm->vmcb.control;
	const bool injected = vcpu->delivering.valid;

	if ((svm->slow & SVM_SLOW_ONCE) != 0)
		clear_once(vcpu, svm);
	if ((c->exitintinfo & SVM_EVENT_V) != 0 || svm->soft_injected || svm->df_injected)
		svm_take_exitintinfo(vcpu, c->exitintinfo, injected);
	if ((uint8_t)c->int_ctl != svm->v_tpr)
		save_tpr(vcpu);
	if (__builtin_expect((svm->slow & ~SVM_SLOW_BOCHS) != 0, 0))
		after_rarely(vcpu);
}

/** QEMU stores nonsense here when it refuses an entry; without V_INTR_MASKING, the guest could keep
 *  the host's interrupts out. */
static void restore_int_ctl(const struct vcpu *vcpu)
{
	struct svm_vcpu *const svm = svm_of(vcpu);

	svm->vmcb.control.int_ctl = SVM_V_INTR_MASKING | svm->v_tpr;
	if (vcpu->intr_window)
		svm->vmcb.control.int_ctl |= SVM_V_WINDOW;
}

static __attribute__((noinline)) uint32_t high_row(const struct vcpu *vcpu, uint32_t code)
{
	if (code == SVM_EXIT_NPF)
		return SVM_ROW_NPF;
	if (code != SVM_EXIT_INVALID)
		return SVM_ROW_UNEXPECTED;
	restore_int_ctl(vcpu);
	return SVM_ROW_INVALID;
}

/**
 * Entered from svm_switch: take over what every exit's handler needs.
 */
__attribute__((used)) void svm_exited(struct vcpu *vcpu)
{
	struct svm_vcpu *const svm = svm_of(vcpu);
	struct vmcb_control *const c = &svm->vmcb.control;
	const struct vmcb_save *const save = &svm->vmcb.save;
	const uint32_t code = (uint32_t)c->exitcode;
	const uint64_t length = c->nrip - save->rip;
	const uint32_t shadow = ((uint32_t)c->int_state & SVM_INTERRUPT_SHADOW) | svm->nmi_shadow;

	_Static_assert(SVM_INTERRUPT_SHADOW == HV_SHADOW_STI, "the same bit");
	if (PARANOID)
		svm_check_after(vcpu);
	vcpu->regs.gpr[HV_RAX] = save->rax;
	vcpu->regs.rip = save->rip;
	vcpu->regs.rflags = save->rflags;
	vcpu->regs.shadow = shadow;
	vcpu->cached = REGS_RIP | REGS_RFLAGS | REGS_EVENT | REGS_TIME;
	vcpu->exit.hw_reason = code;
	vcpu->exit.flags = EXIT_PLAIN;
	if (__builtin_expect((save->rflags & (RFLAGS_TF | RFLAGS_RF)) != 0 || shadow != 0, 0))
		vcpu->exit.flags = 0;
	/* nRIP is 0 where the exit isn't an instruction's, or the CPU has none (15.7.1). */
	vcpu->exit.insn_length = length <= 15 ? (uint32_t)length : 0;
	vcpu->exit.index = code;
	if (__builtin_expect(code >= SVM_EXIT_LOW_END, 0))
		vcpu->exit.index = high_row(vcpu, code);
	c->clean = svm_features.clean;
	if (__builtin_expect(!is_plain(svm) || (svm->slow & ~SVM_SLOW_BOCHS) != 0, 0))
		after_slowly(vcpu);
	if (svm->slow != 0)
		interrupt_window(vcpu, svm);
}

/** svm_switch() keeps RBP and RSP: the other registers are the guest's business. Nothing is saved for each. */
static inline void world_switch(struct vcpu *vcpu, uint64_t vmcb_pa, uint64_t host_pa)
{
	__asm__ volatile("call svm_switch"
			 : "+D"(vcpu), "+S"(vmcb_pa), "+d"(host_pa)
			 :
			 : "rax", "rbx", "rcx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "cc",
			   "memory");
}

/**
 * @req HV-201 AMD-V: the host's state after an exit is its state before the entry; interrupts and
 *      NMIs that come while the guest runs end guest mode and are taken by the host.
 */
static inline void svm_enter(struct vcpu *vcpu)
{
	struct svm_vcpu *const svm = svm_of(vcpu);
	const uint32_t changed = vcpu->changed;

	vcpu->changed = 0;
	if (__builtin_expect(changed == REGS_RIP, 1))
		svm->vmcb.save.rip = vcpu->regs.rip;
	else if (changed != 0)
		svm_store(vcpu, changed);
	if (__builtin_expect(svm->asid_generation != svm->cpu->generation, 0) ||
	    __builtin_expect(tpr_changed(vcpu, svm), 0) ||
	    __builtin_expect((svm->slow & ~SVM_SLOW_BOCHS) != 0, 0))
		before_slowly(vcpu);
	svm->vmcb.save.rax = vcpu->regs.gpr[HV_RAX];
	if (PARANOID)
		svm_check_before(vcpu);
	world_switch(vcpu, svm->vmcb_pa, svm->cpu->host_pa);
}

static void svm_run(struct vcpu *vcpu)
{
	vcpu_loop(vcpu, svm_enter, svm_exits, SVM_ROWS);
}

/** AVIC isn't used: the local APIC's mode makes no difference to the CPU. */
static void svm_apic_mode(struct vcpu *vcpu)
{
	(void)vcpu;
}

/** Everything of a vCPU's is in memory after an exit. */
static void svm_vcpu_clear(struct vcpu *vcpu)
{
	(void)vcpu;
}

const struct vendor_ops svm_ops = {
	.name = "svm",
	.vendor = HV_VENDOR_SVM,
	.npt_format = &svm_npt_format,
	.exits = svm_exits,
	.exit_count = SVM_ROWS,
	.hypercall = INSN_PATTERN_VMMCALL,
	.present = svm_present,
	.check = svm_check,
	.cpu_enable = svm_cpu_enable,
	.cpu_disable = svm_cpu_disable,
	.cpu_flush = svm_cpu_flush,
	.caps = svm_caps,
	.vm_init = svm_vm_init,
	.vm_exit = svm_vm_exit,
	.vcpu_init = svm_vcpu_init,
	.vcpu_exit = svm_vcpu_exit,
	.run = svm_run,
	.fetch = svm_fetch,
	.cpl = svm_cpl,
	.fetch_code = svm_fetch_code,
	.inject = svm_inject,
	.intr_window = svm_intr_window,
	.nmi_window = svm_nmi_window,
	.apply_traps = svm_apply_traps,
	.trap_msr = svm_trap_msr,
	.flush = svm_flush,
	.apic_mode = svm_apic_mode,
	.apic_deliver = svm_apic_deliver,
	.vcpu_clear = svm_vcpu_clear,
};
