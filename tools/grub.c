/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * grub-mkrescue would do, but takes two seconds and boots through a menu. A core image with the
 * commands built in is made in half a second, and nothing has to be found or typed.
 */
#define _GNU_SOURCE
#include "tools/grub.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
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

/* ---- one for both kinds of firmware ---- */

struct iso_build {
	struct machine_request request;
	char *directory, *commands, *bios, *core, *efi, *log;
};

static struct iso_build iso_build_begin(const char *kernel, const char *iso)
{
	struct iso_build build = {.request = {.append = "", .multiboot = 1}};

	build.request.kernel = string_copy(kernel);
	build.directory = mkdtemp(string_format("%s.XXXXXX", iso));
	if (build.directory == NULL) {
		report("%s: no directory beside it for temporary files: %s", iso, strerror(errno));
		return build;
	}
	build.commands = string_format("%s/grub.cfg", build.directory);
	build.bios = string_format("%s/bios.img", build.directory);
	build.core = string_format("%s/core.efi", build.directory);
	build.efi = string_format("%s/efi.img", build.directory);
	build.log = string_format("%s/iso.log", build.directory);
	return build;
}

static void iso_build_end(struct iso_build *build)
{
	char *const paths[] = {build->commands, build->bios, build->core, build->efi, build->log};

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		remove(paths[i]);
		free(paths[i]);
	}
	remove(build->directory);
	free(build->directory);
	free(build->request.kernel);
}

static bool make_loader(struct iso_build *build, enum loader loader, const char *core)
{
	build->request.loader = loader;
	return write_commands(&build->request, build->commands) &&
	       make_core(&build->request, build->commands, core, build->log);
}

static bool make_both_iso(const struct iso_build *build, const char *iso)
{
	static const char *const options[] = {
		"xorriso", "-as", "mkisofs", "-quiet", "-b", "bios.img", "-no-emul-boot",
		"-boot-load-size", "4", "-boot-info-table", "--grub2-boot-info",
		"-eltorito-alt-boot", "-e", "efi.img", "-no-emul-boot", "-graft-points", "-o", NULL,
	};
	struct strings argv = {0};

	add_words(&argv, options);
	strings_add(&argv, "%s", iso);
	strings_add(&argv, "/bios.img=%s", build->bios);
	strings_add(&argv, "/efi.img=%s", build->efi);
	strings_add(&argv, "/kernel=%s", build->request.kernel);
	return process_run(argv.item, build->log);
}

bool grub_iso_build(const char *kernel, const char *iso)
{
	struct iso_build build = iso_build_begin(kernel, iso);
	bool ok;

	if (build.directory == NULL)
		return false;
	ok = make_loader(&build, LOADER_BIOS, build.bios) &&
	     make_loader(&build, LOADER_UEFI, build.core) &&
	     make_efi_image(build.core, build.efi, build.log) && make_both_iso(&build, iso);
	iso_build_end(&build);
	return ok;
}
