/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The control socket: requests and their answers, clients of every kind at the server, the folder of the sockets.
 *
 * @verifies TOOL-140 TOOL-141 TOOL-142 VMM-084
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/tools/control_fake.h"

/* What the server asks of the library. */

bool hypike_vmm_confine(enum hypike_vmm_thread thread)
{
	(void)thread;
	return true;
}

/* ---- requests ---- */

static json_t *ask(const char *line)
{
	struct control_reply reply;

	control_request(&fake_machine, line, strlen(line), false, &reply);
	assert_non_null(reply.data);
	const char *end = memchr(reply.data, '\n', reply.size);
	assert_non_null(end);
	json_t *answer = json_loadb(reply.data, (size_t)(end - reply.data), 0, NULL);
	assert_non_null(answer);
	if (reply.large) {
		uint32_t last;
		assert_int_equal(reply.data + reply.size - (end + 1), 3 * 2 * 4);
		memcpy(&last, reply.data + reply.size - 4, 4);
		assert_int_equal(last, 5);
	}
	free(reply.data);
	return answer;
}

static void assert_code(const char *line, const char *code)
{
	json_t *answer = ask(line);

	if (code == NULL) {
		assert_true(json_is_true(json_object_get(answer, "ok")));
	} else {
		assert_true(json_is_false(json_object_get(answer, "ok")));
		assert_string_equal(
			json_string_value(json_object_get(json_object_get(answer, "error"), "code")), code);
	}
	json_decref(answer);
}

static void stats_tell_of_devices(void **state)
{
	json_t *answer = ask("{\"command\": \"stats\"}"), *devices = json_object_get(answer, "devices");
	const json_t *disk = json_object_get(devices, "disk 2");

	(void)state;
	assert_int_equal(json_object_size(devices), 1);
	assert_int_equal(json_object_size(disk), 2);
	assert_int_equal(json_integer_value(json_object_get(disk, "reads")), 4);
	assert_int_equal(json_integer_value(json_object_get(disk, "bytes read")), 512);
	json_decref(answer);
}

