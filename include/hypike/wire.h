/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file wire.h
 * Several consoles on one serial line: what the kernel's option `console=mux` and the `hypike` command
 * speak. WIRE_ESCAPE, WIRE_STREAM + n: what follows belongs to stream n; 0 is the kernel, n > 0 is
 * partition n - 1. WIRE_ESCAPE, WIRE_DEBUG + n: it belongs to the debugger of partition n's VM. WIRE_ESCAPE
 * twice is that byte itself. The same in both directions: towards the machine it chooses who gets the keys.
 */
#ifndef HYPIKE_WIRE_H
#define HYPIKE_WIRE_H

#define WIRE_ESCAPE  0x10u /* DLE */
#define WIRE_STREAM  0x80u
#define WIRE_STREAMS 65u
#define WIRE_DEBUG   0x40u
#define WIRE_DEBUGS  64u
/** On a debug stream: the VM is there, or there again; it knows of no debugger. */
#define WIRE_DEBUG_HELLO 0x05u /* ENQ */

#endif
