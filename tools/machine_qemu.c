/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * QEMU's instruction emulator with AMD-V. It is a Multiboot 1 loader by itself.
 */
#include "tools/machine.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "tools/grub.h"

#define OVMF_CODE "/usr/share/OVMF/OVMF_CODE_4M.fd"
#define OVMF_VARS "/usr/share/OVMF/OVMF_VARS_4M.fd"

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

static void add_multiboot(const struct machine_request *request, struct strings *argv)
{
	strings_add(argv, "-kernel");
	strings_add(argv, "%s", request->kernel);
	if (request->append[0] != '\0') {
		strings_add(argv, "-append");
		strings_add(argv, "%s", request->append);
	}
	if (request->module_count > 0)
		add_modules(request, argv);
}

/* The firmware's own settings go into a copy, which is thrown away. */
static bool add_uefi(const struct machine_request *request, struct strings *argv)
{
	char *settings = string_format("%s/uefi-settings", request->directory);
	struct bytes empty;

	if (access(OVMF_CODE, R_OK) != 0)
		return report("%s: %s (Debian package ovmf)", OVMF_CODE, strerror(errno));
	if (!file_read(OVMF_VARS, &empty) || !file_write(settings, empty.data, empty.size))
		return false;
	strings_add(argv, "-drive");
	strings_add(argv, "if=pflash,format=raw,readonly=on,file=" OVMF_CODE);
	strings_add(argv, "-drive");
	strings_add(argv, "if=pflash,format=raw,file=%s", commas_doubled(settings));
	return true;
}

static bool add_iso(const struct machine_request *request, struct strings *argv)
{
	strings_add(argv, "-cdrom");
	strings_add(argv, "%s/boot.iso", request->directory);
	if (request->loader == LOADER_UEFI && !add_uefi(request, argv))
		return false;
	return grub_iso_make(request, "boot.iso");
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
	if (request->icount) {
		strings_add(argv, "-icount");
		strings_add(argv, "shift=%u,sleep=off", request->icount_shift);
		/* Nor may the real-time clock go by another. */
		strings_add(argv, "-rtc");
		strings_add(argv, "base=2000-01-01T00:00:00,clock=vm");
	}
	strings_add(argv, "-serial");
	strings_add(argv, "%s", request->serial);
	if (request->monitor >= 0) {
		strings_add(argv, "-chardev");
		strings_add(argv, "socket,id=monitor,fd=%d", request->monitor);
		strings_add(argv, "-mon");
		strings_add(argv, "chardev=monitor,mode=control");
	}
	if (request->trace != NULL) {
		strings_add(argv, "-serial");
		strings_add(argv, "file:%s", commas_doubled(request->trace));
	}
	if (request->loader != LOADER_EMULATOR)
		return add_iso(request, argv);
	add_multiboot(request, argv);
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
