/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Instructions that a hypervisor may have a say in, and exceptions, in all modes of the CPU: 64-bit, compatibility,
 * protected with and without paging, PAE, virtual-8086, real mode.
 */
#include "guests/conform/conform.h"

#include "guests/attack/machine.h"
#include "guests/attack/modes.h"
#include "lib/string.h"

#define CODE_MAX 16u
#define PORT	 0xc80u /* of the test device */
#define DEVICE	 0xfed80000u
#define ALL	 ((1u << MODES) - 1)
#define LONG	 (1u << MODE_64 | 1u << MODE_64_USER)
#define KERNEL	 (1u << MODE_64 | 1u << MODE_PROT32 | 1u << MODE_REAL)
#define SEGMENTED                                                                                  \
	(1u << MODE_COMPAT16 | 1u << MODE_PROT16 | 1u << MODE_VM86 | 1u << MODE_REAL | 1u << MODE_BIG_REAL)
#define NOT_64	 (ALL & ~LONG)

/** What of the registers is printed. */
enum show {
	NOTHING,
	AX,  /**< the low half of RAX */
	ALL4, /**< of RAX, RBX, RCX, RDX */
	TIME, /**< counts: only that it came through */
};

struct code {
	const char *name;
	uint32_t modes;
	enum show show;
	uint32_t ax, cx, dx; /**< before */
	uint8_t size;
	uint8_t bytes[CODE_MAX];
};

/* With registers of zeros, or with RAX, RCX, RDX. */
#define CODE(name, modes, show, ...) WITH(name, modes, show, 0, 0, 0, __VA_ARGS__)
#define WITH(name, modes, show, ax, cx, dx, ...)                                                   \
	{name, modes, show, ax, cx, dx, sizeof((const uint8_t[]){__VA_ARGS__}), {__VA_ARGS__}}

