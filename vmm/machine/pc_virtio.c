/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * @req VMM-511 --disk makes a virtio disk of a file, read-only or with an overlay in the VM's memory;
 *              --virtio-console, --rng and --net make the devices of that name. What is misspelt, or
 *              missing, is said by name.
 */
#include "vmm/machine/pc_virtio.h"

#include "lib/mac.h"
#include "lib/string.h"
#include "vmm/dev/virtio/net_link.h"
#include "vmm/dev/virtio/virtio_block.h"
#include "vmm/dev/virtio/virtio_console.h"
#include "vmm/dev/virtio/virtio_pci.h"
#include "vmm/dev/virtio/virtio_rng.h"
#include "vmm/options.h"

/* Places on the bus, the same whatever else there is. */
#define SLOT_CONSOLE 2u
#define SLOT_RNG     3u
#define SLOT_DISK    4u
#define SLOT_NET     (SLOT_DISK + OPTIONS_DISKS)

#define NAME_MAX 64u

static struct {
	struct virtio_console console;
	struct virtio_pci console_pci;
	struct virtio_rng rng;
	struct virtio_pci rng_pci;
	struct {
		struct virtio_block block;
		struct virtio_pci pci;
		struct platform_disk store;
		char name[NAME_MAX];
	} disk[OPTIONS_DISKS];
	struct {
		struct virtio_net card;
		struct virtio_pci pci;
		struct net_link link;
		struct platform_region region;
	} net[OPTIONS_NETS];
	bool has_console;
} virtio;

/** Copy what stands before a comma. @return what stands behind it, or "" ; NULL: too long. */
static const char *name_split(const char *text, char name[NAME_MAX])
{
	const char *comma = strchr(text, ',');
	size_t length = comma ? (size_t)(comma - text) : strlen(text);

	if (length >= NAME_MAX)
		return NULL;
	memcpy(name, text, length);
	name[length] = '\0';
	return comma ? comma + 1 : "";
}

/** Put a device into its slot. */
static hv_status_t attach(struct vm *vm, struct pci_bus *bus, struct virtio_pci *pci,
			  struct virtio_device *dev, unsigned int slot)
{
	if (vm->options->virtio_split)
		dev->withheld = VIRTIO_BIT(VIRTIO_F_RING_PACKED);
	virtio_pci_init(pci, dev);
	return virtio_pci_attach(pci, bus, slot);
}

/* -------------------------------------------------------------------------------------------- disks */

static hv_status_t refuse(struct vm *vm, const char *option, const char *value, const char *why)
{
	vm_log(vm, "%s %s: %s", option, value, why);
	return HV_E_INVALID;
}

static bool store_read(void *ctx, uint64_t where, void *to, size_t size)
{
	return platform_disk_read(ctx, where, to, size);
}

static bool store_write(void *ctx, uint64_t where, const void *from, size_t size)
{
	return platform_disk_write(ctx, where, from, size);
}

static enum virtio_block_status store_flush(void *ctx)
{
	switch (platform_disk_flush(ctx)) {
	case PLATFORM_FLUSH_DONE:
		return VIRTIO_BLOCK_OK;
	case PLATFORM_FLUSH_LATER:
		return VIRTIO_BLOCK_LATER;
	default:
		return VIRTIO_BLOCK_IOERR;
	}
}

/** A flush that was to be done later is, or not: one of before a reset may still be on its way. */
static void store_flushed(void *ctx, uint32_t number)
{
	struct virtio_block *block = ctx;
	const enum platform_flush flush = platform_disk_flushed(block->store.ctx);

	(void)number;
	if (flush != PLATFORM_FLUSH_LATER)
		virtio_block_flushed(block, flush == PLATFORM_FLUSH_DONE);
}

static hv_status_t store_bind(struct vm *vm, unsigned int i)
{
	const struct command rung = {store_flushed, &virtio.disk[i].block};
	uint8_t signal;

	if (!virtio.disk[i].store.later)
		return HV_OK;
	return vm_signal(vm, &rung, &signal) ? platform_disk_bind(&virtio.disk[i].store, signal)
					     : HV_E_FULL;
}

#define STORE_BUFFER 65536u

/** A disk of the platform's. */
static hv_status_t disk_store(struct vm *vm, unsigned int i, const char *mode)
{
	struct platform_disk *disk = &virtio.disk[i].store;
	const struct virtio_block_store store = {.read = store_read,
						 .write = disk->writable ? store_write : NULL,
						 .flush = store_flush,
						 .ctx = disk,
						 .buffer = platform_memory(STORE_BUFFER),
						 .buffer_size = STORE_BUFFER};

	if (*mode != '\0' || !store.buffer)
		return refuse(vm, "--disk", vm->options->disk[i],
			      store.buffer ? "it is as it is" : "too little memory");
	virtio_block_init_store(&virtio.disk[i].block, &vm->timers, &store, disk->size,
				disk->id);
	return store_bind(vm, i);
}

/** A disk in memory: a file as it is, or with an overlay. */
static hv_status_t disk_in_memory(struct vm *vm, unsigned int i, const char *mode)
{
	const char *option = vm->options->disk[i], *name = virtio.disk[i].name;
	struct platform_file file;
	void *overlay = NULL;

	if (!platform_file(name, &file))
		return refuse(vm, "--disk", option, "there is no such file");
	if (strcmp(mode, "overlay") == 0) {
		overlay = platform_memory(virtio_block_overlay_size(file.size));
		if (!overlay)
			return refuse(vm, "--disk", option, "too little memory for an overlay");
	} else if (strcmp(mode, "") != 0 && strcmp(mode, "ro") != 0) {
		return refuse(vm, "--disk", option, "neither ro nor overlay");
	}
	virtio_block_init(&virtio.disk[i].block, &vm->timers, file.data, file.size, name, overlay);
	return HV_OK;
}

