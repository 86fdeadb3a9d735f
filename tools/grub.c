/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * grub-mkrescue would do, but takes two seconds and boots through a menu. A core image with the
 * commands built in is made in half a second, and nothing has to be found or typed.
 */
#include "tools/grub.h"

#include <stdio.h>
#include <string.h>

#include "tools/process.h"

#define GRUB_MODULES "/usr/lib/grub/i386-pc"

/* GRUB's parser takes what is in double quotes as one word, but for these characters. */
static void put_quoted(FILE *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (strchr("\"\\$", *text) != NULL)
			fputc('\\', out);
		fputc(*text, out);
	}
}

static bool write_commands(const struct machine_request *request, const char *path)
{
	FILE *out = fopen(path, "w");

	if (out == NULL)
		return report("%s: could not be written", path);
	fputs("multiboot /kernel ", out);
	put_quoted(out, request->append);
	fputc('\n', out);
	for (size_t i = 0; i < request->module_count; i++) {
		fprintf(out, "module /module%zu ", i);
		put_quoted(out, request->modules[i].args);
		fputc('\n', out);
	}
	fputs("boot\n", out);
	return fclose(out) == 0;
}

static void add_words(struct strings *argv, const char *const *words)
{
	for (; *words != NULL; words++)
		strings_add(argv, "%s", *words);
}

static bool make_core(const char *commands, const char *core, const char *log)
{
	struct strings argv = {0};

	add_words(&argv, (const char *const[]){"grub-mkimage", "-O", "i386-pc-eltorito", "-p", "/",
					       "-d", GRUB_MODULES, "-c", commands, "-o", core,
					       "biosdisk", "iso9660", "multiboot", NULL});
	return process_run(argv.item, log);
}

static bool make_iso(const struct machine_request *request, const char *core, const char *iso,
		     const char *log)
{
	static const char *const fixed[] = {
		"xorriso",	    "-as", "mkisofs",	       "-quiet",
		"-no-emul-boot",    "-b",  "core.img",	       "-boot-load-size",
		"4",		    "-boot-info-table",	       "--grub2-boot-info",
		"-graft-points",    NULL,
	};
	struct strings argv = {0};

	add_words(&argv, fixed);
	strings_add(&argv, "-o");
	strings_add(&argv, "%s", iso);
	strings_add(&argv, "/core.img=%s", core);
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
	char *iso = string_format("%s/%s", request->directory, name);

	remove(iso);
	return write_commands(request, commands) && make_core(commands, core, log) &&
	       make_iso(request, core, iso, log);
}
