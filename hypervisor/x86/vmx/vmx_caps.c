/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file vmx_caps.c
 * Capability MSRs (SDM vol. 3, appendix A) into control values, computed once.
 *
 * @req HV-101 a missing VT-x feature is named in a whole sentence
 */
#include "hypervisor/x86/vmx/vmx.h"

struct vmx_caps vmx_caps;

/* IA32_VMX_BASIC: appendix A.1 */
#define BASIC_REVISION_BOCHS 0x2bu
#define BASIC_REVISION(b) ((uint32_t)(b) & 0x7fffffffu)
#define BASIC_IO_INFO	  (UINT64_C(1) << 54)
#define BASIC_TRUE	  (UINT64_C(1) << 55)
/* IA32_VMX_MISC: appendix A.6 */
#define MISC_TIMER_RATE(m) ((uint32_t)(m) & 0x1fu)

/** The five control words. */
enum control { PIN, PRIMARY, SECONDARY, EXIT, ENTRY, CONTROLS };

/** Bits that may be 1 (high half of the capability MSR) and that have to be (low half). */
struct allowed {
	uint32_t zero, one;
};

static const uint32_t control_msr[CONTROLS] = {
	[PIN] = IA32_VMX_PINBASED_CTLS,	      [PRIMARY] = IA32_VMX_PROCBASED_CTLS,
	[SECONDARY] = IA32_VMX_PROCBASED_CTLS2, [EXIT] = IA32_VMX_EXIT_CTLS,
	[ENTRY] = IA32_VMX_ENTRY_CTLS,
};

/** A.2 to A.5: these show which of the default1 controls may be 0. */
static const uint32_t true_control_msr[CONTROLS] = {
	[PIN] = IA32_VMX_TRUE_PINBASED_CTLS,  [PRIMARY] = IA32_VMX_TRUE_PROCBASED_CTLS,
	[SECONDARY] = IA32_VMX_PROCBASED_CTLS2, [EXIT] = IA32_VMX_TRUE_EXIT_CTLS,
	[ENTRY] = IA32_VMX_TRUE_ENTRY_CTLS,
};

/** Controls without which we don't run, in the order in which a missing one is reported. */
static const struct {
	enum control control;
	uint32_t bit;
	const char *missing;
} required[] = {
	{PRIMARY, PRIMARY_SECONDARY, "this CPU has VT-x but no secondary processor-based controls"},
	{SECONDARY, SECONDARY_EPT, "this CPU has VT-x but no EPT"},
	{SECONDARY, SECONDARY_UNRESTRICTED_GUEST, "this CPU has VT-x but no unrestricted guest"},
	{SECONDARY, SECONDARY_WBINVD, "this CPU has VT-x but no WBINVD exiting"},
	{PIN, PIN_EXTERNAL_INTERRUPT, "this CPU has VT-x but no external-interrupt exiting"},
	{PIN, PIN_NMI, "this CPU has VT-x but no NMI exiting"},
	{PIN, PIN_VIRTUAL_NMIS, "this CPU has VT-x but no virtual NMIs"},
	{PRIMARY, PRIMARY_INTR_WINDOW, "this CPU has VT-x but no interrupt-window exiting"},
	{PRIMARY, PRIMARY_NMI_WINDOW, "this CPU has VT-x but no NMI-window exiting"},
	{PRIMARY, PRIMARY_TSC_OFFSETTING, "this CPU has VT-x but no TSC offsetting"},
	{PRIMARY, PRIMARY_HLT, "this CPU has VT-x but no HLT exiting"},
	{PRIMARY, PRIMARY_MWAIT, "this CPU has VT-x but no MWAIT exiting"},
	{PRIMARY, PRIMARY_MONITOR, "this CPU has VT-x but no MONITOR exiting"},
	{PRIMARY, PRIMARY_RDPMC, "this CPU has VT-x but no RDPMC exiting"},
	{PRIMARY, PRIMARY_MOV_DR, "this CPU has VT-x but no MOV-DR exiting"},
	{PRIMARY, PRIMARY_UNCONDITIONAL_IO, "this CPU has VT-x but no unconditional I/O exiting"},
	{PRIMARY, PRIMARY_MSR_BITMAPS, "this CPU has VT-x but no MSR bitmaps"},
	{EXIT, EXIT_HOST_64, "this CPU has VT-x but no 64-bit host"},
	{EXIT, EXIT_SAVE_DEBUG, "this CPU has VT-x but doesn't save debug controls on VM exits"},
	{EXIT, EXIT_SAVE_PAT, "this CPU has VT-x but doesn't save IA32_PAT on VM exits"},
	{EXIT, EXIT_LOAD_PAT, "this CPU has VT-x but doesn't load IA32_PAT on VM exits"},
	{EXIT, EXIT_SAVE_EFER, "this CPU has VT-x but doesn't save IA32_EFER on VM exits"},
	{EXIT, EXIT_LOAD_EFER, "this CPU has VT-x but doesn't load IA32_EFER on VM exits"},
	{ENTRY, ENTRY_IA32E, "this CPU has VT-x but no 64-bit guests"},
	{ENTRY, ENTRY_LOAD_DEBUG,
	 "this CPU has VT-x but doesn't load debug controls on VM entries"},
	{ENTRY, ENTRY_LOAD_PAT, "this CPU has VT-x but doesn't load IA32_PAT on VM entries"},
	{ENTRY, ENTRY_LOAD_EFER, "this CPU has VT-x but doesn't load IA32_EFER on VM entries"},
};

