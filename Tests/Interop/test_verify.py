"""`martinet verify` against damage that is really made, and indexes that break while the server runs."""
import glob
import imaplib
import json
import os
import poplib
import shutil
import smtplib
import sqlite3
import subprocess
import unittest

from host import MARTINET, PASSWORD, Host

TEXT = "From: friend@outside.test\r\nSubject: {}\r\nMessage-ID: <{}@outside.test>\r\n\r\nHello.\r\n"


def deliver(host, *numbers, to="alice@example.test"):
    with smtplib.SMTP("127.0.0.1", host.port["smtp"], timeout=20) as client:
        for number in numbers:
            client.sendmail("friend@outside.test", [to], TEXT.format(number, number))


def imap(host, folder="INBOX"):
    client = imaplib.IMAP4("127.0.0.1", host.port["imap"], timeout=20)
    client.login("alice%example.test", PASSWORD)
    client.select(folder)
    return client


def uids(host):
    """UIDVALIDITY, and the Message-ID of each UID."""
    client = imap(host)
    validity = int(client.response("UIDVALIDITY")[1][0])
    found = {}
    for row in client.uid("fetch", "1:*", "(BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])")[1]:
        if isinstance(row, tuple):
            words = row[0].split()
            found[int(words[words.index(b"(UID") + 1])] = row[1].decode().split(":", 1)[1].strip()
    client.logout()
    return validity, found


def uidls(host):
    client = poplib.POP3("127.0.0.1", host.port["pop3"], timeout=20)
    client.user("alice%example.test")
    client.pass_(PASSWORD)
    found = [line.split()[1] for line in client.uidl()[1]]
    client.quit()
    return found


def state(folder):
    """Name, size, time and inode of every file, but for the lock SQLite shares a write-ahead log by."""
    found = {}
    for path, _, names in os.walk(folder):
        for name in names:
            facts = os.stat(f"{path}/{name}")
            if not name.endswith("-shm"):
                found[f"{path}/{name}"] = (facts.st_size, facts.st_mtime_ns, facts.st_ino)
    return found


