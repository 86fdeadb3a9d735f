/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hypike/hv.h and hypike/hv_x86.h over system calls. Calls that the kernel does in bounded pieces
 * return how many bytes are done; they are repeated here until all are.
 */
#include <hypike/hv_x86.h>

#include "lib/hypike/hv_results.h"
#include "lib/hypike/syscall.h"

static hv_status_t status_of(int64_t result)
{
	return result < 0 ? (hv_status_t)result : HV_OK;
}

hv_status_t hv_query(struct hv_caps *caps)
{
	return status_of(syscall1(SYS_HV_QUERY, word(caps)));
}

/* ---- VMs and vCPUs ---- */

hv_status_t hv_vm_create(const struct hv_vm_params *params, hv_vm_t *vm)
{
	int64_t result = syscall1(SYS_HV_VM_CREATE, word(params));

	if (result >= 0)
		*vm = (hv_vm_t)result;
	return status_of(result);
}

hv_status_t hv_vm_destroy(hv_vm_t vm)
{
	return status_of(syscall1(SYS_HV_VM_DESTROY, vm));
}

hv_status_t hv_vcpu_create(hv_vm_t vm, uint32_t index, hv_vcpu_t *vcpu, struct hv_vcpu_page **page)
{
	uint64_t address = 0;
	int64_t result = syscall3(SYS_HV_VCPU_CREATE, vm, index, word(&address));

	if (result >= 0) {
		*vcpu = (hv_vcpu_t)result;
		*page = (struct hv_vcpu_page *)(uintptr_t)address;
	}
	return status_of(result);
}

/* ---- memory ---- */

hv_status_t hv_unmap(hv_vm_t vm, gpa_t where, uint64_t size)
{
	while (size > 0) {
		int64_t done = syscall3(SYS_HV_UNMAP, vm, where.raw, size);

		if (done <= 0)
			return done == 0 ? HV_E_STATE : (hv_status_t)done;
		where.raw += (uint64_t)done;
		size -= (uint64_t)done;
	}
	return HV_OK;
}

hv_status_t hv_map(hv_vm_t vm, gpa_t where, void *host, uint64_t size, uint32_t prot)
{
	uint64_t at = 0;

	while (at < size) {
		int64_t done = syscall6(SYS_HV_MAP, vm, where.raw + at, word(host) + at, size - at,
					prot, 0);

		if (done <= 0) {
			/* Nothing changes where it cannot be done as a whole. */
			hv_unmap(vm, where, at);
			return done == 0 ? HV_E_STATE : (hv_status_t)done;
		}
		at += (uint64_t)done;
	}
	return size != 0 ? HV_OK : HV_E_INVALID;
}

hv_status_t hv_protect(hv_vm_t vm, gpa_t where, uint64_t size, uint32_t prot)
{
	while (size > 0) {
		int64_t done = syscall6(SYS_HV_PROTECT, vm, where.raw, size, prot, 0, 0);

		if (done <= 0)
			return done == 0 ? HV_E_STATE : (hv_status_t)done;
		where.raw += (uint64_t)done;
		size -= (uint64_t)done;
	}
	return HV_OK;
}

/* The kernel copies up to the end of a page of either side. */
static hv_status_t copy(uint64_t call, hv_vm_t vm, gpa_t guest, uint64_t host, uint64_t size)
{
	while (size > 0) {
		int64_t done = syscall6(call, vm, guest.raw, host, size, 0, 0);

		if (done <= 0)
			return done == 0 ? HV_E_STATE : (hv_status_t)done;
		guest.raw += (uint64_t)done;
		host += (uint64_t)done;
		size -= (uint64_t)done;
	}
	return HV_OK;
}

hv_status_t hv_read(hv_vm_t vm, gpa_t from, void *to, uint64_t size)
{
	return copy(SYS_HV_READ, vm, from, word(to), size);
}

hv_status_t hv_write(hv_vm_t vm, gpa_t to, const void *from, uint64_t size)
{
	return copy(SYS_HV_WRITE, vm, to, word(from), size);
}

hv_status_t hv_translate(hv_vcpu_t vcpu, gva_t from, uint32_t access, gpa_t *to, uint32_t *fault)
{
	struct hv_translation result = {0};
	int64_t status = syscall6(SYS_HV_TRANSLATE, vcpu, from.raw, access, word(&result), 0, 0);

	to->raw = result.gpa;
	if (fault != NULL)
		*fault = result.fault;
	return status_of(status);
}

/* ---- running ---- */

