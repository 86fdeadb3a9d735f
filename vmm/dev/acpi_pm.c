/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ACPI fixed hardware. The machine is always in ACPI mode (SCI_EN reads as one), as there is no SMI.
 *
 * @req VMM-114 SLP_EN with the sleep type of S5 switches the machine off; other sleep types do nothing.
 * @req VMM-115 The power management timer counts at 3.579545 MHz, 32 bits wide.
 */
#include "vmm/dev/acpi_pm.h"

#include "vmm/platform.h"

/* PM1 status and enable (4.8.3.1). */
#define TMR	0x0001u
#define GBL	0x0020u
#define PWRBTN	0x0100u
#define RTC	0x0400u
#define WAK_STS 0x8000u
#define STATUS_WRITABLE (TMR | GBL | PWRBTN | RTC | WAK_STS)
#define ENABLE_WRITABLE (TMR | GBL | PWRBTN | RTC)
/* PM1 control (4.8.3.2). */
#define SCI_EN		 0x0001u
#define BM_RLD		 0x0002u
#define SLP_TYP(control) ((control) >> 10 & 7u)
#define SLP_EN		 0x2000u
#define CONTROL_WRITABLE (BM_RLD | 7u << 10)

/** TMR_STS is set whenever the timer's highest bit changes (4.8.3.3). */
#define TIMER_HALF_SHIFT 31

#define NS UINT64_C(1000000000)

static uint64_t counter(void)
{
	const uint64_t now = platform_time();

	return now / NS * ACPI_PM_HZ + now % NS * ACPI_PM_HZ / NS;
}

/** When the counter has reached `value`. */
static uint64_t moment(uint64_t value)
{
	return value / ACPI_PM_HZ * NS + value % ACPI_PM_HZ * NS / ACPI_PM_HZ + 1;
}

static void update(struct acpi_pm *pm)
{
	const uint64_t now = counter();

	if (now >> TIMER_HALF_SHIFT != pm->seen >> TIMER_HALF_SHIFT)
		pm->status |= TMR;
	pm->seen = now;
	if ((pm->enable & TMR) && !(pm->status & TMR))
		timer_arm(&pm->timer, moment(((now >> TIMER_HALF_SHIFT) + 1) << TIMER_HALF_SHIFT));
	else
		timer_cancel(&pm->timer);
	wire_set(&pm->sci, (pm->status & pm->enable) != 0);
}

static void fire(struct timer *timer)
{
	update((struct acpi_pm *)(void *)((char *)timer - offsetof(struct acpi_pm, timer)));
}

void acpi_pm_button(struct acpi_pm *pm)
{
	pm->status |= PWRBTN;
	update(pm);
}

void acpi_pm_rtc(struct acpi_pm *pm)
{
	pm->status |= RTC;
	update(pm);
}

static uint16_t *register_at(struct acpi_pm *pm, uint64_t where)
{
	switch (where & ~UINT64_C(1)) {
	case ACPI_PM1_STATUS:
		return &pm->status;
	case ACPI_PM1_ENABLE:
		return &pm->enable;
	case ACPI_PM1_CONTROL:
		return &pm->control;
	default:
		return NULL;
	}
}

/** One byte of any register. */
static uint8_t read_byte(struct acpi_pm *pm, uint64_t where)
{
	const uint16_t *reg = register_at(pm, where);

	if (where >= ACPI_PM_TIMER)
		return (uint8_t)((uint32_t)counter() >> (8 * (where - ACPI_PM_TIMER)));
	if (!reg)
		return UINT8_MAX;
	return (uint8_t)(*reg >> (8 * (where & 1)));
}

static uint64_t read(struct device *dev, uint64_t where, unsigned int size)
{
	struct acpi_pm *pm = (struct acpi_pm *)dev;
	uint64_t value = 0;

	if (where == ACPI_PM_TIMER && size == 4)
		return (uint32_t)counter();
	update(pm);
	for (unsigned int i = 0; i < size; i++)
		value |= (uint64_t)read_byte(pm, where + i) << (8 * i);
	return value;
}

static void write_control(struct acpi_pm *pm, uint16_t value)
{
	pm->control = (uint16_t)((value & CONTROL_WRITABLE) | SCI_EN);
	if ((value & SLP_EN) && SLP_TYP(value) == ACPI_PM_S5)
		command_give(&pm->off, 0);
}

static void write_register(struct acpi_pm *pm, uint64_t where, uint16_t value, uint16_t mask)
{
	switch (where) {
	case ACPI_PM1_STATUS:
		pm->status &= (uint16_t)~(value & mask & STATUS_WRITABLE);
		break;
	case ACPI_PM1_ENABLE:
		pm->enable = (uint16_t)((pm->enable & ~mask) | (value & mask & ENABLE_WRITABLE));
		break;
	case ACPI_PM1_CONTROL:
		write_control(pm, (uint16_t)((pm->control & ~mask) | (value & mask)));
		break;
	default: /* the timer */
		return;
	}
	update(pm);
}

static void write(struct device *dev, uint64_t where, unsigned int size, uint64_t value)
{
	struct acpi_pm *pm = (struct acpi_pm *)dev;
	const unsigned int shift = 8 * (unsigned int)(where & 1);

	update(pm);
	if (size == 1) {
		write_register(pm, where & ~UINT64_C(1), (uint16_t)(value << shift),
			       (uint16_t)(0xff << shift));
		return;
	}
	write_register(pm, where, (uint16_t)value, UINT16_MAX);
	if (size == 4)
		write_register(pm, where + 2, (uint16_t)(value >> 16), UINT16_MAX);
}

static void reset(struct device *dev)
{
	struct acpi_pm *pm = (struct acpi_pm *)dev;

	pm->status = pm->enable = 0;
	pm->control = SCI_EN;
	pm->seen = counter();
	update(pm);
}

static bool loaded(struct device *dev)
{
	struct acpi_pm *pm = (struct acpi_pm *)dev;

	pm->status &= STATUS_WRITABLE;
	pm->enable &= ENABLE_WRITABLE;
	pm->control = (pm->control & CONTROL_WRITABLE) | SCI_EN;
	pm->seen = counter();
	update(pm);
	return true;
}

static void counters(const struct device *dev, const struct counter_sink *to)
{
	const struct acpi_pm *pm = (const struct acpi_pm *)dev;

	counter_tell(to, "interrupts", pm->sci.raised);
}

static const struct device_field fields[] = {
	DEVICE_FIELD(struct acpi_pm, status),
	DEVICE_FIELD(struct acpi_pm, enable),
	DEVICE_FIELD(struct acpi_pm, control),
};

static const struct device_range ranges[] = {
	{.space = DEVICE_PORTS, .first = ACPI_PM_BASE, .size = ACPI_PM_PORTS, .width = 4},
};

static const struct device_class class = {
	.name = "acpi_pm",
	.read = read,
	.write = write,
	.reset = reset,
	.loaded = loaded,
	.counters = counters,
	.ranges = ranges,
	.fields = fields,
	.range_count = sizeof(ranges) / sizeof(ranges[0]),
	.field_count = sizeof(fields) / sizeof(fields[0]),
};

void acpi_pm_init(struct acpi_pm *pm, struct timer_queue *queue)
{
	*pm = (struct acpi_pm){.dev = {.class = &class}};
	timer_init(&pm->timer, queue, fire);
}
