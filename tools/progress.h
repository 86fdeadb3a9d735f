/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file progress.h
 * What takes more than a second says so: a line on stderr, where that is a terminal, which is wiped afterwards.
 *
 * @req TOOL-145 What takes more than a second is shown while it lasts, on a terminal alone; nothing of it stays.
 */
#ifndef TOOLS_PROGRESS_H
#define TOOLS_PROGRESS_H

/** Something begins, such as "running grub-mkrescue"; one at a time. */
void progress_begin(const char *what);
/** It has come to its end, or speaks for itself now; also where nothing began. */
void progress_end(void);

#endif
