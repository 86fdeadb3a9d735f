/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `hypike run`: one virtual machine on this Linux, by KVM, with its console in this terminal.
 *
 * @req VMM-602 The exit status of `hypike run` says how the guest ended.
 */
#define _GNU_SOURCE
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <hypike/vmm.h>

#include "tools/command.h"
#include "tools/emulated.h"
#include "tools/run.h"
#include "tools/terminal.h"
#include "vmm/status.h"

enum {
	OPTION_CPUS = 256,
	OPTION_PARTITION,
	OPTION_KERNEL,
	OPTION_FIRMWARE,
	OPTION_MODULE,
	OPTION_CMDLINE,
	OPTION_DISK,
	OPTION_NET,
	OPTION_SERIAL,
	OPTION_ACCEL,
	OPTION_TIMEOUT,
	OPTION_REBOOTS,
	OPTION_RNG,
	OPTION_VIRTIO_CONSOLE,
	OPTION_SCREEN,
	OPTION_VNC,
	OPTION_SCREENSHOT,
	OPTION_SUMMARY,
	OPTION_VMM_OPTION,
	OPTION_JSON,
	OPTION_PROBE,
	OPTION_DRY_RUN,
	OPTION_GDB,
	OPTION_NAME,
};

static void print_help(void)
{
	printf("Usage: hypike run [OPTION...] --kernel KERNEL\n"
	       "       hypike run [OPTION...] FILE\n\n"
	       "Runs a virtual machine on this computer, by KVM. Its console is in this terminal: Ctrl-] q\n"
	       "ends the machine, Ctrl-] h lists what else there is, Ctrl-] twice sends one. FILE is a\n"
	       "configuration (YAML) with the keys of a partition; options go before what it says.\n\n"
	       "  --name NAME        its name for `hypike ps' and others (its kernel's)\n"
	       "  --partition NAME   of FILE, which is a system of several\n"
	       "  -m, --memory SIZE  the machine's memory: 16M, 1G, ... (64M)\n"
	       "  --cpus N           its number of CPUs (1)\n"
	       "  --kernel FILE      the kernel: Multiboot, or Linux's bzImage or vmlinux\n"
	       "  --firmware FILE    in place of a kernel: a ROM image, started at the reset vector\n"
	       "  --initrd FILE      the same as --module: Linux's initial file system\n"
	       "  --module \"FILE A\"  a Multiboot module and the arguments in its string; repeatable\n"
	       "  --cmdline TEXT     the kernel's command line\n"
	       "  --disk FILE[,ro]   a virtio disk: a raw file or block device; repeatable. With ,overlay writes\n"
	       "                     are kept while the machine lives, with ,overlay=FILE in that file;\n"
	       "                     ,direct goes past Linux's cache\n"
	       "  --net user         a network card; user: what this user reaches, ,forward=tcp:HOST:GUEST\n"
	       "                     for ports of this computer that are the guest's; or tap=NAME, an\n"
	       "                     interface; or socket=PATH, another run; ,mac=ADDRESS; repeatable\n"
	       "  --serial WHERE     the console: stdio, none, pty, file=FILE, unix=PATH (stdio)\n"
	       "  --virtio-console   a console of virtio, too\n"
	       "  --rng              an entropy device of virtio\n"
	       "  --accel WHAT       kvm; hypike: on HyPike in QEMU; model: on a software model of the processor,\n"
	       "                     small kernels on any Linux; auto: KVM where it runs guests, or HyPike (auto)\n"
	       "  --gdb ADDRESS      let gdb debug it, there: PORT or unix:PATH; behind it ,wait: have it wait\n"
	       "  --reboots N        so often, a reset by the guest boots it anew (0)\n"
	       "  --timeout SECONDS  end the machine then\n"
	       "  --vnc WHERE        a display with a framebuffer and a mouse, for VNC viewers: a path, where a\n"
	       "                     socket for this user is made, or a port of 127.0.0.1 (5900); with\n"
	       "                     ,password-file=FILE viewers are asked for that password, over TLS\n"
	       "                     (VeNCrypt X509Plain) with a certificate for this run, whose fingerprint is\n"
	       "                     shown, or the one of ,key=FILE,cert=FILE\n"
	       "  --screenshot FILE  write what is on the screen at the end as PNG\n"
	       "  --screen           print its text screen at the end\n"
	       "  --summary          print its exits at the end\n"
	       "  --vmm-option TEXT  one more option for the VMM; repeatable\n"
	       "  --json             what happens as JSON, a line each, on stdout; the console on stderr\n"
	       "  --probe            only say whether KVM runs guests here: status 0 or 203\n"
	       "  --dry-run          check and print what the VMM would be given, but don't run it\n"
	       "  --help             this text\n\n"
	       "Exit status: 0 to 127 what the guest wrote to the debug-exit port, 0 also where it switched\n"
	       "itself off; 200 wrong usage, 201 too little memory, 202 a file is missing or refused, 203\n"
	       "KVM refuses, 204 triple fault, 205 halted for ever, 206 reset, 207 timed out, 208 ended by\n"
	       "a key, 209 something that is not emulated, 210 the guest has panicked.\n");
}