static const struct {
	uint64_t bit;
	const char *missing;
} required_ept[] = {
	{EPT_CAP_WALK_4, "this CPU has EPT but no 4-level walk"},
	{EPT_CAP_WB, "this CPU has EPT but no write-back EPT tables"},
	{EPT_CAP_2M, "this CPU has EPT but no 2-MByte pages"},
	{EPT_CAP_INVEPT, "this CPU has EPT but no INVEPT"},
};

/** Controls that are required, but not in every VMCS from the start. */
#define PRIMARY_LATER (PRIMARY_INTR_WINDOW | PRIMARY_NMI_WINDOW)
#define ENTRY_LATER   ENTRY_IA32E

static void read_allowed(uint64_t basic, struct allowed allowed[CONTROLS])
{
	const uint32_t *msr = (basic & BASIC_TRUE) ? true_control_msr : control_msr;

	for (unsigned int i = 0; i < CONTROLS; i++) {
		uint64_t value = 0;

		/* The secondary controls' MSR exists where the control that activates them does. */
		if (i != SECONDARY || (allowed[PRIMARY].one & PRIMARY_SECONDARY))
			value = rdmsr(msr[i]);
		allowed[i] = (struct allowed){(uint32_t)value, (uint32_t)(value >> 32)};
	}
}

static const char *find_missing(const struct allowed allowed[CONTROLS], uint64_t *ept_vpid)
{
	for (unsigned int i = 0; i < sizeof(required) / sizeof(required[0]); i++)
		if (!(allowed[required[i].control].one & required[i].bit))
			return required[i].missing;
	*ept_vpid = rdmsr(IA32_VMX_EPT_VPID_CAP); /* exists with EPT: A.10 */
	for (unsigned int i = 0; i < sizeof(required_ept) / sizeof(required_ept[0]); i++)
		if (!(*ept_vpid & required_ept[i].bit))
			return required_ept[i].missing;
	return NULL;
}

/** Value of a control word: what has to be, what we require, and of `wanted` what there is. */
static uint32_t control_value(const struct allowed allowed[CONTROLS], enum control control,
			      uint32_t wanted, uint32_t later)
{
	uint32_t value = wanted;

	for (unsigned int i = 0; i < sizeof(required) / sizeof(required[0]); i++)
		if (required[i].control == control)
			value |= required[i].bit;
	return (value & ~later & allowed[control].one) | allowed[control].zero;
}

static bool has_all(uint32_t allowed, uint32_t bits)
{
	return (allowed & bits) == bits;
}

/** A VPID is of use only where one can be invalidated. */
static bool vpid_usable(const struct allowed *secondary, uint64_t ept_vpid)
{
	return (secondary->one & SECONDARY_VPID) && (ept_vpid & VPID_CAP_INVVPID) &&
	       (ept_vpid & (VPID_CAP_SINGLE | VPID_CAP_ALL));
}

