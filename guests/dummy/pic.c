/* SPDX-License-Identifier: BSD-2-Clause */
#include "guests/dummy/pic.h"

#include "lib/x86/cpu.h"
#include "lib/x86/pic.h"

#define SPURIOUS_LINE 7 /* of each chip */

static uint16_t masks = 0xffff;

static void write_masks(void)
{
	outb(PIC_MASTER_DATA, (uint8_t)masks);
	outb(PIC_SLAVE_DATA, (uint8_t)(masks >> 8));
}

void pic_init(void)
{
	outb(PIC_MASTER_CMD, PIC_ICW1 | PIC_ICW1_IC4);
	outb(PIC_SLAVE_CMD, PIC_ICW1 | PIC_ICW1_IC4);
	outb(PIC_MASTER_DATA, IRQ_VECTOR_BASE);
	outb(PIC_SLAVE_DATA, IRQ_VECTOR_BASE + PIC_LINES);
	outb(PIC_MASTER_DATA, 1u << PIC_CASCADE_IRQ);
	outb(PIC_SLAVE_DATA, PIC_CASCADE_IRQ);
	outb(PIC_MASTER_DATA, PIC_ICW4_UPM);
	outb(PIC_SLAVE_DATA, PIC_ICW4_UPM);
	masks = 0xffff;
	write_masks();
}

uint16_t pic_masks(void)
{
	return (uint16_t)(inb(PIC_MASTER_DATA) | inb(PIC_SLAVE_DATA) << 8);
}

uint16_t pic_read(uint8_t command)
{
	outb(PIC_MASTER_CMD, command);
	outb(PIC_SLAVE_CMD, command);
	return (uint16_t)(inb(PIC_MASTER_CMD) | inb(PIC_SLAVE_CMD) << 8);
}

static void enable(unsigned irq)
{
	masks &= (uint16_t) ~(1u << irq);
	if (irq >= PIC_LINES)
		masks &= (uint16_t) ~(1u << PIC_CASCADE_IRQ);
	write_masks();
}

static void disable(unsigned irq)
{
	masks |= (uint16_t)(1u << irq);
	write_masks();
}

/* A request that went away before it was acknowledged comes as line 7, without its in-service bit. */
static bool is_real(unsigned irq)
{
	if (irq % PIC_LINES != SPURIOUS_LINE || (pic_read(PIC_OCW3_READ_ISR) & 1u << irq) != 0)
		return true;
	if (irq >= PIC_LINES) /* the master did see the cascade */
		outb(PIC_MASTER_CMD, PIC_OCW2_SPECIFIC | PIC_CASCADE_IRQ);
	return false;
}

static void end(unsigned irq)
{
	if (irq >= PIC_LINES)
		outb(PIC_SLAVE_CMD, PIC_OCW2_EOI);
	outb(PIC_MASTER_CMD, PIC_OCW2_EOI);
}

const struct irq_controller pic_controller = {
	.name = "8259",
	.enable = enable,
	.disable = disable,
	.is_real = is_real,
	.end = end,
};
