/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file options.h
 * The VMM's command line. Words are separated by blanks; quotes ("…" or '…') and \ keep blanks.
 */
#ifndef VMM_OPTIONS_H
#define VMM_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OPTIONS_MODULES 32u
#define OPTIONS_DISKS	4u
#define OPTIONS_NETS	4u
#define OPTIONS_TEXT	8192u

struct options {
	uint64_t memory;     /**< --memory 64M: bytes, with suffix K, M or G */
	const char *kernel;  /**< --kernel NAME: a file of the partition */
	const char *firmware; /**< --firmware NAME: a file to start at the reset vector, for a kernel */
	const char *cmdline; /**< --cmdline "…": the kernel's, without its name; "" */
	const char *module[OPTIONS_MODULES]; /**< --module "NAME args" */
	uint32_t modules;
	uint32_t vcpus;	     /**< --vcpus N */
	const char *machine; /**< --machine pc */
	uint64_t timeout_ms; /**< --timeout-ms N; 0: none */
	uint64_t rtc;	     /**< --rtc SECONDS: what the clock shows, since 1970; 0: the host's */
	const char *disk[OPTIONS_DISKS]; /**< --disk NAME[,ro|overlay]: a file as a virtio disk */
	uint32_t disks;
	const char *net[OPTIONS_NETS]; /**< --net NAME[,mac=xx:xx:xx:xx:xx:xx]: a shared memory region */
	uint32_t nets;
	const char *serial2; /**< --serial2 IN,OUT: COM2, connected with queuing ports; NULL: none */
	bool virtio_console; /**< --virtio-console: it gets the keys, too, once its driver is up */
	bool virtio_split;   /**< --virtio-split: virtio devices don't offer packed rings */
	bool rng;	     /**< --rng: virtio entropy device */
	uint64_t rng_seed;   /**< --rng-seed N: it gives the same bytes each time; 0: it doesn't */
	bool display;	     /**< --display: a framebuffer and a mouse */
	bool screen;	     /**< --screen: print the text screen at the end */
	bool trace_absent;   /**< --trace-absent: list ports and memory asked for in vain */
	bool trace_exits;    /**< --trace-exits: print exits (exit_trace.h) */
	bool test_device;    /**< --test-device: see dev/test_device.h */
	bool no_summary;     /**< --no-summary */
	bool no_pvpanic;     /**< --no-pvpanic: see dev/pvpanic.h */
	uint32_t reboots;    /**< --reboots N: so often a reset by the guest boots it anew; 0: it ends */
	bool gdb_wait;	     /**< --gdb-wait: the guest waits for a debugger, before it runs and when it fails */
	bool help;	     /**< --help */
	const char *culprit; /**< the word that options_parse() didn't like */
	char text[OPTIONS_TEXT]; /**< the words */
};

/**
 * Take a command line apart.
 * @return NULL, or what is wrong with options.culprit.
 * @req VMM-010 A command line with an unknown option, a missing or malformed value, or too much of
 *              anything is refused with the word that is wrong.
 */
const char *options_parse(const char *args, struct options *options);
/** What there is, a line each. */
extern const char options_help[];
/** Number with a suffix K, M, G (1024s). @return false where it isn't one or doesn't fit. */
bool options_size(const char *text, uint64_t *value);

#endif
