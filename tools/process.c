/* SPDX-License-Identifier: BSD-2-Clause */
#define _GNU_SOURCE
#include "tools/process.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/progress.h"

#define STATUS_NOT_STARTED 127
#define TAIL_SIZE	   2000
#define TAIL_LINES	   8

static void child_redirect(const char *log_path)
{
	int null = open("/dev/null", O_RDONLY);
	int log = open(log_path, O_WRONLY | O_CREAT | O_APPEND, 0666);

	if (null < 0 || log < 0 || dup2(null, 0) < 0 || dup2(log, 1) < 0 || dup2(log, 2) < 0)
		_exit(STATUS_NOT_STARTED);
}

static void child_run(char *const *argv, const char *log_path, pid_t parent)
{
	sigset_t none;

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(STATUS_NOT_STARTED);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	child_redirect(log_path);
	/* Bochs's display is one of terminal characters, and wants to know the terminal's type. */
	setenv("TERM", "xterm", 1);
	execvp(argv[0], argv);
	dprintf(2, "%s: %s\n", argv[0], strerror(errno));
	_exit(STATUS_NOT_STARTED);
}

pid_t process_start(char *const *argv, const char *log_path)
{
	pid_t parent = getpid();
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0)
		child_run(argv, log_path, parent);
	if (pid < 0)
		report("%s: could not be started: %s", argv[0], strerror(errno));
	else
		setpgid(pid, pid); /* whichever of the two is first */
	return pid;
}

bool process_run(char *const *argv, const char *log_path)
{
	pid_t pid = process_start(argv, log_path);
	char what[64];
	int status = 0;

	if (pid < 0)
		return false;
	snprintf(what, sizeof(what), "running %s", path_base(argv[0]));
	progress_begin(what);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	progress_end();
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return true;
	log_show_tail(log_path);
	return report("%s failed", argv[0]);
}

bool log_contains(const char *log_path, const char *text)
{
	FILE *log = fopen(log_path, "r");
	char *line = NULL;
	size_t size = 0;
	bool found = false;

	while (log != NULL && !found && getline(&line, &size, log) >= 0)
		found = strstr(line, text) != NULL;
	free(line);
	if (log != NULL)
		fclose(log);
	return found;
}

/* @return where the last `lines` lines of a text start. */
static const char *last_lines(const char *text, size_t size, unsigned lines)
{
	const char *at = text + size;

	while (at > text && (at[-1] != '\n' || at == text + size || lines-- > 1))
		at--;
	return at;
}

void log_show_tail(const char *log_path)
{
	FILE *log = fopen(log_path, "r");
	char tail[TAIL_SIZE];
	const char *start;
	size_t size;

	if (log == NULL)
		return;
	if (fseek(log, -TAIL_SIZE, SEEK_END) != 0)
		rewind(log);
	size = fread(tail, 1, sizeof(tail), log);
	start = last_lines(tail, size, TAIL_LINES);
	fwrite(start, 1, size - (size_t)(start - tail), stderr);
	fclose(log);
}

bool program_exists(const char *name)
{
	const char *path = getenv("PATH");
	char *copy = string_copy(path ? path : "/usr/bin:/bin");
	char *save = NULL;
	bool found = false;

	for (char *dir = strtok_r(copy, ":", &save); dir && !found;
	     dir = strtok_r(NULL, ":", &save)) {
		char *candidate = string_format("%s/%s", dir, name);

		found = access(candidate, X_OK) == 0;
		free(candidate);
	}
	free(copy);
	return found;
}
