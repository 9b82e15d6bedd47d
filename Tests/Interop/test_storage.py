"""The disk and the clock: full, in the right order, and jumping."""
import collections
import ctypes
import glob
import imaplib
import os
import poplib
import re
import shutil
import signal
import smtplib
import subprocess
import sys
import time
import unittest

from host import PASSWORD, Host

TEXT = "From: alice@example.test\r\nMessage-ID: <{}@outside.test>\r\nSubject: x\r\n\r\n" + "x" * 700 + "\r\nend\r\n"


def skip(test, why):
    """A proof that cannot be made here must not look like one that was."""
    print(f"\n  SKIPPED, NOT PROVED: {why}", file=sys.stderr)
    test.skipTest(why)


def imap(host, user="alice", folder="INBOX"):
    client = imaplib.IMAP4("127.0.0.1", host.port["imap"], timeout=20)
    client.login(f"{user}%example.test", PASSWORD)
    if folder:
        client.select(folder)
    return client


def pop(host, user="alice"):
    client = poplib.POP3("127.0.0.1", host.port["pop3"], timeout=20)
    client.user(f"{user}%example.test")
    client.pass_(PASSWORD)
    return client


def identities(host, user="alice"):
    found = [re.search(rb"Message-ID: <([^@]+)@", m).group(1).decode() for m in host.messages(user)
             if b"@outside.test" in m]
    return found


