/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What threads that handle a guest's doings may ask of Linux (seccomp(2)): an allow-list each, and no capability.
 * Whoever got a device model to run his code there could open no file, no socket and no program. Anything else is
 * SIGSYS, which ends the process; its handler may put the terminal back (termios(3)). The network of libslirp alone
 * makes sockets, of the internet, and reads one file, the name servers' (landlock(7)). Sanitizers' libraries make calls
 * of their own, from any thread: where the VMM is built with one, there are no lists.
 *
 * @req VMM-608 Threads that work for a guest make no system calls but those that they need, and have no capabilities.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <hypike/vmm.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/kvm.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#define ARG_LOW(n)  ((uint32_t)offsetof(struct seccomp_data, args) + 8u * (n))
#define ARG_HIGH(n) (ARG_LOW(n) + 4u)
/** Rules at the most. */
#define RULES 64u

/** What is looked at beside a call's number. */
enum condition {
	ANY,
	REFUSED, /**< as if Linux hadn't it */
	IOCTL_KVM,
	IOCTL_SOCKET,
	IOCTL_TERMINAL, /**< whoever ends the process, by a fault or a forbidden call, puts standard input's back */
	NOT_EXECUTABLE,
	INTERNET,
	READ_ONLY,
	THREAD,
	NO_ADDRESS, /**< to whom the socket is connected, nobody else */
	CONDITIONS
};

struct rule {
	int call;
	enum condition condition;
};

/** Threads as such: memory, locks, signals, time, ending. */
#define RULES_OF_ALL                                                                               \
	{SYS_ioctl, IOCTL_TERMINAL},                                                               \
	{SYS_read, ANY}, {SYS_write, ANY}, {SYS_futex, ANY}, {SYS_clock_gettime, ANY},             \
	{SYS_rt_sigreturn, ANY}, {SYS_rt_sigprocmask, ANY}, {SYS_rt_sigaction, ANY},               \
	{SYS_tgkill, ANY}, {SYS_gettid, ANY}, {SYS_getpid, ANY}, {SYS_sched_yield, ANY},           \
	{SYS_brk, ANY}, {SYS_mmap, NOT_EXECUTABLE}, {SYS_mprotect, NOT_EXECUTABLE},                \
	{SYS_munmap, ANY}, {SYS_madvise, ANY}, {SYS_sigaltstack, ANY}, {SYS_exit, ANY},            \
	{SYS_exit_group, ANY}, {SYS_restart_syscall, ANY}

/** Those who come to a socket that is there. */
#define RULES_OF_CLIENTS                                                                           \
	{SYS_accept4, ANY}, {SYS_accept, ANY}, {SYS_recvfrom, ANY}, {SYS_sendto, NO_ADDRESS},      \
	{SYS_recvmsg, ANY}, {SYS_sendmsg, ANY}, {SYS_readv, ANY}, {SYS_writev, ANY},               \
	{SYS_shutdown, ANY}, {SYS_close, ANY}, {SYS_poll, ANY}, {SYS_setsockopt, ANY}

/** A vCPU's: KVM, doorbells, disks, who is attached to the console. */
static const struct rule vcpu_rules[] = {
	{SYS_ioctl, IOCTL_KVM}, RULES_OF_ALL, {SYS_eventfd2, ANY}, {SYS_epoll_ctl, ANY},
	{SYS_epoll_wait, ANY}, {SYS_pread64, ANY}, {SYS_pwrite64, ANY}, {SYS_fdatasync, ANY},
	{SYS_sendto, NO_ADDRESS},
};

/** The control socket's: who comes to the sockets that there are; interrupts, for the power button. */
static const struct rule control_rules[] = {
	{SYS_ioctl, IOCTL_KVM}, RULES_OF_ALL, {SYS_poll, ANY}, {SYS_accept4, ANY},
	{SYS_recvfrom, ANY}, {SYS_sendto, NO_ADDRESS}, {SYS_close, ANY}, {SYS_epoll_ctl, ANY},
	{SYS_clock_nanosleep, ANY},
};

