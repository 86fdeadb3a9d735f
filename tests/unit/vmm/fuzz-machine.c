/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libFuzzer entry: a guest that does anything with the ports, memory and interrupts of machine `pc`,
 * with what firmware has besides, while time passes and keys arrive. Each four bytes of input are one act.
 * sources: @tests/unit/vmm/fuzz-machine.sources
 * runs: 2000
 *
 * @verifies VMM-001 VMM-002 VMM-020 VMM-030 VMM-040 VMM-050 VMM-060 VMM-110 VMM-113 VMM-505
 */
#include <stdlib.h>
#include <string.h>

#include "tests/unit/vmm/mock.h"
#include "vmm/machine/machine.h"
#include "vmm/options.h"
#include "vmm/vm.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct vm vm;
static struct options options;
static uint8_t image[4096], region[65536]; /* a disk, a network cable */
static const uint8_t *input;
static size_t left;

/** Ports that have devices, to spend the time on. */
static const uint16_t ports[] = {
	0x20,  0x21,  0x40,  0x41,  0x42,  0x43,  0x60,  0x61,  0x64,  0x70,  0x71,
	0x80,  0x92,  0xa0,  0xa1,  0xe9,  0xf3,  0xf4,  0x3b3, 0x3b4, 0x3b5, 0x3ba,
	0x3c0, 0x3c1, 0x3c2, 0x3c4, 0x3c5, 0x3c8, 0x3c9, 0x3ce, 0x3cf, 0x3d4, 0x3d5,
	0x3da, 0x3f7, 0x3f8, 0x3f9, 0x3fa, 0x3fb, 0x3fc, 0x3fd, 0x3fe, 0x3ff, 0x4d0,
	0x4d1, 0x402, 0x510, 0x511, 0x514, 0x518, 0x600, 0x602, 0x604, 0x608, 0xcf8, 0xcf9,
	0xcfc, 0xcfd, 0xcfe, 0x8900, 0xffff, 0x1ce, 0x1cf,
};

static void act_port(struct hv_vcpu_page *page, const uint8_t act[4])
{
	static const uint8_t sizes[4] = {1, 1, 2, 4};

	page->exit = (struct hv_exit){
		.kind = HV_EXIT_PORT,
		.port = {.port = ports[act[1] % (sizeof(ports) / sizeof(ports[0]))],
			 .size = sizes[act[3] & 3],
			 .write = act[0] & 1,
			 .string = (act[3] & 0xfc) == 0xfc,
			 .count = (act[3] & 0xfc) == 0xfc ? act[2] & 15 : 1,
			 .value = act[2] * 0x01010101u}};
}

/** Where devices answer in memory: I/O APIC, configuration space, BARs; low memory besides. */
static uint64_t address_of(const uint8_t act[4])
{
	const uint64_t offset = (uint64_t)(act[2] & ~7u) << (act[3] >> 3 & 7) | (act[2] & 7);

	switch (act[1] >> 5) {
	case 0:
		return (uint64_t)act[1] << 12 | act[2];
	case 1:
		return UINT64_C(0xfec00000) + offset;
	case 2:
	case 3:
		return UINT64_C(0xe0000000) + ((act[1] & 31u) << 15) + offset;
	case 4:
		return UINT64_C(0xfee00000) + offset;
	default:
		return UINT64_C(0xc0000000) + ((act[1] & 63u) << 12) + offset;
	}
}

/** An access as the driver decodes it. */
static void act_move(struct hv_vcpu_page *page, const uint8_t act[4])
{
	static const uint8_t sizes[4] = {1, 2, 4, 8};

	page->exit = (struct hv_exit){.kind = HV_EXIT_MEMORY};
	page->exit.memory = (struct hv_exit_memory){.address = address_of(act),
						    .access = act[0] & 1 ? HV_PROT_WRITE : HV_PROT_READ,
						    .decoded = 1,
						    .size = sizes[act[3] & 3]};
	if (left >= 4) {
		memcpy(&page->exit.memory.value, input, 4);
		input += 4;
		left -= 4;
	}
}

