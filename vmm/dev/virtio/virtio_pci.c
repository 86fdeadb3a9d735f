/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * @req VMM-505 A virtio device on PCI has the capabilities of VIRTIO 1.2, 4.1.4, MSI-X with a vector per
 *              queue, and MSI or INTx with an interrupt status where MSI-X is off; a notification is a
 *              doorbell.
 */
#include "vmm/dev/virtio/virtio_pci.h"

#include "lib/string.h"

/* 4.1.2: vendor, and device ID 1040h + type; revision 1 and up: no legacy interface. */
#define VENDOR	 0x1af4u
#define DEVICE	 0x1040u
#define REVISION 1u

/* 4.1.4.3: struct virtio_pci_common_cfg. */
enum common {
	DEVICE_FEATURE_SELECT = 0,
	DEVICE_FEATURE = 4,
	DRIVER_FEATURE_SELECT = 8,
	DRIVER_FEATURE = 12,
	CONFIG_VECTOR = 16,
	NUM_QUEUES = 18,
	DEVICE_STATUS = 20,
	CONFIG_GENERATION = 21,
	QUEUE_SELECT = 22,
	QUEUE_SIZE = 24,
	QUEUE_VECTOR = 26,
	QUEUE_ENABLE = 28,
	QUEUE_NOTIFY_OFF = 30,
	QUEUE_DESC = 32,
	QUEUE_DRIVER = 40,
	QUEUE_DEVICE = 48,
	COMMON_SIZE = 56,
};

/** 4.1.4: struct virtio_pci_cap, behind the ID and the pointer to the next. */
struct __attribute__((packed)) cap {
	uint8_t length, type, bar, id;
	uint8_t padding[2];
	uint32_t offset, size;
	uint32_t more; /**< notifications: multiplier; access: data */
};

#define CAP_HEAD 2u

enum cap_type { CAP_COMMON = 1, CAP_NOTIFY, CAP_ISR, CAP_DEVICE, CAP_PCI };

#define ISR_QUEUE  1u
#define ISR_CONFIG 2u

/* --------------------------------------------------------------------------------------- interrupts */

static void raise(struct virtio_pci *vpci, uint16_t vector, uint8_t isr)
{
	if (pci_msix_enabled(&vpci->pci)) {
		if (vector != VIRTIO_PCI_NO_VECTOR)
			pci_msix_raise(&vpci->pci, vector);
		return;
	}
	vpci->isr |= isr;
	pci_intx(&vpci->pci, true);
}

static void interrupt(void *ctx, unsigned int queue)
{
	struct virtio_pci *vpci = ctx;

	raise(vpci, vpci->vector[queue], ISR_QUEUE);
}

static void config_interrupt(void *ctx)
{
	struct virtio_pci *vpci = ctx;

	raise(vpci, vpci->config_vector, ISR_CONFIG);
}

/** 4.1.4.5: reading takes the bits, and the pin's level with them. */
static uint8_t isr_read(struct virtio_pci *vpci)
{
	uint8_t isr = vpci->isr;

	vpci->isr = 0;
	pci_intx(&vpci->pci, false);
	return isr;
}

/* ----------------------------------------------------------------------------- common configuration */

/** The selected queue, or NULL where there is none of that number. */
static struct virtio_queue *selected(struct virtio_pci *vpci)
{
	struct virtio_device *dev = vpci->device;

	return vpci->queue_select < dev->class->queues ? &dev->queue[vpci->queue_select] : NULL;
}

static uint64_t queue_read(struct virtio_pci *vpci, unsigned int where)
{
	const struct virtio_queue *q = selected(vpci);

	if (!q)
		return 0;
	switch (where) {
	case QUEUE_SIZE:
		return q->setup.size;
	case QUEUE_VECTOR:
		return vpci->vector[vpci->queue_select];
	case QUEUE_ENABLE:
		return q->enabled;
	case QUEUE_NOTIFY_OFF:
		return vpci->queue_select;
	case QUEUE_DESC:
		return q->setup.desc;
	case QUEUE_DRIVER:
		return q->setup.driver;
	case QUEUE_DEVICE:
		return q->setup.device;
	default:
		return 0;
	}
}

static uint64_t field_read(struct virtio_pci *vpci, unsigned int where)
{
	const struct virtio_device *dev = vpci->device;

	switch (where) {
	case DEVICE_FEATURE_SELECT:
		return vpci->feature_select;
	case DEVICE_FEATURE:
		return vpci->feature_select < 2 ? virtio_offered(dev) >> 32 * vpci->feature_select : 0;
	case DRIVER_FEATURE_SELECT:
		return vpci->accept_select;
	case DRIVER_FEATURE:
		return vpci->accept_select < 2 ? vpci->accepted >> 32 * vpci->accept_select : 0;
	case CONFIG_VECTOR:
		return vpci->config_vector;
	case NUM_QUEUES:
		return dev->class->queues;
	case DEVICE_STATUS:
		return dev->status;
	case CONFIG_GENERATION:
		return dev->generation;
	case QUEUE_SELECT:
		return vpci->queue_select;
	default:
		return queue_read(vpci, where);
	}
}

