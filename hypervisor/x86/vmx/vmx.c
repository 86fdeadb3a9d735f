/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file vmx.c Intel VT-x behind the driver's vendor operations: detection, VMX operation of each
 * CPU, control blocks, and the C half of the world switch.
 *
 * What stays in the CPU between exits and what has to come back for the host:
 * - GDTR's and IDTR's limits are FFFFh after every VM exit and TR's is 67h (SDM 28.5.2). The
 *   first two come back in restore_host(); a host whose TSS is longer (an I/O permission bitmap)
 *   has to reload TR itself.
 * - DS, ES, FS, GS and LDTR are null after an exit; FS and GS keep the host's bases. DR7 is 400h.
 * - The system-call MSRs and CR2 are the guest's until restore_host().
 */
#include "hypervisor/core/loop.h"
#include "hypervisor/x86/vmx/vmx.h"
#include "lib/x86/cpuid.h"
#include "lib/x86/insn.h"

/* vmx_enter.S knows these. */
_Static_assert(offsetof(struct vmx_vcpu, host_rsp) == 0, "found there");
_Static_assert(offsetof(struct vcpu, regs.gpr) == 0, "general registers come first");
_Static_assert(HV_RAX == 0 && HV_RCX == 1 && HV_RDX == 2 && HV_RBX == 3 && HV_RBP == 5 &&
		       HV_RSI == 6 && HV_RDI == 7 && HV_R8 == 8 && HV_R15 == 15,
	       "in the order of the encoding");
_Static_assert(IA32_LSTAR - IA32_STAR == LAZY_LSTAR && IA32_CSTAR - IA32_STAR == LAZY_CSTAR &&
		       IA32_FMASK - IA32_STAR == LAZY_FMASK,
	       "in the order of their numbers");
_Static_assert(VMCS_HOST_RSP == 0x6c14, "as in vmx_enter.S");
_Static_assert(sizeof(struct vmx_vcpu) <= HV_PAGE_SIZE && sizeof(struct vmx_vm) <= HV_PAGE_SIZE,
	       "one page of the pool each");

struct vmx_cpu vmx_cpus[HOST_MAX_CPUS];

/** VMXON regions: 25.11.5. */
static _Alignas(HV_PAGE_SIZE) uint32_t vmxon_region[HOST_MAX_CPUS][HV_PAGE_SIZE / 4];

const uint32_t vmx_lazy_msr[LAZY_MSRS] = {
	[LAZY_STAR] = IA32_STAR,	    [LAZY_LSTAR] = IA32_LSTAR,
	[LAZY_CSTAR] = IA32_CSTAR,	    [LAZY_FMASK] = IA32_FMASK,
	[LAZY_KERNEL_GS_BASE] = IA32_KERNEL_GS_BASE, [LAZY_TSC_AUX] = IA32_TSC_AUX,
};


#ifdef PARANOID
void vmcs_access_failed(const char *what, unsigned int field)
{
	host_panic("%s of VMCS field %04xh failed on CPU %u", what, field, host_cpu());
}
#endif

/* ---------------------------------------------------------------------------------- detection */

static bool vmx_present(void)
{
	return cpuid(CPUID_VERSION).ecx & CPUID_1_ECX_VMX;
}

/**
 * IA32_FEATURE_CONTROL: 24.7.
 * @req HV-102 VT-x locked off by the firmware is told apart from VT-x missing
 */
static hv_status_t check_lock(const char **reason)
{
	uint64_t control = rdmsr(IA32_FEATURE_CONTROL);

	if ((control & FEATURE_CONTROL_LOCK) && !(control & FEATURE_CONTROL_VMX_NO_SMX)) {
		*reason = "VT-x is locked off in IA32_FEATURE_CONTROL: "
			  "the firmware's setup can enable it";
		return HV_E_UNSUPPORTED;
	}
	return HV_OK;
}

