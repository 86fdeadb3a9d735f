/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file cpuid.c
 * What a guest sees of the CPU. The table that a VM starts with is the host's, with every feature
 * masked that isn't named here: a feature is virtualised, or it isn't there.
 */
#include "hypervisor/core/core.h"
#include "hypervisor/x86/arch.h"
#include "hypervisor/x86/exits.h"
#include "hypervisor/x86/vendor.h"
#include "lib/x86/cpu.h"
#include "lib/x86/cpuid.h"
#include "lib/x86/insn.h"

#include <hypike/pv_x86.h>

/* Features that a guest may use when the CPU has them. */
#define LEAF1_ECX                                                                                  \
	(CPUID_1_ECX_SSE3 | CPUID_1_ECX_PCLMULQDQ | CPUID_1_ECX_SSSE3 | CPUID_1_ECX_FMA |          \
	 CPUID_1_ECX_CMPXCHG16B | CPUID_1_ECX_PCID | CPUID_1_ECX_SSE4_1 | CPUID_1_ECX_SSE4_2 |     \
	 CPUID_1_ECX_MOVBE | CPUID_1_ECX_POPCNT | CPUID_1_ECX_AESNI | CPUID_1_ECX_XSAVE |          \
	 CPUID_1_ECX_AVX | CPUID_1_ECX_F16C | CPUID_1_ECX_RDRAND)
/* Features of HyPike's own, whatever the CPU has. */
#define LEAF1_ECX_OWN (CPUID_1_ECX_x2APIC | CPUID_1_ECX_TSC_DEADLINE | CPUID_1_ECX_HYPERVISOR)
#define LEAF1_EDX                                                                                  \
	(CPUID_1_EDX_FPU | CPUID_1_EDX_VME | CPUID_1_EDX_DE | CPUID_1_EDX_PSE | CPUID_1_EDX_TSC |  \
	 CPUID_1_EDX_MSR | CPUID_1_EDX_PAE | CPUID_1_EDX_MCE | CPUID_1_EDX_CX8 | CPUID_1_EDX_SEP | \
	 CPUID_1_EDX_MTRR | CPUID_1_EDX_PGE | CPUID_1_EDX_MCA | CPUID_1_EDX_CMOV |                 \
	 CPUID_1_EDX_PAT | CPUID_1_EDX_PSE36 | CPUID_1_EDX_CLFSH | CPUID_1_EDX_MMX |               \
	 CPUID_1_EDX_FXSR | CPUID_1_EDX_SSE | CPUID_1_EDX_SSE2)
#define LEAF1_EDX_OWN CPUID_1_EDX_APIC
#define CPUID_7_EBX_ADX (1u << 19)
#define LEAF7_EBX                                                                                  \
	(CPUID_7_EBX_FSGSBASE | CPUID_7_EBX_BMI1 | CPUID_7_EBX_AVX2 | CPUID_7_EBX_SMEP |           \
	 CPUID_7_EBX_BMI2 | CPUID_7_EBX_ERMS | CPUID_7_EBX_RDSEED | CPUID_7_EBX_ADX |              \
	 CPUID_7_EBX_SMAP | CPUID_7_EBX_CLFLUSHOPT | CPUID_7_EBX_CLWB | CPUID_7_EBX_SHA)
#define CPUID_7_ECX_VAES       (1u << 9)
#define CPUID_7_ECX_VPCLMULQDQ (1u << 10)
#define LEAF7_ECX	       (CPUID_7_ECX_UMIP | CPUID_7_ECX_VAES | CPUID_7_ECX_VPCLMULQDQ)
#define LEAFD1_EAX	       (CPUID_D_1_EAX_XSAVEOPT | CPUID_D_1_EAX_XSAVEC | CPUID_D_1_EAX_XGETBV1)
#define CPUID_80000001_ECX_SSE4A    (1u << 6)
#define CPUID_80000001_ECX_MISALIGN (1u << 7)
#define CPUID_80000001_ECX_PREFETCHW (1u << 8)
#define LEAF81_ECX                                                                                 \
	(CPUID_80000001_ECX_LAHF | CPUID_80000001_ECX_ALTMOVCR8 | CPUID_80000001_ECX_LZCNT |       \
	 CPUID_80000001_ECX_SSE4A | CPUID_80000001_ECX_MISALIGN | CPUID_80000001_ECX_PREFETCHW)
