/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Does KVM run guests? That /dev/kvm is there says little: some run small kernels and no others, as they
 * emulate what a guest does in ring 0. A child process (a VM for each process) runs a few instructions of
 * the kinds that every kernel needs.
 *
 * @req VMM-603 KVM is used where it runs instructions of each kind: real mode, protected mode, segment
 *              checks, an exception, memory-mapped devices.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <hypike/vmm.h>
#include <linux/kvm.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define CODE   0x1000u
#define MEMORY 0x4000u
#define DEVICE 0x100000u
#define PORT   0xe9u
#define HALF   41u

/* Runs at CODE. What it does stands in steps[], exit by exit. */
__asm__(".pushsection .rodata\n"
	".balign 16\n"
	"probe_start:\n"
	".code16\n"
	"	movb $0x55, %al\n"
	"	outb %al, $0xe9\n"
	"	lgdtl 0x1000 + probe_gdtr - probe_start\n"
	"	lidtl 0x1000 + probe_idtr - probe_start\n"
	"	movl %cr0, %eax\n"
	"	orb $1, %al\n"
	"	movl %eax, %cr0\n"
	"	ljmpl $8, $(0x1000 + probe_32 - probe_start)\n"
	".code32\n"
	"probe_32:\n"
	"	movl $0x10, %eax\n"
	"	movl %eax, %ds\n"
	"	movl %eax, %ss\n"
	"	movl $0x3ff0, %esp\n"
	"	outb %al, $0xe9\n"
	"	movl $0x12345678, 0x100000\n"
	"	addl $1, 0x100000\n"
	"	lsl %eax, %ecx\n"
	"	movl %ecx, %eax\n"
	"	outl %eax, $0xe9\n"
	"	ud2\n"
	"probe_ud:\n"
	"	movb $0xaa, %al\n"
	"	outb %al, $0xe9\n"
	"1:	hlt\n"
	"	jmp 1b\n"
	".balign 8\n"
	"probe_gdt:\n"
	"	.quad 0, 0x00cf9b000000ffff, 0x00cf93000000ffff\n"
	"probe_gdtr:\n"
	"	.word 23\n"
	"	.long 0x1000 + probe_gdt - probe_start\n"
	".balign 8\n"
	"probe_idt:\n"
	"	.fill 6, 8, 0\n"
	"	.word 0x1000 + probe_ud - probe_start, 8, 0x8e00, 0\n"
	"probe_idtr:\n"
	"	.word 55\n"
	"	.long 0x1000 + probe_idt - probe_start\n"
	"probe_end:\n"
	".code64\n"
	".popsection\n");
extern const uint8_t probe_start[], probe_end[];

/** The exits that there are to be, and what doesn't work where the next one isn't that. */
static const struct step {
	uint32_t reason, value;
	uint8_t write;
	const char *what;
} steps[] = {
	{KVM_EXIT_IO, 0x55, 1, "it doesn't run real mode"},
	{KVM_EXIT_IO, 0x10, 1, "it doesn't get to protected mode"},
	{KVM_EXIT_MMIO, 0x12345678, 1, "it doesn't emulate a write to a device"},
	{KVM_EXIT_MMIO, HALF, 0, "it doesn't emulate arithmetic on a device"},
	{KVM_EXIT_MMIO, HALF + 1, 1, "it doesn't emulate arithmetic on a device"},
	{KVM_EXIT_IO, UINT32_MAX, 1, "it doesn't run LSL in ring 0"},
	{KVM_EXIT_IO, 0xaa, 1, "it doesn't deliver exceptions"},
};
#define STEPS (sizeof(steps) / sizeof(steps[0]))

static uint8_t *memory_map(int fd, size_t size, int flags)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, 0);

	return memory != MAP_FAILED ? memory : NULL;
}

/** A VM with the code in its memory. @return the vCPU, or -1 */
static int vcpu_make(int kvm)
{
	const int vm = ioctl(kvm, KVM_CREATE_VM, 0ul);
	uint8_t *memory = memory_map(-1, MEMORY, MAP_PRIVATE | MAP_ANONYMOUS);
	struct kvm_userspace_memory_region region = {.memory_size = MEMORY,
						     .userspace_addr = (uintptr_t)memory};
	struct kvm_regs regs = {.rip = CODE, .rflags = 2};
	struct kvm_sregs sregs;

	if (vm < 0 || !memory)
		return -1;
	memcpy(memory + CODE, probe_start, (size_t)(probe_end - probe_start));
	ioctl(vm, KVM_SET_TSS_ADDR, 0xfffbd000ul);
	const int vcpu = ioctl(vm, KVM_CREATE_VCPU, 0ul);
	if (vcpu < 0 || ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region) != 0 ||
	    ioctl(vcpu, KVM_GET_SREGS, &sregs) != 0)
		return -1;
	sregs.cs.base = sregs.cs.selector = 0;
	return ioctl(vcpu, KVM_SET_SREGS, &sregs) == 0 && ioctl(vcpu, KVM_SET_REGS, &regs) == 0
		       ? vcpu
		       : -1;
}

/** @return whether an exit is what there is to be; answers a read. */
static bool is_step(struct kvm_run *run, const struct step *step)
{
	uint32_t value = 0;

	if (run->exit_reason != step->reason)
		return false;
	if (run->exit_reason == KVM_EXIT_IO) {
		memcpy(&value, (uint8_t *)run + run->io.data_offset, run->io.size);
		return run->io.port == PORT && value == step->value;
	}
	if (!step->write)
		memcpy(run->mmio.data, &step->value, sizeof(step->value));
	memcpy(&value, run->mmio.data, sizeof(value));
	return run->mmio.phys_addr == DEVICE && run->mmio.is_write == step->write &&
	       run->mmio.len == sizeof(value) && value == step->value;
}

/** The child: @return how many steps were done. */
static unsigned int run_steps(void)
{
	const int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	const int size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, NULL);
	const int vcpu = size > 0 ? vcpu_make(kvm) : -1;
	unsigned int done = 0;

	if (vcpu < 0)
		return 0;
	struct kvm_run *run = (void *)memory_map(vcpu, (size_t)size, MAP_SHARED);
	while (run && done < STEPS && ioctl(vcpu, KVM_RUN, NULL) == 0 && is_step(run, &steps[done]))
		done++;
	return done;
}

#define SECONDS 5

const char *hypike_vmm_probe(void)
{
	const char *missing = hypike_vmm_unavailable();
	int status = 0;

	if (missing)
		return missing;
	const pid_t child = fork();
	if (child == 0) {
		alarm(SECONDS); /* ends it */
		_exit((int)run_steps());
	}
	while (child < 0 || waitpid(child, &status, 0) < 0) {
		if (errno != EINTR)
			return strerror(errno);
	}
	if (!WIFEXITED(status))
		return "it hangs";
	const unsigned int done = (unsigned int)WEXITSTATUS(status);
	return done < STEPS ? steps[done].what : NULL;
}
