/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `hypike stop`, `reset`, `pause`, `resume`, `stats`, `screenshot`, `console`: each asks one running machine.
 *
 * @req TOOL-144 `hypike stop`, `reset`, `pause`, `resume`, `stats`, `screenshot` and `console` do that to a running
 *               machine by its name, and say so, with a status, where there is none of that name or it refuses.
 */
#define _GNU_SOURCE
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/command.h"
#include "tools/control.h"
#include "tools/control_client.h"
#include "tools/control_console.h"
#include "tools/progress.h"
#include "tools/run.h"
#include "tools/util.h"

#define STATUSES                                                                                   \
	"Exit status: 0 done; 1 the machine refused, or didn't end; 2 wrong usage; 3 no machine of that\n"   \
	"name is running.\n"

/** What was asked for on the command line. */
struct wish {
	const char *command, *name, *file;
	uint64_t grace;
	bool force, json;
};

struct command {
	const char *name, *arguments, *what, *options;
	int (*run)(const struct wish *wish, struct control_client *client);
};

/* ---- commands ---- */

static int ask(const struct wish *wish, struct control_client *client)
{
	json_t *answer = client_ask(client, wish->command, NULL);

	json_decref(answer);
	return answer != NULL ? EXIT_OK : EXIT_SYSTEM;
}

/** When the machine ends its side of the connection does. */
static bool ends_within(const struct control_client *client, uint64_t seconds)
{
	struct pollfd look = {.fd = client->fd, .events = POLLIN};

	progress_begin("waiting for its end");
	const bool ended = poll(&look, 1, (int)(seconds * 1000)) > 0;
	progress_end();
	return ended;
}

static int force(struct control_client *client)
{
	json_t *answer = client_ask(client, "stop", json_pack("{s:b}", "force", 1));

	json_decref(answer);
	return answer != NULL && ends_within(client, 10) ? EXIT_OK : EXIT_SYSTEM;
}

static int stop(const struct wish *wish, struct control_client *client)
{
	if (wish->force && wish->grace == 0)
		return force(client);
	if (ask(wish, client) != EXIT_OK)
		return EXIT_SYSTEM;
	if (wish->grace == 0 || ends_within(client, wish->grace))
		return EXIT_OK;
	if (wish->force)
		return force(client);
	report("%s: it still runs; --force ends it", wish->name);
	return EXIT_SYSTEM;
}

static void print_devices(json_t *stats)
{
	const char *device, *name;
	json_t *counters, *value;

	printf("devices\n");
	json_object_foreach(json_object_get(stats, "devices"), device, counters) {
		const char *before = "";
		printf("  %-16s", device);
		json_object_foreach(counters, name, value) {
			printf("%s %s %lld", before, name, (long long)json_integer_value(value));
			before = ",";
		}
		putchar('\n');
	}
}

static void print_stats(json_t *stats)
{
	json_int_t entries, injected, resets, time, first, driver, vmm;
	json_t *exits, *kind;
	const char *name;

	if (json_unpack(stats, "{s:o, s:I, s:I, s:I, s:I, s:I}", "exits", &exits, "entries", &entries,
			"injected", &injected, "resets", &resets, "time_ns", &time, "first_ns",
			&first) != 0)
		return;
	printf("%-18s %12s %12s\n", "exits", "driver", "vmm");
	json_object_foreach(exits, name, kind)
		if (json_unpack(kind, "{s:I, s:I}", "driver", &driver, "vmm", &vmm) == 0)
			printf("  %-16s %12lld %12lld\n", name, (long long)driver, (long long)vmm);
	print_devices(stats);
	printf("entries %lld, injected %lld, resets %lld\n", (long long)entries, (long long)injected,
	       (long long)resets);
	printf("first instruction after %.6f s, time %.6f s\n", (double)first / 1e9, (double)time / 1e9);
}

static int stats(const struct wish *wish, struct control_client *client)
{
	json_t *answer = client_ask(client, "stats", NULL);

	if (answer == NULL)
		return EXIT_SYSTEM;
	json_object_del(answer, "ok");
	if (wish->json) {
		json_dumpf(answer, stdout, JSON_INDENT(1));
		putchar('\n');
	} else {
		print_stats(answer);
	}
	json_decref(answer);
	return EXIT_OK;
}

/** No screen has more, whatever the answer says. */
#define MOST_PIXELS (1 << 24)