#define CPUID_80000001_EDX_MMXEXT (1u << 22)
/* Bits that AMD repeats from leaf 1 (APM vol. 3, E.4.2). */
#define LEAF81_EDX_COMMON 0x0183f3ffu
#define LEAF81_EDX                                                                                 \
	(CPUID_80000001_EDX_SYSCALL | CPUID_80000001_EDX_NX | CPUID_80000001_EDX_PAGE1GB |         \
	 CPUID_80000001_EDX_LM | CPUID_80000001_EDX_MMXEXT |                                       \
	 (LEAF81_EDX_COMMON & (LEAF1_EDX | LEAF1_EDX_OWN)))

static void add(struct vm *vm, uint32_t leaf, uint32_t subleaf, uint32_t flags,
		struct cpuid_regs regs)
{
	if (vm->cpuid_rows >= HV_X86_CPUID_ROWS)
		return;
	vm->cpuid[vm->cpuid_rows++] = (struct hv_x86_cpuid){.leaf = leaf,
							    .subleaf = subleaf,
							    .flags = flags,
							    .eax = regs.eax,
							    .ebx = regs.ebx,
							    .ecx = regs.ecx,
							    .edx = regs.edx};
}

static void add_basic(struct vm *vm, uint32_t highest)
{
	struct cpuid_regs regs = cpuid(CPUID_VENDOR);

	regs.eax = highest < 0xd ? highest : 0xd;
	add(vm, CPUID_VENDOR, 0, 0, regs);
	regs = cpuid(CPUID_VERSION);
	regs.ebx &= 0x0000ffff; /* one logical processor; the APIC ID is filled in when asked */
	regs.ecx = (regs.ecx & LEAF1_ECX) | LEAF1_ECX_OWN;
	regs.edx = (regs.edx & LEAF1_EDX) | LEAF1_EDX_OWN;
	if (host_fpu_xcr0() == 0)
		regs.ecx &= ~(CPUID_1_ECX_XSAVE | CPUID_1_ECX_AVX | CPUID_1_ECX_FMA | CPUID_1_ECX_F16C);
	add(vm, CPUID_VERSION, 0, 0, regs);
}

/** Deterministic cache parameters with all sharing taken out: a vCPU has its caches to itself. */
static void add_caches(struct vm *vm)
{
	for (uint32_t i = 0; i < 4; i++) {
		struct cpuid_regs regs = cpuid_count(4, i);

		if ((regs.eax & 0x1f) == 0)
			break;
		regs.eax &= 0x3fff;
		add(vm, 4, i, HV_X86_CPUID_SUBLEAF, regs);
	}
}

static void add_features(struct vm *vm, uint32_t highest)
{
	if (highest < CPUID_FEATURES)
		return;
	struct cpuid_regs regs = cpuid_count(CPUID_FEATURES, 0);

	regs.eax = 0;
	regs.ebx &= LEAF7_EBX;
	regs.ecx &= LEAF7_ECX;
	regs.edx = 0;
	if ((host_fpu_xcr0() & XCR0_AVX) == 0) {
		regs.ebx &= ~CPUID_7_EBX_AVX2;
		regs.ecx &= ~(CPUID_7_ECX_VAES | CPUID_7_ECX_VPCLMULQDQ);
	}
	add(vm, CPUID_FEATURES, 0, HV_X86_CPUID_SUBLEAF, regs);
}

