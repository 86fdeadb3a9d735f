/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file debug.h
 * The debugger of a VM: a GDB remote server on the platform's debug channel. It costs nothing until the
 * first packet comes; from then on the VM has a debugger, until that detaches.
 *
 * The event thread speaks the protocol, with the VM's lock held. A vCPU that is to stop gets
 * VCPU_DEBUG; its own thread puts all registers into its page (vCPUs can't be reached from another
 * CPU), says so, and sleeps at its gate. While all vCPUs are parked their pages and the guest's memory
 * are the debugger's to read and write.
 */
#ifndef VMM_DEBUG_DEBUG_H
#define VMM_DEBUG_DEBUG_H

#include <hypike/hv_x86.h>

#include "vmm/debug/packet.h"
#include "vmm/platform.h"

struct vm;
struct vcpu;

#define DEBUG_BREAKPOINTS 256u /**< in memory */
#define DEBUG_HARDWARE	  4u   /**< debug registers */
#define DEBUG_FPU	  576u /**< XSAVE's legacy area and header (SDM vol. 1, 13.4) */

/** Signal numbers of the protocol, which are those of nobody's system. */
enum debug_signal {
	DEBUG_SIGINT = 2,  /**< the user interrupted */
	DEBUG_SIGILL = 4,  /**< what isn't emulated, a state that the CPU refuses */
	DEBUG_SIGTRAP = 5, /**< breakpoints, steps */
	DEBUG_SIGABRT = 6, /**< halted for ever */
	DEBUG_SIGSEGV = 11, /**< triple fault */
};

/** How a breakpoint is known to the protocol (Z0 to Z4). */
enum debug_type {
	DEBUG_SOFTWARE,
	DEBUG_EXECUTE,
	DEBUG_WRITE,
	DEBUG_READ,
	DEBUG_ACCESS,
	DEBUG_TYPES
};

/** Why a vCPU has stopped. */
struct debug_stop {
	uint8_t signal; /**< enum debug_signal; 0: not by itself */
	bool at_breakpoint;
	uint8_t type;	  /**< then: enum debug_type */
	uint64_t address; /**< of the watched memory */
};

/* Who keeps a vCPU away from the guest. */
#define DEBUG_HOLD_DEBUGGER 1u
#define DEBUG_HOLD_PAUSE    2u

struct debug_vcpu {
	struct platform_mutex gate;
	/* Under the VM's lock. */
	uint8_t held; /**< by whom it is kept away from the guest (DEBUG_HOLD_*); then its gate is locked */
	bool inside; /**< its thread is in debug_park() */
	bool parked; /**< it sleeps at the gate, or is on its way there: its page is complete */
	bool step;
	bool edited; /**< the debugger has written registers since it stopped */
	struct debug_stop stop; /**< not reported yet */
	uint32_t armed;	   /**< struct debug.generation of what is in its debug registers */
	uint32_t fpu_size; /**< 0: there is none to be seen */
	bool fpu_dirty;
	uint8_t fpu[DEBUG_FPU];
};

/** A breakpoint in memory: an INT3 in place of a byte. */
struct debug_soft {
	uint64_t linear;   /**< where the debugger wanted it */
	uint64_t physical; /**< where that was then */
	uint8_t byte;	   /**< what was there */
	bool used;
};

struct debug_hard {
	uint64_t linear;
	uint8_t type; /**< enum debug_type */
	uint8_t length;
	bool used;
};

enum debug_state { DEBUG_RUNNING, DEBUG_STOPPING, DEBUG_STOPPED };

struct debug {
	uint8_t state;	 /**< enum debug_state */
	bool attached;	 /**< there is a debugger */
	bool catches;	 /**< a VM that fails waits for one */
	bool no_ack;	 /**< QStartNoAckMode */
	bool awaiting;	 /**< it has been told to go on, and waits for a stop */
	bool interrupted; /**< by the user */
	bool input;	 /**< there may be bytes on the channel */
	bool whole;	 /**< `packet` waits until all vCPUs are parked */
	bool physical;	 /**< addresses of memory are guest-physical */
	bool resetting;	 /**< `monitor reset`: the answer is due when the VM has stopped again */
	bool says_swbreak, says_hwbreak; /**< the debugger knows these stop reasons */
	uint32_t current; /**< vCPU that register and memory packets are about */
	uint32_t last;	  /**< that was reported last */
	struct debug_stop reason; /**< and why it had stopped */
	uint64_t (*pause_over)(void); /**< of debug_pause(); NULL: not paused */
	int failure;	  /**< the status that the VM is to end with when it goes on; 0: none */
	uint32_t generation; /**< of `hard` */
	struct debug_hard hard[DEBUG_HARDWARE];
	uint32_t softs; /**< in use */
	struct debug_soft soft[DEBUG_BREAKPOINTS];
	struct debug_vcpu vcpu[HV_MAX_VCPUS];
	struct packet packet;
	struct answer answer;
};

