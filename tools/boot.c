/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `hypike boot`: checks and packs the system, starts the emulated machine, is its console, and
 * judges how it ended.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/attach.h"
#include "tools/command.h"
#include "tools/config.h"
#include "tools/console.h"
#include "tools/emulated.h"
#include "tools/image.h"
#include "tools/machine.h"
#include "tools/options.h"
#include "tools/process.h"

#include "lib/system_image.h"

enum {
	OPTION_ON = OPTION_COMMAND,
	OPTION_CPUS,
	OPTION_CPU,
	OPTION_HOST_MEMORY,
	OPTION_ICOUNT,
	OPTION_TIMEOUT,
	OPTION_JSON,
	OPTION_DRY_RUN,
	OPTION_KEEP,
	OPTION_BARE,
	OPTION_APPEND,
	OPTION_HYPIKE,
	OPTION_TRACE,
	OPTION_LOADER,
	OPTION_MULTIBOOT,
	OPTION_CONSOLE,
	OPTION_COLOUR,
	OPTION_GDB,
};

/* RAM for the kernel itself, the firmware and the system image's tables. */
#define HOST_MEMORY_BASE (UINT64_C(48) << 20)
#define HOST_MEMORY_MIN	 (UINT64_C(128) << 20)
#define MEGABYTE	 (UINT64_C(1) << 20)

/* The command line of `hypike boot`, and what it led to. */
struct boot {
	struct model model;
	const struct machine *machine;
	struct machine_request request;
	double timeout;
	bool json;
	bool dry_run;
	bool controlled;   /* by emulated_operations */
	bool bare;	   /* no HyPike: the kernel runs on the machine itself */
	const char *file; /* the whole system: a configuration, a system image, or what was built */
	bool built;	  /* it has HyPike's kernel in it */
	bool cpus_given;
	const char *keep;
	char *directory;
	char *log_path; /* what the emulator itself says */
	struct strings argv;
	struct console_result result;
	int status;
	/* What is seen of it. */
	const char *console; /* one partition's alone */
	const char *colour;  /* auto, always, never */
	const char **names;  /* of the partitions */
	size_t name_count;
	size_t keys; /* which of them has the keys */
	bool *is_vm; /* which of them are VMs */
	struct gdb_servers gdb;
	struct link *link; /* NULL: none */
};

static void print_help(void)
{
	printf("Usage: hypike boot [OPTION...] FILE\n"
	       "       hypike boot [OPTION...] --kernel KERNEL | --firmware ROM\n\n"
	       "Boots HyPike on an emulated machine: with the system of a configuration (YAML) or of what\n"
	       "`hypike build' or `hypike pack' made of one, or with the virtual machines that options\n"
	       "describe. Consoles are shown in this terminal; Ctrl-A x ends the machine, Ctrl-A h helps.\n\n"
	       "Machine:\n"
	       "  --on MACHINE       one of (the first):\n");
	machine_print_help();
	printf("  --cpus N           number of CPUs (what the system names, or 1)\n"
	       "  --cpu MODEL        CPU model, by the emulator's name\n"
	       "  --host-memory SIZE RAM (what the configuration says, or what the system needs)\n"
	       "  --loader WHO       emulator, bios or uefi: who loads the kernel; the latter two by\n"
	       "                     way of GRUB from an ISO (emulator where it can, else bios)\n"
	       "  --multiboot 1|2    which version GRUB is to speak (1)\n"
	       "  --icount[=N]       QEMU: an instruction takes 2^N ns (1 ns), so that all runs are the\n"
	       "                     same; waiting is short where N is great\n"
	       "  --timeout SECONDS  end the machine then, with status 124\n"
	       "  --append TEXT      command line of HyPike's kernel\n"
	       "  --hypike FILE      HyPike's kernel, in place of the one built with this command\n"
	       "  --trace FILE       record there what happened when: `hypike trace FILE' shows it\n"
	       "  --gdb ADDRESS      let gdb debug a VM, there: PORT or unix:PATH, and behind it ,vm=NAME\n"
	       "                     where there are several, ,wait to have it wait for gdb; repeatable\n"
	       "  --bare             no HyPike: the kernel has the machine to itself\n"
	       "  --json             result as JSON on stdout; the console goes to stderr\n"
	       "  --dry-run          check and print what would be run, but don't\n"
	       "  --console NAME     show only this partition's console, byte by byte; keys go to it\n"
	       "  --colour WHEN      of the names before lines: auto, always or never (auto)\n"
	       "  --keep DIR         keep system image, ISO, logs and each partition's output there\n"
	       "  --help             this text\n\n%s",
	       model_options_help);
}

