/* SPDX-License-Identifier: BSD-2-Clause */
#include "vmm/machine/pc_serial.h"

#include "lib/string.h"
#include "vmm/options.h"

#define MESSAGE	  8192u /* the longest that there is (system.h) */
#define FLUSH_NS  UINT64_C(1000000)
#define FIFO_SIZE I16550_FIFO

/** One line, its state under the VM's lock. */
static struct {
	struct vm *vm;
	struct i16550 uart;
	uint32_t in, out; /**< ports */
	bool has_in, has_out;
	uint32_t max_message; /**< of `out` */
	/* To `out`: what doesn't fit into a message may still come, as much as a FIFO holds. */
	uint8_t sent[MESSAGE + FIFO_SIZE];
	uint32_t sent_count;
	struct timer flush;
	/* From `in`: what the guest hasn't taken of a message. */
	uint8_t received[MESSAGE];
	uint32_t received_at, received_count;
} line;

/* ------------------------------------------------------------------------------ guest to port */

/** @return whether a FIFO full of bytes has room. */
static bool ready(void *ctx)
{
	(void)ctx;
	return !line.has_out || line.sent_count <= line.max_message;
}

static void send_all(void)
{
	const bool was_ready = ready(NULL);

	while (line.sent_count > 0) {
		uint32_t size = line.sent_count < line.max_message ? line.sent_count
								   : line.max_message;
		if (platform_queuing_send(line.out, line.sent, size) != HV_OK)
			break; /* tried again when a message was taken */
		line.sent_count -= size;
		memmove(line.sent, line.sent + size, line.sent_count);
	}
	if (!was_ready && ready(NULL))
		i16550_ready(&line.uart);
}

static void put(void *ctx, uint8_t byte)
{
	(void)ctx;
	/* A guest that doesn't look whether the transmitter is empty loses bytes, as on any line. */
	if (!line.has_out || line.sent_count == line.max_message + FIFO_SIZE)
		return;
	line.sent[line.sent_count++] = byte;
	if (byte == '\n' || line.sent_count >= line.max_message)
		send_all();
	else
		timer_arm(&line.flush, platform_time() + FLUSH_NS);
}

static void flush_fire(struct timer *timer)
{
	(void)timer;
	send_all();
}

void pc_serial_flush(void)
{
	if (line.has_out)
		send_all();
}

static void message_taken(void *ctx, uint32_t value)
{
	(void)ctx;
	(void)value;
	send_all();
}

/* ------------------------------------------------------------------------------ port to guest */

/** @return false where there is no further message. */
static bool next_message(void)
{
	int64_t size = platform_queuing_receive(line.in, line.received, sizeof(line.received));

	line.received_at = 0;
	line.received_count = size > 0 ? (uint32_t)size : 0;
	return size > 0;
}

/** Give the guest what it has room for. */
static void receive(void *ctx, uint32_t value)
{
	(void)ctx;
	(void)value;
	while (line.has_in && i16550_wants(&line.uart) &&
	       (line.received_at < line.received_count || next_message()))
		i16550_receive(&line.uart, line.received[line.received_at++]);
}

/* ------------------------------------------------------------------------------------- making */

static hv_status_t refuse(struct vm *vm, const char *why)
{
	vm_log(vm, "--serial2 %s: %s", vm->options->serial2, why);
	return HV_E_NOENT;
}

/** Take a name off the front of "IN,OUT". @return what follows the comma, NULL: malformed */
static const char *take_name(const char *text, char name[PV_NAME_SIZE])
{
	size_t length = 0;

	memset(name, 0, PV_NAME_SIZE);
	while (text[length] != ',' && text[length] != '\0')
		length++;
	if (length >= PV_NAME_SIZE)
		return NULL;
	memcpy(name, text, length);
	return text[length] == ',' ? text + length + 1 : text + length;
}

/** Open one of the two ports, where there is a name. @return false: there is no such port */
static bool open_port(const char name[PV_NAME_SIZE], uint32_t direction, uint32_t *port,
		      uint32_t *max_message, bool *has)
{
	struct pv_port_info info;

	*has = name[0] != '\0';
	if (!*has)
		return true;
	if (platform_port_open(name, &info) != HV_OK || info.kind != PV_PORT_QUEUING ||
	    info.direction != direction)
		return false;
	*port = info.port;
	*max_message = info.max_message;
	return true;
}

static hv_status_t bind(struct vm *vm, uint32_t port, void (*give)(void *ctx, uint32_t value))
{
	const struct command command = {give, NULL};
	uint8_t signal;

	if (!vm_signal(vm, &command, &signal))
		return HV_E_FULL;
	return platform_port_bind(port, signal);
}

static hv_status_t open_ports(struct vm *vm)
{
	char in[PV_NAME_SIZE], out[PV_NAME_SIZE];
	const char *rest = take_name(vm->options->serial2, in);
	uint32_t unused;

	if (rest == NULL || take_name(rest, out) == NULL)
		return refuse(vm, "is not IN,OUT");
	if (!open_port(in, PV_PORT_DESTINATION, &line.in, &unused, &line.has_in))
		return refuse(vm, "the first is no queuing port to receive from");
	if (!open_port(out, PV_PORT_SOURCE, &line.out, &line.max_message, &line.has_out))
		return refuse(vm, "the second is no queuing port to send to");
	hv_status_t status = line.has_in ? bind(vm, line.in, receive) : HV_OK;
	if (status == HV_OK && line.has_out)
		status = bind(vm, line.out, message_taken);
	return status;
}

hv_status_t pc_serial_init(struct vm *vm, uint16_t port, struct i16550 **uart)
{
	*uart = NULL;
	memset(&line, 0, sizeof(line));
	if (!vm->options->serial2)
		return HV_OK;
	line.vm = vm;
	timer_init(&line.flush, &vm->timers, flush_fire);
	i16550_init(&line.uart, &vm->timers, port);
	line.uart.out = (struct byte_sink){put, NULL};
	line.uart.ready = (struct probe){ready, NULL};
	line.uart.room = (struct command){receive, NULL};
	*uart = &line.uart;
	return open_ports(vm);
}
