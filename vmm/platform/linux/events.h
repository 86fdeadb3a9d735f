/* SPDX-License-Identifier: BSD-2-Clause */
/** @file events.h What the event thread of the platform `linux` waits for: descriptors, by bits. */
#ifndef VMM_PLATFORM_LINUX_EVENTS_H
#define VMM_PLATFORM_LINUX_EVENTS_H

#include <hypike/types.h>

/** An eventfd whose being written sets bit `signal` of platform_wait(). @return -1: it failed. */
int events_signal_fd(unsigned int signal);
/** A descriptor whose input, by edges, sets PLATFORM_EVENT_CONSOLE. */
bool events_console_watch(int fd);
/** A descriptor whose input, by edges, sets PLATFORM_EVENT_DEBUG. */
void events_debug_watch(int fd);
/** The calling thread is the event thread: it is confined when it first waits. */
void events_confine(void);
/** It is about to wait. */
void events_settle(void);
/** Set the timer that ends events_take(): nanoseconds of CLOCK_MONOTONIC. */
void events_timer(uint64_t deadline);
/** Wait for events, for milliseconds, -1: till there is one. @return the bits of platform_wait(), taken */
uint64_t events_take(int timeout);
/** Make events_take() return, also the next one. From any thread. */
void events_wake(void);

#endif
