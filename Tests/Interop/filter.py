"""A filter on Sendmail's own library (libmilter, by python3-milter): what it does depends on what the message says.

usage: filter.py SOCKET"""
import sys

import Milter


class Filter(Milter.Base):
    def connect(self, name, family, address):
        self.peer = address
        return Milter.CONTINUE

    def hello(self, name):
        if name == "forbidden.test":
            self.setreply("550", "5.7.1", "not with that name")
            return Milter.REJECT
        return Milter.CONTINUE

    def envfrom(self, sender, *parameters):
        self.sender, self.text, self.lines = sender, b"", []
        if sender.startswith("<drop@"):
            return Milter.DISCARD
        return Milter.CONTINUE

    def envrcpt(self, recipient, *parameters):
        if recipient.startswith("<grey@") or self.sender.startswith("<grey@"):
            self.setreply("451", "4.7.1", "come back later")
            return Milter.TEMPFAIL
        return Milter.CONTINUE

    def header(self, name, value):
        self.lines.append((name, value))
        return Milter.CONTINUE

    def body(self, chunk):
        self.text += chunk
        return Milter.CONTINUE

    def eom(self):
        subject = dict(self.lines).get("Subject", "")
        self.progress()
        if "virus" in subject:
            self.setreply("554", "5.7.1", "a virus was found")
            return Milter.REJECT
        if "later" in subject:
            return Milter.TEMPFAIL
        if "odd" in subject:
            self.quarantine("looks odd")
        self.addheader("X-Filter", f"{self.peer[0]} {self.getsymval('i')} {self.getsymval('{auth_authen}') or '-'}\n\tfolded")
        self.addheader("X-First", "top", 0)
        if subject == "seen":
            self.addheader("X-Seen", " ".join(name for name, _ in self.lines))
        if "change" in subject:
            self.chgheader("Subject", 1, "changed by a filter")
            self.chgheader("X-Secret", 1, "")
            self.replacebody(b"another body\r\n.with a dot\r\n")
            self.chgfrom("<changed@outside.test>")
            self.delrcpt("<alice@example.test>")
            self.addrcpt("<bob@example.test>")
        if "large" in subject:
            self.addheader("X-Length", str(len(self.text)))
        return Milter.CONTINUE


Milter.factory = Filter
Milter.set_flags(Milter.ADDHDRS | Milter.CHGHDRS | Milter.CHGBODY | Milter.ADDRCPT | Milter.DELRCPT | Milter.CHGFROM
                 | Milter.QUARANTINE)
Milter.runmilter("filter", sys.argv[1], 60)