class FullDisk(unittest.TestCase):
    def setUp(self):
        self.host = Host('queue: {smarthost: "127.0.0.1:9"}\n', accounts=())
        self.addCleanup(self.host.close)
        self.data = f"{self.host.folder}/data"
        os.mkdir(self.data)
        # A mount namespace of this thread and its children: nobody else sees the small disk.
        libc = ctypes.CDLL(None, use_errno=True)
        new_namespace, private, recursive = 0x20000, 1 << 18, 16384
        if (libc.unshare(new_namespace) != 0 or libc.mount(None, b"/", None, private | recursive, None) != 0
                or libc.mount(b"tmpfs", self.data.encode(), b"tmpfs", 0, b"size=48m,mode=0750") != 0):
            skip(self, f"no private mount here ({os.strerror(ctypes.get_errno())}): run the tests as root")
        self.addCleanup(libc.umount2, self.data.encode(), 2)
        self.addCleanup(self.host.stop)
        self.host.cli("domain", "add", "example.test", "--random")
        for name in ("alice", "bob"):
            self.host.cli("account", "add", f"{name}%example.test", "--password-file", "-", stdin=PASSWORD + "\n")
        self.host.start()
        self.acknowledged = set()

    def fill(self):
        """Takes every octet that is left."""
        with open(f"{self.data}/filler", "ab", buffering=0) as file:
            for size in (1 << 16, 4096, 1):
                try:
                    while True:
                        file.write(b"x" * size)
                except OSError:
                    pass

    def send(self, identity, service="smtp", to="alice@example.test"):
        """The reply that ended the attempt; 250 is remembered."""
        begin = time.monotonic()
        with smtplib.SMTP("127.0.0.1", self.host.port[service], timeout=15) as client:
            if service == "submission":
                client.login("alice@example.test", PASSWORD)
            try:
                client.sendmail("alice@example.test", [to], TEXT.format(identity))
                reply = (250, b"")
                if to == "alice@example.test":
                    self.acknowledged.add(identity)
            except smtplib.SMTPRecipientsRefused as refused:
                reply = list(refused.recipients.values())[0]
            except smtplib.SMTPResponseException as refused:
                reply = (refused.smtp_code, refused.smtp_error)
        self.assertLess(time.monotonic() - begin, 10)
        return reply

    def refused(self, attempt):
        """No room: a 4xx, whatever is sent and wherever."""
        for service, to in (("smtp", "alice@example.test"), ("submission", "friend@outside.test"),
                            ("submission", "alice@example.test")):
            code, text = self.send(f"full-{attempt}-{service}", service, to)
            self.assertTrue(400 <= code < 500, (service, to, code, text))
            if service == "smtp":
                self.assertEqual((code, text[:5]), (452, b"4.3.1"), text)

    def readable(self):
        """IMAP and POP3 let their users in, show everything, and let them delete."""
        client = imap(self.host)
        rows = client.fetch("1:*", "(FLAGS BODY.PEEK[])")[1]
        texts = [row[1] for row in rows if isinstance(row, tuple)]
        self.assertTrue(all(text.endswith(b"end\r\n") for text in texts))
        self.assertEqual(client.store("1", "+FLAGS", r"(\Deleted)")[0], "OK")
        gone = re.search(rb"Message-ID: <([^@]+)@", texts[0]).group(1).decode()
        self.assertEqual(client.expunge()[0], "OK")
        client.logout()
        self.acknowledged.discard(gone)
        self.fill()
        client = pop(self.host)
        self.assertEqual(len(client.list()[1]), len(texts) - 1)
        gone = re.search(rb"Message-ID: <([^@]+)@", b"\n".join(client.retr(1)[1])).group(1).decode()
        client.dele(1)
        self.assertTrue(client.quit().startswith(b"+OK"))
        self.acknowledged.discard(gone)
        self.assertEqual(len(self.host.messages("alice")), len(texts) - 2)
        self.fill()

    def never_opened(self, expected):
        """A mailbox that nobody opened before: a temporary NO while nothing can be written down, then all of it."""
        client = imap(self.host, "bob", folder=None)
        code, text = client.select("INBOX")
        if code == "OK":
            self.assertEqual(client.search(None, "ALL")[1][0].split(), [b"1", b"2", b"3", b"4", b"5"])
        else:
            self.assertIsNone(expected, text)
            self.assertTrue(text[0].startswith(b"[UNAVAILABLE]"), text)
        self.assertEqual(client.noop()[0], "OK")
        client.logout()
        self.assertEqual(sorted(identities(self.host, "bob")), [f"b{number}" for number in range(5)])

    def test_full_disk(self):
        """R60: no room is a 4xx; reading, deleting and restarting work; nothing acknowledged is lost; it recovers."""
        for number in range(25):
            self.assertEqual(self.send(f"m{number}")[0], 250)
        for number in range(5):
            self.assertEqual(self.send(f"b{number}", to="bob@example.test")[0], 250)
        imap(self.host).logout()
        self.fill()
        self.never_opened(expected=None)
        for attempt in range(3):
            self.refused(attempt)
        self.readable()
        for how in (signal.SIGTERM, signal.SIGKILL):
            self.host.stop(how)
            self.fill()
            self.host.start()
            self.refused(how)
            self.readable()
        self.assertEqual(imap(self.host, "bob").noop()[0], "OK")
        os.unlink(f"{self.data}/filler")
        begin = time.monotonic()
        self.host.wait_for(lambda: self.send("after")[0] == 250, seconds=20)
        self.assertLess(time.monotonic() - begin, 20)
        self.assertEqual(self.send("after-queued", "submission", "friend@outside.test")[0], 250)
        client = imap(self.host)
        self.assertEqual(client.append("INBOX", None, None, TEXT.format("appended").encode())[0], "OK")
        client.logout()
        self.never_opened(expected=5)
        kept = identities(self.host)
        self.assertEqual(self.acknowledged - set(kept), set())
        self.assertEqual(len(kept), len(set(kept)))
        self.host.stop()
        found = self.host.cli("verify")
        self.assertTrue(found["sound"], found)


