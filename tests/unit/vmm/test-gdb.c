/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The debugger: packets, and what they do to a VM whose vCPU is parked.
 *
 * @verifies GDB-001 GDB-002 GDB-003 GDB-004 GDB-012 GDB-020 GDB-021 GDB-022 GDB-030
 */
#include "tests/unit/vmm/bench.h"

#include <stdio.h>
#include <string.h>

#include "lib/x86/regs.h"
#include "vmm/options.h"
#include "vmm/vm.h"

static struct vm vm;
static struct options options;

/* ---------------------------------------------------------------------------------------- packets */

static enum packet_event take(struct packet *packet, const char *text)
{
	enum packet_event event = PACKET_NOTHING;

	for (; *text != '\0'; text++)
		event = packet_take(packet, (uint8_t)*text);
	return event;
}

static void packets_come_whole(void **state)
{
	static struct packet packet;

	(void)state;
	assert_int_equal(take(&packet, "+$OK#9a"), PACKET_WHOLE);
	assert_string_equal(packet.text, "OK");
	assert_int_equal(take(&packet, "$OK#9b"), PACKET_DAMAGED);
	assert_int_equal(take(&packet, "$OK#zz"), PACKET_DAMAGED);
	assert_int_equal(take(&packet, "\x03"), PACKET_INTERRUPT);
	assert_int_equal(take(&packet, "-"), PACKET_AGAIN);
	/* One that was cut off is forgotten at the next. */
	assert_int_equal(take(&packet, "$abc$OK#9a"), PACKET_WHOLE);
	assert_string_equal(packet.text, "OK");
	/* } and the next byte's bit 5 turned: '#'. */
	assert_int_equal(take(&packet, "$}\x03#80"), PACKET_WHOLE);
	assert_string_equal(packet.text, "#");
}

static void packets_have_a_size(void **state)
{
	static struct packet packet;
	uint8_t sum = 0;
	char end[4];

	(void)state;
	take(&packet, "$");
	for (unsigned int i = 0; i < 10 * PACKET_IN; i++, sum = (uint8_t)(sum + 'a'))
		assert_int_equal(packet_take(&packet, 'a'), PACKET_NOTHING);
	snprintf(end, sizeof(end), "#%02x", sum);
	assert_int_equal(take(&packet, end), PACKET_DAMAGED);
	assert_int_equal(take(&packet, "$OK#9a"), PACKET_WHOLE);
}

/* ------------------------------------------------------------------------------------------- a VM */

static struct hv_x86_regs *regs(uint32_t vcpu)
{
	return hv_x86_regs(vm.vcpu[vcpu].page);
}

static int setup(void **state)
{
	(void)state;
	mock_reset();
	assert_null(options_parse("--memory 4M --vcpus 2", &options));
	assert_int_equal(vm_create(&vm, &options), 0);
	return 0;
}

/** What a vCPU's thread does that is to stop. */
static void park_all(void)
{
	for (uint32_t i = 0; i < vm.vcpu_count; i++) {
		vm.debug.vcpu[i].inside = true;
		vm.debug.vcpu[i].fpu_size = DEBUG_FPU;
		vm.debug.vcpu[i].parked = vm.debug.vcpu[i].held;
	}
}

/** Send a packet. @return what came back, without its frame and acknowledgement */
static const char *ask(const char *text)
{
	static char answer[8192];
	char packet[4096];
	uint8_t sum = 0;

	for (const char *at = text; *at != '\0'; at++)
		sum = (uint8_t)(sum + (uint8_t)*at);
	snprintf(packet, sizeof(packet), "$%s#%02x", text, sum);
	mock_debug_out_length = 0;
	mock_debug_out[0] = '\0';
	mock_debug_send(packet, strlen(packet));
	platform_mutex_lock(&vm.lock);
	debug_serve(&vm, true);
	park_all();
	debug_serve(&vm, false);
	platform_mutex_unlock(&vm.lock);
	const char *begin = strchr(mock_debug_out, '$'), *end = strrchr(mock_debug_out, '#');
	if (!begin || !end)
		return "";
	snprintf(answer, sizeof(answer), "%.*s", (int)(end - begin - 1), begin + 1);
	return answer;
}

static void the_first_packet_stops_it(void **state)
{
	(void)state;
	assert_false(debug_attached(&vm));
	assert_string_equal(ask("?"), "T05thread:1;");
	assert_true(debug_attached(&vm));
	assert_int_equal(vm.debug.state, DEBUG_STOPPED);
	assert_true(vm.vcpu[0].attention & VCPU_DEBUG);
}

