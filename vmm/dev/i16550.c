/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * 16550A UART. Section numbers are of the National PC16550D data sheet.
 *
 * @req VMM-040 The UART has FIFOs with trigger levels and character timeout, interrupts in the order
 *              of table III, loopback, modem status with deltas, divisor and scratch registers.
 */
#include "vmm/dev/i16550.h"

#include "vmm/platform.h"

/* Registers (table II); 0 and 1 are the divisor while LCR has DLAB. */
enum reg { REG_DATA, REG_IER, REG_IIR_FCR, REG_LCR, REG_MCR, REG_LSR, REG_MSR, REG_SCRATCH };

#define IER_RDA	  0x01u /* received data available, and timeout */
#define IER_THRE  0x02u
#define IER_LINE  0x04u
#define IER_MODEM 0x08u
#define IER_MASK  0x0fu

/* 8.6, table III: in this order of priority. */
#define IIR_NONE    0x01u
#define IIR_LINE    0x06u
#define IIR_RDA	    0x04u
#define IIR_TIMEOUT 0x0cu
#define IIR_THRE    0x02u
#define IIR_MODEM   0x00u
#define IIR_FIFO    0xc0u

#define FCR_ENABLE   0x01u
#define FCR_CLEAR_RX 0x02u
#define FCR_CLEAR_TX 0x04u
#define FCR_TRIGGER_SHIFT 6u
#define FCR_KEPT     0xc9u

#define LCR_BITS   0x03u
#define LCR_STOP   0x04u
#define LCR_PARITY 0x08u
#define LCR_BREAK  0x40u
#define LCR_DLAB   0x80u

#define MCR_DTR	 0x01u
#define MCR_RTS	 0x02u
#define MCR_OUT1 0x04u
#define MCR_OUT2 0x08u /* in a PC: lets the interrupt out */
#define MCR_LOOP 0x10u
#define MCR_MASK 0x1fu

#define LSR_DR	  0x01u
#define LSR_OE	  0x02u
#define LSR_PE	  0x04u
#define LSR_FE	  0x08u
#define LSR_BI	  0x10u
#define LSR_THRE  0x20u
#define LSR_TEMT  0x40u
#define LSR_FIFOE 0x80u
#define LSR_ERRORS (LSR_OE | LSR_PE | LSR_FE | LSR_BI)

#define MSR_DELTAS 0x0fu
#define MSR_TERI   0x04u
#define MSR_CTS	   0x10u
#define MSR_DSR	   0x20u
#define MSR_RI	   0x40u
#define MSR_DCD	   0x80u

/** The other end of the line is there and ready. */
#define MSR_CONNECTED (MSR_CTS | MSR_DSR | MSR_DCD)

#define CLOCK_HZ UINT64_C(1843200)

/* ------------------------------------------------------------------------------------- interrupts */

static unsigned int trigger_level(const struct i16550 *uart)
{
	static const uint8_t level[4] = {1, 4, 8, 14};

	return uart->fcr & FCR_ENABLE ? level[uart->fcr >> FCR_TRIGGER_SHIFT] : 1;
}

/** @return IIR's identification of the most urgent interrupt that is enabled. */
static uint8_t identify(const struct i16550 *uart)
{
	if (uart->ier == 0)
		return IIR_NONE;
	if ((uart->ier & IER_LINE) && (uart->lsr & LSR_ERRORS))
		return IIR_LINE;
	if ((uart->ier & IER_RDA) && uart->rx_count >= trigger_level(uart))
		return IIR_RDA;
	if ((uart->ier & IER_RDA) && uart->timed_out)
		return IIR_TIMEOUT;
	if ((uart->ier & IER_THRE) && uart->thre_pending)
		return IIR_THRE;
	if ((uart->ier & IER_MODEM) && (uart->msr & MSR_DELTAS))
		return IIR_MODEM;
	return IIR_NONE;
}

/** OUT2 gates the interrupt; in loopback it doesn't reach the pin. */
static void update(struct i16550 *uart)
{
	bool gate = (uart->mcr & MCR_OUT2) && !(uart->mcr & MCR_LOOP);

	wire_set(&uart->irq, gate && identify(uart) != IIR_NONE);
}

/* ------------------------------------------------------------------------------------ transmitter */

/** @return whether the transmitter is empty: the line takes what is sent at once, or not at all. */
static bool tx_empty(const struct i16550 *uart)
{
	return !uart->ready.get || probe_get(&uart->ready);
}

