/* SPDX-License-Identifier: BSD-2-Clause */
/* I/O ports: the registers of every device by what they mean, then all ports of each by all widths. */
#include "guests/conform/conform.h"

#include "guests/attack/machine.h"
#include "lib/string.h"

enum what {
	END,
	W, /**< write */
	R, /**< read */
	T, /**< read what depends on time */
};

struct act {
	enum what what;
	uint8_t size;
	uint16_t port;
	uint32_t value;
};

/** Acts that belong together. */
struct group {
	const char *name;
	struct act acts[18];
};

static uint32_t in(unsigned size, uint16_t port)
{
	return size == 1 ? inb(port) : size == 2 ? inw(port) : inl(port);
}

static void out(unsigned size, uint16_t port, uint32_t data)
{
	if (size == 1)
		outb(port, (uint8_t)data);
	else if (size == 2)
		outw(port, (uint16_t)data);
	else
		outl(port, data);
}

/* An access each: O(port, value) and I(port) of a byte, O2, I2, O4, I4 wider ones. */
#define O(port, data)  {W, 1, port, data}
#define O2(port, data) {W, 2, port, data}
#define O4(port, data) {W, 4, port, data}
#define I(port)	       {R, 1, port, 0}
#define I2(port)       {R, 2, port, 0}
#define I4(port)       {R, 4, port, 0}
#define V(port)	       {T, 1, port, 0}

