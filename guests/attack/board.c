/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The board's other devices: I/O APIC, power management, clock registers of KVM's, second serial line,
 * keyboard controller with a mouse, display registers, framebuffer, clock chip. Values that no driver writes,
 * by widths that none uses; afterwards each must still do its work.
 */
#include "guests/attack/act.h"
#include "guests/attack/apic.h"
#include "guests/attack/machine.h"

#include "lib/string.h"
#include "lib/x86/apic.h"
#include "lib/x86/cpuid.h"
#include "lib/x86/uart.h"

static uint32_t next(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

/* ------------------------------------------------------------------------------------------ I/O APIC */

#define IOAPIC	    X86_U64(0xfec00000)
#define IOAPIC_PINS 24u
#define IOAPIC_PIT  2u
#define STORM	    1000u

static void ioapic_write(unsigned reg, uint32_t value)
{
	*(volatile uint32_t *)(IOAPIC + IOAPIC_REGSEL) = reg;
	*(volatile uint32_t *)(IOAPIC + IOAPIC_IOWIN) = value;
}

static uint32_t ioapic_read(unsigned reg)
{
	*(volatile uint32_t *)(IOAPIC + IOAPIC_REGSEL) = reg;
	return *(volatile uint32_t *)(IOAPIC + IOAPIC_IOWIN);
}

static void ioapic_mask_all(void)
{
	for (unsigned pin = 0; pin < IOAPIC_PINS; pin++) {
		ioapic_write(IOAPIC_REDTBL(pin), IOAPIC_RED_MASKED);
		ioapic_write(IOAPIC_REDTBL(pin) + 1, 0);
	}
}

static void pit_start(uint16_t count)
{
	outb(0x43, 0x34); /* channel 0, rate generator */
	outb(0x40, (uint8_t)count);
	outb(0x40, (uint8_t)(count >> 8));
}

/** The PIT's interrupt comes through, as often as it is waited for. */
static void check_ioapic(void)
{
	ioapic_mask_all();
	apic_begin();
	pit_start(1193);
	ioapic_write(IOAPIC_REDTBL(IOAPIC_PIT), APIC_TEST_VECTOR);
	for (unsigned i = 0; i < 2000 && apic_taken() < 3; i++)
		;
	ioapic_mask_all();
	ACT_CHECK(apic_taken() >= 3);
	apic_end();
}

/** Every register number, every word of its page, by all widths. */
static void ioapic_registers(uint64_t arg)
{
	(void)arg;
	apic_begin();
	for (unsigned reg = 0; reg < 0x100; reg++) {
		/* Of the redirection table masked entries only: others are what the next acts are about. */
		ioapic_write(reg, 0x000186ff);
		ioapic_read(reg);
	}
	ACT_CHECK(ioapic_read(0x50) == 0 && ioapic_read(0xff) == 0);
	ACT_CHECK((ioapic_read(IOAPIC_VER) >> 16 & 0xff) == IOAPIC_PINS - 1);
	for (uint64_t at = IOAPIC; at < IOAPIC + 0x1000; at += 7) {
		*(volatile uint64_t *)at = 0;
		*(volatile uint16_t *)at;
		*(volatile uint8_t *)at = 0x10;
		*(volatile uint64_t *)at;
	}
	apic_end();
	check_ioapic();
}

/** All inputs to anybody, in any mode but INIT, with any polarity, while the PIT runs. */
static void ioapic_entries(uint64_t arg)
{
	uint32_t seed = (uint32_t)arg;

	apic_begin();
	pit_start(100);
	for (unsigned i = 0; i < 3000; i++) {
		const unsigned reg = IOAPIC_REDTBL(next(&seed) % IOAPIC_PINS);
		uint32_t low = next(&seed);

		if ((low & APIC_DM_MASK) == APIC_DM_INIT)
			low ^= APIC_DM_INIT;
		ioapic_write(reg + 1, next(&seed) << 8 & 0xff000000u);
		ioapic_write(reg, low & ~IOAPIC_RED_MASKED);
	}
	apic_end();
	check_ioapic();
}

/** Until the storm is over. Bochs's AMD-V now and then delivers what waits at an exit only: reading is one. */
static void take_storm(void)
{
	for (unsigned i = 0; i < 50 && apic_taken() < STORM; i++)
		ioapic_read(IOAPIC_VER);
}

/** A level that never ends: after each end of interrupt there is the next. */
static void ioapic_level_storm(uint64_t arg)
{
	const uint32_t level = APIC_TEST_VECTOR | IOAPIC_RED_LEVEL;

	ioapic_mask_all();
	apic_begin();
	apic_stop_after(STORM, ioapic_mask_all);
	/* Whatever the level is, in one of the polarities it is active. */
	ioapic_write(IOAPIC_REDTBL((unsigned)arg), level);
	take_storm();
	ioapic_write(IOAPIC_REDTBL((unsigned)arg), level | IOAPIC_RED_LOW_ACTIVE);
	take_storm();
	ioapic_mask_all();
	ACT_CHECK(apic_taken() >= STORM && apic_taken() <= STORM + 2);
	apic_end();
	check_ioapic();
}

/** Remote IRR games: masked, made an edge, given another vector while in service. */
static void ioapic_in_service(uint64_t arg)
{
	uint32_t seed = (uint32_t)arg;

	ioapic_mask_all();
	apic_begin();
	for (unsigned i = 0; i < 300; i++) {
		const unsigned reg = IOAPIC_REDTBL(16 + (i & 7));

		ioapic_write(reg, APIC_TEST_VECTOR | IOAPIC_RED_LEVEL | (next(&seed) & IOAPIC_RED_LOW_ACTIVE));
		ioapic_write(reg, (0x40 + (next(&seed) & 0x7f)) | (next(&seed) & 0x1a000));
		wrmsr(0x80b, 0); /* an EOI for nothing */
	}
	ioapic_mask_all();
	apic_end();
	check_ioapic();
}

/* ---------------------------------------------------------------------------------- power management */

#define PM	 0x600u
#define PM_PORTS 12u
#define PM_CTRL	 4u
#define PM_TIMER 8u
#define SLP_S5	 5u

/** All registers by all widths; sleep types that there aren't. */
static void acpi_pm(uint64_t arg)
{
	uint32_t seed = (uint32_t)arg;

	for (unsigned i = 0; i < 2000; i++) {
		const unsigned offset = next(&seed) % (PM_PORTS + 4);
		uint32_t value = next(&seed);

		if (offset <= PM_CTRL + 1 && offset + 4 > PM_CTRL)
			value &= ~0x20202020u; /* SLP_EN, wherever it falls */
		switch (i % 6) {
		case 0: outb((uint16_t)(PM + offset), (uint8_t)value); break;
		case 1: outw((uint16_t)(PM + offset), (uint16_t)value); break;
		case 2: outl((uint16_t)(PM + offset), value); break;
		case 3: inb((uint16_t)(PM + offset)); break;
		case 4: inw((uint16_t)(PM + offset)); break;
		default: inl((uint16_t)(PM + offset)); break;
		}
	}
	for (unsigned type = 0; type < 8; type++)
		if (type != SLP_S5)
			outw(PM + PM_CTRL, (uint16_t)(0x2000 | type << 10));
	outw(PM, 0xffff);
	outw(PM + 2, 0);
	ACT_CHECK((inw(PM + PM_CTRL) & 1) != 0);
	const uint32_t before = inl(PM + PM_TIMER);

	for (unsigned i = 0; i < 1000000 && inl(PM + PM_TIMER) == before; i++)
		cpu_pause();
	ACT_CHECK(inl(PM + PM_TIMER) != before);
}

/* -------------------------------------------------------------------------------------- KVM's clock */

#define MSR_WALL_CLOCK	0x4b564d00u
#define MSR_SYSTEM_TIME 0x4b564d01u
#define KVM_LEAF	0x40000100u

struct write {
	uint32_t msr;
	uint64_t value;
};

static void write_msr(uint64_t arg)
{
	const struct write *const w = (const struct write *)arg;

	wrmsr(w->msr, w->value);
}

static uint64_t try_msr(uint32_t msr, uint64_t value)
{
	const struct write w = {msr, value};

	return act_try(write_msr, (uintptr_t)&w);
}

/** Clocks where there is no memory, or none to write to: refused, and nothing is written. */
static void kvm_clock(uint64_t arg)
{
	static const uint64_t nowhere[] = {
		0xb0000000, 0xc0000000,	       0xe0000000, 0xf0000,	    0xfec00000,
		0xfee00000, 0xfffffffffffffffe, X86_U64(1) << 63, X86_U64(1) << 40, 0xffffffe0,
	};
	volatile uint32_t *const page = (volatile uint32_t *)page_alloc();

	(void)arg;
	for (unsigned i = 0; i < sizeof(nowhere) / sizeof(nowhere[0]); i++) {
		ACT_CHECK(try_msr(MSR_SYSTEM_TIME, nowhere[i] | 1) == OUT_GP);
		ACT_CHECK(try_msr(MSR_WALL_CLOCK, nowhere[i]) == OUT_GP);
	}
	/* Half of it behind the end of memory. */
	ACT_CHECK(try_msr(MSR_SYSTEM_TIME, (machine.ram_end - 16) | 1) == OUT_GP);
	ACT_CHECK(try_msr(MSR_WALL_CLOCK, machine.ram_end - 8) == OUT_GP);
	ACT_CHECK(try_msr(MSR_SYSTEM_TIME, 0xb0000000) == OUT_DONE); /* switched off */
	for (unsigned offset = 0; offset < 64; offset += 4) {
		memset((void *)(uintptr_t)page, 0x5a, PAGE_SIZE);
		ACT_CHECK(try_msr(MSR_SYSTEM_TIME, ((uintptr_t)page + 1024 + offset) | 1) == OUT_DONE);
		ACT_CHECK(page[(1024 + offset) / 4 - 1] == 0x5a5a5a5a);
		ACT_CHECK(page[(1024 + offset) / 4 + 8] == 0x5a5a5a5a);
		ACT_CHECK((page[(1024 + offset) / 4] & 1) == 0);
	}
	for (unsigned i = 0; i < 2000; i++)
		try_msr(MSR_SYSTEM_TIME, (uintptr_t)page | 1);
	ACT_CHECK(try_msr(MSR_SYSTEM_TIME, 0) == OUT_DONE);
	page_free((uintptr_t)page);
}

static const char *no_kvm_clock(void)
{
	return cpuid(KVM_LEAF).ebx == 0x4b4d564b ? NULL : "no clock of KVM's";
}

/* ------------------------------------------------------------------------------- second serial line */

static const char *no_com2(void)
{
	return inb(UART_COM2 + UART_LSR) != 0xff ? NULL : "no second serial line";
}

static bool com2_wait(uint8_t bit)
{
	for (unsigned i = 0; i < 1000000; i++) {
		if (inb(UART_COM2 + UART_LSR) & bit)
			return true;
		cpu_pause();
	}
	return false;
}

/** Who is behind it answers in capitals: what there was is dropped, then one line is sent. */
static void check_com2(void)
{
	static const char word[] = "zebra\n", answer[] = "ZEBRA\n";
	unsigned found = 0;

	outb(UART_COM2 + UART_LCR, 3);
	outb(UART_COM2 + UART_IER, 0);
	outb(UART_COM2 + UART_FCR, 7);
	outb(UART_COM2 + UART_MCR, 3);
	for (unsigned i = 0; word[i] != '\0'; i++) {
		ACT_CHECK(com2_wait(0x20));
		outb(UART_COM2 + UART_THR, (uint8_t)word[i]);
	}
	for (unsigned i = 0; i < 4000 && answer[found] != '\0'; i++) {
		ACT_CHECK(com2_wait(1));
		const char c = (char)inb(UART_COM2 + UART_RBR);

		found = c == answer[found] ? found + 1 : c == answer[0];
	}
	ACT_CHECK(answer[found] == '\0');
}

/** Anything into its registers, and more bytes than anybody takes. */
static void com2_anything(uint64_t arg)
{
	uint32_t seed = (uint32_t)arg;

	for (unsigned i = 0; i < 3000; i++) {
		const uint32_t value = next(&seed);

		if (i % 5 == 4)
			inl((uint16_t)(UART_COM2 + (value & 7)));
		else
			outb((uint16_t)(UART_COM2 + (value & 7)), (uint8_t)(value >> 8));
	}
	outb(UART_COM2 + UART_LCR, 3);
	outb(UART_COM2 + UART_MCR, 0);
	for (unsigned i = 0; i < 3000; i++)
		outb(UART_COM2 + UART_THR, 'x');
	outb(UART_COM2 + UART_THR, '\n');
	check_com2();
}

/* -------------------------------------------------------------------- keyboard, display, clock chip */

static void kbc_drain(void)
{
	for (unsigned i = 0; i < 1000 && (inb(0x64) & 1) != 0; i++)
		inb(0x60);
}

/** Any command with any data, but those that reset the machine. */
static void kbc_anything(uint64_t arg)
{
	uint32_t seed = (uint32_t)arg;
	bool output = false; /* the next byte goes to the output port */

	for (unsigned i = 0; i < 3000; i++) {
		const uint8_t value = (uint8_t)next(&seed);

		if (i & 1) {
			outb(0x60, output ? value | 1 : value);
			output = false;
		} else if (value < 0xf0 || (value & 1) != 0) {
			outb(0x64, value);
			output = value == 0xd1;
		}
		if ((value & 15) == 0)
			inb(0x60);
	}
	outb(0x60, 1); /* whatever was begun ends */
	kbc_drain();
	outb(0x64, 0xaa);
	ACT_CHECK((inb(0x64) & 1) != 0);
	ACT_CHECK(inb(0x60) == 0x55);
}

/** Commands for the mouse with any data, half a command, and what it answers left where it is. */
static void mouse_anything(uint64_t arg)
{
	uint32_t seed = (uint32_t)arg;

	outb(0x64, 0xa8);
	for (unsigned i = 0; i < 3000; i++) {
		const uint32_t value = next(&seed);

		outb(0x64, 0xd4);
		outb(0x60, (uint8_t)((value & 3) == 0 ? 0xe6 + (value >> 4) % 26 : value >> 4));
		for (unsigned n = value >> 12 & 7; n < 6; n++)
			inb(0x60);
	}
	outb(0x64, 0xd4); /* whatever was begun ends */
	outb(0x60, 0);
	kbc_drain();
	outb(0x64, 0xd4);
	outb(0x60, 0xf4);
	ACT_CHECK(inb(0x60) == 0xfa);
}

static const char *no_mouse(void)
{
	kbc_drain();
	outb(0x64, 0xa8);
	outb(0x64, 0xd4);
	outb(0x60, 0); /* whatever was begun ends */
	kbc_drain();
	outb(0x64, 0xd4);
	outb(0x60, 0xf2);
	const bool there = inb(0x60) == 0xfa;

	kbc_drain();
	return there ? NULL : "no mouse";
}

/* ---------------------------------------------------------------------------------------- framebuffer */

#define DISPI_INDEX 0x1ce
#define DISPI_DATA  0x1cf
#define DISPI_REGS  11u

static void dispi_write(uint16_t index, uint16_t value)
{
	outw(DISPI_INDEX, index);
	outw(DISPI_DATA, value);
}

static uint16_t dispi_read(uint16_t index)
{
	outw(DISPI_INDEX, index);
	return inw(DISPI_DATA);
}

static const char *no_framebuffer(void)
{
	return (dispi_read(0) & 0xfff0) == 0xb0c0 ? NULL : "no framebuffer";
}

/** Sizes whose product wraps or is more than there is, windows beyond the end, modes without a size. */
static void dispi_anything(uint64_t arg)
{
	static const uint16_t sizes[] = {0, 1, 7, 640, 2560, 2561, 0x7fff, 0x8000, 0xffff};
	uint32_t seed = (uint32_t)arg;

	for (unsigned x = 0; x < sizeof(sizes) / sizeof(sizes[0]); x++) {
		for (unsigned y = 0; y < sizeof(sizes) / sizeof(sizes[0]); y++) {
			dispi_write(4, 0);
			dispi_write(1, sizes[x]);
			dispi_write(2, sizes[y]);
			dispi_write(3, (uint16_t)(8 * (x % 6)));
			dispi_write(4, 0xc1); /* not cleared: that is much memory */
			dispi_write(6, 0xffff);
			dispi_write(7, 0xffff);
			dispi_write(8, sizes[y]);
			dispi_write(9, 0xffff);
		}
	}
	for (unsigned i = 0; i < 3000; i++) {
		const uint32_t value = next(&seed);
		uint16_t data = (uint16_t)(value >> 8);

		if ((value & 15) == 4)
			data |= 0x80;
		if (i % 3 == 0)
			inl((uint16_t)(DISPI_INDEX - 1 + (value & 3)));
		else
			dispi_write((uint16_t)(value % (DISPI_REGS + 2)), data);
	}
	dispi_write(4, 0);
	dispi_write(1, 640);
	dispi_write(2, 480);
	dispi_write(3, 32);
	dispi_write(4, 0xc1);
	ACT_CHECK(dispi_read(1) == 640 && dispi_read(2) == 480 && (dispi_read(4) & 1) == 1);
	dispi_write(4, 0);
}

/** The registers of a display, and all of its text buffer. */
static void vga_anything(uint64_t arg)
{
	volatile uint32_t *const text = (volatile uint32_t *)0xb8000;
	uint32_t seed = (uint32_t)arg;

	for (unsigned i = 0; i < 5000; i++) {
		const uint32_t value = next(&seed);
		const uint16_t port = (uint16_t)(0x3b0 + (value & 0x2f));

		if (i % 3 == 0)
			inl(port);
		else if (i % 3 == 1)
			outb(port, (uint8_t)(value >> 8));
		else
			outw(port, (uint16_t)(value >> 8));
	}
	for (unsigned i = 0; i < 0x8000 / 4; i++)
		text[i] = next(&seed);
	outw(0x3d4, 0x000c); /* the screen begins at the buffer's start */
	outw(0x3d4, 0x000d);
	for (unsigned i = 0; i < 0x8000 / 4; i++)
		text[i] = 0x07200720;
	outb(0x3c2, 0x67);
	outw(0x3d4, 0x1234);
	outb(0x3d4, 0x0e);
	outb(0x3d5, 0x5a);
	ACT_CHECK(inb(0x3d5) == 0x5a);
}

/** The clock chip with rates and times that there aren't. */
static void cmos_anything(uint64_t arg)
{
	uint32_t seed = (uint32_t)arg;

	for (unsigned i = 0; i < 3000; i++) {
		outb(0x70, (uint8_t)next(&seed));
		if (i & 1)
			outb(0x71, (uint8_t)next(&seed));
		else
			inb(0x71);
	}
	outb(0x70, 0x0b);
	outb(0x71, 0x02);
	outb(0x70, 0x0a);
	outb(0x71, 0x26);
	outb(0x70, 0x0c);
	inb(0x71);
	outb(0x70, 0x0d);
	ACT_CHECK((inb(0x71) & 0x80) != 0);
}

#define ACT(name, what, fn, arg, skip) {name, what, fn, arg, OUT_DONE, skip, NULL}

const struct act acts_board[] = {
	ACT("ioapic-registers", "the I/O APIC's registers by all widths", ioapic_registers, 0,
	    unless_hypike),
	ACT("ioapic-entries", "I/O APIC inputs to anybody in any mode", ioapic_entries, 1, unless_hypike),
	ACT("ioapic-level-storm", "a level interrupt that never ends", ioapic_level_storm, 16,
	    unless_hypike),
	ACT("ioapic-in-service", "I/O APIC entries changed while in service", ioapic_in_service, 2,
	    unless_hypike),
	ACT("acpi-pm", "power management registers by all widths", acpi_pm, 3, unless_hypike),
	ACT("kvm-clock", "KVM's clocks where no memory is", kvm_clock, 0, no_kvm_clock),
	ACT("com2-anything", "anything into the second serial line", com2_anything, 4, no_com2),
	ACT("kbc-anything", "anything into the keyboard controller", kbc_anything, 5, unless_hypike),
	ACT("mouse-anything", "anything to the mouse", mouse_anything, 8, no_mouse),
	ACT("dispi-anything", "sizes and windows of a picture that there aren't", dispi_anything, 9, no_framebuffer),
	ACT("vga-anything", "anything into the display's registers", vga_anything, 6, unless_hypike),
	ACT("cmos-anything", "anything into the clock chip", cmos_anything, 7, unless_hypike),
	{.name = NULL},
};
