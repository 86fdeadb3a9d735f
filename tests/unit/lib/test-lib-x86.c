/* SPDX-License-Identifier: BSD-2-Clause */
/* Descriptor constructors and address helpers against values worked out from the manual. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/x86/apic.h"
#include "lib/x86/desc.h"
#include "lib/x86/paging.h"

static void segments(void **state)
{
	(void)state;
	assert_int_equal(DESC_CODE64(0u), 0x00af9b000000ffff);
	assert_int_equal(DESC_CODE64(3u), 0x00affb000000ffff);
	assert_int_equal(DESC_CODE32(3u), 0x00cffb000000ffff);
	assert_int_equal(DESC_DATA(0u), 0x00cf93000000ffff);
	assert_int_equal(DESC_DATA(3u), 0x00cff3000000ffff);
	assert_int_equal(DESC_SEGMENT(0x12345678u, 0xabcdeu, 0u), 0x120a00345678bcde);
}

static void task_state_segment(void **state)
{
	struct desc128 d = desc_tss64((const struct tss64 *)0xffff812345678000, 0x67);

	(void)state;
	assert_int_equal(d.low, 0x4500896780000067);
	assert_int_equal(d.high, 0xffff8123);
}

static void gates(void **state)
{
	struct idt_gate g = idt_gate(0xffff812345678abc, 8, SYS_TYPE_INTERRUPT_GATE, 3, 2);

	(void)state;
	assert_int_equal(g.offset_15_0, 0x8abc);
	assert_int_equal(g.offset_31_16, 0x4567);
	assert_int_equal(g.offset_63_32, 0xffff8123);
	assert_int_equal(g.selector, 8);
	assert_int_equal(g.ist, 2);
	assert_int_equal(g.type_attr, 0xee);
}

static void canonical_addresses(void **state)
{
	(void)state;
	assert_true(la48_is_canonical(0));
	assert_true(la48_is_canonical(0x00007fffffffffff));
	assert_false(la48_is_canonical(0x0000800000000000));
	assert_false(la48_is_canonical(0xffff7fffffffffff));
	assert_true(la48_is_canonical(0xffff800000000000));
	assert_true(la48_is_canonical(UINT64_MAX));
}

static void table_indices(void **state)
{
	(void)state;
	assert_int_equal(PTE_INDEX(0xffff812345678abcull, 4), 0x102);
	assert_int_equal(PTE_INDEX(0xffff812345678abcull, 3), 0x08d);
	assert_int_equal(PTE_INDEX(0xffff812345678abcull, 2), 0x02b);
	assert_int_equal(PTE_INDEX(0xffff812345678abcull, 1), 0x078);
	assert_int_equal(PTE32_INDEX(0x12345678u, 2), 0x048);
	assert_int_equal(PTE32_INDEX(0x12345678u, 1), 0x345);
	assert_int_equal(X2APIC_MSR(APIC_EOI), 0x80b);
	assert_int_equal(X2APIC_MSR(APIC_SELF_IPI), 0x83f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(segments),	       cmocka_unit_test(task_state_segment),
		cmocka_unit_test(gates),	       cmocka_unit_test(canonical_addresses),
		cmocka_unit_test(table_indices),
	};

	return cmocka_run_group_tests_name("lib-x86", tests, NULL, NULL);
}
