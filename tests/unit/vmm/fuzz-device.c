/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libFuzzer entry: one device of the board on a bus of its own. The first byte chooses it; each eight
 * bytes that follow are an act: an access of any width, in its registers or across their end, time that
 * passes, something at its other inputs, or a saved state, which may be anything.
 * sources: @tests/unit/vmm/fuzz-device.sources
 * runs: 20000
 *
 * @verifies VMM-001 VMM-020 VMM-030 VMM-040 VMM-050 VMM-060 VMM-070 VMM-113 VMM-114 VMM-115
 */
#include <stdlib.h>
#include <string.h>

#include "tests/unit/vmm/mock.h"
#include "vmm/bus.h"
#include "vmm/dev/acpi_pm.h"
#include "vmm/dev/debug_ports.h"
#include "vmm/dev/fw_cfg.h"
#include "vmm/dev/i16550.h"
#include "vmm/dev/i8042.h"
#include "vmm/dev/i8254.h"
#include "vmm/dev/i8259.h"
#include "vmm/dev/ioapic.h"
#include "vmm/dev/mc146818.h"
#include "vmm/dev/port61.h"
#include "vmm/dev/reset_ports.h"
#include "vmm/dev/test_device.h"
#include "vmm/dev/vga_display.h"
#include "vmm/dev/vga_text.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ACT   8u
#define STATE 2048u
#define TEXT  0x8000u

static struct timer_queue timers;
static struct bus bus;
static uint8_t *text, *picture;
static bool tampered; /* with a saved state, which may be refused later, too */
static uint8_t memory[256]; /* of the guest */

/* ------------------------------------------------------------------------------------ the devices */

static void put(void *ctx, uint8_t byte)
{
	(void)ctx;
	(void)byte;
}

static void put_char(void *ctx, char c)
{
	(void)ctx;
	(void)c;
}

static void give(void *ctx, uint32_t value)
{
	(void)ctx;
	(void)value;
}

static void msi(void *ctx, uint64_t address, uint32_t data)
{
	(void)ctx;
	if ((address & ~UINT64_C(0xffffc)) != 0xfee00000 || (data & ~0xc7ffu) != 0)
		abort();
}

static void trap_eoi(void *ctx, unsigned int vector, bool on)
{
	(void)ctx;
	(void)on;
	if (vector > 255)
		abort();
}

static void *ram(void *ctx, uint64_t address, uint64_t size, bool write)
{
	(void)ctx;
	(void)write;
	return address <= sizeof(memory) && size <= sizeof(memory) - address ? memory + address : NULL;
}

static struct device *ioapic_make(void)
{
	static const struct ioapic_upstream up = {NULL, msi, trap_eoi, give};
	struct ioapic *ioapic = malloc(sizeof(*ioapic));

	ioapic_init(ioapic, &up);
	return &ioapic->dev;
}

static void ioapic_input(struct device *dev, const uint8_t *act)
{
	if (act[1] & 1)
		ioapic_line(dev, act[2] & 31, act[1] & 2);
	else
		ioapic_eoi((struct ioapic *)dev, act[2]);
}

static struct device *pm_make(void)
{
	struct acpi_pm *pm = malloc(sizeof(*pm));

	acpi_pm_init(pm, &timers);
	pm->off = (struct command){give, NULL};
	return &pm->dev;
}

static void pm_input(struct device *dev, const uint8_t *act)
{
	if (act[1] & 1)
		acpi_pm_button((struct acpi_pm *)dev);
	else
		acpi_pm_rtc((struct acpi_pm *)dev);
}

static struct device *uart_make(void)
{
	struct i16550 *uart = malloc(sizeof(*uart));

	i16550_init(uart, &timers, 0x3f8);
	uart->out = (struct byte_sink){put, NULL};
	uart->room = (struct command){give, NULL};
	return &uart->dev;
}

static void uart_input(struct device *dev, const uint8_t *act)
{
	struct i16550 *uart = (struct i16550 *)dev;

	switch (act[1] & 3) {
	case 0:
		i16550_ready(uart);
		break;
	case 1:
		i16550_break(uart);
		break;
	default:
		if (i16550_room(uart) > I16550_FIFO)
			abort();
		i16550_receive(uart, act[2]);
		break;
	}
}

