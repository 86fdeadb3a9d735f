/* SPDX-License-Identifier: BSD-2-Clause */
/* hv.h over /dev/kvm: what the guest sees of the CPU. */
#include "vmm/platform/linux/kvm.h"

#include <string.h>

#define LEAF_VERSION  1u
#define LEAF_TOPOLOGY 0xbu
#define ECX_TSC_DEADLINE (1u << 24)

/** struct kvm_cpuid2 with room. */
struct cpuid_list {
	uint32_t nent, padding;
	struct kvm_cpuid_entry2 entry[256];
};
_Static_assert(offsetof(struct cpuid_list, entry) == sizeof(struct kvm_cpuid2), "as in KVM's ABI");

/** Leaves that guests get. */
static bool wanted(uint32_t leaf)
{
	static const uint32_t leaves[] = {0,	      1,	  4,	      7,	  0xd,
					  0x80000000, 0x80000001, 0x80000002, 0x80000003, 0x80000004,
					  0x80000005, 0x80000006, 0x80000007, 0x80000008};

	for (size_t i = 0; i < sizeof(leaves) / sizeof(leaves[0]); i++) {
		if (leaves[i] == leaf)
			return true;
	}
	return false;
}

static void add(const struct kvm_cpuid_entry2 *entry)
{
	const bool indexed = (entry->flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX) != 0;

	if (kvm.cpuid_rows == HV_X86_CPUID_ROWS)
		return;
	kvm.cpuid[kvm.cpuid_rows++] = (struct hv_x86_cpuid){
		.leaf = entry->function,
		.subleaf = entry->index,
		.flags = indexed ? HV_X86_CPUID_SUBLEAF : 0,
		.eax = entry->eax,
		.ebx = entry->ebx,
		.ecx = entry->ecx,
		.edx = entry->edx,
	};
}

hv_status_t kvm_cpuid_init(void)
{
	static struct cpuid_list list;

	list.nent = sizeof(list.entry) / sizeof(list.entry[0]);
	const hv_status_t status = kvm_call(kvm.system, KVM_GET_SUPPORTED_CPUID, &list);
	kvm.cpuid_rows = 0;
	for (uint32_t i = 0; i < list.nent && status == HV_OK; i++) {
		if (list.entry[i].function == LEAF_VERSION)
			list.entry[i].ecx |= ECX_TSC_DEADLINE;
		if (wanted(list.entry[i].function))
			add(&list.entry[i]);
	}
	return status;
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
	for (uint32_t i = 0; i < kvm.vcpus; i++)
		kvm.vcpu[i].identified = false;
	return HV_OK;
}
