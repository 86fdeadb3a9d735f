/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file svm_traps.c
 * What makes a guest exit: intercept words, the MSR and the I/O permission maps.
 */
#include "hypervisor/x86/svm/svm.h"
#include "lib/string.h"
#include "lib/x86/cpuid.h"
#include "lib/x86/regs.h"

/* ----------------------------------------------------------------------------------- intercepts */

struct intercepts {
	uint32_t cr, dr, exception, word_1, word_2, word_3;
};

/**
 * Always. #DB and #AC: a guest can make the CPU deliver one of them for ever, without an
 * instruction boundary at which an interrupt could come (CVE-2015-8104, CVE-2015-5307). #DB is
 * added below; where DR6 is lost with it (Bochs), only while a breakpoint can be hit. VINTR exits
 * only while V_IRQ is set.
 */
static const struct intercepts always = {
	.cr = SVM_CR_WRITE(4),
	.exception = SVM_EXCEPTION(X86_AC) | SVM_EXCEPTION(X86_MC),
	.word_1 = SVM_I1_INTR | SVM_I1_NMI | SVM_I1_SMI | SVM_I1_INIT | SVM_I1_VINTR |
		  SVM_I1_CR0_SEL | SVM_I1_RDPMC | SVM_I1_CPUID | SVM_I1_RSM | SVM_I1_INVD |
		  SVM_I1_HLT | SVM_I1_INVLPGA | SVM_I1_IOIO_PROT | SVM_I1_MSR_PROT |
		  SVM_I1_TASK_SWITCH | SVM_I1_FERR_FREEZE | SVM_I1_SHUTDOWN,
	.word_2 = SVM_I2_VMRUN | SVM_I2_VMMCALL | SVM_I2_VMLOAD | SVM_I2_VMSAVE | SVM_I2_STGI |
		  SVM_I2_CLGI | SVM_I2_SKINIT | SVM_I2_ICEBP | SVM_I2_WBINVD | SVM_I2_MONITOR |
		  SVM_I2_MWAIT | SVM_I2_MWAIT_ARMED | SVM_I2_XSETBV,
};

/** By request of the VMM. Instructions that aren't here always exit. */
static const struct {
	enum hv_x86_insn insn;
	struct intercepts add;
} on_request[] = {
	{HV_X86_INSN_PAUSE, {.word_1 = SVM_I1_PAUSE}},
	{HV_X86_INSN_RDTSC, {.word_1 = SVM_I1_RDTSC}},
	{HV_X86_INSN_RDTSCP, {.word_2 = SVM_I2_RDTSCP}},
	{HV_X86_INSN_INVLPG, {.word_1 = SVM_I1_INVLPG}},
	{HV_X86_INSN_CR,
	 {.cr = SVM_CR_READ(0) | SVM_CR_READ(3) | SVM_CR_READ(4) | SVM_CR_READ(8) |
		SVM_CR_WRITE(0) | SVM_CR_WRITE(3) | SVM_CR_WRITE(8)}},
	{HV_X86_INSN_DR, {.dr = SVM_DR_ALL}},
	{HV_X86_INSN_DESC, {.word_1 = SVM_I1_DESC_READ | SVM_I1_DESC_WRITE}},
};

static void add(struct intercepts *to, const struct intercepts *from)
{
	to->cr |= from->cr;
	to->dr |= from->dr;
	to->exception |= from->exception;
	to->word_1 |= from->word_1;
	to->word_2 |= from->word_2;
	to->word_3 |= from->word_3;
}

static void add_requested(struct intercepts *to, uint64_t traps)
{
	for (uint32_t i = 0; i < sizeof(on_request) / sizeof(on_request[0]); i++)
		if ((traps & HV_X86_TRAP(on_request[i].insn)) != 0)
			add(to, &on_request[i].add);
}

