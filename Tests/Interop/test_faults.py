"""What goes wrong on a host: kills, configurations with mistakes, ports in use, keys nobody can read."""
import imaplib
import signal
import smtplib
import socket
import subprocess
import threading
import time
import unittest

from host import MARTINET, PASSWORD, Host


class Kills(unittest.TestCase):
    KILLS, SENDERS = 3, 4

    def setUp(self):
        self.host = Host().start()
        self.addCleanup(self.host.close)
        self.acknowledged, self.stopping = set(), False

    def send(self, name):
        """Sends numbered messages until told to stop; what got its 250 counts."""
        number = 0
        while not self.stopping:
            try:
                with smtplib.SMTP("127.0.0.1", self.host.port["smtp"], timeout=10) as client:
                    while not self.stopping:
                        number += 1
                        identity = f"<{name}-{number}@outside.test>"
                        client.sendmail("friend@outside.test", ["alice@example.test"],
                                        f"Message-ID: {identity}\r\nSubject: {number}\r\n\r\n{'x' * 500}\r\nend\r\n")
                        self.acknowledged.add(identity)
            except (OSError, smtplib.SMTPException):
                time.sleep(0.02)

    def uids(self):
        """UIDVALIDITY and the Message-ID of each UID."""
        with imaplib.IMAP4("127.0.0.1", self.host.port["imap"]) as client:
            client.login("alice%example.test", PASSWORD)
            client.select("INBOX")
            validity = client.response("UIDVALIDITY")[1][0]
            rows = client.uid("fetch", "1:*", "(BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])")[1]
            found = {}
            for row in rows:
                if isinstance(row, tuple):
                    words = row[0].split()
                    found[int(words[words.index(b"(UID") + 1])] = row[1].decode().split(":", 1)[1].strip()
            return validity, found

    def test_nothing_acknowledged_is_lost(self):
        """R60: kill -9 while mail comes in: every 250 is kept whole, no UID has two meanings, service is back in 2 s."""
        threads = [threading.Thread(target=self.send, args=(f"s{n}",)) for n in range(self.SENDERS)]
        for thread in threads:
            thread.start()
        meaning, times, validities = {}, [], set()
        try:
            for _ in range(self.KILLS):
                enough = len(self.acknowledged) + 20
                self.host.wait_for(lambda: len(self.acknowledged) >= enough, seconds=20)
                self.host.stop(signal.SIGKILL)
                begin = time.monotonic()
                self.host.start()
                times.append(time.monotonic() - begin)
                validity, found = self.uids()
                validities.add(validity)
                for uid, identity in found.items():
                    self.assertEqual(meaning.setdefault(uid, identity), identity, f"UID {uid} was given twice")
        finally:
            self.stopping = True
            for thread in threads:
                thread.join()
        messages = self.host.messages("alice")
        kept = [line for m in messages for line in m.decode().splitlines() if line.startswith("Message-ID:")]
        kept = {line.split(":", 1)[1].strip() for line in kept}
        self.assertEqual(self.acknowledged - kept, set())
        self.assertTrue(all(m.rstrip().endswith(b"end") for m in messages), "a message was cut")
        self.assertEqual(len(validities), 1)
        self.assertLess(min(times), 2, times)
        print(f"\n  {len(self.acknowledged)} acknowledged, {len(messages)} kept, back after "
              + ", ".join(f"{t:.2f} s" for t in times), end=" ")


class Mistakes(unittest.TestCase):
    def setUp(self):
        self.host = Host(accounts=())
        self.addCleanup(self.host.close)

    def serve(self):
        """Serves with a mistake in the configuration; the lines it said."""
        done = subprocess.run([MARTINET, "serve", "--config", self.host.config], capture_output=True, text=True, timeout=30)
        self.assertNotEqual(done.returncode, 0, done.stdout + done.stderr)
        return (done.stdout + done.stderr).strip().splitlines()

    def add(self, text):
        with open(self.host.config, "a") as file:
            file.write(text)
        with open(self.host.config) as file:
            return len(file.read().splitlines())

    def test_configuration_errors_name_the_line(self):
        """R79: `martinet.yaml:LINE:`, from `config check` and `serve` alike."""
        line = self.add("log-levle: info\n")
        self.assertTrue(any(f"martinet.yaml:{line}:" in said for said in self.serve()), self.serve())
        self.host.cli("config", "check", expect=2)

    def test_login_delay_has_a_limit(self):
        host = Host("pop3: {login-delay: 301s}\n", accounts=())
        self.addCleanup(host.close)
        done = subprocess.run([MARTINET, "config", "check", "--config", host.config], capture_output=True, text=True)
        self.assertEqual(done.returncode, 2)
        self.assertRegex(done.stdout + done.stderr, r"martinet\.yaml:\d+:.*login-delay")

    def test_port_in_use(self):
        """R79: one line and a non-zero exit."""
        self.host.cli("domain", "add", "example.test", "--random")
        with socket.socket() as taken:
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            taken.bind(("127.0.0.1", self.host.port["pop3"]))
            taken.listen()
            said = self.serve()
        fitting = [line for line in said if str(self.host.port["pop3"]) in line]
        self.assertEqual(len(fitting), 1, said)

    def test_unreadable_key(self):
        with open(f"{self.host.folder}/key.pem", "w") as file:
            file.write("no key at all\n")
        self.assertTrue(any("key.pem" in line for line in self.serve()))

    def test_two_servers_on_one_folder(self):
        self.host.start()
        self.assertTrue(self.serve())
        self.assertTrue(self.host.answers(self.host.port["smtp"]))

    def test_stops_on_sigterm(self):
        self.host.start()
        process = self.host.process
        self.host.stop()
        self.assertEqual(process.returncode, 0)


if __name__ == "__main__":
    unittest.main()
