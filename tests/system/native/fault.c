/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Does what its argument string says, each a thing that no program may do: the kernel must end this
 * partition with a message, and no other.
 * @verifies KRN-040
 */
#include "kernel/layout.h"
#include "lib/hypike/program.h"
#include "lib/string.h"
#include "tests/system/native/check.h"

static void ud(void)
{
	__asm__ volatile("ud2");
}

static void int3(void)
{
	__asm__ volatile("int3");
}

static void de(void)
{
	__asm__ volatile("div %0" : : "r"(UINT64_C(0)), "a"(UINT64_C(1)), "d"(UINT64_C(0)));
}

static void cli(void)
{
	__asm__ volatile("cli");
}

static void hlt(void)
{
	__asm__ volatile("hlt");
}

static void in(void)
{
	__asm__ volatile("inb $0x80, %%al" : : : "rax");
}

static void rdmsr(void)
{
	__asm__ volatile("rdmsr" : : "c"(0x1b) : "rax", "rdx");
}

static void mov_cr3(void)
{
	__asm__ volatile("mov %%cr3, %%rax" : : : "rax");
}

static void mov_dr7(void)
{
	__asm__ volatile("mov %0, %%dr7" : : "r"(UINT64_C(0x401)));
}

static void lgdt(void)
{
	static const char pointer[10];

	__asm__ volatile("lgdt %0" : : "m"(pointer));
}

static void swapgs(void)
{
	__asm__ volatile("swapgs");
}

static void int_timer(void)
{
	__asm__ volatile("int $0xf0");
}

static void sysret(void)
{
	__asm__ volatile("sysretq");
}

static void read_at(uint64_t address)
{
	*(volatile const char *)address;
}

static void null(void)
{
	read_at(0);
}

static void read_kernel(void)
{
	read_at(KERNEL_BASE + LOAD_PHYS);
}

static void read_direct_map(void)
{
	read_at(DIRECT_MAP + LOAD_PHYS);
}

static void read_stack_area(void)
{
	read_at(STACK_AREA + STACK_SLOT - 8);
}

static void read_hole(void)
{
	read_at(USER_FILES + 0x10000000);
}

static void noncanonical(void)
{
	read_at(UINT64_C(0x800000000000));
}

static void write_text(void)
{
	*(volatile char *)(uintptr_t)write_text = 1;
}

static void write_rodata(void)
{
	static const char constant[] = "x";

	*(volatile char *)(uintptr_t)constant = 1;
}

static void write_info(void)
{
	*(volatile char *)(uintptr_t)hypike_info() = 1;
}

static void write_file(void)
{
	*(volatile char *)(uintptr_t)hypike_info()->file[0].data = 1;
}

static unsigned char code[] = {0xc3};

static void exec_data(void)
{
	((void (*)(void))(uintptr_t)code)();
}

static void exec_stack(void)
{
	volatile unsigned char on_stack[] = {0xc3};

	((void (*)(void))(uintptr_t)on_stack)();
}

static void exec_ram(void)
{
	*(unsigned char *)hypike_info()->ram = 0xc3;
	((void (*)(void))(uintptr_t)hypike_info()->ram)();
}

static void exec_kernel(void)
{
	((void (*)(void))(KERNEL_BASE + LOAD_PHYS + 0x1000))();
}

static void eat_stack(void)
{
	__asm__ volatile("1: pushq $0; jmp 1b");
}

static void selector(uint16_t value)
{
	__asm__ volatile("mov %0, %%fs" : : "r"(value));
}

static void beyond_gdt(void)
{
	selector(0x1003);
}

static void kernel_segment(void)
{
	selector(SEL_KERNEL_DATA);
}

static void far_jump(void)
{
	static const struct {
		uint32_t offset;
		uint16_t selector;
	} __attribute__((packed)) target = {0x100000, SEL_KERNEL_CODE};

	__asm__ volatile("ljmp *%0" : : "m"(target));
}

static void single_step(void)
{
	__asm__ volatile("pushfq; orl $0x100, (%%rsp); popfq; nop" : : : "memory");
}

/* Unmask the zero-divide exception of the x87, and raise it. */
static void x87(void)
{
	static const uint16_t control = 0x37b;

	__asm__ volatile("fninit; fldcw %0; fld1; fldz; fdivrp; fwait" : : "m"(control));
}

static const struct {
	const char *name;
	void (*act)(void);
} acts[] = {
	{"ud", ud},
	{"int3", int3},
	{"de", de},
	{"cli", cli},
	{"hlt", hlt},
	{"in", in},
	{"rdmsr", rdmsr},
	{"mov-cr3", mov_cr3},
	{"mov-dr7", mov_dr7},
	{"lgdt", lgdt},
	{"swapgs", swapgs},
	{"int-timer", int_timer},
	{"sysret", sysret},
	{"null", null},
	{"read-kernel", read_kernel},
	{"read-direct-map", read_direct_map},
	{"read-stack-area", read_stack_area},
	{"read-hole", read_hole},
	{"noncanonical", noncanonical},
	{"write-text", write_text},
	{"write-rodata", write_rodata},
	{"write-info", write_info},
	{"write-file", write_file},
	{"exec-data", exec_data},
	{"exec-stack", exec_stack},
	{"exec-ram", exec_ram},
	{"exec-kernel", exec_kernel},
	{"eat-stack", eat_stack},
	{"beyond-gdt", beyond_gdt},
	{"kernel-segment", kernel_segment},
	{"far-jump", far_jump},
	{"single-step", single_step},
	{"x87", x87},
};

int main(void)
{
	for (unsigned int i = 0; i < sizeof(acts) / sizeof(acts[0]); i++)
		if (strcmp(acts[i].name, hypike_info()->args) == 0)
			acts[i].act();
	say("came through\n");
	return 99;
}
