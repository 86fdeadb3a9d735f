/* SPDX-License-Identifier: BSD-2-Clause */
/* Acts that end the machine: the VMM's status says how, and nobody else notices. */
#include "guests/attack/act.h"
#include "guests/attack/machine.h"

#include "lib/string.h"

#define HOLE	  X86_U64(0xd0000000)
#define APIC_PAGE X86_U64(0xfee00000)

static void load_idt(uint64_t base, uint16_t limit)
{
	const struct desc_ptr p = {limit, base};

	lidt(&p);
}

static void lose_idt(uint64_t arg)
{
	(void)arg;
	load_idt(0, 0);
	__asm__ volatile("ud2");
}

/* The IDT is read from where nothing is, or what is read there makes no gate. */
static void idt_at(uint64_t base)
{
	load_idt(base, 0xfff);
	__asm__ volatile("ud2");
}

static void idt_then_int(uint64_t base)
{
	load_idt(base, 0xfff);
	__asm__ volatile("int $0x40");
}

/* The double fault's IST stack isn't there either. */
static void lose_stacks(uint64_t rsp)
{
	struct tss64 *const tss = &this_cpu()->tss;

	for (unsigned i = 0; i < 7; i++)
		tss->ist[i] = rsp;
	__asm__ volatile("mov %0, %%rsp; ud2" : : "r"(rsp) : "memory");
}

/* All of the kernel's gates need a code segment that isn't there any more. */
static void lose_gdt(uint64_t base)
{
	const struct desc_ptr p = {base == 0 ? 0 : 0xffff, base};

	lgdt(&p);
	__asm__ volatile("int3");
}

static void cr3_at(uint64_t base)
{
	write_cr3(base);
}

/* An entry of the tables in use leads to where nothing is; then the TLB is emptied. */
static void table_at(uint64_t base)
{
	uint64_t *const pml4 = (uint64_t *)paging_kernel_root();

	pml4[0] = base | PTE_P | PTE_RW | PTE_US;
	write_cr3(paging_kernel_root());
}

static void clear_tables(uint64_t arg)
{
	(void)arg;
	memset((void *)paging_kernel_root(), 0, PAGE_SIZE);
	write_cr3(paging_kernel_root());
}

/* The tables are in ROM: the CPU can't set accessed bits there. */
static void tables_in_rom(uint64_t arg)
{
	(void)arg;
	write_cr3(0xf0000);
}

static void xapic(void)
{
	const uint64_t base = rdmsr(IA32_APIC_BASE) & ~(APIC_BASE_EXTD | APIC_BASE_EN);

	wrmsr(IA32_APIC_BASE, base);
	wrmsr(IA32_APIC_BASE, base | APIC_BASE_EN);
}

static void cr3_in_apic(uint64_t arg)
{
	(void)arg;
	xapic();
	write_cr3(APIC_PAGE);
}

static void idt_in_apic(uint64_t arg)
{
	(void)arg;
	xapic();
	idt_at(APIC_PAGE);
}

static void stack_in_apic(uint64_t arg)
{
	(void)arg;
	xapic();
	lose_stacks(APIC_PAGE + 0x800);
}

/* Beyond the physical address width: #GP on hardware. QEMU's TCG takes it and then refuses VMRUN. */
static void huge_cr3(uint64_t bits)
{
	write_cr3(paging_kernel_root() | bits);
}

static void hlt_forever(uint64_t arg)
{
	(void)arg;
	for (;;)
		hlt();
}

static void out_byte(uint64_t port_value)
{
	outb((uint16_t)(port_value >> 8), (uint8_t)port_value);
}

/** INIT by the I/O APIC, from an input that is active in one of its polarities: the last CPU waits for a
 *  start-up message that nobody sends. */
static void init_message(uint64_t arg)
{
	(void)arg;
	for (unsigned i = 0; i < 48; i++) {
		*(volatile uint32_t *)(uintptr_t)0xfec00000 = 0x10 + 2 * (i / 2);
		*(volatile uint32_t *)(uintptr_t)0xfec00010 = 0x500 | (i & 1 ? 0x2000 : 0);
	}
	outb(0x43, 0x34); /* the PIT's edges */
	outb(0x40, 100);
	outb(0x40, 0);
	for (;;) /* a CPU that halts with interrupts off would be the end before INIT comes */
		cpu_pause();
}

/** ACPI: PM1 control, SLP_EN with the sleep type of S5. */
static void soft_off(uint64_t arg)
{
	(void)arg;
	outw(0x604, 0x2000 | 5 << 10);
}

/* 82371AB: the processor is reset when bit 2 rises; PS/2: bit 0 of port 92h; 8042: command FEh. */
#define OUT_BYTE(port, value) ((port) << 8 | (value))

const struct ending endings[] = {
	{"triple-idt", "triple fault: IDT limit 0", lose_idt, 0},
	{"triple-idt-hole", "IDT where nothing is", idt_at, HOLE},
	{"triple-int-hole", "INT with the IDT where nothing is", idt_then_int, HOLE},
	{"triple-idt-huge", "IDT not mapped", idt_at, X86_U64(0x700000000000)},
	{"triple-idt-rom", "IDT in ROM, all zeros", idt_at, 0xf0000},
	{"triple-idt-apic", "IDT in the local APIC", idt_in_apic, 0},
	{"triple-stack-hole", "all stacks where nothing is", lose_stacks, HOLE + 0x800},
	{"triple-stack-unmapped", "all stacks not mapped", lose_stacks, X86_U64(0x700000000000)},
	{"triple-stack-rom", "all stacks in ROM", lose_stacks, 0xf8000},
	{"triple-stack-apic", "all stacks in the local APIC", stack_in_apic, 0},
	{"triple-gdt", "INT3 with GDT limit 0", lose_gdt, 0},
	{"triple-gdt-hole", "INT3 with the GDT where nothing is", lose_gdt, HOLE},
	{"triple-gdt-unmapped", "INT3 with the GDT not mapped", lose_gdt, X86_U64(0x700000000000)},
	{"triple-cr3-hole", "page tables where nothing is", cr3_at, HOLE},
	{"triple-cr3-far", "page tables at 64 GiB", cr3_at, X86_U64(0x1000000000)},
	{"triple-cr3-apic", "page tables in the local APIC", cr3_in_apic, 0},
	{"triple-cr3-rom", "page tables in ROM", tables_in_rom, 0},
	{"triple-table-hole", "a PML4 entry to where nothing is", table_at, HOLE},
	{"triple-table-far", "a PML4 entry to 64 GiB", table_at, X86_U64(0x1000000000)},
	{"triple-table-cleared", "all page tables cleared", clear_tables, 0},
	{"cr3-huge", "CR3 with bit 51 set", huge_cr3, X86_U64(1) << 51},
	{"halt", "HLT with interrupts off", hlt_forever, 0},
	{"reset-cf9", "reset by port CF9h", out_byte, OUT_BYTE(0xcf9, 6)},
	{"reset-92", "reset by port 92h", out_byte, OUT_BYTE(0x92, 1)},
	{"init", "INIT by the I/O APIC", init_message, 0},
	{"soft-off", "switched off by ACPI", soft_off, 0},
	{"reset-kbc", "reset by the keyboard controller", out_byte, OUT_BYTE(0x64, 0xfe)},
	{NULL, NULL, NULL, 0},
};
