/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file machine.h
 * The emulated machines that a Multiboot kernel (HyPike's, or any other) can be booted on. Each is
 * one entry of a table: how to start it, and what its end means.
 */
#ifndef TOOLS_MACHINE_H
#define TOOLS_MACHINE_H

#include "tools/util.h"

/** A Multiboot module for the machine's boot loader. */
struct machine_module {
	char *path;
	char *args; /**< "" for none */
};

/** How the kernel gets into memory. */
enum loader {
	LOADER_EMULATOR, /**< by the emulator itself where it can (Multiboot 1), else as below */
	LOADER_BIOS,	 /**< BIOS, GRUB, ISO */
	LOADER_UEFI,	 /**< UEFI, GRUB, ISO */
};

/** What to boot. */
struct machine_request {
	char *kernel;			/**< path of the Multiboot kernel */
	const char *append;		/**< its command line; "" for none */
	struct machine_module *modules;
	size_t module_count;
	enum loader loader;
	unsigned multiboot; /**< which version of it GRUB is to speak: 1 or 2 */
	unsigned cpus;
	uint64_t memory;       /**< bytes of RAM */
	bool icount;	       /**< time counts instructions */
	unsigned icount_shift; /**< of which each takes 2^N ns */
	const char *cpu_model; /**< the emulator's name of it; NULL: the machine's own */
	const char *directory; /**< for files that it needs */
	const char *serial;    /**< terminal device that is to be its first serial port */
	int monitor; /**< QEMU: a descriptor that it has, for its monitor (QMP); -1: none */
	const char *trace;     /**< file for what comes from its second serial port, or NULL */
};

/** An emulated machine. */
struct machine {
	const char *name;
	const char *what; /**< for the help text */
	const char *cpu_model;
	const char *package; /**< Debian package of the emulator, for the message */
	/** Write what it needs into the directory and fill in the argument vector. */
	bool (*prepare)(const struct machine *machine, const struct machine_request *request,
			struct strings *argv);
	/** Text in the emulator's log where the system itself ended the machine; NULL: none. */
	const char *shutdown_text;
	/** @return the status that the system gave through the debug-exit port, or -1. */
	int (*debug_exit)(int exit_status);
};

/** @return the machine of that name, or NULL. */
const struct machine *machine_find(const char *name);
/** @return all their names, as "a, b, c". */
const char *machine_names(void);
/** Print a line of help for each. */
void machine_print_help(void);

extern const struct machine machine_qemu, machine_bochs, machine_bochs_amd;

#endif
