/* SPDX-License-Identifier: BSD-2-Clause */
/* ACPI fixed hardware (ACPI 6.4, 4.8.3) as far as a power button takes it. */
#include "guests/dummy/power.h"

#include "guests/dummy/machine.h"
#include "guests/dummy/rt.h"
#include "lib/string.h"
#include "lib/x86/cpu.h"

/* PM1 event registers: status, and enable behind it; PM1 control (4.8.3.1, 4.8.3.2). */
#define PWRBTN	     0x0100u
#define SLP_TYP(t)   ((t) << 10)
#define SLP_EN	     0x2000u
#define ENABLE_AFTER 2u

#define ONE_OP	0x01u
#define BYTE_OP 0x0au

static volatile bool pressed;

static void sci(void *ctx)
{
	(void)ctx;
	if ((inw(machine.pm1_event) & PWRBTN) == 0)
		return;
	outw(machine.pm1_event, PWRBTN);
	pressed = true;
}

/** Name (\_S5_, Package () {type, …}) of the DSDT. @return the type, or -1 where it isn't found. */
static int s5_type(const uint8_t *dsdt, uint32_t size)
{
	static const uint8_t name[] = {'_', 'S', '5', '_', 0x12}; /* PackageOp */

	for (uint32_t i = 0; i + 16 < size; i++) {
		if (memcmp(dsdt + i, name, sizeof(name)) != 0)
			continue;
		/* The package's length has (first byte >> 6) + 1 bytes; the number of elements follows. */
		const uint8_t *value = dsdt + i + sizeof(name);

		value += (*value >> 6) + 2;
		return *value == BYTE_OP ? value[1] : *value <= ONE_OP ? *value : -1;
	}
	return -1;
}

static void switch_off(void)
{
	const uint8_t *dsdt = (const uint8_t *)machine.dsdt;
	uint32_t size;

	memcpy(&size, dsdt + 4, sizeof(size));
	const int type = s5_type(dsdt, size);

	if (type < 0)
		tap_note("no \\_S5 in the DSDT");
	else
		outw(machine.pm1_control, (uint16_t)(SLP_TYP((uint32_t)type) | SLP_EN));
}

void power_wait_button(void)
{
	if (machine.pm1_event == 0 || machine.dsdt == 0) {
		tap_note("no ACPI power management");
		return;
	}
	irq_register(machine.sci, sci, NULL);
	outw((uint16_t)(machine.pm1_event + ENABLE_AFTER), PWRBTN);
	tap_note("press the power button");
	cli();
	while (!pressed) {
		sti_hlt();
		cli();
	}
	sti();
	tap_note("the power button was pressed");
	switch_off();
}
