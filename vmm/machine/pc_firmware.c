/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The parts of a PC that firmware needs and nobody else. C0000 to FFFFF is RAM that holds a copy of the ROM's end
 * from the start (boot/firmware.c); the bridge's PAM registers say which parts of it can be written to. Reading
 * always gives that RAM: a copy of the ROM onto itself, as firmware makes it, comes to the same.
 *
 * ACPI tables are ready, with all their addresses in them, at the end of low memory, which firmware is told is
 * reserved; it only puts the root pointer where systems look for it.
 *
 * @req VMM-132 With --firmware, memory from C0000 to FFFFF is writable for the guest where the host bridge's PAM
 *              registers say so, and only there.
 * @req VMM-133 Firmware is told, through fw_cfg, of RAM, vCPUs, ACPI tables and the order of disks.
 */
#include "vmm/machine/pc_firmware.h"

#include "lib/acpi.h"
#include "lib/multiboot.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "vmm/dev/debug_ports.h"
#include "vmm/dev/fw_cfg.h"
#include "vmm/machine/pc_virtio.h"
#include "vmm/options.h"
#include "vmm/status.h"

/* 82441FX (PMC) datasheet, 3.2.18: programmable attribute map. PAM0's low half is reserved; each other half of
 * a register is 16 KiB from C0000 on. PAM0's high half is F0000 to FFFFF. */
#define PAM0	     0x59u
#define PAM6	     0x5fu
#define PAM_WRITE    0x2u
#define PAM_SMALL    12u /**< pieces of 16 KiB */
#define PAM_PIECES   (PAM_SMALL + 1u)
#define PAM_START    0xc0000u
#define PAM_SIZE     0x4000u
#define BIOS_START   0xf0000u
#define BIOS_SIZE    0x10000u

/** By it and QEMU's subsystem, firmware made for QEMU knows where it is. */
static const struct pci_identity bridge_identity = {
	.vendor = 0x8086,
	.device = 0x1237,
	.subsystem_vendor = 0x1af4,
	.subsystem = 0x1100,
	.class_code = 0x060000,
	.revision = 2,
};

/* The commands of "etc/table-loader" (QEMU, hw/acpi/bios-linker-loader): one is enough. */
#define LOADER_ALLOCATE 1u
#define LOADER_FSEG	2u /**< below 1 MiB, where systems look for it */
#define RSDP_FILE	"etc/acpi/rsdp"

struct loader_allocate {
	uint32_t command;
	char file[FW_CFG_NAME_SIZE];
	uint32_t align;
	uint8_t zone;
	uint8_t pad[63];
} __attribute__((packed));
_Static_assert(sizeof(struct loader_allocate) == 128, "every command is as long");

static const struct loader_allocate loader = {
	.command = LOADER_ALLOCATE, .file = RSDP_FILE, .align = 16, .zone = LOADER_FSEG};

/** An entry of "etc/e820". */
struct e820 {
	uint64_t start, size;
	uint32_t type;
} __attribute__((packed));

#define E820_ROWS 4u

/* "bootorder": paths in Open Firmware's manner, a line each. */
#define BOOT_ORDER_LINE "/pci@i0cf8/scsi@%x/disk@0,0\n"
#define BOOT_ORDER_SIZE (OPTIONS_DISKS * sizeof(BOOT_ORDER_LINE) + 1)

/* CMOS RAM, as Bochs keeps it: three devices to boot from, and whether a floppy's signature is looked at. */
#define CMOS_BOOT_ORDER 0x3du
#define CMOS_BOOT_DISK	0x02u

static struct {
	struct vm *vm;
	struct fw_cfg fw;
	struct debug_console log;
	bool writable[PAM_PIECES];
	/* Contents of items. */
	struct e820 e820[E820_ROWS];
	struct acpi_rsdp rsdp;
	uint64_t ram_size;
	uint16_t vcpus, flag;
	uint64_t max_cpus, serial, menu;
	char boot_order[BOOT_ORDER_SIZE];
} firmware;

/* ----------------------------------------------------------------------------------- shadow memory */

static bool pam_writable(const struct pci_device *bridge, unsigned int piece)
{
	if (piece == PAM_SMALL)
		return bridge->config[PAM0] & PAM_WRITE << 4;
	return bridge->config[PAM0 + 1 + piece / 2] & PAM_WRITE << 4 * (piece & 1);
}

static uint64_t piece_start(unsigned int piece)
{
	return piece == PAM_SMALL ? BIOS_START : PAM_START + piece * PAM_SIZE;
}

hv_status_t pc_firmware_map(struct vm *vm)
{
	hv_status_t status = HV_OK;

	for (unsigned int i = 0; i < PAM_PIECES && status == HV_OK; i++)
		status = vm_map(vm, piece_start(i), vm->ram + piece_start(i),
				i == PAM_SMALL ? BIOS_SIZE : PAM_SIZE, HV_PROT_READ | HV_PROT_EXEC);
	return status;
}

static hv_status_t piece_protect(unsigned int piece, bool writable)
{
	const uint32_t prot = HV_PROT_READ | HV_PROT_EXEC | (writable ? HV_PROT_WRITE : 0);

	firmware.writable[piece] = writable;
	return vm_protect(firmware.vm, piece_start(piece), prot);
}

static void pam_written(struct pci_device *bridge, unsigned int where, unsigned int size)
{
	if (where > PAM6 || where + size <= PAM0)
		return;
	hv_status_t status = HV_OK;
	for (unsigned int i = 0; i < PAM_PIECES && status == HV_OK; i++) {
		if (pam_writable(bridge, i) != firmware.writable[i])
			status = piece_protect(i, !firmware.writable[i]);
	}
	if (status != HV_OK)
		vm_stop(firmware.vm, VMM_STATUS_HYPERVISOR, "cannot protect memory: error %d",
			status);
}

