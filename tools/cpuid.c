/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `hypike cpuid`: what a guest sees of CPUID and of the model-specific registers, and why. Out of the lists that the
 * driver is made of, so it says what the driver does.
 */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "lib/x86/guest_cpuid.h"
#include "lib/x86/guest_msr.h"
#include "tools/command.h"
#include "tools/util.h"

static const struct leaf {
	uint32_t first, last;
	const char *how, *name, *why;
} leaves[] = {
#define ROW(first, last, how, name, why) {first, last, #how, name, why},
	GUEST_CPUID_LEAVES(ROW)
#undef ROW
};

struct feature {
	unsigned int bit;
	enum guest_cpuid_policy policy;
	const char *name, *why;
};

/* Features of each register, and the registers. */
#define FEATURE(bit, policy, name, why) {bit, GUEST_CPUID_##policy, name, why},
#define FEATURES(leaf, subleaf, reg, list)                                                         \
	static const struct feature features_##leaf##_##reg[] = {list(FEATURE)};
GUEST_CPUID_REGISTERS(FEATURES)

static const struct reg {
	uint32_t leaf, subleaf;
	const char *name;
	const struct feature *features;
	size_t count;
} regs[] = {
#define REG(leaf, subleaf, reg, list)                                                              \
	{leaf, subleaf, #reg, features_##leaf##_##reg,                                             \
	 sizeof(features_##leaf##_##reg) / sizeof(struct feature)},
	GUEST_CPUID_REGISTERS(REG)
};

static const struct msr {
	uint32_t first, last;
	enum guest_msr_cpus cpus;
	enum guest_msr_access access;
	const char *name, *why;
} msrs[] = {
#define ROW(first, last, cpus, access, handler, name, why)                                         \
	{first, last, GUEST_MSR_##cpus, GUEST_MSR_##access, name, why},
	GUEST_MSRS(ROW)
#undef ROW
};

/* The words of the two outputs: for a reader, for a program. */
struct words {
	const char *text, *json;
};

static const struct words policy_words[] = {
	[GUEST_CPUID_CPU] = {"if the CPU has it", "cpu"},
	[GUEST_CPUID_XSAVE] = {"if the CPU has it", "cpu-xsave"},
	[GUEST_CPUID_AVX] = {"if the CPU has it", "cpu-avx"},
	[GUEST_CPUID_OWN] = {"always, HyPike's", "own"},
	[GUEST_CPUID_VCPU] = {"follows the vCPU", "vcpu"},
	[GUEST_CPUID_MAYBE] = {"where it helps", "maybe"},
	[GUEST_CPUID_OFF] = {"never", "off"},
};

static const struct words access_words[] = {
	[GUEST_MSR_DIRECT] = {"the guest's own", "direct"},
	[GUEST_MSR_DIRECT_R] = {"read directly", "direct-read"},
	[GUEST_MSR_EMULATED] = {"emulated", "emulated"},
	[GUEST_MSR_FIXED] = {"a constant", "fixed"},
	[GUEST_MSR_ZERO] = {"reads as 0", "zero"},
	[GUEST_MSR_IGNORED] = {"reads as 0", "ignored"},
	[GUEST_MSR_COMMAND] = {"write is ignored", "command"},
	[GUEST_MSR_VMM] = {"the VMM's", "vmm"},
	[GUEST_MSR_OFF] = {"never: #GP", "off"},
};

static const struct words cpus_words[] = {
	[GUEST_MSR_ALL] = {"", "all"},
	[GUEST_MSR_INTEL] = {" (Intel)", "intel"},
	[GUEST_MSR_AMD] = {" (AMD)", "amd"},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool is_absent(const struct leaf *leaf)
{
	return strcmp(leaf->how, "ABSENT") == 0;
}

static bool is_vmms(const struct leaf *leaf)
{
	return strcmp(leaf->how, "KVM") == 0;
}

/* ------------------------------------------------------------------------------------ for a reader */

static void print_features(const struct reg *reg)
{
	for (size_t i = 0; i < reg->count; i++) {
		const struct feature *f = &reg->features[i];

		printf("  %08x/%u %s %2u  %-23s  %-17s  %s\n", reg->leaf, reg->subleaf, reg->name,
		       f->bit, f->name, policy_words[f->policy].text, f->why);
	}
}

static void print_range(uint32_t first, uint32_t last)
{
	if (first == last)
		printf("  %08x         ", first);
	else
		printf("  %08x-%08x", first, last);
}

static void print_text(void)
{
	puts("CPUID leaves. Those that aren't listed read as 0.\n");
	for (size_t i = 0; i < COUNT(leaves); i++) {
		print_range(leaves[i].first, leaves[i].last);
		printf("  %-7s  %s: %s\n",
		       is_absent(&leaves[i]) ? "never" : is_vmms(&leaves[i]) ? "VMM's" : "yes",
		       leaves[i].name, leaves[i].why);
	}
	puts("\nFeatures by leaf/subleaf, register and bit: does a guest get it, and why. All others: never.\n");
	for (size_t i = 0; i < COUNT(regs); i++)
		print_features(&regs[i]);
	puts("\nModel-specific registers. Those that aren't listed are #GP.\n");
	for (size_t i = 0; i < COUNT(msrs); i++) {
		print_range(msrs[i].first, msrs[i].last);
		printf("  %-16s  %s%s: %s\n", access_words[msrs[i].access].text, msrs[i].name,
		       cpus_words[msrs[i].cpus].text, msrs[i].why);
	}
}

/* ----------------------------------------------------------------------------------- for a program */

/** Texts of the lists have neither quotes nor backslashes in them. */
static void print_json_leaves(void)
{
	for (size_t i = 0; i < COUNT(leaves); i++)
		printf("%s\n  {\"first\": %u, \"last\": %u, \"guest\": \"%s\", \"name\": \"%s\", "
		       "\"why\": \"%s\"}",
		       i == 0 ? "" : ",", leaves[i].first, leaves[i].last,
		       is_absent(&leaves[i]) ? "off" : is_vmms(&leaves[i]) ? "vmm" : "own",
		       leaves[i].name, leaves[i].why);
}

static void print_json_features(void)
{
	const char *before = "";

	for (size_t i = 0; i < COUNT(regs); i++)
		for (size_t k = 0; k < regs[i].count; k++) {
			const struct feature *f = &regs[i].features[k];

			printf("%s\n  {\"leaf\": %u, \"subleaf\": %u, \"register\": \"%s\", \"bit\": %u, "
			       "\"guest\": \"%s\", \"name\": \"%s\", \"why\": \"%s\"}",
			       before, regs[i].leaf, regs[i].subleaf, regs[i].name, f->bit,
			       policy_words[f->policy].json, f->name, f->why);
			before = ",";
		}
}

static void print_json_msrs(void)
{
	for (size_t i = 0; i < COUNT(msrs); i++)
		printf("%s\n  {\"first\": %u, \"last\": %u, \"cpus\": \"%s\", \"guest\": \"%s\", "
		       "\"name\": \"%s\", \"why\": \"%s\"}",
		       i == 0 ? "" : ",", msrs[i].first, msrs[i].last,
		       cpus_words[msrs[i].cpus].json, access_words[msrs[i].access].json,
		       msrs[i].name, msrs[i].why);
}

static void print_json(void)
{
	printf("{\"leaves\": [");
	print_json_leaves();
	printf("],\n\"features\": [");
	print_json_features();
	printf("],\n\"msrs\": [");
	print_json_msrs();
	printf("]}\n");
}

/* ------------------------------------------------------------------------------------ the command */

static void print_help(void)
{
	puts("Usage: hypike cpuid [OPTION...]\n\n"
	     "Lists what a guest sees of CPUID and of the model-specific registers, and why: each leaf,\n"
	     "each feature, each register that is known. The hypervisor is made of the same lists.\n\n"
	     "  --json             for a program\n"
	     "  --help             this text");
}

/** @req TOOL-117 `hypike cpuid` says of each CPUID feature and MSR whether a guest gets it, as the driver does. */
int command_cpuid(int argc, char **argv)
{
	static const struct option options[] = {{"json", no_argument, NULL, 'j'},
						{"help", no_argument, NULL, 'h'},
						{NULL, 0, NULL, 0}};
	bool json = false;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'h') {
			print_help();
			return EXIT_OK;
		}
		if (option != 'j')
			return EXIT_USAGE;
		json = true;
	}
	if (optind != argc) {
		report("cpuid: takes no arguments");
		return EXIT_USAGE;
	}
	if (json)
		print_json();
	else
		print_text();
	return EXIT_OK;
}
