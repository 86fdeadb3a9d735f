/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Intel 8254. A counter's value and output are functions of the time since it was loaded, so nothing
 * happens while nobody looks. Channel 0's output goes to an interrupt controller, which takes rising
 * edges: each costs one timer event, falling edges cost none (the wire pulses instead).
 *
 * Counting element (CE), gate and output follow the data sheet's "Mode Definitions", with one
 * liberty: a count is loaded with the write or trigger, not one clock later.
 *
 * @req VMM-020 The 8254 counts in its six modes, binary and BCD, with gates; counts and status can be
 *              latched and read back, in one or two bytes.
 */
#include "vmm/dev/i8254.h"

#include "vmm/platform.h"

/* Control word (data sheet, figure 7). */
#define CONTROL_BCD	 0x01u
#define CONTROL_MODE(w)	 (((w) >> 1) & 7u)
#define CONTROL_RW(w)	 (((w) >> 4) & 3u)
#define CONTROL_SELECT(w) (((w) >> 6) & 3u)
#define CONTROL_KEPT	 0x3fu

enum rw { RW_LATCH = 0, RW_LOW = 1, RW_HIGH = 2, RW_BOTH = 3 };

/* Read-back command (figure 11) and status byte (figure 12). */
#define SELECT_READ_BACK	3u
#define READ_BACK_NOT_COUNT	0x20u
#define READ_BACK_NOT_STATUS	0x10u
#define READ_BACK_CHANNEL(n)	(2u << (n))
#define STATUS_OUT		0x80u
#define STATUS_NULL_COUNT	0x40u

enum mode {
	MODE_TERMINAL_COUNT = 0,
	MODE_ONE_SHOT = 1,
	MODE_RATE = 2,
	MODE_SQUARE = 3,
	MODE_SOFT_STROBE = 4,
	MODE_HARD_STROBE = 5,
};

/* i8254_channel.pending: when CR gets into CE. */
enum pending { PENDING_NONE = 0, PENDING_FULL, PENDING_HALF };

#define REG_CONTROL 3u
#define NEVER	    UINT64_MAX

/** Periodic edges that follow each other faster than this are merged: no guest can use them. */
#define EDGE_MIN_NS 20000u

/** Tick 0 is a second before the reset, so that no period starts before it. */
#define EPOCH_LEAD_NS UINT64_C(1000000000)

/* ------------------------------------------------------------------------------------------ time */

static uint64_t ticks_of(uint64_t ns)
{
	const uint64_t ratio = UINT64_C(22010322987356911); /* 1193182 / 10^9 * 2^64 */

	return (uint64_t)(((unsigned __int128)ns * ratio) >> 64);
}

/** A nanosecond at which `ticks` have passed: the first or one of the two after it. */
static uint64_t ns_of(uint64_t ticks)
{
	const uint64_t ratio = UINT64_C(943611206708300996); /* 10^9 / 1193182 * 2^50 */
	unsigned __int128 ns = (((unsigned __int128)ticks * ratio) >> 50) + 2;

	return ns > NEVER ? NEVER : (uint64_t)ns;
}

static uint64_t now_ticks(const struct i8254 *pit)
{
	return ticks_of(platform_time() - pit->epoch);
}

/* ------------------------------------------------------------------------------- counter, as it is */

/** Modes 6 and 7 are 2 and 3. */
static enum mode mode_of(const struct i8254_channel *c)
{
	unsigned int mode = CONTROL_MODE(c->control);

	return mode > MODE_HARD_STROBE ? (enum mode)(mode - 4) : (enum mode)mode;
}

static uint32_t modulus(const struct i8254_channel *c)
{
	return c->control & CONTROL_BCD ? 10000u : 0x10000u;
}

/** The number that a written count stands for: 0 is the largest. */
static uint32_t count_from(const struct i8254_channel *c, uint32_t written)
{
	uint32_t number = written;

	if (c->control & CONTROL_BCD)
		number = ((written >> 12) * 1000 + ((written >> 8) & 15) * 100 +
			  ((written >> 4) & 15) * 10 + (written & 15)) %
			 10000;
	return number ? number : modulus(c);
}

static uint16_t count_to(const struct i8254_channel *c, uint32_t number)
{
	if (!(c->control & CONTROL_BCD))
		return (uint16_t)number;
	number %= 10000;
	return (uint16_t)((number / 1000) << 12 | (number / 100 % 10) << 8 |
			  (number / 10 % 10) << 4 | number % 10);
}

