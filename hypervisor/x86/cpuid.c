/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file cpuid.c
 * What a guest sees of the CPU. The table that a VM starts with is the host's, with every leaf
 * and feature masked that lib/x86/guest_cpuid.h doesn't name: a feature is virtualised, or it isn't there.
 */
#include "hypervisor/core/core.h"
#include "hypervisor/x86/arch.h"
#include "hypervisor/x86/exits.h"
#include "hypervisor/x86/vendor.h"
#include "lib/x86/cpu.h"
#include "lib/x86/cpuid.h"
#include "lib/x86/guest_cpuid.h"
#include "lib/x86/insn.h"

#include <hypike/pv_x86.h>

/** The registers that consist of features: which bits are whose (lib/x86/guest_cpuid.h). */
static const struct feature_rule {
	uint32_t leaf;
	uint8_t subleaf;
	uint8_t reg; /**< offset in struct cpuid_regs */
	uint32_t cpu, xsave, avx, own;
} feature_rules[] = {
#define RULE(leaf, subleaf, reg, list)                                                             \
	{leaf, subleaf, offsetof(struct cpuid_regs, reg), GUEST_CPUID_MASK(list, CPU),             \
	 GUEST_CPUID_MASK(list, XSAVE), GUEST_CPUID_MASK(list, AVX), GUEST_CPUID_MASK(list, OWN)},
	GUEST_CPUID_REGISTERS(RULE)
#undef RULE
};

static uint32_t *reg_at(struct cpuid_regs *regs, uint8_t offset)
{
	return (uint32_t *)(void *)((char *)regs + offset);
}

/** What the CPU says, with nothing where it has no such leaf. */
static struct cpuid_regs cpu_says(uint32_t leaf, uint32_t subleaf)
{
	const uint32_t highest = cpuid(leaf & 0xc0000000).eax;

	return leaf <= highest ? cpuid_count(leaf, subleaf) : (struct cpuid_regs){0};
}

/** Features of the leaf that a guest gets; registers that don't consist of features are 0. */
static struct cpuid_regs features(uint32_t leaf, uint32_t subleaf)
{
	const uint64_t xcr0 = host_fpu_xcr0();
	struct cpuid_regs host = cpu_says(leaf, subleaf), guest = {0};

	for (uint32_t i = 0; i < sizeof(feature_rules) / sizeof(feature_rules[0]); i++) {
		const struct feature_rule *const rule = &feature_rules[i];
		const uint32_t may = rule->cpu | (xcr0 != 0 ? rule->xsave : 0) |
				     ((xcr0 & XCR0_AVX) != 0 ? rule->avx : 0);

		if (rule->leaf == leaf && rule->subleaf == subleaf)
			*reg_at(&guest, rule->reg) = (*reg_at(&host, rule->reg) & may) | rule->own;
	}
	return guest;
}

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

/* What fills in the leaves: add_NAME() as the list of leaves says. */

static void add_VENDOR(struct vm *vm, uint32_t leaf)
{
	add(vm, leaf, 0, 0, cpuid(leaf)); /* the highest leaf: cpuid_init() */
}

static void add_VERSION(struct vm *vm, uint32_t leaf)
{
	const struct cpuid_regs host = cpuid(leaf);
	struct cpuid_regs regs = features(leaf, 0);

	regs.eax = host.eax;
	regs.ebx = host.ebx & 0x0000ffff; /* one logical processor; the APIC ID is filled in when asked */
	add(vm, leaf, 0, 0, regs);
}

/** Deterministic cache parameters with all sharing taken out: a vCPU has its caches to itself. */
static void add_CACHES(struct vm *vm, uint32_t leaf)
{
	for (uint32_t i = 0; i < 4; i++) {
		struct cpuid_regs regs = cpu_says(leaf, i);

		if ((regs.eax & 0x1f) == 0)
			break;
		regs.eax &= 0x3fff;
		add(vm, leaf, i, HV_X86_CPUID_SUBLEAF, regs);
	}
}

static void add_FEATURES(struct vm *vm, uint32_t leaf)
{
	add(vm, leaf, 0, 0, features(leaf, 0));
}

/** The first subleaf alone. */
static void add_EXTENDED(struct vm *vm, uint32_t leaf)
{
	add(vm, leaf, 0, HV_X86_CPUID_SUBLEAF, features(leaf, 0));
}

