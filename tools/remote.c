/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages are taken by the console's thread, which has the line, and what they say is kept for those who ask.
 *
 * @req TOOL-148 Whatever a VMM on HyPike says of its statistics and its screen, no more is believed of it than fits:
 *               what doesn't ends the link.
 */
#include "tools/remote.h"

#include <hypike/link_control.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/pixels.h"
#include "tools/link.h"

#define PATIENCE_S 5
/** No picture is larger, of any machine. */
#define MOST_WIDTH  2560u
#define MOST_HEIGHT 1600u
/** How old a picture may be that is new; and how old one is of which nobody sees much; in ms. */
#define NEW_MS	300
#define LOOK_MS 100
#define IDLE_MS 500
#define NAMES	256u

static struct {
	pthread_mutex_t lock;
	pthread_cond_t answered;
	struct link *link;
	bool present, last;
	/* Statistics: those that come, and the last whole ones. */
	struct hypike_vmm_stats coming, stats;
	uint64_t answers;
	/* The picture. */
	uint32_t *pixels;
	unsigned int width, height;
	bool asked; /**< more of it is on its way */
	bool whole; /**< all of it has been here */
	uint64_t asked_ms, whole_ms;
} remote = {.lock = PTHREAD_MUTEX_INITIALIZER, .answered = PTHREAD_COND_INITIALIZER};

static const char not_listening[] = "its VMM doesn't listen";

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static bool tell(uint8_t kind, const void *what, size_t size)
{
	return remote.present && link_send(remote.link, kind, 0, what, size, NULL, 0);
}

/* ---- statistics ---- */

/**
 * Names stay where they are: pointers to them are given away.
 * @return NULL: it is no name, or there are too many
 */
static const char *name_of(const uint8_t *text, size_t size)
{
	static char names[NAMES][LINK_NAME_MAX + 1];
	static unsigned int count;
	char name[LINK_NAME_MAX + 1] = "";

	if (size == 0 || size > LINK_NAME_MAX)
		return NULL;
	for (size_t i = 0; i < size; i++)
		if (text[i] < ' ' || text[i] > '~')
			return NULL;
	memcpy(name, text, size);
	for (unsigned int i = 0; i < count; i++)
		if (strcmp(names[i], name) == 0)
			return names[i];
	return count < NAMES ? strcpy(names[count++], name) : NULL;
}

static bool take_exits(void *ctx, uint8_t number, const uint8_t *payload, size_t size)
{
	struct hypike_vmm_stats *stats = ctx;
	struct link_exits exits;

	(void)number;
	if (size <= sizeof(exits) || stats->kinds == HYPIKE_VMM_EXIT_KINDS)
		return false;
	const char *name = name_of(payload + sizeof(exits), size - sizeof(exits));
	memcpy(&exits, payload, sizeof(exits));
	stats->exits[stats->kinds++] = (struct hypike_vmm_exits){name, exits.driver, exits.vmm};
	return name != NULL;
}

static bool take_device(void *ctx, uint8_t number, const uint8_t *payload, size_t size)
{
	struct hypike_vmm_stats *stats = ctx;
	const char *name = name_of(payload, size);

	(void)number;
	if (name == NULL || stats->devices == HYPIKE_VMM_DEVICES)
		return false;
	struct hypike_vmm_device *device = &stats->device[stats->devices++];
	device->counters = 0;
	strcpy(device->name, name);
	return true;
}

static bool take_counter(void *ctx, uint8_t number, const uint8_t *payload, size_t size)
{
	struct hypike_vmm_stats *stats = ctx;
	uint64_t value;

	(void)number;
	if (size <= sizeof(value) || stats->devices == 0)
		return false;
	struct hypike_vmm_device *device = &stats->device[stats->devices - 1];
	const char *name = name_of(payload + sizeof(value), size - sizeof(value));
	if (name == NULL || device->counters == HYPIKE_VMM_COUNTERS)
		return false;
	memcpy(&value, payload, sizeof(value));
	device->counter[device->counters].name = name;
	device->counter[device->counters++].value = value;
	return true;
}