static bool periodic(const struct i8254_channel *c)
{
	return mode_of(c) == MODE_RATE || mode_of(c) == MODE_SQUARE;
}

/** Ticks of a period's first part, in which mode 3 drives its output high. */
static uint32_t high_part(uint32_t count)
{
	return (count + 1) / 2;
}

static void channel_load(struct i8254_channel *c, uint64_t start)
{
	c->start = start;
	c->count = c->reload;
	c->counting = 1;
	c->pending = PENDING_NONE;
	c->done = 0;
}

/** A new count takes over at the end of the period; in mode 3 of the half in which it came. */
static void take_over(struct i8254_channel *c, uint64_t elapsed)
{
	uint32_t part = high_part(c->count);

	if (c->pending == PENDING_HALF && elapsed >= part)
		channel_load(c, c->start + part - high_part(c->reload));
	else if (elapsed >= c->count)
		channel_load(c, c->start + c->count);
}

/** Bring what depends on the time up to `now`. */
static void channel_sync(struct i8254_channel *c, uint64_t now)
{
	uint64_t elapsed = now - c->start;

	if (!c->counting)
		return;
	if (periodic(c)) {
		if (c->pending)
			take_over(c, elapsed);
		c->start += (now - c->start) / c->count * c->count;
	} else if (mode_of(c) == MODE_TERMINAL_COUNT) {
		c->done |= elapsed >= c->count;
	} else if (mode_of(c) == MODE_SOFT_STROBE) {
		c->done |= elapsed > c->count;
	}
}

/** Mode 3 counts down by two, twice a period; an odd count starts one lower. */
static uint32_t square_value(const struct i8254_channel *c, uint64_t elapsed)
{
	uint64_t step = elapsed % c->count;
	uint32_t part = high_part(c->count);

	if (step >= part)
		step -= part;
	return (c->count & ~1u) - 2 * (uint32_t)step;
}

/** Value of the counting element; channel_sync() came before. */
static uint32_t channel_value(const struct i8254_channel *c, uint64_t now)
{
	uint64_t elapsed = now - c->start;

	if (!c->counting)
		return c->held;
	if (mode_of(c) == MODE_SQUARE)
		return square_value(c, elapsed);
	if (mode_of(c) == MODE_RATE)
		return c->count - (uint32_t)(elapsed % c->count);
	/* Goes on through 0 to the largest number. */
	uint32_t wrap = modulus(c);
	return (c->count + wrap - (uint32_t)(elapsed % wrap)) % wrap;
}

/** Level of the output; channel_sync() came before. */
static bool channel_out(const struct i8254_channel *c, uint64_t now)
{
	uint64_t elapsed = now - c->start;

	switch (mode_of(c)) {
	case MODE_TERMINAL_COUNT:
		return c->done;
	case MODE_ONE_SHOT:
		return !(c->counting && elapsed < c->count);
	case MODE_RATE:
		return !(c->counting && elapsed % c->count == c->count - 1);
	case MODE_SQUARE:
		return !(c->counting && elapsed % c->count >= high_part(c->count));
	case MODE_SOFT_STROBE:
	case MODE_HARD_STROBE:
		return !(c->counting && !c->done && elapsed == c->count);
	}
	return true;
}

/** Tick of the next rising edge of the output, later than `now`; channel_sync() came before. */
static uint64_t channel_edge(const struct i8254_channel *c, uint64_t now)
{
	uint64_t elapsed = now - c->start;

	if (!c->counting)
		return NEVER;
	switch (mode_of(c)) {
	case MODE_TERMINAL_COUNT:
	case MODE_ONE_SHOT:
		return elapsed < c->count ? c->start + c->count : NEVER;
	case MODE_SQUARE:
		if (c->pending == PENDING_HALF)
			return c->start + high_part(c->count) + c->reload / 2;
		return c->start + c->count;
	case MODE_RATE:
		return c->start + c->count;
	case MODE_SOFT_STROBE:
	case MODE_HARD_STROBE:
		return elapsed <= c->count && !c->done ? c->start + c->count + 1 : NEVER;
	}
	return NEVER;
}

/* ------------------------------------------------------------------------------------ channel 0 */

