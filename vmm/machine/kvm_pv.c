/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The clock is written once, when the guest asks for it: TSC and time run at a constant rate, and both go on
 * together from one pair of values that is the same for all vCPUs.
 *
 * @req VMM-117 A guest that asks for KVM's clock gets one that agrees with the host's.
 */
#include "vmm/machine/kvm_pv.h"

#include "lib/string.h"
#include "lib/x86/guest_cpuid.h"

#define LEAF_SIGNATURE 0x40000100u /* HyPike's own leaves come first */
#define LEAF_FEATURES  (LEAF_SIGNATURE + 1)
#define LEAF_EXTENDED  0x80000000u

/* "KVMKVMKVM\0\0\0" */
#define SIGNATURE_EBX 0x4b4d564bu
#define SIGNATURE_ECX 0x564b4d56u
#define SIGNATURE_EDX 0x0000004du

/* Which of KVM's features, and why not the others: lib/x86/guest_cpuid.h. */
#define FEATURES	GUEST_CPUID_MASK(GUEST_CPUID_KVM_EAX, OWN)
#define FEATURES_PV_EOI GUEST_CPUID_MASK(GUEST_CPUID_KVM_EAX, MAYBE) /**< its MSR is the hypervisor's */

#define MSR_WALL_CLOCK	0x4b564d00u
#define MSR_SYSTEM_TIME 0x4b564d01u
#define MSRS		2u

#define SYSTEM_TIME_ENABLE 1u
#define FLAG_TSC_STABLE	   1u

#define NS UINT64_C(1000000000)

/** struct pvclock_vcpu_time_info: time = system_time + (((tsc - timestamp) << shift) * mul >> 32). */
struct vcpu_time {
	uint32_t version; /**< odd: being changed */
	uint32_t pad;
	uint64_t timestamp, system_time;
	uint32_t mul;
	int8_t shift;
	uint8_t flags;
	uint8_t pad2[2];
};
_Static_assert(sizeof(struct vcpu_time) == 32, "as in the ABI");

struct wall_clock {
	uint32_t version, sec, nsec;
};

/* ------------------------------------------------------------------------------------------ CPUID */

#define ROWS_ADDED 2u

/** Rows are sorted by leaf: put ours before the extended ones. */
static hv_status_t add_leaves(struct vm *vm, const struct hv_caps *caps)
{
	const bool pv_eoi = (caps->features & HV_CAP_PV_EOI) != 0;
	const struct hv_x86_cpuid added[ROWS_ADDED] = {
		{.leaf = LEAF_SIGNATURE,
		 .eax = LEAF_FEATURES,
		 .ebx = SIGNATURE_EBX,
		 .ecx = SIGNATURE_ECX,
		 .edx = SIGNATURE_EDX},
		{.leaf = LEAF_FEATURES, .eax = FEATURES | (pv_eoi ? FEATURES_PV_EOI : 0)},
	};
	struct hv_x86_cpuid rows[HV_X86_CPUID_ROWS];
	uint32_t count = HV_X86_CPUID_ROWS, at = 0;
	hv_status_t status = hv_x86_cpuid_get(vm->handle, rows, &count);

	if (status != HV_OK)
		return status;
	if (count + ROWS_ADDED > HV_X86_CPUID_ROWS)
		return HV_E_FULL;
	while (at < count && rows[at].leaf < LEAF_EXTENDED)
		at++;
	memmove(&rows[at + ROWS_ADDED], &rows[at], (count - at) * sizeof(rows[0]));
	memcpy(&rows[at], added, sizeof(added));
	return hv_x86_cpuid_set(vm->handle, rows, count + ROWS_ADDED);
}

hv_status_t kvm_pv_init(struct kvm_pv *pv, struct vm *vm, uint64_t wall)
{
	struct hv_caps caps;
	hv_status_t status = hv_query(&caps);

	*pv = (struct kvm_pv){.vm = vm, .wall = wall, .start = platform_time()};
	pv->tsc_khz = caps.tsc_khz;
	if (status == HV_OK)
		status = add_leaves(vm, &caps);
	return status == HV_OK ? hv_trap_sysreg(vm->handle, MSR_WALL_CLOCK, MSRS, HV_SYSREG_EXIT)
			       : status;
}

