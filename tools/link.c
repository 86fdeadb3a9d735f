/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/link.h"

#include <hypike/wire.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "lib/link_reader.h"

#define KINDS	   256u
#define SOURCES	   (LINK_POLLS - 1)
#define WINDOW_MAX 65536u
/* With more than that on its way nothing is read that would add to it. */
#define ENOUGH (16u << 10)
/* `hypike run` has one machine, in the system's only partition. */
#define STREAM (WIRE_LINK + 0u)

_Static_assert((LINK_QUEUE & (LINK_QUEUE - 1)) == 0, "a power of two");

struct link {
	struct link_reader reader;
	struct {
		link_take_t take;
		void *ctx;
	} kind[KINDS];
	struct {
		int fd;
		void (*ready)(void *ctx);
		void *ctx;
	} source[SOURCES];
	size_t sources;
	int wake;	 /* something was sent by another thread */
	uint32_t window; /* bytes that the VMM may have unread; 0: it isn't there */
	uint32_t unread; /* that it has not told of */
	bool broken;
	/* What waits, under the lock. */
	pthread_mutex_t lock;
	size_t head, tail;
	uint8_t queue[LINK_QUEUE];
};

static bool take_hello(void *ctx, uint8_t number, const uint8_t *payload, size_t size)
{
	struct link *link = ctx;
	struct link_hello hello;

	(void)number;
	if (link->window != 0 || size != sizeof(hello))
		return false;
	memcpy(&hello, payload, sizeof(hello));
	if (memcmp(hello.magic, LINK_MAGIC, sizeof(LINK_MAGIC)) != 0 || hello.version != LINK_VERSION ||
	    hello.window == 0 || hello.window > WINDOW_MAX)
		return false;
	__atomic_store_n(&link->window, hello.window, __ATOMIC_RELEASE);
	hello.window = 0;
	return link_send(link, LINK_HELLO, 0, &hello, sizeof(hello), NULL, 0);
}

static bool take_taken(void *ctx, uint8_t number, const uint8_t *payload, size_t size)
{
	struct link *link = ctx;
	uint32_t taken;

	(void)number;
	if (size != sizeof(taken))
		return false;
	memcpy(&taken, payload, sizeof(taken));
	if (taken > link->unread)
		return false;
	link->unread -= taken;
	return true;
}

struct link *link_new(void)
{
	struct link *link = memory_new(sizeof(*link));

	pthread_mutex_init(&link->lock, NULL);
	link->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	link_on(link, LINK_HELLO, take_hello, link);
	link_on(link, LINK_TAKEN, take_taken, link);
	return link;
}

void link_free(struct link *link)
{
	if (link == NULL)
		return;
	close(link->wake);
	pthread_mutex_destroy(&link->lock);
	free(link);
}

void link_on(struct link *link, uint8_t kind, link_take_t take, void *ctx)
{
	link->kind[kind].take = take;
	link->kind[kind].ctx = ctx;
}

void link_watch(struct link *link, int fd, void (*ready)(void *ctx), void *ctx)
{
	if (link->sources == SOURCES)
		return;
	link->source[link->sources].fd = fd;
	link->source[link->sources].ready = ready;
	link->source[link->sources++].ctx = ctx;
}

bool link_up(struct link *link)
{
	return __atomic_load_n(&link->window, __ATOMIC_ACQUIRE) != 0 &&
	       !__atomic_load_n(&link->broken, __ATOMIC_ACQUIRE);
}

/* ---- sending ---- */

static void put(struct link *link, const void *bytes, size_t size)
{
	const uint8_t *from = bytes;

	for (size_t i = 0; i < size; i++)
		link->queue[link->head++ % LINK_QUEUE] = from[i];
}

bool link_send(struct link *link, uint8_t kind, uint8_t number, const void *head, size_t head_size,
	       const void *data, size_t size)
{
	const struct link_header header = {(uint16_t)(head_size + size), kind, number};
	const size_t all = sizeof(header) + head_size + size;
	bool fits;

	if (!link_up(link) || head_size > LINK_MAX || size > LINK_MAX - head_size)
		return false;
	pthread_mutex_lock(&link->lock);
	fits = all <= LINK_QUEUE - (link->head - link->tail);
	if (fits) {
		put(link, &header, sizeof(header));
		put(link, head, head_size);
		put(link, data, size);
	}
	pthread_mutex_unlock(&link->lock);
	return fits && write(link->wake, &(uint64_t){1}, sizeof(uint64_t)) > 0;
}

size_t link_fill(struct link *link, char *out, size_t room)
{
	size_t length = 0;

	pthread_mutex_lock(&link->lock);
	if (link_up(link) && room > 4 && link->head != link->tail && link->unread < link->window) {
		out[length++] = (char)WIRE_ESCAPE;
		out[length++] = (char)STREAM;
	}
	while (length != 0 && length + 2 <= room && link->head != link->tail &&
	       link->unread < link->window) {
		const char c = (char)link->queue[link->tail++ % LINK_QUEUE];
		if (c == (char)WIRE_ESCAPE)
			out[length++] = c;
		out[length++] = c;
		link->unread++;
	}
	pthread_mutex_unlock(&link->lock);
	return length;
}

/* ---- receiving ---- */

static void end(struct link *link, const char *why)
{
	__atomic_store_n(&link->broken, true, __ATOMIC_RELEASE);
	report("the link with the machine's VMM is broken: %s", why);
}

void link_take(struct link *link, const uint8_t *bytes, size_t size)
{
	const struct link_reader *reader = &link->reader;

	for (size_t done = 0; done < size && !link->broken;) {
		done += link_reader_take(&link->reader, bytes + done, size - done);
		if (reader->broken) {
			end(link, "this is no message");
		} else if (reader->whole) {
			const uint8_t kind = reader->header.kind;
			if ((kind != LINK_HELLO && link->window == 0) || link->kind[kind].take == NULL ||
			    !link->kind[kind].take(link->kind[kind].ctx, reader->header.number,
						   reader->payload, reader->header.size))
				end(link, "a message that makes no sense");
		}
	}
}

size_t link_poll(struct link *link, struct pollfd *polls)
{
	pthread_mutex_lock(&link->lock);
	const bool wanted = link_up(link) && link->head - link->tail < ENOUGH;
	pthread_mutex_unlock(&link->lock);
	for (size_t i = 0; i < link->sources; i++)
		polls[i] = (struct pollfd){.fd = wanted ? link->source[i].fd : -1, .events = POLLIN};
	polls[link->sources] = (struct pollfd){.fd = link->wake, .events = POLLIN};
	return link->sources + 1;
}

void link_serve(struct link *link, const struct pollfd *polls)
{
	uint64_t count;

	for (size_t i = 0; i < link->sources; i++)
		if (polls[i].revents)
			link->source[i].ready(link->source[i].ctx);
	if (polls[link->sources].revents && read(link->wake, &count, sizeof(count)) < 0)
		return;
}
