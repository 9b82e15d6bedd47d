/* The load generator of `make bench`: bounded numbers of SMTP, POP3 and IMAP sessions against a server on loopback.

   load MODE key=value ...      modes: smtp pop3 imap idle
     host= port= tls=0|1  n=sessions  c=threads  size=octets (smtp)  login=user%d@example.test  users=N  pass=
     hold=seconds (idle: how long the logged-in connections stay before they are closed)

   Prints one JSON line: done, failed, seconds, p50_ms, p99_ms, bytes. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static const char *mode, *host = "127.0.0.1", *login = "user%d@example.test", *pass = "";
static int port, use_tls, sessions = 100, threads = 1, size = 4096, users = 1, hold = 5;
static SSL_CTX *tls;
static atomic_int next_session, failed, connected;
static atomic_llong received;
static double *latency;

typedef struct {
  int fd;
  SSL *ssl;
  char buffer[65536];
  int start, end;
} Peer;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

static int fill(Peer *p) {
  if (p->start == p->end) p->start = p->end = 0;
  if (p->end == (int)sizeof p->buffer) {
    memmove(p->buffer, p->buffer + p->start, p->end - p->start);
    p->end -= p->start;
    p->start = 0;
  }
  int room = (int)sizeof p->buffer - p->end;
  if (room <= 0) return -1;
  int got = p->ssl ? SSL_read(p->ssl, p->buffer + p->end, room) : (int)recv(p->fd, p->buffer + p->end, room, 0);
  if (got <= 0) return -1;
  p->end += got;
  received += got;
  return 0;
}

static int put(Peer *p, const char *text, int length) {
  while (length > 0) {
    int sent = p->ssl ? SSL_write(p->ssl, text, length) : (int)send(p->fd, text, length, MSG_NOSIGNAL);
    if (sent <= 0) return -1;
    text += sent;
    length -= sent;
  }
  return 0;
}

static int say(Peer *p, const char *text) { return put(p, text, (int)strlen(text)); }

/* One line without its end into line; -1 at the end of input or when it does not fit. */
static int line_in(Peer *p, char *line, int room) {
  for (;;) {
    char *found = memchr(p->buffer + p->start, '\n', p->end - p->start);
    if (found) {
      int length = (int)(found - (p->buffer + p->start));
      int kept = length < room - 1 ? length : room - 1;
      memcpy(line, p->buffer + p->start, kept);
      line[kept > 0 && line[kept - 1] == '\r' ? kept - 1 : kept] = 0;
      p->start += length + 1;
      return 0;
    }
    if (fill(p)) return -1;
  }
}

