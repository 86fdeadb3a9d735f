/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * @req VMM-650 What the command sends is checked: a message that is unknown, or makes no sense, ends the link,
 *               not the VM.
 */
#include "vmm/platform/hypike/link.h"

#include <hypike/link_control.h>
#include <hypike/system.h>

#include "lib/link_reader.h"
#include "lib/string.h"
#include "vmm/platform.h"
#include "vmm/platform/hypike/link_control.h"
#include "vmm/platform/hypike/link_disk.h"
#include "vmm/platform/hypike/link_net.h"

#define STACK_SIZE 16384u
/** Bytes that the command may have on their way: what the kernel keeps for the partition. */
#define WINDOW	   2048u
/** Bytes read before the command is told. */
#define TELL	   (WINDOW / 4)
#define PATIENCE   UINT64_C(60000000000) /* ns, till the command answers */

/* Notification bits of the thread that has the link. */
#define BIT_INPUT (UINT64_C(1) << 60)
#define BIT_KICK  (UINT64_C(1) << 59)

/** All there is of it, in memory that a VM without a link doesn't have. */
struct link {
	struct link_reader reader;
	uint32_t unread; /**< bytes read that the command doesn't know of */
	uint32_t kicked; /**< the thread has been told */
	uint32_t up;
	bool greeted; /**< by the command */
	hypike_thread_t thread;
	uint8_t stack[STACK_SIZE] __attribute__((aligned(16)));
};

static struct link *link;

bool link_up(void)
{
	return link && __atomic_load_n(&link->up, __ATOMIC_ACQUIRE) != 0;
}

void link_kick(void)
{
	if (link_up() && __atomic_exchange_n(&link->kicked, 1, __ATOMIC_ACQ_REL) == 0)
		hypike_notify(link->thread, BIT_KICK);
}

static void write(const void *bytes, size_t size)
{
	hypike_channel_write(HYPIKE_CHANNEL_LINK, bytes, size);
}

void link_send(uint8_t kind, uint8_t number, const void *head, size_t head_size, const void *data,
	       size_t size)
{
	const struct link_header header = {(uint16_t)(head_size + size), kind, number};

	write(&header, sizeof(header));
	write(head, head_size);
	write(data, size);
}

static void end(const char *why)
{
	static const char before[] = "vmm: the link to `hypike run' is broken: ";

	platform_console_write(before, sizeof(before) - 1);
	platform_console_write(why, strlen(why));
	platform_console_write("\n", 1);
	__atomic_store_n(&link->up, 0, __ATOMIC_RELEASE);
	link_disk_tell();
}

/* ---------------------------------------------------------------------------------------- receiving */

static bool take_hello(uint8_t number, const uint8_t *payload, size_t size)
{
	struct link_hello hello;

	(void)number;
	if (link->greeted || size != sizeof(hello))
		return false;
	memcpy(&hello, payload, sizeof(hello));
	link->greeted = true;
	return memcmp(hello.magic, LINK_MAGIC, sizeof(LINK_MAGIC)) == 0 && hello.version == LINK_VERSION;
}

/** Who takes messages of a kind. @return false: it makes no sense, which ends the link. */
static bool (*const takes[])(uint8_t number, const uint8_t *payload, size_t size) = {
	[LINK_HELLO] = take_hello,
	[LINK_FRAME] = link_net_take,
	[LINK_FLUSHED] = link_disk_take,
	[LINK_COMMAND] = link_control_command,
	[LINK_KEY] = link_control_key,
	[LINK_MOTION] = link_control_motion,
	[LINK_ASK_STATS] = link_control_ask_stats,
	[LINK_ASK_SCREEN] = link_control_ask_screen,
	[LINK_LAST] = link_control_last,
};

/** Each sends one message at the most. @return whether there is more */
static bool (*const pumps[])(void) = {link_net_pump, link_disk_pump, link_control_pump};

