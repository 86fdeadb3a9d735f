/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `hypike ps`: the machines of this user that `hypike run` runs.
 *
 * @req TOOL-143 `hypike ps` lists the running machines with their state, memory, vCPUs, time and kernel; what a killed
 *               one has left is removed.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/command.h"
#include "tools/control.h"
#include "tools/control_client.h"
#include "tools/util.h"

static void print_help(void)
{
	printf("Usage: hypike ps [OPTION...]\n\n"
	       "Lists the virtual machines of this user that `hypike run' runs.\n\n"
	       "  --json             an array of objects, as in the answer to \"status\"\n"
	       "  --names            the names alone\n"
	       "  --help             this text\n\n"
	       "Exit status: 0 done, also where there are none; 2 wrong usage.\n");
}

/** @return all that could be asked, as an array */
static json_t *all_machines(void)
{
	char **names;
	const size_t count = control_names(&names);
	json_t *machines = json_array();

	for (size_t i = 0; i < count; i++) {
		struct control_client client;
		if (client_open(&client, names[i], true)) {
			json_t *answer = client_ask(&client, "status", NULL);
			if (answer != NULL) {
				json_object_del(answer, "ok");
				json_array_append_new(machines, answer);
			}
			client_close(&client);
		}
		free(names[i]);
	}
	free(names);
	return machines;
}

static void print_uptime(uint64_t ms)
{
	const unsigned long long s = ms / 1000;

	if (s < 3600)
		printf(" %8llu:%02llu", s / 60, s % 60);
	else
		printf(" %5llu:%02llu:%02llu", s / 3600, s / 60 % 60, s % 60);
}

static void print_machine(json_t *machine)
{
	const char *name, *state, *kernel;
	json_int_t pid, memory, vcpus, uptime;

	if (json_unpack(machine, "{s:s, s:s, s:s, s:I, s:I, s:I, s:I}", "name", &name, "state",
			&state, "kernel", &kernel, "pid", &pid, "memory", &memory, "vcpus", &vcpus, "uptime_ms",
			&uptime) != 0)
		return;
	printf("%-20s %7lld %-8s %6lldM %5lld", name, (long long)pid, state, (long long)(memory >> 20),
	       (long long)vcpus);
	print_uptime((uint64_t)uptime);
	printf("  %s\n", kernel);
}

static void print_table(const json_t *machines)
{
	printf("%-20s %7s %-8s %7s %5s %11s  %s\n", "NAME", "PID", "STATE", "MEMORY", "VCPUS", "UPTIME", "KERNEL");
	for (size_t i = 0; i < json_array_size(machines); i++)
		print_machine(json_array_get(machines, i));
}

static void print_names(const json_t *machines)
{
	for (size_t i = 0; i < json_array_size(machines); i++)
		puts(json_string_value(json_object_get(json_array_get(machines, i), "name")));
}

int command_ps(int argc, char **argv)
{
	static const struct option options[] = {
		{"json", no_argument, NULL, 'j'},
		{"names", no_argument, NULL, 'n'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int value, how = 0;

	while ((value = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (value == 'h') {
			print_help();
			return EXIT_OK;
		}
		if (value == '?')
			return EXIT_USAGE;
		how = value;
	}
	if (optind < argc) {
		report("ps: %s: unexpected; `hypike ps --help' tells more", argv[optind]);
		return EXIT_USAGE;
	}
	json_t *machines = all_machines();
	if (how == 'j')
		json_dumpf(machines, stdout, JSON_INDENT(1));
	else if (how == 'n')
		print_names(machines);
	else
		print_table(machines);
	if (how == 'j')
		putchar('\n');
	json_decref(machines);
	return EXIT_OK;
}
