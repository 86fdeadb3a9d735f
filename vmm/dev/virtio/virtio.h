/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file virtio.h
 * A virtio device (VIRTIO 1.2, chapter 2) without its transport: status, features, queues, configuration.
 * virtio_pci.h puts one on the PCI bus; each kind of device (chapter 5) is a class. All calls are made
 * with the device lock held.
 */
#ifndef VMM_DEV_VIRTIO_VIRTIO_H
#define VMM_DEV_VIRTIO_VIRTIO_H

#include "vmm/dev/device.h"
#include "vmm/dev/virtio/queue.h"
#include "vmm/timer.h"

#define VIRTIO_QUEUES	   8u
#define VIRTIO_CONFIG_SIZE 64u

/* Device status (2.1). */
#define VIRTIO_STATUS_ACKNOWLEDGE 1u
#define VIRTIO_STATUS_DRIVER	  2u
#define VIRTIO_STATUS_DRIVER_OK	  4u
#define VIRTIO_STATUS_FEATURES_OK 8u
#define VIRTIO_STATUS_NEEDS_RESET 64u
#define VIRTIO_STATUS_FAILED	  128u

/* Features of every device (chapter 6), by bit. */
#define VIRTIO_F_INDIRECT_DESC 28u
#define VIRTIO_F_EVENT_IDX     29u
#define VIRTIO_F_VERSION_1     32u
#define VIRTIO_F_RING_PACKED   34u

#define VIRTIO_BIT(n) (UINT64_C(1) << (n))

/** Device types (chapter 5). */
enum virtio_type {
	VIRTIO_NET = 1,
	VIRTIO_BLOCK = 2,
	VIRTIO_CONSOLE = 3,
	VIRTIO_RNG = 4,
};

struct virtio_device;

/** A kind of device. */
struct virtio_class {
	const char *name;
	enum virtio_type type;
	uint64_t features; /**< of its own */
	uint16_t queues;
	uint16_t config_size;
	uint32_t incoming; /**< bit n: buffers of queue n wait until the device has something for them */
	/** A chain of a queue that isn't `incoming`; it is given back, with chain->written, afterwards, or where
	 *  virtio_later() was called, by virtio_done(). */
	void (*request)(struct virtio_device *dev, unsigned int queue, struct virtio_chain *chain);
	/** No more chains of that queue for now; may be NULL. */
	void (*served)(struct virtio_device *dev, unsigned int queue);
	/** The driver has added buffers to an `incoming` queue, or started the device: virtio_give(). */
	void (*ready)(struct virtio_device *dev, unsigned int queue);
	/** The driver has written to `config` (2.5); NULL: it can't. */
	void (*configured)(struct virtio_device *dev, unsigned int where, unsigned int size);
	/** The driver has reset the device; may be NULL. */
	void (*reset)(struct virtio_device *dev);
	/** Tell what it has counted. */
	void (*counters)(const struct virtio_device *dev, const struct counter_sink *to);
};

/** How the device reaches the driver. */
struct virtio_transport {
	void (*interrupt)(void *ctx, unsigned int queue);
	void (*config_interrupt)(void *ctx);
	void *ctx;
};

struct virtio_queue {
	struct virtq ring;
	struct virtq_setup setup; /**< as the driver chose it; `size` is at most VIRTQ_MAX_SIZE */
	bool enabled;
};

struct virtio_device {
	const struct virtio_class *class;
	struct virtio_transport transport;
	struct virtio_memory memory;
	struct timer again; /**< to go on with what was too much at once */
	uint64_t features;  /**< what the driver accepted */
	uint64_t own_features; /**< offered: class->features or fewer */
	uint64_t withheld;     /**< features that aren't offered though there are */
	uint32_t backlog; /**< bit n: queue n has more */
	uint8_t status;
	uint8_t generation; /**< of `config` */
	uint8_t config[VIRTIO_CONFIG_SIZE];
	struct virtio_queue queue[VIRTIO_QUEUES];
	struct virtio_chain chain; /**< in use while a queue is served */
	uint8_t later;		   /**< 1 + queue that `chain` is of, which isn't done yet: none is served */
	uint64_t chains;	   /**< served since the machine was made */
	uint64_t interrupts;	   /**< that the driver wanted */
};

void virtio_init(struct virtio_device *dev, const struct virtio_class *class,
		 struct timer_queue *timers);
void virtio_reset(struct virtio_device *dev);

/* ------------------------------------------------------------------------------- for the transport */

/** Features that the driver may choose from. */
uint64_t virtio_offered(const struct virtio_device *dev);
/** The driver chooses features; counts until it has set FEATURES_OK. */
void virtio_accept(struct virtio_device *dev, uint64_t features);
/** The driver writes the status; 0 resets the device. */
void virtio_set_status(struct virtio_device *dev, uint8_t status);
/** The driver switches a queue on, with queue->setup. */
void virtio_queue_enable(struct virtio_device *dev, unsigned int queue);
/** The driver says that there is something in a queue. */
void virtio_notify(struct virtio_device *dev, unsigned int queue);
/** Accesses to the device's configuration, of 1, 2, 4 or 8 bytes. */
uint64_t virtio_config_read(const struct virtio_device *dev, unsigned int where, unsigned int size);
void virtio_config_write(struct virtio_device *dev, unsigned int where, unsigned int size,
			 uint64_t value);

/* ---------------------------------------------------------------------------------- for the device */

/** Has the driver accepted this feature? */
static inline bool virtio_has(const struct virtio_device *dev, unsigned int feature)
{
	return dev->features & VIRTIO_BIT(feature);
}

/** Is the driver up, and has it kept to the rules? */
static inline bool virtio_alive(const struct virtio_device *dev)
{
	return (dev->status & (VIRTIO_STATUS_DRIVER_OK | VIRTIO_STATUS_NEEDS_RESET)) ==
	       VIRTIO_STATUS_DRIVER_OK;
}

/** From request(): the chain will be done later; no other is served before. A reset forgets it. */
void virtio_later(struct virtio_device *dev, unsigned int queue);
/** dev->chain is done, if it is still waited for: what came behind it is served. */
void virtio_done(struct virtio_device *dev);
/** A buffer of an `incoming` queue, or NULL where the driver has given none (it is then listened to). */
struct virtio_chain *virtio_take(struct virtio_device *dev, unsigned int queue);
/** Give it back with what was written; virtio_flush() later. */
void virtio_give(struct virtio_device *dev, unsigned int queue, const struct virtio_chain *chain);
/** Interrupt the driver, if it wants to be. */
void virtio_flush(struct virtio_device *dev, unsigned int queue);
/** The device's configuration has changed: tell the driver. */
void virtio_config_changed(struct virtio_device *dev);
/** The driver broke a rule: nothing is served until it resets the device. */
void virtio_broken(struct virtio_device *dev);

#endif
