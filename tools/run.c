/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `hypike run`: one virtual machine on this Linux, by KVM, with its console in this terminal.
 *
 * @req VMM-602 The exit status of `hypike run` says how the guest ended.
 */
#define _GNU_SOURCE
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <hypike/vmm.h>

#include "tools/command.h"
#include "tools/terminal.h"
#include "tools/util.h"
#include "vmm/status.h"

enum {
	OPTION_CPUS = 256,
	OPTION_KERNEL,
	OPTION_MODULE,
	OPTION_CMDLINE,
	OPTION_DISK,
	OPTION_TIMEOUT,
	OPTION_VMM_OPTION,
	OPTION_DRY_RUN,
};

/* The command line of `hypike run`. */
struct run {
	const char *memory, *cpus, *kernel, *cmdline, *timeout;
	struct strings modules, disks, more;
	bool dry_run;
	unsigned names; /* given to files */
};

static void print_help(void)
{
	printf("Usage: hypike run [OPTION...] --kernel KERNEL\n\n"
	       "Runs a virtual machine on this computer, by KVM. Its console is in this terminal: Ctrl-] q\n"
	       "ends the machine, Ctrl-] twice sends one.\n\n"
	       "  -m, --memory SIZE  the machine's memory: 16M, 1G, ... (64M)\n"
	       "  --cpus N           its number of CPUs (1)\n"
	       "  --kernel FILE      the kernel: Multiboot, or Linux's bzImage or vmlinux\n"
	       "  --initrd FILE      the same as --module: Linux's initial file system\n"
	       "  --module \"FILE A\"  a Multiboot module and the arguments in its string; repeatable\n"
	       "  --cmdline TEXT     the kernel's command line\n"
	       "  --disk FILE[,overlay]  a virtio disk, read-only or with writes kept while the machine\n"
	       "                     lives; repeatable\n"
	       "  --timeout SECONDS  end the machine then\n"
	       "  --vmm-option TEXT  one more option for the VMM; repeatable\n"
	       "  --dry-run          check and print what the VMM would be given, but don't run it\n"
	       "  --help             this text\n\n"
	       "Exit status: 0 to 127 what the guest wrote to the debug-exit port, 0 also where it switched\n"
	       "itself off; 200 wrong usage, 201 too little memory, 202 a file is missing or refused, 203\n"
	       "KVM refuses, 204 triple fault, 205 halted for ever, 206 reset, 207 timed out, 208 ended by\n"
	       "a key, 209 something that is not emulated.\n");
}

static const struct option options[] = {
	{"memory", required_argument, NULL, 'm'},
	{"cpus", required_argument, NULL, OPTION_CPUS},
	{"kernel", required_argument, NULL, OPTION_KERNEL},
	{"initrd", required_argument, NULL, OPTION_MODULE},
	{"module", required_argument, NULL, OPTION_MODULE},
	{"cmdline", required_argument, NULL, OPTION_CMDLINE},
	{"disk", required_argument, NULL, OPTION_DISK},
	{"timeout", required_argument, NULL, OPTION_TIMEOUT},
	{"vmm-option", required_argument, NULL, OPTION_VMM_OPTION},
	{"dry-run", no_argument, NULL, OPTION_DRY_RUN},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

static bool take_option(struct run *run, int value, const char *argument)
{
	switch (value) {
	case 'm':
		return (run->memory = argument) != NULL;
	case OPTION_CPUS:
		return (run->cpus = argument) != NULL;
	case OPTION_KERNEL:
		return (run->kernel = argument) != NULL;
	case OPTION_CMDLINE:
		return (run->cmdline = argument) != NULL;
	case OPTION_TIMEOUT:
		return (run->timeout = argument) != NULL;
	case OPTION_MODULE:
		strings_add(&run->modules, "%s", argument);
		return true;
	case OPTION_DISK:
		strings_add(&run->disks, "%s", argument);
		return true;
	case OPTION_VMM_OPTION:
		strings_add(&run->more, "%s", argument);
		return true;
	case OPTION_DRY_RUN:
		return run->dry_run = true;
	default:
		return false;
	}
}

/* A word of the VMM's command line, with what would end it or begin another taken as it stands. */
static char *quoted(const char *text)
{
	char *word = memory_new(2 * strlen(text) + 3), *to = word;

	*to++ = '"';
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			*to++ = '\\';
		*to++ = *text;
	}
	*to = '"';
	return word;
}

