/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file link.h
 * The link: what a VMM on HyPike and the command that has booted the machine (`hypike run`) say to each other, on
 * a stream of the machine's serial line (WIRE_LINK, <hypike/wire.h>). Messages follow each other: a header, then
 * `size` bytes. Numbers are little-endian. Neither side trusts the other: a message that is too long, unknown or
 * out of place is the end of the link, for good.
 *
 * First the VMM says LINK_HELLO, then the command does; a second one of the VMM's (it was started anew) is out of
 * place. Towards the command nothing is lost: the VMM waits where the line is full. Towards the VMM the command may
 * have `window` bytes on their way that LINK_TAKEN hasn't told of yet.
 */
#ifndef HYPIKE_LINK_H
#define HYPIKE_LINK_H

#include <stdint.h>

#define LINK_MAGIC   "HyPike ln"
#define LINK_VERSION 1u
/** Bytes behind a header, at the most. */
#define LINK_MAX 4160u
/** Of a partition with a link: what its VMM uses for it beside the guest's memory and its disks'. */
#define LINK_MEMORY (UINT64_C(2) << 20)
/** And its threads: the link's, and that which does what the command asks for (<hypike/link_control.h>). */
#define LINK_THREADS 2u
/** Networks and disks are as numbered: the VMM has them under the name LINK_NAME, number, and whatever follows. */
#define LINK_NAME    "host:"
#define LINK_NUMBERS 4u

struct link_header {
	uint16_t size;
	uint8_t kind;	/**< enum link_kind */
	uint8_t number; /**< of the network or disk; else 0 */
};

enum link_kind {
	LINK_HELLO = 1,	   /**< both: struct link_hello */
	LINK_TAKEN = 2,	   /**< to the command: uint32_t, bytes that were read since the last one */
	LINK_FRAME = 16,   /**< both: an Ethernet frame. Where there is no room for one it is lost. */
	LINK_WRITE = 24,   /**< to the command: uint64_t, place on the disk; whole sectors */
	LINK_FLUSH = 25,   /**< to the command: uint32_t, number: what was written is to stay */
	LINK_FLUSHED = 26, /**< the answer: struct link_flushed */
};

struct link_hello {
	char magic[10];
	uint16_t version;
	uint32_t window; /**< the VMM's; the command says 0 */
};

struct link_flushed {
	uint32_t number;
	uint32_t failed; /**< something that was written is not on the disk */
};

#endif
