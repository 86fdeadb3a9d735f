/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file options.h
 * The options that describe virtual machines on a command line, shared by `boot` and `pack`.
 */
#ifndef TOOLS_OPTIONS_H
#define TOOLS_OPTIONS_H

#include <getopt.h>

#include "tools/model.h"

/** Values of options without a letter; those of a subcommand start at OPTION_COMMAND. */
enum option_value {
	OPTION_VM = 256,
	OPTION_KERNEL,
	OPTION_FIRMWARE,
	OPTION_CMDLINE,
	OPTION_MODULE,
	OPTION_DISK,
	OPTION_MEMORY,
	OPTION_VCPUS,
	OPTION_PIN,
	OPTION_PRIORITY,
	OPTION_VMM,
	OPTION_VMM_OPTION,
	OPTION_COMMAND,
};

/** The entries for getopt_long(), to be put into a subcommand's table. */
#define MODEL_OPTIONS                                                                              \
	{"vm", required_argument, NULL, OPTION_VM},                                                \
	{"kernel", required_argument, NULL, OPTION_KERNEL},                                        \
	{"firmware", required_argument, NULL, OPTION_FIRMWARE},                                    \
	{"cmdline", required_argument, NULL, OPTION_CMDLINE},                                      \
	{"module", required_argument, NULL, OPTION_MODULE},                                        \
	{"disk", required_argument, NULL, OPTION_DISK},                                            \
	{"memory", required_argument, NULL, OPTION_MEMORY},                                        \
	{"vcpus", required_argument, NULL, OPTION_VCPUS},                                          \
	{"pin", required_argument, NULL, OPTION_PIN},                                              \
	{"priority", required_argument, NULL, OPTION_PRIORITY},                                    \
	{"vmm", required_argument, NULL, OPTION_VMM},                                              \
	{"vmm-option", required_argument, NULL, OPTION_VMM_OPTION}

/** What they mean, for the help text. */
extern const char model_options_help[];

/**
 * Take one option of MODEL_OPTIONS.
 * @return false where the value is wrong, after report().
 */
bool model_option(struct model *model, int value, const char *argument);

#endif
