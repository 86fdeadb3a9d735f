/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What confined threads may and may not do, each try in a process of its own.
 *
 * @verifies VMM-608
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#include "vmm/platform/linux/linux.h"

#define DONE 42

static void nothing(void)
{
}

static void write_text(void)
{
	syscall(SYS_write, -1, "x", 1);
}

static void map_data(void)
{
	mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void map_code(void)
{
	mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void protect_code(void)
{
	mprotect(NULL, 4096, PROT_EXEC);
}

static void ask_kvm(void)
{
	syscall(SYS_ioctl, -1, 0xae00, 0);
}

static void ask_terminal(void)
{
	syscall(SYS_ioctl, -1, TIOCSTI, 0);
}

static void open_file(void)
{
	syscall(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY);
}

static void open_socket(void)
{
	syscall(SYS_socket, AF_INET, SOCK_STREAM, 0);
}

static void run_program(void)
{
	syscall(SYS_execve, "/bin/true", NULL, NULL);
}

static void make_process(void)
{
	syscall(SYS_fork);
}

static void read_disk(void)
{
	syscall(SYS_pread64, -1, NULL, 0, 0);
}

static void send_to(const char *address)
{
	syscall(SYS_sendto, -1, "x", 1, MSG_NOSIGNAL, address, 0);
}

static void send_where_connected(void)
{
	send_to(NULL);
}

static void send_elsewhere(void)
{
	send_to("x");
}

static void accept_client(void)
{
	syscall(SYS_accept4, -1, NULL, NULL, 0);
}

static void call_32_bit(void)
{
	long result = 20; /* getpid() */

	__asm__ volatile("int $0x80" : "+a"(result) : : "memory");
}

/** @return whether a try brings the process back, confined. */
static bool comes_back(enum linux_thread_kind kind, void (*try)(void))
{
	int status = 0;
	const pid_t child = fork();

	if (child == 0) {
		signal(SIGSYS, SIG_DFL);
		if (!linux_confine(kind))
			_exit(1);
		try();
		syscall(SYS_exit_group, DONE);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFSIGNALED(status))
		assert_int_equal(WTERMSIG(status), SIGSYS);
	else
		assert_int_equal(WEXITSTATUS(status), DONE);
	return WIFEXITED(status);
}

static void what_is_needed_is_allowed(void **state)
{
	(void)state;
	for (int kind = LINUX_THREAD_VCPU; kind <= LINUX_THREAD_CONTROL; kind++) {
		assert_true(comes_back((enum linux_thread_kind)kind, nothing));
		assert_true(comes_back((enum linux_thread_kind)kind, write_text));
		assert_true(comes_back((enum linux_thread_kind)kind, map_data));
	}
	assert_true(comes_back(LINUX_THREAD_VCPU, ask_kvm));
	assert_true(comes_back(LINUX_THREAD_VCPU, read_disk));
	assert_true(comes_back(LINUX_THREAD_VCPU, send_where_connected));
	assert_true(comes_back(LINUX_THREAD_CONTROL, send_where_connected));
	assert_true(comes_back(LINUX_THREAD_CONTROL, accept_client));
	assert_true(comes_back(LINUX_THREAD_CONTROL, ask_kvm));
}

static void everything_else_ends_the_process(void **state)
{
	(void)state;
	for (int kind = LINUX_THREAD_VCPU; kind <= LINUX_THREAD_CONTROL; kind++) {
		assert_false(comes_back((enum linux_thread_kind)kind, map_code));
		assert_false(comes_back((enum linux_thread_kind)kind, protect_code));
		assert_false(comes_back((enum linux_thread_kind)kind, ask_terminal));
		assert_false(comes_back((enum linux_thread_kind)kind, open_file));
		assert_false(comes_back((enum linux_thread_kind)kind, open_socket));
		assert_false(comes_back((enum linux_thread_kind)kind, run_program));
		assert_false(comes_back((enum linux_thread_kind)kind, make_process));
		assert_false(comes_back((enum linux_thread_kind)kind, call_32_bit));
		assert_false(comes_back((enum linux_thread_kind)kind, send_elsewhere));
	}
	assert_false(comes_back(LINUX_THREAD_NET, ask_kvm));
	assert_false(comes_back(LINUX_THREAD_NET, read_disk));
	assert_false(comes_back(LINUX_THREAD_CONTROL, read_disk));
	assert_false(comes_back(LINUX_THREAD_VCPU, accept_client));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_needed_is_allowed),
		cmocka_unit_test(everything_else_ends_the_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