static hv_status_t vmx_check(const char **reason)
{
	hv_status_t status;

	if (!vmx_present()) {
		*reason = "this CPU has no VT-x";
		return HV_E_UNSUPPORTED;
	}
	status = check_lock(reason);
	if (status != HV_OK)
		return status;
	return vmx_caps_read(reason);
}

static uint32_t vmx_features(void)
{
	uint32_t caps = HV_CAP_TRAP_ID;

	if (vmx_npt_format.has_1g())
		caps |= HV_CAP_PAGE_1G;
	if (vmx_caps.xapic_assist || vmx_caps.x2apic_assist)
		caps |= HV_CAP_APIC_ASSIST;
	return caps;
}

/* ----------------------------------------------------------------------- VMX operation of a CPU */

/** 24.8: bits that VMX operation wants in CR0 and CR4. */
static hv_status_t fix_control_registers(const char **reason)
{
	uint64_t cr0 = read_cr0() | vmx_caps.cr0_fixed0;
	uint64_t cr4 = read_cr4() | vmx_caps.cr4_fixed0 | CR4_VMXE;

	if ((cr0 & ~vmx_caps.cr0_fixed1) || (cr4 & ~vmx_caps.cr4_fixed1)) {
		*reason = "the host has set a bit of CR0 or CR4 that VMX operation doesn't allow";
		return HV_E_UNSUPPORTED;
	}
	write_cr0(cr0);
	write_cr4(cr4);
	return HV_OK;
}

static hv_status_t vmx_cpu_enable(const char **reason)
{
	unsigned int number = host_cpu();
	struct vmx_cpu *cpu = &vmx_cpus[number];
	hv_status_t status = check_lock(reason);

	if (status != HV_OK || cpu->on)
		return status;
	if (!(rdmsr(IA32_FEATURE_CONTROL) & FEATURE_CONTROL_LOCK))
		wrmsr(IA32_FEATURE_CONTROL, FEATURE_CONTROL_LOCK | FEATURE_CONTROL_VMX_NO_SMX);
	status = fix_control_registers(reason);
	if (status != HV_OK)
		return status;
	vmxon_region[number][0] = vmx_caps.revision;
	if (!vmxon(host_virt_to_phys(vmxon_region[number]).raw)) {
		write_cr4(read_cr4() & ~CR4_VMXE);
		*reason = "VMXON failed: something else uses VT-x on this CPU";
		return HV_E_UNSUPPORTED;
	}
	*cpu = (struct vmx_cpu){.on = true};
	/* 29.4.3.1: whoever used VT-x before may have left translations behind. */
	if (vmx_caps.ept_vpid & EPT_CAP_INVEPT_ALL)
		invept(INVEPT_ALL, 0);
	if (vmx_caps.vpid && (vmx_caps.ept_vpid & VPID_CAP_ALL))
		invvpid(INVVPID_ALL, 0);
	return HV_OK;
}

/** Also called on the way out of a panic: nothing here can fail. */
static void vmx_cpu_disable(void)
{
	struct vmx_cpu *cpu = &vmx_cpus[host_cpu()];

	if (!cpu->on)
		return;
	cpu->on = false;
	if (cpu->current != NULL)
		(void)vmclear(cpu->current->vmcs_address);
	cpu->current = NULL;
	vmxoff();
	write_cr4(read_cr4() & ~CR4_VMXE);
}

/* -------------------------------------------------------------------------------- current VMCS */

void vmx_make_current(struct vmx_vcpu *v)
{
	struct vmx_cpu *cpu = &vmx_cpus[host_cpu()];

	if (cpu->current != NULL)
		cpu->current->work |= VMX_WORK_CURRENT;
	if (!vmptrld(v->vmcs_address))
		host_panic("VMPTRLD failed on CPU %u", host_cpu());
	cpu->current = v;
	v->active = true;
	v->work &= ~VMX_WORK_CURRENT;
}

