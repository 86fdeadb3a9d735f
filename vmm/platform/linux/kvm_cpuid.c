/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hv.h over /dev/kvm: what the guest sees of the CPU. The same policy as on HyPike (lib/x86/guest_cpuid.h), over
 * what KVM has to give.
 *
 * @req VMM-604 On KVM, too, a guest sees the features of the policy's list that KVM has, and no others.
 */
#include "vmm/platform/linux/kvm.h"

#include <string.h>

#include "lib/x86/cpu.h"
#include "lib/x86/cpuid.h"
#include "lib/x86/guest_cpuid.h"

/** struct kvm_cpuid2 with room. */
struct cpuid_list {
	uint32_t nent, padding;
	struct kvm_cpuid_entry2 entry[256];
};
_Static_assert(offsetof(struct cpuid_list, entry) == sizeof(struct kvm_cpuid2), "as in KVM's ABI");

#define LEAF_VERSION	   1u
#define LEAF_CACHES	   4u
#define LEAF_TOPOLOGY	   0xbu
#define LEAF_XSTATE	   0xdu
#define LEAF_EXT_MAX	   0x80000000u
#define LEAF_EXT_L2	   0x80000006u
#define LEAF_EXT_ADDRESSES 0x80000008u

/** x87, SSE, AVX. */
#define XCR0_SHOWN 7u
/** Of their state: XSAVE's area of x87 and SSE with its header, and AVX's. */
#define XSAVE_SIZE 576u
#define AVX_SIZE   256u

static void add(const struct kvm_cpuid_entry2 *entry, uint32_t flags)
{
	if (kvm.cpuid_rows == HV_X86_CPUID_ROWS)
		return;
	kvm.cpuid[kvm.cpuid_rows++] = (struct hv_x86_cpuid){
		.leaf = entry->function,
		.subleaf = entry->index,
		.flags = flags,
		.eax = entry->eax,
		.ebx = entry->ebx,
		.ecx = entry->ecx,
		.edx = entry->edx,
	};
}

/** What the policy leaves of features that KVM has: KVM switches XSAVE's and AVX's state where it has them. */
#define FEATURES(list, has)                                                                        \
	(((has) & (GUEST_CPUID_MASK(list, CPU) | GUEST_CPUID_MASK(list, XSAVE) |                   \
		   GUEST_CPUID_MASK(list, AVX))) |                                                 \
	 GUEST_CPUID_MASK(list, OWN))

/** Mask the registers that consist of features. */
static void apply_policy(struct kvm_cpuid_entry2 *entry)
{
#define ROW(number, subleaf, reg, list)                                                            \
	if (entry->function == (number) && entry->index == (subleaf))                              \
		entry->reg = FEATURES(list, entry->reg);
	GUEST_CPUID_REGISTERS(ROW)
#undef ROW
}

/** KVM's answer; all zero where it has none. */
static struct kvm_cpuid_entry2 supported(const struct cpuid_list *list, uint32_t leaf, uint32_t subleaf)
{
	for (uint32_t i = 0; i < list->nent; i++) {
		if (list->entry[i].function == leaf && list->entry[i].index == subleaf)
			return list->entry[i];
	}
	return (struct kvm_cpuid_entry2){.function = leaf, .index = subleaf};
}

static void add_basic(const struct cpuid_list *list)
{
	struct kvm_cpuid_entry2 entry = supported(list, 0, 0);

	entry.eax = entry.eax < LEAF_XSTATE ? entry.eax : LEAF_XSTATE;
	add(&entry, 0);
	entry = supported(list, LEAF_VERSION, 0);
	entry.ebx &= 0xffff; /* one logical processor; the APIC's ID is filled in */
	apply_policy(&entry);
	add(&entry, 0);
}

/** Nobody shares them. */
static void add_caches(const struct cpuid_list *list)
{
	for (uint32_t i = 0; i < 4; i++) {
		struct kvm_cpuid_entry2 entry = supported(list, LEAF_CACHES, i);
		if ((entry.eax & 0x1f) == 0)
			return;
		entry.eax &= 0x3fff;
		add(&entry, HV_X86_CPUID_SUBLEAF);
	}
}

static void add_features(const struct cpuid_list *list)
{
	struct kvm_cpuid_entry2 power = {.function = 6};
	struct kvm_cpuid_entry2 entry = supported(list, 7, 0);

	apply_policy(&power);
	add(&power, 0);
	entry.eax = 0;
	/* On a CPU without it KVM shows UMIP, but SMSW works in ring 3: VT-x can't have that exit. */
	if ((cpuid_count(7, 0).ecx & CPUID_7_ECX_UMIP) == 0)
		entry.ecx &= ~CPUID_7_ECX_UMIP;
	apply_policy(&entry);
	add(&entry, HV_X86_CPUID_SUBLEAF);
}

/** A vCPU is a package of its own. */
static void add_topology(uint32_t vcpus)
{
	const struct kvm_cpuid_entry2 rows[] = {
		{.function = LEAF_TOPOLOGY, .ebx = 1, .ecx = 1u << 8},
		{.function = LEAF_TOPOLOGY, .index = 1, .eax = 4, .ebx = vcpus, .ecx = 2u << 8 | 1},
	};

	add(&rows[0], HV_X86_CPUID_SUBLEAF);
	add(&rows[1], HV_X86_CPUID_SUBLEAF);
}

