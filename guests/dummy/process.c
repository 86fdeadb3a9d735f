/* SPDX-License-Identifier: BSD-2-Clause */
#include "guests/dummy/process.h"

#include "guests/dummy/rt.h"
#include "lib/elf.h"
#include "lib/string.h"
#include "lib/x86/cpu.h"

static uint64_t shared_page;

/* An exception in a process ends it; those of ring 0, and of try_call_user(), are not ours. */
static bool process_fault(struct trap_frame *f, void *ctx)
{
	(void)ctx;
	if (!trap_from_user(f) || !sched_current()->user)
		return false;
	sched_exit(&(struct thread_end){.faulted = true,
					.vector = (unsigned)f->vector,
					.error = f->error,
					.address = read_cr2()});
}

void process_init(void)
{
	for (unsigned v = 0; v < TRAP_EXCEPTIONS; v++) {
		if (v != X86_NMI && v != X86_DF && v != X86_MC)
			trap_register(v, process_fault, NULL);
	}
	shared_page = page_alloc();
}

volatile uint64_t *process_clear_shared(void)
{
	memset((void *)shared_page, 0, PAGE_SIZE);
	return (volatile uint64_t *)shared_page;
}

bool initramfs_find(const char *name, struct cpio_file *file)
{
	const struct boot_info *boot = boot_info();

	return boot->modules_count > 0 && cpio_find((const void *)boot->modules[0].start,
						    boot->modules[0].size, name, file);
}

static bool header_good(const Elf64_Ehdr *e, size_t size)
{
	return size >= sizeof(*e) && memcmp(e->e_ident, ELFMAG, SELFMAG) == 0 &&
	       e->e_ident[EI_CLASS] == ELFCLASS64 && e->e_machine == EM_X86_64 &&
	       e->e_type == ET_EXEC && e->e_phentsize == sizeof(Elf64_Phdr) &&
	       e->e_phoff <= size &&
	       (size - e->e_phoff) / sizeof(Elf64_Phdr) >= e->e_phnum;
}

static bool segment_good(const Elf64_Phdr *p, size_t size)
{
	return p->p_offset <= size && p->p_filesz <= size - p->p_offset &&
	       p->p_filesz <= p->p_memsz && p->p_vaddr >= USER_START && p->p_vaddr < USER_END &&
	       p->p_memsz <= USER_END - p->p_vaddr;
}

static uint64_t rights_of(const Elf64_Phdr *p)
{
	return PTE_US | ((p->p_flags & PF_W) != 0 ? PTE_RW : 0) |
	       ((p->p_flags & PF_X) != 0 ? 0 : PTE_XD);
}

/* Segments start on pages of their own (the link editor was told so): no page has two. */
static bool load_segment(uint64_t root, const Elf64_Phdr *p, const uint8_t *file)
{
	uint64_t start = p->p_vaddr & ~(SIZE_4K - 1), end = p->p_vaddr + p->p_memsz;

	for (uint64_t la = start; la < end; la += PAGE_SIZE) {
		uint64_t page = page_alloc();
		uint64_t from = la > p->p_vaddr ? la : p->p_vaddr;
		uint64_t to = la + PAGE_SIZE < p->p_vaddr + p->p_filesz ? la + PAGE_SIZE
									 : p->p_vaddr + p->p_filesz;

		if (!paging_map(root, la, page, SIZE_4K, rights_of(p))) {
			page_free(page);
			return false;
		}
		if (from < to)
			memcpy((uint8_t *)page + (from - la),
			       file + p->p_offset + (from - p->p_vaddr), to - from);
	}
	return true;
}

static bool load_program(uint64_t root, const struct cpio_file *file)
{
	const Elf64_Ehdr *e = (const void *)file->data;

	if (!header_good(e, file->size))
		return false;

	const Elf64_Phdr *p = (const void *)(file->data + e->e_phoff);

	for (unsigned i = 0; i < e->e_phnum; i++) {
		if (p[i].p_type == PT_LOAD && p[i].p_memsz != 0 &&
		    (!segment_good(&p[i], file->size) || !load_segment(root, &p[i], file->data)))
			return false;
	}
	return true;
}

static bool map_stack(uint64_t root)
{
	for (unsigned i = 1; i <= USER_STACK_PAGES; i++) {
		if (!paging_map(root, USER_STACK_TOP - i * SIZE_4K, page_alloc(), SIZE_4K,
				PTE_US | PTE_RW | PTE_XD))
			return false;
	}
	return true;
}

/* Its page belongs to all: bit 9, which the CPU ignores, keeps it from being freed with one. */
static bool map_shared(uint64_t root)
{
	return paging_map(root, USER_SHARED, shared_page, SIZE_4K,
			  PTE_US | PTE_RW | PTE_XD | PTE_BORROWED);
}

struct thread *process_start(const char *program, const uint64_t args[3], unsigned cpu)
{
	struct cpio_file file;

	if (!initramfs_find(program, &file))
		return NULL;

	uint64_t root = paging_new_space();
	struct thread *t = NULL;

	if (load_program(root, &file) && map_stack(root) && map_shared(root)) {
		/* as after a call: the stack is 8 below a multiple of 16 */
		t = sched_create_user(root, ((const Elf64_Ehdr *)(const void *)file.data)->e_entry,
				      USER_STACK_TOP - 8, args, cpu);
	}
	if (t == NULL)
		paging_free_space(root);
	else
		sched_start(t);
	return t;
}

bool process_run(const char *program, uint64_t arg0, uint64_t arg1, uint64_t ticks,
		 struct thread_end *end)
{
	struct thread *t = process_start(program, (const uint64_t[]){arg0, arg1, 0}, cpu_index());

	return t != NULL && sched_join(t, ticks, end);
}
