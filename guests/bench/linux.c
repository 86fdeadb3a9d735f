/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Measures inside Linux, in ticks of the time-stamp counter: on the emulated machines it counts
 * executed instructions. A program without a library, so that it can be /init:
 *
 *     linux boot            how long it took to get here, then switches the machine off
 *     linux tasks           fork, and switching between two processes, too; switches off
 *     linux disk FILE       reads all of it
 *     linux send A.B.C.D    sends BYTES by TCP; linux receive: to there
 *
 * tools/bench.py starts it and reads the lines `bench NAME NUMBER`.
 */
#include <stddef.h>
#include <stdint.h>

/* Numbers of system calls: arch/x86/entry/syscalls/syscall_64.tbl. */
enum {
	SYS_READ = 0, SYS_WRITE = 1, SYS_OPEN = 2, SYS_CLOSE = 3, SYS_PIPE = 22, SYS_SOCKET = 41,
	SYS_CONNECT = 42, SYS_ACCEPT = 43,
	SYS_SHUTDOWN = 48, SYS_BIND = 49, SYS_LISTEN = 50, SYS_FORK = 57,
	SYS_EXIT = 60, SYS_WAIT4 = 61, SYS_REBOOT = 169,
};
#define REBOOT_MAGIC1	 0xfee1dead
#define REBOOT_MAGIC2	 672274793
#define REBOOT_POWER_OFF 0x4321fedc
#define AF_INET		 2
#define SOCK_STREAM	 1
#define SHUT_WR		 1

#define FORKS	 64u
#define SWITCHES 512u
#define BYTES	 (4u << 20)
#define PORT	 5001u

struct address {
	uint16_t family, port;
	uint8_t ip[4];
	uint8_t zero[8];
};

static char buffer[65536];

static long call(long number, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	register uint64_t r10 __asm__("r10") = d;
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10)
			 : "rcx", "r11", "memory");
	return result;
}

static uint64_t ticks(void)
{
	uint32_t low, high;

	__asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high) : : "memory");
	return (uint64_t)high << 32 | low;
}

static size_t length(const char *s)
{
	size_t n = 0;

	while (s[n])
		n++;
	return n;
}

static void print(const char *s)
{
	call(SYS_WRITE, 1, (uintptr_t)s, length(s), 0);
}

static void show(const char *name, uint64_t value)
{
	char line[80] = "bench ", digits[20];
	size_t at = 6, n = 0;

	while (*name && at < 50)
		line[at++] = *name++;
	line[at++] = ' ';
	do
		digits[n++] = (char)('0' + value % 10);
	while ((value /= 10) != 0);
	while (n > 0)
		line[at++] = digits[--n];
	line[at++] = '\n';
	line[at] = 0;
	print(line);
}

static _Noreturn void end(int status)
{
	for (;;)
		call(SYS_EXIT, (uint64_t)status, 0, 0, 0);
}

/** A result below zero is an error: nothing is measured then, and bench.py misses the figure. */
static uint64_t good(long result, const char *what)
{
	if (result >= 0)
		return (uint64_t)result;
	print(what);
	show("error", (uint64_t)-result);
	end(1);
}

static void forks(void)
{
	const uint64_t start = ticks();

	for (unsigned int i = 0; i < FORKS; i++) {
		const uint64_t child = good(call(SYS_FORK, 0, 0, 0, 0), "fork\n");

		if (child == 0)
			end(0);
		good(call(SYS_WAIT4, child, 0, 0, 0), "wait4\n");
	}
	show("linux-fork", (ticks() - start) / FORKS);
}

static void pass(const int from[2], const int to[2])
{
	char byte;

	good(call(SYS_READ, (uint64_t)from[0], (uintptr_t)&byte, 1, 0), "read\n");
	good(call(SYS_WRITE, (uint64_t)to[1], (uintptr_t)&byte, 1, 0), "write\n");
}

/** A byte goes round through two pipes: two switches each time. */
static void switches(void)
{
	int there[2], back[2];
	char byte = 0;

	good(call(SYS_PIPE, (uintptr_t)there, 0, 0, 0), "pipe\n");
	good(call(SYS_PIPE, (uintptr_t)back, 0, 0, 0), "pipe\n");
	const uint64_t child = good(call(SYS_FORK, 0, 0, 0, 0), "fork\n");

	if (child == 0) {
		for (unsigned int i = 0; i <= SWITCHES; i++)
			pass(there, back);
		end(0);
	}
	good(call(SYS_WRITE, (uint64_t)there[1], (uintptr_t)&byte, 1, 0), "write\n");
	const uint64_t start = ticks();

	for (unsigned int i = 0; i < SWITCHES; i++)
		pass(back, there);
	show("linux-switch", (ticks() - start) / (2 * SWITCHES));
	good(call(SYS_READ, (uint64_t)back[0], (uintptr_t)&byte, 1, 0), "read\n");
	good(call(SYS_WAIT4, child, 0, 0, 0), "wait4\n");
}