static const struct pci_hooks bridge_hooks = {.config_written = pam_written};

/** A bridge with PAM registers; the two bits of each piece are all that they have. */
static void bridge_init(struct pci_bus *pci)
{
	pci_host_bridge(pci, &bridge_identity, &bridge_hooks);
	pci->bridge.mask[PAM0] = 0x30;
	memset(pci->bridge.mask + PAM0 + 1, 0x33, PAM6 - PAM0);
}

/* ------------------------------------------------------------------------------------------- fw_cfg */

static void *ram(void *ctx, uint64_t address, uint64_t size, bool write)
{
	return vm_ram(ctx, address, size, write ? HV_PROT_READ | HV_PROT_WRITE : HV_PROT_READ);
}

static void boot_order_make(const struct options *options)
{
	char *to = firmware.boot_order;
	size_t room = sizeof(firmware.boot_order);

	for (unsigned int i = 0; i < options->disks; i++) {
		const int length = lib_snprintf(to, room, BOOT_ORDER_LINE, pc_virtio_disk_slot(i));
		to += length;
		room -= (size_t)length;
	}
}

/** Items that never change; a serial line is all that there is to show menus on. */
static hv_status_t items_add(struct vm *vm)
{
	struct fw_cfg *fw = &firmware.fw;
	bool ok = true;

	firmware.vcpus = (uint16_t)vm->vcpu_count;
	firmware.max_cpus = vm->vcpu_count;
	firmware.ram_size = vm->ram_size;
	firmware.flag = 1;
	firmware.serial = 0x3f8;
	boot_order_make(vm->options);
	fw_cfg_set(fw, FW_CFG_RAM_SIZE, &firmware.ram_size, sizeof(firmware.ram_size));
	fw_cfg_set(fw, FW_CFG_NB_CPUS, &firmware.vcpus, sizeof(firmware.vcpus));
	fw_cfg_set(fw, FW_CFG_MAX_CPUS, &firmware.vcpus, sizeof(firmware.vcpus));
	fw_cfg_set(fw, FW_CFG_NOGRAPHIC, &firmware.flag, sizeof(firmware.flag));
	ok = fw_cfg_add(fw, "etc/e820", firmware.e820, sizeof(firmware.e820)) && ok;
	ok = fw_cfg_add(fw, RSDP_FILE, &firmware.rsdp, sizeof(firmware.rsdp)) && ok;
	ok = fw_cfg_add(fw, "etc/table-loader", &loader, sizeof(loader)) && ok;
	ok = fw_cfg_add(fw, "etc/max-cpus", &firmware.max_cpus, sizeof(firmware.max_cpus)) && ok;
	ok = fw_cfg_add(fw, "etc/show-boot-menu", &firmware.menu, sizeof(firmware.menu)) && ok;
	ok = fw_cfg_add(fw, "etc/sercon-port", &firmware.serial, sizeof(firmware.serial)) && ok;
	ok = fw_cfg_add(fw, "bootorder", firmware.boot_order,
			(uint32_t)strlen(firmware.boot_order) + 1) && ok;
	return ok ? HV_OK : HV_E_FULL;
}

/** Rows of no size are ignored. */
static void e820_make(const struct pc_firmware_facts *facts)
{
	const uint64_t acpi = facts->low_end - PC_FIRMWARE_ACPI_SIZE;

	firmware.e820[0] = (struct e820){0, acpi, MULTIBOOT_MEMORY_AVAILABLE};
	firmware.e820[1] = (struct e820){acpi, PC_FIRMWARE_ACPI_SIZE, MULTIBOOT_MEMORY_RESERVED};
	firmware.e820[2] = (struct e820){facts->ecam, facts->ecam_size, MULTIBOOT_MEMORY_RESERVED};
	firmware.e820[3] = (struct e820){VM_HIGH_START, facts->high_size, MULTIBOOT_MEMORY_AVAILABLE};
}

/* ---------------------------------------------------------------------------------------------- both */

hv_status_t pc_firmware_init(struct vm *vm, struct pci_bus *pci)
{
	memset(&firmware, 0, sizeof(firmware));
	firmware.vm = vm;
	fw_cfg_init(&firmware.fw, ram, vm);
	firmware_log_init(&firmware.log);
	firmware.log.out = (struct byte_sink){console_put, &vm->console};
	bridge_init(pci);
	hv_status_t status = items_add(vm);
	if (status == HV_OK)
		status = bus_attach(&vm->bus, &firmware.fw.dev);
	return status == HV_OK ? bus_attach(&vm->bus, &firmware.log.dev) : status;
}

void pc_firmware_devices(void (*see)(void *ctx, const struct device *dev), void *ctx)
{
	if (firmware.vm == NULL)
		return;
	see(ctx, &firmware.fw.dev);
	see(ctx, &firmware.log.dev);
}

hv_status_t pc_firmware_reset(const struct pc_firmware_facts *facts, struct mc146818 *rtc)
{
	hv_status_t status = HV_OK;

	firmware.fw.dev.class->reset(&firmware.fw.dev);
	for (unsigned int i = 0; i < PAM_PIECES && status == HV_OK; i++)
		status = piece_protect(i, false);
	e820_make(facts);
	memcpy(&firmware.rsdp, facts->rsdp, sizeof(firmware.rsdp));
	mc146818_store(rtc, CMOS_BOOT_ORDER, CMOS_BOOT_DISK);
	return status;
}
