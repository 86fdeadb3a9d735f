/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The `hypike` command: finds the subcommand and hands over.
 */
#include <stdio.h>
#include <string.h>

#include "tools/command.h"
#include "tools/util.h"

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *what;
} commands[] = {
	{"boot", command_boot, "boot virtual machines under HyPike on an emulated machine"},
	{"build", command_build, "build a configuration into one file that boots"},
	{"check", command_check, "check a configuration: is it a well-formed system?"},
	{"console", command_control, "attach the terminal to a running machine's console"},
	{"cpuid", command_cpuid, "list what a guest sees of the CPU, and why"},
	{"new", command_new, "write a configuration to start from"},
	{"pack", command_pack, "write the system image that HyPike's kernel boots"},
	{"pause", command_control, "stop the CPUs of a running machine"},
	{"ps", command_ps, "list the running machines"},
	{"reset", command_control, "boot a running machine anew"},
	{"resume", command_control, "let a paused machine go on"},
	{"run", command_run, "run a virtual machine on this computer, by KVM"},
	{"screenshot", command_control, "write what is on a running machine's screen as PNG"},
	{"stats", command_control, "show a running machine's exits and devices"},
	{"stop", command_control, "press a running machine's power button, or end it"},
	{"timeline", command_timeline, "draw what a machine recorded, for a browser"},
	{"trace", command_trace, "show what a machine recorded"},
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void print_help(FILE *out)
{
	fputs("Usage: hypike COMMAND [OPTION...]\n\nCommands:\n", out);
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].what);
	fputs("\n`hypike COMMAND --help' explains a command.\n\n"
	      "Exit status: 0 done; 1 the system ended with a status other than 0; 2 wrong usage;\n"
	      "3 a file is missing or refused, nothing was booted; 4 the emulator failed;\n"
	      "124 timed out.\n",
	      out);
}

static int run(size_t command, int argc, char **argv)
{
	/* getopt_long() begins its messages with it. */
	argv[0] = string_format("hypike: %s", commands[command].name);
	return commands[command].run(argc, argv);
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		print_help(stderr);
		return EXIT_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
		print_help(stdout);
		return EXIT_OK;
	}
	for (size_t i = 0; i < COMMANDS; i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return run(i, argc - 1, argv + 1);
	report("%s: no such command; `hypike --help' lists them", argv[1]);
	return EXIT_USAGE;
}