static void take_message(void)
{
	const struct link_reader *reader = &link->reader;
	const uint8_t kind = reader->header.kind;
	bool (*const take)(uint8_t, const uint8_t *, size_t) =
		kind < sizeof(takes) / sizeof(takes[0]) ? takes[kind] : NULL;

	if (!take || !take(reader->header.number, reader->payload, reader->header.size))
		end("a message that makes no sense");
}

static void take_bytes(const uint8_t *bytes, size_t size)
{
	for (size_t done = 0; done < size && link_up();) {
		done += link_reader_take(&link->reader, bytes + done, size - done);
		if (link->reader.broken)
			end("no message");
		else if (link->reader.whole)
			take_message();
	}
}

static void tell_taken(uint32_t size)
{
	link->unread += size;
	if (link->unread < TELL)
		return;
	link_send(LINK_TAKEN, 0, &link->unread, sizeof(link->unread), NULL, 0);
	link->unread = 0;
}

/** @return whether there was something. */
static bool receive(void)
{
	uint8_t bytes[64];
	size_t size = 0;

	while (size < sizeof(bytes)) {
		const int64_t n = hypike_channel_read(HYPIKE_CHANNEL_LINK, bytes + size, sizeof(bytes) - size);
		if (n <= 0)
			break;
		size += (size_t)n;
	}
	take_bytes(bytes, size);
	if (link_up())
		tell_taken((uint32_t)size);
	return size > 0;
}

/* ------------------------------------------------------------------------------------------ sending */

static bool pump(void)
{
	bool more = false;

	for (unsigned int i = 0; i < sizeof(pumps) / sizeof(pumps[0]) && link_up(); i++)
		more |= pumps[i]();
	return more;
}

static void link_main(void *arg)
{
	bool more = true;
	uint64_t bits;

	(void)arg;
	while (link_up()) {
		if (!more)
			hypike_wait(BIT_INPUT | BIT_KICK, HYPIKE_FOREVER, &bits);
		__atomic_store_n(&link->kicked, 0, __ATOMIC_SEQ_CST);
		more = receive();
		more |= pump();
	}
	hypike_thread_exit();
}

/* ------------------------------------------------------------------------------------------ opening */

/** Say hello and wait for the answer, on the thread that has no events yet. */
static bool greet(void)
{
	struct link_hello hello = {.version = LINK_VERSION, .window = WINDOW};
	const uint64_t deadline = hypike_time() + PATIENCE;
	uint64_t bits;

	memcpy(hello.magic, LINK_MAGIC, sizeof(LINK_MAGIC));
	if (hypike_channel_bind(HYPIKE_CHANNEL_LINK, EVENT_THREAD, BIT_INPUT) != HV_OK)
		return false;
	link_send(LINK_HELLO, 0, &hello, sizeof(hello), NULL, 0);
	while (!link->greeted && link_up()) {
		if (receive())
			continue;
		if (hypike_wait(BIT_INPUT, deadline, &bits) != HV_OK)
			end("nobody answers");
	}
	return link_up();
}

static bool start(void)
{
	const struct hypike_info *info = hypike_info();
	const uint32_t cpu = (uint32_t)__builtin_ctzll(info->cpu_mask);

	if (hypike_thread_create(link_main, NULL, link->stack, STACK_SIZE, info->priority, cpu,
				 &link->thread) != HV_OK)
		return false;
	hypike_channel_bind(HYPIKE_CHANNEL_LINK, link->thread, BIT_INPUT);
	hypike_notify(link->thread, BIT_INPUT); /* what came meanwhile */
	return true;
}

bool link_open(void)
{
	if (link)
		return link_up();
	if ((hypike_info()->rights & SYSTEM_PARTITION_LINK) == 0)
		return false;
	link = platform_memory(sizeof(*link));
	if (!link)
		return false;
	memset(link, 0, sizeof(*link));
	link->up = 1;
	return greet() && start();
}

bool link_number(const char *name, uint8_t *number)
{
	const size_t length = sizeof(LINK_NAME) - 1;

	if (strncmp(name, LINK_NAME, length) != 0)
		return false;
	*number = (uint8_t)(name[length] - '0');
	return *number < LINK_NUMBERS;
}
