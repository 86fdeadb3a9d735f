/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * This terminal at a running machine's console. Ctrl-] is the machine's as well as ours: `d` behind it leaves,
 * anything else goes there together with it.
 */
#define _GNU_SOURCE
#include "tools/control_console.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tools/terminal.h"
#include "tools/util.h"
#include "vmm/console.h"

#define CHUNK 4096

static bool escaped;

/** @return bytes for the machine, -1: the user leaves */
static ssize_t keys_filter(const char *keys, size_t size, char *to)
{
	ssize_t length = 0;

	for (size_t i = 0; i < size; i++) {
		if (!escaped && (unsigned char)keys[i] == CONSOLE_ESCAPE) {
			escaped = true;
			continue;
		}
		if (escaped && keys[i] == 'd')
			return -1;
		if (escaped)
			to[length++] = (char)CONSOLE_ESCAPE;
		escaped = false;
		to[length++] = keys[i];
	}
	return length;
}

static bool send_all(int fd, const char *text, size_t size)
{
	while (size > 0) {
		const ssize_t n = send(fd, text, size, MSG_NOSIGNAL);
		if (n <= 0 && errno != EINTR)
			return false;
		text += n > 0 ? n : 0;
		size -= n > 0 ? (size_t)n : 0;
	}
	return true;
}

/** @return false: that was all */
static bool take_keys(int fd, struct pollfd *input)
{
	char keys[CHUNK], to[2 * CHUNK];
	const ssize_t n = read(STDIN_FILENO, keys, sizeof(keys));

	if (n < 0)
		return errno == EINTR;
	if (n == 0) {
		input->fd = -1; /* there is still something to be seen */
		return !isatty(STDIN_FILENO);
	}
	const ssize_t length = keys_filter(keys, (size_t)n, to);
	return length >= 0 && send_all(fd, to, (size_t)length);
}

static bool show(int fd)
{
	char text[CHUNK];
	const ssize_t n = recv(fd, text, sizeof(text), MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	for (ssize_t done = 0; done < n;) {
		const ssize_t m = write(STDOUT_FILENO, text + done, (size_t)(n - done));
		if (m < 0 && errno != EINTR)
			return false;
		done += m > 0 ? m : 0;
	}
	return n > 0;
}

bool control_console(int fd)
{
	struct pollfd look[] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = fd, .events = POLLIN}};
	bool going = true;

	if (terminal_is_ours()) {
		terminal_raw();
		fprintf(stderr, "hypike: this is the console; Ctrl-] d leaves it\r\n");
	}
	while (going) {
		if (poll(look, 2, -1) < 0)
			continue;
		if (look[1].revents != 0)
			going = show(fd);
		if (going && look[0].revents != 0)
			going = take_keys(fd, &look[0]);
	}
	terminal_restore();
	return true;
}
