/* SPDX-License-Identifier: BSD-2-Clause */
#define _GNU_SOURCE
#include "tools/console.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include <hypike/wire.h>

#include "tools/emulated.h"
#include "tools/process.h"
#include "tools/progress.h"
#include "tools/terminal.h"
#include "tools/util.h"

#define KEY_ESCAPE 0x01 /* Ctrl-A */
#define IDLE_MS	   100	/* until an unfinished line is shown */
#define GATHER_NS  500000

/* Everything about one run. */
struct run {
	struct console *console;
	const struct console_options *options;
	struct console_result *result;
	struct streams *streams;
	pid_t pid;
	int signals;	   /* signalfd */
	bool here;	   /* keys come from this terminal, with commands among them */
	int input;	   /* where they come from; -1: nowhere, or no more */
	double end_at;	   /* by the monotonic clock; 0: never */
	bool after_escape; /* the key before was Ctrl-A */
	bool ended;
	bool heard; /* the machine has said something: it takes keys */
	char keys[4096]; /* read, but not taken by the emulator yet */
	size_t key_count;
};

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* ---- what the system prints ---- */

static void put_key(struct run *run, char key)
{
	if (run->key_count < sizeof(run->keys))
		run->keys[run->key_count++] = key;
}

static void put_keys(struct run *run, const char *keys, size_t count)
{
	for (size_t i = 0; i < count; i++)
		put_key(run, keys[i]);
}

/* At the first sign of life: who is to get the keys, if the user said so. */
static void hear(struct run *run)
{
	char keys[2];

	if (!run->heard && run->options->select >= 0)
		put_keys(run, keys,
			 streams_select(run->streams, (size_t)run->options->select, keys));
	run->heard = true;
}

/* An emulator writes byte by byte. On a link many come: to be woken for each would take longer than they do. */
static void gather(const struct run *run)
{
	if (run->options->link != NULL && link_up(run->options->link))
		nanosleep(&(struct timespec){.tv_nsec = GATHER_NS}, NULL);
}

/* @return false when there will be no more. */
static bool pass_output(struct run *run)
{
	char text[4096];
	ssize_t size;

	gather(run);
	size = read(run->console->master, text, sizeof(text));

	if (size > 0) {
		progress_end(); /* it speaks */
		streams_take(run->streams, text, (size_t)size);
		hear(run);
	}
	return size > 0 || (size < 0 && (errno == EAGAIN || errno == EINTR));
}

/* With the last writer gone, the kernel gives what is left and then EIO. */
static void drain_output(struct run *run)
{
	struct pollfd poll_master = {.fd = run->console->master, .events = POLLIN};

	close(run->console->slave);
	while (poll(&poll_master, 1, 1000) > 0)
		if (!pass_output(run))
			break;
	close(run->console->master);
}

/* ---- keys ---- */

static void end_run(struct run *run, enum console_end end)
{
	run->result->end = end;
	kill(-run->pid, SIGKILL); /* its process group */
}

static void say(const char *format, const char *text)
{
	char *line = string_format(format, text);

	write_all(STDERR_FILENO, line, strlen(line));
	free(line);
}

static void say_help(const struct run *run)
{
	say("\r\n[Ctrl-A x: end the machine; Ctrl-A a: send Ctrl-A; Ctrl-A h: this help%s]\r\n",
	    streams_selected(run->streams) != NULL
		    ? "; Ctrl-A n, Ctrl-A 1 ... 9: keys go to another partition"
		    : "");
}

static void select_partition(struct run *run, char key)
{
	char keys[2];
	size_t count = key == 'n' ? streams_select_next(run->streams, keys)
				  : streams_select(run->streams, (size_t)(key - '1'), keys);

	put_keys(run, keys, count);
	if (streams_selected(run->streams) != NULL)
		say("\r\n[keys go to %s]\r\n", streams_selected(run->streams));
}

static void send_key(struct run *run, char key)
{
	char keys[2];

	put_keys(run, keys, streams_key(run->streams, key, keys));
}

static void take_command(struct run *run, char key)
{
	if (key == 'x' || key == 'X')
		end_run(run, CONSOLE_KEY);
	else if (key == 'a' || key == KEY_ESCAPE)
		send_key(run, KEY_ESCAPE);
	else if (key == 'n' || (key >= '1' && key <= '9'))
		select_partition(run, key);
	else
		say_help(run);
}

