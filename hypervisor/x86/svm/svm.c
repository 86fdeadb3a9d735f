/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file svm.c
 * AMD-V (APM vol. 2, chapter 15): detection, switching on and off, ASIDs, and the entry into a guest.
 *
 * What VMLOAD brings back after an exit (FS, GS and their bases, KERNEL_GS_BASE, TR, LDTR, STAR, LSTAR,
 * CSTAR, SFMASK, SYSENTER MSRs) is saved once per CPU, in cpu_enable: the kernel must have given
 * these their final values before driver_cpu_init(), with GS as it is inside the kernel.
 */
#include "hypervisor/x86/svm/svm.h"
#include "lib/x86/cpu.h"
#include "lib/x86/cpuid.h"
#include "lib/x86/paging.h"

struct svm_features svm_features;
struct svm_cpu svm_cpus[HOST_MAX_CPUS];

struct page {
	uint8_t bytes[HV_PAGE_SIZE];
} __attribute__((aligned(4096)));
/** 15.30.4: where VMRUN keeps host state, in a format of the CPU's own. */
static struct page hsave[HOST_MAX_CPUS];
/** VMSAVE areas of the hosts. */
static struct page host_area[HOST_MAX_CPUS];

/** ASID generations of different CPUs differ in their low bits. */
#define GENERATION_STEP HOST_MAX_CPUS

/* ------------------------------------------------------------------------------------- detection */

static bool svm_present(void)
{
	return cpuid(CPUID_EXT_MAX).eax >= CPUID_EXT_FEATURES &&
	       (cpuid(CPUID_EXT_FEATURES).ecx & CPUID_80000001_ECX_SVM) != 0;
}

/** CPUID 80000008h EBX: instructions that have intercepts where they exist (APM vol. 3, E.4.7). */
static void find_new_instructions(void)
{
	static const struct {
		uint32_t ebx, intercept_2, intercept_3;
	} rows[] = {
		{1u << 3, 0, SVM_I3_INVLPGB | SVM_I3_INVLPGB_ILLEGAL | SVM_I3_TLBSYNC},
		{1u << 4, SVM_I2_RDPRU, 0},
		{1u << 8, 0, SVM_I3_MCOMMIT},
	};
	const uint32_t ebx = cpuid(CPUID_EXT_ADDRESSES).ebx;

	for (uint32_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if ((ebx & rows[i].ebx) == 0)
			continue;
		svm_features.intercept_2 |= rows[i].intercept_2;
		svm_features.intercept_3 |= rows[i].intercept_3;
	}
}

/** CPUID 1 EAX: family, with the extended family where that counts (APM vol. 3, E.3.2). */
static uint32_t family(void)
{
	const uint32_t eax = cpuid(CPUID_VERSION).eax;
	const uint32_t base = eax >> 8 & 0xfu;

	return base == 0xf ? base + (eax >> 20 & 0xffu) : base;
}

/**
 * Real CPUs have decode assists since family 15h. One that has not is an emulator's: Bochs, which on an
 * intercepted #DB doesn't write DR6. There #DB isn't intercepted without need; the endless loops that
 * interception prevents are those of real CPUs' microcode.
 */
static bool is_bochs(uint32_t edx)
{
	const uint32_t mask = CPUID_8000000A_EDX_NRIPS | CPUID_8000000A_EDX_DECODEASSISTS;

	return family() >= 0x15 && (edx & mask) == CPUID_8000000A_EDX_NRIPS;
}

static void find_features(void)
{
	const struct cpuid_regs r = cpuid(CPUID_EXT_SVM);

	svm_features = (struct svm_features){
		.edx = r.edx,
		.asids = r.ebx,
		.clean = (r.edx & CPUID_8000000A_EDX_VMCBCLEAN) != 0 ? SVM_CLEAN_ALL : 0,
		.rdtscp = (cpuid(CPUID_EXT_FEATURES).edx & CPUID_80000001_EDX_RDTSCP) != 0,
		.bochs = is_bochs(r.edx),
	};
	find_new_instructions();
}