/** One processor per package, in x2APIC's form (SDM vol. 2, CPUID leaf 0BH); EDX is filled in. */
static void add_topology(struct vm *vm)
{
	add(vm, CPUID_TOPOLOGY, 0, HV_X86_CPUID_SUBLEAF,
	    (struct cpuid_regs){.ebx = 1, .ecx = 1u << 8});
	add(vm, CPUID_TOPOLOGY, 1, HV_X86_CPUID_SUBLEAF,
	    (struct cpuid_regs){.eax = 4, .ebx = vm->vcpu_limit, .ecx = 2u << 8 | 1});
}

static void add_xstate(struct vm *vm, uint32_t highest)
{
	const uint64_t xcr0 = host_fpu_xcr0();

	if (highest < CPUID_XSTATE || xcr0 == 0)
		return;
	struct cpuid_regs regs = {.eax = (uint32_t)xcr0,
				  .ebx = 576,
				  .ecx = host_fpu_size(),
				  .edx = (uint32_t)(xcr0 >> 32)};

	add(vm, CPUID_XSTATE, 0, HV_X86_CPUID_SUBLEAF, regs);
	regs = cpuid_count(CPUID_XSTATE, 1);
	add(vm, CPUID_XSTATE, 1, HV_X86_CPUID_SUBLEAF,
	    (struct cpuid_regs){.eax = regs.eax & LEAFD1_EAX, .ebx = host_fpu_size()});
	for (uint32_t i = 2; i < 10; i++)
		if ((xcr0 >> i & 1) != 0)
			add(vm, CPUID_XSTATE, i, HV_X86_CPUID_SUBLEAF, cpuid_count(CPUID_XSTATE, i));
}

static void add_hypervisor(struct vm *vm)
{
	const bool svm = vendor->vendor == HV_VENDOR_SVM;

	add(vm, PV_X86_LEAF, 0, 0,
	    (struct cpuid_regs){.eax = PV_X86_TIMING_LEAF,
				.ebx = PV_X86_SIGNATURE_EBX,
				.ecx = PV_X86_SIGNATURE_ECX,
				.edx = PV_X86_SIGNATURE_EDX});
	add(vm, PV_X86_LEAF + 1, 0, 0,
	    (struct cpuid_regs){.eax = PV_VERSION, .ebx = svm ? PV_X86_USE_VMMCALL : 0});
	add(vm, PV_X86_TIMING_LEAF, 0, 0,
	    (struct cpuid_regs){.eax = (uint32_t)host_tsc_khz(),
				.ebx = (uint32_t)(LAPIC_TIMER_HZ / 1000)});
}

static void add_addresses(struct vm *vm)
{
	const struct cpuid_regs regs = cpuid(CPUID_EXT_ADDRESSES);
	const uint32_t physical = (regs.eax & 0xff) < 48 ? regs.eax & 0xff : 48;

	add(vm, CPUID_EXT_ADDRESSES, 0, 0, (struct cpuid_regs){.eax = physical | 48u << 8});
}

static void add_extended(struct vm *vm)
{
	const uint32_t highest = cpuid(CPUID_EXT_MAX).eax;
	struct cpuid_regs regs = cpuid(CPUID_EXT_MAX);

	regs.eax = CPUID_EXT_ADDRESSES;
	add(vm, CPUID_EXT_MAX, 0, 0, regs);
	regs = cpuid(CPUID_EXT_FEATURES);
	regs.ecx &= LEAF81_ECX;
	regs.edx &= LEAF81_EDX;
	add(vm, CPUID_EXT_FEATURES, 0, 0, regs);
	for (uint32_t leaf = 0x80000002; leaf <= 0x80000006 && leaf <= highest; leaf++)
		add(vm, leaf, 0, 0, cpuid(leaf));
	/* HyPike's own clock relies on a TSC of constant rate, the same on all CPUs, also where the
	 * CPU doesn't promise it: so guests may, too. */
	add(vm, CPUID_EXT_POWER, 0, 0,
	    (struct cpuid_regs){.edx = CPUID_80000007_EDX_INVARIANT_TSC});
	add_addresses(vm);
}

