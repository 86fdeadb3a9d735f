/* SPDX-License-Identifier: BSD-2-Clause */
/* The virtio devices that the VMM's options ask for. @verifies VMM-511 */
#include "tests/unit/vmm/bench.h"

#include <stdlib.h>
#include <string.h>

#include "lib/frame_ring.h"
#include "vmm/machine/machine.h"
#include "vmm/machine/pc_virtio.h"
#include "vmm/options.h"
#include "vmm/status.h"

#define ECAM  0xe0000000u
#define IMAGE 5000u

static struct vm vm;
static struct options options;
static char image[IMAGE];
static uint8_t region[0x10000] __attribute__((aligned(4096)));

static int setup(void **state)
{
	(void)state;
	mock_reset();
	memset(region, 0, sizeof(region));
	mock_file("disk.img", image, sizeof(image));
	mock_memory_limit = (4 << 20) + 8192;
	mock_region = region;
	mock_region_size = sizeof(region);
	return 0;
}

static int make(const char *args)
{
	char text[256] = "--memory 4M ";

	strcat(text, args);
	assert_null(options_parse(text, &options));
	return vm_create(&vm, &options);
}

/** First word of a slot's configuration space. */
static uint32_t identity(unsigned int slot)
{
	uint32_t hit = 0;

	return (uint32_t)bus_memory_read(&vm.bus, &hit, ECAM + (slot << 15), 4);
}

static void devices_are_on_the_bus(void **state)
{
	(void)state;
	assert_int_equal(make(""), 0);
	for (unsigned int slot = 2; slot < 32; slot++)
		assert_int_equal(identity(slot), 0xffffffff);
	assert_int_equal(make("--virtio-console --rng --disk disk.img --disk disk.img,ro "
			      "--disk disk.img,overlay --net region --net region,mac=02:00:00:00:00:05"),
			 0);
	assert_int_equal(identity(2), 0x10431af4);
	assert_int_equal(identity(3), 0x10441af4);
	for (unsigned int slot = 4; slot < 7; slot++)
		assert_int_equal(identity(slot), 0x10421af4);
	assert_int_equal(identity(7), 0xffffffff);
	assert_int_equal(identity(8), 0x10411af4);
	assert_int_equal(identity(9), 0x10411af4);
	assert_true(mock_region_signal >= 0);
}

static void keys_go_to_the_serial_line_until_a_driver_is_there(void **state)
{
	(void)state;
	assert_int_equal(make("--virtio-console"), 0);
	assert_false(pc_virtio_wants_keys());
	assert_int_equal(vm.machine->room(&vm), 1);
	assert_int_equal(make(""), 0);
	assert_false(pc_virtio_wants_keys());
}

static void mistakes_are_said(void **state)
{
	static const struct {
		const char *args, *message;
	} mistakes[] = {
		{"--disk absent.img", "--disk absent.img: there is no such file"},
		{"--disk disk.img,rw", "--disk disk.img,rw: neither ro nor overlay"},
		{"--disk disk.img,overlay --disk disk.img,overlay", "too little memory for an overlay"},
		{"--net absent", "--net absent: there is no such shared region"},
		{"--net region,vlan=1", "--net region,vlan=1: not mac="},
		{"--net region,mac=01:00:00:00:00:01", "not mac="},
		{"--disk 1234567890123456789012345678901234567890123456789012345678901234", "no such file"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
		setup(NULL);
		assert_int_not_equal(make(mistakes[i].args), 0);
		assert_non_null(strstr(mock_console, mistakes[i].message));
	}
	setup(NULL);
	mock_region_size = 4096;
	assert_int_not_equal(make("--net region"), 0);
	assert_non_null(strstr(mock_console, "the region is too small"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(devices_are_on_the_bus, setup),
		cmocka_unit_test_setup(keys_go_to_the_serial_line_until_a_driver_is_there, setup),
		cmocka_unit_test_setup(mistakes_are_said, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
