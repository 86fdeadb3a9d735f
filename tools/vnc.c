/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * neatvnc does the protocol, in one thread with its event loop. The picture is looked at 25 times a second while
 * somebody watches.
 *
 * @req VMM-640 A VNC client sees the machine's screen and types on its keyboard, by a socket that
 *              only this user can open, or by a port of this computer alone.
 * @req VMM-641 Where a password is wanted, a viewer that doesn't give it sees and types nothing; it is asked for over
 *              TLS alone.
 */
#define _GNU_SOURCE
#include "tools/vnc.h"

#include <aml.h>
#include <errno.h>
#include <neatvnc.h>
#include <pixman.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/signals.h"

#define PERIOD_MS 40u
#define XRGB8888  0x34325258u /* fourcc XR24 */
#define KEYCODE_EXTENDED 0x80u

static struct {
	const struct vnc_machine *machine;
	const char *password;
	struct aml *loop;
	struct nvnc *server;
	struct nvnc_display *display;
	uint32_t *pixels; /**< what was shown last */
	unsigned int width, height;
	unsigned int clients;
	bool all; /**< somebody is new: show all of it */
	pthread_barrier_t turn; /**< whose it is: the main thread's or the server's */
	bool located;
	int x, y; /**< of the pointer */
} vnc;

/* ------------------------------------------------------------------------------------- the picture */

/** A picture of the size that there is now, black. @return false: there is none */
static bool resize(void)
{
	unsigned int width, height;

	if (!vnc.machine->size(&width, &height))
		return false;
	if (vnc.pixels != NULL && width == vnc.width && height == vnc.height)
		return true;
	uint32_t *pixels = calloc((size_t)width * height, sizeof(*pixels));
	if (pixels == NULL)
		return false;
	free(vnc.pixels);
	vnc.pixels = pixels;
	vnc.width = width;
	vnc.height = height;
	vnc.all = true;
	return true;
}

/** A buffer of its own for neatvnc, which encodes it in other threads. */
static void feed(unsigned int first, unsigned int end)
{
	struct nvnc_fb *fb =
		nvnc_fb_new((uint16_t)vnc.width, (uint16_t)vnc.height, XRGB8888, (uint16_t)vnc.width);
	struct pixman_region16 damage;

	if (fb == NULL)
		return;
	memcpy(nvnc_fb_get_addr(fb), vnc.pixels, (size_t)vnc.width * vnc.height * sizeof(*vnc.pixels));
	pixman_region_init_rect(&damage, 0, (int)first, vnc.width, end - first);
	nvnc_display_feed_buffer(vnc.display, fb, &damage);
	pixman_region_fini(&damage);
	nvnc_fb_unref(fb);
}

static void look(void *ctx)
{
	unsigned int first, end;

	(void)ctx;
	/* Who comes is told the size that there is then: that is followed without anybody, too. */
	if (!resize() || (vnc.clients == 0 && !vnc.all) ||
	    !vnc.machine->draw(vnc.pixels, vnc.width, vnc.height, &first, &end))
		return;
	if (vnc.all)
		feed(0, vnc.height);
	else if (first < end)
		feed(first, end);
	vnc.all = false;
}

static void client_gone(struct nvnc_client *client)
{
	(void)client;
	vnc.clients--;
}

static void client_new(struct nvnc_client *client)
{
	vnc.clients++;
	vnc.all = true;
	nvnc_set_client_cleanup_fn(client, client_gone);
}

/* -------------------------------------------------------------------------------- keyboard, mouse */

static void key(struct nvnc_client *client, uint32_t keysym, bool pressed)
{
	const unsigned int number = vnc_key(keysym);

	(void)client;
	if (number != 0)
		vnc.machine->key(number, pressed);
}

/** Clients that can, send the key itself, whatever is on it: as E0h is left out, + 80h. */
static void key_code(struct nvnc_client *client, uint32_t code, bool pressed)
{
	(void)client;
	if (code < 2 * KEYCODE_EXTENDED)
		vnc.machine->key(code, pressed);
}

static void pointer(struct nvnc_client *client, uint16_t x, uint16_t y, enum nvnc_button_mask mask)
{
	const unsigned int buttons = (mask & NVNC_BUTTON_LEFT ? 1u : 0) |
				     (mask & NVNC_BUTTON_RIGHT ? 2u : 0) |
				     (mask & NVNC_BUTTON_MIDDLE ? 4u : 0);
	const int wheel = mask & NVNC_SCROLL_DOWN ? 1 : mask & NVNC_SCROLL_UP ? -1 : 0;

	(void)client;
	if (vnc.located)
		vnc.machine->mouse(x - vnc.x, y - vnc.y, wheel, buttons);
	vnc.located = true;
	vnc.x = x;
	vnc.y = y;
}