hv_status_t hv_vcpu_run(hv_vcpu_t vcpu)
{
	return status_of(syscall1(SYS_HV_VCPU_RUN, vcpu));
}

hv_status_t hv_vcpu_kick(hv_vcpu_t vcpu)
{
	return status_of(syscall1(SYS_HV_VCPU_KICK, vcpu));
}

hv_status_t hv_vcpu_get(hv_vcpu_t vcpu, uint32_t groups)
{
	return status_of(syscall3(SYS_HV_VCPU_GET, vcpu, groups, 0));
}

hv_status_t hv_vcpu_reset(hv_vcpu_t vcpu)
{
	return status_of(syscall1(SYS_HV_VCPU_RESET, vcpu));
}

hv_status_t hv_vcpu_stats(hv_vcpu_t vcpu, struct hv_stats *stats)
{
	return status_of(syscall3(SYS_HV_VCPU_STATS, vcpu, word(stats), 0));
}

/* ---- interrupts and traps ---- */

hv_status_t hv_msi(hv_vm_t vm, uint64_t address, uint32_t data)
{
	return status_of(syscall3(SYS_HV_MSI, vm, address, data));
}

hv_status_t hv_trap_eoi(hv_vm_t vm, uint32_t vector, bool on)
{
	return status_of(syscall3(SYS_HV_TRAP_EOI, vm, vector, on));
}

hv_status_t hv_trap_ports(hv_vm_t vm, uint32_t first, uint32_t count, enum hv_port_policy policy)
{
	return status_of(syscall6(SYS_HV_TRAP_PORTS, vm, first, count, policy, 0, 0));
}

hv_status_t hv_trap_sysreg(hv_vm_t vm, uint32_t first, uint32_t count, enum hv_sysreg_policy policy)
{
	return status_of(syscall6(SYS_HV_TRAP_SYSREG, vm, first, count, policy, 0, 0));
}

hv_status_t hv_trap(hv_vm_t vm, uint64_t traps)
{
	return status_of(syscall3(SYS_HV_TRAP, vm, traps, 0));
}

hv_status_t hv_trap_exceptions(hv_vm_t vm, uint32_t vectors)
{
	return status_of(syscall3(SYS_HV_TRAP_EXCEPTIONS, vm, vectors, 0));
}

hv_status_t hv_doorbell_add(hv_vm_t vm, const struct hv_doorbell *bell)
{
	return status_of(syscall3(SYS_HV_DOORBELL_ADD, vm, word(bell), 0));
}

hv_status_t hv_doorbell_remove(hv_vm_t vm, const struct hv_doorbell *bell)
{
	return status_of(syscall3(SYS_HV_DOORBELL_REMOVE, vm, word(bell), 0));
}

hv_status_t hypike_signal_bind(uint32_t vm, hypike_thread_t thread)
{
	return status_of(syscall3(SYS_HV_SIGNAL_BIND, vm, thread, 0));
}

/* ---- x86 ---- */

hv_status_t hv_x86_cpuid_get(hv_vm_t vm, struct hv_x86_cpuid *rows, uint32_t *count)
{
	return status_of(syscall3(SYS_HV_X86_CPUID_GET, vm, word(rows), word(count)));
}

hv_status_t hv_x86_cpuid_set(hv_vm_t vm, const struct hv_x86_cpuid *rows, uint32_t count)
{
	return status_of(syscall3(SYS_HV_X86_CPUID_SET, vm, word(rows), count));
}

hv_status_t hv_x86_apic_get(hv_vcpu_t vcpu, uint32_t regs[256])
{
	return status_of(syscall3(SYS_HV_X86_APIC_GET, vcpu, word(regs), 0));
}

hv_status_t hv_x86_apic_set(hv_vcpu_t vcpu, const uint32_t regs[256])
{
	return status_of(syscall3(SYS_HV_X86_APIC_SET, vcpu, word(regs), 0));
}

hv_status_t hv_x86_debug_set(hv_vcpu_t vcpu, const struct hv_x86_debug *debug)
{
	return status_of(syscall3(SYS_HV_X86_DEBUG_SET, vcpu, word(debug), 0));
}

hv_status_t hv_x86_fpu_get(hv_vcpu_t vcpu, void *area, uint32_t size)
{
	return status_of(syscall3(SYS_HV_X86_FPU_GET, vcpu, word(area), size));
}

hv_status_t hv_x86_fpu_set(hv_vcpu_t vcpu, const void *area, uint32_t size)
{
	return status_of(syscall3(SYS_HV_X86_FPU_SET, vcpu, word(area), size));
}