static const struct group groups[] = {
	/* the clock's interrupts, which would show, end */
	{"pit.stop", {O(0x43, 0x30), {T, 1, 0x20, 0}}},
	/* 8259: initialisation, mask, ISR and IRR, polling, specific EOI, edge and level */
	{"pic.init", {O(0x20, 0x11), O(0x21, 0x20), O(0x21, 4), O(0x21, 1), O(0x21, 0xff), I(0x21), I(0x20)}},
	{"pic.init2", {O(0xa0, 0x11), O(0xa1, 0x28), O(0xa1, 2), O(0xa1, 1), O(0xa1, 0xff), I(0xa1), I(0xa0)}},
	{"pic.mask", {O(0x21, 0x5a), I(0x21), O(0xa1, 0xa5), I(0xa1), O(0x21, 0xff), O(0xa1, 0xff), I(0x21)}},
	{"pic.ocw3", {O(0x20, 0x0b), I(0x20), O(0x20, 0x0a), I(0x20), O(0x20, 0x68), O(0x20, 0x48)}},
	{"pic.poll", {O(0x20, 0x0c), I(0x20), O(0xa0, 0x0c), I(0xa0), O(0x20, 0x0a), O(0xa0, 0x0a)}},
	{"pic.eoi", {O(0x20, 0x20), O(0x20, 0x63), O(0xa0, 0xe0), O(0xa0, 0x20), I(0x20), I(0xa0)}},
	{"pic.elcr", {I(0x4d0), I(0x4d1), I2(0x4d0), O(0x4d0, 0xff), I(0x4d0), O(0x4d1, 0xff), I(0x4d1),
		      O2(0x4d0, 0x0e00), I2(0x4d0)}},
	/* 8254: all modes' status, latches, what is read back */
	{"pit.lohi", {O(0x43, 0xb0), O(0x42, 0x34), O(0x42, 0x12), O(0x43, 0x80), I(0x42), I(0x42)}},
	{"pit.lobyte", {O(0x43, 0x90), O(0x42, 0x55), I(0x42), I(0x42)}},
	{"pit.hibyte", {O(0x43, 0xa0), O(0x42, 0x66), I(0x42), I(0x42)}},
	{"pit.status", {O(0x43, 0xe8), I(0x42), O(0x43, 0xb6), O(0x42, 0), O(0x43, 0xe8), I(0x42)}},
	{"pit.square", {O(0x43, 0x36), O(0x40, 0), O(0x40, 0), V(0x40), V(0x40), O(0x43, 0x30)}},
	{"pit.bcd", {O(0x43, 0xb1), O(0x42, 0x34), O(0x42, 0x12), O(0x43, 0x80), I(0x42), I(0x42)}},
	{"pit.readback", {O(0x43, 0xc8), I(0x42), I(0x42), I(0x42), I(0x43)}},
	{"pit.gate", {O(0x61, 0), O(0x43, 0xb0), O(0x42, 1), O(0x42, 0), V(0x61), O(0x61, 2), O(0x61, 0)}},
	/* MC146818: registers, formats, memory; 0Ch clears itself */
	{"rtc.a", {O(0x70, 0x0a), I(0x71), O(0x71, 0x2f), I(0x71), O(0x71, 0x26), I(0x71)}},
	{"rtc.b", {O(0x70, 0x0b), I(0x71), O(0x71, 0x86), I(0x71), O(0x71, 0x02), I(0x71)}},
	{"rtc.c", {O(0x70, 0x0c), V(0x71), V(0x71), O(0x71, 0xff), V(0x71)}},
	{"rtc.d", {O(0x70, 0x0d), I(0x71), O(0x71, 0), I(0x71)}},
	{"rtc.alarm", {O(0x70, 1), O(0x71, 0xc0), I(0x71), O(0x70, 3), O(0x71, 0x59), I(0x71), O(0x70, 5),
		       O(0x71, 0xff), I(0x71)}},
	{"rtc.time", {O(0x70, 0), V(0x71), O(0x70, 2), V(0x71), O(0x70, 4), I(0x71), O(0x70, 6), I(0x71),
		      O(0x70, 7), I(0x71), O(0x70, 8), I(0x71), O(0x70, 9), I(0x71)}},
	{"rtc.memory", {O(0x70, 0x10), I(0x71), O(0x70, 0x14), I(0x71), O(0x70, 0x15), I(0x71), O(0x70, 0x30),
			I(0x71), O(0x70, 0x34), I(0x71), O(0x70, 0x35), I(0x71), O(0x70, 0x5f), I(0x71)}},
	{"rtc.keep", {O(0x70, 0xc0), O(0x71, 0x77), I(0x71), O(0x70, 0x40), I(0x71), I(0x70), O(0x70, 0x0d)}},
	/* 8042: controller, keyboard, mouse */
	{"kbc.test", {I(0x64), O(0x64, 0xaa), I(0x64), I(0x60), I(0x64), I(0x60)}},
	{"kbc.ports", {O(0x64, 0xab), I(0x60), O(0x64, 0xa9), I(0x60), O(0x64, 0xc0), I(0x60), O(0x64, 0xd0), I(0x60)}},
	{"kbc.mode", {O(0x64, 0x20), I(0x60), O(0x64, 0x60), O(0x60, 0x74), O(0x64, 0x20), I(0x60), O(0x64, 0x60),
		      O(0x60, 0x30), I(0x64)}},
	{"kbc.off", {O(0x64, 0xad), O(0x64, 0x20), I(0x60), O(0x64, 0xae), O(0x64, 0xa7), O(0x64, 0x20), I(0x60),
		     O(0x64, 0xa8)}},
	{"kbc.echo", {O(0x64, 0xd2), O(0x60, 0x5a), I(0x64), I(0x60), O(0x64, 0xd3), O(0x60, 0xa5), I(0x64), I(0x60)}},
	{"kbc.unknown", {O(0x64, 0x00), I(0x64), O(0x64, 0x99), I(0x64), O(0x64, 0xdd), I(0x64), I(0x60)}},
	{"kbd.identify", {O(0x60, 0xf2), I(0x60), I(0x60), I(0x60), I(0x64)}},
	{"kbd.reset", {O(0x60, 0xff), I(0x60), I(0x60), I(0x64)}},
	{"kbd.lights", {O(0x60, 0xed), I(0x60), O(0x60, 7), I(0x60), O(0x60, 0xf4), I(0x60)}},
	{"kbd.rate", {O(0x60, 0xf3), I(0x60), O(0x60, 0x7f), I(0x60), O(0x60, 0xf0), I(0x60), O(0x60, 0), I(0x60),
		      I(0x60)}},
	{"kbd.unknown", {O(0x60, 0xe0), I(0x60), O(0x60, 0xee), I(0x60), O(0x60, 0xfe), I(0x60), O(0x60, 0xf6),
			 I(0x60)}},
	{"mouse.reset", {O(0x64, 0xd4), O(0x60, 0xff), I(0x64), I(0x60), I(0x60), I(0x60), I(0x64)}},
	{"mouse.status", {O(0x64, 0xd4), O(0x60, 0xe9), I(0x60), I(0x60), I(0x60), I(0x60), I(0x64)}},
	{"mouse.rate", {O(0x64, 0xd4), O(0x60, 0xf3), I(0x60), O(0x64, 0xd4), O(0x60, 200), I(0x60), O(0x64, 0xd4),
			O(0x60, 0xf2), I(0x60), I(0x60)}},
	{"mouse.poll", {O(0x64, 0xd4), O(0x60, 0xeb), I(0x60), I(0x60), I(0x60), I(0x60), I(0x64)}},
	{"mouse.unknown", {O(0x64, 0xd4), O(0x60, 0xe5), I(0x60), O(0x64, 0xd4), O(0x60, 0xf5), I(0x60)}},
	/* 16550: latch, scratch, FIFOs, loop-back; nothing is sent */
	{"com1.latch", {O(0x3fb, 0x83), I(0x3f8), I(0x3f9), O(0x3f8, 0x0c), O(0x3f9, 1), I(0x3f8), I(0x3f9),
			O(0x3f8, 1), O(0x3f9, 0), O(0x3fb, 3), I(0x3fb)}},
	{"com1.scratch", {O(0x3ff, 0xa5), I(0x3ff), O(0x3ff, 0), I(0x3ff), I(0x3fe), I(0x3fa)}},
	{"com1.enable", {O(0x3f9, 0xff), I(0x3f9), I(0x3fa), I(0x3fa), O(0x3f9, 0), I(0x3f9), I(0x3fa)}},
	{"com1.fifo", {O(0x3fa, 0xc7), I(0x3fa), O(0x3fa, 0), I(0x3fa), O(0x3fa, 7), I(0x3fa)}},
	{"com1.loop", {O(0x3fc, 0x1f), I(0x3fc), I(0x3fe), O(0x3fc, 0x10), I(0x3fe), O(0x3fc, 3), I(0x3fe)}},
	{"com1.line", {O(0x3fd, 0), I(0x3fd), I(0x3fb), O(0x3fb, 0x1b), I(0x3fb), O(0x3fb, 3)}},
	/* VGA: CRTC, sequencer, graphics, attributes, palette, status */
	{"vga.crtc", {O(0x3d4, 0x0e), I(0x3d4), O(0x3d5, 1), I(0x3d5), O2(0x3d4, 0x000f), I(0x3d5), O2(0x3d4, 0x000e),
		      I2(0x3d4)}},
	{"vga.mono", {I(0x3b4), I(0x3b5), I(0x3ba), O(0x3b4, 0x0e), I(0x3b5)}},
	{"vga.misc", {I(0x3cc), O(0x3c2, 0x67), I(0x3cc), I(0x3c2), I(0x3ca)}},
	{"vga.sequencer", {O2(0x3c4, 0x0302), O(0x3c4, 2), I(0x3c5), I(0x3c4), O(0x3c4, 0x3f), I(0x3c5)}},
	{"vga.graphics", {O2(0x3ce, 0x0e06), O(0x3ce, 6), I(0x3cf), I(0x3ce), O(0x3ce, 0x3f), I(0x3cf)}},
	{"vga.attribute", {V(0x3da), O(0x3c0, 0x30), O(0x3c0, 0x0c), V(0x3da), O(0x3c0, 0x30), I(0x3c1), I(0x3c0),
			   V(0x3da), O(0x3c0, 0x20)}},
	{"vga.palette", {O(0x3c8, 1), O(0x3c9, 1), O(0x3c9, 2), O(0x3c9, 0xff), O(0x3c7, 1), I(0x3c9), I(0x3c9),
			 I(0x3c9), I(0x3c8), I(0x3c7), I(0x3c6)}},
	/* DISPI: identification, sizes that are too large, a mode, its end */
	{"dispi.id", {O2(0x1ce, 0), I2(0x1cf), O2(0x1cf, 0xb0c0), I2(0x1cf), O2(0x1cf, 0xffff), I2(0x1cf), I2(0x1ce)}},
	{"dispi.caps", {O2(0x1ce, 4), O2(0x1cf, 2), O2(0x1ce, 1), I2(0x1cf), O2(0x1ce, 2), I2(0x1cf), O2(0x1ce, 3),
			I2(0x1cf), O2(0x1ce, 4), O2(0x1cf, 0)}},
	{"dispi.huge", {O2(0x1ce, 1), O2(0x1cf, 0xffff), I2(0x1cf), O2(0x1ce, 2), O2(0x1cf, 0xffff), I2(0x1cf),
			O2(0x1ce, 4), O2(0x1cf, 0x41), I2(0x1cf)}},
	{"dispi.mode", {O2(0x1ce, 1), O2(0x1cf, 640), O2(0x1ce, 2), O2(0x1cf, 480), O2(0x1ce, 3), O2(0x1cf, 32),
			O2(0x1ce, 4), O2(0x1cf, 0x41), I2(0x1cf), O2(0x1ce, 6), I2(0x1cf), O2(0x1ce, 7), I2(0x1cf)}},
	{"dispi.offset", {O2(0x1ce, 6), O2(0x1cf, 0xffff), I2(0x1cf), O2(0x1ce, 8), O2(0x1cf, 0xffff), I2(0x1cf),
			  O2(0x1ce, 9), O2(0x1cf, 0xffff), I2(0x1cf), O2(0x1ce, 4), O2(0x1cf, 0), I2(0x1cf)}},
	{"dispi.memory", {O2(0x1ce, 10), I2(0x1cf), O2(0x1ce, 11), I2(0x1cf), O2(0x1ce, 0xffff), I2(0x1cf)}},
	/* power management: events, control, timer */
	{"pm.status", {I2(0x600), O2(0x600, 0xffff), I2(0x600), O2(0x602, 0x0521), I2(0x602), O2(0x602, 0), I2(0x602)}},
	{"pm.control", {I2(0x604), O2(0x604, 0x1c01), I2(0x604), O2(0x604, 1), I2(0x604), I4(0x604)}},
	{"pm.timer", {{T, 4, 0x608, 0}, {T, 4, 0x608, 0}, O4(0x608, 0), {T, 2, 0x608, 0}, I(0x60b), I(0x60c)}},
	/* reset: not that far */
	{"reset.port92", {I(0x92), O(0x92, 2), I(0x92), O(0x92, 0), I(0x92)}},
	{"reset.cf9", {I(0xcf9), O(0xcf9, 2), I(0xcf9), O(0xcf9, 0), I(0xcf9)}},
	{"reset.speaker", {O(0x61, 0x0c), {T, 1, 0x61, 0}, O(0x61, 0)}},
	/* ports for test programs */
	{"debug.console", {I(0xe9), I2(0xe9), I(0x402)}},
	{"debug.exit", {I(0xf4), I2(0xf4), I4(0xf4)}},
	{"debug.shutdown", {I(0x8900), O(0x8900, 'S'), O(0x8900, 'x')}},
	{"debug.post", {I(0x80), O(0x80, 1), I(0x80), I2(0x80), I4(0x80)}},
	{"test.port", {O4(0xc80, 0x12345678), I4(0xc80), I2(0xc81), I(0xc83), O2(0xc82, 0xabcd), I4(0xc80)}},
	/* nobody's */
	{"absent.fw-cfg", {O2(0x510, 0), I(0x511), I(0x511), I4(0x514)}},
	{"absent.com2", {I(0x2fd), O(0x2f8, 1), I(0x2fa)}},
	{"absent.ide", {I(0x1f7), O(0x1f6, 0xa0), I(0x1f7), I2(0x1f0)}},
	{"absent.dma", {I(0x08), O(0x0f, 0xf), I(0x87), O(0xed, 0), I(0xed)}},
	{"absent.end", {I(0xffff), I2(0xffff), I4(0xfffe), O4(0xfffd, 1)}},
};