/** One processor per package, in x2APIC's form (SDM vol. 2, CPUID leaf 0BH); EDX is filled in. */
static void add_TOPOLOGY(struct vm *vm, uint32_t leaf)
{
	add(vm, leaf, 0, HV_X86_CPUID_SUBLEAF, (struct cpuid_regs){.ebx = 1, .ecx = 1u << 8});
	add(vm, leaf, 1, HV_X86_CPUID_SUBLEAF,
	    (struct cpuid_regs){.eax = 4, .ebx = vm->vcpu_limit, .ecx = 2u << 8 | 1});
}

static void add_XSTATE(struct vm *vm, uint32_t leaf)
{
	const uint64_t xcr0 = host_fpu_xcr0();
	struct cpuid_regs second = features(leaf, 1);

	if (xcr0 == 0)
		return;
	second.ebx = host_fpu_size();
	add(vm, leaf, 0, HV_X86_CPUID_SUBLEAF,
	    (struct cpuid_regs){.eax = (uint32_t)xcr0,
				.ebx = 576,
				.ecx = host_fpu_size(),
				.edx = (uint32_t)(xcr0 >> 32)});
	add(vm, leaf, 1, HV_X86_CPUID_SUBLEAF, second);
	for (uint32_t i = 2; i < 10; i++)
		if ((xcr0 >> i & 1) != 0)
			add(vm, leaf, i, HV_X86_CPUID_SUBLEAF, cpuid_count(leaf, i));
}