void vmx_forget(struct vmx_vcpu *v)
{
	struct vmx_cpu *cpu = &vmx_cpus[host_cpu()];

	if (!vmclear(v->vmcs_address))
		host_panic("VMCLEAR failed on CPU %u", host_cpu());
	if (cpu->current == v)
		cpu->current = NULL;
	v->active = false;
	v->launched = false;
	v->work |= VMX_WORK_CURRENT;
}

/* --------------------------------------------- what the host gets back, and when the guest does */

static inline void change_msr(enum vmx_lazy_msr i, const uint64_t *now, const uint64_t *then)
{
	if (now[i] != then[i])
		wrmsr(vmx_lazy_msr[i], then[i]);
}

/** What the guest can read or use without an exit, whatever its mode. */
static inline void change_always(const uint64_t *now, const uint64_t *then)
{
	change_msr(LAZY_KERNEL_GS_BASE, now, then);
	if (vmx_caps.rdtscp)
		change_msr(LAZY_TSC_AUX, now, then);
}

/** What SYSCALL and SYSRET take. */
static __attribute__((noinline)) void change_syscalls(const uint64_t *now, const uint64_t *then)
{
	change_msr(LAZY_STAR, now, then);
	change_msr(LAZY_LSTAR, now, then);
	change_msr(LAZY_CSTAR, now, then);
	change_msr(LAZY_FMASK, now, then);
}

void vmx_syscalls(struct vmx_vcpu *v, bool on)
{
	v->syscalls = on;
	if (!on || v->syscalls_loaded || v->cpu == NULL || v->cpu->live != v)
		return;
	change_syscalls(v->cpu->host_msr, v->msr);
	v->syscalls_loaded = true;
}

/**
 * Before ring 3 or another thread runs: the guest's lazy MSRs and CR2 out, the host's in.
 * @req HV-110 the host's system-call MSRs and table limits are its own whenever ring 3 runs
 */
static void restore_host(void *arg)
{
	struct vcpu *vcpu = arg;
	struct vmx_vcpu *v = vmx_of(vcpu);
	struct vmx_cpu *cpu = v->cpu;

	if (cpu == NULL || cpu->live != v)
		return;
	v->msr[LAZY_KERNEL_GS_BASE] = rdmsr(IA32_KERNEL_GS_BASE);
	change_always(v->msr, cpu->host_msr);
	if (v->syscalls_loaded)
		change_syscalls(v->msr, cpu->host_msr);
	v->syscalls_loaded = false;
	v->cr2 = read_cr2();
	lgdt(&cpu->gdtr);
	lidt(&cpu->idtr);
	v->work |= VMX_WORK_LIVE;
	cpu->live = NULL;
}

/** The host's values: constants but for KERNEL_GS_BASE, which is the thread's. */
static void note_host_msrs(struct vmx_cpu *cpu)
{
	if (!cpu->msrs_known)
		for (unsigned int i = 0; i < LAZY_MSRS; i++)
			if (i != LAZY_TSC_AUX || vmx_caps.rdtscp)
				cpu->host_msr[i] = rdmsr(vmx_lazy_msr[i]);
	cpu->msrs_known = true;
	cpu->host_msr[LAZY_KERNEL_GS_BASE] = rdmsr(IA32_KERNEL_GS_BASE);
}

static void load_lazy(struct vmx_vcpu *v)
{
	struct vmx_cpu *cpu = v->cpu;

	if (cpu->live != NULL && cpu->live != v)
		restore_host(cpu->live->vcpu);
	note_host_msrs(cpu);
	change_always(cpu->host_msr, v->msr);
	write_cr2(v->cr2);
	cpu->live = v;
	vmx_syscalls(v, v->syscalls);
	host_defer_restore(restore_host, v->vcpu);
}

static void host_field(enum vmcs_field field, uint64_t *known, uint64_t value)
{
	if (*known == value)
		return;
	*known = value;
	vmwrite(field, value);
}