/*
 * The index: for each of four ranges (basic, hypervisor, extended, and the second hypervisor's from
 * 40000100h on) 64 leaves, the number of the leaf's first row plus one, 0 where it has none. Rows of a
 * leaf stand together.
 */
#define INDEX_LEAVES 64u
#define INDEX_SECOND (3 * INDEX_LEAVES)
#define INDEX_SIZE   (4 * INDEX_LEAVES)
#define SECOND_LEAF  0x40000100u

static inline uint32_t index_of(uint32_t leaf)
{
	const uint32_t range = leaf >> 30;

	if (leaf - SECOND_LEAF < INDEX_LEAVES)
		return INDEX_SECOND + leaf - SECOND_LEAF;
	if (range > 2 || (leaf & 0x3fffffff) >= INDEX_LEAVES)
		return INDEX_SIZE;
	return range * INDEX_LEAVES + (leaf & 0x3fffffff);
}

/** What page walks have to know of it. */
static void note_paging(struct vm *vm)
{
	const struct hv_x86_cpuid *const addresses = cpuid_row(vm, CPUID_EXT_ADDRESSES, 0);
	const struct hv_x86_cpuid *const features = cpuid_row(vm, CPUID_EXT_FEATURES, 0);

	vm->phys_bits = addresses ? (uint8_t)addresses->eax : 36;
	vm->no_1g = !features || (features->edx & CPUID_80000001_EDX_PAGE1GB) == 0;
}

static void build_index(struct vm *vm)
{
	__builtin_memset(vm->cpuid_index, 0, INDEX_SIZE);
	for (uint32_t row = vm->cpuid_rows; row-- > 0;)
		vm->cpuid_index[index_of(vm->cpuid[row].leaf)] = (uint8_t)(row + 1);
	note_paging(vm);
}

hv_status_t cpuid_init(struct vm *vm)
{
	const uint32_t highest = cpuid(CPUID_VENDOR).eax;

	vm->cpuid = pool_alloc(vm->pool, sizeof(*vm->cpuid) * HV_X86_CPUID_ROWS + INDEX_SIZE);
	if (!vm->cpuid)
		return HV_E_NOMEM;
	vm->cpuid_index = (uint8_t *)(vm->cpuid + HV_X86_CPUID_ROWS);
	add_basic(vm, highest);
	add_caches(vm);
	add_features(vm, highest);
	add_topology(vm);
	add_xstate(vm, highest);
	add_hypervisor(vm);
	add_extended(vm);
	build_index(vm);
	return HV_OK;
}

void cpuid_exit(struct vm *vm)
{
	pool_free(vm->pool, vm->cpuid, sizeof(*vm->cpuid) * HV_X86_CPUID_ROWS + INDEX_SIZE);
}

static __attribute__((noinline)) const struct hv_x86_cpuid *
subleaf_row(const struct vm *vm, uint32_t first, uint32_t subleaf)
{
	const uint32_t leaf = vm->cpuid[first].leaf;

	for (uint32_t i = first; i < vm->cpuid_rows && vm->cpuid[i].leaf == leaf; i++)
		if (vm->cpuid[i].subleaf == subleaf)
			return &vm->cpuid[i];
	return NULL;
}

static inline const struct hv_x86_cpuid *find_row(const struct vm *vm, uint32_t leaf, uint32_t subleaf)
{
	const uint32_t index = index_of(leaf);
	const uint32_t first = index < INDEX_SIZE ? vm->cpuid_index[index] : 0;

	if (first == 0)
		return NULL;
	if ((vm->cpuid[first - 1].flags & HV_X86_CPUID_SUBLEAF) == 0)
		return &vm->cpuid[first - 1];
	return subleaf_row(vm, first - 1, subleaf);
}

