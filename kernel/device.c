/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/device.h"

#include "kernel/address.h"
#include "kernel/end.h"
#include "kernel/options.h"
#include "kernel/paging.h"
#include "kernel/partition.h"
#include "kernel/topology.h"
#include "kernel/uart.h"
#include "kernel/x86.h"

static const struct system_device *devices;
static uint32_t device_count;

/* ---- what is the kernel's ---- */

static const struct {
	uint16_t first, size;
	const char *what;
} kernel_ports[] = {
	{0x20, 2, "the interrupt controllers"},	 {0xa0, 2, "the interrupt controllers"},
	{0x4d0, 2, "the interrupt controllers"}, {0xb2, 2, "system management"},
	{0xcf8, 8, "PCI configuration"},
};
#define KERNEL_PORTS (sizeof(kernel_ports) / sizeof(kernel_ports[0]))
#define UART_SIZE    8u

#define APIC_SIZE	UINT64_C(0x100000) /* registers and message-signalled interrupts */
#define LEAF_ADDRESS	0x80000008u	   /* EAX 7:0: bits of a physical address */
#define LEAF_EXTENDED	0x80000000u
#define DEFAULT_ADDRESS 36u

static bool overlap(uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size)
{
	return a < b + b_size && b < a + a_size;
}

static const char *port_user(uint64_t first, uint64_t size)
{
	for (unsigned int i = 0; i < KERNEL_PORTS; i++)
		if (overlap(first, size, kernel_ports[i].first, kernel_ports[i].size))
			return kernel_ports[i].what;
	if (overlap(first, size, uart_console.port, UART_SIZE))
		return "the console";
	if (options.trace && overlap(first, size, uart_trace.port, UART_SIZE))
		return "the trace channel";
	return NULL;
}

static uint64_t address_limit(void)
{
	uint32_t bits = DEFAULT_ADDRESS;

	if (x86_cpuid(LEAF_EXTENDED, 0).eax >= LEAF_ADDRESS)
		bits = x86_cpuid(LEAF_ADDRESS, 0).eax & 0xff;
	return UINT64_C(1) << (bits < 52 ? bits : 52);
}

static const char *memory_user(uint64_t base, uint64_t size, const struct boot_info *info)
{
	if (!hv_range_ok(base, size, address_limit()))
		return "no bus of this machine";
	for (uint32_t i = 0; i < info->ram_count; i++)
		if (overlap(base, size, info->ram[i].start & ~(uint64_t)HV_PAGE_MASK,
			    page_up(info->ram[i].end) -
				    (info->ram[i].start & ~(uint64_t)HV_PAGE_MASK)))
			return "memory";
	if (overlap(base, size, topology.local_apic & ~(APIC_SIZE - 1), APIC_SIZE))
		return "the local APICs";
	for (uint32_t i = 0; i < topology.io_apic_count; i++)
		if (overlap(base, size, topology.io_apic[i].address & ~HV_PAGE_MASK, HV_PAGE_SIZE))
			return "the I/O APICs";
	for (uint32_t i = 0; i < topology.ecam_count; i++)
		if (overlap(base, size, topology.ecam[i].start,
			    topology.ecam[i].end - topology.ecam[i].start))
			return "PCI configuration";
	return NULL;
}

static const char *user_of(const struct system_device *device, const struct boot_info *info)
{
	switch (device->kind) {
	case SYSTEM_DEVICE_PORTS:
		return port_user(device->base, device->size);
	case SYSTEM_DEVICE_MEMORY:
		return memory_user(device->base, device->size, info);
	default:
		return device->base == topology.uart_gsi ? "the console" : NULL;
	}
}

static const char *const kind_names[] = {
	[SYSTEM_DEVICE_PORTS] = "I/O ports",
	[SYSTEM_DEVICE_MEMORY] = "device memory",
	[SYSTEM_DEVICE_IRQ] = "interrupt",
};

void devices_create(const struct system_image *image, const struct boot_info *info)
{
	devices = image->devices;
	device_count = image->device_count;
	for (uint32_t i = 0; i < device_count; i++) {
		const struct system_device *device = &devices[i];
		const char *user = user_of(device, info);

		if (user != NULL)
			end_refuse("partition %s: %s %lx, %lu long, cannot be given away: it is %s",
				   image->partitions[device->partition].name,
				   kind_names[device->kind], device->base, device->size, user);
	}
	device_ports_create(image);
	device_irqs_create(image);
}

/* ---- a partition's ---- */

const struct system_device *device_find(const struct partition *partition, uint64_t number)
{
	for (uint32_t i = 0; i < device_count; i++)
		if (devices[i].partition == partition->index && number-- == 0)
			return &devices[i];
	return NULL;
}

/* Device memory of a partition lies in the order of its devices, with a gap behind each. */
static uint64_t next_address(uint64_t address, const struct system_device *device)
{
	if (device->kind != SYSTEM_DEVICE_MEMORY)
		return address;
	return align_up(address + device->size + HV_PAGE_SIZE, HV_2M);
}

hv_status_t device_open(const struct partition *partition, uint64_t number,
			struct hypike_device *device)
{
	const struct system_device *found;
	uint64_t address = USER_DEVICES;

	for (uint64_t i = 0; (found = device_find(partition, i)) != NULL && i < number; i++)
		address = next_address(address, found);
	if (found == NULL)
		return HV_E_RANGE;
	*device = (struct hypike_device){
		.kind = found->kind,
		.base = found->base,
		.size = found->size,
		.data = found->kind == SYSTEM_DEVICE_MEMORY ? (void *)(uintptr_t)address : NULL,
	};
	return HV_OK;
}

uint64_t devices_tables(uint32_t partition)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < device_count; i++)
		if (devices[i].partition == partition && devices[i].kind == SYSTEM_DEVICE_MEMORY)
			sum += paging_tables(devices[i].size, HV_PAGE_SIZE);
	return sum;
}

bool devices_map(struct partition *partition)
{
	const struct system_device *device;
	uint64_t address = USER_DEVICES;

	for (uint64_t i = 0; (device = device_find(partition, i)) != NULL; i++) {
		if (device->kind == SYSTEM_DEVICE_MEMORY &&
		    (device->size > USER_RAM - address - HV_1G ||
		     !paging_map(partition->root, &partition->pool, address, device->base,
				 device->size, MAP_USER | MAP_WRITE | MAP_DEVICE)))
			return false;
		address = next_address(address, device);
	}
	return true;
}

void devices_reset_partition(const struct partition *partition)
{
	device_irqs_reset(partition);
}
