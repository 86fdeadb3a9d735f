/* SPDX-License-Identifier: BSD-2-Clause */
/** @file control_console.h This terminal at a running machine's console. */
#ifndef TOOLS_CONTROL_CONSOLE_H
#define TOOLS_CONTROL_CONSOLE_H

#include <stdbool.h>

/** Until the user leaves, or the machine ends. @return false after report() */
bool control_console(int fd);

#endif