/** The event thread's: those of vCPUs, whose devices it serves, and a debugger. */
static const struct rule event_rules[] = {
	{SYS_ioctl, IOCTL_KVM}, RULES_OF_ALL, {SYS_eventfd2, ANY}, {SYS_epoll_ctl, ANY},
	{SYS_pread64, ANY}, {SYS_pwrite64, ANY}, {SYS_fdatasync, ANY}, {SYS_epoll_wait, ANY},
	{SYS_timerfd_settime, ANY}, RULES_OF_CLIENTS,
};

/** A cable's: frames, or a console's bytes. */
static const struct rule cable_rules[] = {RULES_OF_ALL, RULES_OF_CLIENTS, {SYS_clock_nanosleep, ANY}};

/** libslirp's. */
static const struct rule internet_rules[] = {
	{SYS_sendto, ANY}, RULES_OF_ALL, RULES_OF_CLIENTS, {SYS_socket, INTERNET}, {SYS_connect, ANY}, {SYS_bind, ANY},
	{SYS_listen, ANY}, {SYS_getsockopt, ANY}, {SYS_getsockname, ANY}, {SYS_getpeername, ANY},
	{SYS_fcntl, ANY}, {SYS_ioctl, IOCTL_SOCKET}, {SYS_newfstatat, ANY}, {SYS_lseek, ANY},
	{SYS_openat, READ_ONLY}, {SYS_getrandom, ANY},
};

/** neatvnc's, which starts threads of its own; keys become interrupts. */
static const struct rule display_rules[] = {
	{SYS_ioctl, IOCTL_KVM},
	RULES_OF_ALL, RULES_OF_CLIENTS, {SYS_epoll_wait, ANY}, {SYS_epoll_ctl, ANY},
	{SYS_epoll_pwait, ANY}, {SYS_timerfd_create, ANY}, {SYS_timerfd_settime, ANY}, {SYS_fcntl, ANY},
	{SYS_getsockname, ANY}, {SYS_getpeername, ANY}, {SYS_getsockopt, ANY}, {SYS_getrandom, ANY},
	{SYS_clone3, REFUSED}, {SYS_clone, THREAD}, {SYS_set_robust_list, ANY}, {SYS_rseq, ANY},
	{SYS_sched_getaffinity, ANY}, {SYS_eventfd2, ANY}, {SYS_pipe2, ANY}, {SYS_dup, ANY},
};

#define LIST(rules) {rules, sizeof(rules) / sizeof(rules[0])}

static const struct {
	const struct rule *rule;
	size_t count;
} lists[] = {
	[HYPIKE_VMM_VCPU] = LIST(vcpu_rules),	      [HYPIKE_VMM_EVENTS] = LIST(event_rules),
	[HYPIKE_VMM_CONTROL] = LIST(control_rules),
	[HYPIKE_VMM_CABLE] = LIST(cable_rules),	      [HYPIKE_VMM_INTERNET] = LIST(internet_rules),
	[HYPIKE_VMM_DISPLAY] = LIST(display_rules),
};

struct program {
	struct sock_filter code[12 * RULES];
	unsigned short count;
};

static void emit(struct program *program, uint16_t code, uint32_t k, uint8_t yes, uint8_t no)
{
	program->code[program->count++] = (struct sock_filter){code, yes, no, k};
}

static void load(struct program *program, uint32_t offset)
{
	emit(program, BPF_LD | BPF_W | BPF_ABS, offset, 0, 0);
}

static void give(struct program *program, uint32_t result)
{
	emit(program, BPF_RET | BPF_K, result, 0, 0);
}

/** Half an argument, masked, is to be one of two values. */
struct test {
	uint32_t offset, mask, one, other;
};

/** Go on where it is so; elsewhere `otherwise` instructions further. */
static void emit_test(struct program *program, const struct test *test, uint8_t otherwise)
{
	load(program, test->offset);
	emit(program, BPF_ALU | BPF_AND | BPF_K, test->mask, 0, 0);
	emit(program, BPF_JMP | BPF_JEQ | BPF_K, test->one, 1, 0);
	emit(program, BPF_JMP | BPF_JEQ | BPF_K, test->other, 0, otherwise);
}
#define TEST_LENGTH 4u

/**
 * The call's number is loaded: allow it where the rule says, and go on with it loaded where it is another, or
 * its arguments are: there may be another rule for them.
 */
