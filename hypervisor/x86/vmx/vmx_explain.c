/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file vmx_explain.c Why did the CPU refuse this guest state? The checks of SDM vol. 3, 27.3.1
 * (and of the event to be injected, 27.2.1.3), made again in software, as the CPU says no more
 * than "invalid guest state".
 *
 * Called by the PARANOID build after a failed entry; a debugger may call it at any exit.
 */
#include "hypervisor/x86/vmx/vmx.h"

struct guest_segment {
	uint64_t base;
	uint32_t limit, access, selector;
};

/** The guest-state area, read once. */
struct guest_state {
	uint64_t cr0, cr3, cr4, efer, rflags, rip, dr7, debugctl, pat, pending_debug, link;
	uint64_t gdtr_base, idtr_base, sysenter_esp, sysenter_eip;
	uint32_t gdtr_limit, idtr_limit, interruptibility, activity, entry_controls;
	uint32_t intr_info, intr_length;
	struct guest_segment seg[HV_SEGS];
	unsigned int violations;
	bool ia32e, v86;
};

static const char *const segment_name[HV_SEGS] = {"ES", "CS", "SS", "DS", "FS", "GS", "LDTR", "TR"};

static void rule(struct guest_state *s, bool holds, const char *text)
{
	if (holds)
		return;
	s->violations++;
	host_log("  violated: %s\n", text);
}

static void segment_rule(struct guest_state *s, unsigned int i, bool holds, const char *text)
{
	if (holds)
		return;
	s->violations++;
	host_log("  violated: %s: %s (selector %x base %llx limit %x access %x)\n", segment_name[i],
		 text, s->seg[i].selector, (unsigned long long)s->seg[i].base, s->seg[i].limit,
		 s->seg[i].access);
}

static bool is_canonical(uint64_t address)
{
	return (uint64_t)((int64_t)(address << 16) >> 16) == address;
}

static void read_segments(struct guest_state *s)
{
	for (unsigned int i = 0; i < HV_SEGS; i++) {
		s->seg[i].selector = vmread32(vmcs_nth(VMCS_GUEST_ES_SELECTOR, i));
		s->seg[i].base = vmread(vmcs_nth(VMCS_GUEST_ES_BASE, i));
		s->seg[i].limit = vmread32(vmcs_nth(VMCS_GUEST_ES_LIMIT, i));
		s->seg[i].access = vmread32(vmcs_nth(VMCS_GUEST_ES_ACCESS, i));
	}
	s->gdtr_base = vmread(VMCS_GUEST_GDTR_BASE);
	s->gdtr_limit = vmread32(VMCS_GUEST_GDTR_LIMIT);
	s->idtr_base = vmread(VMCS_GUEST_IDTR_BASE);
	s->idtr_limit = vmread32(VMCS_GUEST_IDTR_LIMIT);
}

static void read_state(struct guest_state *s)
{
	s->cr0 = vmread(VMCS_GUEST_CR0);
	s->cr3 = vmread(VMCS_GUEST_CR3);
	s->cr4 = vmread(VMCS_GUEST_CR4);
	s->efer = vmread(VMCS_GUEST_EFER);
	s->rflags = vmread(VMCS_GUEST_RFLAGS);
	s->rip = vmread(VMCS_GUEST_RIP);
	s->dr7 = vmread(VMCS_GUEST_DR7);
	s->debugctl = vmread(VMCS_GUEST_DEBUGCTL);
	s->pat = vmread(VMCS_GUEST_PAT);
	s->pending_debug = vmread(VMCS_GUEST_PENDING_DEBUG);
	s->link = vmread(VMCS_LINK_POINTER);
	s->sysenter_esp = vmread(VMCS_GUEST_SYSENTER_ESP);
	s->sysenter_eip = vmread(VMCS_GUEST_SYSENTER_EIP);
	s->interruptibility = vmread32(VMCS_GUEST_INTERRUPTIBILITY);
	s->activity = vmread32(VMCS_GUEST_ACTIVITY);
	s->entry_controls = vmread32(VMCS_ENTRY_CONTROLS);
	s->intr_info = vmread32(VMCS_ENTRY_INTR_INFO);
	s->intr_length = vmread32(VMCS_ENTRY_INSN_LENGTH);
	s->ia32e = s->entry_controls & ENTRY_IA32E;
	s->v86 = s->rflags & RFLAGS_VM;
	read_segments(s);
}

