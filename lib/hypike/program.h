/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file program.h
 * What a ring-3 program has to define.
 */
#ifndef LIB_HYPIKE_PROGRAM_H
#define LIB_HYPIKE_PROGRAM_H

/** The program; its result is the partition's exit status. */
int main(void);

#endif
