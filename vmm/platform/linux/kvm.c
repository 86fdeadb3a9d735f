/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hv.h over /dev/kvm: the VM, its memory, its interrupts, its doorbells, what traps.
 *
 * @req VMM-600 Guests run on KVM as they do on HyPike, without a change to machine, devices or boot code.
 */
#define _GNU_SOURCE
#include "vmm/platform/linux/kvm.h"

#include <errno.h>
#include <fcntl.h>
#include <hypike/vmm.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vmm/platform/linux/events.h"
#include "vmm/platform/linux/linux.h"

/* Intel's KVM wants room for its own in the guest's address space, below the reset vector. */
#define IDENTITY_MAP 0xfffbc000u
#define TSS_AREA     0xfffbd000u

/** Vectors have a GSI each: of its own number. */
#define VECTORS 256u

/* A message to everybody (SDM 3A 11.11). */
#define MSI_TO_ALL     0xfeeff000u
#define MSI_LEVEL      (1u << 15)

struct kvm_vm kvm = {.system = -1, .fd = -1};

int kvm_ioctl(int fd, unsigned long what, void *argument)
{
	int result;

	do
		result = ioctl(fd, what, argument);
	while (result < 0 && errno == EINTR);
	return result;
}

hv_status_t kvm_call(int fd, unsigned long what, void *argument)
{
	return kvm_ioctl(fd, what, argument) >= 0 ? HV_OK : linux_status(errno);
}

int kvm_capability(int what)
{
	const int value = ioctl(kvm.system, KVM_CHECK_EXTENSION, what);

	return value > 0 ? value : 0;
}

/* ------------------------------------------------------------------------------ what there has to be */

static const struct {
	int what;
	const char *name;
} needed[] = {
	{KVM_CAP_SPLIT_IRQCHIP, "KVM_CAP_SPLIT_IRQCHIP"},
	{KVM_CAP_IOEVENTFD, "KVM_CAP_IOEVENTFD"},
	{KVM_CAP_IOEVENTFD_ANY_LENGTH, "KVM_CAP_IOEVENTFD_ANY_LENGTH"},
	{KVM_CAP_IMMEDIATE_EXIT, "KVM_CAP_IMMEDIATE_EXIT"},
	{KVM_CAP_READONLY_MEM, "KVM_CAP_READONLY_MEM"},
	{KVM_CAP_SIGNAL_MSI, "KVM_CAP_SIGNAL_MSI"},
	{KVM_CAP_X86_MSR_FILTER, "KVM_CAP_X86_MSR_FILTER"},
	{KVM_CAP_X86_USER_SPACE_MSR, "KVM_CAP_X86_USER_SPACE_MSR"},
	{KVM_CAP_XSAVE, "KVM_CAP_XSAVE"},
};

const char *hypike_vmm_name(void)
{
	return "kvm";
}

const char *hypike_vmm_unavailable(void)
{
	if (kvm.system < 0)
		kvm.system = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (kvm.system < 0)
		return strerror(errno);
	if (ioctl(kvm.system, KVM_GET_API_VERSION, NULL) != KVM_API_VERSION)
		return "it speaks another version";
	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		if (kvm_capability(needed[i].what) == 0)
			return needed[i].name;
	}
	return NULL;
}

