/* SPDX-License-Identifier: BSD-2-Clause */
/* Booting Linux images as the VMM does, and the clock that they ask for.
 * @verifies BOOT-010 BOOT-011 VMM-117 */
#include "tests/unit/vmm/bench.h"

#include <string.h>

#include "lib/x86/regs.h"
#include "tests/unit/lib/linux_image.h"
#include "vmm/boot/boot.h"
#include "vmm/machine/machine.h"
#include "vmm/status.h"

#define MSR_WALL_CLOCK	0x4b564d00u
#define MSR_SYSTEM_TIME 0x4b564d01u

static struct vm vm;
static struct options options;
static uint8_t initrd[3] = {1, 2, 3}, more[5] = {4, 5, 6, 7, 8};

static uint64_t get(uint64_t where, size_t size)
{
	uint64_t value = 0;

	memcpy(&value, vm.ram + where, size);
	return value;
}

static int setup(void **state)
{
	(void)state;
	mock_reset();
	bzimage(NULL);
	put(LINUX_CMDLINE_SIZE, 20, 4);
	mock_file("linux", image, sizeof(image));
	mock_file("initrd", initrd, sizeof(initrd));
	mock_file("more", more, sizeof(more));
	return 0;
}

static int boot(const char *args)
{
	assert_null(options_parse(args, &options));
	assert_int_equal(vm_create(&vm, &options), 0);
	return boot_guest(&vm, &options);
}

static void a_bzimage_is_booted(void **state)
{
	(void)state;
	assert_int_equal(boot("--memory 32M --kernel linux --cmdline 'console=ttyS0' "
			      "--module initrd --module more"),
			 0);
	const struct hv_x86_regs *regs = hv_x86_regs(vm.vcpu[0].page);
	const uint64_t params = regs->gpr[HV_RSI], ramdisk = get(params + LINUX_RAMDISK_IMAGE, 4);

	assert_true(regs->rip == PREF + 0x200);
	assert_int_equal(regs->seg[HV_CS].selector, 0x10);
	assert_int_equal(regs->seg[HV_DS].selector, 0x18);
	assert_true(regs->efer == (EFER_LME | EFER_LMA));
	assert_true(regs->cr0 & CR0_PG);
	assert_memory_equal(vm.ram + PREF, image + PROPER, sizeof(image) - PROPER);
	assert_memory_equal(vm.ram + params + LINUX_MAGIC, "HdrS", 4);
	assert_string_equal((char *)vm.ram + get(params + LINUX_CMDLINE, 4), "console=ttyS0");
	assert_true(get(params + 0x70, 8) == vm.rsdp);
	assert_memory_equal(vm.ram + vm.rsdp, "RSD PTR ", 8);
	/* The archives lie behind each other, from a multiple of four on. */
	assert_int_equal(get(params + LINUX_RAMDISK_SIZE, 4), 12);
	assert_memory_equal(vm.ram + ramdisk, "\1\2\3\0\4\5\6\7\10\0\0\0", 12);
	assert_true(ramdisk == (32u << 20) - HV_PAGE_SIZE);
	/* Low memory, EBDA, BIOS, the rest, PCI's configuration space. */
	assert_int_equal(get(params + 0x1e8, 1), 5);
	assert_true(get(params + 0x2d0 + 3 * 20 + 8, 8) == 31u << 20);
	/* Page tables map the end of 4 GiB, one to one. */
	uint64_t entry = get(regs->cr3, 8);
	entry = get((entry & ~0xfffu) + 8 * 3, 8);
	assert_true(get((entry & ~0xfffu) + 8 * 511, 8) == 0xffe00083);
}

