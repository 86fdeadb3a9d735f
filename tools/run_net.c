/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Networks of `hypike run`: the user's own by libslirp, a TAP interface, a wire to another run. To the VMM each
 * is a descriptor that keeps frames apart.
 *
 * @req TOOL-132 --net user reaches what the user reaches, and forwards ports; --net tap=NAME is that interface;
 *               --net socket=PATH connects two runs.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <hypike/vmm.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tools/relay.h"
#include "tools/run.h"
#include "tools/slirp.h"

/* What stands behind --net. */
struct net {
	const char *text;
	const char *kind;     /* user, tap=NAME, socket=PATH */
	const char *mac;      /* NULL: one is made up */
	struct strings forward;
};

static bool parse(char *copy, struct net *net)
{
	char *save = NULL;

	net->kind = strtok_r(copy, ",", &save);
	for (char *word; (word = strtok_r(NULL, ",", &save)) != NULL;) {
		if (strncmp(word, "mac=", 4) == 0)
			net->mac = word + 4;
		else if (strncmp(word, "forward=", 8) == 0)
			strings_add(&net->forward, "%s", word + 8);
		else
			return report("--net %s: %s: there are forward= and mac=", net->text, word);
	}
	if (net->kind == NULL)
		return report("--net: there are user, tap=NAME and socket=PATH");
	return net->forward.count == 0 || strcmp(net->kind, "user") == 0 ||
	       report("--net %s: ports are forwarded by `user'", net->text);
}

static int open_tap(const char *name)
{
	struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};
	const int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);

	if (strlen(name) >= sizeof(request.ifr_name)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(request.ifr_name, name, strlen(name));
	return fd >= 0 && ioctl(fd, TUNSETIFF, &request) == 0 ? fd : -1;
}

/* The second run connects with the first, which waits for it. */
static int open_socket(const char *path)
{
	static struct relay relays[4];
	static unsigned count;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	signal(SIGPIPE, SIG_IGN);
	if (strlen(path) >= sizeof(address.sun_path) || count == 4) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(address.sun_path, path, strlen(path));
	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	if (errno == ECONNREFUSED)
		unlink(path); /* of a run that has ended */
	close(fd);
	struct relay *relay = &relays[count++];
	*relay = (struct relay){-1, socket_listen(path, SOCK_SEQPACKET), -1, true};
	return relay->listener >= 0 ? relay_start(relay, SOCK_SEQPACKET) : -1;
}

static int open_net(const struct net *net)
{
	if (strcmp(net->kind, "user") == 0)
		return slirp_start(&net->forward);
	if (strncmp(net->kind, "tap=", 4) == 0)
		return open_tap(net->kind + 4);
	if (strncmp(net->kind, "socket=", 7) == 0)
		return open_socket(net->kind + 7);
	errno = EINVAL;
	return -1;
}

int run_net_open(const char *text, const char *before, char **words)
{
	static unsigned count;
	struct net net = {.text = text};

	if (!parse(string_copy(text), &net))
		return -1;
	const int fd = open_net(&net);
	if (fd < 0)
		report("--net %s: %s", text,
		       errno == EINVAL ? "there are user, tap=NAME and socket=PATH" : strerror(errno));
	/* Addresses come of the names: no two runs have one. */
	*words = string_format("%s%u-%d%s%s", before, count++, (int)getpid(), net.mac ? ",mac=" : "",
			       net.mac ? net.mac : "");
	return fd;
}

bool run_net(const char *text, struct strings *words)
{
	char *option;
	const int fd = run_net_open(text, "net", &option);

	if (fd < 0)
		return false;
	const char *why = hypike_vmm_net(string_format("%.*s", (int)strcspn(option, ","), option), fd);
	if (why != NULL)
		return report("--net %s: %s", text, why);
	strings_add(words, "--net %s", option);
	return true;
}
