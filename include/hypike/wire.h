/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file wire.h
 * Several byte streams on one serial line: what the kernel's option `console=mux` and the `hypike` command
 * speak. WIRE_ESCAPE and a code: what follows belongs to the stream with that code. WIRE_ESCAPE twice is that
 * byte itself, so no code is WIRE_ESCAPE. The same in both directions: towards the machine it chooses who gets
 * what follows.
 *
 * WIRE_STREAM: the kernel's text; WIRE_STREAM + 1 + n: partition n's console. WIRE_DEBUG + n: the debugger
 * of its VM. WIRE_LINK + n: what its VMM and the command have to say to each other (<hypike/link.h>).
 */
#ifndef HYPIKE_WIRE_H
#define HYPIKE_WIRE_H

#define WIRE_ESCAPE  0x10u /* DLE */
#define WIRE_DEBUG   0x3fu
#define WIRE_DEBUGS  64u
#define WIRE_STREAM  0x7fu
#define WIRE_STREAMS 65u
#define WIRE_LINK    0xc0u
#define WIRE_LINKS   64u
/** On a debug stream: the VM is there, or there again; it knows of no debugger. */
#define WIRE_DEBUG_HELLO 0x05u /* ENQ */

#endif