/* --------------------------------------------------------------------------------------- the server */

static bool open_socket(const char *where)
{
	char *end;
	const unsigned long port = strtoul(where, &end, 10);

	if (*where != '\0' && *end == '\0') {
		if (port == 0 || port > UINT16_MAX) {
			errno = EINVAL;
			return false;
		}
		vnc.server = nvnc_open("127.0.0.1", (uint16_t)port);
		return vnc.server != NULL;
	}
	const mode_t mask = umask(0077);
	vnc.server = nvnc_open_unix(where);
	umask(mask);
	return vnc.server != NULL;
}

static pthread_barrier_t workers;

static void worker_signals(void *ctx)
{
	(void)ctx;
	signals_block(NULL);
	pthread_barrier_wait(&workers);
}

/** Threads of aml's block all signals. Each is to have this done: it waits till all have. */
static void start_workers(unsigned int count)
{
	if (aml_require_workers(vnc.loop, (int)count) != 0)
		return;
	pthread_barrier_init(&workers, NULL, count + 1);
	for (unsigned int i = 0; i < count; i++) {
		struct aml_work *work = aml_work_new(worker_signals, NULL, NULL, NULL);
		if (work == NULL || aml_start(vnc.loop, work) != 0)
			return; /* no memory: nobody will encode pictures */
		aml_unref(work);
	}
	pthread_barrier_wait(&workers);
}

/** neatvnc's threads that encode pictures are of this one's making, so that they are confined as it is. */
static void *serve(void *arg)
{
	/* As many as neatvnc will want; whoever is confined cannot ask. */
	const long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	vnc.machine->confine();
	start_workers(cpus > 0 ? (unsigned int)cpus : 1);
	pthread_barrier_wait(&vnc.turn);
	pthread_barrier_wait(&vnc.turn); /* there is a server */
	aml_run(vnc.loop);
	return arg;
}

/** Signals are the main thread's. */
static int start_thread(void)
{
	sigset_t before;
	pthread_t thread;

	pthread_barrier_init(&vnc.turn, NULL, 2);
	signals_block(&before);
	const int error = pthread_create(&thread, NULL, serve, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (error == 0) {
		pthread_detach(thread);
		pthread_barrier_wait(&vnc.turn);
	}
	return error;
}

/** Whatever the user's name; how long it takes says nothing of how much was right. */
static bool password_is_right(const char *user, const char *password, void *ctx)
{
	const size_t length = strlen(vnc.password), given = strlen(password);
	unsigned char differs = length != given;

	(void)user;
	(void)ctx;
	for (size_t i = 0; i < length; i++)
		differs |= (unsigned char)(vnc.password[i] ^ password[i < given ? i : given]);
	return differs == 0;
}

/** @return NULL, or what is wrong */
static const char *ask_password(const struct vnc_access *access)
{
	if (access == NULL)
		return NULL;
	vnc.password = access->password;
	if (!nvnc_has_auth())
		return "neatvnc was built without TLS, which a password needs";
	if (nvnc_enable_auth(vnc.server, access->key, access->certificate, password_is_right, NULL) != 0)
		return "the key or the certificate is none for TLS";
	return NULL;
}

static void connect_server(void)
{
	nvnc_set_name(vnc.server, "HyPike");
	nvnc_set_key_fn(vnc.server, key);
	nvnc_set_key_code_fn(vnc.server, key_code);
	nvnc_set_pointer_fn(vnc.server, pointer);
	nvnc_set_new_client_fn(vnc.server, client_new);
	vnc.display = nvnc_display_new(0, 0);
	nvnc_add_display(vnc.server, vnc.display);
}

const char *vnc_start(const char *where, const struct vnc_machine *machine, const struct vnc_access *access)
{
	struct aml_ticker *ticker;

	nvnc_set_log_level(NVNC_LOG_ERROR);
	vnc.machine = machine;
	vnc.loop = aml_new();
	if (vnc.loop == NULL)
		return strerror(errno);
	aml_set_default(vnc.loop);
	const int error = start_thread();
	if (error != 0)
		return strerror(error);
	if (!open_socket(where))
		return strerror(errno);
	const char *wrong = ask_password(access);
	if (wrong != NULL)
		return wrong;
	connect_server();
	ticker = aml_ticker_new(PERIOD_MS, look, NULL, NULL);
	if (ticker == NULL || aml_start(vnc.loop, ticker) != 0)
		return "no timer for it";
	look(NULL);
	pthread_barrier_wait(&vnc.turn);
	return NULL;
}
