/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file gdb.h
 * Debuggers of the VMs of a running machine: each VM has a stream on the machine's serial line
 * (<hypike/wire.h>), which is passed on to whoever connects to its socket.
 *
 * @req TOOL-070 `hypike boot --gdb` connects a debugger with a VM; one that goes away without a word
 *               leaves the VM running.
 */
#ifndef TOOLS_GDB_H
#define TOOLS_GDB_H

#include <poll.h>

#include "tools/util.h"

/** A VM's debugger. */
struct gdb_server {
	unsigned port;	   /**< of TCP, on the loopback interface alone; 0: a UNIX socket */
	char *path;	   /**< that socket's */
	char *vm;	   /**< the VM's name; NULL: the only one */
	bool wait;	   /**< the VM is to wait for it before its first instruction */
	size_t partition;  /**< the VM's */
	int listener;	   /**< bound; listens from when the VM is there */
	int client;	   /**< -1: nobody */
	bool present;	   /**< the VM has said that it is there */
	char out[8192];	   /**< from the VM */
	size_t out_length;
	unsigned behind;   /**< digits that are still to come behind the packet in `out` */
	bool inside;	   /**< it isn't whole yet */
};

struct gdb_servers {
	struct gdb_server *server;
	size_t count;
};

/** Who is in the system. */
struct gdb_system {
	const char *const *names;
	const bool *is_vm;
	size_t count;
};

/** Take an option, PORT|unix:PATH[,vm=NAME][,wait]. @return false after report(). */
bool gdb_option(struct gdb_servers *servers, const char *text);
/** @return whether VM `name` is to wait for its debugger; NULL: whether any is. */
bool gdb_waits(const struct gdb_servers *servers, const char *name);
/** Find each server's VM. @return false after report(). */
bool gdb_resolve(struct gdb_servers *servers, const struct gdb_system *system);
/** Take the ports and sockets. @return false after report(). */
bool gdb_open(struct gdb_servers *servers);
/** The VM is there: let debuggers connect, and say so. @return the socket */
int gdb_listen(struct gdb_server *server);
/** Remove the sockets. */
void gdb_close(struct gdb_servers *servers);

/** A byte of partition `partition`'s debug stream. */
void gdb_take(struct gdb_servers *servers, size_t partition, uint8_t byte);
/** Pass on what gdb_take() has kept. */
void gdb_flush(struct gdb_servers *servers);

/** What is to be polled for server `index`. */
struct pollfd gdb_poll(const struct gdb_server *server);
/**
 * Something came there.
 * @param room bytes that fit into `out`; at least GDB_ROOM.
 * @return bytes for the machine in `out`, ready for the line; then the keys' stream is to be chosen again
 */
size_t gdb_serve(struct gdb_server *server, char *out, size_t room);
#define GDB_ROOM 64u

#endif
