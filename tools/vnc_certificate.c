/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A key and a certificate for one run, by GnuTLS, which neatvnc brings along: in memory files that end with the
 * process, so nothing is left behind, and nobody else can read them.
 *
 * @req VMM-642 Where a password is wanted and no certificate is given, one is made for the run, and its SHA-256
 *              fingerprint is said; its key is in no file system.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "tools/vnc.h"

#define DAY	    (24 * 60 * 60)
#define LIFE_DAYS   3650 /* longer than any run */
#define SERIAL_SIZE 16u
#define HASH_SIZE   32u

/** Puts a text into a file of its own. @return its descriptor, or less than 0 */
static int memory_file(const char *name, const gnutls_datum_t *text)
{
	const int fd = memfd_create(name, MFD_CLOEXEC);

	if (fd < 0 || write(fd, text->data, text->size) == (ssize_t)text->size)
		return fd;
	close(fd);
	errno = ENOMEM;
	return -1;
}

/** Who is called `localhost`, as viewers reach a port of 127.0.0.1, or a socket that is forwarded there. */
static int describe(gnutls_x509_crt_t crt, gnutls_x509_privkey_t key)
{
	static const unsigned char address[] = {127, 0, 0, 1};
	unsigned char serial[SERIAL_SIZE];
	const time_t now = time(NULL);
	int error = gnutls_rnd(GNUTLS_RND_NONCE, serial, sizeof(serial));

	serial[0] = (serial[0] & 0x7fu) | 0x40u; /* positive (RFC 5280, 4.1.2.2) */
	error = error ? error : gnutls_x509_crt_set_version(crt, 3);
	error = error ? error : gnutls_x509_crt_set_serial(crt, serial, sizeof(serial));
	error = error ? error : gnutls_x509_crt_set_activation_time(crt, now - DAY);
	error = error ? error : gnutls_x509_crt_set_expiration_time(crt, now + (time_t)LIFE_DAYS * DAY);
	error = error ? error : gnutls_x509_crt_set_dn(crt, "CN=localhost", NULL);
	error = error ? error
		      : gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_DNSNAME, "localhost", 9,
							     GNUTLS_FSAN_SET);
	error = error ? error
		      : gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_IPADDRESS, address,
							     sizeof(address), GNUTLS_FSAN_APPEND);
	error = error ? error : gnutls_x509_crt_set_basic_constraints(crt, 0, -1);
	error = error ? error
		      : gnutls_x509_crt_set_key_usage(crt, GNUTLS_KEY_DIGITAL_SIGNATURE);
	error = error ? error : gnutls_x509_crt_set_key_purpose_oid(crt, GNUTLS_KP_TLS_WWW_SERVER, 0);
	error = error ? error : gnutls_x509_crt_set_key(crt, key);
	return error ? error : gnutls_x509_crt_sign2(crt, crt, key, GNUTLS_DIG_SHA256, 0);
}

static int say_fingerprint(gnutls_x509_crt_t crt, char text[VNC_FINGERPRINT])
{
	unsigned char hash[HASH_SIZE];
	size_t size = sizeof(hash);
	const int error = gnutls_x509_crt_get_fingerprint(crt, GNUTLS_DIG_SHA256, hash, &size);

	_Static_assert(VNC_FINGERPRINT == 3 * HASH_SIZE, "two digits and what parts them, or the end");
	for (unsigned int i = 0; i < HASH_SIZE; i++)
		snprintf(text + 3 * i, 4, i + 1 < HASH_SIZE ? "%02X:" : "%02X", hash[i]);
	return error;
}

/** Both as files, and the fingerprint. */
static int fill(struct vnc_certificate *to, gnutls_x509_crt_t crt, gnutls_x509_privkey_t key)
{
	gnutls_datum_t key_text = {NULL, 0}, crt_text = {NULL, 0};
	int error = gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA,
						 GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);

	error = error ? error : describe(crt, key);
	error = error ? error : say_fingerprint(crt, to->fingerprint);
	error = error ? error : gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, &key_text);
	error = error ? error : gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &crt_text);
	if (error == 0) {
		to->key = memory_file("vnc-key", &key_text);
		to->certificate = memory_file("vnc-certificate", &crt_text);
		error = to->key < 0 || to->certificate < 0 ? GNUTLS_E_FILE_ERROR : 0;
	}
	if (key_text.data != NULL)
		gnutls_memset(key_text.data, 0, key_text.size);
	gnutls_free(key_text.data);
	gnutls_free(crt_text.data);
	return error;
}

const char *vnc_certificate(struct vnc_certificate *certificate)
{
	gnutls_x509_privkey_t key = NULL;
	gnutls_x509_crt_t crt = NULL;
	int error = gnutls_x509_privkey_init(&key);

	*certificate = (struct vnc_certificate){.key = -1, .certificate = -1};
	error = error ? error : gnutls_x509_crt_init(&crt);
	error = error ? error : fill(certificate, crt, key);
	gnutls_x509_crt_deinit(crt);
	gnutls_x509_privkey_deinit(key);
	return error == 0 ? NULL : gnutls_strerror(error);
}