/* The name by which the VMM has a file: what guests see of it. */
static char *name_of(struct run *run, const char *path)
{
	char *name = string_format("%s", path_base(path));

	for (char *c = name; *c != '\0'; c++)
		if (*c == ' ' || *c == '\t' || *c == ',')
			*c = '_';
	run->names++;
	return name;
}

/* Give the VMM a file. @return its name, or NULL after report(). */
static char *add_file(struct run *run, const char *path)
{
	char *name = name_of(run, path);
	const char *why = hypike_vmm_file(name, path);

	if (why == NULL)
		return name;
	report("%s: %s", path, why);
	return NULL;
}

static bool add_module(struct run *run, struct strings *words, const char *text)
{
	const size_t length = strcspn(text, " ");
	char *name = add_file(run, string_format("%.*s", (int)length, text));

	if (name == NULL)
		return false;
	strings_add(words, "--module %s", quoted(string_format("%s%s", name, text + length)));
	return true;
}

static bool add_disk(struct run *run, struct strings *words, const char *text)
{
	const size_t length = strcspn(text, ",");
	char *name = add_file(run, string_format("%.*s", (int)length, text));

	if (name == NULL)
		return false;
	strings_add(words, "--disk %s", quoted(string_format("%s%s", name, text + length)));
	return true;
}

static bool add_files(struct run *run, struct strings *words)
{
	char *kernel = add_file(run, run->kernel);
	bool ok = kernel != NULL;

	if (ok)
		strings_add(words, "--kernel %s", quoted(kernel));
	for (size_t i = 0; i < run->modules.count && ok; i++)
		ok = add_module(run, words, run->modules.item[i]);
	for (size_t i = 0; i < run->disks.count && ok; i++)
		ok = add_disk(run, words, run->disks.item[i]);
	return ok;
}

static bool add_timeout(const char *text, struct strings *words)
{
	char *end;
	const double seconds = strtod(text, &end);

	if (*end != '\0' || end == text || !(seconds > 0 && seconds < 1e6))
		return report("--timeout %s: no number of seconds", text);
	strings_add(words, "--timeout-ms %.0f", seconds * 1000 < 1 ? 1 : seconds * 1000);
	return true;
}

/* The VMM's command line. @return false after report() */
static bool make_words(struct run *run, struct strings *words)
{
	if (run->memory != NULL)
		strings_add(words, "--memory %s", quoted(run->memory));
	if (run->cpus != NULL)
		strings_add(words, "--vcpus %s", quoted(run->cpus));
	if (run->cmdline != NULL)
		strings_add(words, "--cmdline %s", quoted(run->cmdline));
	if (run->timeout != NULL && !add_timeout(run->timeout, words))
		return false;
	for (size_t i = 0; i < run->more.count; i++)
		strings_add(words, "%s", run->more.item[i]);
	return true;
}

static char *joined(const struct strings *words)
{
	char *text = string_copy("");

	for (size_t i = 0; i < words->count; i++)
		text = string_format("%s%s%s", text, i ? " " : "", words->item[i]);
	return text;
}

static int run_machine(const struct strings *words)
{
	const char *missing = hypike_vmm_unavailable();

	if (missing != NULL) {
		report("/dev/kvm: %s", missing);
		return VMM_STATUS_HYPERVISOR;
	}
	if (terminal_is_ours())
		terminal_raw();
	hypike_vmm_console(STDIN_FILENO, STDOUT_FILENO);
	const int status = hypike_vmm_run(joined(words));
	terminal_restore();
	return status;
}

int command_run(int argc, char **argv)
{
	struct run run = {.memory = NULL};
	struct strings words = {0};
	int value;

	while ((value = getopt_long(argc, argv, "hm:", options, NULL)) != -1) {
		if (value == 'h') {
			print_help();
			return EXIT_OK;
		}
		if (value == '?' || !take_option(&run, value, optarg))
			return VMM_STATUS_OPTIONS;
	}
	if (optind < argc || run.kernel == NULL) {
		report(optind < argc ? "%s: unexpected" : "run: %s KERNEL is missing",
		       optind < argc ? argv[optind] : "--kernel");
		return VMM_STATUS_OPTIONS;
	}
	if (!make_words(&run, &words))
		return VMM_STATUS_OPTIONS;
	if (!add_files(&run, &words))
		return VMM_STATUS_LOAD;
	if (run.dry_run) {
		puts(joined(&words));
		return EXIT_OK;
	}
	return run_machine(&words);
}
