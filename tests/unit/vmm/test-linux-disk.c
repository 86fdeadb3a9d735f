/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Disks of the platform `linux`, in real files.
 *
 * @verifies VMM-605 VMM-606
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <hypike/vmm.h>

#include "vmm/platform.h"
#include "vmm/platform/linux/linux.h"

#define SECTORS 64u
#define SIZE	(SECTORS * 512u - 100u)

static char directory[] = "/tmp/test-linux-disk-XXXXXX";
static uint8_t content[SECTORS * 512];
static uint8_t block[8192] __attribute__((aligned(4096)));

static void write_file(const char *name, const void *data, size_t size)
{
	const int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, size), size);
	close(fd);
}

static int setup(void **state)
{
	(void)state;
	for (size_t i = 0; i < SIZE; i++)
		content[i] = (uint8_t)(i * 13 + i / 512);
	write_file("disk", content, SIZE);
	unlink("overlay");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	linux_disks_close();
	return 0;
}

static struct platform_disk open_disk(unsigned int flags, const char *overlay)
{
	struct platform_disk disk;

	linux_disks_close();
	assert_null(hypike_vmm_disk("d", "disk", flags, overlay));
	assert_true(platform_disk("d", &disk));
	assert_int_equal(disk.size, SIZE);
	return disk;
}

static void assert_sector(const struct platform_disk *disk, uint64_t sector, const uint8_t *wanted)
{
	assert_true(platform_disk_read(disk, sector * 512, block, 512));
	assert_memory_equal(block, wanted, 512);
}

static void assert_file(const char *name, size_t where, uint8_t byte)
{
	const int fd = open(name, O_RDONLY);
	uint8_t found = 0;

	assert_int_equal(pread(fd, &found, 1, (off_t)where), 1);
	assert_int_equal(found, byte);
	close(fd);
}

static void a_disk_is_read_and_written(void **state)
{
	struct platform_disk disk = open_disk(HYPIKE_VMM_DISK_WRITE, NULL);

	(void)state;
	assert_true(disk.writable);
	for (uint64_t i = 0; i < SECTORS; i++) /* the last one ends with zeros */
		assert_sector(&disk, i, content + i * 512);
	memset(block, 0xee, 1024);
	assert_true(platform_disk_write(&disk, 5 * 512, block, 1024));
	assert_true(platform_disk_flush(&disk));
	assert_file("disk", 5 * 512, 0xee);
	assert_file("disk", 7 * 512 - 1, 0xee);
	assert_file("disk", 7 * 512, content[7 * 512]);
}

static void what_is_not_on_the_disk_is_refused(void **state)
{
	struct platform_disk disk = open_disk(HYPIKE_VMM_DISK_WRITE, NULL);

	(void)state;
	assert_false(platform_disk_read(&disk, (SECTORS - 1) * 512, block, 1024));
	assert_false(platform_disk_read(&disk, UINT64_MAX - 511, block, 512));
	assert_false(platform_disk_read(&disk, 100, block, 512));
	assert_false(platform_disk_write(&disk, SECTORS * 512, block, 512));
	disk = open_disk(0, NULL);
	assert_false(disk.writable);
	assert_false(platform_disk_write(&disk, 0, block, 512));
	assert_true(platform_disk_flush(&disk));
}

static void odd_transfers_go_without_O_DIRECT(void **state)
{
	struct platform_disk disk = open_disk(HYPIKE_VMM_DISK_WRITE | HYPIKE_VMM_DISK_DIRECT, NULL);

	(void)state;
	assert_true(platform_disk_read(&disk, 0, block, 4096));
	assert_memory_equal(block, content, 4096);
	assert_sector(&disk, 3, content + 3 * 512);
	memset(block, 0x55, 4096);
	assert_true(platform_disk_write(&disk, 4096, block, 4096));
	assert_true(platform_disk_flush(&disk));
	memset(block, 0x66, 512);
	assert_true(platform_disk_write(&disk, 512, block, 512));
	assert_file("disk", 4096, 0x55);
	assert_file("disk", 512, 0x66);
}