const struct hv_x86_cpuid *cpuid_row(const struct vm *vm, uint32_t leaf, uint32_t subleaf)
{
	return find_row(vm, leaf, subleaf);
}

/** Bytes that XSAVE uses for the components that XCR0 has enabled now. */
static uint32_t xsave_size(const struct vcpu *vcpu)
{
	uint32_t size = 576;

	for (uint32_t i = 2; i < 10; i++) {
		const struct hv_x86_cpuid *const row = cpuid_row(vcpu->vm, CPUID_XSTATE, i);

		if (row && (vcpu->regs.xcr0 >> i & 1) != 0 && row->eax + row->ebx > size)
			size = row->eax + row->ebx;
	}
	return size;
}

/** The guest may have changed XCR0 unseen, where XSETBV isn't intercepted (QEMU): the host reads it. */
static void take_xcr0(struct vcpu *vcpu)
{
	vcpu_need(vcpu, REGS_CR);
	host_fpu_save(&vcpu->fpu);
	vcpu->regs.xcr0 = vcpu->fpu.xcr0;
}

/** The parts of an answer that depend on the vCPU and its state. */
static __attribute__((noinline)) void adjust(struct vcpu *vcpu, uint32_t leaf, uint32_t subleaf,
					     uint32_t out[4])
{
	switch (leaf) {
	case CPUID_VERSION:
		out[1] |= vcpu->index << 24;
		vcpu_need(vcpu, REGS_CR);
		if ((vcpu->regs.cr4 & CR4_OSXSAVE) != 0)
			out[2] |= CPUID_1_ECX_OSXSAVE;
		if (vcpu->lapic.mode == LAPIC_OFF)
			out[3] &= ~CPUID_1_EDX_APIC;
		break;
	case CPUID_TOPOLOGY:
		out[2] |= subleaf & 0xff; /* absent levels name themselves too */
		out[3] = vcpu->index;
		break;
	case CPUID_XSTATE:
		if (subleaf < 2) {
			take_xcr0(vcpu);
			out[1] = xsave_size(vcpu);
		}
		break;
	default:
		break;
	}
}

/** Leaves that adjust() has to do with. */
static inline bool is_adjusted(uint32_t leaf)
{
	return leaf < 32 && (1u << leaf & (1u << CPUID_VERSION | 1u << CPUID_TOPOLOGY |
					   1u << CPUID_XSTATE)) != 0;
}

/** An absent leaf reads as zero, as on AMD; Intel repeats the highest basic leaf, which tells nothing. */
static const struct hv_x86_cpuid absent;

static enum verdict complete(struct vcpu *vcpu)
{
	const struct hv_exit_id *const id = &vcpu->page->exit.id;

	if (vcpu->action == HV_ACTION_FAULT)
		return x86_raise_ud(vcpu);
	vcpu->regs.gpr[HV_RAX] = id->out[0];
	vcpu->regs.gpr[HV_RBX] = id->out[1];
	vcpu->regs.gpr[HV_RCX] = id->out[2];
	vcpu->regs.gpr[HV_RDX] = id->out[3];
	return vcpu_skip(vcpu, INSN_PATTERN_CPUID);
}

/** An answer that depends on the vCPU's state, or that the VMM wants to see. */
static __attribute__((noinline)) enum verdict answer_slowly(struct vcpu *vcpu,
							    const struct hv_x86_cpuid *row)
{
	uint64_t *const gpr = vcpu->regs.gpr;
	struct hv_exit_id id = {.leaf = (uint32_t)gpr[HV_RAX],
				.subleaf = (uint32_t)gpr[HV_RCX],
				.out = {row->eax, row->ebx, row->ecx, row->edx}};

	adjust(vcpu, id.leaf, id.subleaf, id.out);
	if ((row->flags & HV_X86_CPUID_TRAP) != 0) {
		vcpu->page->exit.id = id;
		vcpu->complete = complete;
		return vcpu_hand(vcpu, HV_EXIT_ID);
	}
	gpr[HV_RAX] = id.out[0];
	gpr[HV_RBX] = id.out[1];
	gpr[HV_RCX] = id.out[2];
	gpr[HV_RDX] = id.out[3];
	return vcpu_skip(vcpu, INSN_PATTERN_CPUID);
}

