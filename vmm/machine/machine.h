/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file machine.h
 * A board: which devices there are and how they are connected. One VMM process has one VM, so a
 * machine keeps its devices in static storage.
 */
#ifndef VMM_MACHINE_MACHINE_H
#define VMM_MACHINE_MACHINE_H

#include "vmm/dev/ps2.h"
#include "vmm/display.h"
#include "vmm/vm.h"

/** A piece of the guest's address space as firmware reports it. */
struct machine_memory {
	uint64_t start, size;
	uint32_t type; /**< MULTIBOOT_MEMORY_* (the same numbers as ACPI's and E820's) */
};

#define MACHINE_MEMORY_ROWS 8u

struct machine {
	const char *name;
	/** Map memory, attach devices to the bus, say what traps. */
	hv_status_t (*init)(struct vm *vm);
	/** Devices, memory and vCPU 0 as after the firmware has run. Lock held. */
	hv_status_t (*reset)(struct vm *vm);
	/** The processor's interrupt acknowledge cycle. @return the vector. Lock held. */
	uint8_t (*acknowledge)(struct vm *vm);
	/** A local APIC ended the interrupt with this vector, which was asked for (hv_trap_eoi()). Lock
	 *  held. */
	void (*eoi)(struct vm *vm, uint32_t vector);
	/** A system register that was asked for (hv_trap_sysreg()). @return false: a fault. Lock held. */
	bool (*sysreg)(struct vcpu *vcpu, uint32_t index, bool write, uint64_t *value);
	/** A break comes over its serial line. Lock held. */
	void (*send_break)(struct vm *vm);
	/** The user presses the power button. Lock held. */
	void (*button)(struct vm *vm);
	/** Console input that the machine would take now. Lock held. */
	unsigned int (*room)(struct vm *vm);
	/** Print its text screen. Lock held. */
	void (*screen)(struct vm *vm, void (*put)(void *ctx, char c), void *ctx);
	/** What it shows; display_draw() it with the lock held. */
	const struct display *(*display)(void);
	/** A key of its keyboard is pressed or released (ps2_keyboard_key() has the numbers). Lock held. */
	void (*key)(uint8_t key, bool pressed);
	/** Its mouse is moved. Lock held. */
	void (*mouse)(const struct ps2_motion *motion);
	/** Show all its devices. Lock held. */
	void (*devices)(void (*see)(void *ctx, const struct device *dev), void *ctx);
	/** @return the rows of the memory map. */
	unsigned int (*memory_map)(const struct vm *vm,
				   struct machine_memory rows[MACHINE_MEMORY_ROWS]);
};

/** @return the machine of that name, or NULL. */
const struct machine *machine_find(const char *name);

extern const struct machine machine_pc;

#endif