static void an_overlay_leaves_the_disk_alone(void **state)
{
	struct platform_disk disk = open_disk(0, "overlay");
	uint8_t mine[512];

	(void)state;
	memset(mine, 0x77, sizeof(mine));
	assert_true(disk.writable);
	assert_true(platform_disk_write(&disk, 9 * 512, mine, 512));
	assert_sector(&disk, 8, content + 8 * 512);
	assert_sector(&disk, 9, mine);
	assert_true(platform_disk_read(&disk, 8 * 512, block, 3 * 512)); /* there and back */
	assert_memory_equal(block + 512, mine, 512);
	assert_memory_equal(block + 1024, content + 10 * 512, 512);
	assert_file("disk", 9 * 512, content[9 * 512]);
	disk = open_disk(0, "overlay"); /* it goes on */
	assert_sector(&disk, 9, mine);
	assert_sector(&disk, 10, content + 10 * 512);
}

static void an_overlay_of_something_else_is_refused(void **state)
{
	(void)state;
	open_disk(0, "overlay");
	linux_disks_close();
	write_file("disk", content + 1, SIZE - 1);
	assert_string_equal(hypike_vmm_disk("d", "disk", 0, "overlay"),
			    "this is no overlay of that disk");
	write_file("disk", content + 1, SIZE);
	assert_string_equal(hypike_vmm_disk("d", "disk", 0, "overlay"),
			    "the disk has changed since this overlay was begun");
	write_file("overlay", "hello", 5);
	assert_string_equal(hypike_vmm_disk("d", "disk", 0, "overlay"),
			    "this is no overlay of that disk");
}

static void what_was_not_flushed_is_not_torn(void **state)
{
	struct platform_disk disk = open_disk(0, "overlay");
	uint8_t saved[SECTORS * 512 + 4096];
	uint8_t mine[512];

	(void)state;
	memset(mine, 1, sizeof(mine));
	assert_true(platform_disk_write(&disk, 0, mine, 512));
	assert_true(platform_disk_flush(&disk));
	memset(mine, 2, sizeof(mine));
	assert_true(platform_disk_write(&disk, 512, mine, 512));
	/* The machine goes down here: this is what is in the file. */
	const int fd = open("overlay", O_RDONLY);
	const ssize_t size = read(fd, saved, sizeof(saved));
	close(fd);
	linux_disks_close();
	write_file("overlay", saved, (size_t)size);
	disk = open_disk(0, "overlay");
	memset(mine, 1, sizeof(mine));
	assert_sector(&disk, 0, mine);
	assert_sector(&disk, 1, content + 512);
}

static void one_writer_or_many_readers(void **state)
{
	(void)state;
	assert_null(hypike_vmm_disk("a", "disk", 0, NULL));
	assert_null(hypike_vmm_disk("b", "disk", 0, NULL));
	assert_null(hypike_vmm_disk("c", "disk", 0, "overlay"));
	assert_non_null(hypike_vmm_disk("d", "disk", HYPIKE_VMM_DISK_WRITE, NULL));
	assert_non_null(hypike_vmm_disk("e", "disk", 0, "overlay"));
	linux_disks_close();
	assert_null(hypike_vmm_disk("a", "disk", HYPIKE_VMM_DISK_WRITE, NULL));
	assert_non_null(hypike_vmm_disk("b", "disk", 0, NULL));
}

static void what_is_no_disk_is_refused(void **state)
{
	struct platform_disk disk;

	(void)state;
	assert_string_equal(hypike_vmm_disk("d", "nowhere", 0, NULL), "No such file or directory");
	assert_non_null(hypike_vmm_disk("d", "/dev/null", 0, NULL));
	assert_non_null(hypike_vmm_disk("d", ".", 0, NULL));
	assert_false(platform_disk("d", &disk));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_disk_is_read_and_written, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_not_on_the_disk_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(odd_transfers_go_without_O_DIRECT, setup, teardown),
		cmocka_unit_test_setup_teardown(an_overlay_leaves_the_disk_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(an_overlay_of_something_else_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(what_was_not_flushed_is_not_torn, setup, teardown),
		cmocka_unit_test_setup_teardown(one_writer_or_many_readers, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_no_disk_is_refused, setup, teardown),
	};

	if (!mkdtemp(directory) || chdir(directory) != 0)
		return 1;
	const int failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink("disk");
	unlink("overlay");
	return rmdir(directory) != 0 || failed;
}
