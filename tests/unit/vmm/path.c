/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Length of the VMM's part of an exit: a child runs the run loop over a hypervisor that does nothing,
 * and its instructions from the return of one hv_vcpu_run() to the next call are counted, one by
 * one, by single-stepping it. Built with the options of the ring-3 program.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vmm/machine/machine.h"
#include "vmm/options.h"
#include "vmm/vm.h"

#define ROUNDS 8u

/** One path: how the guest exits, and the goal. */
struct path {
	const char *name;
	void (*exit)(struct hv_vcpu_page *page);
	unsigned int most;
};

static struct vm vm;
static struct options options;
static struct hv_vcpu_page page __attribute__((aligned(4096)));
static uint8_t ram[4 << 20] __attribute__((aligned(1 << 21)));
static const struct path *path;
static unsigned int round_number;

/* ------------------------------------------------------------------- platform, as cheap as HyPike's */

uint64_t platform_time(void)
{
	return 1000;
}

uint64_t platform_tsc(void)
{
	uint32_t low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	return (uint64_t)high << 32 | low;
}

uint64_t platform_epoch(void)
{
	return 0;
}

void platform_mutex_lock_slow(struct platform_mutex *mutex)
{
	(void)mutex;
}

void platform_mutex_wake(struct platform_mutex *mutex)
{
	(void)mutex;
}

hv_status_t platform_vcpu_thread(unsigned int index, void (*entry)(void *arg), void *arg)
{
	(void)index;
	(void)entry;
	(void)arg;
	return HV_OK;
}

hv_status_t platform_events_bind(hv_vm_t handle)
{
	(void)handle;
	return HV_OK;
}

uint64_t platform_wait(uint64_t deadline)
{
	(void)deadline;
	return 0;
}

void platform_wake(void)
{
}

void platform_console_write(const void *text, size_t size)
{
	(void)text;
	(void)size;
}

void platform_debug_write(const void *bytes, size_t size)
{
	(void)bytes;
	(void)size;
}

size_t platform_debug_read(void *bytes, size_t size)
{
	(void)bytes;
	(void)size;
	return 0;
}

size_t platform_console_read(void *text, size_t size)
{
	(void)text;
	(void)size;
	return 0;
}

bool platform_file(const char *name, struct platform_file *file)
{
	(void)name;
	(void)file;
	return false;
}

void *platform_guest_memory(uint64_t size)
{
	return size <= sizeof(ram) ? ram : NULL;
}

void *platform_memory(uint64_t size)
{
	(void)size;
	return NULL;
}

bool platform_region(const char *name, struct platform_region *region)
{
	(void)name;
	(void)region;
	return false;
}

hv_status_t platform_region_bind(const struct platform_region *region, uint8_t signal)
{
	(void)region;
	(void)signal;
	return HV_OK;
}

void platform_region_notify(const struct platform_region *region)
{
	(void)region;
}

uint64_t platform_guest_memory_limit(void)
{
	return sizeof(ram);
}

/* ------------------------------------------------------------------------------------ hypervisor */

hv_status_t hv_query(struct hv_caps *caps)
{
	*caps = (struct hv_caps){.version = HV_VERSION, .max_vcpus = 1};
	return HV_OK;
}

hv_status_t hv_vm_create(const struct hv_vm_params *params, hv_vm_t *handle)
{
	(void)params;
	*handle = 0;
	return HV_OK;
}

hv_status_t hv_vcpu_create(hv_vm_t handle, uint32_t index, hv_vcpu_t *vcpu,
			   struct hv_vcpu_page **shared)
{
	(void)handle;
	(void)index;
	*vcpu = 0;
	*shared = &page;
	return HV_OK;
}

hv_status_t hv_map(hv_vm_t handle, gpa_t where, void *host, uint64_t size, uint32_t prot)
{
	(void)handle;
	(void)where;
	(void)host;
	(void)size;
	(void)prot;
	return HV_OK;
}

hv_status_t hv_protect(hv_vm_t handle, gpa_t where, uint64_t size, uint32_t prot)
{
	(void)handle;
	(void)where;
	(void)size;
	(void)prot;
	return HV_OK;
}

hv_status_t hv_doorbell_add(hv_vm_t handle, const struct hv_doorbell *bell)
{
	(void)handle;
	(void)bell;
	return HV_OK;
}

hv_status_t hv_doorbell_remove(hv_vm_t handle, const struct hv_doorbell *bell)
{
	(void)handle;
	(void)bell;
	return HV_OK;
}

hv_status_t hv_msi(hv_vm_t handle, uint64_t address, uint32_t data)
{
	(void)handle;
	(void)address;
	(void)data;
	return HV_OK;
}

hv_status_t hv_trap_eoi(hv_vm_t handle, uint32_t vector, bool on)
{
	(void)handle;
	(void)vector;
	(void)on;
	return HV_OK;
}

