/* SPDX-License-Identifier: BSD-2-Clause */
#include "guests/dummy/pit.h"

#include "lib/x86/cpu.h"
#include "lib/x86/pit.h"

void pit_set(unsigned channel, uint8_t mode, uint16_t count)
{
	outb(PIT_CONTROL, (uint8_t)(PIT_SELECT(channel) | PIT_RW_LSB_MSB | mode));
	outb((uint16_t)PIT_CHANNEL(channel), (uint8_t)count);
	outb((uint16_t)PIT_CHANNEL(channel), (uint8_t)(count >> 8));
}

uint16_t pit_count(unsigned channel)
{
	uint64_t flags = irq_save();

	outb(PIT_CONTROL, (uint8_t)(PIT_SELECT(channel) | PIT_RW_LATCH));
	uint8_t low = inb((uint16_t)PIT_CHANNEL(channel));
	uint8_t high = inb((uint16_t)PIT_CHANNEL(channel));

	irq_restore(flags);
	return (uint16_t)(low | high << 8);
}

uint8_t pit_status(unsigned channel)
{
	outb(PIT_CONTROL, (uint8_t)(PIT_READ_BACK | PIT_RB_NOT_COUNT | PIT_RB_CHANNEL(channel)));
	return inb((uint16_t)PIT_CHANNEL(channel));
}

void pit_wait(uint16_t count)
{
	uint8_t port = (uint8_t)(inb(PORT_61) & ~(PORT_61_SPEAKER | PORT_61_GATE2));

	outb(PORT_61, port);
	pit_set(2, PIT_MODE_ONESHOT, count);
	outb(PORT_61, port | PORT_61_GATE2);
	while ((inb(PORT_61) & PORT_61_OUT2) == 0)
		cpu_pause();
	outb(PORT_61, port);
}

void pit_start(unsigned hz)
{
	pit_set(0, PIT_MODE_RATE, (uint16_t)(PIT_HZ / hz));
}