/** The vendor by CPUID's name of it: hv.h asks, the VMM doesn't care. */
static uint32_t vendor(void)
{
	uint32_t eax = 0, ebx, ecx = 0, edx;

	__asm__("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
	return ebx == 0x756e6547 ? HV_VENDOR_VMX : HV_VENDOR_SVM; /* "Genu"ineIntel */
}

/** KVM says the frequency of a vCPU, or where there isn't any yet, of a VM. */
static uint64_t tsc_khz(void)
{
	const int khz = ioctl(kvm.vcpus > 0 ? kvm.vcpu[0].fd : kvm.fd, KVM_GET_TSC_KHZ, NULL);

	return khz > 0 ? (uint64_t)khz : 0;
}

hv_status_t hv_query(struct hv_caps *caps)
{
	if (hypike_vmm_unavailable() != NULL)
		return HV_E_UNSUPPORTED;
	const int most = kvm_capability(KVM_CAP_MAX_VCPUS);
	*caps = (struct hv_caps){
		.version = HV_VERSION,
		.vendor = vendor(),
		.max_vcpus = most < (int)HV_MAX_VCPUS ? (uint32_t)most : HV_MAX_VCPUS,
		.features = HV_CAP_DECODED_MMIO | HV_CAP_PV_EOI,
		.guest_phys_limit = UINT64_C(1) << 40,
		.tsc_khz = tsc_khz(),
	};
	return HV_OK;
}

/* -------------------------------------------------------------------------------------- the VM */

static hv_status_t enable(uint32_t what, uint64_t value)
{
	struct kvm_enable_cap cap = {.cap = what, .args = {value}};

	return kvm_call(kvm.fd, KVM_ENABLE_CAP, &cap);
}

static hv_status_t vm_setup(uint32_t vcpus)
{
	uint64_t identity_map = IDENTITY_MAP;

	/* AMD's knows neither of these two, and needs neither. */
	kvm_ioctl(kvm.fd, KVM_SET_IDENTITY_MAP_ADDR, &identity_map);
	ioctl(kvm.fd, KVM_SET_TSS_ADDR, (unsigned long)TSS_AREA);
	hv_status_t status = enable(KVM_CAP_SPLIT_IRQCHIP, VECTORS);
	if (status == HV_OK)
		status = enable(KVM_CAP_X86_USER_SPACE_MSR, KVM_MSR_EXIT_REASON_FILTER);
	return status == HV_OK ? kvm_cpuid_init(vcpus) : status;
}

hv_status_t hv_vm_create(const struct hv_vm_params *params, hv_vm_t *vm)
{
	if (params->vcpus == 0 || params->vcpus > HV_MAX_VCPUS || params->flags != 0)
		return HV_E_INVALID;
	if (params->traps != 0 || hypike_vmm_unavailable() != NULL)
		return HV_E_UNSUPPORTED;
	if (kvm.fd >= 0)
		return HV_E_DENIED;
	kvm.fd = ioctl(kvm.system, KVM_CREATE_VM, 0ul);
	if (kvm.fd < 0)
		return linux_status(errno);
	*vm = 0;
	return vm_setup(params->vcpus);
}

hv_status_t hv_vm_destroy(hv_vm_t vm)
{
	(void)vm;
	for (uint32_t i = 0; i < kvm.vcpus; i++)
		close(kvm.vcpu[i].fd);
	close(kvm.fd);
	memset(kvm.slot, 0, sizeof(kvm.slot));
	kvm.vcpus = 0;
	kvm.fd = -1;
	return HV_OK;
}

struct kvm_vcpu *kvm_vcpu(hv_vcpu_t handle)
{
	return handle < kvm.vcpus ? &kvm.vcpu[handle] : NULL;
}

hv_status_t hv_vcpu_create(hv_vm_t vm, uint32_t index, hv_vcpu_t *handle, struct hv_vcpu_page **page)
{
	struct kvm_vcpu *vcpu = &kvm.vcpu[index];

	(void)vm;
	if (index != kvm.vcpus || index >= HV_MAX_VCPUS)
		return HV_E_INVALID;
	memset(vcpu, 0, sizeof(*vcpu));
	vcpu->index = index;
	vcpu->fd = ioctl(kvm.fd, KVM_CREATE_VCPU, (unsigned long)index);
	if (vcpu->fd < 0)
		return linux_status(errno);
	hv_status_t status = kvm_vcpu_open(vcpu);
	if (status != HV_OK)
		return status;
	kvm.vcpus++;
	*handle = index;
	*page = vcpu->page;
	return HV_OK;
}

/* ---------------------------------------------------------------------------------------- memory */

static hv_status_t slot_set(uint32_t number, const struct kvm_slot *slot)
{
	struct kvm_userspace_memory_region region = {
		.slot = number,
		.flags = slot->prot & HV_PROT_WRITE ? 0 : KVM_MEM_READONLY,
		.guest_phys_addr = slot->where,
		.memory_size = slot->size,
		.userspace_addr = (uintptr_t)slot->host,
	};

	if (slot->size == 0)
		region.guest_phys_addr = kvm.slot[number].where;
	const hv_status_t status = kvm_call(kvm.fd, KVM_SET_USER_MEMORY_REGION, &region);
	if (status == HV_OK)
		kvm.slot[number] = *slot;
	return status;
}

static hv_status_t slot_add(const struct kvm_slot *slot)
{
	for (uint32_t i = 0; i < KVM_SLOTS; i++) {
		if (kvm.slot[i].size == 0)
			return slot_set(i, slot);
	}
	return HV_E_NOMEM;
}

static bool pages(uint64_t where, uint64_t size)
{
	uint64_t end;

	return size != 0 && ((where | size) & HV_PAGE_MASK) == 0 && hv_add_ok(where, size, &end);
}

hv_status_t hv_map(hv_vm_t vm, gpa_t where, void *host, uint64_t size, uint32_t prot)
{
	const struct kvm_slot slot = {where.raw, size, host, prot};

	(void)vm;
	if (!pages(where.raw, size) || ((uintptr_t)host & HV_PAGE_MASK) != 0 ||
	    !(prot & HV_PROT_READ))
		return HV_E_INVALID;
	return slot_add(&slot);
}

/** A part of a piece, as one of its own, unless it is empty. */
static hv_status_t part_add(const struct kvm_slot *whole, uint64_t from, uint64_t to, uint32_t prot)
{
	const struct kvm_slot part = {from, to - from, whole->host + (from - whole->where), prot};

	return from < to ? slot_add(&part) : HV_OK;
}

/** Take [from, to) out of a piece, or give it other rights; the rest stays. */
static hv_status_t piece_change(uint32_t number, uint64_t from, uint64_t to, const uint32_t *prot)
{
	static const struct kvm_slot none;
	const struct kvm_slot old = kvm.slot[number];
	const uint64_t end = old.where + old.size;
	const uint64_t first = from > old.where ? from : old.where, last = to < end ? to : end;
	hv_status_t status = slot_set(number, &none);

	if (status == HV_OK)
		status = part_add(&old, old.where, first, old.prot);
	if (status == HV_OK && prot)
		status = part_add(&old, first, last, *prot);
	return status == HV_OK ? part_add(&old, last, end, old.prot) : status;
}

static bool overlaps(const struct kvm_slot *slot, uint64_t from, uint64_t to)
{
	return slot->size != 0 && slot->where < to && from < slot->where + slot->size;
}

hv_status_t hv_unmap(hv_vm_t vm, gpa_t where, uint64_t size)
{
	hv_status_t status = HV_OK;

	(void)vm;
	if (!pages(where.raw, size))
		return HV_E_INVALID;
	for (uint32_t i = 0; i < KVM_SLOTS && status == HV_OK; i++) {
		if (overlaps(&kvm.slot[i], where.raw, where.raw + size))
			status = piece_change(i, where.raw, where.raw + size, NULL);
	}
	return status;
}

/** The bytes of the range that are mapped. */
static uint64_t mapped(uint64_t from, uint64_t to)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < KVM_SLOTS; i++) {
		const struct kvm_slot *slot = &kvm.slot[i];
		const uint64_t end = slot->where + slot->size;
		if (overlaps(slot, from, to))
			sum += (end < to ? end : to) - (slot->where > from ? slot->where : from);
	}
	return sum;
}

