/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file layout.h
 * Where things are in the address spaces of kernel and ring-3 programs. Usable from assembly.
 */
#ifndef KERNEL_LAYOUT_H
#define KERNEL_LAYOUT_H

/* Physical. */
#define LOAD_PHYS	 0x100000 /**< the kernel image: 1 MiB */
/* The health monitor's log. BIOSes, GRUB and QEMU leave this alone, so it outlives a reset; not so what is
 * below it, which SeaBIOS clears. */
#define HEALTH_LOG_PHYS 0x90000
#define HEALTH_LOG_SIZE 0xc000
#define TRAMPOLINE_PHYS	 0x8000	  /**< where application processors start: below 1 MiB, one page */

/* Upper half: the kernel. The same in each address space; fixed once booted. */
#define DIRECT_MAP  0xffff800000000000 /**< all RAM, at its physical address plus this */
#define STACK_AREA  0xffffc00000000000 /**< kernel stacks, each with an unmapped page below */
#define GDT_AREA    0xffffc80000000000 /**< one slot a CPU, see gdt.c */
#define DEVICE_AREA 0xffffd00000000000 /**< uncached device registers */
#define KERNEL_BASE 0xffffffff80000000 /**< the image, at its physical address plus this */

/* Lower half: ring 3. */
#define USER_FIRST     0x0000000000010000 /**< below it nothing is ever mapped */
#define USER_PROGRAM_END 0x0000000040000000 /**< ELF segments lie below: 1 GiB */
#define USER_INFO      0x0000000040000000 /**< struct hypike_info and the strings it points to */
#define USER_VCPUS     0x0000000050000000 /**< pages shared with the hypervisor, one a vCPU */
#define USER_STACK_TOP 0x0000000060000000 /**< of the first thread */
#define USER_STACK_SIZE 0x40000		  /**< of the first thread; unmapped memory below it */
#define USER_FILES     0x0000001000000000 /**< files of the system image */
#define USER_SHARED    0x0000002000000000 /**< regions shared with other partitions */
#define USER_DEVICES   0x0000003000000000 /**< device memory */
#define USER_RAM       0x0000010000000000 /**< the partition's RAM */
#define USER_LIMIT     0x00007ffffffff000 /**< first address that no program may name */

/* Kernel stacks. */
#define STACK_SIZE  0x4000
#define STACK_SLOT  0x8000 /**< distance between two stacks */

/* Selectors in the order that SYSCALL and SYSRET want (SDM 5.8.8). */
#define SEL_KERNEL_CODE 0x08
#define SEL_KERNEL_DATA 0x10
#define SEL_USER_DATA	0x1b
#define SEL_USER_CODE	0x23
#define SEL_TSS		0x28

/* struct cpu, as far as assembly looks at it (checked in cpu.c). */
#define CPU_SELF	0
#define CPU_KERNEL_RSP	8
#define CPU_USER_RSP	16
#define CPU_WORK	24

/** Entries of syscall_table (checked in syscall.c). */
#define SYSCALL_COUNT 95

#endif
