/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file kvm.h
 * hv.h over /dev/kvm: what its files share. The local APIC is KVM's (split irqchip), everything else the
 * VMM's. One process has one VM, so the VM is a variable and handles of vCPUs are their numbers.
 */
#ifndef VMM_PLATFORM_LINUX_KVM_H
#define VMM_PLATFORM_LINUX_KVM_H

#include <hypike/hv_x86.h>
#include <linux/kvm.h>
#include <pthread.h>

#define KVM_SLOTS 32u

/** A piece of guest memory, by its slot's number. */
struct kvm_slot {
	uint64_t where, size; /**< size 0: the slot is free */
	uint8_t *host;
	uint32_t prot;
};

/** What has to be done to an access that KVM has handed over, before anything else. */
enum kvm_pending { PENDING_NOTHING, PENDING_PORT, PENDING_STRING, PENDING_MEMORY, PENDING_SYSREG,
		   PENDING_BREAKPOINT };

struct kvm_vcpu {
	int fd;
	uint32_t index;
	struct kvm_run *run;
	struct hv_vcpu_page *page;
	pthread_t thread; /**< that runs it; valid where `started` is set */
	uint32_t started; /**< atomic */
	uint64_t refused_at; /**< the entry of which KVM last didn't emulate an instruction */
	uint32_t refusals;   /**< how often it didn't, with nothing in between */
	bool kicked;	  /**< atomic: since the last HV_EXIT_KICKED */
	bool asked;	  /**< atomic: the next kick asks whether it is halted for ever */
	bool identified;  /**< it has its CPUID table */
	enum kvm_pending pending;
	uint32_t string_done; /**< items of a string access that the VMM has seen */
	struct hv_x86_debug debug; /**< the VMM's own breakpoints */
	bool changed; /**< atomic: CPUID or breakpoints aren't as KVM knows them, or INT3 is PENDING_BREAKPOINT */
	bool stepping;
	struct hv_stats stats;
};

struct kvm_vm {
	int system, fd;
	uint32_t vcpus;
	struct kvm_vcpu vcpu[HV_MAX_VCPUS];
	struct kvm_slot slot[KVM_SLOTS];
	uint32_t eoi[256 / 32];	  /**< vectors of which the end is told */
	uint8_t absent[65536 / 8]; /**< ports where nobody is */
	struct hv_x86_cpuid cpuid[HV_X86_CPUID_ROWS];
	uint32_t cpuid_rows;
	uint32_t msr_ranges;
	struct {
		uint32_t first, count;
	} msr_range[16]; /**< that the VMM settles */
};

extern struct kvm_vm kvm;

/** ioctl() that goes on after a signal. @return its result, -1 with errno */
int kvm_ioctl(int fd, unsigned long what, void *argument);
/** The same as a status. */
hv_status_t kvm_call(int fd, unsigned long what, void *argument);
/** @return the value of a capability, 0: it isn't there. */
int kvm_capability(int what);

/** The vCPU of that handle, or NULL. */
struct kvm_vcpu *kvm_vcpu(hv_vcpu_t handle);
/** What hv_vcpu_create() does once the descriptor is there. */
hv_status_t kvm_vcpu_open(struct kvm_vcpu *vcpu);
/** Load the register groups `groups` of the page into the vCPU. */
hv_status_t kvm_regs_load(struct kvm_vcpu *vcpu, uint32_t groups);
/** Fill the register groups `groups` of the page. */
hv_status_t kvm_regs_get(struct kvm_vcpu *vcpu, uint32_t groups);
/** Let KVM complete what it has handed over, without running the guest. */
hv_status_t kvm_flush(struct kvm_vcpu *vcpu);
/** Breakpoints, and whether to step, as they are wanted now. @param changed breakpoints may have */
hv_status_t kvm_debug_load(struct kvm_vcpu *vcpu, bool changed);
/** The table that a VM of so many vCPUs starts with. */
hv_status_t kvm_cpuid_init(uint32_t vcpus);
/** Give a vCPU the VM's table. */
hv_status_t kvm_cpuid_load(struct kvm_vcpu *vcpu);

/**
 * A vCPU that halts with interrupts off stays inside KVM for ever, and HV_EXIT_HALT has to come
 * nevertheless: vCPUs that haven't been seen for a while are asked. @return when to call again.
 */
uint64_t kvm_watch(uint64_t now);

#endif
