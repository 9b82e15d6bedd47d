"""Mail going out: through name servers, exchangers, TLS, smarthosts and servers that lie; a real Postfix among them."""
import smtplib
import time
import unittest

from host import PASSWORD, Host
from network import Names, Postfix, Server

ALICE = "alice@example.test"
ZONE = """
order MX 10 first.order
order MX 20 second.order
first.order A 127.0.0.21
second.order A 127.0.0.22
plain A 127.0.0.22
six MX 10 mx.six
mx.six AAAA ::1
null MX 0 .
none TXT "no mail here"
nohost MX 10 mx.nohost
mx.nohost TXT "no address here"
loop CNAME loop2
loop2 CNAME loop
shuffle MX 10 a.shuffle
shuffle MX 10 b.shuffle
a.shuffle A 127.0.0.23
b.shuffle A 127.0.0.24
tls MX 10 mx.tls
mx.tls A 127.0.0.25
broken MX 10 mx.broken
mx.broken A 127.0.0.26
postfix MX 10 mx.postfix
mx.postfix A 127.0.0.27
reuse MX 10 mx.reuse
mx.reuse A 127.0.0.28
stall MX 10 mx.stall
mx.stall A 127.0.0.29
endless MX 10 mx.endless
mx.endless A 127.0.0.30
megabyte MX 10 mx.megabyte
mx.megabyte A 127.0.0.31
wrong MX 10 mx.wrong
mx.wrong A 127.0.0.32
refuse MX 10 mx.refuse
mx.refuse A 127.0.0.33
rate MX 10 mx.rate
mx.rate A 127.0.0.34
old MX 10 mx.old
mx.old A 127.0.0.35
slowly MX 10 mx.slowly
mx.slowly A 127.0.0.70
us MX 10 mx.us
mx.us A 127.0.0.1
slow MX 10 second.order
dead MX 10 first.order
late0 MX 10 mx.late0
mx.late0 A 127.0.0.60
late1 MX 10 mx.late1
mx.late1 A 127.0.0.61
late2 MX 10 mx.late2
mx.late2 A 127.0.0.62
late3 MX 10 mx.late3
mx.late3 A 127.0.0.63
late4 MX 10 mx.late4
mx.late4 A 127.0.0.64
late5 MX 10 mx.late5
mx.late5 A 127.0.0.65
late6 MX 10 mx.late6
mx.late6 A 127.0.0.66
late7 MX 10 mx.late7
mx.late7 A 127.0.0.67
late8 MX 10 mx.late8
mx.late8 A 127.0.0.68
"""


