/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file test-doorbell.c
 * A doorbell is removed and another one put into its slot while a guest's write is looked up: between any two loads
 * of the reader. The sources are compiled in, with loads that let the test in before each.
 *
 * @verifies HV-003
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "hypervisor/core/core.h"

#define LOADS_MOST 100u

static struct vm machine;
static unsigned int loads, change_at;
static uint64_t rung;
static void change(void);

static void before_load(void)
{
	if (loads++ == change_at)
		change();
}

/* Inside its own definition a macro's name means what it meant before. */
#define __atomic_load_n(at, order) (before_load(), __atomic_load_n(at, order))
#define host_notify(thread, bits)  ((void)(thread), rung |= (bits))
#include "hypervisor/core/doorbell.c"
#undef host_notify
#undef __atomic_load_n

static struct hv_doorbell first = {.space = HV_DOORBELL_PORT, .address = 0x500, .size = 2, .signal = 1};
static struct hv_doorbell second = {.space = HV_DOORBELL_PORT, .size = 2, .signal = 2};

static void change(void)
{
	assert_int_equal(vm_doorbell_remove(&machine, &first), HV_OK);
	assert_int_equal(vm_doorbell_add(&machine, &second), HV_OK);
}

/** Both in one slot, so that one takes the other's place. */
static void find_neighbour(void)
{
	second.address = first.address + 1;
	while (slot_of(second.space, second.address) != slot_of(first.space, first.address))
		second.address++;
	assert_true(second.address <= 0xffff);
}

/** A write to the port of `first`. @return false: the change would come after its last load. */
static bool write_meanwhile(unsigned int when)
{
	memset(&machine, 0, sizeof(machine));
	machine.signal = (struct host_thread *)&machine; /* whoever; it isn't looked at */
	change_at = LOADS_MOST;
	assert_int_equal(vm_doorbell_add(&machine, &first), HV_OK);
	loads = 0;
	change_at = when;
	rung = 0;
	doorbell_ring(&machine, HV_DOORBELL_PORT, first.address, 2, 0);
	return loads > when;
}

static void nobody_elses_doorbell_rings(void **state)
{
	unsigned int tries = 0, missed = 0;

	(void)state;
	find_neighbour();
	while (write_meanwhile(tries)) {
		assert_true(rung == 0 || rung == UINT64_C(1) << first.signal);
		missed += rung == 0;
		tries++;
	}
	assert_true(tries > 8 && tries < LOADS_MOST); /* it was let in between all fields */
	assert_true(missed > 0 && missed < tries);
	assert_int_equal(rung, UINT64_C(1) << first.signal); /* nothing has changed this time */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_elses_doorbell_rings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
