/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The network between partitions: each word of the arguments is a port,
 *
 *     REGION[,mac=02:00:00:00:00:01][,vlan=10]
 *
 * where REGION is a shared memory region with the partition at the other end of the cable; `report=MS`
 * prints counters so often, where they have changed; `idle=MS` ends the switch when there was
 * no frame for so long, after the first. Without vlan, a port is in VLAN 1.
 */
#include <hypike/sys.h>

#include "lib/frame_ring.h"
#include "lib/hypike/program.h"
#include "lib/mac.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "services/switch/bridge.h"

#define WORD_MAX 128u
/** Frames of one port before the others get their turn. */
#define BUDGET 32u

/** An hour. */
#define MS_MAX 3600000u

#define STATUS_ARGUMENTS 1
#define STATUS_REGION	 2

static struct cable {
	struct frame_ring out, in;
	uint32_t region;
	bool tell; /**< frames were put in since it was told last */
	uint64_t lost;
	char name[HYPIKE_NAME_MAX];
} cable[BRIDGE_PORTS];

static struct bridge bridge;
static uint64_t report_ns, idle_ns;

static void put(void *ctx, char c)
{
	static char line[256];
	static size_t length;

	(void)ctx;
	line[length++] = c;
	if (c == '\n' || length == sizeof(line)) {
		hypike_console_write(line, length);
		length = 0;
	}
}

/* ---------------------------------------------------------------------------------------- arguments */

static bool number_parse(const char *text, uint64_t most, uint64_t *value)
{
	*value = 0;
	if (*text == '\0')
		return false;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9')
			return false;
		*value = *value * 10 + (uint64_t)(*text - '0');
		if (*value > most)
			return false;
	}
	return true;
}

