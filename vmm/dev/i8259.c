/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two Intel 8259A, the second on input 2 of the first. Not modelled, as no PC has them: MCS-80 mode
 * and buffered mode; ICW1's LTIM is ignored, as by the chip sets that have ELCR.
 *
 * @req VMM-030 The 8259s give the highest-priority unmasked request, with fixed, rotated and special
 *              mask priorities, edge and level inputs, automatic and all kinds of EOI, poll mode, and
 *              the spurious vector where a request goes away before its acknowledge.
 */
#include "vmm/dev/i8259.h"

#define CASCADE 2u

/* ICW1, ICW4 and OCWs (data sheet, figures 7 and 8). */
#define ICW1_INIT   0x10u
#define ICW1_SINGLE 0x02u
#define ICW1_ICW4   0x01u
#define ICW4_AEOI   0x02u
#define ICW4_SFNM   0x10u
#define ICW2_BASE   0xf8u
#define OCW3	    0x08u
#define OCW3_RIS    0x01u
#define OCW3_RR	    0x02u
#define OCW3_POLL   0x04u
#define OCW3_SMM    0x20u
#define OCW3_ESMM   0x40u
#define OCW2_LEVEL  0x07u
#define POLL_REQUEST 0x80u

/** OCW2: R, SL, EOI in bits 7 to 5. */
enum ocw2 {
	OCW2_ROTATE_AEOI_CLEAR = 0,
	OCW2_EOI = 1,
	OCW2_NOP = 2,
	OCW2_SPECIFIC_EOI = 3,
	OCW2_ROTATE_AEOI_SET = 4,
	OCW2_ROTATE_EOI = 5,
	OCW2_SET_PRIORITY = 6,
	OCW2_ROTATE_SPECIFIC_EOI = 7,
};

/** `where` of the registers: bit 0 command or data, bit 1 chip; then ELCR. */
enum reg { REG_COMMAND, REG_DATA, REG_ELCR = 8 };

#define NO_INPUT 8u

static uint8_t bit(unsigned int input)
{
	return (uint8_t)(1u << input);
}

/* ------------------------------------------------------------------------------------- priorities */

/** @return the set bit of the highest priority, or NO_INPUT. The one behind `lowest` comes first. */
static unsigned int highest(const struct i8259_chip *chip, uint8_t set)
{
	unsigned int first = (chip->lowest + 1u) & 7u;
	unsigned int rotated = ((unsigned int)set << 8 | set) >> first & 0xffu;

	if (rotated == 0)
		return NO_INPUT;
	return ((unsigned int)__builtin_ctz(rotated) + first) & 7u;
}

/** 0 is the highest; NO_INPUT has none. */
static unsigned int priority(const struct i8259_chip *chip, unsigned int input)
{
	return input == NO_INPUT ? NO_INPUT : (input - chip->lowest - 1u) & 7u;
}

/** @return the request to be given to the processor, or NO_INPUT. */
static unsigned int request(const struct i8259 *pic, const struct i8259_chip *chip)
{
	if (!(chip->irr & (uint8_t)~chip->imr))
		return NO_INPUT;
	uint8_t blocking = chip->special_mask ? chip->isr & (uint8_t)~chip->imr : chip->isr;
	unsigned int input = highest(chip, chip->irr & (uint8_t)~chip->imr);
	unsigned int served = highest(chip, blocking);

	/* Special fully nested mode: the second chip may interrupt its own request. */
	if (input == CASCADE && served == CASCADE && chip == &pic->chip[0] &&
	    (chip->icw4 & ICW4_SFNM))
		return input;
	return priority(chip, input) < priority(chip, served) ? input : NO_INPUT;
}

/* ---------------------------------------------------------------------------------- inputs, outputs */

static void chip_line(struct i8259_chip *chip, unsigned int input, bool level)
{
	uint8_t mask = bit(input);
	bool rises = level && !(chip->lines & mask);

	chip->lines = level ? chip->lines | mask : chip->lines & (uint8_t)~mask;
	if (!level) /* a request must stay until its acknowledge */
		chip->irr &= (uint8_t)~mask;
	else if (rises || (chip->elcr & mask))
		chip->irr |= mask;
}

/** INT of the second chip drives input 2 of the first, INT of the first the wire. */
static void update(struct i8259 *pic)
{
	for (unsigned int i = 2; i-- > 0;) {
		struct i8259_chip *chip = &pic->chip[i];
		bool out = chip->icw_next == 0 && request(pic, chip) != NO_INPUT;
		chip->out = out;
		if (i == 1)
			chip_line(&pic->chip[0], CASCADE, out);
		else
			wire_set(&pic->intr, out);
	}
}

void i8259_line(void *ctx, unsigned int pin, bool level)
{
	struct i8259 *pic = ctx;

	if (pin > 15 || pin == CASCADE)
		return;
	chip_line(&pic->chip[pin >> 3], pin & 7, level);
	update(pic);
}

/* ---------------------------------------------------------------------------- acknowledge and EOI */

