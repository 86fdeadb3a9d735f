/* SPDX-License-Identifier: BSD-2-Clause */
#include "vmm/dev/virtio/virtio_console.h"

/** 5.3.4: of the configuration only the emergency write is in use. */
#define CONFIG_EMERG_WRITE 8u
#define CONFIG_SIZE	   12u

/** Hand over what has been received, as far as the driver has buffers. */
static void pump(struct virtio_console *console)
{
	struct virtio_chain *chain;

	while (console->count > 0 &&
	       (chain = virtio_take(&console->dev, VIRTIO_CONSOLE_RECEIVE)) != NULL) {
		while (console->count > 0 && virtio_write(chain, &console->key[console->first], 1)) {
			console->first = (uint8_t)((console->first + 1u) % VIRTIO_CONSOLE_KEYS);
			console->count--;
		}
		virtio_give(&console->dev, VIRTIO_CONSOLE_RECEIVE, chain);
	}
	virtio_flush(&console->dev, VIRTIO_CONSOLE_RECEIVE);
}

static void ready(struct virtio_device *dev, unsigned int queue)
{
	struct virtio_console *console = (struct virtio_console *)dev;

	(void)queue;
	pump(console);
	command_give(&console->room, virtio_console_room(console));
}

static void request(struct virtio_device *dev, unsigned int queue, struct virtio_chain *chain)
{
	struct virtio_console *console = (struct virtio_console *)dev;
	uint8_t bytes[128];
	size_t n;

	(void)queue;
	while ((n = virtio_read(chain, bytes, sizeof(bytes))) > 0) {
		console->sent += n;
		for (size_t i = 0; i < n; i++)
			byte_put(&console->out, bytes[i]);
	}
}

static void configured(struct virtio_device *dev, unsigned int where, unsigned int size)
{
	struct virtio_console *console = (struct virtio_console *)dev;

	(void)size;
	if (where != CONFIG_EMERG_WRITE)
		return;
	console->sent++;
	byte_put(&console->out, dev->config[where]);
}

static void reset(struct virtio_device *dev)
{
	struct virtio_console *console = (struct virtio_console *)dev;

	console->first = console->count = 0;
}

static void counters(const struct virtio_device *dev, const struct counter_sink *to)
{
	const struct virtio_console *console = (const struct virtio_console *)dev;

	counter_tell(to, "bytes sent", console->sent);
	counter_tell(to, "bytes received", console->received);
}

static const struct virtio_class class = {
	.name = "virtio-console",
	.type = VIRTIO_CONSOLE,
	.features = VIRTIO_BIT(VIRTIO_CONSOLE_F_EMERG_WRITE),
	.queues = 2,
	.config_size = CONFIG_SIZE,
	.incoming = 1u << VIRTIO_CONSOLE_RECEIVE,
	.request = request,
	.ready = ready,
	.configured = configured,
	.reset = reset,
	.counters = counters,
};

bool virtio_console_open(const struct virtio_console *console)
{
	return virtio_alive(&console->dev);
}

unsigned int virtio_console_room(const struct virtio_console *console)
{
	return VIRTIO_CONSOLE_KEYS - console->count;
}

void virtio_console_receive(struct virtio_console *console, uint8_t byte)
{
	if (virtio_console_room(console) == 0)
		return;
	console->key[(console->first + console->count) % VIRTIO_CONSOLE_KEYS] = byte;
	console->count++;
	console->received++;
	pump(console);
}

void virtio_console_init(struct virtio_console *console, struct timer_queue *timers)
{
	*console = (struct virtio_console){.count = 0};
	virtio_init(&console->dev, &class, timers);
}
