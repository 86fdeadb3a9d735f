/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From boot.S to the first thread, in the one order in which the parts can be set up.
 */
#include "kernel/address.h"
#include "kernel/apic.h"
#include "kernel/clock.h"
#include "kernel/console.h"
#include "kernel/cpu.h"
#include "kernel/device.h"
#include "kernel/end.h"
#include "kernel/fpu.h"
#include "kernel/health.h"
#include "kernel/ioapic.h"
#include "kernel/irq.h"
#include "kernel/memory.h"
#include "kernel/options.h"
#include "kernel/paging.h"
#include "kernel/paranoid.h"
#include "kernel/partition.h"
#include "kernel/patch.h"
#include "kernel/port.h"
#include "kernel/shared.h"
#include "kernel/smp.h"
#include "kernel/sys_hv.h"
#include "kernel/topology.h"
#include "kernel/trace.h"
#include "kernel/trace_out.h"
#include "kernel/x86.h"

void kernel_main(uint32_t magic, uint32_t info_address);

static struct boot_info boot_info;
static struct system_image image;

static void read_boot_info(uint32_t magic, uint32_t address)
{
	const char *reason = multiboot_read(magic, address, &boot_info);

	if (reason != NULL)
		end_refuse("%s", reason);
}

/* A system that `hypike build` put into the kernel's file takes the place of a module. */
static void take_attachment(void)
{
	extern const struct system_attachment boot_attachment;
	const struct system_attachment *attached = phys_to_virt((uintptr_t)&boot_attachment);

	if (attached->size == 0)
		return;
	if (!hv_range_ok(attached->start, attached->size, UINT64_C(1) << 32))
		end_refuse("the system image that is built in lies outside of memory");
	if (boot_info.module_count != 0)
		host_log("a system is built in: the boot loader's modules are ignored");
	boot_info.module_count = 1;
	boot_info.module = (struct range){attached->start, attached->start + attached->size};
}

static void open_system_image(void)
{
	const struct range *module = &boot_info.module;
	struct system_image_error error;

	if (boot_info.module_count == 0)
		end_refuse("no system image: none is built in, and the boot loader passed no module");
	if (boot_info.module_count > 1)
		host_log("%u modules; all but the first are ignored", boot_info.module_count);
	if (module->start % HV_PAGE_SIZE != 0)
		end_refuse("the boot loader put the system image on no page boundary");
	if (!system_image_open(phys_to_virt(module->start), module->end - module->start, &image,
			       &error))
		end_refuse("bad system image: %s[%u]: %s", error.table, error.entry, error.reason);
}

static bool wants_vms(void)
{
	for (uint32_t i = 0; i < image.partition_count; i++)
		if (image.partitions[i].kind == SYSTEM_PARTITION_VMM)
			return true;
	return false;
}

/* A machine without virtualization is good enough for native partitions. */
static void start_driver(void)
{
	const char *reason = hv_init();

	if (reason != NULL && wants_vms())
		end_refuse("no virtual machine can run here: %s", reason);
	if (reason != NULL)
		host_log("no virtual machines: %s", reason);
}

static void init_cpu_and_memory(void)
{
	extern const char image_end[];

	cpu_features_init();
	patch_smap();
	memory_init(&boot_info, virt_to_phys(image_end));
	topology_init(&boot_info);
	/* NX must be on before tables use it. */
	cpu_enable_nx();
	paging_init(&boot_info);
	cpu_prepare(&cpus[0]);
	cpu_init(&cpus[0]);
}

static void init_interrupts_and_time(void)
{
	apic_init(topology.local_apic);
	ioapic_init();
	apic_init_cpu();
	clock_init();
	fpu_init();
}

static void init_console(void)
{
	options_read(boot_info.cmdline);
	if (options.e9)
		console_use_e9();
	if (options.mux)
		console_use_streams();
}

static void route_uart(void)
{
	if (!ioapic_has(topology.uart_gsi))
		return;
	ioapic_route(topology.uart_gsi, IRQ_CONSOLE, cpus[0].apic_id);
	ioapic_mask(topology.uart_gsi, false);
	console_use_interrupt();
}

/* The second half, on a stack that has a guard page. */
static void start_system(void)
{
	init_interrupts_and_time();
	smp_start(options.cpus);
	host_log("%u CPU%s, %lu MHz, %s, %lu MiB of memory", cpu_count, cpu_count > 1 ? "s" : "",
		 clock_tsc_khz / 1000, apic_description(), memory_left() >> 20);
	open_system_image();
	health_init(&image, &boot_info);
	trace_init(&image);
	trace_out_init(&image);
	start_driver();
	shared_create(&image);
	devices_create(&image, &boot_info);
	partitions_create(&image);
	ports_create(&image);
	window_init(&image);
	route_uart();
	paranoid_panic_test(options.panic);
	partitions_start();
	window_start();
	sched_idle();
}

void kernel_main(uint32_t magic, uint32_t info_address)
{
	cpu_set_base(&cpus[0]);
	clock_tsc_boot = x86_rdtsc();
	console_init();
	idt_init();
	read_boot_info(magic, info_address);
	take_attachment();
	init_console();
	init_cpu_and_memory();
	run_on_stack(start_system, cpus[0].idle.stack_top);
}