/** What the state of this vCPU asks for. */
static void add_own(struct intercepts *to, const struct vcpu *vcpu)
{
	const struct svm_vcpu *const svm = svm_of(vcpu);

	if (!vcpu->dr_live || vcpu->dr_vmm)
		to->dr = SVM_DR_ALL;
	if (!svm_features.bochs || (svm->slow & SVM_SLOW_DR) != 0)
		to->exception |= SVM_EXCEPTION(X86_DB);
	if (svm_features.bochs)
		to->exception |= SVM_EXCEPTION(X86_DF);
	if (svm->cr8_trap || (svm_features.qemu && vcpu->intr_window))
		to->cr |= SVM_CR_WRITE(8);
	if (svm->nmi_shadow != 0 && (svm->slow & SVM_SLOW_IRET) == 0)
		to->word_1 |= SVM_I1_IRET;
	if (svm->step != 0) /* nothing may push flags with our TF: all ways into a handler exit */
		to->word_1 |= SVM_I1_INTN;
	if (svm->step != 0 || svm->df_injected)
		to->exception |= ~SVM_EXCEPTION(X86_NMI);
}

/** QEMU checks the intercept of INT n for INT3 and INTO too, and not those of #BP and #OF. */
static void add_exceptions(struct intercepts *to, uint32_t vectors)
{
	const uint32_t soft = SVM_EXCEPTION(X86_BP) | SVM_EXCEPTION(X86_OF);

	to->exception |= vectors & ~SVM_EXCEPTION(X86_NMI);
	if ((vectors & soft) != 0 && svm_features.qemu)
		to->word_1 |= SVM_I1_INTN;
}

static bool differ(const struct vmcb_control *c, const struct intercepts *i)
{
	return c->intercept_cr != i->cr || c->intercept_dr != i->dr ||
	       c->intercept_exception != i->exception || c->intercept_1 != i->word_1 ||
	       c->intercept_2 != i->word_2 || c->intercept_3 != i->word_3;
}

/** 15.14.4: PAUSE exits after many of them in short order, or each if the VMM wants it. */
#define PAUSE_COUNT	3000u
#define PAUSE_THRESHOLD 128u

static void set_pause(struct vmcb_control *c, struct intercepts *i, bool each)
{
	const bool filter = !each && svm_has(CPUID_8000000A_EDX_PAUSEFILTER);

	c->pause_filter_count = filter ? PAUSE_COUNT : 0;
	if (filter && svm_has(CPUID_8000000A_EDX_PAUSEFILTERTHRESHOLD))
		c->pause_filter_threshold = PAUSE_THRESHOLD;
	if (filter)
		i->word_1 |= SVM_I1_PAUSE;
}

/** Debug registers are in the CPU while the guest may touch them or has a breakpoint armed. */
static void set_slow_dr(struct vcpu *vcpu)
{
	struct svm_vcpu *const svm = svm_of(vcpu);
	const bool armed = (svm->vmcb.save.dr7 & 0xff) != 0;

	svm->slow = (svm->slow & ~SVM_SLOW_DR) | (vcpu->dr_live || armed ? SVM_SLOW_DR : 0);
}

static void set_step(struct vcpu *vcpu)
{
	struct svm_vcpu *const svm = svm_of(vcpu);

	svm->step &= ~SVM_STEP_VMM;
	if ((vcpu->request & HV_REQUEST_STEP) != 0)
		svm->step |= SVM_STEP_VMM;
	svm->slow = (svm->slow & ~SVM_SLOW_STEP) | (svm->step != 0 ? SVM_SLOW_STEP : 0);
	if (svm->step == 0)
		svm->stepping = false;
}

/**
 * @req HV-202 AMD-V: what traps is the union of what isolation needs and what the VMM asked for; a
 *      guest can't run an instruction that reaches the host's state.
 */
