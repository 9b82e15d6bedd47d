"""Mail filters: one on Sendmail's libmilter that does everything a filter may, and opendkim as Debian ships it."""
import os
import re
import smtplib
import subprocess
import unittest

from host import PASSWORD, Host, free_ports, run

ALICE, BOB = "alice@example.test", "bob@example.test"
OUTSIDE = "friend@outside.test"
# python3-milter belongs to Debian's python, whatever other one runs the tests.
PYTHON = "/usr/bin/python3"


def letter(subject, body="hello\r\n", sender=OUTSIDE):
    return f"From: {sender}\r\nTo: {ALICE}\r\nSubject: {subject}\r\nX-Secret: x\r\n\r\n{body}"


class FilterCase(unittest.TestCase):
    """A host with a filter beside it: `host`, `filter`, and `errors`, what the filter writes."""
    @classmethod
    def tearDownClass(cls):
        cls.filter.terminate()
        cls.filter.wait(10)
        cls.errors.close()
        cls.host.close()


class Libmilter(FilterCase):
    @classmethod
    def setUpClass(cls):
        cls.port, dead = free_ports(2)
        cls.host = Host('milters:\n'
                        '  - {name: everything, address: "unix:{FOLDER}/filter.sock", listeners: [smtp, submission]}\n'
                        f'  - {{name: away, address: "127.0.0.1:{dead}", on-failure: accept, listeners: [smtp]}}\n'
                        f'  - {{name: gone, address: "127.0.0.1:{dead}", on-failure: tempfail, listeners: [smtp-alt]}}\n')
        cls.socket = f"{cls.host.folder}/filter.sock"
        cls.errors = open(f"{cls.host.folder}/filter.log", "wb")
        cls.filter = subprocess.Popen([PYTHON, os.path.join(os.path.dirname(__file__), "filter.py"), cls.socket],
                                      stderr=cls.errors)
        cls.host.start()
        cls.host.wait_for(lambda: os.path.exists(cls.socket))

    def send(self, text, sender=OUTSIDE, to=ALICE, service="smtp"):
        with smtplib.SMTP("127.0.0.1", self.host.port[service], "client.test", 20) as client:
            if service == "submission":
                client.login(sender, PASSWORD)
            return client.sendmail(sender, [to] if isinstance(to, str) else to, text)

    def refused(self, *arguments, **named):
        try:
            self.send(*arguments, **named)
        except smtplib.SMTPDataError as error:
            return error.smtp_code, error.smtp_error.decode()
        except smtplib.SMTPRecipientsRefused as error:
            return list(error.recipients.values())[0][0], list(error.recipients.values())[0][1].decode()
        self.fail("it was taken")

    def found(self, name, subject):
        return [m for m in self.host.messages(name) if f"Subject: {subject}\r\n".encode() in m]

    def test_added_headers(self):
        """R83: headers at the top and at the end, macros, a fold; the next filter is away and lets mail pass."""
        self.send(letter("plain"))
        mail = self.found("alice", "plain")[0].decode()
        own = mail.split("Received: ")[1].split(" id ")[1].split(";")[0].split()[0]
        self.assertIn(f"X-Filter: 127.0.0.1 {own} -\r\n\tfolded\r\n\r\nhello\r\n", mail)
        self.assertLess(mail.index("X-First: top\r\n"), mail.index(f"From: {OUTSIDE}"))
        self.send(letter("by alice", sender=ALICE), sender=ALICE, to=BOB, service="submission")
        self.assertIn(f" {ALICE}\r\n\tfolded", self.found("bob", "by alice")[0].decode())

    def test_seen(self):
        """R83: filters see what is added to a customer's message, and not our own Received:."""
        self.send(f"From: {ALICE}\r\nSubject: seen\r\n\r\nhello\r\n", sender=ALICE, to=BOB, service="submission")
        mail = self.found("bob", "seen")[0].decode()
        self.assertIn("X-Seen: Date Message-ID From Subject\r\n", mail)
        self.assertEqual([mail.count(f"\r\n{name}: ") for name in ("Date", "Message-ID", "From")], [1, 1, 1])

    def test_refuse(self):
        """R83: in the filter's words, at RCPT and at the end; temporary ones too; a session goes on after each."""
        self.assertEqual(self.refused(letter("a virus")), (554, "5.7.1 a virus was found"))
        self.assertEqual(self.refused(letter("later please"))[0], 451)
        self.assertEqual(self.refused(letter("x"), sender="grey@outside.test"), (451, "4.7.1 come back later"))
        with smtplib.SMTP("127.0.0.1", self.host.port["smtp"], "client.test", 20) as client:
            self.assertEqual(client.docmd("EHLO", "forbidden.test"), (550, b"5.7.1 not with that name"))
            self.assertEqual(client.ehlo("client.test")[0], 250)
            with self.assertRaises(smtplib.SMTPDataError):
                client.sendmail(OUTSIDE, [ALICE], letter("virus again"))
            client.sendmail(OUTSIDE, [ALICE], letter("and then"))
        self.assertEqual((len(self.found("alice", "virus again")), len(self.found("alice", "and then"))), (0, 1))

    def test_quarantine(self):
        """R83: held in the queue with the filter's reason, and delivered when it is released."""
        self.send(letter("odd thing"))
        held = [m for m in self.host.cli("queue", "list") if m["sender"] == OUTSIDE]
        self.assertEqual(len(held), 1)
        shown = self.host.cli("queue", "show", held[0]["id"])
        self.assertIn("everything: looks odd", str(shown))
        self.assertEqual(self.found("alice", "odd thing"), [])
        self.host.cli("queue", "release", held[0]["id"])
        self.host.wait_for(lambda: len(self.found("alice", "odd thing")) == 1)

    def test_change(self):
        """R83: header, body, sender and recipients are as the filter wants them."""
        self.send(letter("change me"))
        mail = self.found("bob", "changed by a filter")[0].decode()
        self.assertTrue(mail.endswith("\r\n\r\nanother body\r\n.with a dot\r\n"), mail)
        self.assertNotIn("X-Secret", mail)
        self.assertIn("Return-Path: <changed@outside.test>", mail)
        self.assertEqual(self.found("alice", "changed by a filter"), [])

    def test_discard(self):
        self.send(letter("dropped"), sender="drop@outside.test")
        self.assertEqual(self.found("alice", "dropped"), [])

    def test_large(self):
        """A message that goes through files, block by block."""
        body = "".join(f"line {n} of a long letter, with some words in it\r\n" for n in range(60_000))
        self.send(letter("large one", body))
        mail = self.found("alice", "large one")[0]
        self.assertTrue(mail.endswith(body.encode()))
        self.assertIn(f"X-Length: {len(body)}\r\n".encode(), mail)

    def test_away(self):
        """A filter that is away and must not be: the sender comes back."""
        with smtplib.SMTP("127.0.0.1", self.host.port["smtp-alt"], "client.test", 20) as client:
            client.ehlo()
            self.assertEqual(client.mail(OUTSIDE), (451, b"4.7.1 Service unavailable - try again later"))


