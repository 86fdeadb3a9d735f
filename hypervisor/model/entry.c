/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file entry.c
 * What a CPU checks before it enters a guest (SDM vol. 3, 27.2.1.3 and 27.3.1; APM vol. 2, 15.5.1):
 * a table of rules, each with its sentence.
 */
#include "hypervisor/model/cpu.h"
#include "lib/x86/regs.h"

#define RFLAGS_RESERVED (~UINT64_C(0x3f7fd7))
#define CR0_DEFINED	UINT64_C(0xe005003f)
#define CR4_DEFINED	UINT64_C(0x01ff1fff)
#define EFER_DEFINED	(EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE)
#define SHADOWS		(HV_SHADOW_STI | HV_SHADOW_MOV_SS)

typedef const struct hv_x86_regs *state_t;
typedef const struct x86_event *event_t;

static bool canonical(uint64_t address)
{
	return (uint64_t)((int64_t)(address << 16) >> 16) == address;
}

static bool long_mode(state_t s)
{
	return (s->efer & EFER_LMA) != 0;
}

static bool code_64(state_t s)
{
	return long_mode(s) && (s->seg[HV_CS].attr & HV_SEG_L) != 0;
}

static bool usable(state_t s, enum hv_x86_seg seg)
{
	return (s->seg[seg].attr & HV_SEG_UNUSABLE) == 0;
}

static uint32_t dpl(state_t s, enum hv_x86_seg seg)
{
	return (s->seg[seg].attr >> HV_SEG_DPL_SHIFT) & 3u;
}

/* ----------------------------------------------------------------------- control registers (27.3.1.1) */

static bool cr0_bits(state_t s)
{
	return (s->cr0 & ~CR0_DEFINED) == 0;
}

static bool cr0_paging(state_t s)
{
	return (s->cr0 & CR0_PG) == 0 || (s->cr0 & CR0_PE) != 0;
}

static bool cr0_caches(state_t s)
{
	return (s->cr0 & CR0_NW) == 0 || (s->cr0 & CR0_CD) != 0;
}

static bool cr4_bits(state_t s)
{
	return (s->cr4 & ~CR4_DEFINED) == 0 && (s->cr4 & (CR4_VMXE | CR4_SMXE | CR4_LA57)) == 0;
}

static bool cr4_pcid(state_t s)
{
	return (s->cr4 & CR4_PCIDE) == 0 || long_mode(s);
}

static bool cr3_width(state_t s)
{
	return s->cr3 < UINT64_C(1) << 52;
}

static bool efer_bits(state_t s)
{
	return (s->efer & ~EFER_DEFINED) == 0;
}

static bool efer_lma(state_t s)
{
	return long_mode(s) == ((s->efer & EFER_LME) != 0 && (s->cr0 & CR0_PG) != 0);
}

static bool long_pae(state_t s)
{
	return !long_mode(s) || (s->cr4 & CR4_PAE) != 0;
}

static bool debug_registers(state_t s)
{
	return s->dr7 >> 32 == 0 && s->dr6 >> 32 == 0;
}

static bool pat_types(state_t s)
{
	for (uint32_t i = 0; i < 8; i++) {
		uint32_t type = (s->pat >> (8 * i)) & 0xff;

		if (type > 7 || type == 2 || type == 3)
			return false;
	}
	return true;
}

static bool msr_addresses(state_t s)
{
	return canonical(s->sysenter_esp) && canonical(s->sysenter_eip) &&
	       canonical(s->kernel_gs_base) && canonical(s->lstar) && canonical(s->cstar);
}

/* ------------------------------------------------------------------- segment registers (27.3.1.2, .3) */

static bool attr_bits(state_t s)
{
	for (uint32_t i = 0; i < HV_SEGS; i++)
		if ((s->seg[i].attr & ~HV_SEG_ATTR_MASK) != 0)
			return false;
	return true;
}

static bool granularity(state_t s)
{
	for (uint32_t i = 0; i < HV_SEGS; i++) {
		const struct hv_x86_segment *seg = &s->seg[i];

		if ((seg->attr & HV_SEG_UNUSABLE) != 0)
			continue;
		if ((seg->limit & 0xfff) != 0xfff && (seg->attr & HV_SEG_G) != 0)
			return false;
		if (seg->limit >> 20 != 0 && (seg->attr & HV_SEG_G) == 0)
			return false;
	}
	return true;
}