/** @req HV-050 CPUID answers come from the VM's table alone: no feature shows that isn't virtualised. */
enum verdict x86_exit_cpuid(struct vcpu *vcpu)
{
	uint64_t *const gpr = vcpu->regs.gpr;
	const uint32_t leaf = (uint32_t)gpr[HV_RAX];
	const struct hv_x86_cpuid *row = find_row(vcpu->vm, leaf, (uint32_t)gpr[HV_RCX]);

	if (!row)
		row = &absent;
	if (is_adjusted(leaf) || (row->flags & HV_X86_CPUID_TRAP) != 0)
		return answer_slowly(vcpu, row);
	gpr[HV_RAX] = row->eax;
	gpr[HV_RBX] = row->ebx;
	gpr[HV_RCX] = row->ecx;
	gpr[HV_RDX] = row->edx;
	return vcpu_skip(vcpu, INSN_PATTERN_CPUID);
}

hv_status_t vm_cpuid_get(struct vm *vm, struct hv_x86_cpuid *rows, uint32_t *count)
{
	const uint32_t room = *count;

	*count = vm->cpuid_rows;
	if (room < vm->cpuid_rows)
		return HV_E_FULL;
	__builtin_memcpy(rows, vm->cpuid, sizeof(*rows) * vm->cpuid_rows);
	return HV_OK;
}

/** Leaves whose bits are features that need virtualising: a new table may only take bits away. */
static bool within(const struct vm *vm, const struct hv_x86_cpuid *row)
{
	if (row->leaf != CPUID_VERSION && row->leaf != CPUID_FEATURES &&
	    row->leaf != CPUID_EXT_FEATURES && row->leaf != CPUID_XSTATE)
		return true;
	const struct hv_x86_cpuid *const now = cpuid_row(vm, row->leaf, row->subleaf);
	const bool sizes = row->leaf == CPUID_XSTATE;

	if (!now)
		return (row->eax | row->ebx | row->ecx | row->edx) == 0;
	if (sizes)
		return (row->eax & ~now->eax) == 0 || row->subleaf > 1;
	return (row->ecx & ~now->ecx) == 0 && (row->edx & ~now->edx) == 0 &&
	       (row->leaf != CPUID_FEATURES || (row->ebx & ~now->ebx) == 0);
}

static hv_status_t check_rows(const struct vm *vm, const struct hv_x86_cpuid *rows, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		if (index_of(rows[i].leaf) >= INDEX_SIZE ||
		    (rows[i].flags & ~(HV_X86_CPUID_SUBLEAF | HV_X86_CPUID_TRAP)) != 0)
			return HV_E_INVALID;
		if (i > 0 && (rows[i].leaf < rows[i - 1].leaf ||
			      (rows[i].leaf == rows[i - 1].leaf &&
			       rows[i].subleaf <= rows[i - 1].subleaf)))
			return HV_E_INVALID;
		if (!within(vm, &rows[i]))
			return HV_E_UNSUPPORTED;
	}
	return HV_OK;
}

hv_status_t vm_cpuid_set(struct vm *vm, const struct hv_x86_cpuid *rows, uint32_t count)
{
	if (count > HV_X86_CPUID_ROWS)
		return HV_E_FULL;
	if (__atomic_load_n(&vm->running, __ATOMIC_ACQUIRE) != 0)
		return HV_E_BUSY;
	const hv_status_t status = check_rows(vm, rows, count);

	if (status != HV_OK)
		return status;
	__builtin_memcpy(vm->cpuid, rows, sizeof(*rows) * count);
	vm->cpuid_rows = count;
	build_index(vm);
	return HV_OK;
}
