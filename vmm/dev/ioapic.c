/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * I/O APIC. Interrupts go out as messages, so there is no APIC bus: delivery status and arbitration ID
 * read as zero.
 *
 * @req VMM-113 An unmasked edge input sends one message for each edge, and none for edges while it is
 *              masked; a level input sends a message when it is active, and another one at the end of the
 *              interrupt as long as it still is.
 */
#include "vmm/dev/ioapic.h"

#include "lib/x86/apic.h"

#define VERSION	   0x11u
#define ID_MASK	   0x0f000000u
#define MAPPED	   0x1000u /**< bytes of memory that it answers in */
#define TABLE	   IOAPIC_REDTBL(0u)
#define TABLE_END  (TABLE + 2 * IOAPIC_PINS)

/* A redirection entry (3.2.4). */
#define ENTRY_VECTOR(e)	 ((unsigned int)((e)&0xff))
#define ENTRY_WRITABLE_LOW  0x0001afffu
#define ENTRY_WRITABLE_HIGH 0xff000000u
#define MODE_FIXED	 (APIC_DM_FIXED)
#define MODE_LOWEST	 (APIC_DM_LOWEST)

/* Messages (SDM vol. 3, 11.11). */
#define MSI_ADDRESS	UINT64_C(0xfee00000)
#define MSI_LOGICAL	0x4u
#define MSI_DEST_SHIFT	12
#define MSI_ASSERT	0x4000u
#define MSI_LEVEL	0x8000u

static uint32_t bit(unsigned int pin)
{
	return UINT32_C(1) << pin;
}

static bool active(const struct ioapic *ioapic, unsigned int pin)
{
	const bool high = (ioapic->levels & bit(pin)) != 0;

	return high != ((ioapic->entry[pin] & IOAPIC_RED_LOW_ACTIVE) != 0);
}

static bool is_level(const struct ioapic *ioapic, unsigned int pin)
{
	const uint32_t mode = (uint32_t)ioapic->entry[pin] & APIC_DM_MASK;

	/* Other modes are edges, whatever the trigger bit says (3.2.4). */
	return (ioapic->entry[pin] & IOAPIC_RED_LEVEL) &&
	       (mode == MODE_FIXED || mode == MODE_LOWEST);
}

/** Send the message of an input. */
static void send(struct ioapic *ioapic, unsigned int pin)
{
	const uint64_t entry = ioapic->entry[pin];
	const uint64_t destination = entry >> 56;
	uint32_t data = (uint32_t)entry & (APIC_LVT_VECTOR | APIC_DM_MASK);
	uint64_t address = MSI_ADDRESS | destination << MSI_DEST_SHIFT;

	if (entry & IOAPIC_RED_LOGICAL)
		address |= MSI_LOGICAL;
	if (is_level(ioapic, pin)) {
		data |= MSI_LEVEL | MSI_ASSERT;
		ioapic->entry[pin] |= IOAPIC_RED_REMOTE_IRR;
	}
	ioapic->sent++;
	ioapic->up.msi(ioapic->up.ctx, address, data);
}

/** A level input that is active and not yet served. */
static void serve_level(struct ioapic *ioapic, unsigned int pin)
{
	if (is_level(ioapic, pin) && active(ioapic, pin) &&
	    !(ioapic->entry[pin] & (IOAPIC_RED_MASKED | IOAPIC_RED_REMOTE_IRR)))
		send(ioapic, pin);
}

void ioapic_line(void *ctx, unsigned int pin, bool level)
{
	struct ioapic *ioapic = ctx;

	if (pin >= IOAPIC_PINS || level == ((ioapic->levels & bit(pin)) != 0))
		return;
	ioapic->levels ^= bit(pin);
	if (is_level(ioapic, pin))
		serve_level(ioapic, pin);
	else if (active(ioapic, pin) && !(ioapic->entry[pin] & IOAPIC_RED_MASKED))
		send(ioapic, pin);
}

void ioapic_eoi(struct ioapic *ioapic, unsigned int vector)
{
	for (unsigned int pin = 0; pin < IOAPIC_PINS; pin++) {
		if (ENTRY_VECTOR(ioapic->entry[pin]) != vector || !is_level(ioapic, pin))
			continue;
		ioapic->entry[pin] &= ~(uint64_t)IOAPIC_RED_REMOTE_IRR;
		serve_level(ioapic, pin);
	}
}

/* -------------------------------------------------------------------------------- the table's effects */

/** Ask for the ends of just the interrupts that level inputs make. */
static void traps_update(struct ioapic *ioapic)
{
	uint32_t wanted[8] = {0};

	for (unsigned int pin = 0; pin < IOAPIC_PINS; pin++) {
		const uint64_t entry = ioapic->entry[pin];
		const bool waits = !(entry & IOAPIC_RED_MASKED) || (entry & IOAPIC_RED_REMOTE_IRR);
		if (waits && is_level(ioapic, pin))
			wanted[ENTRY_VECTOR(entry) / 32] |= bit(ENTRY_VECTOR(entry) % 32);
	}
	for (unsigned int i = 0; i < 8; i++) {
		uint32_t changed = wanted[i] ^ ioapic->trapped[i];
		ioapic->trapped[i] = wanted[i];
		for (; changed != 0; changed &= changed - 1) {
			const unsigned int n = (unsigned int)__builtin_ctz(changed);
			ioapic->up.trap_eoi(ioapic->up.ctx, 32 * i + n, wanted[i] >> n & 1);
		}
	}
}