hv_status_t hv_translate(hv_vcpu_t vcpu, gva_t from, uint32_t access, gpa_t *to, uint32_t *fault)
{
	(void)vcpu;
	(void)access;
	(void)fault;
	to->raw = from.raw;
	return HV_OK;
}

hv_status_t hv_vcpu_kick(hv_vcpu_t vcpu)
{
	(void)vcpu;
	return HV_OK;
}

hv_status_t hv_vcpu_reset(hv_vcpu_t vcpu)
{
	(void)vcpu;
	return HV_OK;
}

hv_status_t hv_vcpu_get(hv_vcpu_t vcpu, uint32_t groups)
{
	(void)vcpu;
	page.valid |= groups;
	return HV_OK;
}

hv_status_t hv_trap_ports(hv_vm_t handle, uint32_t first, uint32_t count, enum hv_port_policy policy)
{
	(void)handle;
	(void)first;
	(void)count;
	(void)policy;
	return HV_OK;
}

hv_status_t hv_trap_sysreg(hv_vm_t handle, uint32_t first, uint32_t count,
			   enum hv_sysreg_policy policy)
{
	(void)handle;
	(void)first;
	(void)count;
	(void)policy;
	return HV_OK;
}

hv_status_t hv_x86_cpuid_get(hv_vm_t handle, struct hv_x86_cpuid *rows, uint32_t *count)
{
	(void)handle;
	(void)rows;
	*count = 0;
	return HV_OK;
}

hv_status_t hv_x86_cpuid_set(hv_vm_t handle, const struct hv_x86_cpuid *rows, uint32_t count)
{
	(void)handle;
	(void)rows;
	(void)count;
	return HV_OK;
}

hv_status_t hv_vcpu_stats(hv_vcpu_t vcpu, struct hv_stats *stats)
{
	(void)vcpu;
	memset(stats, 0, sizeof(*stats));
	return HV_OK;
}

hv_status_t hv_x86_fpu_get(hv_vcpu_t vcpu, void *area, uint32_t size)
{
	(void)vcpu;
	(void)area;
	(void)size;
	return HV_OK;
}

hv_status_t hv_x86_fpu_set(hv_vcpu_t vcpu, const void *area, uint32_t size)
{
	(void)vcpu;
	(void)area;
	(void)size;
	return HV_OK;
}

/** The breakpoints enclose what is not the VMM's. */
hv_status_t hv_trap_exceptions(hv_vm_t handle, uint32_t vectors)
{
	(void)handle;
	(void)vectors;
	return HV_OK;
}

hv_status_t hv_x86_debug_set(hv_vcpu_t vcpu, const struct hv_x86_debug *debug)
{
	(void)vcpu;
	(void)debug;
	return HV_OK;
}

hv_status_t hv_vcpu_run(hv_vcpu_t vcpu)
{
	__asm__ volatile("int3" ::: "memory");
	(void)vcpu;
	page.valid = HV_X86_REGS_GPR;
	page.dirty = 0;
	page.action = HV_ACTION_DONE;
	page.intr_ready = 0;
	if (round_number++ < ROUNDS)
		path->exit(&page);
	else
		page.exit = (struct hv_exit){
			.kind = HV_EXIT_PORT,
			.port = {.port = 0xf4, .size = 1, .write = 1, .count = 1}};
	__asm__ volatile("int3" ::: "memory");
	return HV_OK;
}

/* ------------------------------------------------------------------------------------------ paths */

static void exit_kick(struct hv_vcpu_page *p)
{
	p->exit.kind = HV_EXIT_KICKED;
}

static void port(struct hv_vcpu_page *p, uint16_t number, bool write, uint32_t value)
{
	p->exit = (struct hv_exit){
		.kind = HV_EXIT_PORT,
		.port = {.port = number, .size = 1, .write = write, .count = 1, .value = value}};
}

static void exit_in(struct hv_vcpu_page *p)
{
	port(p, 0xf4, false, 0);
}

static void exit_scratch(struct hv_vcpu_page *p)
{
	port(p, 0x3ff, false, 0);
}

static void exit_out(struct hv_vcpu_page *p)
{
	port(p, 0x21, true, 0xff);
}

static void exit_putc(struct hv_vcpu_page *p)
{
	port(p, 0x3f8, true, 'x');
}

static void exit_absent(struct hv_vcpu_page *p)
{
	port(p, 0x1234, false, 0);
}

static void memory(struct hv_vcpu_page *p, uint64_t address, bool write, const char *insn,
		   uint8_t length)
{
	hv_x86_regs(p)->gpr[HV_RBX] = address;
	p->exit = (struct hv_exit){.kind = HV_EXIT_MEMORY,
				   .memory = {.address = address,
					      .access = write ? HV_PROT_WRITE : HV_PROT_READ,
					      .mode = 64,
					      .insn_length = length}};
	memcpy(p->exit.memory.insn, insn, length);
}

