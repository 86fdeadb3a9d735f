/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file pc_serial.h
 * COM2 of machine pc, as a way to other partitions for a guest that knows nothing of ports: what the
 * guest sends becomes messages of a queuing port, messages of another become bytes that it receives.
 */
#ifndef VMM_MACHINE_PC_SERIAL_H
#define VMM_MACHINE_PC_SERIAL_H

#include "vmm/dev/i16550.h"
#include "vmm/vm.h"

/**
 * Make the line that --serial2 asks for; without it there is none.
 * @param[out] uart  the device, to be connected and attached; NULL: none
 *
 * @req VMM-210 Bytes of COM2 become messages when a line ends, a message is full or nothing follows for a
 *              millisecond; none is lost where a queue is full: the transmitter isn't empty then. Bytes of
 *              messages come while the guest asserts RTS, none is lost where it is slow.
 */
hv_status_t pc_serial_init(struct vm *vm, uint16_t port, struct i16550 **uart);
/** The guest has come to its end: what it has sent is on the line. */
void pc_serial_flush(void);

#endif