void i16550_ready(struct i16550 *uart)
{
	uart->thre_pending = 1;
	update(uart);
}

/* --------------------------------------------------------------------------------------- receiver */

/** Time of four characters as the line is programmed, in nanoseconds. */
static uint64_t timeout_ns(const struct i16550 *uart)
{
	unsigned int divisor = uart->divisor[1] * 256u + uart->divisor[0];
	unsigned int bits = 1 + 5 + (uart->lcr & LCR_BITS) + 1;

	if (divisor == 0)
		divisor = 0x10000;
	if (uart->lcr & LCR_PARITY)
		bits++;
	if (uart->lcr & LCR_STOP)
		bits++;
	return 4u * bits * divisor * UINT64_C(16000000000) / CLOCK_HZ;
}

static unsigned int rx_size(const struct i16550 *uart)
{
	return uart->fcr & FCR_ENABLE ? I16550_FIFO : 1;
}

/** LSR's DR and errors are those of the character that is read next; bit 7 is of all in the FIFO. */
static void rx_status(struct i16550 *uart)
{
	uint8_t later = 0;

	uart->lsr &= (uint8_t) ~(LSR_DR | LSR_FIFOE);
	if (uart->rx_count == 0)
		return;
	uart->lsr |= LSR_DR;
	for (unsigned int i = 0; i < uart->rx_count; i++)
		later |= uart->rx_error[(uart->rx_head + i) % I16550_FIFO];
	if (later && (uart->fcr & FCR_ENABLE))
		uart->lsr |= LSR_FIFOE;
}

/** The character at the head shows its errors, once. */
static void rx_show_errors(struct i16550 *uart)
{
	if (uart->rx_count == 0)
		return;
	uart->lsr |= uart->rx_error[uart->rx_head];
}

static void rx_timer(struct i16550 *uart)
{
	uart->timed_out = 0;
	if ((uart->fcr & FCR_ENABLE) && uart->rx_count > 0)
		timer_arm(&uart->timeout, platform_time() + timeout_ns(uart));
	else
		timer_cancel(&uart->timeout);
}

static void timeout_fire(struct timer *timer)
{
	struct i16550 *uart =
		(struct i16550 *)(void *)((char *)timer - offsetof(struct i16550, timeout));

	uart->timed_out = 1;
	update(uart);
}

static void rx_put(struct i16550 *uart, uint8_t byte, uint8_t error)
{
	if (uart->rx_count >= rx_size(uart)) {
		uart->lsr |= LSR_OE;
		/* Without FIFO the new character overwrites; with it, it is lost (8.4). */
		if (!(uart->fcr & FCR_ENABLE))
			uart->rx[uart->rx_head] = byte;
		return;
	}
	unsigned int tail = (uart->rx_head + uart->rx_count) % I16550_FIFO;
	uart->rx[tail] = byte;
	uart->rx_error[tail] = error;
	uart->rx_count++;
	if (uart->rx_count == 1)
		rx_show_errors(uart);
	rx_status(uart);
	rx_timer(uart);
}

static uint8_t rx_get(struct i16550 *uart)
{
	uint8_t byte = uart->rx[uart->rx_head];

	if (uart->rx_count == 0)
		return 0;
	uart->rx_head = (uint8_t)((uart->rx_head + 1u) % I16550_FIFO);
	uart->rx_count--;
	rx_show_errors(uart);
	rx_status(uart);
	rx_timer(uart);
	return byte;
}

static void rx_clear(struct i16550 *uart)
{
	uart->rx_head = 0;
	uart->rx_count = 0;
	rx_status(uart);
	rx_timer(uart);
}

unsigned int i16550_room(const struct i16550 *uart)
{
	return rx_size(uart) - uart->rx_count;
}

bool i16550_wants(const struct i16550 *uart)
{
	return (uart->mcr & (MCR_RTS | MCR_LOOP)) == MCR_RTS && i16550_room(uart) > 0;
}

void i16550_receive(struct i16550 *uart, uint8_t byte)
{
	if (uart->mcr & MCR_LOOP)
		return; /* the input pin is disconnected */
	uart->received++;
	rx_put(uart, byte, 0);
	update(uart);
}

void i16550_break(struct i16550 *uart)
{
	if (uart->mcr & MCR_LOOP)
		return;
	rx_put(uart, 0, LSR_BI | LSR_FE);
	update(uart);
}

/* ------------------------------------------------------------------------------------ modem control */

