/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the sockets of running machines are: NAME.sock in a folder that only its user can write to, so that who may
 * control a machine is a matter of file permissions alone.
 *
 * @req TOOL-140 A machine's socket is in a folder of its user's that others can neither write to nor enter; any other
 *               folder is refused. What machines that were killed have left is found and removed.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tools/control.h"
#include "tools/relay.h"
#include "tools/util.h"

#define SUFFIX ".sock"

bool control_name_ok(const char *name)
{
	const size_t length = strlen(name);

	if (length == 0 || length > CONTROL_NAME || !isalnum((unsigned char)name[0]))
		return false;
	for (size_t i = 0; i < length; i++)
		if (!isalnum((unsigned char)name[i]) && strchr("._-", name[i]) == NULL)
			return false;
	return true;
}

/* ---- the folder ---- */

/** $XDG_RUNTIME_DIR/hypike; else below /run/user, where that is there; else in /tmp. */
static const char *folder_path(void)
{
	static char *path;
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	const unsigned int user = (unsigned int)geteuid();

	if (path != NULL)
		return path;
	if (runtime != NULL && runtime[0] == '/')
		return path = string_format("%s/hypike", runtime);
	path = string_format("/run/user/%u", user);
	const bool there = access(path, W_OK) == 0;
	free(path);
	return path = there ? string_format("/run/user/%u/hypike", user)
			    : string_format("/tmp/hypike-%u", user);
}

/** It is opened first, and then looked at: what is behind the name may change. */
static const char *folder_refused(int fd)
{
	struct stat stat;

	if (fstat(fd, &stat) != 0)
		return strerror(errno);
	if (stat.st_uid != geteuid())
		return "another user's";
	if ((stat.st_mode & 077) != 0)
		return "others have access to it (its mode is to be 0700)";
	return NULL;
}

/** @return -1, in errno; also after report(), where it is there */
static int open_folder(void)
{
	const char *path = folder_path();
	const int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		return -1;
	const char *why = fd < 0 ? strerror(errno) : folder_refused(fd);
	if (why == NULL)
		return fd;
	report("%s: %s", path, why);
	if (fd >= 0)
		close(fd);
	errno = EPERM;
	return -1;
}

int control_folder(void)
{
	const char *path = folder_path();

	if (mkdir(path, 0700) == 0 || errno == EEXIST)
		return open_folder();
	report("%s: %s", path, strerror(errno));
	return -1;
}

/* ---- sockets ---- */

/** @return false where that is no name, or too long a path. */
static bool address_of(const char *name, struct sockaddr_un *address)
{
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	const int length = snprintf(address->sun_path, sizeof(address->sun_path), "%s/%s" SUFFIX,
				    folder_path(), name);

	if (control_name_ok(name) && length > 0 && (size_t)length < sizeof(address->sun_path))
		return true;
	errno = control_name_ok(name) ? ENAMETOOLONG : EINVAL;
	return false;
}

/** As long as a request may take. */
static const struct timeval patience = {.tv_sec = 10};

static int try_connect(const struct sockaddr_un *address)
{
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0)
		return fd;
	const int error = errno;
	close(fd);
	errno = error;
	return -1;
}

/** The folder is locked: nobody begins to listen there meanwhile. */
static int connect_or_remove(const struct sockaddr_un *address)
{
	const int fd = try_connect(address);

	if (fd >= 0 || errno != ECONNREFUSED)
		return fd;
	unlink(address->sun_path);
	errno = ECONNREFUSED;
	return -1;
}

int control_connect(const char *name)
{
	struct sockaddr_un address;

	if (!address_of(name, &address))
		return -1;
	const int folder = open_folder();
	if (folder < 0)
		return -1;
	int fd = try_connect(&address);
	if (fd < 0 && errno == ECONNREFUSED) {
		flock(folder, LOCK_EX);
		fd = connect_or_remove(&address);
	}
	const int error = errno;
	close(folder);
	errno = error;
	return fd;
}

void control_remove(const char *name)
{
	struct sockaddr_un address;

	if (address_of(name, &address))
		unlink(address.sun_path);
}

/** The folder is locked. @return a socket, -1: the name is taken or it failed, in errno */
static int listen_as(const char *name)
{
	struct sockaddr_un address;

	if (!address_of(name, &address))
		return -1;
	const int other = connect_or_remove(&address);
	if (other >= 0) {
		close(other);
		errno = EADDRINUSE;
		return -1;
	}
	const int listener = socket_listen(address.sun_path, SOCK_STREAM);
	if (listener >= 0)
		fcntl(listener, F_SETFL, O_NONBLOCK);
	return listener;
}

/** A file's name without its last suffix, as far as a machine's name may be like that. */
static void name_from(const char *from, char *name)
{
	const char *base = path_base(from);
	const char *dot = strrchr(base, '.');
	const size_t end = dot != NULL && dot != base ? (size_t)(dot - base) : strlen(base);
	size_t length = 0;

	for (size_t i = 0; i < end && length < CONTROL_NAME - 4; i++)
		if (isalnum((unsigned char)base[i]) || (length > 0 && strchr("._-", base[i]) != NULL))
			name[length++] = base[i];
	name[length] = '\0';
	if (length == 0)
		strcpy(name, "vm");
}

/** @return a socket, -1 in errno */
static int listen_as_any(const char *from, char *taken)
{
	char first[CONTROL_NAME + 1];
	int listener;

	name_from(from, first);
	strcpy(taken, first);
	listener = listen_as(taken);
	for (unsigned int i = 2; listener < 0 && errno == EADDRINUSE && i < 1000; i++) {
		snprintf(taken, CONTROL_NAME + 1, "%.*s-%u", (int)CONTROL_NAME - 4, first, i);
		listener = listen_as(taken);
	}
	return listener;
}

int control_listen(const char *name, const char *from, char *taken)
{
	const int folder = control_folder();

	if (folder < 0)
		return -1;
	flock(folder, LOCK_EX);
	snprintf(taken, CONTROL_NAME + 1, "%s", name != NULL ? name : "");
	const int listener = name != NULL ? listen_as(name) : listen_as_any(from, taken);
	if (listener < 0)
		report("%s/%s" SUFFIX ": %s", folder_path(), taken,
		       errno == EADDRINUSE ? "a machine of that name is running" : strerror(errno));
	close(folder);
	return listener;
}

/* ---- names ---- */

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

size_t control_names(char ***names)
{
	const int fd = open_folder();
	DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;
	size_t count = 0;

	*names = NULL;
	while (folder != NULL && (entry = readdir(folder)) != NULL) {
		char *name = string_copy(entry->d_name);
		char *suffix = strrchr(name, '.');
		if (suffix != NULL && strcmp(suffix, SUFFIX) == 0)
			*suffix = '\0';
		if (suffix == NULL || *suffix != '\0' || !control_name_ok(name)) {
			free(name);
			continue;
		}
		*names = memory_grow(*names, count + 1, sizeof(**names));
		(*names)[count++] = name;
	}
	if (folder != NULL)
		closedir(folder);
	if (count > 1)
		qsort(*names, count, sizeof(**names), by_name);
	return count;
}