static void table_changed(struct ioapic *ioapic)
{
	uint32_t unmasked = 0;

	traps_update(ioapic);
	for (unsigned int pin = 0; pin < IOAPIC_PINS; pin++) {
		if (!(ioapic->entry[pin] & IOAPIC_RED_MASKED))
			unmasked |= bit(pin);
	}
	ioapic->up.unmasked(ioapic->up.ctx, unmasked);
}

static void write_entry(struct ioapic *ioapic, uint32_t index, uint32_t value)
{
	const unsigned int pin = index / 2;
	uint64_t *entry = &ioapic->entry[pin];

	if (index & 1) {
		*entry = (uint32_t)*entry | (uint64_t)(value & ENTRY_WRITABLE_HIGH) << 32;
		return;
	}
	*entry = (*entry & ~(uint64_t)ENTRY_WRITABLE_LOW) | (value & ENTRY_WRITABLE_LOW);
	/* An input made an edge forgets that it was served: how systems without an EOI register end
	 * an interrupt at the I/O APIC (Linux's __eoi_ioapic_pin()). */
	if (!is_level(ioapic, pin))
		*entry &= ~(uint64_t)IOAPIC_RED_REMOTE_IRR;
	table_changed(ioapic);
	serve_level(ioapic, pin);
}

/* ---------------------------------------------------------------------------------------- registers */

static uint32_t read_register(const struct ioapic *ioapic)
{
	const uint32_t reg = ioapic->select;

	if (reg >= TABLE && reg < TABLE_END)
		return (uint32_t)(ioapic->entry[(reg - TABLE) / 2] >> (reg & 1 ? 32 : 0));
	switch (reg) {
	case IOAPIC_ID:
		return ioapic->id;
	case IOAPIC_VER:
		return VERSION | (IOAPIC_PINS - 1) << 16;
	default:
		return 0;
	}
}

static void write_register(struct ioapic *ioapic, uint32_t value)
{
	const uint32_t reg = ioapic->select;

	if (reg >= TABLE && reg < TABLE_END)
		write_entry(ioapic, reg - TABLE, value);
	else if (reg == IOAPIC_ID)
		ioapic->id = value & ID_MASK;
}

static uint64_t read(struct device *dev, uint64_t where, unsigned int size)
{
	const struct ioapic *ioapic = (const struct ioapic *)dev;

	(void)size;
	if (where == IOAPIC_REGSEL)
		return ioapic->select;
	return where == IOAPIC_IOWIN ? read_register(ioapic) : 0;
}

static void write(struct device *dev, uint64_t where, unsigned int size, uint64_t value)
{
	struct ioapic *ioapic = (struct ioapic *)dev;

	if (where == IOAPIC_REGSEL)
		ioapic->select = (uint8_t)value;
	else if (where == IOAPIC_IOWIN && size == 4)
		write_register(ioapic, (uint32_t)value);
}

/** Levels stay: they are the devices'. */
static void reset(struct device *dev)
{
	struct ioapic *ioapic = (struct ioapic *)dev;

	ioapic->select = 0;
	ioapic->id = 0;
	for (unsigned int pin = 0; pin < IOAPIC_PINS; pin++)
		ioapic->entry[pin] = IOAPIC_RED_MASKED;
	table_changed(ioapic);
}

static bool loaded(struct device *dev)
{
	struct ioapic *ioapic = (struct ioapic *)dev;
	const uint64_t known = (uint64_t)ENTRY_WRITABLE_HIGH << 32 | ENTRY_WRITABLE_LOW |
			       IOAPIC_RED_REMOTE_IRR;

	ioapic->select &= 0xff;
	ioapic->id &= ID_MASK;
	for (unsigned int pin = 0; pin < IOAPIC_PINS; pin++)
		ioapic->entry[pin] &= known;
	table_changed(ioapic);
	return true;
}

static void counters(const struct device *dev, const struct counter_sink *to)
{
	const struct ioapic *ioapic = (const struct ioapic *)dev;

	counter_tell(to, "interrupts", ioapic->sent);
}

static const struct device_field fields[] = {
	DEVICE_ARRAY(struct ioapic, entry),
	DEVICE_FIELD(struct ioapic, levels),
	DEVICE_FIELD(struct ioapic, select),
	DEVICE_FIELD(struct ioapic, id),
};

static const struct device_range ranges[] = {
	{.space = DEVICE_MEMORY, .first = IOAPIC_DEFAULT_BASE, .size = MAPPED, .width = 4},
};

static const struct device_class class = {
	.name = "ioapic",
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

void ioapic_init(struct ioapic *ioapic, const struct ioapic_upstream *up)
{
	*ioapic = (struct ioapic){.dev = {.class = &class}, .up = *up};
}
