/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/fpu.h"

#include "kernel/assert.h"
#include "kernel/cpu.h"
#include "kernel/smp.h"
#include "kernel/x86.h"

/* XCR0 (SDM 1 13.3): x87, SSE, AVX, and the three parts of AVX-512. */
#define XCR0_X87     0x1u
#define XCR0_SSE     0x2u
#define XCR0_AVX     0x4u
#define XCR0_AVX512  0xe0u
#define XCR0_ALLOWED (XCR0_X87 | XCR0_SSE | XCR0_AVX | XCR0_AVX512)

#define FXSAVE_SIZE 512u

/* The legacy region's control words after FNINIT, and MXCSR's reset value (SDM 1 table 10-2). */
#define FCW_OFFSET   0u
#define FCW_INITIAL  0x37fu
#define MXCSR_OFFSET 24u
#define MXCSR_INITIAL 0x1f80u

/** XRSTOR or FXRSTOR (entry.S). @return false where the CPU refuses the area */
bool fpu_restore(const void *area, bool xsave);

static uint32_t area_size = FXSAVE_SIZE;
static uint64_t xcr0_max; /* 0: no XSAVE */

static void write_xcr0(uint64_t value)
{
	__asm__ volatile("xsetbv" : : "c"(0), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)));
	cpu_self()->xcr0 = value;
}

void fpu_init(void)
{
	struct x86_cpuid leaf;

	if (!cpu_features.xsave)
		return;
	leaf = x86_cpuid(0xd, 0);
	xcr0_max = ((uint64_t)leaf.edx << 32 | leaf.eax) & XCR0_ALLOWED;
	/* The three parts go together, and on top of AVX (SDM 1 13.3). */
	if ((xcr0_max & XCR0_AVX512) != XCR0_AVX512 || (xcr0_max & XCR0_AVX) == 0)
		xcr0_max &= ~(uint64_t)XCR0_AVX512;
	fpu_init_cpu();
	area_size = x86_cpuid(0xd, 0).ebx; /* what XCR0 enables now */
}

void fpu_init_cpu(void)
{
	if (cpu_features.xsave)
		write_xcr0(xcr0_max);
}

uint32_t host_fpu_size(void)
{
	return area_size;
}

uint64_t host_fpu_xcr0(void)
{
	return xcr0_max;
}

/* Save and restore take all components, whatever the owner has enabled at the moment. */
static void enable_all(struct cpu *cpu)
{
	if (cpu->xcr0 != xcr0_max)
		write_xcr0(xcr0_max);
}

static void save_registers(void *area)
{
	if (xcr0_max != 0)
		__asm__ volatile("xsave64 (%0)" : : "r"(area), "a"(-1), "d"(-1) : "memory");
	else
		__asm__ volatile("fxsave64 (%0)" : : "r"(area) : "memory");
}

/* An area that was never saved to is all zeros: x87 and MXCSR would start with all traps on. */
static void initialise_area(uint8_t *area)
{
	uint16_t fcw;
	uint32_t mxcsr;

	__builtin_memcpy(&fcw, area + FCW_OFFSET, sizeof(fcw));
	__builtin_memcpy(&mxcsr, area + MXCSR_OFFSET, sizeof(mxcsr));
	if (fcw != 0 || mxcsr != 0)
		return;
	fcw = FCW_INITIAL;
	mxcsr = MXCSR_INITIAL;
	__builtin_memcpy(area + FCW_OFFSET, &fcw, sizeof(fcw));
	__builtin_memcpy(area + MXCSR_OFFSET, &mxcsr, sizeof(mxcsr));
}

/*
 * An area that the CPU refuses (#GP, exception table) can only be a VMM's doing that the driver's checks
 * have overlooked; it gets the initial state instead.
 */
static void load_registers(void *area)
{
	if (!fpu_restore(area, xcr0_max != 0)) {
		__builtin_memset(area, 0, area_size);
		initialise_area(area);
		fpu_restore(area, xcr0_max != 0);
	}
}

static void save_owner(struct cpu *cpu)
{
	if (cpu->fpu_owner == NULL)
		return;
	save_registers(cpu->fpu_owner->area);
	cpu->fpu_owner->loaded = 0;
	cpu->fpu_owner = NULL;
}

/*
 * XCR0 belongs to the owner, and a guest may have changed it unseen: QEMU's AMD-V has no XSETBV intercept.
 */
static void take_xcr0(struct cpu *cpu)
{
	uint32_t low, high;

	if (xcr0_max == 0 || cpu->fpu_owner == NULL)
		return;
	__asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
	cpu->xcr0 = (uint64_t)high << 32 | low;
	cpu->fpu_owner->xcr0 = cpu->xcr0;
}

static void set_ts(void)
{
	x86_write_cr0(x86_read_cr0() | CR0_TS);
}

/* The slow half of host_fpu_load(): another context is in the CPU, or with other components. */
static void exchange(struct cpu *cpu, struct host_fpu *fpu)
{
	x86_clts();
	if (cpu->fpu_owner != fpu) {
		take_xcr0(cpu);
		enable_all(cpu);
		save_owner(cpu);
		initialise_area(fpu->area);
		load_registers(fpu->area);
		fpu->cpu = cpu->index;
		fpu->loaded = 1;
		cpu->fpu_owner = fpu;
	}
	if (xcr0_max != 0 && cpu->xcr0 != fpu->xcr0)
		write_xcr0((fpu->xcr0 & xcr0_max) | XCR0_X87);
}

void host_fpu_load(struct host_fpu *fpu)
{
	struct cpu *cpu = cpu_self();

	if (cpu->fpu_owner == fpu && cpu->xcr0 == fpu->xcr0)
		return;
	exchange(cpu, fpu);
	set_ts();
}

static void save_here(void *arg)
{
	struct cpu *cpu = cpu_self();

	if (cpu->fpu_owner != arg)
		return;
	x86_clts();
	take_xcr0(cpu);
	enable_all(cpu);
	save_owner(cpu);
	set_ts();
}

void host_fpu_save(struct host_fpu *fpu)
{
	if (!fpu->loaded)
		return;
	if (fpu->cpu == cpu_self()->index)
		save_here(fpu);
	else
		smp_call(&cpus[fpu->cpu], save_here, fpu);
}

void fpu_forget(struct host_fpu *fpu)
{
	struct cpu *cpu = cpu_self();

	if (cpu->fpu_owner == fpu) {
		cpu->fpu_owner = NULL;
		fpu->loaded = 0;
		set_ts();
	}
}

void fpu_switch(struct thread *thread)
{
	bool owns = cpu_self()->fpu_owner == &thread->fpu;
	bool ts = (x86_read_cr0() & CR0_TS) != 0;

	if (owns == !ts)
		return;
	if (owns)
		x86_clts();
	else
		set_ts();
}

bool fpu_take(void)
{
	struct cpu *cpu = cpu_self();
	struct host_fpu *fpu = &cpu->current->fpu;

	if (cpu->fpu_owner == fpu && cpu->xcr0 == fpu->xcr0)
		return false;
	exchange(cpu, fpu);
	return true;
}
