/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * @req VMM-084 What each device has done is counted from its making on, whatever resets there are: accesses and
 *              interrupts; requests, bytes and flushes of disks; frames, bytes and losses of network cards in both
 *              directions; bytes of consoles.
 */
#include "vmm/counters.h"

#include "vmm/machine/machine.h"

#define DEVICES_MOST 64u

/** On the way through the machine's devices. */
struct walk {
	void (*see)(void *ctx, const struct counted *counted);
	void *ctx;
	const char *name[DEVICES_MOST]; /**< of those that were there already */
	unsigned int names;
	struct counted now;
};

static void take(void *ctx, const char *name, uint64_t value)
{
	struct counted *now = ctx;

	if (value != 0 && now->counters < COUNTERS_MOST)
		now->counter[now->counters++] = (struct counter){name, value};
}

/** @return how many devices have that name, with this one */
static unsigned int number_of(struct walk *walk, const char *name)
{
	unsigned int number = 1;

	for (unsigned int i = 0; i < walk->names; i++)
		number += walk->name[i] == name;
	if (walk->names < DEVICES_MOST)
		walk->name[walk->names++] = name;
	return number;
}

static void look(void *ctx, const struct device *dev)
{
	struct walk *walk = ctx;
	const struct counter_sink sink = {take, &walk->now};
	const char *name = dev->class->name;

	walk->now = (struct counted){.name = name, .number = number_of(walk, name)};
	counter_tell(&sink, "reads", dev->reads);
	counter_tell(&sink, "writes", dev->writes);
	if (dev->class->counters)
		dev->class->counters(dev, &sink);
	if (walk->now.counters > 0)
		walk->see(walk->ctx, &walk->now);
}

void counters_each(struct vm *vm, void (*see)(void *ctx, const struct counted *counted), void *ctx)
{
	struct walk walk = {.see = see, .ctx = ctx};

	vm->machine->devices(look, &walk);
}
