/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file driver.h
 * Entry points of the hypervisor driver, called by the kernel that it is linked into.
 *
 * The kernel has turned handles into pointers, checked that the caller owns them, copied arguments
 * out of the caller's memory and resolved its addresses to host-physical ones. The driver checks
 * everything else. All calls are made with interrupts off (see host.h).
 */
#ifndef HYPERVISOR_DRIVER_H
#define HYPERVISOR_DRIVER_H

#include <hypike/host.h>
#include <hypike/hv_x86.h>

/* Everything else in the driver is hidden from the kernel that it is linked into. */
#pragma GCC visibility push(default)

struct vm;
struct vcpu;

/** Whether the CPU delivers virtual interrupts itself: "APIC virtualization". */
enum driver_apicv {
	DRIVER_APICV_AUTO, /**< where it can, and isn't known to do it wrongly */
	DRIVER_APICV_ON,   /**< where it can */
	DRIVER_APICV_OFF,
};

/** What is up to whoever starts the kernel. */
struct driver_options {
	enum driver_apicv apicv;
};

/**
 * Choose the vendor back end from CPUID, check the CPU's features. Once, on the boot CPU.
 * @param reason where HV_E_UNSUPPORTED: what is missing, a whole sentence.
 */
hv_status_t driver_init(const struct driver_options *options, const char **reason);
/** Turn virtualization on, on this CPU. After driver_init(), on each CPU. */
hv_status_t driver_cpu_init(const char **reason);
/** Turn it off again (reset, kexec, panic). Safe to call in any state. */
void driver_cpu_exit(void);
/** Forget all guests' translations on this CPU, lest what ran before shows in what runs next. */
void driver_cpu_flush(void);
/** Name of the back end in use: "vmx", "svm" or "model". */
const char *driver_name(void);

void driver_query(struct hv_caps *caps);

/**
 * @param pool the VM's share of host pages; the VM and everything it needs lives in it.
 */
hv_status_t vm_create(struct host_pool *pool, const struct hv_vm_params *params, struct vm **vm);
hv_status_t vm_destroy(struct vm *vm);
/** All threads that were in the driver with the VM have ended, wherever they were: it can be destroyed. */
void vm_abandon(struct vm *vm);
/** Say whose notification word the VM's doorbells ring; NULL: nobody's, as at first. */
void vm_set_signal(struct vm *vm, struct host_thread *thread);

/**
 * @param page the shared page, in the driver's address space (allocated by the driver from the pool).
 */
hv_status_t vcpu_create(struct vm *vm, uint32_t index, struct vcpu **vcpu,
			struct hv_vcpu_page **page);

/**
 * Map a physically contiguous piece. Bounded: does at most VM_MAP_STEP table entries and says in
 * `*done` how many bytes are done; the caller goes on behind them.
 */
#define VM_MAP_STEP 32u
hv_status_t vm_map(struct vm *vm, gpa_t where, hpa_t from, uint64_t size, uint32_t prot,
		   uint64_t *done);
hv_status_t vm_unmap(struct vm *vm, gpa_t where, uint64_t size, uint64_t *done);
hv_status_t vm_protect(struct vm *vm, gpa_t where, uint64_t size, uint32_t prot, uint64_t *done);
/** Copy between guest memory and driver-visible memory, at most one page of it per call. */
hv_status_t vm_read(struct vm *vm, gpa_t from, void *to, uint64_t size);
hv_status_t vm_write(struct vm *vm, gpa_t to, const void *from, uint64_t size);

hv_status_t vcpu_translate(struct vcpu *vcpu, gva_t from, uint32_t access, gpa_t *to,
			   uint32_t *fault);
hv_status_t vcpu_run(struct vcpu *vcpu);
hv_status_t vcpu_kick(struct vcpu *vcpu);
hv_status_t vcpu_get(struct vcpu *vcpu, uint32_t groups);
hv_status_t vcpu_reset(struct vcpu *vcpu);
/**
 * Hide from the guest that `ticks` have passed in which it couldn't run: its TSC, and with it its timers,
 * stand still that long. Of a vCPU that this CPU runs, or has yet to be run for the first time where
 * `fresh`; others are left alone. In interrupt context, too.
 */
void vcpu_hide_time(struct vcpu *vcpu, uint64_t ticks, bool fresh);
void vcpu_stats(const struct vcpu *vcpu, struct hv_stats *stats);

hv_status_t vm_msi(struct vm *vm, uint64_t address, uint32_t data);
hv_status_t vm_trap_eoi(struct vm *vm, uint32_t vector, bool on);
hv_status_t vm_trap_ports(struct vm *vm, uint32_t first, uint32_t count, enum hv_port_policy policy);
hv_status_t vm_trap_sysreg(struct vm *vm, uint32_t first, uint32_t count,
			   enum hv_sysreg_policy policy);
hv_status_t vm_trap(struct vm *vm, uint64_t traps);
hv_status_t vm_trap_exceptions(struct vm *vm, uint32_t vectors);
hv_status_t vm_doorbell_add(struct vm *vm, const struct hv_doorbell *bell);
hv_status_t vm_doorbell_remove(struct vm *vm, const struct hv_doorbell *bell);

hv_status_t vm_cpuid_get(struct vm *vm, struct hv_x86_cpuid *rows, uint32_t *count);
hv_status_t vm_cpuid_set(struct vm *vm, const struct hv_x86_cpuid *rows, uint32_t count);
hv_status_t vcpu_apic_get(struct vcpu *vcpu, uint32_t regs[256]);
hv_status_t vcpu_apic_set(struct vcpu *vcpu, const uint32_t regs[256]);
hv_status_t vcpu_debug_set(struct vcpu *vcpu, const struct hv_x86_debug *debug);
hv_status_t vcpu_fpu_get(struct vcpu *vcpu, void *area, uint32_t size);
hv_status_t vcpu_fpu_set(struct vcpu *vcpu, const void *area, uint32_t size);

/** What a custom handler made of an exit. */
enum driver_verdict {
	DRIVER_PASS,   /**< not its business: the driver's own handler decides */
	DRIVER_RESUME, /**< settled: go on in the guest */
	DRIVER_TO_VMM, /**< hand it to the VMM; page->exit is filled */
};
/** A handler of the kernel's for one exit kind of one VM, called before the driver's own. */
typedef enum driver_verdict (*driver_handler_t)(void *arg, struct vcpu *vcpu,
						struct hv_vcpu_page *page);
/** Register (or with NULL remove) a handler. HV_E_BUSY while a vCPU runs. */
hv_status_t vm_set_handler(struct vm *vm, enum hv_exit_kind kind, driver_handler_t handler, void *arg);

#pragma GCC visibility pop

#endif
