/* SPDX-License-Identifier: BSD-2-Clause */
#include "guests/dummy/syscall.h"

#include "guests/dummy/assert.h"
#include "guests/dummy/process.h"
#include "guests/dummy/rt.h"
#include "guests/dummy/timer.h"
#include "lib/string.h"
#include "lib/x86/cpu.h"

#define WRITE_MAX 256

void syscall_entry(void); /* in switch.S */
void syscall_fast(struct trap_frame *frame);

static bool user_page_ok(uint64_t la)
{
	uint64_t entry;

	return la >= USER_START && la < USER_END &&
	       paging_translate(sched_current()->root, la, NULL, &entry) && (entry & PTE_US) != 0;
}

/* Copies from the process; its pages can't change meanwhile, as no other thread has them. */
static bool copy_from_user(void *dst, uint64_t la, uint64_t size)
{
	if (la + size < la)
		return false;
	for (uint64_t page = la & ~(SIZE_4K - 1); page < la + size; page += SIZE_4K) {
		if (!user_page_ok(page))
			return false;
	}
	if (cpu_features.smap)
		stac();
	memcpy(dst, (const void *)la, size);
	if (cpu_features.smap)
		clac();
	return true;
}

static int64_t sys_exit(const struct trap_frame *f)
{
	sched_exit(&(struct thread_end){.status = (int64_t)f->rdi});
}

static int64_t sys_write(const struct trap_frame *f)
{
	char text[WRITE_MAX];

	if (f->rsi > sizeof(text))
		return SYS_E_ARGUMENT;
	if (!copy_from_user(text, f->rdi, f->rsi))
		return SYS_E_ADDRESS;
	print("# [%u] %.*s\n", sched_current()->id, (int)f->rsi, text);
	return (int64_t)f->rsi;
}

static int64_t sys_yield(const struct trap_frame *f)
{
	(void)f;
	sched_yield();
	return 0;
}

static int64_t sys_getid(const struct trap_frame *f)
{
	(void)f;
	return sched_current()->id;
}

static int64_t sys_cpu(const struct trap_frame *f)
{
	(void)f;
	return cpu_index();
}

static int64_t sys_ticks(const struct trap_frame *f)
{
	(void)f;
	return (int64_t)timer_ticks();
}

static int64_t sys_sleep(const struct trap_frame *f)
{
	sched_sleep(f->rdi);
	return 0;
}

static int64_t sys_map(const struct trap_frame *f)
{
	if (f->rdi < USER_START || f->rdi >= USER_END || (f->rdi & (SIZE_4K - 1)) != 0)
		return SYS_E_ADDRESS;

	uint64_t page = page_alloc();

	if (paging_map(sched_current()->root, f->rdi, page, SIZE_4K, PTE_US | PTE_RW | PTE_XD))
		return 0;
	page_free(page);
	return SYS_E_EXISTS;
}

static int64_t sys_unmap(const struct trap_frame *f)
{
	uint64_t page;

	if (f->rdi == USER_SHARED || !user_page_ok(f->rdi))
		return SYS_E_ADDRESS;
	paging_translate(sched_current()->root, f->rdi & ~(SIZE_4K - 1), &page, NULL);
	paging_unmap(sched_current()->root, f->rdi);
	page_free(page);
	return 0;
}

static int64_t sys_set_fs(const struct trap_frame *f)
{
	if (!la48_is_canonical(f->rdi))
		return SYS_E_ADDRESS;
	sched_current()->fs_base = f->rdi;
	wrmsr(IA32_FS_BASE, f->rdi);
	return 0;
}

static int64_t (*const calls[SYS_COUNT])(const struct trap_frame *) = {
	[SYS_EXIT] = sys_exit,	 [SYS_WRITE] = sys_write, [SYS_YIELD] = sys_yield,
	[SYS_GETID] = sys_getid, [SYS_CPU] = sys_cpu,	  [SYS_TICKS] = sys_ticks,
	[SYS_SLEEP] = sys_sleep, [SYS_MAP] = sys_map,	  [SYS_UNMAP] = sys_unmap,
	[SYS_SET_FS] = sys_set_fs,
};

/* Of what runs in ring 3 only a process may call: not try_call_user(). */
static int64_t dispatch(const struct trap_frame *f)
{
	return f->rax < SYS_COUNT && sched_current()->user ? calls[f->rax](f) : SYS_E_NUMBER;
}

static bool by_interrupt(struct trap_frame *f, void *ctx)
{
	(void)ctx;
	f->rax = (uint64_t)dispatch(f);
	return true;
}

/* SYSRET to an address that is not canonical would fault in ring 0 on the user's stack on Intel. */
void syscall_fast(struct trap_frame *f)
{
	PARANOID_CHECK((read_rflags() & (RFLAGS_IF | RFLAGS_DF)) == 0);
	f->rax = (uint64_t)dispatch(f);
	if (!la48_is_canonical(f->rip))
		sched_exit(&(struct thread_end){.faulted = true, .vector = X86_GP});
}

void syscall_init(void)
{
	trap_register(TRAP_SYSCALL, by_interrupt, NULL);
}

void syscall_init_cpu(void)
{
	/* SYSRET takes CS = base + 16, SS = base + 8 for 64-bit code (SDM vol. 2, SYSRET) */
	uint64_t sysret_base = USER_CS32, syscall_base = KERNEL_CS;

	wrmsr(IA32_STAR, sysret_base << 48 | syscall_base << 32);
	wrmsr(IA32_LSTAR, (uintptr_t)syscall_entry);
	wrmsr(IA32_FMASK, RFLAGS_IF | RFLAGS_TF | RFLAGS_DF | RFLAGS_AC | RFLAGS_NT);
	wrmsr(IA32_EFER, rdmsr(IA32_EFER) | EFER_SCE);
}