/** The fields, in the order of the structure. */
static const struct {
	uint8_t where, size;
} fields[] = {
	{DEVICE_FEATURE_SELECT, 4}, {DEVICE_FEATURE, 4}, {DRIVER_FEATURE_SELECT, 4},
	{DRIVER_FEATURE, 4},	    {CONFIG_VECTOR, 2},	 {NUM_QUEUES, 2},
	{DEVICE_STATUS, 1},	    {CONFIG_GENERATION, 1}, {QUEUE_SELECT, 2},
	{QUEUE_SIZE, 2},	    {QUEUE_VECTOR, 2},	 {QUEUE_ENABLE, 2},
	{QUEUE_NOTIFY_OFF, 2},	    {QUEUE_DESC, 8},	 {QUEUE_DRIVER, 8},
	{QUEUE_DEVICE, 8},
};
#define FIELDS (sizeof(fields) / sizeof(fields[0]))

/** Reads of any size, also across fields. */
static uint64_t common_read(struct virtio_pci *vpci, unsigned int where, unsigned int size)
{
	uint64_t result = 0;

	for (unsigned int i = 0; i < FIELDS; i++) {
		uint64_t value = field_read(vpci, fields[i].where);
		for (unsigned int n = 0; n < fields[i].size; n++) {
			unsigned int byte = fields[i].where + n - where; /* wraps where it's before */
			if (byte < size)
				result |= (value >> 8 * n & 0xff) << 8 * byte;
		}
	}
	return result;
}

/** 4.1.5.1.2.1: a vector that there isn't reads back as none. */
static uint16_t vector_checked(const struct virtio_pci *vpci, uint64_t value)
{
	return value <= vpci->device->class->queues ? (uint16_t)value : VIRTIO_PCI_NO_VECTOR;
}

static void accept_write(struct virtio_pci *vpci, uint32_t value)
{
	unsigned int shift = 32 * vpci->accept_select;

	if (vpci->accept_select > 1)
		return;
	vpci->accepted &= ~(UINT64_C(0xffffffff) << shift);
	vpci->accepted |= (uint64_t)value << shift;
	virtio_accept(vpci->device, vpci->accepted);
}

static void selectors_reset(struct virtio_pci *vpci)
{
	vpci->accepted = 0;
	vpci->feature_select = vpci->accept_select = 0;
	vpci->queue_select = 0;
	vpci->config_vector = VIRTIO_PCI_NO_VECTOR;
	for (unsigned int i = 0; i < VIRTIO_QUEUES; i++)
		vpci->vector[i] = VIRTIO_PCI_NO_VECTOR;
	isr_read(vpci);
}

static void status_write(struct virtio_pci *vpci, uint8_t value)
{
	if (value == 0)
		selectors_reset(vpci);
	virtio_set_status(vpci->device, value);
}

/** Half of a 64-bit field, or (size 8) all of it. */
static void address_write(uint64_t *address, unsigned int half, unsigned int size, uint64_t value)
{
	if (size == 8)
		*address = value;
	else if (half == 0)
		*address = (*address & ~UINT64_C(0xffffffff)) | (uint32_t)value;
	else
		*address = (*address & 0xffffffff) | value << 32;
}

/** A queue that is enabled doesn't change (4.1.4.3.2). */
static void queue_write(struct virtio_pci *vpci, unsigned int where, unsigned int size,
			uint64_t value)
{
	struct virtio_queue *q = selected(vpci);

	if (!q)
		return;
	if (where == QUEUE_VECTOR)
		vpci->vector[vpci->queue_select] = vector_checked(vpci, value);
	if (q->enabled)
		return;
	switch (where & ~7u) {
	case QUEUE_DESC:
		address_write(&q->setup.desc, where & 4, size, value);
		return;
	case QUEUE_DRIVER:
		address_write(&q->setup.driver, where & 4, size, value);
		return;
	case QUEUE_DEVICE:
		address_write(&q->setup.device, where & 4, size, value);
		return;
	}
	if (where == QUEUE_SIZE)
		q->setup.size = (uint16_t)value;
	if (where == QUEUE_ENABLE && value == 1)
		virtio_queue_enable(vpci->device, vpci->queue_select);
}

