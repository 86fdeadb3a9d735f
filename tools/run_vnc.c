/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `hypike run --vnc` and `--screenshot`. What they need of libraries is in a file of its own (hypike-vnc.so), which is
 * loaded for them alone: other runs start no later and take no more memory.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <hypike/vmm.h>

#include "tools/run.h"
#include "tools/vnc.h"

static bool confine(void)
{
	return hypike_vmm_confine(HYPIKE_VMM_DISPLAY);
}

typedef const char *vnc_start_t(const char *where, const struct vnc_machine *machine,
				const struct vnc_access *access);

/** A function of the module. @return NULL after report() */
static void *module_function(const char *name)
{
	void *module = dlopen(path_of_part("tools/hypike-vnc.so"), RTLD_NOW | RTLD_LOCAL);
	void *function = module != NULL ? dlsym(module, name) : NULL;

	if (function == NULL)
		report("the display: %s", dlerror());
	return function;
}

/** The first line of a file that nobody else can read. @return NULL after report() */
static char *read_password(const char *path)
{
	struct stat stat_of;
	struct bytes file;

	if (stat(path, &stat_of) == 0 && (stat_of.st_mode & 077) != 0) {
		report("--vnc: %s: others have access to it (its mode is to be 0600)", path);
		return NULL;
	}
	if (!file_read(path, &file))
		return NULL;
	char *password = string_format("%.*s", (int)file.size, (const char *)file.data);
	password[strcspn(password, "\r\n")] = '\0';
	free(file.data);
	if (*password != '\0')
		return password;
	report("--vnc: %s: its first line is to be a password", path);
	return NULL;
}

/** ,password-file=FILE[,key=FILE,cert=FILE] behind the place, which is cut off there. @return false after report() */
static bool take_access(char *options, struct vnc_access *access)
{
	const char *password_file = NULL, **const to[] = {&password_file, &access->key, &access->certificate};
	char *const names[] = {"password-file", "key", "cert", NULL};
	char *value;

	while (*options != '\0') {
		const char *word = options;
		const int i = getsubopt(&options, names, &value);
		if (i < 0 || value == NULL)
			return report("--vnc: %s: there are password-file=FILE, key=FILE and cert=FILE", word);
		*to[i] = value;
	}
	if (password_file == NULL || (access->key == NULL) != (access->certificate == NULL))
		return report("--vnc: give password-file=, and where a certificate is there, both key= and cert=; "
			      "`hypike run --help' tells more");
	access->password = read_password(password_file);
	return access->password != NULL;
}

/** A password without a certificate: one for this run. Its user may compare what the viewer shows. */
static bool make_certificate(struct vnc_access *access, struct vnc_certificate *certificate)
{
	const char *(*make)(struct vnc_certificate *);

	*(void **)&make = module_function("vnc_certificate");
	if (make == NULL)
		return false;
	const char *wrong = make(certificate);
	if (wrong != NULL)
		return report("--vnc: a certificate could not be made: %s", wrong);
	access->key = string_format("/proc/self/fd/%d", certificate->key);
	access->certificate = string_format("/proc/self/fd/%d", certificate->certificate);
	fprintf(stderr, "hypike: the display's certificate has the SHA-256 fingerprint\nhypike: %s\n",
		certificate->fingerprint);
	return true;
}

bool run_vnc(const char *option, const struct operations *operations)
{
	static struct vnc_machine machine;
	static struct vnc_access access;
	struct vnc_certificate made = {.key = -1, .certificate = -1};
	vnc_start_t *start;

	if (option == NULL)
		return true;
	char *where = string_copy(option);
	char *comma = strchr(where, ',');
	if (comma != NULL) {
		*comma = '\0';
		if (!take_access(comma + 1, &access) ||
		    (access.key == NULL && !make_certificate(&access, &made)))
			return false;
	}
	machine = (struct vnc_machine){operations->screen_size, operations->screen_draw, operations->key,
				       operations->mouse, confine};
	*(void **)&start = module_function("vnc_start");
	if (start == NULL)
		return false;
	const char *wrong = start(where, &machine, comma != NULL ? &access : NULL);
	close(made.key);
	close(made.certificate);
	return wrong == NULL || report("--vnc %s: %s", option, wrong);
}

bool png_save(const char *what, const char *path, const uint32_t *pixels, unsigned int width, unsigned int height)
{
	const char *(*write)(const char *, const uint32_t *, unsigned int, unsigned int) =
		(const char *(*)(const char *, const uint32_t *, unsigned int, unsigned int))
			module_function("png_write");

	if (write == NULL)
		return false;
	const char *wrong = write(path, pixels, width, height);
	return wrong == NULL || report("%s %s: %s", what, path, wrong);
}

bool run_screenshot(const char *path, const struct operations *operations)
{
	unsigned int width, height, first, end;
	uint32_t *pixels;

	if (path == NULL || !operations->screen_size(&width, &height))
		return true;
	pixels = calloc((size_t)width * height, sizeof(*pixels));
	if (pixels == NULL)
		return report("--screenshot %s: too little memory", path);
	operations->screen_draw(pixels, width, height, &first, &end);
	const bool done = png_save("--screenshot", path, pixels, width, height);
	free(pixels);
	return done;
}
