/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file console.h
 * The machine's serial line, shared by kernel and partitions.
 *
 * Lines of the kernel begin with `hypike: `. A partition's text goes out as it is while it has the
 * console for itself; otherwise in whole lines, each behind the partition's name. With the option
 * `console=mux` it goes out as it comes, in streams that whoever is at the other end takes apart:
 * WIRE_ESCAPE and a code before what belongs to that stream, WIRE_ESCAPE twice for itself. The other way
 * the same sequence chooses who gets the keys. Each partition has more streams then, its channels: for the debugger
 * of its VM, and for what its VMM and the command say to each other; without the option they lead nowhere.
 *
 * Text goes out in the time of who writes, of the background, and of idle CPUs; of a partition's window
 * it takes no more than a FIFO's filling a millisecond, on the CPU that has the UART's interrupt.
 *
 * Each port has its own room, so that one that floods the line fills nobody else's; what goes out is
 * in the order of the writing. The kernel itself waits for nobody: when its room is full, lines are
 * lost and counted.
 *
 * @req KRN-050 Keys reach the partition that has the input, all and in order, as long as it reads them.
 * @req KRN-051 All text of partitions reaches the line, whole and in order, before the machine ends.
 * @req KRN-052 A partition that floods the console delays another's text by no more than what fits into
 *              its own room.
 */
#ifndef KERNEL_CONSOLE_H
#define KERNEL_CONSOLE_H

#include <hypike/host.h>
#include <hypike/sys.h>

#include <stdarg.h>

struct thread;

#define CONSOLE_LINE   160u  /**< a longer line of a partition is broken */
#define CONSOLE_INPUT  2048u /**< keys that wait to be read, or a debugger's packet; a power of two */
#define CONSOLE_OUTPUT 2048u /**< bytes of a partition that wait for the line; a power of two */
#define CONSOLE_PIECES 32u   /**< lines, or writes, that they may be */
#define CONSOLE_OTHER_PIECES 8u /**< writes to another channel */

/** Text that waits for the line. */
struct console_ring {
	char *text;
	uint32_t size; /**< a power of two */
	uint32_t head, tail;
	uint32_t pieces;     /**< of it in the queue for the line */
	uint32_t max_pieces;
	uint32_t open; /**< bytes at the head that are in no piece yet: an unfinished line */
};

/** A partition's end of a channel. Made by console_attach(). */
struct console_port {
	const char *prefix; /**< NULL: text goes out as it is */
	uint8_t stream;	    /**< its code, behind WIRE_ESCAPE */
	struct console_ring ring;
	char output[CONSOLE_OUTPUT];
	/* Keys: written by the interrupt, read by the partition, both under the console's lock. */
	uint32_t head, tail;
	char input[CONSOLE_INPUT];
	struct thread *listener;
	uint64_t bits;
};

/** Set up the UART; text goes out by polling. */
void console_init(void);
/** From now on the UART's interrupt comes in. */
void console_use_interrupt(void);
/** Also write to the debug port E9h (QEMU, Bochs). */
void console_use_e9(void);
/** Text goes out in streams (`console=mux`). */
void console_use_streams(void);
/** A partition has a link: much will come in. */
void console_expect_bulk(void);
/** The UART's interrupt. */
void console_interrupt(void);
/** Text waits, and no interrupt of the UART's takes it out: a window of a partition is on. */
extern bool console_held;
/** A window begins; `gap`: it is nobody's. Where console_held. */
void console_let_go(bool gap);
/** A CPU has nothing to do, and console_held: write a little of it out. */
void console_idle(void);
/** Make the channels of partition `index`; `prefix`: NULL or what is put before its console's lines. Boot only. */
void console_attach(struct console_port port[HYPIKE_CHANNELS], unsigned int index, const char *prefix);

/** One line of the kernel's. */
void console_vlog(const char *format, va_list args) __attribute__((format(printf, 1, 0)));
/** Text of a partition. @return how much of it found room */
size_t console_write(struct console_port *port, const char *text, size_t size);
/** Write out an unfinished line. */
void console_flush(struct console_port *port);
/** Wait until all text is out, and do without the interrupt from now on. */
void console_drain(void);

/** From now on nobody waits for the lock: whoever has it has been stopped. */
void console_seize(void);
/** The first line of a panic. */
void console_vpanic(unsigned int cpu, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));
/** A line without prefix: registers and the like. */
void console_print(const char *format, ...) __attribute__((format(printf, 1, 2)));
/** Take the console's lock and keep it (panic test). */
void console_hold(void);

/** Keys go to this partition's console; NULL: nowhere. */
void console_input_to(struct console_port *port);
/** Who is told of keys, by which notification bits; NULL: nobody. */
void console_bind(struct console_port *port, struct thread *listener, uint64_t bits);
/** @return how many keys were taken. */
size_t console_read(struct console_port *port, char *text, size_t size);

#endif
