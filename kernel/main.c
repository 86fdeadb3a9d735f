/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From boot.S to the first thread, in the one order in which the parts can be set up.
 */
#include "kernel/address.h"
#include "kernel/apic.h"
#include "kernel/clock.h"
#include "kernel/console.h"
#include "kernel/cpu.h"
#include "kernel/fpu.h"
#include "kernel/memory.h"
#include "kernel/paging.h"
#include "kernel/partition.h"
#include "kernel/patch.h"
#include "kernel/x86.h"

void kernel_main(uint32_t magic, uint32_t info_address);

#define LOCAL_APIC 0xfee00000u /* where it is if ACPI doesn't say otherwise */

static struct boot_info boot_info;
static struct system_image image;

static void read_boot_info(uint32_t magic, uint32_t address)
{
	const char *reason = multiboot_read(magic, address, &boot_info);

	if (reason != NULL)
		host_panic("%s", reason);
}

static void open_system_image(void)
{
	const struct range *module = &boot_info.module;
	struct system_image_error error;

	if (boot_info.module_count == 0)
		host_panic("no system image: the boot loader passed no module");
	if (module->start % HV_PAGE_SIZE != 0)
		host_panic("the boot loader put the system image on no page boundary");
	if (!system_image_open(phys_to_virt(module->start), module->end - module->start, &image,
			       &error))
		host_panic("bad system image: %s[%u]: %s", error.table, error.entry, error.reason);
}

static void init_cpu_and_memory(void)
{
	cpu_features_init();
	patch_smap();
	memory_init(&boot_info);
	/* NX must be on before tables use it; so this comes in two halves. */
	cpu_enable_nx();
	paging_init(&boot_info);
	cpu_init(&cpus[0]);
	gdt_init_ist(&cpus[0]);
}

void kernel_main(uint32_t magic, uint32_t info_address)
{
	cpu_set_base(&cpus[0]);
	clock_tsc_boot = x86_rdtsc();
	console_init();
	idt_init();
	read_boot_info(magic, info_address);
	init_cpu_and_memory();
	apic_init(LOCAL_APIC);
	apic_init_cpu();
	clock_init();
	host_log("%u CPU, %lu MHz, %lu MiB of memory", cpu_count, clock_tsc_khz / 1000,
		 memory_left() >> 20);
	fpu_init();
	open_system_image();
	sched_init(&cpus[0], paging_map_stack(NULL));
	partitions_create(&image);
	sched_idle();
}