static void group_do(const struct group *group)
{
	step("port.%s", group->name);
	for (const struct act *act = group->acts; act->what != END; act++) {
		if (act->what == W) {
			out(act->size, act->port, act->value);
			continue;
		}
		const uint32_t data = in(act->size, act->port);

		if (act->what == T)
			value_volatile();
		else
			value("%x", data);
	}
	step_end();
}

/* ------------------------------------------------------------------------------------------ widths */

/** Reading changes little there. Those that depend on time are read for their exits. */
static const struct {
	uint16_t first, last;
	bool time;
} ranges[] = {
	{0x20, 0x21, false},   {0xa0, 0xa1, false},   {0x40, 0x43, true},    {0x60, 0x64, true},
	{0x70, 0x71, false},   {0x92, 0x92, false},   {0xe9, 0xe9, false},   {0xf4, 0xf7, false},
	{0x1ce, 0x1cf, false}, {0x3b4, 0x3ba, true},  {0x3c0, 0x3cf, true},  {0x3d4, 0x3da, true},
	{0x3f8, 0x3ff, false}, {0x4d0, 0x4d1, false}, {0x5fe, 0x60c, true},  {0xc7e, 0xc84, false},
	{0xcf8, 0xcff, false}, {0x510, 0x51b, false}, {0x3e8, 0x3ef, false}, {0x88fe, 0x8901, false},
};

