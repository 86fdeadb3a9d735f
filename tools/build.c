/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `hypike build`: from a configuration to one file that boots.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tools/attach.h"
#include "tools/command.h"
#include "tools/config.h"
#include "tools/grub.h"
#include "tools/image.h"

enum { OPTION_ISO = 256, OPTION_SYSTEM, OPTION_HYPIKE };

struct build {
	const char *output;
	bool iso;
	bool system; /* the system image alone */
	char *kernel;
};

static const struct option options[] = {
	{"output", required_argument, NULL, 'o'},
	{"iso", no_argument, NULL, OPTION_ISO},
	{"system-image", no_argument, NULL, OPTION_SYSTEM},
	{"hypike", required_argument, NULL, OPTION_HYPIKE},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

static void print_help(void)
{
	printf("Usage: hypike build [OPTION...] FILE -o IMAGE\n\n"
	       "Checks a configuration and builds it, with HyPike's kernel and every file that it names,\n"
	       "into one ELF file that Multiboot loaders boot.\n\n"
	       "  -o, --output IMAGE  where to write it\n"
	       "  --iso               an ISO image that BIOS and UEFI machines boot\n"
	       "  --system-image      the system alone, for a boot loader to pass as a module\n"
	       "  --hypike FILE       HyPike's kernel, in place of the one built with this command\n"
	       "  --help              this text\n");
}

static bool write_iso(const struct build *build, const struct bytes *boot)
{
	char *elf = string_format("%s.elf", build->output);
	bool ok = file_write(elf, boot->data, boot->size) && grub_iso_build(elf, build->output);

	remove(elf);
	free(elf);
	return ok;
}

static bool write_boot_file(const struct build *build, const struct bytes *system)
{
	struct bytes kernel, boot;
	bool ok;

	if (!file_read(build->kernel, &kernel))
		return false;
	ok = attach_make(build->kernel, &kernel, system, &boot);
	free(kernel.data);
	if (!ok)
		return false;
	ok = build->iso ? write_iso(build, &boot)
			: file_write(build->output, boot.data, boot.size);
	free(boot.data);
	return ok;
}

static bool make(const struct build *build, const struct model *model)
{
	struct bytes system;
	bool ok;

	if (!image_make(model, &system))
		return false;
	ok = build->system ? file_write(build->output, system.data, system.size)
			   : write_boot_file(build, &system);
	free(system.data);
	return ok;
}

static int run(const struct build *build, const char *path)
{
	struct model model = {0};
	const bool ok = config_load(path, &model) && make(build, &model);

	model_free(&model);
	return ok ? EXIT_OK : EXIT_INPUT;
}

static bool take_option(struct build *build, int value)
{
	switch (value) {
	case 'o':
		return (build->output = optarg) != NULL;
	case OPTION_ISO:
		return build->iso = true;
	case OPTION_SYSTEM:
		return build->system = true;
	case OPTION_HYPIKE:
		free(build->kernel);
		return (build->kernel = string_copy(optarg)) != NULL;
	default:
		return false;
	}
}

int command_build(int argc, char **argv)
{
	struct build build = {.kernel = path_of_part("kernel/hypike.elf")};
	int value, code;

	while ((value = getopt_long(argc, argv, "o:h", options, NULL)) != -1) {
		if (value == 'h') {
			print_help();
			return EXIT_OK;
		}
		if (value == '?' || !take_option(&build, value))
			return EXIT_USAGE;
	}
	if (optind + 1 != argc || build.output == NULL || (build.iso && build.system)) {
		report("build: give one FILE and -o IMAGE; `hypike build --help' tells more");
		return EXIT_USAGE;
	}
	code = run(&build, argv[optind]);
	free(build.kernel);
	return code;
}
