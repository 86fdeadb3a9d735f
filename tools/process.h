/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file process.h
 * Programs that the command starts: none of them outlives it.
 *
 * @req TOOL-005 No emulator outlives the command, even when that is killed.
 */
#ifndef TOOLS_PROCESS_H
#define TOOLS_PROCESS_H

#include <sys/types.h>

#include "tools/util.h"

/**
 * Start a program in a process group of its own, with /dev/null as input, its output appended to
 * a log, and to be killed when this command ends in whatever way.
 * @return its process ID, or -1 after report().
 */
pid_t process_start(char *const *argv, const char *log_path);

/** Run a program to its end. @return false after report() where it failed. */
bool process_run(char *const *argv, const char *log_path);

/** @return true where a log has the text in it. */
bool log_contains(const char *log_path, const char *text);

/** Copy the last lines of a log to stderr. */
void log_show_tail(const char *log_path);

/** @return true where a program of that name is on the PATH. */
bool program_exists(const char *name);

#endif
