// SPDX-License-Identifier: Apache-2.0
/*
 * https serve ADDRESS PORT CERTIFICATE KEY: answers each request with 1000 bytes over TLS, one connection after another.
 * https ask RESOLVER NAME ADDRESS PORT COUNT kept|new: asks the resolver for the name, as a program would, then sends
 * COUNT requests, over one connection or each over one of its own; prints what one took, in nanoseconds.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "bench.h"

enum { REQUEST = 200, ANSWER = 1000 };

static struct sockaddr_in place(const char *address, const char *port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(atoi(port)) };

	require(inet_pton(AF_INET, address, &to.sin_addr) == 1, "address");
	return to;
}

static void no_delay(int fd)
{
	int one = 1;

	require(!setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)), "TCP_NODELAY");
}

static int read_all(SSL *ssl, char *data, int size)
{
	for (int have = 0, got; have < size; have += got) {
		got = SSL_read(ssl, data + have, size - have);
		if (got <= 0)
			return 0;
	}
	return 1;
}

static int serve(char **words)
{
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());
	struct sockaddr_in at = place(words[0], words[1]);
	int listener = socket(AF_INET, SOCK_STREAM, 0), one = 1, fd;
	char data[ANSWER] = "";

	require(SSL_CTX_use_certificate_file(context, words[2], SSL_FILETYPE_PEM) == 1 &&
			SSL_CTX_use_PrivateKey_file(context, words[3], SSL_FILETYPE_PEM) == 1,
		"certificate");
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	require(!bind(listener, (struct sockaddr *)&at, sizeof(at)), "bind");
	require(!listen(listener, 128), "listen");
	puts("ready");
	fflush(stdout);
	while ((fd = accept(listener, NULL, NULL)) >= 0) {
		SSL *ssl = SSL_new(context);

		no_delay(fd);
		SSL_set_fd(ssl, fd);
		if (SSL_accept(ssl) == 1)
			while (read_all(ssl, data, REQUEST) && SSL_write(ssl, data, ANSWER) == ANSWER)
				;
		SSL_free(ssl);
		close(fd);
	}
	return 1;
}

/* A plain query for an A record; waits for the answer. */
static void look_up(const char *resolver, const char *name)
{
	unsigned char query[300] = { 0, 7, 1, 0, 0, 1 }, answer[512];
	struct sockaddr_in to = place(resolver, "53");
	int fd = socket(AF_INET, SOCK_DGRAM, 0), size = 12;

	while (*name) {
		int length = strcspn(name, ".");

		query[size++] = length;
		memcpy(query + size, name, length);
		size += length;
		name += length + (name[length] == '.');
	}
	memcpy(query + size, "\0\0\1\0\1", 5);
	require(!connect(fd, (struct sockaddr *)&to, sizeof(to)), "connect to the resolver");
	require(send(fd, query, size + 5, 0) == size + 5, "ask");
	require(recv(fd, answer, sizeof(answer), 0) > size, "the resolver's answer");
	close(fd);
}

static SSL *begin(SSL_CTX *context, const struct sockaddr_in *to, const char *name)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	SSL *ssl = SSL_new(context);

	require(!connect(fd, (const struct sockaddr *)to, sizeof(*to)), "connect");
	no_delay(fd);
	SSL_set_fd(ssl, fd);
	SSL_set_tlsext_host_name(ssl, name);
	require(SSL_connect(ssl) == 1, "TLS");
	return ssl;
}

static void end(SSL *ssl)
{
	int fd = SSL_get_fd(ssl);

	SSL_free(ssl);
	close(fd);
}

static void request(SSL *ssl)
{
	char data[ANSWER] = "";

	require(SSL_write(ssl, data, REQUEST) == REQUEST && read_all(ssl, data, ANSWER), "request");
}

static int ask(char **words)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	struct sockaddr_in to = place(words[2], words[3]);
	int is_kept = !strcmp(words[5], "kept");
	struct turns turns;
	SSL *ssl = NULL;

	look_up(words[0], words[1]);
	if (is_kept)
		ssl = begin(context, &to, words[1]);
	turns_begin(&turns, atol(words[4]));
	for (long i = 0; i < turns.count; i++) {
		uint64_t start = now(CLOCK_MONOTONIC);

		if (!is_kept)
			ssl = begin(context, &to, words[1]);
		request(ssl);
		if (!is_kept)
			end(ssl);
		turns.took[i] = now(CLOCK_MONOTONIC) - start;
	}
	turns_report(&turns);
	return 0;
}

int main(int argc, char **argv)
{
	signal(SIGPIPE, SIG_IGN);
	if (argc == 6 && !strcmp(argv[1], "serve"))
		return serve(argv + 2);
	if (argc == 8 && !strcmp(argv[1], "ask"))
		return ask(argv + 2);
	return 64;
}