/** Put a request in service. */
static void serve(struct i8259_chip *chip, unsigned int input)
{
	if (!(chip->elcr & bit(input)))
		chip->irr &= (uint8_t)~bit(input);
	if (!(chip->icw4 & ICW4_AEOI))
		chip->isr |= bit(input);
	else if (chip->rotate_aeoi)
		chip->lowest = (uint8_t)input;
}

/** The second chip's part: while it is served, its INT drops, to rise again for another request. */
static uint8_t acknowledge_second(struct i8259 *pic)
{
	struct i8259_chip *chip = &pic->chip[1];
	unsigned int input = request(pic, chip);

	chip_line(&pic->chip[0], CASCADE, false);
	if (input == NO_INPUT)
		return chip->base | 7;
	serve(chip, input);
	return (uint8_t)(chip->base | input);
}

uint8_t i8259_acknowledge(struct i8259 *pic)
{
	struct i8259_chip *chip = &pic->chip[0];
	unsigned int input = request(pic, chip);
	uint8_t vector = chip->base | 7;

	if (input != NO_INPUT) {
		serve(chip, input);
		vector = (uint8_t)(chip->base | input);
		if (input == CASCADE)
			vector = acknowledge_second(pic);
	}
	/* The wire falls and rises again, so that whoever watches it sees the next request. */
	wire_set(&pic->intr, false);
	update(pic);
	return vector;
}

static void end(struct i8259_chip *chip, unsigned int input, bool rotate)
{
	if (input == NO_INPUT)
		return;
	chip->isr &= (uint8_t)~bit(input);
	if (rotate)
		chip->lowest = (uint8_t)input;
}

static void write_ocw2(struct i8259 *pic, struct i8259_chip *chip, uint8_t value)
{
	unsigned int input = value & OCW2_LEVEL;
	enum ocw2 command = (enum ocw2)(value >> 5);

	switch (command) {
	case OCW2_EOI:
	case OCW2_ROTATE_EOI: /* non-specific: one that a special mask hides is not ended */
		end(chip,
		    highest(chip, chip->special_mask ? chip->isr & (uint8_t)~chip->imr : chip->isr),
		    command == OCW2_ROTATE_EOI);
		break;
	case OCW2_SPECIFIC_EOI:
	case OCW2_ROTATE_SPECIFIC_EOI:
		end(chip, input, command == OCW2_ROTATE_SPECIFIC_EOI);
		break;
	case OCW2_SET_PRIORITY:
		chip->lowest = (uint8_t)input;
		break;
	case OCW2_ROTATE_AEOI_SET:
	case OCW2_ROTATE_AEOI_CLEAR:
		chip->rotate_aeoi = command == OCW2_ROTATE_AEOI_SET;
		break;
	case OCW2_NOP:
		break;
	}
	update(pic);
}

/* ---------------------------------------------------------------------------------------- registers */

static void write_ocw3(struct i8259_chip *chip, uint8_t value)
{
	if (value & OCW3_ESMM)
		chip->special_mask = (value & OCW3_SMM) != 0;
	if (value & OCW3_RR)
		chip->read_isr = (value & OCW3_RIS) != 0;
	chip->poll = (value & OCW3_POLL) != 0;
}

/** ICW1 starts the initialisation; edge inputs must rise again. */
static void write_icw1(struct i8259_chip *chip, uint8_t value)
{
	chip->icw1 = value;
	chip->icw_next = 2;
	chip->imr = 0;
	chip->isr = 0;
	chip->irr = chip->lines & chip->elcr;
	chip->lowest = 7;
	chip->special_mask = 0;
	chip->read_isr = 0;
	chip->poll = 0;
	chip->rotate_aeoi = 0;
	chip->icw4 = 0;
}

static void write_icw(struct i8259_chip *chip, uint8_t value)
{
	uint8_t last = chip->icw1 & ICW1_ICW4 ? 4 : 0;

	switch (chip->icw_next) {
	case 2:
		chip->base = value & ICW2_BASE;
		chip->icw_next = chip->icw1 & ICW1_SINGLE ? last : 3;
		break;
	case 3: /* which input has a chip, or which number this chip has: wired in a PC */
		chip->icw_next = last;
		break;
	default:
		chip->icw4 = value;
		chip->icw_next = 0;
		break;
	}
}

static void masks_changed(struct i8259 *pic)
{
	command_give(&pic->look, (uint32_t)pic->chip[1].imr << 8 | pic->chip[0].imr);
}

static void write_data(struct i8259 *pic, struct i8259_chip *chip, uint8_t value)
{
	if (chip->icw_next != 0)
		write_icw(chip, value);
	else
		chip->imr = value;
	masks_changed(pic);
	update(pic);
}

static void write_command(struct i8259 *pic, struct i8259_chip *chip, uint8_t value)
{
	if (value & ICW1_INIT) {
		write_icw1(chip, value);
		update(pic);
	} else if (value & OCW3) {
		write_ocw3(chip, value);
		update(pic);
	} else {
		write_ocw2(pic, chip, value);
	}
}