/** 27.3.1.1 */
static void explain_control(struct guest_state *s)
{
	uint64_t fixed0 = vmx_caps.cr0_fixed0 & ~(CR0_PE | CR0_PG);
	bool paging = s->cr0 & CR0_PG, lma = s->efer & EFER_LMA, lme = s->efer & EFER_LME;

	rule(s, (s->cr0 & fixed0) == fixed0, "CR0 has the bits that VMX operation wants at 1");
	rule(s, !(s->cr0 & ~vmx_caps.cr0_fixed1), "CR0 has no bit that VMX operation wants at 0");
	rule(s, !paging || (s->cr0 & CR0_PE), "CR0.PG needs CR0.PE");
	rule(s, (s->cr4 & vmx_caps.cr4_fixed0) == vmx_caps.cr4_fixed0,
	     "CR4 has the bits that VMX operation wants at 1");
	rule(s, !(s->cr4 & ~vmx_caps.cr4_fixed1), "CR4 has no bit that VMX operation wants at 0");
	rule(s, !(s->cr4 & CR4_CET) || (s->cr0 & CR0_WP), "CR4.CET needs CR0.WP");
	rule(s, !s->ia32e || (paging && (s->cr4 & CR4_PAE)),
	     "an IA-32e mode guest needs CR0.PG and CR4.PAE");
	rule(s, s->ia32e || !(s->cr4 & CR4_PCIDE), "CR4.PCIDE needs an IA-32e mode guest");
	rule(s, !(s->cr3 >> 52), "CR3 has no bit above the physical address width");
	rule(s, !(s->dr7 >> 32), "DR7 bits 63:32 are 0");
	rule(s, is_canonical(s->sysenter_esp) && is_canonical(s->sysenter_eip),
	     "IA32_SYSENTER_ESP and _EIP are canonical");
	rule(s, lma == s->ia32e, "IA32_EFER.LMA is the IA-32e mode guest control");
	rule(s, !paging || lma == lme, "with CR0.PG, IA32_EFER.LMA is LME");
	rule(s, !(s->efer & ~(EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE)),
	     "IA32_EFER has no reserved bit");
}

static void explain_pat(struct guest_state *s)
{
	bool valid = true;

	for (unsigned int i = 0; i < 8; i++) {
		uint32_t type = s->pat >> (8 * i) & 0xff;

		valid = valid && type <= X86_MT_UC_MINUS && type != 2 && type != 3;
	}
	rule(s, valid, "each byte of IA32_PAT is a memory type");
}

static uint32_t dpl_of(const struct guest_state *s, unsigned int i)
{
	return s->seg[i].access >> HV_SEG_DPL_SHIFT & 3u;
}

static bool usable(const struct guest_state *s, unsigned int i)
{
	return !(s->seg[i].access & HV_SEG_UNUSABLE);
}

/** Granularity and limit have to fit together. */
static bool limit_fits(const struct guest_segment *seg)
{
	bool large = seg->limit >> 20, ragged = (seg->limit & 0xfff) != 0xfff;

	return (seg->access & HV_SEG_G) ? !ragged : !large;
}

static void explain_v86(struct guest_state *s)
{
	for (unsigned int i = HV_ES; i <= HV_GS; i++) {
		const struct guest_segment *seg = &s->seg[i];

		segment_rule(s, i, seg->base == (uint64_t)seg->selector << 4,
			     "in virtual-8086 mode the base is 16 times the selector");
		segment_rule(s, i, seg->limit == 0xffff, "in virtual-8086 mode the limit is FFFFh");
		segment_rule(s, i, seg->access == 0xf3, "in virtual-8086 mode the access is F3h");
	}
}

/** Type and privilege of CS (27.3.1.2). Type 3 is what unrestricted guests have in real mode. */
static void explain_cs(struct guest_state *s)
{
	uint32_t access = s->seg[HV_CS].access, type = access & HV_SEG_TYPE_MASK;
	uint32_t dpl = dpl_of(s, HV_CS), ss_dpl = dpl_of(s, HV_SS);

	segment_rule(s, HV_CS, type == 3 || (type & 9) == 9, "type is accessed code, or 3");
	segment_rule(s, HV_CS, type != 3 || dpl == 0, "type 3 has DPL 0");
	segment_rule(s, HV_CS, (type & 0xd) != 9 || dpl == ss_dpl,
		     "the DPL of non-conforming code is SS's");
	segment_rule(s, HV_CS, (type & 0xd) != 0xd || dpl <= ss_dpl,
		     "the DPL of conforming code isn't above SS's");
	segment_rule(s, HV_CS, !s->ia32e || !(access & HV_SEG_L) || !(access & HV_SEG_DB),
		     "64-bit code has D = 0");
	segment_rule(s, HV_CS, !(s->seg[HV_CS].base >> 32), "base bits 63:32 are 0");
}

