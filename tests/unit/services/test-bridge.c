/* SPDX-License-Identifier: BSD-2-Clause */
/* The switch's decisions. @verifies LIB-041 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/mac.h"
#include "services/switch/bridge.h"

#define A	  UINT64_C(0x020000000001)
#define B	  UINT64_C(0x020000000002)
#define C	  UINT64_C(0x020000000003)
#define D	  UINT64_C(0x020000000004)
#define OTHER	  UINT64_C(0x0200000000ff)
#define BROADCAST UINT64_C(0xffffffffffff)
#define GROUP	  UINT64_C(0x01005e000001)

static struct bridge bridge;
static uint8_t frame[1600];

/** Ports 0 and 1 with addresses and 2 without in VLAN 1; 3 and 4 with addresses in VLAN 7. */
static int setup(void **state)
{
	(void)state;
	memset(&bridge, 0, sizeof(bridge));
	assert_int_equal(bridge_port_add(&bridge, A, 1), 0);
	assert_int_equal(bridge_port_add(&bridge, B, 1), 1);
	assert_int_equal(bridge_port_add(&bridge, 0, 1), 2);
	assert_int_equal(bridge_port_add(&bridge, C, 7), 3);
	assert_int_equal(bridge_port_add(&bridge, D, 7), 4);
	return 0;
}

static uint32_t send_as(unsigned int from, uint64_t source, uint64_t to, uint16_t type, size_t size)
{
	for (unsigned int i = 0; i < 6; i++) {
		frame[i] = (uint8_t)(to >> (40 - 8 * i));
		frame[6 + i] = (uint8_t)(source >> (40 - 8 * i));
	}
	frame[12] = (uint8_t)(type >> 8);
	frame[13] = (uint8_t)type;
	return bridge_frame(&bridge, from, frame, size);
}

static uint32_t send(unsigned int from, uint64_t source, uint64_t to)
{
	return send_as(from, source, to, 0x0800, 60);
}

static void frames_find_their_port(void **state)
{
	(void)state;
	assert_int_equal(send(0, A, B), 1u << 1);
	assert_int_equal(send(1, B, A), 1u << 0);
	assert_int_equal(send(3, C, D), 1u << 4);
	assert_int_equal(send(0, A, BROADCAST), 1u << 1 | 1u << 2);
	assert_int_equal(send(2, OTHER, GROUP), 1u << 0 | 1u << 1);
	assert_int_equal(send(3, C, BROADCAST), 1u << 4);
	assert_int_equal(send(0, A, A), 0); /* not back */
	assert_int_equal(bridge.port[0].taken, 3);
}

static void another_vlan_is_another_world(void **state)
{
	(void)state;
	assert_int_equal(send(0, A, C), 1u << 2); /* whoever may have it here */
	assert_int_equal(send(3, C, A), 0);
	assert_int_equal(send(3, C, OTHER), 0);
	assert_int_equal(bridge_port_add(&bridge, A, 7), 5); /* the same address is another one */
	assert_int_equal(send(3, C, A), 1u << 5);
}

static void a_source_is_the_ports_own(void **state)
{
	(void)state;
	assert_int_equal(send(0, B, A), 0);
	assert_int_equal(send(0, OTHER, B), 0);
	assert_int_equal(send(2, A, B), 0); /* whose address another port was given */
	assert_int_equal(send(2, GROUP, B), 0);
	assert_int_equal(send(2, BROADCAST, B), 0);
	assert_int_equal(send(2, 0, B), 0);
	assert_int_equal(bridge.port[0].dropped[BRIDGE_DROP_SOURCE], 2);
	assert_int_equal(bridge.port[2].dropped[BRIDGE_DROP_SOURCE], 4);
	assert_int_equal(send(2, C, B), 1u << 1); /* of another VLAN: not known here */
}

static void addresses_are_learnt(void **state)
{
	(void)state;
	assert_int_equal(bridge_port_add(&bridge, 0, 1), 5);
	assert_int_equal(send(0, A, OTHER), 1u << 2 | 1u << 5);
	send(5, OTHER, A);
	assert_int_equal(send(0, A, OTHER), 1u << 5);
	send(2, OTHER, A); /* it moves */
	assert_int_equal(send(0, A, OTHER), 1u << 2);
	for (unsigned int i = 0; i < 3 * BRIDGE_LEARNT; i++) /* forgotten among too many */
		send(5, UINT64_C(0x024000000000) + i, A);
	assert_int_equal(send(0, A, OTHER), 1u << 2 | 1u << 5);
	assert_int_equal(send(0, A, UINT64_C(0x024000000000) + 3 * BRIDGE_LEARNT - 1), 1u << 5);
}

static void odd_frames_are_dropped(void **state)
{
	(void)state;
	assert_int_equal(send_as(0, A, B, 0x0800, 13), 0);
	assert_int_equal(send_as(0, A, B, 0x0800, 1519), 0);
	assert_int_equal(send_as(0, A, B, 0x0800, 1518), 1u << 1);
	assert_int_equal(send_as(0, A, B, 0x8100, 64), 0);
	assert_int_equal(send_as(0, A, B, 0x88a8, 64), 0);
	assert_int_equal(send_as(0, A, UINT64_C(0x0180c2000000), 0x0026, 64), 0);
	assert_int_equal(send_as(0, A, UINT64_C(0x0180c2000010), 0x0026, 64), 1u << 1 | 1u << 2);
	assert_int_equal(send(9, A, B), 0);
	assert_int_equal(bridge.port[0].dropped[BRIDGE_DROP_SIZE], 2);
	assert_int_equal(bridge.port[0].dropped[BRIDGE_DROP_TAG], 2);
	assert_int_equal(bridge.port[0].dropped[BRIDGE_DROP_ADDRESS], 1);
}

static void ports_make_sense(void **state)
{
	(void)state;
	assert_int_equal(bridge_port_add(&bridge, OTHER, 0), -1);
	assert_int_equal(bridge_port_add(&bridge, OTHER, 4095), -1);
	assert_int_equal(bridge_port_add(&bridge, GROUP, 1), -1);
	assert_int_equal(bridge_port_add(&bridge, UINT64_C(1) << 48, 1), -1);
	for (unsigned int i = bridge.ports; i < BRIDGE_PORTS; i++)
		assert_int_equal(bridge_port_add(&bridge, 0, 4094), (int)i);
	assert_int_equal(bridge_port_add(&bridge, 0, 1), -1);
}

static void addresses_are_read(void **state)
{
	static const char *const wrong[] = {"", "02", "02:00:00:00:00", "02:00:00:00:00:0g",
					    "02:00:00:00:00:01:", "02-00-00-00-00-01", "2:0:0:0:0:1",
					    "01:00:00:00:00:01", "00:00:00:00:00:00"};
	uint64_t mac;

	(void)state;
	assert_true(mac_parse("02:1a:Bc:00:00:09", &mac));
	assert_int_equal(mac, UINT64_C(0x021abc000009));
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_false(mac_parse(wrong[i], &mac));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(frames_find_their_port, setup),
		cmocka_unit_test_setup(another_vlan_is_another_world, setup),
		cmocka_unit_test_setup(a_source_is_the_ports_own, setup),
		cmocka_unit_test_setup(addresses_are_learnt, setup),
		cmocka_unit_test_setup(odd_frames_are_dropped, setup),
		cmocka_unit_test_setup(ports_make_sense, setup),
		cmocka_unit_test_setup(addresses_are_read, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
