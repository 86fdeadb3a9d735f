/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * grub-mkrescue would do, but takes two seconds and boots through a menu. A core image with the
 * commands built in is made in half a second, and nothing has to be found or typed.
 */
#include "tools/grub.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tools/process.h"

#define GRUB_DIRECTORY "/usr/lib/grub"

/* GRUB's parser takes what is in double quotes as one word, but for these characters. */
static void put_quoted(FILE *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (strchr("\"\\$", *text) != NULL)
			fputc('\\', out);
		fputc(*text, out);
	}
}

static const char *multiboot_command(const struct machine_request *request)
{
	return request->multiboot == 2 ? "multiboot2" : "multiboot";
}

/* As QEMU does it: a string begins with the file's name, then come the arguments. */
static void put_string(FILE *out, const char *path, const char *args)
{
	put_quoted(out, path_base(path));
	fputs(args[0] != '\0' ? " " : "", out);
	put_quoted(out, args);
	fputc('\n', out);
}

static bool write_commands(const struct machine_request *request, const char *path)
{
	const char *module = request->multiboot == 2 ? "module2" : "module";
	FILE *out = fopen(path, "w");

	if (out == NULL)
		return report("%s: could not be written", path);
	/* On UEFI GRUB comes from a file system of its own. */
	if (request->loader == LOADER_UEFI)
		fputs("search --file --set=root /kernel\n", out);
	fprintf(out, "%s /kernel ", multiboot_command(request));
	put_string(out, request->kernel, request->append);
	for (size_t i = 0; i < request->module_count; i++) {
		fprintf(out, "%s /module%zu ", module, i);
		put_string(out, request->modules[i].path, request->modules[i].args);
	}
	fputs("boot\n", out);
	return fclose(out) == 0;
}

static void add_words(struct strings *argv, const char *const *words)
{
	for (; *words != NULL; words++)
		strings_add(argv, "%s", *words);
}

static bool run_words(const char *log, const char *const *words)
{
	struct strings argv = {0};

	add_words(&argv, words);
	return process_run(argv.item, log);
}

static bool make_core(const struct machine_request *request, const char *commands,
		      const char *core, const char *log)
{
	const bool uefi = request->loader == LOADER_UEFI;
	const char *format = uefi ? "x86_64-efi" : "i386-pc-eltorito";
	char *modules = string_format(GRUB_DIRECTORY "/%s", uefi ? "x86_64-efi" : "i386-pc");
	struct strings argv = {0};

	if (access(modules, R_OK) != 0)
		return report("%s: %s (Debian package %s)", modules, strerror(errno),
			      uefi ? "grub-efi-amd64-bin" : "grub-pc-bin");
	add_words(&argv, (const char *const[]){"grub-mkimage", "-O", format, "-p", "/", "-d",
					       modules, "-c", commands, "-o", core, "iso9660",
					       multiboot_command(request), NULL});
	if (uefi)
		add_words(&argv, (const char *const[]){"search", "search_fs_file", NULL});
	else
		strings_add(&argv, "biosdisk");
	return process_run(argv.item, log);
}

/* UEFI starts \EFI\BOOT\BOOTX64.EFI from a FAT file system. */
static bool make_efi_image(const char *core, const char *image, const char *log)
{
	remove(image);
	return run_words(log, (const char *const[]){"mformat", "-C", "-i", image, "-T",
						    "8192", "-h", "64", "-s", "32", "::", NULL}) &&
	       run_words(log, (const char *const[]){"mmd", "-i", image, "::/EFI", "::/EFI/BOOT",
						    NULL}) &&
	       run_words(log, (const char *const[]){"mcopy", "-i", image, core,
						    "::/EFI/BOOT/BOOTX64.EFI", NULL});
}

static bool make_iso(const struct machine_request *request, const char *boot_image,
		     const char *iso, const char *log)
{
	static const char *const start[] = {"xorriso", "-as", "mkisofs", "-quiet", NULL};
	static const char *const bios[] = {
		"-b", "boot.img", "-no-emul-boot", "-boot-load-size", "4", "-boot-info-table",
		"--grub2-boot-info", NULL,
	};
	static const char *const uefi[] = {"-e", "boot.img", "-no-emul-boot", NULL};
	struct strings argv = {0};

	add_words(&argv, start);
	add_words(&argv, request->loader == LOADER_UEFI ? uefi : bios);
	strings_add(&argv, "-graft-points");
	strings_add(&argv, "-o");
	strings_add(&argv, "%s", iso);
	strings_add(&argv, "/boot.img=%s", boot_image);
	strings_add(&argv, "/kernel=%s", request->kernel);
	for (size_t i = 0; i < request->module_count; i++)
		strings_add(&argv, "/module%zu=%s", i, request->modules[i].path);
	return process_run(argv.item, log);
}

bool grub_iso_make(const struct machine_request *request, const char *name)
{
	char *log = string_format("%s/iso.log", request->directory);
	char *commands = string_format("%s/grub.cfg", request->directory);
	char *core = string_format("%s/core.img", request->directory);
	char *efi = string_format("%s/efi.img", request->directory);
	char *iso = string_format("%s/%s", request->directory, name);
	const bool uefi = request->loader == LOADER_UEFI;

	remove(iso);
	return write_commands(request, commands) && make_core(request, commands, core, log) &&
	       (!uefi || make_efi_image(core, efi, log)) &&
	       make_iso(request, uefi ? efi : core, iso, log);
}