static void sweep(unsigned size)
{
	for (unsigned i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		step("port.read%u.%x", size, ranges[i].first);
		for (uint16_t port = ranges[i].first; port <= ranges[i].last; port++) {
			const uint32_t data = in(size, port);

			if (ranges[i].time)
				value_volatile();
			else
				value("%x", data);
		}
		step_end();
	}
}

/* ---------------------------------------------------------------------------------- string I/O */

#define SCRATCH 0xc80 /* of the test device */

struct string {
	uint64_t address, count;
};

#define STRING(name, text)                                                                         \
	static void name(uint64_t arg)                                                             \
	{                                                                                          \
		struct string *const s = (struct string *)arg;                                     \
                                                                                                   \
		__asm__ volatile(text                                                              \
				 : "+S"(s->address), "+c"(s->count)                                \
				 : "d"(SCRATCH)                                                    \
				 : "rdi", "rax", "memory");                                        \
	}

STRING(outsb, "outsb")
STRING(rep_outsb, "rep outsb")
STRING(rep_outsw, "rep outsw")
STRING(rep_outsl, "rep outsl")
STRING(rep_outsl_down, "std; rep outsl; cld")
STRING(insb, "mov %0, %%rdi; insb; mov %%rdi, %0")
STRING(rep_insb, "mov %0, %%rdi; rep insb; mov %%rdi, %0")
STRING(rep_insw, "mov %0, %%rdi; rep insw; mov %%rdi, %0")
STRING(rep_insl, "mov %0, %%rdi; rep insl; mov %%rdi, %0")
STRING(rep_insl_down, "mov %0, %%rdi; std; rep insl; cld; mov %%rdi, %0")
STRING(addr32_outsb, ".byte 0x67; rep outsb") /* addr32, which clang 14 takes nowhere here */

