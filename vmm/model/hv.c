/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hv.h on the model: the calls of hypervisor/driver.h, which is in the same process. One process has one VM, and
 * handles of vCPUs are their numbers.
 */
#include <string.h>

#include "hypervisor/driver.h"
#include "hypervisor/model/model.h"
#include "lib/x86/cpuid.h"
#include "vmm/model/host.h"
#include "vmm/model/turns.h"

extern const struct vendor_ops *const driver_vendors[];
const struct vendor_ops *const driver_vendors[] = {&model_ops, NULL};

static struct {
	struct vm *vm;
	struct vcpu *vcpu[HV_MAX_VCPUS];
	struct hv_vcpu_page *page[HV_MAX_VCPUS];
	bool ready;
} model;

static hv_status_t start(void)
{
	const struct driver_options options = {.apicv = DRIVER_APICV_OFF};
	const char *reason;

	if (model.ready)
		return HV_OK;
	model_features = (struct model_features){
		.lengths = true, .io_details = true, .cr_operands = true};
	hv_status_t status = driver_init(&options, &reason);
	if (status == HV_OK)
		status = driver_cpu_init(&reason);
	model.ready = status == HV_OK;
	return status;
}

hv_status_t hv_query(struct hv_caps *caps)
{
	const hv_status_t status = start();

	if (status == HV_OK)
		driver_query(caps);
	return status;
}

/* ------------------------------------------------------------------------------------------- CPUID */

/** Features that the interpreter has; all others of the host's CPU are taken away. */
#define EDX_1 UINT32_C(0x0789fbff) /* but what guest_cpuid.h leaves out */
#define ECX_1 (UINT32_C(1) << 13 | UINT32_C(1) << 21 | UINT32_C(1) << 22 | UINT32_C(1) << 23 |     \
	       UINT32_C(1) << 24 | UINT32_C(1) << 31)
#define EBX_7 (UINT32_C(1) << 0 | UINT32_C(1) << 7 | UINT32_C(1) << 9 | UINT32_C(1) << 20)
#define ECX_80000001 UINT32_C(0x00000001)
#define EDX_80000001 (UINT32_C(1) << 11 | UINT32_C(1) << 20 | UINT32_C(1) << 26 |                  \
		      UINT32_C(1) << 27 | UINT32_C(1) << 29)

/** The same processor wherever it runs: Intel's by name, family 6. */
static void identify(struct hv_x86_cpuid *row)
{
	static const char maker[] = "GenuineIntel";

	switch (row->leaf) {
	case CPUID_VENDOR:
		memcpy(&row->ebx, maker, 4);
		memcpy(&row->edx, maker + 4, 4);
		memcpy(&row->ecx, maker + 8, 4);
		break;
	case CPUID_VERSION:
		row->eax = 0x600;
		row->ebx = 0x00000800; /* CLFLUSH: 64 bytes */
		row->ecx &= ECX_1;
		row->edx &= EDX_1;
		break;
	case CPUID_FEATURES:
		row->ebx &= EBX_7;
		row->ecx = 0;
		row->edx = 0;
		break;
	case CPUID_EXT_FEATURES:
		row->eax = row->ebx = 0;
		row->ecx &= ECX_80000001;
		row->edx &= EDX_80000001;
		break;
	default:
		break;
	}
}

static const char brand[48] = "HyPike model processor";

static hv_status_t set_cpuid(void)
{
	static struct hv_x86_cpuid rows[HV_X86_CPUID_ROWS];
	uint32_t count = HV_X86_CPUID_ROWS;
	hv_status_t status = vm_cpuid_get(model.vm, rows, &count);

	if (status != HV_OK)
		return status;
	for (uint32_t i = 0; i < count; i++) {
		identify(&rows[i]);
		if (rows[i].leaf >= 0x80000002 && rows[i].leaf <= 0x80000004)
			memcpy(&rows[i].eax, brand + 16 * (rows[i].leaf - 0x80000002), 16);
	}
	return vm_cpuid_set(model.vm, rows, count);
}

hv_status_t hv_x86_cpuid_get(hv_vm_t vm, struct hv_x86_cpuid *rows, uint32_t *count)
{
	(void)vm;
	return vm_cpuid_get(model.vm, rows, count);
}

hv_status_t hv_x86_cpuid_set(hv_vm_t vm, const struct hv_x86_cpuid *rows, uint32_t count)
{
	(void)vm;
	return vm_cpuid_set(model.vm, rows, count);
}

