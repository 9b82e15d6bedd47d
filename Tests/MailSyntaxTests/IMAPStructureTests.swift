import Basics
import Testing

@testable import MailSyntax

@Suite struct IMAPStructureTests {
  private func envelope(_ text: String) -> String? {
    let bytes = wire(text)
    return string(IMAPStructures.envelope(of: MIMEPart.parse(bytes), in: bytes.span))
  }

  private func bodyStructure(_ text: String, extended: Bool = true) -> String? {
    let bytes = wire(text)
    let root = MIMEPart.parse(bytes)
    return string(
      extended
        ? IMAPStructures.bodyStructure(of: root, in: bytes.span) : IMAPStructures.body(of: root, in: bytes.span))
  }

  /// RFC 3501 section 8, the header of message 12.
  @Test func `RFC 3501 section 8 ENVELOPE and BODY`() {
    let message = """
      Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)
      From: Terry Gray <gray@cac.washington.edu>
      Subject: IMAP4rev1 WG mtg summary and minutes
      To: imap@cac.washington.edu
      Cc: minutes@CNRI.Reston.VA.US, John Klensin <KLENSIN@MIT.EDU>
      Message-Id: <B27397-0100000@cac.washington.edu>
      MIME-Version: 1.0
      Content-Type: TEXT/PLAIN; CHARSET=US-ASCII

      """
    let terry = #"(("Terry Gray" NIL "gray" "cac.washington.edu"))"#
    #expect(
      envelope(message) == #"("Wed, 17 Jul 1996 02:23:25 -0700 (PDT)" "IMAP4rev1 WG mtg summary and minutes" "#
        + "\(terry) \(terry) \(terry) "
        + #"((NIL NIL "imap" "cac.washington.edu")) ((NIL NIL "minutes" "CNRI.Reston.VA.US")"#
        + #"("John Klensin" NIL "KLENSIN" "MIT.EDU")) NIL NIL "<B27397-0100000@cac.washington.edu>")"#)
    let body = (1...92).map { _ in "line of text" }.joined(separator: "\n") + "\n"
    #expect(
      bodyStructure(message + "\n" + body, extended: false)
        == #"("TEXT" "PLAIN" ("CHARSET" "US-ASCII") NIL NIL "7BIT" \#(92 * 14) 92)"#)
  }