/** KVM fills in the sizes for what is enabled. */
static void add_xstate(const struct cpuid_list *list)
{
	struct kvm_cpuid_entry2 entry = supported(list, LEAF_XSTATE, 0);
	const bool avx = (entry.eax & 4) != 0;

	entry.eax &= XCR0_SHOWN;
	if (entry.eax == 0)
		return;
	entry.ebx = XSAVE_SIZE;
	entry.ecx = XSAVE_SIZE + (avx ? AVX_SIZE : 0);
	entry.edx = 0;
	add(&entry, HV_X86_CPUID_SUBLEAF);
	entry = supported(list, LEAF_XSTATE, 1);
	apply_policy(&entry);
	entry.ecx = entry.edx = 0;
	add(&entry, HV_X86_CPUID_SUBLEAF);
	entry = supported(list, LEAF_XSTATE, 2);
	if (avx)
		add(&entry, HV_X86_CPUID_SUBLEAF);
}

static void add_extended(const struct cpuid_list *list)
{
	struct kvm_cpuid_entry2 entry = supported(list, LEAF_EXT_MAX, 0);

	entry.eax = LEAF_EXT_ADDRESSES;
	add(&entry, 0);
	for (uint32_t leaf = LEAF_EXT_MAX + 1; leaf <= LEAF_EXT_ADDRESSES; leaf++) {
		entry = supported(list, leaf, 0);
		if (leaf == LEAF_EXT_MAX + 1)
			entry.ebx = 0;
		if (leaf > LEAF_EXT_L2) {
			entry.eax &= leaf == LEAF_EXT_ADDRESSES ? 0xffff : 0;
			entry.ecx = 0;
			entry.ebx = leaf == LEAF_EXT_ADDRESSES ? entry.ebx : 0;
		}
		apply_policy(&entry);
		add(&entry, 0);
	}
}

/** HyPike's own leaf isn't there: KVM doesn't hand over hypercalls. */
hv_status_t kvm_cpuid_init(uint32_t vcpus)
{
	static struct cpuid_list list;

	list.nent = sizeof(list.entry) / sizeof(list.entry[0]);
	const hv_status_t status = kvm_call(kvm.system, KVM_GET_SUPPORTED_CPUID, &list);
	if (status != HV_OK)
		return status;
	kvm.cpuid_rows = 0;
	add_basic(&list);
	add_caches(&list);
	add_features(&list);
	add_topology(vcpus);
	add_xstate(&list);
	add_extended(&list);
	return HV_OK;
}

/** The vCPU's own part of an answer. KVM fills in what depends on its state. */
static void own(struct kvm_cpuid_entry2 *entry, const struct kvm_vcpu *vcpu)
{
	if (entry->function == LEAF_VERSION)
		entry->ebx = (entry->ebx & 0xffffff) | vcpu->index << 24;
	if (entry->function == LEAF_TOPOLOGY)
		entry->edx = vcpu->index;
}

hv_status_t kvm_cpuid_load(struct kvm_vcpu *vcpu)
{
	struct cpuid_list list = {.nent = kvm.cpuid_rows};

	for (uint32_t i = 0; i < kvm.cpuid_rows; i++) {
		const struct hv_x86_cpuid *row = &kvm.cpuid[i];
		list.entry[i] = (struct kvm_cpuid_entry2){
			.function = row->leaf,
			.index = row->subleaf,
			.flags = row->flags & HV_X86_CPUID_SUBLEAF ? KVM_CPUID_FLAG_SIGNIFCANT_INDEX : 0,
			.eax = row->eax,
			.ebx = row->ebx,
			.ecx = row->ecx,
			.edx = row->edx,
		};
		own(&list.entry[i], vcpu);
	}
	const hv_status_t status = kvm_call(vcpu->fd, KVM_SET_CPUID2, &list);
	vcpu->identified = status == HV_OK;
	return status;
}

hv_status_t hv_x86_cpuid_get(hv_vm_t vm, struct hv_x86_cpuid *rows, uint32_t *count)
{
	const uint32_t room = *count;

	(void)vm;
	*count = kvm.cpuid_rows;
	if (room < kvm.cpuid_rows)
		return HV_E_FULL;
	memcpy(rows, kvm.cpuid, sizeof(*rows) * kvm.cpuid_rows);
	return HV_OK;
}

/** KVM knows of no exits by CPUID. */
hv_status_t hv_x86_cpuid_set(hv_vm_t vm, const struct hv_x86_cpuid *rows, uint32_t count)
{
	(void)vm;
	if (count > HV_X86_CPUID_ROWS)
		return HV_E_INVALID;
	for (uint32_t i = 0; i < count; i++) {
		if (rows[i].flags & HV_X86_CPUID_TRAP)
			return HV_E_UNSUPPORTED;
	}
	memcpy(kvm.cpuid, rows, sizeof(*rows) * count);
	kvm.cpuid_rows = count;
	for (uint32_t i = 0; i < kvm.vcpus; i++) {
		kvm.vcpu[i].identified = false;
		__atomic_store_n(&kvm.vcpu[i].changed, true, __ATOMIC_RELEASE);
	}
	return HV_OK;
}