void kvm_pv_reset(struct kvm_pv *pv)
{
	memset(pv->clock, 0, sizeof(pv->clock));
	pv->wall_clock = 0;
	pv->based = false;
}

/* ----------------------------------------------------------------------------------------- clocks */

/** The pair of TSC and time that all vCPUs' clocks go on from. */
static bool base(struct kvm_pv *pv, struct vcpu *vcpu)
{
	if (pv->based)
		return true;
	if (!vcpu_need(vcpu, HV_X86_REGS_TIME))
		return false;
	pv->base_tsc = platform_tsc() + hv_x86_regs(vcpu->page)->tsc_offset;
	pv->base_ns = platform_time() - pv->start;
	pv->based = true;
	return true;
}

/** Rate of the clock: frequencies above 2 GHz are halved, those up to 1 GHz doubled, until neither is needed. */
static void set_rate(struct vcpu_time *time, uint64_t khz)
{
	uint64_t hz = khz * 1000;
	int shift = 0;

	for (; hz > 2 * NS; hz >>= 1)
		shift--;
	for (; hz != 0 && hz <= NS; hz <<= 1)
		shift++;
	time->mul = hz != 0 ? (uint32_t)((NS << 32) / hz) : 0;
	time->shift = (int8_t)shift;
}

/** Nobody else but the guest looks at it, and only when the version is even and stays so. */
static bool write_clock(struct kvm_pv *pv, struct vcpu *vcpu, uint64_t address)
{
	struct vcpu_time time = {.flags = FLAG_TSC_STABLE};
	uint8_t *to = vm_ram(pv->vm, address, sizeof(time), HV_PROT_READ | HV_PROT_WRITE);
	uint32_t *version = (uint32_t *)(void *)to; /* the rest need not be aligned as a structure is */

	if (!to || address % sizeof(uint32_t) != 0 || !base(pv, vcpu))
		return false;
	time.version = (__atomic_load_n(version, __ATOMIC_RELAXED) | 1) + 1;
	time.timestamp = pv->base_tsc;
	time.system_time = pv->base_ns;
	set_rate(&time, pv->tsc_khz);
	__atomic_store_n(version, time.version - 1, __ATOMIC_SEQ_CST);
	memcpy(to + sizeof(*version), &time.pad, sizeof(time) - sizeof(*version));
	__atomic_store_n(version, time.version, __ATOMIC_SEQ_CST);
	return true;
}

static bool write_wall_clock(struct kvm_pv *pv, uint64_t address)
{
	const struct wall_clock time = {.version = 2, .sec = (uint32_t)pv->wall};
	void *to = vm_ram(pv->vm, address, sizeof(time), HV_PROT_READ | HV_PROT_WRITE);

	if (!to)
		return false;
	memcpy(to, &time, sizeof(time));
	return true;
}

static bool set_clock(struct kvm_pv *pv, struct vcpu *vcpu, uint64_t value)
{
	if ((value & SYSTEM_TIME_ENABLE) &&
	    !write_clock(pv, vcpu, value & ~(uint64_t)SYSTEM_TIME_ENABLE))
		return false;
	pv->clock[vcpu->index] = value;
	return true;
}

bool kvm_pv_msr(struct kvm_pv *pv, struct vcpu *vcpu, uint32_t msr, bool write, uint64_t *value)
{
	switch (msr) {
	case MSR_SYSTEM_TIME:
		if (write)
			return set_clock(pv, vcpu, *value);
		*value = pv->clock[vcpu->index];
		return true;
	case MSR_WALL_CLOCK:
		if (write && !write_wall_clock(pv, *value))
			return false;
		if (write)
			pv->wall_clock = *value;
		*value = pv->wall_clock;
		return true;
	default:
		return false;
	}
}