static bool take_stats(void *ctx, uint8_t number, const uint8_t *payload, size_t size)
{
	struct hypike_vmm_stats *stats = ctx;
	struct link_stats rest;

	(void)number;
	if (size != sizeof(rest))
		return false;
	memcpy(&rest, payload, sizeof(rest));
	stats->entries = rest.entries;
	stats->injected = rest.injected;
	stats->resets = rest.resets;
	stats->time_ns = rest.time_ns;
	stats->first_ns = rest.first_ns;
	pthread_mutex_lock(&remote.lock);
	remote.stats = *stats;
	remote.answers++;
	pthread_cond_broadcast(&remote.answered);
	pthread_mutex_unlock(&remote.lock);
	stats->kinds = stats->devices = 0;
	return true;
}

const char *remote_stats(struct hypike_vmm_stats *stats)
{
	struct timespec end;
	int error = 0;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += PATIENCE_S;
	pthread_mutex_lock(&remote.lock);
	const uint64_t before = remote.answers;
	const bool told = tell(LINK_ASK_STATS, NULL, 0);
	while (told && remote.answers == before && remote.present && error == 0)
		error = pthread_cond_timedwait(&remote.answered, &remote.lock, &end);
	const bool answered = remote.answers != before;
	*stats = remote.stats;
	pthread_mutex_unlock(&remote.lock);
	return answered ? NULL : not_listening;
}

void remote_stats_before(struct hypike_vmm_stats *stats)
{
	pthread_mutex_lock(&remote.lock);
	*stats = remote.stats;
	pthread_mutex_unlock(&remote.lock);
}

/* ---- the picture ---- */

/** A picture of that size, black. With the lock held. */
static bool resize(unsigned int width, unsigned int height)
{
	if (width == remote.width && height == remote.height)
		return true;
	free(remote.pixels);
	remote.pixels = calloc((size_t)width * height, sizeof(*remote.pixels));
	remote.width = remote.pixels != NULL ? width : 0;
	remote.height = remote.pixels != NULL ? height : 0;
	remote.whole = false;
	return remote.pixels != NULL;
}

static bool rows_fit(const struct link_rows *rows)
{
	return rows->width > 0 && rows->width <= MOST_WIDTH && rows->height > 0 && rows->height <= MOST_HEIGHT &&
	       rows->rows > 0 && rows->row + rows->rows <= rows->height && rows->columns > 0 &&
	       rows->columns <= LINK_ROW_PIXELS && rows->column + rows->columns <= rows->width;
}

static void put_rows(const struct link_rows *rows, const uint32_t *pixels)
{
	for (unsigned int i = 0; i < rows->rows; i++)
		memcpy(remote.pixels + (size_t)(rows->row + i) * rows->width + rows->column, pixels,
		       rows->columns * sizeof(*pixels));
}

static bool take_rows(void *ctx, uint8_t number, const uint8_t *payload, size_t size)
{
	uint32_t pixels[LINK_ROW_PIXELS];
	struct link_rows rows;

	(void)ctx;
	(void)number;
	if (size < sizeof(rows))
		return false;
	memcpy(&rows, payload, sizeof(rows));
	if (!rows_fit(&rows) || !pixels_decode(payload + sizeof(rows), size - sizeof(rows), pixels, rows.columns))
		return false;
	pthread_mutex_lock(&remote.lock);
	const bool fits = resize(rows.width, rows.height);
	if (fits)
		put_rows(&rows, pixels);
	pthread_mutex_unlock(&remote.lock);
	return fits;
}

static bool take_screen(void *ctx, uint8_t number, const uint8_t *payload, size_t size)
{
	struct link_screen screen;

	(void)ctx;
	(void)number;
	if (size != sizeof(screen))
		return false;
	memcpy(&screen, payload, sizeof(screen));
	if (screen.width == 0 || screen.width > MOST_WIDTH || screen.height == 0 || screen.height > MOST_HEIGHT)
		return false;
	pthread_mutex_lock(&remote.lock);
	const bool fits = resize(screen.width, screen.height);
	remote.asked = false;
	if (screen.whole != 0) {
		remote.whole = true;
		remote.whole_ms = now_ms();
	}
	pthread_mutex_unlock(&remote.lock);
	return fits;
}