class Outbound(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.names = Names(ZONE)
        cls.relay = Host('queue: {smarthost: "127.0.0.1:9"}\n').start()
        cls.host = Host(
            "queue:\n  remote-port: 25\n  sending: {example.test: {hello: helo.example.test, addresses: [127.0.0.5]}}\n"
            "  routes:\n"
            f'    smart.test: {{host: "127.0.0.1:{cls.relay.port["submission"]}", username: "alice%example.test",'
            ' password-file: "{FOLDER}/password"}\n'
            f'    strict.test: {{host: "127.0.0.1:{cls.relay.port["submission"]}", tls: required,'
            ' username: "alice%example.test", password-file: "{FOLDER}/password"}\n',
            dns=f"127.0.0.1:{cls.names.port}")
        cls.port = cls.host.port["smtp"]
        with open(cls.host.config) as file:
            text = file.read()
        # The port of other servers is our own: what points to 127.0.0.1 is then a loop.
        with open(cls.host.config, "w") as file:
            file.write(text.replace("remote-port: 25", f"remote-port: {cls.port}"))
        with open(f"{cls.host.folder}/password", "w") as file:
            file.write(PASSWORD + "\n")
        cls.certificate = (cls.host.certificate, f"{cls.host.folder}/key.pem")
        cls.servers = {}
        cls.host.start()

    @classmethod
    def tearDownClass(cls):
        cls.host.close()
        cls.relay.close()
        for server in cls.servers.values():
            server.close()
        cls.names.close()

    @classmethod
    def server(cls, address, *arguments, **named):
        if address not in cls.servers:
            cls.servers[address] = Server(address, cls.port, *arguments, **named)
        return cls.servers[address]

    def send(self, *recipients, subject="hello", body="hello\r\n", options=()):
        with smtplib.SMTP("127.0.0.1", self.host.port["submission"], "client.test", 20) as client:
            client.login(ALICE, PASSWORD)
            client.sendmail(ALICE, list(recipients), f"From: {ALICE}\r\nSubject: {subject}\r\n\r\n{body}".encode(), options)

    def row(self, address):
        for message in self.host.cli("queue", "list"):
            for recipient in self.host.cli("queue", "show", message["id"])["recipients"]:
                if recipient["address"] == address:
                    return recipient
        return None

    def bounce(self, address):
        """The bounce for an address, once it is there."""
        found = []

        def look():
            found[:] = [m.decode("utf-8", "replace") for m in self.host.messages("alice")
                        if f"<{address}>:".encode() in m]
            return found
        self.host.wait_for(look, 20)
        return found[0]

    def deferral(self, address, seconds=20):
        """What the queue says of an address after a first attempt."""
        rows = []

        def look():
            rows[:] = [self.row(address)]
            return rows[0] and rows[0]["attempts"] > 0
        self.host.wait_for(look, seconds)
        return str(rows[0])

    def test_exchangers(self):
        """R17 R60: by preference, past a dead one; the address where there is no MX; IPv6; EHLO and source by sender domain."""
        server, six = self.server("127.0.0.22"), self.server("::1")
        self.send("a@order.test", "b@plain.test", "c@six.test")
        self.host.wait_for(lambda: {"a@order.test", "b@plain.test"} <= set(server.recipients()))
        self.host.wait_for(lambda: "c@six.test" in six.recipients())
        session = server.sessions[0]
        self.assertIn("EHLO helo.example.test", session.lines)
        self.assertEqual(session.client_address[0], "127.0.0.5")

    def test_nowhere(self):
        """R47 R48 R60: null MX, nothing at all, no such domain, an exchanger without address, ourselves."""
        self.send("a@null.test", "a@none.test", "a@gone.test", "a@nohost.test", "a@us.test", "a@empty.test")
        self.assertIn("null.test does not accept mail: it has a null MX", self.bounce("a@null.test"))
        self.assertIn("couldn't find a mail exchanger or IP address. (#5.4.4)", self.bounce("a@none.test"))
        self.assertIn("couldn't find any host named gone.test. (#5.1.2)", self.bounce("a@gone.test"))
        self.assertIn("Name service error for mx.nohost.test: Host found but no data record of requested type",
                      self.bounce("a@nohost.test"))
        self.assertIn("Although I'm listed as a best-preference MX or A for that host", self.bounce("a@us.test"))
        self.assertIn("(#5.4.4)", self.bounce("a@empty.test"))

    def test_bad_names(self):
        """A name system that fails costs time and never mail; slow answers only time."""
        server = self.server("127.0.0.22")
        self.send("a@loop.test", "a@servfail.test", "a@slow.test")
        for domain in ("loop", "servfail"):
            self.assertIn("CNAME lookup failed temporarily. (#4.4.3)", self.deferral(f"a@{domain}.test", 60))
        self.host.wait_for(lambda: "a@slow.test" in server.recipients(), 40)
        self.send("a@silent.test")
        self.assertIn("(#4.4.3)", self.deferral("a@silent.test", 60))
        # A name that is never answered must not make the name server count as dead for all others.
        time.sleep(2)
        self.send("after-silence@plain.test")
        self.host.wait_for(lambda: "after-silence@plain.test" in server.recipients())

    def test_equal_preference(self):
        """R60: exchangers of equal preference share the work."""
        one, two = self.server("127.0.0.23"), self.server("127.0.0.24")
        for number in range(16):
            self.send(f"u{number}@shuffle.test")
            self.host.wait_for(lambda: f"u{number}@shuffle.test" in one.recipients() + two.recipients())
            self.host.wait_for(lambda: not self.row(f"u{number}@shuffle.test"))
        self.assertTrue(one.messages and two.messages)

    def test_tls(self):
        """R36 R42: STARTTLS when offered; when it breaks, the mail goes in clear and the log says why."""
        good = self.server("127.0.0.25", tls=self.certificate)
        bad = self.server("127.0.0.26", lambda session, line:
                          False if line == "STARTTLS" and session.say("220 go\r\n") is None else None,
                          extensions=("PIPELINING", "STARTTLS"))
        self.send("a@tls.test", "a@broken.test")
        self.host.wait_for(lambda: good.messages and bad.messages)
        self.assertEqual((good.messages[0][2], bad.messages[0][2]), (True, False))
        with open(f"{self.host.folder}/log") as file:
            self.assertIn("TLS not available: connect failed: error:00000000:lib(0):func(0):reason(0)", file.read())

    def test_postfix(self):
        """R17 R36 R60: a real Postfix gets three recipients in one transaction, under TLS, and every octet."""
        postfix = Postfix("127.0.0.27", self.port, ["postfix.test"], *self.certificate)
        self.servers["postfix"] = postfix
        body = "".join(f".{n} na\u00efve \u20ac\r\n" for n in range(2000))
        self.send("a@postfix.test", "b@postfix.test", "c@postfix.test", "nobody@postfix.test", body=body,
                  options=["BODY=8BITMIME"])
        self.host.wait_for(lambda: all(len(postfix.mail(u)) == 1 for u in "abc"), 60)
        mail = postfix.mail("a")[0].decode()
        self.assertTrue(mail.endswith(body.replace("\r\n", "\n")))
        self.assertIn("using TLSv1.3", mail)
        self.assertIn("nrcpt=3 ", postfix.log())
        bounce = self.bounce("nobody@postfix.test")
        self.assertIn("while talking to mx.postfix.test:\r\n>>> RCPT TO:<nobody@postfix.test>\r\n<<< 550 5.1.1", bounce)

    def test_reuse(self):
        """R60: many messages over few connections."""
        server = self.server("127.0.0.28")
        for number in range(20):
            self.send(f"u{number}@reuse.test")
        self.host.wait_for(lambda: len(server.messages) == 20, 30)
        self.assertLess(len(server.sessions), 20)

    def test_rate(self):
        """R28: no more than five new connections in any second."""
        server = self.server("127.0.0.34", lambda session, line: time.sleep(0.3) if line.startswith("RCPT") else None)
        with smtplib.SMTP("127.0.0.1", self.host.port["submission"], "client.test", 20) as client:
            client.login(ALICE, PASSWORD)
            for number in range(40):
                client.sendmail(ALICE, [f"u{number}@rate.test"], f"From: {ALICE}\r\n\r\nx\r\n")
        self.host.wait_for(lambda: len(server.messages) == 40, 60)
        starts = sorted(session.began for session in server.sessions)
        # A connection is seen a little after it was made.
        self.assertTrue(all(later - first > 0.8 for first, later in zip(starts, starts[5:])), starts)
        self.assertLessEqual(len(starts), 20)

    def test_others_wait_for_nobody(self):
        """R28: a server that accepts and says nothing, and one that is dead, delay nobody else's mail."""
        self.server("127.0.0.29", greeting=lambda session: time.sleep(120))
        server = self.server("127.0.0.22")
        with smtplib.SMTP("127.0.0.1", self.host.port["submission"], "client.test", 20) as client:
            client.login(ALICE, PASSWORD)
            for number in range(40):
                domain = "stall" if number % 2 else "dead"
                client.sendmail(ALICE, [f"u{number}@{domain}.test"], f"From: {ALICE}\r\n\r\nx\r\n")
        began = time.monotonic()
        self.send("quick@plain.test")
        self.host.wait_for(lambda: "quick@plain.test" in server.recipients())
        self.assertLess(time.monotonic() - began, 3)
        self.assertIn("Sorry, I wasn't able to establish an SMTP connection. (#4.4.1)", self.deferral("u0@dead.test"))

    def test_liars(self):
        """R44: replies without end, of a megabyte, of the wrong kind cost a retry; a refusal comes back with all its words."""
        self.server("127.0.0.30", lambda session, line: "250-more\r\n" * 50_000 if line[:4] == "EHLO" else None)
        self.server("127.0.0.31", greeting=lambda session: "220 " + "x" * (1 << 20) + "\r\n")
        self.server("127.0.0.32", lambda session, line: "250 what data?\r\n" if line == "DATA" else None)
        self.server("127.0.0.33", lambda session, line: "550-MAILBOX NOT FOUND\r\n550 5.1.1 User unknown\r\n"
                    if line[:4] == "RCPT" else None)
        self.send("a@endless.test", "a@megabyte.test", "a@wrong.test", "a@refuse.test")
        bounce = self.bounce("a@refuse.test")
        for words in ("127.0.0.33 does not like recipient.", "Remote host said: 550 MAILBOX NOT FOUND",
                      "while talking to mx.refuse.test:", ">>> RCPT TO:<a@refuse.test>", "Status: 5.1.1"):
            self.assertIn(words, bounce)
        for domain in ("endless", "megabyte", "wrong"):
            self.assertIn("(#4.4.2)", self.deferral(f"a@{domain}.test"))

    def test_once(self):
        """R44: whatever a server does wrong the first time, the message comes the next time, once and whole."""
        def first(session, wrong):
            """`wrong` in the first session with a server, nothing special in later ones."""
            return wrong if session is self.servers[session.server.server_address[0]].sessions[0] else None

        def at(verb, wrong):
            return lambda session, line: first(session, wrong) if line[:4] == verb else None

        def stop(session, line):
            """354, then not one octet is read, and the line is cut."""
            if line == "DATA" and first(session, True):
                session.say("354 go\r\n")
                time.sleep(1)
                return False

        kinds = [
            at("EHLO", "250-more\r\n" * 20_000), at("EHLO", "250-" + "x" * (1 << 20) + "\r\n"), at("MAIL", "354 go\r\n"),
            at("RCPT", "220 hello\r\n"), at("DATA", "250 what data?\r\n"), at("DATA", False), stop,
            at("RCPT", "250 ok\r\n250 ok\r\n250 and more\r\n250 for ever\r\n"), at("MAIL", "nonsense\r\n" * 100)]
        for number, behave in enumerate(kinds):
            self.server(f"127.0.0.{60 + number}", behave)
        addresses = [f"a@late{number}.test" for number in range(len(kinds))]
        self.send(*addresses, body="one\r\n..two\r\n" * 500)
        for address in addresses:
            self.assertTrue(self.deferral(address), address)
        self.host.cli("queue", "flush")
        self.host.wait_for(lambda: not [m for m in self.host.cli("queue", "list") for r in m["recipients"]
                                        if r["address"] in addresses], 60)
        for number in range(len(kinds)):
            taken = self.servers[f"127.0.0.{60 + number}"].messages
            self.assertEqual(len(taken), 1, number)
            self.assertTrue(taken[0][1].endswith(b"\r\n\r\n" + b"one\r\n...two\r\n" * 500), number)

    def test_slow_greeting(self):
        """A server that says nothing for 20 s and then is a server: it is waited for."""
        server = self.server("127.0.0.70", greeting=lambda session: time.sleep(20) or "220 at last\r\n")
        self.send("a@slowly.test")
        self.host.wait_for(lambda: server.messages, 40)
        self.assertEqual(len(server.sessions), 1)

    def test_seven_bit(self):
        """A server without 8BITMIME gets quoted-printable."""
        server = self.server("127.0.0.35")
        self.send("a@old.test", body="na\u00efve letter\r\n", options=["BODY=8BITMIME"])
        self.host.wait_for(lambda: server.messages)
        self.assertIn(b"na=C3=AFve letter", server.messages[0][1])

    def test_smarthost(self):
        """R84: a route to another Martinet with AUTH under TLS; one that demands a certificate that fits is not had."""
        self.send("a@smart.test")
        def queued(): return [m for m in self.relay.cli("queue", "list") if m["recipients"][0]["address"] == "a@smart.test"]
        self.host.wait_for(queued)
        self.assertEqual((queued()[0]["account"], queued()[0]["sender"]), (ALICE, ALICE))
        self.send("a@strict.test")
        self.assertRegex(self.deferral("a@strict.test"), "TLS not available: connect failed: .*CERTIFICATE_VERIFY_FAILED")


if __name__ == "__main__":
    unittest.main()
