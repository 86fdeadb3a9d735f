/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the command asks for is noted by the link's thread and done by another: that one waits for the machine's lock,
 * which somebody may hold who waits for the link. It puts its answers into a buffer, and goes on when that has been
 * sent, so that a slow line costs the machine nothing but the time to look at its rows.
 *
 * @req VMM-652 A machine on HyPike is controlled by the command that has booted it: its power button, reset, keys and
 *              mouse, its statistics, and its screen, of which the rows that have changed are sent.
 */
#include "vmm/platform/hypike/link_control.h"

#include <hypike/link_control.h>

#include "lib/pixels.h"
#include "lib/string.h"
#include "vmm/counters.h"
#include "vmm/escape.h"
#include "vmm/machine/machine.h"
#include "vmm/main.h"
#include "vmm/platform/hypike/link.h"
#include "vmm/summary.h"

#define STACK_SIZE 16384u
/** Answers that wait for the line. All statistics fit in, and some rows. */
#define ROOM	  24576u
#define RESERVE	  256u
#define BIT_WORK  UINT64_C(1)
#define INPUTS	  64u		      /* keys and motions; a power of two */
#define HOLD_ROWS 16u		      /* looked at while the machine's lock is held */
#define PATIENCE  UINT64_C(90000000000) /* ns, till the last picture is sent */
/** Bytes of a row's messages. */
#define ROW_MOST                                                                                   \
	(2 * (sizeof(struct link_header) + sizeof(struct link_rows) + PIXELS_CODE(LINK_ROW_PIXELS)))

_Static_assert(DISPLAY_MAX_WIDTH <= 2 * LINK_ROW_PIXELS, "two messages a row");
_Static_assert(sizeof(struct link_rows) + PIXELS_CODE(LINK_ROW_PIXELS) <= LINK_MAX, "a message");
_Static_assert(ROW_MOST <= ROOM, "a row");

struct input {
	uint8_t kind; /**< LINK_COMMAND, LINK_KEY, LINK_MOTION */
	union {
		uint8_t command;
		struct link_key key;
		struct link_motion motion;
	};
};

/** All there is of it, in memory that a VM without a link doesn't have. */
struct control {
	hypike_thread_t thread;
	/* From the link's thread to this one; atomic. */
	uint32_t head, tail;
	uint32_t ask_stats, ask_screen, last;
	struct input input[INPUTS];
	/* The way back: whoever may, says so by `full`. */
	uint32_t full;
	size_t size, sent;
	uint8_t out[ROOM];
	/* Of the picture: what was sent of it. */
	bool drawing; /**< rows from `row` on are to be looked at */
	uint32_t row;
	struct display_size shown;
	uint8_t *before; /**< messages of the row before this one, in `out`; NULL: none */
	uint64_t hash[DISPLAY_MAX_HEIGHT];
	uint32_t line[DISPLAY_MAX_WIDTH];
	uint8_t code[PIXELS_CODE(LINK_ROW_PIXELS)];
	uint32_t closing; /**< the machine has ended; atomic */
	bool final;	  /**< since then a picture has been begun */
	uint32_t over;	  /**< and been sent; atomic */
	uint8_t stack[STACK_SIZE] __attribute__((aligned(16)));
};

static struct control *control;

/* ------------------------------------------------------------------------------- on the link's thread */

static void work(void)
{
	hypike_notify(control->thread, BIT_WORK);
}

/** There is no room: it is lost. */
static bool note(const struct input *input)
{
	if (control == NULL)
		return false;
	if (control->head - __atomic_load_n(&control->tail, __ATOMIC_ACQUIRE) < INPUTS) {
		control->input[control->head % INPUTS] = *input;
		__atomic_store_n(&control->head, control->head + 1, __ATOMIC_RELEASE);
	}
	work();
	return true;
}

bool link_control_command(uint8_t number, const uint8_t *payload, size_t size)
{
	(void)number;
	return size == 1 && note(&(struct input){.kind = LINK_COMMAND, .command = payload[0]});
}

bool link_control_key(uint8_t number, const uint8_t *payload, size_t size)
{
	struct input input = {.kind = LINK_KEY};

	(void)number;
	if (size != sizeof(input.key))
		return false;
	memcpy(&input.key, payload, sizeof(input.key));
	return note(&input);
}

bool link_control_motion(uint8_t number, const uint8_t *payload, size_t size)
{
	struct input input = {.kind = LINK_MOTION};

	(void)number;
	if (size != sizeof(input.motion))
		return false;
	memcpy(&input.motion, payload, sizeof(input.motion));
	return note(&input);
}

static bool wanted(uint32_t *what)
{
	__atomic_store_n(what, 1, __ATOMIC_RELEASE);
	work();
	return true;
}

bool link_control_ask_stats(uint8_t number, const uint8_t *payload, size_t size)
{
	(void)number;
	(void)payload;
	return control != NULL && size == 0 && wanted(&control->ask_stats);
}

bool link_control_ask_screen(uint8_t number, const uint8_t *payload, size_t size)
{
	(void)number;
	(void)payload;
	return control != NULL && size == 0 && wanted(&control->ask_screen);
}

