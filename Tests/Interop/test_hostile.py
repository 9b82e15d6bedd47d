"""Attacks (HOSTILE): each is made against the real server, and an honest client must not notice."""
import base64
import contextlib
import email
import imaplib
import os
import poplib
import re
import smtplib
import socket
import ssl
import statistics
import threading
import time
import unittest

from host import PASSWORD, Host

# The attacker's addresses; the honest client comes from 127.0.0.1.
ATTACKER = ("127.0.0.66", "127.0.0.67", "127.0.0.68", "127.0.0.69", "127.0.0.70", "127.0.0.71", "127.0.0.72")
SETTINGS = """\
limits: {exempt-networks: [], connections-per-address: 50, failed-logins-per-minute: 10, include-networks: []}
open-smtp: {include-networks: []}
"""
READY = {"smtp": b"220", "submission": b"220", "pop3": b"+OK", "imap": b"* OK"}


class Raw:
    """A client that sends what no client would."""

    def __init__(self, host, service, source=ATTACKER[0], greet=True):
        self.socket = socket.create_connection(("127.0.0.1", host.port[service]), timeout=10,
                                               source_address=(source, 0))
        self.file = self.socket.makefile("rb")
        self.greeting = self.line() if greet else b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.socket.close()

    def send(self, octets):
        """Sends as much as the server takes."""
        with contextlib.suppress(OSError):
            self.socket.sendall(octets)

    def line(self):
        """One line, empty at the end; silence for 10 s is a failure."""
        try:
            return self.file.readline(65_536)
        except ConnectionError:
            return b""

    def rest(self, seconds=10):
        """Everything until the server closes or stays silent."""
        self.socket.settimeout(seconds)
        found = b""
        with contextlib.suppress(OSError):
            while octets := self.socket.recv(65_536):
                found += octets
        return found

    def ask(self, line):
        self.send(line + b"\r\n")
        return self.line()

    def reply(self, line):
        """A whole SMTP reply."""
        answer = self.ask(line)
        last = answer
        while last[3:4] == b"-":
            last = self.line()
            answer += last
        return answer

    def starttls(self):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self.socket = context.wrap_socket(self.socket)
        self.file = self.socket.makefile("rb")


