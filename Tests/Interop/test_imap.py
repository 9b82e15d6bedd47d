"""IMAP with curl, mbsync, OfflineIMAP, mutt and neomutt; a changed password ends sessions."""
import imaplib
import json
import os
import shlex
import socket
import unittest
import zlib

from host import PASSWORD, Host, run, swaks

LOGIN = f"alice%example.test:{PASSWORD}"
ODD_FOLDER = "Entwürfe 日本 & Co"
ODD_WIRE = '"Entw&APw-rfe &ZeVnLA- &- Co"'

C_CLIENT = r'''<?php
[, $server, $login, $password] = $argv;
$box = imap_open($server . 'INBOX', $login, $password) ?: exit(1);
$type = "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: text/plain\r\n\r\nneedle\r\n";
$part = "--x\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\nQUJD\r\n--x--\r\n";
imap_createmailbox($box, $server . 'Work') && imap_reopen($box, $server . 'Work') || exit(2);
imap_append($box, $server . 'Work', "Subject: =?utf-8?Q?gr=C3=BC=C3=9Fe?=\r\n" . $type . $part, '\\Seen') || exit(3);
imap_append($box, $server . 'Work', "Subject: Re: an older one\r\n\r\nx\r\n", '', '01-Jan-2020 00:00:00 +0000') || exit(4);
imap_ping($box) && imap_num_msg($box) == 2 || exit(5);
$seen['subjects'] = array_map(fn($one) => imap_utf8($one->subject), imap_fetch_overview($box, '1:*'));
$seen['parts'] = [imap_fetchstructure($box, 1)->parts[0]->encoding, imap_fetchstructure($box, 1)->parts[1]->encoding];
$seen['second'] = trim(imap_fetchbody($box, 1, '2'));
$seen['by subject'] = imap_sort($box, SORTSUBJECT, false);
$seen['by arrival'] = imap_sort($box, SORTARRIVAL, false);
$seen['threads'] = count(preg_grep('/num$/', array_keys(imap_thread($box))));
$seen['found'] = imap_search($box, "SUBJECT \"GR\xc3\x9c\" SEEN", 0, 'UTF-8');
$seen['in the text'] = imap_search($box, 'BODY "needle"', SE_UID);
imap_setflag_full($box, '1:2', '\\Answered') && imap_mail_copy($box, '1', 'INBOX') && imap_mail_move($box, '2', 'INBOX') || exit(6);
imap_expunge($box);
$seen['kept'] = imap_num_msg($box);
imap_reopen($box, $server . 'INBOX') && imap_renamemailbox($box, $server . 'Work', $server . 'Moved') || exit(7);
$seen['copied'] = imap_num_msg($box);
$seen['kept flags'] = imap_headerinfo($box, 1)->Unseen . imap_headerinfo($box, 1)->Answered;
$seen['folders'] = array_map(fn($one) => substr($one, strlen($server)), imap_list($box, $server, '*'));
$seen['unseen'] = imap_status($box, $server . 'INBOX', SA_UNSEEN)->unseen;
imap_close($box);
$seen['errors'] = imap_errors();
echo json_encode($seen);
'''


