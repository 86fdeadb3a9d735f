/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The control socket of `hypike run`.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "tools/control.h"
#include "tools/run.h"

static char name[CONTROL_NAME + 1];
static uint64_t started_ms;

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static uint64_t uptime_ms(void)
{
	return now_ms() - started_ms;
}

static void remove_socket(void)
{
	control_remove(name);
}

bool run_control(const struct run *run, const struct operations *operations)
{
	static struct control_machine machine = {.name = name, .uptime_ms = uptime_ms};
	const char *kernel = run->kernel != NULL ? run->kernel : run->firmware;
	const int listener = control_listen(run->name, kernel, name);

	if (listener < 0)
		return run->name == NULL; /* nobody asked for it, and why there is none has been said */
	atexit(remove_socket);
	started_ms = now_ms();
	machine.operations = operations;
	machine.kernel = kernel;
	machine.pid = getpid();
	return control_serve(listener, &machine);
}

const char *run_control_name(void)
{
	return name;
}
