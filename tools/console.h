/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file console.h
 * Runs an emulator whose first serial port is our end of a pseudo-terminal: what it prints goes to
 * the output, keys go to it, `Ctrl-A x` ends it. The same for every emulator.
 */
#ifndef TOOLS_CONSOLE_H
#define TOOLS_CONSOLE_H

#include "tools/streams.h"

/** The emulator's serial line. */
struct console {
	int master;
	int slave;	 /**< kept open until the emulator ends, so that nothing is lost */
	char device[64]; /**< what the emulator opens */
};

/** How a run came to its end. */
enum console_end {
	CONSOLE_ENDED,	 /**< the emulator ended by itself */
	CONSOLE_KEY,	 /**< Ctrl-A x */
	CONSOLE_TIMEOUT, /**< the time was over */
	CONSOLE_SIGNAL,	 /**< somebody asked this command to end */
	CONSOLE_FAILED,	 /**< the emulator could not be started */
};

struct console_options {
	double timeout;	      /**< seconds; 0: none */
	int select;	      /**< number of the partition that the keys go to; -1: as configured */
	const char *log_path; /**< gets what the emulator itself prints */
	struct gdb_servers *gdb;
	bool controlled; /**< by others, and its console may be elsewhere (emulated.h) */
	struct link *link; /**< NULL: none */
};

struct console_result {
	enum console_end end;
	int exit_status;   /**< the emulator's, where it ended by itself */
	int signal;	   /**< that ended the emulator, or this command; or 0 */
	int system_status; /**< the last `hypike: exit status N` that was printed, or -1 */
	bool panicked;	   /**< a line began with `hypike: panic` */
	double seconds;
};

/** Open a pseudo-terminal. @return false after report(). */
bool console_open(struct console *console);

/** Start the emulator and stay until it has ended; closes the console. */
void console_run(struct console *console, char *const *argv, struct streams *streams,
		 const struct console_options *options, struct console_result *result);

#endif
