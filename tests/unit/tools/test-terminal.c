/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A terminal is put back whatever a confined thread does: calls of Linux that it may not make, faults. Each try is a
 * process on a terminal of its own.
 *
 * @verifies TOOL-004 VMM-608
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <pty.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#include <hypike/vmm.h>

#include "tools/signals.h"
#include "tools/terminal.h"

static enum hypike_vmm_thread kind;
static void (*try)(void);

static void forbidden_call(void)
{
	syscall(SYS_socket, AF_UNIX, SOCK_STREAM, 0);
}

static void forbidden_terminal_call(void)
{
	syscall(SYS_ioctl, STDIN_FILENO, TIOCSTI, "x");
}

static void other_terminal(void)
{
	syscall(SYS_ioctl, STDOUT_FILENO, TCSETSW, NULL);
}

static void fault(void)
{
	volatile int *volatile nothing = NULL;

	*nothing = 0;
}

static void undefined(void)
{
	__asm__ volatile("ud2");
}

static void *confined(void *arg)
{
	if (hypike_vmm_confine(kind))
		try();
	return arg;
}

/** As `hypike run` does: the terminal first, then threads. */
static void child_main(void)
{
	sigset_t before;
	pthread_t thread;

	terminal_raw();
	signals_block(&before);
	pthread_create(&thread, NULL, confined, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_join(thread, NULL);
	_exit(0); /* raw: it was no end that is watched for */
}

/** What it says till its end. */
static void read_all(int terminal, char *said, size_t size)
{
	size_t used = 0;
	ssize_t n;

	while (used < size - 1 && (n = read(terminal, said + used, size - 1 - used)) > 0)
		used += (size_t)n;
	said[used] = '\0';
}

/** @return the signal that ended it, where the terminal was raw no more; else 0 */
static int ended_by(char *said, size_t size)
{
	struct termios state;
	int terminal, status;
	const pid_t child = forkpty(&terminal, NULL, NULL, NULL);

	assert_true(child >= 0);
	if (child == 0)
		child_main();
	read_all(terminal, said, size);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(tcgetattr(terminal, &state), 0);
	close(terminal);
	return WIFSIGNALED(status) && (state.c_lflag & ICANON) != 0 ? WTERMSIG(status) : 0;
}

static void a_confined_thread_ends_the_process(void **state)
{
	static const struct {
		void (*try)(void);
		int signal;
		const char *said;
	} cases[] = {
		{forbidden_call, SIGSYS, "system call 41,"},
		{forbidden_terminal_call, SIGSYS, "system call 16,"},
		{other_terminal, SIGSYS, "system call 16,"},
		{fault, SIGSEGV, ""},
		{undefined, SIGILL, ""},
	};
	char said[1024];

	(void)state;
	for (int n = HYPIKE_VMM_VCPU; n <= HYPIKE_VMM_DISPLAY; n++) {
		kind = (enum hypike_vmm_thread)n;
		for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
			try = cases[i].try;
			assert_int_equal(ended_by(said, sizeof(said)), cases[i].signal);
			assert_non_null(strstr(said, cases[i].said));
		}
	}
}

static void leave(void)
{
}

/** That the test would see a terminal that is left raw. */
static void otherwise_it_stays_raw(void **state)
{
	char said[1024];

	(void)state;
	try = leave;
	assert_int_equal(ended_by(said, sizeof(said)), 0);
	assert_string_equal(said, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_confined_thread_ends_the_process),
		cmocka_unit_test(otherwise_it_stays_raw),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