static const struct {
	const char *name;
	void (*fn)(uint64_t arg);
	uint64_t offset, count;
} strings[] = {
	{"outsb", outsb, 16, 1},
	{"rep-outsb", rep_outsb, 16, 7},
	{"rep-outsb-none", rep_outsb, 16, 0},
	{"rep-outsw", rep_outsw, 15, 3},
	{"rep-outsl", rep_outsl, 8, 3},
	{"rep-outsl-down", rep_outsl_down, 64, 3},
	{"rep-outsb-across", rep_outsb, PAGE_SIZE - 3, 6},
	{"rep-outsl-end", rep_outsl, 2 * PAGE_SIZE - 6, 3},
	{"addr32-outsb", addr32_outsb, 16, 2},
	{"insb", insb, 16, 1},
	{"rep-insb", rep_insb, 16, 7},
	{"rep-insw", rep_insw, 15, 3},
	{"rep-insl", rep_insl, 8, 3},
	{"rep-insl-down", rep_insl_down, 64, 3},
	{"rep-insb-across", rep_insb, PAGE_SIZE - 3, 6},
	{"rep-insl-end", rep_insl, 2 * PAGE_SIZE - 6, 3},
};

static void string_do(unsigned i, uint64_t pages)
{
	uint8_t *const bytes = (uint8_t *)(uintptr_t)pages;
	struct string s = {pages + strings[i].offset, strings[i].count};
	uint32_t sum = 0;

	for (uint32_t n = 0; n < 2 * PAGE_SIZE; n++)
		bytes[n] = (uint8_t)(n * 7 + n / 256);
	outl(SCRATCH, 0x44332211);
	step("string.%s", strings[i].name);
	value_try(strings[i].fn, (uintptr_t)&s);
	for (uint32_t n = 0; n < 2 * PAGE_SIZE; n++)
		sum = (sum << 1 | sum >> 31) ^ bytes[n];
	value("%lx %lx %x %x", s.address - pages, s.count, sum, inl(SCRATCH));
	step_end();
}

/** Two pages with nothing behind them. */
static uint64_t pages_make(void)
{
	const uint64_t where = SIZE_4K * 0x100000 * 16;

	for (uint64_t i = 0; i < 2; i++)
		paging_map(paging_kernel_root(), where + i * SIZE_4K, page_alloc(), SIZE_4K, PTE_RW | PTE_XD);
	return where;
}

void conform_ports(void)
{
	for (unsigned i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		group_do(&groups[i]);
	outb(0x70, 0x0d);
	for (unsigned size = 1; size <= 4; size *= 2)
		sweep(size);
	const uint64_t pages = pages_make();

	for (unsigned i = 0; i < sizeof(strings) / sizeof(strings[0]); i++)
		string_do(i, pages);
}