static void explain_ss(struct guest_state *s)
{
	uint32_t type = s->seg[HV_SS].access & HV_SEG_TYPE_MASK;
	bool cs_is_3 = (s->seg[HV_CS].access & HV_SEG_TYPE_MASK) == 3;

	segment_rule(s, HV_SS, !usable(s, HV_SS) || type == 3 || type == 7,
		     "type is 3 or 7: read, write, accessed");
	segment_rule(s, HV_SS, (!cs_is_3 && (s->cr0 & CR0_PE)) || dpl_of(s, HV_SS) == 0,
		     "in real mode, or with CS type 3, DPL is 0");
	segment_rule(s, HV_SS, !usable(s, HV_SS) || !(s->seg[HV_SS].base >> 32),
		     "base bits 63:32 are 0");
}

static void explain_data(struct guest_state *s, unsigned int i)
{
	uint32_t type = s->seg[i].access & HV_SEG_TYPE_MASK;

	if (!usable(s, i))
		return;
	segment_rule(s, i, type & 1, "type is accessed");
	segment_rule(s, i, !(type & 8) || (type & 2), "a code segment is readable");
	if (i == HV_ES || i == HV_DS)
		segment_rule(s, i, !(s->seg[i].base >> 32), "base bits 63:32 are 0");
}

static void explain_code_and_data(struct guest_state *s)
{
	explain_cs(s);
	explain_ss(s);
	for (unsigned int i = HV_ES; i <= HV_GS; i++) {
		if (i != HV_CS && i != HV_SS)
			explain_data(s, i);
		if (i != HV_CS && !usable(s, i))
			continue;
		segment_rule(s, i, s->seg[i].access & HV_SEG_S, "S is 1");
		segment_rule(s, i, s->seg[i].access & HV_SEG_P, "P is 1");
		segment_rule(s, i, !(s->seg[i].access & ~HV_SEG_ATTR_MASK),
			     "no reserved bit is set");
		segment_rule(s, i, limit_fits(&s->seg[i]), "limit and G fit together");
	}
}

static void explain_tr(struct guest_state *s)
{
	uint32_t access = s->seg[HV_TR].access, type = access & HV_SEG_TYPE_MASK;

	segment_rule(s, HV_TR, usable(s, HV_TR), "is usable");
	segment_rule(s, HV_TR, type == 11 || (type == 3 && !s->ia32e), "type is a busy TSS");
	segment_rule(s, HV_TR, !(access & HV_SEG_S), "S is 0");
	segment_rule(s, HV_TR, access & HV_SEG_P, "P is 1");
	segment_rule(s, HV_TR, limit_fits(&s->seg[HV_TR]), "limit and G fit together");
	segment_rule(s, HV_TR, !(s->seg[HV_TR].selector & 4), "TI is 0");
	segment_rule(s, HV_TR, is_canonical(s->seg[HV_TR].base), "base is canonical");
}

static void explain_ldtr(struct guest_state *s)
{
	uint32_t access = s->seg[HV_LDTR].access;

	if (!usable(s, HV_LDTR))
		return;
	segment_rule(s, HV_LDTR, (access & HV_SEG_TYPE_MASK) == 2, "type is 2");
	segment_rule(s, HV_LDTR, !(access & HV_SEG_S), "S is 0");
	segment_rule(s, HV_LDTR, access & HV_SEG_P, "P is 1");
	segment_rule(s, HV_LDTR, limit_fits(&s->seg[HV_LDTR]), "limit and G fit together");
	segment_rule(s, HV_LDTR, !(s->seg[HV_LDTR].selector & 4), "TI is 0");
	segment_rule(s, HV_LDTR, is_canonical(s->seg[HV_LDTR].base), "base is canonical");
}

/** 27.3.1.3 and 27.3.1.4 */
static void explain_tables_and_flags(struct guest_state *s)
{
	bool code64 = s->ia32e && (s->seg[HV_CS].access & HV_SEG_L);

	rule(s, is_canonical(s->gdtr_base) && is_canonical(s->idtr_base),
	     "GDTR's and IDTR's bases are canonical");
	rule(s, !(s->gdtr_limit >> 16) && !(s->idtr_limit >> 16),
	     "GDTR's and IDTR's limits have 16 bits");
	rule(s, code64 || !(s->rip >> 32), "RIP bits 63:32 are 0 outside 64-bit code");
	rule(s, !code64 || is_canonical(s->rip), "RIP is canonical");
	rule(s, !(s->rflags >> 22) && !(s->rflags & 0x8028) && (s->rflags & RFLAGS_FIXED1),
	     "RFLAGS' reserved bits are as they must be");
	rule(s, !s->v86 || (!s->ia32e && (s->cr0 & CR0_PE)),
	     "RFLAGS.VM needs protected mode outside IA-32e mode");
	rule(s, !(s->intr_info & INTR_INFO_VALID) || INTR_INFO_TYPE(s->intr_info) != 0 ||
			(s->rflags & RFLAGS_IF),
	     "an external interrupt is injected with RFLAGS.IF = 1");
}