static void log_features(void)
{
	static const struct {
		uint32_t bit;
		const char *name;
	} names[] = {
		{CPUID_8000000A_EDX_NRIPS, "next RIP"},
		{CPUID_8000000A_EDX_FLUSHBYASID, "flush by ASID"},
		{CPUID_8000000A_EDX_DECODEASSISTS, "decode assists"},
		{CPUID_8000000A_EDX_VMCBCLEAN, "VMCB clean bits"},
		{CPUID_8000000A_EDX_PAUSEFILTER, "pause filter"},
		{CPUID_8000000A_EDX_VGIF, "virtual GIF"},
		{CPUID_8000000A_EDX_AVIC, "AVIC"},
	};

	host_log("svm: AMD-V with nested paging, %u ASIDs\n", svm_features.asids);
	for (uint32_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		host_log("svm: %s: %s\n", names[i].name, svm_has(names[i].bit) ? "yes" : "no");
}

/** 15.4: SVMDIS can be cleared by software unless it is locked. */
static bool locked_off(void)
{
	return (rdmsr(AMD_VM_CR) & (VM_CR_SVMDIS | VM_CR_LOCK)) == (VM_CR_SVMDIS | VM_CR_LOCK);
}

/**
 * @req HV-200 AMD-V: what the CPU lacks, or its firmware has locked, is named.
 */
static hv_status_t svm_check(const char **reason)
{
	const char *lack = NULL;

	if (!svm_present() || cpuid(CPUID_EXT_MAX).eax < CPUID_EXT_SVM) {
		*reason = "this CPU has no AMD-V";
		return HV_E_UNSUPPORTED;
	}
	find_features();
	if (!svm_has(CPUID_8000000A_EDX_NP))
		lack = "this CPU has AMD-V but no nested paging";
	else if (svm_features.asids < 2)
		lack = "this CPU has AMD-V but no address space identifier for a guest";
	else if (locked_off())
		lack = "AMD-V is switched off and locked by the firmware (SVMDIS in VM_CR)";
	if (lack) {
		*reason = lack;
		return HV_E_UNSUPPORTED;
	}
	log_features();
	svm_traps_init();
	return HV_OK;
}

static bool has_1g(void)
{
	return (cpuid(CPUID_EXT_FEATURES).edx & CPUID_80000001_EDX_PAGE1GB) != 0;
}

static uint32_t svm_caps(void)
{
	return has_1g() ? HV_CAP_PAGE_1G : 0;
}

static uint64_t npt_root(hpa_t table)
{
	return table.raw;
}

/** 15.25.5: every nested walk counts as a user access. PAT entry 0 of the host is write-back. */
static const struct npt_format npt_format = {
	.read = PTE_P,
	.write = PTE_RW,
	.exec = 0,
	.no_exec = PTE_XD,
	.table = PTE_P | PTE_RW | PTE_US | PTE_A,
	.large = PTE_PS,
	.memory_wb = 0,
	.leaf = PTE_US | PTE_A | PTE_D,
	.levels = 4,
	.root = npt_root,
	.has_1g = has_1g,
};

/* ---------------------------------------------------------------------------------- on and off */

static void init_cpu(struct svm_cpu *cpu, uint32_t number)
{
	cpu->host_pa = host_virt_to_phys(&host_area[number]).raw;
	cpu->generation = GENERATION_STEP + number;
	/* The first vCPU finds no ASID left: it begins a new generation, with a flush of everything. */
	cpu->next_asid = svm_features.asids;
	cpu->host_tsc_aux = svm_features.rdtscp ? (uint32_t)rdmsr(IA32_TSC_AUX) : 0;
	cpu->tsc_aux = cpu->host_tsc_aux;
}

static void vmsave(uint64_t pa)
{
	__asm__ volatile("vmsave %0" : : "a"(pa) : "memory");
}

static hv_status_t svm_cpu_enable(const char **reason)
{
	const uint32_t number = host_cpu();

	if (locked_off()) {
		*reason = "AMD-V is switched off and locked on one of the CPUs (SVMDIS in VM_CR)";
		return HV_E_UNSUPPORTED;
	}
	wrmsr(AMD_VM_CR, rdmsr(AMD_VM_CR) & ~VM_CR_SVMDIS);
	wrmsr(IA32_EFER, rdmsr(IA32_EFER) | EFER_SVME);
	wrmsr(AMD_VM_HSAVE_PA, host_virt_to_phys(&hsave[number]).raw);
	init_cpu(&svm_cpus[number], number);
	vmsave(svm_cpus[number].host_pa);
	return HV_OK;
}

/** EFER.SVME tells whether STGI is there at all; GIF may be 0 where a panic struck near VMRUN. */
static void svm_cpu_disable(void)
{
	const uint64_t efer = svm_present() ? rdmsr(IA32_EFER) : 0;

	if ((efer & EFER_SVME) == 0)
		return;
	cli();
	__asm__ volatile("stgi" : : : "memory");
	wrmsr(AMD_VM_HSAVE_PA, 0);
	wrmsr(IA32_EFER, efer & ~EFER_SVME);
}

/* -------------------------------------------------------------------------------- control blocks */

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
		cpu->generation += GENERATION_STEP;
		cpu->next_asid = 1;
		svm->vmcb.control.tlb_control = SVM_TLB_FLUSH_ALL;
		svm->slow |= SVM_SLOW_ONCE;
	}
	svm->vmcb.control.guest_asid = cpu->next_asid++;
	svm->asid_generation = cpu->generation;
	svm_dirty(svm, SVM_CLEAN_ASID);
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