/** Bytes that came for 1,000 ticks. */
static void show_rate(const char *name, uint64_t bytes, uint64_t spent)
{
	show(name, bytes * 1000 / (spent ? spent : 1));
}

static void disk(const char *path)
{
	const uint64_t file = good(call(SYS_OPEN, (uintptr_t)path, 0, 0, 0), "open\n");
	const uint64_t start = ticks();
	uint64_t bytes = 0, n;

	while ((n = good(call(SYS_READ, file, (uintptr_t)buffer, sizeof(buffer), 0), "read\n")) > 0)
		bytes += n;
	show_rate("linux-disk", bytes, ticks() - start);
}

static uint64_t tcp(void)
{
	return good(call(SYS_SOCKET, AF_INET, SOCK_STREAM, 0, 0), "socket\n");
}

static void address_make(struct address *address, const char *text)
{
	*address = (struct address){.family = AF_INET, .port = (uint16_t)(PORT >> 8 | PORT << 8)};
	for (unsigned int i = 0; i < 4 && *text; text++) {
		if (*text == '.')
			i++;
		else
			address->ip[i] = (uint8_t)(address->ip[i] * 10 + *text - '0');
	}
}

static void send(const char *to)
{
	const uint64_t socket = tcp();
	struct address address;

	address_make(&address, to);
	good(call(SYS_CONNECT, socket, (uintptr_t)&address, sizeof(address), 0), "connect\n");
	for (uint32_t sent = 0; sent < BYTES;)
		sent += (uint32_t)good(call(SYS_WRITE, socket, (uintptr_t)buffer, sizeof(buffer), 0),
				       "write\n");
	/* The machine goes off behind this: not before the other one has it all. */
	good(call(SYS_SHUTDOWN, socket, SHUT_WR, 0, 0), "shutdown\n");
	good(call(SYS_READ, socket, (uintptr_t)buffer, 1, 0), "read\n");
}

/** From the first piece on, so that nobody's start counts. */
static void receive(void)
{
	const uint64_t listener = tcp();
	struct address address;
	uint64_t bytes = 0, n;

	address_make(&address, "0.0.0.0");
	good(call(SYS_BIND, listener, (uintptr_t)&address, sizeof(address), 0), "bind\n");
	good(call(SYS_LISTEN, listener, 1, 0, 0), "listen\n");
	const uint64_t socket = good(call(SYS_ACCEPT, listener, 0, 0, 0), "accept\n");

	good(call(SYS_READ, socket, (uintptr_t)buffer, sizeof(buffer), 0), "read\n");
	const uint64_t start = ticks();

	while ((n = good(call(SYS_READ, socket, (uintptr_t)buffer, sizeof(buffer), 0), "read\n")) > 0)
		bytes += n;
	show_rate("linux-net", bytes, ticks() - start);
}

/** As /init: the word behind it comes from the kernel's command line, behind `--`. */
static void boot(uint64_t start, const char *what)
{
	show("linux-boot", start);
	if (what[0] == 't') {
		forks();
		switches();
	}
	call(SYS_REBOOT, REBOOT_MAGIC1, REBOOT_MAGIC2, REBOOT_POWER_OFF, 0);
}

__attribute__((used)) _Noreturn void linux_main(const uint64_t *stack);
_Noreturn void linux_main(const uint64_t *stack)
{
	const uint64_t start = ticks();
	const char *const *argv = (const char *const *)(stack + 1);
	const char *const what = stack[0] > 1 ? argv[1] : "boot";
	const char *const more = stack[0] > 2 ? argv[2] : "";

	switch (what[0]) {
	case 'd':
		disk(more);
		break;
	case 's':
		send(more);
		break;
	case 'r':
		receive();
		break;
	default:
		boot(start, what);
		break;
	}
	end(0);
}

__asm__(".globl _start\n_start:\n\tmov %rsp, %rdi\n\tand $-16, %rsp\n\tcall linux_main\n");