static bool starts(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

/** One of the parts behind a region's name. */
static bool filter_parse(const char *text, uint64_t *mac, uint64_t *vlan)
{
	if (starts(text, "mac="))
		return mac_parse(text + 4, mac);
	return starts(text, "vlan=") && number_parse(text + 5, BRIDGE_VLAN_MAX, vlan);
}

/** Open the region of a new port. @return its exit status where that fails, else 0. */
static int cable_open(const char *name, int port)
{
	struct cable *c = &cable[port];
	struct hypike_shared shared;
	hv_status_t status = hypike_shared_open(name, &shared);

	if (status == HV_OK && !frame_cable(&c->out, &c->in, shared.data, shared.size, FRAME_SIDE_B))
		status = HV_E_INVALID;
	if (status == HV_OK)
		status = hypike_shared_bind(shared.region, 0, UINT64_C(1) << port);
	if (status != HV_OK) {
		lib_fprintf(put, NULL, "switch: region %s: error %d\n", name, status);
		return STATUS_REGION;
	}
	c->region = shared.region;
	memcpy(c->name, name, strnlen(name, sizeof(c->name) - 1));
	return 0;
}

/** A word of the arguments, which is taken apart in place. */
static int word_take(char *word)
{
	uint64_t mac = 0, vlan = 1, ms;
	char *next = strchr(word, ',');
	bool ok = true;

	if (starts(word, "report=") && number_parse(word + 7, MS_MAX, &ms)) {
		report_ns = ms * 1000000;
		return 0;
	}
	if (starts(word, "idle=") && number_parse(word + 5, MS_MAX, &ms)) {
		idle_ns = ms * 1000000;
		return 0;
	}
	while (ok && next) {
		char *part = next + 1;
		*next = '\0';
		next = strchr(part, ',');
		if (next)
			*next = '\0';
		ok = filter_parse(part, &mac, &vlan);
		if (next)
			*next = ',';
	}
	const int port = ok ? bridge_port_add(&bridge, mac, (uint16_t)vlan) : -1;
	if (port < 0) {
		lib_fprintf(put, NULL, "switch: port %s: no such port can be\n", word);
		return STATUS_ARGUMENTS;
	}
	return cable_open(word, port);
}

static int arguments_take(const char *args)
{
	char word[WORD_MAX];
	int status = 0;

	while (status == 0) {
		while (*args == ' ')
			args++;
		size_t length = 0;
		while (args[length] != ' ' && args[length] != '\0')
			length++;
		if (length == 0)
			return 0;
		if (length >= sizeof(word))
			return STATUS_ARGUMENTS;
		memcpy(word, args, length);
		word[length] = '\0';
		args += length;
		status = word_take(word);
	}
	return status;
}

/* ------------------------------------------------------------------------------------------ frames */

static void give(uint32_t ports, const void *frame, size_t size)
{
	for (; ports != 0; ports &= ports - 1) {
		struct cable *c = &cable[__builtin_ctz(ports)];
		if (frame_put(&c->out, frame, size))
			c->tell = true;
		else
			c->lost++;
	}
}

/** Some frames of a port. @return whether there were any. */
static bool port_serve(unsigned int port)
{
	static uint8_t frame[FRAME_MAX];
	unsigned int n = 0;
	size_t size;

	while (n < BUDGET && (size = frame_get(&cable[port].in, frame)) > 0) {
		give(bridge_frame(&bridge, port, frame, size), frame, size);
		n++;
	}
	return n > 0;
}

static void tell_all(void)
{
	for (unsigned int i = 0; i < bridge.ports; i++) {
		if (cable[i].tell && frame_tell(&cable[i].out))
			hypike_shared_notify(cable[i].region);
		cable[i].tell = false;
	}
}

/** @return false where there is something to do already. */
static bool sleep_all(void)
{
	bool sleep = true;

	for (unsigned int i = 0; i < bridge.ports; i++)
		sleep &= frame_sleep(&cable[i].in);
	return sleep;
}

static void report(void)
{
	static uint64_t last;
	uint64_t sum = 0;

	for (unsigned int i = 0; i < bridge.ports; i++) {
		sum += bridge.port[i].taken + cable[i].lost;
		for (unsigned int n = 0; n < BRIDGE_DROPS; n++)
			sum += bridge.port[i].dropped[n];
	}
	if (sum == last)
		return;
	last = sum;
	for (unsigned int i = 0; i < bridge.ports; i++) {
		const struct bridge_port *port = &bridge.port[i];
		lib_fprintf(put, NULL,
			    "switch: %s: %llu frames, %llu of a wrong source, %llu tagged, %llu lost\n",
			    cable[i].name, (unsigned long long)port->taken,
			    (unsigned long long)port->dropped[BRIDGE_DROP_SOURCE],
			    (unsigned long long)port->dropped[BRIDGE_DROP_TAG],
			    (unsigned long long)cable[i].lost);
	}
}

static uint64_t after(uint64_t since, uint64_t ns)
{
	return ns ? since + ns : HYPIKE_FOREVER;
}

/** Until there was no frame for too long; before the first one, systems may take long to start. */
static void serve(void)
{
	uint64_t now = hypike_time();
	uint64_t next = after(now, report_ns), end = HYPIKE_FOREVER;

	while (now < end) {
		uint64_t bits;
		bool busy = false;
		for (unsigned int i = 0; i < bridge.ports; i++)
			busy |= port_serve(i);
		tell_all();
		if (!busy && sleep_all())
			hypike_wait(UINT64_MAX, next < end ? next : end, &bits);
		now = hypike_time();
		if (busy)
			end = after(now, idle_ns);
		if (now >= next) {
			report();
			next += report_ns;
		}
	}
}

int main(void)
{
	const int status = arguments_take(hypike_info()->args);

	if (status != 0)
		return status;
	if (bridge.ports == 0) {
		lib_fprintf(put, NULL, "switch: no port was named\n");
		return STATUS_ARGUMENTS;
	}
	lib_fprintf(put, NULL, "switch: %u ports\n", bridge.ports);
	serve();
	return 0;
}
