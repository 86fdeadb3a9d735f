/* SPDX-License-Identifier: BSD-2-Clause */
#include "guests/dummy/rt.h"

#include <stdarg.h>

#include "lib/printf.h"
#include "lib/x86/cpu.h"
#include "lib/x86/uart.h"

#define PANIC_STATUS 127

static _Noreturn void stop(void)
{
	for (;;) {
		cli();
		hlt();
	}
}

static void leave_machine(uint8_t status)
{
	static const char shutdown[] = "Shutdown";

	/* What is still in the transmitter would be lost with the machine. */
	while ((inb(UART_COM1 + UART_LSR) & UART_LSR_TEMT) == 0)
		cpu_pause();
	outb(DEBUG_EXIT_PORT, status);
	for (const char *p = shutdown; *p != '\0'; p++)
		outb(BOCHS_SHUTDOWN_PORT, (uint8_t)*p);
}

_Noreturn void guest_exit(uint8_t status)
{
	if (!cmdline_flag("noexit"))
		leave_machine(status);
	stop();
}

_Noreturn void panic(const char *fmt, ...)
{
	char text[160];
	va_list ap;

	cli();
	console_break_lock();
	va_start(ap, fmt);
	lib_vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	print("\nBail out! CPU %u: %s\n", cpu_index(), text);
	guest_exit(PANIC_STATUS);
}