static bool seg_bases(state_t s)
{
	if (!canonical(s->seg[HV_FS].base) || !canonical(s->seg[HV_GS].base) ||
	    !canonical(s->seg[HV_TR].base) || s->seg[HV_CS].base >> 32 != 0)
		return false;
	return (!usable(s, HV_SS) || s->seg[HV_SS].base >> 32 == 0) &&
	       (!usable(s, HV_DS) || s->seg[HV_DS].base >> 32 == 0) &&
	       (!usable(s, HV_ES) || s->seg[HV_ES].base >> 32 == 0) &&
	       (!usable(s, HV_LDTR) || canonical(s->seg[HV_LDTR].base));
}

static bool cs_type(state_t s)
{
	uint32_t type = s->seg[HV_CS].attr & HV_SEG_TYPE_MASK;

	return usable(s, HV_CS) && (s->seg[HV_CS].attr & (HV_SEG_S | HV_SEG_P)) == (HV_SEG_S | HV_SEG_P) &&
	       (type == 3 || type == 9 || type == 11 || type == 13 || type == 15);
}

static bool cs_long_default(state_t s)
{
	return !code_64(s) || (s->seg[HV_CS].attr & HV_SEG_DB) == 0;
}

static bool ss_type(state_t s)
{
	uint32_t type = s->seg[HV_SS].attr & HV_SEG_TYPE_MASK;

	return !usable(s, HV_SS) || type == 3 || type == 7;
}

static bool cs_ss_dpl(state_t s)
{
	uint32_t type = s->seg[HV_CS].attr & HV_SEG_TYPE_MASK;

	if (type == 9 || type == 11)
		return !usable(s, HV_SS) || dpl(s, HV_CS) == dpl(s, HV_SS);
	return true;
}

static bool tr_type(state_t s)
{
	uint32_t type = s->seg[HV_TR].attr & HV_SEG_TYPE_MASK;

	return usable(s, HV_TR) && (s->seg[HV_TR].attr & (HV_SEG_S | HV_SEG_P)) == HV_SEG_P &&
	       (type == 11 || (type == 3 && !long_mode(s)));
}

static bool ldtr_type(state_t s)
{
	return !usable(s, HV_LDTR) ||
	       (s->seg[HV_LDTR].attr & (HV_SEG_TYPE_MASK | HV_SEG_S | HV_SEG_P)) == (2u | HV_SEG_P);
}

static bool tables(state_t s)
{
	return canonical(s->gdtr.base) && canonical(s->idtr.base) && s->gdtr.limit <= 0xffff &&
	       s->idtr.limit <= 0xffff;
}

/* ---------------------------------------------------------------- RIP, RFLAGS, activity (27.3.1.4, .5) */

static bool rip_width(state_t s)
{
	return code_64(s) ? canonical(s->rip) : s->rip >> 32 == 0;
}

static bool rflags_bits(state_t s)
{
	return (s->rflags & RFLAGS_RESERVED) == 0 && (s->rflags & RFLAGS_FIXED1) != 0;
}

static bool rflags_vm(state_t s)
{
	return (s->rflags & RFLAGS_VM) == 0 || (!long_mode(s) && (s->cr0 & CR0_PE) != 0);
}

static bool running(state_t s)
{
	return s->activity == HV_ACTIVITY_RUN;
}

static bool shadow_bits(state_t s)
{
	return s->shadow <= (HV_SHADOW_STI | HV_SHADOW_MOV_SS | HV_SHADOW_NMI) &&
	       (s->shadow & SHADOWS) != SHADOWS;
}

static bool shadow_sti(state_t s)
{
	return (s->shadow & HV_SHADOW_STI) == 0 || (s->rflags & RFLAGS_IF) != 0;
}

