import Testing

@testable import MailSyntax

@Suite struct PathTests {
  private func parse(_ text: String, utf8: Bool = false) throws -> PathArgument {
    try PathArgument.parse(Array(text.utf8), allowUTF8: utf8)
  }

  @Test func `R77 generous forms`() throws {
    for text in [
      "<bob@example.com>", " <bob@example.com>", " bob@example.com", "bob@example.com", " <bob@example.com>  ",
    ] {
      #expect(try parse(text).address?.key == "bob@example.com", "\(text)")
    }
    let sized = try parse(" bob@example.com size=100 BODY=8BITMIME SMTPUTF8")
    #expect(sized.parameter("SIZE") == "100" && sized.parameter("BODY") == "8BITMIME")
    #expect(sized.parameters.last == ESMTPParameter(keyword: "smtputf8", value: nil))
    #expect(sized.parameter("AUTH") == nil)
  }

  @Test func `R49 blanks inside the brackets are trimmed`() throws {
    let path = try parse("<bob@example.com >")
    #expect(path.address?.domain.ascii == "example.com" && path.raw == "bob@example.com ")
  }

  @Test func `RFC 5321 forms`() throws {
    #expect(try parse("<>").isNull)
    #expect(try parse("< >").isNull)
    #expect(try parse("<PostMaster>").isPostmaster)
    #expect(try parse("<@ONE,@TWO:JOE@THREE>").address?.key == "joe@three")
    #expect(try parse("<\"a> b\"@example.com> SIZE=1").address?.localPart == "a> b")
    #expect(try parse("<a%b@example.com>").address?.localPart == "a%b")
    #expect(try parse("<x@[IPv6:2001:db8::1]>").address?.domain.literal != nil)
    #expect(try parse("<ü@example.com>", utf8: true).address?.localPart == "ü")
    #expect(throws: PathError.needsSMTPUTF8) { try parse("<ü@example.com>") }
    let local = try PathArgument.parse(Array("<bob>".utf8), allowUTF8: false, defaultDomain: MailDomain("d.de"))
    #expect(local.address?.key == "bob@d.de")
  }

  @Test(arguments: [
    "", " ", "<", "<a@b.de", "a@b.de>", "<a@b.de>x", "<<a@b.de>>", "<a@b.de> =1", "<a@b.de> A=1 a=2", "<a@b.de> SIZE=",
    "<bob>", "<\"a@b.de>", "<\"a\\", "<a@b.de> \u{1}=2", "<a\0b@c.de>", "Bob <a@b.de>", "<a@b.de> ü=1",
  ])
  func `Broken arguments are refused`(_ text: String) {
    #expect(throws: PathError.self) { try parse(text, utf8: true) }
  }

  @Test func `Octets that are not UTF-8 are refused`() {
    #expect(throws: PathError.self) {
      try PathArgument.parse(Array("<a".utf8) + [0xff] + Array("@b.de>".utf8), allowUTF8: true)
    }
  }

  @Test func `RFC 3461 parameters`() {
    #expect(XText.encode("QQ+314=159 é") == "QQ+2B314+3D159+20+C3+A9")
    #expect(XText.decode("QQ+2B314+3D159+20+C3+A9") == Array("QQ+314=159 é".utf8))
    for bad in ["a=b", "a b", "+4", "+", "+GG", "é"] { #expect(XText.decode(bad) == nil, "\(bad)") }
    #expect(DeliveryNotify(parameter: "success,FAILURE")?.parameter == "SUCCESS,FAILURE")
    #expect(DeliveryNotify(parameter: "NEVER") == .never && DeliveryNotify(parameter: "NEVER,DELAY") == nil)
    #expect(DeliveryReturn(parameter: "hdrs") == .headers && DeliveryReturn(parameter: "x") == nil)
    let recipient = OriginalRecipient(parameter: "rfc822;Bob+2Bx@example.com")
    #expect(recipient?.address == "Bob+x@example.com" && recipient?.parameter == "rfc822;Bob+2Bx@example.com")
    #expect(OriginalRecipient(parameter: "utf-8;\\x{20AC}@x.de")?.address == "€@x.de")
    #expect(OriginalRecipient(type: "utf-8", address: "€+a=b@x.de").parameter == "utf-8;\\x{20AC}\\x{2B}a\\x{3D}b@x.de")
    #expect(OriginalRecipient(type: "rfc822", address: "a+b@x.de").parameter == "rfc822;a+2Bb@x.de")
    for bad in ["", "rfc822", "rfc822;", ";a", "rfc822;a+0D+0A"] { #expect(OriginalRecipient(parameter: bad) == nil) }
  }

  @Test func `Replies in wire form`() {
    #expect(
      SMTPReply(550, "5.1.1", "Sorry (#5.1.1)").wire == Array("550 5.1.1 Sorry (#5.1.1)\r\n".utf8))
    #expect(
      SMTPReply(553, "5.7.1", "one", "two\r\n250 x\u{0}").wire
        == Array("553-5.7.1 one\r\n553-5.7.1 two\r\n553 5.7.1 250 x?\r\n".utf8))
    // Found by fuzzing: a blank at the start, then a word longer than a line.
    let word = SMTPReply(250, "2.0.0", lines: [" a" + String(repeating: "\u{fffd}", count: 400)])
    #expect(word.wire.split(separator: 0x0a).allSatisfy { $0.count < SMTPReply.maximumLineLength })
    let long = SMTPReply(250, nil, lines: [String(repeating: "word ", count: 400)])
    #expect(long.lines.count > 1)
    #expect(long.wire.split(separator: 0x0a).allSatisfy { $0.count < SMTPReply.maximumLineLength })
  }

  @Test func `Remote replies are collected and bounded`() throws {
    var parser = SMTPReplyParser()
    #expect(try parser.add(Array("250-2.1.5 one".utf8)) == nil)
    let reply = try #require(try parser.add(Array("250 2.1.5 two".utf8)))
    #expect(reply == SMTPReply(250, "2.1.5", "one", "two"))
    #expect(try parser.add(Array("250".utf8))?.lines == [""])
    #expect(try parser.add(Array("550 MAILBOX NOT FOUND".utf8))?.text == "550 MAILBOX NOT FOUND")
    #expect(throws: SMTPReplyParser.Failure.self) { try parser.add(Array("hello".utf8)) }
    _ = try parser.add(Array("250-a".utf8))
    #expect(throws: SMTPReplyParser.Failure.mixedCodes) { try parser.add(Array("550 b".utf8)) }
    #expect(throws: SMTPReplyParser.Failure.tooLong) {
      for _ in 0..<1000 { _ = try parser.add(Array("250-more".utf8)) }
    }
  }

  /// RFC 4648 section 10.
  @Test(arguments: [
    ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
    ("foobar", "Zm9vYmFy"),
  ])
  func `Base64 vectors`(_ plain: String, _ encoded: String) {
    #expect(Base64.encode(Array(plain.utf8)) == encoded)
    #expect(Base64.decode(encoded) == Array(plain.utf8))
  }

  @Test(arguments: ["Z", "Zg", "Zg=", "Zh==", "Zm9=", "Zm9v\n", "Zg==Zg==", "=", "====", "Zm 9", "Zm-_"])
  func `Base64 is strict`(_ text: String) {
    #expect(Base64.decode(text) == nil)
  }
}
