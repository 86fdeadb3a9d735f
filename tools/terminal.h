/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file terminal.h
 * The user's terminal, key by key, and put back as it was whatever ends the command.
 *
 * @req TOOL-004 The terminal is restored whatever ends the command, but for SIGKILL.
 */
#ifndef TOOLS_TERMINAL_H
#define TOOLS_TERMINAL_H

#include <stdbool.h>

/** @return true where standard input is a terminal and this command is in its foreground. */
bool terminal_is_ours(void);
/** Give each key at once, unechoed, Ctrl-C too. Undone at exit and on fatal signals. */
void terminal_raw(void);
/**
 * From now on the terminal is put back whatever ends the command, and a system call that a confined thread may not
 * make is told. terminal_raw() does that, too.
 */
void terminal_guard(void);
/** Put the terminal back as it was before terminal_raw(). May be called in a signal handler. */
void terminal_restore(void);

#endif
