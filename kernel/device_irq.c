/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interrupts of partitions. One that comes is masked before its end is signalled, so that a level that
 * stays active keeps no CPU busy, until the partition has served the device.
 */
#include "kernel/apic.h"
#include "kernel/cpu.h"
#include "kernel/device.h"
#include "kernel/end.h"
#include "kernel/ioapic.h"
#include "kernel/irq.h"
#include "kernel/partition.h"
#include "kernel/trace.h"

struct device_irq {
	const struct system_device *device;
	/* Guards the others, against other CPUs. */
	struct host_lock lock;
	struct thread *bound; /* NULL: nobody */
	uint64_t bits;
	bool busy;   /* it came, and isn't served yet */
	bool closed; /* the partition's window is over */
};

static struct device_irq irqs[IRQ_DEVICES];
static uint32_t irq_count;

void device_irqs_create(const struct system_image *image)
{
	for (uint32_t i = 0; i < image->device_count; i++) {
		const struct system_device *device = &image->devices[i];
		const char *name = image->partitions[device->partition].name;

		if (device->kind != SYSTEM_DEVICE_IRQ)
			continue;
		if (irq_count == IRQ_DEVICES)
			end_refuse("partition %s: more than %u interrupts in the system", name,
				   IRQ_DEVICES);
		if (!ioapic_has((uint32_t)device->base))
			end_refuse("partition %s: this machine has no interrupt %lu", name,
				   device->base);
		irqs[irq_count++].device = device;
	}
}

/* ---- the pin; the lock is held ---- */

static void update(struct device_irq *irq)
{
	ioapic_mask((uint32_t)irq->device->base, irq->bound == NULL || irq->busy || irq->closed);
}

static void route(struct device_irq *irq)
{
	ioapic_route((uint32_t)irq->device->base, (uint8_t)(IRQ_DEVICE + (irq - irqs)),
		     irq->bound->cpu->apic_id);
}

/* ---- for the partition ---- */

static struct device_irq *irq_of(const struct system_device *device)
{
	for (uint32_t i = 0; i < irq_count; i++)
		if (irqs[i].device == device)
			return &irqs[i];
	return NULL;
}

hv_status_t device_irq_bind(const struct system_device *device, struct thread *thread, uint64_t bits)
{
	struct device_irq *irq = irq_of(device);

	if (irq == NULL)
		return HV_E_INVALID;
	host_lock(&irq->lock);
	irq->bound = thread;
	irq->bits = bits;
	irq->busy = false;
	if (thread != NULL)
		route(irq);
	update(irq);
	host_unlock(&irq->lock);
	return HV_OK;
}

hv_status_t device_irq_done(const struct system_device *device)
{
	struct device_irq *irq = irq_of(device);

	if (irq == NULL)
		return HV_E_INVALID;
	host_lock(&irq->lock);
	irq->busy = false;
	update(irq);
	host_unlock(&irq->lock);
	return HV_OK;
}

void device_interrupt(uint8_t vector)
{
	struct device_irq *irq = &irqs[vector - IRQ_DEVICE];

	host_lock(&irq->lock);
	if (irq->device != NULL) {
		irq->busy = true;
		update(irq);
		if (irq->bound != NULL)
			thread_notify(irq->bound, irq->bits);
	}
	host_unlock(&irq->lock);
	apic_eoi();
}

void device_irqs_window(const struct partition *partition, bool open)
{
	for (uint32_t i = 0; i < irq_count; i++)
		if (irqs[i].device->partition == partition->index) {
			host_lock(&irqs[i].lock);
			irqs[i].closed = !open;
			update(&irqs[i]);
			host_unlock(&irqs[i].lock);
		}
}

void device_irqs_reset(const struct partition *partition)
{
	for (uint32_t i = 0; i < irq_count; i++)
		if (irqs[i].device->partition == partition->index)
			device_irq_bind(irqs[i].device, NULL, 0);
}
