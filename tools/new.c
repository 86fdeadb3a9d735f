/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `hypike new`: a configuration to start from, which is examples/first.yaml.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/command.h"
#include "tools/new_text.h"
#include "tools/util.h"

#define FILE_NAME "system.yaml"

static void print_help(void)
{
	printf("Usage: hypike new [DIRECTORY]\n\n"
	       "Writes a commented configuration of two partitions, " FILE_NAME ", that can be checked,\n"
	       "built and booted as it is. What is there already is left alone.\n\n"
	       "  --help             this text\n");
}

static bool write_new(const char *path)
{
	FILE *out = fopen(path, "wx");
	bool ok;

	if (out == NULL)
		return report("%s: %s", path, strerror(errno));
	ok = fputs(new_text, out) >= 0;
	ok = fclose(out) == 0 && ok;
	return ok || report("%s: could not be written", path);
}

static int run(const char *directory)
{
	char *path;
	bool ok;

	if (mkdir(directory, 0777) != 0 && errno != EEXIST) {
		report("%s: %s", directory, strerror(errno));
		return EXIT_INPUT;
	}
	path = strcmp(directory, ".") == 0 ? string_copy(FILE_NAME)
					   : string_format("%s/" FILE_NAME, directory);
	ok = write_new(path);
	if (ok)
		printf("%s is written. Next:\n"
		       "  hypike check --picture %s\n"
		       "  hypike boot %s\n",
		       path, path, path);
	free(path);
	return ok ? EXIT_OK : EXIT_INPUT;
}

int command_new(int argc, char **argv)
{
	static const struct option options[] = {
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int value;

	while ((value = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (value == 'h') {
			print_help();
			return EXIT_OK;
		}
		return EXIT_USAGE;
	}
	if (optind + 1 < argc) {
		report("new: one DIRECTORY; `hypike new --help' tells more");
		return EXIT_USAGE;
	}
	return run(optind < argc ? argv[optind] : ".");
}
