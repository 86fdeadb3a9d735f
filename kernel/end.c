/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/end.h"

#include <hypike/host.h>

#include "kernel/uart.h"
#include "kernel/console.h"
#include "kernel/smp.h"
#include "kernel/sys_hv.h"
#include "kernel/trace_out.h"
#include "kernel/window.h"
#include "kernel/x86.h"

#define PORT_DEBUG_EXIT	   0xf4u   /* QEMU: -device isa-debug-exit,iobase=0xf4 */
#define PORT_BOCHS_SHUTDOWN 0x8900u /* Bochs: unmapped plugin */
#define PORT_KEYBOARD	   0x64u
#define KEYBOARD_RESET	   0xfeu

#define REFUSED_STATUS 1

static unsigned int running[2]; /* partitions; [1]: services */
static int worst;

void end_partition_begins(bool service)
{
	__atomic_add_fetch(&running[service], 1, __ATOMIC_SEQ_CST);
}

/* @return true where nothing is left that the machine goes on for */
static bool last_of(bool service)
{
	unsigned int left = __atomic_sub_fetch(&running[service], 1, __ATOMIC_SEQ_CST);

	return left == 0 &&
	       (!service || __atomic_load_n(&running[0], __ATOMIC_SEQ_CST) == 0);
}

void end_partition(int status, bool service)
{
	int old = __atomic_load_n(&worst, __ATOMIC_SEQ_CST);

	while (status > old && !__atomic_compare_exchange_n(&worst, &old, status, false,
							    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		;
	if (last_of(service))
		end_machine(__atomic_load_n(&worst, __ATOMIC_SEQ_CST));
}

static void power_off(int status)
{
	static const char shutdown[] = "Shutdown";

	uart_drain(&uart_console);
	x86_outb(PORT_DEBUG_EXIT, (uint8_t)status);
	for (const char *p = shutdown; *p != '\0'; p++)
		x86_outb(PORT_BOCHS_SHUTDOWN, (uint8_t)*p);
	x86_outb(PORT_KEYBOARD, KEYBOARD_RESET);
}

static void halt(void *arg)
{
	(void)arg;
	hv_exit_cpu();
	smp_stop_here();
}

/* Only the first that comes here goes on; another CPU's call stops the rest. */
static void claim_the_end(void)
{
	static bool claimed;

	while (__atomic_exchange_n(&claimed, true, __ATOMIC_SEQ_CST))
		x86_wait_for_interrupt();
}

void end_machine(int status)
{
	claim_the_end();
	smp_halt_others(halt);
	hv_exit_cpu();
	trace_out_finish();
	window_report();
	host_log("exit status %d", status);
	console_drain();
	power_off(status);
	x86_stop();
}

#define PORT_RESET_CONTROL 0xcf9u /* PIIX, ICH: bit 1 hard reset, bit 2 reset now */
#define HARD_RESET	   0x02u
#define RESET_NOW	   0x04u

static void reset(void)
{
	static const struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) no_idt = {0, 0};

	x86_outb(PORT_RESET_CONTROL, HARD_RESET);
	x86_outb(PORT_RESET_CONTROL, HARD_RESET | RESET_NOW);
	x86_outb(PORT_KEYBOARD, KEYBOARD_RESET);
	for (unsigned int i = 0; i < 1000000; i++)
		x86_pause();
	/* Neither did it: a triple fault does. */
	__asm__ volatile("lidt %0\n\tint3" : : "m"(no_idt));
}

void end_restart(void)
{
	claim_the_end();
	smp_halt_others(halt);
	hv_exit_cpu();
	host_log("the machine restarts");
	console_drain();
	reset();
	x86_stop();
}

void end_refuse(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	console_vlog(format, args);
	va_end(args);
	end_machine(REFUSED_STATUS);
}

void end_panic(int status)
{
	hv_exit_cpu();
	trace_out_panic();
	power_off(status);
	x86_stop();
}