static void emit_rule(struct program *program, const struct rule *rule)
{
	static const struct {
		uint8_t count; /* of tests */
		struct test test[2];
	} conditions[CONDITIONS] = {
		/* the request's type, bits 15:8 */
		[IOCTL_KVM] = {1, {{ARG_LOW(1), 0xff00, KVMIO << 8, KVMIO << 8}}},
		[IOCTL_SOCKET] = {1, {{ARG_LOW(1), UINT32_MAX, FIONREAD, FIONBIO}}},
		/* tcsetattr() looks first */
		[IOCTL_TERMINAL] = {2, {{ARG_LOW(0), UINT32_MAX, STDIN_FILENO, STDIN_FILENO},
					{ARG_LOW(1), UINT32_MAX, TCSETSW, TCGETS}}},
		[NOT_EXECUTABLE] = {1, {{ARG_LOW(2), PROT_EXEC, 0, 0}}},
		[INTERNET] = {1, {{ARG_LOW(0), UINT32_MAX, AF_INET, AF_INET6}}},
		[READ_ONLY] = {1, {{ARG_LOW(2), O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY, O_RDONLY}}},
		[THREAD] = {1, {{ARG_LOW(0), CLONE_THREAD, CLONE_THREAD, CLONE_THREAD}}},
		[NO_ADDRESS] = {2, {{ARG_LOW(4), UINT32_MAX, 0, 0}, {ARG_HIGH(4), UINT32_MAX, 0, 0}}},
	};
	const uint8_t count = conditions[rule->condition].count;

	emit(program, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)rule->call, 0,
	     (uint8_t)(count * TEST_LENGTH + (count > 0 ? 2 : 1)));
	for (uint8_t left = count; left > 0; left--)
		emit_test(program, &conditions[rule->condition].test[count - left],
			  (uint8_t)((left - 1) * TEST_LENGTH + 1));
	give(program, rule->condition == REFUSED ? SECCOMP_RET_ERRNO | ENOSYS : SECCOMP_RET_ALLOW);
	if (count > 0)
		load(program, offsetof(struct seccomp_data, nr));
}

/** @param files whether the thread is kept from those that it isn't to read; else it reads none */
static void build(struct program *program, const struct rule *rules, size_t count, bool files)
{
	load(program, offsetof(struct seccomp_data, arch));
	emit(program, BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0);
	give(program, SECCOMP_RET_TRAP);
	load(program, offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < count; i++)
		emit_rule(program, rules[i].condition == READ_ONLY && !files
					   ? &(struct rule){rules[i].call, REFUSED}
					   : &rules[i]);
	give(program, SECCOMP_RET_TRAP);
}

/** Of all files, the name servers' alone. @return false: this Linux cannot keep a thread from the others */
static bool confine_files(void)
{
	const struct landlock_ruleset_attr all = {.handled_access_fs = LANDLOCK_ACCESS_FS_READ_FILE |
								       LANDLOCK_ACCESS_FS_READ_DIR |
								       LANDLOCK_ACCESS_FS_WRITE_FILE};
	const int rules = (int)syscall(SYS_landlock_create_ruleset, &all, sizeof(all), 0);
	const struct landlock_path_beneath_attr names = {
		.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE,
		.parent_fd = open("/etc/resolv.conf", O_PATH | O_CLOEXEC),
	};

	if (rules >= 0 && names.parent_fd >= 0)
		syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &names, 0);
	const bool done = rules >= 0 && syscall(SYS_landlock_restrict_self, rules, 0) == 0;
	close(rules);
	close(names.parent_fd);
	return done;
}

/** A thread's capabilities are its own (capset(2)). */
bool hypike_vmm_drop_privileges(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && syscall(SYS_capset, &header, none) == 0;
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true
#else
#define SANITIZED false
#endif

bool hypike_vmm_confine(enum hypike_vmm_thread thread)
{
	struct program program = {.count = 0};

	if (!hypike_vmm_drop_privileges())
		return false;
	if (SANITIZED)
		return true;
	build(&program, lists[thread].rule, lists[thread].count,
	      thread == HYPIKE_VMM_INTERNET && confine_files());
	const struct sock_fprog filter = {.len = program.count, .filter = program.code};
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) == 0;
}