static void write_elcr(struct i8259 *pic, struct i8259_chip *chip, uint8_t value)
{
	chip->elcr = value & chip->elcr_mask;
	chip->irr |= chip->lines & chip->elcr;
	update(pic);
}

static void write(struct device *dev, uint64_t where, unsigned int size, uint64_t value)
{
	struct i8259 *pic = (struct i8259 *)dev;

	(void)size;
	if (where >= REG_ELCR) {
		write_elcr(pic, &pic->chip[where & 1], (uint8_t)value);
		return;
	}
	struct i8259_chip *chip = &pic->chip[where >> 1 & 1];
	if (where & REG_DATA)
		write_data(pic, chip, (uint8_t)value);
	else
		write_command(pic, chip, (uint8_t)value);
}

/** Poll mode: the read is the acknowledge. */
static uint8_t read_poll(struct i8259 *pic, struct i8259_chip *chip)
{
	unsigned int input = request(pic, chip);

	chip->poll = 0;
	if (input == NO_INPUT)
		return 0;
	serve(chip, input);
	if (chip == &pic->chip[1])
		chip_line(&pic->chip[0], CASCADE, false);
	else
		wire_set(&pic->intr, false);
	update(pic);
	return (uint8_t)(POLL_REQUEST | input);
}

static uint64_t read(struct device *dev, uint64_t where, unsigned int size)
{
	struct i8259 *pic = (struct i8259 *)dev;

	(void)size;
	if (where >= REG_ELCR)
		return pic->chip[where & 1].elcr;
	struct i8259_chip *chip = &pic->chip[where >> 1 & 1];
	if (!chip->poll && (where & REG_DATA))
		return chip->imr;
	command_give(&pic->look, I8259_LOOK_READ);
	if (chip->poll)
		return read_poll(pic, chip);
	return chip->read_isr ? chip->isr : chip->irr;
}

/* ---------------------------------------------------------------------------------- reset and state */

/** As a PC's firmware leaves them: vectors 8 and 70h, everything masked. */
static void reset(struct device *dev)
{
	struct i8259 *pic = (struct i8259 *)dev;

	for (unsigned int i = 0; i < 2; i++) {
		uint8_t lines = pic->chip[i].lines;
		pic->chip[i] = (struct i8259_chip){.imr = 0xff,
						   .lines = lines,
						   .elcr_mask = i == 0 ? 0xf8 : 0xde,
						   .base = i == 0 ? 0x08 : 0x70,
						   .lowest = 7};
	}
	masks_changed(pic);
	update(pic);
}

static bool loaded(struct device *dev)
{
	struct i8259 *pic = (struct i8259 *)dev;

	for (unsigned int i = 0; i < 2; i++) {
		struct i8259_chip *chip = &pic->chip[i];
		if (chip->lowest > 7 || chip->icw_next > 4 || (chip->base & ~ICW2_BASE) != 0)
			return false;
		chip->elcr &= chip->elcr_mask;
	}
	masks_changed(pic);
	update(pic);
	return true;
}

#define CHIP_FIELDS(n)                                                                             \
	DEVICE_FIELD(struct i8259, chip[n].irr), DEVICE_FIELD(struct i8259, chip[n].imr),          \
		DEVICE_FIELD(struct i8259, chip[n].isr),                                           \
		DEVICE_FIELD(struct i8259, chip[n].lines),                                         \
		DEVICE_FIELD(struct i8259, chip[n].elcr),                                          \
		DEVICE_FIELD(struct i8259, chip[n].base),                                          \
		DEVICE_FIELD(struct i8259, chip[n].lowest),                                        \
		DEVICE_FIELD(struct i8259, chip[n].icw_next),                                      \
		DEVICE_FIELD(struct i8259, chip[n].icw1),                                          \
		DEVICE_FIELD(struct i8259, chip[n].icw4),                                          \
		DEVICE_FIELD(struct i8259, chip[n].read_isr),                                      \
		DEVICE_FIELD(struct i8259, chip[n].poll),                                          \
		DEVICE_FIELD(struct i8259, chip[n].special_mask),                                  \
		DEVICE_FIELD(struct i8259, chip[n].rotate_aeoi)

static void counters(const struct device *dev, const struct counter_sink *to)
{
	const struct i8259 *pic = (const struct i8259 *)dev;

	counter_tell(to, "interrupts", pic->intr.raised);
}

static const struct device_field fields[] = {
	CHIP_FIELDS(0),
	CHIP_FIELDS(1),
};

static const struct device_range ranges[] = {
	{.space = DEVICE_PORTS, .first = 0x20, .size = 2, .width = 1, .base = REG_COMMAND},
	{.space = DEVICE_PORTS, .first = 0xa0, .size = 2, .width = 1, .base = REG_COMMAND + 2},
	{.space = DEVICE_PORTS, .first = 0x4d0, .size = 2, .width = 1, .base = REG_ELCR},
};

static const struct device_class class = {
	.name = "i8259",
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

void i8259_init(struct i8259 *pic)
{
	*pic = (struct i8259){.dev = {.class = &class}};
}
