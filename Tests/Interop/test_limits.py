"""Rates, strikes, the blacklist and its silence, with python's own SMTP client from several loopback addresses."""
import datetime
import http.client
import os
import re
import signal
import smtplib
import socket
import ssl
import time
import unittest
import urllib.parse

from host import PASSWORD, Host

ALICE, BOB = "alice@example.test", "bob@example.test"
LETTER = "From: friend@outside.test\r\nSubject: hello\r\n\r\nhello\r\n"


class Client(smtplib.SMTP):
    """Leaves without a word: a blacklisted client's QUIT is answered with 421."""

    def __exit__(self, *_):
        self.close()


class Limits(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.host = Host('limits: {include-networks: ["127.0.0.0/8"], exempt-networks: [127.0.0.9], messages-per-minute: 5,'
                        ' unvalidated-per-minute: 3, blacklist-terms: [6s, 9s], silence-time: 1s, message-size: 20000}\n'
                        'queue: {smarthost: "127.0.0.1:9"}\n'
                        'smtp: {check-sender-domain: false, etrn: {customer.test: [127.0.0.0/8]}}\n').start()

    @classmethod
    def tearDownClass(cls):
        cls.host.close()

    def smtp(self, source, service="smtp"):
        return Client("127.0.0.1", self.host.port[service], "client.test", 10, (source, 0))

    def octets(self, source, service="smtp"):
        """All that the server sends to a client that says nothing."""
        with socket.create_connection(("127.0.0.1", self.host.port[service]), 10, (source, 0)) as s:
            s.settimeout(3)
            return s.recv(100)

    def send(self, client, sender="friend@outside.test"):
        code, text = client.mail(sender)
        if code == 250:
            client.rset()
        return code, text.decode()

    def overrun(self, source):
        with self.smtp(source) as client:
            client.ehlo()
            for _ in range(10):
                code, text = self.send(client)
                if code != 250:
                    break
            try:
                after = client.mail("friend@outside.test")[0]
            except smtplib.SMTPServerDisconnected:
                after = 421
        return code, text, after

    def entries(self, source):
        return [e for e in self.host.cli("blacklist", "list") if e["net"] == f"{source}/32" or e["net"] == source]

    def test_rate_blacklist_and_silence(self):
        """R3 R7 R9: 450 4.7.1 once, 421, then not one octet on SMTP; POP goes on; the second term is longer; a notice."""
        source = "127.0.0.2"
        with socket.create_connection(("127.0.0.1", self.host.port["pop3"]), 10, (source, 0)) as s:
            file = s.makefile("rwb", 0)
            for line in (None, f"USER {ALICE}", f"PASS {PASSWORD}"):
                if line:
                    file.write(line.encode() + b"\r\n")
                self.assertTrue(file.readline().startswith(b"+OK"))
            file.close()
        self.assertEqual(self.overrun(source), (450, "4.7.1 rate limit exceeded (5 per minute)", 421))
        for service in ("smtp", "smtp-alt", "submission", "submissions"):
            self.assertEqual(self.octets(source, service), b"", service)
        self.assertTrue(self.octets(source, "pop3").startswith(b"+OK"))
        self.assertTrue(self.octets(source, "imap").startswith(b"* OK"))
        self.assertTrue(self.octets("127.0.0.3").startswith(b"220 mail.example.test"))
        entry = self.entries(source)[0]
        self.assertEqual(entry["cause"], "rate")
        self.host.wait_for(lambda: any(b"may not send mail for now" in m for m in self.host.messages("alice")))
        notice = [m for m in self.host.messages("alice") if b"may not send mail for now" in m][0]
        self.assertIn(b"127.0.0.2", notice)
        self.host.wait_for(lambda: self.octets(source).startswith(b"220"), 15)
        self.assertEqual(self.overrun(source)[0], 450)
        began = time.monotonic()
        self.host.wait_for(lambda: self.octets(source).startswith(b"220"), 20)
        self.assertGreater(time.monotonic() - began, 7)

    def test_unvalidated(self):
        """R4: the fourth message in a minute from a domain nobody has verified is one too many."""
        with self.smtp("127.0.0.4", "submission") as client:
            client.login(ALICE, PASSWORD)
            for _ in range(3):
                self.assertEqual(client.mail(ALICE)[0], 250)
                client.rset()
            self.assertEqual(client.mail(ALICE), (450, b"4.7.1 rate limit exceeded (3 per minute)"))
        self.assertEqual(self.octets("127.0.0.4"), b"")

    def test_strikes(self):
        """R5 R7 R37: five messages over the size in ten minutes, each refused as such, and the sixth hears nothing."""
        for _ in range(5):
            with self.smtp("127.0.0.5") as client:
                client.ehlo()
                code, text = client.mail("friend@outside.test", ["SIZE=30000"])
                self.assertEqual((code, text), (552, b"5.3.4 sorry, that message size exceeds my databytes limit (#5.3.4)"))
        self.assertEqual(self.octets("127.0.0.5"), b"")
        self.assertEqual(self.entries("127.0.0.5")[0]["cause"], "strikes")

    def test_exempt(self):
        """R7: an exempt network is never limited."""
        with self.smtp("127.0.0.9") as client:
            client.ehlo()
            for _ in range(10):
                self.assertEqual(self.send(client)[0], 250)

    def test_added_by_hand(self):
        """R7 R9: an administrator's entry works at once, and so does its end."""
        self.host.cli("blacklist", "add", "127.0.0.6", "--ttl", "1h", "--reason", "spam")
        self.host.wait_for(lambda: self.octets("127.0.0.6") == b"")
        self.host.cli("blacklist", "lift", "127.0.0.6")
        self.host.wait_for(lambda: self.octets("127.0.0.6").startswith(b"220"))

    def test_hour(self):
        """Limits: the offer's hour is used up with its own text, shown by account info, and blacklists nobody."""
        self.host.cli("offer", "add", "small", "--quota", "25M", "--messages-per-hour", "2")
        self.host.cli("account", "set", BOB, "--offer", "small", "--quota", "offer")
        text = (450, b"4.7.1 hourly limit of offer small reached (2 messages per hour), try again in 60 min")
        with self.smtp("127.0.0.7", "submission") as client:
            client.login(BOB, PASSWORD)
            for _ in range(2):
                client.sendmail(BOB, [ALICE], LETTER.replace("friend@outside.test", BOB))
            self.assertEqual([client.mail(BOB) for _ in range(6)], [text] * 6)
        self.assertEqual(self.entries("127.0.0.7"), [])
        self.host.wait_for(lambda: self.host.cli("account", "info", BOB)["sent_this_hour"] == 2, 15)
        self.assertEqual(self.host.cli("account", "info", BOB)["messages_per_hour"], 2)
        self.assertEqual(self.host.cli("offer", "set", "small", "--messages-per-hour", "none")["messages_per_hour"], None)
        with self.smtp("127.0.0.7", "submission") as client:
            client.login(BOB, PASSWORD)
            self.assertEqual(client.mail(BOB)[0], 250)

    def page(self, source, form=None, service="https", **headers):
        context = ssl._create_unverified_context()
        kind = http.client.HTTPSConnection if service == "https" else http.client.HTTPConnection
        more = {"context": context} if service == "https" else {}
        page = kind("127.0.0.1", self.host.port[service], timeout=20, source_address=(source, 0), **more)
        body = form and urllib.parse.urlencode(form)
        page.request("POST" if form else "GET", "/help/unblock", body, headers)
        answer = page.getresponse()
        return answer.status, answer.read().decode()

    def test_unblock(self):
        """R7: a customer lifts his own network once a day with his mailbox's password; SMTP answers again at once."""
        source = "127.0.0.8"
        self.assertEqual(self.overrun(source)[0], 450)
        self.assertEqual(self.octets(source), b"")
        def form(password):
            status, text = self.page(source)
            self.assertEqual(status, 200)
            self.assertIn("127.0.0.8", text)
            return {"token": re.search('name="token" value="([^"]+)"', text)[1], "login": "alice%example.test",
                    "password": password}
        self.assertIn("Wrong login", self.page(source, form("wrong"))[1])
        self.assertIn("too old", self.page(source, form(PASSWORD), Origin="https://evil.test")[1])
        self.assertEqual(self.octets(source), b"")
        self.assertIn("may send mail again", self.page(source, form(PASSWORD))[1])
        self.assertTrue(self.octets(source).startswith(b"220"))
        history = self.host.cli("blacklist", "explain", source)["history"]
        self.assertEqual(history[0]["how"], "lifted by alice@example.test")
        self.assertEqual(self.overrun(source)[0], 450)
        self.assertIn("This was\ndone before", self.page(source, form(PASSWORD))[1])

    def test_modes(self):
        """R9: reset, reply and export; the firewall's file follows the list."""
        with open(self.host.config) as file:
            text = file.read()
        target, source = f"{self.host.folder}/drop.nft", "127.0.0.10"
        self.host.cli("blacklist", "add", source, "--ttl", "1h", "--reason", "spam")
        try:
            for mode, proof in (("reset", lambda: self.octets(source) == b""),
                                ("reply", lambda: self.octets(source).startswith(b"554 5.7.1 [127.0.0.10] is blacklisted here")),
                                ("export", lambda: os.path.exists(target))):
                with open(self.host.config, "w") as file:
                    file.write(text.replace("silence-time: 1s", f"silence-time: 1s, silence: {mode}, export-file: drop.nft"))
                self.host.process.send_signal(signal.SIGHUP)
                self.host.wait_for(proof)
            def listed():
                with open(target) as file:
                    return source in file.read()
            self.host.wait_for(listed)
            self.assertEqual(self.octets(source), b"")
            self.host.cli("blacklist", "lift", source)
            self.host.wait_for(lambda: not listed())
            self.host.cli("blacklist", "add", source, "--ttl", "2s", "--reason", "spam")
            self.host.wait_for(listed)
            self.host.wait_for(lambda: not listed())
        finally:
            with open(self.host.config, "w") as file:
                file.write(text)
            self.host.process.send_signal(signal.SIGHUP)

    def test_etrn(self):
        """R18 R19: a listed domain's queue starts, other domains are refused, TURN is not there."""
        with self.smtp("127.0.0.9", "submission") as client:
            client.login(ALICE, PASSWORD)
            client.sendmail(ALICE, ["friend@customer.test"], LETTER.replace("friend@outside.test", ALICE))
        deferred = lambda: any(r["address"] == "friend@customer.test" and r["attempts"] > 0
                               for m in self.host.cli("queue", "list") for r in m["recipients"])
        self.host.wait_for(deferred)
        with self.smtp("127.0.0.9") as client:
            client.ehlo()
            self.assertEqual(client.docmd("ETRN", "customer.test"),
                             (253, b"2.0.0 OK, 1 pending messages for node customer.test started"))
            self.assertEqual(client.docmd("ETRN", "customer.test")[0], 250)
            self.assertEqual(client.docmd("ETRN", "outside.test")[0], 459)
            self.assertEqual(client.docmd("TURN")[0], 502)

    def test_reload(self):
        """R6 R38 R74: SIGHUP brings new limits, another lifetime and another way out, without a restart."""
        with open(self.host.config) as file:
            text = file.read()
        changed = text.replace("message-size: 20000", "message-size: 20000, recipients: 2").replace(
            "queue: {smarthost: \"127.0.0.1:9\"}", "queue: {smarthost: \"127.0.0.1:10\", lifetime: 2h}")
        self.assertNotEqual(text, changed)
        with open(self.host.config, "w") as file:
            file.write(changed)
        self.host.process.send_signal(signal.SIGHUP)

        def limit():
            with self.smtp("127.0.0.9") as client:
                client.ehlo()
                return "RCPTMAX=2" in client.esmtp_features.get("limits", "")
        self.host.wait_for(limit)
        with self.smtp("127.0.0.9", "submission") as client:
            client.login(ALICE, PASSWORD)
            client.sendmail(ALICE, ["friend@reload.test"], LETTER.replace("friend@outside.test", ALICE))
        row = [m for m in self.host.cli("queue", "list") if m["recipients"][0]["address"] == "friend@reload.test"][0]
        shown = self.host.cli("queue", "show", row["id"])
        def moment(text): return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
        self.assertEqual((moment(shown["expires"]) - moment(shown["created"])).total_seconds(), 7200)


if __name__ == "__main__":
    unittest.main()