/** Work out channel 0's next edge and when to be woken for it. */
static void edge_plan(struct i8254 *pit, uint64_t now)
{
	const struct i8254_channel *c = &pit->channel[0];

	pit->edge = channel_edge(c, now);
	if (pit->edge == NEVER || !pit->wanted) {
		timer_cancel(&pit->timer);
		return;
	}
	uint64_t when = pit->epoch + ns_of(pit->edge);
	uint64_t soonest = platform_time() + EDGE_MIN_NS;
	timer_arm(&pit->timer, periodic(c) && when < soonest ? soonest : when);
}

/** Drive what became due by `now`; several missed periods are one edge, as on the wire. */
static void edge_drive(struct i8254 *pit, uint64_t now)
{
	if (pit->edge > now)
		return;
	channel_sync(&pit->channel[0], now);
	wire_edge(&pit->out);
	edge_plan(pit, now);
}

static void timer_fire(struct timer *timer)
{
	struct i8254 *pit = (struct i8254 *)(void *)((char *)timer - offsetof(struct i8254, timer));

	uint64_t now = now_ticks(pit);

	if (pit->edge <= now)
		edge_drive(pit, now);
	else
		edge_plan(pit, now);
}

/** Channel `n` was programmed: its wire and its edges follow. */
static void channel_changed(struct i8254 *pit, unsigned int n, uint64_t now)
{
	const struct i8254_channel *c = &pit->channel[n];

	if (n != 0)
		return;
	/* A pulse's low part is not driven: only mode 0 stays low for long. */
	wire_set(&pit->out, mode_of(c) != MODE_TERMINAL_COUNT || c->done);
	edge_plan(pit, now);
}

void i8254_catch_up(struct i8254 *pit)
{
	if (pit->edge != NEVER)
		edge_drive(pit, now_ticks(pit));
}

void i8254_want(struct i8254 *pit, bool wanted)
{
	if (pit->wanted == wanted)
		return;
	pit->wanted = wanted;
	i8254_catch_up(pit);
	edge_plan(pit, now_ticks(pit));
}

/* ------------------------------------------------------------------------------------------ gates */

static void gate_falls(struct i8254_channel *c, uint64_t now)
{
	if (!c->counting || mode_of(c) == MODE_ONE_SHOT || mode_of(c) == MODE_HARD_STROBE)
		return;
	c->held = channel_value(c, now);
	c->counting = 0;
}

/** Go on counting from where the gate stopped it. */
static void resume(struct i8254_channel *c, uint64_t now)
{
	c->done |= c->held == 0;
	c->start = now;
	c->count = c->held ? c->held : modulus(c);
	c->counting = 1;
}

static void gate_rises(struct i8254_channel *c, uint64_t now)
{
	if (!c->programmed)
		return;
	if (mode_of(c) == MODE_TERMINAL_COUNT || mode_of(c) == MODE_SOFT_STROBE)
		resume(c, now);
	else
		channel_load(c, now);
}

void i8254_gate(void *ctx, unsigned int pin, bool level)
{
	struct i8254 *pit = ctx;
	struct i8254_channel *c = &pit->channel[pin % I8254_CHANNELS];
	uint64_t now = now_ticks(pit);

	if (c->gate == level)
		return;
	channel_sync(c, now);
	c->gate = level;
	if (level)
		gate_rises(c, now);
	else
		gate_falls(c, now);
	channel_changed(pit, pin % I8254_CHANNELS, now);
}

bool i8254_out2(void *ctx)
{
	struct i8254 *pit = ctx;
	uint64_t now = now_ticks(pit);

	channel_sync(&pit->channel[2], now);
	return channel_out(&pit->channel[2], now);
}

/* ---------------------------------------------------------------------------------------- writing */

static void count_written(struct i8254_channel *c, uint32_t written, uint64_t now)
{
	enum mode mode = mode_of(c);

	c->reload = count_from(c, written);
	c->programmed = 1;
	c->pending = PENDING_FULL;
	if (mode == MODE_ONE_SHOT || mode == MODE_HARD_STROBE)
		return; /* waits for the gate */
	if (mode == MODE_SQUARE && c->counting && now - c->start < high_part(c->count))
		c->pending = PENDING_HALF;
	if (periodic(c) && c->counting)
		return;
	if (c->gate) {
		channel_load(c, now);
	} else if (!periodic(c)) {
		c->held = c->reload;
		c->pending = PENDING_NONE;
		c->counting = 0;
		c->done = 0;
	}
}

/** Mode 0: the first of two bytes stops the counter and its output goes low. */
static void first_byte(struct i8254_channel *c, uint8_t byte, uint64_t now)
{
	c->low = byte;
	c->write_high = 1;
	if (mode_of(c) != MODE_TERMINAL_COUNT)
		return;
	c->held = channel_value(c, now);
	c->counting = 0;
	c->done = 0;
	c->programmed = 0;
}

