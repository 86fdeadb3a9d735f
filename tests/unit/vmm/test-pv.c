/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hypercalls about ports and shared memory, from a guest that is hostile.
 * @verifies VMM-200
 */
#include "tests/unit/vmm/bench.h"

#include <string.h>

#include "tests/unit/vmm/mock_port.h"
#include "vmm/options.h"
#include "vmm/pv.h"

#define RAM	(UINT64_C(4) << 20)
#define BUFFER	0x200000u
#define RESULT	0x201000u
#define NAME	0x202000u
#define REGION	0xd0000000u
#define ROM	0xf0000u

static struct vm vm;
static struct options options;
static uint8_t region[0x2000] __attribute__((aligned(4096)));

static int setup(void **state)
{
	(void)state;
	mock_reset();
	mock_region = region;
	mock_region_size = sizeof(region);
	assert_null(options_parse("--memory 4M", &options));
	assert_int_equal(vm_create(&vm, &options), 0);
	return 0;
}

static int64_t call(uint64_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	const uint64_t args[PV_ARGS] = {a, b, c, d};
	int64_t result;

	platform_mutex_lock(&vm.lock);
	result = pv_hypercall(&vm.vcpu[0], number, args);
	platform_mutex_unlock(&vm.lock);
	return result;
}

static uint64_t name(const char *text)
{
	memset(vm.ram + NAME, 0, PV_NAME_SIZE);
	memcpy(vm.ram + NAME, text, strlen(text));
	return NAME;
}

static void opens_by_name(void **state)
{
	struct pv_port_info info;

	(void)state;
	assert_int_equal(call(PV_CALL_PORT_OPEN, name("q.in"), RESULT, 0, 0), HV_OK);
	memcpy(&info, vm.ram + RESULT, sizeof(info));
	assert_int_equal(info.port, MOCK_Q_IN);
	assert_int_equal(info.kind, PV_PORT_QUEUING);
	assert_int_equal(call(PV_CALL_PORT_OPEN, name("none"), RESULT, 0, 0), HV_E_NOENT);
}

static void messages_pass(void **state)
{
	struct pv_sample sample;

	(void)state;
	memset(vm.ram + BUFFER, 0x5a, 10);
	assert_int_equal(call(PV_CALL_QUEUING_SEND, MOCK_Q_OUT, BUFFER, 10, 0), HV_OK);
	memset(vm.ram + BUFFER, 0, 64);
	assert_int_equal(call(PV_CALL_QUEUING_RECEIVE, MOCK_Q_IN, BUFFER, 9, 0), HV_E_RANGE);
	assert_int_equal(call(PV_CALL_QUEUING_RECEIVE, MOCK_Q_IN, BUFFER, 64, 0), 10);
	assert_int_equal(vm.ram[BUFFER + 9], 0x5a);
	assert_int_equal(vm.ram[BUFFER + 10], 0);
	assert_int_equal(call(PV_CALL_QUEUING_RECEIVE, MOCK_Q_IN, BUFFER, 64, 0), HV_E_STATE);
	assert_int_equal(call(PV_CALL_SAMPLING_READ, MOCK_S_IN, BUFFER, 64, RESULT), HV_E_STATE);
	assert_int_equal(call(PV_CALL_SAMPLING_WRITE, MOCK_S_OUT, BUFFER, 7, 0), HV_OK);
	assert_int_equal(call(PV_CALL_SAMPLING_READ, MOCK_S_IN, BUFFER, 64, RESULT), HV_OK);
	memcpy(&sample, vm.ram + RESULT, sizeof(sample));
	assert_int_equal(sample.size, 7);
	assert_int_equal(sample.age, 5);
}

static void interrupts_are_raised(void **state)
{
	(void)state;
	assert_int_equal(call(PV_CALL_PORT_BIND, MOCK_Q_IN, 15, 0, 0), HV_E_INVALID);
	assert_int_equal(call(PV_CALL_PORT_BIND, MOCK_Q_IN, 256, 0, 0), HV_E_INVALID);
	assert_int_equal(call(PV_CALL_PORT_BIND, 99, 0x40, 0, 0), HV_E_NOENT);
	assert_int_equal(call(PV_CALL_PORT_BIND, MOCK_Q_IN, 0x40, 0, 0), HV_OK);
	assert_true(mock_port_signal[MOCK_Q_IN] >= 0);
	command_give(&vm.doorbell[mock_port_signal[MOCK_Q_IN]], 0);
	assert_int_equal(mock_msi_count, 1);
	assert_int_equal(mock_msis[0].address, 0xfee00000);
	assert_int_equal(mock_msis[0].data, 0x40);
	/* Another vector, then none: by the same event. */
	const uint32_t events = vm.doorbells;

	assert_int_equal(call(PV_CALL_PORT_BIND, MOCK_Q_IN, 0x41, 0, 0), HV_OK);
	command_give(&vm.doorbell[mock_port_signal[MOCK_Q_IN]], 0);
	assert_int_equal(mock_msis[1].data, 0x41);
	assert_int_equal(call(PV_CALL_PORT_BIND, MOCK_Q_IN, 0, 0, 0), HV_OK);
	command_give(&vm.doorbell[mock_port_signal[MOCK_Q_IN]], 0);
	assert_int_equal(mock_msi_count, 2);
	assert_int_equal(vm.doorbells, events);
}

