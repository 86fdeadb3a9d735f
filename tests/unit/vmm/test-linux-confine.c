/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What confined threads may and may not do, each try in a process of its own.
 *
 * @verifies VMM-608
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#include <hypike/vmm.h>

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

static void open_local_socket(void)
{
	syscall(SYS_socket, AF_UNIX, SOCK_STREAM, 0);
}

static void wait_for_events(void)
{
	syscall(SYS_epoll_wait, -1, NULL, 0, 0);
}

static void accept_client(void)
{
	syscall(SYS_accept4, -1, NULL, NULL, 0);
}

static void write_file(void)
{
	syscall(SYS_openat, AT_FDCWD, "/nowhere", O_WRONLY | O_CREAT, 0600);
}

static void *thread(void *arg)
{
	return arg;
}

static void start_thread(void)
{
	pthread_t id;

	if (pthread_create(&id, NULL, thread, NULL) != 0 || pthread_join(id, NULL) != 0)
		syscall(SYS_exit_group, 1);
}

/** That there are name servers, and that Linux can keep a thread from files but theirs. */
static bool names, landlock;

/** There is no file that it might read but the name servers'. */
static void read_file(void)
{
	if (open("/etc/passwd", O_RDONLY) >= 0 ||
	    (names && landlock && open("/etc/resolv.conf", O_RDONLY) < 0))
		syscall(SYS_exit_group, 1);
}

/** Root's user number without root's rights. */
static void use_capabilities(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct own[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &header, own) != 0 || own[0].effective != 0 || own[0].permitted != 0 ||
	    own[1].effective != 0 || prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		syscall(SYS_exit_group, 1);
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

static void call_32_bit(void)
{
	long result = 20; /* getpid() */

	__asm__ volatile("int $0x80" : "+a"(result) : : "memory");
}

/** @return whether a try brings the process back, confined. */
static bool comes_back(enum hypike_vmm_thread kind, void (*try)(void))
{
	int status = 0;
	const pid_t child = fork();

	if (child == 0) {
		signal(SIGSYS, SIG_DFL);
		if (!hypike_vmm_confine(kind))
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
	for (int kind = HYPIKE_VMM_VCPU; kind <= HYPIKE_VMM_DISPLAY; kind++) {
		assert_true(comes_back((enum hypike_vmm_thread)kind, nothing));
		assert_true(comes_back((enum hypike_vmm_thread)kind, write_text));
		assert_true(comes_back((enum hypike_vmm_thread)kind, map_data));
	}
	assert_true(comes_back(HYPIKE_VMM_VCPU, ask_kvm));
	assert_true(comes_back(HYPIKE_VMM_VCPU, read_disk));
	assert_true(comes_back(HYPIKE_VMM_VCPU, send_where_connected));
	assert_true(comes_back(HYPIKE_VMM_CONTROL, send_where_connected));
	assert_true(comes_back(HYPIKE_VMM_CONTROL, accept_client));
	assert_true(comes_back(HYPIKE_VMM_CONTROL, ask_kvm));
	assert_true(comes_back(HYPIKE_VMM_EVENTS, ask_kvm));
	assert_true(comes_back(HYPIKE_VMM_EVENTS, read_disk));
	assert_true(comes_back(HYPIKE_VMM_EVENTS, wait_for_events));
	assert_true(comes_back(HYPIKE_VMM_EVENTS, accept_client));
	assert_true(comes_back(HYPIKE_VMM_INTERNET, open_socket));
	assert_true(comes_back(HYPIKE_VMM_INTERNET, read_file));
	assert_true(comes_back(HYPIKE_VMM_DISPLAY, start_thread));
	assert_true(comes_back(HYPIKE_VMM_DISPLAY, ask_kvm)); /* keys become interrupts */
	assert_true(comes_back(HYPIKE_VMM_DISPLAY, accept_client));
}

static void everything_else_ends_the_process(void **state)
{
	(void)state;
	for (int kind = HYPIKE_VMM_VCPU; kind <= HYPIKE_VMM_DISPLAY; kind++) {
		const bool internet = kind == HYPIKE_VMM_INTERNET;

		assert_false(comes_back((enum hypike_vmm_thread)kind, map_code));
		assert_false(comes_back((enum hypike_vmm_thread)kind, protect_code));
		assert_false(comes_back((enum hypike_vmm_thread)kind, ask_terminal));
		assert_false(comes_back((enum hypike_vmm_thread)kind, write_file));
		assert_false(comes_back((enum hypike_vmm_thread)kind, open_local_socket));
		assert_false(comes_back((enum hypike_vmm_thread)kind, run_program));
		assert_false(comes_back((enum hypike_vmm_thread)kind, make_process));
		assert_false(comes_back((enum hypike_vmm_thread)kind, call_32_bit));
		assert_int_equal(comes_back((enum hypike_vmm_thread)kind, open_file), internet);
		assert_int_equal(comes_back((enum hypike_vmm_thread)kind, open_socket), internet);
		assert_int_equal(comes_back((enum hypike_vmm_thread)kind, send_elsewhere), internet);
	}
	for (int kind = HYPIKE_VMM_CABLE; kind <= HYPIKE_VMM_DISPLAY; kind++)
		assert_false(comes_back((enum hypike_vmm_thread)kind, read_disk));
	assert_false(comes_back(HYPIKE_VMM_CABLE, ask_kvm));
	assert_false(comes_back(HYPIKE_VMM_INTERNET, ask_kvm));
	assert_false(comes_back(HYPIKE_VMM_CONTROL, read_disk));
	assert_false(comes_back(HYPIKE_VMM_VCPU, accept_client));
}

static void no_privileges_are_left(void **state)
{
	int status = 0;
	const pid_t child = fork();

	(void)state;
	if (child == 0) {
		if (hypike_vmm_drop_privileges())
			use_capabilities();
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_needed_is_allowed),
		cmocka_unit_test(everything_else_ends_the_process),
		cmocka_unit_test(no_privileges_are_left),
	};

	names = access("/etc/resolv.conf", R_OK) == 0;
	landlock = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) > 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
