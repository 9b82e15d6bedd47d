import Basics
import Testing

@testable import MailSyntax

@Suite struct AddressTests {
  @Test func `Domains fold to lower case and A-labels`() throws {
    #expect(try MailDomain("Example.COM.").ascii == "example.com")
    #expect(try MailDomain("Bücher.Example").ascii == "xn--bcher-kva.example")
    #expect(try MailDomain("BU\u{308}CHER.example").ascii == "xn--bcher-kva.example")
    #expect(try MailDomain("XN--BCHER-KVA.example").unicode == "bücher.example")
    #expect(try MailDomain("例え。テスト").ascii == "xn--r8jz45g.xn--zckzah")
    #expect(try MailDomain("faß.de").ascii == "xn--fa-hia.de")
    #expect(try MailDomain("ＥＸＡＭＰＬＥ．ＣＯＭ").ascii == "example.com")
    #expect(try MailDomain("[192.0.2.1]").literal == IPAddress("192.0.2.1"))
    #expect(try MailDomain("[IPv6:2001:DB8::1]").ascii == "[IPv6:2001:db8::1]")
    #expect(try MailDomain("mail_host.example").ascii == "mail_host.example")
  }

  @Test(arguments: [
    "", ".", "a..b", ".a", "-a.b", "a-.b", "a b.c", "a\0b.c", "1.2.3.4", "[1.2.3]", "[1.2.3.4", "xn--a-.de",
    "xn--\u{7f}.de",
    "xn--99999999999.de", "a/b.de", "☃.example", "\u{301}a.de", "a\u{200b}b.de",
    String(repeating: "a", count: 64) + ".de",
    (0..<64).map { _ in "abcd" }.joined(separator: "."), String(repeating: "ü", count: 60) + ".de",
  ])
  func `Impossible domains are refused`(_ text: String) {
    #expect(throws: AddressError.self) { try MailDomain(text) }
  }

  @Test func `Addresses keep their local part and quote it when they must`() throws {
    let plain = try EmailAddress("Smith@Example.COM")
    #expect(plain.localPart == "Smith" && plain.key == "smith@example.com" && "\(plain)" == "Smith@example.com")
    let quoted = try EmailAddress(#""John \"Q\\ Doe"@example.org"#)
    #expect(quoted.localPart == #"John "Q\ Doe"#)
    #expect("\(quoted)" == #""John \"Q\\ Doe"@example.org"#)
    #expect("\(try EmailAddress(#""plain"@example.org"#))" == "plain@example.org")
    #expect("\(try EmailAddress("a..b@example.org"))" == #""a..b"@example.org"#)
    #expect(try EmailAddress("用户@例え.テスト").needsSMTPUTF8)
    #expect(try EmailAddress("x@[192.0.2.7]").domain.literal != nil)
    #expect(try EmailAddress("a%b@example.org").localPart == "a%b")
  }

  @Test(arguments: [
    "", "@", "a", "a@", "@b.c", "a b@c.de", "a@b@c.de", "\"a@b.de", "\"\"@b.de", "a\r\n@b.de", "\"a\0\"@b.de",
    "a@b.de>",
    "<a@b.de>", "a(c)@b.de", String(repeating: "a", count: 260) + "@b.de",
  ])
  func `Broken addresses are refused`(_ text: String) {
    #expect(throws: AddressError.self) { try EmailAddress(text) }
  }

  @Test func `R51 user%domain, user@domain and user slash domain are one login`() throws {
    for text in ["webmaster%LesVinsDeFrance.com", "Webmaster@lesvinsdefrance.com", "WEBMASTER/lesvinsdefrance.COM"] {
      #expect(try LoginName(text).key == "webmaster@lesvinsdefrance.com")
    }
    #expect(try LoginName("JO\u{308}RG%x.de").key.utf8.elementsEqual("jörg@x.de".utf8))
    #expect(try LoginName("a%b@c.de").address.localPart == "a%b")
    #expect(try LoginName("info%bücher.example").key == "info@xn--bcher-kva.example")
    for text in ["", "alice", "alice@", "@d.de", "a\0lice@d.de", "alice@d.de\0", "a\n@d.de", "a b@d.de"] {
      #expect(throws: AddressError.self) { try LoginName(text) }
    }
  }

  /// RFC 3492 section 7.1.
  @Test(arguments: [
    ("ليهمابتكلموشعربي؟", "egbpdaj6bu4bxfgehfvwxn"), ("他们为什么不说中文", "ihqwcrb4cv8a8dqg056pqjye"),
    ("他們爲什麽不說中文", "ihqwctvzc91f659drss3x8bo0yb"), ("Pročprostěnemluvíčesky", "Proprostnemluvesky-uyb24dma41a"),
    ("למההםפשוטלאמדבריםעברית", "4dbcagdahymbxekheh6e0a7fei0b"),
    ("यहलोगहिन्दीक्योंनहींबोलसकतेहैं", "i1baa7eci9glrd9b2ae1bj0hfcgg6iyaf8o0a1dig0cd"),
    ("なぜみんな日本語を話してくれないのか", "n8jok5ay5dzabd5bym9f0cm5685rrjetr6pdxa"),
    ("почемужеонинеговорятпорусски", "b1abfaaepdrnnbgefbadotcwatmq2g4l"),
    ("PorquénopuedensimplementehablarenEspañol", "PorqunopuedensimplementehablarenEspaol-fmd56a"),
    ("TạisaohọkhôngthểchỉnóitiếngViệt", "TisaohkhngthchnitingVit-kjcr8268qyxafd2f1b9g"),
    ("3年B組金八先生", "3B-ww4c5e180e575a65lsy2b"), ("安室奈美恵-with-SUPER-MONKEYS", "-with-SUPER-MONKEYS-pc58ag80a8qai00g7n9n"),
    ("Hello-Another-Way-それぞれの場所", "Hello-Another-Way--fc4qua05auwb3674vfr0b"),
    ("ひとつ屋根の下2", "2-u9tlzr9756bt3uc0v"), ("MajiでKoiする5秒前", "MajiKoi5-783gue6qz075azm5e"),
    ("パフィーdeルンバ", "de-jg4avhby1noc0d"), ("そのスピードで", "d9juau41awczczp"), ("-> $1.00 <-", "-> $1.00 <--"),
  ])
  func `RFC 3492 samples`(_ unicode: String, _ ascii: String) {
    #expect(Punycode.encode(Array(unicode.unicodeScalars)) == ascii)
    #expect(Punycode.decode(ascii) == Array(unicode.unicodeScalars))
  }
}