  /// RFC 3501 section 7.4.2, BODYSTRUCTURE of a two-part message.
  @Test func `RFC 3501 7.4.2 a text and an attached patch`() {
    let message = """
      Content-Type: multipart/mixed; boundary=b

      --b
      Content-Type: text/plain; charset=US-ASCII

      one
      two
      --b
      Content-Type: TEXT/PLAIN; CHARSET=US-ASCII; NAME="cc.diff"
      Content-ID: <960723163407.20117h@cac.washington.edu>
      Content-Description: Compiler diff
      Content-Transfer-Encoding: base64

      Zm9v

      --b--

      """
    let first = #"("TEXT" "PLAIN" ("CHARSET" "US-ASCII") NIL NIL "7BIT" 8 1"#
    let second =
      #"("TEXT" "PLAIN" ("CHARSET" "US-ASCII" "NAME" "cc.diff") "<960723163407.20117h@cac.washington.edu>" "#
      + #""Compiler diff" "BASE64" 6 1"#
    #expect(bodyStructure(message, extended: false) == "(\(first))\(second)) \"MIXED\")".prefixed("("))
    #expect(
      bodyStructure(message)
        == "(\(first) NIL NIL NIL NIL)\(second) NIL NIL NIL NIL) \"MIXED\" (\"BOUNDARY\" \"b\") NIL NIL NIL)")
  }

  @Test func `A message inside a message, with extension data`() {
    let message = """
      Content-Type: multipart/mixed; boundary=b
      Content-Language: en, de

      --b
      Content-Type: message/rfc822
      Content-Disposition: attachment; filename*=utf-8''%e2%82%ac.eml
      Content-MD5: Q2hlY2sgSW50ZWdyaXR5IQ==
      Content-Location: http://x/
      Content-Language: fr

      Subject: in
      From: a@b.de

      hi
      --b--

      """
    #expect(
      bodyStructure(message)
        == #"(("MESSAGE" "RFC822" NIL NIL NIL "7BIT" 31 (NIL "in" ((NIL NIL "a" "b.de")) ((NIL NIL "a" "b.de")) "#
        + #"((NIL NIL "a" "b.de")) NIL NIL NIL NIL NIL) ("TEXT" "PLAIN" ("CHARSET" "US-ASCII") NIL NIL "7BIT" 2 0 "#
        + #"NIL NIL NIL NIL) 3 "Q2hlY2sgSW50ZWdyaXR5IQ==" ("ATTACHMENT" ("FILENAME*" "utf-8''%e2%82%ac.eml")) "fr" "#
        + #""http://x/") "MIXED" ("BOUNDARY" "b") NIL ("en" "de") NIL)"#)
  }

  @Test func `ENVELOPE of absent, empty, repeated and odd fields`() {
    #expect(envelope("\n") == "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)")
    #expect(envelope("Subject:\nFrom:\n\n") == #"(NIL "" NIL NIL NIL NIL NIL NIL NIL NIL)"#)
    #expect(
      envelope("Subject: a \"b\" \\c\n  d\nTo: x@y.de\nTo: <z@y.de>\n\n")
        == #"(NIL "a \"b\" \\c  d" NIL NIL NIL ((NIL NIL "x" "y.de")(NIL NIL "z" "y.de")) NIL NIL NIL NIL)"#)
    #expect(
      envelope("Subject: ü\u{1}\n\n") == "(NIL {3}\r\nü\u{1} NIL NIL NIL NIL NIL NIL NIL NIL)")
    #expect(envelope("Subject: a\0b\rc\n\n") == #"(NIL "abc" NIL NIL NIL NIL NIL NIL NIL NIL)"#)
  }

  /// RFC 5322 appendix A.1 and A.5, and what else arrives.
  @Test(arguments: [
    (
      "A Group:Ed Jones <joe@where.test>,joe@where.test,John <jdoe@one.test>;",
      #"(NIL NIL "A Group" NIL)("Ed Jones" NIL "joe" "where.test")(NIL NIL "joe" "where.test")("John" NIL "jdoe" "one.test")(NIL NIL NIL NIL)"#
    ),
    ("Undisclosed recipients:;", #"(NIL NIL "Undisclosed recipients" NIL)(NIL NIL NIL NIL)"#),
    ("Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>", #"("Pete" NIL "pete" "silly.test")"#),
    ("\"Joe Q. Public\" <john.q.public@example.com>", #"("Joe Q. Public" NIL "john.q.public" "example.com")"#),
    ("Who? <one@y.test>, <boss@nil.test>", #"("Who?" NIL "one" "y.test")(NIL NIL "boss" "nil.test")"#),
    ("joe@x.de (Joe Doe)", #"("Joe Doe" NIL "joe" "x.de")"#),
    ("Mary Smith <@machine.tld:mary@example.net>", #"("Mary Smith" "@machine.tld" "mary" "example.net")"#),
    ("\"quoted @ local\"@x.de", #"(NIL NIL "quoted @ local" "x.de")"#),
    ("root", #"(NIL NIL "root" "MISSING_DOMAIN")"#), ("<>", ""), (",,,", ""),
    ("Name <user>", #"("Name" NIL "user" "MISSING_DOMAIN")"#), ("@x.de", #"(NIL NIL "" "x.de")"#),
    ("a@[192.0.2.1]", #"(NIL NIL "a" "[192.0.2.1]")"#),
    ("\"open <a@b.de>", #"(NIL NIL "open <a@b.de>" "MISSING_DOMAIN")"#),
    ("=?utf-8?q?J=C3=B6rg?= <j@x.de>", #"("=?utf-8?q?J=C3=B6rg?=" NIL "j" "x.de")"#),
    ("a@b.de <c@d.de>", #"(NIL NIL "a" "b.de")(NIL NIL "c" "d.de")"#),
  ])
  func `Addresses`(_ field: String, _ expected: String) {
    let list = expected.isEmpty ? "NIL" : "(\(expected))"
    #expect(envelope("To: \(field)\n\n") == "(NIL NIL NIL NIL NIL \(list) NIL NIL NIL NIL)")
  }

  @Test func `CVE-2024-23184: address bombs are cut, not multiplied`() {
    for piece in ["a,", "<", "\"", "(", "a:", ";", "@", "<@", "a@b <", "((", "<a@b>,"] {
      let bomb = Array(("To: " + String(repeating: piece, count: 200_000) + "\r\n\r\n").utf8)
      #expect(MessageIndexEntry.make(from: bomb).envelope.count < 2_000_000, "\(piece)")
    }
  }

  @Test func `An index entry has every key`() {
    let entry = MessageIndexEntry.make(
      from: wire(
        """
        Date: Fri, 21 Nov 1997 09:55:06 -0600
        From: =?utf-8?q?J=C3=96RG?= <Joerg@X.de>
        To: Group: Mary@Example.NET;
        Cc: bob@x.de
        Subject: Re: [list] =?iso-8859-1?q?Caf=E9?= (fwd)
        Message-ID: <A@b>
        In-Reply-To: Your message <c@d>
        References: <a@x>  <"b"@y>
         <c@d>

        one
        two

        """))
    #expect(entry.sentDate == Timestamp(seconds: 880_127_706) && entry.sentZoneMinutes == -360)
    #expect(entry.baseSubject == "CAFE\u{301}" && entry.isReplyOrForward)
    #expect(entry.fromMailbox == "JOERG" && entry.toMailbox == "GROUP" && entry.ccMailbox == "BOB")
    #expect(entry.displayFrom == "JO\u{308}RG" && entry.displayTo == "GROUP")
    #expect(entry.messageID == "A@b" && entry.inReplyTo == ["c@d"] && entry.references == ["a@x", "b@y", "c@d"])
    #expect(entry.lineCount == 2 && entry.isWireForm && !entry.hasAttachment)
  }
}

extension String {
  fileprivate func prefixed(_ prefix: String) -> String { prefix.dropLast() + self }
}
