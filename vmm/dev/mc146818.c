/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * MC146818A. Time and flags are worked out from platform_time() when somebody looks; timers run only
 * while an interrupt is enabled. The update cycle (UIP) is shown in the last 244 us of each second,
 * as the data sheet says; the time changes at its end.
 *
 * @req VMM-050 The clock counts in BCD or binary, 12 or 24 hours, with leap years; it can be set and
 *              stopped; its periodic, alarm and update-ended interrupts come at their time.
 */
#include "vmm/dev/mc146818.h"

#include "vmm/platform.h"

/* Registers (data sheet, figure 11); the century's place is the PC's convention. */
enum reg {
	REG_SECONDS = 0x00,
	REG_SECONDS_ALARM = 0x01,
	REG_MINUTES = 0x02,
	REG_MINUTES_ALARM = 0x03,
	REG_HOURS = 0x04,
	REG_HOURS_ALARM = 0x05,
	REG_WEEKDAY = 0x06,
	REG_DAY = 0x07,
	REG_MONTH = 0x08,
	REG_YEAR = 0x09,
	REG_A = 0x0a,
	REG_B = 0x0b,
	REG_C = 0x0c,
	REG_D = 0x0d,
	REG_CENTURY = 0x32,
};

#define A_UIP	   0x80u
#define A_DV	   0x70u
#define A_DV_RUN   0x20u /* 32768 Hz time base */
#define A_RS	   0x0fu
#define B_SET	   0x80u
#define B_PIE	   0x40u
#define B_AIE	   0x20u
#define B_UIE	   0x10u
#define B_BINARY   0x04u
#define B_24H	   0x02u
#define C_IRQF	   0x80u
#define C_PF	   0x40u
#define C_AF	   0x20u
#define C_UF	   0x10u
#define D_VRT	   0x80u
#define HOURS_PM   0x80u
#define ALARM_ANY  0xc0u /* both top bits: don't care */

#define INDEX_MASK  0x7fu
#define INDEX_NMI   0x80u
#define NS_SECOND   UINT64_C(1000000000)
#define UIP_NS	    UINT64_C(244000)
#define DAY_SECONDS 86400u

/* ------------------------------------------------------------------------------------- calendar */

/** A moment in parts. */
struct calendar {
	unsigned int second, minute, hour, weekday; /* weekday: 1 Sunday */
	unsigned int day, month, year;
};

