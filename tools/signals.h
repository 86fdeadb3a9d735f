/* SPDX-License-Identifier: BSD-2-Clause */
/** @file signals.h Signals of a thread that isn't the first one. */
#ifndef TOOLS_SIGNALS_H
#define TOOLS_SIGNALS_H

#include <signal.h>
#include <stddef.h>

/**
 * Block all signals but those that a thread's own doing brings: were they blocked, Linux would end the process without
 * the handler that puts the terminal back. A thread that is started now inherits that.
 * @param[out] before what was blocked; may be NULL
 */
static inline void signals_block(sigset_t *before)
{
	static const int own[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS};
	sigset_t all;

	sigfillset(&all);
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		sigdelset(&all, own[i]);
	pthread_sigmask(SIG_SETMASK, &all, before);
}

#endif
