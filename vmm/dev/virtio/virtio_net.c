/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * @req VMM-512 A network card sends and receives whole frames of 14 to 1518 bytes; others are dropped
 *              and counted, and a buffer too small for a frame ends the device, not the VM.
 */
#include "vmm/dev/virtio/virtio_net.h"

#include "lib/string.h"

/* 5.1.4: struct virtio_net_config. */
#define CONFIG_MAC    0u
#define CONFIG_STATUS 6u
#define CONFIG_SIZE   8u

#define STATUS_LINK_UP 1u

static void request(struct virtio_device *dev, unsigned int queue, struct virtio_chain *chain)
{
	struct virtio_net *net = (struct virtio_net *)dev;
	struct virtio_net_header header;

	(void)queue;
	size_t size = virtio_read(chain, &header, sizeof(header));
	if (size == sizeof(header))
		size = virtio_read(chain, net->frame, sizeof(net->frame));
	else
		size = 0;
	if (size < NET_FRAME_MIN || virtio_left(chain) > 0 ||
	    (net->port.send && !net->port.send(net->port.ctx, net->frame, size))) {
		net->dropped_out++;
		return;
	}
	net->frames_out++;
	net->bytes_out += size;
}

static void served(struct virtio_device *dev, unsigned int queue)
{
	struct virtio_net *net = (struct virtio_net *)dev;

	(void)queue;
	if (net->port.sent)
		net->port.sent(net->port.ctx);
}

static void ready(struct virtio_device *dev, unsigned int queue)
{
	struct virtio_net *net = (struct virtio_net *)dev;

	(void)queue;
	if (net->port.room)
		net->port.room(net->port.ctx);
}

static void count_received(struct virtio_net *net, bool whole, size_t size)
{
	net->dropped_in += !whole;
	net->frames_in += whole;
	net->bytes_in += whole ? size : 0;
}

bool virtio_net_receive(struct virtio_net *net, const void *frame, size_t size)
{
	const struct virtio_net_header header = {.buffers = 1};

	if (!virtio_alive(&net->dev) || size < NET_FRAME_MIN || size > NET_FRAME_MAX) {
		net->dropped_in++; /* nobody will ever take it */
		return true;
	}
	struct virtio_chain *chain = virtio_take(&net->dev, VIRTIO_NET_RECEIVE);
	if (!chain)
		return false;
	virtio_write(chain, &header, sizeof(header));
	const bool fits = virtio_write(chain, frame, size) == size;
	if (!fits) /* 5.1.6.3.1 promises room */
		virtio_broken(&net->dev);
	virtio_give(&net->dev, VIRTIO_NET_RECEIVE, chain);
	virtio_flush(&net->dev, VIRTIO_NET_RECEIVE);
	count_received(net, fits, size);
	return true;
}

void virtio_net_link(struct virtio_net *net, bool up)
{
	net->dev.config[CONFIG_STATUS] = up ? STATUS_LINK_UP : 0;
	virtio_config_changed(&net->dev);
}

static void counters(const struct virtio_device *dev, const struct counter_sink *to)
{
	const struct virtio_net *net = (const struct virtio_net *)dev;
	const uint64_t lost = net->port.lost ? net->port.lost(net->port.ctx) : 0;

	counter_tell(to, "frames sent", net->frames_out);
	counter_tell(to, "bytes sent", net->bytes_out);
	counter_tell(to, "dropped sending", net->dropped_out);
	counter_tell(to, "frames received", net->frames_in);
	counter_tell(to, "bytes received", net->bytes_in);
	counter_tell(to, "dropped receiving", net->dropped_in + lost);
}

static const struct virtio_class class = {
	.name = "virtio-net",
	.type = VIRTIO_NET,
	.features = VIRTIO_BIT(VIRTIO_NET_F_MAC) | VIRTIO_BIT(VIRTIO_NET_F_STATUS),
	.queues = 2,
	.config_size = CONFIG_SIZE,
	.incoming = 1u << VIRTIO_NET_RECEIVE,
	.request = request,
	.served = served,
	.ready = ready,
	.counters = counters,
};

void virtio_net_init(struct virtio_net *net, struct timer_queue *timers, const uint8_t mac[6])
{
	*net = (struct virtio_net){.frames_in = 0};
	virtio_init(&net->dev, &class, timers);
	memcpy(net->mac, mac, sizeof(net->mac));
	memcpy(net->dev.config + CONFIG_MAC, mac, sizeof(net->mac));
	net->dev.config[CONFIG_STATUS] = STATUS_LINK_UP;
}