static int open_peer(Peer *p) {
  memset(p, 0, offsetof(Peer, buffer));
  p->start = p->end = 0;
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
  inet_pton(AF_INET, host, &to.sin_addr);
  p->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int one = 1;
  struct timeval limit = {30, 0};
  setsockopt(p->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  setsockopt(p->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  if (connect(p->fd, (struct sockaddr *)&to, sizeof to)) return -1;
  if (use_tls) {
    p->ssl = SSL_new(tls);
    SSL_set_fd(p->ssl, p->fd);
    if (SSL_connect(p->ssl) != 1) return -1;
  }
  return 0;
}

static void close_peer(Peer *p) {
  if (p->ssl) {
    SSL_shutdown(p->ssl);
    SSL_free(p->ssl);
  }
  if (p->fd >= 0) close(p->fd);
}

static int smtp_reply(Peer *p) {
  char line[1024];
  do
    if (line_in(p, line, sizeof line)) return -1;
  while (strlen(line) > 3 && line[3] == '-');
  return atoi(line);
}

static int smtp(Peer *p, int i) {
  char text[512], user[256], *body;
  if (smtp_reply(p) != 220 || say(p, "EHLO load.example.test\r\n") || smtp_reply(p) != 250) return -1;
  snprintf(user, sizeof user, login, i % users);
  int length = snprintf(text, sizeof text, "MAIL FROM:<load%d@sender.test>\r\nRCPT TO:<%s>\r\nDATA\r\n", i % 1000, user);
  if (put(p, text, length) || smtp_reply(p) != 250 || smtp_reply(p) != 250 || smtp_reply(p) != 354) return -1;
  body = malloc(size + 1024);
  length = sprintf(body, "From: load <load%d@sender.test>\r\nTo: <%s>\r\nSubject: message %d\r\n"
                         "Date: Sun, 22 Nov 2026 12:00:00 +0000\r\nMessage-ID: <%d.%ld@sender.test>\r\n\r\n",
                   i % 1000, user, i, i, (long)getpid());
  while (length < size) length += sprintf(body + length, "line %07d of a message that only measures things\r\n", length);
  length += sprintf(body + length, ".\r\n");
  int result = put(p, body, length) || smtp_reply(p) != 250 || say(p, "QUIT\r\n") || smtp_reply(p) != 221;
  free(body);
  return result;
}

static int pop3_ok(Peer *p, char *line, int room) { return line_in(p, line, room) || strncmp(line, "+OK", 3); }

static int pop3(Peer *p, int i) {
  char line[4096], text[512], user[256];
  int count = 0;
  snprintf(user, sizeof user, login, i % users);
  snprintf(text, sizeof text, "USER %s\r\n", user);
  if (pop3_ok(p, line, sizeof line) || say(p, text) || pop3_ok(p, line, sizeof line)) return -1;
  snprintf(text, sizeof text, "PASS %s\r\n", pass);
  if (say(p, text) || pop3_ok(p, line, sizeof line)) return -1;
  if (say(p, "STAT\r\n") || pop3_ok(p, line, sizeof line)) return -1;
  sscanf(line, "+OK %d", &count);
  for (int m = 1; m <= count; m++) {
    snprintf(text, sizeof text, "RETR %d\r\n", m);
    if (say(p, text) || pop3_ok(p, line, sizeof line)) return -1;
    do
      if (line_in(p, line, sizeof line)) return -1;
    while (strcmp(line, "."));
  }
  return count == 0 || say(p, "QUIT\r\n") || pop3_ok(p, line, sizeof line);
}

static int imap_done(Peer *p, const char *tag) {
  char line[4096];
  size_t length = strlen(tag);
  do
    if (line_in(p, line, sizeof line)) return -1;
  while (strncmp(line, tag, length));
  return strncmp(line + length, " OK", 3);
}

static int imap_login(Peer *p, int i) {
  char line[4096], text[512], user[256];
  snprintf(user, sizeof user, login, i % users);
  snprintf(text, sizeof text, "a LOGIN %s %s\r\n", user, pass);
  return line_in(p, line, sizeof line) || say(p, text) || imap_done(p, "a") || say(p, "b SELECT INBOX\r\n") ||
         imap_done(p, "b");
}

static int imap(Peer *p, int i) { return imap_login(p, i) || say(p, "c LOGOUT\r\n") || imap_done(p, "c"); }

static int idle(Peer *p, int i) {
  char line[4096];
  if (imap_login(p, i) || say(p, "d IDLE\r\n") || line_in(p, line, sizeof line) || line[0] != '+') return -1;
  connected++;
  return 0;
}

static void *worker(void *unused) {
  (void)unused;
  Peer *p = malloc(sizeof *p);
  int is_idle = !strcmp(mode, "idle"), keeps = 0, *fds = is_idle ? calloc(sessions, sizeof *fds) : NULL;
  for (int i; (i = next_session++) < sessions;) {
    double begin = now();
    int bad = open_peer(p);
    if (!bad) bad = !strcmp(mode, "smtp") ? smtp(p, i) : !strcmp(mode, "pop3") ? pop3(p, i) : is_idle ? idle(p, i) : imap(p, i);
    if (bad) failed++;
    latency[i] = now() - begin;
    if (is_idle && !bad)
      fds[keeps++] = p->fd; /* the TLS state is given up: nothing more is read on it */
    else
      close_peer(p);
  }
  if (is_idle) {
    while (connected + failed < sessions) usleep(10000);
    sleep(hold);
    for (int k = 0; k < keeps; k++) close(fds[k]);
  }
  free(fds);
  free(p);
  return NULL;
}

static int by_value(const void *a, const void *b) {
  double left = *(const double *)a, right = *(const double *)b;
  return (left > right) - (left < right);
}

int main(int argc, char **argv) {
  if (argc < 3) return fprintf(stderr, "usage: load smtp|pop3|imap|idle port=N [key=value ...]\n"), 2;
  mode = argv[1];
  for (int i = 2; i < argc; i++) {
    char *value = strchr(argv[i], '=');
    if (!value) return fprintf(stderr, "load: %s is no key=value\n", argv[i]), 2;
    *value++ = 0;
    const char *key = argv[i];
    if (!strcmp(key, "host")) host = value;
    else if (!strcmp(key, "login")) login = value;
    else if (!strcmp(key, "pass")) pass = value;
    else if (!strcmp(key, "port")) port = atoi(value);
    else if (!strcmp(key, "tls")) use_tls = atoi(value);
    else if (!strcmp(key, "n")) sessions = atoi(value);
    else if (!strcmp(key, "c")) threads = atoi(value);
    else if (!strcmp(key, "size")) size = atoi(value);
    else if (!strcmp(key, "users")) users = atoi(value);
    else if (!strcmp(key, "hold")) hold = atoi(value);
    else return fprintf(stderr, "load: unknown key %s\n", key), 2;
  }
  if (strncmp(host, "127.", 4) || sessions < 1 || sessions > 100000 || threads < 1 || threads > 512)
    return fprintf(stderr, "load: loopback only, at most 100000 sessions and 512 threads\n"), 2;
  signal(SIGPIPE, SIG_IGN);
  alarm(600);
  tls = SSL_CTX_new(TLS_client_method());
  latency = calloc(sessions, sizeof *latency);
  pthread_t *pool = calloc(threads, sizeof *pool);
  double begin = now(), accepted = 0;
  for (int i = 0; i < threads; i++) pthread_create(&pool[i], NULL, worker, NULL);
  if (!strcmp(mode, "idle")) {
    while (connected + failed < sessions) usleep(10000);
    accepted = now() - begin;
    printf("{\"connected\": %d, \"failed\": %d, \"seconds\": %.3f}\n", (int)connected, (int)failed, accepted);
    fflush(stdout);
  }
  for (int i = 0; i < threads; i++) pthread_join(pool[i], NULL);
  double seconds = now() - begin;
  qsort(latency, sessions, sizeof *latency, by_value);
  printf("{\"done\": %d, \"failed\": %d, \"seconds\": %.3f, \"p50_ms\": %.3f, \"p99_ms\": %.3f, \"bytes\": %lld}\n",
         sessions - (int)failed, (int)failed, seconds, latency[sessions / 2] * 1e3, latency[sessions * 99 / 100] * 1e3,
         (long long)received);
  return failed ? 1 : 0;
}
