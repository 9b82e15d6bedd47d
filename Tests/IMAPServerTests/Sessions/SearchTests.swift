import Testing
import WireTesting

@testable import IMAPServer

private func message(_ subject: String, from: String = "a@example.test", date: String, body: String, extra: String = "")
  -> String
{
  "From: \(from)\r\nTo: list@example.test\r\nSubject: \(subject)\r\nDate: \(date)\r\n\(extra)\r\n\(body)\r\n"
}

@Suite struct SearchTests {
  private func filled(_ host: IMAPHost) async throws -> IMAPTestClient {
    let client = try await host.fresh()
    try await client.append(
      message("Alpha", date: "Fri, 21 Feb 2020 23:30:00 -0800", body: "first apple", extra: "Message-ID: <1@x>\r\n"),
      flags: "\\Seen", date: "01-Mar-2020 00:00:00 +0000")
    try await client.append(
      message(
        "Re: alpha", from: "Bea <b@example.test>", date: "Sat, 22 Feb 2020 10:00:00 +0000", body: "second pear",
        extra: "Message-ID: <2@x>\r\nIn-Reply-To: <1@x>\r\n"),
      flags: "\\Flagged $Label", date: "02-Mar-2020 00:00:00 +0000")
    try await client.append(multipartMessage, flags: "\\Answered \\Draft", date: "03-Mar-2020 00:00:00 +0000")
    try await client.append(
      message(
        "Beta", date: "Mon, 24 Feb 2020 10:00:00 +0000", body: "third \(String(repeating: "z", count: 2000))",
        extra: "Message-ID: <4@x>\r\nCc: carol@example.test\r\nBcc: dave@example.test\r\n"),
      flags: "\\Deleted", date: "04-Mar-2020 00:00:00 +0000")
    return client
  }

  @Test("Texts times messages of one command are bounded, however they are nested")
  func bombs() async throws {
    let host = try await IMAPHost.start { $0.searchedTexts = 1000 }
    let client = try await host.fresh()
    for number in 0..<20 { try await client.append("Subject: \(number)\r\n\r\nletter \(number)\r\n") }
    let refusal = "NO [LIMIT] "
    let nots = Array(repeating: "NOT BODY xx", count: 60).joined(separator: " ")
    for command in [
      "SEARCH \(nots)", "UID SEARCH RETURN (COUNT) NOT (\(nots))", "SORT (DATE) UTF-8 \(nots)",
      "THREAD REFERENCES UTF-8 \(nots)", "ESEARCH IN (mailboxes work) \(nots)",
      "SEARCH " + Array(repeating: "NOT SENTSINCE 1-Jan-1990", count: 60).joined(separator: " "),
      "SEARCH " + Array(repeating: "NOT EMAILID x", count: 60).joined(separator: " "),
    ] {
      #expect(try await client.refused(command).hasPrefix(refusal), "\(command.prefix(30))")
    }
    let many = Array(repeating: "BODY \"x\"", count: 5000).joined(separator: " ")
    #expect(try await client.refused("SEARCH \(many)").hasPrefix("BAD"))
    // What the view decides costs next to nothing; what is excluded by it is not tried.
    let within = Array(repeating: "NOT BODY xx", count: 49).joined(separator: " ")
    #expect(try await client.ok("SEARCH \(within)")[0].hasSuffix(" 19 20"))
    #expect(try await client.ok("SEARCH 3 \(nots)")[0] == "* SEARCH 3")
    let cheap = Array(repeating: "UNDELETED", count: 900).joined(separator: " ")
    #expect(try await client.ok("SEARCH \(cheap)")[0].hasSuffix(" 19 20"))
    await host.stop()
  }