static int screenshot(const struct wish *wish, struct control_client *client)
{
	json_int_t width = 0, height = 0, bytes = 0;

	progress_begin("waiting for the picture");
	json_t *answer = client_ask_patiently(client, "screenshot");
	progress_end();
	if (answer == NULL)
		return EXIT_SYSTEM;
	json_unpack(answer, "{s:I, s:I, s:I}", "width", &width, "height", &height, "bytes", &bytes);
	json_decref(answer);
	if (width <= 0 || width > 65535 || height <= 0 || height > 65535 || width * height > MOST_PIXELS ||
	    bytes != width * height * 4) {
		report("%s: that is no picture", wish->name);
		return EXIT_SYSTEM;
	}
	uint32_t *pixels = memory_new((size_t)bytes);
	const bool done = client_read(client, pixels, (size_t)bytes) &&
			  png_save("screenshot", wish->file, pixels, (unsigned int)width, (unsigned int)height);
	free(pixels);
	return done ? EXIT_OK : EXIT_SYSTEM;
}

static int console(const struct wish *wish, struct control_client *client)
{
	if (ask(wish, client) != EXIT_OK)
		return EXIT_SYSTEM;
	return control_console(client->fd) ? EXIT_OK : EXIT_SYSTEM;
}

#define JSON_OPTION "  --json             as JSON, for programs\n"

static const struct command commands[] = {
	{"stop", "NAME",
	 "Presses a virtual machine's power button, and waits until it has switched itself off.",
	 "  --grace SECONDS    wait so long (30); 0: don't wait\n"
	 "  --force            where it still runs then, end it as it is; with --grace 0 at once\n",
	 stop},
	{"reset", "NAME", "Boots a virtual machine anew.", "", ask},
	{"pause", "NAME", "Stops the CPUs of a virtual machine; its time stands still.", "", ask},
	{"resume", "NAME", "Lets a paused virtual machine go on.", "", ask},
	{"stats", "NAME", "Shows a virtual machine's exits, and what its devices have done.", JSON_OPTION, stats},
	{"screenshot", "NAME FILE", "Writes what is on a virtual machine's screen as PNG.", "", screenshot},
	{"console", "NAME",
	 "Attaches this terminal to a virtual machine's console, beside whoever else has it. Ctrl-] d\n"
	 "leaves it; what else comes behind Ctrl-] is for the machine: Ctrl-] h lists it.",
	 "", console},
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

/* ---- command lines ---- */

static void print_help(const struct command *command)
{
	printf("Usage: hypike %s [OPTION...] %s\n\n%s\n`hypike ps' lists the names.\n\n%s"
	       "  --help             this text\n\n" STATUSES,
	       command->name, command->arguments, command->what, command->options);
}

/** --grace and --force are stop's, --json is stats'. */
static bool takes(const struct command *command, const char *option)
{
	return strstr(command->options, option) != NULL ||
	       report("%s: there is no %s; `hypike %s --help' tells more", command->name, option, command->name);
}

static bool take_option(const struct command *command, int value, struct wish *wish)
{
	switch (value) {
	case 'g':
		return takes(command, "--grace") &&
		       (parse_number(optarg, 0, 86400, &wish->grace) ||
			report("--grace %s: it is a number of seconds", optarg));
	case 'f':
		return takes(command, "--force") && (wish->force = true);
	case 'j':
		return takes(command, "--json") && (wish->json = true);
	default:
		return false;
	}
}

static int with_machine(const struct command *command, const struct wish *wish)
{
	struct control_client client;

	if (!client_open(&client, wish->name, false))
		return EXIT_INPUT;
	const int code = command->run(wish, &client);
	client_close(&client);
	return code;
}

static int run(const struct command *command, int argc, char **argv)
{
	static const struct option options[] = {
		{"grace", required_argument, NULL, 'g'},
		{"force", no_argument, NULL, 'f'},
		{"json", no_argument, NULL, 'j'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	const int words = strchr(command->arguments, ' ') != NULL ? 2 : 1;
	struct wish wish = {.command = command->name, .grace = 30};
	int value;

	while ((value = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (value == 'h') {
			print_help(command);
			return EXIT_OK;
		}
		if (value == '?' || !take_option(command, value, &wish))
			return EXIT_USAGE;
	}
	if (argc - optind != words) {
		report("%s: give %s; `hypike %s --help' tells more", command->name, command->arguments,
		       command->name);
		return EXIT_USAGE;
	}
	wish.name = argv[optind];
	wish.file = argv[optind + words - 1];
	return with_machine(command, &wish);
}

int command_control(int argc, char **argv)
{
	const char *name = strrchr(argv[0], ' ') + 1; /* "hypike: stop" */

	for (size_t i = 0; i < COMMANDS; i++)
		if (strcmp(name, commands[i].name) == 0)
			return run(&commands[i], argc, argv);
	return EXIT_USAGE;
}
