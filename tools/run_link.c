/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `hypike run` on HyPike in QEMU: what of this computer its machine reaches over the link (link.h).
 *
 * @req TOOL-151 --net does the same for a machine on HyPike in QEMU as for one on KVM.
 */
#include <string.h>
#include <unistd.h>

#include "tools/link.h"
#include "tools/relay.h"
#include "tools/run.h"

#define FRAME 2048

static struct net {
	struct link *link;
	uint8_t number;
	int fd;
} nets[LINK_NUMBERS];
static uint8_t net_count;

/* As many as come at once; what the link has no room for is lost. */
static void from_world(void *ctx)
{
	const struct net *net = ctx;
	uint8_t frame[FRAME];
	const ssize_t size = read(net->fd, frame, sizeof(frame));

	if (size > 0)
		link_send(net->link, LINK_FRAME, net->number, NULL, 0, frame, (size_t)size);
}

static bool to_world(void *ctx, uint8_t number, const uint8_t *frame, size_t size)
{
	(void)ctx;
	if (number >= net_count)
		return false;
	relay_frame(nets[number].fd, frame, size);
	return true;
}

static bool add_net(struct link *link, const char *text, struct strings *argv)
{
	struct net *net = &nets[net_count];
	char *option;

	if (net_count == LINK_NUMBERS)
		return report("--net %s: %u networks are the most", text, LINK_NUMBERS);
	*net = (struct net){link, net_count, run_net_open(text, LINK_NAME, &option)};
	if (net->fd < 0)
		return false;
	net_count++;
	strings_add(argv, "--vmm-option");
	strings_add(argv, "--net");
	strings_add(argv, "--vmm-option");
	strings_add(argv, "%s", option);
	link_watch(link, net->fd, from_world, net);
	return true;
}

bool run_link(const struct run *run, struct link *link, struct strings *argv)
{
	bool ok = true;

	for (size_t i = 0; i < run->nets.count && ok; i++)
		ok = add_net(link, run->nets.item[i], argv);
	link_on(link, LINK_FRAME, to_world, NULL);
	return ok;
}
