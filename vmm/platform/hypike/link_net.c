/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * @req VMM-651 A card's frames go over the link to the network of its number, and those from there to the guest; what
 *              the guest has no room for is lost, as on a real cable.
 */
#include "vmm/platform/hypike/link_net.h"

#include "lib/frame_ring.h"
#include "lib/string.h"
#include "vmm/platform/hypike/link.h"

#define CABLE_BYTES (UINT64_C(128) << 10)

static struct net {
	bool ready; /**< there is one of this number */
	struct frame_ring out, in; /**< to the guest, from it */
	uint64_t signal;	   /**< the event bit that says so */
} nets[LINK_NUMBERS];

bool link_net_take(uint8_t number, const uint8_t *frame, size_t size)
{
	struct net *net = &nets[number];

	if (size < FRAME_MIN || size > FRAME_MAX)
		return false;
	if (!__atomic_load_n(&net->ready, __ATOMIC_ACQUIRE))
		return true; /* no card is there yet */
	frame_put(&net->out, frame, size);
	if (frame_tell(&net->out))
		hypike_notify(EVENT_THREAD, net->signal);
	return true;
}

static bool send_frame(uint8_t number)
{
	struct net *net = &nets[number];
	uint8_t frame[FRAME_SLOT];
	const size_t size = frame_get(&net->in, frame);

	if (size == 0)
		return !frame_sleep(&net->in);
	link_send(LINK_FRAME, number, NULL, 0, frame, size);
	return true;
}

bool link_net_pump(void)
{
	bool more = false;

	for (uint8_t i = 0; i < LINK_NUMBERS; i++)
		if (__atomic_load_n(&nets[i].ready, __ATOMIC_ACQUIRE))
			more |= send_frame(i);
	return more;
}

bool link_net_region(uint8_t number, struct platform_region *region)
{
	struct net *net = &nets[number];

	if (net->ready || !link_open())
		return false;
	void *const memory = platform_memory(CABLE_BYTES);
	if (!memory)
		return false;
	memset(memory, 0, CABLE_BYTES);
	frame_cable(&net->out, &net->in, memory, CABLE_BYTES, FRAME_SIDE_B);
	*region = (struct platform_region){memory, CABLE_BYTES, LINK_REGIONS + number};
	return true;
}

/** The card is plugged in. */
hv_status_t link_net_bind(const struct platform_region *region, uint8_t signal)
{
	struct net *net = &nets[region->number - LINK_REGIONS];

	net->signal = UINT64_C(1) << signal;
	__atomic_store_n(&net->ready, true, __ATOMIC_RELEASE);
	return HV_OK;
}