  @Test func everyKeyFindsItsMessages() async throws {
    let host = try await IMAPHost.start()
    let client = try await filled(host)
    let cases: [(String, String)] = [
      ("ALL", " 1 2 3 4"), ("SEEN", " 1"), ("UNSEEN", " 2 3 4"), ("FLAGGED", " 2"), ("UNFLAGGED", " 1 3 4"),
      ("ANSWERED", " 3"), ("UNANSWERED", " 1 2 4"), ("DRAFT", " 3"), ("UNDRAFT", " 1 2 4"), ("DELETED", " 4"),
      ("UNDELETED", " 1 2 3"), ("KEYWORD $label", " 2"), ("UNKEYWORD $Label", " 1 3 4"), ("KEYWORD nope", ""),
      ("SUBJECT alpha", " 1 2"), ("FROM bea", " 2"), ("TO list@", " 1 2 4"), ("CC carol", " 4"), ("BCC DAVE", " 4"),
      ("HEADER In-Reply-To \"\"", " 2"), ("HEADER Message-ID 4@x", " 4"), ("BODY apple", " 1"), ("TEXT pear", " 2"),
      ("TEXT In-Reply", " 2"), ("BODY In-Reply", ""), ("LARGER 1000", " 4"), ("SMALLER 1000", " 1 2 3"),
      ("SENTON 21-Feb-2020", " 1"), ("SENTBEFORE 22-Feb-2020", " 1"), ("SENTSINCE 22-Feb-2020", " 2 4"),
      ("ON 2-Mar-2020", " 2"), ("BEFORE 2-Mar-2020", " 1"), ("SINCE \"3-Mar-2020\"", " 3 4"),
      ("UID 2:3", " 2 3"), ("2:3 SEEN", ""), ("NOT 2:*", " 1"), ("OR SEEN FLAGGED", " 1 2"),
      ("(OR SUBJECT beta BODY apple) NOT DELETED", " 1"), ("OLDER 100", " 1 2 3 4"), ("YOUNGER 100", ""),
      ("NOT (OR (SEEN) (OR FLAGGED DRAFT))", " 4"), ("1:4294967295", " 1 2 3 4"),
      ("CHARSET UTF-8 SUBJECT {7+}\r\ngrüße", " 3"), ("CHARSET ISO-8859-1 SUBJECT koln", ""),
      ("SUBJECT \"K\u{f6}ln\"", " 3"), ("BODY \"GR\u{dc}\u{df}E!\"", " 3"), ("BODY \"inner body\"", " 3"),
    ]
    for (key, hits) in cases { #expect(try await client.ok("SEARCH \(key)")[0] == "* SEARCH\(hits)", "\(key)") }
    #expect(try await client.refused("SEARCH CHARSET x-nonsense ALL").hasPrefix("NO [BADCHARSET (US-ASCII UTF-8)]"))
    await host.stop()
  }

  @Test func extendedResultsAndSavedOnes() async throws {
    let host = try await IMAPHost.start()
    let client = try await filled(host)
    #expect(try await client.ok("SEARCH RETURN (MIN MAX COUNT) UNSEEN")[0].hasSuffix(") MIN 2 MAX 4 COUNT 3"))
    #expect(try await client.ok("UID SEARCH RETURN () UNSEEN")[0].hasSuffix(") UID ALL 2:4"))
    #expect(try await client.ok("SEARCH RETURN (COUNT) KEYWORD nope")[0].hasSuffix(") COUNT 0"))
    #expect(try await client.ok("SEARCH RETURN (SAVE) UNSEEN").count == 1)
    #expect(try await client.ok("FETCH $ UID").count == 4)
    #expect(try await client.ok("SEARCH UID $ FLAGGED")[0] == "* SEARCH 2")
    try await client.ok("SEARCH RETURN (MIN SAVE) UNSEEN")
    #expect(try await client.ok("UID FETCH $ FLAGS").count == 2)
    #expect(try await client.ok("SEARCH MODSEQ 1").contains { $0.hasPrefix("* SEARCH") && $0.contains("(MODSEQ ") })
    await host.stop()
  }

  @Test func threadsByReferenceAlone() async throws {
    let host = try await IMAPHost.start()
    let client = try await host.fresh()
    for (number, (id, parent)) in [("a", "none"), ("b", "none2"), ("c", "a")].enumerated() {
      try await client.append(
        "Message-ID: <\(id)@x>\r\nReferences: <\(parent)@x>\r\nSubject: one\r\n\r\nx\r\n",
        date: "0\(number + 1)-Jan-2001 00:00:00 +0000")
    }
    // Equal subjects do not join, and the thread that has the newest message comes last.
    #expect(try await client.ok("THREAD REFS UTF-8 ALL")[0] == "* THREAD (2)(1 3)")
    #expect(try await client.ok("UID THREAD REFS UTF-8 1:2")[0] == "* THREAD (1)(2)")
    await host.stop()
  }

  @Test func sortAndThread() async throws {
    let host = try await IMAPHost.start()
    let client = try await filled(host)
    #expect(try await client.ok("SORT (REVERSE ARRIVAL) UTF-8 ALL")[0] == "* SORT 4 3 2 1")
    #expect(try await client.ok("SORT (SUBJECT REVERSE SIZE) UTF-8 1,2,4")[0].hasPrefix("* SORT "))
    #expect(try await client.ok("SORT (FROM DATE) US-ASCII 1,2,4")[0] == "* SORT 1 4 2")
    #expect(
      try await client.ok("UID SORT RETURN (COUNT MIN) (REVERSE ARRIVAL) UTF-8 ALL")[0].hasSuffix(") UID MIN 4 COUNT 4")
    )
    #expect(try await client.ok("THREAD REFERENCES UTF-8 1,2,4")[0] == "* THREAD (1 2)(4)")
    #expect(try await client.ok("THREAD ORDEREDSUBJECT UTF-8 1,2,4")[0] == "* THREAD (1 2)(4)")
    #expect(try await client.ok("UID THREAD REFERENCES UTF-8 KEYWORD nope")[0] == "* THREAD")
    await host.stop()
  }