class Order(unittest.TestCase):
    """fsync of the file, its name, fsync of the directory, and only then the reply: as the kernel saw it."""

    CALLS = "fsync,fdatasync,rename,renameat,renameat2,link,linkat,write,writev,pwrite64,sendto,sendmsg"

    def setUp(self):
        if not shutil.which("strace"):
            skip(self, "strace is not installed")
        self.host = Host('queue: {smarthost: "127.0.0.1:9"}\n').start()
        self.addCleanup(self.host.close)
        self.trace = f"{self.host.folder}/trace"
        self.strace = subprocess.Popen(
            ["strace", "-f", "-y", "-s", "200", "-o", self.trace, "-e", f"trace={self.CALLS}", "-p",
             str(self.host.process.pid)], stderr=subprocess.PIPE, text=True)
        self.addCleanup(self.finish)
        said = self.strace.stderr.readline()
        if "attached" not in said:
            skip(self, f"strace cannot trace here: {said.strip()}")

    def finish(self):
        if self.strace.poll() is None:
            self.strace.send_signal(signal.SIGINT)
            self.strace.wait(timeout=20)
        self.strace.stderr.close()

    def events(self):
        """The calls in the order in which they ended, or began for those that write to a client."""
        self.finish()
        begun, events = {}, []
        with open(self.trace, encoding="utf-8", errors="replace") as file:
            for line in file:
                thread, call = line.split(maxsplit=1)
                if call.startswith("<..."):
                    call = begun.pop(thread, "") + re.sub(r"^<\.\.\. \w+ resumed>", "", call)
                elif "<unfinished" in call:
                    if re.match(r"(write|writev|sendto|sendmsg)\(\d+<(TCP|socket)", call):
                        events.append(call)  # the client may read it from now on
                        begun[thread] = ""
                    else:
                        begun[thread] = call.split("<unfinished")[0]
                    continue
                if call:
                    events.append(call)
        return events

    def ordered(self, *patterns):
        """Each pattern matches after the one before it, and the last not before."""
        events = self.events()
        position = 0
        for pattern in patterns:
            matching = [n for n, event in enumerate(events) if n >= position and re.search(pattern, event)]
            self.assertTrue(matching, f"no {pattern} after {events[max(0, position - 1)]!r} in:\n" + "".join(events))
            position = matching[0] + 1
        early = [event for event in events[:position - 1] if re.search(patterns[-1], event)]
        self.assertEqual(early, [], "the reply came before everything was on disk")

    def test_delivery(self):
        """R60: a delivery."""
        with smtplib.SMTP("127.0.0.1", self.host.port["smtp"], timeout=30) as client:
            client.sendmail("friend@outside.test", ["alice@example.test"], TEXT.format(1))
        self.ordered(r"f(data)?sync\(\d+<\S*/alice/Maildir/tmp/[^>]+>\)\s+= 0", r"(rename|link)\w*\(.*Maildir/tmp/.*Maildir/new/.*= 0",
                     r"f(data)?sync\(\d+<\S*/alice/Maildir/new>\)\s+= 0", r'\w+\(\d+<(TCP|socket).*"250 2\.0\.0 ')

    def test_append(self):
        """R60: an APPEND."""
        client = imap(self.host)
        client.append("INBOX", None, None, TEXT.format(1).encode())
        self.ordered(r"f(data)?sync\(\d+<\S*/alice/Maildir/tmp/[^>]+>\)\s+= 0", r"(rename|link)\w*\(.*Maildir/tmp/.*Maildir/(cur|new)/.*= 0",
                     r"f(data)?sync\(\d+<\S*/alice/Maildir/(cur|new)>\)\s+= 0", r"\w+\(\d+<(TCP|socket).*OK \[APPENDUID")
        client.shutdown()

    def test_queued_message(self):
        """R60: a message for outside: its file, its name, its row."""
        with smtplib.SMTP("127.0.0.1", self.host.port["submission"], timeout=30) as client:
            client.login("alice@example.test", PASSWORD)
            client.sendmail("alice@example.test", ["friend@outside.test"], TEXT.format(1))
        self.ordered(r"f(data)?sync\(\d+<\S*/queue/messages/[^>]+>\)\s+= 0", r"(rename|link)\w*\(.*queue/messages/.*= 0",
                     r"f(data)?sync\(\d+<\S*/queue/messages>\)\s+= 0", r"f(data)?sync\(\d+<\S*/queue/queue\.db-wal>\)\s+= 0",
                     r'\w+\(\d+<(TCP|socket).*"250 2\.0\.0 ')


