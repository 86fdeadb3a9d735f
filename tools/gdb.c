/* SPDX-License-Identifier: BSD-2-Clause */
#define _GNU_SOURCE
#include "tools/gdb.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <hypike/wire.h>

/* What a debugger says that lets go of its target; the byte before makes an end of what it was saying. */
#define DETACH "#$D#44"

/* ---- the option ---- */

static bool set_address(struct gdb_server *server, const char *text)
{
	uint64_t port;

	if (strncmp(text, "unix:", 5) == 0 && text[5] != '\0') {
		server->path = string_copy(text + 5);
		return strlen(server->path) < sizeof(((struct sockaddr_un *)NULL)->sun_path) ||
		       report("--gdb %s: this path is too long for a socket", text);
	}
	if (!parse_number(text, 1, 65535, &port))
		return report("--gdb %s: neither a port (1 to 65535) nor unix:PATH", text);
	server->port = (unsigned)port;
	return true;
}

static bool set_detail(struct gdb_server *server, const char *text)
{
	if (strncmp(text, "vm=", 3) == 0)
		server->vm = string_copy(text + 3);
	else if (strcmp(text, "wait") == 0)
		server->wait = true;
	else
		return report("--gdb: %s: behind the address there may be vm=NAME and wait", text);
	return true;
}

bool gdb_option(struct gdb_servers *servers, const char *text)
{
	char *copy = string_copy(text), *rest = NULL;
	const char *word = strtok_r(copy, ",", &rest);
	struct gdb_server server = {.listener = -1, .client = -1};
	bool ok = set_address(&server, word ? word : "");

	while (ok && (word = strtok_r(NULL, ",", &rest)) != NULL)
		ok = set_detail(&server, word);
	free(copy);
	servers->server =
		memory_grow(servers->server, servers->count + 1, sizeof(*servers->server));
	servers->server[servers->count++] = server;
	return ok;
}

bool gdb_waits(const struct gdb_servers *servers, const char *name)
{
	for (size_t i = 0; i < servers->count; i++) {
		const struct gdb_server *server = &servers->server[i];
		if (server->wait && (!server->vm || !name || strcmp(server->vm, name) == 0))
			return true;
	}
	return false;
}

/* ---- which VM ---- */

static bool find_only(struct gdb_server *server, const struct gdb_system *system)
{
	size_t found = 0;

	for (size_t i = 0; i < system->count; i++) {
		if (!system->is_vm[i])
			continue;
		server->partition = i;
		found++;
	}
	if (found == 0)
		return report("--gdb: there is no VM in this system");
	return found == 1 || report("--gdb: there are %zu VMs: say which, with ,vm=NAME", found);
}

static bool find_named(struct gdb_server *server, const struct gdb_system *system)
{
	for (size_t i = 0; i < system->count; i++) {
		if (strcmp(system->names[i], server->vm) != 0)
			continue;
		server->partition = i;
		return system->is_vm[i] || report("--gdb: vm=%s: this is no VM", server->vm);
	}
	return report("--gdb: vm=%s: there is no such VM", server->vm);
}

bool gdb_resolve(struct gdb_servers *servers, const struct gdb_system *system)
{
	if (servers->count > WIRE_DEBUGS)
		return report("--gdb: too many");
	for (size_t i = 0; i < servers->count; i++) {
		struct gdb_server *server = &servers->server[i];
		if (!(server->vm ? find_named(server, system) : find_only(server, system)))
			return false;
		for (size_t j = 0; j < i; j++)
			if (servers->server[j].partition == server->partition)
				return report("--gdb: two for one VM");
	}
	return true;
}

/* ---- sockets ---- */

static bool bind_port(struct gdb_server *server)
{
	const struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)server->port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	const int on = 1;

	server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	setsockopt(server->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	return bind(server->listener, (const void *)&address, sizeof(address)) == 0 ||
	       report("--gdb %u: %s", server->port, strerror(errno));
}

/* One that a run before has left behind, with nobody at its other end, is in nobody's way. */
static void remove_stale(const char *path, const struct sockaddr_un *address)
{
	const int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct stat there;

	if (lstat(path, &there) == 0 && S_ISSOCK(there.st_mode) &&
	    connect(probe, (const void *)address, sizeof(*address)) != 0 && errno == ECONNREFUSED)
		unlink(path);
	close(probe);
}

static bool bind_path(struct gdb_server *server)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	mode_t mask;
	bool ok;

	strcpy(address.sun_path, server->path);
	remove_stale(server->path, &address);
	server->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mask = umask(0077); /* its owner's alone */
	ok = bind(server->listener, (const void *)&address, sizeof(address)) == 0;
	umask(mask);
	if (!ok) {
		report("--gdb unix:%s: %s", server->path, strerror(errno));
		free(server->path);
		server->path = NULL; /* not ours to remove */
	}
	return ok;
}

