"""DANE (RFC 7672): a signed zone, a real Postfix and scripted servers, whose certificates are the right ones or are not."""
import hashlib
import smtplib
import subprocess
import tempfile
import unittest

from host import PASSWORD, Host
from network import Names, Postfix, Server

ALICE = "alice@example.test"
HOSTS = {"good": 41, "wrong": 42, "clear": 43, "useless": 44, "lost": 45, "second": 46, "postfix": 47, "chain": 48,
         "alias": 49, "none": 50}


def openssl(*arguments, stdin=None):
    return subprocess.run(["openssl", *arguments], input=stdin, check=True, capture_output=True).stdout


class Dane(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="martinet-dane-")
        cls.host = Host("dns: {servers: []}\n")
        cls.port = cls.host.port["smtp"]
        cls.own = (cls.host.certificate, f"{cls.host.folder}/key.pem")
        key = openssl("x509", "-in", cls.own[0], "-pubkey", "-noout")
        right = hashlib.sha256(openssl("pkey", "-pubin", "-outform", "DER", stdin=key)).hexdigest()
        authority = cls.chain()
        record = f"_{cls.port}._tcp.mx"
        zone = "".join(f"{name} MX 10 mx.{name}\nmx.{name} A 127.0.0.{number}\n" for name, number in HOSTS.items()
                       if name != "alias")
        zone += "".join(f"{record}.{name} TLSA 3 1 1 {right}\n" for name in ("good", "clear", "lost", "postfix"))
        zone += f"{record}.wrong TLSA 3 1 1 {'00' * 32}\n{record}.useless TLSA 1 1 1 {right}\n"
        zone += f"second MX 5 mx.wrong\n{record}.chain TLSA 2 0 1 {authority}\n"
        zone += "forged MX 10 mx.good\nroad MX 10 mx.forged\nmx.forged A 127.0.0.41\n"
        zone += "alias MX 10 mx.alias\nmx.alias CNAME mx.good\n"
        cls.names = Names(zone, signed=True)
        with open(cls.host.config) as file:
            text = file.read()
        with open(cls.host.config, "w") as file:
            file.write(text.replace("dns: {servers: []}",
                                    f'dns: {{servers: ["127.0.0.1:{cls.names.port}"], trust-anchor: {cls.names.anchor}}}\n'
                                    f"queue: {{remote-port: {cls.port}}}"))
        cls.servers = {name: Server(f"127.0.0.{number}", cls.port, tls=None if name == "clear" else
                                    cls.pair if name == "chain" else cls.own)
                       for name, number in HOSTS.items() if name not in ("postfix", "alias")}
        cls.host.start()

    @classmethod
    def chain(cls):
        """An authority, and a certificate of it for mx.chain.test; the digest of the first."""
        place = cls.folder.name
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                "-subj", "/CN=authority", "-keyout", f"{place}/ca.key", "-out", f"{place}/ca.pem")
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=x",
                "-keyout", f"{place}/key.pem", "-out", f"{place}/request")
        with open(f"{place}/names", "w") as file:
            file.write("subjectAltName=DNS:mx.chain.test\n")
        openssl("x509", "-req", "-in", f"{place}/request", "-CA", f"{place}/ca.pem", "-CAkey", f"{place}/ca.key",
                "-CAcreateserial", "-days", "2", "-extfile", f"{place}/names", "-out", f"{place}/cert.pem")
        with open(f"{place}/ca.pem") as authority, open(f"{place}/cert.pem", "a") as file:
            file.write(authority.read())
        cls.pair = (f"{place}/cert.pem", f"{place}/key.pem")
        return hashlib.sha256(openssl("x509", "-in", f"{place}/ca.pem", "-outform", "DER")).hexdigest()

    @classmethod
    def tearDownClass(cls):
        cls.host.close()
        for server in cls.servers.values():
            server.close()
        cls.names.close()
        cls.folder.cleanup()

    def send(self, *recipients):
        with smtplib.SMTP("127.0.0.1", self.host.port["submission"], "client.test", 20) as client:
            client.login(ALICE, PASSWORD)
            client.sendmail(ALICE, list(recipients), f"From: {ALICE}\r\nSubject: hello\r\n\r\nhello\r\n")

    def reply(self, event, address):
        """The words of an event in the trace of a message to an address, once it is there."""
        found = []

        def look():
            traces = self.host.cli("trace", "--recipient", address)
            found[:] = [e["reply"] for m in traces for e in m["events"] if e["event"] == event and e["recipient"] == address]
            return found
        self.host.wait_for(look, 30)
        return found[0]

    def test_right(self):
        """R36: the certificate that is named, by key, by authority, behind an alias, from a Postfix; the trace says dane."""
        postfix = Postfix("127.0.0.47", self.port, ["postfix.test"], *self.own)
        self.servers["postfix"] = postfix
        addresses = [f"a@{name}.test" for name in ("good", "chain", "alias", "postfix")]
        self.send(*addresses)
        for address in addresses:
            self.assertRegex(self.reply("sent", address), r" \(TLSv1\.3, dane\)$")
        self.host.wait_for(lambda: len(postfix.mail("a")) == 1)
        self.assertTrue(all(secure for _, _, secure in self.servers["good"].messages))

    def test_wrong(self):
        """R36 R42: another certificate, no TLS, records that cannot be had: the mail waits and nothing goes in clear."""
        self.send("a@wrong.test", "a@clear.test", "a@lost.test")
        self.assertIn("TLS not available: connect failed: DANE: the certificate of mx.wrong.test matches no TLSA record",
                      self.reply("deferred", "a@wrong.test"))
        self.assertIn("STARTTLS is required and not offered", self.reply("deferred", "a@clear.test"))
        self.assertIn(f"Name service error for _{self.port}._tcp.mx.lost.test", self.reply("deferred", "a@lost.test"))
        shown = [r for m in self.host.cli("queue", "list") for r in self.host.cli("queue", "show", m["id"])["recipients"]]
        self.assertIn("DANE", str([r for r in shown if r["address"] == "a@wrong.test"]))
        self.assertEqual([m for name in ("wrong", "clear", "lost") for m in self.servers[name].messages], [])

    def test_forged(self):
        """Answers that DNSSEC proves false, of MX or of an address: the mail waits and goes nowhere else."""
        self.send("a@forged.test", "a@road.test")
        self.assertIn("(#4.4.3)", self.reply("deferred", "a@forged.test"))
        self.assertIn("DNSSEC validation failed", self.reply("deferred", "a@road.test"))

    def test_others(self):
        """Useless records ask for TLS only, hosts without any are opportunistic, and a second exchanger may be right."""
        self.send("a@useless.test", "a@none.test", "a@second.test")
        for name in ("useless", "none", "second"):
            self.assertRegex(self.reply("sent", f"a@{name}.test"), r" \(TLSv1\.3\)$")


if __name__ == "__main__":
    unittest.main()