/** Modem inputs: the outputs in loopback (8.7), else the line's other end. */
static uint8_t modem_inputs(const struct i16550 *uart)
{
	uint8_t in = 0;

	if (!(uart->mcr & MCR_LOOP))
		return MSR_CONNECTED;
	if (uart->mcr & MCR_RTS)
		in |= MSR_CTS;
	if (uart->mcr & MCR_DTR)
		in |= MSR_DSR;
	if (uart->mcr & MCR_OUT1)
		in |= MSR_RI;
	if (uart->mcr & MCR_OUT2)
		in |= MSR_DCD;
	return in;
}

/** Set the inputs and their deltas; RI's tells its end only (8.8). */
static void modem_update(struct i16550 *uart)
{
	uint8_t old = uart->msr & (uint8_t)~MSR_DELTAS;
	uint8_t new = modem_inputs(uart);
	uint8_t delta = (uint8_t)((old ^ new) >> 4);

	if (!(old & MSR_RI))
		delta &= (uint8_t)~MSR_TERI;
	uart->msr = (uint8_t)(new | (uart->msr & MSR_DELTAS) | delta);
}

/* --------------------------------------------------------------------------------------- registers */

static void send(struct i16550 *uart, uint8_t byte)
{
	uart->sent++;
	byte_put(&uart->out, byte);
}

static void write_data(struct i16550 *uart, uint8_t byte)
{
	byte &= (uint8_t)(0xff >> (3 - (uart->lcr & LCR_BITS)));
	if (uart->thre_pending &&
	    (uart->ier & IER_THRE)) { /* not empty for a moment: the interrupt is a new edge */
		uart->thre_pending = 0;
		update(uart);
	}
	if (uart->mcr & MCR_LOOP)
		rx_put(uart, byte, 0);
	else
		send(uart, byte);
	uart->thre_pending = tx_empty(uart);
}

/** Switching FIFO mode clears both; the other bits count only together with the enable bit (8.5). */
static void write_fcr(struct i16550 *uart, uint8_t value)
{
	bool switched = (uart->fcr ^ value) & FCR_ENABLE;

	uart->fcr = value & FCR_ENABLE ? value & FCR_KEPT : 0;
	if (switched || (value & FCR_ENABLE && value & FCR_CLEAR_RX))
		rx_clear(uart);
	if (switched || (value & FCR_ENABLE && value & FCR_CLEAR_TX))
		uart->thre_pending = tx_empty(uart);
	command_give(&uart->room, i16550_room(uart));
}

static void write_mcr(struct i16550 *uart, uint8_t value)
{
	uart->mcr = value & MCR_MASK;
	modem_update(uart);
	command_give(&uart->room, i16550_room(uart));
}

/** Enabling the transmitter's interrupt while it is empty raises it. */
static void write_ier(struct i16550 *uart, uint8_t value)
{
	if ((value & IER_THRE) && !(uart->ier & IER_THRE))
		uart->thre_pending = tx_empty(uart);
	uart->ier = value & IER_MASK;
}

static void write_lcr(struct i16550 *uart, uint8_t value)
{
	bool begins = (value & LCR_BREAK) && !(uart->lcr & LCR_BREAK);

	uart->lcr = value;
	if (begins && (uart->mcr & MCR_LOOP))
		rx_put(uart, 0, LSR_BI | LSR_FE);
}

static void write(struct device *dev, uint64_t where, unsigned int size, uint64_t value)
{
	struct i16550 *uart = (struct i16550 *)dev;
	uint8_t byte = (uint8_t)value;

	(void)size;
	if (where < 2 && (uart->lcr & LCR_DLAB)) {
		uart->divisor[where] = byte;
		return;
	}
	switch ((enum reg)where) {
	case REG_DATA:
		write_data(uart, byte);
		break;
	case REG_IER:
		write_ier(uart, byte);
		break;
	case REG_IIR_FCR:
		write_fcr(uart, byte);
		break;
	case REG_LCR:
		write_lcr(uart, byte);
		break;
	case REG_MCR:
		write_mcr(uart, byte);
		break;
	case REG_SCRATCH:
		uart->scratch = byte;
		break;
	case REG_LSR: /* for factory tests only (8.4) */
	case REG_MSR:
		break;
	}
	update(uart);
}

/** Reading IIR settles the transmitter's interrupt, if that is what it shows. */
static uint8_t read_iir(struct i16550 *uart)
{
	uint8_t id = identify(uart);

	if (id == IIR_THRE)
		uart->thre_pending = 0;
	return uart->fcr & FCR_ENABLE ? id | IIR_FIFO : id;
}

