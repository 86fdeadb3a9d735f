/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file vm.h
 * A virtual machine as the VMM sees it: memory, bus, vCPUs and the threads that run them. The board
 * with its devices is a machine (machine/machine.h).
 *
 * Threads: one per vCPU, in vcpu_thread(); one for events, in vm_run(). Devices, bus and timers are
 * used with `lock` held. A vCPU's fields are its thread's own but for the two atomic ones.
 */
#ifndef VMM_VM_H
#define VMM_VM_H

#include <hypike/hv_x86.h>

#include "vmm/bus.h"
#include "vmm/console.h"
#include "vmm/debug/debug.h"
#include "vmm/platform.h"
#include "vmm/timer.h"

struct vm;
struct machine;
struct options;

/* Reasons for a vCPU's thread to look up before it enters the guest. */
#define VCPU_INTR 1u /**< the interrupt controller has a request */
#define VCPU_STOP 2u /**< the VM ends */
#define VCPU_ASK  4u /**< say whether this vCPU can ever run again (struct vcpu.dead) */
#define VCPU_SHOW 8u /**< print its registers */
#define VCPU_DEBUG 16u /**< the debugger wants it (debug_park()) */

struct vcpu {
	struct hv_vcpu_page *page;
	struct vm *vm;
	hv_vcpu_t handle;
	uint32_t attention; /**< atomic: VCPU_* */
	uint32_t in_run;    /**< atomic: about to be, or in hv_vcpu_run() */
	uint32_t hit;	    /**< bus_memory_*()'s cache */
	uint32_t index;
	uint32_t dead; /**< under lock: it waits, interrupts off, for what only another can do */
};

/** What a handler made of an exit. */
enum vcpu_verdict {
	VCPU_PASS, /**< custom handlers only: not its business */
	VCPU_RUN,  /**< go on */
	VCPU_END,  /**< the vCPU's thread ends: vm_stop() was called */
};

typedef enum vcpu_verdict (*exit_handler_t)(struct vcpu *vcpu, struct hv_vcpu_page *page);

/** A handler registered with vm_set_handler(). */
struct vm_custom {
	enum vcpu_verdict (*handle)(void *ctx, struct vcpu *vcpu, struct hv_vcpu_page *page);
	void *ctx;
};

/** Where text goes. */
struct text_sink {
	void (*put)(void *ctx, char c);
	void *ctx;
};

/** Guest memory: RAM at [0, low), but for a hole, and, where there is more, from 4 GiB on. */
#define VM_LOW_LIMIT  UINT64_C(0xc0000000)
#define VM_HIGH_START UINT64_C(0x100000000)

/** A piece of the VM's memory as it is mapped. */
struct vm_memory {
	uint64_t where, size;
	uint8_t *host;
	uint32_t prot; /**< HV_PROT_* */
};

#define VM_MEMORY_PIECES 24u

struct vm {
	struct platform_mutex lock;
	hv_vm_t handle;
	struct bus bus;
	struct timer_queue timers;
	struct console console;
	struct text_sink log; /**< under lock: takes vm_log()'s text; NULL: the console does */
	struct vm_custom custom[HV_EXIT_KINDS];

	uint8_t *ram; /**< all of it, holes in the guest's view not left out below 1 MiB */
	uint64_t ram_size;
	uint32_t pieces;
	struct vm_memory memory[VM_MEMORY_PIECES];
	const struct machine *machine;
	const struct options *options;
	uint64_t rsdp; /**< guest-physical address of the ACPI tables' root; 0: none */

	uint32_t vcpu_count;
	struct vcpu vcpu[HV_MAX_VCPUS];

	uint32_t doorbells; /**< signals in use */
	struct command doorbell[PLATFORM_SIGNALS];

	uint32_t running; /**< atomic: vCPU threads that haven't ended */
	uint32_t asleep;  /**< under lock: the event thread waits for timers.heap[0] */
	uint32_t keys_waiting; /**< under lock: console input waits for room in the machine */
	uint32_t stopped; /**< under lock */
	uint32_t restarting; /**< it was stopped to be booted anew; set before vCPUs see VCPU_STOP */
	uint32_t restarts;
	uint32_t resets; /**< of them, the user's; under lock */
	/** Where vCPUs' threads wait while the VM is booted anew: number n at one, n + 1 at the other. */
	struct platform_mutex gate[2];
	int status;	  /**< valid when stopped */
	uint64_t started; /**< platform_time() */
	uint64_t entered; /**< and when its first instruction was next */
	struct timer timeout;
	struct debug debug;
};

