/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Control of a virtual machine on HyPike in QEMU. To pause it all of the emulated computer is stopped, by QEMU's
 * monitor (QMP): its clocks stand then, whosever they are. What the console's loop has to do is left to it.
 *
 * @req TOOL-147 A machine on HyPike in QEMU is controlled by the same commands as one on KVM; while it is paused its
 *               time stands still.
 */
#define _GNU_SOURCE
#include "tools/emulated.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tools/remote.h"
#include "tools/util.h"

static struct {
	pthread_mutex_t lock;
	struct hypike_vmm_info info;
	int wake;   /**< an eventfd: the loop is to look */
	bool ends;  /**< somebody wants it ended */
	int input, output; /**< its console's place; -1: none */
	int attached; /**< who is at its console beside that; -1: nobody */
	bool lost;    /**< he has gone */
	uint64_t stopped; /**< since when it stands still; 0: it doesn't */
	uint64_t stood;	  /**< how long it has before, in ns */
} machine = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.info.state = HYPIKE_VMM_STARTING,
	.wake = -1,
	.input = -1,
	.output = -1,
	.attached = -1,
};

static const char not_running[] = "the machine doesn't run";

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void wake(void)
{
	const uint64_t one = 1;

	while (write(machine.wake, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

/** @return whether it runs, with the lock held, or doesn't. */
static bool take(void)
{
	pthread_mutex_lock(&machine.lock);
	if (machine.info.state == HYPIKE_VMM_RUNNING || machine.info.state == HYPIKE_VMM_PAUSED)
		return true;
	pthread_mutex_unlock(&machine.lock);
	return false;
}

static void give(void)
{
	pthread_mutex_unlock(&machine.lock);
}

/* ---- QEMU's monitor; one thread at a time, with the lock held ---- */

/** QEMU answers between two instructions of the guest's. */
#define MONITOR_MS 5000
/** Bytes of a line of it at the most. */
#define MONITOR_LINE 8192

static struct {
	int ours, qemus;
	unsigned int number; /**< of commands */
	size_t have;
	char line[MONITOR_LINE];
} monitor = {.ours = -1, .qemus = -1};

int emulated_monitor(void)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0 ||
	    fcntl(ends[1], F_SETFD, 0) != 0) {
		report("QEMU's monitor: %s", strerror(errno));
		return -1;
	}
	monitor.ours = ends[0];
	return monitor.qemus = ends[1];
}

void emulated_started(void)
{
	close(monitor.qemus);
	monitor.qemus = -1;
}

/** @return NULL: none came in time, or none that is one */
static json_t *monitor_line(void)
{
	for (;;) {
		struct pollfd look = {.fd = monitor.ours, .events = POLLIN};
		const char *end = memchr(monitor.line, '\n', monitor.have);
		if (end != NULL) {
			const size_t size = (size_t)(end - monitor.line) + 1;
			json_t *line = json_loadb(monitor.line, size, 0, NULL);
			monitor.have -= size;
			memmove(monitor.line, end + 1, monitor.have);
			return line;
		}
		const ssize_t n = poll(&look, 1, MONITOR_MS) == 1
					  ? recv(monitor.ours, monitor.line + monitor.have,
						 sizeof(monitor.line) - monitor.have, MSG_DONTWAIT)
					  : 0;
		if (n <= 0)
			return NULL;
		monitor.have += (size_t)n;
	}
}

/** Its answer to a command; what else it says is of no interest. @return whether it did so */
static bool monitor_answer(unsigned int number)
{
	json_t *line;
	bool done = false, found = false;

	while (!found && (line = monitor_line()) != NULL) {
		found = json_integer_value(json_object_get(line, "id")) == number;
		done = found && json_object_get(line, "return") != NULL;
		json_decref(line);
	}
	return done;
}

static bool monitor_do(const char *command)
{
	char text[128];
	const int size = snprintf(text, sizeof(text), "{\"execute\": \"%s\", \"id\": %u}\n", command, ++monitor.number);

	return send(monitor.ours, text, (size_t)size, MSG_NOSIGNAL) == size && monitor_answer(monitor.number);
}

/** It takes commands when it has been asked what it can. */
static const char *monitor_ask(const char *command)
{
	static bool begun;

	if (!begun)
		begun = monitor_do("qmp_capabilities");
	return begun && monitor_do(command) ? NULL : "QEMU doesn't do that now";
}

/* ---- what other threads ask for ---- */

static void info(struct hypike_vmm_info *to)
{
	pthread_mutex_lock(&machine.lock);
	*to = machine.info;
	if (to->state == HYPIKE_VMM_STARTING)
		*to = (struct hypike_vmm_info){.state = HYPIKE_VMM_STARTING};
	pthread_mutex_unlock(&machine.lock);
}

static const char *end(void)
{
	if (!take())
		return not_running;
	machine.ends = true;
	give();
	wake();
	return NULL;
}

static bool is(enum hypike_vmm_state state)
{
	struct hypike_vmm_info now;

	info(&now);
	return now.state == state;
}

static const char *power_button(void)
{
	return is(HYPIKE_VMM_RUNNING) || is(HYPIKE_VMM_PAUSED) ? remote_command('p') : not_running;
}

/** So long a pause waits for a picture. */
#define LOOK_TRIES 30
#define LOOK_NS	   100000000

/** What may be asked for while it stands still, as nobody answers then. */
static void look_before_pause(void)
{
	const struct timespec while_ = {.tv_nsec = LOOK_NS};
	struct hypike_vmm_stats last;

	for (int i = 0; i < LOOK_TRIES && !remote_screen_ready(); i++)
		clock_nanosleep(CLOCK_MONOTONIC, 0, &while_, NULL);
	remote_stats(&last);
}

static const char *pause_it(void)
{
	const char *why = NULL;

	if (is(HYPIKE_VMM_RUNNING))
		look_before_pause();
	if (!take())
		return not_running;
	if (machine.info.state == HYPIKE_VMM_RUNNING)
		why = monitor_ask("stop");
	if (why == NULL && machine.info.state == HYPIKE_VMM_RUNNING) {
		machine.info.state = HYPIKE_VMM_PAUSED;
		machine.stopped = now_ns();
	}
	give();
	wake();
	return why;
}

static const char *resume(void)
{
	const char *why = NULL;

	if (!take())
		return not_running;
	if (machine.info.state == HYPIKE_VMM_PAUSED)
		why = monitor_ask("cont");
	if (why == NULL && machine.info.state == HYPIKE_VMM_PAUSED) {
		machine.info.state = HYPIKE_VMM_RUNNING;
		machine.stood += now_ns() - machine.stopped;
		machine.stopped = 0;
	}
	give();
	wake();
	return why;
}

/** Nothing that it was told is done before it goes on. */
static const char *reset(void)
{
	const char *why = resume();

	return why == NULL ? remote_command('z') : why;
}

static const char *stats(struct hypike_vmm_stats *to)
{
	if (is(HYPIKE_VMM_RUNNING))
		return remote_stats(to);
	remote_stats_before(to);
	return is(HYPIKE_VMM_PAUSED) ? NULL : not_running;
}

/** While it stands still there is no other picture than the last. */
static bool screen_ready(void)
{
	return !is(HYPIKE_VMM_RUNNING) || remote_screen_ready();
}

static void console(int input, int output)
{
	machine.input = input;
	machine.output = output;
}

/** The one before is let go. */
static const char *console_attach(int fd)
{
	if (!take())
		return not_running;
	if (machine.attached >= 0)
		close(machine.attached);
	machine.attached = fd;
	machine.lost = false;
	give();
	wake();
	return NULL;
}

/* ---- the loop's ---- */

void emulated_describe(unsigned int vcpus, uint64_t memory)
{
	machine.info.vcpus = vcpus;
	machine.info.memory = memory;
	machine.wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

void emulated_present(void)
{
	pthread_mutex_lock(&machine.lock);
	if (machine.info.state == HYPIKE_VMM_STARTING)
		machine.info.state = HYPIKE_VMM_RUNNING;
	pthread_mutex_unlock(&machine.lock);
	remote_present();
}

void emulated_ended(void)
{
	pthread_mutex_lock(&machine.lock);
	machine.info.state = HYPIKE_VMM_ENDED;
	pthread_mutex_unlock(&machine.lock);
	remote_ended();
}

bool emulated_ends(void)
{
	pthread_mutex_lock(&machine.lock);
	const bool ends = machine.ends;
	pthread_mutex_unlock(&machine.lock);
	return ends;
}

uint64_t emulated_stood(bool *stands)
{
	pthread_mutex_lock(&machine.lock);
	*stands = machine.stopped != 0;
	const uint64_t stood = machine.stood + (*stands ? now_ns() - machine.stopped : 0);
	pthread_mutex_unlock(&machine.lock);
	return stood;
}

int emulated_input(void)
{
	return machine.input;
}

bool emulated_elsewhere(void)
{
	return machine.output != STDOUT_FILENO && machine.output != STDERR_FILENO;
}

/** What cannot be written is lost; who is attached doesn't hold up anybody. */
void emulated_output(const char *text, size_t size)
{
	pthread_mutex_lock(&machine.lock);
	if (machine.attached >= 0)
		send(machine.attached, text, size, MSG_NOSIGNAL | MSG_DONTWAIT);
	pthread_mutex_unlock(&machine.lock);
	if (machine.output >= 0 && emulated_elsewhere())
		write_all(machine.output, text, size);
}

void emulated_poll(struct pollfd look[EMULATED_POLLS])
{
	look[0] = (struct pollfd){.fd = machine.wake, .events = POLLIN};
	pthread_mutex_lock(&machine.lock);
	look[1] = (struct pollfd){.fd = machine.attached, .events = POLLIN};
	pthread_mutex_unlock(&machine.lock);
}

/** With the lock held. */
static size_t read_attached(char *keys, size_t room)
{
	const ssize_t n = recv(machine.attached, keys, room, MSG_DONTWAIT);

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
		close(machine.attached);
		machine.attached = -1;
	}
	return n > 0 ? (size_t)n : 0;
}

size_t emulated_serve(const struct pollfd look[EMULATED_POLLS], char *keys, size_t room)
{
	uint64_t count;
	size_t got = 0;

	if (look[0].revents != 0 && read(machine.wake, &count, sizeof(count)) < 0)
		return 0;
	pthread_mutex_lock(&machine.lock);
	/* Another one may be there by now: nothing is wrong with asking him. */
	if (look[1].revents != 0 && machine.attached >= 0 && room > 0)
		got = read_attached(keys, room);
	pthread_mutex_unlock(&machine.lock);
	return got;
}

const struct operations emulated_operations = {
	.info = info,
	.power_button = power_button,
	.end = end,
	.reset = reset,
	.pause = pause_it,
	.resume = resume,
	.stats = stats,
	.console = console,
	.console_attach = console_attach,
	.screen_size = remote_screen_size,
	.screen_draw = remote_screen_draw,
	.screen_ready = screen_ready,
	.key = remote_key,
	.mouse = remote_mouse,
};