static void take_key(struct run *run, char key)
{
	if (run->after_escape)
		take_command(run, key);
	else if (key != KEY_ESCAPE)
		send_key(run, key);
	run->after_escape = !run->after_escape && key == KEY_ESCAPE;
}

static void pass_keys(struct run *run)
{
	/* Each may become two. */
	char keys[sizeof(run->keys) / 2];
	ssize_t count = read(run->input, keys, (sizeof(run->keys) - run->key_count) / 2);

	if (count == 0 || (count < 0 && errno != EINTR && errno != EAGAIN))
		run->input = -1;
	for (ssize_t i = 0; i < count; i++)
		if (run->here)
			take_key(run, keys[i]);
		else
			send_key(run, keys[i]);
}

/* Who is attached to the console types there, too. */
static void pass_controller(struct run *run, const struct pollfd *look)
{
	char keys[sizeof(run->keys) / 2];
	const size_t room = (sizeof(run->keys) - run->key_count) / 2;
	const size_t count = emulated_serve(look, keys, room);

	for (size_t i = 0; i < count; i++)
		send_key(run, keys[i]);
	if (emulated_ends())
		end_run(run, CONSOLE_KEY);
}

/* From a debugger, or it came or went. */
static void pass_debugger(struct run *run, struct gdb_server *server)
{
	char *at = run->keys + run->key_count;
	const size_t room = sizeof(run->keys) - 2 - run->key_count;
	char keys[2];
	size_t count;

	if (room < GDB_ROOM)
		return;
	count = gdb_serve(server, at, room);
	run->key_count += count;
	if (count > 0)
		put_keys(run, keys, streams_select_again(run->streams, keys));
}

/* What waits for the VMM, as far as it fits. */
static void pass_link(struct run *run)
{
	char *at = run->keys + run->key_count;
	char keys[2];
	size_t count;

	if (run->options->link == NULL || run->key_count > sizeof(run->keys) / 2)
		return;
	count = link_fill(run->options->link, at, sizeof(run->keys) - 2 - run->key_count);
	run->key_count += count;
	if (count > 0)
		put_keys(run, keys, streams_select_again(run->streams, keys));
}

static void flush_keys(struct run *run)
{
	ssize_t done = write(run->console->master, run->keys, run->key_count);

	if (done <= 0)
		return;
	run->key_count -= (size_t)done;
	memmove(run->keys, run->keys + done, run->key_count);
}

/* ---- signals ---- */

static void take_child(struct run *run)
{
	int status;

	if (waitpid(run->pid, &status, WNOHANG) != run->pid)
		return;
	run->ended = true;
	if (WIFEXITED(status))
		run->result->exit_status = WEXITSTATUS(status);
	else if (run->result->end == CONSOLE_ENDED)
		run->result->signal = WTERMSIG(status);
}

static void take_stop(const struct run *run)
{
	terminal_restore();
	raise(SIGSTOP);
	if (run->here && terminal_is_ours())
		terminal_raw();
}

