/* SPDX-License-Identifier: BSD-2-Clause */
/** @file linux.h What the files of the platform `linux` know of each other. */
#ifndef VMM_PLATFORM_LINUX_LINUX_H
#define VMM_PLATFORM_LINUX_LINUX_H

#include <hypike/types.h>
#include <signal.h>

/** Takes a vCPU's thread out of KVM. What it brings about is in kvm_run.immediate_exit. */
#define LINUX_KICK SIGUSR1

/** CLOCK_MONOTONIC, in nanoseconds, where platform_time() was 0; later, the longer it has stood still. */
uint64_t linux_time_start(void);
/** From now on platform_time() stands still, until it goes on from there. By one thread at a time. */
void linux_time_stop(void);
void linux_time_go(void);
bool linux_time_stands(void);
/** What somebody who is attached to the console gets as well, and types. Neither waits. */
void linux_attached_write(const void *text, size_t size);
size_t linux_attached_read(void *text, size_t size);
/** Descriptor of the console's input; -1: none. */
int linux_console_input(void);
/** Descriptor at which debuggers connect; -1: none. */
int linux_debug_listener(void);
/** The status for an error number of Linux. */
hv_status_t linux_status(int error);
/** Start a thread with a name of 15 characters at the most. @return an error number of Linux, 0: none. */
int linux_thread(const char *name, void *(*entry)(void *arg), void *arg);
/** The same, and wait for its end. */
int linux_thread_whole(const char *name, void *(*entry)(void *arg), void *arg);
/** Files of which the guest has its copy take no memory any more: who looks again gets them again. */
void linux_files_forget(void);
/** Write out what disks have to, and give them to others. */
void linux_disks_close(void);

#endif