static __attribute__((noinline)) void before_slowly(struct vcpu *vcpu)
{
	struct svm_vcpu *const svm = svm_of(vcpu);

	if (svm->asid_generation != svm->cpu->generation)
		take_asid(vcpu);
	if (tpr_changed(vcpu, svm))
		load_tpr(vcpu);
	svm->injected_rip = svm->vmcb.save.rip;
	if ((svm->slow & SVM_SLOW_DR) != 0)
		load_dr(svm->dr);
	if ((svm->slow & SVM_SLOW_TSC_AUX) != 0)
		load_tsc_aux(svm);
	if ((svm->slow & SVM_SLOW_STEP) != 0)
		svm_step_before(vcpu);
}

static __attribute__((noinline)) void after_slowly(struct vcpu *vcpu)
{
	struct svm_vcpu *const svm = svm_of(vcpu);
	struct vmcb_control *const c = &svm->vmcb.control;
	const bool injected = vcpu->delivering.valid;

	if ((svm->slow & SVM_SLOW_ONCE) != 0) {
		svm->slow &= ~SVM_SLOW_ONCE;
		vcpu->delivering.valid = 0;
		c->eventinj = 0;
		c->tlb_control = SVM_TLB_NOTHING;
	}
	svm_take_exitintinfo(vcpu, c->exitintinfo, injected);
	if ((c->int_ctl & SVM_V_TPR_MASK) != svm->v_tpr)
		save_tpr(vcpu);
	if ((svm->slow & SVM_SLOW_DR) != 0)
		save_dr(svm->dr);
	if ((svm->slow & SVM_SLOW_STEP) != 0)
		svm_step_after(vcpu);
	if ((svm->slow & SVM_SLOW_IRET) != 0)
		svm_iret_after(vcpu);
}

/* PARANOID: the host's state on both sides of a world switch. */
struct host_state {
	uint64_t gs_base, kernel_gs_base, lstar, cr0, cr3, cr4, efer;
	uint16_t tr;
};

static struct host_state host_state(void)
{
	return (struct host_state){
		.gs_base = rdmsr(IA32_GS_BASE),
		.kernel_gs_base = rdmsr(IA32_KERNEL_GS_BASE),
		.lstar = rdmsr(IA32_LSTAR),
		.cr0 = read_cr0(),
		.cr3 = read_cr3(),
		.cr4 = read_cr4(),
		.efer = rdmsr(IA32_EFER),
		.tr = str(),
	};
}

static struct host_state host_before[HOST_MAX_CPUS];

static void check_before(const struct vcpu *vcpu)
{
	const struct vmcb_save *const saved = (const void *)&host_area[vcpu->cpu].bytes[0x400];
	const struct host_state host = host_state();

	if ((read_rflags() & RFLAGS_IF) != 0)
		host_panic("svm: interrupts are on before VMRUN");
	if (vcpu->cpu != host_cpu() || (svm_of(vcpu)->vmcb_pa & HV_PAGE_MASK) != 0)
		host_panic("svm: vCPU of CPU %u runs on CPU %u", vcpu->cpu, host_cpu());
	if ((host.efer & EFER_SVME) == 0 ||
	    rdmsr(AMD_VM_HSAVE_PA) != host_virt_to_phys(&hsave[vcpu->cpu]).raw)
		host_panic("svm: AMD-V is off on CPU %u", vcpu->cpu);
	if (saved->gs.base != host.gs_base || saved->tr.selector != host.tr ||
	    saved->lstar != host.lstar || saved->kernel_gs_base != host.kernel_gs_base)
		host_panic("svm: GS, TR or LSTAR of CPU %u have changed since it was enabled",
			   vcpu->cpu);
	host_before[vcpu->cpu] = host;
}

