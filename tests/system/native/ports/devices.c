/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A partition with hardware of its own: the PC's clock (ports 70h and 71h, interrupt 8) and a page of device
 * memory. Others (argument) have no port, or not the one that they use, and end there.
 * @verifies KRN-230
 * @verifies KRN-231
 */
#include <hypike/system.h>

#include "lib/hypike/program.h"
#include "lib/string.h"
#include "tests/system/native/check.h"

/* MC146818A data sheet. */
#define RTC_INDEX  0x70u
#define RTC_DATA   0x71u
#define RTC_A	   0x0au
#define RTC_B	   0x0bu
#define RTC_C	   0x0cu
#define A_RATE_1K  0x26u
#define B_PERIODIC 0x40u
#define B_24H	   0x02u
#define C_PERIODIC 0x40u

/* Numbers of the devices in the configuration. */
enum { PORTS, INTERRUPT, MEMORY };

static void outb(uint16_t port, uint8_t value)
{
	__asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static uint8_t inb(uint16_t port)
{
	uint8_t value;

	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static uint16_t inw(uint16_t port)
{
	uint16_t value;

	__asm__ volatile("inw %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static uint8_t rtc_read(uint8_t index)
{
	outb(RTC_INDEX, index);
	return inb(RTC_DATA);
}

static void rtc_write(uint8_t index, uint8_t value)
{
	outb(RTC_INDEX, index);
	outb(RTC_DATA, value);
}

static void test_open(void)
{
	struct hypike_device device = {0};

	check(hypike_device_open(PORTS, &device) == HV_OK && device.kind == SYSTEM_DEVICE_PORTS &&
		      device.base == RTC_INDEX && device.size == 2,
	      "ports");
	check(hypike_device_open(INTERRUPT, &device) == HV_OK &&
		      device.kind == SYSTEM_DEVICE_IRQ && device.base == 8,
	      "an interrupt");
	check(hypike_device_open(MEMORY, &device) == HV_OK &&
		      device.kind == SYSTEM_DEVICE_MEMORY && device.data != NULL,
	      "device memory");
	check(hypike_device_open(3, &device) == HV_E_RANGE &&
		      hypike_device_open(UINT32_MAX, &device) == HV_E_RANGE,
	      "and no more");
	check(hypike_irq_bind(PORTS, 0, 1) == HV_E_INVALID &&
		      hypike_irq_bind(3, 0, 1) == HV_E_RANGE &&
		      hypike_irq_bind(INTERRUPT, 31, 1) == HV_E_NOENT &&
		      hypike_irq_done(MEMORY) == HV_E_INVALID && hypike_irq_done(9) == HV_E_RANGE,
	      "what is no interrupt isn't bound");
}

static void test_ports(void)
{
	bool good = true;

	for (uint8_t i = 0; i < 100; i++) {
		rtc_write(0x50, i);
		if (i % 10 == 0)
			sleep_ms(1); /* others get the CPU, and the ports back from us */
		good &= rtc_read(0x50) == i;
	}
	check(good, "the ports work");
}

/* Interrupts taken until the deadline; each is served. */
static uint32_t count_interrupts(uint32_t most)
{
	uint64_t end = hypike_time() + 1000 * MS, bits;
	uint32_t count = 0;

	while (count < most && hypike_wait(1, end, &bits) == HV_OK) {
		count += (rtc_read(RTC_C) & C_PERIODIC) != 0;
		hypike_irq_done(INTERRUPT);
	}
	return count;
}

static void test_interrupts(void)
{
	uint64_t bits;

	rtc_write(RTC_A, A_RATE_1K);
	rtc_write(RTC_B, B_24H | B_PERIODIC);
	rtc_read(RTC_C);
	check(hypike_wait(1, hypike_time() + 5 * MS, &bits) == HV_E_TIMEOUT,
	      "no interrupt before it is bound");
	check(hypike_irq_bind(INTERRUPT, 0, 1) == HV_OK, "it is bound");
	rtc_read(RTC_C);
	check(count_interrupts(20) == 20, "then one comes after the other");
	hypike_wait(1, hypike_time() + 1000 * MS, &bits);
	rtc_read(RTC_C);
	check(hypike_wait(1, hypike_time() + 10 * MS, &bits) == HV_E_TIMEOUT,
	      "but none before the last is served");
	hypike_irq_done(INTERRUPT);
	rtc_read(RTC_C);
	check(count_interrupts(3) == 3, "then they come again");
	hypike_irq_bind(INTERRUPT, 0, 0);
	hypike_wait(1, 0, &bits);
	rtc_read(RTC_C);
	check(hypike_wait(1, hypike_time() + 5 * MS, &bits) == HV_E_TIMEOUT,
	      "none where nobody is bound");
	rtc_write(RTC_B, B_24H);
}

/* The HPET counts, once enabled (IA-PC HPET 1.0a, 2.3); video memory holds what is written. */
static void test_memory(void)
{
	struct hypike_device device;
	volatile uint64_t *memory;
	uint64_t before;

	hypike_device_open(MEMORY, &device);
	memory = device.data;
	if (strcmp(hypike_info()->args, "hpet") != 0) {
		memory[10] = 0x0741074207430744;
		check(memory[10] == 0x0741074207430744, "device memory is there");
		return;
	}
	memory[0x10 / 8] = 1;
	before = memory[0xf0 / 8];
	sleep_ms(2);
	check(memory[0] >> 32 != 0 && memory[0xf0 / 8] != before, "device memory is there");
}

int main(void)
{
	const char *role = hypike_info()->args;

	if (strcmp(role, "none") == 0) {
		sleep_ms(2);
		inb(RTC_DATA);
	} else if (strcmp(role, "too-wide") == 0) {
		inb(0x60);
		inw(0x60);
	} else if (strcmp(role, "string") == 0) {
		uint8_t byte;
		void *to = &byte;

		__asm__ volatile("insb" : "+D"(to) : "d"(RTC_DATA) : "memory");
	} else {
		test_open();
		test_ports();
		test_interrupts();
		test_memory();
		return check_done();
	}
	say("came through\n");
	return 0;
}