class OpenDKIM(FilterCase):
    @classmethod
    def setUpClass(cls):
        cls.port = free_ports(1)[0]
        cls.host = Host(f'milters:\n  - {{name: opendkim, address: "inet:{cls.port}@127.0.0.1", listeners: [submission]}}\n')
        folder = cls.host.folder
        run("openssl", "genrsa", "-out", f"{folder}/dkim.key", "2048")
        os.chmod(f"{folder}/dkim.key", 0o600)
        with open(f"{folder}/opendkim.conf", "w") as file:
            file.write(f"Domain example.test\nKeyFile {folder}/dkim.key\nSelector mail\nMode s\nSyslog no\n"
                       f"Socket inet:{cls.port}@127.0.0.1\nRequireSafeKeys no\nMacroList {{auth_authen}}\nAlwaysAddARHeader no\n")
        cls.errors = open(f"{folder}/opendkim.log", "wb")
        cls.filter = subprocess.Popen(["opendkim", "-f", "-x", f"{folder}/opendkim.conf"], stderr=cls.errors)
        cls.host.start()
        cls.host.wait_for(lambda: Host.answers(cls.port))

    def test_sign(self):
        """R80: Debian's opendkim signs what customers send, and its signature covers what arrives."""
        with smtplib.SMTP("127.0.0.1", self.host.port["submission"], "client.test", 20) as client:
            client.login(ALICE, PASSWORD)
            client.sendmail(ALICE, [BOB], f"From: {ALICE}\r\nDate: Sun, 22 Nov 2026 08:00:00 +0000\r\nMessage-ID: <1@x>\r\n"
                                          f"Subject: signed\r\n  and folded\r\n\r\nhello \r\n\r\n")
        mail = [m for m in self.host.messages("bob") if b"Subject: signed" in m][0]
        self.assertIn(b"DKIM-Signature: v=1; a=rsa-sha256;", mail)
        self.assertIn(b"d=example.test; s=mail", mail)
        self.verify(mail)

    def test_sign_what_was_added(self):
        """R80: the Date that a customer's message lacked is signed too, and stands once."""
        with smtplib.SMTP("127.0.0.1", self.host.port["submission"], "client.test", 20) as client:
            client.login(ALICE, PASSWORD)
            client.sendmail(ALICE, [BOB], f"From: {ALICE}\r\nSubject: bare\r\n\r\nhello\r\n")
        mail = [m for m in self.host.messages("bob") if b"Subject: bare" in m][0]
        signed = re.sub(rb"\s", b"", re.search(rb"\sh=([^;]*);", mail)[1]).lower().split(b":")
        self.assertLess({b"from", b"date"}, set(signed))
        self.assertEqual((mail.count(b"\r\nDate: "), mail.count(b"\r\nMessage-ID: ")), (1, 1))
        self.verify(mail)

    def verify(self, mail):
        """The signature by hand (RFC 6376): opendkim canonicalises `simple/simple` unless told otherwise."""
        import base64
        import hashlib
        import re
        head, body = mail.split(b"\r\n\r\n", 1)
        fields = re.findall(rb"^[^ \t][^\r]*(?:\r\n[ \t][^\r]*)*", head, re.M)
        signature = [f for f in fields if f.lower().startswith(b"dkim-signature:")][0]
        tags = dict(re.findall(r"(\w+)=([^;]*)", re.sub(r"\s+", "", signature.split(b":", 1)[1].decode())))
        canonical = re.sub(rb"(\r\n)*$", b"", body) + b"\r\n"
        self.assertEqual(tags["bh"], base64.b64encode(hashlib.sha256(canonical).digest()).decode())
        signed, rest = b"", list(reversed(fields))
        for name in tags["h"].lower().split(":"):
            match = [f for f in rest if f.split(b":")[0].strip().lower() == name.encode()]
            if match:
                signed += match[0] + b"\r\n"
                rest.remove(match[0])
        signed += re.sub(rb"([;\s]b=)[^;]*", rb"\1", signature)
        folder = self.host.folder
        with open(f"{folder}/signed", "wb") as file:
            file.write(signed)
        with open(f"{folder}/signature", "wb") as file:
            file.write(base64.b64decode(tags["b"]))
        run("openssl", "rsa", "-in", f"{folder}/dkim.key", "-pubout", "-out", f"{folder}/dkim.pub")
        code, text = run("openssl", "dgst", "-sha256", "-verify", f"{folder}/dkim.pub", "-signature",
                         f"{folder}/signature", f"{folder}/signed")
        self.assertEqual(code, 0, text)


if __name__ == "__main__":
    unittest.main()
