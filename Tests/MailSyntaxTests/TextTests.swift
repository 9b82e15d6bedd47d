import Basics
import Testing

@testable import MailSyntax

@Suite struct TextTests {
  /// RFC 2047 section 8.
  @Test(arguments: [
    ("=?US-ASCII?Q?Keith_Moore?= <moore@cs.utk.edu>", "Keith Moore <moore@cs.utk.edu>"),
    ("=?ISO-8859-1?Q?Keld_J=F8rn_Simonsen?= <keld@dkuug.dk>", "Keld Jørn Simonsen <keld@dkuug.dk>"),
    ("=?ISO-8859-1?Q?Andr=E9?= Pirard", "André Pirard"),
    (
      "=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?=\r\n =?ISO-8859-2?B?dSB1bmRlcnN0YW5kIHRoZSBleGFtcGxlLg==?=",
      "If you can read this you understand the example."
    ),
    ("(=?ISO-8859-1?Q?a?=)", "(a)"), ("(=?ISO-8859-1?Q?a?= b)", "(a b)"),
    ("(=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=)", "(ab)"), ("(=?ISO-8859-1?Q?a?=  =?ISO-8859-1?Q?b?=)", "(ab)"),
    ("(=?ISO-8859-1?Q?a?=\r\n    =?ISO-8859-1?Q?b?=)", "(ab)"), ("(=?ISO-8859-1?Q?a_b?=)", "(a b)"),
    ("(=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=)", "(a b)"),
    ("=?iso-8859-8?b?7eXs+SDv4SDp7Oj08A==?=", "םולש ןב ילטפנ"),
    ("=?US-ASCII*EN?Q?Keith_Moore?=", "Keith Moore"),
    // Cut in the middle of a character, as many senders do.
    ("=?utf-8?b?4oI=?= =?utf-8?b?rA==?=", "€"),
    ("=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=", "日本"), ("=?koi8-r?B?8NLJ18XU?=", "Привет"),
    ("=?x-unknown?q?abc?=", "abc"), ("=?utf-8?q?a b?=", "a b"), ("=?utf-8?x?a?=", "=?utf-8?x?a?="),
    ("=?utf-8?q?open", "=?utf-8?q?open"), ("=?", "=?"), ("a =?= b", "a =?= b"), ("", ""),
    ("=?utf-8?q??= x", " x"), ("=?utf-8//IGNORE?q?a?=", "=?utf-8//IGNORE?q?a?="),
  ])
  func `Encoded words`(_ field: String, _ expected: String) {
    #expect(EncodedWord.decode(Array(field.utf8)) == expected)
  }

  @Test func `Raw octets are read as UTF-8, else as Windows-1252`() {
    #expect(EncodedWord.decode(Array("schön".utf8)) == "schön")
    #expect(EncodedWord.decode([0x73, 0x63, 0x68, 0xf6, 0x6e, 0x80]) == "schön€")
    #expect(CharsetDecoder("utf-16be").decode([0x00, 0x41, 0xd8]) == "A\u{fffd}")
    #expect(CharsetDecoder("shift_jis").decode([0x93, 0xfa, 0x96, 0x7b, 0xff]) == "日本\u{fffd}")
    #expect(!CharsetDecoder("UTF-8//TRANSLIT").isKnown && CharsetDecoder("Windows-1251").isKnown)
  }

  @Test(arguments: [
    "", "plain", "grün und weiß", "日本語の件名はとても長いので折り返されるべきです、そうでしょう", "=?x?q?y?=", "a\u{1f600}b", "tab\t\u{7}",
  ])
  func `Encoded words come back`(_ text: String) {
    let words = EncodedWord.encodedWords(text)
    #expect(words.allSatisfy { $0.utf8.count <= 60 })
    #expect(EncodedWord.decode(Array(EncodedWord.encode(text).utf8)) == text)
  }

  /// RFC 3501 section 5.1.3 and RFC 9051 appendix A's kin.
  @Test(arguments: [
    ("~peter/mail/台北/日本語", "~peter/mail/&U,BTFw-/&ZeVnLIqe-"), ("Entwürfe 日本 & Co", "Entw&APw-rfe &ZeVnLA- &- Co"),
    ("INBOX", "INBOX"), ("", ""), ("&-", "&--"), ("\u{1f600}", "&2D3eAA-"),
  ])
  func `Modified UTF-7`(_ name: String, _ wire: String) {
    #expect(ModifiedUTF7.encode(name) == wire)
    #expect(ModifiedUTF7.decode(wire) == name)
  }