static void field_write(struct virtio_pci *vpci, unsigned int where, unsigned int size,
			uint64_t value)
{
	switch (where) {
	case DEVICE_FEATURE_SELECT:
		vpci->feature_select = (uint32_t)value;
		break;
	case DRIVER_FEATURE_SELECT:
		vpci->accept_select = (uint32_t)value;
		break;
	case DRIVER_FEATURE:
		accept_write(vpci, (uint32_t)value);
		break;
	case CONFIG_VECTOR:
		vpci->config_vector = vector_checked(vpci, value);
		break;
	case DEVICE_STATUS:
		status_write(vpci, (uint8_t)value);
		break;
	case QUEUE_SELECT:
		vpci->queue_select = (uint16_t)value;
		break;
	default:
		queue_write(vpci, where, size, value);
	}
}

/** 4.1.3.1: a write has its field's width; 64-bit fields come whole or in halves. Others do nothing. */
static void common_write(struct virtio_pci *vpci, unsigned int where, unsigned int size,
			 uint64_t value)
{
	for (unsigned int i = 0; i < FIELDS; i++) {
		unsigned int offset = where - fields[i].where;
		bool whole = offset == 0 && size == fields[i].size;
		bool half = fields[i].size == 8 && size == 4 && (offset == 0 || offset == 4);
		if (whole || half)
			field_write(vpci, where, size, value);
	}
}

/* -------------------------------------------------------------------------------------------- BAR 0 */

static uint64_t bar_read(struct virtio_pci *vpci, uint32_t offset, unsigned int size)
{
	unsigned int where = offset % 0x1000;

	switch (offset & ~0xfffu) {
	case VIRTIO_PCI_COMMON:
		return common_read(vpci, where, size);
	case VIRTIO_PCI_ISR:
		return where == 0 ? isr_read(vpci) : 0;
	case VIRTIO_PCI_CONFIG:
		return virtio_config_read(vpci->device, where, size);
	default:
		return 0;
	}
}

static void bar_write(struct virtio_pci *vpci, uint32_t offset, unsigned int size, uint64_t value)
{
	unsigned int where = offset % 0x1000;

	switch (offset & ~0xfffu) {
	case VIRTIO_PCI_COMMON:
		common_write(vpci, where, size, value);
		break;
	case VIRTIO_PCI_CONFIG:
		virtio_config_write(vpci->device, where, size, value);
		break;
	case VIRTIO_PCI_NOTIFY:
		virtio_notify(vpci->device, where / VIRTIO_PCI_NOTIFY_STEP);
		break;
	default: /* the interrupt status can't be written */
		break;
	}
}

static uint64_t read(struct device *dev, uint64_t where, unsigned int size)
{
	return bar_read((struct virtio_pci *)dev, PCI_WHERE_OFFSET(where), size);
}

static void write(struct device *dev, uint64_t where, unsigned int size, uint64_t value)
{
	bar_write((struct virtio_pci *)dev, PCI_WHERE_OFFSET(where), size, value);
}

static void ring(void *ctx, uint32_t value)
{
	const struct virtio_pci_bell *bell = ctx;

	(void)value;
	bell->vpci->rung++;
	virtio_notify(bell->vpci->device, bell->queue);
}

/* ------------------------------------------------------- access through configuration space (4.1.4.9) */

/** What the capability asks for. @return false where that is nothing in BAR 0. */
static bool window_get(const struct virtio_pci *vpci, unsigned int where, struct cap *cap)
{
	const unsigned int data = vpci->window + CAP_HEAD + (unsigned int)offsetof(struct cap, more);

	if (where != data)
		return false;
	memcpy(cap, vpci->pci.config + vpci->window + CAP_HEAD, sizeof(*cap));
	bool size_ok = cap->size == 1 || cap->size == 2 || cap->size == 4;
	return size_ok && cap->bar == 0 && cap->offset % cap->size == 0 &&
	       cap->offset < VIRTIO_PCI_SIZE;
}

static void config_reading(struct pci_device *pci, unsigned int where, unsigned int size)
{
	struct virtio_pci *vpci = (struct virtio_pci *)pci;
	struct cap cap;

	(void)size;
	if (!window_get(vpci, where, &cap))
		return;
	uint32_t value = (uint32_t)bar_read(vpci, cap.offset, cap.size);
	memcpy(pci->config + where, &value, sizeof(value));
}

static void config_written(struct pci_device *pci, unsigned int where, unsigned int size)
{
	struct virtio_pci *vpci = (struct virtio_pci *)pci;
	struct cap cap;
	uint32_t value = 0;

	(void)size;
	if (!window_get(vpci, where, &cap))
		return;
	memcpy(&value, &cap.more, cap.size);
	bar_write(vpci, cap.offset, cap.size, value);
}

static const struct pci_hooks hooks = {
	.config_reading = config_reading,
	.config_written = config_written,
};