/* ---------------------------------------------------------------------------------- VM and its vCPUs */

hv_status_t hv_vm_create(const struct hv_vm_params *params, hv_vm_t *vm)
{
	hv_status_t status = start();

	if (status == HV_OK && model.vm != NULL)
		status = HV_E_DENIED;
	turns_begin();
	if (status == HV_OK)
		status = vm_create(model_pool(), params, &model.vm);
	if (status != HV_OK)
		return status;
	*vm = 0;
	vm_set_signal(model.vm, host_thread_self());
	return set_cpuid();
}

hv_status_t hv_vm_destroy(hv_vm_t vm)
{
	(void)vm;
	const hv_status_t status = vm_destroy(model.vm);

	if (status == HV_OK) {
		memset(model.vcpu, 0, sizeof(model.vcpu));
		model.vm = NULL;
	}
	return status;
}

hv_status_t hv_vcpu_create(hv_vm_t vm, uint32_t index, hv_vcpu_t *vcpu, struct hv_vcpu_page **page)
{
	(void)vm;
	if (index >= HV_MAX_VCPUS)
		return HV_E_INVALID;
	const hv_status_t status =
		vcpu_create(model.vm, index, &model.vcpu[index], &model.page[index]);

	*vcpu = index;
	*page = model.page[index];
	return status;
}

static struct vcpu *vcpu_of(hv_vcpu_t handle)
{
	return handle < HV_MAX_VCPUS ? model.vcpu[handle] : NULL;
}

/* ------------------------------------------------------------------------------------------ memory */

hv_status_t hv_map(hv_vm_t vm, gpa_t where, void *host, uint64_t size, uint32_t prot)
{
	uint64_t done = 0;

	(void)vm;
	if (((uintptr_t)host & HV_PAGE_MASK) != 0)
		return HV_E_INVALID;
	for (uint64_t at = 0; at < size; at += done) {
		const hv_status_t status = vm_map(model.vm, gpa(where.raw + at),
						  hpa((uintptr_t)host + at), size - at, prot, &done);

		if (status != HV_OK)
			return status;
	}
	return HV_OK;
}

hv_status_t hv_unmap(hv_vm_t vm, gpa_t where, uint64_t size)
{
	uint64_t done = 0;

	(void)vm;
	for (uint64_t at = 0; at < size; at += done) {
		const hv_status_t status =
			vm_unmap(model.vm, gpa(where.raw + at), size - at, &done);

		if (status != HV_OK)
			return status;
	}
	return HV_OK;
}

hv_status_t hv_protect(hv_vm_t vm, gpa_t where, uint64_t size, uint32_t prot)
{
	uint64_t done = 0;

	(void)vm;
	for (uint64_t at = 0; at < size; at += done) {
		const hv_status_t status =
			vm_protect(model.vm, gpa(where.raw + at), size - at, prot, &done);

		if (status != HV_OK)
			return status;
	}
	return HV_OK;
}

/** What is left of a copy in the page that it is in: a call of the driver's does that much. */
static uint64_t piece(gpa_t at, uint64_t left)
{
	const uint64_t room = HV_PAGE_SIZE - (at.raw & HV_PAGE_MASK);

	return left < room ? left : room;
}

hv_status_t hv_read(hv_vm_t vm, gpa_t from, void *to, uint64_t size)
{
	uint64_t n;

	(void)vm;
	for (uint64_t at = 0; at < size; at += n) {
		n = piece(gpa(from.raw + at), size - at);
		const hv_status_t status =
			vm_read(model.vm, gpa(from.raw + at), (uint8_t *)to + at, n);

		if (status != HV_OK)
			return status;
	}
	return HV_OK;
}

hv_status_t hv_write(hv_vm_t vm, gpa_t to, const void *from, uint64_t size)
{
	uint64_t n;

	(void)vm;
	for (uint64_t at = 0; at < size; at += n) {
		n = piece(gpa(to.raw + at), size - at);
		const hv_status_t status =
			vm_write(model.vm, gpa(to.raw + at), (const uint8_t *)from + at, n);

		if (status != HV_OK)
			return status;
	}
	return HV_OK;
}

hv_status_t hv_translate(hv_vcpu_t vcpu, gva_t from, uint32_t access, gpa_t *to, uint32_t *fault)
{
	return vcpu_of(vcpu) != NULL ? vcpu_translate(vcpu_of(vcpu), from, access, to, fault)
				     : HV_E_INVALID;
}

