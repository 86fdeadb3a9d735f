/* SPDX-License-Identifier: BSD-2-Clause */
/* The VMM's platform in a Linux process: threads, console, files, memory. */
#define _GNU_SOURCE
#include "vmm/platform.h"

#include <errno.h>
#include <fcntl.h>
#include <hypike/vmm.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmm/platform/linux/linux.h"

hv_status_t linux_status(int error)
{
	switch (error) {
	case EINVAL:
		return HV_E_INVALID;
	case ENOMEM:
		return HV_E_NOMEM;
	case EFAULT:
		return HV_E_FAULT;
	case EEXIST:
		return HV_E_EXISTS;
	case ENOENT:
		return HV_E_NOENT;
	case EBUSY:
		return HV_E_BUSY;
	case EPERM:
	case EACCES:
		return HV_E_DENIED;
	case ENOSPC:
	case EMFILE:
		return HV_E_FULL;
	default:
		return HV_E_UNSUPPORTED;
	}
}

/* ----------------------------------------------------------------------------------------- threads */

/** Signals to the process are the first thread's. */
static int start(const char *name, void *(*entry)(void *arg), void *arg, pthread_t *thread)
{
	/* What a thread does itself is nobody else's; blocked, it would end the process without a handler. */
	static const int own[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS, LINUX_KICK};
	sigset_t all, before;

	sigfillset(&all);
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		sigdelset(&all, own[i]);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	const int error = pthread_create(thread, NULL, entry, arg);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (error == 0)
		pthread_setname_np(*thread, name);
	return error;
}

int linux_thread(const char *name, void *(*entry)(void *arg), void *arg)
{
	pthread_t thread;
	const int error = start(name, entry, arg, &thread);

	return error == 0 ? pthread_detach(thread) : error;
}

int linux_thread_whole(const char *name, void *(*entry)(void *arg), void *arg)
{
	pthread_t thread;
	const int error = start(name, entry, arg, &thread);

	return error == 0 ? pthread_join(thread, NULL) : error;
}

/* ----------------------------------------------------------------------------------------- console */

static struct {
	int input, output;
} console = {-1, -1};

void hypike_vmm_console(int input, int output)
{
	console.input = input;
	console.output = output;
}

int linux_console_input(void)
{
	return console.input;
}

/** What cannot be written is lost: the guest isn't to wait for a terminal that nobody reads. */
void platform_console_write(const void *text, size_t size)
{
	const char *from = text;

	linux_attached_write(text, size);
	while (size > 0 && console.output >= 0) {
		const ssize_t n = write(console.output, from, size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		from += n;
		size -= (size_t)n;
	}
}

size_t platform_console_read(void *text, size_t size)
{
	struct pollfd look = {.fd = console.input, .events = POLLIN};

	/* The descriptor is shared with others, so it isn't made non-blocking. */
	if (console.input < 0 || poll(&look, 1, 0) != 1)
		return linux_attached_read(text, size);
	const ssize_t n = read(console.input, text, size);
	return n > 0 ? (size_t)n : linux_attached_read(text, size);
}

/* --------------------------------------------------------------------------------------- files */

#define FILES 64u

static struct {
	char *name;
	struct platform_file file;
} files[FILES];
static unsigned int file_count;

static const char *map_file(int fd, struct platform_file *file)
{
	struct stat stat;

	if (fstat(fd, &stat) != 0)
		return strerror(errno);
	if (!S_ISREG(stat.st_mode))
		return "not a regular file";
	file->size = (uint64_t)stat.st_size;
	file->data = "";
	if (file->size == 0)
		return NULL;
	void *data = mmap(NULL, (size_t)file->size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (data == MAP_FAILED)
		return strerror(errno);
	file->data = data;
	return NULL;
}

const char *hypike_vmm_file(const char *name, const char *path)
{
	struct platform_file file;

	if (file_count == FILES)
		return "too many files";
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return strerror(errno);
	const char *why = map_file(fd, &file);
	close(fd);
	if (why)
		return why;
	files[file_count].name = strdup(name);
	if (!files[file_count].name)
		return strerror(ENOMEM);
	files[file_count++].file = file;
	return NULL;
}

void linux_files_forget(void)
{
	for (unsigned int i = 0; i < file_count; i++) {
		const struct platform_file *file = &files[i].file;
		madvise((void *)(uintptr_t)file->data, (size_t)file->size, MADV_DONTNEED);
	}
}

bool platform_file(const char *name, struct platform_file *file)
{
	for (unsigned int i = 0; i < file_count; i++) {
		if (strcmp(files[i].name, name) == 0) {
			*file = files[i].file;
			return true;
		}
	}
	return false;
}

/* ------------------------------------------------------------------------------------------ memory */

static void *map_memory(uint64_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return memory != MAP_FAILED ? memory : NULL;
}

/** Only what the guest touches takes memory of the host's. */
void *platform_guest_memory(uint64_t size)
{
	uint64_t room;

	if (!hv_add_ok(size, HV_2M, &room) || size > platform_guest_memory_limit())
		return NULL;
	uint8_t *memory = map_memory(room);
	if (!memory)
		return NULL;
	memory += -(uintptr_t)memory & (HV_2M - 1);
	madvise(memory, size, MADV_HUGEPAGE);
	madvise(memory, size, MADV_DONTFORK);
	return memory;
}

void *platform_memory(uint64_t size)
{
	return map_memory(size);
}

/** As much as the machine has. */
uint64_t platform_guest_memory_limit(void)
{
	return (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* ----------------------------------------------------------- what only partitions of HyPike have */

hv_status_t platform_port_open(const char name[PV_NAME_SIZE], struct pv_port_info *info)
{
	(void)name;
	(void)info;
	return HV_E_NOENT;
}

hv_status_t platform_port_status(uint32_t port, struct pv_port_status *status)
{
	(void)port;
	(void)status;
	return HV_E_NOENT;
}

hv_status_t platform_port_bind(uint32_t port, uint8_t signal)
{
	(void)port;
	(void)signal;
	return HV_E_NOENT;
}

hv_status_t platform_sampling_write(uint32_t port, const void *message, uint64_t size)
{
	(void)port;
	(void)message;
	(void)size;
	return HV_E_NOENT;
}

hv_status_t platform_sampling_read(uint32_t port, void *message, uint64_t room,
				   struct pv_sample *sample)
{
	(void)port;
	(void)message;
	(void)room;
	(void)sample;
	return HV_E_NOENT;
}

hv_status_t platform_queuing_send(uint32_t port, const void *message, uint64_t size)
{
	(void)port;
	(void)message;
	(void)size;
	return HV_E_NOENT;
}

int64_t platform_queuing_receive(uint32_t port, void *message, uint64_t room)
{
	(void)port;
	(void)message;
	(void)room;
	return HV_E_NOENT;
}

hv_status_t platform_queuing_clear(uint32_t port)
{
	(void)port;
	return HV_E_NOENT;
}

const char *platform_args(void)
{
	return "";
}