hv_status_t hv_protect(hv_vm_t vm, gpa_t where, uint64_t size, uint32_t prot)
{
	const uint64_t end = where.raw + size;
	hv_status_t status = HV_OK;

	(void)vm;
	if (!pages(where.raw, size))
		return HV_E_INVALID;
	if (mapped(where.raw, end) != size)
		return HV_E_FAULT;
	for (uint32_t i = 0; i < KVM_SLOTS && status == HV_OK; i++) {
		if (overlaps(&kvm.slot[i], where.raw, end) && kvm.slot[i].prot != prot)
			status = piece_change(i, where.raw, end, &prot);
	}
	return status;
}

/** Where the guest's memory at `at` is, and for how many bytes. */
static uint8_t *find(uint64_t at, uint32_t prot, uint64_t *left)
{
	for (uint32_t i = 0; i < KVM_SLOTS; i++) {
		const struct kvm_slot *slot = &kvm.slot[i];
		if (slot->size == 0 || at < slot->where || at - slot->where >= slot->size)
			continue;
		*left = slot->size - (at - slot->where);
		return (slot->prot & prot) == prot ? slot->host + (at - slot->where) : NULL;
	}
	return NULL;
}

hv_status_t hv_read(hv_vm_t vm, gpa_t from, void *to, uint64_t size)
{
	uint64_t left = 0;

	(void)vm;
	for (uint64_t done = 0; done < size; done += left) {
		const uint8_t *at = find(from.raw + done, HV_PROT_READ, &left);
		if (!at)
			return HV_E_FAULT;
		left = left < size - done ? left : size - done;
		memcpy((uint8_t *)to + done, at, left);
	}
	return HV_OK;
}

hv_status_t hv_write(hv_vm_t vm, gpa_t to, const void *from, uint64_t size)
{
	uint64_t left = 0;

	(void)vm;
	for (uint64_t done = 0; done < size; done += left) {
		uint8_t *at = find(to.raw + done, HV_PROT_WRITE, &left);
		if (!at)
			return HV_E_FAULT;
		left = left < size - done ? left : size - done;
		memcpy(at, (const uint8_t *)from + done, left);
	}
	return HV_OK;
}

/* ------------------------------------------------------------------------------------ interrupts */

hv_status_t hv_msi(hv_vm_t vm, uint64_t address, uint32_t data)
{
	struct kvm_msi msi = {.address_lo = (uint32_t)address,
			      .address_hi = (uint32_t)(address >> 32),
			      .data = data};

	(void)vm;
	return kvm_ioctl(kvm.fd, KVM_SIGNAL_MSI, &msi) >= 0 ? HV_OK : linux_status(errno);
}

/**
 * KVM tells the ends of interrupts that the routes of an I/O APIC's inputs name: an input for each vector
 * that is asked for, level-triggered, to everybody. Nobody raises them: interrupts come by hv_msi().
 */