  @Test(arguments: [
    "&", "&Jjo", "&Jjo!", "&AGE-", "&U,BTFx-", "&U,BTFw-&ZeVnLIqe-", "a\u{1}", "ü", "&2AA-", "&AAAA-", "&U/BTFw-",
  ])
  func `Modified UTF-7 that is not canonical`(_ wire: String) { #expect(ModifiedUTF7.decode(wire) == nil) }

  /// RFC 5256 section 2.1.
  @Test(arguments: [
    ("Re: hello", "hello", true), ("hello", "hello", false),
    ("RE : [a] [b] Fwd[x]: hello  world (fwd) (FWD)", "hello world", true),
    ("[list] hello", "hello", false), ("[only]", "[only]", false), ("[fwd: hello]", "hello", true),
    ("[Fwd: Re: [x] hello (fwd)]", "hello", true), ("Fw: fwd: re: x", "x", true), ("Re: [list] Re: y", "y", true),
    ("", "", false), ("re:", "", true), ("Reply: x", "Reply: x", false), ("a\tb\r\n c", "a b c", false),
    ("=?utf-8?q?Re=3A_x?=", "x", true),
  ])
  func `Base subjects`(_ subject: String, _ base: String, _ marked: Bool) {
    let result = BaseSubject(Array(subject.utf8))
    #expect(result.text == base && result.isReplyOrForward == marked)
  }

  @Test(arguments: [
    ("Fri, 21 Nov 1997 09:55:06 -0600", 880_127_706),
    ("Thu,\r\n 13\r\n  Feb\r\n 1969\r\n 23:32\r\n -0330 (Newfoundland Time)", -27_723_480),
    ("21 Nov 97 09:55:06 GMT", 880_106_106), ("Mon, 7 Feb 94 21:52:25 PST", 760_686_745),
    ("1 Jan 2000 00:00 Z", 946_684_800),
    ("Sat Feb  5 10:20:30 2000", 949_746_030), ("Tue, 29 Feb 2000 23:59:60 +0000", 951_868_800),
    ("31-Dec-1999 23:59:59 EST", 946_702_799), ("Wed, 02 Jan 2002 10.20.30 +0100", 1_009_963_230),
  ])
  func `RFC 5322 dates`(_ text: String, _ seconds: Int64) {
    #expect(MessageDate.parse(Array(text.utf8))?.time.seconds == seconds)
  }

  @Test(arguments: [
    "", "hello", "32 Jan 2000 00:00:00 GMT", "30 Feb 2000 00:00 GMT", "1 Jan 2000 24:00 GMT", "1 Foo 2000 00:00 GMT",
    "99999999999999999999 Jan 2000", "1 Jan 10000", "1 Jan 2000 10:", "::::",
  ])
  func `Dates that are none`(_ text: String) { #expect(MessageDate.parse(Array(text.utf8)) == nil) }

  @Test func `Dates in and out`() throws {
    let time = Timestamp(seconds: 837_596_665)
    #expect(MessageDate.format(time, zoneMinutes: -420) == "Wed, 17 Jul 1996 02:44:25 -0700")
    #expect(MessageDate.formatInternalDate(time, zoneMinutes: -420) == "17-Jul-1996 02:44:25 -0700")
    let zoned = try #require(MessageDate.parseInternalDate("17-Jul-1996 02:44:25 -0700"))
    #expect(zoned.time == time && zoned.zoneMinutes == -420)
    #expect(MessageDate.parseInternalDate(" 1-Feb-1994 00:00:00 +0530")?.day == 8797)
    #expect(MessageDate.parseSearchDate("1-Feb-1994") == 8797 && MessageDate.parseSearchDate("01-feb-1994") == 8797)
    for bad in ["", "1-Feb-94", "32-Jan-2000", "1-Foo-2000", "1-Feb-1994-", "001-Feb-1994"] {
      #expect(MessageDate.parseSearchDate(bad) == nil)
    }
    for bad in ["1-Feb-1994 00:00:00 +0530", "17-Jul-1996 02:44:25 0700", "17-Jul-1996 25:44:25 -0700", ""] {
      #expect(MessageDate.parseInternalDate(bad) == nil)
    }
  }

  @Test(arguments: [1, 2, 3, 7, 1000])
  func `Transfer encodings, whole and in pieces`(_ size: Int) {
    func decode(_ text: String, _ name: String) -> String {
      let bytes = Array(text.utf8)
      var decoder = TransferEncoding(name).decoder()
      var result: [UInt8] = []
      var start = 0
      while start < bytes.count {
        let end = min(start + size, bytes.count)
        decoder.decode(bytes.span.extracting(start..<end), into: &result)
        start = end
      }
      decoder.finish(into: &result)
      return String(decoding: result, as: UTF8.self)
    }
    #expect(decode("Zm9v\r\nYmFy\r\n", "BASE64") == "foobar")
    #expect(decode("Zm9vYg==Zm9v", "base64") == "foobfoo")
    #expect(decode("Z*m9v Ym", "base64") == "foob")
    #expect(
      decode("If you believe that truth=3Dbeauty, then =\r\nsurely  \t\r\nx=20\r\n", "quoted-printable")
        == "If you believe that truth=beauty, then surely\r\nx \r\n")
    #expect(decode("a= \t\r\nb=\nc=zz=4=", "Quoted-Printable") == "abc=zz=4")
    #expect(decode("=c3=A9", "quoted-printable") == "é")
    #expect(decode("=4", "quoted-printable") == "=4" && decode("=4x=\r=", "quoted-printable") == "=4x=\r")
    #expect(decode("a =\r\n b==41=\n=\r\n=c", "quoted-printable") == "a  b=A=c")
    #expect(decode("a=3Db", "8bit") == "a=3Db")
  }

  @Test func `Header sections`() {
    let section = HeaderSection(
      wire("Subject: a\n b\nX: 1\nx : 2\n\tjunk\nno colon\nTo: A <a@b.de>, c@d.de\n\nbody: x\n"))
    #expect(section.first("SUBJECT") == "a b" && section.values("x").map { string($0) } == ["1", "2\tjunk"])
    #expect(section.hasBlankLine && section.count("x") == 2 && section.first("body") == nil)
    #expect(section.addresses("to").compactMap(\.address).map(\.key) == ["a@b.de", "c@d.de"])
    #expect(HeaderSection([]).fields.isEmpty)
  }
}
