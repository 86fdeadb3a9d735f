/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file turns.h
 * The threads of a VM on the model, of which one runs at a time: the event thread and one per vCPU. Who comes next,
 * and when, follows from the instructions that were executed, so that every run of a VM without input from outside
 * is the same. Time is the number of these instructions; where all wait, it jumps to the next thing that is due.
 */
#ifndef VMM_MODEL_TURNS_H
#define VMM_MODEL_TURNS_H

#include <hypike/types.h>

/** Frequency of the time-stamp counter: an instruction takes a tick, whatever it does. */
#define TURNS_TSC_KHZ UINT64_C(100000)
#define TURNS_TICK_NS (UINT64_C(1000000) / TURNS_TSC_KHZ)

/** Start a vCPU's thread; its first turn comes when the caller gives up his. @return an error number, 0: none */
int turns_start(unsigned int index, void (*entry)(void *arg), void *arg);
/** The calling thread is the event thread, and it is its turn. */
void turns_begin(void);
/** Is the calling thread one of those? */
bool turns_member(void);
/** The number of the calling thread: 0 the event thread, and whoever is no member; else vCPU's + 1. */
unsigned int turns_self(void);
/** Let others have their turn. */
void turns_yield(void);
/** Wait until a word is 0. Time stands where nobody else is there to go on: somebody outside has to change it. */
void turns_wait_zero(const uint32_t *word);
/** Something has changed that somebody may wait for. From any thread. */
void turns_news(void);
/** Wait for a token, or for ticks `deadline`. */
void turns_wait(uint64_t deadline);
/** Give a thread a token. From any thread. */
void turns_token(unsigned int thread);
/** Wait for events, or for ticks `deadline`. The event thread's. @return what there is, taken */
uint64_t turns_events(uint64_t deadline);
/** Set event bits. From any thread. */
void turns_notify(uint64_t bits);

/* clock.c */
/** Ticks at which the vCPU that runs has to look what is due. */
void clock_plan(uint64_t event_deadline, bool shared);
/** Does time stand, because the VM is paused? */
bool clock_stands(void);
/** When the first timer is due; UINT64_MAX: none is armed. */
uint64_t clock_next(void);
/** Fire timers that are due. */
void clock_fire(void);

#endif