class Damage(unittest.TestCase):
    """One host is filled once; every test damages a copy of it and looks offline."""

    @classmethod
    def setUpClass(cls):
        cls.host = host = Host('queue: {smarthost: "127.0.0.1:9"}\n').start()
        cls.addClassCleanup(host.close)
        deliver(host, *range(20))
        deliver(host, *range(3), to="bob@example.test")
        client = imap(host)
        client.store("1:5", "+FLAGS", r"(\Seen Work)")
        client.fetch("1:20", "(ENVELOPE BODYSTRUCTURE)")
        client.append("Sent", r"(\Seen)", None, TEXT.format("sent", "sent").encode())
        client.logout()
        uidls(host)
        with smtplib.SMTP("127.0.0.1", host.port["smtp"], timeout=20) as client:
            for number in range(3):
                client.sendmail("alice@example.test", [f"friend{number}@outside.test"],
                                TEXT.format("out", number).replace("friend@outside.test", "alice@example.test"))
        host.stop()
        cls.data = f"{host.folder}/data"
        shutil.copytree(cls.data, f"{host.folder}/good", copy_function=shutil.copy2)

    def setUp(self):
        shutil.rmtree(self.data, ignore_errors=True)
        shutil.copytree(f"{self.host.folder}/good", self.data, copy_function=shutil.copy2)

    def verify(self, *arguments):
        before = state(self.data)
        done = subprocess.run([MARTINET, "verify", *arguments, "--config", self.host.config, "--json"], text=True,
                              capture_output=True, timeout=60)
        self.assertEqual(state(self.data), before, "verify changed something")
        answer = json.loads(done.stdout)
        return done.returncode, answer.get("data") or answer

    def finds(self, word, severity=("error", "warning"), path=""):
        """Verify says exactly this, with a remedy, and exits with 1."""
        code, data = self.verify()
        fitting = [f for f in data["findings"] if word in f["problem"] and f["severity"] in severity]
        self.assertTrue(fitting, data)
        self.assertTrue(all(f["remedy"] and path in f["path"] for f in fitting), fitting)
        self.assertEqual(code, 0 if severity == ("note",) else 1, data)
        self.assertEqual(data["sound"], code == 0)
        said = subprocess.run([MARTINET, "verify", "--config", self.host.config], text=True, capture_output=True, timeout=60)
        self.assertIn(word, said.stdout)
        self.assertIn("remedy:", said.stdout)

    def account(self, name="alice"):
        return f"{self.data}/mail/example.test/{name}"

    def files(self, name="alice"):
        return sorted(glob.glob(f"{self.account(name)}/Maildir/cur/*") + glob.glob(f"{self.account(name)}/Maildir/new/*"))

    def sql(self, path, *statements):
        with sqlite3.connect(path) as database:
            for statement in statements:
                database.execute(statement)
        database.close()

    @staticmethod
    def overwrite(path, at=0, count=8192):
        with open(path, "r+b") as file:
            file.seek(at)
            file.write(b"\xa5" * count)

    def test_sound(self):
        for arguments in ((), ("--quick",)):
            code, data = self.verify(*arguments)
            self.assertEqual((code, data["findings"]), (0, []))
            self.assertEqual((data["accounts"], data["queued"]), (3, 3))

    def test_cut_message(self):
        os.truncate(self.files()[0], 50)
        self.finds("its name says", path=self.files()[0])

    def test_empty_message(self):
        os.truncate(self.files()[3], 0)
        self.finds("the message is empty")

    def test_changed_message(self):
        with open(self.files()[2], "r+b") as file:
            file.seek(-4, os.SEEK_END)
            file.write(b"\n\n\n\n")
        self.finds("on the wire it has")

    def test_missing_directory(self):
        shutil.rmtree(f"{self.account()}/Maildir/tmp")
        self.finds("the directory is missing")

    def test_missing_mailbox(self):
        shutil.rmtree(self.account("bob"))
        self.finds("the mailbox of bob@example.test is missing")

    def test_leftover_in_tmp(self):
        path = f"{self.account()}/Maildir/tmp/1.2.x"
        open(path, "w").close()
        os.utime(path, (1_600_000_000, 1_600_000_000))
        self.finds("interrupted delivery", severity=("note",))

    def test_wrong_quota(self):
        with open(f"{self.account()}/Maildir/maildirsize", "w") as file:
            file.write("26214400S\n999 1\n")
        os.utime(f"{self.account()}/Maildir/maildirsize", (2_000_000_000, 2_000_000_000))
        self.finds("it adds up to")

    def test_nonsense_quota(self):
        with open(f"{self.account()}/Maildir/maildirsize", "w") as file:
            file.write("this is no quota\n???\n")
        self.finds("the file makes no sense")

    def test_index_overwritten(self):
        self.overwrite(f"{self.account()}/index.db")
        self.finds("does not begin as a database does", path="index.db")

    def test_index_overwritten_inside(self):
        self.overwrite(f"{self.account()}/index.db", at=4096)
        self.finds("database says", path="index.db")

    def test_index_cut(self):
        os.truncate(f"{self.account()}/index.db", 10_000)
        self.finds("middle of a page")

    def test_index_above_its_uids(self):
        self.sql(f"{self.account()}/index.db", "UPDATE folder SET uid_next = 3 WHERE name = 'INBOX'")
        self.finds("UIDs are reserved to 3")

    def test_index_of_nonsense(self):
        self.sql(f"{self.account()}/index.db", "UPDATE page SET records = x'ff00'")
        self.finds("make no sense")

    def test_uidvalidity_lost(self):
        os.unlink(f"{self.account()}/uidvalidity")
        self.finds("it is missing", path="uidvalidity")

    def test_queue_row_without_file(self):
        path = sorted(glob.glob(f"{self.data}/queue/messages/*"))[0]
        os.unlink(path)
        self.finds(os.path.basename(path), severity=("error",))

    def test_queue_file_cut(self):
        path = sorted(glob.glob(f"{self.data}/queue/messages/*"))[0]
        os.truncate(path, 20)
        self.finds("were accepted", severity=("error",))

    def test_queue_file_without_row(self):
        path = f"{self.data}/queue/messages/ABCDEF0123"
        shutil.copy(sorted(glob.glob(f"{self.data}/queue/messages/*"))[0], path)
        os.utime(path, (1_600_000_000, 1_600_000_000))
        self.finds("without a row", path=path)

    def test_queue_database_overwritten(self):
        self.overwrite(f"{self.data}/queue/queue.db", count=4096)
        self.finds("does not begin", path="queue.db")

    def test_accounts_overwritten(self):
        self.overwrite(f"{self.data}/accounts.db")
        self.finds("does not begin", path="accounts.db")

    def test_mail_log_overwritten(self):
        self.overwrite(f"{self.data}/log.db")
        self.finds("does not begin", path="log.db")

    def test_accounts_missing(self):
        for path in glob.glob(f"{self.data}/accounts.db*"):
            os.unlink(path)
        self.finds("there is no account database")

    def test_accounts_without_postmaster(self):
        self.sql(f"{self.data}/accounts.db", "DROP TRIGGER postmaster_stays",
                 "DELETE FROM account WHERE local_part = 'postmaster'")
        self.finds("has no postmaster")

    def test_accounts_of_the_future(self):
        self.sql(f"{self.data}/accounts.db", "UPDATE schema_version SET version = 99")
        self.finds("have version 99")

    def test_other_version_and_missing_folder(self):
        with open(f"{self.data}/version", "w") as file:
            file.write("99\n")
        code, answer = self.verify()
        self.assertEqual(code, 1)
        self.assertIn("version 99", answer["error"]["text"])
        shutil.rmtree(self.data)
        code, answer = self.verify()
        self.assertEqual(code, 1)
        self.assertIn(self.data, answer["error"]["text"])
        self.assertFalse(os.path.exists(self.data), "verify made a data folder")


