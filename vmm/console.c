/* SPDX-License-Identifier: BSD-2-Clause */
/* @req VMM-080 Guest output leaves the VMM a line at a time, and what stands without an end of line
 *              within 10 ms. */
#include "vmm/console.h"

#include "vmm/platform.h"

#define FLUSH_NS UINT64_C(10000000)

void console_flush(struct console *console)
{
	if (console->length > 0)
		platform_console_write(console->line, console->length);
	console->length = 0;
	timer_cancel(&console->flush);
}

static void flush_fire(struct timer *timer)
{
	console_flush((struct console *)(void *)((char *)timer - offsetof(struct console, flush)));
}

void console_put(void *ctx, uint8_t byte)
{
	struct console *console = ctx;

	console->line[console->length++] = (char)byte;
	if (byte == '\n' || console->length == CONSOLE_LINE)
		console_flush(console);
	else if (!timer_armed(&console->flush))
		timer_arm(&console->flush, platform_time() + FLUSH_NS);
}

void console_putc(void *console, char c)
{
	console_put(console, (uint8_t)c);
}

void console_key(struct console *console, uint8_t key)
{
	bool command = console->escaped && key != CONSOLE_ESCAPE;

	if (!console->escaped && key == CONSOLE_ESCAPE) {
		console->escaped = 1;
		return;
	}
	console->escaped = 0;
	if (command)
		command_give(&console->escape, key);
	else
		byte_put(&console->input, key);
}

void console_init(struct console *console, struct timer_queue *queue)
{
	*console = (struct console){.length = 0};
	timer_init(&console->flush, queue, flush_fire);
}
