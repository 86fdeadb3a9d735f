/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file run.h
 * `hypike run`: its command line, and what its files do with it.
 */
#ifndef TOOLS_RUN_H
#define TOOLS_RUN_H

#include "tools/gdb.h"
#include "tools/operations.h"
#include "tools/util.h"

/** The command line of `hypike run`. */
struct run {
	const char *memory, *cpus, *kernel, *firmware, *cmdline, *timeout, *reboots;
	struct strings modules, disks, nets, more;
	const char *serial; /**< where the console is: stdio, none, pty, file=F, unix=PATH */
	const char *vnc;	/**< where a VNC server listens: a path or a port; NULL: nowhere */
	const char *screenshot; /**< file for the last picture, NULL: none */
	const char *accel;  /**< auto, kvm, hypike, model */
	const char *config, *partition; /**< a file, and which of its machines */
	const char *name; /**< for the control socket; NULL: after the kernel's file */
	const char *debugger; /**< --gdb, as it was given */
	struct gdb_servers gdb; /**< and what it says: one at the most */
	bool rng, virtio_console, screen, summary;
	bool json, probe, dry_run;
};

/** Take what the configuration file says. @return false after report() or complaints */
bool run_config(struct run *run);
/**
 * Make the VMM's command line, and give it the files that it names.
 * @return 0, or a status of the VMM's after report()
 */
int run_words(struct run *run, struct strings *words);
/** What --timeout says in milliseconds. @return 0 after report() */
uint64_t run_timeout_ms(const char *text);
/** Words as one line. */
char *run_line(const struct strings *words);

/** How a disk is used. */
struct run_disk {
	char *path, *overlay;
	unsigned flags; /**< HYPIKE_VMM_DISK_WRITE ... */
	bool in_memory; /**< what is written */
};
/** Take the value of --disk apart. @return false after report() */
bool run_disk_parse(const char *text, struct run_disk *disk);
/**
 * Make a network.
 * @param before what its name is to begin with; its number follows
 * @param words  the value of the VMM's option for it
 * @return a descriptor that gives and takes a frame at a time; -1 after report()
 */
int run_net_open(const char *text, const char *before, char **words);
/** Make a network and add it to the VMM's command line. @return false after report() */
bool run_net(const char *text, struct strings *words);
/** Connect the VM's console. @return false after report() */
bool run_serial(const struct run *run, const struct operations *operations);
/** Start a VNC server, where one is wanted. @return false after report() */
bool run_vnc(const char *where, const struct operations *operations);
/** Let the machine be controlled at a socket (control.h). @return false after report() */
bool run_control(const struct run *run, const struct operations *operations);
/** By what name, "" where it can't be. */
const char *run_control_name(void);
/** Write a picture as PNG. @param what wants that, for messages. @return false after report() */
bool png_save(const char *what, const char *path, const uint32_t *pixels, unsigned int width, unsigned int height);
/** Write what is shown as PNG, where that is wanted. @return false after report() */
bool run_screenshot(const char *path, const struct operations *operations);

/** What becomes of it: on what it is run; RUN_HERE: by the VMM that is in this program. */
enum run_on { RUN_HERE, RUN_ON_HYPIKE, RUN_ON_MODEL, RUN_ON_NOTHING };

/** Decide what to run it on, and say so where it isn't what one would expect. */
enum run_on run_accel(const struct run *run);
/** Do its options make sense for HyPike in QEMU? @return false after report() */
bool run_can_boot(const struct run *run);
struct link;
/** Connect the networks and disks of a machine on HyPike with it, and add options of `hypike boot` for them.
 *  @return false after report(), and run_link_end() */
bool run_link(const struct run *run, struct link *link, struct strings *argv);
/** The machine has ended: what it wrote is to be in the files. */
void run_link_end(struct link *link);
/** Boot the same machine on HyPike in QEMU, with emulated_operations. @return its status */
int run_on_hypike(const struct run *run);
/** Replace this program with the one that has the model in it. @return a status, where that failed */
int run_on_model(char **argv);

#endif