/**
 * Bochs 2.7 does two things wrongly where a guest has RFLAGS.IF = 0. It doesn't leave the guest for host
 * interrupts if it was entered like that: vmx_limit_stay(). And when it leaves, a virtual interrupt that waits
 * for IF is delivered first: a guest with several vCPUs or devices doesn't survive that for long, so the driver
 * delivers interrupts there, unless it is told not to.
 * @req HV-132 Where the CPU's virtual-interrupt delivery is flawed, or not wanted, the driver injects interrupts.
 */
static bool assist_wanted(const struct vmx_caps *caps)
{
	return driver_options.apicv == DRIVER_APICV_ON ||
	       (driver_options.apicv == DRIVER_APICV_AUTO && !caps->bochs);
}

static void fill_options(struct vmx_caps *caps, const struct allowed allowed[CONTROLS])
{
	uint32_t assist = SECONDARY_APIC_REGISTERS | SECONDARY_VIRTUAL_INTERRUPTS;
	uint32_t secondary = allowed[SECONDARY].one;

	caps->tpr_shadow = allowed[PRIMARY].one & PRIMARY_TPR_SHADOW;
	caps->vpid = vpid_usable(&allowed[SECONDARY], caps->ept_vpid);
	caps->pause_loop = secondary & SECONDARY_PAUSE_LOOP;
	caps->rdtscp = secondary & SECONDARY_RDTSCP;
	if (!caps->tpr_shadow || !assist_wanted(caps))
		return;
	caps->xapic_assist = has_all(secondary, assist | SECONDARY_APIC_ACCESSES);
	caps->x2apic_assist = has_all(secondary, assist | SECONDARY_X2APIC);
}

static void fill_controls(struct vmx_caps *caps, const struct allowed allowed[CONTROLS])
{
	uint32_t cr8 = caps->tpr_shadow ? PRIMARY_TPR_SHADOW : PRIMARY_CR8_LOAD | PRIMARY_CR8_STORE;

	caps->pin = control_value(allowed, PIN, PIN_PREEMPTION_TIMER, 0);
	caps->primary = control_value(allowed, PRIMARY, cr8, PRIMARY_LATER);
	caps->secondary = control_value(allowed, SECONDARY,
					SECONDARY_RDTSCP | SECONDARY_INVPCID |
						(caps->pause_loop ? SECONDARY_PAUSE_LOOP : 0u), 0);
	caps->exit = control_value(allowed, EXIT, 0, 0);
	caps->entry = control_value(allowed, ENTRY, 0, ENTRY_LATER);
	caps->primary_allowed = allowed[PRIMARY].one;
	caps->secondary_allowed = allowed[SECONDARY].one;
}

hv_status_t vmx_caps_read(const char **reason)
{
	struct allowed allowed[CONTROLS] = {0};
	uint64_t basic = rdmsr(IA32_VMX_BASIC);
	const char *missing;

	read_allowed(basic, allowed);
	missing = find_missing(allowed, &vmx_caps.ept_vpid);
	if (missing != NULL) {
		*reason = missing;
		return HV_E_UNSUPPORTED;
	}
	vmx_caps.revision = BASIC_REVISION(basic);
	vmx_caps.bochs = vmx_caps.revision == BASIC_REVISION_BOCHS;
	vmx_caps.timer_rate = MISC_TIMER_RATE(rdmsr(IA32_VMX_MISC));
	vmx_caps.io_info = basic & BASIC_IO_INFO;
	vmx_caps.cr0_fixed0 = rdmsr(IA32_VMX_CR0_FIXED0);
	vmx_caps.cr0_fixed1 = rdmsr(IA32_VMX_CR0_FIXED1);
	vmx_caps.cr4_fixed0 = rdmsr(IA32_VMX_CR4_FIXED0);
	vmx_caps.cr4_fixed1 = rdmsr(IA32_VMX_CR4_FIXED1);
	fill_options(&vmx_caps, allowed);
	fill_controls(&vmx_caps, allowed);
	return HV_OK;
}