void svm_apply_traps(struct vcpu *vcpu)
{
	struct svm_vcpu *const svm = svm_of(vcpu);
	struct vmcb_control *const c = &svm->vmcb.control;
	const uint64_t traps = vcpu->vm->traps;
	struct intercepts i = always;

	set_slow_dr(vcpu);
	set_step(vcpu);
	add_requested(&i, traps);
	add_own(&i, vcpu);
	set_pause(c, &i, (traps & HV_X86_TRAP(HV_X86_INSN_PAUSE)) != 0);
	add_exceptions(&i, vcpu->vm->exceptions);
	i.word_2 |= svm_features.intercept_2;
	i.word_3 |= svm_features.intercept_3;
	if (!differ(c, &i))
		return;
	c->intercept_cr = i.cr;
	c->intercept_dr = i.dr;
	c->intercept_exception = i.exception;
	c->intercept_1 = i.word_1;
	c->intercept_2 = i.word_2;
	c->intercept_3 = i.word_3;
	svm_dirty(svm, SVM_CLEAN_I);
}

/* ---------------------------------------------------------------------------- permission maps */

/**
 * 15.10.1: 12 KBytes, a bit for each port and three behind the last; all ports exit in every VM.
 */
static uint8_t iopm[3 * HV_PAGE_SIZE] __attribute__((aligned(4096)));

void svm_traps_init(void)
{
	memset(iopm, 0xff, sizeof(iopm));
}

hpa_t svm_iopm(void)
{
	return host_virt_to_phys(iopm);
}

#define MSRPM_PAGES 2u

/**
 * 15.11: three ranges of 2000h MSRs, two bits each (read, write).
 * @return number of the first bit in the map, or -1 for an MSR that isn't there and always exits.
 */
static int msrpm_bit(uint32_t msr)
{
	static const uint32_t first[] = {0, 0xc0000000u, 0xc0010000u};

	for (uint32_t range = 0; range < 3; range++)
		if (msr - first[range] < 0x2000u)
			return (int)((range * 0x2000u + (msr - first[range])) * 2u);
	return -1;
}

/** MSRs whose guest values are in the CPU while the guest runs. No other may be let through. */
static const uint32_t in_vmcb[] = {
	IA32_FS_BASE, IA32_GS_BASE, IA32_KERNEL_GS_BASE, IA32_STAR, IA32_LSTAR, IA32_CSTAR,
	IA32_FMASK, IA32_SYSENTER_CS, IA32_SYSENTER_ESP, IA32_SYSENTER_EIP,
};

static bool is_in_vmcb(uint32_t msr)
{
	for (uint32_t i = 0; i < sizeof(in_vmcb) / sizeof(in_vmcb[0]); i++)
		if (in_vmcb[i] == msr)
			return true;
	return false;
}

void svm_trap_msr(struct vm *vm, uint32_t msr, bool read, bool write)
{
	uint8_t *const map = vm->vendor;
	const int bit = msrpm_bit(msr);

	if (bit < 0)
		return;
	const bool own = is_in_vmcb(msr);
	const uint32_t bits = (read || !own ? 1u : 0u) | (write || !own ? 2u : 0u);
	const uint32_t shift = (uint32_t)bit & 7u;

	map[bit / 8] = (uint8_t)((map[bit / 8] & ~(3u << shift)) | bits << shift);
}

hv_status_t svm_vm_init(struct vm *vm)
{
	vm->vendor = host_pages_alloc(vm->pool, MSRPM_PAGES);
	if (!vm->vendor)
		return HV_E_NOMEM;
	memset(vm->vendor, 0xff, (size_t)MSRPM_PAGES * HV_PAGE_SIZE);
	for (uint32_t i = 0; i < sizeof(in_vmcb) / sizeof(in_vmcb[0]); i++)
		svm_trap_msr(vm, in_vmcb[i], false, false);
	return HV_OK;
}

void svm_vm_exit(struct vm *vm)
{
	host_pages_free(vm->pool, vm->vendor, MSRPM_PAGES);
	vm->vendor = NULL;
}
