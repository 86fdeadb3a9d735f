/* SPDX-License-Identifier: BSD-2-Clause */
#define _GNU_SOURCE
#include "tools/progress.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tools/signals.h"

#define LINE 80

static struct {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t over;
	bool going; /**< the thread is to go on */
	char what[LINE - 20];
} progress = {.lock = PTHREAD_MUTEX_INITIALIZER};

static bool started; /* the first thread's alone */

/** From the line's beginning, so that it can be written over. */
static void show(unsigned int seconds)
{
	fprintf(stderr, "\rhypike: %s ... %u s", progress.what, seconds);
	fflush(stderr);
}

static void wipe(void)
{
	fprintf(stderr, "\r%*s\r", LINE - 1, "");
	fflush(stderr);
}

static void *tick(void *arg)
{
	struct timespec at;
	unsigned int seconds = 0;

	(void)arg;
	clock_gettime(CLOCK_MONOTONIC, &at);
	pthread_mutex_lock(&progress.lock);
	while (progress.going) {
		at.tv_sec++;
		while (progress.going &&
		       pthread_cond_timedwait(&progress.over, &progress.lock, &at) == 0)
			;
		if (progress.going)
			show(++seconds);
	}
	pthread_mutex_unlock(&progress.lock);
	if (seconds > 0)
		wipe();
	return NULL;
}

/** Signals are the first thread's. */
static bool start(void)
{
	pthread_condattr_t attributes;
	sigset_t before;

	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&progress.over, &attributes);
	signals_block(&before);
	const bool ok = pthread_create(&progress.thread, NULL, tick, NULL) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return ok;
}

void progress_begin(const char *what)
{
	if (started || !isatty(STDERR_FILENO))
		return;
	snprintf(progress.what, sizeof(progress.what), "%s", what);
	progress.going = true;
	started = start();
}

void progress_end(void)
{
	if (!started)
		return;
	pthread_mutex_lock(&progress.lock);
	progress.going = false;
	pthread_cond_signal(&progress.over);
	pthread_mutex_unlock(&progress.lock);
	pthread_join(progress.thread, NULL);
	started = false;
}