/* ------------------------------------------------------------------------------------------ running */

hv_status_t hv_vcpu_run(hv_vcpu_t vcpu)
{
	return vcpu_of(vcpu) != NULL ? vcpu_run(vcpu_of(vcpu)) : HV_E_INVALID;
}

hv_status_t hv_vcpu_kick(hv_vcpu_t vcpu)
{
	return vcpu_of(vcpu) != NULL ? vcpu_kick(vcpu_of(vcpu)) : HV_E_INVALID;
}

hv_status_t hv_vcpu_get(hv_vcpu_t vcpu, uint32_t groups)
{
	return vcpu_of(vcpu) != NULL ? vcpu_get(vcpu_of(vcpu), groups) : HV_E_INVALID;
}

hv_status_t hv_vcpu_reset(hv_vcpu_t vcpu)
{
	return vcpu_of(vcpu) != NULL ? vcpu_reset(vcpu_of(vcpu)) : HV_E_INVALID;
}

hv_status_t hv_vcpu_stats(hv_vcpu_t vcpu, struct hv_stats *stats)
{
	if (vcpu_of(vcpu) == NULL)
		return HV_E_INVALID;
	vcpu_stats(vcpu_of(vcpu), stats);
	stats->host_pages = model_pool_pages();
	return HV_OK;
}

/* --------------------------------------------------------------------------- interrupts, traps, doorbells */

hv_status_t hv_msi(hv_vm_t vm, uint64_t address, uint32_t data)
{
	(void)vm;
	return vm_msi(model.vm, address, data);
}

hv_status_t hv_trap_eoi(hv_vm_t vm, uint32_t vector, bool on)
{
	(void)vm;
	return vm_trap_eoi(model.vm, vector, on);
}

hv_status_t hv_trap_ports(hv_vm_t vm, uint32_t first, uint32_t count, enum hv_port_policy policy)
{
	(void)vm;
	return vm_trap_ports(model.vm, first, count, policy);
}

hv_status_t hv_trap_sysreg(hv_vm_t vm, uint32_t first, uint32_t count, enum hv_sysreg_policy policy)
{
	(void)vm;
	return vm_trap_sysreg(model.vm, first, count, policy);
}

hv_status_t hv_trap(hv_vm_t vm, uint64_t traps)
{
	(void)vm;
	return vm_trap(model.vm, traps);
}

hv_status_t hv_trap_exceptions(hv_vm_t vm, uint32_t vectors)
{
	(void)vm;
	return vm_trap_exceptions(model.vm, vectors);
}

hv_status_t hv_doorbell_add(hv_vm_t vm, const struct hv_doorbell *bell)
{
	(void)vm;
	return vm_doorbell_add(model.vm, bell);
}

hv_status_t hv_doorbell_remove(hv_vm_t vm, const struct hv_doorbell *bell)
{
	(void)vm;
	return vm_doorbell_remove(model.vm, bell);
}

/* ------------------------------------------------------------------------------------ more registers */

hv_status_t hv_x86_apic_get(hv_vcpu_t vcpu, uint32_t regs[256])
{
	return vcpu_of(vcpu) != NULL ? vcpu_apic_get(vcpu_of(vcpu), regs) : HV_E_INVALID;
}

hv_status_t hv_x86_apic_set(hv_vcpu_t vcpu, const uint32_t regs[256])
{
	return vcpu_of(vcpu) != NULL ? vcpu_apic_set(vcpu_of(vcpu), regs) : HV_E_INVALID;
}

hv_status_t hv_x86_debug_set(hv_vcpu_t vcpu, const struct hv_x86_debug *debug)
{
	return vcpu_of(vcpu) != NULL ? vcpu_debug_set(vcpu_of(vcpu), debug) : HV_E_INVALID;
}

hv_status_t hv_x86_fpu_get(hv_vcpu_t vcpu, void *area, uint32_t size)
{
	return vcpu_of(vcpu) != NULL ? vcpu_fpu_get(vcpu_of(vcpu), area, size) : HV_E_INVALID;
}

hv_status_t hv_x86_fpu_set(hv_vcpu_t vcpu, const void *area, uint32_t size)
{
	return vcpu_of(vcpu) != NULL ? vcpu_fpu_set(vcpu_of(vcpu), area, size) : HV_E_INVALID;
}