static hv_status_t routes_set(void)
{
	struct {
		uint32_t nr, flags;
		struct kvm_irq_routing_entry entry[VECTORS];
	} routes = {.nr = 0};

	_Static_assert(offsetof(__typeof__(routes), entry) == sizeof(struct kvm_irq_routing),
		       "as in KVM's ABI");
	for (uint32_t v = 0; v < VECTORS; v++) {
		if (!(kvm.eoi[v / 32] >> (v % 32) & 1))
			continue;
		routes.entry[routes.nr++] = (struct kvm_irq_routing_entry){
			.gsi = v,
			.type = KVM_IRQ_ROUTING_MSI,
			.u.msi = {.address_lo = MSI_TO_ALL, .data = v | MSI_LEVEL},
		};
	}
	return kvm_call(kvm.fd, KVM_SET_GSI_ROUTING, &routes);
}

hv_status_t hv_trap_eoi(hv_vm_t vm, uint32_t vector, bool on)
{
	const uint32_t bit = 1u << (vector % 32);

	(void)vm;
	if (vector >= VECTORS)
		return HV_E_INVALID;
	if (on)
		kvm.eoi[vector / 32] |= bit;
	else
		kvm.eoi[vector / 32] &= ~bit;
	return routes_set();
}

/* ------------------------------------------------------------------------------------- what traps */

/** Reads of absent ports are answered in kvm_vcpu.c; writes don't even come so far. */
hv_status_t hv_trap_ports(hv_vm_t vm, uint32_t first, uint32_t count, enum hv_port_policy policy)
{
	(void)vm;
	if (!hv_range_ok(first, count, 65536))
		return HV_E_INVALID;
	for (uint32_t port = first; port < first + count; port++) {
		if (policy == HV_PORT_ABSENT)
			kvm.absent[port / 8] |= (uint8_t)(1u << (port % 8));
		else
			kvm.absent[port / 8] &= (uint8_t)~(1u << (port % 8));
	}
	return HV_OK;
}

/** All MSRs are KVM's but those in the list: to them it denies access, which is an exit. */
static hv_status_t filter_set(void)
{
	static uint8_t none[512];
	struct kvm_msr_filter filter = {.flags = KVM_MSR_FILTER_DEFAULT_ALLOW};

	for (uint32_t i = 0; i < kvm.msr_ranges; i++)
		filter.ranges[i] = (struct kvm_msr_filter_range){
			.flags = KVM_MSR_FILTER_READ | KVM_MSR_FILTER_WRITE,
			.base = kvm.msr_range[i].first,
			.nmsrs = kvm.msr_range[i].count,
			.bitmap = none,
		};
	return kvm_call(kvm.fd, KVM_X86_SET_MSR_FILTER, &filter);
}

hv_status_t hv_trap_sysreg(hv_vm_t vm, uint32_t first, uint32_t count, enum hv_sysreg_policy policy)
{
	(void)vm;
	if (policy != HV_SYSREG_EXIT || kvm.msr_ranges == KVM_MSR_FILTER_MAX_RANGES)
		return HV_E_UNSUPPORTED;
	if (count == 0 || count > 4096)
		return HV_E_INVALID;
	kvm.msr_range[kvm.msr_ranges].first = first;
	kvm.msr_range[kvm.msr_ranges++].count = count;
	return filter_set();
}

hv_status_t hv_trap(hv_vm_t vm, uint64_t traps)
{
	(void)vm;
	return traps == 0 ? HV_OK : HV_E_UNSUPPORTED;
}

/* -------------------------------------------------------------------------------------- doorbells */

static hv_status_t doorbell(const struct hv_doorbell *bell, bool on)
{
	struct kvm_ioeventfd event = {
		.addr = bell->address,
		.len = bell->size,
		.fd = events_signal_fd(bell->signal),
		.datamatch = bell->value,
	};

	if (bell->space > HV_DOORBELL_MEMORY || event.fd < 0 || (bell->match && bell->size == 0))
		return HV_E_INVALID;
	if (bell->space == HV_DOORBELL_PORT)
		event.flags |= KVM_IOEVENTFD_FLAG_PIO;
	if (bell->match)
		event.flags |= KVM_IOEVENTFD_FLAG_DATAMATCH;
	if (!on)
		event.flags |= KVM_IOEVENTFD_FLAG_DEASSIGN;
	return kvm_call(kvm.fd, KVM_IOEVENTFD, &event);
}

hv_status_t hv_doorbell_add(hv_vm_t vm, const struct hv_doorbell *bell)
{
	(void)vm;
	return doorbell(bell, true);
}

hv_status_t hv_doorbell_remove(hv_vm_t vm, const struct hv_doorbell *bell)
{
	(void)vm;
	return doorbell(bell, false);
}
