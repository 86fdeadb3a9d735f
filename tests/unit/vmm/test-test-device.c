/* SPDX-License-Identifier: BSD-2-Clause */
/* The device of benchmarks and tests. @verifies VMM-090 */
#include "tests/unit/vmm/bench.h"

#include "vmm/dev/test_device.h"
#include "vmm/machine/machine.h"
#include "vmm/options.h"
#include "vmm/vm.h"

static struct bench bench;
static struct test_device device;
static uint32_t hit;

static int setup(void **state)
{
	(void)state;
	mock_reset();
	test_device_init(&device);
	bench_init(&bench, &device.dev);
	device.dev.class->reset(&device.dev);
	hit = 0;
	return 0;
}

static uint64_t get(uint64_t offset, unsigned int size)
{
	return bus_memory_read(&bench.bus, &hit, TEST_DEVICE_MEMORY + offset, size);
}

static void put(uint64_t offset, unsigned int size, uint64_t value)
{
	bus_memory_write(&bench.bus, &hit, TEST_DEVICE_MEMORY + offset, size, value);
}

static uint64_t accesses(void)
{
	return bus_memory_read(&bench.bus, &hit, TEST_DEVICE_COUNT, 8);
}

static void what_is_written_is_read(void **state)
{
	(void)state;
	for (unsigned int size = 1; size <= 8; size *= 2) {
		const uint64_t mask = UINT64_MAX >> (64 - 8 * size);

		for (unsigned int at = 0; at + size <= TEST_DEVICE_SCRATCH; at++) {
			setup(state);
			put(at, size, UINT64_C(0xf1e2d3c4b5a69788));
			assert_int_equal(get(at, size), UINT64_C(0xf1e2d3c4b5a69788) & mask);
			/* and nothing beside it */
			for (unsigned int other = 0; other < TEST_DEVICE_SCRATCH; other++)
				if (other < at || other >= at + size)
					assert_int_equal(get(other, 1), 0);
		}
	}
}

static void port_and_memory_show_the_same(void **state)
{
	(void)state;
	bus_port_write(&bench.bus, TEST_DEVICE_PORT, 4, 0x44332211);
	assert_int_equal(get(0, 8), 0x44332211);
	bus_port_write(&bench.bus, TEST_DEVICE_PORT + 2, 2, 0xbeef);
	put(1, 1, 0x77);
	assert_int_equal(bus_port_read(&bench.bus, TEST_DEVICE_PORT, 4), 0xbeef7711);
	assert_int_equal(bus_port_read(&bench.bus, TEST_DEVICE_PORT + 1, 2), 0xef77);
	assert_int_equal(in8(&bench, TEST_DEVICE_PORT + 3), 0xbe);
}

static void accesses_are_counted(void **state)
{
	(void)state;
	assert_int_equal(accesses(), 0);
	put(0, 4, 1);
	get(8, 8);
	in8(&bench, TEST_DEVICE_PORT);
	out8(&bench, TEST_DEVICE_PORT, 1);
	assert_int_equal(accesses(), 4);
	assert_int_equal(accesses(), 4); /* looking doesn't count */
	bus_memory_write(&bench.bus, &hit, TEST_DEVICE_COUNT, 8, UINT64_C(0x1122334455667788));
	bus_memory_write(&bench.bus, &hit, TEST_DEVICE_COUNT + 2, 2, 0);
	assert_int_equal(accesses(), UINT64_C(0x1122334400007788));
	assert_int_equal(get(TEST_DEVICE_SCRATCH + 7, 1), 0x11);
}

static void the_rest_of_its_page_is_absent(void **state)
{
	(void)state;
	put(0x28, 4, 0);
	assert_int_equal(get(0x28, 4), 0xffffffff);
	assert_int_equal(bench.bus.absent_memory, 8);
	assert_int_equal(accesses(), 0);
}

static void anything_is_survived(void **state)
{
	(void)state;
	bench_torment(&bench, &device.dev, 20000);
}

/** A machine has it only when asked for. */
static void it_is_optional(void **state)
{
	static struct options options;
	static struct vm vm;

	(void)state;
	assert_null(options_parse("", &options));
	assert_int_equal(vm_create(&vm, &options), 0);
	assert_int_equal(bus_port_read(&vm.bus, TEST_DEVICE_PORT, 4), 0xffffffff);
	mock_reset();
	assert_null(options_parse("--test-device", &options));
	assert_int_equal(vm_create(&vm, &options), 0);
	assert_int_equal(bus_port_read(&vm.bus, TEST_DEVICE_PORT, 4), 0);
	hit = 0;
	assert_int_equal(bus_memory_read(&vm.bus, &hit, TEST_DEVICE_MEMORY, 8), 0);
}

#define T(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(what_is_written_is_read),
		T(port_and_memory_show_the_same),
		T(accesses_are_counted),
		T(the_rest_of_its_page_is_absent),
		T(anything_is_survived),
		T(it_is_optional),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