/**
 * Create VM and vCPUs, and the machine with its devices, in their state after reset.
 * @return an enum vmm_status, 0 for success; the reason is on the console.
 */
int vm_create(struct vm *vm, const struct options *options);
/** Start the vCPUs and serve events until the VM ends. @return its status. */
int vm_run(struct vm *vm);
/**
 * End the VM with a status and a message (may be NULL, without end of line). The first one counts.
 * With the lock held, from any thread.
 */
void vm_stop(struct vm *vm, int status, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/** Print on the console: "vmm: …" and an end of line. With the lock held. */
void vm_log(struct vm *vm, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** Register (or with NULL remove) a handler that sees exits of this kind first. Before vm_run(). */
hv_status_t vm_set_handler(struct vm *vm, enum hv_exit_kind kind,
			   enum vcpu_verdict (*handle)(void *ctx, struct vcpu *vcpu,
						       struct hv_vcpu_page *page),
			   void *ctx);

/**
 * Register a doorbell: a write of the guest's there costs it no exit to the VMM; the event thread gives
 * `ring`, with the lock held, soon after. Several rings may come as one. `bell.signal` is chosen here.
 */
hv_status_t vm_doorbell(struct vm *vm, const struct hv_doorbell *bell, const struct command *ring);
/** A number for hv_doorbell.signal whose doorbells give `ring`. @return false: there are no more. */
bool vm_signal(struct vm *vm, const struct command *ring, uint8_t *signal);

/** Level of the interrupt controller's INTR output, to vCPU 0; a wire's sink. Lock held. */
void vm_intr(void *vm, unsigned int pin, bool level);

/** Map a piece of the VMM's memory into the VM: `host` is in vm.ram. */
hv_status_t vm_map(struct vm *vm, uint64_t where, uint8_t *host, uint64_t size, uint32_t prot);
/** Change the rights of the piece that begins at `where`. */
hv_status_t vm_protect(struct vm *vm, uint64_t where, uint32_t prot);
/** @return where memory at `address` is for the VMM, or NULL where [address, +size) isn't all mapped
 *  with these rights, in one piece for both. */
void *vm_ram(const struct vm *vm, uint64_t address, uint64_t size, uint32_t prot);

/** A vCPU's life; argument is its struct vcpu. */
void vcpu_thread(void *vcpu);
/** Give it something to look at (VCPU_*): out of the guest, if it is there. From any thread. */
void vcpu_attend(struct vcpu *vcpu, uint32_t what);
/** What the VMM does about each kind of exit (exit.c). */
extern const exit_handler_t exit_handlers[HV_EXIT_KINDS];
/** An exit of a kind that has a custom handler. */
enum vcpu_verdict exit_custom(struct vcpu *vcpu, uint32_t kind);

/** Handle the exit in the vCPU's page. */
static inline enum vcpu_verdict exit_dispatch(struct vcpu *vcpu)
{
	uint32_t kind = vcpu->page->exit.kind;

	if (__builtin_expect(kind >= HV_EXIT_KINDS, 0))
		kind = HV_EXIT_ERROR;
	if (__builtin_expect(vcpu->vm->custom[kind].handle != NULL, 0))
		return exit_custom(vcpu, kind);
	return exit_handlers[kind](vcpu, vcpu->page);
}

/** HV_EXIT_MEMORY (mmio.c). */
enum vcpu_verdict exit_memory(struct vcpu *vcpu, struct hv_vcpu_page *page);
/** Make sure that register groups are in the page. @return false, and the VM ends, where not. */
bool vcpu_need(struct vcpu *vcpu, uint32_t groups);
/** Serve VCPU_ASK. */
void vcpu_answer(struct vcpu *vcpu);
/** Print a vCPU's registers. Lock held. */
void vcpu_print(struct vcpu *vcpu);

#endif