static const struct option options[] = {
	{"memory", required_argument, NULL, 'm'},
	{"partition", required_argument, NULL, OPTION_PARTITION},
	{"cpus", required_argument, NULL, OPTION_CPUS},
	{"kernel", required_argument, NULL, OPTION_KERNEL},
	{"firmware", required_argument, NULL, OPTION_FIRMWARE},
	{"initrd", required_argument, NULL, OPTION_MODULE},
	{"module", required_argument, NULL, OPTION_MODULE},
	{"cmdline", required_argument, NULL, OPTION_CMDLINE},
	{"disk", required_argument, NULL, OPTION_DISK},
	{"net", required_argument, NULL, OPTION_NET},
	{"serial", required_argument, NULL, OPTION_SERIAL},
	{"virtio-console", no_argument, NULL, OPTION_VIRTIO_CONSOLE},
	{"rng", no_argument, NULL, OPTION_RNG},
	{"accel", required_argument, NULL, OPTION_ACCEL},
	{"reboots", required_argument, NULL, OPTION_REBOOTS},
	{"timeout", required_argument, NULL, OPTION_TIMEOUT},
	{"vnc", required_argument, NULL, OPTION_VNC},
	{"screenshot", required_argument, NULL, OPTION_SCREENSHOT},
	{"screen", no_argument, NULL, OPTION_SCREEN},
	{"summary", no_argument, NULL, OPTION_SUMMARY},
	{"vmm-option", required_argument, NULL, OPTION_VMM_OPTION},
	{"gdb", required_argument, NULL, OPTION_GDB},
	{"name", required_argument, NULL, OPTION_NAME},
	{"json", no_argument, NULL, OPTION_JSON},
	{"probe", no_argument, NULL, OPTION_PROBE},
	{"dry-run", no_argument, NULL, OPTION_DRY_RUN},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

static bool set_accel(struct run *run, const char *text)
{
	run->accel = text;
	return strcmp(text, "auto") == 0 || strcmp(text, "kvm") == 0 || strcmp(text, "hypike") == 0 ||
	       strcmp(text, "model") == 0 ||
	       report("--accel %s: there are auto, kvm, hypike and model", text);
}

static bool add(struct strings *list, const char *text)
{
	strings_add(list, "%s", text);
	return true;
}

static bool take_flag(struct run *run, int value)
{
	switch (value) {
	case OPTION_RNG:
		return run->rng = true;
	case OPTION_VIRTIO_CONSOLE:
		return run->virtio_console = true;
	case OPTION_SCREEN:
		return run->screen = true;
	case OPTION_SUMMARY:
		return run->summary = true;
	case OPTION_JSON:
		return run->json = true;
	case OPTION_PROBE:
		return run->probe = true;
	case OPTION_DRY_RUN:
		return run->dry_run = true;
	default:
		return false;
	}
}

static bool set_debugger(struct run *run, const char *text)
{
	if (run->debugger != NULL)
		return report("--gdb: one is enough for one machine");
	run->debugger = text;
	return gdb_option(&run->gdb, text);
}

static bool take_option(struct run *run, int value, const char *argument)
{
	switch (value) {
	case 'm':
		return (run->memory = argument) != NULL;
	case OPTION_PARTITION:
		return (run->partition = argument) != NULL;
	case OPTION_CPUS:
		return (run->cpus = argument) != NULL;
	case OPTION_KERNEL:
		return (run->kernel = argument) != NULL;
	case OPTION_FIRMWARE:
		return (run->firmware = argument) != NULL;
	case OPTION_CMDLINE:
		return (run->cmdline = argument) != NULL;
	case OPTION_TIMEOUT:
		return (run->timeout = argument) != NULL;
	case OPTION_REBOOTS:
		return (run->reboots = argument) != NULL;
	case OPTION_SERIAL:
		return (run->serial = argument) != NULL;
	case OPTION_NAME:
		return (run->name = argument) != NULL;
	case OPTION_VNC:
		return (run->vnc = argument) != NULL;
	case OPTION_SCREENSHOT:
		return (run->screenshot = argument) != NULL;
	case OPTION_ACCEL:
		return set_accel(run, argument);
	case OPTION_GDB:
		return set_debugger(run, argument);
	case OPTION_MODULE:
		return add(&run->modules, argument);
	case OPTION_DISK:
		return add(&run->disks, argument);
	case OPTION_NET:
		return add(&run->nets, argument);
	case OPTION_VMM_OPTION:
		return add(&run->more, argument);
	default:
		return take_flag(run, value);
	}
}

/* ---- the run ---- */

static const char *reason(int status)
{
	static const char *const reasons[] = {
		[VMM_STATUS_OPTIONS - VMM_STATUS_OPTIONS] = "options",
		[VMM_STATUS_MEMORY - VMM_STATUS_OPTIONS] = "memory",
		[VMM_STATUS_LOAD - VMM_STATUS_OPTIONS] = "load",
		[VMM_STATUS_HYPERVISOR - VMM_STATUS_OPTIONS] = "hypervisor",
		[VMM_STATUS_TRIPLE_FAULT - VMM_STATUS_OPTIONS] = "triple-fault",
		[VMM_STATUS_HALTED - VMM_STATUS_OPTIONS] = "halted",
		[VMM_STATUS_RESET - VMM_STATUS_OPTIONS] = "reset",
		[VMM_STATUS_TIMEOUT - VMM_STATUS_OPTIONS] = "timeout",
		[VMM_STATUS_QUIT - VMM_STATUS_OPTIONS] = "key",
		[VMM_STATUS_EMULATION - VMM_STATUS_OPTIONS] = "emulation",
		[VMM_STATUS_PANIC - VMM_STATUS_OPTIONS] = "panic",
	};
	const size_t number = (size_t)status - VMM_STATUS_OPTIONS;

	return status >= VMM_STATUS_OPTIONS && number < sizeof(reasons) / sizeof(reasons[0])
		       ? reasons[number]
		       : "guest";
}

static void tell_start(const struct run *run, const char *accel)
{
	if (!run->json)
		return;
	printf("{\"event\": \"start\", \"accel\": \"%s\", \"name\": \"%s\"}\n", accel, run_control_name());
	fflush(stdout);
}

static int tell_end(const struct run *run, int status)
{
	if (run->json)
		printf("{\"event\": \"end\", \"status\": %d, \"reason\": \"%s\"}\n", status,
		       reason(status));
	return status;
}

/** In this terminal each key counts. */
static void console_here(int input, int output)
{
	if (input == STDIN_FILENO && terminal_is_ours())
		terminal_raw();
	hypike_vmm_console(input, output);
}

static const struct operations operations_here = {
	.info = hypike_vmm_info,
	.power_button = hypike_vmm_power_button,
	.end = hypike_vmm_end,
	.reset = hypike_vmm_reset,
	.pause = hypike_vmm_pause,
	.resume = hypike_vmm_resume,
	.stats = hypike_vmm_stats,
	.console = console_here,
	.console_attach = hypike_vmm_console_attach,
	.screen_size = hypike_vmm_screen_size,
	.screen_draw = hypike_vmm_screen_draw,
	.key = hypike_vmm_key,
	.mouse = hypike_vmm_mouse,
};

static bool run_connect(const struct run *run, const struct operations *operations)
{
	return run_control(run, operations) && run_serial(run, operations) && run_vnc(run->vnc, operations);
}

static int run_here(struct run *run)
{
	struct strings words = {0};

	terminal_guard();
	int status = run_words(run, &words);

	if (status != 0)
		return status;
	if (run->dry_run) {
		puts(run_line(&words));
		return 0;
	}
	if (!run_connect(run, &operations_here) || !gdb_open(&run->gdb))
		return VMM_STATUS_OPTIONS;
	if (run->debugger != NULL)
		hypike_vmm_debugger(gdb_listen(&run->gdb.server[0]));
	/* All that needs some is open. */
	hypike_vmm_drop_privileges();
	tell_start(run, hypike_vmm_name());
	status = hypike_vmm_run(run_line(&words));
	gdb_close(&run->gdb);
	terminal_restore();
	run_screenshot(run->screenshot, &operations_here);
	return status;
}

static int run_emulated(const struct run *run)
{
	if (!run_can_boot(run) || (!run->dry_run && !run_connect(run, &emulated_operations)))
		return VMM_STATUS_OPTIONS;
	tell_start(run, "hypike");
	const int status = run_on_hypike(run);
	run_screenshot(run->screenshot, &emulated_operations);
	return status;
}

static int run_machine(struct run *run, char **argv)
{
	switch (run_accel(run)) {
	case RUN_HERE:
		return run_here(run);
	case RUN_ON_MODEL:
		return run_on_model(argv);
	case RUN_ON_HYPIKE:
		return run_emulated(run);
	case RUN_ON_NOTHING:
		break;
	}
	return VMM_STATUS_HYPERVISOR;
}

static int probe(void)
{
	const char *why = hypike_vmm_probe();

	printf("/dev/kvm: %s\n", why != NULL ? why : "it runs guests");
	return why != NULL ? VMM_STATUS_HYPERVISOR : 0;
}

int command_run(int argc, char **argv)
{
	struct run run = {.serial = "stdio", .accel = "auto"};
	int value;

	while ((value = getopt_long(argc, argv, "hm:", options, NULL)) != -1) {
		if (value == 'h') {
			print_help();
			return EXIT_OK;
		}
		if (value == '?' || !take_option(&run, value, optarg))
			return VMM_STATUS_OPTIONS;
	}
	if (optind < argc)
		run.config = argv[optind++];
	if (optind < argc) {
		report("%s: unexpected; `hypike run --help' tells more", argv[optind]);
		return VMM_STATUS_OPTIONS;
	}
	if (run.probe)
		return probe();
	if (run.config != NULL && !run_config(&run))
		return VMM_STATUS_OPTIONS;
	if (run.kernel == NULL && run.firmware == NULL) {
		report("run: give FILE or --kernel KERNEL; `hypike run --help' tells more");
		return VMM_STATUS_OPTIONS;
	}
	return tell_end(&run, run_machine(&run, argv));
}