/** KVM's clocks, the end of an interrupt, a doorbell. */
static void act_other(struct hv_vcpu_page *page, const uint8_t act[4])
{
	switch (act[1] & 3) {
	case 0:
		page->exit = (struct hv_exit){.kind = HV_EXIT_EOI, .eoi_vector = act[2]};
		break;
	case 1:
		platform_mutex_lock(&vm.lock);
		if (act[2] < vm.doorbells)
			command_give(&vm.doorbell[act[2]], 0);
		platform_mutex_unlock(&vm.lock);
		break;
	default:
		page->exit = (struct hv_exit){.kind = HV_EXIT_SYSREG};
		page->exit.sysreg = (struct hv_exit_sysreg){.index = 0x4b564d00u + (act[3] & 7u),
							    .write = act[0] & 1,
							    .value = (uint64_t)act[2] << (act[3] >> 3) | 1};
		break;
	}
}

static void act_memory(struct hv_vcpu_page *page, const uint8_t act[4])
{
	struct hv_exit_memory *exit = &page->exit.memory;
	size_t n = left < HV_INSN_MAX ? left : HV_INSN_MAX;

	page->exit.kind = HV_EXIT_MEMORY;
	*exit = (struct hv_exit_memory){.address = address_of(act),
					.access = act[3] & 3 ? act[3] & 3 : 1,
					.mode = act[3] & 4 ? 64 : 32,
					.insn_length = (uint8_t)n};
	memcpy(exit->insn, input, n);
	input += n;
	left -= n;
}

static void time_pass(const uint8_t act[4])
{
	uint64_t end = mock_now + ((uint64_t)act[1] << (act[2] & 31));

	platform_mutex_lock(&vm.lock);
	for (unsigned int i = 0; i < 100 && timer_next(&vm.timers) <= end; i++) {
		if (timer_next(&vm.timers) > mock_now)
			mock_now = timer_next(&vm.timers);
		timer_run(&vm.timers, mock_now);
	}
	mock_now = end;
	platform_mutex_unlock(&vm.lock);
}

static void keys_come(const uint8_t act[4])
{
	platform_mutex_lock(&vm.lock);
	for (unsigned int i = 0; i < (act[2] & 31u); i++)
		console_key(&vm.console, act[1] ? act[1] : 'x');
	platform_mutex_unlock(&vm.lock);
}

static hv_status_t guest(uint32_t vcpu, unsigned int step, struct hv_vcpu_page *page)
{
	const uint8_t *act = input;

	(void)vcpu;
	(void)step;
	if (left < 4) {
		page->exit = (struct hv_exit){
			.kind = HV_EXIT_PORT,
			.port = {.port = 0xf4, .size = 1, .write = 1, .count = 1}};
		return HV_OK;
	}
	input += 4;
	left -= 4;
	page->valid = HV_X86_REGS_ALL;
	page->intr_ready = act[0] >> 7;
	page->exit.kind = HV_EXIT_KICKED;
	switch (act[0] >> 1 & 7) {
	case 0:
		time_pass(act);
		break;
	case 1:
		keys_come(act);
		break;
	case 2:
		act_memory(page, act);
		break;
	case 3:
	case 4:
		act_move(page, act);
		break;
	case 5:
		act_other(page, act);
		break;
	default:
		act_port(page, act);
		break;
	}
	return HV_OK;
}

/** Long inputs from the start: a device is interesting after many acts. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static char *args[64];
	int n = *argc < 62 ? *argc : 62;

	memcpy(args, *argv, (size_t)n * sizeof(args[0]));
	args[n++] = "-len_control=0";
	args[n++] = "-max_len=240";
	*argv = args;
	*argc = n;
	mock_reset();
	mock_memory_limit = UINT64_C(20) << 20;
	mock_guest = guest;
	mock_file("image", image, sizeof(image));
	mock_region = region;
	mock_region_size = sizeof(region);
	if (options_parse("--memory 2M --test-device --firmware rom --rng --rng-seed 1 --virtio-console "
			  "--net region --disk image,overlay --disk image --display",
			  &options) || vm_create(&vm, &options) != 0)
		abort();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	input = data;
	left = size;
	mock_now = (mock_now / 1000000000 + 1) * 1000000000; /* never back */
	mock_console_length = 0;
	vm.stopped = 0;
	vm.running = 1;
	vm.console.escaped = 0;
	vm.vcpu[0].attention = 0;
	vm.machine->reset(&vm);
	memset(vm.vcpu[0].page, 0, sizeof(*vm.vcpu[0].page));
	vcpu_thread(&vm.vcpu[0]);
	if (!vm.stopped)
		abort();
	return 0;
}