static void check_after(const struct vcpu *vcpu)
{
	const struct host_state *const a = &host_before[vcpu->cpu];
	const struct host_state b = host_state();

	if ((read_rflags() & RFLAGS_IF) != 0)
		host_panic("svm: interrupts are on after #VMEXIT");
	if (a->gs_base != b.gs_base || a->kernel_gs_base != b.kernel_gs_base ||
	    a->lstar != b.lstar || a->tr != b.tr || a->cr0 != b.cr0 || a->cr3 != b.cr3 ||
	    a->cr4 != b.cr4 || a->efer != b.efer)
		host_panic("svm: host state was not restored");
}

static uint32_t high_row(uint32_t code)
{
	if (code == SVM_EXIT_NPF)
		return SVM_ROW_NPF;
	return code == SVM_EXIT_INVALID ? SVM_ROW_INVALID : SVM_ROW_UNEXPECTED;
}

/**
 * Entered from svm_switch: take over what every exit's handler needs.
 */
void svm_exited(struct vcpu *vcpu)
{
	struct svm_vcpu *const svm = svm_of(vcpu);
	struct vmcb_control *const c = &svm->vmcb.control;
	const struct vmcb_save *const save = &svm->vmcb.save;
	const uint32_t code = (uint32_t)c->exitcode;
	const uint64_t length = c->nrip - save->rip;
	const uint32_t shadow = ((uint32_t)c->int_state & SVM_INTERRUPT_SHADOW) | svm->nmi_shadow;

	_Static_assert(SVM_INTERRUPT_SHADOW == HV_SHADOW_STI, "the same bit");
	if (PARANOID)
		check_after(vcpu);
	vcpu->regs.gpr[HV_RAX] = save->rax;
	vcpu->regs.rip = save->rip;
	vcpu->regs.rflags = save->rflags;
	vcpu->regs.shadow = shadow;
	vcpu->cached = REGS_RIP | REGS_RFLAGS | REGS_EVENT;
	vcpu->exit.hw_reason = code;
	vcpu->exit.flags = 0;
	/* nRIP is 0 where the exit isn't an instruction's, or the CPU has none (15.7.1). */
	vcpu->exit.insn_length = length <= 15 ? (uint32_t)length : 0;
	vcpu->exit.index = code;
	if (__builtin_expect(code >= SVM_EXIT_LOW_END, 0))
		vcpu->exit.index = high_row(code);
	c->clean = svm_features.clean;
	if (__builtin_expect((c->exitintinfo & SVM_EVENT_V) != 0, 0) ||
	    __builtin_expect((uint8_t)c->int_ctl != svm->v_tpr, 0) ||
	    __builtin_expect(svm->slow != 0, 0))
		after_slowly(vcpu);
}

/**
 * @req HV-201 AMD-V: the host's state after an exit is its state before the entry; interrupts and NMIs
 *      that come while the guest runs end guest mode and are taken by the host.
 */
static void svm_enter(struct vcpu *vcpu)
{
	struct svm_vcpu *const svm = svm_of(vcpu);

	if (__builtin_expect(svm->asid_generation != svm->cpu->generation, 0) ||
	    __builtin_expect(tpr_changed(vcpu, svm), 0) || __builtin_expect(svm->slow != 0, 0))
		before_slowly(vcpu);
	svm->vmcb.save.rax = vcpu->regs.gpr[HV_RAX];
	if (PARANOID)
		check_before(vcpu);
	svm_switch(vcpu, svm->vmcb_pa, svm->cpu->host_pa);
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
	.npt_format = &npt_format,
	.exits = svm_exits,
	.exit_count = SVM_ROWS,
	.present = svm_present,
	.check = svm_check,
	.cpu_enable = svm_cpu_enable,
	.cpu_disable = svm_cpu_disable,
	.caps = svm_caps,
	.vm_init = svm_vm_init,
	.vm_exit = svm_vm_exit,
	.vcpu_init = svm_vcpu_init,
	.vcpu_exit = svm_vcpu_exit,
	.enter = svm_enter,
	.fetch = svm_fetch,
	.fetch_code = svm_fetch_code,
	.store = svm_store,
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
