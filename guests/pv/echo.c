/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file echo.c
 * A paravirtual guest that answers a native program (tests/system/native/ports/ports.c): each message
 * inverted, and a count of them in a sampling port, until the number is UINT32_MAX. It sleeps until
 * an interrupt tells of a message. Before that, it tries what a guest must not do.
 *
 * @verifies VMM-200
 */
#include <hypike/pv_port.h>

#include "guests/dummy/rt.h"
#include "lib/string.h"
#include "lib/x86/cpu.h"

#define VECTOR	     0x61
#define VECTOR_BELL  0x62
#define VECTOR_ROOM  0x63
#define X2APIC_EOI   0x80bu
#define X2APIC_SVR   0x80fu
#define SVR_ENABLE   0x1ffu
#define BOARD	     0xd0000000u /* where the shared region goes: behind RAM */
#define NOWHERE	     0xe8000000u /* neither RAM nor a device */
#define ROM	     0xf0000u
#define ALMOST	     UINT64_MAX
#define UNKNOWN_PORT 99u

/* Linear addresses are physical ones here. */
#define AT(object) ((uint64_t)(uintptr_t)(object))

static struct pv pv;
static struct pv_scratch scratch;
static uint32_t message[16];
static volatile uint32_t taken, bells, room;

static bool interrupt(struct trap_frame *frame, void *counter)
{
	(void)frame;
	(*(volatile uint32_t *)counter)++;
	wrmsr(X2APIC_EOI, 0);
	return true;
}

static void start_apic(void)
{
	const uint64_t base = rdmsr(IA32_APIC_BASE) | APIC_BASE_EN;

	wrmsr(IA32_APIC_BASE, base);
	wrmsr(IA32_APIC_BASE, base | APIC_BASE_EXTD);
	wrmsr(X2APIC_SVR, SVR_ENABLE);
	trap_register(VECTOR, interrupt, (void *)&taken);
	trap_register(VECTOR_BELL, interrupt, (void *)&bells);
	trap_register(VECTOR_ROOM, interrupt, (void *)&room);
}

static uint32_t open_port(const char *name)
{
	struct pv_port_info info;

	if (pv_port_open(&pv, name, &scratch, AT(&scratch), &info) != HV_OK)
		panic("no port %s", name);
	return info.port;
}

/* ---- what is refused ---- */

static void test_open(void)
{
	struct pv_port_info info;

	tap_result(pv_port_open(&pv, "from-ports", &scratch, AT(&scratch), &info) == HV_OK &&
			   info.kind == PV_PORT_QUEUING &&
			   info.direction == PV_PORT_DESTINATION && info.max_message == 64 &&
			   info.depth == 1,
		   "a port is found, and tells what it is");
	tap_result(pv_port_open(&pv, "to-echoer", &scratch, AT(&scratch), &info) == HV_E_NOENT &&
			   pv_port_open(&pv, "", &scratch, AT(&scratch), &info) == HV_E_NOENT &&
			   pv_port_open(&pv, "a-name-of-thirty-two-characters.", &scratch,
					AT(&scratch), &info) == HV_E_NOENT,
		   "another partition's isn't");
	memset(scratch.name, 'x', PV_NAME_SIZE);
	tap_result(pv_call(&pv, PV_CALL_PORT_OPEN, AT(&scratch), AT(&scratch.result), 0, 0) ==
			   HV_E_NOENT,
		   "a name without an end is none");
}

static void test_addresses(uint32_t in, uint32_t out)
{
	static const uint64_t bad[] = {NOWHERE, ALMOST, ALMOST - 63, UINT64_C(1) << 40, BOARD};
	bool refused = true;

	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		refused &= pv_queuing_send(&pv, out, bad[i], 4) == HV_E_FAULT &&
			   pv_queuing_receive(&pv, in, bad[i], 64) == HV_E_FAULT &&
			   pv_call(&pv, PV_CALL_PORT_OPEN, bad[i], AT(&scratch.result), 0, 0) ==
				   HV_E_FAULT &&
			   pv_call(&pv, PV_CALL_PORT_STATUS, in, bad[i], 0, 0) == HV_E_FAULT &&
			   pv_call(&pv, PV_CALL_SHARED_MAP, bad[i], BOARD, AT(&scratch.result), 0) ==
				   HV_E_FAULT;
	tap_result(refused, "addresses that are no RAM");
	tap_result(pv_queuing_receive(&pv, in, ROM, 64) == HV_E_FAULT &&
			   pv_call(&pv, PV_CALL_PORT_STATUS, in, ROM, 0, 0) == HV_E_FAULT,
		   "nothing is written to the ROM");
	tap_result(pv_queuing_send(&pv, out, AT(message), UINT64_MAX) == HV_E_FAULT &&
			   pv_queuing_send(&pv, out, AT(message), UINT64_C(1) << 32) == HV_E_FAULT &&
			   pv_queuing_send(&pv, out, AT(message), 65) == HV_E_INVALID &&
			   pv_queuing_send(&pv, out, AT(message), 0) == HV_E_INVALID,
		   "sizes that no message has");
}

