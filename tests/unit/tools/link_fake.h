/* SPDX-License-Identifier: BSD-2-Clause */
/** @file link_fake.h A link (tools/link.h) of a test's: who takes what, and what was sent. */
#ifndef TESTS_UNIT_TOOLS_LINK_FAKE_H
#define TESTS_UNIT_TOOLS_LINK_FAKE_H

#include "tools/link.h"

static struct {
	link_take_t take[256];
	void *ctx[256];
	uint8_t told[16]; /**< kinds of messages that were sent, in their order */
	unsigned int count;
} fake;

void link_on(struct link *link, uint8_t kind, link_take_t take, void *ctx)
{
	(void)link;
	fake.take[kind] = take;
	fake.ctx[kind] = ctx;
}

bool link_up(struct link *link)
{
	(void)link;
	return true;
}

bool link_send(struct link *link, uint8_t kind, uint8_t number, const void *head, size_t head_size,
	       const void *data, size_t size)
{
	(void)link;
	(void)number;
	(void)head;
	(void)head_size;
	(void)data;
	(void)size;
	fake.told[fake.count++ % sizeof(fake.told)] = kind;
	return true;
}

#endif
