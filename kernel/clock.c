/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The TSC's frequency: from CPUID where it says so, else measured against channel 2 of the 8254,
 * whose output goes nowhere. Measured in two short pieces that have to agree, longer ones if not.
 * The local APIC's timer is measured along with it.
 */
#include "kernel/clock.h"

#include <hypike/host.h>

#include "kernel/apic.h"
#include "kernel/cpu.h"
#include "kernel/end.h"
#include "kernel/options.h"
#include "kernel/x86.h"

uint64_t clock_tsc_khz;
uint64_t clock_tsc_boot;

uint64_t host_tsc_khz(void)
{
	return clock_tsc_khz;
}

uint64_t host_tsc(void)
{
	return x86_rdtsc();
}

/* ---- the 8254 (Intel 231164-005) ---- */

#define PIT_HZ		 1193182u
#define PIT_CHANNEL2	 0x42u
#define PIT_CONTROL	 0x43u
#define PIT_START2	 0xb0u /* channel 2, both bytes, mode 0 */
#define PIT_LATCH2	 0x80u
#define PIT_STOP0	 0x30u /* channel 0, mode 0: stands still until a count is written */
#define PORT_B		 0x61u /* gate of channel 2, speaker */
#define PORT_B_GATE2	 0x01u
#define PORT_B_SPEAKER	 0x02u

static void pit_start(void)
{
	x86_outb(PORT_B, (uint8_t)((x86_inb(PORT_B) & ~PORT_B_SPEAKER) | PORT_B_GATE2));
	x86_outb(PIT_CONTROL, PIT_START2);
	x86_outb(PIT_CHANNEL2, 0xff);
	x86_outb(PIT_CHANNEL2, 0xff);
}

static uint32_t pit_read(void)
{
	uint32_t low;

	x86_outb(PIT_CONTROL, PIT_LATCH2);
	low = x86_inb(PIT_CHANNEL2);
	return low | (uint32_t)x86_inb(PIT_CHANNEL2) << 8;
}

/* A moment, seen on all clocks. */
struct moment {
	uint64_t tsc;
	uint32_t pit, apic;
};

#define PATIENCE 10000000u /* polls: a machine whose PIT stands still must not hang the boot */

/* The moment at which the PIT steps to `limit` or below. */
static struct moment moment_at(uint32_t limit)
{
	struct moment m = {.pit = UINT32_MAX};

	for (uint32_t i = 0; i < PATIENCE && m.pit > limit; i++)
		m.pit = pit_read();
	m.tsc = x86_rdtsc();
	m.apic = apic_timer_count();
	return m;
}

/* What a measurement says. */
struct rate {
	uint64_t tsc_khz, apic_per_tsc_32;
};

static struct rate measure(uint32_t pit_counts)
{
	struct moment start, end;
	uint64_t counts, ticks;

	pit_start();
	apic_timer_start_count();
	start = moment_at(pit_read() - 1);
	end = moment_at(start.pit - pit_counts);
	counts = start.pit - end.pit;
	ticks = end.tsc - start.tsc;
	if (counts == 0 || ticks == 0)
		end_refuse("neither CPUID nor the 8254 timer tells how fast the TSC counts");
	return (struct rate){
		.tsc_khz = ticks * PIT_HZ / (counts * 1000),
		.apic_per_tsc_32 = ((uint64_t)(start.apic - end.apic) << 32) / ticks,
	};
}

/* Within one part in 256. */
static bool agree(uint64_t a, uint64_t b)
{
	return (a > b ? a - b : b - a) <= a / 256;
}

#define PIT_MILLISECOND (PIT_HZ / 1000)

static struct rate measure_surely(void)
{
	struct rate last = measure(PIT_MILLISECOND);

	for (uint32_t length = PIT_MILLISECOND; length <= 32 * PIT_MILLISECOND; length *= 2) {
		struct rate next = measure(length);

		if (agree(last.tsc_khz, next.tsc_khz))
			return next;
		last = next;
	}
	return last;
}

/* ---- CPUID ---- */

#define LEAF_TSC	0x15u	    /* SDM 2A: TSC and crystal clock */
#define LEAF_FREQUENCY	0x16u	    /* SDM 2A: processor frequency */
#define LEAF_HYPERVISOR 0x40000000u /* as KVM and others have it: leaf 40000010h, EAX = kHz */
#define LEAF1_ECX_HYPERVISOR (UINT32_C(1) << 31)

static uint64_t khz_of_hypervisor(void)
{
	if ((x86_cpuid(1, 0).ecx & LEAF1_ECX_HYPERVISOR) == 0 ||
	    x86_cpuid(LEAF_HYPERVISOR, 0).eax < LEAF_HYPERVISOR + 0x10)
		return 0;
	return x86_cpuid(LEAF_HYPERVISOR + 0x10, 0).eax;
}

static uint64_t khz_of_cpu(void)
{
	uint32_t max = x86_cpuid(0, 0).eax;
	struct x86_cpuid tsc;

	if (max < LEAF_TSC)
		return 0;
	tsc = x86_cpuid(LEAF_TSC, 0);
	if (tsc.eax == 0 || tsc.ebx == 0)
		return 0;
	if (tsc.ecx != 0)
		return (uint64_t)tsc.ecx * tsc.ebx / tsc.eax / 1000;
	/* The crystal isn't told: the base frequency is what the TSC counts. */
	return max >= LEAF_FREQUENCY ? (x86_cpuid(LEAF_FREQUENCY, 0).eax & 0xffff) * UINT64_C(1000)
				     : 0;
}

#define MIN_KHZ 1000u /* anything slower than 1 MHz is a mistake */

/* What the CPU says of itself may be what the CPU is called: an emulator's goes at its own pace. */
static bool plausible(uint64_t told, uint64_t measured)
{
	return told >= MIN_KHZ && (told > measured ? told - measured : measured - told) <= measured / 16;
}

void clock_init(void)
{
	uint64_t khz = options.tsc_khz;

	if (khz < MIN_KHZ || !cpu_features.tsc_deadline) {
		struct rate rate = measure_surely();

		apic_timer_set_rate(rate.apic_per_tsc_32);
		khz = plausible(khz_of_cpu(), rate.tsc_khz)	     ? khz_of_cpu()
		      : plausible(khz_of_hypervisor(), rate.tsc_khz) ? khz_of_hypervisor()
								     : rate.tsc_khz;
		khz = options.tsc_khz >= MIN_KHZ ? options.tsc_khz : khz;
	}
	if (khz < MIN_KHZ)
		end_refuse("the TSC seems to count %lu kHz only", khz);
	clock_tsc_khz = khz;
	x86_outb(PIT_CONTROL, PIT_STOP0); /* firmware's tick: nobody waits for it */
	apic_init_cpu();		  /* the timer back from counting */
}