static void write_count(struct i8254_channel *c, uint8_t byte, uint64_t now)
{
	switch (CONTROL_RW(c->control)) {
	case RW_LOW:
		count_written(c, byte, now);
		break;
	case RW_HIGH:
		count_written(c, (uint32_t)byte << 8, now);
		break;
	case RW_BOTH:
		if (!c->write_high) {
			first_byte(c, byte, now);
			break;
		}
		c->write_high = 0;
		count_written(c, (uint32_t)byte << 8 | c->low, now);
		break;
	default:
		break;
	}
}

static void latch_count(struct i8254_channel *c, uint64_t now)
{
	if (c->latched)
		return;
	c->latch = count_to(c, channel_value(c, now));
	c->latched = CONTROL_RW(c->control) == RW_BOTH ? 2 : 1;
}

static void latch_status(struct i8254_channel *c, uint64_t now)
{
	if (c->status_latched)
		return;
	c->status = c->control;
	if (channel_out(c, now))
		c->status |= STATUS_OUT;
	if (c->pending || !c->programmed)
		c->status |= STATUS_NULL_COUNT;
	c->status_latched = 1;
}

static void read_back(struct i8254 *pit, uint8_t command, uint64_t now)
{
	for (unsigned int n = 0; n < I8254_CHANNELS; n++) {
		struct i8254_channel *c = &pit->channel[n];
		if (!(command & READ_BACK_CHANNEL(n)))
			continue;
		channel_sync(c, now);
		if (!(command & READ_BACK_NOT_COUNT))
			latch_count(c, now);
		if (!(command & READ_BACK_NOT_STATUS))
			latch_status(c, now);
	}
}

/** A control word other than a latch or read-back command: the counter stops. */
static void program(struct i8254_channel *c, uint8_t word, uint64_t now)
{
	c->held = channel_value(c, now);
	c->control = word & CONTROL_KEPT;
	c->counting = 0;
	c->programmed = 0;
	c->pending = PENDING_NONE;
	c->done = 0;
	c->latched = 0;
	c->status_latched = 0;
	c->read_high = 0;
	c->write_high = 0;
}

static void write_control(struct i8254 *pit, uint8_t word, uint64_t now)
{
	unsigned int n = CONTROL_SELECT(word);

	if (n == SELECT_READ_BACK) {
		read_back(pit, word, now);
		return;
	}
	channel_sync(&pit->channel[n], now);
	if (CONTROL_RW(word) == RW_LATCH) {
		latch_count(&pit->channel[n], now);
		return;
	}
	program(&pit->channel[n], word, now);
	channel_changed(pit, n, now);
}

static void write(struct device *dev, uint64_t where, unsigned int size, uint64_t value)
{
	struct i8254 *pit = (struct i8254 *)dev;
	uint64_t now = now_ticks(pit);

	(void)size;
	edge_drive(pit, now);
	if (where == REG_CONTROL) {
		write_control(pit, (uint8_t)value, now);
		return;
	}
	channel_sync(&pit->channel[where], now);
	write_count(&pit->channel[where], (uint8_t)value, now);
	channel_changed(pit, (unsigned int)where, now);
}

/* ---------------------------------------------------------------------------------------- reading */

static uint8_t read_latch(struct i8254_channel *c)
{
	bool high = CONTROL_RW(c->control) == RW_HIGH ||
		    (CONTROL_RW(c->control) == RW_BOTH && c->latched == 1);

	c->latched--;
	return (uint8_t)(high ? c->latch >> 8 : c->latch);
}

static uint8_t read_live(struct i8254_channel *c, uint64_t now)
{
	bool high = CONTROL_RW(c->control) == RW_HIGH;

	if (CONTROL_RW(c->control) == RW_BOTH) {
		high = c->read_high;
		c->read_high = !c->read_high;
	}
	channel_sync(c, now);
	uint16_t value = count_to(c, channel_value(c, now));
	return (uint8_t)(high ? value >> 8 : value);
}

static uint64_t read(struct device *dev, uint64_t where, unsigned int size)
{
	struct i8254 *pit = (struct i8254 *)dev;

	(void)size;
	if (where == REG_CONTROL)
		return 0xff; /* the data bus is not driven */
	struct i8254_channel *c = &pit->channel[where];
	if (c->status_latched) {
		c->status_latched = 0;
		return c->status;
	}
	return c->latched ? read_latch(c) : read_live(c, now_ticks(pit));
}