static struct device *kbc_make(void)
{
	struct i8042 *kbc = malloc(sizeof(*kbc));

	i8042_init(kbc);
	kbc->reset = (struct command){give, NULL};
	kbc->has_mouse = true;
	return &kbc->dev;
}

static void kbc_input(struct device *dev, const uint8_t *act)
{
	const struct ps2_motion motion = {(int8_t)act[2] * 16, (int8_t)act[3], (int8_t)act[4], act[5]};

	if (act[1] & 1)
		i8042_key((struct i8042 *)dev, act[2], act[3] & 1);
	else
		i8042_mouse((struct i8042 *)dev, &motion);
}

static struct device *pit_make(void)
{
	struct i8254 *pit = malloc(sizeof(*pit));

	i8254_init(pit, &timers);
	return &pit->dev;
}

static void pit_input(struct device *dev, const uint8_t *act)
{
	if (act[1] & 1)
		i8254_gate(dev, act[2] & 3u, act[1] & 2);
	else
		i8254_want((struct i8254 *)dev, act[1] & 2);
	i8254_out2(dev);
}

static struct device *pic_make(void)
{
	struct i8259 *pic = malloc(sizeof(*pic));

	i8259_init(pic);
	return &pic->dev;
}

static void pic_input(struct device *dev, const uint8_t *act)
{
	if (act[1] & 1)
		i8259_line(dev, act[2] & 15u, act[1] & 2);
	else
		i8259_acknowledge((struct i8259 *)dev);
}

static struct device *rtc_make(void)
{
	struct mc146818 *rtc = malloc(sizeof(*rtc));

	mc146818_init(rtc, &timers, 946684800);
	return &rtc->dev;
}

static struct device *vga_make(void)
{
	struct vga_text *vga = malloc(sizeof(*vga));

	vga_text_init(vga, text);
	return &vga->dev;
}

static void vga_input(struct device *dev, const uint8_t *act)
{
	memset(text + 64u * act[1], act[2], 64);
	vga_text_print((struct vga_text *)dev, put_char, NULL);
}

static struct device *fw_make(void)
{
	struct fw_cfg *fw = malloc(sizeof(*fw));

	fw_cfg_init(fw, ram, NULL);
	fw_cfg_set(fw, FW_CFG_NB_CPUS, "\1\0", 2);
	fw_cfg_add(fw, "etc/something", "0123456789", 10);
	return &fw->dev;
}

static void fw_input(struct device *dev, const uint8_t *act)
{
	(void)dev;
	memcpy(memory + (act[1] & 0xf8u), act, ACT);
}

/** The display's ports; its memory is as large as its registers say, and no mode may show more. */
static struct vga_display display;

static struct device *display_make(void)
{
	struct device *dev = &display.pci.dev;

	vga_display_init(&display, picture);
	dev->class->reset(dev);
	return &display.ports;
}

static void display_input(struct device *dev, const uint8_t *act)
{
	struct vga_picture shown;

	(void)dev;
	(void)act;
	if (!vga_display_picture(&display, &shown))
		return;
	const uint64_t last = (uint64_t)(shown.height - 1) * shown.pitch + 4ull * shown.width;
	if (shown.pixels < picture || shown.height == 0 || shown.width == 0 ||
	    (uint64_t)(shown.pixels - picture) + last > VGA_DISPLAY_MEMORY)
		abort();
}

static struct device *port61_make(void)
{
	struct port61 *port = malloc(sizeof(*port));

	port61_init(port);
	port->out2 = (struct probe){NULL, NULL};
	return &port->dev;
}

static struct device *reset_make(void)
{
	struct reset_ports *ports = malloc(sizeof(*ports));

	reset_ports_init(ports);
	ports->reset = (struct command){give, NULL};
	return &ports->dev;
}

static struct device *console_make(void)
{
	struct debug_console *console = malloc(sizeof(*console));

	debug_console_init(console);
	console->out = (struct byte_sink){put, NULL};
	return &console->dev;
}

static struct device *exit_make(void)
{
	struct debug_exit *port = malloc(sizeof(*port));

	debug_exit_init(port);
	port->exit = (struct command){give, NULL};
	return &port->dev;
}

