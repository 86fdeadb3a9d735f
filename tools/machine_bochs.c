/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bochs, which emulates VT-x and AMD-V. It has no loader: its BIOS boots GRUB from an ISO.
 */
#include "tools/machine.h"

#include <stdio.h>
#include <string.h>

#include "tools/grub.h"

/* Instructions in a second of the emulated clock. The fewer there are, the shorter any waiting is;
 * with much fewer, a system under test is busy with its ticks alone. */
#define IPS 100000000u

/* Leave room below for the video BIOS and the like: Bochs takes no more than 2 GiB. */
#define MEMORY_MAX (UINT64_C(2) << 30)

static bool write_rc(const struct machine *machine, const struct machine_request *request)
{
	char *path = string_format("%s/bochsrc", request->directory);
	FILE *out = fopen(path, "w");
	unsigned long long megabytes = request->memory >> 20;

	if (out == NULL)
		return report("%s: could not be written", path);
	fprintf(out,
		"config_interface: textconfig\n"
		"display_library: term\n"
		/* It draws into a pseudo terminal that nobody reads, and would wait for ever when that
		 * is full, after some minutes: let it draw once in a second of the machine's. */
		"vga: update_freq=1, realtime=0\n"
		"memory: guest=%llu, host=%llu\n"
		"romimage: file=/usr/share/bochs/BIOS-bochs-latest, options=fastboot\n"
		"vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest\n"
		"cpu: model=%s, count=%u, ips=%u, reset_on_triple_fault=0\n"
		"clock: sync=none, time0=utc\n"
		"ata0-master: type=cdrom, path=\"%s/boot.iso\", status=inserted\n"
		"boot: cdrom\n"
		"com1: enabled=1, mode=term, dev=%s\n"
		"plugin_ctrl: unmapped=true, speaker=false\n"
		"sound: waveoutdrv=dummy, waveindrv=dummy, midioutdrv=dummy\n"
		"log: \"%s/bochs.log\"\n"
		"panic: action=fatal\n"
		"error: action=report\n"
		"info: action=report\n"
		"debug: action=ignore\n",
		megabytes, megabytes, request->cpu_model ? request->cpu_model : machine->cpu_model,
		request->cpus, IPS, request->directory,
		request->serial, request->directory);
	if (request->trace != NULL)
		fprintf(out, "com2: enabled=1, mode=file, dev=\"%s\"\n", request->trace);
	return fclose(out) == 0;
}

static bool bochs_prepare(const struct machine *machine, const struct machine_request *request,
			  struct strings *argv)
{
	/* The packaged Bochs starts in its debugger. */
	char *commands = string_format("%s/bochs-commands", request->directory);

	if (request->loader == LOADER_UEFI)
		return report("Bochs boots from its BIOS only");
	if (request->memory > MEMORY_MAX)
		return report("Bochs has no more than 2 GiB of memory; this system needs more");
	if (!grub_iso_make(request, "boot.iso") || !write_rc(machine, request) ||
	    !file_write(commands, "c\n", 2))
		return false;
	strings_add(argv, "bochs");
	strings_add(argv, "-q");
	strings_add(argv, "-f");
	strings_add(argv, "%s/bochsrc", request->directory);
	strings_add(argv, "-rc");
	strings_add(argv, "%s", commands);
	return true;
}

static int bochs_debug_exit(int exit_status)
{
	(void)exit_status; /* always the same */
	return -1;
}

const struct machine machine_bochs = {
	.name = "bochs",
	.what = "Bochs's emulated VT-x",
	.cpu_model = "corei7_skylake_x",
	.package = "bochs",
	.shutdown_text = "shutdown requested",
	.prepare = bochs_prepare,
	.debug_exit = bochs_debug_exit,
};

const struct machine machine_bochs_amd = {
	.name = "bochs-amd",
	.what = "Bochs's emulated AMD-V (Ryzen)",
	.cpu_model = "ryzen",
	.package = "bochs",
	.shutdown_text = "shutdown requested",
	.prepare = bochs_prepare,
	.debug_exit = bochs_debug_exit,
};