static void test_numbers(uint32_t in, uint32_t out)
{
	bool refused = true;

	tap_result(pv_queuing_send(&pv, in, AT(message), 4) == HV_E_DENIED &&
			   pv_queuing_receive(&pv, out, AT(message), 64) == HV_E_DENIED &&
			   pv_sampling_write(&pv, out, AT(message), 4) == HV_E_INVALID,
		   "ports of another direction or kind");
	tap_result(pv_queuing_send(&pv, UNKNOWN_PORT, AT(message), 4) == HV_E_NOENT &&
			   pv_port_bind(&pv, UNKNOWN_PORT, VECTOR) == HV_E_NOENT &&
			   pv_call(&pv, PV_CALL_QUEUING_SEND, (UINT64_C(1) << 32) + out,
				   AT(message), 4, 0) == HV_E_NOENT &&
			   pv_shared_notify(&pv, 0) == HV_E_NOENT &&
			   pv_shared_bind(&pv, 7, VECTOR) == HV_E_NOENT,
		   "ports and regions that there aren't");
	tap_result(pv_port_bind(&pv, in, 15) == HV_E_INVALID &&
			   pv_call(&pv, PV_CALL_PORT_BIND, in, 256, 0, 0) == HV_E_INVALID,
		   "vectors of exceptions, and beyond the last");
	for (uint64_t call = PV_CALL_END; call < PV_CALL_END + 1000; call++)
		refused &= pv_call(&pv, call, 0, 0, 0, 0) == HV_E_UNSUPPORTED;
	tap_result(refused && pv_call(&pv, UINT64_MAX, 0, 0, 0, 0) == HV_E_UNSUPPORTED,
		   "calls that there aren't");
}

/* ---- shared memory ---- */

static void test_shared(void)
{
	volatile uint32_t *board = (volatile uint32_t *)(uintptr_t)BOARD;
	struct pv_shared shared;

	tap_result(pv_shared_map(&pv, "board", BOARD + 1, &scratch, AT(&scratch), &shared) ==
				   HV_E_INVALID &&
			   pv_shared_map(&pv, "board", 0x200000, &scratch, AT(&scratch), &shared) ==
				   HV_E_EXISTS &&
			   pv_shared_map(&pv, "secret", BOARD, &scratch, AT(&scratch), &shared) ==
				   HV_E_NOENT,
		   "a region isn't mapped over RAM, nor is one that only others have");
	tap_result(pv_shared_map(&pv, "board", BOARD, &scratch, AT(&scratch), &shared) == HV_OK &&
			   shared.size == 8192 &&
			   pv_shared_bind(&pv, shared.region, VECTOR_BELL) == HV_OK,
		   "but elsewhere it is");
	while (bells == 0)
		sti_hlt(), cli();
	board[1] = ~board[0];
	pv_shared_notify(&pv, shared.region);
	tap_result(board[0] != 0, "the other side has written and rung");
}

/* ---- messages ---- */

static void answer(uint32_t out, uint32_t count, uint32_t done)
{
	pv_sampling_write(&pv, count, AT(&done), sizeof(done));
	message[0] = ~message[0];
	while (pv_queuing_send(&pv, out, AT(message), sizeof(message[0])) == HV_E_FULL)
		sti_hlt(), cli();
}

/* The next message is sent only when the last is answered: so each has an interrupt of its own. */
static int64_t next_message(uint32_t in, uint32_t seen)
{
	while (taken == seen)
		sti_hlt(), cli();
	return pv_queuing_receive(&pv, in, AT(message), sizeof(message));
}

static void answer_all(uint32_t in, uint32_t out)
{
	const uint32_t count = open_port("count");
	uint32_t done = 0;
	int64_t size;

	while ((size = next_message(in, done)) == sizeof(message[0]) && message[0] != UINT32_MAX)
		answer(out, count, ++done);
	tap_result(size == sizeof(message[0]) && done > 0 && taken == done + 1,
		   "messages are answered, each after an interrupt");
}

void guest_main(const struct boot_info *boot)
{
	(void)boot;
	if (!pv_init(&pv))
		panic("this isn't HyPike");
	start_apic();
	const uint32_t in = open_port("from-ports"), out = open_port("to-ports");

	tap_plan(15);
	test_open();
	test_addresses(in, out);
	test_numbers(in, out);
	tap_result(pv_port_bind(&pv, in, VECTOR) == HV_OK &&
			   pv_port_bind(&pv, out, VECTOR_ROOM) == HV_OK,
		   "interrupts are bound to ports");
	test_shared();
	answer_all(in, out);
}