/* ------------------------------------------------------------------------------------------- making */

static void *memory_at(void *ctx, uint64_t address, uint64_t size, bool write)
{
	return pci_dma(ctx, address, size, write);
}

static void reset(struct device *dev)
{
	struct virtio_pci *vpci = (struct virtio_pci *)dev;

	pci_reset(&vpci->pci);
	selectors_reset(vpci);
	virtio_reset(vpci->device);
}

static void capability(struct virtio_pci *vpci, enum cap_type type, uint32_t offset, uint32_t size,
		       uint32_t more)
{
	const bool extended = type == CAP_NOTIFY || type == CAP_PCI;
	const size_t body = extended ? sizeof(struct cap) : offsetof(struct cap, more);
	const struct cap cap = {.length = (uint8_t)(body + CAP_HEAD),
				.type = (uint8_t)type,
				.offset = offset,
				.size = size,
				.more = more};
	const struct cap writable = {
		.bar = 0xff, .offset = UINT32_MAX, .size = UINT32_MAX, .more = UINT32_MAX};
	unsigned int at = pci_capability(&vpci->pci, PCI_CAP_VENDOR, &cap, body,
					 type == CAP_PCI ? &writable : NULL);

	if (type == CAP_PCI)
		vpci->window = at;
}

static uint32_t class_code(enum virtio_type type)
{
	switch (type) {
	case VIRTIO_NET:
		return 0x020000; /* Ethernet */
	case VIRTIO_BLOCK:
		return 0x018000; /* mass storage, other */
	case VIRTIO_CONSOLE:
		return 0x078000; /* communication, other */
	default:
		return 0x00ff00; /* none of the above */
	}
}

static void counters(const struct device *dev, const struct counter_sink *to)
{
	const struct virtio_pci *vpci = (const struct virtio_pci *)dev;

	counter_tell(to, "MSI-X reads", vpci->pci.msix.dev.reads);
	counter_tell(to, "MSI-X writes", vpci->pci.msix.dev.writes);
	counter_tell(to, "doorbells", vpci->rung);
	counter_tell(to, "interrupts", vpci->pci.interrupts);
	vpci->device->class->counters(vpci->device, to);
}

void virtio_pci_init(struct virtio_pci *vpci, struct virtio_device *device)
{
	const enum virtio_type type = device->class->type;
	const struct pci_identity identity = {.vendor = VENDOR,
					      .device = (uint16_t)(DEVICE + type),
					      .subsystem_vendor = VENDOR,
					      .subsystem = (uint16_t)(DEVICE + type),
					      .class_code = class_code(type),
					      .revision = REVISION,
					      .pin = 1};

	*vpci = (struct virtio_pci){.device = device};
	vpci->class = (struct device_class){
		.name = device->class->name,
		.read = read,
		.write = write,
		.reset = reset,
		.counters = counters};
	pci_init(&vpci->pci, &vpci->class, &identity);
	pci_bar(&vpci->pci, 0, VIRTIO_PCI_SIZE, 0);
	pci_msix(&vpci->pci, 1, device->class->queues + 1u);
	pci_msi(&vpci->pci);
	capability(vpci, CAP_COMMON, VIRTIO_PCI_COMMON, COMMON_SIZE, 0);
	capability(vpci, CAP_ISR, VIRTIO_PCI_ISR, 1, 0);
	capability(vpci, CAP_DEVICE, VIRTIO_PCI_CONFIG, VIRTIO_CONFIG_SIZE, 0);
	capability(vpci, CAP_NOTIFY, VIRTIO_PCI_NOTIFY,
		   device->class->queues * VIRTIO_PCI_NOTIFY_STEP, VIRTIO_PCI_NOTIFY_STEP);
	capability(vpci, CAP_PCI, 0, 0, 0);
	vpci->pci.hooks = &hooks;
	device->memory = (struct virtio_memory){memory_at, &vpci->pci};
	device->transport = (struct virtio_transport){interrupt, config_interrupt, vpci};
	selectors_reset(vpci);
}

hv_status_t virtio_pci_attach(struct virtio_pci *vpci, struct pci_bus *bus, unsigned int slot)
{
	hv_status_t status = pci_attach(bus, &vpci->pci, slot);

	for (unsigned int i = 0; status == HV_OK && i < vpci->device->class->queues; i++) {
		vpci->bell[i] = (struct virtio_pci_bell){vpci, i};
		const struct pci_bell_request request = {
			.bar = 0,
			.offset = VIRTIO_PCI_NOTIFY + i * VIRTIO_PCI_NOTIFY_STEP,
			.size = 2,
			.ring = {ring, &vpci->bell[i]}};
		pci_doorbell(&vpci->pci, &request); /* without one, writes exit and do the same */
	}
	return status;
}