static void threads_are_vcpus(void **state)
{
	(void)state;
	assert_string_equal(ask("qfThreadInfo"), "m1,2");
	assert_string_equal(ask("qsThreadInfo"), "l");
	assert_string_equal(ask("T2"), "OK");
	assert_string_equal(ask("T3"), "E16");
	assert_string_equal(ask("Hg2"), "OK");
	assert_string_equal(ask("qC"), "QC2");
	assert_non_null(strstr(ask("qXfer:threads:read::0,1000"), "<thread id=\"2\" name=\"vCPU 1\">"));
}

static void nonsense_changes_nothing(void **state)
{
	static const char *const packets[] = {
		"P0", "P0=12", "Pfff=00", "p", "pffff", "m", "m1000", "m1000,", "M1000,4:00", "X1000,4:1",
		"Z0", "Z0,1000", "Hx1", "Hg99", "G00", "qXfer:features:read:other.xml:0,10",
		"qRcmd,0", "vCont", "vCont;x", "vCont;c:77", "c1000", "mffffffffffffffff1,1",
	};

	(void)state;
	ask("?");
	for (size_t i = 0; i < sizeof(packets) / sizeof(packets[0]); i++)
		assert_int_equal(ask(packets[i])[0], 'E');
	assert_string_equal(ask("vMustReplyEmpty"), "");
	assert_string_equal(ask("Z7,0,1"), "E16");
	assert_int_equal(vm.debug.state, DEBUG_STOPPED);
	assert_int_equal(vm.vcpu[0].page->dirty, 0);
}

static void registers_by_number(void **state)
{
	char all[32];

	(void)state;
	ask("?");
	regs(0)->gpr[HV_RBX] = 0x1122334455667788;
	assert_string_equal(ask("p1"), "8877665544332211");
	assert_string_equal(ask("P1=0100000000000080"), "OK");
	assert_int_equal(regs(0)->gpr[HV_RBX], 0x8000000000000001);
	assert_int_equal(vm.vcpu[0].page->dirty, HV_X86_REGS_GPR);
	memcpy(all, ask("g") + 16, 16);
	assert_memory_equal(all, "0100000000000080", 16);
	assert_int_equal(strlen(ask("g")), 2 * (16 * 8 + 8 + 4 + 6 * 4));
	/* One that waits goes on where it is sent. */
	regs(0)->activity = HV_ACTIVITY_HALT;
	assert_string_equal(ask("P10=0010000000000000"), "OK");
	assert_int_equal(regs(0)->activity, HV_ACTIVITY_RUN);
}

static void the_description_names_all(void **state)
{
	static const char *const names[] = {"rax", "rip", "eflags", "st7", "xmm15", "mxcsr", "fs_base",
					    "cr0", "cr4", "efer", "dr7", "idtr_limit", "lstar", "pat"};
	static char text[32768];
	size_t length = 0;
	const char *part;

	(void)state;
	do {
		char packet[64];
		snprintf(packet, sizeof(packet), "qXfer:features:read:target.xml:%zx,3f0", length);
		part = ask(packet);
		strcpy(text + length, part + 1);
		length += strlen(part + 1);
	} while (part[0] == 'm');
	assert_int_equal(part[0], 'l');
	assert_non_null(strstr(text, "</target>"));
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char name[32];
		snprintf(name, sizeof(name), "<reg name=\"%s\"", names[i]);
		assert_non_null(strstr(text, name));
	}
}

/* ----------------------------------------------------------------------------- memory, breakpoints */

static void memory_and_what_breakpoints_hide(void **state)
{
	(void)state;
	ask("?");
	memcpy(vm.ram + 0x1000, "\x55\x48\x89\xe5", 4);
	assert_string_equal(ask("m1000,4"), "554889e5");
	assert_string_equal(ask("Z0,1001,1"), "OK");
	assert_int_equal(vm.ram[0x1001], 0xcc);
	assert_int_equal(mock_exceptions, 1u << X86_BP);
	assert_string_equal(ask("m1000,4"), "554889e5");
	assert_string_equal(ask("M1000,3:909192"), "OK");
	assert_memory_equal(vm.ram + 0x1000, "\x90\xcc\x92", 3);
	assert_string_equal(ask("m1000,3"), "909192");
	assert_string_equal(ask("z0,1001,1"), "OK");
	assert_memory_equal(vm.ram + 0x1000, "\x90\x91\x92", 3);
	assert_int_equal(mock_exceptions, 0);
	/* So far and no farther. */
	assert_string_equal(ask("m3ffffe,4"), "0000");
	assert_string_equal(ask("m400000,4"), "E0e");
	assert_string_equal(ask("Z0,400000,1"), "E0e");
}