static const struct code codes[] = {
	/* exceptions */
	CODE("ud2", ALL, NOTHING, 0x0f, 0x0b),
	CODE("int3", ALL, NOTHING, 0xcc),
	CODE("int-80", ALL, NOTHING, 0xcd, 0x80),
	CODE("int-0d", ALL, NOTHING, 0xcd, 0x0d),
	CODE("into", NOT_64, NOTHING, 0xb0, 0x7f, 0x04, 0x01, 0xce),
	CODE("div-0", ALL, NOTHING, 0x31, 0xc9, 0xf7, 0xf1),
	CODE("bound", NOT_64, NOTHING, 0x31, 0xc0, 0x48, 0x31, 0xdb, 0x62, 0x03),
	CODE("load-null-ss", LONG, NOTHING, 0x8e, 0xd0),
	WITH("load-bad-ds", ALL, NOTHING, 0xfff8, 0, 0, 0x8e, 0xd8),
	WITH("load-tss-ds", ALL, NOTHING, TSS_SELECTOR, 0, 0, 0x8e, 0xd8),
	CODE("non-canonical", LONG, NOTHING, 0x48, 0xb8, 0, 0, 0, 0, 0, 0x80, 0, 0, 0x8a, 0x00),
	CODE("non-canonical-ss", LONG, NOTHING, 0x48, 0xbd, 0, 0, 0, 0, 0, 0x80, 0, 0, 0x8a, 0x45, 0x00),
	CODE("far-jump-tss", LONG, NOTHING, 0x6a, TSS_SELECTOR, 0x6a, 0, 0x48, 0xff, 0x2c, 0x24),
	CODE("lock-nop", ALL, NOTHING, 0xf0, 0x90),
	CODE("sti-cli", ALL, NOTHING, 0xfb, 0xfa),
	CODE("popf", ALL, NOTHING, 0x9c, 0x9d),
	CODE("iret-nt", LONG, NOTHING, 0x9c, 0x81, 0x0c, 0x24, 0, 0x40, 0, 0, 0x9d, 0xcf),
	CODE("smsw", ALL, NOTHING, 0x0f, 0x01, 0xe0),
	WITH("lmsw", ALL, NOTHING, 0x10, 0, 0, 0x0f, 0x01, 0xf0),
	CODE("clts", ALL, NOTHING, 0x0f, 0x06),
	CODE("sgdt", ALL & ~SEGMENTED, NOTHING, 0x0f, 0x01, 0x44, 0x24, 0xf0),
	CODE("sidt", LONG | 1u << MODE_PROT32, NOTHING, 0x0f, 0x01, 0x4c, 0x24, 0xf0),
	CODE("sldt", ALL, AX, 0x0f, 0x00, 0xc0),
	CODE("str", ALL, NOTHING, 0x0f, 0x00, 0xc8),
	CODE("lldt-0", KERNEL | 1u << MODE_64_USER, NOTHING, 0x0f, 0x00, 0xd0),
	/* in ring 0 QEMU takes it, and aborts at the next interrupt */
	CODE("ltr-0", 1u << MODE_64_USER | 1u << MODE_REAL, NOTHING, 0x0f, 0x00, 0xd8),
	CODE("mov-cr0", ALL, NOTHING, 0x0f, 0x20, 0xc0),
	CODE("mov-cr1", ALL, NOTHING, 0x0f, 0x20, 0xc8),
	CODE("mov-cr5", ALL, NOTHING, 0x0f, 0x20, 0xe8),
	CODE("mov-dr7", ALL, AX, 0x0f, 0x21, 0xf8),
	CODE("invlpg", ALL & ~SEGMENTED, NOTHING, 0x0f, 0x01, 0x3c, 0x24),
	/* caches, time, waiting */
	CODE("invd", ALL, NOTHING, 0x0f, 0x08),
	CODE("wbinvd", ALL, NOTHING, 0x0f, 0x09),
	CODE("rdtsc", ALL, TIME, 0x0f, 0x31),
	CODE("rdtscp", ALL, TIME, 0x0f, 0x01, 0xf9),
	CODE("rdpmc", ALL, NOTHING, 0x0f, 0x33),
	CODE("pause", ALL, NOTHING, 0xf3, 0x90),
	CODE("monitor", ALL, NOTHING, 0x0f, 0x01, 0xc8),
	CODE("mwait", ALL, NOTHING, 0x0f, 0x01, 0xc9),
	CODE("monitorx", LONG, NOTHING, 0x0f, 0x01, 0xfa),
	WITH("rdmsr", ALL, NOTHING, 0, IA32_PAT, 0, 0x0f, 0x32),
	CODE("wrmsr", ALL, NOTHING, 0x0f, 0x30),
	WITH("cpuid", ALL, ALL4, 0x40000000, 0, 0, 0x0f, 0xa2),
	CODE("rdrand", LONG, NOTHING, 0x0f, 0xc7, 0xf0),
	CODE("rdseed", LONG, NOTHING, 0x0f, 0xc7, 0xf8),
	CODE("rdpid", LONG, NOTHING, 0xf3, 0x0f, 0xc7, 0xf8),
	CODE("rdfsbase", LONG, NOTHING, 0xf3, 0x48, 0x0f, 0xae, 0xc0),
	CODE("swapgs", LONG, NOTHING, 0x0f, 0x01, 0xf8, 0x0f, 0x01, 0xf8),
	CODE("stac", LONG, NOTHING, 0x0f, 0x01, 0xcb),
	CODE("invpcid", LONG, NOTHING, 0x66, 0x0f, 0x38, 0x82, 0x04, 0x24),
	CODE("xgetbv", ALL, NOTHING, 0x0f, 0x01, 0xd0),
	CODE("xsetbv", ALL, NOTHING, 0x0f, 0x01, 0xd1),
	CODE("sysenter", LONG | 1u << MODE_COMPAT32, NOTHING, 0x0f, 0x34),
	CODE("sysexit", LONG | 1u << MODE_REAL, NOTHING, 0x0f, 0x35),
	CODE("syscall-32", 1u << MODE_PROT32 | 1u << MODE_REAL | 1u << MODE_VM86, NOTHING, 0x0f, 0x05),
	/* virtualization */
	/* where CS has a base, KVM replaces one by the other at the wrong address, for ever */
	WITH("vmcall", ALL & ~SEGMENTED, AX, 0x7fffffff, 0, 0, 0x0f, 0x01, 0xc1),
	WITH("vmmcall", ALL & ~SEGMENTED, AX, 0x7fffffff, 0, 0, 0x0f, 0x01, 0xd9),
	CODE("vmxoff", ALL, NOTHING, 0x0f, 0x01, 0xc4),
	CODE("vmlaunch", ALL, NOTHING, 0x0f, 0x01, 0xc2),
	CODE("vmxon", LONG | KERNEL, NOTHING, 0xf3, 0x0f, 0xc7, 0x34, 0x24),
	CODE("vmptrld", LONG | KERNEL, NOTHING, 0x0f, 0xc7, 0x34, 0x24),
	CODE("vmread", LONG | KERNEL, NOTHING, 0x0f, 0x78, 0xc0),
	CODE("vmfunc", LONG | KERNEL, NOTHING, 0x0f, 0x01, 0xd4),
	CODE("invept", LONG | KERNEL, NOTHING, 0x66, 0x0f, 0x38, 0x80, 0x04, 0x24),
	CODE("vmrun", ALL, NOTHING, 0x0f, 0x01, 0xd8),
	CODE("vmload", LONG | KERNEL, NOTHING, 0x0f, 0x01, 0xda),
	CODE("vmsave", LONG | KERNEL, NOTHING, 0x0f, 0x01, 0xdb),
	/* in this order: on KVM a guest's interrupts are off between them */
	CODE("clgi", ALL, NOTHING, 0x0f, 0x01, 0xdd),
	CODE("stgi", ALL, NOTHING, 0x0f, 0x01, 0xdc),
	CODE("skinit", LONG | KERNEL, NOTHING, 0x0f, 0x01, 0xde),
	CODE("invlpga", LONG | KERNEL, NOTHING, 0x0f, 0x01, 0xdf),
	CODE("getsec", LONG | KERNEL, NOTHING, 0x0f, 0x37),
	CODE("rsm", ALL, NOTHING, 0x0f, 0xaa),
	CODE("encls", LONG | KERNEL, NOTHING, 0x0f, 0x01, 0xcf),
	/* the bus: the test device's port, a register of the I/O APIC */
	CODE("in-imm", ALL, NOTHING, 0xe4, 0xed),
	WITH("out-dx", ALL, NOTHING, 0x5a, 0, PORT, 0xee),
	WITH("out-in", ALL, AX, 0x12345678, 0, PORT, 0xef, 0x31, 0xc0, 0xed),
	WITH("outs", ALL, NOTHING, 0, 0, PORT, 0x6e),
	WITH("rep-outs", ALL, NOTHING, 0, 3, PORT, 0xf3, 0x6f),
	WITH("ins", LONG, NOTHING, 0, 0, PORT, 0x48, 0x8d, 0x7c, 0x24, 0xf0, 0x6c),
	WITH("mmio", ALL & ~SEGMENTED, AX, DEVICE, 0, 0, 0x8b, 0x00),
	CODE("mmio-big", 1u << MODE_BIG_REAL, AX, 0x67, 0x66, 0xa1, 0, 0, 0xd8, 0xfe),
	WITH("mmio-low", 1u << MODE_REAL | 1u << MODE_VM86, AX, 0xa000, 0, 0, 0x8e, 0xd8, 0xa1, 0, 0),
};

