/* SPDX-License-Identifier: BSD-2-Clause */
#include "examples/game.h"

#include <hypike/sys.h>

#include "lib/printf.h"
#include "lib/string.h"

void print(const char *format, ...)
{
	char text[128];
	va_list args;
	int length;

	va_start(args, format);
	length = lib_vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	hypike_console_write(text, (size_t)length < sizeof(text) ? (size_t)length
								 : sizeof(text) - 1);
}

long argument(const char *name, long otherwise)
{
	const char *at = strstr(hypike_info()->args, name);
	long value = 0;

	if (at == NULL || at[strlen(name)] != '=')
		return otherwise;
	for (at += strlen(name) + 1; *at >= '0' && *at <= '9'; at++)
		value = value * 10 + (*at - '0');
	return value;
}

void must(RETURN_CODE_TYPE code, const char *what)
{
	if (code == NO_ERROR)
		return;
	print("%s: return code %d\n", what, (int)code);
	hypike_exit(1);
}

void start_periodic(const char *name, void (*entry)(void))
{
	PROCESS_ATTRIBUTE_TYPE attributes = {
		.PERIOD = OWN_PERIOD,
		.TIME_CAPACITY = OWN_PERIOD,
		.ENTRY_POINT = (SYSTEM_ADDRESS_TYPE)(uintptr_t)entry,
		.STACK_SIZE = DEFAULT_STACK_SIZE,
		.BASE_PRIORITY = 10,
		.DEADLINE = SOFT,
	};
	PARTITION_STATUS_TYPE partition;
	PROCESS_ID_TYPE id;
	RETURN_CODE_TYPE code;

	memcpy(attributes.NAME, name, strnlen(name, MAX_NAME_LENGTH));
	GET_PARTITION_STATUS(&partition, &code);
	must(code, "GET_PARTITION_STATUS");
	if (partition.PERIOD != INFINITE_TIME_VALUE)
		attributes.PERIOD = attributes.TIME_CAPACITY = partition.PERIOD;
	CREATE_PROCESS(&attributes, &id, &code);
	must(code, "CREATE_PROCESS");
	START(id, &code);
	must(code, "START");
}
