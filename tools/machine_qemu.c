/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * QEMU's instruction emulator with AMD-V. It is a Multiboot 1 loader by itself.
 */
#include "tools/machine.h"

#include <string.h>

/* QEMU splits both lists at commas; a doubled one stands for itself. */
static char *commas_doubled(const char *text)
{
	char *result = memory_new(2 * strlen(text) + 1);
	char *at = result;

	for (; *text != '\0'; text++) {
		if (*text == ',')
			*at++ = ',';
		*at++ = *text;
	}
	return result;
}

static void add_modules(const struct machine_request *request, struct strings *argv)
{
	char *list = string_copy("");

	for (size_t i = 0; i < request->module_count; i++) {
		const struct machine_module *module = &request->modules[i];

		list = string_format("%s%s%s%s%s", list, i ? "," : "",
				     commas_doubled(module->path), module->args[0] ? " " : "",
				     commas_doubled(module->args));
	}
	strings_add(argv, "-initrd");
	strings_add(argv, "%s", list);
}

static void add_words(struct strings *argv, const char *const *words)
{
	for (; *words != NULL; words++)
		strings_add(argv, "%s", *words);
}

static bool qemu_prepare(const struct machine *machine, const struct machine_request *request,
			 struct strings *argv)
{
	static const char *const fixed[] = {
		"qemu-system-x86_64", "-accel", "tcg", "-display", "none", "-nodefaults",
		"-no-user-config", "-no-reboot", "-device", "isa-debug-exit,iobase=0xf4,iosize=4",
		NULL,
	};

	add_words(argv, fixed);
	strings_add(argv, "-cpu");
	strings_add(argv, "%s", request->cpu_model ? request->cpu_model : machine->cpu_model);
	strings_add(argv, "-smp");
	strings_add(argv, "%u", request->cpus);
	strings_add(argv, "-m");
	strings_add(argv, "%lluM", (unsigned long long)(request->memory >> 20));
	if (request->icount)
		add_words(argv, (const char *const[]){"-icount", "shift=0,sleep=off", NULL});
	strings_add(argv, "-serial");
	strings_add(argv, "%s", request->serial);
	strings_add(argv, "-kernel");
	strings_add(argv, "%s", request->kernel);
	if (request->append[0] != '\0') {
		strings_add(argv, "-append");
		strings_add(argv, "%s", request->append);
	}
	if (request->module_count > 0)
		add_modules(request, argv);
	return true;
}

/* isa-debug-exit ends QEMU with (value << 1) | 1; QEMU's own failures are 1 too. */
static int qemu_debug_exit(int exit_status)
{
	return (exit_status & 1) ? exit_status >> 1 : -1;
}

const struct machine machine_qemu = {
	.name = "qemu",
	.what = "QEMU's emulated AMD-V",
	.cpu_model = "max",
	.package = "qemu-system-x86",
	.prepare = qemu_prepare,
	.debug_exit = qemu_debug_exit,
};
