/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file act.h
 * A forbidden act: what is done, and what may come of it.
 *
 * An act runs inside try_call(): an exception that it doesn't take itself ends it. Afterwards the
 * machine is put back as it was (machine.h), so an act needn't clean up behind itself.
 *
 * @req ATK-001 Each forbidden act ends in the fault or with the result that its table row names.
 */
#ifndef GUESTS_ATTACK_ACT_H
#define GUESTS_ATTACK_ACT_H

#include <stdbool.h>
#include <stdint.h>

#include "guests/dummy/rt.h"
#include "lib/x86/cpu.h"

/** An outcome: bit n for exception n, or OUT_DONE. */
#define OUT(vector) (X86_U64(1) << (vector))
#define OUT_DB	    OUT(X86_DB)
#define OUT_BP	    OUT(X86_BP)
#define OUT_UD	    OUT(X86_UD)
#define OUT_NM	    OUT(X86_NM)
#define OUT_DF	    OUT(X86_DF)
#define OUT_TS	    OUT(X86_TS)
#define OUT_NP	    OUT(X86_NP)
#define OUT_SS	    OUT(X86_SS)
#define OUT_GP	    OUT(X86_GP)
#define OUT_PF	    OUT(X86_PF)
#define OUT_MF	    OUT(X86_MF)
#define OUT_AC	    OUT(X86_AC)
#define OUT_XM	    OUT(X86_XM)
/** No exception, and nothing that the act checked was wrong. */
#define OUT_DONE OUT(32)

/** Where an act runs. */
enum act_ring {
	RING_0 = 0,
	RING_3, /**< `user` is run, in ring 3 on a page of stack */
};

struct act {
	const char *name; /**< as in act=NAME */
	const char *what; /**< one line */
	void (*run)(uint64_t arg);
	uint64_t arg;
	uint64_t outcome; /**< OUT_*: any of these is right */
	/** @return why it does not apply to this machine, or NULL. May itself be NULL. */
	const char *(*skip)(void);
	uint64_t (*user)(uint64_t arg); /**< instead of `run`: in ring 3, position independent */
};

/** Acts about one subject; a group ends with an act without a name. */
struct act_group {
	const char *name;
	const struct act *acts;
};

/** An act that the machine does not survive: one in each boot, by act=NAME. */
struct ending {
	const char *name;
	const char *what;
	void (*run)(uint64_t arg);
	uint64_t arg;
};

/** Says what was wrong, and makes the act that is running a failure. */
__attribute__((format(printf, 1, 2))) void act_fails(const char *fmt, ...);

/** Ends the act as failed, and says where, unless the condition holds. */
#define ACT_CHECK(condition)                                                                       \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			act_fails("%s:%d: %s", __FILE__, __LINE__, #condition);                    \
			return;                                                                    \
		}                                                                                  \
	} while (0)

/** Does something inside an act that may itself fault. @return OUT_* */
uint64_t act_try(void (*run)(uint64_t arg), uint64_t arg);

/** An act that is one piece of assembly. All general registers but RSP and RBP may be changed. */
#define ACT_ASM(function, text)                                                                    \
	static void function(uint64_t arg)                                                         \
	{                                                                                          \
		__asm__ volatile(text                                                              \
				 : "+D"(arg)                                                       \
				 :                                                                 \
				 : "rax", "rbx", "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11",    \
				   "cc", "memory");                                                \
	}

extern const struct act acts_virt[], acts_register[], acts_msr[], acts_memory[],
	acts_mode[], acts_device[], acts_mmio[], acts_pci[], acts_board[], acts_virtio[];
extern const struct ending endings[];

#endif