static void take_signal(struct run *run)
{
	struct signalfd_siginfo info;

	if (read(run->signals, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGCHLD) {
		take_child(run);
	} else if (info.ssi_signo == SIGTSTP) {
		take_stop(run);
	} else {
		run->result->signal = (int)info.ssi_signo;
		end_run(run, CONSOLE_SIGNAL);
	}
}

/* Blocked signals queue up for the loop; the emulator starts with none blocked. */
static int open_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGQUIT);
	sigaddset(&set, SIGTSTP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

/* ---- the loop ---- */

/* The machine's own time counts: -1 also while it stands still. */
static int milliseconds_left(const struct run *run)
{
	bool stands = false;
	const double stood = run->options->controlled ? (double)emulated_stood(&stands) / 1e9 : 0;
	double left = run->end_at + stood - now();

	if (run->end_at == 0.0 || stands)
		return -1;
	return left > 0 ? (int)(left * 1000) + 1 : 0;
}

static void nothing_came(struct run *run)
{
	if (milliseconds_left(run) != 0) {
		streams_idle(run->streams);
		return;
	}
	end_run(run, CONSOLE_TIMEOUT);
	run->end_at = 0.0;
}

static int milliseconds_to_wait(const struct run *run)
{
	const int left = milliseconds_left(run);

	return streams_waiting(run->streams) && (left < 0 || left > IDLE_MS) ? IDLE_MS : left;
}

#define FIXED_POLLS (3 + EMULATED_POLLS)

static void wait_and_serve(struct run *run)
{
	const bool room = run->key_count < sizeof(run->keys) - 2 - GDB_ROOM;
	const struct gdb_servers *gdb = run->options->gdb;
	struct pollfd polls[FIXED_POLLS + WIRE_DEBUGS + LINK_POLLS] = {
		{.fd = run->console->master,
		 .events = (short)(POLLIN | (run->key_count ? POLLOUT : 0))},
		{.fd = run->signals, .events = POLLIN},
		{.fd = room ? run->input : -1, .events = POLLIN},
		{.fd = -1},
		{.fd = -1},
	};
	size_t count = FIXED_POLLS + gdb->count;
	struct link *const link = run->options->link;
	int ready;

	if (run->options->controlled)
		emulated_poll(polls + 3);
	if (!room)
		polls[4].fd = -1;
	if (link != NULL)
		count += link_poll(link, &polls[count]);
	for (size_t i = 0; i < gdb->count; i++) {
		polls[FIXED_POLLS + i] = gdb_poll(&gdb->server[i]);
		if (!room)
			polls[FIXED_POLLS + i].events &= (short)~POLLIN;
	}
	ready = poll(polls, count, milliseconds_to_wait(run));
	if (ready == 0)
		nothing_came(run);
	if (ready <= 0)
		return;
	if (polls[0].revents & POLLIN)
		pass_output(run);
	if (polls[0].revents & POLLOUT)
		flush_keys(run);
	if (polls[2].revents)
		pass_keys(run);
	for (size_t i = 0; i < gdb->count; i++)
		if (polls[FIXED_POLLS + i].revents)
			pass_debugger(run, &gdb->server[i]);
	if (run->options->controlled)
		pass_controller(run, polls + 3);
	if (link != NULL)
		link_serve(link, &polls[FIXED_POLLS + gdb->count]);
	pass_link(run);
	if (polls[1].revents)
		take_signal(run);
}

static bool start(struct run *run, char *const *argv)
{
	run->signals = open_signals();
	run->pid = process_start(argv, run->options->log_path);
	if (run->options->controlled)
		emulated_started();
	if (run->pid < 0)
		return false;
	run->input = run->options->controlled ? emulated_input() : STDIN_FILENO;
	run->here = run->input == STDIN_FILENO;
	if (run->here && terminal_is_ours()) {
		fputs("[Ctrl-A x ends the machine, Ctrl-A h helps]\n", stderr);
		terminal_raw();
	}
	/* A terminal that belongs to somebody else must not be read. */
	if (run->here && !terminal_is_ours() && isatty(STDIN_FILENO))
		run->input = -1;
	return true;
}

void console_run(struct console *console, char *const *argv, struct streams *streams,
		 const struct console_options *options, struct console_result *result)
{
	struct run run = {
		.console = console,
		.options = options,
		.result = result,
		.streams = streams,
		.end_at = options->timeout > 0 ? now() + options->timeout : 0.0,
	};
	const double started = now();

	*result = (struct console_result){.end = CONSOLE_ENDED};
	if (!start(&run, argv)) {
		result->end = CONSOLE_FAILED;
		return;
	}
	progress_begin("starting the emulator");
	while (!run.ended)
		wait_and_serve(&run);
	progress_end();
	drain_output(&run);
	if (options->controlled)
		emulated_ended();
	terminal_restore();
	streams_close(streams);
	result->system_status = streams_status(streams);
	result->panicked = streams_panicked(streams);
	result->seconds = now() - started;
}

bool console_open(struct console *console)
{
	struct termios raw;

	console->master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (console->master < 0 || grantpt(console->master) != 0 ||
	    unlockpt(console->master) != 0 ||
	    ptsname_r(console->master, console->device, sizeof(console->device)) != 0)
		return report("no pseudo-terminal could be opened: %s", strerror(errno));
	console->slave = open(console->device, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (console->slave < 0 || tcgetattr(console->slave, &raw) != 0)
		return report("%s: %s", console->device, strerror(errno));
	cfmakeraw(&raw);
	tcsetattr(console->slave, TCSANOW, &raw);
	return true;
}