static void detaching_leaves_nothing(void **state)
{
	struct hv_x86_debug hardware;

	(void)state;
	ask("?");
	vm.ram[0x1000] = 0x55;
	ask("Z0,1000,1");
	ask("Z1,2000,1");
	ask("Z2,3000,8");
	debug_hardware(&vm.debug, &hardware);
	assert_int_equal(hardware.dr[1], 0x3000);
	assert_int_equal(hardware.dr7, DR7_G(0) | DR7_G(1) | DR7_RW(1, 1) | DR7_LEN(1, 2));
	assert_string_equal(ask("D"), "OK");
	assert_int_equal(vm.ram[0x1000], 0x55);
	assert_int_equal(mock_exceptions, 0);
	debug_hardware(&vm.debug, &hardware);
	assert_int_equal(hardware.dr7, 0);
	assert_false(debug_attached(&vm));
	assert_int_equal(vm.vcpu[0].attention & VCPU_DEBUG, 0);
	assert_int_equal(vm.vcpu[0].page->request & HV_REQUEST_STEP, 0);
	/* Said for one that has gone: nobody is stopped by it. */
	assert_string_equal(ask("D"), "");
	assert_int_equal(vm.debug.state, DEBUG_RUNNING);
}

static void there_is_an_end_of_breakpoints(void **state)
{
	char packet[32];

	(void)state;
	ask("?");
	for (unsigned int i = 0; i < DEBUG_BREAKPOINTS; i++) {
		snprintf(packet, sizeof(packet), "Z0,%x,1", 0x1000 + i);
		assert_string_equal(ask(packet), "OK");
	}
	assert_string_equal(ask("Z0,9000,1"), "E1c");
	for (unsigned int i = 0; i < DEBUG_HARDWARE; i++) {
		snprintf(packet, sizeof(packet), "Z2,%x,4", 0x1000 + 4 * i);
		assert_string_equal(ask(packet), "OK");
	}
	assert_string_equal(ask("Z1,9000,1"), "E1c");
	assert_string_equal(ask("Z2,1001,4"), "E16");
	assert_string_equal(ask("Z2,1000,10"), "E16");
}

static void paging_is_followed(void **state)
{
	uint64_t *root = (uint64_t *)(void *)(vm.ram + 0x10000);

	(void)state;
	ask("?");
	root[0] = 0x11000 | 1;
	root[0x200] = 0x12000 | 1;	  /* level 3: */
	root[0x400 + 1] = 0x200000 | 0x81; /* level 2: 2 MiB at 2 MiB, and 4 KiB by a table */
	root[0x400] = 0x13000 | 1;
	root[0x600 + 5] = 0x3000 | 1; /* level 1 */
	regs(0)->cr0 = CR0_PE | CR0_PG;
	regs(0)->cr3 = 0x10000;
	regs(0)->cr4 = CR4_PAE;
	regs(0)->efer = EFER_LME | EFER_LMA;
	vm.ram[0x3007] = 0xab;
	vm.ram[0x212345] = 0xcd;
	assert_string_equal(ask("m5007,1"), "ab");
	assert_string_equal(ask("m212345,1"), "cd");
	assert_string_equal(ask("m6000,1"), "E0e");
	assert_string_equal(ask("m800000005007,1"), "E0e"); /* not canonical */
	regs(0)->efer = 0; /* PAE: the root has what level 3 had */
	regs(0)->cr3 = 0x11000;
	assert_string_equal(ask("m5007,1"), "ab");
	regs(0)->cr0 = CR0_PE;
	assert_string_equal(ask("m3007,1"), "ab");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packets_come_whole),
		cmocka_unit_test(packets_have_a_size),
		cmocka_unit_test_setup(the_first_packet_stops_it, setup),
		cmocka_unit_test_setup(threads_are_vcpus, setup),
		cmocka_unit_test_setup(nonsense_changes_nothing, setup),
		cmocka_unit_test_setup(registers_by_number, setup),
		cmocka_unit_test_setup(the_description_names_all, setup),
		cmocka_unit_test_setup(memory_and_what_breakpoints_hide, setup),
		cmocka_unit_test_setup(detaching_leaves_nothing, setup),
		cmocka_unit_test_setup(there_is_an_end_of_breakpoints, setup),
		cmocka_unit_test_setup(paging_is_followed, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