/** With the lock held. @param age what was asked for is older, in ms */
static void ask(uint64_t age)
{
	const uint64_t now = now_ms();

	if (remote.asked || now - remote.asked_ms < age)
		return;
	remote.asked = tell(LINK_ASK_SCREEN, NULL, 0);
	remote.asked_ms = now;
}

bool remote_screen_size(unsigned int *width, unsigned int *height)
{
	pthread_mutex_lock(&remote.lock);
	ask(IDLE_MS);
	*width = remote.width;
	*height = remote.height;
	pthread_mutex_unlock(&remote.lock);
	return *width != 0;
}

/** With the lock held. */
static void draw(uint32_t *pixels, unsigned int *first, unsigned int *end)
{
	const size_t width = remote.width * sizeof(*pixels);

	for (unsigned int row = 0; row < remote.height; row++) {
		uint32_t *to = pixels + (size_t)row * remote.width;
		const uint32_t *from = remote.pixels + (size_t)row * remote.width;
		if (memcmp(to, from, width) == 0)
			continue;
		memcpy(to, from, width);
		if (*end == 0)
			*first = row;
		*end = row + 1;
	}
}

bool remote_screen_draw(uint32_t *pixels, unsigned int width, unsigned int height, unsigned int *first,
			unsigned int *end)
{
	*first = *end = 0;
	pthread_mutex_lock(&remote.lock);
	ask(LOOK_MS);
	const bool same = width == remote.width && height == remote.height;
	if (same)
		draw(pixels, first, end);
	pthread_mutex_unlock(&remote.lock);
	return same;
}

bool remote_screen_ready(void)
{
	pthread_mutex_lock(&remote.lock);
	const bool ready = remote.whole && now_ms() - remote.whole_ms < NEW_MS;
	if (!ready)
		ask(0);
	pthread_mutex_unlock(&remote.lock);
	return ready;
}

/* ---- what it is told ---- */

const char *remote_command(char key)
{
	pthread_mutex_lock(&remote.lock);
	const bool told = tell(LINK_COMMAND, &key, 1);
	pthread_mutex_unlock(&remote.lock);
	return told ? NULL : not_listening;
}

void remote_key(unsigned int key, bool pressed)
{
	const struct link_key message = {(uint8_t)key, pressed};

	pthread_mutex_lock(&remote.lock);
	tell(LINK_KEY, &message, sizeof(message));
	pthread_mutex_unlock(&remote.lock);
}

static int16_t limited(int value)
{
	return (int16_t)(value > INT16_MAX ? INT16_MAX : value < INT16_MIN ? INT16_MIN : value);
}

void remote_mouse(int x, int y, int wheel, unsigned int buttons)
{
	const struct link_motion message = {limited(x), limited(y), limited(wheel), (uint16_t)buttons};

	pthread_mutex_lock(&remote.lock);
	tell(LINK_MOTION, &message, sizeof(message));
	pthread_mutex_unlock(&remote.lock);
}

/* ---- beginning and end ---- */

void remote_open(struct link *link, bool last)
{
	remote.link = link;
	remote.last = last;
	link_on(link, LINK_EXITS, take_exits, &remote.coming);
	link_on(link, LINK_DEVICE, take_device, &remote.coming);
	link_on(link, LINK_COUNTER, take_counter, &remote.coming);
	link_on(link, LINK_STATS, take_stats, &remote.coming);
	link_on(link, LINK_ROWS, take_rows, NULL);
	link_on(link, LINK_SCREEN, take_screen, NULL);
}

void remote_present(void)
{
	pthread_mutex_lock(&remote.lock);
	const bool first = !remote.present;
	remote.present = link_up(remote.link);
	if (first && remote.last)
		tell(LINK_LAST, NULL, 0);
	pthread_mutex_unlock(&remote.lock);
}

void remote_ended(void)
{
	pthread_mutex_lock(&remote.lock);
	remote.present = false;
	pthread_cond_broadcast(&remote.answered);
	pthread_mutex_unlock(&remote.lock);
}