static bool leap(unsigned int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static unsigned int month_days(unsigned int year, unsigned int month)
{
	static const uint8_t days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return days[month - 1] + (month == 2 && leap(year) ? 1u : 0u);
}

/** Days from 1970-01-01 to the first of January. */
static uint64_t days_to_year(unsigned int year)
{
	uint64_t y = year - 1u;

	return (uint64_t)year * 365 - UINT64_C(1970) * 365 + y / 4 - y / 100 + y / 400 - 477;
}

static void calendar_from(uint64_t seconds, struct calendar *c)
{
	uint64_t days = seconds / DAY_SECONDS;
	unsigned int rest = (unsigned int)(seconds % DAY_SECONDS);

	c->hour = rest / 3600;
	c->minute = rest / 60 % 60;
	c->second = rest % 60;
	c->weekday = (unsigned int)((days + 4) % 7 + 1); /* 1970-01-01 was a Thursday */
	c->year = 1970 + (unsigned int)(days / 366);
	while (days_to_year(c->year + 1) <= days)
		c->year++;
	days -= days_to_year(c->year);
	c->month = 1;
	while (days >= month_days(c->year, c->month))
		days -= month_days(c->year, c->month++);
	c->day = (unsigned int)days + 1;
}

/** Out of range parts are carried or cut: a guest may set anything. */
static uint64_t calendar_to(const struct calendar *c)
{
	unsigned int month = c->month >= 1 && c->month <= 12 ? c->month : 1;
	uint64_t days = days_to_year(c->year);

	for (unsigned int m = 1; m < month; m++)
		days += month_days(c->year, m);
	days += c->day ? c->day - 1 : 0;
	return days * DAY_SECONDS + c->hour * 3600u + c->minute * 60u + c->second;
}

/* ------------------------------------------------------------------------------ register encoding */

static uint8_t encode(const struct mc146818 *rtc, unsigned int number)
{
	if (rtc->ram[REG_B] & B_BINARY)
		return (uint8_t)number;
	return (uint8_t)(number / 10 % 10 << 4 | number % 10);
}

static unsigned int decode(const struct mc146818 *rtc, uint8_t value)
{
	return rtc->ram[REG_B] & B_BINARY ? value : (value >> 4) * 10u + (value & 15u);
}

static uint8_t encode_hour(const struct mc146818 *rtc, unsigned int hour)
{
	if (rtc->ram[REG_B] & B_24H)
		return encode(rtc, hour);
	uint8_t value = encode(rtc, hour % 12 ? hour % 12 : 12);
	return hour >= 12 ? value | HOURS_PM : value;
}

static unsigned int decode_hour(const struct mc146818 *rtc, uint8_t value)
{
	if (rtc->ram[REG_B] & B_24H)
		return decode(rtc, value);
	unsigned int hour = decode(rtc, value & (uint8_t)~HOURS_PM) % 12;
	return value & HOURS_PM ? hour + 12 : hour;
}

/** Put a moment into the time registers. */
static void show(struct mc146818 *rtc, uint64_t seconds)
{
	struct calendar c;

	calendar_from(seconds, &c);
	rtc->ram[REG_SECONDS] = encode(rtc, c.second);
	rtc->ram[REG_MINUTES] = encode(rtc, c.minute);
	rtc->ram[REG_HOURS] = encode_hour(rtc, c.hour);
	rtc->ram[REG_WEEKDAY] = encode(rtc, c.weekday);
	rtc->ram[REG_DAY] = encode(rtc, c.day);
	rtc->ram[REG_MONTH] = encode(rtc, c.month);
	rtc->ram[REG_YEAR] = encode(rtc, c.year % 100);
	rtc->ram[REG_CENTURY] = encode(rtc, c.year / 100);
}

/** The moment that the time registers show. */
static uint64_t shown(const struct mc146818 *rtc)
{
	struct calendar c = {
		.second = decode(rtc, rtc->ram[REG_SECONDS]),
		.minute = decode(rtc, rtc->ram[REG_MINUTES]),
		.hour = decode_hour(rtc, rtc->ram[REG_HOURS]),
		.day = decode(rtc, rtc->ram[REG_DAY]),
		.month = decode(rtc, rtc->ram[REG_MONTH]),
		.year = decode(rtc, rtc->ram[REG_CENTURY]) * 100 +
			decode(rtc, rtc->ram[REG_YEAR]) % 100,
	};

	if (c.year < 1970)
		c.year = 1970;
	return calendar_to(&c);
}

/* --------------------------------------------------------------------------------- time and flags */

/** The clock counts: neither being set nor with its divider held in reset. */
static bool running(const struct mc146818 *rtc)
{
	return !(rtc->ram[REG_B] & B_SET) && (rtc->ram[REG_A] & A_DV) == A_DV_RUN;
}

static uint64_t seconds_at(const struct mc146818 *rtc, uint64_t now)
{
	return rtc->base + (now - rtc->epoch) / NS_SECOND;
}

/** Length of the periodic interrupt's period in 1/32768 s; 0: off (data sheet, table 5). */
static uint32_t period(const struct mc146818 *rtc)
{
	unsigned int rate = rtc->ram[REG_A] & A_RS;

	if (rate == 0)
		return 0;
	return rate <= 2 ? 1u << (rate + 6) : 1u << (rate - 1);
}

/** Nanoseconds since the epoch in 1/32768 s. */
static uint64_t ticks_of(uint64_t ns)
{
	return ns / NS_SECOND * 32768 + ns % NS_SECOND * 32768 / NS_SECOND;
}

static uint64_t ns_of(uint64_t ticks)
{
	return ticks / 32768 * NS_SECOND + (ticks % 32768 * NS_SECOND + 32767) / 32768;
}

static void update_irq(struct mc146818 *rtc)
{
	uint8_t enabled = rtc->ram[REG_B] & rtc->ram[REG_C] & (C_PF | C_AF | C_UF);

	if (enabled)
		rtc->ram[REG_C] |= C_IRQF;
	else
		rtc->ram[REG_C] &= (uint8_t)~C_IRQF;
	wire_set(&rtc->irq, enabled != 0);
}

static bool alarm_part(uint8_t alarm, uint8_t now)
{
	return (alarm & ALARM_ANY) == ALARM_ANY || alarm == now;
}

/** @return true where any second of a minute matches: a guest may set what never comes. */
static bool alarm_second_possible(const struct mc146818 *rtc)
{
	for (unsigned int s = 0; s < 60; s++) {
		if (alarm_part(rtc->ram[REG_SECONDS_ALARM], encode(rtc, s)))
			return true;
	}
	return false;
}

/** @return seconds to the next one that may match; 0: this one does. */
static unsigned int alarm_skip(const struct mc146818 *rtc, unsigned int of_day)
{
	if (!alarm_part(rtc->ram[REG_HOURS_ALARM], encode_hour(rtc, of_day / 3600)))
		return 3600 - of_day % 3600;
	if (!alarm_part(rtc->ram[REG_MINUTES_ALARM], encode(rtc, of_day / 60 % 60)))
		return 60 - of_day % 60;
	return alarm_part(rtc->ram[REG_SECONDS_ALARM], encode(rtc, of_day % 60)) ? 0 : 1;
}

/** @return true where the alarm went off after `from`, up to `to`: a day is all that matters. */
static bool alarm_between(const struct mc146818 *rtc, uint64_t from, uint64_t to)
{
	uint64_t second = to - from > DAY_SECONDS ? to - DAY_SECONDS + 1 : from + 1;

	if (!alarm_second_possible(rtc))
		return false;
	while (second <= to) {
		unsigned int skip = alarm_skip(rtc, (unsigned int)(second % DAY_SECONDS));
		if (skip == 0)
			return true;
		second += skip;
	}
	return false;
}

/** Set the flags for what happened since the last look. */
static void flags_update(struct mc146818 *rtc, uint64_t now)
{
	uint32_t length = period(rtc);

	if (length) {
		uint64_t periods = ticks_of(now - rtc->epoch) / length;
		if (periods != rtc->period_seen)
			rtc->ram[REG_C] |= C_PF;
		rtc->period_seen = periods;
	}
	if (!running(rtc))
		return;
	uint64_t second = seconds_at(rtc, now);
	if (second == rtc->seen)
		return;
	rtc->ram[REG_C] |= C_UF;
	if (alarm_between(rtc, rtc->seen, second))
		rtc->ram[REG_C] |= C_AF;
	rtc->seen = second;
}

/** Arm the timers for the interrupts that are enabled; those that nobody takes cost nothing. */
static void plan(struct mc146818 *rtc, uint64_t now)
{
	uint32_t length = period(rtc);

	if ((rtc->ram[REG_B] & B_PIE) && length && !(rtc->ram[REG_C] & C_PF))
		timer_arm(&rtc->periodic, rtc->epoch + ns_of((rtc->period_seen + 1) * length));
	else
		timer_cancel(&rtc->periodic);
	uint8_t wanted = rtc->ram[REG_B] & (uint8_t)~rtc->ram[REG_C] & (B_AIE | B_UIE);
	if (wanted && running(rtc))
		timer_arm(&rtc->update,
			  now + NS_SECOND - (now - rtc->epoch) % NS_SECOND);
	else
		timer_cancel(&rtc->update);
}

static void look(struct mc146818 *rtc)
{
	uint64_t now = platform_time();

	flags_update(rtc, now);
	update_irq(rtc);
	plan(rtc, now);
}

static void periodic_fire(struct timer *timer)
{
	look((struct mc146818 *)(void *)((char *)timer - offsetof(struct mc146818, periodic)));
}

static void update_fire(struct timer *timer)
{
	look((struct mc146818 *)(void *)((char *)timer - offsetof(struct mc146818, update)));
}

/** Count on from what the registers show, with a full second ahead. */
static void restart(struct mc146818 *rtc, uint64_t seconds, uint64_t now)
{
	rtc->base = seconds;
	rtc->epoch = now;
	rtc->seen = seconds;
	rtc->period_seen = 0;
}

/* --------------------------------------------------------------------------------------- registers */

static bool is_time(unsigned int index)
{
	return index <= REG_YEAR && index != REG_SECONDS_ALARM && index != REG_MINUTES_ALARM &&
	       index != REG_HOURS_ALARM;
}

static uint8_t read_a(const struct mc146818 *rtc, uint64_t now)
{
	uint64_t into = (now - rtc->epoch) % NS_SECOND;
	bool updating = running(rtc) && into >= NS_SECOND - UIP_NS;

	return updating ? rtc->ram[REG_A] | A_UIP : rtc->ram[REG_A];
}

/** Reading C clears all flags and the interrupt. */
static uint8_t read_c(struct mc146818 *rtc, uint64_t now)
{
	flags_update(rtc, now);
	update_irq(rtc);
	uint8_t value = rtc->ram[REG_C];
	rtc->ram[REG_C] = 0;
	update_irq(rtc);
	plan(rtc, now);
	return value;
}

static uint8_t read_register(struct mc146818 *rtc, unsigned int index)
{
	uint64_t now = platform_time();

	if (index == REG_A)
		return read_a(rtc, now);
	if (index == REG_C)
		return read_c(rtc, now);
	if ((is_time(index) || index == REG_CENTURY) && running(rtc))
		show(rtc, seconds_at(rtc, now));
	return rtc->ram[index];
}

/** The clock stops with the time that it shows, or starts with the one that it was set to. */
static void run_or_stop(struct mc146818 *rtc, bool was, uint64_t now)
{
	if (was && !running(rtc))
		show(rtc, seconds_at(rtc, now));
	if (!was && running(rtc))
		restart(rtc, shown(rtc), now);
}

static void write_a(struct mc146818 *rtc, uint8_t value, uint64_t now)
{
	bool was = running(rtc);

	rtc->ram[REG_A] = value & (uint8_t)~A_UIP;
	run_or_stop(rtc, was, now);
	if (period(rtc))
		rtc->period_seen = ticks_of(now - rtc->epoch) / period(rtc);
}

/** A change of the encoding leaves the bytes in the registers as they are, as on the chip. */
static void write_b(struct mc146818 *rtc, uint8_t value, uint64_t now)
{
	bool was = running(rtc);

	if (was && (value & B_SET)) {
		show(rtc, seconds_at(rtc, now));
		value &= (uint8_t)~B_UIE; /* SET clears UIE */
	}
	rtc->ram[REG_B] = value;
	if (!was && running(rtc))
		restart(rtc, shown(rtc), now);
}

/** Setting one part while the clock runs: the others go on from what they are. */
static void write_time(struct mc146818 *rtc, unsigned int index, uint8_t value, uint64_t now)
{
	if (!running(rtc)) {
		rtc->ram[index] = value;
		return;
	}
	show(rtc, seconds_at(rtc, now));
	rtc->ram[index] = value;
	restart(rtc, shown(rtc), now);
}

static void write_register(struct mc146818 *rtc, unsigned int index, uint8_t value)
{
	uint64_t now = platform_time();

	flags_update(rtc, now);
	if (index == REG_A)
		write_a(rtc, value, now);
	else if (index == REG_B)
		write_b(rtc, value, now);
	else if (is_time(index) || index == REG_CENTURY)
		write_time(rtc, index, value, now);
	else if (index != REG_C && index != REG_D)
		rtc->ram[index] = value;
	update_irq(rtc);
	plan(rtc, now);
}

static void write(struct device *dev, uint64_t where, unsigned int size, uint64_t value)
{
	struct mc146818 *rtc = (struct mc146818 *)dev;

	(void)size;
	if (where == 0) {
		rtc->index = value & INDEX_MASK;
		wire_set(&rtc->nmi_mask, (value & INDEX_NMI) != 0);
		return;
	}
	write_register(rtc, rtc->index, (uint8_t)value);
}

static uint64_t read(struct device *dev, uint64_t where, unsigned int size)
{
	struct mc146818 *rtc = (struct mc146818 *)dev;

	(void)size;
	return where == 0 ? 0xff : read_register(rtc, rtc->index);
}

void mc146818_store(struct mc146818 *rtc, unsigned int index, uint8_t value)
{
	rtc->ram[index % MC146818_RAM] = value;
}

/* ---------------------------------------------------------------------------------- reset and state */

/** A reset clears the interrupt enables and flags; time and RAM are kept by the battery. */
static void reset(struct device *dev)
{
	struct mc146818 *rtc = (struct mc146818 *)dev;

	rtc->index = 0;
	rtc->ram[REG_B] &= (uint8_t) ~(B_PIE | B_AIE | B_UIE);
	rtc->ram[REG_C] = 0;
	update_irq(rtc);
	plan(rtc, platform_time());
}

static bool loaded(struct device *dev)
{
	struct mc146818 *rtc = (struct mc146818 *)dev;
	uint64_t now = platform_time();

	if (rtc->index > INDEX_MASK || rtc->epoch > now || rtc->base > UINT64_C(1) << 40) {
		rtc->epoch = now; /* a reset leaves the time alone: it must be one */
		rtc->base = 0;
		rtc->index = 0;
		return false;
	}
	rtc->ram[REG_A] &= (uint8_t)~A_UIP;
	rtc->seen = seconds_at(rtc, now);
	rtc->period_seen = period(rtc) ? ticks_of(now - rtc->epoch) / period(rtc) : 0;
	update_irq(rtc);
	plan(rtc, now);
	return true;
}

static void counters(const struct device *dev, const struct counter_sink *to)
{
	const struct mc146818 *rtc = (const struct mc146818 *)dev;

	counter_tell(to, "interrupts", rtc->irq.raised);
}

static const struct device_field fields[] = {
	DEVICE_TIME(struct mc146818, epoch),
	DEVICE_FIELD(struct mc146818, base),
	DEVICE_FIELD(struct mc146818, index),
	DEVICE_ARRAY(struct mc146818, ram),
};

static const struct device_range ranges[] = {
	{.space = DEVICE_PORTS, .first = 0x70, .size = 2, .width = 1},
};

static const struct device_class class = {
	.name = "mc146818",
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

void mc146818_init(struct mc146818 *rtc, struct timer_queue *queue, uint64_t seconds)
{
	*rtc = (struct mc146818){.dev = {.class = &class}};
	rtc->ram[REG_A] = A_DV_RUN | 6; /* 1024 Hz, as firmware sets it */
	rtc->ram[REG_B] = B_24H;
	rtc->ram[REG_D] = D_VRT;
	timer_init(&rtc->periodic, queue, periodic_fire);
	timer_init(&rtc->update, queue, update_fire);
	restart(rtc, seconds, platform_time());
}
