/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file command.h
 * The subcommands of `hypike`, one file each. Each gets its own argument vector, with its name
 * as argv[0], and returns an enum exit_code.
 *
 * @req TOOL-116 The manual page and the completion of bash have every command, option and key that the
 *               command has.
 */
#ifndef TOOLS_COMMAND_H
#define TOOLS_COMMAND_H

#include <stdbool.h>

int command_boot(int argc, char **argv);
struct link;

/**
 * `hypike boot`.
 * @param controlled it is one VM, with emulated_operations (emulated.h)
 * @param link       with the VMM of its only machine; NULL: none
 * @param status     that the system ended with; -1: it didn't say
 */
int boot_for_status(int argc, char **argv, bool controlled, struct link *link, int *status);
int command_build(int argc, char **argv);
int command_check(int argc, char **argv);
/** `hypike stop`, `reset` and others that ask a running machine, by the name in argv[0]. */
int command_control(int argc, char **argv);
int command_cpuid(int argc, char **argv);
/** @req TOOL-115 `hypike new` writes a configuration that can be checked, built and booted as it is. */
int command_new(int argc, char **argv);
int command_pack(int argc, char **argv);
int command_ps(int argc, char **argv);
int command_run(int argc, char **argv);
int command_timeline(int argc, char **argv);
int command_trace(int argc, char **argv);

#endif