static struct device *shutdown_make(void)
{
	struct bochs_shutdown *port = malloc(sizeof(*port));

	bochs_shutdown_init(port);
	port->exit = (struct command){give, NULL};
	return &port->dev;
}

static struct device *test_make(void)
{
	struct test_device *device = malloc(sizeof(*device));

	test_device_init(device);
	return &device->dev;
}

static const struct {
	struct device *(*make)(void);
	void (*input)(struct device *dev, const uint8_t *act);
} kinds[] = {
	{ioapic_make, ioapic_input}, {pm_make, pm_input},   {uart_make, uart_input},
	{kbc_make, kbc_input},	     {pit_make, pit_input}, {pic_make, pic_input},
	{rtc_make, NULL},	     {vga_make, vga_input}, {fw_make, fw_input},
	{port61_make, NULL},	     {reset_make, NULL},    {console_make, NULL},
	{exit_make, NULL},	     {shutdown_make, NULL}, {test_make, NULL},
	{display_make, display_input},
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* --------------------------------------------------------------------------------------------- acts */

static void access_do(const struct device *dev, const uint8_t *act)
{
	const struct device_range *range = &dev->class->ranges[act[1] % dev->class->range_count];
	const uint64_t where = range->first + act[2] % (range->size + 3);
	static const uint8_t sizes[] = {1, 2, 4, 8};
	unsigned int size = sizes[act[3] & 3];
	uint64_t value = (uint64_t)act[7] << (act[4] & 56);
	uint32_t hit = 0;

	value |= act[5] | (uint32_t)act[6] << 8;
	if (range->space == DEVICE_PORTS && size == 8)
		size = 1;
	if (range->space == DEVICE_PORTS && (act[3] & 4))
		bus_port_read(&bus, (uint16_t)where, size);
	else if (range->space == DEVICE_PORTS)
		bus_port_write(&bus, (uint16_t)where, size, (uint32_t)value);
	else if (act[3] & 4)
		bus_memory_read(&bus, &hit, where, size);
	else
		bus_memory_write(&bus, &hit, where, size, value);
}

static void time_pass(const uint8_t *act)
{
	const uint64_t end = mock_now + ((uint64_t)act[1] << (act[2] & 31));

	for (unsigned int i = 0; i < 100 && timer_next(&timers) <= end; i++) {
		if (timer_next(&timers) > mock_now)
			mock_now = timer_next(&timers);
		timer_run(&timers, mock_now);
	}
	mock_now = end;
}

/** What was saved is taken back; with a byte of it changed, it is taken or refused. */
static void state_do(struct device *dev, const uint8_t *act)
{
	static uint8_t state[STATE];
	const size_t size = device_state_size(dev);

	if (size > STATE)
		abort();
	device_save(dev, state);
	if (size > 0 && (act[1] & 1)) {
		tampered = true;
		state[(act[2] | (unsigned int)act[3] << 8) % size] = act[4];
	}
	const bool taken = device_load(dev, state, size);
	if (!taken && !tampered)
		abort();
	device_inspect(dev, put_char, NULL);
}

static void act_do(struct device *dev, unsigned int kind, const uint8_t *act)
{
	switch (act[0] & 15) {
	case 0:
	case 1:
		time_pass(act);
		break;
	case 2:
		state_do(dev, act);
		break;
	case 3:
	case 4:
		if (kinds[kind].input)
			kinds[kind].input(dev, act);
		break;
	default:
		access_do(dev, act);
		break;
	}
}

/* ---------------------------------------------------------------------------------------- libFuzzer */

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	text = calloc(1, TEXT);
	picture = calloc(1, VGA_DISPLAY_MEMORY);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1)
		return 0;
	const unsigned int kind = data[0] % KINDS;

	memset(&timers, 0, sizeof(timers));
	mock_now = (mock_now / 1000000000 + 1) * 1000000000; /* never back */
	bus_init(&bus);
	struct device *dev = kinds[kind].make();
	if (bus_attach(&bus, dev) != HV_OK)
		abort();
	if (dev->class->reset != NULL)
		dev->class->reset(dev);
	tampered = false;
	for (size_t at = 1; at + ACT <= size; at += ACT)
		act_do(dev, kind, data + at);
	if (dev != &display.ports)
		free(dev);
	return 0;
}
