/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A program that runs a kernel in a virtual machine of its own, by the library libhypike-vmm:
 *
 *     cc embed.c $(pkg-config --cflags --libs hypike-vmm) -o embed && ./embed kernel.elf
 *
 * The status is the guest's, or one of vmm/README.md's from 200 on.
 */
#include <hypike/vmm.h>
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	const char *trouble;

	if (argc != 2) {
		fprintf(stderr, "Usage: %s KERNEL\n", argv[0]);
		return 2;
	}
	trouble = hypike_vmm_unavailable();
	if (trouble != NULL) {
		fprintf(stderr, "%s: no virtual machines by KVM: %s\n", argv[0], trouble);
		return 1;
	}
	trouble = hypike_vmm_file("kernel", argv[1]);
	if (trouble != NULL) {
		fprintf(stderr, "%s: %s: %s\n", argv[0], argv[1], trouble);
		return 1;
	}
	hypike_vmm_console(STDIN_FILENO, STDOUT_FILENO);
	return hypike_vmm_run("--memory 64M --kernel kernel");
}