static void a_vmlinux_is_booted(void **state)
{
	(void)state;
	vmlinux(NULL);
	assert_int_equal(boot("--memory 32M --kernel linux --cmdline quiet --module initrd"), 0);
	vm.ram[ENTRY + LOAD_SIZE] = 1; /* when it is booted anew, its memory isn't new */
	assert_int_equal(boot_guest(&vm, &options), 0);
	assert_int_equal(get(ENTRY + LOAD_SIZE, 1), 0);
	const struct hv_x86_regs *regs = hv_x86_regs(vm.vcpu[0].page);
	const uint64_t info = regs->gpr[HV_RBX], module = get(info + 16, 8);

	assert_true(regs->rip == 0x200010);
	assert_true(regs->cr0 == (CR0_PE | CR0_ET) && regs->efer == 0);
	assert_int_equal(get(info, 4), 0x336ec578);
	assert_int_equal(get(info + 12, 4), 1);
	assert_int_equal(get(get(module, 8), 4), 0x030201);
	assert_int_equal(get(module + 8, 8), 4);
	assert_string_equal((char *)vm.ram + get(info + 24, 8), "quiet");
	assert_true(get(info + 32, 8) == vm.rsdp);
	assert_int_equal(get(info + 48, 4), 5);
}

static void what_is_refused(void **state)
{
	static const char *const lines[][2] = {
		{"--memory 20M --kernel linux", "vmm: linux: it needs more memory than the VM has"},
		{"--memory 32M --kernel linux --cmdline 'more than twenty letters'",
		 "vmm: linux: its command line is too long"},
		{"--memory 32M --kernel linux --module 'nothing here'",
		 "vmm: nothing: no such file in this partition"},
		{"--memory 24M --kernel linux --module initrd",
		 "vmm: initrd: this initrd doesn't fit into the VM's memory"},
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		setup(NULL);
		assert_int_equal(boot(lines[i][0]), VMM_STATUS_LOAD);
		console_flush(&vm.console);
		if (strstr(mock_console, lines[i][1]) == NULL)
			fail_msg("\"%s\" instead of \"%s\"", mock_console, lines[i][1]);
	}
}

/* ------------------------------------------------------------------------------------------- clock */

static bool msr(uint32_t index, bool write, uint64_t *value)
{
	return vm.machine->sysreg(&vm.vcpu[0], index, write, value);
}

static void the_clock_is_told(void **state)
{
	uint64_t value = 0x5001;

	(void)state;
	assert_int_equal(boot("--memory 32M --kernel linux --rtc 1000000000"), 0);
	mock_now += 7000000000;
	memset(vm.ram + 0x5000, 0xff, 32);
	assert_true(msr(MSR_SYSTEM_TIME, true, &value));
	assert_int_equal(get(0x5000, 4) & 1, 0);
	assert_true(get(0x5010, 8) == 7000000000);
	/* 1 GHz by the mock: a shift of one and a factor of a half. */
	assert_int_equal(get(0x5018, 4), 0x80000000);
	assert_int_equal(get(0x501c, 2), 0x0101);
	value = 0x6000;
	assert_true(msr(MSR_WALL_CLOCK, true, &value));
	assert_int_equal(get(0x6004, 4), 1000000000);
	assert_true(msr(MSR_SYSTEM_TIME, false, &value));
	assert_true(value == 0x5001);
}

static void bad_clocks_fault(void **state)
{
	uint64_t value;

	(void)state;
	assert_int_equal(boot("--memory 32M --kernel linux"), 0);
	value = (32u << 20) - 15; /* its end is outside */
	assert_false(msr(MSR_SYSTEM_TIME, true, &value));
	value = UINT64_MAX;
	assert_false(msr(MSR_SYSTEM_TIME, true, &value));
	assert_false(msr(MSR_WALL_CLOCK, true, &value));
	value = 0xf0001; /* ROM */
	assert_false(msr(MSR_SYSTEM_TIME, true, &value));
	value = 0; /* off */
	assert_true(msr(MSR_SYSTEM_TIME, true, &value));
	assert_false(msr(MSR_SYSTEM_TIME + 1, false, &value));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_bzimage_is_booted, setup),
		cmocka_unit_test_setup(a_vmlinux_is_booted, setup),
		cmocka_unit_test_setup(what_is_refused, setup),
		cmocka_unit_test_setup(the_clock_is_told, setup),
		cmocka_unit_test_setup(bad_clocks_fault, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
