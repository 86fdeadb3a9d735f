/* SPDX-License-Identifier: BSD-2-Clause */
#define _GNU_SOURCE
#include "tools/terminal.h"

#include <signal.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

/** siginfo_t.si_code of SIGSYS by seccomp(2): SYS_SECCOMP, which glibc 2.36 doesn't name. */
#define BY_SECCOMP 1

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

/** @return where the digits begin in front of `end` */
static char *digits(char *end, unsigned int number)
{
	do
		*--end = (char)('0' + number % 10);
	while ((number /= 10) != 0);
	return end;
}

static void say(const char *text, size_t size)
{
	while (size > 0) {
		const ssize_t n = write(STDERR_FILENO, text, size);
		if (n <= 0)
			return;
		text += n;
		size -= (size_t)n;
	}
}

/** In a signal handler, in a thread that may do little. */
static void tell_forbidden(int call)
{
	static const char before[] = "hypike: ended: one of its threads made Linux's system call ",
			  after[] = ", which it may not\n";
	char text[16];
	char *end = text + sizeof(text);
	const char *start = digits(end, (unsigned int)call);

	say(before, sizeof(before) - 1);
	say(start, (size_t)(end - start));
	say(after, sizeof(after) - 1);
}

static void on_fatal(int signal, siginfo_t *info, void *context)
{
	(void)context;
	terminal_restore();
	if (signal == SIGSYS && info->si_code == BY_SECCOMP)
		tell_forbidden(info->si_syscall);
	raise(signal); /* SA_RESETHAND: this time with its usual effect */
}

void terminal_guard(void)
{
	/* All that end a process, but for SIGKILL and real-time signals. */
	static const int fatal[] = {SIGSEGV, SIGBUS,  SIGILL,	 SIGFPE,  SIGTRAP,   SIGABRT, SIGSYS,
				    SIGTERM, SIGHUP,  SIGINT,	 SIGQUIT, SIGPIPE,   SIGALRM, SIGUSR1,
				    SIGUSR2, SIGXCPU, SIGXFSZ, SIGPROF, SIGVTALRM, SIGIO,   SIGPWR,
				    SIGSTKFLT};
	struct sigaction action = {.sa_sigaction = on_fatal, .sa_flags = SA_SIGINFO | (int)SA_RESETHAND};
	static bool done;

	if (done)
		return;
	done = true;
	atexit(terminal_restore);
	for (unsigned i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++) {
		struct sigaction now;
		/* What is ignored doesn't end anything: nohup(1), and sockets. */
		if (sigaction(fatal[i], NULL, &now) == 0 && now.sa_handler != SIG_IGN)
			sigaction(fatal[i], &action, NULL);
	}
}

void terminal_raw(void)
{
	struct termios raw;

	if (is_raw || tcgetattr(STDIN_FILENO, &saved) != 0)
		return;
	terminal_guard();
	raw = saved;
	cfmakeraw(&raw);
	/* A system that ends its lines with \n alone is still to be readable. */
	raw.c_oflag = saved.c_oflag;
	is_raw = 1;
	tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
}
