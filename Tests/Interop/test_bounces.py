"""Bounces as others read them: python's and Perl's public parsers, in both forms; internationalised ones (RFC 6533)."""
import os
import signal
import smtplib
import subprocess
import tempfile
import unittest

from host import PASSWORD, Host
from network import Names, Server

ALICE = "alice@example.test"
# The parsers belong to Debian's python and perl, whatever others run the tests.
FLUFL = """
import sys, email
from flufl.bounce import all_failures
temporary, permanent = all_failures(email.message_from_bytes(sys.stdin.buffer.read()))
print(sorted(a.decode() for a in permanent), sorted(a.decode() for a in temporary))
"""
BOUNCE_PARSER = """
use Mail::DeliveryStatus::BounceParser; local $/; my $b = Mail::DeliveryStatus::BounceParser->new(<STDIN>);
print join(" ", $b->is_bounce, $b->addresses, map { $_->get("std_reason") } $b->reports), "\\n";
"""
SISIMAI = """
use Sisimai; my $found = Sisimai->make($ARGV[0]);
print join(" ", map { ($_->recipient->address, $_->deliverystatus, $_->reason, $_->action) } @{ $found || [] }), "\\n";
"""


class Bounces(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.names = Names("refuse MX 10 mx.refuse\nmx.refuse A 127.0.0.81\n")
        cls.host = Host("queue: {remote-port: 25, bounce-format: dsn}\n", dns=f"127.0.0.1:{cls.names.port}")
        with open(cls.host.config) as file:
            text = file.read()
        with open(cls.host.config, "w") as file:
            file.write(text.replace("remote-port: 25", f"remote-port: {cls.host.port['smtp']}"))
        cls.server = Server("127.0.0.81", cls.host.port["smtp"], lambda session, line:
                            "550 5.1.1 User unknown \u00e9\r\n".encode().decode("latin-1") if line[:4] == "RCPT" else None,
                            extensions=("8BITMIME", "SMTPUTF8", "PIPELINING"))
        cls.host.start()

    @classmethod
    def tearDownClass(cls):
        cls.host.close()
        cls.server.close()
        cls.names.close()

    def bounce(self, to, subject="x", options=()):
        with smtplib.SMTP("127.0.0.1", self.host.port["submission"], "client.test", 20) as client:
            client.login(ALICE, PASSWORD)
            client.sendmail(ALICE, [to], f"From: {ALICE}\r\nSubject: {subject}\r\n\r\nhello\r\n".encode(), options)
        def found(): return [m for m in self.host.messages("alice") if f"<{to}>:\r\n".encode() in m]
        self.host.wait_for(found, 20)
        return found()[0]

    def parsers(self, mail, address):
        done = subprocess.run(["/usr/bin/python3", "-c", FLUFL], input=mail, capture_output=True, timeout=30)
        self.assertEqual(done.stdout.decode(), f"['{address}'] []\n", done.stderr)
        done = subprocess.run(["/usr/bin/perl", "-e", BOUNCE_PARSER], input=mail, capture_output=True, timeout=30)
        self.assertEqual(done.stdout.decode(), f"1 {address} user_unknown\n", done.stderr)
        with tempfile.TemporaryDirectory() as folder:
            with open(f"{folder}/mbox", "wb") as file:
                file.write(b"From MAILER-DAEMON Sun Nov 22 08:00:00 2026\n" + mail.replace(b"\r\n", b"\n"))
            done = subprocess.run(["/usr/bin/perl", "-e", SISIMAI, f"{folder}/mbox"], capture_output=True, timeout=30)
        self.assertEqual(done.stdout.decode(), f"{address} 5.1.1 userunknown failed\n", done.stderr)

    def test_parsers(self):
        """R40 R44: either form is read by flufl.bounce (Mailman), Mail::DeliveryStatus::BounceParser and Sisimai."""
        mail = self.bounce("one@refuse.test")
        self.assertIn(b"\r\nContent-Type: message/delivery-status\r\n", mail)
        status = mail.split(b"message/delivery-status\r\n")[1].split(b"\r\n--")[0]
        self.assertTrue(status.isascii(), status)
        self.parsers(mail, "one@refuse.test")
        with open(self.host.config) as file:
            text = file.read()
        with open(self.host.config, "w") as file:
            file.write(text.replace("bounce-format: dsn", "bounce-format: qsbmf"))
        self.host.process.send_signal(signal.SIGHUP)
        try:
            def reloaded():
                with open(f"{self.host.folder}/log") as file:
                    return "reloaded" in file.read()
            self.host.wait_for(reloaded)
            mail = self.bounce("two@refuse.test")
            self.assertNotIn(b"multipart/report", mail)
            self.parsers(mail, "two@refuse.test")
        finally:
            with open(self.host.config, "w") as file:
                file.write(text)
            self.host.process.send_signal(signal.SIGHUP)

    def test_international(self):
        """RFC 6533: what came by SMTPUTF8 is reported in UTF-8, by the types made for it."""
        address = "\u03b4\u03bf\u03ba\u03b9\u03bc\u03ae@refuse.test"
        mail = self.bounce(address, "\u03b3\u03b5\u03b9\u03b1", ["SMTPUTF8", "BODY=8BITMIME"])
        for line in ("Content-Type: message/global-delivery-status", "Content-Type: message/global-headers",
                     f"Final-Recipient: utf-8; {address}", "Subject: \u03b3\u03b5\u03b9\u03b1", "Action: failed", "Status: 5.1.1"):
            self.assertIn(f"\r\n{line}\r\n".encode(), mail, line)


if __name__ == "__main__":
    unittest.main()
