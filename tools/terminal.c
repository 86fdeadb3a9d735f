/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/terminal.h"

#include <signal.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

static struct termios saved;
static volatile sig_atomic_t is_raw;

bool terminal_is_ours(void)
{
	return isatty(STDIN_FILENO) && tcgetpgrp(STDIN_FILENO) == getpgrp();
}

void terminal_restore(void)
{
	if (is_raw)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &saved);
	is_raw = 0;
}

static void on_fatal(int signal)
{
	terminal_restore();
	raise(signal); /* SA_RESETHAND: this time with its usual effect */
}

static void restore_whatever_happens(void)
{
	static const int fatal[] = {SIGSEGV, SIGBUS, SIGILL,  SIGFPE, SIGABRT, SIGPIPE,
				    SIGSYS,  SIGTERM, SIGHUP, SIGINT, SIGQUIT};
	struct sigaction action = {.sa_handler = on_fatal, .sa_flags = (int)SA_RESETHAND};
	static bool done;

	if (done)
		return;
	done = true;
	atexit(terminal_restore);
	for (unsigned i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++)
		sigaction(fatal[i], &action, NULL);
}

void terminal_raw(void)
{
	struct termios raw;

	if (is_raw || tcgetattr(STDIN_FILENO, &saved) != 0)
		return;
	restore_whatever_happens();
	raw = saved;
	cfmakeraw(&raw);
	/* A system that ends its lines with \n alone is still to be readable. */
	raw.c_oflag = saved.c_oflag;
	is_raw = 1;
	tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
}
