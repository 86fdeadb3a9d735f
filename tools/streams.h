/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file streams.h
 * The consoles of a system, taken apart from the one line on which they come (<hypike/wire.h>) and
 * shown: all of them line by line, each behind its partition's name; or one alone, byte by byte.
 */
#ifndef TOOLS_STREAMS_H
#define TOOLS_STREAMS_H

#include <stdio.h>

#include "tools/gdb.h"
#include "tools/link.h"
#include "tools/util.h"

/** What comes from the machine, who is in it and how it is to be shown. */
struct streams_options {
	const char *const *names; /**< of the partitions */
	size_t count;		  /**< 0: the line carries one console, as it is */
	size_t keys;		  /**< partition that gets the keys at first */
	const char *alone;	  /**< partition whose console is shown alone; NULL: all are */
	bool colours;
	const char *directory; /**< each console is also written to DIR/NAME.log; NULL: not */
	int output;	       /**< file descriptor */
	struct gdb_servers *gdb; /**< get the debug streams */
	void (*console)(const char *text, size_t size); /**< gets the bytes of a console shown as it is; may be NULL */
	bool elsewhere;	       /**< that is shown by it alone, and not on `output` */
	void (*present)(void); /**< is told when the VM is there; may be NULL */
	struct link *link;	 /**< gets the first partition's link; NULL: nobody */
};

struct streams;

/** @return the streams, or NULL after report(). */
struct streams *streams_open(const struct streams_options *options);
/** Bytes from the machine. */
void streams_take(struct streams *streams, const char *text, size_t size);
/** Nothing came for a while: show what has no line end yet of the console that has the keys. */
void streams_idle(struct streams *streams);
/** @return whether something waits for streams_idle(). */
bool streams_waiting(const struct streams *streams);
/** The machine has ended: show what is left. */
void streams_close(struct streams *streams);

/** Whether a key fits: `out` has room for 2 bytes. @return how many bytes to send for it. */
size_t streams_key(const struct streams *streams, char key, char out[2]);
/** Give the keys to another partition: the next, or number `which`. @return bytes to send in `out`. */
size_t streams_select_next(struct streams *streams, char out[2]);
size_t streams_select(struct streams *streams, size_t which, char out[2]);
/** What follows on the line are keys again. @return bytes to send in `out`. */
size_t streams_select_again(const struct streams *streams, char out[2]);
/** @return name of the partition that has the keys; NULL where there is only one console. */
const char *streams_selected(const struct streams *streams);

/** @return the last `hypike: exit status N` of the kernel's, or -1. */
int streams_status(const struct streams *streams);
/** @return whether the kernel panicked. */
bool streams_panicked(const struct streams *streams);

#endif