static void requests_reach_the_machine(void **state)
{
	static const struct {
		const char *line, *asked;
	} cases[] = {
		{"{\"command\": \"stop\"}", "power button"},
		{"{\"command\": \"stop\", \"force\": false}", "power button"},
		{"{\"command\": \"stop\", \"force\": true}", "end"},
		{"{\"command\": \"reset\"}", "reset"},
		{"{\"command\": \"pause\"}", "pause"},
		{"{\"command\": \"resume\"}", "resume"},
		{"{\"command\": \"stats\"}", "stats"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_code(cases[i].line, NULL);
		assert_string_equal(fake.asked, cases[i].asked);
		fake.refuses = "no";
		assert_code(cases[i].line, "state");
		fake.refuses = NULL;
	}
}

static void status_says_what_it_is(void **state)
{
	const char *name, *shown, *kernel;
	int protocol, pid, vcpus, id, uptime;
	json_int_t memory;
	json_t *answer = ask("{\"id\": 7, \"command\": \"status\"}");

	(void)state;
	assert_int_equal(json_unpack(answer, "{s:s, s:s, s:s, s:i, s:i, s:i, s:i, s:i, s:I}", "name", &name, "state",
				     &shown, "kernel", &kernel, "protocol", &protocol, "pid", &pid, "vcpus", &vcpus,
				     "id", &id, "uptime_ms", &uptime, "memory", &memory),
			 0);
	assert_string_equal(name, "fake");
	assert_string_equal(shown, "running");
	assert_string_equal(kernel, "kernel.elf");
	assert_int_equal(protocol, 1);
	assert_int_equal(pid, 42);
	assert_int_equal(vcpus, 2);
	assert_int_equal(id, 7);
	assert_int_equal(uptime, 1500);
	assert_int_equal(memory, 64 << 20);
	json_decref(answer);
}

static void nonsense_is_answered(void **state)
{
	(void)state;
	assert_code("", "syntax");
	assert_code("{", "syntax");
	assert_code("[1]", "syntax");
	assert_code("{\"command\": \"\xff\"}", "syntax");
	assert_code("{\"command\": \"status\", \"command\": \"stop\"}", "syntax");
	assert_code("{}", "argument");
	assert_code("{\"command\": 1}", "argument");
	assert_code("{\"command\": \"stop\", \"force\": 1}", "argument");
	assert_code("{\"command\": \"format\"}", "unknown-command");
}

static void a_picture_at_a_time(void **state)
{
	struct control_reply reply;
	const char *line = "{\"command\": \"screenshot\"}";

	(void)state;
	assert_code(line, NULL);
	control_request(&fake_machine, line, strlen(line), true, &reply);
	assert_non_null(memmem(reply.data, reply.size, "\"busy\"", 6));
	free(reply.data);
	fake.width = 0;
	assert_code(line, "state");
	fake.width = 3;
}

/* ---- the server ---- */

static char name[CONTROL_NAME + 1];

static int connect_to(void)
{
	const int fd = control_connect(name);

	assert_true(fd >= 0);
	return fd;
}

static void say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/** A line comes, with that in it. */
static void hear(int fd, const char *wanted)
{
	char line[1024];
	size_t have = 0;

	do {
		const ssize_t n = recv(fd, line + have, 1, 0);
		assert_int_equal(n, 1);
	} while (line[have++] != '\n' && have < sizeof(line));
	assert_non_null(memmem(line, have, wanted, strlen(wanted)));
}

static void whole_and_in_pieces(void **state)
{
	const int fd = connect_to();

	(void)state;
	say(fd, "{\"command\": \"pa");
	usleep(20000);
	say(fd, "use\"}\n{\"command\": \"reset\", \"id\": 1}\n{\"command\": \"resume\", \"id\": 2}\n");
	hear(fd, "true");
	hear(fd, "\"id\": 1");
	hear(fd, "\"id\": 2");
	close(fd);
}

static void lines_without_end(void **state)
{
	char text[3 * CONTROL_LINE];
	const int fd = connect_to();

	(void)state;
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	say(fd, text);
	say(fd, "\n{\"command\": \"status\"}\n");
	hear(fd, "too-long");
	hear(fd, "\"running\"");
	close(fd);
}

/** As many requests as go in, and nothing read: others are served, and this one later, or not at all. */
static void one_who_never_reads(void **state)
{
	const char line[] = "{\"command\": \"status\"}\n";
	const int fd = connect_to(), other = connect_to();
	int sent = 0;

	(void)state;
	while (send(fd, line, sizeof(line) - 1, MSG_NOSIGNAL | MSG_DONTWAIT) > 0)
		sent++;
	assert_true(sent > 100);
	say(other, line);
	hear(other, "\"running\"");
	close(other);
	close(fd);
}

static void many_who_say_nothing(void **state)
{
	int fd[40];

	(void)state;
	for (size_t i = 0; i < 40; i++) {
		fd[i] = connect_to();
		say(fd[i], "{\"comm");
	}
	const int last = connect_to();
	say(last, "{\"command\": \"status\"}\n");
	hear(last, "\"running\"");
	close(last);
	for (size_t i = 0; i < 40; i++)
		close(fd[i]);
}

static void the_console_is_handed_over(void **state)
{
	const int fd = connect_to();
	int machine = -1;

	(void)state;
	say(fd, "{\"command\": \"console\"}\n");
	hear(fd, "true");
	for (int i = 0; i < 100 && machine < 0; i++, usleep(10000))
		machine = __atomic_load_n(&fake.attached, __ATOMIC_ACQUIRE);
	assert_true(machine >= 0);
	say(machine, "from the machine\n");
	hear(fd, "from the machine");
	say(fd, "to the machine\n");
	hear(machine, "to the machine");
	close(fd);
	close(machine);
}

/* ---- the folder ---- */

static void names_are_checked(void **state)
{
	(void)state;
	assert_true(control_name_ok("a"));
	assert_true(control_name_ok("Linux-6.1_x"));
	assert_false(control_name_ok(""));
	assert_false(control_name_ok("."));
	assert_false(control_name_ok("../x"));
	assert_false(control_name_ok("a/b"));
	assert_false(control_name_ok("-a"));
	assert_false(control_name_ok("0123456789012345678901234567890123456789012345678"));
	assert_int_equal(control_connect("a/b"), -1);
	assert_int_equal(errno, EINVAL);
}

static void a_name_has_one_machine(void **state)
{
	char second[CONTROL_NAME + 1], third[CONTROL_NAME + 1];

	(void)state;
	assert_string_equal(name, "a-kernel.v2");
	assert_int_equal(control_listen(name, NULL, second), -1);
	const int other = control_listen(NULL, "/boot/+a-kernel.v2.elf", third);
	assert_true(other >= 0);
	assert_string_equal(third, "a-kernel.v2-2");
	close(other);
	/* It is gone without having removed its socket. */
	char **names;
	assert_int_equal(control_names(&names), 2);
	assert_string_equal(names[1], "a-kernel.v2-2");
	assert_int_equal(control_connect(names[1]), -1);
	assert_int_equal(errno, ECONNREFUSED);
	free(names[0]);
	free(names[1]);
	free(names);
	assert_int_equal(control_names(&names), 1);
	free(names[0]);
	free(names);
}

static void sockets_are_the_users(void **state)
{
	char path[256];
	struct stat stat_of;

	(void)state;
	snprintf(path, sizeof(path), "%s/hypike/%s.sock", getenv("XDG_RUNTIME_DIR"), name);
	assert_int_equal(stat(path, &stat_of), 0);
	assert_int_equal(stat_of.st_mode & 0777, 0600);
	snprintf(path, sizeof(path), "%s/hypike", getenv("XDG_RUNTIME_DIR"));
	assert_int_equal(stat(path, &stat_of), 0);
	assert_int_equal(stat_of.st_mode & 0777, 0700);
	chmod(path, 0770);
	assert_int_equal(control_folder(), -1);
	/* What others have put there isn't talked to. */
	char **names;
	assert_int_equal(control_connect(name), -1);
	assert_int_equal(control_names(&names), 0);
	chmod(path, 0701);
	assert_int_equal(control_folder(), -1);
	chmod(path, 0700);
	const int folder = control_folder();
	assert_true(folder >= 0);
	close(folder);
}

static char runtime[] = "/tmp/hypike-test-XXXXXX";

static int begin(void **state)
{
	(void)state;
	if (mkdtemp(runtime) == NULL || setenv("XDG_RUNTIME_DIR", runtime, 1) != 0)
		return -1;
	const int listener = control_listen(NULL, "/boot/a-kernel.v2.elf", name);
	return listener >= 0 && control_serve(listener, &fake_machine) ? 0 : -1;
}

static int end(void **state)
{
	char path[256];

	(void)state;
	control_remove(name);
	snprintf(path, sizeof(path), "%s/hypike", runtime);
	return rmdir(path) != 0 || rmdir(runtime) != 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_reach_the_machine),
		cmocka_unit_test(stats_tell_of_devices),
		cmocka_unit_test(status_says_what_it_is),
		cmocka_unit_test(nonsense_is_answered),
		cmocka_unit_test(a_picture_at_a_time),
		cmocka_unit_test(whole_and_in_pieces),
		cmocka_unit_test(lines_without_end),
		cmocka_unit_test(one_who_never_reads),
		cmocka_unit_test(many_who_say_nothing),
		cmocka_unit_test(the_console_is_handed_over),
		cmocka_unit_test(names_are_checked),
		cmocka_unit_test(a_name_has_one_machine),
		cmocka_unit_test(sockets_are_the_users),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