class Clock(unittest.TestCase):
    def setUp(self):
        found = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
        if not found:
            skip(self, "libfaketime is not installed")
        self.host = Host()
        self.addCleanup(self.host.close)
        self.file = f"{self.host.folder}/clock"
        # The library changes the environment when nobody shared the clock before, and Swift then finds no arguments.
        keeper = subprocess.Popen(["faketime", "-f", "+0d", "sh", "-c", "echo $FAKETIME_SHARED; exec cat"], text=True,
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(keeper.communicate)
        self.env = {"LD_PRELOAD": found[0], "FAKETIME_TIMESTAMP_FILE": self.file, "FAKETIME_NO_CACHE": "1",
                    "FAKETIME_DONT_FAKE_MONOTONIC": "1", "FAKETIME_SHARED": keeper.stdout.readline().strip()}
        self.clock("+0d")
        self.host.start(env=self.env)
        self.meaning, self.validities, self.sent = {}, collections.defaultdict(list), []

    def clock(self, offset):
        with open(self.file + ".new", "w") as file:
            file.write(offset + "\n")
        os.rename(self.file + ".new", self.file)

    def look(self):
        """Delivers, appends, makes a folder anew; no UID may get another meaning, no UIDVALIDITY go back."""
        with smtplib.SMTP("127.0.0.1", self.host.port["smtp"], timeout=20) as client:
            for _ in range(3):
                self.sent.append(f"c{len(self.sent)}")
                client.sendmail("friend@outside.test", ["alice@example.test"], TEXT.format(self.sent[-1]))
        client = imap(self.host, folder=None)
        client.delete("Again")
        self.assertEqual(client.create("Again")[0], "OK")
        self.assertEqual(client.append("Again", None, None, TEXT.format("again").encode())[0], "OK")
        for folder in ("Again", "INBOX"):
            client.select(folder)
            validity = int(client.response("UIDVALIDITY")[1][0])
            self.validities[folder].append(validity)
            rows = [row for row in client.uid("fetch", "1:*", "(BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])")[1]
                    if isinstance(row, tuple)]
            for row in rows:
                uid = int(re.search(rb"UID (\d+)", row[0]).group(1))
                self.assertEqual(self.meaning.setdefault((folder, validity, uid), row[1]), row[1])
        self.assertEqual(len(rows), len(self.sent))
        client.logout()
        client = pop(self.host)
        self.assertEqual(len(client.list()[1]), len(self.sent))
        client.quit()

    def test_jumps(self):
        """R60: the clock goes back and forth by a day, under the running server and over a restart."""
        self.look()
        stamp = sorted(glob.glob(f"{self.host.maildir('alice')}/cur/*") + glob.glob(f"{self.host.maildir('alice')}/new/*"))[-1]
        self.assertAlmostEqual(int(os.path.basename(stamp).split(".")[0]), time.time(), delta=600)
        for offset in ("-1d", "+1d", "-1d"):
            self.clock(offset)
            self.look()
            self.host.stop()
            self.clock({"-1d": "+1d", "+1d": "-1d"}[offset])
            self.host.start(env=self.env)
            self.look()
        again = self.validities["Again"]
        self.assertEqual(again, sorted(set(again)), "UIDVALIDITY went back or came twice")
        self.assertEqual(len(set(self.validities["INBOX"])), 1)
        # The fake clock was really the server's: some names are a day off.
        names = [int(os.path.basename(path).split(".")[0]) for part in ("cur", "new")
                 for path in glob.glob(f"{self.host.maildir('alice')}/{part}/*")]
        self.assertGreater(max(names) - min(names), 86_400)
        self.host.stop()
        self.assertTrue(self.host.cli("verify")["sound"])


if __name__ == "__main__":
    unittest.main()
