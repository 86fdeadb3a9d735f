/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Networks of the platform `linux`, whose ends are this program: the guest's and the world's.
 *
 * @verifies VMM-607
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <hypike/vmm.h>

#include "lib/frame_ring.h"
#include "vmm/platform.h"
#include "vmm/platform/linux/events.h"
#include "vmm/platform/linux/linux.h"

#define FRAMES 400u /* more than a socket takes of those who don't read, fewer than a cable */
#define SIZE   1000u

static int rung = -1; /* the guest is told of frames by this */

int events_signal_fd(unsigned int signal)
{
	(void)signal;
	return rung;
}

bool hypike_vmm_confine(enum hypike_vmm_thread thread)
{
	(void)thread;
	return true;
}

int linux_thread(const char *name, void *(*entry)(void *arg), void *arg)
{
	pthread_t thread;

	(void)name;
	return pthread_create(&thread, NULL, entry, arg);
}

static struct frame_ring out, in; /* the guest's */
static struct platform_region region;
static int world;

static int setup(void **state)
{
	int ends[2], size = 32768;

	(void)state;
	rung = eventfd(0, 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
	setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	world = ends[0];
	assert_null(hypike_vmm_net("wire", ends[1]));
	assert_true(platform_region("wire", &region));
	assert_true(frame_cable(&out, &in, region.data, region.size, FRAME_SIDE_A));
	assert_int_equal(platform_region_bind(&region, 0), HV_OK);
	return 0;
}

static void frame_make(uint8_t frame[SIZE], unsigned int number)
{
	memset(frame, (int)(number & 0xff), SIZE);
	memcpy(frame, &number, sizeof(number));
}

/** What the world doesn't take at once, it gets later: all of it, in order. */
static void what_is_sent_waits(void **state)
{
	uint8_t frame[SIZE], got[FRAME_MAX];

	(void)state;
	for (unsigned int i = 0; i < FRAMES; i++) {
		frame_make(frame, i);
		assert_true(frame_put(&out, frame, SIZE));
		if (frame_tell(&out))
			platform_region_notify(&region);
	}
	usleep(100000);
	for (unsigned int i = 0; i < FRAMES; i++) {
		frame_make(frame, i);
		assert_int_equal(read(world, got, sizeof(got)), SIZE);
		assert_memory_equal(got, frame, SIZE);
	}
}

static void what_comes_reaches_the_guest(void **state)
{
	uint8_t frame[SIZE], got[FRAME_MAX];
	uint64_t count;

	(void)state;
	frame_make(frame, 1);
	assert_int_equal(write(world, frame, SIZE), SIZE);
	assert_int_equal(read(rung, &count, sizeof(count)), sizeof(count));
	assert_int_equal(frame_get(&in, got), SIZE);
	assert_memory_equal(got, frame, SIZE);
}

/** Nobody is there any more: the guest may send, and nothing waits for ever. */
static void the_world_may_end(void **state)
{
	uint8_t frame[SIZE];

	(void)state;
	close(world);
	frame_make(frame, 2);
	for (unsigned int i = 0; i < 2000; i++) {
		for (unsigned int tries = 0; tries < 1000 && !frame_put(&out, frame, SIZE); tries++)
			usleep(1000);
		if (frame_tell(&out))
			platform_region_notify(&region);
	}
	for (unsigned int tries = 0; tries < 1000 && out.shared->tail != out.own; tries++)
		usleep(1000);
	assert_int_equal(out.shared->tail, out.own);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_sent_waits),
		cmocka_unit_test(what_comes_reaches_the_guest),
		cmocka_unit_test(the_world_may_end),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, setup, NULL);
}