static void regions_are_mapped(void **state)
{
	const unsigned int maps = mock_map_count;

	(void)state;
	assert_int_equal(call(PV_CALL_SHARED_NOTIFY, 3, 0, 0, 0), HV_E_NOENT);
	assert_int_equal(call(PV_CALL_SHARED_MAP, name("none"), REGION, RESULT, 0), HV_E_NOENT);
	assert_int_equal(call(PV_CALL_SHARED_MAP, name("region"), REGION + 8, RESULT, 0),
			 HV_E_INVALID);
	assert_int_equal(call(PV_CALL_SHARED_MAP, NAME, UINT64_MAX & ~0xfffULL, RESULT, 0),
			 HV_E_INVALID);
	assert_int_equal(call(PV_CALL_SHARED_MAP, NAME, RAM - 4096, RESULT, 0), HV_E_EXISTS);
	assert_int_equal(mock_map_count, maps);
	assert_int_equal(call(PV_CALL_SHARED_MAP, NAME, REGION, RESULT, 0), HV_OK);
	assert_ptr_equal(mock_maps[maps].host, region);
	assert_int_equal(call(PV_CALL_SHARED_MAP, NAME, REGION, RESULT, 0), HV_E_EXISTS);
	assert_int_equal(call(PV_CALL_SHARED_NOTIFY, 3, 0, 0, 0), HV_OK);
	assert_int_equal(mock_region_notified, 1);
	assert_int_equal(call(PV_CALL_SHARED_BIND, 3, 0x50, 0, 0), HV_OK);
	command_give(&vm.doorbell[mock_region_signal], 0);
	assert_int_equal(mock_msis[0].data, 0x50);
}

static void a_reset_takes_all_back(void **state)
{
	(void)state;
	assert_int_equal(call(PV_CALL_SHARED_MAP, name("region"), REGION, RESULT, 0), HV_OK);
	assert_int_equal(call(PV_CALL_SHARED_BIND, 3, 0x50, 0, 0), HV_OK);
	assert_int_equal(call(PV_CALL_PORT_BIND, MOCK_Q_IN, 0x40, 0, 0), HV_OK);
	platform_mutex_lock(&vm.lock);
	pv_reset(&vm);
	command_give(&vm.doorbell[mock_port_signal[MOCK_Q_IN]], 0);
	command_give(&vm.doorbell[mock_region_signal], 0);
	platform_mutex_unlock(&vm.lock);
	assert_int_equal(mock_msi_count, 0);
	assert_int_equal(call(PV_CALL_SHARED_NOTIFY, 3, 0, 0, 0), HV_E_NOENT);
	assert_int_equal(call(PV_CALL_SHARED_MAP, name("region"), REGION, RESULT, 0), HV_OK);
	assert_int_equal(call(PV_CALL_SHARED_BIND, 3, 0x51, 0, 0), HV_OK);
	command_give(&vm.doorbell[mock_region_signal], 0);
	assert_int_equal(mock_msis[0].data, 0x51);
}

/* Every call with arguments of every kind: an error or a result, and nothing outside the RAM. */
static void hostile_arguments(void **state)
{
	static const uint64_t values[] = {
		0,	 1,	     MOCK_S_IN,	      8,	  64,	     65,
		ROM,	 BUFFER,     RAM - 1,	      RAM,	  RAM - 64,  REGION,
		1u << 31, UINT32_MAX, UINT64_C(1) << 32, UINT64_MAX - 31, UINT64_MAX};
	const size_t count = sizeof(values) / sizeof(values[0]);

	(void)state;
	for (uint64_t number = PV_CALL_VMM; number <= PV_CALL_END; number++)
		for (size_t a = 0; a < count; a++)
			for (size_t b = 0; b < count; b++)
				for (size_t c = 0; c < count; c++)
					for (size_t d = 0; d < count; d += 5)
						call(number, values[a], values[b], values[c],
						     values[d]);
	assert_int_equal(call(PV_CALL_END, 0, 0, 0, 0), HV_E_UNSUPPORTED);
	assert_int_equal(call(UINT64_MAX, 0, 0, 0, 0), HV_E_UNSUPPORTED);
	assert_int_equal(call(PV_CALL_QUEUING_RECEIVE, (UINT64_C(1) << 32) + MOCK_Q_IN, BUFFER, 64,
			      0),
			 HV_E_NOENT);
	assert_int_equal(call(PV_CALL_PORT_STATUS, MOCK_Q_IN, ROM, 0, 0), HV_E_FAULT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(opens_by_name, setup),
		cmocka_unit_test_setup(messages_pass, setup),
		cmocka_unit_test_setup(interrupts_are_raised, setup),
		cmocka_unit_test_setup(regions_are_mapped, setup),
		cmocka_unit_test_setup(a_reset_takes_all_back, setup),
		cmocka_unit_test_setup(hostile_arguments, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