/** Host state that differs between threads, or that the host may have changed meanwhile. */
static void refresh_host_state(struct vmx_vcpu *v)
{
	host_field(VMCS_HOST_CR0, &v->host_cr0, read_cr0());
	host_field(VMCS_HOST_CR3, &v->host_cr3, read_cr3());
	host_field(VMCS_HOST_CR4, &v->host_cr4, read_cr4());
	host_field(VMCS_HOST_FS_BASE, &v->host_fs_base, rdmsr(IA32_FS_BASE));
}

/** Base of the segment that TR selects in the host's GDT. */
static uint64_t task_register_base(const struct desc_ptr *gdtr, uint16_t selector)
{
	const uint64_t *entry = (const uint64_t *)(uintptr_t)(gdtr->base + (selector & ~7u));

	return ((entry[0] >> 16) & 0xffffff) | ((entry[0] >> 56) << 24) | (entry[1] << 32);
}

/**
 * Host-state area (25.5): what belongs to the CPU. Once, as a vCPU stays on the CPU of its first
 * run.
 */
static void write_host_state(struct vmx_vcpu *v)
{
	struct vmx_cpu *cpu = v->cpu;
	uint16_t cs, ss, tr = str();

	__asm__("mov %%cs, %0" : "=r"(cs));
	__asm__("mov %%ss, %0" : "=r"(ss));
	sgdt(&cpu->gdtr);
	sidt(&cpu->idtr);
	vmwrite(VMCS_HOST_CS_SELECTOR, cs);
	vmwrite(VMCS_HOST_SS_SELECTOR, ss);
	vmwrite(VMCS_HOST_TR_SELECTOR, tr);
	vmwrite(VMCS_HOST_TR_BASE, task_register_base(&cpu->gdtr, tr));
	vmwrite(VMCS_HOST_GDTR_BASE, cpu->gdtr.base);
	vmwrite(VMCS_HOST_IDTR_BASE, cpu->idtr.base);
	vmwrite(VMCS_HOST_GS_BASE, rdmsr(IA32_GS_BASE));
	vmwrite(VMCS_HOST_EFER, rdmsr(IA32_EFER));
	vmwrite(VMCS_HOST_PAT, rdmsr(IA32_PAT));
	vmwrite(VMCS_HOST_SYSENTER_CS, rdmsr(IA32_SYSENTER_CS));
	vmwrite(VMCS_HOST_SYSENTER_ESP, rdmsr(IA32_SYSENTER_ESP));
	vmwrite(VMCS_HOST_SYSENTER_EIP, rdmsr(IA32_SYSENTER_EIP));
	vmwrite(VMCS_HOST_RIP, (uintptr_t)vmx_exit_point);
}

/* ----------------------------------------------------------------------------- the world switch */

/** First entry on this CPU. */
static void bind(struct vmx_vcpu *v)
{
	v->cpu = &vmx_cpus[host_cpu()];
	write_host_state(v);
	v->work |= VMX_WORK_LIVE | VMX_WORK_FLUSH_EPT | VMX_WORK_FLUSH_VPID;
}

static __attribute__((noinline)) void prepare_more(struct vmx_vcpu *v)
{
	vmx_flush_now(v, v->work);
	if (v->work & VMX_WORK_DEBUG)
		vmx_debug_load(v);
	if (v->work & VMX_WORK_STAY)
		vmx_limit_stay(v);
	v->work &= VMX_WORK_STEP;
	if (v->work & VMX_WORK_STEP)
		vmx_step_before(v);
}

/** The way into the guest when it isn't the short one. */
static void prepare(struct vmx_vcpu *v)
{
	if (v->work & VMX_WORK_CURRENT)
		vmx_make_current(v);
	if (v->cpu == NULL)
		bind(v);
	if (v->work & VMX_WORK_LIVE) {
		refresh_host_state(v);
		load_lazy(v);
	}
	if (vmx_unlikely((v->work & ~VMX_WORK_LIVE) != 0))
		prepare_more(v);
	else
		v->work = 0;
}