static uint8_t read_data(struct i16550 *uart)
{
	uint8_t byte = rx_get(uart);

	command_give(&uart->room, i16550_room(uart));
	return byte;
}

static uint8_t read_lsr(struct i16550 *uart)
{
	uint8_t value = uart->lsr | (tx_empty(uart) ? LSR_THRE | LSR_TEMT : 0);

	uart->lsr &= (uint8_t)~LSR_ERRORS;
	if (uart->rx_count > 0)
		uart->rx_error[uart->rx_head] = 0;
	rx_status(uart);
	return value;
}

static uint8_t read_msr(struct i16550 *uart)
{
	uint8_t value = uart->msr;

	uart->msr &= (uint8_t)~MSR_DELTAS;
	return value;
}

static uint8_t read_register(struct i16550 *uart, enum reg reg)
{
	switch (reg) {
	case REG_DATA:
		return read_data(uart);
	case REG_IER:
		return uart->ier;
	case REG_IIR_FCR:
		return read_iir(uart);
	case REG_LCR:
		return uart->lcr;
	case REG_MCR:
		return uart->mcr;
	case REG_LSR:
		return read_lsr(uart);
	case REG_MSR:
		return read_msr(uart);
	case REG_SCRATCH:
		return uart->scratch;
	}
	return 0xff;
}

static uint64_t read(struct device *dev, uint64_t where, unsigned int size)
{
	struct i16550 *uart = (struct i16550 *)dev;

	(void)size;
	if (where < 2 && (uart->lcr & LCR_DLAB))
		return uart->divisor[where];
	uint8_t value = read_register(uart, (enum reg)where);
	update(uart);
	return value;
}

/* ---------------------------------------------------------------------------------- reset and state */

/** As a PC's firmware leaves it: 9600 baud, eight bits. The chip alone would have five. */
static void reset(struct device *dev)
{
	struct i16550 *uart = (struct i16550 *)dev;

	uart->ier = 0;
	uart->lcr = LCR_BITS;
	uart->mcr = 0;
	uart->fcr = 0;
	uart->lsr = 0;
	uart->msr = MSR_CONNECTED;
	uart->scratch = 0;
	uart->divisor[0] = 12;
	uart->divisor[1] = 0;
	uart->thre_pending = 0;
	rx_clear(uart);
	update(uart);
}

static bool loaded(struct device *dev)
{
	struct i16550 *uart = (struct i16550 *)dev;

	if (uart->rx_head >= I16550_FIFO || uart->rx_count > rx_size(uart))
		return false;
	uart->ier &= IER_MASK;
	uart->mcr &= MCR_MASK;
	uart->fcr &= FCR_KEPT;
	rx_timer(uart);
	update(uart);
	return true;
}

static void counters(const struct device *dev, const struct counter_sink *to)
{
	const struct i16550 *uart = (const struct i16550 *)dev;

	counter_tell(to, "interrupts", uart->irq.raised);
	counter_tell(to, "bytes sent", uart->sent);
	counter_tell(to, "bytes received", uart->received);
}

static const struct device_field fields[] = {
	DEVICE_FIELD(struct i16550, ier),	   DEVICE_FIELD(struct i16550, lcr),
	DEVICE_FIELD(struct i16550, mcr),	   DEVICE_FIELD(struct i16550, lsr),
	DEVICE_FIELD(struct i16550, msr),	   DEVICE_FIELD(struct i16550, fcr),
	DEVICE_FIELD(struct i16550, scratch),	   DEVICE_ARRAY(struct i16550, divisor),
	DEVICE_FIELD(struct i16550, thre_pending), DEVICE_FIELD(struct i16550, rx_head),
	DEVICE_FIELD(struct i16550, rx_count),	   DEVICE_ARRAY(struct i16550, rx),
	DEVICE_ARRAY(struct i16550, rx_error),
};

static const struct device_class class = {
	.name = "i16550",
	.read = read,
	.write = write,
	.reset = reset,
	.loaded = loaded,
	.counters = counters,
	.fields = fields,
	.range_count = 1,
	.field_count = sizeof(fields) / sizeof(fields[0]),
};

void i16550_init(struct i16550 *uart, struct timer_queue *queue, uint16_t port)
{
	*uart = (struct i16550){.class = class};
	uart->range = (struct device_range){
		.space = DEVICE_PORTS, .first = port, .size = 8, .width = 1};
	uart->class.ranges = &uart->range;
	uart->dev.class = &uart->class;
	timer_init(&uart->timeout, queue, timeout_fire);
}
