/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest that drives every kind of exit and every register of machine pc, step by step, and says what came of
 * it. Its output goes through the debug console by one string instruction a line, which isn't traced.
 *
 * @req CNF-001 The same guest sees the same values and causes the same exits on AMD-V, VT-x and KVM, but for the
 *              differences that docs/conformance.md lists with their reasons.
 */
#include "guests/conform/conform.h"

#include <stdarg.h>

#include "guests/attack/machine.h"
#include "guests/attack/modes.h"
#include "lib/printf.h"
#include "lib/string.h"

#define DEBUG_CONSOLE 0xe9
#define LINE	      1024u

static char line[LINE];
static size_t length;

__attribute__((format(printf, 1, 0))) static void add(const char *format, va_list ap)
{
	const int n = lib_vsnprintf(line + length, LINE - 1 - length, format, ap);

	length += (size_t)n;
	if (length > LINE - 2)
		length = LINE - 2;
}

__attribute__((format(printf, 1, 2))) static void put(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	add(format, ap);
	va_end(ap);
}

void step(const char *name, ...)
{
	va_list ap;

	length = 0;
	put("step ");
	va_start(ap, name);
	add(name, ap);
	va_end(ap);
	put(" =");
}

void value(const char *format, ...)
{
	va_list ap;

	put(" ");
	va_start(ap, format);
	add(format, ap);
	va_end(ap);
}

void step_end(void)
{
	const char *from = line;
	size_t count;

	line[length++] = '\n';
	count = length;
	__asm__ volatile("rep outsb" : "+S"(from), "+c"(count) : "d"(DEBUG_CONSOLE) : "memory");
}

void value_fault(uint64_t vector, uint64_t error, uint64_t cr2)
{
	if (vector == X86_PF)
		value("#%lu:%lx@%lx", vector, error, cr2);
	else if (vector < 32 && (X86_ERROR_CODE_VECTORS >> vector & 1) != 0)
		value("#%lu:%lx", vector, error);
	else
		value("#%lu", vector);
}

bool value_try(void (*fn)(uint64_t arg), uint64_t arg)
{
	struct fault fault = {0};

	if (!try_call(fn, arg, &fault))
		return true;
	value_fault(fault.vector, fault.error, fault.cr2);
	return false;
}

static const struct {
	const char *name;
	void (*run)(void);
} parts[] = {
	{"ports", conform_ports},	  {"pci", conform_pci},	    {"memory", conform_memory},
	{"registers", conform_registers}, {"control", conform_control}, {"modes", conform_modes},
	{"board", conform_board},
};
#define PARTS (sizeof(parts) / sizeof(parts[0]))

/** @return whether the list has the word: names are apart by commas, and none is in another. */
static bool has(const char *list, const char *name)
{
	const size_t size = strlen(name);

	for (; *list != '\0'; list++)
		if (strncmp(list, name, size) == 0)
			return true;
	return false;
}

/** All of them, or with part=NAME,NAME on the command line those. */
void guest_main(const struct boot_info *boot)
{
	char text[64];
	const char *const name = cmdline_value("part", text, sizeof(text));

	(void)boot;
	machine_init();
	mode_init();
	for (size_t i = 0; i < PARTS; i++) {
		if (name != NULL && !has(name, parts[i].name))
			continue;
		parts[i].run();
		machine_restore();
	}
	step("end");
	value("%u", machine_healthy());
	step_end();
}
