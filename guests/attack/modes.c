/* SPDX-License-Identifier: BSD-2-Clause */
#include "guests/attack/modes.h"

#include "guests/dummy/rt.h"
#include "lib/string.h"
#include "lib/x86/cpu.h"
#include "lib/x86/desc.h"

#define STUB_BYTES  16
#define CODE_AT	    (MODE_LOW + 0x1000) /* of mode_code() */
#define CODE_BYTES  0x800
#define STACK_LOW   0x8000 /* in the 64 KiB at MODE_LOW, downwards */
#define DPL3	    0x60u

/* in modes.S */
extern uint64_t mode_idt32[256];
extern struct idt_gate mode_idt64[256];
extern uint8_t mode_stubs32[], mode_stubs64[], mode_stack_top[], real_start[], real_end[],
	real_stubs[];
void mode_enter(struct mode_job *job);

const char *const mode_names[MODES] = {
	[MODE_64] = "64-bit",
	[MODE_64_USER] = "64-bit, ring 3",
	[MODE_COMPAT32] = "32-bit compatibility",
	[MODE_COMPAT16] = "16-bit compatibility",
	[MODE_PROT32] = "32-bit protected",
	[MODE_PROT16] = "16-bit protected",
	[MODE_PAGED32] = "32-bit paged",
	[MODE_PAGED32_USER] = "32-bit paged, ring 3",
	[MODE_PAE32] = "32-bit PAE",
	[MODE_PAE32_USER] = "32-bit PAE, ring 3",
	[MODE_VM86] = "virtual-8086",
	[MODE_REAL] = "real",
	[MODE_BIG_REAL] = "big real",
};

/** SDM vol. 3, 7.2.1: 32-bit TSS. */
static struct {
	uint32_t link, esp0, ss0, esp1, ss1, esp2, ss2, cr3, eip, eflags, gpr[8], segments[6], ldt;
	uint16_t trap, iomap_base;
	uint8_t redirection[32]; /**< for VM86 with CR4.VME: all interrupts by the IDT */
	uint8_t iomap[8193];
} __attribute__((packed, aligned(128))) tss32;

static uint32_t directory32[1024] __attribute__((aligned(4096)));
static uint64_t pdpt_pae[4] __attribute__((aligned(32)));
static uint64_t directory_pae[4][512] __attribute__((aligned(4096)));
static uint8_t trap_stack[4096] __attribute__((aligned(16)));

/* ------------------------------------------------------------------------------------------ tables */

static uint64_t gate32(uintptr_t offset)
{
	return (uint64_t)(offset & 0xffff) | (uint64_t)MODE_CODE32 << 16 |
	       (uint64_t)(0x80 | DPL3 | SYS_TYPE_INTERRUPT_GATE) << 40 |
	       (uint64_t)(offset >> 16) << 48;
}

static void fill_idts(void)
{
	for (unsigned v = 0; v < 256; v++) {
		mode_idt32[v] = gate32((uintptr_t)mode_stubs32 + v * STUB_BYTES);
		mode_idt64[v] = idt_gate((uintptr_t)mode_stubs64 + v * STUB_BYTES, KERNEL_CS,
					 SYS_TYPE_INTERRUPT_GATE, 3, MODE_IST);
	}
}

#define CODE16(dpl)                                                                                \
	DESC_ATTRIBUTES(SEG_TYPE_CODE | SEG_TYPE_READABLE | SEG_TYPE_ACCESSED, (dpl))
#define DATA16 DESC_ATTRIBUTES(SEG_TYPE_WRITABLE | SEG_TYPE_ACCESSED, 0u)