bool link_control_last(uint8_t number, const uint8_t *payload, size_t size)
{
	(void)number;
	(void)payload;
	return control != NULL && size == 0 && wanted(&control->last);
}

/** A message of those that wait. */
bool link_control_pump(void)
{
	struct link_header header;

	if (control == NULL || !__atomic_load_n(&control->full, __ATOMIC_ACQUIRE))
		return false;
	memcpy(&header, control->out + control->sent, sizeof(header));
	control->sent += sizeof(header);
	link_send(header.kind, 0, control->out + control->sent, header.size, NULL, 0);
	control->sent += header.size;
	if (control->sent < control->size)
		return true;
	control->sent = control->size = 0;
	__atomic_store_n(&control->full, 0, __ATOMIC_RELEASE);
	work();
	return false;
}

/* ------------------------------------------------------------------------------ on this thread: answers */

/** Put a message in two pieces into the buffer. Who has all in it knows that there is room. */
static uint8_t *put(uint8_t kind, const void *head, size_t head_size, const void *data, size_t size)
{
	const struct link_header header = {(uint16_t)(head_size + size), kind, 0};
	uint8_t *to = control->out + control->size;

	if (sizeof(header) + header.size > ROOM - control->size)
		return NULL;
	memcpy(to, &header, sizeof(header));
	if (head_size > 0)
		memcpy(to + sizeof(header), head, head_size);
	if (size > 0)
		memcpy(to + sizeof(header) + head_size, data, size);
	control->size += sizeof(header) + header.size;
	return to + sizeof(header);
}

/** Of statistics; what ends them always has room. */
static void put_named(uint8_t kind, const void *head, size_t head_size, const char *name)
{
	const size_t length = strlen(name);

	if (ROOM - control->size < RESERVE)
		return;
	put(kind, head, head_size, name, length < LINK_NAME_MAX ? length : LINK_NAME_MAX);
}

static void put_device(void *ctx, const struct counted *counted)
{
	char name[LINK_NAME_MAX + 1];

	(void)ctx;
	summary_device_name(counted, name, sizeof(name));
	put_named(LINK_DEVICE, NULL, 0, name);
	for (unsigned int i = 0; i < counted->counters; i++)
		put_named(LINK_COUNTER, &counted->counter[i].value, sizeof(uint64_t), counted->counter[i].name);
}

static void put_stats(struct vm *vm)
{
	struct hv_stats sum;

	platform_mutex_lock(&vm->lock);
	summary_collect(vm, &sum);
	const struct link_stats stats = {sum.entries, sum.injected, vm->restarts, platform_time() - vm->started,
					 vm->entered - vm->started};
	for (unsigned int i = 0; i < HV_EXIT_KINDS; i++) {
		const struct link_exits exits = {sum.settled[i], sum.handed[i]};
		if (exits.driver + exits.vmm > 0)
			put_named(LINK_EXITS, &exits, sizeof(exits), summary_exit_name(i));
	}
	counters_each(vm, put_device, NULL);
	platform_mutex_unlock(&vm->lock);
	put(LINK_STATS, &stats, sizeof(stats), NULL, 0);
}

/* --------------------------------------------------------------------------------------- the picture */

static uint64_t hash_of(const uint32_t *line, uint32_t width)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a, by pixels */

	for (uint32_t i = 0; i < width; i++)
		hash = (hash ^ line[i]) * UINT64_C(0x100000001b3);
	return hash | 1; /* 0: none was sent */
}

/** A row with the same pixels as the one before, which was sent just now: another of the same. */
static void again(uint8_t *messages)
{
	struct link_rows rows;
	uint8_t *at = messages;

	while (at < control->out + control->size) {
		struct link_header header;
		memcpy(&rows, at, sizeof(rows));
		memcpy(&header, at - sizeof(header), sizeof(header));
		rows.rows++;
		memcpy(at, &rows, sizeof(rows));
		at += header.size + sizeof(header);
	}
}

static void put_row(void)
{
	uint8_t *const code = control->code;
	const struct display_size size = control->shown;

	control->before = NULL;
	for (uint32_t column = 0; column < size.width; column += LINK_ROW_PIXELS) {
		const uint32_t left = size.width - column;
		const uint32_t columns = left < LINK_ROW_PIXELS ? left : LINK_ROW_PIXELS;
		const struct link_rows rows = {(uint16_t)size.width, (uint16_t)size.height, (uint16_t)control->row, 1,
					       (uint16_t)column, (uint16_t)columns};
		uint8_t *message = put(LINK_ROWS, &rows, sizeof(rows), code,
				       pixels_encode(control->line + column, columns, code));
		if (control->before == NULL)
			control->before = message;
	}
}

static void look_at_row(const struct display *display)
{
	uint64_t *hash = &control->hash[control->row];

	display_row(display, control->row, control->line);
	const uint64_t now = hash_of(control->line, control->shown.width);
	if (now == *hash)
		control->before = NULL;
	else if (control->before != NULL && now == hash[-1])
		again(control->before);
	else
		put_row();
	*hash = now;
	control->row++;
}

