/* SPDX-License-Identifier: BSD-2-Clause */
/* Does the forbidden thing that the argument names. Returns only if it could. */
#include "guests/dummy/user/faults.h"
#include "guests/dummy/user/sys.h"

static const uint64_t constant = 5;

static void write_to(uintptr_t address)
{
	*(volatile uint64_t *)address = 1;
}

/* Writes below the stack pointer, page after page, until the stack ends. */
static void overflow_stack(void)
{
	volatile uint8_t here;
	uintptr_t at = (uintptr_t)&here;

	for (unsigned i = 0; i < 64; i++)
		write_to((at - i * 4096) & ~(uintptr_t)7);
}

int64_t main(uint64_t fault, uint64_t b, uint64_t c)
{
	(void)b;
	(void)c;
	switch ((enum user_fault)fault) {
	case FAULT_DIVIDE: __asm__ volatile("div %0" : : "r"(0), "a"(1), "d"(0)); break;
	case FAULT_INVALID_OPCODE: __asm__ volatile("ud2"); break;
	case FAULT_PRIVILEGED: __asm__ volatile("cli"); break;
	case FAULT_READ_KERNEL: (void)*(volatile uint64_t *)0x100000; break;
	case FAULT_WRITE_TEXT: write_to((uintptr_t)main); break;
	case FAULT_WRITE_CONSTANT: write_to((uintptr_t)&constant); break;
	case FAULT_STACK_OVERFLOW: overflow_stack(); break;
	case FAULT_BREAKPOINT: __asm__ volatile("int3"); break;
	case FAULT_SINGLE_STEP:
		__asm__ volatile("pushfq; orq $0x100, (%%rsp); popfq; nop" : : : "cc", "memory");
		break;
	case FAULT_NON_CANONICAL: write_to(UINT64_C(1) << 63); break;
	}
	return 0;
}