static void fill_gdt(void)
{
	struct desc_ptr p;

	sgdt(&p);
	memcpy(mode_gdt, (const void *)(uintptr_t)p.base, GDT_ENTRIES * sizeof(mode_gdt[0]));
	mode_gdt[MODE_CODE32 / 8] = DESC_CODE32(0u);
	mode_gdt[MODE_DATA32 / 8] = DESC_DATA(0u);
	mode_gdt[MODE_CODE16 / 8] = DESC_SEGMENT(MODE_LOW, 0xffffu, CODE16(0u));
	mode_gdt[MODE_DATA16 / 8] = DESC_SEGMENT(MODE_LOW, 0xffffu, DATA16);
	mode_gdt[MODE_USER_CODE32 / 8] = DESC_CODE32(3u);
	mode_gdt[MODE_USER_DATA / 8] = DESC_DATA(3u);
	mode_gdt[MODE_USER_CODE16 / 8] = DESC_SEGMENT(MODE_LOW, 0xffffu, CODE16(3u));
	mode_gdt[MODE_REAL_CODE / 8] = DESC_SEGMENT(MODE_REAL_PAGE, 0xffffu, CODE16(0u));
	mode_gdt[MODE_REAL_DATA / 8] = DESC_SEGMENT(0u, 0xffffu, DATA16);
	mode_gdt[MODE_TSS32 / 8] =
		DESC_SEGMENT((uintptr_t)&tss32, sizeof(tss32) - 1,
			     SYS_TYPE_TSS_AVAILABLE << DESC_TYPE_SHIFT | DESC_P);
}

static void fill_tss(void)
{
	tss32.esp0 = (uint32_t)(uintptr_t)mode_stack_top;
	tss32.ss0 = MODE_DATA32;
	tss32.iomap_base = (uint16_t)offsetof(__typeof__(tss32), iomap);
	tss32.iomap[8192] = 0xff;
	this_cpu()->tss.ist[MODE_IST - 1] = (uintptr_t)trap_stack + sizeof(trap_stack);
}

static void fill_paging(void)
{
	for (uint32_t i = 0; i < 1024; i++)
		directory32[i] = i << 22 | (uint32_t)(PTE_P | PTE_RW | PTE_US | PTE_PS);
	for (uint32_t i = 0; i < 2048; i++)
		directory_pae[i / 512][i % 512] =
			(uint64_t)i << 21 | PTE_P | PTE_RW | PTE_US | PTE_PS;
}

/**
 * Anew before each use: QEMU's TCG sets their bit 5 as the accessed bit, which they don't have (SDM table 4-8). It is
 * reserved, and who checks that when they are loaded (CPUs with VT-x, KVM) answers with #GP.
 */
static void fill_pdpt(void)
{
	for (uint32_t i = 0; i < 4; i++)
		pdpt_pae[i] = (uintptr_t)directory_pae[i] | PTE_P;
}

static void fill_real_mode(void)
{
	volatile uint32_t *const ivt = (volatile uint32_t *)MODE_IVT;

	memcpy((void *)MODE_REAL_PAGE, real_start, (size_t)(real_end - real_start));
	__asm__ volatile("" : : : "memory");
	for (uint32_t v = 0; v < 256; v++)
		ivt[v] = (uint32_t)MODE_REAL_SEG << 16 | (uint32_t)(real_stubs - real_start + 4 * v);
}

/* Low memory can be run, written, and used in ring 3. */
static void open_low_memory(void)
{
	for (uint64_t la = MODE_LOW; la < 2 * MODE_LOW; la += SIZE_4K)
		paging_protect(paging_kernel_root(), la, PTE_RW | PTE_US);
}

void mode_init(void)
{
	fill_gdt();
	fill_idts();
	fill_tss();
	fill_paging();
	fill_real_mode();
	open_low_memory();
}

/* ------------------------------------------------------------------------------------- preparation */

