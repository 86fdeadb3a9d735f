/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every system call that takes an address gets bad ones: it must answer with an error, and the kernel
 * must live. Runs in a partition that may have a VM; on a machine without virtualization the VM's
 * calls are left out.
 * @verifies KRN-020
 * @verifies KRN-041
 */
#include <hypike/hv_x86.h>

#include "kernel/layout.h"
#include "lib/hypike/program.h"
#include "lib/hypike/syscall.h"
#include "tests/system/native/check.h"

#define EVERY UINT64_C(0xffffffffffffffff)

/* Addresses at which nothing can be read. */
static const uint64_t nowhere[] = {
	0,
	1,
	USER_FIRST - 8,
	USER_INFO - 8,
	USER_VCPUS + 0x100000,
	USER_STACK_TOP,
	USER_STACK_TOP - USER_STACK_SIZE - 8,
	USER_FILES + 0x20000000,
	USER_LIMIT - 8,
	USER_LIMIT,
	0x7ffffffffffffff8,
	0x0000800000000000,
	0xffff7ffffffffff8,
	DIRECT_MAP,
	DIRECT_MAP + LOAD_PHYS,
	STACK_AREA + STACK_SLOT - 8,
	GDT_AREA,
	DEVICE_AREA,
	KERNEL_BASE + LOAD_PHYS,
	EVERY - 7,
	EVERY,
};
#define NOWHERES (sizeof(nowhere) / sizeof(nowhere[0]))

/* A system call, its arguments, and which of them is the address. */
struct call {
	const char *name;
	uint32_t number;
	uint32_t address; /* which argument */
	bool writes;	  /* to the address: read-only memory must be refused, too */
	uint64_t args[6];
};

static bool refused(int64_t result)
{
	return result == HV_E_FAULT || result == HV_E_INVALID;
}