static void end_picture(bool whole)
{
	const struct link_screen screen = {(uint16_t)control->shown.width, (uint16_t)control->shown.height, whole};

	put(LINK_SCREEN, &screen, sizeof(screen), NULL, 0);
	control->drawing = false;
}

static void begin_picture(const struct display_size *size)
{
	if (size->width != control->shown.width || size->height != control->shown.height)
		memset(control->hash, 0, sizeof(control->hash));
	control->shown = *size;
	control->row = 0;
	control->drawing = true;
}

/** Some rows, with the lock held. @return whether there may be more */
static bool look(struct vm *vm)
{
	const struct display *display = vm->machine->display();
	const struct display_size size = display_size(display);
	const uint32_t end = control->row + HOLD_ROWS;

	if (size.width != control->shown.width || size.height != control->shown.height) {
		end_picture(false);
		return false;
	}
	while (control->row < size.height && control->row < end && ROOM - control->size >= 2 * ROW_MOST)
		look_at_row(display);
	if (control->row == size.height)
		end_picture(true);
	return control->drawing && ROOM - control->size >= 2 * ROW_MOST;
}

static void put_rows(struct vm *vm)
{
	bool more = true;

	control->before = NULL;
	while (more) {
		platform_mutex_lock(&vm->lock);
		more = look(vm);
		platform_mutex_unlock(&vm->lock);
	}
}

static void start_picture(struct vm *vm)
{
	platform_mutex_lock(&vm->lock);
	const struct display_size size = display_size(vm->machine->display());
	platform_mutex_unlock(&vm->lock);
	begin_picture(&size);
}

/* ------------------------------------------------------------------------------------------ the thread */

static void do_input(struct vm *vm, const struct input *input)
{
	const struct ps2_motion motion = {input->motion.x, input->motion.y, input->motion.wheel,
					  (uint8_t)input->motion.buttons};

	platform_mutex_lock(&vm->lock);
	if (input->kind == LINK_COMMAND)
		escape_key(vm, input->command);
	else if (input->kind == LINK_KEY)
		vm->machine->key(input->key.key, input->key.pressed != 0);
	else
		vm->machine->mouse(&motion);
	platform_mutex_unlock(&vm->lock);
}

static void do_inputs(struct vm *vm)
{
	while (control->tail != __atomic_load_n(&control->head, __ATOMIC_ACQUIRE)) {
		do_input(vm, &control->input[control->tail % INPUTS]);
		__atomic_store_n(&control->tail, control->tail + 1, __ATOMIC_RELEASE);
	}
}

static bool take_wish(uint32_t *what)
{
	return __atomic_exchange_n(what, 0, __ATOMIC_ACQ_REL) != 0;
}

/** The buffer is empty: what is wanted? */
static void answer(struct vm *vm)
{
	if (take_wish(&control->ask_stats))
		put_stats(vm);
	if (control->final && !control->drawing && control->size == 0) {
		__atomic_store_n(&control->over, 1, __ATOMIC_RELEASE);
		platform_wake();
	}
	if (!control->drawing && take_wish(&control->ask_screen)) {
		control->final = __atomic_load_n(&control->closing, __ATOMIC_ACQUIRE) != 0;
		start_picture(vm);
	}
	if (control->drawing)
		put_rows(vm);
	if (control->size == 0)
		return;
	__atomic_store_n(&control->full, 1, __ATOMIC_RELEASE);
	link_kick();
}

static void control_main(void *arg)
{
	uint64_t bits;

	(void)arg;
	for (;;) {
		hypike_wait(BIT_WORK, HYPIKE_FOREVER, &bits);
		struct vm *const vm = vmm_running();
		if (vm == NULL)
			continue; /* it was too early for that */
		do_inputs(vm);
		if (!__atomic_load_n(&control->full, __ATOMIC_ACQUIRE))
			answer(vm);
	}
}

/* ----------------------------------------------------------------------------------- beginning and end */

static bool start(void)
{
	const struct hypike_info *const info = hypike_info();
	const uint32_t cpu = (uint32_t)__builtin_ctzll(info->cpu_mask);

	return hypike_thread_create(control_main, NULL, control->stack, STACK_SIZE, info->priority, cpu,
				    &control->thread) == HV_OK;
}

void link_control_open(void)
{
	if (control != NULL || !link_open())
		return;
	control = platform_memory(sizeof(*control));
	if (control == NULL)
		return;
	memset(control, 0, sizeof(*control));
	if (!start())
		control = NULL;
}

void link_control_close(void)
{
	const uint64_t deadline = platform_time() + PATIENCE;

	if (control == NULL || vmm_running() == NULL || !link_up() || !take_wish(&control->last))
		return;
	__atomic_store_n(&control->closing, 1, __ATOMIC_RELEASE);
	wanted(&control->ask_screen);
	while (!__atomic_load_n(&control->over, __ATOMIC_ACQUIRE) && platform_time() < deadline)
		platform_wait(deadline);
}