static hv_status_t disk_init(struct vm *vm, struct pci_bus *bus, unsigned int i)
{
	char *name = virtio.disk[i].name;
	const char *mode = name_split(vm->options->disk[i], name);
	hv_status_t status;

	if (!mode)
		return refuse(vm, "--disk", vm->options->disk[i], "there is no such file");
	if (platform_disk(name, &virtio.disk[i].store))
		status = disk_store(vm, i, mode);
	else
		status = disk_in_memory(vm, i, mode);
	if (status != HV_OK)
		return status;
	return attach(vm, bus, &virtio.disk[i].pci, &virtio.disk[i].block.dev, SLOT_DISK + i);
}

/* -------------------------------------------------------------------------------------------- cards */

/** Locally administered, the same for the same cable: FNV-1a of its name. */
static uint64_t mac_of(const char *name)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (; *name != '\0'; name++)
		hash = (hash ^ (uint8_t)*name) * UINT64_C(0x100000001b3);
	return UINT64_C(0x020000000000) | (hash & 0xffffffffff);
}

static void net_notify(void *ctx)
{
	platform_region_notify(ctx);
}

static void net_rung(void *ctx, uint32_t value)
{
	(void)value;
	net_link_ring(ctx);
}

/** Plug a card into the region's side A; the switch has side B. */
static hv_status_t net_connect(struct vm *vm, unsigned int i)
{
	struct net_link *link = &virtio.net[i].link;
	const struct platform_region *region = &virtio.net[i].region;
	const struct command ring = {net_rung, link};
	uint8_t signal;

	if (!net_link_init(link, &virtio.net[i].card, &vm->timers, region->data, region->size,
			   FRAME_SIDE_A))
		return refuse(vm, "--net", vm->options->net[i], "the region is too small");
	link->notify = net_notify;
	link->ctx = &virtio.net[i].region;
	if (!vm_signal(vm, &ring, &signal))
		return HV_E_FULL;
	return platform_region_bind(region, signal);
}

static hv_status_t net_init(struct vm *vm, struct pci_bus *bus, unsigned int i)
{
	const char *option = vm->options->net[i];
	char name[NAME_MAX];
	const char *mode = name_split(option, name);
	uint8_t bytes[6];
	uint64_t mac;

	if (!mode || !platform_region(name, &virtio.net[i].region))
		return refuse(vm, "--net", option, "there is no such shared region");
	mac = mac_of(name);
	if (strcmp(mode, "") != 0 &&
	    (strncmp(mode, "mac=", 4) != 0 || !mac_parse(mode + 4, &mac)))
		return refuse(vm, "--net", option, "not mac=02:00:00:00:00:01 or another address");
	mac_store(bytes, mac);
	virtio_net_init(&virtio.net[i].card, &vm->timers, bytes);
	hv_status_t status = net_connect(vm, i);
	if (status != HV_OK)
		return status;
	return attach(vm, bus, &virtio.net[i].pci, &virtio.net[i].card.dev, SLOT_NET + i);
}

/* ------------------------------------------------------------------------------------------ console */

/** There is room again: the event thread has more keys, perhaps. */
static void console_room(void *ctx, uint32_t room)
{
	struct vm *vm = ctx;

	if (room > 0 && vm->keys_waiting)
		platform_wake();
}

static hv_status_t console_init_device(struct vm *vm, struct pci_bus *bus)
{
	virtio_console_init(&virtio.console, &vm->timers);
	virtio.console.out = (struct byte_sink){console_put, &vm->console};
	virtio.console.room = (struct command){console_room, vm};
	virtio.has_console = true;
	return attach(vm, bus, &virtio.console_pci, &virtio.console.dev, SLOT_CONSOLE);
}

bool pc_virtio_wants_keys(void)
{
	return virtio.has_console && virtio_console_open(&virtio.console);
}

unsigned int pc_virtio_room(void)
{
	return virtio_console_room(&virtio.console);
}

void pc_virtio_key(uint8_t key)
{
	virtio_console_receive(&virtio.console, key);
}

unsigned int pc_virtio_disk_slot(unsigned int i)
{
	return SLOT_DISK + i;
}

/* ---------------------------------------------------------------------------------------------- all */

static hv_status_t rng_init(struct vm *vm, struct pci_bus *bus)
{
	virtio_rng_init(&virtio.rng, &vm->timers, vm->options->rng_seed);
	return attach(vm, bus, &virtio.rng_pci, &virtio.rng.dev, SLOT_RNG);
}

hv_status_t pc_virtio_init(struct vm *vm, struct pci_bus *bus)
{
	const struct options *options = vm->options;
	hv_status_t status = HV_OK;

	virtio.has_console = false;
	if (options->virtio_console)
		status = console_init_device(vm, bus);
	if (status == HV_OK && (options->rng || options->rng_seed != 0))
		status = rng_init(vm, bus);
	for (unsigned int i = 0; i < options->disks && status == HV_OK; i++)
		status = disk_init(vm, bus, i);
	for (unsigned int i = 0; i < options->nets && status == HV_OK; i++)
		status = net_init(vm, bus, i);
	return status;
}
