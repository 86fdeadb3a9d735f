/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the threads that handle a guest's doings may ask of Linux (seccomp(2)): an allow-list each. Whoever got a
 * device model to run his code there could open no file, no socket and no program. Anything else is SIGSYS, which
 * ends the process.
 *
 * @req VMM-608 Threads of vCPUs, networks and the control socket make no system calls but those that they need.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/kvm.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "vmm/platform/linux/linux.h"

#define ARG_LOW(n) ((uint32_t)offsetof(struct seccomp_data, args) + 8u * (n))
/** Rules at the most. */
#define RULES 64u

/** What is looked at beside a call's number. */
enum condition { ANY, IOCTL_KVM, NOT_EXECUTABLE, NO_ADDRESS };

struct rule {
	int call;
	enum condition condition;
};

/** Threads as such: memory, locks, signals, time, ending. */
#define RULES_OF_ALL                                                                               \
	{SYS_read, ANY}, {SYS_write, ANY}, {SYS_futex, ANY}, {SYS_clock_gettime, ANY},             \
	{SYS_rt_sigreturn, ANY}, {SYS_rt_sigprocmask, ANY}, {SYS_rt_sigaction, ANY},               \
	{SYS_tgkill, ANY}, {SYS_gettid, ANY}, {SYS_getpid, ANY}, {SYS_sched_yield, ANY},           \
	{SYS_brk, ANY}, {SYS_mmap, NOT_EXECUTABLE}, {SYS_mprotect, NOT_EXECUTABLE},                \
	{SYS_munmap, ANY}, {SYS_madvise, ANY}, {SYS_exit, ANY}, {SYS_exit_group, ANY},             \
	{SYS_restart_syscall, ANY}

/** A vCPU's: KVM, doorbells, disks, who is attached to the console. */
static const struct rule vcpu_rules[] = {
	{SYS_ioctl, IOCTL_KVM}, RULES_OF_ALL, {SYS_eventfd2, ANY}, {SYS_epoll_ctl, ANY},
	{SYS_pread64, ANY}, {SYS_pwrite64, ANY}, {SYS_fdatasync, ANY}, {SYS_sendto, NO_ADDRESS},
};

/** A network's: frames. */
static const struct rule net_rules[] = {RULES_OF_ALL, {SYS_poll, ANY}};

/** The control socket's: who comes to the sockets that there are; interrupts, for the power button. */
static const struct rule control_rules[] = {
	{SYS_ioctl, IOCTL_KVM}, RULES_OF_ALL, {SYS_poll, ANY}, {SYS_accept4, ANY},
	{SYS_recvfrom, ANY}, {SYS_sendto, NO_ADDRESS}, {SYS_close, ANY}, {SYS_epoll_ctl, ANY},
	{SYS_clock_nanosleep, ANY},
};

struct program {
	struct sock_filter code[8 * RULES];
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

/** The call's number is loaded: allow it where the rule says, and go on with it loaded where it is another. */
static void emit_rule(struct program *program, const struct rule *rule)
{
	static const uint8_t length[] = {[ANY] = 1, [IOCTL_KVM] = 5, [NOT_EXECUTABLE] = 4,
					 [NO_ADDRESS] = 7};

	emit(program, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)rule->call, 0, length[rule->condition]);
	if (rule->condition == IOCTL_KVM) { /* the type, bits 15:8 of the request, is KVM's */
		load(program, ARG_LOW(1));
		emit(program, BPF_ALU | BPF_AND | BPF_K, 0xff00, 0, 0);
		emit(program, BPF_JMP | BPF_JEQ | BPF_K, KVMIO << 8, 1, 0);
		give(program, SECCOMP_RET_TRAP);
	}
	if (rule->condition == NOT_EXECUTABLE) {
		load(program, ARG_LOW(2));
		emit(program, BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 0, 1);
		give(program, SECCOMP_RET_TRAP);
	}
	if (rule->condition == NO_ADDRESS) { /* to whom the socket is connected, nobody else */
		load(program, ARG_LOW(4));
		emit(program, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0);
		give(program, SECCOMP_RET_TRAP);
		load(program, ARG_LOW(4) + 4);
		emit(program, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0);
		give(program, SECCOMP_RET_TRAP);
	}
	give(program, SECCOMP_RET_ALLOW);
}

static void build(struct program *program, const struct rule *rules, size_t count)
{
	load(program, offsetof(struct seccomp_data, arch));
	emit(program, BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0);
	give(program, SECCOMP_RET_TRAP);
	load(program, offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < count; i++)
		emit_rule(program, &rules[i]);
	give(program, SECCOMP_RET_TRAP);
}

static bool confine(const struct rule *rules, size_t count)
{
	struct program program = {.count = 0};

	_Static_assert(sizeof(vcpu_rules) / sizeof(vcpu_rules[0]) < RULES, "room");
	build(&program, rules, count);
	const struct sock_fprog filter = {.len = program.count, .filter = program.code};
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) == 0;
}

bool linux_confine(enum linux_thread_kind kind)
{
	if (kind == LINUX_THREAD_VCPU)
		return confine(vcpu_rules, sizeof(vcpu_rules) / sizeof(vcpu_rules[0]));
	if (kind == LINUX_THREAD_CONTROL)
		return confine(control_rules, sizeof(control_rules) / sizeof(control_rules[0]));
	return confine(net_rules, sizeof(net_rules) / sizeof(net_rules[0]));
}