static void show(const struct mode_job *job, enum show what)
{
	if (what == AX)
		value("%x", (uint32_t)job->gpr[RAX]);
	else if (what == TIME)
		value_volatile();
	else if (what == ALL4)
		value("%x %x %x %x", (uint32_t)job->gpr[RAX], (uint32_t)job->gpr[RBX], (uint32_t)job->gpr[RCX],
		      (uint32_t)job->gpr[RDX]);
	else
		value("ok");
}

static void code_do(const struct code *code, enum mode mode)
{
	struct mode_job job = {0};
	const uint64_t at = mode_code(code->bytes, code->size);

	mode_prepare(&job, mode, at);
	job.gpr[RAX] = code->ax;
	job.gpr[RCX] = code->cx;
	job.gpr[RDX] = code->dx;
	const uint64_t start = job.rip;

	step("mode.%s.%s", code->name, mode_names[mode]);
	mode_run(&job);
	if (job.vector == MODE_DONE)
		show(&job, code->show);
	else
		value_fault(job.vector, job.error, job.cr2);
	value("+%lx", job.rip - start);
	step_end();
	machine_restore();
}

void conform_modes(void)
{
	for (unsigned i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		for (unsigned mode = 0; mode < MODES; mode++)
			if ((codes[i].modes >> mode & 1) != 0)
				code_do(&codes[i], (enum mode)mode);
}
