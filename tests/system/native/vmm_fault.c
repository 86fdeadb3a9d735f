/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * VMMs of a few lines that crash, hang or report their guest's end while the guest computes, and begin
 * again with their VM alone; a neighbour counts on.
 * @verifies KRN-071
 * @verifies KRN-076
 */
#include <hypike/hv_x86.h>

#include "lib/hypike/program.h"
#include "lib/hypike/syscall.h"
#include "lib/string.h"
#include "tests/system/native/check.h"
#include "vmm/status.h"

#define COUNTER 0x100u

static hv_vcpu_t vcpu;

/* Real mode: 1: incw COUNTER; jmp 1b */
static const uint8_t guest[] = {0xff, 0x06, COUNTER & 0xff, COUNTER >> 8, 0xeb, 0xfa};

static volatile uint16_t *counter(void)
{
	return (volatile uint16_t *)((uintptr_t)hypike_info()->ram + COUNTER);
}

static bool make_vm(void)
{
	struct hv_vm_params params = {.vcpus = 1};
	struct hv_vcpu_page *page;
	hv_vm_t vm;

	memcpy(hypike_info()->ram, guest, sizeof(guest));
	if (hv_vm_create(&params, &vm) != HV_OK ||
	    hv_vcpu_create(vm, 0, &vcpu, &page) != HV_OK ||
	    hv_map(vm, gpa(0), hypike_info()->ram, 0x200000, HV_PROT_ALL) != HV_OK ||
	    hv_vcpu_get(vcpu, HV_X86_REGS_GPR | HV_X86_REGS_SEG) != HV_OK)
		return false;
	hv_x86_regs(page)->seg[HV_CS].base = 0;
	hv_x86_regs(page)->seg[HV_CS].selector = 0;
	hv_x86_regs(page)->rip = 0;
	page->dirty = HV_X86_REGS_GPR | HV_X86_REGS_SEG;
	return true;
}

static void run(void *arg)
{
	(void)arg;
	for (;;)
		if (hv_vcpu_run(vcpu) != HV_OK)
			hypike_exit(98);
}

static void fail(const char *how)
{
	uint64_t end = hypike_time() + 1000 * MS;

	if (strcmp(how, "crash") == 0)
		__asm__ volatile("ud2");
	if (strcmp(how, "triple") == 0)
		hypike_exit(VMM_STATUS_TRIPLE_FAULT);
	while (hypike_time() < end) /* "hang" */
		;
}

static uint32_t last_cpu(void)
{
	return 63 - (uint32_t)__builtin_clzll(hypike_info()->cpu_mask);
}

static int be_vmm(void)
{
	const struct hypike_info *info = hypike_info();
	uint16_t before = *counter();

	say("begin %u, start %u, warm %u, counted %u\n", info->restarts, info->start, info->warm,
	    before != 0);
	if (!make_vm())
		return 97;
	spawn(run, NULL, info->priority - 1, last_cpu());
	for (unsigned int i = 0; i < 1000 && *counter() == before; i++) {
		sleep_ms(1);
		hypike_alive();
	}
	if (*counter() == before)
		return 96;
	if (info->restarts < 3)
		fail(info->args);
	return 0;
}

/* Wakes each millisecond; nobody keeps it from that for long. */
static int neighbour(void)
{
	uint64_t last = hypike_time(), longest = 0;

	for (unsigned int i = 0; i < 100; i++) {
		uint64_t now;

		sleep_ms(1);
		now = hypike_time();
		longest = now - last > longest ? now - last : longest;
		last = now;
	}
	say("longest wait %lu ns\n", longest);
	return 0;
}

int main(void)
{
	return strcmp(hypike_info()->args, "neighbour") == 0 ? neighbour() : be_vmm();
}