class Hostile(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.host = Host(SETTINGS).start()
        cls.addClassCleanup(cls.host.close)
        for number in range(5):
            cls.deliver(number)
        # What one of everything costs is not an attack's doing.
        cls.honest()
        cls.memory_before = cls.memory()

    @classmethod
    def deliver(cls, number, to="alice@example.test", source=("127.0.0.1", 0)):
        with smtplib.SMTP("127.0.0.1", cls.host.port["smtp"], timeout=10, source_address=source) as client:
            client.sendmail("friend@outside.test", [to], f"Subject: {number}\r\n\r\nHello.\r\n")

    @classmethod
    def honest(cls, limit=3.0):
        """A client of good manners is answered by every protocol; the seconds of the slowest."""
        slowest = 0.0
        begin = time.monotonic()
        with imaplib.IMAP4("127.0.0.1", cls.host.port["imap"], timeout=20) as client:
            client.login("bob%example.test", PASSWORD)
            client.select("INBOX")
        slowest = max(slowest, time.monotonic() - begin)
        begin = time.monotonic()
        client = poplib.POP3("127.0.0.1", cls.host.port["pop3"], timeout=20)
        client.user("bob%example.test")
        client.pass_(PASSWORD)
        client.quit()
        slowest = max(slowest, time.monotonic() - begin)
        begin = time.monotonic()
        cls.deliver("honest", "bob@example.test")
        slowest = max(slowest, time.monotonic() - begin)
        if slowest > limit:
            raise AssertionError(f"an honest client waited {slowest:.1f} s")
        return slowest

    @classmethod
    def memory(cls):
        """Resident MiB."""
        with open(f"/proc/{cls.host.process.pid}/status") as file:
            return int(re.search(r"VmRSS:\s+(\d+)", file.read()).group(1)) / 1024

    def cpu(self):
        """Seconds of CPU so far."""
        with open(f"/proc/{self.host.process.pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def tearDown(self):
        self.assertIsNone(self.host.process.poll(), "the server is down")

    # MARK: before login

    def test_lines_before_login(self):
        """A line without end before login is bounded, and ends in a refusal or a closed connection."""
        for service in READY:
            for octets in (b"A" * 4_000_000, b"a LOGIN " + b"(" * 1_000_000, b"\x00" * 1_000_000, b"a " * 1_000_000):
                with Raw(self.host, service) as attacker:
                    attacker.send(octets + b"\r\n")
                    answer = attacker.rest(0.7)
                    self.assertLess(len(answer), 65_536)
                    self.assertNotRegex(answer, rb"(?m)^(250|\+OK|a OK)")
        self.honest()

    def test_literals_before_login(self):
        """Literals before login: too large ones are refused before a `+`, and never run as commands."""
        for announcement in (b"{100000000}", b"{100000000+}", b"{4294967295}", b"{99999999999999999999}", b"{-1}", b"{8193}"):
            with Raw(self.host, "imap") as attacker:
                attacker.send(b"a LOGIN " + announcement + b"\r\n")
                answer = attacker.line()
                self.assertFalse(answer.startswith(b"+"), (announcement, answer))
                self.assertRegex(answer, rb"^(a (BAD|NO)|\* BYE)|^$", announcement)
                attacker.send(b"b CAPABILITY\r\n")
                after = attacker.rest(1)
                if announcement.endswith(b"+}"):
                    self.assertNotIn(b"b OK", after, "octets of a refused literal were run")

    def test_nonsense_before_login(self):
        """A few errors, then the end."""
        for service in READY:
            with Raw(self.host, service) as attacker:
                for _ in range(300):
                    attacker.send(b"x NONSENSE\r\n")
                answer = attacker.rest(5)
                self.assertLess(answer.count(b"\n"), 100, f"{service} answers nonsense for ever")

    def test_http(self):
        """A browser's request is not mail."""
        for service in READY:
            with Raw(self.host, service) as attacker:
                attacker.send(b"POST / HTTP/1.1\r\nHost: mail.example.test\r\nContent-Length: 200\r\n\r\n"
                              b"EHLO x\r\nMAIL FROM:<a@outside.test>\r\nRCPT TO:<alice@example.test>\r\nDATA\r\n"
                              b"Subject: smuggled by http\r\n\r\n.\r\nQUIT\r\n")
                attacker.rest(2)
        self.assertFalse([m for m in self.host.messages("alice") if b"smuggled by http" in m])

    # MARK: crowds

    def test_idle_connections_and_half_open_handshakes(self):
        """300 idle connections and 200 handshakes that never end: an honest client is answered within 3 s."""
        with contextlib.ExitStack() as stack:
            for number in range(300):
                service = ("smtp", "pop3", "imap")[number % 3]
                stack.enter_context(Raw(self.host, service, ATTACKER[number % len(ATTACKER)], greet=False))
            idle = self.honest()
            for number in range(200):
                attacker = stack.enter_context(
                    Raw(self.host, ("imaps", "pop3s", "submissions")[number % 3], ATTACKER[number % len(ATTACKER)],
                        greet=False))
                attacker.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
            half = self.honest()
        print(f"\n  honest client: {idle:.2f} s beside 300 idle, {half:.2f} s beside 200 half-open handshakes", end=" ")

    def test_slow_clients(self):
        """Octet by octet: nobody else waits, and the one who never ends a line does not stay for ever before login."""
        with contextlib.ExitStack() as stack:
            attackers = [stack.enter_context(Raw(self.host, ("smtp", "pop3", "imap")[n % 3], ATTACKER[n % 7]))
                         for n in range(60)]
            for _ in range(5):
                for attacker in attackers:
                    attacker.send(b"E")
            self.honest()

    def test_no_more_than_the_cap(self):
        """One address gets its 50 connections and not one more; another address is served."""
        with contextlib.ExitStack() as stack:
            greeted = 0
            for _ in range(60):
                client = stack.enter_context(Raw(self.host, "imap", "127.0.0.77"))
                greeted += client.greeting.startswith(b"* OK")
            self.assertLessEqual(greeted, 50)
            self.assertGreaterEqual(greeted, 20)
            self.honest()

    def test_client_that_does_not_read(self):
        """Whoever asks and does not read is not answered into memory."""
        before = self.memory()
        with socket.create_connection(("127.0.0.1", self.host.port["imap"]), source_address=(ATTACKER[1], 0)) as client:
            client.settimeout(2)
            with contextlib.suppress(OSError):
                for _ in range(200):
                    client.sendall(b"a CAPABILITY\r\n" * 1000)
        self.honest()
        self.assertLess(self.memory() - before, 32)

    # MARK: passwords

    def guess(self, service, name, password, source):
        """The answer to a wrong password and the seconds it took."""
        with Raw(self.host, service, source) as client:
            begin = time.monotonic()
            if service == "pop3":
                client.ask(b"USER " + name)
                answer = client.ask(b"PASS " + password)
            elif service == "imap":
                answer = client.ask(b"a LOGIN " + name + b" " + password)
            else:
                client.reply(b"EHLO x")
                token = base64.b64encode(b"\0" + name + b"\0" + password)
                answer = client.reply(b"AUTH PLAIN " + token)
            return answer, time.monotonic() - begin

    def test_brute_force(self):
        """Guesses are slowed per address, and the owner gets in within 20 s meanwhile."""
        checked, stopping = [0], threading.Event()

        def attack(source, service):
            while not stopping.is_set():
                with contextlib.suppress(OSError):
                    answer, _ = self.guess(service, b"alice%example.test", b"wrong%d" % checked[0], source)
                    checked[0] += bool(re.search(rb"-ERR|a NO|535", answer))

        threads = [threading.Thread(target=attack, args=("127.0.0.80", ("imap", "pop3", "submission")[n % 3]))
                   for n in range(6)]
        begin = time.monotonic()
        for thread in threads:
            thread.start()
        try:
            time.sleep(4)
            entered = time.monotonic()
            with imaplib.IMAP4("127.0.0.1", self.host.port["imap"], timeout=20) as client:
                client.login("alice%example.test", PASSWORD)
            waited = time.monotonic() - entered
        finally:
            stopping.set()
            for thread in threads:
                thread.join()
        rate = checked[0] / (time.monotonic() - begin)
        print(f"\n  {rate:.1f} guesses/s from one address, the owner waited {waited:.2f} s", end=" ")
        self.assertLess(waited, 20)
        self.assertLess(rate, 20)

    def test_users_are_not_told_apart(self):
        """Known or not: the same words, and the same time within 150 ms."""
        for number, service in enumerate(("imap", "pop3", "submission")):
            answers, times = {}, {}
            for kind, name in (("known", b"alice@example.test"), ("unknown", b"nobody@example.test"),
                               ("elsewhere", b"alice@nowhere.test")):
                found = [self.guess(service, name, b"wrong", f"127.{number + 1}.{len(times)}.{n + 100}")
                         for n in range(3)]
                answers[kind] = {answer for answer, _ in found}
                times[kind] = statistics.median(seconds for _, seconds in found)
            self.assertEqual(answers["known"], answers["unknown"], service)
            self.assertEqual(answers["known"], answers["elsewhere"], service)
            self.assertLess(max(times.values()) - min(times.values()), 0.15, (service, times))

    # MARK: TLS

    def test_starttls_injection(self):
        """CVE-2011-0411 and kin: what stands behind STARTTLS is never run, before or after the handshake."""
        for service, ask, ready, command in (
                ("smtp", b"STARTTLS", b"220", b"RSET\r\nNOOP\r\n"), ("pop3", b"STLS", b"+OK", b"CAPA\r\nNOOP\r\n"),
                ("imap", b"a STARTTLS", b"a OK", b"b CAPABILITY\r\nc NOOP\r\n")):
            with Raw(self.host, service) as attacker:
                if service == "smtp":
                    attacker.reply(b"EHLO x")
                attacker.send(ask + b"\r\n" + command)
                answer = attacker.line()
                self.assertTrue(answer.startswith(ready), answer)
                try:
                    attacker.starttls()
                except (OSError, ssl.SSLError):
                    continue  # closed: as good
                attacker.socket.settimeout(1)
                with self.assertRaises((TimeoutError, OSError), msg=f"{service} ran what was injected"):
                    if octets := attacker.socket.recv(1000):
                        self.fail(f"{service} answered {octets}")
                    raise OSError("closed")

    def test_no_state_from_before_tls(self):
        """MAIL before STARTTLS is forgotten behind it (RFC 3207 section 4.2)."""
        with Raw(self.host, "smtp") as client:
            client.reply(b"EHLO x")
            self.assertTrue(client.reply(b"MAIL FROM:<evil@outside.test>").startswith(b"250"))
            client.reply(b"STARTTLS")
            client.starttls()
            self.assertTrue(client.reply(b"RCPT TO:<alice@example.test>").startswith(b"503"))

    def test_old_tls(self):
        """RFC 8996: nothing below TLS 1.2."""
        for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            context.set_ciphers("ALL:@SECLEVEL=0")
            with self.assertWarns(DeprecationWarning):
                context.minimum_version = context.maximum_version = version
            for service in ("imaps", "pop3s", "submissions"):
                with Raw(self.host, service, greet=False) as client, self.assertRaises((ssl.SSLError, OSError)):
                    context.wrap_socket(client.socket)

    def test_garbage_for_a_handshake(self):
        for octets in (b"GET / HTTP/1.0\r\n\r\n", b"\x16\x03\x01\xff\xff" + b"\xff" * 70_000, os.urandom(4000), b"\x80" * 100):
            for service in ("imaps", "pop3s", "submissions"):
                with Raw(self.host, service, greet=False) as client:
                    client.send(octets)
                    self.assertNotIn(b"OK", client.rest(2))
        self.honest()

    # MARK: messages

    def test_smuggling(self):
        """CVE-2023-51764: only CRLF.CRLF ends a message; what hides behind another end is no second message."""
        ends = (b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r\n.\r", b"\r.\r\n", b"\n.\r", b"\r\n\x00.\r\n", b"\r\n.\x00\r\n",
                b"\r\n.\r\r\n", b"\n\n.\r\n", b"\r\n\r.\r\n")
        for number, end in enumerate(ends):
            with Raw(self.host, "smtp", ATTACKER[number % 7]) as attacker:
                attacker.reply(b"EHLO x")
                attacker.reply(b"MAIL FROM:<a@outside.test>")
                attacker.reply(b"RCPT TO:<alice@example.test>")
                attacker.reply(b"DATA")
                attacker.send(b"Subject: outer\r\n\r\nx" + end + b"MAIL FROM:<ceo@example.test>\r\n"
                              b"RCPT TO:<alice@example.test>\r\nDATA\r\nSubject: inner\r\n\r\nsmuggled\r\n.\r\nQUIT\r\n")
                answer = attacker.rest(3)
                self.assertEqual(answer.count(b"queued as") + answer.count(b"354"), answer.count(b"queued as"), (end, answer))
                self.assertLessEqual(answer.count(b"queued as"), 1, (end, answer))
        for text in self.host.messages("alice"):
            self.assertFalse(text.split(b"\r\n\r\n")[0].count(b"Subject: inner"), "a smuggled message was delivered")
            self.assertIsNone(re.search(rb"\r(?!\n)|(?<!\r)\n|\0", text), "bare line ends or NUL were stored")

    def test_refused_chunks_are_swallowed(self):
        """The octets of a refused BDAT are no commands."""
        with Raw(self.host, "smtp") as attacker:
            attacker.reply(b"EHLO x")
            inner = b"MAIL FROM:<ceo@example.test>\r\nRCPT TO:<alice@example.test>\r\nNOOP\r\n"
            attacker.send(b"BDAT %d LAST\r\n" % len(inner) + inner + b"QUIT\r\n")
            answer = attacker.rest(3)
            self.assertRegex(answer, rb"^50[23]", answer)
            self.assertLessEqual(answer.count(b"\n"), 2, answer)

    # MARK: other people's mail

    def login(self, user="bob"):
        client = imaplib.IMAP4("127.0.0.1", self.host.port["imap"], timeout=10)
        client.login(f"{user}%example.test", PASSWORD)
        return client

    def test_paths_in_mailbox_names(self):
        """No name leads out of the account's own folders."""
        data = f"{self.host.folder}/data"
        before = sorted(os.listdir(data)) + sorted(os.listdir(f"{data}/mail/example.test"))
        client = self.login()
        names = ["../alice", "../../alice/Maildir", "/etc/passwd", "INBOX/../../../alice/Maildir", "..", ".", "a/../../b",
                 "x" * 5000, "....//alice", "%2e%2e/alice", "&AC4ALg-/alice", "cur", "new/../x", "~alice", "#news",
                 "../../../../../../tmp/martinet-was-here", "a\tb", "&IC4-"]
        for name in names:
            quoted = '"' + name.replace("\\", "\\\\") + '"'
            for command in ("CREATE", "SELECT", "STATUS", "DELETE", "SUBSCRIBE"):
                extra = " (MESSAGES)" if command == "STATUS" else ""
                try:
                    if command == "SELECT":
                        said = client.select(quoted)
                    else:
                        said = client._simple_command(command, quoted + extra)
                except imaplib.IMAP4.error as refused:
                    said = ("BAD", [str(refused)])
                self.assertIn(said[0], ("OK", "NO", "BAD"), name)
                if said[0] == "OK" and command == "SELECT":
                    self.assertEqual(client.fetch("1:*", "(UID)")[1], [None], f"{name} shows somebody's mail")
        client.logout()
        self.assertEqual(sorted(os.listdir(data)) + sorted(os.listdir(f"{data}/mail/example.test")), before)
        self.assertFalse(os.path.exists("/tmp/martinet-was-here"))
        for path, folders, _ in os.walk(f"{data}/mail/example.test/bob"):
            for folder in folders:
                self.assertNotIn("..", folder.replace("....", ""), path)

    def test_other_users_mail(self):
        """Bob sees bob's mail, whatever he calls himself."""
        client = self.login("bob")
        subjects = b"".join(part[1] for part in client.fetch("1:*", "(BODY.PEEK[HEADER])")[1] if isinstance(part, tuple)) \
            if client.select("INBOX")[1] != [b"0"] else b""
        self.assertNotRegex(subjects, rb"Subject: [0-4]\r\n")
        client.logout()
        token = base64.b64encode(b"alice@example.test\0bob@example.test\0" + PASSWORD.encode())
        for service, ask in (("imap", b"a AUTHENTICATE PLAIN " + token), ("pop3", b"AUTH PLAIN " + token)):
            with Raw(self.host, service, "127.0.0.90") as attacker:
                self.assertRegex(attacker.ask(ask), rb"^(a NO|-ERR)", "bob's password opened alice's mail")
        with Raw(self.host, "imap", "127.0.0.91") as attacker:
            answer = attacker.ask(b'a LOGIN {18}')
            attacker.send(b"bob@example.test\0x " + PASSWORD.encode() + b"\r\n")
            self.assertNotIn(b"a OK", answer + attacker.rest(2))

    # MARK: after login

    def test_bombs_after_login(self):
        """Deep, wide and huge: each is answered, and an honest client meanwhile."""
        client = self.login()
        client.select("INBOX")
        bombs = [b"SEARCH " + b"(" * 5000 + b"ALL" + b")" * 5000, b"SEARCH " + b"NOT " * 10_000 + b"ALL",
                 b"SEARCH " + b"OR ALL " * 5000 + b"ALL", b"FETCH 1 BODY[" + b".".join([b"1"] * 5000) + b"]",
                 b"FETCH 1:4294967295 (UID FLAGS)", b"FETCH " + b",".join([b"1:*"] * 10_000) + b" (UID)",
                 b'LIST "" "' + b"*%" * 2000 + b'x"', b"UID FETCH 4294967296 FLAGS", b"FETCH 0 FLAGS", b"STORE 1 +FLAGS (" + b" ".join(
                     b"k%d" % n for n in range(5000)) + b")", b"FETCH 1 BODY[]<4294967295.4294967295>"]
        with Raw(self.host, "imap", "127.0.0.1") as attacker:
            self.assertIn(b"OK", attacker.ask(b"a LOGIN bob%example.test " + PASSWORD.encode()))
            attacker.send(b"b SELECT INBOX\r\n")
            while not attacker.line().startswith(b"b "):
                pass
            for number, bomb in enumerate(bombs):
                begin = time.monotonic()
                tag = b"c%d" % number
                attacker.send(tag + b" " + bomb + b"\r\n")
                while not (line := attacker.line()).startswith(tag + b" "):
                    self.assertTrue(line, f"closed at bomb {number}")
                self.assertLess(time.monotonic() - begin, 5, bomb[:40])
        client.logout()
        self.honest()

    def test_many_literals(self):
        """RFC 7888 and CVE-2024-34055: literals together are bounded."""
        with Raw(self.host, "imap", "127.0.0.1") as attacker:
            attacker.ask(b"a LOGIN bob%example.test " + PASSWORD.encode())
            before = self.memory()
            attacker.send(b"b SEARCH" + b" SUBJECT {4096+}\r\n" + b"x" * 4096)
            for _ in range(2000):
                attacker.send(b" SUBJECT {4096+}\r\n" + b"x" * 4096)
            attacker.send(b"\r\n")
            self.assertNotIn(b"b OK", attacker.rest(2))
            self.assertLess(self.memory() - before, 32)

    def test_nul_in_a_message(self):
        """RFC 3501 section 9: a literal has no NUL, such a message is refused; RFC 3516: a binary one is kept encoded."""
        with Raw(self.host, "imap", "127.0.0.1") as client:
            client.ask(b"a LOGIN bob%example.test " + PASSWORD.encode())
            text = b"Subject: nul\r\n\r\na\0b\r\n"
            client.send(b"b APPEND INBOX {%d+}\r\n" % len(text) + text + b"\r\n")
            self.assertRegex(client.line(), rb"^b BAD .*NUL")
            client.send(b"c APPEND INBOX ~{%d+}\r\n" % len(text) + text + b"\r\n")
            self.assertRegex(client.line(), rb"^c OK \[APPENDUID ")
            self.assertTrue(client.ask(b"d NOOP").startswith(b"d OK"))
        kept = [m for m in self.host.messages("bob") if b"Subject: nul" in m]
        self.assertEqual(len(kept), 1)
        self.assertNotIn(b"\0", kept[0])
        self.assertIn(b"a\0b", email.message_from_bytes(kept[0]).get_payload(decode=True))

    def test_zz_memory(self):
        """After all of it the server is no more than 48 MiB larger."""
        grown = self.memory() - self.memory_before
        print(f"\n  {self.memory_before:.0f} MiB before the attacks, {grown:+.0f} MiB after", end=" ")
        self.assertLess(grown, 48)


class Descriptors(unittest.TestCase):
    def test_no_spin_without_descriptors(self):
        """EMFILE: clients wait or are refused, the server neither spins nor falls, and serves when there is room."""
        host = Host("limits: {exempt-networks: [\"127.0.0.0/8\"]}\n")
        self.addCleanup(host.close)
        host.start(prefix=("prlimit", "--nofile=100:100"))
        attack = Hostile()
        attack.host = host
        with contextlib.ExitStack() as stack:
            for _ in range(150):
                client = stack.enter_context(socket.socket())
                client.settimeout(0.2)
                with contextlib.suppress(OSError):
                    client.connect(("127.0.0.1", host.port["imap"]))
            time.sleep(0.5)
            before = attack.cpu()
            time.sleep(3)
            spent = attack.cpu() - before
            self.assertLess(spent, 1, "it spins")
            self.assertIsNone(host.process.poll())
        host.wait_for(lambda: self.greets(host), seconds=10)

    @staticmethod
    def greets(host):
        try:
            with Raw(host, "imap", "127.0.0.1") as client:
                return client.greeting.startswith(b"* OK")
        except OSError:
            return False


if __name__ == "__main__":
    unittest.main()
