/* SPDX-License-Identifier: BSD-2-Clause */
#define _GNU_SOURCE
#include "tools/control_client.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tools/control.h"
#include "tools/util.h"

#define PATIENCE_TRIES 900
#define PATIENCE_US    100000

bool client_open(struct control_client *client, const char *name, bool quiet)
{
	client->name = name;
	client->have = 0;
	client->fd = control_connect(name);
	if (client->fd >= 0)
		return true;
	if (quiet)
		return false;
	if (errno == ENOENT || errno == ECONNREFUSED)
		return report("%s: no machine of that name is running; `hypike ps' lists them", name);
	return report("%s: %s", name, errno == EINVAL ? "that isn't a machine's name" : strerror(errno));
}

void client_close(struct control_client *client)
{
	close(client->fd);
}

/** There may be more than a line. @return bytes of it with its end, 0: there is none */
static size_t read_line(struct control_client *client)
{
	for (;;) {
		const char *end = memchr(client->line, '\n', client->have);
		if (end != NULL)
			return (size_t)(end - client->line) + 1;
		const ssize_t n = recv(client->fd, client->line + client->have,
				       sizeof(client->line) - client->have, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return 0;
		client->have += (size_t)n;
	}
}

static json_t *read_answer(struct control_client *client)
{
	json_error_t error;
	const size_t size = read_line(client);
	json_t *answer = size > 0 ? json_loadb(client->line, size, 0, &error) : NULL;

	client->have -= size;
	memmove(client->line, client->line + size, client->have);
	return answer;
}

static bool send_request(struct control_client *client, json_t *request)
{
	char text[CONTROL_LINE];
	const size_t size = json_dumpb(request, text, sizeof(text) - 1, 0);

	if (size == 0 || size >= sizeof(text))
		return false;
	text[size] = '\n';
	return send(client->fd, text, size + 1, MSG_NOSIGNAL) == (ssize_t)size + 1;
}

/** @return an answer of any kind, NULL: there was none */
static json_t *exchange(struct control_client *client, const char *command, json_t *more)
{
	json_t *request = more != NULL ? more : json_object();

	json_object_set_new(request, "command", json_string(command));
	json_t *answer = send_request(client, request) ? read_answer(client) : NULL;
	json_decref(request);
	return answer;
}

/** @return a good one, NULL after report() */
static json_t *good(const struct control_client *client, json_t *answer)
{
	const char *message = "unknown error";

	if (answer == NULL) {
		report("%s: the machine doesn't answer", client->name);
		return NULL;
	}
	if (json_is_true(json_object_get(answer, "ok")))
		return answer;
	json_unpack(answer, "{s:{s:s}}", "error", "message", &message);
	report("%s: %s", client->name, message);
	json_decref(answer);
	return NULL;
}

json_t *client_ask(struct control_client *client, const char *command, json_t *more)
{
	return good(client, exchange(client, command, more));
}

static bool is_busy(json_t *answer)
{
	const char *code = json_string_value(json_object_get(json_object_get(answer, "error"), "code"));

	return code != NULL && strcmp(code, "busy") == 0;
}

json_t *client_ask_patiently(struct control_client *client, const char *command)
{
	json_t *answer = exchange(client, command, NULL);

	for (int i = 0; i < PATIENCE_TRIES && is_busy(answer); i++) {
		json_decref(answer);
		usleep(PATIENCE_US);
		answer = exchange(client, command, NULL);
	}
	return good(client, answer);
}

bool client_read(struct control_client *client, void *to, size_t size)
{
	const size_t first = client->have < size ? client->have : size;
	char *at = to;

	memcpy(at, client->line, first);
	client->have -= first;
	for (size_t done = first; done < size;) {
		const ssize_t n = recv(client->fd, at + done, size - done, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return report("%s: the answer ends early", client->name);
		done += (size_t)n;
	}
	return true;
}
