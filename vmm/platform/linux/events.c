/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The event thread's wait: one epoll descriptor for the console, an eventfd for each signal, one to be
 * woken by, and a timer for deadlines, which epoll's own milliseconds are too coarse for.
 */
#define _GNU_SOURCE
#include "vmm/platform/linux/events.h"

#include <errno.h>
#include <hypike/vmm.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "vmm/platform.h"
#include "vmm/platform/linux/linux.h"

/** Numbers of epoll_event.data: the bit of platform_wait() that it stands for, and the timer's. */
#define NUMBER_CONSOLE 63u
#define NUMBER_WAKE    62u
#define NUMBER_DEBUG   61u
#define NUMBER_TIMER   64u

#define NS UINT64_C(1000000000)

static struct {
	int epoll, wake, timer;
	int signal[PLATFORM_SIGNALS];
	bool console_off; /**< its end came */
	uint64_t armed;	  /**< what the timer is set to */
} events = {.epoll = -1, .wake = -1, .timer = -1};

static bool watch(int fd, uint32_t what, uint64_t number)
{
	struct epoll_event event = {.events = what, .data.u64 = number};

	return epoll_ctl(events.epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

/** Make what all events need, once. */
static bool events_open(void)
{
	if (events.epoll >= 0)
		return true;
	for (unsigned int i = 0; i < PLATFORM_SIGNALS; i++)
		events.signal[i] = -1;
	events.epoll = epoll_create1(EPOLL_CLOEXEC);
	events.wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	events.timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	events.armed = PLATFORM_FOREVER;
	return events.epoll >= 0 && events.wake >= 0 && events.timer >= 0 &&
	       watch(events.wake, EPOLLIN, NUMBER_WAKE) &&
	       watch(events.timer, EPOLLIN, NUMBER_TIMER);
}

int events_signal_fd(unsigned int signal)
{
	if (signal >= PLATFORM_SIGNALS || !events_open())
		return -1;
	if (events.signal[signal] < 0) {
		const int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (fd < 0 || !watch(fd, EPOLLIN, signal))
			return -1;
		events.signal[signal] = fd;
	}
	return events.signal[signal];
}

/**
 * The console's input, by edges: what the guest has no room for isn't asked about again until there is more.
 * A regular file cannot be waited for: it is there at once.
 */
static hv_status_t console_watch(void)
{
	const int input = linux_console_input();

	if (input < 0 || watch(input, EPOLLIN | EPOLLET, NUMBER_CONSOLE) || errno == EPERM ||
	    errno == EEXIST)
		return HV_OK;
	return HV_E_UNSUPPORTED;
}

bool events_console_watch(int fd)
{
	return watch(fd, EPOLLIN | EPOLLRDHUP | EPOLLET, NUMBER_CONSOLE);
}

void events_debug_watch(int fd)
{
	watch(fd, EPOLLIN | EPOLLET, NUMBER_DEBUG);
}

hv_status_t platform_events_bind(hv_vm_t vm)
{
	(void)vm;
	if (!events_open())
		return HV_E_NOMEM;
	if (linux_debug_listener() >= 0)
		events_debug_watch(linux_debug_listener());
	return console_watch();
}

static void drain(int fd)
{
	uint64_t count;

	while (read(fd, &count, sizeof(count)) < 0 && errno == EINTR)
		;
}

void events_timer(uint64_t deadline)
{
	struct itimerspec spec;

	if (linux_time_stands())
		deadline = PLATFORM_FOREVER;
	if (deadline == events.armed)
		return;
	events.armed = deadline;
	memset(&spec, 0, sizeof(spec));
	if (deadline != PLATFORM_FOREVER) {
		spec.it_value.tv_sec = (time_t)(deadline / NS);
		spec.it_value.tv_nsec = (long)(deadline % NS);
	}
	timerfd_settime(events.timer, TFD_TIMER_ABSTIME, &spec, NULL);
}

/** @return the bit that an event stands for. */
static uint64_t take(const struct epoll_event *event)
{
	const uint64_t number = event->data.u64;

	if (number == NUMBER_TIMER) {
		drain(events.timer);
		events.armed = PLATFORM_FOREVER;
		return 0;
	}
	if (number == NUMBER_WAKE)
		drain(events.wake);
	else if (number < PLATFORM_SIGNALS)
		drain(events.signal[number]);
	return UINT64_C(1) << number;
}

/** The calling thread is to be confined: by now all that it may not do is done. */
static _Thread_local bool confine;

void events_confine(void)
{
	confine = true;
}

void events_settle(void)
{
	if (__builtin_expect(confine, 0))
		confine = !hypike_vmm_confine(HYPIKE_VMM_EVENTS);
}

#define BATCH 16

uint64_t events_take(int timeout)
{
	struct epoll_event got[BATCH];
	uint64_t bits = 0;
	const int count = events.epoll >= 0 ? epoll_wait(events.epoll, got, BATCH, timeout) : 0;

	for (int i = 0; i < count; i++)
		bits |= take(&got[i]);
	return bits;
}

void events_wake(void)
{
	const uint64_t one = 1;

	while (write(events.wake, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}