static int64_t call_with(const struct call *call, uint64_t address)
{
	uint64_t a[6];

	__builtin_memcpy(a, call->args, sizeof(a));
	a[call->address] = address;
	return syscall6(call->number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

static void test_call(const struct call *call)
{
	bool all = true;

	for (unsigned int i = 0; i < NOWHERES; i++) {
		int64_t result = call_with(call, nowhere[i]);

		if (!refused(result)) {
			say("# %s at %lx: %ld\n", call->name, nowhere[i], result);
			all = false;
		}
	}
	check(all, "%s: bad addresses", call->name);
	if (call->writes)
		check(refused(call_with(call, word(hypike_info()))) &&
			      refused(call_with(call, (uint64_t)(uintptr_t)main)),
		      "%s: read-only memory", call->name);
}

static const struct call plain[] = {
	{"futex_wait", SYS_FUTEX_WAIT, 0, false, {0, 0, 0}},
	{"wait", SYS_WAIT, 2, true, {1, 0, 0}},
	{"channel_write", SYS_CHANNEL_WRITE, 1, false, {0, 0, 16}},
	{"channel_read", SYS_CHANNEL_READ, 1, true, {0, 0, 16}},
};

/* VM 0 and vCPU 0 exist, with 64 KiB of memory at 0. */
static const struct call virtual[] = {
	{"hv_query", SYS_HV_QUERY, 0, true, {0}},
	{"hv_vm_create", SYS_HV_VM_CREATE, 0, false, {0}},
	{"hv_vcpu_create", SYS_HV_VCPU_CREATE, 2, true, {0, 1, 0}},
	{"hv_map", SYS_HV_MAP, 2, false, {0, 0x100000, 0, 0x1000, 7}},
	{"hv_read", SYS_HV_READ, 2, true, {0, 0, 0, 16}},
	{"hv_write", SYS_HV_WRITE, 2, false, {0, 0, 0, 16}},
	{"hv_translate", SYS_HV_TRANSLATE, 3, true, {0, 0, 1, 0}},
	{"hv_doorbell_add", SYS_HV_DOORBELL_ADD, 1, false, {0, 0}},
	{"hv_doorbell_remove", SYS_HV_DOORBELL_REMOVE, 1, false, {0, 0}},
	{"hv_vcpu_stats", SYS_HV_VCPU_STATS, 1, true, {0, 0}},
	{"hv_x86_cpuid_get count", SYS_HV_X86_CPUID_GET, 2, true, {0, 0, 0}},
	{"hv_x86_cpuid_set", SYS_HV_X86_CPUID_SET, 1, false, {0, 0, 4}},
	{"hv_x86_apic_get", SYS_HV_X86_APIC_GET, 1, true, {0, 0}},
	{"hv_x86_apic_set", SYS_HV_X86_APIC_SET, 1, false, {0, 0}},
	{"hv_x86_fpu_get", SYS_HV_X86_FPU_GET, 1, true, {0, 0, 512}},
	{"hv_x86_fpu_set", SYS_HV_X86_FPU_SET, 1, false, {0, 0, 512}},
};

/* ---- sizes that reach too far ---- */

static void test_ends(void)
{
	const struct hypike_info *info = hypike_info();
	uint64_t end = word(info->ram) + info->ram_size;

	check(refused(syscall3(SYS_CHANNEL_WRITE, 0, end - 8, 16)), "a text that leaves the RAM");
	check(syscall3(SYS_CHANNEL_WRITE, 0, EVERY, 0) <= 0, "nothing at the last address");
	check(refused(syscall6(SYS_THREAD_CREATE, DIRECT_MAP, 0, 0x1000, 0, 0, 0)),
	      "a thread that begins in the kernel");
	check(refused(syscall6(SYS_THREAD_CREATE, 0x400000, 0, KERNEL_BASE, 0, 0, 0)),
	      "a thread whose stack is the kernel's");
}

static void test_vm_ends(void)
{
	const struct hypike_info *info = hypike_info();
	uint64_t ram = word(info->ram), size = info->ram_size;

	check(syscall6(SYS_HV_MAP, 0, 0x200000, ram + size - 0x1000, 0x2000, 7, 0) == HV_E_FAULT,
	      "a guest gets no memory behind the partition's");
	check(syscall6(SYS_HV_MAP, 0, 0x200000, ram - 0x1000, 0x1000, 7, 0) == HV_E_FAULT,
	      "and none before it");
	check(syscall6(SYS_HV_MAP, 0, 0x200000, ram, EVERY & ~UINT64_C(0xfff), 7, 0) == HV_E_FAULT,
	      "and not all there is");
	check(refused(syscall6(SYS_HV_MAP, 0, 0x200000, USER_INFO, 0x1000, 1, 0)),
	      "nor its information page");
	check(syscall6(SYS_HV_MAP, 5, 0x200000, ram, 0x1000, 7, 0) == HV_E_NOENT &&
		      syscall1(SYS_HV_VCPU_RUN, 1) == HV_E_NOENT &&
		      syscall1(SYS_HV_VCPU_RUN, EVERY) == HV_E_NOENT &&
		      syscall1(SYS_HV_VCPU_RUN, 16) == HV_E_NOENT,
	      "handles that are not there");
	check(syscall6(SYS_HV_READ, 0, 0xff8, ram + 0xffc, 0x100, 0, 0) == 4,
	      "a copy goes on to the nearer end of a page");
}

static bool make_vm(void)
{
	struct hv_vm_params params = {.vcpus = 1};
	struct hv_vcpu_page *page;
	hv_vcpu_t vcpu;
	hv_vm_t vm;

	if (hv_vm_create(&params, &vm) != HV_OK)
		return false;
	return check(hv_vcpu_create(vm, 0, &vcpu, &page) == HV_OK && page != NULL, "a vCPU") &&
	       check(hv_map(vm, gpa(0), hypike_info()->ram, 0x10000, HV_PROT_ALL) == HV_OK,
		     "memory of its VM");
}

int main(void)
{
	for (unsigned int i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		test_call(&plain[i]);
	test_ends();
	if (make_vm()) {
		for (unsigned int i = 0; i < sizeof(virtual) / sizeof(virtual[0]); i++)
			test_call(&virtual[i]);
		test_vm_ends();
		check(hv_vm_destroy(0) == HV_OK, "the VM can be destroyed");
		check(syscall1(SYS_HV_VCPU_RUN, 0) == HV_E_NOENT, "and is gone then");
		check(make_vm(), "another one can be made");
	}
	return check_done();
}
