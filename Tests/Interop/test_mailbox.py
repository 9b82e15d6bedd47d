"""Mailboxes from outside: expunged mail comes back, an index is made anew and keeps UIDs, text is found from the index."""
import imaplib
import os
import poplib
import unittest

from host import PASSWORD, Host


class Mailboxes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.host = Host(settings="storage: {undelete: 24h}\n")
        cls.host.start()

    @classmethod
    def tearDownClass(cls):
        cls.host.close()

    def login(self, folder="INBOX"):
        session = imaplib.IMAP4("127.0.0.1", self.host.port["imap"])
        session.login("alice@example.test", PASSWORD)
        self.assertEqual(session.select(folder)[0], "OK")
        return session

    @staticmethod
    def message(number):
        return (f"Subject: letter {number}\r\nFrom: a@sender.test\r\nMessage-ID: <{number}@sender.test>\r\n"
                f"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
                f"The Gr=C3=BC=C3=9Fe of heliotrope{number} are h=\r\nere.\r\n").encode()

    def found(self, session, *key):
        answer, data = session.uid("SEARCH", *key)
        self.assertEqual(answer, "OK")
        return (data[0] or b"").split()

    def test_whole_life(self):
        host, session = self.host, self.login()
        for number in range(40):
            flags = "(\\Flagged $Work)" if number % 10 == 0 else None
            self.assertEqual(session.append("INBOX", flags, None, self.message(number))[0], "OK")
        text = f"{host.folder}/data/mail/example.test/alice/text.db"
        host.wait_for(lambda: os.path.exists(text), seconds=20)
        # Substrings of decoded text, whatever the case, before and after the index has them.
        for term, hits in (("HELIOTROPE7", 1), ("grüße of heliotrope1", 11), ("ARE here.", 40), ("xx", 0), ("ü", 40)):
            session.literal = term.encode()
            self.assertEqual(len(self.found(session, "CHARSET", "UTF-8", "BODY")), hits, term)
        # Expunged by IMAP and by POP3, brought back beside the server.
        session.store("1:20", "+FLAGS", "\\Deleted")
        session.expunge()
        session.logout()
        pop = poplib.POP3("127.0.0.1", host.port["pop3"])
        pop.user("alice@example.test")
        pop.pass_(PASSWORD)
        pop.dele(1)
        pop.quit()
        session = self.login()
        self.assertEqual(len(self.found(session, "ALL")), 19)
        self.assertEqual(host.cli("mailbox", "undelete", "alice@example.test", "--dry-run")["messages"], 21)
        self.assertEqual(host.cli("mailbox", "undelete", "alice@example.test", "--since", "1h")["messages"], 21)
        session.noop()
        self.assertEqual(len(self.found(session, "ALL")), 40)
        self.assertEqual(len(self.found(session, "KEYWORD", "$Work", "FLAGGED")), 4)
        self.assertEqual(self.found(session, "DELETED"), [])
        # Made anew beside the server: the session ends, every UID stays.
        before = self.found(session, "ALL")
        folders = host.cli("mailbox", "rebuild", "alice@example.test")["folders"]
        inbox = [folder for folder in folders if folder["name"] == "INBOX"][0]
        self.assertEqual((inbox["kept_uids"], inbox["new_uids"], inbox["result"]), (40, 0, "kept"))
        self.assertEqual(inbox["uidvalidity"], inbox["uidvalidity_before"])
        session.shutdown()
        session = self.login()
        self.assertEqual(self.found(session, "ALL"), before)
        self.assertTrue(host.cli("mailbox", "check", "alice@example.test")["sound"])
        # Without the server, and over the quota: exit code 5, nothing done.
        session.store("1:*", "+FLAGS", "\\Deleted")
        session.expunge()
        session.logout()
        host.stop()
        host.cli("quota", "set", "alice@example.test", "1K")
        self.assertFalse(host.cli("mailbox", "undelete", "alice@example.test", "--dry-run")["fits_quota"])
        host.cli("mailbox", "undelete", "alice@example.test", expect=5)
        host.cli("quota", "set", "alice@example.test", "25M")
        self.assertEqual(host.cli("mailbox", "undelete", "alice@example.test", "--folder", "INBOX")["messages"], 40)
        host.start()
        session = self.login()
        uids = self.found(session, "ALL")
        self.assertEqual(len(uids), 40)
        self.assertGreater(min(map(int, uids)), max(map(int, before)))
        session.logout()


if __name__ == "__main__":
    unittest.main()
