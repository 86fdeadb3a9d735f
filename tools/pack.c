/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `hypike pack`: the system image alone, for boot loaders other than the emulators'.
 */
#include <stdio.h>

#include "tools/command.h"
#include "tools/image.h"
#include "tools/options.h"

static void print_help(void)
{
	printf("Usage: hypike pack [OPTION...] --kernel FILE -o IMAGE\n\n"
	       "Writes the system image that HyPike's kernel takes as its Multiboot module.\n\n"
	       "  -o, --output FILE  where to write it\n"
	       "  --help             this text\n\n%s",
	       model_options_help);
}

static int pack(struct model *model, const char *output)
{
	struct bytes image;

	if (!model_load(model) || !image_make(model, &image) ||
	    !file_write(output, image.data, image.size))
		return EXIT_INPUT;
	return EXIT_OK;
}

int command_pack(int argc, char **argv)
{
	static const struct option options[] = {
		MODEL_OPTIONS,
		{"output", required_argument, NULL, 'o'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	struct model model = {0};
	const char *output = NULL;
	int value;

	while ((value = getopt_long(argc, argv, "o:h", options, NULL)) != -1) {
		if (value == 'h') {
			print_help();
			return EXIT_OK;
		}
		if (value == 'o')
			output = optarg;
		else if (value == '?' || !model_option(&model, value, optarg))
			return EXIT_USAGE;
	}
	if (optind < argc || output == NULL || model.partition_count == 0) {
		report("pack: give --kernel FILE and -o IMAGE; `hypike pack --help' tells more");
		return EXIT_USAGE;
	}
	return pack(&model, output);
}