class Programs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.host = Host(accounts=("alice", "bob", "carol")).start()

    @classmethod
    def tearDownClass(cls):
        cls.host.close()

    def deliver(self, name, subject):
        code, text = swaks(self.host, "--from", "friend@outside.test", "--to", f"{name}@example.test",
                           "--header", f"Subject: {subject}")
        self.assertEqual(code, 0, text)

    def test_curl(self):
        """R2 R16: reading and appending, in clear, by STARTTLS and under TLS."""
        self.deliver("alice", "by curl")
        path = f"{self.host.folder}/draft"
        with open(path, "w") as file:
            file.write("Subject: a draft\r\n\r\nnot yet\r\n")
        for number, (scheme, tls) in enumerate((("imap", []), ("imap", ["--ssl-reqd"]), ("imaps", []))):
            with self.subTest(scheme=scheme, tls=tls):
                url = f"{scheme}://localhost:{self.host.port[scheme]}"
                common = ["curl", "-sS", "--cacert", self.host.certificate, *tls, "-u", LOGIN]
                code, text = run(*common, f"{url}/INBOX;MAILINDEX=1")
                self.assertEqual(code, 0, text)
                self.assertIn("Subject: by curl", text)
                code, text = run(*common, "-T", path, f"{url}/Drafts")
                self.assertEqual(code, 0, text)
                self.assertEqual(len(self.host.messages("alice", "Drafts")), number + 1)

    def test_c_client(self):
        """R2: PHP's imap functions, on the library that Alpine has too: folders, orders, threads, searches, copies.

        Implicit TLS, as its STARTTLS knows TLS 1.0 only. It decomposes what it decodes.
        """
        script = f"{self.host.folder}/client.php"
        with open(script, "w") as file:
            file.write(C_CLIENT)
        server = f"{{localhost:{self.host.port['imaps']}/imap/ssl/novalidate-cert}}"
        code, text = run("php", "-d", "display_errors=stderr", script, server, "carol%example.test", PASSWORD)
        self.assertEqual(code, 0, text)
        self.assertEqual(json.loads(text), {
            "subjects": ["gru\u0308ße", "Re: an older one"], "parts": [0, 3], "second": "QUJD", "by subject": [2, 1],
            "by arrival": [2, 1], "threads": 2, "found": [1], "in the text": [1], "kept": 1, "copied": 2, "kept flags": " A",
            "folders": ["Drafts", "INBOX", "Junk", "Moved", "Sent", "Trash"], "unseen": 1, "errors": False})

    def test_mbsync_both_ways(self):
        """R2: folders, messages and flags go there and back."""
        folder, port = self.host.folder, self.host.port["imaps"]
        with imaplib.IMAP4("127.0.0.1", self.host.port["imap"]) as client:
            client.login("bob%example.test", PASSWORD)
            self.assertEqual(client.create(ODD_WIRE)[0], "OK")
            self.assertEqual(client.append(ODD_WIRE, "(\\Seen \\Flagged)", None, b"Subject: far\r\n\r\nfar\r\n")[0], "OK")
        os.makedirs(f"{folder}/near")
        config = f"{folder}/mbsyncrc"
        with open(config, "w") as file:
            file.write(f'IMAPAccount a\nHost localhost\nPort {port}\nUser bob%example.test\nPass "{PASSWORD}"\n'
                       f"SSLType IMAPS\nCertificateFile {self.host.certificate}\nAuthMechs PLAIN\n\n"
                       "IMAPStore far\nAccount a\n\n"
                       f"MaildirStore near\nPath {folder}/near/\nInbox {folder}/near/INBOX\nSubFolders Verbatim\n\n"
                       f"Channel all\nFar :far:\nNear :near:\nPatterns *\nCreate Both\nExpunge Both\nSyncState *\n")

        def sync():
            code, text = run("mbsync", "-c", config, "all")
            self.assertEqual(code, 0, text)

        sync()
        names = [n for n in os.listdir(f"{folder}/near") if n.startswith("Entw")]
        self.assertEqual(len(names), 1, os.listdir(f"{folder}/near"))
        local = f"{folder}/near/{names[0]}"
        kept = os.listdir(f"{local}/cur")
        self.assertEqual(len(kept), 1)
        self.assertTrue(kept[0].endswith(":2,FS"), kept)
        # The other way: a flag taken away, a message added.
        os.rename(f"{local}/cur/{kept[0]}", f"{local}/cur/{kept[0][:-2]}S")
        with open(f"{local}/new/1.near.host", "w") as file:
            file.write("Subject: near\n\nnear\n")
        sync()
        with imaplib.IMAP4("127.0.0.1", self.host.port["imap"]) as client:
            client.login("bob%example.test", PASSWORD)
            self.assertEqual(client.select(ODD_WIRE)[1], [b"2"])
            self.assertEqual(client.search(None, "FLAGGED")[1], [b""])
            self.assertEqual(client.search(None, "SUBJECT", "near")[1], [b"2"])
            # Deletion here is deletion there.
            client.store("1", "+FLAGS", "(\\Deleted)")
            client.expunge()
        sync()
        left = os.listdir(f"{local}/cur") + os.listdir(f"{local}/new")
        self.assertEqual(len(left), 1, f"{ODD_FOLDER}: {left}")

    def test_offlineimap_both_ways(self):
        """R2: OfflineIMAP, compressed, keeps a Maildir and the server the same."""
        folder, near = self.host.folder, f"{self.host.folder}/off"
        with imaplib.IMAP4("127.0.0.1", self.host.port["imap"]) as client:
            client.login("carol%example.test", PASSWORD)
            self.assertEqual(client.create("Work/Sub")[0], "OK")
            for number in range(3):
                text = f"Subject: m{number}\r\nMessage-ID: <{number}@x>\r\n\r\nbody\r\n".encode()
                self.assertEqual(client.append("Work/Sub", "(\\Seen)", None, text)[0], "OK")
        config = f"{folder}/offlineimaprc"
        with open(config, "w") as file:
            file.write(f"[general]\naccounts = a\nmetadata = {folder}/off-state\nui = basic\n"
                       "[Account a]\nlocalrepository = l\nremoterepository = r\n"
                       f"[Repository l]\ntype = Maildir\nlocalfolders = {near}\n"
                       f"[Repository r]\ntype = IMAP\nremotehost = localhost\nremoteport = {self.host.port['imaps']}\n"
                       f"ssl = yes\nsslcacertfile = {self.host.certificate}\nusecompression = yes\n"
                       f"remoteuser = carol%%example.test\nremotepass = {PASSWORD}\n")

        def sync():
            code, text = run("offlineimap", "-c", config, "-o", env={"HOME": folder})
            self.assertEqual(code, 0, text)
            self.assertNotIn("ERROR", text)

        sync()
        local = f"{near}/Work.Sub"
        kept = sorted(os.listdir(f"{local}/cur"))
        self.assertEqual(len(kept), 3, os.listdir(near))
        os.rename(f"{local}/cur/{kept[0]}", f"{local}/cur/{kept[0].split(':2,')[0]}:2,FS")
        os.remove(f"{local}/cur/{kept[1]}")
        with open(f"{local}/new/17.near.host", "w") as file:
            file.write("Subject: near\n\nnear\n")
        sync()
        with imaplib.IMAP4("127.0.0.1", self.host.port["imap"]) as client:
            client.login("carol%example.test", PASSWORD)
            self.assertEqual(client.select("Work/Sub")[1], [b"3"])
            self.assertEqual(len(client.search(None, "FLAGGED")[1][0].split()), 1)
            self.assertEqual(client.search(None, "SUBJECT", "near")[1], [b"3"])
            client.store("1", "+FLAGS", "(\\Deleted)")
            client.expunge()
        sync()
        self.assertEqual(len(os.listdir(f"{local}/cur") + os.listdir(f"{local}/new")), 2)

    def test_neomutt_compressed(self):
        """R2: neomutt compresses, and comes back with QRESYNC."""
        folder = self.host.folder
        self.deliver("carol", "for neomutt")
        config = f"{folder}/neomuttrc"
        with open(config, "w") as file:
            file.write(f'set imap_user="carol%example.test"\nset imap_pass="{PASSWORD}"\nset ssl_force_tls=yes\n'
                       f'set ssl_ca_certificates_file="{self.host.certificate}"\nset header_cache="{folder}/nm"\n'
                       "set imap_deflate=yes\nset imap_condstore=yes\nset imap_qresync=yes\nset mbox_type=mbox\n"
                       "set confirmappend=no\nset confirmcreate=no\nset quit=yes\nset copy=no\nset wait_key=no\n"
                       "set delete=no\nset move=no\nset crypt_use_gpgme=no\n")
        for number in range(2):
            copy = f"{folder}/copy{number}"
            push = f'push "<tag-pattern>~s neomutt<enter><tag-prefix><copy-message>{copy}<enter><quit>"'
            inbox = f"imaps://localhost:{self.host.port['imaps']}/INBOX"
            code, text = run("script", "-qec", shlex.join(["neomutt", "-n", "-F", config, "-f", inbox, "-e", push]),
                             "/dev/null", env={"TERM": "vt100", "HOME": folder}, timeout=30)
            self.assertTrue(os.path.exists(copy), (code, text[-1500:]))
            with open(copy) as file:
                self.assertIn("Subject: for neomutt", file.read())

    def test_thunderbird_and_phones(self):
        """R2: what Thunderbird and a phone send, one after the other, over one compressed connection."""
        client = imaplib.IMAP4_SSL("127.0.0.1", self.host.port["imaps"])
        try:
            out, into, plain = zlib.compressobj(9, zlib.DEFLATED, -15), zlib.decompressobj(-15), b""
            client.login("carol%example.test", PASSWORD)
            self.assertEqual(client.xatom("COMPRESS", "DEFLATE")[0], "OK")

            def talk(number, command):
                nonlocal plain
                client.sock.sendall(out.compress(f"{number} {command}\r\n".encode()) + out.flush(zlib.Z_SYNC_FLUSH))
                wanted = b"+ " if command == "IDLE" else f"{number} ".encode()
                answer = b""
                while True:
                    while b"\r\n" in plain:
                        line, plain = plain.split(b"\r\n", 1)
                        answer += line + b"\r\n"
                        if line.startswith(wanted):
                            self.assertTrue(line.startswith(b"+ ") or b" OK" in line, (command, answer))
                            return answer
                    plain += into.decompress(client.sock.recv(65536))

            for number, command in enumerate((
                    'ID ("name" "Thunderbird" "version" "128.4.0")', "NAMESPACE", "ENABLE UTF8=ACCEPT CONDSTORE",
                    'LIST (SUBSCRIBED) "" "*" RETURN (SPECIAL-USE)', 'LIST "" "*" RETURN (SPECIAL-USE STATUS (MESSAGES UNSEEN))',
                    'CREATE "Schöne Grüße"', 'SUBSCRIBE "Schöne Grüße"', 'SELECT "INBOX" (CONDSTORE)', "GETQUOTAROOT INBOX",
                    "APPEND INBOX (\\Seen) {15+}\r\nSubject: a\r\n\r\nb",
                    "UID FETCH 1:* (FLAGS)", 'UID FETCH 1:* (UID RFC822.SIZE FLAGS BODY.PEEK[HEADER.FIELDS (From To Cc Bcc '
                    "Resent-Message-ID Subject Date Message-ID Priority X-Priority References Newsgroups In-Reply-To "
                    'Content-Type Reply-To)])', "UID FETCH 1 (UID BODY.PEEK[HEADER] BODYSTRUCTURE)",
                    "UID FETCH 1 (BODY.PEEK[]<0.20480>)", 'UID STORE 1 +FLAGS (Junk $label1)', "UID STORE 1 -FLAGS (NonJunk)",
                    'UID SEARCH UNDELETED SINCE 1-Jan-2020', "UID SEARCH RETURN (MIN MAX COUNT ALL) UNSEEN",
                    "UID FETCH 1:* (FLAGS) (CHANGEDSINCE 1)", "UID SORT (REVERSE ARRIVAL) UTF-8 ALL",
                    "UID THREAD REFERENCES UTF-8 ALL", 'UID COPY 1 "Schöne Grüße"', "NOOP", "CHECK", "CLOSE", "IDLE")):
                talk(number, command)
        finally:
            client.shutdown()

    def test_mutt_reads(self):
        """R2: mutt opens the mailbox over TLS and copies a message out."""
        self.deliver("alice", "for mutt")
        copy, config = f"{self.host.folder}/copy", f"{self.host.folder}/muttrc"
        with open(config, "w") as file:
            file.write(f'set imap_user="alice%example.test"\nset imap_pass="{PASSWORD}"\nset ssl_force_tls=yes\n'
                       f'set certificate_file="{self.host.certificate}"\nset header_cache=""\nset mbox_type=mbox\n'
                       'set confirmappend=no\nset confirmcreate=no\nset quit=yes\nset copy=no\nset wait_key=no\nset delete=no\nset move=no\n')
        push = f'push "<tag-pattern>~s mutt<enter><tag-prefix><copy-message>{copy}<enter><quit>"'
        inbox = f"imaps://localhost:{self.host.port['imaps']}/INBOX"
        # mutt wants a terminal.
        code, text = run("script", "-qec", shlex.join(["mutt", "-n", "-F", config, "-f", inbox, "-e", push]), "/dev/null",
                         env={"TERM": "vt100", "HOME": self.host.folder}, timeout=20)
        self.assertTrue(os.path.exists(copy), (code, text[-1500:]))
        with open(copy) as file:
            self.assertIn("Subject: for mutt", file.read())

    def test_password_change_ends_session(self):
        """R62: who changes a password throws out whoever is in by the old one."""
        self.host.cli("account", "add", "dora%example.test", "--quota", "25M", "--password-file", "-",
                      stdin=PASSWORD + "\n")
        with socket.create_connection(("127.0.0.1", self.host.port["imap"]), timeout=10) as client:
            stream = client.makefile("rwb")
            stream.readline()
            stream.write(f"a LOGIN dora%example.test {PASSWORD}\r\nb SELECT INBOX\r\nc IDLE\r\n".encode())
            stream.flush()
            while not stream.readline().startswith(b"+"):
                pass
            self.host.cli("account", "passwd", "dora%example.test", "--password-file", "-", stdin="another-pass-2\n")
            rest = stream.read()
            self.assertIn(b"* BYE", rest)
            stream.close()
        imap = f"imap://127.0.0.1:{self.host.port['imap']}/"
        self.assertEqual(run("curl", "-sS", "-u", f"dora%example.test:{PASSWORD}", imap)[0], 67)
        self.assertEqual(run("curl", "-sS", "-u", "dora%example.test:another-pass-2", imap)[0], 0)


if __name__ == "__main__":
    unittest.main()
