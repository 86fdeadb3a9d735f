/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/vmm/virtio_guest.h"

#include <string.h>

uint8_t *vguest_room;

static void interrupt(void *ctx, unsigned int queue)
{
	((struct vguest *)ctx)->interrupts[queue]++;
}

static void config_interrupt(void *ctx)
{
	((struct vguest *)ctx)->config_interrupts++;
}

void vguest_start(struct vguest *guest, struct bench *bench, struct virtio_device *dev,
		  uint64_t features)
{
	memset(guest, 0, sizeof(*guest));
	guest->dev = dev;
	guest->bench = bench;
	guest->at = VGUEST_DATA;
	dev->transport = (struct virtio_transport){interrupt, config_interrupt, guest};
	dev->memory = vdriver_view;
	virtio_set_status(dev, 0);
	virtio_set_status(dev, VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER);
	virtio_accept(dev, features);
	virtio_set_status(dev, VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER |
				       VIRTIO_STATUS_FEATURES_OK);
	assert_true(dev->status & VIRTIO_STATUS_FEATURES_OK);
	for (unsigned int i = 0; i < dev->class->queues; i++) {
		const struct virtq_setup kind = {.size = 16,
						 .packed = virtio_has(dev, VIRTIO_F_RING_PACKED),
						 .event_index = virtio_has(dev, VIRTIO_F_EVENT_IDX),
						 .indirect = virtio_has(dev, VIRTIO_F_INDIRECT_DESC)};
		vdriver_init(&guest->queue[i], &kind, 0x1000 + 0x10000 * i);
		dev->queue[i].setup = guest->queue[i].setup;
		virtio_queue_enable(dev, i);
		vdriver_interrupts(&guest->queue[i], VDRIVER_NEXT, 0);
	}
	virtio_set_status(dev, dev->status | VIRTIO_STATUS_DRIVER_OK);
	assert_true(virtio_alive(dev));
}

int vguest_add(struct vguest *guest, unsigned int queue, const void *out, uint32_t size, uint32_t in,
	       uint32_t piece)
{
	struct vdriver_buffer buffers[16];
	unsigned int count = 0;
	uint64_t at = guest->at;

	memcpy(vdriver_memory + at, out ? out : "", size);
	memset(vdriver_memory + at + size, 0xcc, in);
	vguest_room = vdriver_memory + at + size;
	for (uint32_t done = 0; done < size + in; count++) {
		uint32_t end = done < size ? size : size + in;
		uint32_t n = end - done < piece ? end - done : piece;
		assert_true(count < 16);
		buffers[count] = (struct vdriver_buffer){at + done, n, done >= size};
		done += n;
	}
	guest->at = at + size + in < VDRIVER_READONLY - 0x10000 ? at + size + in : VGUEST_DATA;
	bool indirect = virtio_has(guest->dev, VIRTIO_F_INDIRECT_DESC) && count > 2;
	return vdriver_add(&guest->queue[queue], buffers, count, indirect);
}

void vguest_kick(struct vguest *guest, unsigned int queue)
{
	if (vdriver_kick(&guest->queue[queue]))
		virtio_notify(guest->dev, queue);
}

int64_t vguest_used(struct vguest *guest, unsigned int queue)
{
	uint32_t written;
	uint16_t id;

	if (!vdriver_used(&guest->queue[queue], &id, &written))
		return -1;
	vdriver_interrupts(&guest->queue[queue], VDRIVER_NEXT, 0);
	return written;
}

int64_t vguest_request(struct vguest *guest, unsigned int queue, const void *out, uint32_t size,
		       uint32_t in, uint32_t piece)
{
	unsigned int before = guest->interrupts[queue];

	assert_true(vguest_add(guest, queue, out, size, in, piece) >= 0);
	vguest_kick(guest, queue);
	int64_t written = vguest_used(guest, queue);
	if (written >= 0) /* and the driver was told */
		assert_int_equal(guest->interrupts[queue], before + 1);
	return written;
}