/* ---- options ---- */

static bool set_machine(struct boot *boot, const char *name)
{
	boot->machine = machine_find(name);
	return boot->machine != NULL ||
	       report("--on %s: no such machine; there are %s", name, machine_names());
}

static bool set_cpus(struct boot *boot, const char *text)
{
	uint64_t number;

	if (!parse_number(text, 1, SYSTEM_MAX_CPU, &number))
		return report("--cpus %s: no number from 1 to %u", text, SYSTEM_MAX_CPU);
	boot->request.cpus = (unsigned)number;
	boot->cpus_given = true;
	return true;
}

static bool set_host_memory(struct boot *boot, const char *text)
{
	if (!parse_size(text, &boot->request.memory) || boot->request.memory < MEGABYTE)
		return report("--host-memory %s: no size such as 256M", text);
	return true;
}

static bool set_icount(struct boot *boot, const char *text)
{
	uint64_t shift = 0;

	if (text != NULL && !parse_number(text, 0, 10, &shift))
		return report("--icount=%s: no number from 0 to 10", text);
	boot->request.icount = true;
	boot->request.icount_shift = (unsigned)shift;
	return true;
}

static bool set_loader(struct boot *boot, const char *text)
{
	static const char *const names[] = {
		[LOADER_EMULATOR] = "emulator",
		[LOADER_BIOS] = "bios",
		[LOADER_UEFI] = "uefi",
	};

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i], text) == 0) {
			boot->request.loader = (enum loader)i;
			return true;
		}
	return report("--loader %s: there are emulator, bios, uefi", text);
}

static bool set_multiboot(struct boot *boot, const char *text)
{
	uint64_t number;

	if (!parse_number(text, 1, 2, &number))
		return report("--multiboot %s: there are 1 and 2", text);
	boot->request.multiboot = (unsigned)number;
	return true;
}

static bool set_timeout(struct boot *boot, const char *text)
{
	char *end;

	boot->timeout = strtod(text, &end);
	return (*end == '\0' && end != text && boot->timeout > 0 && boot->timeout < 1e6) ||
	       report("--timeout %s: no number of seconds", text);
}

static bool set_colour(struct boot *boot, const char *text)
{
	boot->colour = text;
	return strcmp(text, "auto") == 0 || strcmp(text, "always") == 0 ||
	       strcmp(text, "never") == 0 ||
	       report("--colour %s: there are auto, always and never", text);
}

static bool boot_option(struct boot *boot, int value, char *argument)
{
	switch (value) {
	case OPTION_ON:
		return set_machine(boot, argument);
	case OPTION_CPUS:
		return set_cpus(boot, argument);
	case OPTION_HOST_MEMORY:
		return set_host_memory(boot, argument);
	case OPTION_TIMEOUT:
		return set_timeout(boot, argument);
	case OPTION_LOADER:
		return set_loader(boot, argument);
	case OPTION_MULTIBOOT:
		return set_multiboot(boot, argument);
	case OPTION_CPU:
		boot->request.cpu_model = argument;
		return true;
	case OPTION_ICOUNT:
		return set_icount(boot, argument);
	case OPTION_JSON:
		return boot->json = true;
	case OPTION_DRY_RUN:
		return boot->dry_run = true;
	case OPTION_BARE:
		return boot->bare = true;
	case OPTION_KEEP:
		return (boot->keep = argument) != NULL;
	case OPTION_APPEND:
		return (boot->request.append = argument) != NULL;
	case OPTION_CONSOLE:
		return (boot->console = argument) != NULL;
	case OPTION_COLOUR:
		return set_colour(boot, argument);
	case OPTION_GDB:
		return gdb_option(&boot->gdb, argument);
	case OPTION_TRACE:
		return (boot->request.trace = argument) != NULL;
	case OPTION_HYPIKE:
		return (boot->request.kernel = argument) != NULL;
	default:
		return model_option(&boot->model, value, argument);
	}
}