/* ---------------------------------------------------------------------------------- reset and state */

/** As a PC's firmware leaves it: 18.2 Hz on channel 0, refresh on channel 1, channel 2 gated off. */
static void reset(struct device *dev)
{
	static const struct {
		uint8_t control, gate;
		uint32_t count;
	} start[I8254_CHANNELS] = {
		{RW_BOTH << 4 | MODE_SQUARE << 1, 1, 0x10000},
		{RW_LOW << 4 | MODE_RATE << 1, 1, 18},
		{RW_BOTH << 4 | MODE_SQUARE << 1, 0, 0x10000},
	};
	struct i8254 *pit = (struct i8254 *)dev;

	pit->epoch = platform_time() - EPOCH_LEAD_NS;
	uint64_t now = now_ticks(pit);
	for (unsigned int n = 0; n < I8254_CHANNELS; n++) {
		struct i8254_channel *c = &pit->channel[n];
		*c = (struct i8254_channel){.control = start[n].control,
					    .gate = start[n].gate,
					    .programmed = 1,
					    .reload = start[n].count,
					    .held = start[n].count};
		if (c->gate)
			channel_load(c, now);
	}
	channel_changed(pit, 0, now);
}

static bool count_valid(uint32_t count)
{
	return count > 0 && count <= 0x10000;
}

static bool channel_valid(const struct i8254_channel *c, uint64_t now)
{
	return c->gate <= 1 && c->latched <= 2 && c->control <= CONTROL_KEPT &&
	       count_valid(c->reload) && c->held <= 0x10000 && c->pending <= PENDING_HALF &&
	       (!c->counting || (count_valid(c->count) && c->start <= now));
}

static bool loaded(struct device *dev)
{
	struct i8254 *pit = (struct i8254 *)dev;

	uint64_t now = now_ticks(pit);

	for (unsigned int n = 0; n < I8254_CHANNELS; n++) {
		if (!channel_valid(&pit->channel[n], now))
			return false;
		channel_sync(&pit->channel[n], now);
	}
	channel_changed(pit, 0, now);
	return true;
}

#define CHANNEL_FIELDS(n)                                                                          \
	DEVICE_FIELD(struct i8254, channel[n].start), DEVICE_FIELD(struct i8254, channel[n].count), \
		DEVICE_FIELD(struct i8254, channel[n].reload),                                     \
		DEVICE_FIELD(struct i8254, channel[n].held),                                       \
		DEVICE_FIELD(struct i8254, channel[n].latch),                                      \
		DEVICE_FIELD(struct i8254, channel[n].control),                                    \
		DEVICE_FIELD(struct i8254, channel[n].latched),                                    \
		DEVICE_FIELD(struct i8254, channel[n].status),                                     \
		DEVICE_FIELD(struct i8254, channel[n].status_latched),                             \
		DEVICE_FIELD(struct i8254, channel[n].read_high),                                  \
		DEVICE_FIELD(struct i8254, channel[n].write_high),                                 \
		DEVICE_FIELD(struct i8254, channel[n].low),                                        \
		DEVICE_FIELD(struct i8254, channel[n].programmed),                                 \
		DEVICE_FIELD(struct i8254, channel[n].pending),                                    \
		DEVICE_FIELD(struct i8254, channel[n].counting),                                   \
		DEVICE_FIELD(struct i8254, channel[n].done),                                       \
		DEVICE_FIELD(struct i8254, channel[n].gate)

static void counters(const struct device *dev, const struct counter_sink *to)
{
	const struct i8254 *pit = (const struct i8254 *)dev;

	counter_tell(to, "interrupts", pit->out.raised);
}

static const struct device_field fields[] = {
	DEVICE_TIME(struct i8254, epoch),
	CHANNEL_FIELDS(0),
	CHANNEL_FIELDS(1),
	CHANNEL_FIELDS(2),
};

static const struct device_range ranges[] = {
	{.space = DEVICE_PORTS, .first = 0x40, .size = 4, .width = 1},
};

static const struct device_class class = {
	.name = "i8254",
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

void i8254_init(struct i8254 *pit, struct timer_queue *queue)
{
	*pit = (struct i8254){.dev = {.class = &class}, .edge = NEVER};
	timer_init(&pit->timer, queue, timer_fire);
}