/** What a mode is made of. Selectors of flat segments hold for DS, ES, SS. */
static const struct {
	uint8_t bits, kind;
	uint32_t cs, data;
	uint64_t cr0, cr4;
	const void *root;
	uint64_t rflags;
} modes[MODES] = {
	[MODE_64] = {64, MODE_KIND_LONG, KERNEL_CS, KERNEL_DS, 0, 0, NULL, 0},
	[MODE_64_USER] = {64, MODE_KIND_LONG, USER_CS, USER_DS, 0, 0, NULL, 0},
	[MODE_COMPAT32] = {32, MODE_KIND_LONG, MODE_USER_CODE32, MODE_USER_DATA, 0, 0, NULL, 0},
	[MODE_COMPAT16] = {16, MODE_KIND_LONG, MODE_USER_CODE16, MODE_USER_DATA, 0, 0, NULL, 0},
	[MODE_PROT32] = {32, MODE_KIND_PROT, MODE_CODE32, MODE_DATA32, 0, 0, NULL, 0},
	[MODE_PROT16] = {16, MODE_KIND_PROT, MODE_CODE16, MODE_DATA16, 0, 0, NULL, 0},
	[MODE_PAGED32] = {32, MODE_KIND_PROT, MODE_CODE32, MODE_DATA32, CR0_PG, CR4_PSE,
			  directory32, 0},
	[MODE_PAGED32_USER] = {32, MODE_KIND_PROT, MODE_USER_CODE32, MODE_USER_DATA, CR0_PG, CR4_PSE,
			       directory32, 0},
	[MODE_PAE32] = {32, MODE_KIND_PROT, MODE_CODE32, MODE_DATA32, CR0_PG, CR4_PAE, pdpt_pae, 0},
	[MODE_PAE32_USER] = {32, MODE_KIND_PROT, MODE_USER_CODE32, MODE_USER_DATA, CR0_PG, CR4_PAE,
			     pdpt_pae, 0},
	[MODE_VM86] = {16, MODE_KIND_PROT, MODE_LOW_SEG, MODE_LOW_SEG, CR0_PG, CR4_PSE, directory32,
		       RFLAGS_VM | RFLAGS_IOPL},
	[MODE_REAL] = {16, MODE_KIND_REAL, MODE_LOW_SEG, MODE_LOW_SEG, 0, 0, NULL, 0},
	[MODE_BIG_REAL] = {16, MODE_KIND_BIG_REAL, MODE_LOW_SEG, MODE_LOW_SEG, 0, 0, NULL, 0},
};

unsigned mode_bits(enum mode mode)
{
	return modes[mode].bits;
}

static void prepare_control(struct mode_job *job, enum mode mode)
{
	if (modes[mode].kind == MODE_KIND_LONG) {
		job->cr0 = read_cr0();
		job->cr3 = read_cr3();
		job->cr4 = read_cr4();
		job->efer = rdmsr(IA32_EFER);
		return;
	}
	job->cr0 = CR0_PE | CR0_ET | CR0_NE | modes[mode].cr0;
	job->cr3 = (uintptr_t)modes[mode].root;
	job->cr4 = modes[mode].cr4 | CR4_OSFXSR | (read_cr4() & CR4_MCE);
	job->efer = 0;
}

void mode_prepare(struct mode_job *job, enum mode mode, uint64_t linear)
{
	const bool low = modes[mode].bits == 16;

	memset(job, 0, sizeof(*job));
	fill_pdpt();
	job->kind = modes[mode].kind;
	prepare_control(job, mode);
	job->cs = modes[mode].cs;
	job->ss = job->ds = job->es = job->fs = job->gs = modes[mode].data;
	job->rip = low ? linear - MODE_LOW : linear;
	/* flat data segments in 16-bit code of long mode: the stack pointer is an address */
	job->gpr[RSP] = STACK_LOW + (low && mode != MODE_COMPAT16 ? 0 : MODE_LOW);
	job->rflags = RFLAGS_FIXED1 | modes[mode].rflags;
}

uint64_t mode_code(const void *bytes, size_t size)
{
	static const uint8_t done[] = {0xcd, MODE_DONE};
	uint8_t *const at = (uint8_t *)CODE_AT;

	if (size + sizeof(done) > CODE_BYTES)
		panic("%lu bytes of code", size);
	memset(at, 0xcc, CODE_BYTES);
	memcpy(at, bytes, size);
	memcpy(at + size, done, sizeof(done));
	return CODE_AT;
}

static void reload_task_register(void)
{
	uint64_t *const gdt = this_cpu()->gdt;

	gdt[TSS_SELECTOR >> 3] &= ~(X86_U64(2) << 40); /* available, not busy */
	ltr(TSS_SELECTOR);
}

void mode_run(struct mode_job *job)
{
	const uint64_t fs = rdmsr(IA32_FS_BASE), gs = rdmsr(IA32_GS_BASE);

	mode_enter(job);
	reload_task_register();
	wrmsr(IA32_FS_BASE, fs);
	wrmsr(IA32_GS_BASE, gs);
}