/** VMLAUNCH or VMRESUME didn't even try (27.1, 31.4). */
static __attribute__((noinline)) void decode_insn_failure(struct vcpu *vcpu, unsigned int how)
{
	uint32_t error = how == 1 ? vmread32(VMCS_INSN_ERROR) : 0;

	vcpu->cached = 0;
	vcpu->delivering.valid = 0;
	vcpu->exit = (struct exit_info){.index = ROW_ENTRY_FAILED,
					.hw_reason = VMX_HW_INSN_ERROR + error};
	vmwrite(VMCS_ENTRY_INTR_INFO, 0);
	host_log("VT-x entry refused, VM-instruction error %u\n", error);
}

/** 27.8: the guest's state was refused; the host's is loaded as for any exit. */
static void decode_entry_failure(struct vcpu *vcpu, uint32_t reason)
{
	vcpu->exit.index = ROW_ENTRY_FAILED;
	vcpu->exit.insn_length = 0;
#ifdef PARANOID
	host_log("VT-x entry failed, reason %u, qualification %llu\n", reason & EXIT_REASON_BASIC,
		 (unsigned long long)vmread(VMCS_EXIT_QUALIFICATION));
	vmx_explain_guest_state();
#endif
	vmwrite(VMCS_ENTRY_INTR_INFO, 0);
	if ((reason & EXIT_REASON_BASIC) == REASON_ENTRY_MACHINE_CHECK)
		host_machine_check();
}

/** Exceptions come with NMIs and machine checks under one reason. */
static void decode_exception(struct vcpu *vcpu)
{
	uint32_t info = vmread32(VMCS_EXIT_INTR_INFO);

	if (INTR_INFO_TYPE(info) == X86_EVENT_NMI) {
		vcpu->exit.index = ROW_NMI;
		host_nmi(); /* at once: NMIs are blocked until its IRET */
	} else if (INTR_INFO_VECTOR(info) == X86_MC) {
		vcpu->exit.index = ROW_MACHINE_CHECK;
	} else if ((info & INTR_INFO_NMI_UNBLOCKED) && INTR_INFO_VECTOR(info) != X86_DF) {
		vmx_reblock_nmi(vcpu);
	}
}

/**
 * Exits that can interrupt the delivery of an event (28.2.4), or whose length field means
 * nothing.
 */
#define SPECIAL_REASONS                                                                      \
	(UINT64_C(1) << REASON_EXCEPTION_NMI | UINT64_C(1) << REASON_TASK_SWITCH |            \
	 UINT64_C(1) << REASON_APIC_ACCESS | UINT64_C(1) << REASON_EPT_VIOLATION |            \
	 UINT64_C(1) << REASON_EPT_MISCONFIG | UINT64_C(1) << REASON_PML_FULL)

static __attribute__((noinline)) void decode_special(struct vcpu *vcpu, uint32_t reason)
{
	if (reason & EXIT_REASON_ENTRY_FAILED) {
		decode_entry_failure(vcpu, reason);
		return;
	}
	if (reason >= REASON_COUNT) {
		vcpu->exit.index = ROW_UNKNOWN;
		return;
	}
	if (reason >= 64)
		return;
	vmx_decode_delivery(vcpu);
	if (reason == REASON_EXCEPTION_NMI)
		decode_exception(vcpu);
	else if (reason == REASON_EPT_VIOLATION)
		vcpu->exit.insn_length = 0;
}

/**
 * What nearly every handler wants: why, and what it takes to step over the instruction. A VMREAD
 * each is less than a call to fetch them later.
 */