static uint64_t divisor(uint64_t a, uint64_t b)
{
	while (b != 0) {
		const uint64_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

/**
 * TSC rate = ECX * EBX / EAX. Guests take the crystal for the clock of the local APIC's timer as well (SDM vol. 3,
 * 11.5.4), and Linux multiplies its rate in kHz by EBX in 32 bits.
 */
static void add_CRYSTAL(struct vm *vm, uint32_t leaf)
{
	const uint64_t khz = host_tsc_khz(), crystal_khz = LAPIC_TIMER_HZ / 1000;
	const uint64_t common = divisor(khz, crystal_khz);

	if (khz == 0 || khz / common > UINT32_MAX / crystal_khz)
		return;
	add(vm, leaf, 0, 0,
	    (struct cpuid_regs){.eax = (uint32_t)(crystal_khz / common),
				.ebx = (uint32_t)(khz / common),
				.ecx = (uint32_t)LAPIC_TIMER_HZ});
}

static void add_SIGNATURE(struct vm *vm, uint32_t leaf)
{
	add(vm, leaf, 0, 0,
	    (struct cpuid_regs){.eax = PV_X86_TIMING_LEAF,
				.ebx = PV_X86_SIGNATURE_EBX,
				.ecx = PV_X86_SIGNATURE_ECX,
				.edx = PV_X86_SIGNATURE_EDX});
}

static void add_INTERFACE(struct vm *vm, uint32_t leaf)
{
	const bool svm = vendor->vendor == HV_VENDOR_SVM;

	add(vm, leaf, 0, 0,
	    (struct cpuid_regs){.eax = PV_VERSION, .ebx = svm ? PV_X86_USE_VMMCALL : 0});
}

static void add_TIMING(struct vm *vm, uint32_t leaf)
{
	add(vm, leaf, 0, 0,
	    (struct cpuid_regs){.eax = (uint32_t)host_tsc_khz(),
				.ebx = (uint32_t)(LAPIC_TIMER_HZ / 1000)});
}

static void add_EXT_MAX(struct vm *vm, uint32_t leaf)
{
	struct cpuid_regs regs = cpuid(leaf);

	regs.eax = CPUID_EXT_ADDRESSES;
	add(vm, leaf, 0, 0, regs);
}

static void add_EXT_FEATURES(struct vm *vm, uint32_t leaf)
{
	const struct cpuid_regs host = cpu_says(leaf, 0);
	struct cpuid_regs regs = features(leaf, 0);

	regs.eax = host.eax;
	regs.ebx = host.ebx;
	add(vm, leaf, 0, 0, regs);
}

static void add_COPY(struct vm *vm, uint32_t leaf)
{
	add(vm, leaf, 0, 0, cpu_says(leaf, 0));
}

static void add_ADDRESSES(struct vm *vm, uint32_t leaf)
{
	const uint32_t host = cpu_says(leaf, 0).eax & 0xff;
	const uint32_t physical = host != 0 && host < 48 ? host : 48;
	struct cpuid_regs regs = features(leaf, 0);

	regs.eax = physical | 48u << 8;
	add(vm, leaf, 0, 0, regs);
}

/** The VMM adds these. */
static void add_KVM(struct vm *vm, uint32_t leaf)
{
	(void)vm;
	(void)leaf;
}

static void add_ABSENT(struct vm *vm, uint32_t leaf)
{
	(void)vm;
	(void)leaf;
}

static const struct leaf_rule {
	uint32_t first, last;
	void (*add)(struct vm *vm, uint32_t leaf);
} leaf_rules[] = {
#define RULE(first, last, how, name, why) {first, last, add_##how},
	GUEST_CPUID_LEAVES(RULE)
#undef RULE
};

static void add_leaves(struct vm *vm)
{
	for (uint32_t i = 0; i < sizeof(leaf_rules) / sizeof(leaf_rules[0]); i++)
		for (uint32_t leaf = leaf_rules[i].first; leaf <= leaf_rules[i].last; leaf++)
			leaf_rules[i].add(vm, leaf);
}

/** Leaf 0 tells the last basic one that there is. */
static void set_highest(struct vm *vm)
{
	for (uint32_t i = 0; i < vm->cpuid_rows; i++)
		if (vm->cpuid[i].leaf < PV_X86_LEAF)
			vm->cpuid[0].eax = vm->cpuid[i].leaf;
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

/** Leaves that adjust() has to do with. */
static inline bool is_adjusted(uint32_t leaf)
{
	return leaf < 32 && (1u << leaf & (1u << CPUID_VERSION | 1u << CPUID_TOPOLOGY |
					   1u << CPUID_XSTATE)) != 0;
}

/* And where a row is the whole answer, it is found without looking around: the slot by some bits of the
 * leaf's number, and the row says whose it is. Other slots name one that is nobody's. */
#define QUICK_SIZE 256u
#define NOBODYS	   HV_X86_CPUID_ROWS
#define CPUID_SIZE (sizeof(struct hv_x86_cpuid) * (HV_X86_CPUID_ROWS + 1) + INDEX_SIZE + QUICK_SIZE)

static inline uint32_t quick_of(uint32_t leaf)
{
	return (leaf >> 24 & 0xc0) | (leaf & 0x3f);
}

static inline const struct hv_x86_cpuid *quick_row(const struct vm *vm, uint32_t leaf)
{
	return &vm->cpuid[vm->cpuid_quick[quick_of(leaf)]];
}

static void build_quick(struct vm *vm)
{
	_Static_assert(NOBODYS <= UINT8_MAX, "row numbers are bytes");
	__builtin_memset(vm->cpuid_quick, NOBODYS, QUICK_SIZE);
	vm->cpuid[NOBODYS] = (struct hv_x86_cpuid){.leaf = UINT32_MAX};
	for (uint32_t row = vm->cpuid_rows; row-- > 0;)
		if (vm->cpuid[row].flags == 0 && !is_adjusted(vm->cpuid[row].leaf))
			vm->cpuid_quick[quick_of(vm->cpuid[row].leaf)] = (uint8_t)row;
}

static void build_index(struct vm *vm)
{
	build_quick(vm);
	__builtin_memset(vm->cpuid_index, 0, INDEX_SIZE);
	for (uint32_t row = vm->cpuid_rows; row-- > 0;)
		vm->cpuid_index[index_of(vm->cpuid[row].leaf)] = (uint8_t)(row + 1);
	note_paging(vm);
}

hv_status_t cpuid_init(struct vm *vm)
{
	vm->cpuid = pool_alloc(vm->pool, CPUID_SIZE);
	if (!vm->cpuid)
		return HV_E_NOMEM;
	vm->cpuid_index = (uint8_t *)(vm->cpuid + HV_X86_CPUID_ROWS + 1);
	vm->cpuid_quick = vm->cpuid_index + INDEX_SIZE;
	add_leaves(vm);
	set_highest(vm);
	build_index(vm);
	return HV_OK;
}

void cpuid_exit(struct vm *vm)
{
	pool_free(vm->pool, vm->cpuid, CPUID_SIZE);
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
static enum verdict answer_slowly(struct vcpu *vcpu, const struct hv_x86_cpuid *row)
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

static __attribute__((noinline)) enum verdict answer(struct vcpu *vcpu, uint32_t leaf)
{
	const struct hv_x86_cpuid *const row =
		find_row(vcpu->vm, leaf, (uint32_t)vcpu->regs.gpr[HV_RCX]);

	return answer_slowly(vcpu, row ? row : &absent);
}

/** @req HV-050 CPUID answers come from the VM's table alone: no feature shows that isn't virtualised. */
enum verdict x86_exit_cpuid(struct vcpu *vcpu)
{
	uint64_t *const gpr = vcpu->regs.gpr;
	const uint32_t leaf = (uint32_t)gpr[HV_RAX];
	const struct hv_x86_cpuid *const row = quick_row(vcpu->vm, leaf);

	if (row->leaf != leaf)
		return answer(vcpu, leaf);
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