/* ------------------------------------------------------------------- for the rest of the VMM */

/** Before the vCPUs' threads start: with --gdb-wait they begin by waiting. Lock held. */
void debug_start(struct vm *vm);
/** The event thread: bytes may have come (`input`), vCPUs may have stopped. Lock held. */
void debug_serve(struct vm *vm, bool input);
/** The VM stops for good, or to be booted anew: let go of its vCPUs. Lock held. */
void debug_release(struct vm *vm);
/** The VM has been booted anew: its memory and its vCPUs have no breakpoints. Lock held. */
void debug_restarted(struct vm *vm);
/**
 * Keep all vCPUs away from the guest, whatever a debugger does. Lock held.
 * @param over called once, when the pause is over for whatever reason. @return what time stamp counters have
 * advanced by meanwhile, and aren't to have
 */
void debug_pause(struct vm *vm, uint64_t (*over)(void));
/** Are they, and is each one's page complete? Lock held. */
bool debug_paused(const struct vm *vm);
/** Let them go on. Lock held. */
void debug_unpause(struct vm *vm);
/** The VM has ended: tell the debugger. Lock held. */
void debug_ended(struct vm *vm);
/**
 * The VM is about to end with `status` because of this vCPU.
 * @return true where a debugger is to see it first: the vCPU's loop goes on, and parks. Lock held.
 */
bool debug_failed(struct vcpu *vcpu, int status, const char *what);
/** Is there a debugger? */
bool debug_attached(const struct vm *vm);

/** A vCPU's thread, at VCPU_DEBUG: stay here until the debugger lets go. */
void debug_park(struct vcpu *vcpu);
/** @return whether the exit in the page is done with and what the VMM has written is taken over, so that
 *  registers are what they seem. */
bool debug_settled(const struct hv_vcpu_page *page);
/** An exception of the guest's came here. @return whether it was the debugger's business. */
bool debug_exception(struct vcpu *vcpu);
/** The hypervisor refuses to run it. @return whether what the debugger wrote was why. */
bool debug_refused(struct vcpu *vcpu);

/* ----------------------------------------------------------------------- between the files here */

/** control.c: stop every vCPU; debug_serve() goes on when they are parked. */
void debug_stop_all(struct vm *vm);
bool debug_all_parked(const struct vm *vm);
/** What vCont wants of a vCPU. */
enum debug_action { DEBUG_STAY, DEBUG_CONTINUE, DEBUG_STEP };
void debug_resume(struct vm *vm, const uint8_t action[HV_MAX_VCPUS]);
/** Without a trace: breakpoints go, all vCPUs run. */
void debug_detach(struct vm *vm);

/** breakpoint.c: 0, or the number of an error answer. */
unsigned int debug_insert(struct vm *vm, enum debug_type type, uint64_t linear, uint64_t length);
unsigned int debug_remove(struct vm *vm, enum debug_type type, uint64_t linear, uint64_t length);
void debug_remove_all(struct vm *vm);
/** Put those in memory there anew. */
void debug_insert_again(struct vm *vm);
const struct debug_soft *debug_soft_at(const struct vm *vm, uint64_t physical);
/** What DR0 to DR3 and DR7 are for the debugger. */
void debug_hardware(const struct debug *debug, struct hv_x86_debug *to);

/** memory.c: with what breakpoints have replaced. @return bytes done. */
size_t debug_read(struct vm *vm, uint64_t address, void *to, size_t size);
size_t debug_write(struct vm *vm, uint64_t address, const void *from, size_t size);
/** Linear to physical, as the vCPU's paging has it, without rights or accessed bits. Its page is complete. */
bool debug_translate(const struct vm *vm, const struct vcpu *vcpu, uint64_t linear,
		     uint64_t *physical);

/** registers.c: the first ones are general and segment registers, RIP and RFLAGS. */
#define DEBUG_GENERAL 24u
uint32_t debug_register_count(void);
void debug_register_read(struct vm *vm, uint32_t vcpu, uint32_t number, struct answer *answer);
/** Digits at *at. */
bool debug_register_write(struct vm *vm, uint32_t vcpu, uint32_t number, const char **at);
/** A part of the target description. @return whether there is more. */
bool debug_description(uint64_t offset, uint64_t length, struct answer *answer);

/** remote.c: the packet that is in debug.packet. */
void debug_handle(struct vm *vm);
/** Send what is in debug.answer. */
void debug_send(struct vm *vm);
void debug_report_stop(struct vm *vm);

/** monitor.c: `monitor TEXT`. @return whether the answer is due now. */
bool debug_monitor(struct vm *vm, char *text);

#endif