  /// I18NLEVEL=1 (RFC 5255 section 4.3): `i;unicode-casemap`, wherever text is compared.
  @Test func comparingByUnicodeCaseMap() async throws {
    let host = try await IMAPHost.start()
    let client = try await host.login()
    #expect(try await client.ok("CAPABILITY")[0].contains(" I18NLEVEL=1"))
    try await client.ok("CREATE work")
    try await client.ok("SELECT work")
    for subject in ["=?utf-8?q?=C3=A4rger?=", "Z", "_", "a", "=?utf-8?q?A=CC=88rger?= 2", "=?utf-8?q?=EF=AC=81n?="] {
      try await client.append(message(subject, date: "Mon, 24 Feb 2020 10:00:00 +0000", body: "x"))
    }
    try await client.append(
      message(
        "body", date: "Mon, 24 Feb 2020 10:00:00 +0000", body: "=D0=B4=D0=BE=D0=BC =EF=BC=A1",
        extra: "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n"))
    for (key, text, hits) in [
      ("SUBJECT", "ÄRGER", "1 5"), ("SUBJECT", "a\u{308}RGER", "1 5"), ("SUBJECT", "fin", "6"), ("BODY", "ДОМ", "7"),
      ("TEXT", "дом A", "7"), ("HEADER Subject", "arger", ""),
    ] {
      let lines = try await client.ok("SEARCH CHARSET UTF-8 \(key) {\(text.utf8.count)+}\r\n\(text)")
      #expect(lines[0] == "* SEARCH\(hits.isEmpty ? "" : " " + hits)", "\(key) \(text)")
    }
    // The same word in KOI8-R.
    let koi8 = Array("k SEARCH CHARSET KOI8-R BODY {3+}\r\n".utf8) + [0xe4, 0xcf, 0xcd, 0x0d, 0x0a]
    try await client.wire.send(koi8)
    #expect(try await client.answer("k")[0] == "* SEARCH 7")
    #expect(try await client.ok("SORT (SUBJECT) UTF-8 1:6")[0] == "* SORT 4 1 5 6 2 3")
    #expect(try await client.ok("THREAD ORDEREDSUBJECT UTF-8 1,4")[0] == "* THREAD (1)(4)")
    await host.stop()
  }
}