class Rebuild(unittest.TestCase):
    def setUp(self):
        self.host = Host().start()
        self.addCleanup(self.host.close)
        deliver(self.host, *range(10))
        client = imap(self.host)
        client.store("2", "+FLAGS", r"(\Seen \Flagged)")
        client.logout()
        self.validity, self.found = uids(self.host)
        self.uidls = uidls(self.host)
        self.index = f"{self.host.folder}/data/mail/example.test/alice/index.db"

    def rebuilt(self):
        """All mail, flags and UIDLs are there; either nothing moved, or UIDVALIDITY grew."""
        validity, found = uids(self.host)
        self.assertEqual(sorted(found.values()), sorted(self.found.values()))
        self.assertEqual(uidls(self.host), self.uidls)
        if validity == self.validity:
            self.assertEqual(found, self.found)
        else:
            self.assertGreater(validity, self.validity)
        client = imap(self.host)
        flagged = client.search(None, "FLAGGED", "SEEN")[1][0].split()
        client.logout()
        self.assertEqual(len(flagged), 1)
        deliver(self.host, "after")
        self.assertEqual(len(uids(self.host)[1]), 11)
        self.host.stop()
        self.assertEqual(self.host.cli("verify")["findings"], [])
        return validity

    def noise(self, count):
        with open(self.index, "r+b") as file:
            file.write(os.urandom(count))

    def test_overwritten_while_stopped(self):
        self.host.stop()
        self.noise(8192)
        self.host.start()
        self.rebuilt()

    def test_overwritten_while_running(self):
        self.noise(8192)
        self.rebuilt()

    def test_overwritten_after_a_kill(self):
        self.host.stop(9)
        self.noise(8192)
        self.host.start()
        self.rebuilt()

    def test_removed_while_running(self):
        for path in glob.glob(self.index + "*"):
            os.unlink(path)
        self.rebuilt()

    def test_by_command(self):
        """`mailbox rebuild` beside the server: what it does shows at once."""
        self.host.cli("mailbox", "rebuild", "alice%example.test")
        self.rebuilt()


if __name__ == "__main__":
    unittest.main()
