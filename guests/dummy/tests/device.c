/* SPDX-License-Identifier: BSD-2-Clause */
/* The PC's legacy devices. */
#include "guests/dummy/clock.h"
#include "guests/dummy/irq.h"
#include "guests/dummy/machine.h"
#include "guests/dummy/pic.h"
#include "guests/dummy/pit.h"
#include "guests/dummy/rt.h"
#include "guests/dummy/test.h"
#include "guests/dummy/timer.h"
#include "lib/x86/cpu.h"
#include "lib/x86/pic.h"
#include "lib/x86/pit.h"
#include "lib/x86/rtc.h"
#include "lib/x86/uart.h"

#define PIT_IRQ 0

static void count_interrupt(void *ctx)
{
	__atomic_fetch_add((unsigned *)ctx, 1, __ATOMIC_RELAXED);
}

static bool pic_registers(void)
{
	uint64_t flags = irq_save();
	uint16_t masks = pic_masks();

	outb(PIC_MASTER_DATA, 0xa5);
	outb(PIC_SLAVE_DATA, 0x5a);
	uint16_t read_back = pic_masks();
	outb(PIC_MASTER_DATA, (uint8_t)masks);
	outb(PIC_SLAVE_DATA, (uint8_t)(masks >> 8));
	irq_restore(flags);
	CHECK(read_back == 0x5aa5);
	CHECK(pic_masks() == masks);
	CHECK(pic_read(PIC_OCW3_READ_ISR) == 0); /* nothing is in service now */
	return true;
}

static bool has_counted(void *ctx)
{
	return __atomic_load_n((unsigned *)ctx, __ATOMIC_RELAXED) >= 5;
}

/* The PIT through whichever controller is in use; where it is the tick, the tick is the proof. */
static bool pit_interrupts(void)
{
	unsigned count = 0;

	if (!machine.has_madt) {
		uint64_t start = timer_ticks(), end = clock_after_us(2000000);

		while (timer_ticks() < start + 3 && !clock_passed(end))
			cpu_pause();
		CHECK(timer_ticks() >= start + 3);
		return true;
	}
	pit_start(200);
	irq_register(PIT_IRQ, count_interrupt, &count);
	bool counted = timer_wait_for(has_counted, &count, TIMER_HZ);
	irq_register(PIT_IRQ, NULL, NULL);
	CHECK(counted);
	return true;
}

static void open_gate(bool open)
{
	uint8_t port = (uint8_t)(inb(PORT_61) & ~(PORT_61_SPEAKER | PORT_61_GATE2));

	outb(PORT_61, (uint8_t)(port | (open ? PORT_61_GATE2 : 0)));
}

/* @return what channel 2 counts while the TSC says that 2 ms pass: 2386, if nobody interferes. */
static uint16_t count_2_ms(void)
{
	uint16_t first = pit_count(2);

	clock_delay_us(2000);
	return (uint16_t)(first - pit_count(2));
}

/* A busy host may stretch a measurement: one of several must be right. */
#define ATTEMPTS 20

static bool pit_counts(void)
{
	unsigned good = 0;

	open_gate(true);
	pit_set(2, PIT_MODE_RATE, 0);
	for (unsigned i = 0; i < ATTEMPTS && good == 0; i++) {
		uint16_t counted = count_2_ms();

		good += counted >= 2200 && counted < 2700;
	}
	uint8_t status = pit_status(2);
	open_gate(false);
	CHECK(good > 0);
	CHECK((status & 0x3e) == (PIT_RW_LSB_MSB | PIT_MODE_RATE)); /* RW and mode bits */
	CHECK((status & PIT_STATUS_NULL) == 0);
	return true;
}

/* The output is low from the start until the count is over, and then high. */
static bool pit_one_shot(void)
{
	unsigned low = 0;

	open_gate(true);
	for (unsigned i = 0; i < ATTEMPTS && low == 0; i++) {
		pit_set(2, PIT_MODE_ONESHOT, 60000);
		low += (inb(PORT_61) & PORT_61_OUT2) == 0;
	}
	pit_set(2, PIT_MODE_ONESHOT, 100);
	clock_delay_us(2000);
	bool high = (inb(PORT_61) & PORT_61_OUT2) != 0;
	open_gate(false);
	CHECK(low > 0);
	CHECK(high);
	return true;
}

static uint8_t rtc_read(uint8_t reg)
{
	outb(RTC_INDEX, reg);
	return inb(RTC_DATA);
}

static void rtc_write(uint8_t reg, uint8_t value)
{
	outb(RTC_INDEX, reg);
	outb(RTC_DATA, value);
}

static bool in_range(uint8_t reg, unsigned low, unsigned high)
{
	unsigned v = rtc_read(reg);

	if ((rtc_read(RTC_REG_B) & RTC_B_DM) == 0) {
		if ((v & 15) > 9)
			return false;
		v = (v >> 4) * 10 + (v & 15);
	}
	return v >= low && v <= high;
}

static bool update_over(void)
{
	uint64_t end = clock_after_us(200000);

	while ((rtc_read(RTC_REG_A) & RTC_A_UIP) != 0) {
		if (clock_passed(end))
			return false;
	}
	return true;
}