static inline __attribute__((always_inline)) void decode(struct vcpu *vcpu)
{
	uint32_t reason = vmread32(VMCS_EXIT_REASON), state;

	vcpu->exit.index = reason;
	vcpu->exit.insn_length = vmread32(VMCS_EXIT_INSN_LENGTH);
	vcpu->exit.flags = EXIT_PLAIN;
	vcpu->delivering.valid = 0;
	vmread_to(VMCS_GUEST_RIP, &vcpu->regs.rip);
	vmread_to(VMCS_GUEST_RFLAGS, &vcpu->regs.rflags);
	vcpu->exit.hw_reason = reason;
	state = vmread32(VMCS_GUEST_INTERRUPTIBILITY);
	vcpu->regs.shadow = 0;
	if (vmx_unlikely(state != 0)) {
		vcpu->regs.shadow = vmx_shadow(state);
		vcpu->exit.flags = 0;
	}
	vcpu->cached = REGS_RIP | REGS_RFLAGS | REGS_EVENT;
	if (vmx_unlikely(reason >= 64 || (SPECIAL_REASONS >> reason & 1)))
		decode_special(vcpu, reason);
}

#ifdef PARANOID
static void host_is(bool as_it_should, const char *what)
{
	if (!as_it_should)
		host_panic("VT-x, CPU %u: %s", host_cpu(), what);
}

static uint64_t current_vmcs(void)
{
	uint64_t address;

	__asm__ volatile("vmptrst %0" : "=m"(address) : : "cc", "memory");
	return address;
}

/** On both sides of the world switch. */
static void check_host(const struct vmx_vcpu *v)
{
	const struct vmx_cpu *cpu = &vmx_cpus[host_cpu()];

	host_is(!(read_rflags() & RFLAGS_IF), "interrupts are enabled in the world switch");
	host_is(v->cpu == cpu && cpu->current == v && cpu->live == v,
		"the vCPU isn't the one that this CPU has loaded");
	host_is(current_vmcs() == v->vmcs_address, "another VMCS is current");
	host_is(read_cr3() == v->host_cr3, "the host's CR3 isn't as in the VMCS");
	host_is(read_cr4() == v->host_cr4, "the host's CR4 isn't as in the VMCS");
	host_is(rdmsr(IA32_GS_BASE) == vmread(VMCS_HOST_GS_BASE),
		"the host's GS base isn't as in the VMCS");
	host_is(rdmsr(IA32_EFER) == vmread(VMCS_HOST_EFER), "the host's EFER isn't as in the VMCS");
	host_is(vmread(VMCS_GUEST_ACTIVITY) == ACTIVITY_ACTIVE, "a guest sleeps in its VMCS");
}
#else
static inline void check_host(const struct vmx_vcpu *v)
{
	(void)v;
}
#endif

/**
 * Where a guest with RFLAGS.IF = 0 is not left for host interrupts, those that wait are let in here (the kernel
 * acts on them at the next poll point), and its stays end when the host's timer does.
 */
static inline void interrupt_window(const struct vcpu *vcpu, struct vmx_vcpu *v)
{
	if ((vcpu->regs.rflags & RFLAGS_IF) == 0 && vmx_caps.bochs) {
		__asm__ volatile("sti; nop; cli" : : : "memory");
		v->watch |= VMX_WATCH_STAY;
		v->work |= VMX_WORK_STAY;
	} else if ((v->watch & VMX_WATCH_STAY) != 0) {
		v->watch &= (uint8_t)~VMX_WATCH_STAY;
		vmx_free_stay(v);
	}
}

static __attribute__((noinline)) void not_plain(struct vcpu *vcpu, struct vmx_vcpu *v)
{
	if ((vcpu->regs.rflags & (RFLAGS_TF | RFLAGS_RF)) != 0 || (v->watch & VMX_WATCH_STEP) != 0)
		vcpu->exit.flags &= ~EXIT_PLAIN;
	interrupt_window(vcpu, v);
}