/** 27.3.1.5 */
static void explain_interruptibility(struct guest_state *s)
{
	uint32_t state = s->interruptibility, type = INTR_INFO_TYPE(s->intr_info);
	uint32_t shadow = state & (INTERRUPTIBILITY_STI | INTERRUPTIBILITY_MOV_SS);
	bool valid = s->intr_info & INTR_INFO_VALID;
	bool interrupt = valid && type == X86_EVENT_EXTINT, nmi = valid && type == X86_EVENT_NMI;
	bool step = (s->rflags & RFLAGS_TF) && !(s->debugctl & 2);

	rule(s, s->activity <= 3, "the activity state is one of four");
	rule(s, s->activity == ACTIVITY_ACTIVE || shadow == 0, "a shadow needs the active state");
	rule(s, !(state >> 5), "interruptibility has no reserved bit");
	rule(s, shadow != (INTERRUPTIBILITY_STI | INTERRUPTIBILITY_MOV_SS),
	     "blocking by STI and by MOV SS exclude each other");
	rule(s, !(state & INTERRUPTIBILITY_STI) || (s->rflags & RFLAGS_IF),
	     "blocking by STI needs RFLAGS.IF");
	rule(s, !interrupt || shadow == 0, "no external interrupt is injected into a shadow");
	rule(s, !nmi || !(state & INTERRUPTIBILITY_MOV_SS), "no NMI is injected behind MOV SS");
	rule(s, !nmi || !(state & INTERRUPTIBILITY_NMI),
	     "no NMI is injected while NMIs are blocked");
	rule(s, !(state & INTERRUPTIBILITY_SMI), "blocking by SMI is 0 outside SMM");
	rule(s, shadow == 0 || step == !!(s->pending_debug & PENDING_DEBUG_BS),
	     "in a shadow, pending debug exceptions have BS exactly with RFLAGS.TF and no BTF");
	rule(s, s->link == UINT64_MAX, "the VMCS link pointer is all ones");
}

/** 27.3.1.6 */
static void explain_pdptes(struct guest_state *s)
{
	bool pae = (s->cr0 & CR0_PG) && (s->cr4 & CR4_PAE) && !s->ia32e;

	for (unsigned int i = 0; pae && i < 4; i++) {
		uint64_t entry = vmread(vmcs_nth(VMCS_GUEST_PDPTE0, i));

		rule(s, !(entry & 1) || !(entry & UINT64_C(0xfff00000000001e6)),
		     "a present PDPTE has no reserved bit");
	}
}

/** 27.2.1.3: a control check, but one that guests bring about. */
static void explain_injection(struct guest_state *s)
{
	uint32_t type = INTR_INFO_TYPE(s->intr_info), vector = INTR_INFO_VECTOR(s->intr_info);
	bool code = s->intr_info & INTR_INFO_CODE, software = type >= X86_EVENT_SOFT_INT;

	if (!(s->intr_info & INTR_INFO_VALID))
		return;
	rule(s, type != 1 && type != 7, "the type of the injected event exists");
	rule(s, type != X86_EVENT_NMI || vector == 2, "an NMI has vector 2");
	rule(s, type != X86_EVENT_EXCEPTION || vector < 32, "an exception has a vector below 32");
	rule(s, !code || (s->cr0 & CR0_PE), "no error code is delivered in real mode");
	rule(s, !code || (type == X86_EVENT_EXCEPTION && (X86_ERROR_CODE_VECTORS >> vector & 1)),
	     "only exceptions that have an error code get one");
	rule(s, !software || (s->intr_length >= 1 && s->intr_length <= 15),
	     "a software event's instruction has 1 to 15 bytes");
}

/** @req HV-114 a refused guest state is explained, rule by rule of SDM 27.3.1 (PARANOID) */
void vmx_explain_guest_state(void)
{
	struct guest_state s = {0};

	read_state(&s);
	explain_control(&s);
	explain_pat(&s);
	if (s.v86)
		explain_v86(&s);
	else
		explain_code_and_data(&s);
	explain_tr(&s);
	explain_ldtr(&s);
	explain_tables_and_flags(&s);
	explain_interruptibility(&s);
	explain_pdptes(&s);
	explain_injection(&s);
	if (s.violations == 0)
		host_log("  none of the checked rules is violated\n");
}
