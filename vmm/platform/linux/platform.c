/* SPDX-License-Identifier: BSD-2-Clause */
/* The VMM's platform in a Linux process: time, locks, threads, console, files, memory. */
#define _GNU_SOURCE
#include "vmm/platform.h"

#include <errno.h>
#include <fcntl.h>
#include <hypike/vmm.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "vmm/platform/linux/linux.h"

#define NS UINT64_C(1000000000)

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

/* -------------------------------------------------------------------------------------------- time */

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * NS + (uint64_t)now.tv_nsec;
}

static uint64_t time_start;    /* atomic; 0: not known yet */
static uint64_t time_standing; /* atomic: what platform_time() stands at, + 1; 0: it goes */

uint64_t linux_time_start(void)
{
	uint64_t seen = __atomic_load_n(&time_start, __ATOMIC_RELAXED);

	if (seen == 0) {
		seen = clock_ns(CLOCK_MONOTONIC);
		__atomic_store_n(&time_start, seen, __ATOMIC_RELAXED);
	}
	return seen;
}

uint64_t platform_time(void)
{
	const uint64_t standing = __atomic_load_n(&time_standing, __ATOMIC_ACQUIRE);

	if (standing != 0)
		return standing - 1;
	const uint64_t start = linux_time_start();
	return clock_ns(CLOCK_MONOTONIC) - start;
}

void linux_time_stop(void)
{
	__atomic_store_n(&time_standing, platform_time() + 1, __ATOMIC_RELEASE);
}

void linux_time_go(void)
{
	__atomic_store_n(&time_start, clock_ns(CLOCK_MONOTONIC) - platform_time(), __ATOMIC_RELAXED);
	__atomic_store_n(&time_standing, 0, __ATOMIC_RELEASE);
}

bool linux_time_stands(void)
{
	return __atomic_load_n(&time_standing, __ATOMIC_ACQUIRE) != 0;
}

uint64_t platform_epoch(void)
{
	return (clock_ns(CLOCK_REALTIME) - platform_time()) / NS;
}

/* ------------------------------------------------------------------------------------------- locks */

static void futex(uint32_t *word, int what, uint32_t value)
{
	syscall(SYS_futex, word, what | FUTEX_PRIVATE_FLAG, value, NULL, NULL, 0);
}

/** While anybody waits the state is 2, so that unlocking wakes (U. Drepper, "Futexes Are Tricky"). */
void platform_mutex_lock_slow(struct platform_mutex *mutex)
{
	while (__atomic_exchange_n(&mutex->state, 2, __ATOMIC_ACQUIRE) != 0)
		futex(&mutex->state, FUTEX_WAIT, 2);
}

void platform_mutex_wake(struct platform_mutex *mutex)
{
	futex(&mutex->state, FUTEX_WAKE, 1);
}

/* ----------------------------------------------------------------------------------------- threads */

static struct {
	void (*entry)(void *arg);
	void *arg;
} starts[HV_MAX_VCPUS];

static void *thread_main(void *arg)
{
	const unsigned int index = (unsigned int)(uintptr_t)arg;

	hypike_vmm_confine(HYPIKE_VMM_VCPU);
	starts[index].entry(starts[index].arg);
	return NULL;
}

/** Signals to the process are the first thread's. */
static int start(const char *name, void *(*entry)(void *arg), void *arg, pthread_t *thread)
{
	sigset_t all, before;

	sigfillset(&all);
	sigdelset(&all, SIGSEGV);
	sigdelset(&all, SIGBUS);
	sigdelset(&all, LINUX_KICK);
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

hv_status_t platform_vcpu_thread(unsigned int index, void (*entry)(void *arg), void *arg)
{
	char name[] = "vcpu 00";

	if (index >= HV_MAX_VCPUS)
		return HV_E_INVALID;
	starts[index].entry = entry;
	starts[index].arg = arg;
	name[5] = (char)('0' + index / 10);
	name[6] = (char)('0' + index % 10);
	const int error = linux_thread(name, thread_main, (void *)(uintptr_t)index);
	return error == 0 ? HV_OK : linux_status(error);
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