bool gdb_open(struct gdb_servers *servers)
{
	for (size_t i = 0; i < servers->count; i++) {
		struct gdb_server *server = &servers->server[i];
		if (!(server->path ? bind_path(server) : bind_port(server)))
			return false;
	}
	return true;
}

static void end_client(struct gdb_server *server)
{
	if (server->client >= 0)
		close(server->client);
	server->client = -1;
	server->out_length = 0;
	server->inside = false;
	server->behind = 0;
}

void gdb_close(struct gdb_servers *servers)
{
	for (size_t i = 0; i < servers->count; i++) {
		struct gdb_server *server = &servers->server[i];
		end_client(server);
		if (server->listener < 0)
			continue;
		close(server->listener);
		if (server->path)
			unlink(server->path);
	}
}

/* ---- from the VM ---- */

static void flush(struct gdb_server *server)
{
	size_t sent = 0;

	while (server->client >= 0 && sent < server->out_length) {
		const ssize_t done = send(server->client, server->out + sent,
					  server->out_length - sent, MSG_NOSIGNAL);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0 && errno == EAGAIN) /* poll() tells when there is room */
			break;
		if (done <= 0) {
			shutdown(server->client, SHUT_RDWR);
			sent = server->out_length;
			break;
		}
		sent += (size_t)done;
	}
	if (server->client < 0)
		sent = server->out_length;
	server->out_length -= sent;
	memmove(server->out, server->out + sent, server->out_length);
}

/* Bytes come one by one; packets go on whole: $...#, and two digits. */
static void follow(struct gdb_server *server, uint8_t byte)
{
	if (byte == '$')
		server->inside = true;
	else if (byte == '#')
		server->behind = 2;
	else if (server->behind > 0 && --server->behind == 0)
		server->inside = false;
}

int gdb_listen(struct gdb_server *server)
{
	char port[32];

	snprintf(port, sizeof(port), "localhost:%u", server->port);
	if (!server->present && listen(server->listener, 4) == 0)
		fprintf(stderr, "[gdb: target remote %s]\r\n", server->path ? server->path : port);
	server->present = true;
	return server->listener;
}

void gdb_take(struct gdb_servers *servers, size_t partition, uint8_t byte)
{
	for (size_t i = 0; i < servers->count; i++) {
		struct gdb_server *server = &servers->server[i];
		if (server->partition != partition)
			continue;
		if (byte == WIRE_DEBUG_HELLO) {
			end_client(server); /* of the one before, if it was */
			gdb_listen(server);
			continue;
		}
		if (server->out_length == sizeof(server->out)) {
			/* Who asks for one thing after the other, and reads none, is gone. */
			end_client(server);
			continue;
		}
		server->out[server->out_length++] = (char)byte;
		follow(server, byte);
	}
}

void gdb_flush(struct gdb_servers *servers)
{
	for (size_t i = 0; i < servers->count; i++)
		if (!servers->server[i].inside)
			flush(&servers->server[i]);
}

/* ---- from the debugger ---- */

struct pollfd gdb_poll(const struct gdb_server *server)
{
	return (struct pollfd){
		.fd = !server->present	     ? -1
		      : server->client >= 0 ? server->client
					    : server->listener,
		.events = (short)(POLLIN | (server->out_length > 0 && !server->inside ? POLLOUT : 0)),
	};
}

static void accept_client(struct gdb_server *server)
{
	const int on = 1;

	server->client = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (server->client >= 0 && server->path == NULL)
		setsockopt(server->client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static size_t encode(const struct gdb_server *server, const char *text, size_t size, char *out)
{
	size_t length = 0;

	out[length++] = (char)WIRE_ESCAPE;
	out[length++] = (char)(WIRE_DEBUG + server->partition);
	for (size_t i = 0; i < size; i++) {
		if ((uint8_t)text[i] == WIRE_ESCAPE)
			out[length++] = text[i];
		out[length++] = text[i];
	}
	return length;
}

size_t gdb_serve(struct gdb_server *server, char *out, size_t room)
{
	char text[1024];
	const size_t most = (room - 2) / 2;
	ssize_t size;

	if (server->client < 0) {
		accept_client(server);
		return 0;
	}
	if (!server->inside)
		flush(server);
	size = recv(server->client, text, most < sizeof(text) ? most : sizeof(text), 0);
	if (size < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (size > 0)
		return encode(server, text, (size_t)size, out);
	end_client(server);
	return encode(server, DETACH, strlen(DETACH), out);
}