static const struct option options[] = {
	MODEL_OPTIONS,
	{"on", required_argument, NULL, OPTION_ON},
	{"cpus", required_argument, NULL, OPTION_CPUS},
	{"cpu", required_argument, NULL, OPTION_CPU},
	{"host-memory", required_argument, NULL, OPTION_HOST_MEMORY},
	{"loader", required_argument, NULL, OPTION_LOADER},
	{"multiboot", required_argument, NULL, OPTION_MULTIBOOT},
	{"icount", optional_argument, NULL, OPTION_ICOUNT},
	{"timeout", required_argument, NULL, OPTION_TIMEOUT},
	{"json", no_argument, NULL, OPTION_JSON},
	{"dry-run", no_argument, NULL, OPTION_DRY_RUN},
	{"keep", required_argument, NULL, OPTION_KEEP},
	{"bare", no_argument, NULL, OPTION_BARE},
	{"append", required_argument, NULL, OPTION_APPEND},
	{"trace", required_argument, NULL, OPTION_TRACE},
	{"hypike", required_argument, NULL, OPTION_HYPIKE},
	{"console", required_argument, NULL, OPTION_CONSOLE},
	{"colour", required_argument, NULL, OPTION_COLOUR},
	{"color", required_argument, NULL, OPTION_COLOUR},
	{"gdb", required_argument, NULL, OPTION_GDB},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

static bool take_file(struct boot *boot, int argc, char **argv)
{
	if (optind < argc)
		boot->file = argv[optind++];
	return optind >= argc ||
	       report("%s: one file is the whole system; `hypike boot --help' tells more",
		      argv[optind]);
}

static bool options_agree(const struct boot *boot)
{
	const size_t vms = boot->model.partition_count;

	if (boot->file != NULL && (vms > 0 || boot->bare))
		return report("%s is the whole system: no virtual machines beside it", boot->file);
	if (boot->file == NULL && vms == 0)
		return report("boot: give FILE, --kernel KERNEL or --firmware ROM; `hypike boot --help' tells more");
	if (boot->bare && vms != 1)
		return report("--bare runs one kernel");
	if (boot->bare && boot->gdb.count > 0)
		return report("--gdb debugs VMs; with --bare there is none");
	if (boot->request.multiboot == 2 && boot->machine == &machine_qemu &&
	    boot->request.loader == LOADER_EMULATOR)
		return report("--multiboot 2 needs --loader bios or uefi: QEMU speaks version 1");
	if (boot->request.icount && boot->machine != &machine_qemu)
		return report("--icount is for QEMU; Bochs always counts instructions");
	return true;
}

/* ---- the system, ready for a boot loader ---- */

static void add_module(struct machine_request *request, char *path, char *args)
{
	request->modules = memory_grow(request->modules, request->module_count + 1,
				       sizeof(*request->modules));
	request->modules[request->module_count++] = (struct machine_module){path, args};
}

static bool file_readable(const char *path)
{
	return access(path, R_OK) == 0 || report("%s: %s", path, strerror(errno));
}

/* The user's kernel takes the place of HyPike's. */
static bool prepare_bare(struct boot *boot)
{
	const struct model_partition *vm = &boot->model.partitions[0];
	bool ok;

	if (vm->kernel == NULL)
		return report("no kernel was given (--kernel FILE)");
	boot->request.kernel = vm->kernel;
	boot->request.append = vm->cmdline ? vm->cmdline : "";
	ok = file_readable(vm->kernel);
	for (size_t i = 0; i < vm->module_count; i++) {
		ok = file_readable(vm->modules[i].path) && ok;
		add_module(&boot->request, vm->modules[i].path, vm->modules[i].args);
	}
	if (boot->request.memory == 0)
		boot->request.memory = vm->memory ? vm->memory : HOST_MEMORY_MIN;
	return ok;
}

static void default_host_memory(struct boot *boot, const struct bytes *image)
{
	uint64_t memory = HOST_MEMORY_BASE + 2 * image->size + image_memory(image);

	if (boot->request.memory != 0)
		return;
	memory = (memory + 16 * MEGABYTE - 1) / (16 * MEGABYTE) * (16 * MEGABYTE);
	boot->request.memory = memory < HOST_MEMORY_MIN ? HOST_MEMORY_MIN : memory;
}

/* Who is in the image, for the console. */
static void read_names(struct boot *boot, const struct bytes *bytes)
{
	struct system_image image;
	struct system_image_error error;

	if (!system_image_open(bytes->data, bytes->size, &image, &error))
		return;
	boot->names = memory_new(image.partition_count * sizeof(*boot->names));
	boot->is_vm = memory_new(image.partition_count * sizeof(*boot->is_vm));
	boot->name_count = image.partition_count;
	for (uint32_t i = 0; i < image.partition_count; i++) {
		boot->names[i] = string_copy(image.partitions[i].name);
		boot->is_vm[i] = image.partitions[i].kind == SYSTEM_PARTITION_VMM;
		if ((image.partitions[i].flags & SYSTEM_PARTITION_INPUT) != 0)
			boot->keys = i;
	}
}

/* VMs that wait for a debugger: which, is checked when all names are known. */
static bool debugged_wait(struct boot *boot)
{
	for (size_t i = 0; i < boot->model.partition_count; i++) {
		struct model_partition *vm = &boot->model.partitions[i];
		if (vm->kind == SYSTEM_PARTITION_VMM && gdb_waits(&boot->gdb, vm->name))
			vm->args = string_format("%s --gdb-wait", vm->args);
	}
	return true;
}

/* A configuration also says for what machine it is. */
static bool read_config(struct boot *boot, struct bytes *system)
{
	if (!config_load(boot->file, &boot->model) || !debugged_wait(boot) ||
	    !image_make(&boot->model, system))
		return false;
	if (!boot->cpus_given && boot->model.cpus != 0)
		boot->request.cpus = (unsigned)boot->model.cpus;
	if (boot->request.memory == 0)
		boot->request.memory = boot->model.memory;
	return true;
}

/* As many CPUs as windows and partitions name; a partition may also be on all that there are. */
static unsigned image_cpus(const struct bytes *system)
{
	struct system_image image;
	struct system_image_error error;
	unsigned cpus = 1;

	if (!system_image_open(system->data, system->size, &image, &error))
		return cpus;
	for (uint32_t i = 0; i < image.window_count; i++)
		if (image.windows[i].cpu >= cpus)
			cpus = image.windows[i].cpu + 1;
	for (uint32_t i = 0; i < image.partition_count; i++) {
		const uint64_t may = image.partitions[i].cpus;
		const unsigned named = may != UINT64_MAX ? 64 - (unsigned)__builtin_clzll(may) : 1;
		cpus = named > cpus ? named : cpus;
	}
	return cpus;
}

/* What `hypike build' has made, or a system image. */
static bool read_image(struct boot *boot, struct bytes *system)
{
	struct bytes file;

	if (gdb_waits(&boot->gdb, NULL))
		return report("--gdb ...,wait: %s is made already; wait needs a configuration",
			      boot->file);
	if (!file_read(boot->file, &file))
		return false;
	boot->built = attach_find(&file, system);
	if (!boot->built)
		*system = file;
	if (!image_check(boot->file, system))
		return false;
	if (!boot->cpus_given)
		boot->request.cpus = image_cpus(system);
	return true;
}

static bool read_system(struct boot *boot, struct bytes *system)
{
	if (boot->file == NULL)
		return model_load(&boot->model) && debugged_wait(boot) &&
		       image_make(&boot->model, system);
	return config_is(boot->file) ? read_config(boot, system) : read_image(boot, system);
}

static bool prepare_system(struct boot *boot)
{
	char *path = string_format("%s/system.img", boot->directory);
	struct bytes system;

	if (!read_system(boot, &system))
		return false;
	if (boot->built)
		boot->request.kernel = string_copy(boot->file);
	else if (boot->request.kernel == NULL)
		boot->request.kernel = path_of_part("kernel/hypike.elf");
	if (!file_readable(boot->request.kernel))
		return false;
	default_host_memory(boot, &system);
	read_names(boot, &system);
	if (!gdb_resolve(&boot->gdb, &(struct gdb_system){boot->names, boot->is_vm, boot->name_count}))
		return false;
	boot->request.append = string_format("console=mux %s%s", boot->request.trace ? "trace " : "",
					     boot->request.append);
	if (boot->built)
		return true;
	add_module(&boot->request, path, string_copy(""));
	return file_write(path, system.data, system.size);
}

/* ---- a directory for what the emulator needs ---- */

static bool open_directory(struct boot *boot)
{
	const char *parent = getenv("TMPDIR");

	if (boot->keep != NULL) {
		if (mkdir(boot->keep, 0777) != 0 && errno != EEXIST)
			return report("%s: %s", boot->keep, strerror(errno));
		boot->directory = realpath(boot->keep, NULL);
	} else {
		boot->directory = mkdtemp(
			string_format("%s/hypike-XXXXXX", parent && *parent ? parent : "/tmp"));
	}
	return boot->directory != NULL ||
	       report("no directory for temporary files: %s", strerror(errno));
}

static int remove_entry(const char *path, const struct stat *stat, int kind, struct FTW *ftw)
{
	(void)stat;
	(void)kind;
	(void)ftw;
	return remove(path);
}

static void close_directory(const struct boot *boot)
{
	if (boot->keep == NULL && boot->directory != NULL)
		nftw(boot->directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

/* ---- the run and what it came to ---- */

static void print_argv(const struct strings *argv)
{
	for (size_t i = 0; i < argv->count; i++)
		printf("%s%s%s%s", i ? " " : "", strpbrk(argv->item[i], " \"$") ? "'" : "",
		       argv->item[i], strpbrk(argv->item[i], " \"$") ? "'" : "");
	putchar('\n');
}

/* A kernel of somebody else ends as it likes, but it must have been there. */
static bool judge_bare(struct boot *boot, int debug_exit)
{
	const char *text = boot->machine->shutdown_text;

	if (text != NULL && !log_contains(boot->log_path, text))
		return report("%s gave up", boot->argv.item[0]);
	if (text == NULL && debug_exit < 0)
		report("the machine was reset or switched off");
	if (boot->status < 0)
		boot->status = debug_exit >= 0 ? debug_exit : 0;
	return true;
}

static bool judge_hypike(struct boot *boot, int debug_exit)
{
	if (boot->status < 0)
		return report(boot->result.panicked ? "HyPike's kernel panicked"
						    : "the machine ended without HyPike saying so");
	/* The device passes on seven bits. */
	if (debug_exit >= 0 && debug_exit != boot->status % 128)
		return report("HyPike said it ended with status %d, but left the machine with %d",
			      boot->status, debug_exit);
	return true;
}

static int judge_ended(struct boot *boot)
{
	const struct console_result *result = &boot->result;
	const int debug_exit = boot->machine->debug_exit(result->exit_status);

	if (result->signal != 0) {
		report("%s was killed by signal %d", boot->argv.item[0], result->signal);
		return EXIT_EMULATOR;
	}
	boot->status = result->system_status;
	if (!(boot->bare ? judge_bare(boot, debug_exit) : judge_hypike(boot, debug_exit)))
		return EXIT_EMULATOR;
	return boot->status == 0 ? EXIT_OK : EXIT_SYSTEM;
}

static int judge(struct boot *boot)
{
	switch (boot->result.end) {
	case CONSOLE_ENDED:
		return judge_ended(boot);
	case CONSOLE_KEY:
		return EXIT_OK;
	case CONSOLE_TIMEOUT:
		report("timed out after %.1f s", boot->timeout);
		return EXIT_TIMEOUT;
	case CONSOLE_SIGNAL:
		return 128 + boot->result.signal;
	case CONSOLE_FAILED:
		break;
	}
	return EXIT_EMULATOR;
}

static void print_json(const struct boot *boot, int code)
{
	static const char *const ends[] = {
		[CONSOLE_ENDED] = "ended",   [CONSOLE_KEY] = "key",	  [CONSOLE_TIMEOUT] = "timeout",
		[CONSOLE_SIGNAL] = "signal", [CONSOLE_FAILED] = "failed",
	};

	printf("{\"machine\": \"%s\", \"cpus\": %u, \"memory\": %llu, \"end\": \"%s\", "
	       "\"system_status\": %d, \"exit_code\": %d, \"seconds\": %.3f}\n",
	       boot->machine->name, boot->request.cpus, (unsigned long long)boot->request.memory,
	       ends[boot->result.end], boot->status, code, boot->result.seconds);
}

static bool wants_colours(const struct boot *boot, int output)
{
	const char *none = getenv("NO_COLOR");

	if (strcmp(boot->colour, "auto") != 0)
		return strcmp(boot->colour, "always") == 0;
	return isatty(output) && (none == NULL || *none == '\0');
}

static struct streams *open_streams(struct boot *boot)
{
	const int output = boot->json ? STDERR_FILENO : STDOUT_FILENO;
	struct streams_options streams_options = {
		.names = boot->names,
		.count = boot->name_count,
		.keys = boot->keys,
		.alone = boot->console,
		.colours = wants_colours(boot, output),
		.directory = boot->keep != NULL ? boot->directory : NULL,
		.output = output,
		.gdb = &boot->gdb,
		.console = boot->controlled ? emulated_output : NULL,
		.elsewhere = boot->controlled && emulated_elsewhere(),
		.present = boot->controlled ? emulated_present : NULL,
		.link = boot->link,
	};

	return streams_open(&streams_options);
}

static int selected_partition(const struct boot *boot)
{
	for (size_t i = 0; boot->console != NULL && i < boot->name_count; i++)
		if (strcmp(boot->names[i], boot->console) == 0)
			return (int)i;
	return -1;
}

static int run(struct boot *boot, struct console *console)
{
	struct console_options console_options = {
		.timeout = boot->timeout,
		.log_path = boot->log_path,
		.select = selected_partition(boot),
		.gdb = &boot->gdb,
		.controlled = boot->controlled,
		.link = boot->link,
	};
	struct streams *streams = open_streams(boot);
	int code;

	if (streams == NULL || !gdb_open(&boot->gdb))
		return EXIT_INPUT;
	remove(boot->log_path);
	console_run(console, boot->argv.item, streams, &console_options, &boot->result);
	gdb_close(&boot->gdb);
	boot->status = -1;
	code = judge(boot);
	if (code == EXIT_EMULATOR && !boot->result.panicked)
		log_show_tail(boot->log_path);
	if (boot->json)
		print_json(boot, code);
	return code;
}

static bool open_monitor(struct boot *boot)
{
	if (!boot->controlled)
		return true;
	emulated_describe((unsigned int)boot->model.partitions[0].vcpus, boot->model.partitions[0].memory);
	boot->request.monitor = emulated_monitor();
	return boot->request.monitor >= 0;
}

/* Who only asks what would be run needs no terminal for it. */
#define SOME_TERMINAL "/dev/pts/0"

static int prepare_and_run(struct boot *boot)
{
	struct console console = {.device = SOME_TERMINAL};

	if (!(boot->bare ? prepare_bare(boot) : prepare_system(boot)))
		return EXIT_INPUT;
	if (!boot->dry_run && (!console_open(&console) || !open_monitor(boot)))
		return EXIT_EMULATOR;
	boot->log_path = string_format("%s/emulator.log", boot->directory);
	boot->request.directory = boot->directory;
	boot->request.serial = console.device;
	if (!boot->machine->prepare(boot->machine, &boot->request, &boot->argv))
		return EXIT_EMULATOR;
	if (boot->dry_run) {
		print_argv(&boot->argv);
		return EXIT_OK;
	}
	if (!program_exists(boot->argv.item[0])) {
		report("%s is not installed (Debian package %s)", boot->argv.item[0],
		       boot->machine->package);
		return EXIT_EMULATOR;
	}
	return run(boot, &console);
}

int boot_for_status(int argc, char **argv, bool controlled, struct link *link, int *status)
{
	struct boot boot = {
		.machine = &machine_qemu,
		.request.cpus = 1,
		.request.multiboot = 1,
		.request.monitor = -1,
		.request.append = "",
		.colour = "auto",
		.controlled = controlled,
		.link = link,
	};
	int value, code;

	while ((value = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (value == 'h') {
			print_help();
			return EXIT_OK;
		}
		if (value == '?' || !boot_option(&boot, value, optarg))
			return EXIT_USAGE;
	}
	if (!take_file(&boot, argc, argv) || !options_agree(&boot))
		return EXIT_USAGE;
	if (link != NULL && boot.model.partition_count == 1)
		boot.model.partitions[0].flags |= SYSTEM_PARTITION_LINK;
	if (!open_directory(&boot))
		return EXIT_INPUT;
	boot.status = -1;
	code = prepare_and_run(&boot);
	close_directory(&boot);
	*status = boot.status;
	return code;
}

int command_boot(int argc, char **argv)
{
	int status;

	return boot_for_status(argc, argv, false, NULL, &status);
}
