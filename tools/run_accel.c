/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * On what `hypike run` runs a machine: on KVM where that runs guests; else on HyPike itself, in QEMU.
 *
 * @req TOOL-130 Where KVM is missing or doesn't run guests, `hypike run` boots the same machine on HyPike in
 *               QEMU, and says so.
 * @req TOOL-146 With --json, stdout has events alone, a line of JSON each, whatever the machine runs on.
 * @req TOOL-137 `hypike run --accel model` runs it on a software model of the processor, on any Linux.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <getopt.h>
#include <hypike/vmm.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tools/command.h"
#include "tools/link.h"
#include "tools/remote.h"
#include "tools/run.h"
#include "vmm/status.h"

enum run_on run_accel(const struct run *run)
{
	const bool has_model = strcmp(hypike_vmm_name(), "model") == 0;

	if (strcmp(run->accel, "hypike") == 0)
		return RUN_ON_HYPIKE;
	if (strcmp(run->accel, "model") == 0)
		return has_model ? RUN_HERE : RUN_ON_MODEL;
	if (has_model) {
		report("--accel %s: this program has the model alone", run->accel);
		return RUN_ON_NOTHING;
	}
	const bool forced = strcmp(run->accel, "kvm") == 0;
	if (forced && run->dry_run)
		return RUN_HERE;
	const char *why = forced ? hypike_vmm_unavailable() : hypike_vmm_probe();
	if (why == NULL)
		return RUN_HERE;
	if (forced) {
		report("/dev/kvm: %s", why);
		return RUN_ON_NOTHING;
	}
	report("/dev/kvm: %s; running on HyPike in QEMU, which is slower", why);
	return RUN_ON_HYPIKE;
}

int run_on_model(char **argv)
{
	struct strings words = {0};

	strings_add(&words, "hypike");
	strings_add(&words, "run");
	while (*++argv != NULL)
		strings_add(&words, "%s", *argv);
	const char *const program = path_of_part("tools/hypike-model");
	execv(program, words.item);
	report("%s: %s", program, strerror(errno));
	return VMM_STATUS_HYPERVISOR;
}

static void add_pair(struct strings *argv, const char *option, const char *value)
{
	if (value == NULL)
		return;
	strings_add(argv, "%s", option);
	strings_add(argv, "%s", value);
}

static void add_list(struct strings *argv, const char *option, const struct strings *list)
{
	for (size_t i = 0; i < list->count; i++)
		add_pair(argv, option, list->item[i]);
}

static void add_vmm_option(struct strings *argv, bool wanted, const char *option)
{
	if (wanted)
		add_pair(argv, "--vmm-option", option);
}

bool run_can_boot(const struct run *run)
{
	return run->timeout == NULL || run_timeout_ms(run->timeout) != 0;
}

/* The VMM counts the machine's time. Where it doesn't end, the emulator is ended a good while later. */
static void add_timeout(struct strings *argv, uint64_t ms)
{
	add_vmm_option(argv, true, "--timeout-ms");
	add_pair(argv, "--vmm-option", string_format("%llu", (unsigned long long)ms));
	add_pair(argv, "--timeout", string_format("%llu", (unsigned long long)(2 * (ms / 1000) + 60)));
}

static struct strings boot_argv(const struct run *run)
{
	struct strings argv = {0};

	strings_add(&argv, "hypike: run");
	add_pair(&argv, "--kernel", run->kernel);
	add_pair(&argv, "--firmware", run->firmware);
	add_pair(&argv, "--cmdline", run->cmdline);
	add_list(&argv, "--module", &run->modules);
	add_pair(&argv, "--memory", run->memory);
	add_pair(&argv, "--vcpus", run->cpus);
	if (run->timeout != NULL)
		add_timeout(&argv, run_timeout_ms(run->timeout));
	add_pair(&argv, "--gdb", run->debugger);
	add_vmm_option(&argv, run->rng, "--rng");
	add_vmm_option(&argv, run->virtio_console, "--virtio-console");
	add_vmm_option(&argv, run->screen, "--screen");
	add_vmm_option(&argv, run->vnc != NULL, "--display");
	add_vmm_option(&argv, !run->summary, "--no-summary");
	add_vmm_option(&argv, run->reboots != NULL, "--reboots");
	add_vmm_option(&argv, run->reboots != NULL, run->reboots);
	add_list(&argv, "--vmm-option", &run->more);
	if (run->dry_run)
		strings_add(&argv, "--dry-run");
	return argv;
}

/**
 * With --json, stdout is for events alone: everything else goes to stderr.
 * @return what stdout was, for output_back(); -1: nothing has changed
 */
static int output_to_stderr(void)
{
	fflush(stdout);
	const int before = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);

	if (before >= 0)
		dup2(STDERR_FILENO, STDOUT_FILENO);
	return before;
}

static void output_back(int before)
{
	fflush(stdout);
	if (before < 0)
		return;
	dup2(before, STDOUT_FILENO);
	close(before);
}

int run_on_hypike(const struct run *run)
{
	int status = -1;

	struct strings argv = boot_argv(run);
	struct link *const link = link_new();
	if (!run_link(run, link, &argv))
		return VMM_STATUS_LOAD;
	remote_open(link, run->screenshot != NULL);
	optind = 0; /* getopt_long() begins anew */
	const int output = run->json ? output_to_stderr() : -1;
	const int code = boot_for_status((int)argv.count, argv.item, true, link, &status);
	output_back(output);
	run_link_end(link);
	switch (code) {
	case EXIT_OK:
	case EXIT_SYSTEM:
		return status >= 0 ? status : VMM_STATUS_QUIT; /* by a key, or by `hypike stop --force' */
	case EXIT_INPUT:
		return VMM_STATUS_LOAD;
	case EXIT_TIMEOUT:
		return VMM_STATUS_TIMEOUT;
	default:
		return VMM_STATUS_HYPERVISOR;
	}
}