/** What comes back from vmx_launch() and vmx_resume(). */
static inline __attribute__((always_inline)) void finish(struct vcpu *vcpu, unsigned int failed)
{
	check_host(vmx_of(vcpu));
	if (vmx_unlikely(failed))
		decode_insn_failure(vcpu, failed);
	else
		decode(vcpu);
	if (vmx_unlikely((vcpu->regs.rflags & (RFLAGS_IF | RFLAGS_TF | RFLAGS_RF)) != RFLAGS_IF ||
			 vmx_of(vcpu)->watch != 0))
		not_plain(vcpu, vmx_of(vcpu));
}

/* They keep RBP and RSP: the other registers are the guest's business. Inlined, nothing is saved for each. */
#define SWITCH(instruction)                                                                       \
	static inline unsigned int instruction(struct vcpu *vcpu, struct vmx_vcpu *v)              \
	{                                                                                          \
		unsigned int failed;                                                               \
                                                                                                   \
		__asm__ volatile("call vmx_" #instruction                                          \
				 : "=a"(failed), "+D"(vcpu), "+S"(v)                               \
				 :                                                                 \
				 : "rbx", "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "r13",    \
				   "r14", "r15", "cc", "memory");                                  \
		return failed;                                                                     \
	}
SWITCH(launch)
SWITCH(resume)

/** VMLAUNCH is always this way: who cleared the VMCS has left VMX_WORK_CURRENT behind. */
static __attribute__((noinline)) void enter_prepared(struct vcpu *vcpu, struct vmx_vcpu *v)
{
	unsigned int failed;

	prepare(v);
	check_host(v);
	if (vmx_unlikely(!v->launched)) {
		failed = launch(vcpu, v);
		v->launched = !failed;
	} else {
		failed = resume(vcpu, v);
	}
	finish(vcpu, failed);
	if (!failed && (v->work & VMX_WORK_STEP))
		vmx_step_after(v);
}

/** Storing may leave work behind: debug registers. */
static inline void store(struct vcpu *vcpu, struct vmx_vcpu *v)
{
	const uint32_t changed = vcpu->changed;

	vcpu->changed = 0;
	if (changed == REGS_RIP && (v->work & VMX_WORK_CURRENT) == 0)
		vmwrite(VMCS_GUEST_RIP, vcpu->regs.rip);
	else if (changed != 0)
		vmx_store(vcpu, changed);
}

/** After most exits RIP is all that has changed, and there is nothing else to do. */
static inline void enter(struct vcpu *vcpu)
{
	struct vmx_vcpu *v = vmx_of(vcpu);

	if (vmx_unlikely(v->work != 0 || vcpu->changed != REGS_RIP)) {
		store(vcpu, v);
		enter_prepared(vcpu, v);
		return;
	}
	vcpu->changed = 0;
	vmwrite(VMCS_GUEST_RIP, vcpu->regs.rip);
	check_host(v);
	finish(vcpu, resume(vcpu, v));
}

static void vmx_run(struct vcpu *vcpu)
{
	vcpu_loop(vcpu, enter, vmx_exits, ROW_COUNT);
}

/* ---------------------------------------------------------------------- control blocks of vCPUs */

/**
 * Virtual-processor identifiers (29.1): 0 is the host's. One that runs without flushes all on its
 * entries.
 */
#define VPIDS 1024u
static uint64_t vpid_used[VPIDS / 64] = {1};
static struct host_lock vpid_lock;

static uint16_t vpid_alloc(void)
{
	uint32_t found = 0;

	host_lock(&vpid_lock);
	for (uint32_t i = 1; i < VPIDS && found == 0; i++)
		if (!(vpid_used[i / 64] >> (i % 64) & 1))
			found = i;
	vpid_used[found / 64] |= UINT64_C(1) << (found % 64);
	host_unlock(&vpid_lock);
	return (uint16_t)found;
}

static void vpid_free(uint16_t vpid)
{
	if (vpid == 0)
		return;
	host_lock(&vpid_lock);
	vpid_used[vpid / 64] &= ~(UINT64_C(1) << (vpid % 64));
	host_unlock(&vpid_lock);
}

static void free_pages(struct vcpu *vcpu, struct vmx_vcpu *v)
{
	if (v == NULL)
		return;
	if (v->vmcs != NULL)
		host_pages_free(vcpu->vm->pool, v->vmcs, 1);
	host_pages_free(vcpu->vm->pool, v, 1);
	vcpu->vendor = NULL;
}

static hv_status_t vmx_vcpu_init(struct vcpu *vcpu)
{
	struct vmx_vcpu *v = host_pages_alloc(vcpu->vm->pool, 1);

	if (v == NULL)
		return HV_E_NOMEM;
	v->vcpu = vcpu;
	v->vmcs = host_pages_alloc(vcpu->vm->pool, 1);
	if (v->vmcs == NULL) {
		free_pages(vcpu, v);
		return HV_E_NOMEM;
	}
	vcpu->vendor = v;
	v->vmcs_address = host_virt_to_phys(v->vmcs).raw;
	v->eptp = vmx_npt_format.root(host_virt_to_phys(vcpu->vm->npt.root_table));
	v->vpid = vmx_caps.vpid ? vpid_alloc() : 0;
	v->work = VMX_WORK_CURRENT | VMX_WORK_LIVE;
	*(uint32_t *)v->vmcs = vmx_caps.revision;
	vmx_forget(v); /* 25.11.3: VMCLEAR makes the region ready */
	vmx_begin(vcpu);
	vmx_init_fields(vcpu);
	vmx_end(v);
	return HV_OK;
}

static void clear_here(void *arg)
{
	struct vcpu *vcpu = arg;

	if (vcpu->cpu != host_cpu())
		return;
	restore_host(vcpu);
	vmx_forget(vmx_of(vcpu));
	vmx_of(vcpu)->cpu = NULL;
}

/** Only the CPU that holds it can write a VMCS back; whoever destroys a VM may be on another. */
static void vmx_vcpu_clear(struct vcpu *vcpu)
{
	if (!vmx_of(vcpu)->active)
		return;
	if (vcpu->cpu == host_cpu())
		clear_here(vcpu);
	else
		host_on_each_cpu(clear_here, vcpu);
}

static void vmx_vcpu_exit(struct vcpu *vcpu)
{
	struct vmx_vcpu *v = vmx_of(vcpu);

	vmx_vcpu_clear(vcpu);
	vpid_free(v->vpid);
	free_pages(vcpu, v);
}

/**
 * @req HV-100 Intel VT-x with EPT and unrestricted guest runs the driver's virtual machines
 */
const struct vendor_ops vmx_ops = {
	.name = "vmx",
	.vendor = HV_VENDOR_VMX,
	.npt_format = &vmx_npt_format,
	.exits = vmx_exits,
	.exit_count = ROW_COUNT,
	.hypercall = INSN_PATTERN_VMCALL,
	.present = vmx_present,
	.check = vmx_check,
	.cpu_enable = vmx_cpu_enable,
	.cpu_disable = vmx_cpu_disable,
	.cpu_flush = vmx_cpu_flush,
	.caps = vmx_features,
	.vm_init = vmx_vm_init,
	.vm_exit = vmx_vm_exit,
	.vcpu_init = vmx_vcpu_init,
	.vcpu_exit = vmx_vcpu_exit,
	.run = vmx_run,
	.fetch = vmx_fetch,
	.cpl = vmx_cpl,
	.fetch_code = vmx_fetch_code,
	.inject = vmx_inject,
	.intr_window = vmx_intr_window,
	.nmi_window = vmx_nmi_window,
	.apply_traps = vmx_apply_traps,
	.trap_msr = vmx_trap_msr,
	.flush = vmx_flush,
	.apic_mode = vmx_apic_mode,
	.apic_deliver = vmx_apic_deliver,
	.vcpu_clear = vmx_vcpu_clear,
};
