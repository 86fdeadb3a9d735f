/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The dummy kernel: brings up what the machine has, tests it and itself, and reports in TAP.
 */
#include "guests/dummy/clock.h"
#include "guests/dummy/heartbeat.h"
#include "guests/dummy/ioapic.h"
#include "guests/dummy/lapic.h"
#include "guests/dummy/machine.h"
#include "guests/dummy/pic.h"
#include "guests/dummy/power.h"
#include "guests/dummy/process.h"
#include "guests/dummy/rt.h"
#include "guests/dummy/sched.h"
#include "guests/dummy/smp.h"
#include "guests/dummy/syscall.h"
#include "guests/dummy/test.h"
#include "guests/dummy/timer.h"
#include "lib/x86/cpu.h"

static void init_interrupts(void)
{
	pic_init();
	if (lapic_init(machine.lapic_address)) {
		lapic_enable(!machine.has_madt);
		this_cpu()->apic_id = lapic_id();
		lapic_timer_calibrate();
	}
	if (machine.has_madt)
		ioapic_init(lapic_id());
	irq_init(machine.has_madt ? &ioapic_controller : &pic_controller);
}

static void say_what_is_here(const struct boot_info *boot)
{
	tap_note("HyPike dummy kernel, loaded by %s: '%s'",
		 boot->loader[0] != '\0' ? boot->loader : "an unnamed loader", boot->cmdline);
	tap_note("%s, %u of %u CPUs, TSC %lu kHz, interrupts by %s, local APIC: %s",
		 cpu_features.amd ? "AMD" : "Intel", smp_cpus(), machine.cpus, clock_hz() / 1000,
		 irq_controller()->name,
		 !lapic_present() ? "none" : lapic_is_x2apic() ? "x2APIC" : "xAPIC");
}

void guest_main(const struct boot_info *boot)
{
	uint64_t start = rdtsc();

	clock_init();
	machine_init();
	init_interrupts();
	syscall_init();
	syscall_init_cpu();
	process_init();
	sched_init_cpu();
	timer_init();
	smp_init();
	sti();
	say_what_is_here(boot);
	test_run_all();
	tap_note("the tests took %lu TSC ticks", rdtsc() - start);
	if (cmdline_flag("button"))
		power_wait_button();
	if (cmdline_flag("loop") || cmdline_number("loop", 0) != 0)
		heartbeat_forever(cmdline_number("loop", TIMER_HZ));
}