static const struct {
	bool (*holds)(state_t state);
	const char *otherwise;
} state_rules[] = {
	{cr0_bits, "reserved bits in CR0"},
	{cr0_paging, "CR0.PG without PE"},
	{cr0_caches, "CR0.NW without CD"},
	{cr4_bits, "bits in CR4 that a guest can't have"},
	{cr4_pcid, "CR4.PCIDE outside long mode"},
	{cr3_width, "CR3 beyond the physical address width"},
	{efer_bits, "reserved bits in EFER"},
	{efer_lma, "EFER.LMA doesn't follow from LME and PG"},
	{long_pae, "long mode without CR4.PAE"},
	{debug_registers, "upper half of DR6 or DR7"},
	{pat_types, "PAT with a reserved memory type"},
	{msr_addresses, "an MSR holds an address that isn't canonical"},
	{attr_bits, "reserved bits in segment attributes"},
	{granularity, "segment limit against its granularity"},
	{seg_bases, "segment base out of range"},
	{cs_type, "CS isn't a present code segment"},
	{cs_long_default, "CS.L with CS.D"},
	{ss_type, "SS isn't a writable data segment"},
	{cs_ss_dpl, "CS and SS of different privilege"},
	{tr_type, "TR isn't a busy TSS"},
	{ldtr_type, "LDTR isn't an LDT"},
	{tables, "GDTR or IDTR out of range"},
	{rip_width, "RIP out of range"},
	{rflags_bits, "reserved bits in RFLAGS"},
	{rflags_vm, "virtual-8086 mode in long mode or without protection"},
	{running, "entered while halted or waiting for a start-up message"},
	{shadow_bits, "interruptibility bits that exclude each other"},
	{shadow_sti, "shadow of STI with interrupts disabled"},
};

/* ------------------------------------------------------------------------ event injection (27.2.1.3) */

static bool event_type(state_t s, event_t e)
{
	(void)s;
	return e->type <= X86_EVENT_SOFT_EXC && e->type != 1;
}

static bool event_vector(state_t s, event_t e)
{
	(void)s;
	if (e->type == X86_EVENT_NMI)
		return e->vector == X86_NMI;
	return e->type != X86_EVENT_EXCEPTION || (e->vector <= 31 && e->vector != X86_NMI);
}

static bool event_code(state_t s, event_t e)
{
	bool wants = e->type == X86_EVENT_EXCEPTION && (s->cr0 & CR0_PE) != 0 &&
		     (X86_ERROR_CODE_VECTORS >> (e->vector & 31) & 1) != 0;

	return (e->has_code != 0) == wants && (!e->has_code || e->code >> 16 == 0);
}

static bool event_length(state_t s, event_t e)
{
	(void)s;
	return e->type < X86_EVENT_SOFT_INT || (e->insn_length >= 1 && e->insn_length <= 15);
}

static bool extint_if(state_t s, event_t e)
{
	return e->type != X86_EVENT_EXTINT || (s->rflags & RFLAGS_IF) != 0;
}

static bool extint_shadow(state_t s, event_t e)
{
	return e->type != X86_EVENT_EXTINT || (s->shadow & SHADOWS) == 0;
}

static bool nmi_shadow(state_t s, event_t e)
{
	return e->type != X86_EVENT_NMI || s->shadow == 0;
}

static const struct {
	bool (*holds)(state_t state, event_t event);
	const char *otherwise;
} event_rules[] = {
	{event_type, "event of a reserved type"},
	{event_vector, "vector doesn't fit the event's type"},
	{event_code, "error code where there is none, none where there is one, or too wide"},
	{event_length, "software event without an instruction length"},
	{extint_if, "external interrupt with RFLAGS.IF = 0"},
	{extint_shadow, "external interrupt in the shadow of STI or MOV SS"},
	{nmi_shadow, "NMI while NMIs are blocked"},
};

const char *model_entry_error(const struct model_cpu *cpu)
{
	const struct hv_x86_regs *state = &cpu->state;

	for (size_t i = 0; i < sizeof(state_rules) / sizeof(state_rules[0]); i++)
		if (!state_rules[i].holds(state))
			return state_rules[i].otherwise;
	if (!cpu->inject.valid)
		return NULL;
	for (size_t i = 0; i < sizeof(event_rules) / sizeof(event_rules[0]); i++)
		if (!event_rules[i].holds(state, &cpu->inject))
			return event_rules[i].otherwise;
	return NULL;
}
