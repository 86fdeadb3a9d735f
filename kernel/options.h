/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file options.h
 * The kernel's command line; README.md lists what it may say.
 */
#ifndef KERNEL_OPTIONS_H
#define KERNEL_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "hypervisor/driver.h"

struct options {
	bool e9;	  /**< console=e9 */
	bool trace;	  /**< trace: to COM2 */
	bool mux;	  /**< console=mux */
	uint32_t cpus;	  /**< cpus=N: no more than these */
	uint64_t tsc_khz; /**< tsc_khz=N: don't measure; 0: not given */
	uint64_t late;	  /**< late=N: microseconds by which a window may begin late */
	bool latency;	  /**< latency: say at the end how late windows began */
	struct driver_options driver; /**< apicv=auto|on|off */
	char panic[16];	  /**< panic=WHAT: PARANOID builds only */
};
extern struct options options;

/** Read the command line. A word that nobody knows is reported, not fatal. */
void options_read(const char *cmdline);

#endif