static bool rtc_good(void)
{
	CHECK(update_over());
	CHECK((rtc_read(RTC_REG_A) & RTC_A_DV) == 0x20);
	CHECK((rtc_read(RTC_REG_D) & RTC_D_VRT) != 0);
	CHECK(in_range(RTC_SECONDS, 0, 59));
	CHECK(in_range(RTC_MINUTES, 0, 59));
	CHECK(in_range(RTC_DAY, 1, 31));
	CHECK(in_range(RTC_MONTH, 1, 12));
	CHECK(in_range(RTC_YEAR, 0, 99));
	return true;
}

static void count_periodic(void *ctx)
{
	if ((rtc_read(RTC_REG_C) & RTC_C_PF) != 0)
		count_interrupt(ctx);
}

static bool rtc_periodic(void)
{
	uint8_t a = rtc_read(RTC_REG_A), b = rtc_read(RTC_REG_B);
	unsigned count = 0;

	irq_register(RTC_IRQ, count_periodic, &count);
	rtc_write(RTC_REG_A, (uint8_t)((a & ~RTC_A_RATE) | 8)); /* 256 Hz */
	rtc_write(RTC_REG_B, b | RTC_B_PIE);
	rtc_read(RTC_REG_C);
	bool counted = timer_wait_for(has_counted, &count, TIMER_HZ);
	rtc_write(RTC_REG_B, b);
	rtc_write(RTC_REG_A, a);
	rtc_read(RTC_REG_C);
	irq_register(RTC_IRQ, NULL, NULL);
	CHECK(counted);
	return true;
}

static uint8_t uart_read(uint16_t reg)
{
	return inb((uint16_t)(UART_COM1 + reg));
}

static void uart_write(uint16_t reg, uint8_t value)
{
	outb((uint16_t)(UART_COM1 + reg), value);
}

static bool wait_line_status(uint8_t bit)
{
	uint64_t end = clock_after_us(500000);

	while ((uart_read(UART_LSR) & bit) == 0) {
		if (clock_passed(end))
			return false;
	}
	return true;
}

static bool uart_registers(void)
{
	uart_write(UART_SCR, 0x5a);
	CHECK(uart_read(UART_SCR) == 0x5a);
	CHECK(uart_read(UART_LCR) == UART_LCR_8N1);
	CHECK((uart_read(UART_IIR) & UART_IIR_FIFOS) == UART_IIR_FIFOS);
	uart_write(UART_LCR, UART_LCR_8N1 | UART_LCR_DLAB);
	uint8_t low = uart_read(UART_DLL), high = uart_read(UART_DLM);
	uart_write(UART_LCR, UART_LCR_8N1);
	CHECK(low == 1 && high == 0);
	return true;
}

/* In loop-back what is sent is received, and the modem outputs are the modem inputs. */
static bool uart_loops_back(uint8_t value, uint8_t *got, uint8_t *modem)
{
	bool arrived = wait_line_status(UART_LSR_TEMT);

	uart_write(UART_MCR, UART_MCR_LOOP | UART_MCR_RTS | UART_MCR_OUT2);
	*modem = uart_read(UART_MSR);
	uart_write(UART_THR, value);
	arrived = wait_line_status(UART_LSR_DR) && arrived;
	*got = uart_read(UART_RBR);
	uart_write(UART_MCR, UART_MCR_DTR | UART_MCR_RTS);
	return arrived;
}

static bool uart_loopback(void)
{
	uint8_t got = 0, modem = 0;

	CHECK(uart_loops_back(0xc3, &got, &modem));
	CHECK(got == 0xc3);
	CHECK((modem & (UART_MSR_CTS | UART_MSR_DSR | UART_MSR_DCD)) ==
	      (UART_MSR_CTS | UART_MSR_DCD));
	return true;
}

static void count_transmitter(void *ctx)
{
	if ((uart_read(UART_IIR) & UART_IIR_ID) == UART_IIR_THRE)
		count_interrupt(ctx);
	uart_write(UART_IER, 0);
}

static bool has_one(void *ctx)
{
	return __atomic_load_n((unsigned *)ctx, __ATOMIC_RELAXED) > 0;
}

static bool uart_interrupt(void)
{
	unsigned count = 0;

	irq_register(UART_COM1_IRQ, count_transmitter, &count);
	uart_write(UART_MCR, UART_MCR_DTR | UART_MCR_RTS | UART_MCR_OUT2);
	uart_write(UART_IER, UART_IER_THRE);
	bool came = timer_wait_for(has_one, &count, TIMER_HZ);
	uart_write(UART_IER, 0);
	uart_write(UART_MCR, UART_MCR_DTR | UART_MCR_RTS);
	irq_register(UART_COM1_IRQ, NULL, NULL);
	CHECK(came);
	return true;
}

const struct test tests_device[] = {
	{"pic-registers", pic_registers, NULL},
	{"pit-interrupts", pit_interrupts, NULL},
	{"pit-counts", pit_counts, NULL},
	{"pit-one-shot", pit_one_shot, NULL},
	{"rtc", rtc_good, NULL},
	{"rtc-periodic-interrupt", rtc_periodic, NULL},
	{"uart-registers", uart_registers, NULL},
	{"uart-loopback", uart_loopback, NULL},
	{"uart-interrupt", uart_interrupt, NULL},
	{NULL, NULL, NULL},
};