static void exit_load(struct hv_vcpu_page *p)
{
	memory(p, 0xfea00010, false, "\x8b\x03\x90\x90\x90\x90\x90\x90\x90\x90\x90\x90\x90\x90\x90", 15);
}

/** As the driver hands over plain moves. */
static void exit_decoded(struct hv_vcpu_page *p)
{
	p->exit = (struct hv_exit){.kind = HV_EXIT_MEMORY,
				   .memory = {.address = 0xfea00010,
					      .access = HV_PROT_READ,
					      .decoded = 1,
					      .size = 4}};
}

static void exit_store(struct hv_vcpu_page *p)
{
	memory(p, 0xfea00010, true, "\x89\x03\x90\x90\x90\x90\x90\x90\x90\x90\x90\x90\x90\x90\x90", 15);
}

static void exit_load_first(struct hv_vcpu_page *p)
{
	memory(p, 0xfea00000, false, "\x8b\x03\x90\x90\x90\x90\x90\x90\x90\x90\x90\x90\x90\x90\x90", 15);
}

static const struct path paths[] = {
	{"nothing (kick)", exit_kick, 60},
	{"port read", exit_in, 150},
	{"UART scratch read", exit_scratch, 150},
	{"PIC mask write", exit_out, 300},
	{"UART character write", exit_putc, 150},
	{"absent port read", exit_absent, 200},
	{"memory-mapped load, decoded", exit_decoded, 150},
	{"memory-mapped load", exit_load, 300},
	{"memory-mapped store", exit_store, 300},
	{"memory-mapped load at a page's start", exit_load_first, 900},
};
#define PATHS (sizeof(paths) / sizeof(paths[0]))

/** A memory-mapped device that does nothing. */
static uint64_t nothing_read(struct device *dev, uint64_t where, unsigned int size)
{
	(void)dev;
	(void)where;
	return size;
}

static void nothing_write(struct device *dev, uint64_t where, unsigned int size, uint64_t value)
{
	(void)dev;
	(void)where;
	(void)size;
	(void)value;
}

static void nothing_reset(struct device *dev)
{
	(void)dev;
}

static void child(void)
{
	static const struct device_range range = {
		.space = DEVICE_MEMORY, .first = 0xfea00000, .size = 0x1000, .width = 8};
	static const struct device_class class = {.name = "nothing",
						  .read = nothing_read,
						  .write = nothing_write,
						  .reset = nothing_reset,
						  .ranges = &range,
						  .range_count = 1};
	static struct device nothing = {.class = &class};

	if (options_parse("--memory 4M", &options) || vm_create(&vm, &options) != 0 ||
	    bus_attach(&vm.bus, &nothing) != HV_OK)
		_exit(2);
	vm.running = 1;
	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	raise(SIGSTOP);
	vcpu_thread(&vm.vcpu[0]);
	_exit(0);
}

/* --------------------------------------------------------------------------------------- counting */

/** Run the child to its next breakpoint. @return false at its end. */
static bool to_breakpoint(pid_t pid)
{
	int status;

	return ptrace(PTRACE_CONT, pid, NULL, NULL) == 0 && waitpid(pid, &status, 0) == pid &&
	       WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP;
}

/** Step to the next breakpoint. @return instructions, 0 at the child's end. */
static unsigned int count_steps(pid_t pid)
{
	unsigned int count = 0;
	siginfo_t info;
	int status;

	for (;;) {
		if (ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL) != 0 ||
		    waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
			return 0;
		if (ptrace(PTRACE_GETSIGINFO, pid, NULL, &info) != 0)
			return 0;
		if (info.si_code != TRAP_TRACE)
			return count;
		count++;
	}
}

/** @return instructions of the last but one round: caches of the bus are filled. */
static unsigned int measure(void)
{
	unsigned int count = 0;
	int status;
	pid_t pid = fork();

	if (pid == 0)
		child();
	waitpid(pid, &status, 0); /* it stops itself */
	for (unsigned int i = 0; i < ROUNDS; i++) {
		/* To the start of a run, to its end, then on to the next start. */
		if (i == 0 && !to_breakpoint(pid))
			break;
		if (!to_breakpoint(pid))
			break;
		count = count_steps(pid);
	}
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return count;
}

/** The goals are for the normal build: PARANOID's assertions may take a quarter more. */
static unsigned int goal(const struct path *of)
{
#ifdef PARANOID
	return of->most + of->most / 4;
#else
	return of->most;
#endif
}

int main(void)
{
	printf("1..%zu\n", PATHS);
	for (size_t i = 0; i < PATHS; i++) {
		path = &paths[i];
		round_number = 0;
		unsigned int count = measure();
		printf("%s %zu - %s: %u instructions, goal %u\n",
		       count > 0 && count <= goal(path) ? "ok" : "not ok", i + 1, path->name,
		       count, goal(path));
		fflush(stdout);
	}
	return 0;
}
