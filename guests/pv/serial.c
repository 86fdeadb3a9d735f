/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file serial.c
 * A guest that knows nothing of HyPike: it echoes what comes by COM2, letters in capitals, and ends after
 * a full stop. It receives by interrupt and sends a FIFO full whenever the transmitter is empty, as
 * drivers of a 16550 do (National PC16550D).
 *
 * @verifies VMM-210
 */
#include "guests/dummy/irq.h"
#include "guests/dummy/pic.h"
#include "guests/dummy/rt.h"
#include "lib/x86/cpu.h"

#define COM2	 0x2f8
#define COM2_IRQ 3u
#define FIFO	 16u

enum { DATA, IER, FCR, LCR, MCR, LSR };

#define IER_RECEIVE  0x01u
#define FCR_FIFO     0x87u /* on, cleared, trigger at 8 */
#define LCR_8N1	     0x03u
#define LCR_DLAB     0x80u
#define MCR_DTR_RTS  0x03u
#define MCR_OUT2     0x08u
#define LSR_RECEIVED 0x01u
#define LSR_OVERRUN  0x02u
#define LSR_EMPTY    0x20u

/* Twice as many as RTS lets in. */
#define RING 1024u

static uint8_t ring[RING];
static uint32_t head, tail;
static uint32_t interrupts;
static bool overrun;

static void receive(void *ctx)
{
	uint8_t status;

	(void)ctx;
	interrupts++;
	/* To the last byte: what is left in the FIFO would make no new edge. */
	while ((status = inb(COM2 + LSR)) & LSR_RECEIVED) {
		overrun |= (status & LSR_OVERRUN) != 0 || head - tail == RING;
		ring[head++ % RING] = inb(COM2 + DATA);
		if (head - tail == RING / 2)
			outb(COM2 + MCR, MCR_OUT2);
	}
}

static void start(void)
{
	pic_init();
	irq_init(&pic_controller);
	outb(COM2 + LCR, LCR_DLAB);
	outb(COM2 + DATA, 1);
	outb(COM2 + IER, 0);
	outb(COM2 + LCR, LCR_8N1);
	outb(COM2 + FCR, FCR_FIFO);
	irq_register(COM2_IRQ, receive, NULL);
	outb(COM2 + IER, IER_RECEIVE);
	outb(COM2 + MCR, MCR_DTR_RTS | MCR_OUT2);
}

static uint8_t capital(uint8_t byte)
{
	return byte >= 'a' && byte <= 'z' ? (uint8_t)(byte - 'a' + 'A') : byte;
}

/* Send a FIFO full, at most. @return false after the full stop */
static bool echo(void)
{
	bool more = true;

	if ((inb(COM2 + LSR) & LSR_EMPTY) == 0)
		return true;
	for (unsigned int i = 0; i < FIFO && tail != head && more; i++) {
		uint8_t byte = ring[tail++ % RING];

		more = byte != '.';
		outb(COM2 + DATA, capital(byte));
	}
	if (head - tail < RING / 4)
		outb(COM2 + MCR, MCR_DTR_RTS | MCR_OUT2);
	return more;
}

void guest_main(const struct boot_info *boot)
{
	uint64_t taken;

	(void)boot;
	tap_plan(2);
	start();
	do {
		while (tail == head)
			sti_hlt(), cli();
		sti();
		taken = interrupts;
		cli();
	} while (echo());
	tap_result(taken > 0, "bytes came by interrupt");
	tap_result(!overrun, "none was lost for want of room");
}
